//! Text from outside: file names, keys, events, log tails, commit messages, branch names and inputs can hold anything
//! that the runner, a terminal or Markdown would take for more than text. None of it acts.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::support::{Action, Cloud, Run};

/// One text that tries everything that fits on a line.
const HOSTILE: &str = "::set-output name=pwned::PWNED ##[error]PWNED <img src=x onerror=PWNED> [x](javascript:PWNED) |`PWNED` \u{202e}PWNED @PWNED";

/// What may stand in a path component; starts with a command.
const HOSTILE_NAME: &str =
    "::error::PWNED ##[error]PWNED <img onerror=PWNED> [x](javascript:PWNED) |`PWNED` \u{202e}PWNED";

/// The same at the start of a line of its own, and with a terminal's escapes.
fn lines() -> String {
    format!("first\n{HOSTILE}\r\n  {HOSTILE}\r{HOSTILE}\u{1b}[2J\u{1b}]8;;http://evil\u{7}")
}

/// Fails when any of it acted.
#[track_caller]
fn assert_nothing_acted(run: &Run) {
    const OURS: [&str; 7] = ["add-mask", "debug", "endgroup", "error", "group", "notice", "warning"];
    for command in &run.commands {
        let name = command["command"].as_str().unwrap_or_default();
        let message = command["message"].as_str().unwrap_or_default();
        assert!(OURS.contains(&name), "{command}");
        assert!(!message.starts_with("PWNED"), "{command}");
        assert!(name != "add-mask" || !message.contains("PWNED"), "{command}");
    }
    assert!(!run.outputs.contains_key("pwned"), "{:?}", run.outputs);
    assert!(!run.raw["env"].to_string().contains("PWNED"), "{}", run.raw["env"]);
    for forbidden in ['\u{1b}', '\u{7}', '\u{202e}'] {
        assert!(!run.log.contains(forbidden), "{forbidden:?} in the log:\n{}", run.log);
        assert!(
            !run.summary.contains(forbidden),
            "{forbidden:?} in the summary:\n{}",
            run.summary
        );
    }
    for forbidden in ["<img", "](javascript:", "|`PWNED`", " @PWNED"] {
        assert!(
            !run.summary.contains(forbidden),
            "`{forbidden}` in the summary:\n{}",
            run.summary
        );
    }
}

/// The same of a text that was shown.
#[track_caller]
fn assert_inert(run: &Run) {
    assert_nothing_acted(run);
    assert!(
        run.log.contains("PWNED") || run.summary.contains("PWNED"),
        "the text was never shown, so nothing is proved:\n{}",
        run.log
    );
}

fn site(cloud: &Cloud) -> Action {
    Action::new(cloud).with("bucket", "my-site").with("source", "public")
}

fn backend(cloud: &Cloud) -> Action {
    Action::new(cloud)
        .with("application-name", "web")
        .with("environment-name", "web-prod")
        .with("package", "app")
        .with("poll-interval", "1")
        .with("recovery-seconds", "2")
        .file("app/main.py", "print()")
}

fn with_environment() -> Cloud {
    let cloud = Cloud::start();
    cloud.add_environment("web", "web-prod", &json!({}));
    cloud
}

#[test]
fn file_names_and_keys_do_not_act() {
    let cloud = Cloud::with_bucket("my-site");
    let step = site(&cloud)
        .with("delete", "true")
        .file(&format!("public/{HOSTILE_NAME}.html"), "x")
        .file("public/line\n::error::PWNED\n##[error]PWNED.txt", "x")
        .file("public/index.html", "x");
    cloud.put("my-site", &format!("old/{HOSTILE_NAME}"), &[], b"x");
    let run = step.run().expect_exit(0);
    assert_inert(&run);
    assert!(run.uploaded().iter().any(|key| key.contains("PWNED")), "{}", run.report);
}

#[test]
fn names_in_warnings_do_not_act() {
    let cloud = Cloud::with_bucket("my-site");
    let step = site(&cloud).file("public/index.html", "x");
    for name in [format!("{HOSTILE_NAME}\u{1b}[2J"), "b\n::error::PWNED".to_owned()] {
        std::os::unix::fs::symlink("/nowhere", step.workspace().join("public").join(name)).expect("a link");
    }
    assert_inert(&step.run().expect_exit(0));
}

#[test]
fn names_in_errors_do_not_act() {
    let cloud = Cloud::with_bucket("my-site");
    cloud.fail("s3", "PutObject", -1, 400, "InvalidRequest");
    let run = site(&cloud)
        .env("AWS_MAX_ATTEMPTS", "1")
        .file(&format!("public/{HOSTILE_NAME}.html"), "x")
        .run()
        .expect_exit(1);
    assert_inert(&run);
}

#[test]
fn messages_of_aws_do_not_act() {
    let cloud = Cloud::with_bucket("my-site");
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "times": -1, "kind": "error", "status": 400,
                "code": "InvalidRequest", "message": format!("x {HOSTILE}")}),
    );
    let run = site(&cloud).file("public/index.html", "x").run().expect_exit(1);
    assert_inert(&run);
}

#[test]
fn inputs_do_not_act() {
    let cloud = Cloud::start();
    let mut step = Action::new(&cloud).file("public/index.html", "x");
    for name in [
        "bucket",
        "prefix",
        "acl",
        "compare",
        "max-delete",
        "headers",
        "args",
        "distribution",
        "paths",
        "when-busy",
        "to",
        "role-to-assume",
    ] {
        step = step.with(name, &lines());
    }
    let run = step.run().expect_exit(2);
    assert_inert(&run);
}

#[test]
fn commit_messages_and_branch_names_do_not_act() {
    let cloud = with_environment();
    let run = backend(&cloud)
        .with("version-label", "{ref}-{run-id}")
        .with("github-environment", "production")
        .github(
            "ref",
            "refs/heads/feature/%0A::error::PWNED-##[error]PWNED-<img>-`PWNED`",
        )
        .event(json!({"head_commit": {"message": lines(), "id": "8f3c2a1b5d7e9f00112233445566778899aabbcc"}}))
        .run();
    assert_inert(&run);
}

#[test]
fn events_do_not_act() {
    let cloud = with_environment();
    cloud.set_scenario("web-prod", "success", &json!({"seconds": 2}));
    let has_ended = AtomicBool::new(false);
    let run = std::thread::scope(|scope| {
        scope.spawn(|| {
            // XML cannot hold a terminal's escapes.
            let message = lines().replace(['\u{1b}', '\u{7}'], "");
            // While the update runs: what somebody else's event says is shown too.
            for _ in 0..400 {
                if has_ended.load(Ordering::Relaxed) {
                    break;
                }
                cloud.post(
                    "/beanstalk/event",
                    &json!({"environment": "web-prod", "message": message, "severity": "WARN"}),
                );
                std::thread::sleep(std::time::Duration::from_millis(300));
            }
        });
        let run = backend(&cloud).run();
        has_ended.store(true, Ordering::Relaxed);
        run
    });
    assert_inert(&run);
}

#[test]
fn tails_of_logs_do_not_act() {
    let cloud = with_environment();
    let rule = "-".repeat(40);
    let log = format!(
        "{rule}\n/var/log/eb-engine.log\n{rule}\n[ERROR] An error occurred: {}\n",
        lines()
    );
    cloud.set_scenario("web-prod", "fails", &json!({"seconds": 1, "log": log}));
    let run = backend(&cloud).run().expect_exit(1);
    assert_inert(&run);
}

#[test]
fn nothing_leads_out_of_the_tree_unseen() {
    let cloud = Cloud::with_bucket("my-site");
    let step = site(&cloud).file("public/index.html", "x").file("secret.txt", "secret");
    std::os::unix::fs::symlink("../secret.txt", step.workspace().join("public/link.txt")).expect("a link");
    let run = step.run().expect_exit(0);
    let warned = run.report["site"]["warnings"].to_string();
    assert!(warned.contains("link.txt") && warned.contains("leads out"), "{warned}");
    let skipped = step
        .with("args", "--no-follow-symlinks")
        .with("delete", "true")
        .run()
        .expect_exit(0);
    assert!(!skipped.uploaded().contains(&"link.txt"), "{}", skipped.report);

    let cloud = with_environment();
    let step = backend(&cloud).file("secret.txt", "secret");
    std::os::unix::fs::symlink("../secret.txt", step.workspace().join("app/link.txt")).expect("a link");
    let run = step.run().expect_exit(1);
    assert!(
        run.error().contains("`link.txt`") && run.error().contains("out of the package"),
        "{}",
        run.error()
    );

    for name in ["../evil.sh", "a/../../evil.sh", "/etc/evil", "a\\..\\evil"] {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        archive.start_file(name, stored).expect("an entry");
        let bytes = archive.finish().expect("an archive").into_inner();
        let run = backend(&cloud)
            .with("package", "app.zip")
            .file("app.zip", bytes)
            .run()
            .expect_exit(1);
        assert!(run.error().contains("leads out of it"), "{name}: {}", run.error());
    }
    assert_eq!(cloud.count("UpdateEnvironment"), 0);
}

#[test]
fn paths_from_a_file_do_not_act() {
    let cloud = Cloud::start();
    let run = Action::new(&cloud)
        .with("distribution", "E1")
        .with("paths-from", "paths.txt")
        .file("paths.txt", format!("/ok\n{}\n", lines()))
        .run();
    assert_ne!(run.exit_code, 0, "{}", run.log);
    assert_nothing_acted(&run);
    // A wrong file may hold secrets.
    assert!(
        !run.log.contains("PWNED") && run.error().contains("line 2 of the file"),
        "{}",
        run.log
    );
}

#[test]
fn a_summary_shows_hostile_names_as_text() {
    let cloud = Cloud::with_bucket("my-site");
    let run = site(&cloud)
        .file(&format!("public/{HOSTILE_NAME}.html"), "x")
        .run()
        .expect_exit(0);
    assert!(run.summary.contains("&lt;img"), "{}", run.summary);
    let report: &Value = &run.report["site"]["uploads"][0]["key"];
    assert_eq!(
        report,
        &json!(format!("{HOSTILE_NAME}.html")),
        "the report has the name as it is"
    );
}
