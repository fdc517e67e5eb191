//! A runner that is not as it should be: a full disk, a workspace that is read-only, variables that are missing, a clock
//! that is wrong. What happened in AWS has happened all the same, and is told.

use std::collections::BTreeMap;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use super::support::{Action, Cloud, Run};

const BUCKET: &str = "site-bucket";

/// A step without the runner between: so that its files can be what they are here.
struct Step {
    directory: TempDir,
    environment: BTreeMap<String, String>,
}

impl Step {
    /// A step of a site, with `more` in its environment.
    fn new(cloud: &Cloud, more: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().expect("a directory");
        let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
        for name in ["site", "temp"] {
            std::fs::create_dir(directory.path().join(name)).expect("a directory");
        }
        std::fs::write(path("site/index.html"), "hello").expect("a file");
        let standard = [
            ("AWS_ENDPOINT_URL", cloud.endpoint.clone()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE".to_owned()),
            (
                "AWS_SECRET_ACCESS_KEY",
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".to_owned(),
            ),
            ("AWD_BUCKET", BUCKET.to_owned()),
            ("AWD_SOURCE", "site".to_owned()),
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("RUNNER_TEMP", path("temp")),
            ("GITHUB_OUTPUT", path("outputs")),
            ("GITHUB_STEP_SUMMARY", path("summary")),
        ];
        let mut environment: BTreeMap<String, String> = standard.map(|(name, value)| (name.to_owned(), value)).into();
        environment.extend(
            more.iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        Self { directory, environment }
    }

    /// Runs the binary by `shell`, which ends in `exec "$0"`: exit code and log.
    fn run(&self, shell: &str) -> (Option<i32>, String) {
        let output = Command::new("sh")
            .args(["-c", shell, env!("CARGO_BIN_EXE_aws-web-deploy")])
            .current_dir(self.directory.path())
            .env_clear()
            .envs(&self.environment)
            .stdin(Stdio::null())
            .output()
            .expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.code(), text.into_owned())
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.directory.path().join(name)
    }
}

/// No file of the step gets more than one block, as on a disk that is full; what is under way is not ended by a signal.
const FULL: &str = r#"trap '' XFSZ; ulimit -f 1; exec "$0""#;
const USUAL: &str = r#"exec "$0""#;

#[test]
fn a_full_disk_loses_no_release_and_leaves_no_half_files() {
    let cloud = Cloud::with_bucket(BUCKET);
    // An output that is longer than what is left.
    let address = format!("https://example.com/{}", "x".repeat(1500));
    let step = Step::new(&cloud, &[("AWD_SITE_URL", &address)]);
    let before = "# Another step\n";
    std::fs::write(step.path("summary"), before).expect("a file");
    let (code, log) = step.run(FULL);
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(cloud.keys(BUCKET), ["index.html"]);
    for part in ["cannot write the report", "outputs`: ", "summary`: ", "File too large"] {
        assert!(log.contains(part), "{part}\n{log}");
    }
    // Half an output would fail the step, half a report could not be read, half a summary would not be shown right.
    assert_eq!(std::fs::read_to_string(step.path("outputs")).unwrap_or_default(), "");
    assert_eq!(std::fs::read_to_string(step.path("summary")).expect("a file"), before);
    let left: Vec<_> = std::fs::read_dir(step.path("temp")).expect("a directory").collect();
    assert!(left.is_empty(), "{left:?}");
    // Everything is on record, and the next run has its files.
    let (code, log) = step.run(USUAL);
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("nothing to do"), "{log}");
    assert!(step.path("temp/aws-web-deploy-report.json").is_file(), "{log}");
}

#[test]
fn files_that_cannot_be_written_are_warnings_for_a_release_that_went_well() {
    let cloud = Cloud::with_bucket(BUCKET);
    let step = Step::new(
        &cloud,
        &[
            ("GITHUB_OUTPUT", "/dev/full"),
            ("GITHUB_STEP_SUMMARY", "/dev/full"),
            ("RUNNER_TEMP", "/proc/nowhere"),
        ],
    );
    let (code, log) = step.run(USUAL);
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(
        log.matches("::warning title=Incomplete results::cannot write `/dev/full`")
            .count(),
        2,
        "{log}"
    );
    assert_eq!(log.matches("::warning title=No report::").count(), 1, "{log}");
    assert_eq!(cloud.keys(BUCKET), ["index.html"]);
    // And for one that failed: the error stays the last word, and the exit code.
    cloud.fail("s3", "PutObject", -1, 403, "AccessDenied");
    std::fs::write(step.path("site/index.html"), "changed").expect("a file");
    let (code, log) = step.run(USUAL);
    assert_eq!(code, Some(1), "{log}");
    assert_eq!(log.matches("::error title=Deploy failed::").count(), 1, "{log}");
}

#[test]
fn a_bundle_that_does_not_fit_on_the_disk_is_an_error_before_anything_changes() {
    let cloud = Cloud::start();
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    let step = Step::new(
        &cloud,
        &[
            ("AWD_BUCKET", ""),
            ("AWD_SOURCE", ""),
            ("AWD_APPLICATION_NAME", "my-app"),
            ("AWD_ENVIRONMENT_NAME", "my-app-prod"),
            ("AWD_PACKAGE", "app"),
        ],
    );
    std::fs::create_dir(step.path("app")).expect("a directory");
    let noise: Vec<u8> = (0..200_000u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    std::fs::write(step.path("app/noise.bin"), noise).expect("a file");
    let (code, log) = step.run(FULL);
    assert_eq!(code, Some(1), "{log}");
    assert!(log.contains("File too large"), "{log}");
    assert_eq!(log.matches("::error ").count(), 1, "{log}");
    assert_eq!(
        cloud.count("CreateApplicationVersion") + cloud.count("UpdateEnvironment"),
        0,
        "{log}"
    );
}

#[test]
fn a_step_needs_no_variable_of_github_to_deploy() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.set_versioning(BUCKET, "Enabled");
    let mut step = Step::new(&cloud, &[]);
    for name in ["RUNNER_TEMP", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
        step.environment.remove(name);
    }
    let own = step.path("temp").to_string_lossy().into_owned();
    step.environment.insert("TMPDIR".to_owned(), own);
    let (code, log) = step.run(USUAL);
    assert_eq!(code, Some(0), "{log}");
    // What the variables would name is not known, and a record is written all the same.
    let records = cloud
        .all_keys(BUCKET)
        .into_iter()
        .filter(|key| key.contains("/releases/"));
    assert_eq!(records.count(), 2);
    // An event that is not there, or is none.
    for event in ["/nowhere/event.json", "/dev/null", "/dev/zero"] {
        step.environment
            .insert("GITHUB_EVENT_PATH".to_owned(), event.to_owned());
        let (code, log) = step.run(USUAL);
        assert_eq!(code, Some(0), "{event}: {log}");
    }
    // Files of the runner that lead nowhere.
    symlink("/nowhere/outputs", step.path("dangling")).expect("a link");
    let dangling = step.path("dangling").to_string_lossy().into_owned();
    step.environment.insert("GITHUB_OUTPUT".to_owned(), dangling);
    let (code, log) = step.run(USUAL);
    assert_eq!(code, Some(0), "{log}");
    assert!(
        log.contains("::warning title=Incomplete results::cannot write"),
        "{log}"
    );
}

#[test]
fn a_workspace_that_is_read_only_is_enough() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    let action = Action::new(&cloud)
        .unprivileged()
        .with("bucket", BUCKET)
        .with("source", "site")
        .with("application-name", "my-app")
        .with("environment-name", "my-app-prod")
        .with("package", "app")
        .with("poll-interval", "1")
        .file("site/index.html", "hello")
        .file("app/application.py", "print(1)");
    let allow = |mode: u32| {
        for name in ["site", "app", "."] {
            let permissions = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(action.workspace().join(name), permissions).expect("a mode");
        }
    };
    allow(0o555);
    let run = action.run();
    allow(0o755);
    run.expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["index.html"]);
}

/// The page that is live, and how many releases are on record.
fn state(cloud: &Cloud) -> (String, usize) {
    let page = cloud.object(BUCKET, "index.html").map(|object| object.text());
    let records = cloud
        .all_keys(BUCKET)
        .into_iter()
        .filter(|key| key.contains("/releases/"));
    (page.unwrap_or_default(), records.count() / 2)
}

fn release(cloud: &Cloud, run: usize) -> Action {
    Action::new(cloud)
        .with("bucket", BUCKET)
        .with("source", "site")
        .github("run_id", &format!("{}", 1000 + run))
        .github("run_number", &run.to_string())
}

#[test]
fn a_clock_that_is_wrong_by_an_hour_changes_nothing_of_releases_and_rollbacks() {
    for skew in [3600, -3600] {
        let cloud = Cloud::with_bucket(BUCKET);
        cloud.set_versioning(BUCKET, "Enabled");
        let deploy = |run: usize, text: &str| release(&cloud, run).file("site/index.html", text).run().expect_exit(0);
        deploy(1, "one");
        wait_for_the_next_second();
        cloud.post("/oidc", &json!({"clock_skew": skew}));
        let off = deploy(2, "two");
        no_complaint(&off);
        wait_for_the_next_second();
        cloud.post("/oidc", &json!({"clock_skew": 0}));
        deploy(3, "three");
        assert_eq!(state(&cloud), ("three".to_owned(), 3), "{skew}");
        wait_for_the_next_second();
        cloud.post("/oidc", &json!({"clock_skew": skew}));
        for (run, expected) in [(4, "two"), (5, "one")] {
            let back = release(&cloud, run).with("command", "rollback").run().expect_exit(0);
            assert_eq!(state(&cloud).0, expected, "{skew}\n{}", back.log);
            wait_for_the_next_second();
        }
        let run = deploy(6, "one");
        assert_eq!(run.output("outcome"), "unchanged", "{}", run.log);
    }
}

fn no_complaint(run: &Run) {
    assert_eq!(run.messages("warning"), Vec::<&str>::new(), "{}", run.log);
}

/// S3's times are whole seconds.
fn wait_for_the_next_second() {
    std::thread::sleep(std::time::Duration::from_millis(1100));
}
