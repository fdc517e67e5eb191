//! Small uploads without the SDK's machinery: signed as S3 wants it, and handed over to the SDK when anything is wrong.

use serde_json::{Value, json};

use crate::site_files::ODD;
use crate::support::{Action, Cloud};

const BUCKET: &str = "site-bucket";

fn site(cloud: &Cloud, files: usize) -> Action {
    let action = Action::new(cloud).with("bucket", BUCKET).with("source", "site");
    for number in 0..files {
        action.write(&format!("site/{number}.txt"), number.to_string());
    }
    action
}

/// Uploads of the site's files: those that went directly, and those of the SDK, which alone counts its attempts.
fn uploads(cloud: &Cloud) -> (usize, usize) {
    let all = cloud.requests();
    let uploads = all.iter().filter(|one| {
        let of_site = !one["path"].as_str().unwrap_or_default().contains(".aws-web-deploy");
        one["operation"] == "PutObject" && of_site
    });
    let (by_sdk, direct): (Vec<&Value>, Vec<&Value>) =
        uploads.partition(|one| !one["headers"]["amz-sdk-request"].is_null());
    (direct.len(), by_sdk.len())
}

/// From now on a signature must be right for the keys that [`Action::new`] gives.
fn check_signatures(cloud: &Cloud) {
    cloud.post(
        "/identity",
        &json!({
            "access_key": "AKIAIOSFODNN7EXAMPLE",
            "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "session_token": "a token",
        }),
    );
}

#[test]
fn what_is_sent_directly_is_signed_as_s3_wants_it() {
    let cloud = Cloud::with_acl_bucket(BUCKET);
    let action = site(&cloud, 0)
        .env("AWS_SESSION_TOKEN", "a token")
        .with("acl", "public-read")
        .with("cache-control", "max-age=60,  public")
        .with(
            "args",
            "--metadata 'title=a  b' --content-disposition 'attachment; filename=\"a b\"'",
        );
    for name in ODD {
        action.write(&format!("site/{name}"), format!("content of {name}"));
    }
    check_signatures(&cloud);
    action.run().expect_exit(0);
    assert_eq!(uploads(&cloud), (ODD.len(), 0));
    let again = action.run().expect_exit(0);
    assert_eq!(again.output("unchanged"), ODD.len().to_string(), "{}", again.log);
    assert_eq!(uploads(&cloud), (ODD.len(), 0));
}

#[test]
fn the_sdk_takes_over_what_fails_directly() {
    let fault = |kind: &str, status: u16, code: &str| {
        json!({"service": "s3", "operation": "PutObject", "match": "1.txt", "times": 1,
               "kind": kind, "status": status, "code": code})
    };
    for (fault, direct) in [
        // One that is refused for its rate, or lost on the way, says nothing about the others.
        (fault("error", 503, "SlowDown"), true),
        (fault("drop", 0, ""), true),
        (fault("truncate", 0, ""), true),
        // After any other refusal everything goes through the SDK.
        (fault("error", 500, "InternalError"), false),
        (fault("error", 403, "RequestTimeTooSkewed"), false),
    ] {
        let cloud = Cloud::with_bucket(BUCKET);
        cloud.post("/faults", &fault);
        let action = site(&cloud, 3).file("site/index.html", "page");
        action.run().expect_exit(0);
        assert_eq!(cloud.keys(BUCKET), ["0.txt", "1.txt", "2.txt", "index.html"], "{fault}");
        let page = cloud
            .requests()
            .into_iter()
            .find(|one| {
                one["operation"] == "PutObject" && one["path"].as_str().is_some_and(|path| path.contains("index"))
            })
            .expect("the page");
        assert_eq!(page["headers"]["amz-sdk-request"].is_null(), direct, "{fault}");
        assert!(uploads(&cloud).1 >= 1 || fault["kind"] == "truncate", "{fault}");
    }
}

#[test]
fn a_clock_that_is_off_is_left_to_the_sdk() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.post("/oidc", &json!({"clock_skew": 3600}));
    site(&cloud, 3).run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["0.txt", "1.txt", "2.txt"]);
}

#[test]
fn one_refusal_is_reported_once() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.post(
        "/deny",
        &json!({"action": "s3:PutObject", "resource": format!("arn:aws:s3:::{BUCKET}/1.txt")}),
    );
    let run = site(&cloud, 3).run().expect_exit(1);
    let failed: Vec<&str> = run.log.lines().filter(|line| line.starts_with("failed ")).collect();
    assert!(failed.len() == 1 && failed[0].contains("1.txt"), "{}", run.log);
    assert_eq!(cloud.keys(BUCKET), ["0.txt", "2.txt"]);
}
