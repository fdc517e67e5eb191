//! GitHub Deployments: written when asked for, and never in the way.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Action, Cloud, Run};

const A: &str = "aaaaaaa1111111111111111111111111111111aa";
const B: &str = "bbbbbbb2222222222222222222222222222222bb";

fn cloud() -> Cloud {
    let cloud = Cloud::with_bucket("my-bucket");
    cloud.set_versioning("my-bucket", "Enabled");
    cloud
}

fn deploy(cloud: &Cloud, sha: &str, text: &str) -> Action {
    Action::new(cloud)
        .github("sha", sha)
        .with("bucket", "my-bucket")
        .with("source", "site")
        .with("github-environment", "production")
        .with("github-token", "ghs_example")
        .file("site/index.html", text)
}

fn deployments(cloud: &Cloud) -> Vec<Value> {
    cloud.get("/github")["deployments"]
        .as_array()
        .cloned()
        .unwrap_or_default()
}

/// The states of a deployment, in order.
fn states(cloud: &Cloud, deployment: &Value) -> Vec<String> {
    let statuses = cloud.get("/github")["statuses"].as_array().cloned().unwrap_or_default();
    statuses
        .iter()
        .filter(|status| status["deployment_url"] == deployment["url"])
        .filter_map(|status| status["state"].as_str().map(ToOwned::to_owned))
        .collect()
}

fn warnings(run: &Run) -> String {
    run.messages("warning").join("\n")
}

#[test]
fn a_deploy_a_second_one_and_a_rollback_are_deployments() {
    let cloud = cloud();
    let first = deploy(&cloud, A, "one").run().expect_exit(0);
    let all = deployments(&cloud);
    assert_eq!(first.output("github-deployment-id"), all[0]["id"].to_string());
    assert_eq!(first.report["github"]["deployment_id"], all[0]["id"]);
    assert_eq!(
        (&all[0]["sha"], &all[0]["environment"]),
        (&json!(A), &json!("production"))
    );
    assert_eq!(states(&cloud, &all[0]), ["in_progress", "success"]);
    let created = cloud
        .requests()
        .into_iter()
        .find(|one| one["operation"] == "CreateDeployment")
        .expect("a deployment was created");
    assert_eq!(
        created["headers"]["user-agent"],
        json!(format!("aws-web-deploy/{}", env!("CARGO_PKG_VERSION")))
    );
    let status = &cloud.get("/github")["statuses"][1];
    assert!(
        status["log_url"]
            .as_str()
            .is_some_and(|url| url.ends_with("/octo/site/actions/runs/1001")),
        "{status}"
    );

    deploy(&cloud, B, "two").run().expect_exit(0);
    let all = deployments(&cloud);
    assert_eq!(states(&cloud, &all[0]), ["in_progress", "success", "inactive"]);
    assert_eq!(states(&cloud, &all[1]), ["in_progress", "success"]);

    deploy(&cloud, B, "two")
        .with("command", "rollback")
        .run()
        .expect_exit(0);
    let all = deployments(&cloud);
    assert_eq!(all[2]["sha"], A, "a rollback deploys the old commit");
    assert_eq!(states(&cloud, &all[1]), ["in_progress", "success", "inactive"]);
    assert_eq!(states(&cloud, &all[2]), ["in_progress", "success"]);
    assert_eq!(states(&cloud, &all[0]).last().map(String::as_str), Some("inactive"));
}

#[test]
fn another_target_under_the_same_name_stays_active() {
    let cloud = cloud();
    deploy(&cloud, A, "one").run().expect_exit(0);
    deploy(&cloud, A, "docs").with("prefix", "docs").run().expect_exit(0);
    let all = deployments(&cloud);
    assert_eq!(states(&cloud, &all[0]), ["in_progress", "success"]);
    assert_eq!(states(&cloud, &all[1]), ["in_progress", "success"]);
}

#[test]
fn the_environments_address_is_shown_and_a_failure_is_one() {
    let cloud = Cloud::start();
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    let backend = |label: &str| {
        Action::new(&cloud)
            .with("application-name", "my-app")
            .with("environment-name", "my-app-prod")
            .with("package", "backend")
            .with("version-label", label)
            .with("poll-interval", "1")
            .with("recovery-seconds", "2")
            .with("github-environment", "production")
            .with("github-token", "ghs_example")
            .file("backend/application.py", format!("print('{label}')"))
    };
    let run = backend("v1").run().expect_exit(0);
    let status = &cloud.get("/github")["statuses"][1];
    assert_eq!(status["environment_url"], run.output("environment-url"));

    cloud.set_scenario("my-app-prod", "fails", &json!({"seconds": 1}));
    backend("v2").run().expect_exit(1);
    let all = deployments(&cloud);
    assert_eq!(states(&cloud, &all[1]), ["in_progress", "failure"]);
    assert_eq!(
        states(&cloud, &all[0]),
        ["in_progress", "success"],
        "still the one that is live"
    );
    let statuses = cloud.get("/github")["statuses"].as_array().cloned().unwrap_or_default();
    let description = statuses.last().expect("a status")["description"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(
        !description.is_empty() && description.chars().count() <= 140,
        "{description}"
    );
}

#[test]
fn a_token_without_the_permission_is_a_warning_that_says_what_to_add() {
    let cloud = cloud();
    cloud.post("/github", &json!({"mode": "forbidden"}));
    let run = deploy(&cloud, A, "one").run().expect_exit(0);
    assert_eq!(cloud.keys("my-bucket"), ["index.html"]);
    assert!(
        warnings(&run).contains("Resource not accessible by integration"),
        "{}",
        warnings(&run)
    );
    assert!(warnings(&run).contains("`deployments: write`"), "{}", warnings(&run));
    assert_eq!(run.messages("warning").len(), 1);
    assert_eq!(run.output("github-deployment-id"), "");
}

/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits>
#[test]
fn a_rate_limit_is_no_missing_permission() {
    for (mode, reason) in [
        ("secondary-limit", "secondary rate limit"),
        ("rate-limit", "rate limit exceeded"),
    ] {
        let cloud = cloud();
        cloud.post("/github", &json!({"mode": mode, "seconds": 60}));
        let run = deploy(&cloud, A, "one").run().expect_exit(0);
        let warnings = warnings(&run);
        assert!(warnings.contains(reason), "{mode}: {warnings}");
        assert!(
            warnings.contains("GitHub limits how often it is asked"),
            "{mode}: {warnings}"
        );
        assert!(!warnings.contains("deployments: write"), "{mode}: {warnings}");
    }
}

#[test]
fn github_down_slow_or_gone_delays_by_seconds_at_most() {
    for (mode, reason) in [
        ("down", "HTTP 502"),
        ("gone", "cannot write"),
        ("slow", "did not answer within 4 s"),
    ] {
        let cloud = cloud();
        cloud.post("/github", &json!({"mode": mode, "seconds": 30}));
        let started = Instant::now();
        let run = deploy(&cloud, A, "one").run().expect_exit(0);
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{mode}: {:?}",
            started.elapsed()
        );
        assert_eq!(cloud.keys("my-bucket"), ["index.html"], "{mode}");
        assert!(warnings(&run).contains(reason), "{mode}: {}", warnings(&run));
        assert_eq!(run.messages("warning").len(), 1, "{mode}: {}", warnings(&run));
    }
}

#[test]
fn nothing_is_sent_to_github_unless_asked_for() {
    let cloud = cloud();
    Action::new(&cloud)
        .with("bucket", "my-bucket")
        .with("source", "site")
        .with("github-token", "ghs_example")
        .file("site/index.html", "x")
        .run()
        .expect_exit(0);
    assert_eq!(
        cloud.requests().iter().filter(|one| one["service"] == "github").count(),
        0
    );
}

/// Sends a run `signal` once it waits for the answer to `operation`, which has taken effect.
fn stopped(cloud: &Cloud, operation: &str, signal: &str) -> Run {
    let action = deploy(cloud, A, "one");
    let go = action.workspace().with_file_name("go");
    let action = action.signal_at(signal, &go);
    cloud.hold(&json!({"operation": operation, "when": "after"}));
    let run = std::thread::scope(|scope| {
        let running = scope.spawn(|| action.run());
        while cloud.held() == 0 && !running.is_finished() {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::fs::write(&go, "").expect("a file");
        running.join().expect("a run")
    });
    cloud.release();
    run
}

#[test]
fn a_deployment_whose_creation_is_cut_off_does_not_stay_open() {
    for operation in ["CreateDeployment", "CreateDeploymentStatus"] {
        let cloud = cloud();
        let run = stopped(&cloud, operation, "INT").expect_exit(130);
        let all = deployments(&cloud);
        assert_eq!(all.len(), 1, "{}", run.log);
        let states = states(&cloud, &all[0]);
        assert_eq!(
            states.last().map(String::as_str),
            Some("error"),
            "{operation}: {}",
            run.log
        );
    }
}

#[test]
fn a_deployment_without_an_answer_is_closed_with_the_run_that_made_it() {
    let cloud = cloud();
    cloud.post(
        "/faults",
        &json!({"operation": "CreateDeployment", "kind": "drop", "when": "after"}),
    );
    deploy(&cloud, A, "one").run().expect_exit(0);
    let all = deployments(&cloud);
    assert_eq!(states(&cloud, &all[0]), ["success"]);
}

#[test]
fn a_deployment_that_a_killed_run_left_without_a_status_is_made_inactive_by_the_next_run() {
    let cloud = cloud();
    stopped(&cloud, "CreateDeployment", "KILL");
    deploy(&cloud, A, "two").run().expect_exit(0);
    let all = deployments(&cloud);
    let mut last: Vec<_> = all
        .iter()
        .map(|one| states(&cloud, one).last().cloned().unwrap_or_default())
        .collect();
    last.sort();
    assert_eq!(last, ["inactive", "success"]);
}

#[test]
fn the_address_of_a_site_is_that_of_its_deployment() {
    let cloud = cloud();
    let run = deploy(&cloud, A, "one")
        .with("site-url", "https://{short-sha}.example.com")
        .run()
        .expect_exit(0);
    assert_eq!(run.output("site-url"), "https://aaaaaaa.example.com");
    let statuses = cloud.get("/github")["statuses"].as_array().cloned().unwrap_or_default();
    let last = statuses.last().expect("a status");
    assert_eq!(
        (&last["state"], &last["environment_url"]),
        (&json!("success"), &json!("https://aaaaaaa.example.com"))
    );
    let without = deploy(&cloud, B, "two").run().expect_exit(0);
    assert_eq!(without.output("site-url"), "");
    let statuses = cloud.get("/github")["statuses"].as_array().cloned().unwrap_or_default();
    assert!(
        statuses
            .last()
            .is_some_and(|status| status["environment_url"].as_str().unwrap_or_default().is_empty())
    );
}
