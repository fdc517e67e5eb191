//! Several environments: all of them stand or fall with the release.

use serde_json::json;

use super::{all, cloud, label, label_of, refuse, seen};
use crate::support::{Action, Cloud};

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

#[test]
fn what_a_stranger_deployed_since_is_left_alone_and_named() {
    let cloud = two();
    all(&cloud, "a").run().expect_exit(0);
    let page = format!("{}/my-bucket/index.html", cloud.endpoint);
    let action = both(&cloud, "b")
        .with("verify-site", &format!("{page} 404"))
        .with("verify-timeout", "3");
    let run = std::thread::scope(|scope| {
        let run = scope.spawn(|| action.run());
        for _ in 0..600 {
            if cloud.count("CreateInvalidation") > 1 {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        cloud.post(
            "/beanstalk/update",
            &json!({"environment": EU, "version_label": "v9", "polls": 0, "scenario": "success", "seconds": 0.1}),
        );
        run.join().expect("the run")
    })
    .expect_exit(1);
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
