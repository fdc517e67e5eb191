//! Old environment variables: what counts in which step, and what is expanded.

use super::{assert_one_error, inputs};

#[test]
fn a_jobs_variables_make_no_step_another_one() {
    let job = [("AWS_S3_BUCKET", "my-bucket"), ("DISTRIBUTION", "E1"), ("PATHS", "/*")];
    let sync = inputs(&[("args", "--delete"), ("source", "src")], &job).expect("valid inputs");
    assert!(sync.site.is_some() && sync.cdn.is_none());
    assert!(
        sync.notices
            .iter()
            .any(|notice| notice.contains("`DISTRIBUTION` in the environment is ignored")),
        "{:?}",
        sync.notices
    );
    let invalidation = inputs(&[], &job).expect("valid inputs");
    assert!(invalidation.site.is_none() && invalidation.cdn.is_some());
    for (with, step) in [
        (&[][..], ("SOURCE_DIR", "src")),
        (&[("paths", "/*")], ("SOURCE_DIR", "src")),
        (&[], ("AWS_S3_ENDPOINT", "https://storage.example.com")),
    ] {
        assert_one_error(
            with,
            &[job[0], job[1], job[2], step],
            &["syncs or invalidates", "`bucket: ${{ env.AWS_S3_BUCKET }}`"],
        );
    }
    let sync = inputs(&[], &job[..2]).expect("valid inputs");
    assert!(sync.site.is_some() && sync.cdn.is_none());
}

#[test]
fn an_invalidation_whose_paths_are_empty_never_syncs() {
    let job = [("AWS_S3_BUCKET", "my-bucket"), ("DISTRIBUTION", "E1")];
    for empty in [("PATHS", ""), ("PATHS_FROM", " ")] {
        assert_one_error(&[], &[job[0], job[1], empty], &["`PATHS` is empty"]);
        let directory = ("SOURCE_DIR", "src");
        assert_one_error(&[], &[job[0], job[1], empty, directory], &["syncs or invalidates"]);
    }
}

#[test]
fn a_source_that_expands_to_nothing_is_not_the_workspace() {
    let bucket = ("AWS_S3_BUCKET", "my-bucket");
    assert_one_error(
        &[],
        &[bucket, ("SOURCE_DIR", "$SITE"), ("SITE", "")],
        &["`SOURCE_DIR` is `$SITE`, which expands to nothing"],
    );
    assert!(inputs(&[], &[bucket, ("SOURCE_DIR", "")]).is_ok());
    assert_one_error(
        &[],
        &[("AWS_S3_BUCKET", "$SITE"), ("SOURCE_DIR", "src"), ("SITE", "")],
        &["`AWS_S3_BUCKET` is `$SITE`, which expands to nothing"],
    );
}

#[test]
fn an_old_value_is_read_as_the_old_shell_read_it_or_refused() {
    let bucket = ("AWS_S3_BUCKET", "'my-bucket'");
    let read = inputs(&[], &[bucket, ("SOURCE_DIR", "\"src\""), ("DEST_DIR", "a\\ b")]).expect("valid inputs");
    let site = read.site.expect("a site");
    assert_eq!((site.bucket.as_str(), site.prefix.as_str()), ("my-bucket", "a b/"));
    assert!(
        read.notices
            .contains(&"`SOURCE_DIR`: `\"src\"` is read as `src`, as the old action's shell read it".to_owned()),
        "{:?}",
        read.notices
    );
    for name in ["AWS_S3_BUCKET", "SOURCE_DIR", "DEST_DIR", "AWS_S3_ENDPOINT"] {
        for value in [
            "a;b",
            "a & b",
            "a|b",
            "a*",
            "a(b",
            "a<b",
            "a>b",
            "#a",
            "`a`",
            "it's",
            "a\\",
            "a --delete",
        ] {
            let mut env = vec![("AWS_S3_BUCKET", "my-bucket")];
            env.retain(|(known, _)| *known != name);
            env.push((name, value));
            let errors = super::errors(&[], &env);
            let named = errors.iter().any(|error| error.starts_with(&format!("`{name}` ")));
            assert!(named, "{name}: {value}: {errors:?}");
        }
    }
}

#[test]
fn a_file_of_paths_overrides_the_paths_as_it_did() {
    let tree = super::tree().file("/workspace/changed", "/b\n");
    let env = [("DISTRIBUTION", "E1"), ("PATHS", "/a"), ("PATHS_FROM", "changed")];
    let read = super::inputs_among(&tree, &[], &env).expect("valid inputs");
    assert_eq!(read.cdn.expect("an invalidation").paths, Some(vec!["/b".to_owned()]));
    assert!(
        read.notices
            .iter()
            .any(|notice| notice.contains("`PATHS_FROM` overrides it")),
        "{:?}",
        read.notices
    );
}

#[test]
fn a_backend_among_a_jobs_sync_variables_is_no_reason_to_warn() {
    let with = [
        ("application_name", "a"),
        ("region", "eu-central-1"),
        ("deployment_package", "src"),
    ];
    let read = inputs(
        &with,
        &[("AWS_S3_BUCKET", "my-bucket"), ("SOURCE_DIR", "src"), ("PATHS", "/*")],
    );
    let read = read.expect("valid inputs");
    assert!(read.site.is_none() && read.cdn.is_none());
    assert_eq!(read.warnings, Vec::<String>::new());
    assert_eq!(read.notices.len(), 3, "{:?}", read.notices);
}

#[test]
fn a_path_in_the_old_bucket_is_a_prefix() {
    let site = |env: &[(&str, &str)]| inputs(&[], env).map(|inputs| inputs.site.expect("a site"));
    let read = site(&[("AWS_S3_BUCKET", "my-bucket/docs/v1")]).expect("valid inputs");
    assert_eq!((read.bucket.as_str(), read.prefix.as_str()), ("my-bucket", "docs/v1/"));
    let read = site(&[("AWS_S3_BUCKET", "my-bucket/docs"), ("DEST_DIR", "v2")]).expect("valid inputs");
    assert_eq!(read.prefix, "docs/v2/");
    for wrong in ["my-bucket/", "s3://my-bucket/docs", "arn:aws:s3:::my-bucket/docs"] {
        assert_one_error(&[], &[("AWS_S3_BUCKET", wrong)], &["the bucket's name alone"]);
    }
    assert_one_error(&[("bucket", "my-bucket/docs")], &[], &["the bucket's name alone"]);
}

#[test]
fn the_old_description_is_literal() {
    let described = |name, text| {
        let with = [
            ("application-name", "a"),
            ("package", "src"),
            ("aws-region", "eu-central-1"),
            (name, text),
        ];
        inputs(&with, &[]).map(|inputs| inputs.backend.expect("a backend").version_description)
    };
    let old = described("version_description", "fix {x} in {sha}").expect("valid inputs");
    assert_eq!(old.as_deref(), Some("fix {x} in {sha}"));
    assert!(described("version-description", "fix {x}").is_err());
}

#[test]
fn old_variables_steer_nothing_where_an_input_enables_the_part() {
    let job = [
        ("AWS_S3_ENDPOINT", "http://attacker"),
        ("DEST_DIR", "x"),
        ("SOURCE_DIR", "other"),
        ("PATHS", "/*"),
    ];
    // Ignored, each of them would publish something else, or to another place.
    let errors = super::errors(&[("bucket", "my-bucket"), ("exclude", "*.map")], &job);
    assert_eq!(errors.len(), 3, "{errors:?}");
    for (name, input) in [
        ("AWS_S3_ENDPOINT", "endpoint-url"),
        ("DEST_DIR", "prefix"),
        ("SOURCE_DIR", "source"),
    ] {
        let error =
            format!("`{name}` is set in the environment, and `{input}` is not set beside `bucket`: set `{input}`");
        assert!(errors.iter().any(|text| text.starts_with(&error)), "{errors:?}");
    }
    // The step says so itself.
    let own = [("DEST_DIR", ""), ("AWS_S3_ENDPOINT", ""), job[3]];
    let read = inputs(&[("bucket", "my-bucket"), ("source", "src")], &own).expect("valid inputs");
    assert_eq!(read.aws.endpoint_url, None);
    assert_eq!(read.site.expect("a site").prefix, "");
    // A rollback needs no source.
    let back = [("bucket", "my-bucket"), ("command", "rollback")];
    assert!(inputs(&back, &job[2..]).is_ok());
    assert_eq!(super::errors(&back, &job[1..2]).len(), 1);
}

#[test]
fn old_variables_and_args_are_expanded_and_said_so() {
    let read = inputs(
        &[("args", "--cache-control max-age=$AGE --exclude '$AGE'")],
        &[
            ("AWS_S3_BUCKET", "${NAME}-bucket"),
            ("SOURCE_DIR", "$DIRECTORY"),
            ("DEST_DIR", "docs/$GITHUB_REF"),
            ("NAME", "my"),
            ("DIRECTORY", "src"),
            ("GITHUB_REF", "refs/heads/main"),
            ("AGE", "60"),
        ],
    )
    .expect("valid inputs");
    let site = read.site.expect("a site");
    assert_eq!(
        (site.bucket.as_str(), site.prefix.as_str()),
        ("my-bucket", "docs/refs/heads/main/")
    );
    assert_eq!(site.object.headers.cache_control.as_deref(), Some("max-age=60"));
    assert!(!site.filter.includes_local("$AGE") && site.filter.includes_local("60"));
    assert!(
        read.notices.contains(&"`args`: `$AGE` is expanded to `60`".to_owned()),
        "{:?}",
        read.notices
    );
    assert!(
        read.notices
            .contains(&"`SOURCE_DIR`: `$DIRECTORY` is expanded to `src`".to_owned())
    );
}

#[test]
fn line_ends_of_windows_are_no_part_of_a_pattern() {
    let read = inputs(
        &[("args", "--exclude '*.map'\r\n--delete\r\n"), ("source", "src")],
        &[("AWS_S3_BUCKET", "my-bucket")],
    );
    let site = read.expect("valid inputs").site.expect("a site");
    assert!(site.delete && !site.filter.includes_local("a.map"));
}

#[test]
fn what_cannot_be_expanded_is_an_error_for_each() {
    let errors = super::errors(
        &[
            ("args", "--cache-control $(date) --content-type $MISSING"),
            ("source", "src"),
        ],
        &[("AWS_S3_BUCKET", "my-bucket"), ("DEST_DIR", "$ALSO_MISSING")],
    );
    assert_eq!(errors.len(), 3, "{errors:?}");
    assert!(
        errors
            .iter()
            .any(|error| error.starts_with("`DEST_DIR` holds `$ALSO_MISSING`, which is not set"))
    );
}

#[test]
fn a_variable_in_a_new_input_is_a_warning() {
    let with = [
        ("bucket", "my-bucket"),
        ("source", "src"),
        ("prefix", "docs/$GITHUB_REF"),
        ("cache-control", "a $5"),
    ];
    let warnings = inputs(&with, &[]).expect("valid inputs").warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("`prefix` holds `$GITHUB_REF`"), "{warnings:?}");
    let several = [("bucket", "my-bucket"), ("source", "src"), ("prefix", "x-$A-$B-$A")];
    let warnings = inputs(&several, &[]).expect("valid inputs").warnings;
    assert_eq!(
        warnings,
        [
            "`prefix` holds `$A` and `$B`, and no shell expands them: use expressions such as `${{ env.A }}` and `${{ env.B }}`"
        ]
    );
}

#[test]
fn whatever_a_shell_was_to_do_in_a_new_input_is_named() {
    let with = [
        ("application-name", "a"),
        ("aws-region", "eu-central-1"),
        ("package", "src"),
        ("version-description", "by $GITHUB_ACTOR at $(date)"),
        ("package-exclude", "$IGNORED/*"),
    ];
    let warnings = inputs(&with, &[]).expect("valid inputs").warnings;
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    for part in [
        "`version-description` holds `$GITHUB_ACTOR`, and no shell expands it: use an expression such as `${{ github.actor }}`",
        "`version-description` holds `$(date)`, and no shell runs it",
        "`package-exclude` holds `$IGNORED`",
    ] {
        assert!(
            warnings.iter().any(|warning| warning.starts_with(part)),
            "{part}: {warnings:?}"
        );
    }
    // It names the variable that was typed.
    let env = [
        ("AWS_S3_BUCKET", "my-bucket"),
        ("SOURCE_DIR", "src"),
        ("DEST_DIR", "/docs"),
    ];
    let warnings = inputs(&[], &env).expect("valid inputs").warnings;
    assert!(
        warnings.len() == 1 && warnings[0].starts_with("`DEST_DIR` is `/docs/`"),
        "{warnings:?}"
    );
}

#[test]
fn paths_in_quotes_are_an_error_that_shows_them_without() {
    let env = [("DISTRIBUTION", "E1"), ("PATHS", "\"/a\" '/b/*' /c")];
    let errors = super::errors(&[], &env);
    assert_eq!(
        errors,
        [
            "the path `\"/a\"` holds quotes, and no shell takes them away: write `/a`",
            "the path `'/b/*'` holds quotes, and no shell takes them away: write `/b/*`"
        ]
    );
    let tree = super::tree().file("/workspace/changed", "\"/a\" \"/b\"\n");
    let env = [("DISTRIBUTION", "E1"), ("PATHS_FROM", "changed")];
    let errors = super::inputs_among(&tree, &[], &env).map(|_| ()).expect_err("quotes");
    let expected = "line 1 of the file that `PATHS_FROM` names is no path that CloudFront takes: it holds quotes";
    assert!(errors.len() == 1 && errors[0].starts_with(expected), "{errors:?}");
    let tree = super::tree().file("/workspace/changed", "/c\n/a,/b\n");
    let errors = super::inputs_among(&tree, &[], &env).map(|_| ()).expect_err("a comma");
    assert!(
        errors.len() == 1 && errors[0].starts_with("line 2 of") && errors[0].contains("it holds a comma"),
        "{errors:?}"
    );
    assert_one_error(
        &[],
        &[("DISTRIBUTION", "E1"), ("PATHS", "[\"/a\",\"/b\"]")],
        &["begins like a JSON list", "without brackets, quotes and commas"],
    );
    assert_one_error(
        &[],
        &[("DISTRIBUTION", "E1"), ("PATHS_FROM", "$FILE")],
        &[
            "`PATHS_FROM` is `$FILE`",
            "no shell expands `$FILE`: use `${{ env.FILE }}`",
        ],
    );
}

#[test]
fn the_old_wait_for_recovery_keeps_its_edges() {
    for (value, expected) in [("false", 60), ("0", 0), ("", 60), ("90", 90), ("True", 60)] {
        let with = [
            ("application_name", "a"),
            ("environment_name", "e"),
            ("deployment_package", "src"),
            ("region", "eu-central-1"),
            ("wait_for_environment_recovery", value),
        ];
        let backend = inputs(&with, &[]).expect("valid inputs").backend.expect("a backend");
        assert_eq!(backend.recovery.as_secs(), expected, "{value}");
    }
    let new = [
        ("application-name", "a"),
        ("package", "src"),
        ("aws-region", "eu-central-1"),
        ("recovery-seconds", "false"),
    ];
    assert_one_error(&new, &[], &["`recovery-seconds` is `false`"]);
}

#[test]
fn inputs_that_no_old_action_had_are_named() {
    assert_one_error(
        &[
            ("application_name", "a"),
            ("region", "eu-central-1"),
            ("version_label", "v1"),
            ("zip_file", "deploy.zip"),
        ],
        &[],
        &["`zip_file` is not an input of this action: use `package`"],
    );
}

#[test]
fn an_old_bucket_beside_a_new_distribution_is_named_where_it_is_missed() {
    assert_one_error(
        &[("distribution", "E1"), ("paths", "/*"), ("args", "--delete")],
        &[("AWS_S3_BUCKET", "my-bucket")],
        &[
            "`args` is set but `bucket` is empty: `AWS_S3_BUCKET` in the environment is ignored",
            "set `bucket` to use it",
        ],
    );
}
