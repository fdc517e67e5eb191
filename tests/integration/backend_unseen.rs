//! Updates that nobody can watch any longer: what is live then is not known.

use serde_json::json;

use super::backend::{cloud, deploy, environment, label, release, scenario};
use super::support::Cloud;

/// Refuses so many DescribeEnvironments behind the first `skip`.
fn refuse_reads(cloud: &Cloud, operation: &str, skip: usize, times: i64) {
    cloud.post(
        "/faults",
        &json!({"service": "elasticbeanstalk", "operation": operation, "skip": skip, "times": times, "kind": "error",
                "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
    );
}

fn wait_until_ready(cloud: &Cloud) {
    for _ in 0..600 {
        if environment(cloud, "my-app-prod")["Status"] == "Ready" {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("the update does not end");
}

const NOT_KNOWN: &str = "live now: backend in `my-app-prod` not known: the update to `v1` was sent";

#[test]
fn a_read_that_is_refused_once_in_the_middle_of_an_update_tells_nothing_of_what_is_live() {
    // The plan and the wait until Ready have one each; then come the polls.
    for (operation, skip) in [
        ("DescribeEnvironments", 2),
        ("DescribeEnvironments", 3),
        ("DescribeEvents", 1),
    ] {
        let cloud = cloud();
        scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 6.0}));
        refuse_reads(&cloud, operation, skip, 1);
        let run = deploy(&cloud).run().expect_exit(1);
        assert!(
            run.error().contains("which keeps running") && run.error().contains(NOT_KNOWN),
            "{operation} {skip}: {}",
            run.error()
        );
        assert!(!run.error().contains("backend `v0`"), "{}", run.error());
        assert!(
            run.summary
                .contains("not known: the update to <code>v1</code> was sent"),
            "{}",
            run.summary
        );
        wait_until_ready(&cloud);
        assert_eq!(label(&cloud), "v1");
    }
}

#[test]
fn a_rollback_whose_update_cannot_be_watched_says_so_too() {
    let cloud = cloud();
    for label in ["v1", "v2"] {
        release(&cloud, label).run().expect_exit(0);
    }
    scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 6.0}));
    cloud.forget_requests();
    let run = release(&cloud, "v2")
        .with("command", "rollback")
        .with("dry-run", "true")
        .run();
    let planned = cloud.count("DescribeEnvironments");
    assert!(planned > 1, "{}", run.log);
    // Without the list of releases, and with the wait until Ready.
    refuse_reads(&cloud, "DescribeEnvironments", planned, 1);
    let run = release(&cloud, "v2").with("command", "rollback").run().expect_exit(1);
    assert!(run.error().contains(NOT_KNOWN), "{}", run.error());
    assert!(!run.error().contains("backend `v2`"), "{}", run.error());
    wait_until_ready(&cloud);
    assert_eq!(label(&cloud), "v1");
}

#[test]
fn what_can_be_neither_watched_nor_put_back_is_not_known() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 6.0}));
    refuse_reads(&cloud, "DescribeEnvironments", 3, -1);
    let run = deploy(&cloud).with("on-failure", "rollback").run().expect_exit(1);
    assert!(run.error().contains("could not be rolled back"), "{}", run.error());
    assert!(run.error().contains(NOT_KNOWN), "{}", run.error());
    assert_eq!(run.output("rolled-back"), "false");
}

#[test]
fn what_was_not_seen_again_until_the_deadline_is_not_known() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 9.0}));
    cloud.post(
        "/faults",
        &json!({"service": "elasticbeanstalk", "operation": "DescribeEnvironments", "skip": 3, "times": -1, "kind": "drop"}),
    );
    let run = deploy(&cloud).with("deployment-timeout", "7").run().expect_exit(1);
    assert!(run.error().contains(NOT_KNOWN), "{}", run.error());
    assert!(!run.error().contains("backend `v0`"), "{}", run.error());
}
