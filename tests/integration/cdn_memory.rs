//! What is owed to a distribution is not forgotten, whatever comes in between; and never more than CloudFront takes.

use serde_json::json;

use crate::cdn::{allow_all, cloud, deny, invalidated, paths, step};
use crate::support::{Action, Cloud};

/// A cloud whose site owes `/a.html` to E1.
fn owing() -> (Cloud, Action) {
    let cloud = cloud("");
    let action = step(&cloud).file("www/a.html", "a");
    deny(&cloud, "cloudfront:CreateInvalidation");
    action.run().expect_exit(1);
    allow_all(&cloud);
    action.write("www/b.html", "b");
    (cloud, action)
}

#[test]
fn records_that_cannot_be_read_once_are_read_by_the_next_run() {
    for (operation, part) in [("GetObject", "releases/"), ("ListObjectsV2", "releases")] {
        for status in [403, 500] {
            let (cloud, action) = owing();
            let code = if status == 403 { "AccessDenied" } else { "InternalError" };
            cloud.post(
                "/faults",
                &json!({"service": "s3", "operation": operation, "match": part, "kind": "error", "times": -1,
                        "status": status, "code": code, "message": code}),
            );
            let action = action.env("AWS_MAX_ATTEMPTS", "1");
            let (sent, run) = invalidated(&cloud, &action, 0);
            assert_eq!(sent, paths(&[&["/b.html"]]), "{operation} {status}");
            assert!(
                run.messages("warning").join(" ").contains("the next run looks again"),
                "{}",
                run.log
            );
            cloud.control("DELETE", "/faults", &json!(null));
            let (sent, _) = invalidated(&cloud, &action, 0);
            assert_eq!(sent, paths(&[&["/a.html"]]), "{operation} {status}");
            let (sent, run) = invalidated(&cloud, &action, 0);
            assert!(sent.is_empty() && run.output("outcome") == "unchanged", "{sent:?}");
        }
    }
}

#[test]
fn a_list_of_planned_keys_that_is_refused_once_is_read_by_the_next_run() {
    let cloud = cloud("");
    let action = step(&cloud).file("www/app.js", "a").file("www/index.html", "b");
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "/index.html", "kind": "delay", "seconds": 20, "times": 1}),
    );
    let killed = action.signal("KILL", "app.js", 0.5);
    assert_ne!(killed.run().exit_code, 0);
    cloud.control("DELETE", "/faults", &json!(null));
    cloud.post(
        "/deny",
        &json!({"action": "s3:GetObject", "resource": "*planned.jsonl.gz"}),
    );
    let html = [("content-type", "text/html; charset=utf-8")];
    cloud.put("site", "index.html", &html, b"b");
    let action = step(&cloud)
        .file("www/app.js", "a")
        .file("www/index.html", "b")
        .file("www/new.html", "c");
    let (sent, run) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, paths(&[&["/new.html"]]));
    assert!(
        run.messages("warning").join(" ").contains("the next run looks again"),
        "{}",
        run.log
    );
    allow_all(&cloud);
    let (sent, _) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, paths(&[&["/", "/app.js", "/index.html"]]));
}

#[test]
fn more_than_twenty_deploys_in_between_change_nothing() {
    let (cloud, action) = owing();
    let other = Action::new(&cloud).with("bucket", "site").with("source", "www");
    for n in 0..22 {
        other.write("www/c.html", format!("{n}"));
        other.run().expect_exit(0);
    }
    let (sent, _) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, paths(&[&["/a.html", "/b.html"]]));
}

#[test]
fn a_step_that_has_the_distribution_alone_remembers_by_its_history() {
    let cloud = cloud("");
    cloud.create_bucket("ops");
    let alone = |path: &str| {
        Action::new(&cloud)
            .with("distribution", "E1")
            .with("paths", path)
            .with("history", "s3://ops")
    };
    deny(&cloud, "cloudfront:CreateInvalidation");
    invalidated(&cloud, &alone("/old"), 1);
    invalidated(&cloud, &alone("/older"), 1);
    allow_all(&cloud);
    let (sent, _) = invalidated(&cloud, &alone("/new"), 0);
    assert_eq!(sent, paths(&[&["/new", "/old", "/older"]]));
    let (sent, _) = invalidated(&cloud, &alone("/new"), 0);
    assert_eq!(sent, paths(&[&["/new"]]));

    // What it owes is paid by a step with a site, and the other way round.
    let site = step(&cloud).with("history", "s3://ops").file("www/a.html", "a");
    deny(&cloud, "cloudfront:CreateInvalidation");
    invalidated(&cloud, &alone("/x"), 1);
    allow_all(&cloud);
    let (sent, _) = invalidated(&cloud, &site, 0);
    assert_eq!(sent, paths(&[&["/a.html", "/x"]]));
    deny(&cloud, "cloudfront:CreateInvalidation");
    site.write("www/b.html", "b");
    invalidated(&cloud, &site, 1);
    allow_all(&cloud);
    let (sent, _) = invalidated(&cloud, &alone("/y"), 0);
    assert_eq!(sent, paths(&[&["/y", "/b.html"]]));
    let (sent, run) = invalidated(&cloud, &site, 0);
    assert!(sent.is_empty() && run.output("outcome") == "unchanged", "{sent:?}");
}

#[test]
fn explicit_paths_that_failed_are_owed_though_nothing_else_changed() {
    let cloud = cloud("");
    let action = step(&cloud).file("www/a.html", "a");
    action.run().expect_exit(0);
    deny(&cloud, "cloudfront:CreateInvalidation");
    let explicit = step(&cloud).with("paths", "/promised").file("www/a.html", "a");
    invalidated(&cloud, &explicit, 1);
    allow_all(&cloud);
    let (sent, _) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, paths(&[&["/promised"]]));
}

#[test]
fn debts_and_explicit_wildcards_together_stay_within_what_cloudfront_takes() {
    let cloud = cloud("");
    let all = |root: &str| (0..15).map(|n| format!("/{root}{n}/*")).collect::<Vec<_>>().join(" ");
    let explicit = |root: &str| step(&cloud).with("paths", &all(root)).file("www/a.html", root);
    deny(&cloud, "cloudfront:CreateInvalidation");
    invalidated(&cloud, &explicit("old"), 1);
    allow_all(&cloud);
    let (sent, _) = invalidated(&cloud, &explicit("new"), 0);
    let wildcards = sent.iter().flatten().filter(|path| path.ends_with('*')).count();
    assert!((1..=15).contains(&wildcards), "{sent:?}");
    for path in [all("old"), all("new")].iter().flat_map(|paths| paths.split(' ')) {
        let covered = |sent: &String| sent == path || sent == "/*";
        assert!(sent.iter().flatten().any(covered), "{path} is not in {sent:?}");
    }
}
