//! Ways in which a bucket and its distribution are set up, what `check` says of them, and what a visitor gets.

use serde_json::{Value, json};

use crate::support::http::request;
use crate::support::{Action, Cloud, Run};

pub(crate) const BUCKET: &str = "site";
pub(crate) const DISTRIBUTION: &str = "arn:aws:cloudfront::123456789012:distribution/E1";
pub(crate) const REST: &str = "site.s3.us-east-1.amazonaws.com";
pub(crate) const WEBSITE: &str = "site.s3-website-us-east-1.amazonaws.com";

/// One way in which a bucket and its distribution are set up.
pub(crate) struct Setup {
    pub(crate) name: &'static str,
    pub(crate) bucket: Value,
    pub(crate) distribution: Option<Value>,
    pub(crate) files: &'static [&'static str],
    /// The address that the verdict is about, and a part of the verdict.
    pub(crate) expected: (&'static str, &'static str),
}

fn policy(principal: Value, condition: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "Read", "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::site/*", "Condition": condition,
    }]})
}

pub(crate) fn open() -> Value {
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "Read", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::site/*",
    }]})
}

pub(crate) fn only_for(distribution: &str) -> Value {
    let service = json!({"Service": "cloudfront.amazonaws.com"});
    policy(service, json!({"StringEquals": {"AWS:SourceArn": distribution}}))
}

pub(crate) fn identity(id: &str) -> Value {
    let name = format!("arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity {id}");
    json!({"Version": "2012-10-17", "Statement": [{
        "Sid": "Read", "Effect": "Allow", "Principal": {"AWS": name}, "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::site/*",
    }]})
}

pub(crate) fn by_control(more: Value) -> Option<Value> {
    let mut all = json!({
        "id": "E1", "origins": [{"domain": REST, "access_control": "OAC1"}], "default_root_object": "index.html",
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        all[name] = value.clone();
    }
    Some(all)
}

pub(crate) fn of_origin(origin: Value, root: &str) -> Option<Value> {
    Some(json!({"id": "E1", "origins": [origin], "default_root_object": root}))
}

pub(crate) const PAGE: &[&str] = &["index.html", "404.html"];
pub(crate) const FOLDER: &[&str] = &["index.html", "about/index.html"];
pub(crate) const APPLICATION: &[&str] = &["index.html", "app.js"];

/// A cloud that is set up so, with the site deployed.
pub(crate) fn cloud(setup: &Setup) -> Cloud {
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

pub(crate) fn check(cloud: &Cloud, setup: &Setup) -> Action {
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
pub(crate) fn visit(cloud: &Cloud, setup: &Setup, path: &str) -> u16 {
    let target = match setup.distribution {
        Some(_) => "E1",
        None => BUCKET,
    };
    request(&cloud.endpoint, "GET", &format!("/_viewer/{target}{path}"), &[], b"").status
}

pub(crate) fn verdicts(run: &Run) -> Vec<&str> {
    run.log.lines().filter(|line| line.contains(": `/")).collect()
}

/// The verdict is the expected one, and a visitor gets the status that it says.
pub(crate) fn assert_told(cloud: &Cloud, setup: &Setup) {
    let run = check(cloud, setup).run().expect_exit(0);
    let (path, expected) = setup.expected;
    let verdicts = verdicts(&run);
    assert!(
        verdicts.iter().any(|verdict| verdict.contains(expected)),
        "{}: {verdicts:?}\n{}",
        setup.name,
        run.log
    );
    let status = visit(cloud, setup, path).to_string();
    let told = match expected
        .split_once(" answers ")
        .or(expected.split_once(" with status "))
    {
        Some((_, rest)) => rest.starts_with(&status),
        None => status == "200",
    };
    assert!(
        told,
        "{}: `{path}` answers {status}, and the verdict is {expected}",
        setup.name
    );
}

/// One way in which a bucket and its distribution are set up.
pub(crate) fn setup(
    name: &'static str,
    bucket: Value,
    distribution: Option<Value>,
    files: &'static [&'static str],
    expected: (&'static str, &'static str),
) -> Setup {
    Setup {
        name,
        bucket,
        distribution,
        files,
        expected,
    }
}

/// A website document with an error page.
pub(crate) fn website() -> Value {
    json!({"index": "index.html", "error": "404.html"})
}
