//! What `deployment-timeout` ends before, while and after an update is sent.

use serde_json::{Value, json};

use super::backend::{cloud, deploy, environment, label, release, scenario};

#[test]
fn nothing_is_sent_after_the_deadline_however_long_the_reads_before_took() {
    let cloud = cloud();
    cloud.post(
        "/faults",
        &json!({"service": "elasticbeanstalk", "operation": "DescribeEvents", "times": 1, "kind": "delay", "seconds": 5.0}),
    );
    let run = deploy(&cloud)
        .with("on-failure", "rollback")
        .with("deployment-timeout", "3")
        .run()
        .expect_exit(1);
    assert!(
        run.error()
            .contains("`deployment-timeout` ended before the update was sent"),
        "{}",
        run.error()
    );
    assert_eq!(cloud.count("UpdateEnvironment"), 0);
    assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v0");
    assert_eq!(run.report["backend"]["environments"][0]["changed"], false);
}

#[test]
fn an_update_that_nobody_answered_is_not_taken_for_put_back() {
    let cloud = cloud();
    for label in ["v2", "v3"] {
        release(&cloud, label).run().expect_exit(0);
    }
    cloud.post(
        "/faults",
        &json!({"service": "elasticbeanstalk", "operation": "UpdateEnvironment", "times": 1, "kind": "drop"}),
    );
    // Too short for the events to tell that it was never sent.
    let run = release(&cloud, "v4")
        .with("on-failure", "rollback")
        .with("deployment-timeout", "4")
        .run()
        .expect_exit(1);
    assert!(run.error().contains("so it may still start"), "{}", run.error());
    assert!(!run.error().contains("is back on"), "{}", run.error());
    assert_eq!(run.output("rolled-back"), "false");
    assert!(
        run.summary
            .contains("not known: the update to <code>v4</code> was sent"),
        "{}",
        run.summary
    );
    cloud.post(
        "/beanstalk/update",
        &json!({"environment": "my-app-prod", "version_label": "v4", "scenario": "success", "seconds": 0.1}),
    );
    for _ in 0..400 {
        if environment(&cloud, "my-app-prod")["Status"] == "Ready" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(label(&cloud), "v4");
    deploy(&cloud).with("command", "rollback").run().expect_exit(0);
    assert_eq!(label(&cloud), "v3");
}

#[test]
fn going_back_does_not_wait_for_causes() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "fails", &json!({"times": 1}));
    cloud.post(
        "/faults",
        &json!({"service": "elasticbeanstalk", "operation": "DescribeEnvironmentHealth", "times": -1, "kind": "delay",
                "seconds": 8.0}),
    );
    let run = deploy(&cloud).with("on-failure", "rollback").run().expect_exit(1);
    assert!(run.error().contains("`my-app-prod` is back on `v0`"), "{}", run.error());
    let requests = cloud.requests();
    let time = |operation: &str, number: usize, what: &str| {
        let mut found = requests.iter().filter(|request| request["operation"] == operation);
        found
            .nth(number)
            .map(|request| request[what].clone())
            .and_then(|time: Value| time.as_f64())
    };
    let (sent, answered) = (
        time("UpdateEnvironment", 1, "started").expect("a way back"),
        time("DescribeEnvironmentHealth", 0, "ended").expect("a question"),
    );
    assert!(sent < answered, "{sent} {answered}");
}
