//! The scenarios that the real `aws s3 sync` was recorded with, through the binary, under the same rule.
//!
//! What differs on purpose is listed here, scenario by scenario, with its reason.

use std::collections::BTreeSet;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use serde::Deserialize;

use crate::support::{Action, Cloud, Run};

#[derive(Deserialize)]
struct Recorded {
    scenarios: Vec<Scenario>,
}

#[derive(Clone, Deserialize)]
struct Scenario {
    id: String,
    local: Vec<Entry>,
    remote: Vec<Stored>,
    #[serde(default)]
    dest_prefix: String,
    #[serde(default)]
    src_form: String,
    flags: Vec<String>,
    expect: Expect,
}

#[derive(Clone, Deserialize)]
struct Entry {
    path: String,
    #[serde(rename = "type")]
    kind: String,
    size: Option<usize>,
    /// Seconds after the LastModified of the object.
    mtime_vs_remote: Option<f64>,
    target: Option<String>,
}

#[derive(Clone, Deserialize)]
struct Stored {
    key: String,
    size: usize,
}

#[derive(Clone, Deserialize)]
struct Expect {
    rc: i64,
    /// Path and key.
    upload: Vec<(String, String)>,
    delete: Vec<String>,
}

/// What this action does in place of what was recorded.
enum Instead {
    /// Exit code 0, and the same uploads and deletes.
    Succeeds,
    /// Exit code 0, these uploads and these deletes.
    Does(&'static [&'static str], &'static [&'static str]),
    /// This exit code, nothing changed, and an error with this text in it.
    Refuses(i64, &'static str),
}

/// Scenario, what happens instead, why.
const ON_PURPOSE: &[(&str, Instead, &str)] = &[
    ("filter-git", Instead::Does(&["a"], &[]), "`.git/` is never uploaded"),
    ("symlink-broken", Instead::Succeeds, "a broken link is a warning"),
    ("symlink-loop", Instead::Succeeds, "a loop is a warning"),
    ("fifo", Instead::Succeeds, "a FIFO is a warning"),
    (
        "fifo-delete",
        Instead::Does(&[], &[]),
        "what cannot be uploaded keeps its object",
    ),
    (
        "unreadable-file",
        Instead::Refuses(1, "`u`"),
        "what cannot be read stops the run before it begins",
    ),
    (
        "unreadable-dir",
        Instead::Refuses(1, "`ud`"),
        "what cannot be read stops the run before it begins",
    ),
    (
        "unreadable-dir-delete",
        Instead::Refuses(1, "`ud`"),
        "what cannot be read stops the run before it begins",
    ),
    (
        "src-is-file",
        Instead::Refuses(2, "`source`"),
        "a source that is a file is a wrong input",
    ),
    (
        "src-missing",
        Instead::Refuses(2, "`source`"),
        "a missing source is a wrong input",
    ),
    (
        "src-root-globchars",
        Instead::Does(&["b.md"], &[]),
        "the source's own name is no pattern",
    ),
    (
        "unknown-flag",
        Instead::Refuses(2, "`--bogus`"),
        "wrong inputs have their own exit code",
    ),
    (
        "bad-acl",
        Instead::Refuses(2, "`nope`"),
        "wrong inputs have their own exit code",
    ),
    (
        "quiet",
        Instead::Does(&["a"], &[]),
        "recorded by what a dry run prints, which `--quiet` hides",
    ),
];

const BUCKET: &str = "site-bucket";

#[test]
fn every_recorded_scenario_ends_as_recorded() {
    let recorded: Recorded = serde_json::from_str(include_str!("../vectors/sync.json")).expect("legal vectors");
    for (id, ..) in ON_PURPOSE {
        assert!(
            recorded.scenarios.iter().any(|scenario| scenario.id == *id),
            "no scenario `{id}`"
        );
    }
    let next = AtomicUsize::new(0);
    let wrong: Vec<String> = std::thread::scope(|threads| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                threads.spawn(|| {
                    let mut wrong = Vec::new();
                    while let Some(scenario) = recorded.scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
                        wrong.extend(scenario.check().err().map(|why| format!("{}: {why}", scenario.id)));
                    }
                    wrong
                })
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a scenario panicked"))
            .collect()
    });
    assert!(
        wrong.is_empty(),
        "{} scenarios differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

impl Scenario {
    fn check(&self) -> Result<(), String> {
        let cloud = Cloud::with_acl_bucket(BUCKET);
        for object in &self.remote {
            cloud.put(BUCKET, &object.key, &[], &vec![b'x'; object.size]);
        }
        let before = cloud.keys(BUCKET);
        let run = self.run(&cloud);
        let after: BTreeSet<String> = cloud.keys(BUCKET).into_iter().collect();

        let mut exit_code = self.expect.rc;
        let mut uploads: BTreeSet<String> = self.expect.upload.iter().map(|(_, key)| key.clone()).collect();
        let mut deletes: BTreeSet<String> = self.expect.delete.iter().cloned().collect();
        match ON_PURPOSE
            .iter()
            .find(|(id, ..)| *id == self.id)
            .map(|(_, instead, _)| instead)
        {
            None => {}
            Some(Instead::Succeeds) => exit_code = 0,
            Some(Instead::Does(up, down)) => {
                exit_code = 0;
                uploads = up.iter().map(|key| (*key).to_owned()).collect();
                deletes = down.iter().map(|key| (*key).to_owned()).collect();
            }
            Some(Instead::Refuses(code, text)) => {
                exit_code = *code;
                uploads.clear();
                deletes.clear();
                if !run.messages("error").iter().any(|message| message.contains(text)) {
                    return Err(format!("no error names {text}:\n{}", run.log));
                }
            }
        }
        let seen = |list: &str, key: Option<&str>| -> BTreeSet<String> {
            let all = run.report["site"][list].as_array().cloned().unwrap_or_default();
            let text = |one: &serde_json::Value| key.map_or(one, |key| &one[key]).as_str().map(str::to_owned);
            all.iter().filter_map(text).collect()
        };
        let expected_after: BTreeSet<String> = before.iter().chain(&uploads).cloned().collect();
        let expected_after: BTreeSet<String> = expected_after.difference(&deletes).cloned().collect();
        let checks = [
            ("exit code", format!("{exit_code}"), format!("{}", run.exit_code)),
            (
                "uploads",
                format!("{uploads:?}"),
                format!("{:?}", seen("uploads", Some("key"))),
            ),
            (
                "deletes",
                format!("{deletes:?}"),
                format!("{:?}", seen("deletes", None)),
            ),
            ("keys afterwards", format!("{expected_after:?}"), format!("{after:?}")),
        ];
        for (what, expected, actual) in checks {
            if expected != actual {
                return Err(format!("{what}: expected {expected}, saw {actual}\n{}", run.log));
            }
        }
        Ok(())
    }

    fn run(&self, cloud: &Cloud) -> Run {
        let (directory, source) = match self.src_form.as_str() {
            "" | "rel" => ("src", "src"),
            "slash" => ("src", "src/"),
            "file:a" => ("src", "src/a"),
            "missing" => ("src", "nope"),
            "symlink" => ("src", "link"),
            "glob" => ("x[1]", "x[1]"),
            other => panic!("unknown form of source: {other}"),
        };
        let action = Action::new(cloud)
            .with("bucket", BUCKET)
            .with("source", source)
            .with("prefix", &self.dest_prefix)
            .with(
                "compare",
                if self.flags.iter().any(|flag| flag == "--size-only") {
                    ""
                } else {
                    "modified"
                },
            )
            .with("args", &shell_words::join(&self.flags))
            .unprivileged();
        let root = action.workspace().join(directory);
        std::fs::create_dir(&root).expect("a directory");
        symlink("src", action.workspace().join("link")).expect("a link");
        for entry in &self.local {
            self.create(entry, &root, cloud);
        }
        let run = action.run();
        // What cannot be read cannot be removed either.
        for entry in self.local.iter().filter(|entry| entry.kind.starts_with("unreadable")) {
            set_mode(&root.join(&entry.path), 0o700);
        }
        run
    }

    fn create(&self, entry: &Entry, root: &Path, cloud: &Cloud) {
        let path = root.join(&entry.path);
        std::fs::create_dir_all(path.parent().expect("a directory above")).expect("a directory");
        match (entry.kind.as_str(), entry.size) {
            ("file" | "unreadable", Some(size)) => std::fs::write(&path, vec![b'x'; size]).expect("a file"),
            ("unreadable_dir", _) => std::fs::create_dir(&path).expect("a directory"),
            ("symlink", _) => symlink(entry.target.as_ref().expect("a target"), &path).expect("a link"),
            ("fifo", _) => {
                let made = std::process::Command::new("mkfifo")
                    .arg(&path)
                    .status()
                    .expect("mkfifo");
                assert!(made.success());
            }
            (other, _) => panic!("unknown type of entry: {other}"),
        }
        if let Some(seconds) = entry.mtime_vs_remote {
            let prefix = match self.dest_prefix.as_str() {
                "" => String::new(),
                prefix if prefix.ends_with('/') => prefix.to_owned(),
                prefix => format!("{prefix}/"),
            };
            let remote = cloud.last_modified(BUCKET, &format!("{prefix}{}", entry.path));
            let base = remote.unwrap_or_else(SystemTime::now);
            let delta = Duration::from_secs_f64(seconds.abs());
            let time = if seconds < 0.0 { base - delta } else { base + delta };
            let file = std::fs::File::options().write(true).open(&path).expect("a file");
            file.set_modified(time).expect("a time");
        }
        if entry.kind.starts_with("unreadable") {
            if path.is_dir() {
                std::fs::write(path.join("in"), "x").expect("a file");
            }
            set_mode(&path, 0o000);
        }
    }
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("a mode");
}
