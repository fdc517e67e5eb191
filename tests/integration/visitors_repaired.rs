//! The command that `check` names for a verdict is one line for a shell, and repairs it: it is run, and visitors see the site.

use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::visitors::{
    APPLICATION, BUCKET, DISTRIBUTION, FOLDER, PAGE, REST, Setup, WEBSITE, by_control, check, cloud, of_origin,
    only_for, open, setup, verdicts, visit, website,
};
use crate::support::{Cloud, project, python};

/// Ways to be kept out, one for each kind of command: each takes the aws CLI's seconds. The address that shows it.
fn setups() -> Vec<Setup> {
    let other = || json!({"policy": only_for("arn:aws:cloudfront::123456789012:distribution/E2")});
    let private = || json!({"policy": only_for(DISTRIBUTION)});
    let by_website = || of_origin(json!({"domain": WEBSITE, "website": true}), "");
    let https = json!({"Version": "2012-10-17", "Statement": [
        open()["Statement"][0],
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::site/*",
         "Condition": {"Bool": {"aws:SecureTransport": "false"}}},
    ]});
    vec![
        setup(
            "no policy",
            json!({}),
            by_control(json!({})),
            PAGE,
            ("/", "put-bucket-policy"),
        ),
        setup(
            "another distribution's policy",
            other(),
            by_control(json!({})),
            PAGE,
            ("/", "put-bucket-policy"),
        ),
        setup(
            "a blocked website",
            json!({"policy": open(), "website": website(), "block_public_access": true}),
            None,
            PAGE,
            ("/", "delete-public-access-block"),
        ),
        setup(
            "https only",
            json!({"policy": https, "website": website()}),
            by_website(),
            PAGE,
            ("/", "put-bucket-policy"),
        ),
        setup(
            "no root object",
            private(),
            by_control(json!({"default_root_object": ""})),
            PAGE,
            ("/", "--default-root-object"),
        ),
        setup(
            "a single page",
            private(),
            by_control(json!({})),
            APPLICATION,
            ("/app/settings", "CustomErrorResponses"),
        ),
        setup(
            "a control that never signs",
            private(),
            by_control(json!({"origins": [{"domain": REST, "access_control": {"id": "OAC1", "signing": "never"}}]})),
            PAGE,
            ("/", "update-origin-access-control"),
        ),
        setup(
            "no control",
            json!({}),
            of_origin(json!({"domain": REST}), "index.html"),
            PAGE,
            ("/", "create-origin-access-control"),
        ),
        setup(
            "folders",
            private(),
            by_control(json!({})),
            FOLDER,
            ("/about/", "create-function"),
        ),
    ]
}

/// The command below the first finding on visitors that has one.
fn command(log: &str) -> &str {
    let mut lines = log
        .lines()
        .skip_while(|line| !(line.starts_with("warning") && line.contains("visitors")));
    let commands = lines.by_ref().map(str::trim_start);
    commands
        .skip(1)
        .find(|line| line.starts_with("aws "))
        .expect("a command")
}

/// Runs `command` as somebody at a terminal would.
fn run(cloud: &Cloud, command: &str) {
    let python = python();
    let tools: PathBuf = python.parent().expect("a directory").to_owned();
    let others = std::env::var("PATH").unwrap_or_default();
    let path = format!(
        "{}:{}:{others}",
        project().join("tests/tools").display(),
        tools.display()
    );
    let done = Command::new("bash")
        .args(["-euo", "pipefail", "-c", command])
        .env("PATH", path)
        .env("AWS_ENDPOINT_URL", &cloud.endpoint)
        .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .output()
        .expect("bash");
    assert!(
        done.status.success(),
        "{command}\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
}

#[test]
fn each_verdict_is_repaired_by_its_one_command() {
    for setup in setups() {
        let cloud = cloud(&setup);
        let (path, expected) = setup.expected;
        let before = check(&cloud, &setup).run().expect_exit(0);
        let command = command(&before.log);
        assert!(command.contains(expected), "{}: {command}", setup.name);
        run(&cloud, command);
        let after = check(&cloud, &setup).run().expect_exit(0);
        let left: Vec<&str> = verdicts(&after);
        assert!(
            left.iter().all(|verdict| verdict.contains("`/` shows the site")) && !left.is_empty(),
            "{}: {command}\n{}",
            setup.name,
            after.log
        );
        let status: Value = visit(&cloud, &setup, path).into();
        assert_eq!(status, 200, "{}: {command}", setup.name);
    }
}

#[test]
fn what_a_policy_says_besides_stays_in_it() {
    let others = only_for("arn:aws:cloudfront::123456789012:distribution/E2");
    let setup = setup("", json!({"policy": others}), by_control(json!({})), PAGE, ("/", ""));
    let cloud = cloud(&setup);
    let before = check(&cloud, &setup).run().expect_exit(0);
    run(&cloud, command(&before.log));
    cloud.post("/s3/bucket", &json!({"bucket": BUCKET, "block_public_access": true}));
    cloud.post(
        "/cloudfront",
        &json!({"id": "E2", "origins": [{"domain": REST, "access_control": "OAC1"}]}),
    );
    let seen = crate::support::http::request(&cloud.endpoint, "GET", "/_viewer/E2/index.html", &[], b"");
    assert_eq!(seen.status, 200);
}
