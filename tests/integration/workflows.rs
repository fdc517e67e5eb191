//! The example workflows, run as they stand: what people paste must work. And our own, where it uses the action.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::action::action_copy;
use crate::support::http::request;
use crate::support::{Cloud, project, python};

pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";

/// What the examples deploy to.
pub(crate) fn cloud() -> Cloud {
    let cloud = Cloud::with_bucket("my-bucket");
    cloud.set_versioning("my-bucket", "Enabled");
    cloud.add_distribution("E1EXAMPLE", "my-bucket", &json!({"default_root_object": "index.html"}));
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    cloud.post(
        "/oidc",
        &json!({"sub": "repo:octo/site:ref:refs/heads/main", "trust": [{"role": ROLE, "sub": "repo:octo/site:*"}]}),
    );
    cloud
}

/// Runs an example workflow for a commit, with what a repository would have set.
fn run(cloud: &Cloud, workflow: &str, number: u32, sha: &str, checkout: &TempDir, inputs: &Value) -> Value {
    let setting = json!({
        "env": {"AWS_ENDPOINT_URL": cloud.endpoint},
        "github": {
            "api_url": cloud.github, "repository": "octo/site", "sha": sha, "ref": "refs/heads/main",
            "run_id": format!("700{number}"), "run_number": number.to_string(), "token": "ghs_example",
        },
        "contexts": {
            "vars": {"AWS_REGION": "us-east-1", "DEPLOY_ROLE": ROLE, "SITE_BUCKET": "my-bucket", "DISTRIBUTION": "E1EXAMPLE"},
            "inputs": inputs,
        },
        "id_token": {"url": cloud.oidc, "token": "request-token"},
    });
    let workflow = project().join("examples/workflows").join(workflow);
    execute(&workflow, &[], checkout.path(), setting)
}

/// Runs one job of the file `workflow` with a fresh workspace.
pub(crate) fn execute(workflow: &Path, arguments: &[&str], checkout: &Path, mut job: Value) -> Value {
    let work = TempDir::new().expect("a temporary directory");
    for directory in ["workspace", "temp"] {
        std::fs::create_dir(work.path().join(directory)).expect("a directory");
        job[directory] = json!(work.path().join(directory));
    }
    job["action"] = json!(action_copy());
    job["checkout"] = json!(checkout);
    job["runner"] = json!({"os": "Linux", "arch": if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" }});
    job["timeout"] = json!(120);
    let file = work.path().join("job.json");
    std::fs::write(&file, job.to_string()).expect("the job's file");
    let output = Command::new(python())
        .args(["-m", "runner", "--workflow"])
        .arg(workflow)
        .args(arguments)
        .arg(&file)
        .current_dir(project().join("tests"))
        .stdin(Stdio::null())
        .output()
        .expect("the runner harness starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the harness answers JSON")
}

#[track_caller]
pub(crate) fn assert_succeeded(result: &Value) {
    assert_eq!(
        result["result"],
        "success",
        "{}",
        result["log"].as_str().unwrap_or_default()
    );
}

/// The version that `environment` says it runs, on its own page.
pub(crate) fn running(cloud: &Cloud, environment: &str) -> String {
    let page = request(&cloud.endpoint, "GET", &format!("/_app/{environment}/"), &[], b"").text();
    let running = page.split_once(" is running ").map(|(_, label)| label.trim());
    running.unwrap_or_else(|| panic!("{page}")).to_owned()
}

/// A checkout of a repository that has the examples.
fn checkout() -> TempDir {
    let directory = TempDir::new().expect("a temporary directory");
    let copied = Command::new("cp")
        .arg("-r")
        .arg(project().join("examples"))
        .arg(directory.path())
        .status()
        .expect("cp");
    assert!(copied.success());
    directory
}

#[test]
fn a_push_deploys_and_a_dispatch_takes_it_back() {
    let cloud = cloud();
    let (first, second) = ("a".repeat(40), "b".repeat(40));
    let files = checkout();
    let none = json!({});
    assert_succeeded(&run(&cloud, "deploy.yml", 1, &first, &files, &none));
    let (page, keys, label_a) = (
        cloud.object("my-bucket", "index.html").expect("the page").text(),
        cloud.keys("my-bucket"),
        running(&cloud, "my-app-prod"),
    );
    std::fs::write(files.path().join("examples/site/index.html"), "<h1>changed</h1>").expect("a file");
    std::fs::write(files.path().join("examples/site/new.html"), "<h1>new</h1>").expect("a file");
    std::fs::write(files.path().join("examples/backend/extra.py"), "print()").expect("a file");
    assert_succeeded(&run(&cloud, "deploy.yml", 2, &second, &files, &none));
    assert_ne!(cloud.keys("my-bucket"), keys);
    assert_ne!(running(&cloud, "my-app-prod"), label_a);

    // A dispatch checks nothing out.
    let nothing = TempDir::new().expect("a temporary directory");
    let defaults = json!({"to": "previous", "dry-run": true});
    let shown = run(&cloud, "rollback.yml", 3, &second, &nothing, &defaults);
    assert_succeeded(&shown);
    assert_ne!(cloud.keys("my-bucket"), keys, "a dry run changes nothing");
    let summary = shown["summary"].as_str().unwrap_or_default();
    assert!(summary.contains("Last releases"), "{summary}");
    assert!(
        !summary.contains("|\n<details>"),
        "a table ends with an empty line: {summary}"
    );

    let back = json!({"to": "previous", "dry-run": false});
    assert_succeeded(&run(&cloud, "rollback.yml", 4, &second, &nothing, &back));
    assert_eq!(cloud.object("my-bucket", "index.html").expect("the page").text(), page);
    assert_eq!(cloud.keys("my-bucket"), keys);
    assert_eq!(running(&cloud, "my-app-prod"), label_a);

    // Free text: a commit goes forward again; what a shell would take for more than text is only text.
    let forward = json!({"to": &second[..8], "dry-run": false});
    assert_succeeded(&run(&cloud, "rollback.yml", 5, &second, &nothing, &forward));
    assert!(cloud.keys("my-bucket").contains(&"new.html".to_owned()));
    let text = json!({"to": "$(touch pwned)`id`'\"; exit 0", "dry-run": false});
    let refused = run(&cloud, "rollback.yml", 6, &second, &nothing, &text);
    assert_eq!(refused["result"], "failure");
    let log = refused["log"].as_str().unwrap_or_default();
    assert!(log.contains("no succeeded release has this id"), "{log}");
}

#[test]
fn deploy_and_rollback_share_one_concurrency_group_and_have_least_permissions() {
    let read = |name: &str| -> Value {
        let text = std::fs::read_to_string(project().join("examples/workflows").join(name)).expect("an example");
        yaml_serde::from_str(&text).expect("YAML")
    };
    let (deploy, rollback) = (read("deploy.yml"), read("rollback.yml"));
    assert_eq!(deploy["concurrency"], rollback["concurrency"]);
    assert_eq!(deploy["concurrency"]["cancel-in-progress"], false);
    for workflow in [&deploy, &rollback] {
        assert_eq!(workflow["permissions"], json!({}));
    }
    let own = json!({"id-token": "write", "deployments": "write"});
    assert_eq!(rollback["jobs"]["rollback"]["permissions"], own);
    let with = |workflow: &Value, job: &str, name: &str| {
        let steps = workflow["jobs"][job]["steps"].as_array().cloned().unwrap_or_default();
        steps.last().expect("a step")["with"][name].clone()
    };
    for name in [
        "bucket",
        "distribution",
        "application-name",
        "environment-name",
        "aws-region",
        "role-to-assume",
    ] {
        assert_eq!(
            with(&deploy, "deploy", name),
            with(&rollback, "rollback", name),
            "{name}"
        );
    }
}

/// Without credentials every step fails; the job must tell that from a wrong input.
#[test]
fn our_own_job_fails_unless_the_wrong_input_is_what_failed() {
    let cloud = Cloud::start();
    let ours = std::fs::read_to_string(project().join(".github/workflows/ci.yml")).expect("the workflow");
    let changed = TempDir::new().expect("a temporary directory");
    let result = |text: &str| {
        let file = changed.path().join("ci.yml");
        std::fs::write(&file, text).expect("a workflow");
        let job = json!({"env": {"AWS_ENDPOINT_URL": cloud.endpoint}});
        execute(&file, &["--job-name", "action"], action_copy(), job)
    };
    assert_succeeded(&result(&ours));
    let wrong = "          delete: perhaps\n";
    assert_eq!(ours.matches(wrong).count(), 1);
    let accepted = result(&ours.replace(wrong, "          delete: true\n"));
    assert_eq!(accepted["result"], "failure");
    let steps = accepted["steps"].as_object().expect("the steps");
    assert_eq!(
        steps["wrong"]["outcome"], "failure",
        "for want of credentials: {steps:?}"
    );
    assert_eq!(cloud.operations(), Vec::<String>::new());
}

/// The quickstart and the rollback of the README, as they stand there but for the region, which is that of the local cloud.
#[test]
fn the_workflows_of_the_readme_deploy_and_roll_back() {
    let cloud = Cloud::with_bucket("my-site");
    cloud.set_versioning("my-site", "Enabled");
    cloud.add_distribution("E1EXAMPLE", "my-site", &json!({"default_root_object": "index.html"}));
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    let trust = json!([{"role": ROLE, "sub": "repo:octo/site:*"}]);
    let token = json!({"sub": "repo:octo/site:ref:refs/heads/main", "trust": trust});
    cloud.post("/oidc", &token);

    let page = std::fs::read_to_string(project().join("README.md")).expect("the page");
    let page = page.replace("eu-central-1", "us-east-1");
    let blocks = page
        .split("```yaml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let whole: Vec<&str> = blocks.filter(|block| block.starts_with("name: ")).collect();
    let [deploy, rollback] = whole.as_slice() else {
        panic!("{} workflows", whole.len());
    };
    let files = TempDir::new().expect("a temporary directory");
    let write = |path: &str, text: &str| {
        let file = files.path().join(path);
        std::fs::create_dir_all(file.parent().expect("a directory above")).expect("a directory");
        std::fs::write(file, text).expect("a file");
    };
    write("backend/application.py", "application = None\n");
    let run = |workflow: &str, number: u32, inputs: &Value| {
        let directory = TempDir::new().expect("a temporary directory");
        let file = directory.path().join("workflow.yml");
        std::fs::write(&file, workflow).expect("a file");
        let setting = json!({
            "env": {"AWS_ENDPOINT_URL": cloud.endpoint},
            "github": {
                "api_url": cloud.github, "repository": "octo/site", "sha": "e".repeat(40), "ref": "refs/heads/main",
                "run_id": format!("700{number}"), "run_number": number.to_string(), "token": "ghs_example",
            },
            "contexts": {"inputs": inputs},
            "id_token": {"url": cloud.oidc, "token": "request-token"},
        });
        assert_succeeded(&execute(&file, &[], files.path(), setting));
        cloud.object("my-site", "index.html").expect("the page").text()
    };
    let none = json!({});
    write("public/index.html", "<h1>one</h1>");
    assert_eq!(run(deploy, 1, &none), "<h1>one</h1>");
    assert_ne!(running(&cloud, "my-app-prod"), "v0");
    write("public/index.html", "<h1>second</h1>");
    write("backend/application.py", "application = 2\n");
    assert_eq!(run(deploy, 2, &none), "<h1>second</h1>");
    assert_eq!(run(rollback, 3, &json!({"to": "previous"})), "<h1>one</h1>");
}
