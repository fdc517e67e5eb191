//! Answers that never arrive, or are somebody else's: never believed, never a lost change.

use serde_json::{Value, json};

use crate::cdn::{cloud, invalidated, step};
use crate::support::{Action, Cloud};

const BUCKET: &str = "site";

/// Orders a fault for S3.
fn fault(cloud: &Cloud, operation: &str, fault: Value) {
    let mut all = json!({"service": "s3", "operation": operation});
    for (name, value) in fault.as_object().expect("an object") {
        all[name] = value.clone();
    }
    cloud.post("/faults", &all);
}

fn clear_faults(cloud: &Cloud) {
    cloud.control("DELETE", "/faults", &Value::Null);
}

fn site(cloud: &Cloud) -> Action {
    Action::new(cloud).with("bucket", BUCKET).with("source", "www")
}

fn body(cloud: &Cloud, key: &str) -> String {
    cloud
        .object(BUCKET, key)
        .map(|object| object.text())
        .unwrap_or_default()
}

#[test]
fn a_write_whose_answer_is_lost_is_invalidated_owed_and_taken_back() {
    for order in [
        json!({"kind": "drop", "when": "after"}),
        json!({"kind": "error", "when": "after", "code": "InternalError"}),
        json!({"kind": "foreign", "when": "after"}),
    ] {
        let cloud = cloud("");
        cloud.set_versioning(BUCKET, "Enabled");
        let action = step(&cloud).with("github-environment", "").env("AWS_MAX_ATTEMPTS", "1");
        action.write("www/a.css", "one");
        action.write("www/b.css", "one");
        invalidated(&cloud, &action, 0);

        action.write("www/a.css", "two");
        let mut order = order.clone();
        order["match"] = "/a.css".into();
        order["times"] = (-1).into();
        fault(&cloud, "PutObject", order.clone());
        let (sent, run) = invalidated(&cloud, &action, 1);
        clear_faults(&cloud);
        assert_eq!(body(&cloud, "a.css"), "two", "{order}");
        assert_eq!(sent, [["/a.css"]], "{order}");
        assert_eq!(run.output("uploaded"), "0", "{order}");

        // What is perhaps under way still may land after that invalidation.
        let (sent, run) = invalidated(&cloud, &action, 0);
        assert_eq!(sent, [["/a.css"]], "{order}");
        assert_eq!(run.output("uploaded"), "0");
        let (sent, _) = invalidated(&cloud, &action, 0);
        assert!(sent.is_empty(), "{sent:?}");

        let rollback = site(&cloud).with("command", "rollback").with("to", "previous");
        let run = rollback.run().expect_exit(0);
        assert_eq!(body(&cloud, "a.css"), "one", "{order} {}", run.log);
        assert_eq!(body(&cloud, "b.css"), "one", "{order}");
    }
}

#[test]
fn a_delete_whose_answer_is_lost_is_invalidated_too() {
    let cloud = cloud("");
    let action = step(&cloud).with("delete", "true").env("AWS_MAX_ATTEMPTS", "1");
    action.write("www/index.html", "page");
    cloud.put(BUCKET, "old.css", &[], b"old");
    cloud.put(BUCKET, "older.css", &[], b"old");
    fault(
        &cloud,
        "DeleteObjects",
        json!({"kind": "drop", "when": "after", "times": -1}),
    );
    let (sent, run) = invalidated(&cloud, &action, 1);
    assert_eq!(cloud.keys(BUCKET), ["index.html"]);
    assert_eq!(sent, [["/", "/index.html", "/old.css", "/older.css"]], "{}", run.log);
    assert_eq!(run.output("deleted"), "0");
}

#[test]
fn a_listing_that_is_none_is_asked_for_again_and_never_an_empty_bucket() {
    for body in ["", "<html><body>Sign in</body></html>"] {
        let cloud = cloud("");
        let action = site(&cloud).with("delete", "true").file("www/a.txt", "a");
        action.run().expect_exit(0);

        fault(
            &cloud,
            "ListObjectsV2",
            json!({"kind": "foreign", "body": body, "times": 2}),
        );
        let run = action.run().expect_exit(0);
        assert_eq!(run.output("outcome"), "unchanged", "{}", run.log);

        fault(
            &cloud,
            "ListObjectsV2",
            json!({"kind": "foreign", "body": body, "times": -1}),
        );
        let run = action.env("AWS_MAX_ATTEMPTS", "2").run().expect_exit(1);
        assert!(run.error().contains("cannot list"), "{}", run.error());
        assert!(run.error().contains("the answer cannot be read"), "{}", run.error());
    }
}

#[test]
fn an_upload_without_an_etag_is_sent_again_and_then_an_error() {
    for order in [
        json!({"kind": "foreign", "body": ""}),
        json!({"kind": "foreign"}),
        json!({"kind": "strip"}),
    ] {
        let cloud = cloud("");
        let action = site(&cloud).file("www/a.txt", "a").file("www/b.txt", "b");
        let mut order = order.clone();
        order["match"] = "/a.txt".into();
        order["times"] = 2.into();
        fault(&cloud, "PutObject", order.clone());
        action.run().expect_exit(0);
        assert_eq!((body(&cloud, "a.txt"), body(&cloud, "b.txt")), ("a".into(), "b".into()));

        action.write("www/a.txt", "new");
        order["times"] = (-1).into();
        fault(&cloud, "PutObject", order.clone());
        let run = action.env("AWS_MAX_ATTEMPTS", "2").run().expect_exit(1);
        assert!(run.error().contains("cannot upload `a.txt`"), "{}", run.error());
    }
}

#[test]
fn keys_that_pass_after_a_while_are_deleted_all_the_same() {
    let cloud = cloud("");
    let action = site(&cloud).with("delete", "true").file("www/a.txt", "a");
    for key in ["x1", "x2", "y"] {
        cloud.put(BUCKET, key, &[], b"old");
    }
    for code in ["InternalError", "SlowDown", "OperationAborted"] {
        fault(
            &cloud,
            "DeleteObjects",
            json!({"kind": "keys", "keys": ["x*"], "code": code}),
        );
    }
    let run = action.run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["a.txt"]);
    assert_eq!(run.output("deleted"), "3");
    assert_eq!(cloud.count("DeleteObjects"), 4);

    cloud.put(BUCKET, "x1", &[], b"old");
    fault(
        &cloud,
        "DeleteObjects",
        json!({"kind": "keys", "keys": ["x*"], "code": "InternalError", "times": -1}),
    );
    let run = action.env("AWS_MAX_ATTEMPTS", "3").run().expect_exit(1);
    assert!(run.error().contains("cannot delete `x1`"), "{}", run.error());
    // An internal error leaves open whether the key is gone.
    assert!(
        run.error()
            .contains("live now: site: 1 of 1 object perhaps new, 0 as before"),
        "{}",
        run.error()
    );
    assert_eq!(run.output("deleted"), "0");
}

#[test]
fn headers_that_could_not_be_checked_stay_owed() {
    let cloud = cloud("");
    let action = site(&cloud).file("www/a.txt", "a").file("www/b.txt", "b");
    action.run().expect_exit(0);
    let action = action.with("cache-control", "no-store").env("AWS_MAX_ATTEMPTS", "1");
    fault(
        &cloud,
        "HeadObject",
        json!({"kind": "error", "code": "AccessDenied", "match": "/b.txt"}),
    );
    let run = action.run().expect_exit(0);
    assert!(!run.messages("warning").is_empty(), "{}", run.log);
    let cache = |key: &str| {
        let object = cloud.object(BUCKET, key).expect("the object");
        object.header("cache-control").unwrap_or_default().to_owned()
    };
    assert_eq!((cache("a.txt"), cache("b.txt")), ("no-store".into(), String::new()));

    let run = action.run().expect_exit(0);
    assert_eq!(cache("b.txt"), "no-store", "{}", run.log);
    cloud.forget_requests();
    action.run().expect_exit(0);
    assert_eq!(cloud.count("HeadObject"), 0);
}

#[test]
fn a_second_of_errors_over_many_uploads_is_borne() {
    let cloud = cloud("");
    let action = site(&cloud);
    for n in 0..60 {
        action.write(&format!("www/{n}.txt"), n.to_string());
    }
    fault(
        &cloud,
        "PutObject",
        json!({"kind": "error", "code": "InternalError", "times": 250, "match": ".txt"}),
    );
    action.run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET).len(), 60);
}

#[test]
fn a_listing_that_is_slowed_down_six_times_goes_on_with_a_line_in_the_log() {
    let cloud = cloud("");
    let action = site(&cloud).file("www/a.txt", "a");
    fault(
        &cloud,
        "ListObjectsV2",
        json!({"kind": "error", "code": "SlowDown", "times": 6}),
    );
    let run = action.run().expect_exit(0);
    assert!(run.log.contains("AWS is throttling requests"), "{}", run.log);
    assert_eq!(cloud.keys(BUCKET), ["a.txt"]);
}

#[test]
fn payloads_are_signed_for_the_rest_of_the_run_where_a_policy_wants_it() {
    let cloud = cloud("");
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": format!("arn:aws:s3:::{BUCKET}/*"),
        "Condition": {"StringEquals": {"s3:x-amz-content-sha256": "UNSIGNED-PAYLOAD"}}}]});
    cloud.post("/s3/bucket", &json!({"bucket": BUCKET, "policy": policy}));
    let action = site(&cloud).file("www/film.mp4", vec![7; 9 * 1024 * 1024]);
    for n in 0..200 {
        action.write(&format!("www/{n}.txt"), n.to_string());
    }
    action.run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET).len(), 201);
    let refused = cloud.requests().iter().filter(|one| one["status"] == 403).count();
    assert!(refused < 140, "{refused} uploads were sent unsigned");
}
