//! The inputs of the site part.

use std::path::Path;

use crate::core::context::RunContext;
use crate::core::inputs::args::{self, SyncFlags};
use crate::core::inputs::parse::{as_prefix, check_directory, path};
use crate::core::inputs::reader::Reader;
use crate::core::inputs::{AwsInputs, Command, SiteInputs};
use crate::core::site::filter::{Filter, Rule, prefix_is_pattern};
use crate::core::site::headers::HeaderRules;
use crate::core::site::object::ObjectOptions;
use crate::core::site::plan::{Compare, MaxDelete};

/// Reads the site part; `None` only beside an error. Flags in `args` may also set the endpoint, the region and dry run.
pub(crate) fn site(
    reader: &mut Reader<'_>,
    command: Command,
    context: &RunContext,
    aws: &mut AwsInputs,
    dry_run: &mut bool,
) -> Option<SiteInputs> {
    let bucket = reader.owned("bucket")?;
    check_bucket(reader, &bucket);
    let flags = sync_flags(reader, context);
    reader.notices.extend(flags.notices.iter().cloned());
    apply_args(reader, &flags, aws);
    *dry_run |= flags.dryrun;

    let typed = reader.owned("source").unwrap_or_else(|| ".".to_owned());
    let source = path(context, &typed);
    if command == Command::Deploy {
        let name = reader.given("source").map_or("source", |given| given.name);
        check_directory(reader, name, &typed, &source);
    }
    let prefix = prefix(reader);
    let filter = filter(reader, &flags, &source, &bucket, &prefix);
    if !filter.is_empty() && prefix_is_pattern(&prefix) {
        reader.notices.push(format!(
            "`prefix` is `{prefix}`, and its `*`, `?` or `[` is read as a pattern where keys are filtered, as `aws s3 \
             sync` does: `exclude` may protect none of its keys from `delete`"
        ));
    }
    let object = object(reader, &flags);
    let headers = HeaderRules::parse(reader.text("headers").unwrap_or_default()).unwrap_or_else(|errors| {
        reader.errors.extend(errors);
        HeaderRules::default()
    });
    Some(SiteInputs {
        source,
        filter,
        object: object?,
        headers,
        delete: reader.boolean("delete", false) || flags.delete,
        max_delete: max_delete(reader),
        compare: compare(reader, &flags),
        force: reader.boolean("force", false),
        no_overwrite: flags.no_overwrite,
        follow_symlinks: !flags.no_follow_symlinks,
        page_size: flags.page_size,
        verbosity: flags.verbosity(),
        bucket,
        prefix,
    })
}

fn sync_flags(reader: &mut Reader<'_>, context: &RunContext) -> SyncFlags {
    let read = |file: &str| std::fs::read(context.workspace.join(file)).map_err(|error| error.to_string());
    args::parse(reader.text("args").unwrap_or_default(), &read).unwrap_or_else(|errors| {
        reader.errors.extend(errors);
        SyncFlags::default()
    })
}

/// `--endpoint-url` and `--region` are the inputs `endpoint-url` and `aws-region` by another name.
fn apply_args(reader: &mut Reader<'_>, flags: &SyncFlags, aws: &mut AwsInputs) {
    if let Some(url) = &flags.endpoint_url {
        match &aws.endpoint_url {
            Some(other) if other != url => reader.errors.push(format!(
                "`endpoint-url` is `{other}` and `--endpoint-url` in `args` is `{url}`: keep one of them"
            )),
            _ => aws.endpoint_url = Some(url.clone()),
        }
    }
    if let Some(region) = &flags.region {
        match reader.text("aws-region") {
            Some(other) if other != region => reader.errors.push(format!(
                "`aws-region` is `{other}` and `--region` in `args` is `{region}`: keep one of them"
            )),
            _ => aws.region = Some(region.clone()),
        }
    }
}

fn check_bucket(reader: &mut Reader<'_>, bucket: &str) {
    if bucket.ends_with("--x-s3") {
        reader.reject(
            "bucket",
            "a general purpose bucket; directory buckets (S3 Express One Zone) cannot be synced",
        );
        return;
    }
    if bucket.starts_with("s3://") || bucket.contains('/') {
        reader.reject("bucket", "the bucket's name alone; a path inside it goes into `prefix`");
        return;
    }
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; other stores, and old buckets in
    // us-east-1, allow upper case and underscores.
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if !(3..=255).contains(&bucket.len()) || !bucket.bytes().all(legal) {
        reader.reject(
            "bucket",
            "the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens",
        );
    }
}

fn prefix(reader: &mut Reader<'_>) -> String {
    let prefix = as_prefix(reader.text("prefix").unwrap_or_default());
    if prefix.starts_with("s3://") {
        reader.reject(
            "prefix",
            "a path inside the bucket, without `s3://` and the bucket's name",
        );
    }
    if prefix.split('/').any(|part| part == ".." || part == ".") {
        reader.reject("prefix", "a path inside the bucket without `.` and `..`");
    }
    if prefix.starts_with(".aws-web-deploy/") {
        reader.reject(
            "prefix",
            "a path other than `.aws-web-deploy/`, where release records are",
        );
    }
    if prefix.starts_with('/') {
        reader.notices.push(format!(
            "`prefix` begins with `/`, and so will every key, as with `aws s3 sync`: `{prefix}`"
        ));
    }
    prefix
}

/// All of `exclude`, then all of `include`, then those of `args`.
fn filter(reader: &Reader<'_>, flags: &SyncFlags, source: &Path, bucket: &str, prefix: &str) -> Filter {
    let of = |name: &str, rule: Rule| {
        let lines = reader.lines(name).into_iter();
        lines.map(move |pattern| (rule, pattern.to_owned())).collect::<Vec<_>>()
    };
    let rules = of("exclude", Rule::Exclude)
        .into_iter()
        .chain(of("include", Rule::Include))
        .chain(flags.filters.iter().cloned());
    Filter::new(rules, source, bucket, prefix)
}

fn object(reader: &mut Reader<'_>, flags: &SyncFlags) -> Option<ObjectOptions> {
    match flags.object_options(reader.text("acl"), reader.text("cache-control")) {
        Ok(options) => Some(options),
        Err(errors) => {
            reader.errors.extend(errors);
            None
        }
    }
}

fn compare(reader: &mut Reader<'_>, flags: &SyncFlags) -> Compare {
    let input = reader.choice(
        "compare",
        &[
            ("content", Some(Compare::Content)),
            ("modified", Some(Compare::Modified)),
            ("size", Some(Compare::Size)),
        ],
        None,
    );
    match (input, flags.compare()) {
        (Some(input), Some(flag)) if input != flag => {
            reader.errors.push(
                "`compare` and `--size-only` or `--exact-timestamps` in `args` contradict each other: keep one"
                    .to_owned(),
            );
            input
        }
        (input, flag) => input.or(flag).unwrap_or(Compare::Content),
    }
}

fn max_delete(reader: &mut Reader<'_>) -> MaxDelete {
    let default = MaxDelete::Percent(50.0);
    let Some(text) = reader.text("max-delete") else {
        return default;
    };
    let parsed = match text.strip_suffix('%') {
        Some(percent) => percent
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|percent| (0.0..=100.0).contains(percent))
            .map(MaxDelete::Percent),
        None => text.parse().ok().map(MaxDelete::Count),
    };
    parsed.unwrap_or_else(|| {
        reader.reject("max-delete", "a whole number such as `100`, or a share such as `50%`");
        default
    })
}
