//! The backend part against the local cloud: what succeeds, and what is left alone.

use serde_json::json;

use super::support::{Action, Cloud, Run};

/// A cloud in which `my-app-prod` runs `v0`, Ready and Green, and updates take half a second.
pub(crate) fn cloud() -> Cloud {
    cloud_with(&["my-app-prod"], &json!({}))
}

/// A cloud with these environments of `my-app`, made with `options`.
pub(crate) fn cloud_with(environments: &[&str], options: &serde_json::Value) -> Cloud {
    let cloud = Cloud::start();
    for environment in environments {
        cloud.add_environment("my-app", environment, options);
        scenario(&cloud, environment, "success", &json!({}));
    }
    cloud
}

/// Lets updates of `environment` go as `name` says, in half a second.
pub(crate) fn scenario(cloud: &Cloud, environment: &str, name: &str, options: &serde_json::Value) {
    let mut quick = json!({"seconds": 0.6});
    quick
        .as_object_mut()
        .expect("an object")
        .extend(options.as_object().cloned().unwrap_or_default());
    cloud.set_scenario(environment, name, &quick);
}

/// A step that deploys a small package as `v1`, polling every second.
pub(crate) fn deploy(cloud: &Cloud) -> Action {
    Action::new(cloud)
        .with("application-name", "my-app")
        .with("environment-name", "my-app-prod")
        .with("package", "app")
        .with("version-label", "v1")
        .with("poll-interval", "1")
        .with("deployment-timeout", "60")
        .file("app/application.py", "print('hello')\n")
        .file("app/.ebextensions/a.config", "option_settings: {}\n")
}

/// The bucket of application versions.
pub(crate) const BUNDLES: &str = "elasticbeanstalk-us-east-1-123456789012";
/// The folder of the records of `my-app-prod` in it.
pub(crate) const RECORDS: &str = ".aws-web-deploy/my-app/my-app-prod/releases/";

/// A deploy of `label`, with a package that no other label has.
pub(crate) fn release(cloud: &Cloud, label: &str) -> Action {
    deploy(cloud)
        .with("version-label", label)
        .file("app/application.py", label)
}

/// The version that `my-app-prod` runs.
pub(crate) fn label(cloud: &Cloud) -> String {
    environment(cloud, "my-app-prod")["VersionLabel"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// The environment as Beanstalk has it.
pub(crate) fn environment(cloud: &Cloud, name: &str) -> serde_json::Value {
    let state = cloud.get("/beanstalk");
    let all = state["us-east-1"]["environments"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    all.into_iter()
        .find(|one| one["EnvironmentName"] == name)
        .expect("the environment")
}

/// The labels of all versions.
pub(crate) fn versions(cloud: &Cloud) -> Vec<String> {
    let state = cloud.get("/beanstalk");
    let all = state["us-east-1"]["versions"].as_array().cloned().unwrap_or_default();
    all.iter()
        .filter_map(|one| one["VersionLabel"].as_str().map(ToOwned::to_owned))
        .collect()
}

/// The messages of the events that the report holds for an environment.
pub(crate) fn reported_events(run: &Run, position: usize) -> Vec<String> {
    let events = &run.report["backend"]["environments"][position]["events"];
    let all = events.as_array().cloned().unwrap_or_default();
    all.iter()
        .filter_map(|one| one["message"].as_str().map(ToOwned::to_owned))
        .collect()
}

#[test]
fn deploys_a_directory_and_says_so() {
    let cloud = cloud();
    let run = deploy(&cloud)
        .with("version-description", "the first")
        .run()
        .expect_exit(0);
    let now = environment(&cloud, "my-app-prod");
    assert_eq!(now["VersionLabel"], "v1");
    for line in [
        "INFO  Environment update is starting.",
        "INFO  New application version was deployed to running EC2 instances.",
        "INFO  Environment update completed successfully.",
    ] {
        assert!(run.log.contains(line), "{line} in\n{}", run.log);
    }
    assert_eq!(run.output("outcome"), "succeeded");
    assert_eq!(run.output("changed"), "true");
    assert_eq!(run.output("version-label"), "v1");
    assert_eq!(run.output("previous-version-label"), "v0");
    assert_eq!(run.output("environment-status"), "Ready");
    assert_eq!(run.output("environment-health"), "Green");
    assert!(
        run.output("environment-url").starts_with("http://"),
        "{}",
        run.output("environment-url")
    );
    let backend = &run.report["backend"];
    assert_eq!(backend["bundle"]["files"], 2);
    assert_eq!(backend["version_reused"], false);

    // The bundle lies where the contract says, with its digest.
    let object = cloud
        .object("elasticbeanstalk-us-east-1-123456789012", "my-app/v1.zip")
        .expect("the bundle");
    assert_eq!(object.header("x-amz-meta-sha256"), backend["bundle"]["sha256"].as_str());
    let created = cloud
        .requests()
        .into_iter()
        .find(|one| one["operation"] == "CreateApplicationVersion")
        .expect("the version was created");
    assert_eq!(created["params"]["Description"], "the first");
    assert_eq!(
        created["params"]["Process"]
            .to_string()
            .to_lowercase()
            .trim_matches('"'),
        "true"
    );
}

#[test]
fn without_an_environment_only_the_version_is_created() {
    let cloud = cloud();
    let run = deploy(&cloud).with("environment-name", "").run().expect_exit(0);
    assert_eq!(versions(&cloud), ["v0", "v1"]);
    assert_eq!(cloud.count("UpdateEnvironment"), 0);
    assert_eq!(run.output("outcome"), "succeeded");
    let said = "nothing was deployed: `environment-name` is empty";
    assert!(
        run.log.contains(&format!("version `v1` was created, and {said}")),
        "{}",
        run.log
    );
    assert!(
        run.summary
            .contains("created; **nothing was deployed**: `environment-name` is empty"),
        "{}",
        run.summary
    );
    let last = run.messages("notice").last().copied().unwrap_or_default();
    assert!(last.ends_with("version `v1` created, nothing is deployed"), "{last}");
    let again = deploy(&cloud).with("environment-name", "").run().expect_exit(0);
    assert_eq!(again.output("outcome"), "unchanged");
    assert!(
        again.log.contains(&format!("version `v1` exists already, and {said}")),
        "{}",
        again.log
    );
}

#[test]
fn a_dry_run_sends_only_reads() {
    let cloud = cloud();
    let run = deploy(&cloud).with("dry-run", "true").run().expect_exit(0);
    let writes: Vec<String> = cloud
        .operations()
        .into_iter()
        .filter(|one| {
            !["Describe", "Get", "Head", "List", "AssumeRole"]
                .iter()
                .any(|read| one.starts_with(read))
        })
        .collect();
    assert!(writes.is_empty(), "{writes:?}");
    assert!(
        run.log
            .contains("s3://elasticbeanstalk-us-east-1-123456789012/my-app/v1.zip"),
        "{}",
        run.log
    );
    assert!(run.log.contains("my-app-prod  v0 -> v1"), "{}", run.log);
}

#[test]
fn the_same_bundle_and_label_is_deployed_again_after_a_failure() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "fails", &json!({"times": 1}));
    let action = deploy(&cloud);
    action.run().expect_exit(1);
    scenario(&cloud, "my-app-prod", "success", &json!({}));
    cloud.forget_requests();
    let run = action.run().expect_exit(0);
    assert_eq!(cloud.count("CreateApplicationVersion"), 0);
    let bundles = cloud
        .requests()
        .into_iter()
        .filter(|one| one["operation"] == "PutObject" && one["path"].to_string().contains("v1.zip"))
        .count();
    assert_eq!(bundles, 0, "{:?}", cloud.operations());
    assert_eq!(run.report["backend"]["version_reused"], true);
    assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v1");
}

#[test]
fn another_bundle_under_a_used_label_is_refused_with_both_digests() {
    let cloud = cloud();
    let action = deploy(&cloud);
    let first = action.run().expect_exit(0);
    action.write("app/application.py", "print('other')\n");
    let run = action.run().expect_exit(1);
    let old = first.report["backend"]["bundle"]["sha256"]
        .as_str()
        .expect("a digest")
        .to_owned();
    assert!(run.error().contains(&old), "{}", run.error());
    assert!(run.error().contains("this one has"), "{}", run.error());
    assert_eq!(cloud.count("UpdateEnvironment"), 1);
    // A bundle that another tool uploaded is read to tell.
    let foreign = deploy(&cloud).with("version-label", "v0").run().expect_exit(1);
    assert!(
        foreign.error().contains("exists already with another bundle"),
        "{}",
        foreign.error()
    );
}

#[test]
fn an_existing_version_is_deployed_when_asked() {
    let cloud = cloud_with(&["my-app-prod"], &json!({"version_label": "v5"}));
    cloud.post(
        "/beanstalk/versions",
        &json!({"application": "my-app", "version_label": "v1", "bundle": "other"}),
    );
    let run = deploy(&cloud)
        .with("use_existing_version_if_available", "true")
        .run()
        .expect_exit(0);
    assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v1");
    assert_eq!(cloud.count("CreateApplicationVersion"), 0);
    assert_eq!(run.log.matches("`package` is not used").count(), 1, "{}", run.log);
    // So it is not even bundled.
    assert!(!run.log.contains("bundle: "), "{}", run.log);
    // The old action never opened the package then.
    let gone = deploy(&cloud)
        .with("package", "")
        .with("deployment_package", "gone.zip")
        .with("version-label", "v5")
        .with("use_existing_version_if_available", "true")
        .run()
        .expect_exit(0);
    assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v5");
    assert!(
        gone.log
            .contains("`deployment_package` is `gone.zip`, which does not exist"),
        "{}",
        gone.log
    );
    let none = deploy(&cloud)
        .with("package", "gone.zip")
        .with("version-label", "v6")
        .with("use_existing_version_if_available", "true")
        .run()
        .expect_exit(1);
    assert!(none.error().contains("cannot find version `v6`"), "{}", none.error());
    deploy(&cloud).with("package", "gone.zip").run().expect_exit(2);
    let by_label = deploy(&cloud)
        .with("package", "")
        .with("version-label", "v5")
        .run()
        .expect_exit(0);
    assert_eq!(by_label.output("version-label"), "v5");
}

#[test]
fn a_bundle_that_runs_is_not_deployed_again_unless_something_else_would_change() {
    let cloud = cloud();
    let action = deploy(&cloud).with("version-label", "{sha}-{run-number}");
    let first = action.run().expect_exit(0);
    cloud.forget_requests();
    let next = |action: Action| action.with("version-label", "next").run().expect_exit(0);

    let run = next(deploy(&cloud));
    assert_eq!(run.output("outcome"), "unchanged", "{}", run.log);
    assert_eq!(run.output("version-label"), first.output("version-label"));
    assert_eq!(
        cloud.count("CreateApplicationVersion") + cloud.count("UpdateEnvironment"),
        0
    );

    let setting =
        r#"[{"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "MODE", "Value": "x"}]"#;
    assert_eq!(
        next(deploy(&cloud).with("option-settings", setting)).output("outcome"),
        "succeeded"
    );
    assert_eq!(cloud.count("UpdateEnvironment"), 1);
    // The setting is there now.
    assert_eq!(
        next(deploy(&cloud).with("option-settings", setting)).output("outcome"),
        "unchanged"
    );
    assert_eq!(
        next(deploy(&cloud).with("force", "true")).output("outcome"),
        "succeeded"
    );
    assert_eq!(cloud.count("UpdateEnvironment"), 2);
    cloud.post(
        "/beanstalk/environment",
        &json!({"environment": "my-app-prod", "instance_labels": ["v0"]}),
    );
    assert_eq!(next(deploy(&cloud)).output("outcome"), "succeeded");
    assert_eq!(cloud.count("UpdateEnvironment"), 3);
    cloud.post(
        "/beanstalk/environment",
        &json!({"environment": "my-app-prod", "colour": "Red"}),
    );
    assert_eq!(next(deploy(&cloud)).output("outcome"), "succeeded");
    assert_eq!(cloud.count("UpdateEnvironment"), 4);
}

#[test]
fn an_identical_bundle_after_a_failed_deploy_is_deployed_also_with_basic_health() {
    let cloud = cloud_with(&["my-app-prod"], &json!({"health": "basic"}));
    deploy(&cloud).run().expect_exit(0);
    scenario(&cloud, "my-app-prod", "fails", &json!({"times": 1}));
    deploy(&cloud)
        .with("version-label", "v2")
        .file("app/application.py", "broken")
        .run()
        .expect_exit(1);
    // The label says v1 and somebody painted it Green, but instances run v2.
    cloud.post(
        "/beanstalk/environment",
        &json!({"environment": "my-app-prod", "colour": "Green"}),
    );
    scenario(&cloud, "my-app-prod", "success", &json!({}));
    let run = deploy(&cloud).run().expect_exit(0);
    assert_eq!(run.output("outcome"), "succeeded");
    assert!(run.log.contains("its last update failed"), "{}", run.log);
}

#[test]
fn old_versions_go_but_never_one_that_runs() {
    let cloud = cloud();
    for label in ["a", "c"] {
        cloud.post(
            "/beanstalk/versions",
            &json!({"application": "my-app", "version_label": label}),
        );
    }
    cloud.add_environment("my-app", "my-app-old", &json!({"version_label": "v0"}));
    let old = release(&cloud, "b").with("environment-name", "my-app-old");
    old.run().expect_exit(0);
    deploy(&cloud).with("keep-versions", "1").run().expect_exit(0);
    let mut left = versions(&cloud);
    left.sort();
    // `v1` is the newest, `b` runs elsewhere, and `v0` is what a rollback goes back to.
    assert!(
        left.contains(&"v1".to_owned()) && left.contains(&"b".to_owned()),
        "{left:?}"
    );
    assert!(
        !left.contains(&"a".to_owned()) && !left.contains(&"c".to_owned()),
        "{left:?}"
    );
    assert!(cloud.object(BUNDLES, "my-app/a.zip").is_none());
}

#[test]
fn a_worker_has_no_url() {
    let cloud = cloud_with(&["my-app-prod"], &json!({"tier": "Worker"}));
    let run = deploy(&cloud).run().expect_exit(0);
    assert_eq!(run.output("environment-url"), "");
}

#[test]
fn does_not_wait_when_told_so() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "hangs", &json!({}));
    let run = deploy(&cloud).with("wait-for-deployment", "false").run().expect_exit(0);
    assert_eq!(run.output("environment-status"), "Updating");
    assert!(run.log.contains("not waiting for it"), "{}", run.log);
}
