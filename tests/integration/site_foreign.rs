//! Objects whose headers or ACL no record knows: those of runs that wrote none, and those that people changed by hand.

use std::thread::sleep;
use std::time::Duration;

use serde_json::json;

use crate::support::{Action, Cloud, Run};

const BUCKET: &str = "site-bucket";

fn step(cloud: &Cloud) -> Action {
    let step = Action::new(cloud)
        .with("bucket", BUCKET)
        .with("source", "site")
        .with("cache-control", "no-cache");
    (1..=5).fold(step, |step, n| {
        step.file(&format!("site/{n}.html"), format!("page {n}"))
    })
}

/// S3 tells times in whole seconds.
fn next_second() {
    sleep(Duration::from_millis(1_100));
}

fn cached(cloud: &Cloud, key: &str) -> String {
    let object = cloud.object(BUCKET, key).expect("an object");
    object.header("cache-control").unwrap_or_default().to_owned()
}

fn written(run: &Run) -> Vec<&str> {
    assert_eq!(run.exit_code, 0, "{}", run.log);
    run.uploaded()
}

const HTML: (&str, &str) = ("content-type", "text/html; charset=utf-8");
const PUBLIC: (&str, &str) = ("x-amz-acl", "public-read");
const NO_CACHE: (&str, &str) = ("cache-control", "no-cache");

#[test]
fn objects_that_were_changed_by_hand_are_noticed_and_repaired_and_all_of_them_where_that_is_asked_for() {
    let cloud = Cloud::with_acl_bucket(BUCKET);
    let deploy = || step(&cloud).with("acl", "public-read");
    deploy().run().expect_exit(0);
    next_second();
    let by_hand = |key: &str, headers: &[(&str, &str)]| {
        let page = format!("page {}", &key[..1]);
        cloud.put(BUCKET, key, headers, page.as_bytes());
    };
    by_hand("1.html", &[HTML, ("cache-control", "max-age=1"), PUBLIC]);
    by_hand("2.html", &[HTML, NO_CACHE]);
    by_hand("3.html", &[NO_CACHE, PUBLIC]);
    by_hand(
        "4.html",
        &[HTML, NO_CACHE, PUBLIC, ("content-disposition", "attachment")],
    );
    // What the inputs name is put right at once.
    assert_eq!(written(&deploy().run()), ["1.html", "2.html"]);
    assert_eq!(cached(&cloud, "1.html"), "no-cache");
    assert!(cloud.acl(BUCKET, "2.html").contains("AllUsers"));
    assert_eq!(deploy().run().expect_exit(0).output("outcome"), "unchanged");
    // Whatever an upload would not send goes too.
    let force = || deploy().with("force-headers", "true");
    assert_eq!(written(&force().run()), ["3.html", "4.html"]);
    let object = |key: &str| cloud.object(BUCKET, key).expect("an object");
    assert_eq!(object("3.html").header("content-type"), Some(HTML.1));
    assert_eq!(object("4.html").header("content-disposition"), None);
    assert_eq!(force().run().expect_exit(0).output("outcome"), "unchanged");
}

#[test]
fn an_unchanged_site_is_asked_for_nothing_more() {
    let cloud = Cloud::with_acl_bucket(BUCKET);
    step(&cloud).run().expect_exit(0);
    next_second();
    step(&cloud).file("site/6.html", "page 6").run().expect_exit(0);
    cloud.forget_requests();
    let again = step(&cloud).file("site/6.html", "page 6").run().expect_exit(0);
    assert_eq!(again.output("outcome"), "unchanged", "{}", again.log);
    assert_eq!(cloud.count("HeadObject"), 0);
}

/// A role that may write the site and no records.
fn without_records(cloud: &Cloud, step: &Action) -> Run {
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "aws-web-deploy", "kind": "error", "times": -1,
                "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
    );
    let run = step.run().expect_exit(0);
    cloud.control("DELETE", "/faults", &serde_json::Value::Null);
    run
}

#[test]
fn headers_of_a_run_that_no_record_knows_are_put_right_by_the_next_one() {
    let cloud = Cloud::with_bucket(BUCKET);
    step(&cloud).run().expect_exit(0);
    next_second();
    let other = step(&cloud)
        .with("cache-control", "max-age=5")
        .with("headers", "1.html Content-Language: ko");
    let run = without_records(&cloud, &other);
    assert!(
        run.messages("warning").join("\n").contains("`force-headers: true`"),
        "{}",
        run.log
    );
    assert_eq!(cached(&cloud, "1.html"), "max-age=5");
    assert_eq!(written(&step(&cloud).run()).len(), 5);
    assert_eq!(cached(&cloud, "1.html"), "no-cache");
    // Nobody knows that a run of ours named this one.
    let language = || {
        cloud
            .object(BUCKET, "1.html")
            .and_then(|page| page.header("content-language").map(str::to_owned))
    };
    assert_eq!(language().as_deref(), Some("ko"));
    assert_eq!(written(&step(&cloud).with("force-headers", "true").run()), ["1.html"]);
    assert_eq!(language(), None);
}

#[test]
fn where_no_run_may_write_records_all_named_headers_are_put_right_and_the_rest_where_that_is_asked_for() {
    let cloud = Cloud::with_bucket(BUCKET);
    let other = step(&cloud).with("headers", "1.html Content-Language: ko");
    without_records(&cloud, &other);
    let changed = step(&cloud).with("cache-control", "max-age=5");
    assert_eq!(written(&without_records(&cloud, &changed)).len(), 5);
    assert_eq!(cached(&cloud, "1.html"), "max-age=5");
    let forced = changed.with("force-headers", "true");
    assert_eq!(written(&without_records(&cloud, &forced)), ["1.html"]);
}

#[test]
fn a_file_that_was_deleted_and_put_back_by_hand_gets_its_headers_when_it_is_in_the_source_again() {
    let cloud = Cloud::with_acl_bucket(BUCKET);
    let deploy = || step(&cloud).with("delete", "true").with("acl", "public-read");
    deploy().run().expect_exit(0);
    let without = deploy();
    std::fs::remove_file(without.workspace().join("site/1.html")).expect("the page");
    without.run().expect_exit(0);
    assert_eq!(cloud.object(BUCKET, "1.html").map(|_| ()), None);
    cloud.put(BUCKET, "1.html", &[HTML], b"page 1");
    assert_eq!(written(&deploy().run()), ["1.html"]);
    assert_eq!(cached(&cloud, "1.html"), "no-cache");
    assert!(cloud.acl(BUCKET, "1.html").contains("AllUsers"));
}
