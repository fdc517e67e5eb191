//! What is shown of an instance's logs, and what never is.

use serde_json::{Value, json};

use super::backend::{cloud, cloud_with, deploy, scenario};
use super::support::Cloud;

fn failing(options: &Value, of_scenario: &Value) -> Cloud {
    let cloud = cloud_with(&["my-app-prod"], options);
    scenario(&cloud, "my-app-prod", "fails", of_scenario);
    cloud
}

#[test]
fn the_block_of_our_own_request_is_not_the_deployments() {
    let cloud = failing(&json!({"own_commands": true}), &json!({}));
    let run = deploy(&cloud).run().expect_exit(1);
    assert!(
        run.error().contains("Container commands build failed"),
        "{}",
        run.error()
    );
    assert!(!run.log.contains("GetTailLogs"), "{}", run.log);
}

#[test]
fn a_tail_without_the_deployments_start_still_shows_its_error() {
    let cloud = failing(
        &json!({"own_commands": true}),
        &json!({"cause": "dependencies", "noise": 120}),
    );
    let run = deploy(&cloud).run().expect_exit(1);
    // The line is longer than what of it goes into the error: its cause stands at its end.
    let cause = "[InstallDependency]: ERROR: Could not find a version that satisfies the requirement";
    assert!(run.error().contains(cause), "{}", run.error());
}

#[test]
fn the_applications_log_is_found_on_every_platform() {
    for platform in ["docker", "docker-older", "ecs"] {
        let cloud = failing(&json!({"platform": platform}), &json!({}));
        let run = deploy(&cloud).run().expect_exit(1);
        assert!(run.log.contains("stdouterr.log"), "{platform}: {}", run.log);
        assert!(
            run.log.contains("application: command not found"),
            "{platform}: {}",
            run.log
        );
    }
}

#[test]
fn hooks_and_container_commands_are_shown_where_the_tail_has_them() {
    let sections = json!({"/var/log/cfn-init-cmd.log": true, "/var/log/eb-hooks.log": true});
    let cloud = failing(&json!({}), &json!({"sections": sections}));
    let run = deploy(&cloud).run().expect_exit(1);
    assert!(run.log.contains("can't open file 'manage.py'"), "{}", run.log);
    assert!(run.log.contains("cannot stat 'php.ini'"), "{}", run.log);
}

/// The tail of an instance whose engine has not run since, as the one of another deployment shows it.
#[test]
fn the_log_of_an_earlier_deployment_is_not_blamed_on_this_one() {
    let rule = "-".repeat(40);
    let log = format!(
        "{rule}\n/var/log/eb-engine.log\n{rule}\n2021/09/14 16:42:58.000000 [INFO] Starting...\n2021/09/14 \
         16:42:58.000000 [INFO] Engine command: (app-deploy)\n2021/09/14 16:42:59.000000 [ERROR] An old error\n\n"
    );
    let cloud = failing(&json!({}), &json!({"log": log}));
    let run = deploy(&cloud).run().expect_exit(1);
    assert!(!run.error().contains("old error"), "{}", run.error());
    assert!(run.log.contains("no log lines of this deployment"), "{}", run.log);
}

/// <https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.cloudwatchlogs.html>
#[test]
fn the_logs_of_windows_server_are_shown() {
    let cloud = failing(&json!({"platform": "windows"}), &json!({}));
    let run = deploy(&cloud).run().expect_exit(1);
    assert!(run.log.contains(r"--- C:\cfn\log\cfn-init.log"), "{}", run.log);
    let error = r"Command hooks (HooksExecutor.exe appdeploy\enact) failed";
    assert!(run.error().contains(error), "{}", run.error());
}

#[test]
fn a_deployment_log_needs_no_instance_to_answer() {
    let cloud = failing(&json!({"deployment_logs": true}), &json!({}));
    let run = deploy(&cloud).run().expect_exit(1);
    assert!(
        run.error().contains("Container commands build failed"),
        "{}",
        run.error()
    );
    assert_eq!(cloud.count("RequestEnvironmentInfo"), 0, "{:?}", cloud.operations());
    assert!(run.log.contains("Deployment log of my-app-prod"), "{}", run.log);
}

#[test]
fn without_log_tail_no_log_is_asked_for() {
    let cloud = failing(&json!({"deployment_logs": true}), &json!({}));
    let run = deploy(&cloud).with("log-tail", "false").run().expect_exit(1);
    assert!(run.error().contains("Instance deployment failed."), "{}", run.error());
    assert!(!run.log.contains("Container commands"), "{}", run.log);
    assert_eq!(cloud.count("RequestEnvironmentInfo"), 0);
}

/// Secrets of the environment that are short, or stand inside of a value.
#[test]
fn short_values_and_passwords_inside_of_values_are_not_shown_either() {
    let cloud = cloud();
    let secrets = [
        "p1n9",
        "1234",
        "abc",
        "Dbpw9876543",
        "abc123def456",
        "pw-in-json",
        "4711",
    ];
    let lines: String = secrets
        .iter()
        .map(|secret| format!("[ERROR] of the log: {secret}\n"))
        .collect();
    let rule = "-".repeat(40);
    let log = format!("{rule}\n/var/log/eb-engine.log\n{rule}\n{lines}");
    let causes: Vec<String> = secrets.iter().map(|secret| format!("Cause <{secret}>.")).collect();
    scenario(&cloud, "my-app-prod", "fails", &json!({"log": log, "seconds": 3.0}));
    let property = |name: &str, value: &str| json!({"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": name, "Value": value});
    let settings = json!([
        property("DB_PASSWORD", "p1n9"),
        property("TOKEN_PIN", "1234"),
        property("JWT_SECRET", "abc"),
        property("DB_URI", "postgres://usr:Dbpw9876543@db.host/x"),
        property("SENTRY", "https://abc123def456@sentry.io/42"),
        property("CONFIG", r#"{"password": "pw-in-json", "pin_key": 4711}"#),
    ]);
    let action = deploy(&cloud).with("option-settings", &settings.to_string());
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| action.run());
        while cloud.count("UpdateEnvironment") == 0 {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        for secret in secrets {
            cloud.post(
                "/beanstalk/event",
                &json!({"environment": "my-app-prod", "message": format!("Event <{secret}>."), "severity": "ERROR"}),
            );
        }
        cloud.post(
            "/beanstalk/environment",
            &json!({"environment": "my-app-prod", "causes": causes}),
        );
        run.join().expect("the run")
    })
    .expect_exit(1);
    let shown: Vec<&str> = run.log.lines().filter(|line| !line.contains("add-mask")).collect();
    for text in [&shown.join("\n"), &run.report.to_string(), &run.summary] {
        for secret in secrets {
            for around in ["<>", ": \n", ": \""] {
                let (before, behind) = around.split_at(around.len() - 1);
                assert!(
                    !text.contains(&format!("{before}{secret}{behind}")),
                    "`{secret}` in {text}"
                );
            }
        }
        assert!(!text.contains("Dbpw9876543"), "{text}");
    }
    assert!(
        run.log.contains("Event <***>.") && run.log.contains("of the log: ***"),
        "{}",
        run.log
    );
}

#[test]
fn values_of_the_environment_are_not_shown_in_events_causes_and_logs() {
    let cloud = cloud();
    let log = "----------------------------------------\n/var/log/eb-engine.log\n\
               ----------------------------------------\n[ERROR] cannot reach \
               mongodb://app:pw@db.internal/app as tenant-4711\n";
    scenario(&cloud, "my-app-prod", "fails", &json!({"log": log, "seconds": 3.0}));
    let property = |name: &str, value: &str| json!({"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": name, "Value": value});
    let settings = json!([
        property("MONGO_URI", "mongodb://app:pw@db.internal/app"),
        property("TENANT", "tenant-4711"),
        property("STAGE", "failed"),
    ]);
    let action = deploy(&cloud).with("option-settings", &settings.to_string());
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| action.run());
        while cloud.count("UpdateEnvironment") == 0 {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        cloud.post(
            "/beanstalk/event",
            &json!({"environment": "my-app-prod", "message": "Tenant tenant-4711 failed.", "severity": "WARN"}),
        );
        run.join().expect("the run")
    })
    .expect_exit(1);
    assert!(run.error().contains("cannot reach *** as ***"), "{}", run.error());
    assert!(run.log.contains("Tenant *** failed."), "{}", run.log);
    let shown = run.log.replace("::add-mask::mongodb://app:pw@db.internal/app\n", "");
    for text in [&shown, &run.report.to_string(), &run.summary] {
        assert!(!text.contains("tenant-4711") && !text.contains("app:pw"), "{text}");
    }
}
