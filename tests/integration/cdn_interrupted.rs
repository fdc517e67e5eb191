//! What an interrupted run owes to a distribution is paid by whoever comes after its last write, once.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cdn::{allow_all, cloud, deny, invalidated, paths, step, to_cloudfront};
use crate::support::{Action, Cloud, Run};

/// S3's times are whole seconds.
fn next_second() {
    std::thread::sleep(Duration::from_millis(1100));
}

fn site(cloud: &Cloud) -> Action {
    step(cloud).file("www/app.js", "a").file("www/index.html", "b")
}

/// A run that is killed before its page is there.
fn killed(cloud: &Cloud, action: Action) -> Run {
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "/index.html", "kind": "delay", "seconds": 20, "times": 1}),
    );
    let run = action.signal("KILL", "app.js", 0.5).run();
    assert_ne!(run.exit_code, 0, "{}", run.log);
    cloud.control("DELETE", "/faults", &Value::Null);
    run
}

/// Writes the same page that is there already, as a run does that was not dead after all.
fn write_page_again(cloud: &Cloud) {
    next_second();
    cloud.put(
        "site",
        "index.html",
        &[("content-type", "text/html; charset=utf-8")],
        b"b",
    );
}

fn unchanged(cloud: &Cloud, action: &Action) {
    let (_, run) = invalidated(cloud, action, 0);
    assert!(to_cloudfront(cloud).is_empty(), "{:?}", to_cloudfront(cloud));
    assert_eq!(run.output("outcome"), "unchanged", "{}", run.log);
}

fn record_keys(cloud: &Cloud, part: &str) -> Vec<String> {
    let mut keys = cloud.all_keys("site");
    keys.retain(|key| key.contains(part));
    keys
}

#[test]
fn a_run_that_wrote_on_after_another_one_had_paid_for_it_owes_again() {
    let cloud = cloud("");
    killed(&cloud, site(&cloud));
    let action = site(&cloud);
    let all = paths(&[&["/", "/app.js", "/index.html"]]);
    assert_eq!(invalidated(&cloud, &action, 0).0, all);
    unchanged(&cloud, &action);

    write_page_again(&cloud);
    assert_eq!(invalidated(&cloud, &action, 0).0, all);
    unchanged(&cloud, &action);

    // A deploy that changes what the dead run had planned is none of its doing.
    action.write("www/index.html", "c");
    assert_eq!(invalidated(&cloud, &action, 0).0, paths(&[&["/", "/index.html"]]));
    unchanged(&cloud, &action);
}

#[test]
fn a_run_that_read_the_records_before_another_one_began_pays_nothing_for_it() {
    let cloud = cloud("");
    let other = step(&cloud).file("www/app.js", "0");
    invalidated(&cloud, &other, 0);
    let early: Vec<_> = record_keys(&cloud, "/releases/")
        .into_iter()
        .map(|key| (cloud.object("site", &key).expect("a record").body, key))
        .collect();
    killed(&cloud, site(&cloud));
    // The one that had read first writes its record last.
    next_second();
    for (body, key) in &early {
        cloud.put("site", key, &[("content-type", "application/json")], body);
    }
    cloud.put(
        "site",
        "index.html",
        &[("content-type", "text/html; charset=utf-8")],
        b"b",
    );
    let action = site(&cloud);
    let (sent, run) = invalidated(&cloud, &action, 0);
    assert_eq!(sent, paths(&[&["/", "/app.js", "/index.html"]]), "{}", run.log);
    unchanged(&cloud, &action);
}

#[test]
fn a_list_that_is_gone_or_garbage_is_paid_by_a_wildcard_around_the_prefix_once() {
    for (name, body) in [
        ("gone", None),
        ("garbage", Some(&b"\x1f\x8bnothing"[..])),
        ("empty", Some(&b""[..])),
    ] {
        let cloud = cloud("");
        let docs = || site(&cloud).with("prefix", "docs");
        killed(&cloud, docs());
        let lists = record_keys(&cloud, "planned.jsonl.gz");
        assert_eq!(lists.len(), 1, "{lists:?}");
        match body {
            None => assert_eq!(cloud.s3("DELETE", &format!("/site/{}", lists[0]), &[], b"").status, 204),
            Some(body) => cloud.put("site", &lists[0], &[], body),
        }
        let action = docs().file("www/new.html", "c");
        let (sent, run) = invalidated(&cloud, &action, 0);
        assert_eq!(sent, paths(&[&["/docs/*"]]), "{name}");
        let warnings = run.messages("warning").join("\n");
        assert!(warnings.contains("`docs/*` is invalidated once"), "{name}: {warnings}");
        let (_, run) = invalidated(&cloud, &action, 0);
        assert!(to_cloudfront(&cloud).is_empty(), "{name}: {}", run.log);
        assert!(
            !run.log.contains("cannot") && !run.log.contains("nobody knows"),
            "{name}: {}",
            run.log
        );
        assert_eq!(run.output("outcome"), "unchanged", "{name}");
    }
}

#[test]
fn everything_invalidated_settles_what_cannot_be_read() {
    let cloud = cloud("");
    killed(&cloud, site(&cloud));
    cloud.post(
        "/deny",
        &json!({"action": "s3:GetObject", "resource": "*planned.jsonl.gz"}),
    );
    let (sent, run) = invalidated(&cloud, &site(&cloud).with("paths", "/*"), 0);
    assert_eq!(sent, paths(&[&["/*"]]));
    assert!(!run.log.contains("the next run looks again"), "{}", run.log);
    allow_all(&cloud);
    unchanged(&cloud, &site(&cloud));
}

#[test]
fn a_debt_that_no_record_keeps_is_said_with_its_paths() {
    for how in ["warn", "fail"] {
        let cloud = cloud("");
        let action = site(&cloud).with("invalidation-failure", how);
        cloud.post(
            "/deny",
            &json!({"action": "s3:PutObject", "resource": "*.aws-web-deploy*"}),
        );
        deny(&cloud, "cloudfront:CreateInvalidation");
        let (_, run) = invalidated(&cloud, &action, i64::from(how == "fail"));
        let warnings = run.messages("warning").join("\n");
        let said = "the next run will not know. Invalidate them once: / /app.js /index.html";
        assert!(warnings.contains(said), "{how}: {warnings}");
        assert!(
            run.summary.contains("the next run will not know"),
            "{how}: {}",
            run.summary
        );
        assert!(run.summary.contains("/app.js"), "{how}: {}", run.summary);
    }
    // Where a record says it, nobody has to do anything.
    let cloud = cloud("");
    deny(&cloud, "cloudfront:CreateInvalidation");
    let (_, run) = invalidated(&cloud, &site(&cloud).with("invalidation-failure", "warn"), 0);
    assert!(!run.log.contains("will not know"), "{}", run.log);
    assert!(!run.summary.contains("will not know"), "{}", run.summary);
}

#[test]
fn a_step_without_records_says_which_paths_it_will_not_remember() {
    let cloud = cloud("");
    let alone = Action::new(&cloud)
        .with("distribution", "E1")
        .with("paths", "/old")
        .with("invalidation-failure", "warn");
    deny(&cloud, "cloudfront:CreateInvalidation");
    let (_, run) = invalidated(&cloud, &alone, 0);
    assert!(
        run.messages("warning")
            .join("\n")
            .contains("will not know. Invalidate them once: /old"),
        "{}",
        run.log
    );
}
