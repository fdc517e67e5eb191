//! Refusals: one statement for all that a run needs, and a summary that does not say what is not so.

use serde_json::{Value, json};

use crate::support::{Action, Cloud, Run};

fn deny(cloud: &Cloud, actions: &[&str]) {
    for action in actions {
        cloud.post("/deny", &json!({"action": action}));
    }
}

fn docs(cloud: &Cloud) -> Action {
    Action::new(cloud)
        .with("bucket", "my-site")
        .with("prefix", "docs")
        .with("source", "public")
        .with("delete", "true")
        .file("public/index.html", "one")
        .file("public/app.css", "p{}")
}

/// The statements below the advice of the run's error: one for all, but that what has a condition stands apart.
fn statements(run: &Run) -> Vec<Value> {
    let hint = run.report["error"]["hint"].as_str().expect("advice");
    let (_, statement) = hint
        .split_once('\n')
        .unwrap_or_else(|| panic!("no statement below `{hint}`"));
    serde_json::from_str(&format!("[{statement}]")).expect("statements to paste")
}

#[test]
fn one_statement_covers_all_that_a_run_needs() {
    let whole = [
        "arn:aws:s3:::my-site",
        "arn:aws:s3:::my-site/docs/*",
        "arn:aws:s3:::my-site/.aws-web-deploy/site/docs/*",
    ];
    for denied in [
        &["s3:PutObject"][..],
        &["s3:ListBucket"],
        &["s3:PutObject", "s3:GetObject", "s3:DeleteObject"],
    ] {
        let cloud = Cloud::with_bucket("my-site");
        cloud.put("my-site", "docs/old.html", &[], b"old");
        deny(&cloud, denied);
        let run = docs(&cloud).with("max-delete", "100%").run().expect_exit(1);
        let statements = json!(statements(&run)).to_string();
        for resource in whole {
            assert!(
                statements.contains(&format!("\"{resource}\"")),
                "{denied:?}: {statements}"
            );
        }
        assert!(!statements.contains("index.html"), "{statements}");
        for needed in ["s3:ListBucket", "s3:PutObject", "s3:GetObject", "s3:DeleteObject"] {
            assert!(
                statements.contains(&format!("\"{needed}\"")),
                "{needed} is not in {statements}"
            );
        }
        // The statements of the error, and none of them anywhere else.
        let (in_log, in_error) = (
            run.log.matches("\"Effect\"").count(),
            run.error().matches("\"Effect\"").count(),
        );
        assert!(in_error > 0 && in_log == in_error, "{denied:?}: {in_log}\n{}", run.log);
        assert_eq!(run.summary.matches("Effect").count(), in_error, "{}", run.summary);
        assert!(!run.summary.contains("| recorded |"), "{}", run.summary);
    }
}

#[test]
fn what_is_not_on_record_is_not_said_to_be() {
    let cloud = Cloud::with_bucket("my-site");
    // The site may be written, the records not.
    cloud.post(
        "/s3/bucket",
        &json!({"bucket": "my-site", "policy": {"Statement": [{
            "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::my-site/.aws-web-deploy/*",
        }]}}),
    );
    let run = docs(&cloud).run().expect_exit(0);
    assert_eq!(cloud.all_keys("my-site"), ["docs/app.css", "docs/index.html"]);
    assert!(run.summary.contains("**not recorded**"), "{}", run.summary);
    assert_eq!(run.output("release"), "");
}

#[test]
fn a_run_that_went_well_says_once_what_to_allow() {
    let cloud = Cloud::with_bucket("my-site");
    let statement =
        |action: &str, resources: &[&str]| json!({"Effect": "Allow", "Action": action, "Resource": resources});
    cloud.post(
        "/policy",
        &json!({"access_key": "AKIAIOSFODNN7EXAMPLE", "policy": {"Version": "2012-10-17", "Statement": [
            statement("s3:*", &["arn:aws:s3:::my-site", "arn:aws:s3:::my-site/docs/*"]),
            statement("sts:*", &["*"]),
        ]}}),
    );
    let run = docs(&cloud).run().expect_exit(0);
    assert!(run.summary.contains("**not recorded**"), "{}", run.summary);
    // No error says what to allow: the last warning does, once.
    let warnings = run.messages("warning");
    let last = warnings.last().copied().unwrap_or_default();
    assert!(last.starts_with("What to do: allow what was refused:\n{"), "{last}");
    assert!(last.contains("my-site/.aws-web-deploy/site/docs/*"), "{last}");
    let in_log = run.log.matches("\"Effect\"").count();
    assert_eq!(in_log, last.matches("\"Effect\"").count(), "{}", run.log);
    assert!(
        warnings[0].contains("allow `s3:PutObject`, by the statement at the end of this log"),
        "{warnings:?}"
    );
    assert!(run.summary.contains("allow what was refused"), "{}", run.summary);
    let advice = run.report["advice"].as_str().unwrap_or_default();
    assert!(last.ends_with(advice) && !advice.is_empty(), "{advice}");
}

#[test]
fn a_backend_is_allowed_as_a_whole_too() {
    let cloud = Cloud::start();
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    deny(&cloud, &["elasticbeanstalk:UpdateEnvironment"]);
    let run = Action::new(&cloud)
        .with("application-name", "my-app")
        .with("environment-name", "my-app-prod")
        .with("package", "app")
        .with("poll-interval", "1")
        .file("app/main.py", "print()")
        .run()
        .expect_exit(1);
    let statement = &statements(&run)[0];
    let actions = statement["Action"].to_string();
    assert!(actions.contains("elasticbeanstalk:DescribeEvents"), "{actions}");
    let resources = statement["Resource"].to_string();
    assert!(
        resources.contains("123456789012:environment/my-app/my-app-prod"),
        "{resources}"
    );
}

#[test]
fn several_services_and_the_way_back_are_allowed_by_one_advice() {
    let cloud = Cloud::with_all_parts("my-site");
    deny(
        &cloud,
        &[
            "s3:PutObject",
            "cloudfront:CreateInvalidation",
            "elasticbeanstalk:UpdateEnvironment",
        ],
    );
    let run = docs(&cloud)
        .with("distribution", "E1EXAMPLE")
        .with("application-name", "my-app")
        .with("environment-name", "my-app-prod")
        .with("package", "app")
        .with("poll-interval", "1")
        .with("on-failure", "rollback")
        .file("app/main.py", "print()")
        .run()
        .expect_exit(1);
    let text = json!(statements(&run)).to_string();
    for needed in [
        "s3:PutObject",
        "s3:ListBucketVersions",
        "s3:GetObjectVersion",
        "cloudfront:CreateInvalidation",
        "elasticbeanstalk:UpdateEnvironment",
        "elasticbeanstalk:DescribeEvents",
    ] {
        assert!(text.contains(&format!("\"{needed}\"")), "{needed} is not in {text}");
    }
    assert!(text.contains(":distribution/E1EXAMPLE\""), "{text}");
}
