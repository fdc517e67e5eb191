//! The report: everything that a run did, as data; rendered to JSON, Markdown and outputs by pure functions.
//!
//! Field names and shapes are the report file's, see the README. Fields that do not apply are absent.

pub mod check;
pub mod history;
pub mod markdown;
pub mod outputs;
pub mod policy;
pub mod summary;

use serde::Serialize;

use crate::failure::Failure;
use crate::site::plan::{Reason, SiteWarning};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Something changed, and all went well.
    Succeeded,
    /// There was nothing to do.
    Unchanged,
    /// Something failed.
    Failed,
    /// Stopped by a signal.
    Cancelled,
}

impl Outcome {
    /// The name in outputs and report.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Unchanged => "unchanged",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The whole report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// `deploy`, `rollback` or `check`.
    pub command: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Nothing was changed on purpose.
    pub dry_run: bool,
    /// The id of the release record that this run wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// What a rollback went back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolled_back_to: Option<Target>,
    /// When it started, RFC 3339, UTC.
    pub started_at: String,
    /// How long it took.
    pub seconds: f64,
    /// The site part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
    /// The cdn part: one entry a distribution that was invalidated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub invalidations: Vec<Invalidation>,
    /// The backend part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend: Option<Backend>,
    /// GitHub Deployments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub github: Option<Github>,
    /// Where the time went: phases in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub timeline: Vec<Phase>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Failure>,
}

impl Report {
    /// The report of a run that began at `started_at` and has done nothing yet.
    #[must_use]
    pub fn new(started_at: String) -> Self {
        Self {
            command: "deploy".to_owned(),
            outcome: Outcome::Unchanged,
            dry_run: false,
            release: None,
            rolled_back_to: None,
            started_at,
            seconds: 0.0,
            site: None,
            invalidations: Vec::new(),
            backend: None,
            github: None,
            timeline: Vec::new(),
            error: None,
        }
    }

    /// What the run does to an object that it writes, as a participle.
    #[must_use]
    pub fn written(&self) -> &'static str {
        if self.command == "rollback" {
            "restored"
        } else {
            "uploaded"
        }
    }

    /// Whether this run changed anything anywhere.
    #[must_use]
    pub fn changed(&self) -> bool {
        let site = self
            .site
            .as_ref()
            .is_some_and(|site| !site.uploads.is_empty() || !site.deletes.is_empty());
        let cdn = self.invalidations.iter().any(|one| one.id.is_some());
        let backend = self.backend.as_ref().is_some_and(|backend| {
            backend.version_created || backend.environments.iter().any(|environment| environment.changed)
        });
        !self.dry_run && (site || cdn || backend)
    }
}

/// `bytes` for people, in units of 1000 as GitHub shows them.
#[must_use]
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in UNITS {
        if value < 999.95 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// The target of a rollback.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// The release's id.
    pub release: String,
    /// Its commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

/// A phase of the run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Phase {
    /// Its name, as its group in the log.
    pub name: String,
    /// How long it took.
    pub seconds: f64,
}

/// What happened to the bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Site {
    /// The bucket.
    pub bucket: String,
    /// The prefix: empty, or ending in `/`.
    pub prefix: String,
    /// Objects left alone.
    pub unchanged: u64,
    /// Objects written (in a dry run: that would be).
    pub uploads: Vec<Upload>,
    /// Keys deleted.
    pub deletes: Vec<String>,
    /// Keys that could not be written or deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<SiteWarning>,
    /// What was noticed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<SiteWarning>,
}

/// One object written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Upload {
    /// The full key.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// Why.
    pub reason: Reason,
    /// Its `Content-Type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// One invalidation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Invalidation {
    /// The distribution's id.
    pub distribution: String,
    /// The invalidation's id; absent when it could not be created, or in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The paths, as sent.
    pub paths: Vec<String>,
    /// `InProgress`, `Completed`, `Planned` (dry run) or `Failed`.
    pub status: String,
}

/// What happened to the backend.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Backend {
    /// The application.
    pub application: String,
    /// The version's label.
    pub version_label: String,
    /// The version existed already, with the same bundle.
    pub version_reused: bool,
    /// This run created the version.
    #[serde(skip)]
    pub version_created: bool,
    /// The bundle, when one was made or read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Bundle>,
    /// The environments, in input order.
    pub environments: Vec<Environment>,
}

/// The bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Bundle {
    /// Files in it.
    pub files: u64,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

/// One environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// Whether this run changed it (started an update).
    pub changed: bool,
    /// The version that it ran before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous_version_label: Option<String>,
    /// `Ready`, `Updating`, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// `Green`, `Yellow`, `Red`, `Grey`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// `http://` and the CNAME; none for a worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its events during the update, oldest first.
    pub events: Vec<Event>,
    /// Why it failed, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// An event of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Event {
    /// RFC 3339, UTC.
    pub time: String,
    /// `INFO`, `WARN`, `ERROR`, ….
    pub severity: String,
    /// Beanstalk's text.
    pub message: String,
}

/// GitHub Deployments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Github {
    /// The deployment's id.
    pub deployment_id: u64,
}
