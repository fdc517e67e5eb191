//! Runs at the same time: one is held at a request while the other goes on, and the run after both repairs what is torn.

use serde_json::{Value, json};

use super::support::{Action, Cloud, Run};

const BUCKET: &str = "site-bucket";

fn cloud() -> Cloud {
    let cloud = Cloud::with_all_parts(BUCKET);
    cloud.post(
        "/cloudfront/settings",
        &json!({"invalidation_seconds": 0, "caching": true}),
    );
    cloud.post(
        "/s3/bucket",
        &json!({"bucket": BUCKET, "policy": {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": "*", "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [format!("arn:aws:s3:::{BUCKET}"), format!("arn:aws:s3:::{BUCKET}/*")],
        }]}}),
    );
    cloud.set_scenario("my-app-prod", "success", &json!({"seconds": 0.1}));
    cloud
}

/// Run `number` of the workflow, which deploys the commit `name`: its pages, an asset of its own, and its backend.
fn deploy(cloud: &Cloud, number: u32, name: &str) -> Action {
    command(cloud, number)
        .with("version-label", name)
        .file("site/index.html", name)
        .file(&format!("site/assets/{name}.js"), name)
        .file("app/application.py", name)
}

fn command(cloud: &Cloud, number: u32) -> Action {
    let mut action = Action::new(cloud);
    for (name, value) in [
        ("bucket", BUCKET),
        ("source", "site"),
        ("delete", "true"),
        ("distribution", "E1EXAMPLE"),
        ("application-name", "my-app"),
        ("environment-name", "my-app-prod"),
        ("package", "app"),
        ("poll-interval", "1"),
    ] {
        action = action.with(name, value);
    }
    action
        .github("workflow", "Deploy")
        .github("run_id", &format!("{}", 1000 + number))
        .github("run_number", &number.to_string())
        .github("sha", &format!("{number:040x}"))
}

/// Holds `slow` at the request that `fault` fits, does `other` meanwhile, and lets it go on.
fn beside<T>(cloud: &Cloud, slow: &Action, fault: &Value, other: impl FnOnce() -> T) -> (Run, T) {
    cloud.hold(fault);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| slow.run());
        while cloud.held() == 0 {
            assert!(!running.is_finished(), "{}", running.join().expect("a run").log);
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let done = other();
        cloud.release();
        (running.join().expect("a run"), done)
    })
}

/// What the environment runs.
fn label(cloud: &Cloud) -> String {
    let state = cloud.get("/beanstalk");
    let label = state["us-east-1"]["environments"][0]["VersionLabel"].as_str();
    label.unwrap_or_default().to_owned()
}

/// What a visitor gets of `path`, whose CloudFront caches.
fn visit(cloud: &Cloud, path: &str) -> Option<String> {
    let address = format!("/_viewer/E1EXAMPLE/{path}");
    let answer = super::support::http::request(&cloud.endpoint, "GET", &address, &[], b"");
    (answer.status == 200).then(|| answer.text())
}

/// Everything is as `name` says, and nothing else is there.
#[track_caller]
fn is_live(cloud: &Cloud, name: &str, run: &Run) {
    let asset = format!("assets/{name}.js");
    assert_eq!(cloud.keys(BUCKET), [asset.as_str(), "index.html"], "{}", run.log);
    assert_eq!(label(cloud), name, "{}", run.log);
    assert_eq!(visit(cloud, "index.html").as_deref(), Some(name), "{}", run.log);
    assert_eq!(visit(cloud, &asset).as_deref(), Some(name), "{}", run.log);
}

/// Where a run is held while another one goes from its beginning to its end.
fn moments() -> Vec<Value> {
    let s3 = |operation: &str, part: &str| json!({"service": "s3", "operation": operation, "match": part});
    vec![
        s3("PutObject", "started.json"),
        json!({"operation": "CreateApplicationVersion"}),
        s3("PutObject", "assets/b.js"),
        s3("PutObject", "index.html"),
        json!({"operation": "DeleteObjects"}),
        json!({"operation": "CreateInvalidation"}),
    ]
}

#[test]
fn two_deploys_at_once_warn_and_leave_what_the_next_run_repairs() {
    std::thread::scope(|scope| {
        for moment in moments() {
            scope.spawn(move || {
                let cloud = cloud();
                deploy(&cloud, 1, "a").run().expect_exit(0);
                visit(&cloud, "index.html");
                let (slow, fast) = (deploy(&cloud, 2, "b"), deploy(&cloud, 3, "c"));
                let (slow, fast) = beside(&cloud, &slow, &moment, || {
                    let run = fast.run();
                    visit(&cloud, "index.html");
                    visit(&cloud, "assets/c.js");
                    run
                });
                // Both tell how they ended; the one that began later saw the other one's record.
                fast.expect_exit(0).warns_of("Another run", &moment);
                assert!([0, 1].contains(&slow.exit_code), "{moment}\n{}", slow.log);
                for path in ["index.html", "assets/b.js", "assets/c.js"] {
                    visit(&cloud, path);
                }
                let next = deploy(&cloud, 4, "d").run().expect_exit(0);
                is_live(&cloud, "d", &next);
                assert!(!has_warning(&next, "Another run"), "{moment}\n{}", next.log);
                assert!(!has_warning(&next, "Late run"), "{moment}\n{}", next.log);
            });
        }
    });
}

#[test]
fn the_faster_of_two_deploys_run_again_is_whole() {
    let cloud = cloud();
    deploy(&cloud, 1, "a").run().expect_exit(0);
    let (slow, fast) = (deploy(&cloud, 2, "b"), deploy(&cloud, 3, "c"));
    let moment = json!({"service": "s3", "operation": "PutObject", "match": "assets/b.js"});
    beside(&cloud, &slow, &moment, || fast.run().expect_exit(0));
    for path in ["index.html", "assets/b.js", "assets/c.js"] {
        visit(&cloud, path);
    }
    // The slow one came last, with its older commit; the newer run is simply run again.
    let again = fast.github("run_attempt", "2").run().expect_exit(0);
    is_live(&cloud, "c", &again);
}

#[test]
fn a_deploy_during_a_rollback_leaves_what_the_next_run_repairs() {
    let s3 = |operation: &str, part: &str| json!({"service": "s3", "operation": operation, "match": part});
    std::thread::scope(|scope| {
        for moment in [
            s3("PutObject", "started.json"),
            json!({"operation": "UpdateEnvironment"}),
            json!({"operation": "CopyObject"}),
            json!({"operation": "DeleteObjects"}),
        ] {
            scope.spawn(move || {
                let cloud = cloud();
                deploy(&cloud, 1, "a").run().expect_exit(0);
                std::thread::sleep(std::time::Duration::from_millis(1100));
                deploy(&cloud, 2, "b").run().expect_exit(0);
                visit(&cloud, "index.html");
                let back = command(&cloud, 3).with("command", "rollback");
                let fast = deploy(&cloud, 4, "c");
                let (back, fast) = beside(&cloud, &back, &moment, || fast.run());
                fast.expect_exit(0).warns_of("Another run", &moment);
                assert!([0, 1].contains(&back.exit_code), "{moment}\n{}", back.log);
                for path in ["index.html", "assets/a.js", "assets/b.js", "assets/c.js"] {
                    visit(&cloud, path);
                }
                let next = deploy(&cloud, 5, "d").run().expect_exit(0);
                is_live(&cloud, "d", &next);
            });
        }
    });
}

#[test]
fn a_late_older_run_warns_and_the_next_run_repairs() {
    let cloud = cloud();
    deploy(&cloud, 1, "a").run().expect_exit(0);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    deploy(&cloud, 3, "c").run().expect_exit(0);
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let late = deploy(&cloud, 2, "b").run().expect_exit(0);
    assert!(has_warning(&late, "Late run"), "{}", late.log);
    assert!(
        late.log.contains("run 2 of this workflow comes after run 3"),
        "{}",
        late.log
    );
    assert!(late.log.contains("/actions/runs/1003"), "{}", late.log);
    is_live(&cloud, "b", &late);
    let again = deploy(&cloud, 3, "c").github("run_attempt", "2").run().expect_exit(0);
    is_live(&cloud, "c", &again);
}

fn has_warning(run: &Run, title: &str) -> bool {
    run.commands
        .iter()
        .any(|one| one["command"] == "warning" && one["properties"]["title"] == title)
}

/// What a run is to have warned of.
trait Warns {
    fn warns_of(&self, title: &str, moment: &Value);
}

impl Warns for Run {
    #[track_caller]
    fn warns_of(&self, title: &str, moment: &Value) {
        // Held before its record began, the other run cannot be seen.
        if moment["match"] != "started.json" {
            assert!(has_warning(self, title), "{moment}\n{}", self.log);
        }
    }
}
