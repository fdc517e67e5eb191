//! One dispatch takes site and backend back together, and only what our releases changed.

mod archived;
mod bounded;
mod foreign;
mod planted;
mod refused;
mod repair;
mod runs;
mod sequences;
mod servers;
mod together;

use std::collections::BTreeMap;

use crate::support::http::request;
use crate::support::{Action, Cloud};

const A: &str = "aaaaaaa1111111111111111111111111111111aa";
const B: &str = "bbbbbbb2222222222222222222222222222222bb";
const C: &str = "ccccccc3333333333333333333333333333333cc";

const BUCKET: &str = "my-bucket";

/// A cloud with everything that a deploy of all three parts needs.
fn cloud() -> Cloud {
    Cloud::with_all_parts(BUCKET)
}

/// A step for the site alone.
fn site(cloud: &Cloud, run: u32, sha: &str) -> Action {
    Action::new(cloud)
        .github("sha", sha)
        .github("run_id", &format!("900{run}"))
        .github("run_number", &run.to_string())
        .with("bucket", BUCKET)
        .with("source", "site")
        .with("delete", "true")
        .with("max-delete", "100%")
}

/// A step for all three parts.
fn all(cloud: &Cloud, run: u32, sha: &str) -> Action {
    site(cloud, run, sha)
        .with("distribution", "E1EXAMPLE")
        .with("application-name", "my-app")
        .with("environment-name", "my-app-prod")
        .with("package", "backend")
        .with("version-label", "{short-sha}-{run-number}")
        .with("poll-interval", "1")
        .with("acl", "public-read")
}

fn release_a(cloud: &Cloud) -> Action {
    all(cloud, 1, A)
        .with(
            "headers",
            "*.css Cache-Control: max-age=60\n*.html x-amz-meta-release: a\nold/* x-amz-website-redirect-location: /",
        )
        .file("site/index.html", "<h1>A</h1>")
        .file("site/same.txt", "same in both")
        .file("site/style.css", "body {}")
        .file("site/only in a.txt", "a")
        .file("site/old/page", "moved")
        .file("backend/application.py", "print('a')")
}

fn release_b(cloud: &Cloud) -> Action {
    all(cloud, 2, B)
        .with(
            "headers",
            "*.css Cache-Control: max-age=3600\n*.html x-amz-meta-release: b",
        )
        .file("site/index.html", "<h1>B, longer</h1>")
        .file("site/same.txt", "same in both")
        .file("site/style.css", "body {}")
        .file("site/only-in-b/ü.js", "b")
        .file("backend/application.py", "print('b')")
}

/// A rollback with the deploy's own inputs, and without a checkout.
fn back(cloud: &Cloud, run: u32) -> Action {
    all(cloud, run, C).with("command", "rollback")
}

/// Everything that a reader can see of the bucket.
fn seen(cloud: &Cloud) -> BTreeMap<String, String> {
    cloud
        .keys(BUCKET)
        .into_iter()
        .map(|key| {
            let object = cloud.object(BUCKET, &key).expect("a listed object");
            let mut text = object.text();
            for header in [
                "content-type",
                "cache-control",
                "x-amz-meta-release",
                "x-amz-website-redirect-location",
            ] {
                text.push_str(&format!("\n{header}: {}", object.header(header).unwrap_or("-")));
            }
            text.push_str(&format!("\npublic: {}", cloud.acl(BUCKET, &key).contains("AllUsers")));
            (key, text)
        })
        .collect()
}

fn label(cloud: &Cloud) -> String {
    let page = request(&cloud.endpoint, "GET", "/_app/my-app-prod/", &[], b"").text();
    page.rsplit(' ').next().unwrap_or_default().trim().to_owned()
}

/// The keys that the site's objects were copied from, downloaded from or written to since the log was emptied.
fn site_requests(cloud: &Cloud, operation: &str) -> usize {
    cloud
        .requests()
        .iter()
        .filter(|one| one["operation"] == operation && one["service"] == "s3")
        .filter(|one| {
            one["path"]
                .as_str()
                .is_some_and(|path| !path.contains(".aws-web-deploy"))
        })
        .count()
}

/// Fails when anything was changed since the log was emptied.
#[track_caller]
fn assert_no_write(cloud: &Cloud) {
    let reads = ["List", "Get", "Head", "Describe"];
    for operation in cloud.operations() {
        assert!(
            reads.iter().any(|read| operation.starts_with(read)),
            "{operation} was sent"
        );
    }
}

/// The version of an object that readers get.
fn version(cloud: &Cloud, key: &str) -> String {
    let object = cloud.object(BUCKET, key).expect("an object");
    object.header("x-amz-version-id").expect("a version id").to_owned()
}
