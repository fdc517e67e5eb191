//! Versions: labels and keys that exist already, versions in processing, and which old ones `keep-versions` deletes.

use serde_json::json;

use crate::backend::{cloud, cloud_with, deploy, environment, scenario, versions};
use crate::support::{Action, Cloud};

const BUNDLES: &str = "elasticbeanstalk-us-east-1-123456789012";

/// A stored file `a` of no bytes, made by Python's zipfile.
pub(crate) const ZIP: &[u8] = b"PK\x03\x04\x14\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0a\
    PK\x01\x02\x14\x03\x14\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\x80\x01\
    \0\0\0\0a\
    PK\x05\x06\0\0\0\0\x01\0\x01\0\x2f\0\0\0\x1f\0\0\0\0\0";

/// A deploy of `label`, with a package that no other label has.
fn release(cloud: &Cloud, environment: &str, label: &str) -> Action {
    deploy(cloud)
        .with("environment-name", environment)
        .with("version-label", label)
        .file("app/application.py", label)
}

#[test]
fn versions_that_any_environment_may_go_back_to_stay() {
    let cloud = cloud_with(&["my-app-prod", "my-app-test"], &json!({}));
    cloud.post(
        "/beanstalk/versions",
        &json!({"application": "my-app", "version_label": "old"}),
    );
    for label in ["t1", "t2"] {
        release(&cloud, "my-app-test", label).run().expect_exit(0);
    }
    release(&cloud, "my-app-prod", "p1")
        .with("keep-versions", "1")
        .run()
        .expect_exit(0);
    let mut left = versions(&cloud);
    left.sort();
    // `t1` is what the test environment goes back to, `v0` what this release has replaced.
    assert_eq!(left, ["p1", "t1", "t2", "v0"]);
}

#[test]
fn nothing_is_deleted_when_it_is_not_known_what_is_needed() {
    let cloud = cloud();
    cloud.post(
        "/beanstalk/versions",
        &json!({"application": "my-app", "version_label": "old"}),
    );
    cloud.fail("s3", "ListObjectsV2", -1, 403, "AccessDenied");
    let run = release(&cloud, "my-app-prod", "v1")
        .with("keep-versions", "1")
        .run()
        .expect_exit(0);
    assert_eq!(cloud.count("DeleteApplicationVersion"), 0);
    assert!(
        run.messages("warning")
            .iter()
            .any(|warning| warning.contains("`keep-versions` has deleted nothing")),
        "{}",
        run.log
    );
    // A record that is there and cannot be read is as good as none.
    let cloud = self::cloud();
    let folder = ".aws-web-deploy/my-app/my-app-prod/releases/";
    release(&cloud, "my-app-prod", "v1").run().expect_exit(0);
    let records: Vec<String> = cloud.all_keys(BUNDLES);
    for key in records.iter().filter(|key| key.starts_with(folder)) {
        cloud.put(BUNDLES, key, &[], b"{");
    }
    release(&cloud, "my-app-prod", "v2")
        .with("keep-versions", "1")
        .run()
        .expect_exit(0);
    assert_eq!(cloud.count("DeleteApplicationVersion"), 0);
}

#[test]
fn nothing_is_deleted_while_an_environment_keeps_its_records_elsewhere() {
    let cloud = cloud_with(&["my-app-prod", "my-app-test"], &json!({}));
    cloud.create_bucket("test-bundles");
    for label in ["t1", "t2"] {
        release(&cloud, "my-app-test", label)
            .with("package-bucket", "test-bundles")
            .run()
            .expect_exit(0);
    }
    let run = release(&cloud, "my-app-prod", "p1")
        .with("keep-versions", "1")
        .run()
        .expect_exit(0);
    assert_eq!(cloud.count("DeleteApplicationVersion"), 0);
    let said = "environment `my-app-test` has no release records in";
    let warnings = run.messages("warning");
    assert!(warnings.iter().any(|warning| warning.contains(said)), "{}", run.log);
}

#[test]
fn a_bundle_that_a_kept_version_shares_is_kept() {
    let cloud = cloud();
    for label in ["a", "b"] {
        cloud.post(
            "/beanstalk/versions",
            &json!({"application": "my-app", "version_label": label, "key": "my-app/v0.zip"}),
        );
    }
    cloud.post(
        "/beanstalk/versions",
        &json!({"application": "my-app", "version_label": "c"}),
    );
    release(&cloud, "my-app-prod", "v1")
        .with("keep-versions", "1")
        .run()
        .expect_exit(0);
    let mut left = versions(&cloud);
    left.sort();
    assert_eq!(left, ["v0", "v1"]);
    assert_eq!(cloud.keys(BUNDLES), ["my-app/v0.zip", "my-app/v1.zip"]);
}

#[test]
fn a_bundle_that_a_version_of_another_application_shares_is_kept() {
    let mut listings = 0;
    for is_seen in [true, false] {
        let cloud = cloud();
        cloud.post("/beanstalk/applications", &json!({"application": "other-app"}));
        for (application, label, key) in [
            ("my-app", "a", "my-app/a.zip"),
            ("my-app", "b", "my-app/b.zip"),
            ("other-app", "shared", "my-app/a.zip"),
        ] {
            cloud.put(BUNDLES, key, &[], ZIP);
            cloud.post(
                "/beanstalk/versions",
                &json!({"application": application, "version_label": label, "key": key}),
            );
        }
        if !is_seen {
            // Who may not see other applications, which is asked last, keeps to its own.
            cloud.post(
                "/faults",
                &json!({"service": "elasticbeanstalk", "operation": "DescribeApplicationVersions", "kind": "error",
                        "status": 403, "code": "AccessDenied", "message": "Access Denied", "skip": listings - 1, "times": -1}),
            );
        }
        let run = release(&cloud, "my-app-prod", "v1")
            .with("keep-versions", "1")
            .run()
            .expect_exit(0);
        listings = cloud.count("DescribeApplicationVersions");
        let keys = cloud.keys(BUNDLES);
        assert_eq!(
            keys.contains(&"my-app/a.zip".to_owned()),
            is_seen,
            "{keys:?} {}",
            run.log
        );
        assert!(!keys.contains(&"my-app/b.zip".to_owned()), "{keys:?} {}", run.log);
    }
}

#[test]
fn what_another_tool_stored_is_never_overwritten() {
    for bytes in [1_000, 9_000_000] {
        let cloud = cloud();
        cloud.put(BUNDLES, "my-app/v1.zip", &[], b"of another tool");
        let action = deploy(&cloud);
        // Random enough not to become small: a large bundle goes up in parts.
        let mut state = 1_u32;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        })
        .take(bytes)
        .collect();
        action.write("app/noise", noise);
        let run = action.run().expect_exit(0);
        let theirs = cloud.object(BUNDLES, "my-app/v1.zip").expect("their object");
        assert_eq!(theirs.body, b"of another tool");
        let sha256 = run.report["backend"]["bundle"]["sha256"].as_str().expect("a digest");
        let key = format!("my-app/v1-{}.zip", &sha256[..16]);
        let ours = cloud.object(BUNDLES, &key).expect("our object");
        assert_eq!(ours.header("x-amz-meta-sha256"), Some(sha256));
        assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v1");
    }
}

#[test]
fn a_version_that_a_killed_run_left_in_processing_is_waited_for() {
    let cloud = cloud();
    // Long enough for the next run to begin meanwhile, on a busy machine too.
    cloud.post("/beanstalk/versions", &json!({"seconds": 6.0}));
    let action = deploy(&cloud).signal("KILL", "uploaded the bundle", 0.3);
    action.run().expect_exit(-9);
    assert_eq!(cloud.count("CreateApplicationVersion"), 1);
    let run = deploy(&cloud).run().expect_exit(0);
    assert_eq!(cloud.count("CreateApplicationVersion"), 1);
    assert!(
        run.log
            .contains("wait     until Elastic Beanstalk has processed version v1"),
        "{}",
        run.log
    );
    assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v1");
}

#[test]
fn a_version_that_fails_in_processing_is_never_deployed() {
    for command in ["deploy", "rollback"] {
        let cloud = cloud();
        cloud.post(
            "/beanstalk/versions",
            &json!({"application": "my-app", "version_label": "v1", "processing": 2, "fails": true}),
        );
        let run = deploy(&cloud)
            .with("command", command)
            .with("package", "")
            .with("to", if command == "rollback" { "v1" } else { "" })
            .run()
            .expect_exit(1);
        assert!(
            run.error().contains("could not process its bundle"),
            "{command}: {}",
            run.error()
        );
        assert_eq!(cloud.count("UpdateEnvironment"), 0, "{command}");
    }
}

#[test]
fn a_rollback_to_a_version_that_cannot_run_says_what_to_write_in_to() {
    let cloud = cloud();
    cloud.post(
        "/beanstalk/versions",
        &json!({"application": "my-app", "version_label": "broken", "fails": true}),
    );
    for to in ["broken", "unknown"] {
        let run = deploy(&cloud)
            .with("command", "rollback")
            .with("to", to)
            .run()
            .expect_exit(1);
        let hint = run.report["error"]["hint"].as_str().unwrap_or_default();
        assert!(hint.contains("`to`"), "{to}: {hint}");
        assert!(!hint.contains("`version-label`"), "{to}: {hint}");
    }
}

#[test]
fn a_version_that_turns_out_unusable_when_it_is_deployed_is_explained() {
    // Beanstalk's own refusal says little: the state of the version is asked for then.
    for (version, exit_code) in [(json!({"fails": true}), 1), (json!({"processing": 600.0}), 0)] {
        let cloud = cloud();
        cloud.post(
            "/beanstalk/versions",
            &json!({"application": "my-app", "version_label": "v1"}),
        );
        scenario(&cloud, "my-app-prod", "busy", &json!({"seconds": 3.0}));
        let action = deploy(&cloud).with("package", "").with("poll-interval", "2");
        let run = std::thread::scope(|scope| {
            let run = scope.spawn(|| action.run());
            while cloud.count("DescribeInstancesHealth") + cloud.count("DescribeConfigurationSettings") == 0 {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            let mut body = json!({"application": "my-app", "version_label": "v1"});
            let body_fields = body.as_object_mut().expect("an object");
            body_fields.extend(version.as_object().cloned().unwrap_or_default());
            cloud.post("/beanstalk/versions", &body);
            while exit_code == 0 && cloud.count("UpdateEnvironment") == 0 {
                std::thread::sleep(std::time::Duration::from_millis(50));
            }
            if exit_code == 0 {
                let ready = json!({"application": "my-app", "version_label": "v1", "processing": 1.0});
                cloud.post("/beanstalk/versions", &ready);
            }
            run.join().expect("the run")
        })
        .expect_exit(exit_code);
        if exit_code == 1 {
            let hint = run.report["error"]["hint"].as_str().unwrap_or_default();
            assert!(hint.contains("could not process its bundle"), "{}", run.report["error"]);
        } else {
            assert!(run.log.contains("still processes version `v1`"), "{}", run.log);
            assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v1");
        }
    }
}

#[test]
fn the_bundle_of_a_failed_version_goes_when_it_is_replaced() {
    for shared in [false, true] {
        let cloud = cloud();
        cloud.post("/beanstalk/versions", &json!({"fails": true}));
        let action = deploy(&cloud);
        action.run().expect_exit(1);
        cloud.post("/beanstalk/versions", &json!({"fails": false}));
        if shared {
            cloud.post(
                "/beanstalk/versions",
                &json!({"application": "my-app", "version_label": "other", "key": "my-app/v1.zip"}),
            );
        }
        action.write("app/.ebextensions/a.config", "fixed: {}\n");
        action.run().expect_exit(0);
        let keys = cloud.keys(BUNDLES);
        assert_eq!(keys.contains(&"my-app/v1.zip".to_owned()), shared, "{keys:?}");
        assert!(keys.iter().any(|key| key.starts_with("my-app/v1-")), "{keys:?}");
        // The same bundle again: what is deployed is not deleted.
        cloud.post("/beanstalk/versions", &json!({"fails": true}));
        let action = deploy(&cloud)
            .with("version-label", "v2")
            .file("app/application.py", "2");
        action.run().expect_exit(1);
        cloud.post("/beanstalk/versions", &json!({"fails": false}));
        action.run().expect_exit(0);
        assert!(cloud.keys(BUNDLES).contains(&"my-app/v2.zip".to_owned()));
    }
}

#[test]
fn the_same_bytes_that_another_tool_deployed_are_not_deployed_again() {
    let cloud = cloud();
    cloud.put(BUNDLES, "my-app/v0.zip", &[], ZIP);
    let package = |bytes: &[u8]| deploy(&cloud).with("package", "app.zip").file("app.zip", bytes);
    let run = package(ZIP).run().expect_exit(0);
    assert_eq!(run.output("outcome"), "unchanged", "{}", run.log);
    assert_eq!(run.output("version-label"), "v0");
    assert_eq!(cloud.count("CreateApplicationVersion"), 0);
    // Another content of the same size is another bundle.
    cloud.put(BUNDLES, "my-app/v0.zip", &[], &vec![b'x'; ZIP.len()]);
    let run = package(ZIP).run().expect_exit(0);
    assert_eq!(run.output("version-label"), "v1");
}

#[test]
fn check_refuses_what_the_deploy_refuses() {
    let cloud = cloud();
    let check = |action: Action| action.with("command", "check").run();
    let run = check(deploy(&cloud).with("version-label", "v0")).expect_exit(1);
    assert!(
        run.error().contains("it exists already with another bundle"),
        "{}",
        run.error()
    );
    let run = check(deploy(&cloud).with("package", "app.zip").file("app.zip", "no archive")).expect_exit(1);
    assert!(run.error().contains("not a readable ZIP file"), "{}", run.error());
    let run = check(deploy(&cloud)).expect_exit(0);
    assert!(
        run.log.contains("does not exist yet, and would be created"),
        "{}",
        run.log
    );
    assert!(run.log.contains("package: bundle: 2 files"), "{}", run.log);
    deploy(&cloud).run().expect_exit(0);
    let run = check(deploy(&cloud)).expect_exit(0);
    assert!(
        run.log.contains("version `v1`: exists with the same bundle"),
        "{}",
        run.log
    );
}

#[test]
fn an_update_of_a_killed_run_that_has_ended_meanwhile_is_not_sent_again() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 3.0}));
    let killed = deploy(&cloud).signal("KILL", "Environment update is starting.", 0.0);
    killed.run().expect_exit(-9);
    let run = deploy(&cloud).run().expect_exit(0);
    assert_eq!(cloud.count("UpdateEnvironment"), 1, "{}", run.log);
    assert!(
        run.log.contains("runs `v1` already, by an update that was under way"),
        "{}",
        run.log
    );
    assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v1");
    // What ran before the killed run is what a rollback goes back to.
    deploy(&cloud)
        .with("command", "rollback")
        .with("to", "v0")
        .run()
        .expect_exit(0);
    assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v0");
}

#[test]
fn a_dry_run_of_a_version_alone_says_what_would_be() {
    let cloud = cloud();
    let run = deploy(&cloud)
        .with("environment-name", "")
        .with("dry-run", "true")
        .run()
        .expect_exit(0);
    assert!(
        run.summary.contains("would be created; **nothing would be deployed**"),
        "{}",
        run.summary
    );
}
