//! Several environments: all of them stand or fall with the release.

use serde_json::json;

use super::{all, cloud, label, label_of, refuse, seen};
use crate::support::{Action, Cloud, Run};

const EU: &str = "my-app-eu";

fn two() -> Cloud {
    let cloud = cloud();
    cloud.add_environment("my-app", EU, &json!({"version_label": "eu-0"}));
    cloud
}

fn both(cloud: &Cloud, name: &str) -> Action {
    all(cloud, name).with("environment-name", &format!("my-app-prod {EU}"))
}

#[test]
fn all_environments_go_back_each_to_its_own_version() {
    let cloud = two();
    all(&cloud, "a").run().expect_exit(0);
    refuse(&cloud, "PutObject");
    let run = both(&cloud, "b").run().expect_exit(1);
    assert_eq!(
        (label(&cloud), label_of(&cloud, EU)),
        ("v-a".to_owned(), "eu-0".to_owned())
    );
    assert_eq!(
        (run.output("rolled-back"), run.output("version-label")),
        ("true", "v-a eu-0")
    );
    let live = "live now: backend `v-a` in `my-app-prod` (as before), backend `eu-0` in `my-app-eu` (as before), site: as before";
    assert!(run.error().contains(live), "{}", run.error());
}

#[test]
fn an_environment_that_fails_takes_back_the_one_that_was_updated() {
    let cloud = two();
    all(&cloud, "a").run().expect_exit(0);
    let site_a = seen(&cloud);
    cloud.post(
        "/beanstalk/scenario",
        &json!({"environment": EU, "scenario": "fails", "times": 1, "seconds": 0.2}),
    );
    let run = both(&cloud, "b").run().expect_exit(1);
    assert_eq!(
        (label(&cloud), label_of(&cloud, EU)),
        ("v-a".to_owned(), "eu-0".to_owned())
    );
    assert_eq!(seen(&cloud), site_a);
    assert_eq!(run.output("rolled-back"), "true");
    let error = run.error();
    assert!(error.starts_with("1 of 2 environments failed"), "{error}");
    assert!(
        error.contains("`my-app-prod` is back on `v-a`; `my-app-eu` is back on `eu-0`"),
        "{error}"
    );
    let environments = &run.report["backend"]["environments"];
    assert_eq!(
        (&environments[0]["rolled_back"], &environments[0]["error"]),
        (&json!(true), &json!(null))
    );
    assert!(
        environments[1]["error"]
            .as_str()
            .is_some_and(|error| !error.contains("is back")),
        "{environments}"
    );
}

/// Runs release `b`, whose site never answers as wanted, and lets somebody else update the second environment meanwhile.
fn while_a_stranger_updates(cloud: &Cloud, label: &str, seconds: f64) -> Run {
    let page = format!("{}/my-bucket/index.html", cloud.endpoint);
    let action = both(cloud, "b")
        .with("verify-site", &format!("{page} 404"))
        .with("verify-timeout", "3");
    std::thread::scope(|scope| {
        let run = scope.spawn(|| action.run());
        for _ in 0..600 {
            if cloud.count("CreateInvalidation") > 1 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        cloud.post(
            "/beanstalk/update",
            &json!({"environment": EU, "version_label": label, "polls": 0, "scenario": "success", "seconds": seconds}),
        );
        run.join().expect("the run")
    })
    .expect_exit(1)
}

#[test]
fn what_a_stranger_deployed_since_is_left_alone_and_named() {
    let cloud = two();
    all(&cloud, "a").run().expect_exit(0);
    let run = while_a_stranger_updates(&cloud, "v9", 0.1);
    assert_eq!(
        (label(&cloud), label_of(&cloud, EU)),
        ("v-a".to_owned(), "v9".to_owned())
    );
    assert_eq!(run.output("rolled-back"), "false");
    let error = run.error();
    assert!(
        error.contains("`my-app-eu` runs `v9`, which another update deployed: it is left alone"),
        "{error}"
    );
    assert!(
        error.contains("backend `v9` in `my-app-eu` (of another update)"),
        "{error}"
    );
    assert_eq!(run.report["backend"]["environments"][1]["version_label"], "v9");
}

#[test]
fn what_a_stranger_brought_back_is_as_before_in_all_that_is_said() {
    let cloud = two();
    all(&cloud, "a").run().expect_exit(0);
    let run = while_a_stranger_updates(&cloud, "eu-0", 0.1);
    let live = "backend `v-a` in `my-app-prod` (as before), backend `eu-0` in `my-app-eu` (as before), site: as before";
    assert_eq!(
        (run.output("rolled-back"), run.report["live"].as_str()),
        ("true", Some(live))
    );
    let error = run.error();
    for part in ["`my-app-eu` is back on `eu-0`, which another update deployed", live] {
        assert!(error.contains(part), "`{part}` is not in {error}");
    }
    assert!(run.summary.contains("rolled back"), "{}", run.summary);
}

#[test]
fn an_environment_that_a_stranger_updates_just_now_is_left_alone() {
    let cloud = two();
    all(&cloud, "a").run().expect_exit(0);
    let run = while_a_stranger_updates(&cloud, "eu-0", 60.0);
    assert_eq!((run.output("rolled-back"), label(&cloud).as_str()), ("false", "v-a"));
    let error = run.error();
    for part in [
        "`my-app-eu` is being updated by somebody else: it is left alone",
        "backend `v-b` in `my-app-eu` (new, Updating)",
    ] {
        assert!(error.contains(part), "`{part}` is not in {error}");
    }
}

#[test]
fn option_settings_go_back_and_are_not_called_as_before_until_they_are() {
    let cloud = two();
    let with = |name: &str, mode: &str| {
        let setting = format!(
            r#"[{{"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "MODE", "Value": "{mode}"}}]"#
        );
        all(&cloud, name)
            .with("option-settings", &setting)
            .file("backend/application.py", "print('the same')")
            .with("version-label", "v-same")
    };
    with("a", "one").run().expect_exit(0);
    refuse(&cloud, "PutObject");
    // The same version with another setting.
    let kept = with("b", "two").with("on-failure", "keep").run().expect_exit(1);
    assert!(
        kept.error().contains("backend `v-same` in `my-app-prod` (updated)"),
        "{}",
        kept.error()
    );
    let back = with("b", "three").run().expect_exit(1);
    assert!(
        back.error().contains("backend `v-same` in `my-app-prod` (as before)"),
        "{}",
        back.error()
    );
    let mode = |run: &str| cloud.get("/beanstalk").to_string().contains(&format!("\"{run}\""));
    assert!(mode("two") && !mode("three"), "{:#}", cloud.get("/beanstalk"));
}

/// Release `name` with an option setting of its own.
fn with_mode(cloud: &Cloud, name: &str) -> Action {
    let setting = format!(
        r#"[{{"Namespace": "aws:elasticbeanstalk:application:environment", "OptionName": "MODE", "Value": "{name}"}}]"#
    );
    all(cloud, name).with("option-settings", &setting)
}

#[test]
fn settings_that_went_through_while_the_version_was_refused_are_named() {
    let cloud = cloud();
    with_mode(&cloud, "a").run().expect_exit(0);
    cloud.set_scenario(
        "my-app-prod",
        "success",
        &json!({"seconds": 0.2, "refuses_combination": true}),
    );
    let refuse_version = || {
        cloud.post(
            "/faults",
            &json!({"service": "elasticbeanstalk", "operation": "UpdateEnvironment", "skip": 2, "times": 1, "kind": "error",
                    "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
        );
    };
    refuse_version();
    let run = with_mode(&cloud, "b").with("on-failure", "keep").run().expect_exit(1);
    let live = "backend `v-a` in `my-app-prod` (version as before, new option settings: `MODE`), site: as before";
    assert_eq!(run.report["live"], live);
    assert!(run.error().contains(&format!("live now: {live}")), "{}", run.error());
    // What went through goes back with the rest.
    super::allow(&cloud);
    refuse_version();
    let run = with_mode(&cloud, "c").run().expect_exit(1);
    assert_eq!(
        run.report["live"],
        "backend `v-a` in `my-app-prod` (as before), site: as before",
        "{}",
        run.error()
    );
    assert_eq!(run.output("rolled-back"), "true");
    assert!(
        !cloud.get("/beanstalk").to_string().contains(r#""c""#),
        "{:#}",
        cloud.get("/beanstalk")
    );
}

#[test]
fn a_setting_that_only_the_release_had_is_removed_again() {
    let cloud = cloud();
    all(&cloud, "a").run().expect_exit(0);
    for refuses_combination in [false, true] {
        let scenario = json!({"seconds": 0.2, "refuses_combination": refuses_combination});
        cloud.set_scenario("my-app-prod", "success", &scenario);
        let before = cloud.get("/beanstalk")["us-east-1"]["environments"][0]["settings"].clone();
        refuse(&cloud, "PutObject");
        cloud.forget_requests();
        let run = with_mode(&cloud, "b").run().expect_exit(1);
        let sent: Vec<_> = cloud.requests();
        let removed = |request: &&serde_json::Value| {
            request["operation"] == "UpdateEnvironment"
                && request["status"] == 200
                && request["params"].to_string().contains("OptionsToRemove")
        };
        assert_eq!(sent.iter().filter(removed).count(), 1, "{sent:#?}");
        let after = cloud.get("/beanstalk")["us-east-1"]["environments"][0]["settings"].clone();
        assert!(!before.is_null(), "{:#}", cloud.get("/beanstalk"));
        assert_eq!(after, before);
        assert_eq!((run.output("rolled-back"), label(&cloud).as_str()), ("true", "v-a"));
        super::allow(&cloud);
    }
}

#[test]
fn nobody_calls_settings_as_before_that_were_sent_with_a_version_that_failed() {
    let cloud = cloud();
    with_mode(&cloud, "a").run().expect_exit(0);
    cloud.set_scenario("my-app-prod", "fails", &json!({"seconds": 0.2, "times": 1}));
    let run = with_mode(&cloud, "b").with("on-failure", "keep").run().expect_exit(1);
    let live = run.report["live"].as_str().unwrap_or_default();
    assert!(
        live.starts_with("backend `v-a` in `my-app-prod` (version as before, perhaps new option settings: `MODE`"),
        "{live}"
    );
}

#[test]
fn an_update_that_was_aborted_on_the_way_back_is_not_said_to_keep_running() {
    let cloud = cloud();
    all(&cloud, "a").run().expect_exit(0);
    cloud.set_scenario("my-app-prod", "hangs", &json!({"times": 1}));
    let run = all(&cloud, "b").with("deployment-timeout", "4").run().expect_exit(1);
    let error = run.error();
    assert!(error.contains("still Updating after 4 s"), "{error}");
    assert!(error.contains("`my-app-prod` is back on `v-a`"), "{error}");
    assert!(!error.contains("keeps running"), "{error}");
    assert_eq!((run.output("rolled-back"), label(&cloud).as_str()), ("true", "v-a"));
}

#[test]
fn a_description_of_three_environments_has_room_for_what_matters() {
    let cloud = cloud();
    let more = ["my-application-production-eu", "my-application-production-us"];
    for name in more {
        cloud.add_environment("my-app", name, &json!({}));
    }
    let all = |cloud: &Cloud, name: &str| {
        all(cloud, name).with("environment-name", &format!("my-app-prod {}", more.join(" ")))
    };
    all(&cloud, "a").run().expect_exit(0);
    refuse(&cloud, "PutObject");
    let description = |on_failure: &str| {
        all(&cloud, "b")
            .with("on-failure", on_failure)
            .with("github-environment", "production")
            .with("github-token", "ghs_example")
            .run()
            .expect_exit(1);
        let statuses = cloud.get("/github")["statuses"].as_array().cloned().unwrap_or_default();
        let description = statuses
            .last()
            .and_then(|status| status["description"].as_str().map(str::to_owned));
        description.expect("a description")
    };
    for (on_failure, expected) in [
        (
            "rollback",
            "rolled back; live now: backend `v-a` in 3 environments (as before), site: as before; cannot upload",
        ),
        (
            "keep",
            "live now: backend `v-b` in 3 environments (new), site: 1 of 3 objects new, 2 as before; cannot upload",
        ),
    ] {
        let description = description(on_failure);
        assert!(description.starts_with(expected), "{description}");
        assert!(description.chars().count() <= 140, "{description}");
    }
}
