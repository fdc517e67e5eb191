//! What is known of an update, and what is not: failures that a second run must not call well, aborts, lost sight.

use std::time::Duration;

use serde_json::{Value, json};

use super::backend::{BUNDLES, RECORDS, cloud, cloud_with, deploy, environment, label, release, scenario};
use super::support::http::request;
use super::support::{Cloud, Run};

fn fault(cloud: &Cloud, operation: &str, fault: Value) {
    let mut body = json!({"service": "elasticbeanstalk", "operation": operation, "kind": "error", "times": -1});
    body.as_object_mut()
        .expect("an object")
        .extend(fault.as_object().cloned().unwrap_or_default());
    cloud.post("/faults", &body);
}

fn hint(run: &Run) -> &str {
    run.report["error"]["hint"].as_str().unwrap_or_default()
}

/// Aborts the update of `my-app-prod` as somebody else would.
fn abort(cloud: &Cloud) {
    let signed = "AWS4-HMAC-SHA256 Credential=AKIATESTS/20260101/us-east-1/elasticbeanstalk/aws4_request, \
                  SignedHeaders=host, Signature=0";
    let headers = [
        ("Authorization", signed),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let body = b"Action=AbortEnvironmentUpdate&Version=2010-12-01&EnvironmentName=my-app-prod";
    let answer = request(&cloud.endpoint, "POST", "/", &headers, body);
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[test]
fn a_deployment_that_failed_is_not_well_in_the_next_run() {
    for health in ["enhanced", "basic"] {
        for how in ["command-timeouts", "with-errors"] {
            let cloud = cloud_with(&["my-app-prod"], &json!({"health": health}));
            scenario(&cloud, "my-app-prod", how, &json!({"times": 1}));
            deploy(&cloud).run().expect_exit(1);
            assert_eq!(label(&cloud), "v1", "{how}");
            scenario(&cloud, "my-app-prod", "success", &json!({}));
            let again = deploy(&cloud).run().expect_exit(0);
            assert_eq!(again.output("outcome"), "succeeded", "{health} {how}: {}", again.log);
            assert!(again.log.contains("its last update failed"), "{}", again.log);
            assert_eq!(deploy(&cloud).run().expect_exit(0).output("outcome"), "unchanged");
        }
    }
}

#[test]
fn an_update_that_is_taken_up_and_failed_is_sent_again() {
    let cloud = cloud();
    release(&cloud, "v2").run().expect_exit(0);
    scenario(
        &cloud,
        "my-app-prod",
        "command-timeouts",
        &json!({"seconds": 2.0, "times": 1}),
    );
    let killed = release(&cloud, "v3").signal("KILL", "Environment update is starting.", 0.0);
    killed.run().expect_exit(-9);
    scenario(&cloud, "my-app-prod", "success", &json!({}));
    let run = release(&cloud, "v3").run().expect_exit(0);
    assert_eq!(run.output("outcome"), "succeeded", "{}", run.log);
    assert_eq!(cloud.count("UpdateEnvironment"), 3);
    assert!(!run.log.contains("counts as succeeded"), "{}", run.log);
    assert_eq!(run.output("previous-version-label"), "v2", "{}", run.log);
}

#[test]
fn the_deadline_holds_for_creating_the_version_and_throttling_is_named() {
    for (operation, skip) in [
        ("CreateApplicationVersion", 0),
        ("DescribeEnvironments", 2),
        ("UpdateEnvironment", 0),
    ] {
        let cloud = cloud();
        scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 60.0}));
        fault(&cloud, operation, json!({"code": "Throttling", "skip": skip}));
        let run = deploy(&cloud).with("deployment-timeout", "3").run().expect_exit(1);
        let seconds = run.report["seconds"].as_f64().unwrap_or(f64::MAX);
        assert!(seconds < 30.0, "{operation}: {seconds}");
        assert!(hint(&run).contains("AWS throttled"), "{operation}: {}", hint(&run));
        assert!(
            hint(&run).contains("`deployment-timeout`"),
            "{operation}: {}",
            hint(&run)
        );
    }
}

#[test]
fn what_nobody_saw_after_the_update_was_sent_is_not_known() {
    for (operation, skip) in [("DescribeEnvironments", 2), ("DescribeEnvironments", 3)] {
        let cloud = cloud();
        release(&cloud, "v2").run().expect_exit(0);
        scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 20.0}));
        fault(
            &cloud,
            operation,
            json!({"code": "AccessDenied", "status": 403, "skip": skip}),
        );
        let run = release(&cloud, "v3").run().expect_exit(1);
        // What was seen once, before the end, says nothing either.
        let said = "backend in `my-app-prod` not known: the update to `v3` was sent";
        assert!(run.error().contains(said), "{}", run.error());
        assert_eq!(run.report["live"], said);
        assert!(
            run.summary
                .contains("not known: the update to <code>v3</code> was sent"),
            "{}",
            run.summary
        );
        assert_eq!(
            (run.output("version-label"), run.output("environment-status")),
            ("", "")
        );
        assert_eq!(run.output("previous-version-label"), "v2");
        let keys = cloud.all_keys(BUNDLES);
        let newest = keys
            .iter()
            .find(|key| key.starts_with(RECORDS) && !key.contains(".started"));
        let record = cloud
            .object(BUNDLES, newest.expect("a record"))
            .expect("a record")
            .text();
        let record: Value = serde_json::from_str(&record).expect("JSON");
        assert_eq!(record["backend"]["environments"][0]["outcome"], "planned");
    }
}

#[test]
fn an_update_that_somebody_aborts_is_a_failure() {
    for force in ["true", "false"] {
        let cloud = cloud();
        release(&cloud, "v1").run().expect_exit(0);
        scenario(&cloud, "my-app-prod", "hangs", &json!({}));
        let next = release(&cloud, if force == "true" { "v1" } else { "v2" }).with("force", force);
        let run = std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..600 {
                    if cloud.count("UpdateEnvironment") == 2 {
                        // Its first event is seen then.
                        std::thread::sleep(Duration::from_millis(2_500));
                        return abort(&cloud);
                    }
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
            next.run()
        });
        let run = run.expect_exit(1);
        assert_eq!(run.output("outcome"), "failed");
        assert!(
            run.error().contains("the update was aborted, and it is Ready on `v1`"),
            "{}",
            run.error()
        );
    }
}

#[test]
fn an_update_that_this_run_aborted_has_brought_nothing() {
    let cloud = cloud();
    deploy(&cloud).run().expect_exit(0);
    let theirs = json!({"environment": "my-app-prod", "version_label": "v1", "scenario": "hangs"});
    cloud.post("/beanstalk/update", &theirs);
    let run = deploy(&cloud).with("when-busy", "abort").run().expect_exit(0);
    assert_eq!(cloud.count("AbortEnvironmentUpdate"), 1);
    assert_eq!(run.output("outcome"), "succeeded", "{}", run.log);
    assert_eq!(environment(&cloud, "my-app-prod")["Status"], "Ready");
}
