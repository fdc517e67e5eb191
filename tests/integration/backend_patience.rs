//! Answers that are broken, missing or late; deadlines; cancelling while something hangs.

use serde_json::json;

use super::backend::{cloud, cloud_with, deploy, environment, scenario};
use super::support::{Cloud, Run};

fn fault(cloud: &Cloud, operation: &str, fault: serde_json::Value) {
    let mut body = json!({"service": "elasticbeanstalk", "operation": operation});
    body.as_object_mut()
        .expect("an object")
        .extend(fault.as_object().cloned().unwrap_or_default());
    cloud.post("/faults", &body);
}

fn seconds(run: &Run) -> f64 {
    run.report["seconds"].as_f64().unwrap_or(f64::MAX)
}

#[test]
fn broken_answers_are_asked_again() {
    let cloud = cloud();
    for operation in ["DescribeEnvironments", "DescribeEvents", "DescribeInstancesHealth"] {
        for (skip, kind) in [(1, "malformed"), (1, "truncate"), (1, "foreign")] {
            fault(&cloud, operation, json!({"kind": kind, "skip": skip}));
        }
    }
    deploy(&cloud).with("on-failure", "rollback").run().expect_exit(0);
    assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v1");
}

#[test]
fn an_update_that_is_over_and_red_does_not_keep_running() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "red", &json!({}));
    let run = deploy(&cloud).with("deployment-timeout", "6").run().expect_exit(1);
    assert!(run.error().contains("its health is still Red"), "{}", run.error());
    assert!(!run.error().contains("keeps running"), "{}", run.error());
}

#[test]
fn requests_that_fail_do_not_end_the_wait_for_a_busy_environment() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "busy", &json!({"seconds": 4.0}));
    fault(
        &cloud,
        "DescribeEnvironments",
        json!({"kind": "error", "code": "ServiceUnavailable", "skip": 2, "times": 6}),
    );
    let run = deploy(&cloud).run().expect_exit(0);
    assert!(
        run.log.contains("cannot read the environment's state now"),
        "{}",
        run.log
    );
}

#[test]
fn throttling_does_not_outlast_the_deadline() {
    let cloud = cloud();
    fault(
        &cloud,
        "UpdateEnvironment",
        json!({"kind": "error", "code": "Throttling", "times": -1}),
    );
    let run = deploy(&cloud).with("deployment-timeout", "4").run().expect_exit(1);
    assert!(run.error().contains("Rate exceeded"), "{}", run.error());
    assert!(seconds(&run) < 15.0, "{}", seconds(&run));
    // What was throttled has not started.
    assert!(!run.error().contains("cannot tell whether"), "{}", run.error());
    assert!(!run.log.contains("looking whether it has started"), "{}", run.log);
    assert!(!run.log.contains("two minutes"), "{}", run.log);
    assert_eq!(run.report["backend"]["environments"][0]["changed"], false);
    assert!(
        run.summary
            .contains("<code>v0</code> as before, not <code>v1</code>: Ready, Green"),
        "{}",
        run.summary
    );
}

#[test]
fn throttled_reads_before_the_update_do_not_outlast_the_deadline() {
    let settings =
        r#"[{"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "MODE", "Value": "x"}]"#;
    for (operation, skip) in [("DescribeApplicationVersions", 1), ("DescribeConfigurationSettings", 0)] {
        let cloud = cloud();
        fault(
            &cloud,
            operation,
            json!({"kind": "error", "code": "Throttling", "skip": skip, "times": -1}),
        );
        let run = deploy(&cloud)
            .with("option-settings", settings)
            .with("on-failure", "rollback")
            .with("deployment-timeout", "3")
            .run()
            .expect_exit(1);
        assert!(run.error().contains("Rate exceeded"), "{operation}: {}", run.error());
        assert!(seconds(&run) < 20.0, "{operation}: {}", seconds(&run));
        assert_eq!(cloud.count("UpdateEnvironment"), 0, "{operation}");
    }
}

#[test]
fn old_instances_that_are_being_removed_are_no_stragglers() {
    let cloud = cloud_with(&["my-app-prod"], &json!({"instances": 2}));
    scenario(&cloud, "my-app-prod", "immutable", &json!({"recovery_seconds": 30.0}));
    deploy(&cloud).with("recovery-seconds", "2").run().expect_exit(0);
    // Nor does a run right behind it take them for a reason to deploy again.
    let again = deploy(&cloud).run().expect_exit(0);
    assert_eq!(again.output("outcome"), "unchanged", "{}", again.log);
    assert_eq!(cloud.count("UpdateEnvironment"), 1);
}

#[test]
fn an_idle_cluster_environment_is_healthy_and_said_to_be_idle() {
    let cloud = cloud_with(&["my-app-prod"], &json!({"tier": "Cluster"}));
    let run = deploy(&cloud).with("recovery-seconds", "2").run().expect_exit(0);
    assert!(
        run.log.contains("Insufficient request rate (0.0 requests/min)"),
        "{}",
        run.log
    );
    assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v1");
    let notice = "`my-app-prod` is Grey for want of requests, which counts as healthy";
    let is_noted = |run: &Run| run.messages("notice").iter().any(|text| text.starts_with(notice));
    assert!(is_noted(&run), "{}", run.log);

    // The same bundle changes nothing, and `check` says so too.
    let again = deploy(&cloud).run().expect_exit(0);
    assert_eq!(again.output("outcome"), "unchanged", "{}", again.log);
    assert!(is_noted(&again), "{}", again.log);
    assert_eq!(cloud.count("UpdateEnvironment"), 1);
    let check = deploy(&cloud).with("command", "check").run().expect_exit(0);
    assert!(
        check
            .log
            .contains("it is Grey for want of requests, which counts as healthy"),
        "{}",
        check.log
    );
}

/// <https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-deployment-logs.html>
#[test]
fn a_cluster_environments_deployment_log_is_a_zip_file_and_is_shown() {
    let cloud = cloud_with(&["my-app-prod"], &json!({"tier": "Cluster"}));
    let pod = "=====EVENTS=====\n\n=====LOGS=====\nlistening on 8080\nerror: no such table: users\n";
    let sections = json!({"1-environment/my-app-prod-1.txt": pod});
    scenario(&cloud, "my-app-prod", "red", &json!({"sections": sections}));
    let run = deploy(&cloud).with("recovery-seconds", "2").run().expect_exit(1);
    for part in [
        "Deployment log of my-app-prod",
        "listening on 8080",
        "no such table: users",
    ] {
        assert!(run.log.contains(part), "{part}: {}", run.log);
    }
    assert!(run.error().contains("no such table: users"), "{}", run.error());
    assert_eq!(cloud.count("RequestEnvironmentInfo"), 0, "there is no instance to ask");
}

#[test]
fn any_refusal_to_show_instances_counts_as_not_known() {
    let cloud = cloud();
    fault(
        &cloud,
        "DescribeInstancesHealth",
        json!({"kind": "error", "code": "ElasticBeanstalkServiceException", "status": 400, "times": -1}),
    );
    deploy(&cloud).run().expect_exit(0);
}

#[test]
fn instances_that_can_never_be_read_fail_no_good_deployment() {
    for broken in [
        json!({"kind": "foreign", "times": -1}),
        json!({"kind": "error", "code": "InternalFailure", "status": 500, "times": -1}),
    ] {
        let cloud = cloud();
        fault(&cloud, "DescribeInstancesHealth", broken);
        let run = deploy(&cloud)
            .with("deployment-timeout", "6")
            .with("on-failure", "rollback")
            .run()
            .expect_exit(0);
        assert!(run.log.contains("its instances cannot be read now"), "{}", run.log);
        assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v1");
    }
}

#[test]
fn an_update_that_is_complete_but_with_timeouts_has_failed() {
    for name in ["command-timeouts", "with-errors"] {
        let cloud = cloud();
        scenario(&cloud, "my-app-prod", name, &json!({}));
        let run = deploy(&cloud).run().expect_exit(1);
        assert!(run.error().contains("cannot deploy `v1`"), "{}", run.error());
    }
}

#[test]
fn settings_go_first_also_where_no_version_runs_yet() {
    let cloud = cloud_with(&["my-app-prod"], &json!({"version_label": ""}));
    scenario(&cloud, "my-app-prod", "success", &json!({"refuses_combination": true}));
    let settings =
        r#"[{"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "MODE", "Value": "x"}]"#;
    deploy(&cloud).with("option-settings", settings).run().expect_exit(0);
    assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v1");
}

#[test]
fn what_fails_where_no_version_ran_is_left_as_it_is() {
    let cloud = cloud_with(&["my-app-prod"], &json!({"version_label": ""}));
    scenario(&cloud, "my-app-prod", "red", &json!({"refuses_combination": true}));
    let settings =
        r#"[{"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "MODE", "Value": "x"}]"#;
    let run = deploy(&cloud)
        .with("option-settings", settings)
        .with("on-failure", "rollback")
        .with("recovery-seconds", "1")
        .run()
        .expect_exit(1);
    assert!(
        run.error().contains("`my-app-prod` ran nothing before"),
        "{}",
        run.error()
    );
    assert_eq!(run.output("previous-version-label"), "");
    assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v1");
}

#[test]
fn cancelled_while_the_update_is_asked_for_it_counts_as_perhaps_changed() {
    let cloud = cloud();
    fault(
        &cloud,
        "UpdateEnvironment",
        json!({"kind": "delay", "seconds": 20.0, "when": "after"}),
    );
    let run = deploy(&cloud)
        .signal("INT", "version `v1` is ready", 1.5)
        .run()
        .expect_exit(130);
    assert!(run.log.contains("may have started"), "{}", run.log);
    assert!(seconds(&run) < 12.0, "{}", seconds(&run));
    assert_eq!(run.report["backend"]["environments"][0]["changed"], true);
}

#[test]
fn going_back_does_not_wait_for_logs() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "fails", &json!({"times": 1}));
    fault(
        &cloud,
        "RetrieveEnvironmentInfo",
        json!({"kind": "delay", "seconds": 4.0, "skip": 1}),
    );
    let run = deploy(&cloud).with("on-failure", "rollback").run().expect_exit(1);
    let position = |text: &str| run.log.find(text).expect(text);
    assert!(
        position("rolling back to `v0`") < position("Why my-app-prod failed"),
        "{}",
        run.log
    );
    assert!(
        run.error().contains("Container commands build failed"),
        "{}",
        run.error()
    );
    assert!(run.error().contains("`my-app-prod` is back on `v0`"), "{}", run.error());
    for title in ["Why my-app-prod failed", "Last lines of the logs of i-0"] {
        let folded = format!("<details><summary>{title}");
        assert!(run.summary.contains(&folded), "{folded} in\n{}", run.summary);
    }
}

#[test]
fn cancelled_while_a_log_is_fetched_it_ends_at_once() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "fails", &json!({}));
    fault(
        &cloud,
        "RequestEnvironmentInfo",
        json!({"kind": "delay", "seconds": 20.0}),
    );
    let run = deploy(&cloud)
        .signal("INT", "Failed to deploy application.", 3.0)
        .run()
        .expect_exit(130);
    assert!(seconds(&run) < 14.0, "{}", seconds(&run));
}
