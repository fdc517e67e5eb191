//! `to: previous` where records do not tell all: somebody else's version, a failure between, an end that cannot be read.

use std::time::Duration;

use serde_json::json;

use super::backend::{BUNDLES, RECORDS, cloud, deploy, environment, label, release, scenario, versions};
use super::support::{Action, Cloud};

pub(crate) fn rollback(cloud: &Cloud) -> Action {
    deploy(cloud).with("command", "rollback")
}

/// Deploys `label` as somebody else would, in a version of their own.
pub(crate) fn by_hand(cloud: &Cloud, label: &str) {
    if !versions(cloud).iter().any(|version| version == label) {
        let version = json!({"application": "my-app", "version_label": label, "bundle": label});
        cloud.post("/beanstalk/versions", &version);
    }
    let update = json!({"environment": "my-app-prod", "version_label": label, "scenario": "success", "seconds": 0.2});
    cloud.post("/beanstalk/update", &update);
    for _ in 0..400 {
        let now = environment(cloud, "my-app-prod");
        if now["Status"] == "Ready" && now["VersionLabel"] == label {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("the environment does not run {label}");
}

/// The records of the release `id` in `bucket`.
fn records(cloud: &Cloud, bucket: &str, id: &str) -> Vec<String> {
    let keys = cloud.all_keys(bucket).into_iter();
    keys.filter(|key| key.contains("/releases/") && key.contains(id))
        .collect()
}

fn with_site(action: Action, text: &str) -> Action {
    action
        .with("bucket", "my-bucket")
        .with("source", "site")
        .file("site/index.html", text)
}

#[test]
fn a_version_that_somebody_else_deployed_is_gone_back_from_to_the_newest_release() {
    for lost in [false, true] {
        let cloud = cloud();
        release(&cloud, "v1").run().expect_exit(0);
        release(&cloud, "v2").run().expect_exit(0);
        if lost {
            let run = release(&cloud, "v3").run().expect_exit(0);
            for key in records(&cloud, BUNDLES, run.output("release")) {
                cloud.s3("DELETE", &format!("/{BUNDLES}/{key}"), &[], b"");
            }
        } else {
            by_hand(&cloud, "v3");
        }
        let dry = rollback(&cloud).with("dry-run", "true").run().expect_exit(0);
        let run = rollback(&cloud).run().expect_exit(0);
        for log in [&dry.log, &run.log] {
            let said = "`my-app-prod` runs version `v3`, which is in no record: it was deployed by somebody else";
            assert!(log.contains(said), "{log}");
            assert!(log.contains("v3 -> v2"), "{log}");
        }
        assert_eq!(label(&cloud), "v2", "{}", run.log);
        // From there it goes on as after any rollback.
        rollback(&cloud).run().expect_exit(0);
        assert_eq!(label(&cloud), "v1");
    }
}

#[test]
fn beside_a_site_too() {
    let cloud = cloud();
    cloud.create_bucket("my-bucket");
    cloud.set_versioning("my-bucket", "Enabled");
    let page = || cloud.object("my-bucket", "index.html").expect("a page").text();
    with_site(release(&cloud, "v1"), "one").run().expect_exit(0);
    with_site(release(&cloud, "v2"), "two").run().expect_exit(0);
    by_hand(&cloud, "v3");
    let run = with_site(rollback(&cloud), "").run().expect_exit(0);
    assert!(run.log.contains("`v3`, which is in no record"), "{}", run.log);
    assert_eq!((label(&cloud).as_str(), page().as_str()), ("v2", "two"));
    with_site(rollback(&cloud), "").run().expect_exit(0);
    assert_eq!((label(&cloud).as_str(), page().as_str()), ("v1", "one"));
}

#[test]
fn previous_gets_past_releases_of_the_version_that_runs() {
    let cloud = cloud();
    release(&cloud, "v1").run().expect_exit(0);
    release(&cloud, "v2").run().expect_exit(0);
    scenario(&cloud, "my-app-prod", "fails", &json!({"times": 1}));
    release(&cloud, "v3").run().expect_exit(1);
    scenario(&cloud, "my-app-prod", "success", &json!({}));
    release(&cloud, "v2").run().expect_exit(0);
    let run = rollback(&cloud).run().expect_exit(0);
    assert_eq!((label(&cloud).as_str(), run.output("outcome")), ("v1", "succeeded"));
    let last = rollback(&cloud).run().expect_exit(1);
    assert!(
        last.error().contains("there is no succeeded release before"),
        "{}",
        last.error()
    );
}

#[test]
fn beside_a_site_previous_gets_past_a_release_that_is_as_it_was() {
    let cloud = cloud();
    cloud.create_bucket("my-bucket");
    cloud.set_versioning("my-bucket", "Enabled");
    with_site(release(&cloud, "v1"), "one").run().expect_exit(0);
    with_site(release(&cloud, "v2"), "two").run().expect_exit(0);
    scenario(&cloud, "my-app-prod", "fails", &json!({"times": 1}));
    with_site(release(&cloud, "v3"), "three").run().expect_exit(1);
    scenario(&cloud, "my-app-prod", "success", &json!({}));
    with_site(release(&cloud, "v2"), "two").run().expect_exit(0);
    let run = with_site(rollback(&cloud), "").run().expect_exit(0);
    assert!(run.log.contains("going on to the one before it"), "{}", run.log);
    assert_eq!(label(&cloud), "v1");
    assert_eq!(cloud.object("my-bucket", "index.html").expect("a page").text(), "one");
}

#[test]
fn a_rollback_that_finds_all_as_it_should_be_is_on_record() {
    let cloud = cloud();
    release(&cloud, "v1").run().expect_exit(0);
    release(&cloud, "v2").run().expect_exit(0);
    scenario(&cloud, "my-app-prod", "fails", &json!({"times": 1}));
    release(&cloud, "v3").run().expect_exit(1);
    // Somebody repairs it by hand.
    by_hand(&cloud, "v2");
    let unchanged = rollback(&cloud).run().expect_exit(0);
    assert_eq!(unchanged.output("outcome"), "unchanged", "{}", unchanged.log);
    assert!(unchanged.log.contains("is what is live already"), "{}", unchanged.log);
    rollback(&cloud).run().expect_exit(0);
    assert_eq!(label(&cloud), "v1");
}

#[test]
fn an_older_release_whose_end_cannot_be_read_is_not_passed_over() {
    let cloud = cloud();
    cloud.create_bucket("my-bucket");
    cloud.set_versioning("my-bucket", "Enabled");
    for site in [false, true] {
        let step = |action: Action| if site { with_site(action, "page") } else { action };
        let mut ids = Vec::new();
        for number in 1..=3 {
            let label = format!("{site}-v{number}");
            let deploy = step(release(&cloud, &label));
            deploy.write("site/index.html", &label);
            ids.push(deploy.run().expect_exit(0).output("release").to_owned());
        }
        for bucket in [BUNDLES, "my-bucket"] {
            for key in records(&cloud, bucket, &ids[1]) {
                if !key.contains(".started") {
                    cloud.put(bucket, &key, &[], b"{");
                }
            }
        }
        if site {
            let run = step(rollback(&cloud)).run().expect_exit(1);
            let said = format!("how release `{}` ended cannot be read", ids[1]);
            assert!(run.error().contains(&said), "{}", run.error());
            assert_eq!(label(&cloud), "true-v3");
        } else {
            // What the next release replaced was live.
            let run = rollback(&cloud).run().expect_exit(0);
            assert!(run.log.contains("found its version in place"), "{}", run.log);
            assert_eq!(label(&cloud), "false-v2");
        }
    }
    assert!(cloud.all_keys(BUNDLES).iter().any(|key| key.starts_with(RECORDS)));
}

#[test]
fn the_newest_records_that_cannot_be_read_are_named_and_a_label_leads_back_all_the_same() {
    let cloud = cloud();
    let ids: Vec<String> = (1..=4)
        .map(|number| {
            let run = release(&cloud, &format!("v{number}")).run().expect_exit(0);
            run.output("release").to_owned()
        })
        .collect();
    for id in &ids[2..] {
        for key in records(&cloud, BUNDLES, id) {
            cloud.put(BUNDLES, &key, &[], b"{");
        }
    }
    let run = rollback(&cloud).run().expect_exit(1);
    assert!(
        run.error().contains("cannot be read, and what they changed"),
        "{}",
        run.error()
    );
    assert!(!run.log.contains("deployed by somebody else"), "{}", run.log);
    assert!(
        run.log
            .contains("write the label of the version that is to run in `to`"),
        "{}",
        run.log
    );
    rollback(&cloud).with("to", "v3").run().expect_exit(0);
    assert_eq!(label(&cloud), "v3");
}

#[test]
fn beside_a_site_nobody_knows_what_the_newest_records_that_cannot_be_read_changed() {
    for (releases, unreadable) in [(4, 2), (2, 1), (3, 2)] {
        let cloud = cloud();
        cloud.create_bucket("my-bucket");
        cloud.set_versioning("my-bucket", "Enabled");
        let ids: Vec<String> = (1..=releases)
            .map(|number| {
                let label = format!("v{number}");
                let action = with_site(release(&cloud, &label), &label);
                action.run().expect_exit(0).output("release").to_owned()
            })
            .collect();
        let newest = &ids[releases - unreadable..];
        for (id, bucket) in newest.iter().flat_map(|id| [(id, BUNDLES), (id, "my-bucket")]) {
            for key in records(&cloud, bucket, id) {
                cloud.put(bucket, &key, &[], b"{");
            }
        }
        for to in ["", &ids[0]] {
            let run = with_site(rollback(&cloud), "").with("to", to).run().expect_exit(1);
            assert!(run.error().contains("cannot be read"), "{to}: {}", run.error());
            assert!(
                newest.iter().all(|id| run.error().contains(id.as_str())),
                "{}",
                run.error()
            );
            let hint = run.report["error"]["hint"].as_str().unwrap_or_default();
            assert!(hint.contains("be read again"), "{hint}");
            assert!(
                hint.contains("the environments alone go back by a step without the inputs of the site"),
                "{hint}"
            );
            assert_eq!(label(&cloud), format!("v{releases}"));
        }
        for to in [&newest[0], &format!("v{releases}")] {
            let run = with_site(rollback(&cloud), "").with("to", to).run().expect_exit(1);
            let hint = run.report["error"]["hint"].as_str().unwrap_or_default();
            assert!(
                run.error().contains("cannot be") && hint.contains("be read again"),
                "{}",
                run.error()
            );
        }
        let list = with_site(rollback(&cloud), "").with("dry-run", "true").run();
        assert!(!list.summary.contains("**live"), "{}", list.summary);
        // As the hint says.
        let alone = rollback(&cloud).with("to", "v1").run();
        assert_eq!((alone.exit_code, label(&cloud).as_str()), (0, "v1"), "{}", alone.log);
    }
}

#[test]
fn a_dry_run_says_that_the_bundle_of_the_version_is_gone() {
    let cloud = cloud();
    release(&cloud, "v1").run().expect_exit(0);
    release(&cloud, "v2").run().expect_exit(0);
    cloud.s3("DELETE", &format!("/{BUNDLES}/my-app/v1.zip"), &[], b"");
    for dry in ["true", "false"] {
        for to in ["v1", "previous"] {
            let run = rollback(&cloud)
                .with("to", to)
                .with("dry-run", dry)
                .run()
                .expect_exit(1);
            assert!(
                run.error().contains("my-app/v1.zip` does not exist any more"),
                "{}",
                run.error()
            );
        }
    }
    assert_eq!(label(&cloud), "v2");
}
