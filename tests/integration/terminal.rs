//! The binary in a terminal: inputs as flags, plain text instead of workflow commands.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use aws_web_deploy::door::INPUTS;
use tempfile::TempDir;

use crate::support::http::request;
use crate::support::{Cloud, project, python};
use crate::workflows::{ROLE, cloud};

const BINARY: &str = env!("CARGO_BIN_EXE_aws-web-deploy");

/// What a run printed, and its exit code.
struct Screen {
    text: String,
    code: Option<i32>,
}

impl Screen {
    /// Fails unless the exit code is `code`, or when a line would be a command to GitHub's runner.
    #[track_caller]
    fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}", self.text);
        let command = self.text.lines().find(|line| line.trim_start().starts_with("::"));
        assert_eq!(command, None, "{}", self.text);
        self
    }

    #[track_caller]
    fn assert_has(&self, part: &str) {
        assert!(self.text.contains(part), "no {part:?} in\n{}", self.text);
    }
}

fn environment(cloud: &Cloud) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("AWS_ENDPOINT_URL", cloud.endpoint.clone()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".to_owned()),
        (
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
        ),
        ("TERM", "xterm".to_owned()),
    ])
}

fn finish(mut command: Command, directory: &Path, environment: &BTreeMap<&'static str, String>) -> Screen {
    let output = command
        .current_dir(directory)
        .env_clear()
        .env("TMPDIR", directory)
        .envs(environment)
        .stdin(Stdio::null())
        .output()
        .expect("the binary starts");
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    Screen {
        text: text.into_owned(),
        code: output.status.code(),
    }
}

fn run(arguments: &[&str], directory: &Path, environment: &BTreeMap<&'static str, String>) -> Screen {
    let mut command = Command::new(BINARY);
    command.args(arguments);
    finish(command, directory, environment)
}

/// The same on a pseudo-terminal, which `isatty` takes for a screen.
fn run_on_screen(arguments: &[&str], directory: &Path, environment: &BTreeMap<&'static str, String>) -> Screen {
    let mut command = Command::new(python());
    command
        .args([
            "-c",
            "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))",
        ])
        .arg(BINARY)
        .args(arguments);
    finish(command, directory, environment)
}

fn site() -> TempDir {
    let directory = TempDir::new().expect("a temporary directory");
    std::fs::create_dir(directory.path().join("public")).expect("a directory");
    for name in ["index.html", "style.css"] {
        std::fs::write(directory.path().join("public").join(name), name).expect("a file");
    }
    directory
}

#[test]
fn help_lists_every_input() {
    let directory = site();
    for flag in ["--help", "-h"] {
        let screen = run(&[flag], directory.path(), &BTreeMap::new()).expect(0);
        for spec in INPUTS {
            screen.assert_has(&format!("\n  --{} ", spec.name));
        }
        screen.assert_has("Enables the site part: the S3 bucket to sync `source` to.");
        screen.assert_has("Exit codes: 0 done");
    }
}

#[test]
fn flags_are_the_inputs_and_the_log_is_text() {
    let cloud = Cloud::with_bucket("my-bucket");
    let (directory, environment) = (site(), environment(&cloud));
    let arguments = ["--bucket", "my-bucket", "--source=public", "--dry-run"];
    let screen = run(&arguments, directory.path(), &environment).expect(0);
    screen.assert_has("(dry run) upload  index.html");
    screen.assert_has("a dry run, nothing was changed");
    screen.assert_has("s3://my-bucket/");
    assert_eq!(cloud.keys("my-bucket"), Vec::<String>::new());
    assert!(!screen.text.contains("wJalrXUtnFEMI"), "{}", screen.text);
    assert!(!screen.text.contains('\u{1b}'), "{}", screen.text);

    let screen = run(&arguments[..3], directory.path(), &environment).expect(0);
    screen.assert_has("2 uploaded");
    assert!(cloud.keys("my-bucket").contains(&"style.css".to_owned()));
    let screen = run(&arguments[..3], directory.path(), &environment).expect(0);
    screen.assert_has("nothing to do");
}

#[test]
fn the_environment_counts_and_must_not_contradict_a_flag() {
    let cloud = Cloud::with_bucket("my-bucket");
    let (directory, mut environment) = (site(), environment(&cloud));
    environment.insert("AWD_BUCKET", "my-bucket".to_owned());
    environment.insert("AWD_DRY_RUN", "true".to_owned());
    run(&["--source", "public"], directory.path(), &environment).expect(0);
    run(
        &["--source", "public", "--bucket=my-bucket"],
        directory.path(),
        &environment,
    )
    .expect(0);
    let screen = run(
        &["--source", "public", "--bucket=other"],
        directory.path(),
        &environment,
    )
    .expect(2);
    screen.assert_has(
        "`--bucket` is `other` and `AWD_BUCKET` is `my-bucket`, but they are the same input: keep one of them",
    );
    environment.remove("AWD_BUCKET");
    environment.insert("AWS_S3_BUCKET", "old".to_owned());
    let screen = run(
        &["--source", "public", "--bucket=other"],
        directory.path(),
        &environment,
    )
    .expect(2);
    screen.assert_has("`--bucket` is `other` and `AWS_S3_BUCKET` is `old`");
}

#[test]
fn wrong_flags_are_reported_together_before_any_request() {
    let cloud = Cloud::with_bucket("my-bucket");
    let directory = site();
    let arguments = [
        "--bukcet",
        "x",
        "--bucket",
        "my-bucket",
        "--delete=perhaps",
        "--source",
        "public",
    ];
    let before = cloud.operations();
    let screen = run(&arguments, directory.path(), &environment(&cloud)).expect(2);
    screen.assert_has("2 input errors:");
    screen.assert_has("unknown flag `--bukcet`: did you mean `--bucket`?");
    screen.assert_has("`--delete` is `perhaps`; it must be `true` or `false`");
    assert_eq!(cloud.operations(), before);
}

#[test]
fn a_failure_says_what_to_do() {
    let cloud = Cloud::start();
    let directory = site();
    let arguments = ["--bucket", "my-bucket", "--source", "public"];
    let screen = run(&arguments, directory.path(), &environment(&cloud)).expect(1);
    screen.assert_has("\nerror: Deploy failed: ");
}

#[test]
fn a_screen_has_colors_unless_they_are_not_wanted() {
    let cloud = Cloud::with_bucket("my-bucket");
    let (directory, mut environment) = (site(), environment(&cloud));
    let arguments = ["--bucket", "my-bucket", "--source", "public", "--dry-run"];
    let screen = run_on_screen(&arguments, directory.path(), &environment).expect(0);
    screen.assert_has("\u{1b}[1m");
    environment.insert("NO_COLOR", "1".to_owned());
    let screen = run_on_screen(&arguments, directory.path(), &environment).expect(0);
    assert!(!screen.text.contains('\u{1b}'), "{}", screen.text);
}

#[test]
fn in_a_job_the_same_binary_speaks_to_the_runner() {
    let cloud = Cloud::with_bucket("my-bucket");
    let (directory, mut environment) = (site(), environment(&cloud));
    environment.insert("GITHUB_ACTIONS", "true".to_owned());
    let arguments = ["--bucket", "my-bucket", "--source", "public", "--dry-run"];
    let screen = run(&arguments, directory.path(), &environment);
    assert_eq!(screen.code, Some(0), "{}", screen.text);
    screen.assert_has("\n::endgroup::\n");
}

#[test]
fn the_report_is_written_where_the_runners_directory_is_not_there_yet() {
    let cloud = Cloud::with_bucket("my-bucket");
    let (directory, mut environment) = (site(), environment(&cloud));
    for named in [&directory.path().join("not/there/yet"), Path::new("relative/to/here")] {
        environment.insert("RUNNER_TEMP", named.display().to_string());
        run(
            &["--bucket", "my-bucket", "--source=public"],
            directory.path(),
            &environment,
        )
        .expect(0);
        let path = directory.path().join(named).join("aws-web-deploy-report.json");
        let report = std::fs::read(path).expect("the report");
        let report: serde_json::Value = serde_json::from_slice(&report).expect("JSON");
        assert_ne!(report["outcome"], "failed");
    }
}

/// The pages' jobs of GitLab and Bitbucket: their scripts, with a token as theirs, and a clone that is there already.
#[test]
fn the_scripts_of_gitlab_and_bitbucket_deploy() {
    let page = std::fs::read_to_string(project().join("docs/terminal.md")).expect("the page");
    for (head, token) in [
        ("\ndeploy:\n", "AWS_TOKEN"),
        ("\npipelines:\n", "BITBUCKET_STEP_OIDC_TOKEN"),
    ] {
        let cloud = cloud();
        cloud.create_bucket("my-site");
        let authorization = [("authorization", "bearer request-token")];
        let path = "/_oidc/token?audience=sts.amazonaws.com";
        let answer = request(&cloud.endpoint, "GET", path, &authorization, b"").text();
        let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");

        let directory = site();
        let (_, job) = page.split_once(&format!("```yaml{head}")).expect("the job");
        let (job, _) = job.split_once("```").expect("its end");
        let (variables, script) = job.split_once("script:\n").expect("the script");
        let script = script.lines().filter_map(|line| line.trim().strip_prefix("- "));
        let script: Vec<String> = script
            .filter(|line| !line.starts_with("git clone "))
            .map(|line| line.replace("/tmp/action/dist/aws-web-deploy-linux-x64", BINARY))
            .map(|line| line.replace("eu-central-1", "us-east-1"))
            .map(|line| line.replace("/tmp/token", "token"))
            .collect();
        assert!(script.len() > 1, "{script:?}");
        let mut environment = environment(&cloud);
        environment.remove("AWS_ACCESS_KEY_ID");
        environment.remove("AWS_SECRET_ACCESS_KEY");
        environment.insert(token, answer["value"].as_str().expect("a token").to_owned());
        if variables.contains("AWS_ROLE_ARN: ") {
            environment.insert("AWS_ROLE_ARN", ROLE.to_owned());
            environment.insert("AWS_WEB_IDENTITY_TOKEN_FILE", "token".to_owned());
        }
        let mut command = Command::new("/bin/sh");
        command.args(["-e", "-c", &script.join("\n")]);
        finish(command, directory.path(), &environment).expect(0);
        assert_eq!(
            cloud.object("my-site", "index.html").expect("the page").text(),
            "index.html"
        );
    }
}
