//! Releases that nobody saw the end of: killed, cancelled, or past their deadline while the update went on.

use std::time::Duration;

use serde_json::{Value, json};

use super::backend::{BUNDLES, RECORDS, cloud, deploy, environment, label, release, scenario, versions};
use super::support::{Action, Cloud, Run};

fn rollback(cloud: &Cloud) -> Action {
    deploy(cloud).with("command", "rollback")
}

/// Waits until the update that nobody follows any longer has ended.
fn until_ready(cloud: &Cloud) {
    for _ in 0..400 {
        if environment(cloud, "my-app-prod")["Status"] == "Ready" {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!(
        "the environment is still {}",
        environment(cloud, "my-app-prod")["Status"]
    );
}

/// Deploys `label` in a run that does not see the end of its update.
fn interrupted(cloud: &Cloud, label: &str, how: &str, ends: &str) {
    scenario(cloud, "my-app-prod", ends, &json!({"seconds": 3.0, "times": 1}));
    match how {
        "deadline" => {
            let run = release(cloud, label)
                .with("deployment-timeout", "2")
                .run()
                .expect_exit(1);
            assert!(run.error().contains("the update keeps running"), "{}", run.error());
        }
        signal => {
            let code = if signal == "KILL" { -9 } else { 130 };
            let action = release(cloud, label).signal(signal, "Environment update is starting.", 0.0);
            action.run().expect_exit(code);
        }
    }
    until_ready(cloud);
    scenario(cloud, "my-app-prod", "success", &json!({}));
}

/// The newest record's end, as JSON.
fn newest_record(cloud: &Cloud) -> Value {
    let keys = cloud.all_keys(BUNDLES);
    let mut ends = keys
        .iter()
        .filter(|key| key.starts_with(RECORDS) && !key.contains(".started"));
    let key = ends.next().expect("a record");
    serde_json::from_slice(&cloud.object(BUNDLES, key).expect("a record").body).expect("JSON")
}

#[test]
fn an_interrupted_release_that_is_live_and_healthy_counts_for_the_runs_after_it() {
    for (how, again) in [("KILL", true), ("KILL", false), ("INT", false), ("deadline", false)] {
        let cloud = cloud();
        release(&cloud, "v2").run().expect_exit(0);
        interrupted(&cloud, "v3", how, "success");
        let case = format!("{how} {again}");
        assert_eq!(label(&cloud), "v3", "{case}");
        if again {
            let run = release(&cloud, "v3").run().expect_exit(0);
            assert_eq!(run.output("outcome"), "unchanged", "{}", run.log);
            assert!(run.log.contains("counts as succeeded"), "{}", run.log);
            assert_eq!(newest_record(&cloud)["status"], "succeeded");
        }
        let next = release(&cloud, "v4").run().expect_exit(0);
        assert_eq!(next.output("previous-version-label"), "v3", "{case}: {}", next.log);
        assert!(next.summary.contains("(before: <code>v3</code>)"), "{}", next.summary);
        assert_eq!(
            newest_record(&cloud)["backend"]["environments"][0]["previous_label"],
            "v3"
        );
        rollback(&cloud).run().expect_exit(0);
        assert_eq!(label(&cloud), "v3", "{case}");
        rollback(&cloud).run().expect_exit(0);
        assert_eq!(label(&cloud), "v2", "{case}");
    }
}

#[test]
fn a_failed_run_goes_back_to_an_interrupted_release_that_is_live_and_healthy() {
    let cloud = cloud();
    release(&cloud, "v2").run().expect_exit(0);
    interrupted(&cloud, "v3", "KILL", "success");
    scenario(&cloud, "my-app-prod", "fails", &json!({"times": 1}));
    let run = release(&cloud, "v4")
        .with("on-failure", "rollback")
        .run()
        .expect_exit(1);
    assert!(run.error().contains("`my-app-prod` is back on `v3`"), "{}", run.error());
    assert_eq!(label(&cloud), "v3");
    // What was put back is live: the release before it is the next.
    rollback(&cloud).run().expect_exit(0);
    assert_eq!(label(&cloud), "v2");
}

#[test]
fn an_interrupted_release_that_is_waited_for_counts_too() {
    let cloud = cloud();
    release(&cloud, "v2").run().expect_exit(0);
    scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 5.0, "times": 1}));
    let killed = release(&cloud, "v3").signal("KILL", "Environment update is starting.", 0.0);
    killed.run().expect_exit(-9);
    let run = release(&cloud, "v4").run().expect_exit(0);
    assert!(run.log.contains("waiting until it is Ready"), "{}", run.log);
    assert_eq!(run.output("previous-version-label"), "v3", "{}", run.log);
    rollback(&cloud).run().expect_exit(0);
    assert_eq!(label(&cloud), "v3");
}

#[test]
fn an_interrupted_rollback_that_ended_well_counts_too() {
    let cloud = cloud();
    for label in ["v1", "v2", "v3"] {
        release(&cloud, label).run().expect_exit(0);
    }
    scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 3.0, "times": 1}));
    let killed = rollback(&cloud).signal("KILL", "Environment update is starting.", 0.0);
    killed.run().expect_exit(-9);
    until_ready(&cloud);
    let again = rollback(&cloud).run().expect_exit(0);
    assert_eq!((label(&cloud).as_str(), again.output("outcome")), ("v2", "unchanged"));
    rollback(&cloud).run().expect_exit(0);
    assert_eq!(label(&cloud), "v1");
}

#[test]
fn an_update_whose_answer_was_lost_counts_when_it_ended_well() {
    let cloud = cloud();
    release(&cloud, "v2").run().expect_exit(0);
    cloud.post(
        "/faults",
        &json!({"service": "elasticbeanstalk", "operation": "UpdateEnvironment", "kind": "drop", "when": "after"}),
    );
    for operation in ["DescribeEnvironments", "DescribeEvents"] {
        cloud.post(
            "/faults",
            &json!({"service": "elasticbeanstalk", "operation": operation, "skip": 2, "times": -1, "kind": "error",
                    "status": 503, "code": "ServiceUnavailable", "message": "no"}),
        );
    }
    let run = release(&cloud, "v3")
        .with("deployment-timeout", "6")
        .run()
        .expect_exit(1);
    assert!(
        run.error().contains("cannot tell whether the update"),
        "{}",
        run.error()
    );
    cloud.control("DELETE", "/faults", &Value::Null);
    until_ready(&cloud);
    assert_eq!(label(&cloud), "v3");
    let next = release(&cloud, "v4").run().expect_exit(0);
    assert_eq!(next.output("previous-version-label"), "v3", "{}", next.log);
    rollback(&cloud).run().expect_exit(0);
    assert_eq!(label(&cloud), "v3");
}

#[test]
fn an_interrupted_release_that_ended_badly_counts_for_nothing() {
    let cloud = cloud();
    release(&cloud, "v2").run().expect_exit(0);
    interrupted(&cloud, "v3", "KILL", "red");
    assert_eq!(label(&cloud), "v3");
    let next = release(&cloud, "v4").run().expect_exit(0);
    assert_eq!(next.output("previous-version-label"), "v2", "{}", next.log);
    rollback(&cloud).run().expect_exit(0);
    assert_eq!(label(&cloud), "v2");
}

#[test]
fn a_dry_run_settles_nothing() {
    let cloud = cloud();
    interrupted(&cloud, "v1", "KILL", "success");
    cloud.forget_requests();
    release(&cloud, "v2").with("dry-run", "true").run().expect_exit(0);
    assert_eq!(cloud.count("PutObject"), 0);
}

/// Lets the answer to the read of `key` break off before its end, once.
fn break_once(cloud: &Cloud, key: &str) {
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "GetObject", "match": key, "kind": "malformed", "times": 1}),
    );
}

#[test]
fn what_runs_before_a_rollback_is_asked_of_the_environment_and_not_of_a_record() {
    // Read once without its end; then for good without any end.
    for unreadable in [false, true] {
        let cloud = cloud();
        for label in ["v2", "v3"] {
            release(&cloud, label).run().expect_exit(0);
        }
        let newest: Run = release(&cloud, "v4").run().expect_exit(0);
        let keys = cloud.all_keys(BUNDLES);
        let end = keys
            .iter()
            .find(|key| key.starts_with(RECORDS) && key.ends_with(&format!("{}.json", newest.output("release"))))
            .expect("the record's end");
        if unreadable {
            cloud.put(BUNDLES, end, &[], b"{ no JSON");
        } else {
            break_once(&cloud, end);
        }
        let run = rollback(&cloud).run().expect_exit(0);
        assert_eq!(label(&cloud), "v3");
        assert_eq!(run.output("previous-version-label"), "v4", "{}", run.log);
        assert_eq!(
            newest_record(&cloud)["backend"]["environments"][0]["previous_label"],
            "v4"
        );
        assert_eq!(run.messages("warning").is_empty(), !unreadable, "{}", run.log);
    }
}

#[test]
fn a_rollback_from_what_failed_says_that_it_ran() {
    let cloud = cloud();
    release(&cloud, "v2").run().expect_exit(0);
    scenario(&cloud, "my-app-prod", "red", &json!({"times": 1}));
    release(&cloud, "v3").with("recovery-seconds", "1").run().expect_exit(1);
    let run = rollback(&cloud).run().expect_exit(0);
    assert_eq!(label(&cloud), "v2");
    assert_eq!(run.output("previous-version-label"), "v3", "{}", run.log);
}

#[test]
fn a_label_made_of_the_time_takes_up_the_update_of_a_killed_run_with_the_same_bundle() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 5.0}));
    let stamped = || deploy(&cloud).with("version-label", "app-{timestamp}");
    let killed = stamped().signal("KILL", "Environment update is starting.", 0.0);
    killed.run().expect_exit(-9);
    let made: Vec<String> = versions(&cloud).into_iter().filter(|one| one != "v0").collect();
    let run = stamped().run().expect_exit(0);
    assert_eq!(cloud.count("UpdateEnvironment"), 1, "{}", run.log);
    assert_eq!(cloud.count("CreateApplicationVersion"), 1, "{}", run.log);
    assert_eq!(made, [label(&cloud)]);
    assert_eq!(run.output("version-label"), label(&cloud));
}
