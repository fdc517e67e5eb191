//! What somebody else changed meanwhile stays as it is, and what somebody set by hand before comes back.

use serde_json::json;

use super::{BUCKET, all, cloud, label, seen, site};
use crate::support::{Action, Cloud, Run};

/// Release `b`, whose site never answers as wanted.
fn unwanted(cloud: &Cloud, action: Action) -> Action {
    let page = format!("{}/{BUCKET}/same.txt", cloud.endpoint);
    action
        .with("verify-site", &format!("{page} 404"))
        .with("verify-timeout", "3")
}

/// Runs `action` while somebody else does `meanwhile`, once its site is up and before it goes back.
fn beside(cloud: &Cloud, action: &Action, meanwhile: impl Fn()) -> Run {
    let before = cloud.count("CreateInvalidation");
    std::thread::scope(|scope| {
        let run = scope.spawn(|| action.run());
        for _ in 0..600 {
            if cloud.count("CreateInvalidation") > before {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        meanwhile();
        run.join().expect("the run")
    })
}

#[test]
fn an_object_that_somebody_else_wrote_since_is_left_alone_and_named() {
    let cloud = cloud();
    all(&cloud, "a").run().expect_exit(0);
    let mut expected = seen(&cloud);
    let action = unwanted(&cloud, all(&cloud, "b"))
        .with("github-environment", "production")
        .with("github-token", "ghs_example");
    let run = beside(&cloud, &action, || {
        cloud.put(BUCKET, "index.html", &[], b"<h1>hotfix</h1>");
    })
    .expect_exit(1);
    expected.insert("index.html".to_owned(), "<h1>hotfix</h1> - false".to_owned());
    assert_eq!((seen(&cloud), label(&cloud).as_str()), (expected, "v-a"));
    assert_eq!(run.output("rolled-back"), "false");
    let error = run.error();
    for part in [
        "2 objects of the site were rolled back; 1 object was changed by somebody else meanwhile, and it is left alone \
         (`index.html`)",
        "live now: backend `v-a` in `my-app-prod` (as before), site: 1 of 3 objects changed by somebody else meanwhile \
         (`index.html`), 2 as before",
    ] {
        assert!(error.contains(part), "`{part}` is not in {error}");
    }
    assert!(
        run.messages("warning").join("\n").contains("`index.html`"),
        "{}",
        run.log
    );
    assert_eq!(run.report["site"]["changed_by_others"], json!(["index.html"]));
    assert!(
        run.summary.contains("1 changed by somebody else meanwhile"),
        "{}",
        run.summary
    );
    let statuses = cloud.get("/github")["statuses"].as_array().cloned().unwrap_or_default();
    let description = statuses.last().map(|status| status["description"].to_string());
    let description = description.unwrap_or_default();
    assert!(
        description.contains("changed by somebody else meanwhile"),
        "{description}"
    );
}

#[test]
fn an_object_that_somebody_else_deleted_since_stays_deleted() {
    let cloud = cloud();
    site(&cloud, "a").run().expect_exit(0);
    let run = beside(&cloud, &unwanted(&cloud, site(&cloud, "b")), || {
        let deleted = cloud.s3("DELETE", &format!("/{BUCKET}/index.html"), &[], b"");
        assert!(deleted.status < 300, "{}", deleted.text());
        cloud.put(BUCKET, "b.js", &[], b"theirs");
    })
    .expect_exit(1);
    assert_eq!(cloud.keys(BUCKET), ["a.js", "b.js", "same.txt"]);
    assert!(
        run.error().contains(
            "2 objects were changed by somebody else meanwhile, and they are left alone (`b.js`, `index.html`)"
        ),
        "{}",
        run.error()
    );
}

#[test]
fn an_object_that_somebody_else_brought_back_is_as_before() {
    let cloud = cloud();
    site(&cloud, "a").run().expect_exit(0);
    let before = seen(&cloud);
    let run = beside(&cloud, &unwanted(&cloud, site(&cloud, "b")), || {
        let deleted = cloud.s3("DELETE", &format!("/{BUCKET}/b.js"), &[], b"");
        assert!(deleted.status < 300, "{}", deleted.text());
    })
    .expect_exit(1);
    assert_eq!(seen(&cloud), before);
    assert_eq!(
        (run.output("rolled-back"), run.report["live"].as_str()),
        ("true", Some("site: as before"))
    );
    let expected =
        "2 objects of the site were rolled back; 1 object was brought back by somebody else meanwhile (`b.js`)";
    assert!(run.error().contains(expected), "{}", run.error());
    assert!(!run.log.contains("left alone"), "{}", run.log);
    // A cache may have the object of the release that is gone.
    assert_eq!(
        cloud
            .invalidations()
            .last()
            .map(|paths| paths.contains(&"/b.js".to_owned())),
        Some(true)
    );
}

/// Runs `action` until a request of this operation is held, and lets it go on once somebody else did `meanwhile`.
fn at_the_last_moment(cloud: &Cloud, action: &Action, fault: &serde_json::Value, meanwhile: impl Fn()) -> Run {
    cloud.hold(fault);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| action.run());
        while cloud.held() == 0 {
            assert!(!run.is_finished(), "nothing was held");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        meanwhile();
        cloud.release();
        run.join().expect("the run")
    })
}

/// The page or the script of release `b` is somebody else's after this, and left alone; all else is as before.
fn is_left_alone(cloud: &Cloud, run: &Run, key: &str, mut before: std::collections::BTreeMap<String, String>) {
    before.insert(key.to_owned(), "theirs - false".to_owned());
    assert_eq!(seen(cloud), before);
    assert_eq!(run.output("rolled-back"), "false");
    for part in [
        format!("1 object was changed by somebody else meanwhile, and it is left alone (`{key}`)"),
        format!("site: 1 of 3 objects changed by somebody else meanwhile (`{key}`), 2 as before"),
    ] {
        assert!(run.error().contains(&part), "`{part}` is not in {}", run.error());
    }
}

#[test]
fn what_somebody_else_writes_right_before_the_way_back_is_not_lost() {
    for (key, fault) in [
        ("index.html", json!({"operation": "CopyObject", "match": "/index.html"})),
        // The first request deletes what the release does not have.
        ("b.js", json!({"operation": "DeleteObjects", "skip": 1})),
    ] {
        let cloud = cloud();
        site(&cloud, "a").run().expect_exit(0);
        let before = seen(&cloud);
        let action = unwanted(&cloud, site(&cloud, "b")).with("verify-timeout", "1");
        let run = at_the_last_moment(&cloud, &action, &fault, || cloud.put(BUCKET, key, &[], b"theirs"));
        is_left_alone(&cloud, &run.expect_exit(1), key, before);
    }
}

#[test]
fn a_way_back_whose_first_answer_was_lost_is_known_as_ours() {
    for (fault, encryption) in [
        (json!({"operation": "CopyObject", "match": "/index.html"}), "AES256"),
        // There an ETag tells nothing of the bytes.
        (json!({"operation": "CopyObject", "match": "/index.html"}), "aws:kms"),
        (json!({"operation": "DeleteObjects", "skip": 1}), "AES256"),
    ] {
        let cloud = cloud();
        cloud.post("/s3/bucket", &json!({"bucket": BUCKET, "encryption": encryption}));
        site(&cloud, "a").run().expect_exit(0);
        let before = seen(&cloud);
        let mut lost = fault;
        for (name, value) in [
            ("service", json!("s3")),
            ("kind", json!("drop")),
            ("when", json!("after")),
        ] {
            lost[name] = value;
        }
        cloud.post("/faults", &lost);
        let run = unwanted(&cloud, site(&cloud, "b"))
            .with("verify-timeout", "1")
            .run()
            .expect_exit(1);
        assert_eq!(seen(&cloud), before);
        assert_eq!(
            (run.output("rolled-back"), run.report["live"].as_str()),
            ("true", Some("site: as before")),
            "{lost} {}",
            run.error()
        );
    }
}

#[test]
fn bytes_of_somebody_else_are_not_taken_for_a_write_whose_answer_was_lost() {
    let cloud = cloud();
    site(&cloud, "a").run().expect_exit(0);
    let before = seen(&cloud);
    lose(&cloud, "PutObject");
    let action = site(&cloud, "b")
        .file("site/index.html", "6bytes")
        .env("AWS_MAX_ATTEMPTS", "1");
    let run = at_the_last_moment(&cloud, &action, &json!({"operation": "ListObjectVersions"}), || {
        // Past the faults.
        cloud.post(
            "/s3/object",
            &json!({"bucket": BUCKET, "key": "index.html", "body": "theirs"}),
        );
    })
    .expect_exit(1);
    let mut expected = before;
    expected.insert("index.html".to_owned(), "theirs - false".to_owned());
    assert_eq!(seen(&cloud), expected);
    assert!(
        run.error()
            .contains("1 object was changed by somebody else meanwhile, and it is left alone (`index.html`)"),
        "{}",
        run.error()
    );
}

/// Sets the ACL of the page by hand.
fn set_acl(cloud: &Cloud, acl: &str) -> String {
    let set = cloud.s3("PUT", &format!("/{BUCKET}/index.html?acl"), &[("x-amz-acl", acl)], b"");
    assert!(set.status < 300, "{}", set.text());
    cloud.acl(BUCKET, "index.html")
}

/// S3 tells whole seconds: of two versions of one second it is not known which was there when a run began.
fn another_second() {
    std::thread::sleep(std::time::Duration::from_millis(1100));
}

#[test]
fn an_acl_that_was_set_by_hand_before_comes_back() {
    let cloud = cloud();
    site(&cloud, "a").run().expect_exit(0);
    for acl in ["private", "authenticated-read"] {
        let by_hand = set_acl(&cloud, acl);
        another_second();
        let run = unwanted(&cloud, site(&cloud, "b"))
            .with("verify-timeout", "1")
            .run()
            .expect_exit(1);
        assert_eq!(cloud.acl(BUCKET, "index.html"), by_hand, "{acl}");
        assert_eq!(run.output("rolled-back"), "true");
    }
    // The same bytes again, uploaded all the same.
    let by_hand = cloud.acl(BUCKET, "index.html");
    another_second();
    unwanted(&cloud, site(&cloud, "a"))
        .with("force", "true")
        .with("verify-timeout", "1")
        .run()
        .expect_exit(1);
    assert_eq!(cloud.acl(BUCKET, "index.html"), by_hand);
}

#[test]
fn acls_that_cannot_be_read_come_back_as_recorded_and_the_log_says_so() {
    let cloud = cloud();
    site(&cloud, "a").run().expect_exit(0);
    let recorded = cloud.acl(BUCKET, "index.html");
    set_acl(&cloud, "private");
    another_second();
    cloud.post(
        "/deny",
        &json!({"action": "s3:GetObjectVersionAcl", "resource": format!("arn:aws:s3:::{BUCKET}/*")}),
    );
    let run = unwanted(&cloud, site(&cloud, "b"))
        .with("verify-timeout", "1")
        .run()
        .expect_exit(1);
    assert_eq!(cloud.acl(BUCKET, "index.html"), recorded);
    let warnings = run.messages("warning").join("\n");
    for part in [
        "ACLs set by hand are not known",
        "AccessDenied",
        "`s3:GetObjectVersionAcl`",
    ] {
        assert!(warnings.contains(part), "`{part}` is not in {warnings}");
    }
}

/// Loses every answer to this operation on the page, which has happened all the same.
fn lose(cloud: &Cloud, operation: &str) {
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": operation, "match": "/index.html", "times": -1, "kind": "drop", "when": "after"}),
    );
}

#[test]
fn an_object_whose_answer_was_lost_is_perhaps_new() {
    let cloud = cloud();
    site(&cloud, "a").run().expect_exit(0);
    lose(&cloud, "PutObject");
    let run = site(&cloud, "b")
        .with("on-failure", "keep")
        .env("AWS_MAX_ATTEMPTS", "1")
        .run()
        .expect_exit(1);
    assert_eq!(
        run.report["live"],
        "site: 1 of 3 objects new, 1 perhaps new, 1 as before"
    );
    // The way back knows what became of it.
    let run = site(&cloud, "c").env("AWS_MAX_ATTEMPTS", "1").run().expect_exit(1);
    assert_eq!(run.report["live"], "site: as before", "{}", run.error());
    assert_eq!(cloud.keys(BUCKET), ["a.js", "b.js", "index.html", "same.txt"]);
}

#[test]
fn an_object_whose_way_back_was_not_answered_is_perhaps_new() {
    let cloud = cloud();
    site(&cloud, "a").run().expect_exit(0);
    lose(&cloud, "CopyObject");
    let run = unwanted(&cloud, site(&cloud, "b"))
        .with("verify-timeout", "1")
        .env("AWS_MAX_ATTEMPTS", "1")
        .run()
        .expect_exit(1);
    let live = run.report["live"].as_str().unwrap_or_default();
    assert!(
        live.ends_with("site: 1 of 3 objects new (`b.js`), 1 perhaps new (`index.html`), 1 as before"),
        "{live}"
    );
}
