//! `command: check` says what a visitor gets, and the visitor gets it: verdicts beside anonymous requests.

use serde_json::{Value, json};

use crate::support::http::request;
use crate::support::{Action, Cloud, Run};

const BUCKET: &str = "site";
const DISTRIBUTION: &str = "arn:aws:cloudfront::123456789012:distribution/E1";
const REST: &str = "site.s3.us-east-1.amazonaws.com";
const WEBSITE: &str = "site.s3-website-us-east-1.amazonaws.com";

/// One way in which a bucket and its distribution are set up.
struct Setup {
    name: &'static str,
    bucket: Value,
    distribution: Option<Value>,
    files: &'static [&'static str],
    /// The address that the verdict is about, and a part of the verdict.
    expected: (&'static str, &'static str),
}

fn policy(principal: Value, condition: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "Read", "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::site/*", "Condition": condition,
    }]})
}

fn open() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "Read", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::site/*",
    }]})
}

fn only_for(distribution: &str) -> Value {
    let service = json!({"Service": "cloudfront.amazonaws.com"});
    policy(service, json!({"StringEquals": {"AWS:SourceArn": distribution}}))
}

fn identity(id: &str) -> Value {
    let name = format!("arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity {id}");
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "Read", "Effect": "Allow", "Principal": {"AWS": name}, "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::site/*",
    }]})
}

fn by_control(more: Value) -> Option<Value> {
    let mut all = json!({
        "id": "E1", "origins": [{"domain": REST, "access_control": "OAC1"}], "default_root_object": "index.html",
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    Some(all)
}

fn of_origin(origin: Value, root: &str) -> Option<Value> {
    Some(json!({"id": "E1", "origins": [origin], "default_root_object": root}))
}

const PAGE: &[&str] = &["index.html", "404.html"];
const FOLDER: &[&str] = &["index.html", "about/index.html"];
const APPLICATION: &[&str] = &["index.html", "app.js"];

fn setups() -> Vec<Setup> {
    let setup = |name, bucket, distribution, files, expected| Setup {
        name,
        bucket,
        distribution,
        files,
        expected,
    };
    let website = || json!({"index": "index.html", "error": "404.html"});
    vec![
        setup(
            "private",
            json!({}),
            None,
            PAGE,
            ("/", "`/` answers 403: nobody may read"),
        ),
        setup(
            "public, no website",
            json!({"policy": open()}),
            None,
            PAGE,
            ("/", "`/` answers 403: the bucket has no website configuration"),
        ),
        setup(
            "public website",
            json!({"policy": open(), "website": website()}),
            None,
            PAGE,
            ("/", "`/` shows the site"),
        ),
        setup(
            "blocked website",
            json!({"policy": open(), "website": website(), "block_public_access": ["RestrictPublicBuckets"]}),
            None,
            PAGE,
            ("/", "`/` answers 403: the bucket's Block Public Access is on"),
        ),
        setup(
            "single page on a website",
            json!({"policy": open(), "website": {"index": "index.html"}}),
            None,
            APPLICATION,
            ("/app/settings", "`/app/settings` answers 403"),
        ),
        setup(
            "access control",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({})),
            PAGE,
            ("/", "`/` shows the site"),
        ),
        setup(
            "access control without a policy",
            json!({}),
            by_control(json!({})),
            PAGE,
            ("/", "`/` answers 403: nobody may read"),
        ),
        setup(
            "access control of another distribution",
            json!({"policy": only_for("arn:aws:cloudfront::123456789012:distribution/E2")}),
            by_control(json!({})),
            PAGE,
            ("/", "`/` answers 403: the policy names another distribution"),
        ),
        setup(
            "no root object",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({"default_root_object": ""})),
            PAGE,
            ("/", "`/` answers 403: the default root object is missing"),
        ),
        setup(
            "root object that is not there",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({"default_root_object": "start.html"})),
            PAGE,
            ("/", "`/` answers 403 or 404: the default root object is `start.html`"),
        ),
        setup(
            "folders without a function",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({})),
            FOLDER,
            ("/about/", "`/about/` answers 403"),
        ),
        setup(
            "folders with a function",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({"behaviours": [{"functions": {"viewer-request": "index-html"}}]})),
            FOLDER,
            ("/about/", "`/` shows the site"),
        ),
        setup(
            "single page without an error page",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({})),
            APPLICATION,
            ("/app/settings", "`/app/settings` answers 403"),
        ),
        setup(
            "single page with an error page",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({"error_pages": [{"code": 403, "page": "/index.html", "response_code": 200}]})),
            APPLICATION,
            ("/app/settings", "`/` shows the site"),
        ),
        setup(
            "single page with an error page for another code",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({"error_pages": [{"code": 404, "page": "/index.html", "response_code": 200}]})),
            APPLICATION,
            ("/app/settings", "`/app/settings` answers 403"),
        ),
        setup(
            "folders with an error page",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({"error_pages": [{"code": 403, "page": "/404.html", "response_code": 404}]})),
            &["index.html", "404.html", "about/index.html"],
            ("/about/", "`/about/` shows the error page `/404.html`"),
        ),
        setup(
            "access identity",
            json!({"policy": identity("E9IDENTITY")}),
            of_origin(json!({"domain": REST, "access_identity": "E9IDENTITY"}), "index.html"),
            PAGE,
            ("/", "`/` shows the site"),
        ),
        setup(
            "no access control, not public",
            json!({}),
            of_origin(json!({"domain": REST}), "index.html"),
            PAGE,
            (
                "/",
                "`/` answers 403: nobody may read the bucket, and the distribution has no origin access control",
            ),
        ),
        setup(
            "website endpoint",
            json!({"policy": open(), "website": website()}),
            of_origin(json!({"domain": WEBSITE, "website": true}), ""),
            FOLDER,
            ("/about/", "`/` shows the site"),
        ),
        setup(
            "website endpoint, not public",
            json!({"website": website()}),
            of_origin(json!({"domain": WEBSITE, "website": true}), ""),
            PAGE,
            (
                "/",
                "`/` answers 403: nobody may read the bucket, and a website endpoint",
            ),
        ),
        setup(
            "root object with a slash",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({"default_root_object": "/index.html"})),
            PAGE,
            ("/", "`/` answers 403: the default root object is written `/index.html`"),
        ),
        setup(
            "KMS and an access identity",
            json!({"encryption": "aws:kms", "policy": identity("E9IDENTITY")}),
            of_origin(json!({"domain": REST, "access_identity": "E9IDENTITY"}), "index.html"),
            PAGE,
            ("/", "`/` answers 400: the bucket's default encryption is by a KMS key"),
        ),
        setup(
            "website endpoint without a website",
            json!({"policy": open()}),
            of_origin(json!({"domain": WEBSITE, "website": true}), ""),
            PAGE,
            ("/", "`/` answers 404"),
        ),
    ]
}

/// A cloud that is set up so, with the site deployed.
fn cloud(setup: &Setup) -> Cloud {
    let cloud = Cloud::with_bucket(BUCKET);
    let mut bucket = setup.bucket.clone();
    bucket["bucket"] = json!(BUCKET);
    if bucket["block_public_access"].is_null() {
        bucket["block_public_access"] = json!(false);
    }
    cloud.post("/s3/bucket", &bucket);
    if let Some(distribution) = &setup.distribution {
        cloud.post("/cloudfront", distribution);
    }
    for file in setup.files {
        cloud.put(BUCKET, file, &[("Content-Type", "text/html")], b"<p>hello</p>");
    }
    cloud
}

fn check(cloud: &Cloud, setup: &Setup) -> Action {
    let action = Action::new(cloud)
        .with("command", "check")
        .with("bucket", BUCKET)
        .with("source", "public");
    let action = match setup.distribution {
        Some(_) => action.with("distribution", "E1"),
        None => action,
    };
    setup.files.iter().fold(action, |action, file| {
        action.file(&format!("public/{file}"), "<p>hello</p>")
    })
}

/// The status that a visitor gets.
fn visit(cloud: &Cloud, setup: &Setup, path: &str) -> u16 {
    let target = match setup.distribution {
        Some(_) => "E1",
        None => BUCKET,
    };
    request(&cloud.endpoint, "GET", &format!("/_viewer/{target}{path}"), &[], b"").status
}

fn verdicts(run: &Run) -> Vec<&str> {
    run.log.lines().filter(|line| line.contains(": `/")).collect()
}

#[test]
fn the_verdict_is_what_a_visitor_gets() {
    for setup in setups() {
        let cloud = cloud(&setup);
        let run = check(&cloud, &setup).run().expect_exit(0);
        let (path, expected) = setup.expected;
        let verdicts = verdicts(&run);
        assert!(
            verdicts.iter().any(|verdict| verdict.contains(expected)),
            "{}: {verdicts:?}\n{}",
            setup.name,
            run.log
        );
        let status = visit(&cloud, &setup, path);
        let told = match expected.split_once(" answers ") {
            Some((_, rest)) if rest.starts_with("403") => [403, 404].contains(&status),
            Some((_, rest)) => rest.starts_with(&status.to_string()),
            None if expected.contains("shows the error page") => status == 404,
            None => status == 200,
        };
        assert!(
            told,
            "{}: `{path}` answers {status}, and the verdict is {expected}",
            setup.name
        );
    }
}

#[test]
fn a_policy_that_may_not_be_read_is_not_checked_and_names_the_statement() {
    let setups = setups();
    let setup = setups
        .iter()
        .find(|setup| setup.name == "access control")
        .expect("a setup");
    let cloud = cloud(setup);
    cloud.post("/deny", &json!({"action": "s3:GetBucketPolicy"}));
    let run = check(&cloud, setup).run().expect_exit(0);
    assert!(run.log.contains("not checked bucket policy:"), "{}", run.log);
    assert!(
        run.log.contains("allow `s3:GetBucketPolicy`: the policy below does") && verdicts(&run).is_empty(),
        "{}",
        run.log
    );
}

#[test]
fn files_of_other_hosts_are_warned_of_in_the_plan() {
    let cloud = Cloud::with_bucket(BUCKET);
    let run = Action::new(&cloud)
        .with("bucket", BUCKET)
        .with("source", "public")
        .file("public/index.html", "<p>hello</p>")
        .file("public/_redirects", "/old /new")
        .run()
        .expect_exit(0);
    let warnings = run.messages("warning");
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("_redirects") && warning.contains("it serves the file")),
        "{warnings:?}"
    );
    assert_eq!(run.report["site"]["warnings"][0]["path"], "_redirects");
}

#[test]
fn the_address_is_asked_and_shown() {
    let setups = setups();
    let setup = setups
        .iter()
        .find(|setup| setup.name == "public website")
        .expect("a setup");
    let cloud = cloud(setup);
    let url = format!("{}/_viewer/{BUCKET}/", cloud.endpoint);
    let run = check(&cloud, setup).with("site-url", &url).run().expect_exit(0);
    assert!(
        run.log.contains(&format!("ok          `{url}`: answers 200")),
        "{}",
        run.log
    );

    let deploy = check(&cloud, setup)
        .with("command", "deploy")
        .with("site-url", "https://{short-sha}.example.com")
        .github("sha", "0123456789abcdef0123456789abcdef01234567")
        .run()
        .expect_exit(0);
    assert_eq!(deploy.output("site-url"), "https://0123456.example.com");
    assert_eq!(deploy.report["site_url"], "https://0123456.example.com");
    assert!(
        deploy.summary.contains("(https://0123456.example.com)"),
        "{}",
        deploy.summary
    );

    for wrong in [
        "example.com",
        "https://user:word@example.com",
        "https://{sha}.example.com",
    ] {
        let run = check(&cloud, setup).with("site-url", wrong).run().expect_exit(2);
        assert!(run.log.contains("`site-url`"), "{}", run.log);
    }
}
