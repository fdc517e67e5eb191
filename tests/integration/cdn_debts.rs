//! What a run could not invalidate is owed, and paid by the next one.

use serde_json::{Value, json};

use crate::cdn::{allow_all, cloud, deny, invalidated, paths, step, to_cloudfront};
use crate::support::Cloud;

#[test]
fn a_failed_invalidation_fails_the_run_and_the_next_one_makes_it_good() {
    let cloud = cloud("");
    let action = step(&cloud).file("www/index.html", "a");
    deny(&cloud, "cloudfront:CreateInvalidation");
    let (_, run) = invalidated(&cloud, &action, 1);
    assert_eq!(cloud.keys("site"), ["index.html"]);
    assert!(run.error().contains("AccessDenied"), "{}", run.error());
    assert!(run.error().contains("cloudfront:CreateInvalidation"), "{}", run.error());
    assert_eq!(run.report["invalidations"][0]["status"], "Failed");
    assert_eq!(run.output("invalidated-paths"), "");
    allow_all(&cloud);

    let (sent, run) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, paths(&[&["/", "/index.html"]]));
    assert_eq!(run.output("uploaded"), "0");
    let (_, run) = invalidated(&cloud, &action, 0);
    assert_eq!(run.output("outcome"), "unchanged");
    assert!(to_cloudfront(&cloud).is_empty());
}

#[test]
fn a_failed_invalidation_may_be_a_warning_and_is_owed_all_the_same() {
    let cloud = cloud("");
    let action = step(&cloud)
        .with("invalidation-failure", "warn")
        .file("www/a.html", "a");
    deny(&cloud, "cloudfront:CreateInvalidation");
    let (_, run) = invalidated(&cloud, &action, 0);
    assert!(
        run.messages("warning")
            .iter()
            .any(|warning| warning.contains("AccessDenied")),
        "{}",
        run.log
    );
    assert!(run.messages("error").is_empty());
    let done = run.messages("notice").join("\n");
    assert!(done.contains("1 uploaded; 1 path not invalidated"), "{done}");
    let first = run.summary.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("## ⚠️ Deployed ") && first.ends_with(", but 1 path not invalidated"),
        "{first}"
    );
    let (_, run) = invalidated(&cloud, &action, 0);
    let done = run.messages("notice").join("\n");
    assert!(done.contains("nothing changed in "), "{done}");
    assert!(done.contains("1 unchanged; 1 path not invalidated"), "{done}");
    let first = run.summary.lines().next().unwrap_or_default();
    assert!(
        first.contains(": nothing changed, but 1 path not invalidated ("),
        "{first}"
    );
    allow_all(&cloud);

    action.write("www/b.html", "b");
    let (sent, _) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, paths(&[&["/a.html", "/b.html"]]));
}

#[test]
fn one_distribution_that_fails_leaves_only_its_own_paths_to_the_next_run() {
    let cloud = cloud("");
    cloud.add_distribution("E2", "site", &json!({}));
    let action = step(&cloud).with("distribution", "E1 E2").file("www/a.html", "a");
    cloud.control(
        "POST",
        "/deny",
        &json!({"action": "cloudfront:CreateInvalidation", "resource": "arn:aws:cloudfront::*:distribution/E1"}),
    );
    let (sent, run) = invalidated(&cloud, &action, 1);
    assert_eq!(sent, paths(&[&["/a.html"]]));
    assert!(
        run.output("invalidation-id").starts_with("- "),
        "{}",
        run.output("invalidation-id")
    );
    allow_all(&cloud);
    let (sent, run) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, paths(&[&["/a.html"]]));
    assert_eq!(run.report["invalidations"][0]["distribution"], "E1");
    assert_eq!(run.report["invalidations"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_run_that_fails_half_way_invalidates_what_did_change_and_the_next_one_the_rest() {
    let cloud = cloud("");
    let action = step(&cloud)
        .file("www/app.js", "a")
        .file("www/other.js", "b")
        .file("www/index.html", "c");
    cloud.control(
        "POST",
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "other.js", "kind": "error", "times": -1,
                "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
    );
    let (sent, _) = invalidated(&cloud, &action, 1);
    assert_eq!(cloud.keys("site"), ["app.js"], "after a failed asset no HTML goes up");
    assert_eq!(sent, paths(&[&["/app.js"]]));
    cloud.control("DELETE", "/faults", &Value::Null);

    let (sent, _) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, paths(&[&["/", "/index.html", "/other.js"]]));
}

/// The upload of the page takes so long that something else can happen to the run.
fn hold_the_page(cloud: &Cloud) {
    cloud.control(
        "POST",
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "/index.html", "kind": "delay", "seconds": 20, "times": 1}),
    );
}

#[test]
fn what_a_killed_run_was_about_to_change_is_invalidated_by_the_next_one() {
    let cloud = cloud("");
    let action = step(&cloud).file("www/app.js", "a").file("www/index.html", "b");
    hold_the_page(&cloud);
    let killed = action.signal("KILL", "app.js", 1.0);
    let run = killed.run();
    assert_ne!(run.exit_code, 0, "{}", run.log);
    assert!(cloud.invalidations().is_empty());
    cloud.control("DELETE", "/faults", &Value::Null);

    // The same files, brought up by somebody else meanwhile: nothing is left to upload, yet nobody invalidated.
    cloud.put(
        "site",
        "index.html",
        &[("content-type", "text/html; charset=utf-8")],
        b"b",
    );
    let action = step(&cloud).file("www/app.js", "a").file("www/index.html", "b");
    let (sent, _) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, paths(&[&["/", "/app.js", "/index.html"]]));
}

#[test]
fn a_cancelled_run_invalidates_nothing_and_leaves_it_to_the_next_one() {
    let cloud = cloud("");
    let action = step(&cloud).file("www/app.js", "a").file("www/index.html", "b");
    hold_the_page(&cloud);
    let action = action.signal("CANCEL", "app.js", 0.5);
    let (sent, run) = invalidated(&cloud, &action, 130);
    assert!(sent.is_empty());
    assert_eq!(run.output("outcome"), "cancelled");
    cloud.control("DELETE", "/faults", &Value::Null);

    let action = step(&cloud).file("www/app.js", "a").file("www/index.html", "b");
    let (sent, _) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, paths(&[&["/", "/app.js", "/index.html"]]));
}
