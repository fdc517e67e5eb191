//! What runs in environments and no record here tells of: it is somebody else's, or its records are elsewhere.

use chrono::{Duration, Utc};
use serde_json::json;

use super::backend::{cloud, cloud_with, release, scenario, versions};
use super::backend_previous::{by_hand, rollback};
use super::support::{Action, Cloud, Run};

const OTHER_BUCKET: &str = "test-bundles";

/// A cloud with two environments, a second bucket for bundles, and a version that nobody needs.
fn two_environments() -> Cloud {
    let cloud = cloud_with(&["my-app-prod", "my-app-test"], &json!({}));
    cloud.create_bucket(OTHER_BUCKET);
    cloud.post(
        "/beanstalk/versions",
        &json!({"application": "my-app", "version_label": "old"}),
    );
    cloud
}

fn to(environment: &str, action: Action) -> Action {
    action.with("environment-name", environment)
}

/// A release of `label` whose records are elsewhere.
fn elsewhere(cloud: &Cloud, environment: &str, label: &str) {
    let action = to(environment, release(cloud, label)).with("package-bucket", OTHER_BUCKET);
    action.run().expect_exit(0);
}

/// A release to `my-app-prod` with `keep-versions: 1`; says `why` nothing was deleted.
fn keeps_all(cloud: &Cloud, label: &str, why: &str) {
    let before = versions(cloud).len();
    let run = release(cloud, label).with("keep-versions", "1").run().expect_exit(0);
    assert_eq!(cloud.count("DeleteApplicationVersion"), 0, "{}", run.log);
    assert!(versions(cloud).len() > before, "{}", run.log);
    let warnings = run.messages("warning");
    let said = warnings.iter().any(|warning| {
        warning.contains("`keep-versions` has deleted nothing")
            && warning.contains(why)
            && warning.contains("by another `package-bucket` or `history`")
    });
    assert!(said, "{why}: {}", run.log);
}

#[test]
fn nothing_is_deleted_while_newer_records_of_another_environment_are_elsewhere() {
    let cloud = two_environments();
    to("my-app-test", release(&cloud, "t1")).run().expect_exit(0);
    for label in ["t2", "t3"] {
        elsewhere(&cloud, "my-app-test", label);
    }
    for label in ["p1", "p2"] {
        keeps_all(
            &cloud,
            label,
            "environment `my-app-test` runs `t3`, which its newest release on record",
        );
    }
}

#[test]
fn nothing_is_deleted_behind_releases_of_the_same_environment_that_are_on_record_elsewhere() {
    let cloud = two_environments();
    to("my-app-test", release(&cloud, "t1")).run().expect_exit(0);
    release(&cloud, "p1").run().expect_exit(0);
    for label in ["s1", "s2"] {
        elsewhere(&cloud, "my-app-prod", label);
    }
    keeps_all(&cloud, "p2", "found `s2` in environment `my-app-prod`");
    // Not forgotten by the next.
    keeps_all(&cloud, "p3", "found `s2` in environment `my-app-prod`");
}

#[test]
fn nothing_is_deleted_while_somebody_elses_deployment_is_among_the_last_ten_releases() {
    let cloud = cloud();
    release(&cloud, "p1").run().expect_exit(0);
    by_hand(&cloud, "hot");
    keeps_all(&cloud, "p2", "found `hot` in environment `my-app-prod`");
    // What ran in between, told by events alone.
    let cloud = self::cloud();
    release(&cloud, "p1").run().expect_exit(0);
    let hour_ago = (Utc::now() - Duration::hours(1)).timestamp();
    cloud.post(
        "/beanstalk/event",
        &json!({"environment": "my-app-prod", "message": "Deploying new version to instance(s).", "severity": "INFO",
                "request_id": "of-another-tool", "date": hour_ago}),
    );
    keeps_all(&cloud, "p2", "a version was deployed to environment `my-app-prod` at");
}

#[test]
fn releases_that_failed_or_went_back_are_no_gaps() {
    let cloud = two_environments();
    for label in ["t1", "t2"] {
        to("my-app-test", release(&cloud, label)).run().expect_exit(0);
    }
    release(&cloud, "p1").run().expect_exit(0);
    scenario(&cloud, "my-app-prod", "fails", &json!({"times": 1}));
    release(&cloud, "p2").run().expect_exit(1);
    scenario(&cloud, "my-app-prod", "red", &json!({"times": 1}));
    release(&cloud, "p3").with("recovery-seconds", "1").run().expect_exit(1);
    scenario(&cloud, "my-app-prod", "red", &json!({"times": 1}));
    let put_back = release(&cloud, "p4")
        .with("recovery-seconds", "1")
        .with("on-failure", "rollback");
    put_back.run().expect_exit(1);
    scenario(&cloud, "my-app-prod", "success", &json!({}));
    release(&cloud, "p5").run().expect_exit(0);
    rollback(&cloud).run().expect_exit(0);
    // Somebody changes settings by hand.
    cloud.post(
        "/beanstalk/event",
        &json!({"environment": "my-app-prod", "message": "Successfully deployed new configuration to environment.",
                "severity": "INFO", "request_id": "settings"}),
    );
    let run = release(&cloud, "p6").with("keep-versions", "1").run().expect_exit(0);
    assert_eq!(run.messages("warning"), Vec::<&str>::new(), "{}", run.log);
    let mut left = versions(&cloud);
    left.sort();
    assert_eq!(
        left,
        ["p1", "p2", "p3", "p4", "p5", "p6", "t1", "t2", "v0"],
        "{}",
        run.log
    );
}

#[test]
fn an_update_that_its_release_does_not_wait_for_is_no_gap() {
    let cloud = two_environments();
    to("my-app-test", release(&cloud, "t1")).run().expect_exit(0);
    scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 20.0}));
    let run = release(&cloud, "p1")
        .with("wait-for-deployment", "false")
        .with("keep-versions", "1")
        .run()
        .expect_exit(0);
    assert_eq!(run.messages("warning"), Vec::<&str>::new(), "{}", run.log);
    let mut left = versions(&cloud);
    left.sort();
    assert_eq!(left, ["p1", "t1", "v0"], "{}", run.log);
}

/// The line of the log and the row of the summary about the release.
fn shown<'r>(run: &'r Run, id: &str) -> (&'r str, &'r str) {
    let mut lines = run.log.lines();
    let line = lines.find(|line| line.contains(&format!("{id}  ")));
    let mut rows = run.summary.lines();
    let row = rows.find(|row| row.starts_with(&format!("| <code>{id}</code>")));
    (line.expect("a line"), row.expect("a row"))
}

#[test]
fn the_list_of_releases_marks_what_the_environment_really_runs() {
    let cloud = cloud();
    let ids: Vec<String> = ["v1", "v2"]
        .map(|label| release(&cloud, label).run().expect_exit(0).output("release").to_owned())
        .into();
    let list = || rollback(&cloud).with("dry-run", "true").run();
    let marks = |run: &Run| -> Vec<bool> {
        ids.iter()
            .map(|id| {
                let (line, row) = shown(run, id);
                assert_eq!(line.contains("(live)"), row.contains("**live**"), "{line}\n{row}");
                row.contains("**live**")
            })
            .collect()
    };
    let run = list();
    assert_eq!(marks(&run), [false, true]);
    assert!(!run.summary.contains("which the records tell"), "{}", run.summary);
    // An older release's version, by hand.
    by_hand(&cloud, "v1");
    let run = list();
    assert_eq!(marks(&run), [true, false], "{}", run.log);
    let said = format!("it is that of release <code>{}</code>", ids[0]);
    assert!(run.summary.contains(&said), "{}", run.summary);
    // A version of nobody.
    by_hand(&cloud, "hot");
    let run = list();
    assert_eq!(marks(&run), [false, false]);
    let said = "`my-app-prod` runs version `hot` instead of `v2`, which the records tell: no release on record has deployed it";
    assert!(run.log.contains(said), "{}", run.log);
}
