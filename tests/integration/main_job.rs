//! The two jobs that people chain six actions for, and both in one step.

use serde_json::{Value, json};

use crate::support::{Action, Cloud, Run};

const PAGE: &str = "<!doctype html><title>Grüße</title>";

/// The front end of the README: s3-sync-action and invalidate-cloudfront-action swapped without renaming.
fn front_end(cloud: &Cloud) -> Action {
    Action::new(cloud)
        .with("args", "--acl public-read --exclude '*' --include 'index.html'")
        .with("paths", "/index.html")
        .with("invalidation-failure", "warn")
        .env("AWS_S3_BUCKET", "my-bucket")
        .env("DISTRIBUTION", "E1EXAMPLE")
        .file("index.html", PAGE)
        .file("style.css", "body {}")
        .file(".git/config", "[core]")
}

fn back_end(cloud: &Cloud) -> Action {
    Action::without_credentials(cloud)
        .with("aws-access-key-id", "AKIAIOSFODNN7EXAMPLE")
        .with("aws-secret-access-key", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
        .with("aws-region", "us-east-1")
        .with("application-name", "my-app")
        .with("environment-name", "my-app-prod")
        .with("package", "backend")
        .with("version-label", "python-{timestamp}")
        .with("poll-interval", "1")
        .file(
            "backend/application.py",
            "from flask import Flask\napplication = Flask(__name__)\n",
        )
        .file("backend/requirements.txt", "flask\n")
        .file("backend/Procfile", "web: gunicorn application\n")
        .file("backend/.ebextensions/health.config", "option_settings: {}\n")
}

#[test]
fn the_front_end_uploads_one_page_and_invalidates_it() {
    let cloud = Cloud::with_acl_bucket("my-bucket");
    cloud.add_distribution("E1EXAMPLE", "my-bucket", &json!({"default_root_object": "index.html"}));
    let run = front_end(&cloud).run().expect_exit(0);

    assert_eq!(cloud.keys("my-bucket"), ["index.html"]);
    let page = cloud.object("my-bucket", "index.html").expect("the page");
    assert_eq!(page.text(), PAGE);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(cloud.acl("my-bucket", "index.html").contains("AllUsers"));
    assert_eq!(cloud.invalidations(), [["/index.html"]]);
    assert_eq!(run.output("outcome"), "succeeded");
    assert_eq!(run.output("uploaded"), "1");
    assert_eq!(run.output("invalidated-paths"), "/index.html");
    assert_eq!(run.report["site"]["uploads"][0]["reason"], "new");
    assert!(run.summary.contains("E1EXAMPLE"), "{}", run.summary);
}

#[test]
fn nothing_is_uploaded_when_nothing_changed() {
    let cloud = Cloud::with_bucket("my-bucket");
    let action = Action::new(&cloud)
        .with("bucket", "my-bucket")
        .with("source", "site")
        .file("site/index.html", PAGE)
        .file("site/a/b.css", "b {}");
    action.run().expect_exit(0);
    assert_eq!(cloud.keys("my-bucket"), ["a/b.css", "index.html"]);
    cloud.forget_requests();
    let again = action.run().expect_exit(0);
    assert_eq!(again.output("outcome"), "unchanged");
    assert_eq!(again.output("changed"), "false");
    assert_eq!(again.output("unchanged"), "2");
    let operations = cloud.operations();
    assert!(
        operations.iter().all(|operation| operation.starts_with("List")
            || operation.starts_with("Get")
            || operation.starts_with("Head")),
        "{operations:?}"
    );
}

#[test]
fn the_back_end_is_bundled_labelled_and_waited_for() {
    let cloud = Cloud::start();
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    let run = back_end(&cloud).run().expect_exit(0);

    let label = run.output("version-label").to_owned();
    let stamp = label.strip_prefix("python-").expect("the prefix");
    assert_eq!(stamp.len(), "2021-01-03T12-34-56-789Z".len(), "{label}");
    assert_eq!(run.output("previous-version-label"), "v0");
    assert_eq!(run.output("environment-status"), "Ready");
    assert_eq!(run.output("environment-health"), "Green");
    assert!(run.output("environment-url").starts_with("http://"));
    assert!(run.log.contains("Environment update is starting."), "{}", run.log);
    assert!(cloud.count("CreateStorageLocation") == 1 && cloud.count("UpdateEnvironment") == 1);
    let bundle = &run.report["backend"]["bundle"];
    assert_eq!(bundle["files"], 4);
    let key = format!("my-app/{label}.zip");
    let bucket = cloud
        .requests()
        .iter()
        .find(|one| one["operation"] == "PutObject" && one["path"].as_str().is_some_and(|path| path.ends_with(&key)))
        .and_then(|one| {
            one["path"]
                .as_str()
                .map(|path| path.split('/').nth(1).expect("a bucket").to_owned())
        });
    assert!(bucket.is_some_and(|bucket| bucket.starts_with("elasticbeanstalk-us-east-1-")));
}

#[test]
fn both_go_in_one_step_backend_first() {
    let cloud = Cloud::with_bucket("my-bucket");
    cloud.add_distribution("E1EXAMPLE", "my-bucket", &json!({"default_root_object": "index.html"}));
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    let run = back_end(&cloud)
        .with("bucket", "my-bucket")
        .with("source", "site")
        .with("distribution", "E1EXAMPLE")
        .file("site/index.html", PAGE)
        .file("site/app.js", "1")
        .run()
        .expect_exit(0);
    assert_eq!(cloud.keys("my-bucket"), ["app.js", "index.html"]);
    let paths = &cloud.invalidations()[0];
    for path in ["/", "/app.js", "/index.html"] {
        assert!(paths.iter().any(|one| one == path), "{paths:?}");
    }
    assert_eq!(run.output("environment-health"), "Green");
    let order: Vec<String> = cloud.requests().iter().filter_map(place).collect();
    assert_eq!(
        order,
        ["UpdateEnvironment", "app.js", "index.html", "CreateInvalidation"]
    );
}

/// The place of a request in the one safe order.
fn place(request: &Value) -> Option<String> {
    let path = request["path"].as_str()?;
    match request["operation"].as_str()? {
        "PutObject" if path.starts_with("/my-bucket/") && !path.contains(".aws-web-deploy") => {
            path.rsplit('/').next().map(ToOwned::to_owned)
        }
        operation @ ("UpdateEnvironment" | "CreateInvalidation") => Some(operation.to_owned()),
        _ => None,
    }
}

#[test]
fn a_dry_run_sends_only_reads_and_says_what_it_would_do() {
    let cloud = Cloud::with_bucket("my-bucket");
    cloud.add_distribution("E1EXAMPLE", "my-bucket", &json!({"default_root_object": "index.html"}));
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    let run = back_end(&cloud)
        .with("bucket", "my-bucket")
        .with("source", "site")
        .with("distribution", "E1EXAMPLE")
        .with("dry-run", "true")
        .file("site/index.html", PAGE);
    cloud.forget_requests();
    let run = run.run().expect_exit(0);
    let operations = cloud.operations();
    for operation in &operations {
        let reads = ["List", "Get", "Head", "Describe"];
        assert!(reads.iter().any(|read| operation.starts_with(read)), "{operations:?}");
    }
    assert_eq!(run.output("changed"), "false");
    assert_eq!(run.report["dry_run"], true);
    assert_eq!(run.report["site"]["uploads"][0]["key"], "index.html");
    assert_eq!(run.report["invalidations"][0]["status"], "Planned");
}

#[track_caller]
fn assert_refused(run: Run, code: i64, cloud: &Cloud, parts: &[&str]) {
    let run = run.expect_exit(code);
    let error = run.error();
    for part in parts {
        assert!(error.contains(part), "`{part}` is not in {error}");
    }
    assert_eq!(run.output("outcome"), "failed");
    assert!(
        run.report["error"]["message"]
            .as_str()
            .is_some_and(|text| !text.is_empty())
    );
    for operation in cloud.operations() {
        let writes = ["Put", "Create", "Delete", "Update", "Copy"];
        let setup = operation == "CreateBucket";
        assert!(
            setup || !writes.iter().any(|write| operation.starts_with(write)),
            "{operation} was sent"
        );
    }
}

#[test]
fn bad_inputs_are_refused_before_any_request() {
    let cloud = Cloud::start();
    let empty = front_end(&cloud).env("AWS_S3_BUCKET", "");
    assert_refused(empty.run(), 2, &cloud, &["`AWS_S3_BUCKET` is present but empty"]);
    let missing = Action::new(&cloud)
        .with("bucket", "my-bucket")
        .with("source", "no-such-directory");
    assert_refused(
        missing.run(),
        2,
        &cloud,
        &["`source` is `no-such-directory`, which does not exist"],
    );
    let flag = front_end(&cloud).with("args", "--acl public-read --recursive");
    assert_refused(flag.run(), 2, &cloud, &["--recursive"]);
    assert!(cloud.requests().is_empty());
}

#[test]
fn a_bucket_that_does_not_exist_is_named() {
    let cloud = Cloud::start();
    let run = Action::new(&cloud)
        .with("bucket", "no-such-bucket-here")
        .file("index.html", PAGE)
        .run();
    assert_refused(run, 1, &cloud, &["`no-such-bucket-here`", "there is no such bucket"]);
}

#[test]
fn wrong_credentials_are_said_to_be_wrong() {
    let cloud = Cloud::with_bucket("my-bucket");
    cloud.post(
        "/identity",
        &json!({"access_key": "AKIAGOOD", "secret_key": "good", "account": "123456789012",
                "arn": "arn:aws:iam::123456789012:user/ci"}),
    );
    let run = Action::new(&cloud)
        .with("bucket", "my-bucket")
        .file("index.html", PAGE)
        .run();
    let error = run.error().to_owned();
    assert_refused(run, 1, &cloud, &["InvalidAccessKeyId"]);
    assert!(!error.contains("wJalrXUtnFEMI"), "{error}");
}

#[test]
fn an_unknown_environment_or_application_names_those_that_exist() {
    let cloud = Cloud::start();
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    let run = back_end(&cloud).with("environment-name", "my-app-pord").run();
    assert_refused(run, 1, &cloud, &["`my-app-pord`", "`my-app-prod`"]);
    let run = back_end(&cloud).with("application-name", "my-ap").run();
    assert_refused(run, 1, &cloud, &["`my-ap`", "`my-app`"]);
}
