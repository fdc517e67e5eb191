//! Failed deployments: noticed, explained, put back; and wrong inputs that only Beanstalk can tell.

use serde_json::json;

use super::backend::{cloud, cloud_with, deploy, environment, reported_events, scenario, versions};
use super::support::Cloud;

#[test]
fn a_failed_update_fails_the_step_with_its_event_and_the_logs_error() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "fails", &json!({}));
    let run = deploy(&cloud).run().expect_exit(1);
    assert!(
        run.error()
            .contains("cannot deploy `v1` to `my-app-prod`: Instance deployment failed."),
        "{}",
        run.error()
    );
    assert!(
        run.error().contains("Container commands build failed"),
        "{}",
        run.error()
    );
    for line in [
        "Why my-app-prod failed",
        "Failed to deploy application.",
        "Incorrect application version on environment instances.",
        "Last lines of the logs of i-0",
        "/var/log/eb-engine.log",
        "/var/log/web.stdout.log",
        "application: command not found",
    ] {
        assert!(run.log.contains(line), "{line} in\n{}", run.log);
    }
    assert_eq!(run.output("outcome"), "failed");
    assert_eq!(run.output("environment-health"), "Red");
    assert_eq!(run.output("previous-version-label"), "v0");
    assert!(!run.log.contains("X-Amz-"), "{}", run.log);
    assert!(!run.log.contains("TailLogs"), "{}", run.log);
}

#[test]
fn a_reverted_update_is_a_failure() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "reverts", &json!({}));
    let run = deploy(&cloud).run().expect_exit(1);
    assert!(run.error().contains("cannot deploy `v1`"), "{}", run.error());
    assert_eq!(environment(&cloud, "my-app-prod")["Health"], "Green");
    assert_eq!(run.output("outcome"), "failed");
}

#[test]
fn ready_and_green_on_the_old_label_is_a_failure() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "green-on-old-label", &json!({}));
    let run = deploy(&cloud).run().expect_exit(1);
    assert!(run.error().contains("it is Ready on `v0`"), "{}", run.error());
}

#[test]
fn red_past_the_recovery_is_a_failure_with_its_causes() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "red", &json!({}));
    let run = deploy(&cloud).with("recovery-seconds", "2").run().expect_exit(1);
    assert!(run.error().contains("its health is still Red"), "{}", run.error());
    assert!(
        run.error().contains("requests are failing with HTTP 5xx"),
        "{}",
        run.error()
    );
}

#[test]
fn success_on_some_instances_only_is_a_failure() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "partial", &json!({}));
    let run = deploy(&cloud).with("recovery-seconds", "2").run().expect_exit(1);
    assert!(run.error().contains("still run another version"), "{}", run.error());
}

#[test]
fn an_environment_that_is_terminated_meanwhile_is_a_failure() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "terminated", &json!({"seconds": 2.0}));
    let run = deploy(&cloud).run().expect_exit(1);
    assert!(run.error().contains("being terminated, or gone"), "{}", run.error());
}

#[test]
fn basic_health_is_explained_by_events() {
    let cloud = cloud_with(&["my-app-prod"], &json!({"health": "basic"}));
    scenario(&cloud, "my-app-prod", "fails", &json!({}));
    let run = deploy(&cloud).run().expect_exit(1);
    assert!(run.error().contains("Instance deployment failed."), "{}", run.error());
    assert!(
        run.log.contains("basic health reporting gives no causes"),
        "{}",
        run.log
    );
    assert!(!run.log.contains("InvalidRequestException"), "{}", run.log);
}

#[test]
fn one_of_three_environments_fails_and_the_others_do_not_suffer() {
    let cloud = cloud_with(&["eu", "us", "asia"], &json!({}));
    scenario(&cloud, "us", "fails", &json!({}));
    let run = deploy(&cloud)
        .with("environment-name", "eu us asia")
        .run()
        .expect_exit(1);
    assert!(run.error().contains("1 of 3 environments failed"), "{}", run.error());
    assert!(run.error().contains("`us`"), "{}", run.error());
    assert_eq!(environment(&cloud, "eu")["VersionLabel"], "v1");
    assert_eq!(environment(&cloud, "asia")["VersionLabel"], "v1");
    assert_eq!(cloud.count("CreateApplicationVersion"), 1);
    assert!(
        run.log.contains("[eu] runs `v1`") && run.log.contains("[asia] runs `v1`"),
        "{}",
        run.log
    );
    assert_eq!(run.output("environment-health"), "Green Red Green");
    assert_eq!(run.output("environment-status"), "Ready Ready Ready");
    let environments = &run.report["backend"]["environments"];
    assert!(environments[1]["error"].is_string() && environments[0]["error"].is_null());
    assert!(reported_events(&run, 0).contains(&"Environment update completed successfully.".to_owned()));
    assert!(reported_events(&run, 1).contains(&"Failed to deploy application.".to_owned()));
    assert!(!reported_events(&run, 2).contains(&"Failed to deploy application.".to_owned()));
}

#[test]
fn puts_back_what_ran_before() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "fails", &json!({"times": 1}));
    let run = deploy(&cloud).with("on-failure", "rollback").run().expect_exit(1);
    assert!(run.error().contains("`my-app-prod` is back on `v0`"), "{}", run.error());
    assert!(run.error().contains("cannot deploy `v1`"), "{}", run.error());
    let now = environment(&cloud, "my-app-prod");
    assert_eq!(
        (now["VersionLabel"].as_str(), now["Health"].as_str()),
        (Some("v0"), Some("Green"))
    );
    assert_eq!(now["instances"][0]["version_label"], "v0");
    assert_eq!(run.output("environment-health"), "Green");
}

#[test]
fn after_a_deadline_the_update_is_aborted_before_it_is_put_back() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "hangs", &json!({"times": 1}));
    let run = deploy(&cloud)
        .with("on-failure", "rollback")
        .with("deployment-timeout", "9")
        .run()
        .expect_exit(1);
    assert_eq!(cloud.count("AbortEnvironmentUpdate"), 1);
    assert!(run.error().contains("`my-app-prod` is back on `v0`"), "{}", run.error());
    assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v0");
}

#[test]
fn what_beanstalk_put_back_itself_is_not_deployed_again() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "reverts", &json!({"times": 1}));
    let run = deploy(&cloud).with("on-failure", "rollback").run().expect_exit(1);
    assert_eq!(cloud.count("UpdateEnvironment"), 1);
    assert!(run.error().contains("`my-app-prod` is back on `v0`"), "{}", run.error());
}

#[test]
fn settings_are_put_back_with_the_version() {
    let cloud = cloud();
    scenario(&cloud, "my-app-prod", "fails", &json!({"times": 1}));
    let settings =
        r#"[{"Namespace": "aws:elasticbeanstalk:command", "OptionName": "DeploymentPolicy", "Value": "Rolling"}]"#;
    deploy(&cloud)
        .with("on-failure", "rollback")
        .with("option-settings", settings)
        .run()
        .expect_exit(1);
    let now = environment(&cloud, "my-app-prod");
    assert!(now["settings"].to_string().contains("AllAtOnce"), "{now}");
}

#[test]
fn a_healthy_deploy_that_does_not_answer_as_asked_has_failed_before_the_site_changes() {
    let cloud = cloud();
    cloud.create_bucket("site");
    let url = format!("{}/_app/my-app-prod/", cloud.endpoint);
    cloud.post(
        "/app",
        &json!({"environment": "my-app-prod", "status": 500, "body": "broken"}),
    );
    let run = deploy(&cloud)
        .with("bucket", "site")
        .with("source", "web")
        .file("web/index.html", "<p>new")
        .with("verify-url", &url)
        .with("verify-timeout", "2")
        .with("on-failure", "rollback")
        .run()
        .expect_exit(1);
    assert!(run.error().contains("it answers HTTP 500"), "{}", run.error());
    assert!(run.error().contains("`my-app-prod` is back on `v0`"), "{}", run.error());
    assert!(
        cloud.keys("site").iter().all(|key| key != "index.html"),
        "{:?}",
        cloud.keys("site")
    );

    cloud.post(
        "/app",
        &json!({"environment": "my-app-prod", "status": 200, "body": "hello v1"}),
    );
    let ok = |text: &str| {
        deploy(&cloud)
            .with("verify-url", &url)
            .with("verify-contains", text)
            .with("verify-timeout", "2")
            .run()
    };
    assert!(ok("v1").expect_exit(0).log.contains("verified:"));
    let wrong = deploy(&cloud)
        .with("force", "true")
        .with("verify-url", &url)
        .with("verify-contains", "v2")
        .with("verify-timeout", "2")
        .run()
        .expect_exit(1);
    assert!(
        wrong.error().contains("without the text `v2` in its first 4 MiB"),
        "{}",
        wrong.error()
    );
}

#[test]
fn secrets_in_an_instances_log_are_masked() {
    let cloud = cloud();
    let log = "----------------------------------------\n/var/log/eb-engine.log\n\
               ----------------------------------------\n[ERROR] login with hunter2hunter2 \
               and wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY failed, see https://b.s3.amazonaws.com/k?X-Amz-Signature=1\n";
    scenario(&cloud, "my-app-prod", "fails", &json!({"log": log}));
    let settings = r#"[{"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "DB_PASSWORD",
                        "Value": "hunter2hunter2"}]"#;
    let run = deploy(&cloud).with("option-settings", settings).run().expect_exit(1);
    assert!(run.error().contains("login with *** and *** failed"), "{}", run.error());
    for text in [&run.log, &run.report.to_string(), &run.summary] {
        assert!(
            !text.contains("hunter2") && !text.contains("wJalr") && !text.contains("X-Amz-Signature"),
            "{text}"
        );
    }
}

#[test]
fn unknown_names_list_those_that_exist() {
    let cloud = cloud_with(&["my-app-prod", "my-app-test"], &json!({}));
    cloud.add_environment("other", "other-prod", &json!({}));
    let run = deploy(&cloud)
        .with("environment-name", "my-app-prd")
        .run()
        .expect_exit(1);
    assert!(
        run.error()
            .contains("cannot find the environment `my-app-prd` in `my-app`"),
        "{}",
        run.error()
    );
    assert!(run.error().contains("`my-app-prod`, `my-app-test`"), "{}", run.error());
    let run = deploy(&cloud)
        .with("environment-name", "other-prod")
        .run()
        .expect_exit(1);
    assert!(
        run.error().contains("`other-prod` belongs to the application `other`"),
        "{}",
        run.error()
    );
    let run = deploy(&cloud).with("application-name", "my-ap").run().expect_exit(1);
    assert!(run.error().contains("there are `my-app`, `other`"), "{}", run.error());
    let run = deploy(&cloud)
        .with("package", "")
        .with("version-label", "v9")
        .run()
        .expect_exit(1);
    assert!(run.error().contains("cannot find version `v9`"), "{}", run.error());
    let writes = [
        "CreateStorageLocation",
        "PutObject",
        "CreateApplicationVersion",
        "UpdateEnvironment",
    ];
    assert!(
        writes.iter().all(|write| cloud.count(write) == 0),
        "{:?}",
        cloud.operations()
    );
}

#[test]
fn a_version_that_cannot_be_processed_is_explained_and_can_be_made_again() {
    let cloud = cloud();
    cloud.post("/beanstalk/versions", &json!({"fails": true}));
    let action = deploy(&cloud);
    let run = action.run().expect_exit(1);
    assert!(run.error().contains("could not process its bundle"), "{}", run.error());
    assert_eq!(cloud.count("UpdateEnvironment"), 0);
    cloud.post("/beanstalk/versions", &json!({"fails": false}));
    action.write("app/.ebextensions/a.config", "fixed: {}\n");
    action.run().expect_exit(0);
    assert_eq!(environment(&cloud, "my-app-prod")["VersionLabel"], "v1");
}

#[test]
fn the_version_quota_says_what_to_do() {
    let cloud = cloud();
    cloud.post("/beanstalk/versions", &json!({"limit": 1}));
    let run = deploy(&cloud).run().expect_exit(1);
    assert!(
        run.error().contains("You cannot have more than 1 Application Versions"),
        "{}",
        run.error()
    );
    assert!(hint(&run.report).contains("keep-versions"), "{}", run.report["error"]);
}

#[test]
fn a_bundle_bucket_in_another_region_is_its_own_error() {
    let cloud = cloud();
    let body =
        b"<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>";
    assert_eq!(cloud.s3("PUT", "/bundles-eu", &[], body).status, 200);
    let run = deploy(&cloud).with("package-bucket", "bundles-eu").run().expect_exit(1);
    assert!(run.error().contains("`bundles-eu` is in eu-west-1"), "{}", run.error());
    assert_eq!(cloud.count("CreateApplicationVersion"), 0);

    cloud.create_bucket("bundles");
    deploy(&cloud).with("package-bucket", "bundles").run().expect_exit(0);
    assert_eq!(cloud.count("CreateStorageLocation"), 0);
    let bundle = cloud.object("bundles", "my-app/v1.zip").expect("the bundle");
    assert_eq!(bundle.header("x-amz-meta-sha256").map(str::len), Some(64));
}

#[test]
fn a_denied_action_is_named_with_its_statement() {
    let cloud = cloud();
    deny(&cloud, "elasticbeanstalk:UpdateEnvironment");
    let run = deploy(&cloud).run().expect_exit(1);
    assert!(
        run.error().contains("elasticbeanstalk:UpdateEnvironment"),
        "{}",
        run.error()
    );
    assert!(
        hint(&run.report).contains("\"elasticbeanstalk:UpdateEnvironment\""),
        "{}",
        run.report["error"]
    );
    assert_eq!(versions(&cloud), ["v0", "v1"]);
}

#[test]
fn a_role_that_may_not_see_instances_deploys_all_the_same() {
    let cloud = cloud();
    deny(&cloud, "elasticbeanstalk:DescribeInstancesHealth");
    deploy(&cloud).run().expect_exit(0);
}

fn deny(cloud: &Cloud, action: &str) {
    cloud.post("/deny", &json!({"action": action}));
}

fn hint(report: &serde_json::Value) -> &str {
    report["error"]["hint"].as_str().unwrap_or_default()
}
