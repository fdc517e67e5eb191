mod aws;
mod collected;
mod old_names;
mod shapes;
mod traps;

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::core::context::{Env, RunContext};
use crate::core::inputs::files::FileTree;
use crate::core::inputs::flags::FlagValues;
use crate::core::inputs::parse::parse;
use crate::core::inputs::raw::RawInputs;
use crate::core::inputs::table::variable;
use crate::core::inputs::{Health, Inputs, WhenBusy};
use crate::core::site::guard::MaxDelete;
use crate::core::site::plan::Compare;

/// The workspace of these tests.
const WORKSPACE: &str = "/workspace";

fn tree() -> FileTree {
    FileTree::default()
        .directory("/workspace/src")
        .directory("/workspace/tests")
        .file("/workspace/Cargo.toml", "")
}

/// Parses `with` (inputs) and `env` (variables of the step) in a workspace with the directories `src` and `tests`.
fn inputs(with: &[(&str, &str)], env: &[(&str, &str)]) -> Result<Inputs, Vec<String>> {
    inputs_among(&tree(), with, env)
}

/// The same in a workspace with other files.
fn inputs_among(files: &FileTree, with: &[(&str, &str)], env: &[(&str, &str)]) -> Result<Inputs, Vec<String>> {
    let pairs = with
        .iter()
        .map(|(name, value)| (variable(name), (*value).to_owned()))
        .chain(
            env.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
        .chain([("GITHUB_REPOSITORY".to_owned(), "octo/site".to_owned())]);
    let env = Env::new(pairs);
    let context = RunContext::new(&env, PathBuf::from(WORKSPACE), PathBuf::from("/tmp"));
    let now: DateTime<Utc> = "2021-01-03T12:34:56.789Z".parse().expect("a time");
    parse(
        &RawInputs::read(&FlagValues::default(), &env),
        files,
        &env,
        &context,
        now,
    )
    .map_err(|errors| errors.0)
}

fn errors(with: &[(&str, &str)], env: &[(&str, &str)]) -> Vec<String> {
    inputs(with, env).map(|_| ()).expect_err("inputs that cannot be used")
}

#[track_caller]
fn assert_one_error(with: &[(&str, &str)], env: &[(&str, &str)], parts: &[&str]) {
    let errors = errors(with, env);
    assert_eq!(errors.len(), 1, "{errors:?}");
    for part in parts {
        assert!(errors[0].contains(part), "{part} is not in {}", errors[0]);
    }
}

#[test]
fn nothing_on_is_an_error() {
    assert_one_error(
        &[],
        &[],
        &["No part is enabled", "`bucket`", "`distribution`", "`application-name`"],
    );
}

#[test]
fn an_input_of_a_part_that_is_off_is_an_error() {
    assert_one_error(
        &[("source", "src")],
        &[],
        &["`source` is set but `bucket` is empty", "defined for this repository"],
    );
    assert_one_error(
        &[("environment-name", "e"), ("package", "src"), ("poll-interval", "5")],
        &[],
        &["`environment-name`, `package`, `poll-interval` are set but `application-name` is empty"],
    );
    assert_one_error(
        &[("bucket", "my-bucket"), ("paths", "/x")],
        &[],
        &["`paths` is set but `distribution` is empty"],
    );
    assert_one_error(
        &[("distribution", "E1"), ("paths", "/x"), ("force", "true")],
        &[],
        &["`force` is set but `bucket` or `application-name` is empty"],
    );
}

#[test]
fn the_headline_names_the_enabled_parts_alone() {
    let inputs = inputs(&[("bucket", "my-bucket")], &[]).expect("good inputs");
    assert_eq!(inputs.headline, "Deploying to s3://my-bucket/ (`bucket`)");
}

#[test]
fn old_environment_names_switch_parts_on_where_no_input_does() {
    let env = [
        ("AWS_S3_BUCKET", "my-bucket"),
        ("SOURCE_DIR", "src"),
        ("DEST_DIR", "p"),
        ("DISTRIBUTION", "E1"),
    ];
    let with = [("args", "--delete"), ("paths", "/a  /b")];
    let from_env = inputs(&with, &env).expect("good inputs");
    let site = from_env.site.expect("a site");
    assert_eq!((site.bucket.as_str(), site.prefix.as_str()), ("my-bucket", "p/"));
    assert!(site.source.ends_with("src"));
    let cdn = from_env.cdn.expect("a cdn");
    assert_eq!(
        cdn.paths.as_deref(),
        Some(["/a".to_owned(), "/b".to_owned()].as_slice())
    );

    let switched = inputs(
        &[("distribution", "E1"), ("paths", "/x")],
        &[("AWS_S3_BUCKET", "my-bucket")],
    );
    let switched = switched.expect("good inputs");
    assert!(switched.site.is_none());
    assert!(switched.notices[0].contains("`AWS_S3_BUCKET` in the environment is ignored"));
}

#[test]
fn an_empty_old_name_is_an_unset_secret() {
    assert_one_error(&[], &[("AWS_S3_BUCKET", "")], &["`AWS_S3_BUCKET` is present but empty"]);
    for name in ["SOURCE_DIR", "DEST_DIR", "AWS_S3_ENDPOINT", "PATHS", "PATHS_FROM"] {
        assert!(inputs(&[("source", "src")], &[("AWS_S3_BUCKET", "my-bucket"), (name, " ")]).is_ok());
    }
    // Where inputs switch parts on, variables of other tools may be as they are.
    assert!(inputs(&[("bucket", "my-bucket")], &[("DISTRIBUTION", "")]).is_ok());
}

#[test]
fn an_old_and_a_new_name_must_agree() {
    assert_one_error(
        &[("bucket", "my-bucket"), ("source", "src")],
        &[("SOURCE_DIR", "tests")],
        &["`source` is `src`", "`SOURCE_DIR` is `tests`", "keep `source`"],
    );
    assert!(inputs(&[("bucket", "b-1"), ("source", "src")], &[("SOURCE_DIR", "src")]).is_ok());
    let secret = errors(
        &[
            ("bucket", "my-bucket"),
            ("aws-access-key-id", "A"),
            ("aws-secret-access-key", "hidden-one"),
            ("aws_secret_key", "hidden-two"),
        ],
        &[],
    );
    assert!(!secret.concat().contains("hidden"), "{secret:?}");
}

#[test]
fn all_errors_come_together() {
    let errors = errors(
        &[
            ("bucket", "my-bucket"),
            ("source", "no/such/directory"),
            ("dry-run", "yes"),
            ("max-delete", "some"),
            ("compare", "hash"),
            ("args", "--acl nobody --recursive"),
        ],
        &[],
    );
    for part in [
        "`dry-run` is `yes`; it must be `true` or `false`",
        "`max-delete` is `some`",
        "`compare` is `hash`; it must be `content`, `modified` or `size`",
        "`source` is `no/such/directory`, which does not exist",
        "--recursive",
        "nobody",
    ] {
        assert!(
            errors.iter().any(|error| error.contains(part)),
            "{part} is not in {errors:?}"
        );
    }
}

#[test]
fn keys_come_whole_or_not_at_all() {
    assert_one_error(
        &[("bucket", "my-bucket"), ("aws-access-key-id", "AKIA")],
        &[],
        &["`aws-access-key-id` is set but `aws-secret-access-key` is empty"],
    );
    assert_one_error(
        &[("bucket", "my-bucket"), ("aws-session-token", "t")],
        &[],
        &["`aws-session-token` is set without"],
    );
}

#[test]
fn filters_of_args_come_after_the_inputs() {
    let inputs = inputs(
        &[
            ("bucket", "my-bucket"),
            ("exclude", "*.map\n*.txt\n"),
            ("include", "keep.txt"),
            ("args", "--exclude 'keep.txt' --include a.map"),
        ],
        &[],
    );
    let filter = inputs.expect("good inputs").site.expect("a site").filter;
    assert!(filter.includes_local("index.html"));
    assert!(!filter.includes_local("b.map"));
    assert!(!filter.includes_local("keep.txt"));
    assert!(filter.includes_local("a.map"));
}

#[test]
fn a_prefix_that_is_read_as_a_pattern_is_said_so() {
    let notices = |prefix: &str| {
        let with = [("bucket", "web"), ("prefix", prefix), ("exclude", "*.map")];
        inputs(&with, &[]).expect("valid inputs").warnings
    };
    assert_eq!(notices("v1"), Vec::<String>::new());
    assert!(notices("v[1]").iter().any(|notice| notice.contains("`v[1]/`")));
}

#[test]
fn site_values_become_types() {
    let inputs = inputs(
        &[
            ("bucket", "my-bucket"),
            ("prefix", "docs"),
            ("delete", "TRUE"),
            ("max-delete", "12.5%"),
            ("args", "--size-only --dryrun"),
            ("endpoint-url", "http://127.0.0.1:3900"),
        ],
        &[],
    )
    .expect("good inputs");
    assert!(inputs.dry_run);
    let site = inputs.site.expect("a site");
    assert_eq!(site.prefix, "docs/");
    assert!(site.delete);
    assert_eq!(site.max_delete, MaxDelete::Percent(12.5));
    assert_eq!(site.compare, Compare::Size);
    assert_eq!(inputs.aws.endpoint_url.as_deref(), Some("http://127.0.0.1:3900"));
}

#[test]
fn a_bucket_is_a_name_of_a_general_purpose_bucket() {
    for (bucket, part) in [
        ("my-bucket--use1-az4--x-s3", "directory buckets"),
        ("s3://my-bucket/docs", "write `bucket: my-bucket` and `prefix: docs`"),
        ("my-bucket/docs", "write `bucket: my-bucket` and `prefix: docs`"),
        ("arn:aws:s3:::my-bucket", "write `bucket: my-bucket`"),
        (
            "arn:aws:s3:eu-west-1:123456789012:accesspoint/x",
            "access points are not supported",
        ),
        (
            "my-bucket.s3-website-us-east-1.amazonaws.com",
            "write `bucket: my-bucket`",
        ),
        ("a b", "the name of a bucket"),
    ] {
        assert_one_error(&[("bucket", bucket)], &[], &[part, bucket]);
    }
}

#[test]
fn backend_values_become_types() {
    let inputs = inputs(
        &[
            ("aws-region", "eu-central-1"),
            ("application_name", "my-app"),
            ("environment-name", "blue green blue"),
            ("package", "src"),
            ("version-label", "python-{timestamp}"),
            ("accepted-health", "green Yellow"),
            ("when-busy", "abort"),
            ("wait_for_environment_recovery", "5"),
            (
                "option-settings",
                r#"[{"Namespace": "n", "OptionName": "o", "Value": "v"}]"#,
            ),
        ],
        &[],
    );
    let backend = inputs.expect("good inputs").backend.expect("a backend");
    assert_eq!(backend.application, "my-app");
    assert_eq!(backend.environments, ["blue", "green"]);
    assert_eq!(backend.version_label, "python-2021-01-03T12-34-56-789Z");
    assert_eq!(backend.accepted_health, [Health::Green, Health::Yellow]);
    assert_eq!(backend.when_busy, WhenBusy::Abort);
    assert_eq!(backend.recovery, Duration::from_secs(5));
    assert_eq!(backend.timeout, Duration::from_secs(1800));
    assert_eq!(backend.option_settings[0].option_name, "o");
}

#[test]
fn a_backend_needs_a_region_and_something_to_deploy() {
    assert_one_error(
        &[("application-name", "a"), ("package", "src")],
        &[],
        &["`aws-region` is empty"],
    );
    assert_one_error(
        &[("application-name", "a"), ("aws-region", "eu-central-1")],
        &[],
        &["`package` and `version-label` are both empty"],
    );
    assert_one_error(
        &[
            ("application-name", "a"),
            ("aws-region", "eu-central-1"),
            ("package", "Cargo.toml"),
        ],
        &[],
        &["`package` is `Cargo.toml`; it must be a directory, a `.zip`"],
    );
}

#[test]
fn a_rollback_needs_no_checkout() {
    let inputs = inputs(
        &[
            ("command", "rollback"),
            ("bucket", "my-bucket"),
            ("source", "no/such/directory"),
            ("distribution", "E1"),
            ("paths-from", "no/such/file"),
            ("application-name", "a"),
            ("aws-region", "eu-central-1"),
            ("environment-name", "e"),
            ("package", "no/such/package"),
            ("version-label", "{unknown}"),
            ("to", "previous"),
        ],
        &[],
    );
    let inputs = inputs.expect("good inputs");
    assert_eq!(inputs.release.to, None);
    assert!(inputs.backend.expect("a backend").package.is_none());
}

#[test]
fn a_distribution_without_a_bucket_needs_paths() {
    assert_one_error(&[("distribution", "E1")], &[], &["say what to invalidate in `paths`"]);
    assert_one_error(
        &[("distribution", "E1"), ("paths-from", "no/such/file")],
        &[],
        &["`paths-from` is `no/such/file`, which cannot be read"],
    );
    assert_one_error(
        &[("distribution", "d1.cloudfront.net"), ("paths", "/x")],
        &[],
        &["ids of distributions"],
    );
}
