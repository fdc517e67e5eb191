//! Waiting for Elastic Beanstalk: own events, one deadline, health, busy environments, throttling.

use serde_json::json;

use super::backend::{cloud, cloud_with, deploy, environment, reported_events, scenario};
use super::support::Cloud;

#[test]
fn every_event_of_this_update_is_printed_once_and_no_other() {
    let cloud = cloud();
    // More than two pages, all within one second.
    scenario(
        &cloud,
        "my-app-prod",
        "success",
        &json!({"events": 230, "seconds": 1.2}),
    );
    cloud.post(
        "/beanstalk/event",
        &json!({"environment": "my-app-prod", "message": "Long ago.", "severity": "ERROR", "request_id": "old"}),
    );
    let run = deploy(&cloud).run().expect_exit(0);
    let events = reported_events(&run, 0);
    let batches: Vec<String> = (1..=230)
        .map(|number| format!("Batch {number}: Completed application deployment command execution."))
        .collect();
    let seen: Vec<&String> = events.iter().filter(|one| one.starts_with("Batch ")).collect();
    assert_eq!(seen, batches.iter().collect::<Vec<_>>());
    for message in &events {
        let printed = run
            .log
            .lines()
            .filter(|line| line.ends_with(&format!(" {message}")))
            .count();
        assert_eq!(printed, 1, "{message}");
    }
    assert!(!run.log.contains("Long ago."), "{}", run.log);
    assert_eq!(
        events.first().map(String::as_str),
        Some("Environment update is starting.")
    );
}

#[test]
fn an_error_of_somebody_elses_update_does_not_fail_ours() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 2.5}));
    let action = deploy(&cloud);
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| action.run());
        for _ in 0..400 {
            if cloud.count("UpdateEnvironment") > 0 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        cloud.post(
            "/beanstalk/event",
            &json!({"environment": "my-app-prod", "message": "Failed to deploy application.", "severity": "ERROR",
                    "request_id": "another"}),
        );
        run.join().expect("the run")
    })
    .expect_exit(0);
    assert!(!run.log.contains("Failed to deploy application."), "{}", run.log);
}

#[test]
fn waits_for_yellow_to_become_green() {
    let cloud = cloud();
    scenario(
        &cloud,
        "my-app-prod",
        "yellow-then-green",
        &json!({"recovery_seconds": 2.0}),
    );
    let run = deploy(&cloud).run().expect_exit(0);
    assert!(run.log.contains("not healthy yet (Yellow)"), "{}", run.log);
    assert_eq!(run.output("environment-health"), "Green");
}

#[test]
fn yellow_is_a_failure_past_recovery_and_a_success_when_accepted() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "success", &json!({"colour": "Yellow"}));
    let run = deploy(&cloud).with("recovery-seconds", "2").run().expect_exit(1);
    assert!(
        run.error().contains("still Yellow 2 s after the update finished"),
        "{}",
        run.error()
    );
    assert_eq!(run.output("environment-health"), "Yellow");
    let run = deploy(&cloud)
        .with("accepted-health", "Green Yellow")
        .with("force", "true")
        .run()
        .expect_exit(0);
    assert_eq!(run.output("outcome"), "succeeded");
}

#[test]
fn gives_up_at_the_deadline_and_says_that_the_update_goes_on() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "hangs", &json!({}));
    let run = deploy(&cloud).with("deployment-timeout", "3").run().expect_exit(1);
    assert!(
        run.error()
            .contains("still Updating after 3 s; the update keeps running"),
        "{}",
        run.error()
    );
    assert_eq!(run.output("environment-status"), "Updating");
}

#[test]
fn waits_until_a_busy_environment_is_ready() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "busy", &json!({"seconds": 6.0}));
    let run = deploy(&cloud).run().expect_exit(0);
    assert!(
        run.log
            .contains("the environment is Updating: waiting until it is Ready"),
        "{}",
        run.log
    );
    assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v1");
    // The events of the other update are not ours.
    let starts = reported_events(&run, 0)
        .into_iter()
        .filter(|one| one == "Environment update is starting.")
        .count();
    assert_eq!(starts, 1);
}

#[test]
fn aborts_the_running_update_when_told_so() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "busy", &json!({"seconds": 300.0}));
    let run = deploy(&cloud).with("when-busy", "abort").run().expect_exit(0);
    assert_eq!(cloud.count("AbortEnvironmentUpdate"), 1);
    assert!(run.log.contains("abort the running update"), "{}", run.log);
    assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v1");
}

#[test]
fn fails_before_anything_is_changed_when_busy_is_to_fail() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "busy", &json!({"seconds": 300.0}));
    let run = deploy(&cloud).with("when-busy", "fail").run().expect_exit(1);
    assert!(
        run.error()
            .contains("the environment is Updating, and `when-busy` is `fail`"),
        "{}",
        run.error()
    );
    assert_eq!(
        cloud.count("CreateApplicationVersion") + cloud.count("UpdateEnvironment"),
        0
    );
}

#[test]
fn ten_environments_throttled_at_every_call_are_deployed_all_the_same() {
    let names: Vec<String> = (0..10).map(|number| format!("env-{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let cloud = cloud_with(&names, &json!({}));
    for operation in [
        "CreateStorageLocation",
        "CreateApplicationVersion",
        "DescribeApplications",
        "DescribeApplicationVersions",
        "DescribeInstancesHealth",
    ] {
        throttle(&cloud, operation, 0, 2);
    }
    // The first of these belong to the look, which is one environment's worth of requests.
    throttle(&cloud, "DescribeEnvironments", 1, 1);
    throttle(&cloud, "DescribeEnvironments", 4, 12);
    throttle(&cloud, "DescribeEvents", 3, 15);
    throttle(&cloud, "UpdateEnvironment", 2, 12);
    let run = deploy(&cloud)
        .with("environment-name", &names.join(" "))
        .run()
        .expect_exit(0);
    for name in names {
        assert_eq!(environment(&cloud, name)["VersionLabel"], "v1");
        assert!(run.log.contains(&format!("[{name}] runs `v1`")), "{}", run.log);
    }
}

fn throttle(cloud: &Cloud, operation: &str, skip: u32, times: u32) {
    cloud.post(
        "/faults",
        &json!({"service": "elasticbeanstalk", "operation": operation, "skip": skip, "times": times, "kind": "error",
                "status": 400, "code": "Throttling", "message": "Rate exceeded"}),
    );
}

#[test]
fn a_lost_answer_does_not_start_the_update_twice() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 2.0}));
    for operation in ["CreateApplicationVersion", "UpdateEnvironment"] {
        cloud.post(
            "/faults",
            &json!({"service": "elasticbeanstalk", "operation": operation, "times": 1, "kind": "drop", "when": "after"}),
        );
    }
    let run = deploy(&cloud).run().expect_exit(0);
    let starts = reported_events(&run, 0)
        .into_iter()
        .filter(|one| one == "Environment update is starting.")
        .count();
    assert!(starts <= 1, "{:?}", reported_events(&run, 0));
    assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v1");
}

#[test]
fn polls_that_fail_for_a_while_do_not_fail_the_deployment() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 2.0}));
    cloud.post(
        "/faults",
        &json!({"service": "elasticbeanstalk", "operation": "DescribeEvents", "times": 7, "skip": 1, "kind": "error",
                "status": 503, "code": "ServiceUnavailable", "message": "Service is unable to handle request."}),
    );
    let run = deploy(&cloud).run().expect_exit(0);
    assert!(
        run.log.contains("cannot read the environment's state now"),
        "{}",
        run.log
    );
    assert!(reported_events(&run, 0).contains(&"Environment update completed successfully.".to_owned()));
}

#[test]
fn settings_go_first_where_beanstalk_wants_it_so() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "success", &json!({"refuses_combination": true}));
    let settings =
        r#"[{"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "MODE", "Value": "x"}]"#;
    let run = deploy(&cloud).with("option-settings", settings).run().expect_exit(0);
    let now = environment(&cloud, "my-app-prod");
    assert_eq!(now["VersionLabel"], "v1");
    assert!(now["settings"].to_string().contains("MODE"), "{now}");
    let events = reported_events(&run, 0);
    let position = |message: &str| events.iter().position(|one| one == message);
    assert!(
        position("Successfully deployed new configuration to environment.")
            < position("New application version was deployed to running EC2 instances."),
        "{events:?}"
    );
}

#[test]
fn a_cancelled_run_leaves_the_update_running_and_says_so() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "hangs", &json!({}));
    let run = deploy(&cloud)
        .signal("INT", "Environment update is starting.", 0.3)
        .run()
        .expect_exit(130);
    assert_eq!(run.output("outcome"), "cancelled");
    assert!(run.log.contains("keeps running in Elastic Beanstalk"), "{}", run.log);
    assert_eq!(environment(&cloud, "my-app-prod")["Status"], "Updating");
}
