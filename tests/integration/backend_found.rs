//! What was found by somebody who knew the program from outside only: versions that others deploy again, short outages on
//! the way back, lost answers to an abort, versions of failed releases.

use serde_json::json;

use super::backend::{cloud, environment, label, release, scenario, versions};
use super::backend_previous::{by_hand, rollback};
use super::support::{Action, Cloud};

fn fails(cloud: &Cloud) {
    scenario(cloud, "my-app-prod", "red", &json!({"seconds": 0.2, "times": 1}));
}

fn back(action: Action) -> Action {
    action.with("on-failure", "rollback").with("recovery-seconds", "1")
}

/// `v1` and `v2` were released; `v3` failed and was taken back, and somebody else has deployed it since.
fn redeployed_by_hand() -> Cloud {
    let cloud = cloud();
    release(&cloud, "v1").run().expect_exit(0);
    release(&cloud, "v2").run().expect_exit(0);
    fails(&cloud);
    back(release(&cloud, "v3")).run().expect_exit(1);
    assert_eq!(label(&cloud), "v2");
    by_hand(&cloud, "v3");
    cloud
}

#[test]
fn a_version_that_was_taken_back_and_is_deployed_by_hand_is_gone_back_from_to_the_newest_release() {
    let cloud = redeployed_by_hand();
    let run = rollback(&cloud).run().expect_exit(0);
    let said = "`my-app-prod` runs version `v3`, which a release has deployed and taken back";
    assert!(run.log.contains(said), "{}", run.log);
    assert_eq!(label(&cloud), "v2", "{}", run.log);
}

#[test]
fn a_failure_brings_back_what_was_deployed_by_hand_right_before() {
    let cloud = redeployed_by_hand();
    fails(&cloud);
    let run = back(release(&cloud, "v4")).run().expect_exit(1);
    assert_eq!(label(&cloud), "v3", "{}", run.log);
    assert_eq!(run.output("previous-version-label"), "v3");
    assert_eq!(run.output("rolled-back"), "true");
}

#[test]
fn a_short_outage_does_not_end_the_way_back() {
    for (operation, kind) in [("DescribeEnvironments", "drop"), ("DescribeEvents", "error")] {
        let cloud = cloud();
        release(&cloud, "v1").run().expect_exit(0);
        fails(&cloud);
        cloud.forget_requests();
        let run = release(&cloud, "v2").with("recovery-seconds", "1").run().expect_exit(1);
        let before = cloud.count(operation);
        by_hand(&cloud, "v1");
        fails(&cloud);
        // About where the way back begins, and some seconds long.
        cloud.post(
            "/faults",
            &json!({"service": "elasticbeanstalk", "operation": operation, "skip": before - 1, "times": 5, "kind": kind,
                    "status": 500, "code": "InternalFailure", "message": "Internal Failure"}),
        );
        let run = back(release(&cloud, "v3")).run().expect_exit(1).log + &run.log;
        assert_eq!(label(&cloud), "v1", "{operation}: {run}");
    }
}

#[test]
fn lost_answers_to_an_abort_are_followed_by_a_look() {
    let cloud = cloud();
    release(&cloud, "v1").run().expect_exit(0);
    scenario(&cloud, "my-app-prod", "hangs", &json!({"seconds": 0.2, "times": 1}));
    cloud.post(
        "/faults",
        &json!({"service": "elasticbeanstalk", "operation": "AbortEnvironmentUpdate", "times": 3, "kind": "drop",
                "when": "after"}),
    );
    let run = back(release(&cloud, "v2"))
        .with("deployment-timeout", "8")
        .run()
        .expect_exit(1);
    assert_eq!(run.output("rolled-back"), "true", "{}", run.log);
    assert_eq!(environment(&cloud, "my-app-prod")["Status"], "Ready");
    assert_eq!(label(&cloud), "v1", "{}", run.log);
}

#[test]
fn a_backend_alone_goes_back_to_the_version_of_a_release_that_failed() {
    let cloud = cloud();
    release(&cloud, "v1").run().expect_exit(0);
    fails(&cloud);
    release(&cloud, "v2").with("recovery-seconds", "1").run().expect_exit(1);
    release(&cloud, "v3").run().expect_exit(0);
    let run = rollback(&cloud).with("to", "v2").run().expect_exit(0);
    assert_eq!(label(&cloud), "v2", "{}", run.log);
}

#[test]
fn a_deletion_whose_answer_was_lost_is_one() {
    let cloud = cloud();
    for label in ["v1", "v2"] {
        release(&cloud, label).run().expect_exit(0);
    }
    for number in 0..12 {
        let version = json!({"application": "my-app", "version_label": format!("old-{number}"), "bundle": "b"});
        cloud.post("/beanstalk/versions", &version);
    }
    cloud.post(
        "/faults",
        &json!({"service": "elasticbeanstalk", "operation": "DeleteApplicationVersion", "times": 1, "kind": "drop",
                "when": "after"}),
    );
    let before = versions(&cloud).len();
    let run = release(&cloud, "v3").with("keep-versions", "1").run().expect_exit(0);
    assert!(!run.log.contains("could not be deleted"), "{}", run.log);
    assert!(versions(&cloud).len() < before, "{}", run.log);
}
