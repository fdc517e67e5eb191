//! Back after something went wrong: runs that failed, were killed or cancelled, and hands in between.

use serde_json::{Value, json};

use super::{A, B, BUCKET, C, back, cloud, release_a, release_b, seen, site};

#[test]
fn a_run_that_failed_half_way_is_taken_back() {
    let cloud = cloud();
    site(&cloud, 1, A)
        .file("site/index.html", "A")
        .file("site/a.js", "a")
        .file("site/b.js", "b")
        .run()
        .expect_exit(0);
    let before = seen(&cloud);
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "/b.js", "times": -1, "kind": "error",
                "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
    );
    let failed = site(&cloud, 2, B)
        .file("site/index.html", "B")
        .file("site/a.js", "a changed")
        .file("site/b.js", "b changed")
        .file("site/new.js", "new")
        .run()
        .expect_exit(1);
    assert!(failed.error().contains("b.js"), "{}", failed.error());
    assert_ne!(seen(&cloud), before, "a part of it went up");
    cloud.control("DELETE", "/faults", &Value::Null);
    site(&cloud, 3, C).with("command", "rollback").run().expect_exit(0);
    assert_eq!(seen(&cloud), before);
}

#[test]
fn a_killed_run_is_taken_back_and_its_invalidation_made_up_for() {
    let cloud = cloud();
    let deploy = |run, sha, text: &str| {
        let mut action = site(&cloud, run, sha)
            .with("distribution", "E1EXAMPLE")
            .file("site/index.html", text);
        for n in 0..40 {
            action = action.file(&format!("site/{n}.js"), format!("{text} {n}"));
        }
        action
    };
    deploy(1, A, "one").run().expect_exit(0);
    let before = seen(&cloud);
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "/39.js", "times": 1, "kind": "delay", "seconds": 20}),
    );
    deploy(2, B, "two").signal("KILL", "upload  0.js", 0.5).run();
    assert_ne!(seen(&cloud), before, "a part of it went up");
    cloud.control("DELETE", "/faults", &Value::Null);
    cloud.forget_requests();
    let run = site(&cloud, 3, C)
        .with("distribution", "E1EXAMPLE")
        .with("command", "rollback")
        .run()
        .expect_exit(0);
    assert_eq!(seen(&cloud), before);
    let warnings = run.messages("warning").join("\n");
    assert!(
        warnings.contains("was started 0 min ago and has not ended"),
        "{warnings}"
    );
    assert!(warnings.contains("/actions/runs/9002"), "{warnings}");
    let paths = cloud.invalidations();
    assert!(
        paths.iter().flatten().any(|path| path == "/*" || path == "/39.js"),
        "{paths:?}"
    );
    // Nothing is owed any more.
    cloud.forget_requests();
    let unchanged = deploy(4, A, "one").run().expect_exit(0);
    assert_eq!(unchanged.output("outcome"), "unchanged");
    assert!(cloud.invalidations().is_empty());
}

#[test]
fn a_cancelled_run_is_recorded_closed_and_taken_back() {
    let cloud = cloud();
    let deploy = |run, sha, text: &str| {
        site(&cloud, run, sha)
            .with("github-environment", "production")
            .with("github-token", "ghs_example")
            .file("site/index.html", text)
            .file("site/quick.js", text)
            .file("site/slow.js", text)
    };
    deploy(1, A, "one").run().expect_exit(0);
    let before = seen(&cloud);
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "/slow.js", "times": -1, "kind": "delay", "seconds": 20}),
    );
    let run = deploy(2, B, "two")
        .signal("CANCEL", "upload  quick.js", 0.5)
        .run()
        .expect_exit(130);
    cloud.control("DELETE", "/faults", &Value::Null);
    assert_eq!(run.output("outcome"), "cancelled");
    assert_eq!(cloud.object(BUCKET, "quick.js").expect("a file").text(), "two");
    let folder = ".aws-web-deploy/site/releases/";
    let newest = cloud
        .all_keys(BUCKET)
        .into_iter()
        .find(|key| key.starts_with(folder))
        .expect("a record");
    let record: Value = serde_json::from_slice(&cloud.object(BUCKET, &newest).expect("it").body).expect("JSON");
    assert_eq!(record["id"], run.output("release"));
    assert_eq!(
        (&record["status"], &record["site"]["written"]),
        (&json!("cancelled"), &json!(1))
    );
    let statuses = cloud.get("/github")["statuses"].as_array().cloned().unwrap_or_default();
    assert_eq!(statuses.last().expect("a status")["state"], "error");

    site(&cloud, 3, C).with("command", "rollback").run().expect_exit(0);
    assert_eq!(seen(&cloud), before);
}

/// A container job: signals end at `docker exec` (<https://github.com/docker/cli/issues/5309>), and the log has no reader.
#[test]
fn a_run_whose_log_nobody_reads_any_more_stops_and_the_next_one_repairs() {
    let cloud = cloud();
    let deploy = |run, sha, text: &str| {
        site(&cloud, run, sha)
            .with("distribution", "E1EXAMPLE")
            .file("site/index.html", text)
            .file("site/quick.js", text)
            .file("site/slow.js", text)
    };
    deploy(1, A, "one").run().expect_exit(0);
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "/slow.js", "times": -1, "kind": "delay", "seconds": 20}),
    );
    let run = deploy(2, B, "two")
        .signal("DETACH", "upload  quick.js", 0.2)
        .run()
        .expect_exit(130);
    cloud.control("DELETE", "/faults", &Value::Null);
    assert_eq!(run.output("outcome"), "cancelled");
    assert_eq!(run.report["outcome"], "cancelled");
    let stopped = cloud.object(BUCKET, "index.html").expect("a page").text();
    assert_eq!(stopped, "one", "pages go up last");

    let repaired = deploy(3, B, "two").run().expect_exit(0);
    assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), "two");
    assert!(
        repaired.output("invalidated-paths").contains("/quick.js"),
        "{}",
        repaired.output("invalidated-paths")
    );
}

#[test]
fn a_key_changed_by_hand_is_taken_back_and_said() {
    let cloud = cloud();
    site(&cloud, 1, A)
        .file("site/index.html", "A")
        .file("site/same.txt", "s")
        .run()
        .expect_exit(0);
    site(&cloud, 2, B)
        .file("site/index.html", "B")
        .file("site/same.txt", "s")
        .run()
        .expect_exit(0);
    cloud.put(BUCKET, "index.html", &[], b"by hand");
    cloud.put(BUCKET, "same.txt", &[], b"by hand, and no release touched it since");
    let run = site(&cloud, 3, C).with("command", "rollback").run().expect_exit(0);
    assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), "A");
    assert!(
        cloud
            .object(BUCKET, "same.txt")
            .expect("a file")
            .text()
            .starts_with("by hand")
    );
    assert!(
        run.log
            .contains("index.html: was modified outside this action since release"),
        "{}",
        run.log
    );
    assert_eq!(run.report["site"]["warnings"][0]["path"], "index.html");
}

#[test]
fn a_backend_that_fails_to_go_back_leaves_the_site_alone() {
    let cloud = cloud();
    release_a(&cloud).run().expect_exit(0);
    release_b(&cloud).run().expect_exit(0);
    let before = seen(&cloud);
    cloud.set_scenario("my-app-prod", "fails", &json!({"seconds": 1}));
    back(&cloud, 3).run().expect_exit(1);
    assert_eq!(seen(&cloud), before);
    assert_eq!(
        cloud.count("CopyObject"),
        1,
        "the one of release B, whose headers changed"
    );
}
