//! Other people's updates, lost answers, and what is gone back to.

use std::time::Duration;

use serde_json::json;

use super::backend::{cloud, deploy, environment, label, scenario};
use super::support::{Action, Cloud, Run};

/// Somebody else deploys `label` after so many reads of the environment.
fn somebody_deploys(cloud: &Cloud, label: &str, polls: u32, how: &str) {
    cloud.post(
        "/beanstalk/update",
        &json!({"environment": "my-app-prod", "version_label": label, "polls": polls, "scenario": how, "seconds": 0.6}),
    );
}

/// The run, while `meanwhile` happens once `v1` is live.
fn run_and_once_live(cloud: &Cloud, action: &Action, meanwhile: impl FnOnce()) -> Run {
    std::thread::scope(|scope| {
        let run = scope.spawn(|| action.run());
        for _ in 0..600 {
            let now = environment(cloud, "my-app-prod");
            if now["VersionLabel"] == "v1" && now["Status"] == "Ready" {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        meanwhile();
        run.join().expect("the run")
    })
}

#[test]
fn a_newer_deployment_of_somebody_else_is_named_and_not_undone() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 2.0}));
    somebody_deploys(&cloud, "v9", 4, "success");
    let run = deploy(&cloud).with("on-failure", "rollback").run().expect_exit(1);
    assert!(
        run.error()
            .contains("superseded by `v9`, which another update deployed"),
        "{}",
        run.error()
    );
    assert!(!run.error().contains("is back on"), "{}", run.error());
    assert_eq!((label(&cloud).as_str(), cloud.count("UpdateEnvironment")), ("v9", 1));
}

#[test]
fn a_newer_deployment_that_came_after_ours_is_not_put_back_when_verification_fails() {
    let cloud = cloud();
    let url = format!("{}/_app/my-app-prod/", cloud.endpoint);
    cloud.post(
        "/app",
        &json!({"environment": "my-app-prod", "status": 500, "body": "broken"}),
    );
    let action = deploy(&cloud)
        .with("verify-url", &url)
        .with("verify-timeout", "6")
        .with("on-failure", "rollback");
    let run = run_and_once_live(&cloud, &action, || somebody_deploys(&cloud, "v9", 0, "success")).expect_exit(1);
    assert!(
        run.error()
            .contains("`my-app-prod` runs `v9`, which another update deployed: it is left alone"),
        "{}",
        run.error()
    );
    assert_eq!((label(&cloud).as_str(), cloud.count("UpdateEnvironment")), ("v9", 1));
}

#[test]
fn our_own_update_is_not_aborted_when_its_answer_is_lost() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 3.0}));
    cloud.post(
        "/faults",
        &json!({"service": "elasticbeanstalk", "operation": "UpdateEnvironment", "kind": "drop", "when": "after"}),
    );
    deploy(&cloud).with("when-busy", "abort").run().expect_exit(0);
    assert_eq!(cloud.count("UpdateEnvironment"), 1);
    assert_eq!(cloud.count("AbortEnvironmentUpdate"), 0);
    assert_eq!(label(&cloud), "v1");
}

#[test]
fn an_update_that_never_arrived_is_sent_again() {
    let cloud = cloud();
    cloud.post(
        "/faults",
        &json!({"service": "elasticbeanstalk", "operation": "UpdateEnvironment", "kind": "drop", "when": "before"}),
    );
    deploy(&cloud).run().expect_exit(0);
    assert_eq!(cloud.count("UpdateEnvironment"), 2);
    assert_eq!(label(&cloud), "v1");
}

#[test]
fn goes_back_to_what_ran_right_before_and_not_to_what_the_plan_saw() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "fails", &json!({"times": 1}));
    somebody_deploys(&cloud, "v5", 1, "success");
    let run = deploy(&cloud).with("on-failure", "rollback").run().expect_exit(1);
    assert!(run.error().contains("`my-app-prod` is back on `v5`"), "{}", run.error());
    assert_eq!(label(&cloud), "v5");
    assert_eq!(run.output("previous-version-label"), "v5");
}

#[test]
fn does_not_go_back_to_an_update_of_somebody_else_that_failed() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "fails", &json!({"times": 1}));
    somebody_deploys(&cloud, "v5", 1, "red");
    let run = deploy(&cloud).with("on-failure", "rollback").run().expect_exit(1);
    assert!(run.error().contains("`my-app-prod` is back on `v0`"), "{}", run.error());
    assert_eq!(label(&cloud), "v0");
    assert_eq!(run.output("previous-version-label"), "v0");
}

#[test]
fn does_not_go_back_to_our_own_version_that_a_killed_run_left_failing() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "red", &json!({"times": 2}));
    let killed = deploy(&cloud).signal("KILL", "not healthy yet", 0.0);
    killed.run();
    assert_eq!(label(&cloud), "v1");
    let run = deploy(&cloud)
        .with("on-failure", "rollback")
        .with("recovery-seconds", "1")
        .run()
        .expect_exit(1);
    assert!(run.error().contains("`my-app-prod` is back on `v0`"), "{}", run.error());
    assert_eq!(label(&cloud), "v0");
    assert_eq!(run.output("previous-version-label"), "v0");
}
