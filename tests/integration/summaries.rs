//! The nine summaries that people see most, kept in `docs/summaries/`. `UPDATE_DOCS=1` writes them anew.

use std::collections::BTreeSet;

use regex_lite::Regex;
use serde_json::json;

use crate::support::{Action, Cloud, Run, project};

/// What differs from run to run, and what stands for it on the pages.
const VOLATILE: &[(&str, &str)] = &[
    (r"\b\d+\.\d s\b", "4.2 s"),
    (r"(?m)^(\| [^|]* \| 4\.2 s \|).*$", "${1} █ |"),
    (r"\b20\d\d-\d\d-\d\dT\d\d-\d\d-\d\d-\d{3}Z", "2026-11-20T07-18-37-123Z"),
    (r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "2026-11-20T07:18:37Z"),
    (r"\b20\d\d-\d\d-\d\d \d\d:\d\d(:\d\d)?", "2026-11-20 07:18"),
    (
        r"\b20\d\d/\d\d/\d\d \d\d&#58;\d\d&#58;\d\d\.\d+",
        "2026/11/20 07&#58;18&#58;37.123456",
    ),
    (
        r"\b[A-Z][a-z]{2} [ \d]\d \d\d&#58;\d\d&#58;\d\d ip-",
        "Nov 20 07&#58;18&#58;37 ip-",
    ),
    (r"\b1[78]\d{11}\b", "1795159117123"),
    (r"\brunning for \d+ seconds", "running for 1 seconds"),
    (r"\b[A-Z0-9]{13,14}\b", "I2J3K4L5M6N7O8"),
    (r"\bi-[0-9a-f]{8,17}\b", "i-0a1b2c3d4e5f60718"),
    (r"\be-[a-z0-9]{10}\b", "e-a1b2c3d4e5"),
    (
        r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
        "1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809",
    ),
    (
        r"\b[0-9a-f]{64}\b",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ),
    (
        r"http://127\.0\.0\.1:\d+/_app/my-app-prod",
        "http://my-app-prod.us-east-1.elasticbeanstalk.com",
    ),
];

/// What stands for the releases of a summary, in the order of their ids.
const RELEASES: [&str; 2] = ["20261120-071837123-1001-1-35f095", "20261121-160211480-1002-1-b81c2e"];

fn stable(summary: &str) -> String {
    let id = Regex::new(r"\b\d{8}-\d{9}-1001-1-[0-9a-f]{6}\b").expect("a regular expression");
    let ids: BTreeSet<&str> = id.find_iter(summary).map(|found| found.as_str()).collect();
    let named = ids.iter().zip(RELEASES);
    let text = named.fold(summary.to_owned(), |text, (id, stand_in)| text.replace(id, stand_in));
    VOLATILE.iter().fold(text, |text, (pattern, stand_in)| {
        let pattern = Regex::new(pattern).expect("a regular expression");
        pattern.replace_all(&text, *stand_in).into_owned()
    })
}

/// Compares the summary with its page, or writes the page anew.
#[track_caller]
fn hold(name: &str, run: &Run) {
    let page = project().join("docs/summaries").join(format!("{name}.md"));
    let summary = stable(&run.summary);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&page, &summary).expect("the page is written");
    }
    let kept = std::fs::read_to_string(&page).unwrap_or_default();
    assert_eq!(kept, summary, "{name}: run the tests with UPDATE_DOCS=1");
}

fn cloud() -> Cloud {
    let cloud = Cloud::with_bucket("my-site");
    cloud.set_versioning("my-site", "Enabled");
    cloud.add_distribution("E1EXAMPLE", "my-site", &json!({"default_root_object": "index.html"}));
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    cloud
}

fn site(cloud: &Cloud) -> Action {
    Action::new(cloud)
        .github("run_id", "1001")
        .with("bucket", "my-site")
        .with("source", "public")
        .with("distribution", "E1EXAMPLE")
        .with("delete", "true")
        .file("public/index.html", "<!doctype html><title>Home</title>")
        .file("public/about/index.html", "<!doctype html><title>About</title>")
        .file("public/assets/app.css", "body { margin: 0 }")
        .file("public/assets/app.js", "document.title += '!'")
}

fn both(cloud: &Cloud) -> Action {
    site(cloud)
        .with("application-name", "my-app")
        .with("environment-name", "my-app-prod")
        .with("package", "backend")
        .with("poll-interval", "1")
        .file("backend/application.py", "application = None\n")
        .file("backend/Procfile", "web: gunicorn application\n")
}

#[test]
fn first_deploy_one_page_changed_nothing_changed_and_rollback() {
    let cloud = cloud();
    let action = both(&cloud);
    hold("first-deploy", &action.run().expect_exit(0));
    hold("nothing-changed", &action.run().expect_exit(0));
    action.write("public/about/index.html", "<!doctype html><title>About us</title>");
    hold("one-page-changed", &action.run().expect_exit(0));
    let back = Action::new(&cloud)
        .github("run_id", "1001")
        .with("command", "rollback")
        .with("bucket", "my-site")
        .with("distribution", "E1EXAMPLE")
        .run();
    hold("rollback", &back.expect_exit(0));
}

#[test]
fn failed_backend() {
    let cloud = cloud();
    cloud.set_scenario("my-app-prod", "fails", &json!({}));
    hold("failed-backend", &both(&cloud).run().expect_exit(1));
}

#[test]
fn refused_delete() {
    let cloud = cloud();
    for number in 0..40 {
        cloud.put("my-site", &format!("posts/{number}.html"), &[], b"<h1>post</h1>");
    }
    hold("refused-delete", &site(&cloud).run().expect_exit(1));
}

#[test]
fn dry_run() {
    let cloud = cloud();
    hold("dry-run", &both(&cloud).with("dry-run", "true").run().expect_exit(0));
}

#[test]
fn check() {
    let cloud = cloud();
    hold("check", &both(&cloud).with("command", "check").run().expect_exit(0));
}

#[test]
fn wrong_inputs() {
    let cloud = cloud();
    let run = Action::new(&cloud)
        .with("bucket", "My_Site")
        .with("source", "publik")
        .with("delete", "perhaps")
        .with("environment-name", "my-app-prod")
        .with("package", "backend")
        .run();
    hold("wrong-inputs", &run.expect_exit(2));
}
