//! Ways back: rollbacks, and what a run that failed puts back.

use serde_json::{Value, json};

use super::{BUCKET, assets, back, cloud, day, list, page, release, retired};

#[test]
fn a_rollback_keeps_the_assets_of_the_pages_that_it_takes_back() {
    let cloud = cloud();
    let a = release(&cloud, "a").run().expect_exit(0);
    release(&cloud, "b").run().expect_exit(0);
    day(&cloud, 10.0);
    cloud.forget_requests();
    let run = back(&cloud, a.output("release")).run().expect_exit(0);
    assert_eq!((page(&cloud), assets(&cloud)), ("a".into(), "a.js b.js".into()));
    assert_eq!((run.output("deleted"), retired(&run)), ("0", "assets/b.js".into()));
    assert!(run.summary.contains("1 old asset kept until "), "{}", run.summary);
    let paths = cloud.invalidations().concat();
    assert!(!paths.iter().any(|path| path.contains(".js")), "{paths:?}");
    // What was old before it is in use again, however long ago it was first missing.
    day(&cloud, 23.0);
    let run = release(&cloud, "a").run().expect_exit(0);
    assert_eq!(
        (run.output("outcome"), assets(&cloud)),
        ("unchanged", "a.js b.js".into())
    );
    day(&cloud, 25.0);
    let run = release(&cloud, "a").run().expect_exit(0);
    assert_eq!((run.output("deleted"), assets(&cloud)), ("1", "a.js".into()));
}

#[test]
fn what_was_in_use_before_a_rollback_counts_from_the_next_release_without_it() {
    let cloud = cloud();
    let a = release(&cloud, "a").run().expect_exit(0);
    release(&cloud, "b").run().expect_exit(0);
    day(&cloud, 13.0);
    // Without the input, too: nobody would look for it in a workflow of rollbacks.
    let rollback = back(&cloud, a.output("release"))
        .with("delete-after", "")
        .with("delete", "");
    rollback.run().expect_exit(0);
    assert_eq!((page(&cloud), assets(&cloud)), ("a".into(), "a.js".into()));
    day(&cloud, 16.0);
    let run = release(&cloud, "c").run().expect_exit(0);
    assert_eq!(
        (assets(&cloud), retired(&run)),
        ("a.js c.js".into(), "assets/a.js".into())
    );
    day(&cloud, 31.0);
    release(&cloud, "c").run().expect_exit(0);
    assert_eq!(assets(&cloud), "c.js");
}

#[test]
fn a_rollback_restores_old_assets_that_were_deleted_meanwhile() {
    let cloud = cloud();
    release(&cloud, "a").run().expect_exit(0);
    release(&cloud, "b").run().expect_exit(0);
    day(&cloud, 15.0);
    release(&cloud, "b").run().expect_exit(0);
    assert_eq!(assets(&cloud), "b.js");
    // The run that only deleted an old asset is no release to go back to.
    let run = back(&cloud, "previous").run().expect_exit(0);
    assert_eq!((page(&cloud), assets(&cloud)), ("a".into(), "a.js b.js".into()));
    assert_eq!(retired(&run), "assets/b.js");
    let run = release(&cloud, "a").run().expect_exit(0);
    assert_eq!(
        (run.output("outcome"), assets(&cloud)),
        ("unchanged", "a.js b.js".into())
    );
}

#[test]
fn forward_again_old_assets_are_old_again() {
    let cloud = cloud();
    let a = release(&cloud, "a").run().expect_exit(0);
    let b = release(&cloud, "b").run().expect_exit(0);
    back(&cloud, a.output("release")).run().expect_exit(0);
    day(&cloud, 10.0);
    let run = back(&cloud, b.output("release")).run().expect_exit(0);
    assert_eq!((page(&cloud), assets(&cloud)), ("b".into(), "a.js b.js".into()));
    assert_eq!(retired(&run), "assets/a.js");
    // The next run sees what there is: from then on it counts.
    day(&cloud, 11.0);
    release(&cloud, "b").run().expect_exit(0);
    day(&cloud, 24.0);
    release(&cloud, "b").run().expect_exit(0);
    assert_eq!(assets(&cloud), "a.js b.js");
    day(&cloud, 26.0);
    release(&cloud, "b").run().expect_exit(0);
    assert_eq!(assets(&cloud), "b.js");
}

#[test]
fn a_failure_that_is_undone_keeps_the_assets_of_its_pages() {
    let cloud = cloud();
    release(&cloud, "a").run().expect_exit(0);
    day(&cloud, 3.0);
    let failing = release(&cloud, "b")
        .with("on-failure", "rollback")
        .with("verify-site", &format!("{}/nothing/here 200", cloud.endpoint))
        .with("verify-timeout", "1");
    let run = failing.run().expect_exit(1);
    assert_eq!((page(&cloud), assets(&cloud)), ("a".into(), "a.js b.js".into()));
    assert_eq!(
        (run.output("rolled-back"), retired(&run)),
        ("true", "assets/b.js".into())
    );
    assert_eq!(run.report["site"]["restored"], json!(["index.html"]));
    day(&cloud, 16.0);
    let run = release(&cloud, "a").run().expect_exit(0);
    assert_eq!(
        (run.output("outcome"), retired(&run)),
        ("unchanged", "assets/b.js".into())
    );
    day(&cloud, 18.0);
    release(&cloud, "a").run().expect_exit(0);
    assert_eq!(assets(&cloud), "a.js");
}

#[test]
fn an_old_asset_that_a_taken_back_release_used_counts_from_then() {
    let cloud = cloud();
    let failing = || {
        release(&cloud, "b")
            .with("on-failure", "rollback")
            .with("verify-site", &format!("{}/nothing/here 200", cloud.endpoint))
            .with("verify-timeout", "1")
    };
    release(&cloud, "a").run().expect_exit(0);
    failing().run().expect_exit(1);
    day(&cloud, 13.0);
    // It uploads its page, and finds its asset there.
    failing().run().expect_exit(1);
    day(&cloud, 16.0);
    let run = release(&cloud, "a").run().expect_exit(0);
    assert_eq!(
        (assets(&cloud), retired(&run)),
        ("a.js b.js".into(), "assets/b.js".into())
    );
    day(&cloud, 31.0);
    release(&cloud, "a").run().expect_exit(0);
    assert_eq!(assets(&cloud), "a.js");
}

#[test]
fn what_somebody_puts_in_place_of_a_restored_asset_is_not_deleted_for_it() {
    let cloud = cloud();
    release(&cloud, "a").run().expect_exit(0);
    let b = release(&cloud, "b").run().expect_exit(0);
    day(&cloud, 16.0);
    release(&cloud, "c").run().expect_exit(0);
    back(&cloud, b.output("release")).run().expect_exit(0);
    assert!(assets(&cloud).contains("a.js"), "restored");
    cloud.put(BUCKET, "assets/a.js", &[], b"somebody else's");
    day(&cloud, 29.0);
    let run = release(&cloud, "b").run().expect_exit(0);
    assert!(retired(&run).contains("assets/a.js"), "{}", retired(&run));
    day(&cloud, 42.0);
    release(&cloud, "b").run().expect_exit(0);
    assert!(assets(&cloud).contains("a.js"), "it counts from when it was first seen");
}

#[test]
fn a_run_that_fails_begins_to_count_nothing() {
    let cloud = cloud();
    release(&cloud, "a").run().expect_exit(0);
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "/index.html", "times": -1, "kind": "error",
                "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
    );
    let run = release(&cloud, "b").run().expect_exit(1);
    assert_eq!((page(&cloud), retired(&run)), ("a".into(), String::new()));
    cloud.control("DELETE", "/faults", &Value::Null);
    // The old page was live all the time: its asset is missing from the run that succeeds on.
    day(&cloud, 20.0);
    release(&cloud, "b").run().expect_exit(0);
    assert_eq!((page(&cloud), assets(&cloud)), ("b".into(), "a.js b.js".into()));
    assert_eq!(list(&cloud).len(), 1);
    day(&cloud, 35.0);
    release(&cloud, "b").run().expect_exit(0);
    assert_eq!(assets(&cloud), "b.js");
}

#[test]
fn a_run_that_was_killed_has_what_it_was_about_to_use_taken_from_the_list() {
    let cloud = cloud();
    release(&cloud, "a").run().expect_exit(0);
    release(&cloud, "b").run().expect_exit(0);
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "/slow.js", "times": 1, "kind": "delay", "seconds": 20}),
    );
    // Its pages may be live, and they use an asset that was old.
    let killed = release(&cloud, "c")
        .file("site/assets/a.js", "a")
        .file("site/assets/slow.js", "s");
    killed.signal("KILL", "upload  assets/c.js", 0.2).run();
    cloud.control("DELETE", "/faults", &Value::Null);
    assert!(assets(&cloud).contains("c.js"), "it went on for a while");
    day(&cloud, 20.0);
    let run = release(&cloud, "d").run().expect_exit(0);
    assert!(
        retired(&run).contains("assets/a.js assets/b.js assets/c.js"),
        "{}",
        retired(&run)
    );
    day(&cloud, 35.0);
    release(&cloud, "d").run().expect_exit(0);
    assert_eq!(assets(&cloud), "d.js");
}

#[test]
fn a_rollback_never_hides_more_than_max_delete_and_counts_no_old_asset() {
    let cloud = cloud();
    let a = release(&cloud, "a").run().expect_exit(0);
    let b = release(&cloud, "b");
    (0..25).for_each(|n| b.write(&format!("site/assets/b{n}.js"), "x"));
    b.run().expect_exit(0);
    back(&cloud, a.output("release"))
        .with("max-delete", "1")
        .run()
        .expect_exit(0);
    assert_eq!((page(&cloud), cloud.keys(BUCKET).len()), ("a".into(), 29));
}
