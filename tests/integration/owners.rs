//! Whose bucket it must be: every request for S3 says so where that is known, and a bucket that somebody else took is
//! neither written nor read.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Action, Cloud, Run};

const BUCKET: &str = "site-bucket";
const OURS: &str = "123456789012";
const THEIRS: &str = "210987654321";
const STORAGE: &str = "elasticbeanstalk-us-east-1-123456789012";

fn site(cloud: &Cloud) -> Action {
    Action::new(cloud)
        .with("bucket", BUCKET)
        .with("source", "site")
        .with("allowed-account-ids", OURS)
        .file("site/index.html", "one")
}

fn backend(cloud: &Cloud) -> Action {
    cloud.add_environment("web", "web-prod", &json!({}));
    Action::new(cloud)
        .with("application-name", "web")
        .with("environment-name", "web-prod")
        .with("version-label", "v1")
        .with("package", "app")
        .with("poll-interval", "1")
        .with("recovery-seconds", "1")
        .file("app/main.py", "print(1)")
}

fn of_s3(cloud: &Cloud) -> Vec<Value> {
    let mut all = cloud.requests();
    // The tests' own requests have another key.
    all.retain(|one| one["service"] == "s3" && one["access_key"] == "AKIAIOSFODNN7EXAMPLE");
    all
}

/// The operations seen, each of which named `owner`; copies that of their source too.
#[track_caller]
fn all_name(cloud: &Cloud, owner: &str) -> BTreeSet<String> {
    let requests = of_s3(cloud);
    for request in &requests {
        let headers = &request["headers"];
        assert_eq!(headers["x-amz-expected-bucket-owner"], owner, "{request}");
        if !headers["x-amz-copy-source"].is_null() {
            assert_eq!(headers["x-amz-source-expected-bucket-owner"], owner, "{request}");
        }
    }
    let operation = |one: &Value| one["operation"].as_str().unwrap_or_default().to_owned();
    requests.iter().map(operation).collect()
}

#[track_caller]
fn nothing_written(cloud: &Cloud) {
    for request in of_s3(cloud) {
        let read = ["GET", "HEAD"].iter().any(|method| request["method"] == *method);
        assert!(read || request["status"] == 403, "{request}");
    }
}

/// The one error says whose bucket it is not.
#[track_caller]
fn refused(run: Run, bucket: &str) -> Run {
    let run = run.expect_exit(1);
    let text = format!("cannot use bucket `{bucket}`: it does not belong to the account {OURS}");
    assert!(run.error().contains(&text), "{}", run.log);
    run
}

#[test]
fn every_request_names_the_one_allowed_account_as_the_owner() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.set_versioning(BUCKET, "Enabled");
    let action = site(&cloud)
        .with("delete", "true")
        .file("site/old.txt", "old")
        .file("site/same.txt", "same")
        .file("site/large.bin", vec![7; 9 << 20]);
    action.run().expect_exit(0);
    let direct = |one: &Value| one["operation"] == "PutObject" && one["headers"]["amz-sdk-request"].is_null();
    assert!(of_s3(&cloud).iter().any(direct), "the shortcut was not taken");
    action.write("site/index.html", "two");
    std::fs::remove_file(action.workspace().join("site/old.txt")).expect("removed");
    let action = action.with("headers", "same.txt Cache-Control: max-age=60");
    action.run().expect_exit(0);
    let action = action.with("command", "rollback");
    action.run().expect_exit(0);
    action.with("command", "check").run().expect_exit(0);
    let seen = all_name(&cloud, OURS);
    for operation in [
        "HeadBucket",
        "ListObjectsV2",
        "PutObject",
        "CreateMultipartUpload",
        "UploadPart",
        "CompleteMultipartUpload",
        "CopyObject",
        "HeadObject",
        "GetObject",
        "DeleteObjects",
        "ListObjectVersions",
        "GetBucketVersioning",
        "GetBucketPolicy",
    ] {
        assert!(seen.contains(operation), "{operation} is not among {seen:?}");
    }
}

#[test]
fn a_bucket_that_somebody_else_took_is_refused_by_its_owner() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.post("/s3/bucket", &json!({"bucket": BUCKET, "owner": THEIRS}));
    let action = site(&cloud);
    let run = refused(action.run(), BUCKET);
    assert!(
        run.log.contains("add that account to `allowed-account-ids`"),
        "{}",
        run.log
    );
    let run = action.with("command", "check").run().expect_exit(1);
    assert!(run.log.contains("does not belong to the account"), "{}", run.log);
    nothing_written(&cloud);
}

#[test]
fn an_upload_that_is_sent_again_names_the_owner_again() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "kind": "error", "status": 403, "code": "AccessDenied"}),
    );
    let action = site(&cloud);
    action.run().expect_exit(0);
    all_name(&cloud, OURS);
}

#[test]
fn a_taken_bucket_for_bundles_is_refused_without_any_input() {
    let cloud = Cloud::start();
    let action = backend(&cloud);
    cloud.post("/s3/bucket", &json!({"bucket": STORAGE, "owner": THEIRS}));
    let run = refused(action.run(), STORAGE);
    assert!(
        run.log.contains("set `package-bucket` to a bucket of your own"),
        "{}",
        run.log
    );
    nothing_written(&cloud);
    assert_eq!(cloud.count("CreateApplicationVersion"), 0);
    let run = action.with("command", "check").run().expect_exit(1);
    assert!(run.log.contains("does not belong to the account"), "{}", run.log);
}

#[test]
fn the_bucket_that_elastic_beanstalk_keeps_must_be_the_callers() {
    let cloud = Cloud::start();
    backend(&cloud).run().expect_exit(0);
    let seen = all_name(&cloud, OURS);
    assert!(seen.contains("PutObject"), "{seen:?}");
}

#[test]
fn nobody_is_named_where_the_owner_is_not_known() {
    for (input, value) in [
        ("allowed-account-ids", "123456789012 210987654321"),
        ("allowed-account-ids", ""),
        ("endpoint-url", ""),
    ] {
        let cloud = Cloud::with_bucket(BUCKET);
        let value = if input == "endpoint-url" {
            &cloud.endpoint
        } else {
            value
        };
        site(&cloud).with(input, value).run().expect_exit(0);
        for request in of_s3(&cloud) {
            assert!(request["headers"]["x-amz-expected-bucket-owner"].is_null(), "{request}");
        }
    }
}
