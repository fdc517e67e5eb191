//! The inputs of the site part.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::core::context::{Env, RunContext};
use crate::core::inputs::args;
use crate::core::inputs::args::sync_flags::{SyncFlags, Verbosity};
use crate::core::inputs::backend::verify_timeout;
use crate::core::inputs::bucket;
use crate::core::inputs::command::Command;
use crate::core::inputs::expand::{Purpose, expand};
use crate::core::inputs::exposed;
use crate::core::inputs::paths::{as_prefix, check_directory, read_file, workspace_path};
use crate::core::inputs::reader::Reader;
use crate::core::inputs::shown::shown_variable;
use crate::core::inputs::urls::check_url;
use crate::core::site::delete_after::DeleteAfter;
use crate::core::site::filter::{Filter, Rule, prefix_is_pattern};
use crate::core::site::guard::MaxDelete;
use crate::core::site::header_rules::HeaderRules;
use crate::core::site::object::ObjectOptions;
use crate::core::site::plan::Compare;
use crate::core::site::verify_site::SiteCheck;

/// The site part.
#[derive(Debug)]
pub(crate) struct SiteInputs {
    /// `bucket`.
    pub(crate) bucket: String,
    /// `source`, absolute.
    pub(crate) source: PathBuf,
    /// `prefix`: empty, or ending in `/`.
    pub(crate) prefix: String,
    /// `exclude`, `include` and the filters of `args`, in that order.
    pub(crate) filter: Filter,
    /// What every object is sent with: ACL, encryption, storage class, fixed headers.
    pub(crate) object: ObjectOptions,
    /// `headers`.
    pub(crate) headers: HeaderRules,
    /// `delete`.
    pub(crate) delete: bool,
    /// `delete-after`.
    pub(crate) delete_after: DeleteAfter,
    /// `max-delete`.
    pub(crate) max_delete: MaxDelete,
    /// `compare`.
    pub(crate) compare: Compare,
    /// `force`.
    pub(crate) force: bool,
    /// `force-headers`: every object is asked whether its headers are right.
    pub(crate) force_headers: bool,
    /// What tells this step from others that deploy to the same prefix: source directory and filters.
    pub(crate) scope: Vec<String>,
    /// `--no-overwrite`: leave objects alone that exist.
    pub(crate) no_overwrite: bool,
    /// `--follow-symlinks` (default) or `--no-follow-symlinks`.
    pub(crate) follow_symlinks: bool,
    /// `--page-size`: keys a listing request, 1 to 1000.
    pub(crate) page_size: Option<i32>,
    /// How much of the object log is printed.
    pub(crate) verbosity: Verbosity,
    /// `verify-site`.
    pub(crate) verify: Vec<SiteCheck>,
    /// `verify-timeout`.
    pub(crate) verify_timeout: Duration,
    /// `command: check`: why a deploy would refuse to publish `source`.
    pub(crate) source_error: Option<String>,
}

/// Reads `args`, variables expanded as the old action's shell did; no flags beside an error.
pub(crate) fn read_args(reader: &mut Reader<'_>, env: &Env, context: &RunContext) -> SyncFlags {
    let files = reader.files;
    let read = |file: &str| read_file(files, context, file);
    // A shell would take the first half of such a line end for a part of the word.
    let typed = reader.text("args").unwrap_or_default().replace("\r\n", "\n");
    let flags = expand(&typed, env, Purpose::Words)
        .map_err(|errors| errors.into_iter().map(|error| format!("`args` {error}")).collect())
        .and_then(|expansion| {
            for (name, value) in &expansion.variables {
                reader.notices.push(format!(
                    "`args`: `${name}` is expanded to `{}`",
                    shown_variable(name, value)
                ));
            }
            args::parse(&expansion.text, &read)
        })
        .unwrap_or_else(|errors: Vec<String>| {
            reader.errors.extend(errors);
            SyncFlags::default()
        });
    reader.notices.extend(flags.notices.iter().cloned());
    flags
}

/// Reads the site part; `None` where it is off.
pub(crate) fn read(
    reader: &mut Reader<'_>,
    command: Command,
    context: &RunContext,
    flags: &SyncFlags,
) -> Option<SiteInputs> {
    let bucket = reader.owned("bucket")?;
    bucket::check(reader, "bucket", &bucket, Some("prefix"));
    check_patterns(reader, "exclude");
    check_patterns(reader, "include");
    let typed = reader.owned("source").unwrap_or_else(|| ".".to_owned());
    let source = workspace_path(context, &typed);
    if command == Command::Deploy {
        let name = reader.given("source").map_or("source", |given| given.name);
        check_directory(reader, name, &typed, &source);
    }
    let prefix = prefix(reader);
    let filter = filter(reader, flags, &source, &bucket, &prefix);
    let source_error = match command {
        Command::Rollback => None,
        Command::Deploy | Command::Check => check_source(reader, flags, &source, &filter),
    };
    if let (Command::Deploy, Some(error)) = (command, &source_error) {
        reader.errors.push(error.clone());
    }
    if !filter.is_empty() && prefix_is_pattern(&prefix) {
        reader.warnings.push(format!(
            "`prefix` is `{prefix}`, and its `*`, `?` or `[` is read as a pattern where keys are filtered, as `aws s3 \
             sync` does: `exclude` may protect none of its keys from `delete`"
        ));
    }
    let headers = HeaderRules::parse(reader.text("headers").unwrap_or_default()).unwrap_or_else(|errors| {
        reader.errors.extend(errors);
        HeaderRules::default()
    });
    let delete = reader.boolean("delete", false) || flags.delete;
    Some(SiteInputs {
        scope: scope(context, &source, &filter),
        source,
        filter,
        object: object(reader, flags),
        headers,
        delete,
        delete_after: delete_after(reader, delete),
        max_delete: max_delete(reader),
        compare: compare(reader, flags),
        force: reader.boolean("force", false),
        force_headers: reader.boolean("force-headers", false),
        no_overwrite: flags.no_overwrite,
        follow_symlinks: !flags.no_follow_symlinks,
        page_size: flags.page_size,
        verbosity: flags.verbosity(),
        verify_timeout: match reader.given("verify-site") {
            Some(_) => verify_timeout(reader),
            None => Duration::ZERO,
        },
        verify: verify_site(reader),
        source_error,
        bucket,
        prefix,
    })
}

/// What tells this step from others that deploy to the same prefix.
fn scope(context: &RunContext, source: &Path, filter: &Filter) -> Vec<String> {
    let below = source.strip_prefix(&context.workspace).ok();
    // Outside of the workspace the path is the machine's own.
    let place = below.unwrap_or_else(|| Path::new(source.file_name().unwrap_or_default()));
    std::iter::once(format!("source {}", place.display()))
        .chain(filter.lines())
        .collect()
}

/// `verify-site`.
fn verify_site(reader: &mut Reader<'_>) -> Vec<SiteCheck> {
    let mut checks = Vec::new();
    for (number, line) in (1..).zip(reader.lines("verify-site")) {
        match SiteCheck::parse(line) {
            Ok(check) => {
                check_url(
                    reader,
                    &format!("the address of line {number} of `verify-site`"),
                    &check.url,
                );
                checks.push(check);
            }
            // It may hold a password or a token.
            Err(reason) => reader
                .errors
                .push(format!("line {number} of `verify-site` is wrong: {reason}")),
        }
    }
    checks
}

/// The error for what is a secret and would be published; warns where a whole checkout goes up.
fn check_source(reader: &mut Reader<'_>, flags: &SyncFlags, source: &Path, filter: &Filter) -> Option<String> {
    let excludes = reader.given("exclude").is_some() || flags.filters.iter().any(|(rule, _)| *rule == Rule::Exclude);
    if reader.given("source").is_none()
        && !excludes
        && let Some((first, count)) = exposed::checkout(reader.files, source)
    {
        let names: Vec<String> = first.iter().map(|name| format!("`{name}`")).collect();
        let more = match count - first.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        reader.warnings.push(format!(
            "`source` is not set, so the whole checkout is published: {}{more}. Set `source` to the directory that holds \
             the site",
            names.join(", ")
        ));
    }
    let secrets = exposed::secrets(reader.files, source, filter);
    (!secrets.is_empty()).then(|| {
        let names: Vec<String> = secrets.iter().map(|name| format!("`{name}`")).collect();
        let (it, is) = match names.len() {
            1 => ("it", "it is"),
            _ => ("them", "they are"),
        };
        format!(
            "the source directory holds {}, which should not be published: exclude {it} by `exclude`, or name {it} in \
             `include` if {is} meant to be",
            names.join(", ")
        )
    })
}

/// Names what a list of patterns is not.
fn check_patterns(reader: &mut Reader<'_>, name: &str) {
    for line in reader.lines(name) {
        if line.contains("--exclude") || line.contains("--include") {
            reader.errors.push(format!(
                "`{name}` holds `{line}`; it must be patterns alone, one per line: flags belong in `args`"
            ));
        } else if line.contains(',') {
            reader.warnings.push(format!(
                "`{name}` holds `{line}`, which is one pattern, comma and all: write one pattern per line if it is to be several"
            ));
        } else if line.len() > 1
            && ["'", "\""]
                .iter()
                .any(|quote| line.starts_with(quote) && line.ends_with(quote))
        {
            reader.warnings.push(format!(
                "`{name}` holds `{line}`: remove the quotes, they are part of the pattern"
            ));
        }
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
        reader.reject(
            "prefix",
            "a path inside the bucket: remove `.` and `..`, S3 keys have no parent directories",
        );
    }
    if prefix.starts_with(".aws-web-deploy/") {
        reader.reject(
            "prefix",
            "a path other than `.aws-web-deploy/`, where release records are",
        );
    }
    if prefix.starts_with('/') {
        let name = reader.given("prefix").map_or("prefix", |given| given.name);
        reader.warnings.push(format!(
            "`{name}` is `{prefix}`, so every key will begin with `/`, as with `aws s3 sync`: remove the `/` unless you \
             mean it"
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

fn object(reader: &mut Reader<'_>, flags: &SyncFlags) -> ObjectOptions {
    flags
        .object_options(reader.text("acl"), reader.text("cache-control"))
        .unwrap_or_else(|errors| {
            reader.errors.extend(errors);
            ObjectOptions::default()
        })
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

/// `delete-after`: without `delete` nothing is ever deleted.
fn delete_after(reader: &mut Reader<'_>, delete: bool) -> DeleteAfter {
    let rules = DeleteAfter::parse(reader.text("delete-after").unwrap_or_default()).unwrap_or_else(|errors| {
        reader.errors.extend(errors);
        DeleteAfter::default()
    });
    if reader.given("delete-after").is_some() && !delete {
        reader
            .errors
            .push("`delete-after` is set but `delete` is not `true`: without it nothing is ever deleted".to_owned());
    }
    rules
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
        reader.reject(
            "max-delete",
            "a whole number such as `100`, or a percentage such as `50%`",
        );
        default
    })
}
