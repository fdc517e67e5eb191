//! What people write by mistake: named, with what to write instead, and no secret repeated.

use super::{assert_one_error, errors, inputs, inputs_among, tree};

const SITE: [(&str, &str); 2] = [("bucket", "my-bucket"), ("source", "src")];

fn with_site<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    SITE.into_iter().chain(more.iter().copied()).collect()
}

fn warnings(more: &[(&str, &str)]) -> Vec<String> {
    inputs(&with_site(more), &[]).expect("valid inputs").warnings
}

#[test]
fn a_comma_between_names_is_named() {
    assert_one_error(
        &[("distribution", "E1, E2"), ("paths", "/x")],
        &[],
        &["`distribution` is `E1, E2`", "remove the commas"],
    );
    assert_one_error(
        &[
            ("application-name", "a"),
            ("aws-region", "eu-central-1"),
            ("package", "src"),
            ("environment-name", "blue,green"),
        ],
        &[],
        &["`environment-name` is `blue,green`", "remove the commas"],
    );
    let paths = errors(&[("distribution", "E1"), ("paths", "/a, /b,/c")], &[]);
    assert_eq!(paths.len(), 2, "{paths:?}");
    assert!(
        paths[0].contains("the path `/a,` holds a comma") && paths[1].contains("`/b,/c`"),
        "{paths:?}"
    );
}

#[test]
fn lists_of_patterns_hold_patterns() {
    assert_one_error(
        &with_site(&[("exclude", "--exclude '*.map'")]),
        &[],
        &["`exclude` holds", "flags belong in `args`"],
    );
    assert!(warnings(&[("exclude", "*.map, *.txt")])[0].contains("one pattern per line"));
    assert!(warnings(&[("exclude", "*.map,*.txt")])[0].contains("comma and all"));
    assert!(warnings(&[("include", "'*.map'")])[0].contains("remove the quotes"));
    assert_eq!(warnings(&[("exclude", "*.map\n*.txt")]), Vec::<String>::new());
    assert!(warnings(&[("prefix", "/docs")])[0].contains("every key will begin with `/`"));
}

#[test]
fn a_label_names_our_placeholder_for_a_variable() {
    let error = |label| {
        let with = [
            ("application-name", "a"),
            ("aws-region", "eu-central-1"),
            ("package", "src"),
            ("version-label", label),
        ];
        errors(&with, &[]).concat()
    };
    assert!(
        error("v-${GITHUB_SHA}")
            .contains("`version-label` holds `$GITHUB_SHA`, and no shell expands it: write `{sha}`")
    );
    assert!(error("v-$GITHUB_RUN_NUMBER").contains("write `{run-number}`"));
    assert!(error("v-$BUILD").contains("`${{ env.BUILD }}`"));
    assert!(error("$GITHUB_WORKFLOW-1").contains("`${{ github.workflow }}`"));
    assert!(
        error("v-$(date)").starts_with("`version-label` holds `$(date)`, and no shell runs it: write `{timestamp}`")
    );
}

#[test]
fn user_names_in_addresses_are_refused_and_not_repeated() {
    let endpoint = errors(&with_site(&[("endpoint-url", "https://me:hunter2@example.org")]), &[]);
    let verify = errors(
        &[
            ("application-name", "a"),
            ("aws-region", "eu-central-1"),
            ("package", "src"),
            ("environment-name", "e"),
            ("verify-url", "https://hunter2@example.org/health"),
        ],
        &[],
    );
    let line = errors(
        &with_site(&[("verify-site", "https://me:hunter2@example.org/ Hello")]),
        &[],
    );
    assert!(line.len() == 1 && !line[0].contains("hunter2"), "{line:?}");
    for (errors, name) in [(endpoint, "`endpoint-url`"), (verify, "`verify-url`")] {
        assert!(errors.len() == 1 && errors[0].starts_with(name), "{errors:?}");
        assert!(
            errors[0].contains("before `@`") && !errors[0].contains("hunter2"),
            "{errors:?}"
        );
    }
}

#[test]
fn an_unencrypted_endpoint_is_a_warning_unless_it_is_this_machine() {
    assert_eq!(
        warnings(&[("endpoint-url", "http://127.0.0.1:9000")]),
        Vec::<String>::new()
    );
    let told = warnings(&[("endpoint-url", "http://minio:9000")]);
    assert!(
        told.len() == 1 && told[0].contains("unencrypted to `minio`"),
        "{told:?}"
    );
    let told = inputs(&SITE, &[("AWS_ENDPOINT_URL_S3", "http://proxy.example.org")])
        .expect("valid inputs")
        .warnings;
    assert!(
        told[0].contains("`AWS_ENDPOINT_URL_S3`") && told[0].contains("`proxy.example.org`"),
        "{told:?}"
    );
}

#[test]
fn option_settings_are_never_repeated() {
    let error = |settings: &str| {
        let with = [
            ("application-name", "a"),
            ("aws-region", "eu-central-1"),
            ("package", "src"),
            ("environment-name", "e"),
            ("option-settings", settings),
        ];
        let errors = errors(&with, &[]);
        assert_eq!(errors.len(), 1, "{errors:?}");
        assert!(!errors[0].contains("hunter2"), "{errors:?}");
        errors.concat()
    };
    assert!(error("{\"Value\": \"hunter2\"}").contains("does not begin with `[`"));
    assert!(error("DB=hunter2").contains("neither a JSON array nor the path"));
    assert!(error("[\"hunter2\"]").contains("`Namespace`"));
    assert!(error("no/such/settings.json").contains("names a file that cannot be read in the workspace: it does not"));
    for path in [
        "hunter2.json",
        "hunter2/x.json",
        "postgres://u:hunter2@h/db.json",
        "/run/secrets/hunter2",
    ] {
        error(path);
    }
    assert!(error("src").contains("neither a JSON array nor the path"));
    for wrong in [
        r#"[{"hunter2": "x"}]"#,
        r#"[{"Namespace": "n", "OptionName": "o", "Value": {"hunter2": 1}}]"#,
        r#"[{"Namespace": "n", "OptionName": "o", "Value": "v", "hunter2, expected `x`": 1}]"#,
        r#"["hunter2, expected `x"]"#,
        r#"[{"Namespace": hunter2}]"#,
        r#"["hunter2"#,
    ] {
        let text = error(wrong);
        assert!(
            text.contains("at line 1, column ") && text.contains("`Namespace`"),
            "{text}"
        );
        let tree = tree().file("/workspace/settings.json", wrong);
        let with = [
            ("application-name", "a"),
            ("aws-region", "eu-central-1"),
            ("package", "src"),
            ("environment-name", "e"),
            ("option-settings", "settings.json"),
        ];
        let errors = inputs_among(&tree, &with, &[]).map(|_| ()).expect_err(wrong);
        assert!(
            errors[0].starts_with("the file that `option-settings` names"),
            "{errors:?}"
        );
        assert!(!errors.concat().contains("hunter2"), "{errors:?}");
    }
}

/// Addresses that hold a password or a token, in forms that people and tools write.
const ADDRESSES: [&str; 14] = [
    "HTTPS://me:hunter2@example.org",
    "ftp://me:hunter2@example.org",
    "//me:hunter2@example.org",
    "https:/me:hunter2@example.org",
    "me:hunter2@example.org",
    "https://me:hunter2@exa mple.org",
    "\u{1}https://me:hunter2@example.org",
    "https:\\\\me:hunter2@example.org",
    "https://me%3Ahunter2%40example.org",
    "https://me:hunter2/x@example.org",
    "s3x://example.org/?token=hunter2",
    "example.org/?X-Amz-Signature=hunter2",
    "https:// example.org/#access_token=hunter2",
    "{x}https://example.org/?token=hunter2",
];

#[test]
fn addresses_that_are_wrong_are_never_repeated() {
    let backend = [
        ("application-name", "a"),
        ("aws-region", "eu-central-1"),
        ("package", "src"),
        ("environment-name", "e"),
    ];
    for address in ADDRESSES {
        let check = |name: &str, value: &str| {
            let inputs: Vec<(&str, &str)> = SITE.into_iter().chain(backend).chain([(name, value)]).collect();
            let errors = errors(&inputs, &[]);
            let text = errors.concat();
            assert!(
                !text.contains("hunter2") && text.contains(&format!("`{name}`")),
                "{address}: {text}"
            );
        };
        for name in ["endpoint-url", "verify-url", "site-url", "history", "aws-region", "acl"] {
            check(name, address);
        }
        check("verify-site", &format!("{address} 200"));
        check(
            "verify-site",
            &format!("https://example.org/?token=hunter2 Hello {address}"),
        );
        check("args", &format!("'--endpoint-url={address}'"));
        check("args", &format!("'{address}'"));
        check("args", &format!("--acl '{address}' --page-size '{address}'"));
    }
    let endpoint = errors(
        &with_site(&[("endpoint-url", "https://example.org/?token=hunter2")]),
        &[],
    );
    assert!(
        endpoint[0].contains("a query") && !endpoint[0].contains("hunter2"),
        "{endpoint:?}"
    );
    let twice = errors(
        &with_site(&[
            ("args", "--endpoint-url https://a/?hunter2 --region 'r?hunter2='"),
            ("endpoint-url", "https://b"),
        ]),
        &[],
    );
    assert!(!twice.concat().contains("hunter2"), "{twice:?}");
}

#[test]
fn a_variable_that_is_expanded_shows_no_secret() {
    let env = [
        ("TOKEN", "hunter2"),
        ("FLAGS", "https://h/?sig=hunter2"),
        ("DIR", "docs"),
    ];
    let with = [
        (
            "args",
            "--exclude $TOKEN --include \"$FLAGS\" --exclude '$X' --include $DIR",
        ),
        ("bucket", "site-bucket"),
        ("source", "src"),
    ];
    let notices = inputs(&with, &env).expect("valid inputs").notices.concat();
    assert!(
        !notices.contains("hunter2") && notices.contains("`$DIR` is expanded to `docs`"),
        "{notices}"
    );
}

#[test]
fn files_that_inputs_name_are_regular_files() {
    let tree = tree()
        .file("/workspace/paths", "\u{feff}/a /b\n/c\n")
        .file("/workspace/large", vec![b'/'; 5 * 1024 * 1024]);
    let paths = |file: &str| {
        let read = inputs_among(&tree, &[("distribution", "E1"), ("paths-from", file)], &[]);
        read.map(|inputs| inputs.cdn.and_then(|cdn| cdn.paths).unwrap_or_default())
    };
    for (file, part) in [
        ("src", "it is not a regular file"),
        ("/dev/zero", "it is not a regular file"),
        ("missing", "it does not exist"),
        ("large", "4 MiB"),
    ] {
        assert!(paths(file).is_err_and(|errors| errors[0].contains(part)), "{file}");
    }
    assert_eq!(
        paths("paths"),
        Ok(vec!["/a".to_owned(), "/b".to_owned(), "/c".to_owned()])
    );
    let package = [
        ("application-name", "a"),
        ("aws-region", "eu-central-1"),
        ("package", "/dev/zero"),
    ];
    assert_one_error(&package, &[], &["`package`", "neither a directory nor a regular file"]);
}

#[test]
fn more_paths_than_cloudfront_takes_are_an_error() {
    let paths = |count: usize, end: &str| {
        let paths: String = (0..count).map(|n| format!("/{n}{end} ")).collect();
        inputs(&[("distribution", "E1"), ("paths", &paths)], &[]).map(|_| ())
    };
    assert_eq!(paths(3000, ""), Ok(()));
    assert_eq!(paths(15, "/*"), Ok(()));
    assert!(paths(3001, "").is_err_and(|errors| errors[0].contains("3001 paths; CloudFront takes 3000")));
    assert!(paths(16, "/*").is_err_and(|errors| errors[0].contains("16 paths with a wildcard; CloudFront takes 15")));
}

#[test]
fn the_bundles_bucket_is_a_name_too() {
    let error = |bucket: &str| {
        let with = [
            ("application-name", "a"),
            ("aws-region", "eu-central-1"),
            ("package", "src"),
            ("existing_bucket_name", bucket),
        ];
        errors(&with, &[]).concat()
    };
    assert!(error("arn:aws:s3:::bundles").ends_with("write `package-bucket: bundles`"));
    assert!(error("s3://bundles/web").ends_with("write `package-bucket: bundles`"));
}

#[test]
fn an_old_bucket_is_corrected_under_its_old_name() {
    let env = [("AWS_S3_BUCKET", "s3://my-bucket/docs"), ("SOURCE_DIR", ".")];
    let errors = errors(&[("args", "--delete")], &env);
    assert!(
        errors.len() == 1 && errors[0].contains("write `AWS_S3_BUCKET: my-bucket` and `DEST_DIR: docs`"),
        "{errors:?}"
    );
}

#[test]
fn colors_with_commas_are_one_error_that_names_the_comma() {
    let with = [
        ("application-name", "a"),
        ("environment-name", "e"),
        ("aws-region", "eu-central-1"),
        ("package", "src"),
        ("accepted-health", "Green, Yellow"),
    ];
    let errors = errors(&with, &[]);
    assert!(
        errors.len() == 1 && errors[0].contains("remove the commas"),
        "{errors:?}"
    );
}

#[test]
fn an_arn_is_no_place_of_records() {
    for history in ["s3://arn:aws:s3:::tides-site/x", "s3://arn:aws:s3:::tides-site"] {
        let inputs: Vec<(&str, &str)> = SITE.into_iter().chain([("history", history)]).collect();
        let text = errors(&inputs, &[]).concat();
        assert!(text.contains("`history` is `") && text.contains("no ARN"), "{text}");
    }
}

#[test]
fn a_label_with_one_brace_names_our_placeholder() {
    let error = |label| {
        let with = [
            ("application-name", "a"),
            ("aws-region", "eu-central-1"),
            ("package", "src"),
            ("version-label", label),
        ];
        errors(&with, &[]).concat()
    };
    assert!(error("app-${github.sha}").contains("`${github.sha}`, which is no expression: write `{sha}`"));
    assert!(error("app-${ github.actor }").contains("write `${{ github.actor }}`"));
}

#[test]
fn a_bucket_whose_variable_is_not_set_is_one_error() {
    let env = [("AWS_S3_BUCKET", "$STAGE-site"), ("SOURCE_DIR", "src")];
    assert_one_error(&[], &env, &["`AWS_S3_BUCKET` holds `$STAGE`"]);
}

#[test]
fn a_source_with_a_variable_is_named_as_one() {
    assert_one_error(
        &[("bucket", "my-bucket"), ("source", "$GITHUB_WORKSPACE/site")],
        &[],
        &["no shell expands `$GITHUB_WORKSPACE`", "`${{ github.workspace }}`"],
    );
}

#[test]
fn one_secret_is_spoken_of_as_one() {
    let files = tree().file("/workspace/src/.env", "A=1");
    let errors = inputs_among(&files, &with_site(&[]), &[]).map(|_| ());
    let errors = errors.expect_err("a secret");
    assert!(
        errors[0].contains("exclude it by `exclude`, or name it in `include` if it is meant"),
        "{errors:?}"
    );
}
