//! One `uses:` step, run as GitHub's runner runs a composite action.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::Cloud;

/// The id of the first workflow run with a cloud; each further run has the next one, unless the test says otherwise.
const FIRST_RUN_ID: u64 = 1001;

/// A step to run, with a workspace of its own.
pub(crate) struct Action {
    with: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
    github: BTreeMap<String, Value>,
    signals: Vec<Value>,
    id_token: Value,
    timeout: u64,
    unprivileged: bool,
    directory: TempDir,
}

/// What a step did.
#[derive(Debug)]
pub(crate) struct Run {
    /// The step's exit code.
    pub(crate) exit_code: i64,
    /// The log, secrets masked as the runner does.
    pub(crate) log: String,
    /// The action's outputs.
    pub(crate) outputs: BTreeMap<String, String>,
    /// The step summary.
    pub(crate) summary: String,
    /// The workflow commands that the runner saw: `command`, `properties`, `message`.
    pub(crate) commands: Vec<Value>,
    /// The report file.
    pub(crate) report: Value,
    /// Everything that the harness says.
    pub(crate) raw: Value,
}

/// A copy of the action that holds the freshly built binary.
pub(crate) fn action_copy() -> &'static Path {
    static COPY: OnceLock<TempDir> = OnceLock::new();
    COPY.get_or_init(|| {
        let copy = TempDir::new().expect("a temporary directory");
        let project = super::project();
        std::fs::create_dir(copy.path().join("dist")).expect("a directory");
        for file in ["action.yml", "dist/run"] {
            std::fs::copy(project.join(file), copy.path().join(file)).expect("a file of the action");
        }
        let target = if cfg!(target_arch = "aarch64") {
            "linux-arm64"
        } else {
            "linux-x64"
        };
        let binary = copy.path().join(format!("dist/aws-web-deploy-{target}"));
        std::fs::copy(env!("CARGO_BIN_EXE_aws-web-deploy"), binary).expect("the freshly built binary");
        copy
    })
    .path()
}

impl Action {
    /// A step in an empty workspace, with credentials and endpoints of `cloud` in its environment.
    pub(crate) fn new(cloud: &Cloud) -> Self {
        Self::without_credentials(cloud)
            .env("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    }

    /// The same without any credentials.
    pub(crate) fn without_credentials(cloud: &Cloud) -> Self {
        let action = Self {
            with: BTreeMap::new(),
            env: BTreeMap::new(),
            github: BTreeMap::new(),
            signals: Vec::new(),
            id_token: json!({}),
            timeout: 120,
            unprivileged: false,
            directory: TempDir::new().expect("a temporary directory"),
        };
        for directory in ["workspace", "temp"] {
            std::fs::create_dir(action.directory.path().join(directory)).expect("a directory");
        }
        action
            .env("AWS_ENDPOINT_URL", &cloud.endpoint)
            .env("AWS_REGION", "us-east-1")
            .github("api_url", &cloud.github)
            .github("repository", "octo/site")
            .github("sha", "8f3c2a1b5d7e9f00112233445566778899aabbcc")
            .github("ref", "refs/heads/main")
            .github("run_number", "7")
    }

    /// Sets an input.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.with.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets a variable of the step's environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Removes a variable of the step's environment.
    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.env.remove(name);
        self
    }

    /// Sets a value of the `github` context.
    pub(crate) fn github(mut self, name: &str, value: &str) -> Self {
        self.github.insert(name.to_owned(), json!(value));
        self
    }

    /// Grants `permissions: id-token: write`.
    pub(crate) fn id_token(mut self, cloud: &Cloud) -> Self {
        self.id_token = json!({"url": cloud.oidc, "token": "request-token"});
        self
    }

    /// Sends a signal (`INT`, `TERM`, `KILL`, `CANCEL`: what the runner sends in its time, or `DETACH`: none, and nobody
    /// reads the log any more) `after` so many seconds, counted from the first line of the log that holds `when` (from the start when that is empty).
    pub(crate) fn signal(mut self, signal: &str, when: &str, after: f64) -> Self {
        self.signals
            .push(json!({"signal": signal, "when": when, "after": after}));
        self
    }

    /// Sends a signal as soon as `file` is there.
    pub(crate) fn signal_at(mut self, signal: &str, file: &Path) -> Self {
        self.signals.push(json!({"signal": signal, "file": file}));
        self
    }

    /// Takes away root's power to read what its mode forbids, where the tests run as root.
    pub(crate) fn unprivileged(mut self) -> Self {
        self.unprivileged = true;
        self
    }

    /// Sets the event that started the run.
    pub(crate) fn event(mut self, event: Value) -> Self {
        self.github.insert("event".to_owned(), event);
        self
    }

    /// Writes a file of the workspace.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(path, content);
        self
    }

    /// Writes a file of the workspace, between runs.
    pub(crate) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let file = self.workspace().join(path);
        std::fs::create_dir_all(file.parent().expect("a directory above")).expect("a directory");
        std::fs::write(file, content).expect("a file");
    }

    /// The workspace's directory.
    pub(crate) fn workspace(&self) -> PathBuf {
        self.directory.path().join("workspace")
    }

    /// Runs the step. It can be run again: the workspace stays.
    pub(crate) fn run(&self) -> Run {
        let mut github = self.github.clone();
        github
            .entry("run_id".to_owned())
            .or_insert_with(|| json!(self.next_run_id()));
        let job = json!({
            "action": action_copy(),
            "with": self.with,
            "env": self.env,
            "github": github,
            "workspace": self.workspace(),
            "temp": self.directory.path().join("temp"),
            "runner": {"os": "Linux", "arch": if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" }},
            "timeout": self.timeout,
            "signals": self.signals,
            "id_token": self.id_token,
        });
        let file = self.directory.path().join("job.json");
        std::fs::write(&file, job.to_string()).expect("the job's file");
        let output = self
            .command()
            .args(["-m", "runner"])
            .arg(&file)
            .current_dir(super::project().join("tests"))
            .stdin(Stdio::null())
            .output()
            .expect("the runner harness starts");
        if !output.status.success() {
            let _ = std::io::stderr().write_all(&output.stderr);
            panic!("the runner harness failed: {}", output.status);
        }
        Run::new(serde_json::from_slice(&output.stdout).expect("the harness answers JSON"))
    }
}

impl Action {
    fn next_run_id(&self) -> String {
        static RUNS: Mutex<BTreeMap<String, u64>> = Mutex::new(BTreeMap::new());
        let cloud = self.env.get("AWS_ENDPOINT_URL").cloned().unwrap_or_default();
        let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
        let number = runs.entry(cloud).or_insert(FIRST_RUN_ID);
        *number += 1;
        (*number - 1).to_string()
    }

    fn command(&self) -> Command {
        let root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        if !(self.unprivileged && root) {
            return Command::new(super::python());
        }
        let mut command = Command::new("setpriv");
        command
            .args(["--bounding-set", "-dac_override,-dac_read_search"])
            .arg(super::python());
        command
    }
}

impl Run {
    fn new(raw: Value) -> Self {
        let text = |name: &str| raw[name].as_str().unwrap_or_default().to_owned();
        let outputs: BTreeMap<String, String> = raw["outputs"]
            .as_object()
            .map(|all| {
                all.iter()
                    .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
                    .collect()
            })
            .unwrap_or_default();
        let report = outputs
            .get("report")
            .and_then(|path| std::fs::read(path).ok())
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or(Value::Null);
        Self {
            exit_code: raw["exit_code"].as_i64().unwrap_or(-1),
            log: text("log"),
            summary: text("summary"),
            commands: raw["commands"].as_array().cloned().unwrap_or_default(),
            outputs,
            report,
            raw,
        }
    }

    /// The value of an output; empty when it is not set.
    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs.get(name).map_or("", String::as_str)
    }

    /// The messages of the workflow command `name` (`error`, `warning`, `notice`, …).
    pub(crate) fn messages(&self, name: &str) -> Vec<&str> {
        self.commands
            .iter()
            .filter(|one| one["command"] == name)
            .filter_map(|one| one["message"].as_str())
            .collect()
    }

    /// The one error of the run.
    pub(crate) fn error(&self) -> &str {
        match self.messages("error").as_slice() {
            [one] => one,
            other => panic!("expected one error, saw {other:?} in\n{}", self.log),
        }
    }

    /// Fails with the log unless the exit code is `code`.
    #[track_caller]
    pub(crate) fn expect_exit(self, code: i64) -> Self {
        assert_eq!(self.exit_code, code, "{}", self.log);
        self
    }

    /// The keys that the report says were uploaded.
    pub(crate) fn uploaded(&self) -> Vec<&str> {
        self.report["site"]["uploads"]
            .as_array()
            .map(|all| all.iter().filter_map(|one| one["key"].as_str()).collect())
            .unwrap_or_default()
    }
}
