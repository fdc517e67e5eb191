//! What comes after what: rollbacks behind releases of one part only, behind rollbacks that failed, with the deploy's own
//! inputs.

use serde_json::{Value, json};

use super::{A, B, BUCKET, C, assert_no_write, back, cloud, label, release_a, release_b, seen, site};
use crate::support::{Action, Cloud};

/// A step for the backend alone, deploying `label`.
fn backend(cloud: &Cloud, environments: &str, label: &str) -> Action {
    Action::new(cloud)
        .with("application-name", "my-app")
        .with("environment-name", environments)
        .with("package", "backend")
        .with("version-label", label)
        .with("poll-interval", "1")
        .file("backend/application.py", format!("print('{label}')"))
}

/// The parameters of the UpdateEnvironment requests since the log was emptied.
fn updates(cloud: &Cloud) -> Vec<Value> {
    let requests = cloud.requests();
    let updates = requests
        .iter()
        .filter(|request| request["operation"] == "UpdateEnvironment");
    updates.map(|request| request["params"].clone()).collect()
}

#[test]
fn a_rollback_behind_a_deploy_of_a_page_alone_finds_the_label_that_ran() {
    let cloud = cloud();
    let deploy = |run: u32, sha: &str, page: &str, program: &str| {
        super::all(&cloud, run, sha)
            .file("site/index.html", page)
            .file("backend/application.py", program)
            .run()
            .expect_exit(0)
    };
    deploy(1, A, "one", "print(1)");
    let first = label(&cloud);
    let page_only = deploy(2, B, "two", "print(1)");
    assert_eq!(label(&cloud), first, "an identical bundle is not deployed again");
    assert_eq!(page_only.output("version-label"), first);
    deploy(3, C, "three", "print(3)");
    back(&cloud, 4).run().expect_exit(0);
    assert_eq!(label(&cloud), first);
    assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), "two");
}

#[test]
fn previous_after_a_rollback_that_failed_half_way_is_the_same_target() {
    let cloud = cloud();
    for (run, sha, text) in [(1, A, "one"), (2, B, "two"), (3, C, "three")] {
        let deploy = site(&cloud, run, sha).file("site/index.html", text);
        deploy.file("site/a.txt", text).run().expect_exit(0);
    }
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "CopyObject", "match": "/index.html", "times": -1, "kind": "error",
                "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
    );
    let rollback = |run| site(&cloud, run, C).with("command", "rollback").run();
    rollback(4).expect_exit(1);
    let text = |key: &str| cloud.object(BUCKET, key).expect("a file").text();
    assert_eq!(
        (text("a.txt"), text("index.html")),
        ("two".to_owned(), "three".to_owned())
    );
    cloud.control("DELETE", "/faults", &Value::Null);
    rollback(5).expect_exit(0);
    assert_eq!(
        (text("a.txt"), text("index.html")),
        ("two".to_owned(), "two".to_owned())
    );
    rollback(6).expect_exit(0);
    assert_eq!(
        (text("a.txt"), text("index.html")),
        ("one".to_owned(), "one".to_owned())
    );
}

#[test]
fn a_rollback_with_the_deploys_own_inputs_asks_for_no_text_undoes_nothing_and_leaves_option_settings() {
    let cloud = cloud();
    let url = format!("{}/_app/my-app-prod/", cloud.endpoint);
    let deploy = |label: &str| {
        backend(&cloud, "my-app-prod", label)
            .with("verify-url", &url)
            .with("verify-contains", label)
            .with("verify-timeout", "2")
            .with("on-failure", "rollback")
            .with(
                "option-settings",
                &json!([{"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "MODE", "Value": label}])
                    .to_string(),
            )
    };
    deploy("v1").run().expect_exit(0);
    deploy("v2").run().expect_exit(0);
    cloud.forget_requests();
    let run = deploy("v2").with("command", "rollback").run().expect_exit(0);
    assert_eq!(label(&cloud), "v1");
    let updates = updates(&cloud);
    assert_eq!(updates.len(), 1, "{updates:?}");
    assert!(updates[0].get("OptionSettings").is_none(), "{updates:?}");
    assert!(run.log.contains("option settings stay as they are"), "{}", run.log);
    assert!(run.log.contains("`verify-contains` is not looked for"), "{}", run.log);

    // What cannot go back stays where it is: nothing is undone in a rollback.
    deploy("v3").run().expect_exit(0);
    cloud.set_scenario("my-app-prod", "red", &json!({"seconds": 1}));
    cloud.forget_requests();
    deploy("v3")
        .with("command", "rollback")
        .with("to", "v2")
        .with("recovery-seconds", "1")
        .run()
        .expect_exit(1);
    assert_eq!(cloud.count("UpdateEnvironment"), 1);
}

#[test]
fn an_environment_that_no_record_knows_is_named_and_keeps_its_place() {
    let cloud = cloud();
    cloud.add_environment("my-app", "my-app-eu", &json!({"version_label": "eu-0"}));
    backend(&cloud, "my-app-prod", "v1").run().expect_exit(0);
    backend(&cloud, "my-app-prod", "v2").run().expect_exit(0);
    let run = backend(&cloud, "my-app-eu my-app-prod", "unused")
        .with("command", "rollback")
        .run()
        .expect_exit(0);
    assert_eq!(label(&cloud), "v1");
    assert!(run.log.contains("no record says what `my-app-eu` ran"), "{}", run.log);
    assert_eq!(run.output("previous-version-label"), "eu-0 v2");
    assert_eq!(run.output("environment-status"), "Ready Ready");
    assert_eq!(run.report["backend"]["environments"][0]["changed"], false);
}

#[test]
fn the_summary_of_a_dry_run_says_what_would_be_updated() {
    let cloud = cloud();
    let deploy = |label: &str| backend(&cloud, "my-app-prod", label);
    let dry = deploy("v1").with("dry-run", "true").run().expect_exit(0);
    assert!(
        dry.summary
            .contains("would be updated: <code>v0</code> → <code>v1</code>"),
        "{}",
        dry.summary
    );
    deploy("v1").run().expect_exit(0);
    deploy("v2").run().expect_exit(0);
    let rollback = deploy("v2").with("command", "rollback").with("dry-run", "true");
    let dry = rollback.run().expect_exit(0);
    assert!(
        dry.summary
            .contains("would be updated: <code>v2</code> → <code>v1</code>"),
        "{}",
        dry.summary
    );
}

#[test]
fn a_backend_does_not_go_two_back_in_silence_when_the_newest_record_cannot_be_read() {
    let cloud = cloud();
    for label in ["v1", "v2"] {
        backend(&cloud, "my-app-prod", label).run().expect_exit(0);
    }
    let newest = backend(&cloud, "my-app-prod", "v3").run().expect_exit(0);
    let bucket = "elasticbeanstalk-us-east-1-123456789012";
    let folder = ".aws-web-deploy/my-app/my-app-prod/releases/";
    let records: Vec<String> = cloud
        .all_keys(bucket)
        .into_iter()
        .filter(|key| key.starts_with(folder) && key.contains(newest.output("release")))
        .collect();
    let end = records
        .iter()
        .find(|key| !key.contains(".started"))
        .expect("the record's end");
    cloud.put(bucket, end, &[], b"{ no JSON");
    let rollback = |run| {
        backend(&cloud, "my-app-prod", "v3")
            .github("run_number", run)
            .with("command", "rollback")
    };
    // What was begun can still be read: the newest run counts as one that did not end.
    rollback("8").run().expect_exit(0);
    assert_eq!(label(&cloud), "v2");

    for key in &records {
        cloud.put(bucket, key, &[], b"{ no JSON");
    }
    cloud.forget_requests();
    let refused = rollback("9").run().expect_exit(1);
    assert!(refused.error().contains("cannot be read"), "{}", refused.error());
    assert_no_write(&cloud);
    rollback("10").with("to", "v1").run().expect_exit(0);
    assert_eq!(label(&cloud), "v1");
}

#[test]
fn records_of_a_backend_never_go_to_the_store_of_endpoint_url() {
    let (cloud, store) = (cloud(), Cloud::with_bucket(BUCKET));
    store.set_versioning(BUCKET, "Enabled");
    let deploy = |run: u32, sha: &str| {
        super::all(&cloud, run, sha)
            .with("endpoint-url", &store.endpoint)
            .with("distribution", "")
            .with("acl", "")
            .file("site/index.html", sha)
            .file("backend/application.py", format!("print('{sha}')"))
    };
    deploy(1, A).run().expect_exit(0);
    deploy(2, B).run().expect_exit(0);
    let bucket = "elasticbeanstalk-us-east-1-123456789012";
    let records = |cloud: &Cloud, bucket: &str| {
        let keys = cloud.all_keys(bucket);
        keys.into_iter()
            .filter(|key| key.starts_with(".aws-web-deploy/my-app/"))
            .count()
    };
    assert_eq!(records(&cloud, bucket), 4);
    assert!(
        store.requests().iter().all(|request| {
            let path = request["path"].as_str().unwrap_or_default();
            !path.contains("my-app")
        }),
        "a record of the backend went to the store"
    );
    deploy(3, C).with("command", "rollback").run().expect_exit(0);
    assert_eq!(label(&cloud), format!("{}-1", &A[..7]));
    assert_eq!(store.object(BUCKET, "index.html").expect("a page").text(), A);
}

#[test]
fn both_parts_keep_what_a_rollback_that_failed_left_for_the_next() {
    let cloud = cloud();
    release_a(&cloud).run().expect_exit(0);
    let (state, label_a) = (seen(&cloud), label(&cloud));
    release_b(&cloud).run().expect_exit(0);
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "CopyObject", "match": "/index.html", "times": -1, "kind": "error",
                "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
    );
    back(&cloud, 3).run().expect_exit(1);
    cloud.control("DELETE", "/faults", &Value::Null);
    back(&cloud, 4).run().expect_exit(0);
    assert_eq!((seen(&cloud), label(&cloud)), (state, label_a));
}

#[test]
fn a_deploy_that_finds_an_interrupted_site_complete_is_a_release_to_go_back_to() {
    let cloud = cloud();
    let deploy = |run: u32, text: &str| site(&cloud, run, C).file("site/index.html", text).run().expect_exit(0);
    for (run, text) in [(1, "one"), (2, "two")] {
        deploy(run, text);
    }
    // Killed between the last change and the end of its record.
    let id = deploy(3, "three").output("release").to_owned();
    let keys = cloud.all_keys(BUCKET);
    let end = keys
        .iter()
        .find(|key| key.ends_with(&format!("{id}.json")))
        .expect("an end");
    assert_eq!(cloud.s3("DELETE", &format!("/{BUCKET}/{end}"), &[], b"").status, 204);
    let again = deploy(4, "three");
    assert_eq!(again.output("outcome"), "unchanged");
    let idle = deploy(5, "three");
    assert_eq!((idle.output("outcome"), idle.output("release")), ("unchanged", ""));
    deploy(6, "four");
    for (run, expected) in [(7, "three"), (8, "two")] {
        let back = site(&cloud, run, C).with("command", "rollback");
        back.run().expect_exit(0);
        assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), expected);
    }
}

/// Gives the release `id` of the site another id, as of a runner whose clock differs by `hours`.
fn with_another_clock(cloud: &Cloud, id: &str, hours: i64) {
    let time = chrono::NaiveDateTime::parse_from_str(&id[..18], "%Y%m%d-%H%M%S%3f").expect("the time of an id");
    let time = time.and_utc() + chrono::Duration::hours(hours);
    let other = format!("{}{}", time.format("%Y%m%d-%H%M%S%3f"), &id[18..]);
    for key in cloud.all_keys(BUCKET).into_iter().filter(|key| key.contains(id)) {
        let body = cloud.object(BUCKET, &key).expect("an object").body;
        let (folder, name) = key.rsplit_once('/').expect("a folder");
        let name = name.replace(id, &other);
        let (name, body) = match name.split_once('-') {
            Some((backwards, rest)) if folder.ends_with("releases") && backwards.len() == 13 => (
                format!("{:013}-{rest}", 9_999_999_999_999 - time.timestamp_millis()),
                String::from_utf8(body).expect("JSON").replace(id, &other).into_bytes(),
            ),
            _ => (name, body),
        };
        assert_eq!(cloud.s3("DELETE", &format!("/{BUCKET}/{key}"), &[], b"").status, 204);
        cloud.put(BUCKET, &format!("{folder}/{name}"), &[], &body);
    }
}

#[test]
fn releases_are_in_the_order_of_s3s_clock_whatever_the_runners_say() {
    for (first_off, second_off) in [(1, 0), (0, -1)] {
        let cloud = cloud();
        let deploy = |run: u32, sha: &str, off: i64| {
            let run = site(&cloud, run, sha).file("site/index.html", sha).run().expect_exit(0);
            if off != 0 {
                with_another_clock(&cloud, run.output("release"), off);
            }
        };
        deploy(1, A, first_off);
        // S3 tells whole seconds.
        std::thread::sleep(std::time::Duration::from_secs(1));
        deploy(2, B, second_off);
        let back = site(&cloud, 3, C).with("command", "rollback").run().expect_exit(0);
        let page = cloud.object(BUCKET, "index.html").expect("a page").text();
        assert_eq!(page, A, "{first_off} {second_off}: {}", back.log);
    }
}
