//! The report: everything that a run did, as data; rendered to JSON, Markdown and outputs by pure functions.
//!
//! Field names and shapes are the report file's, see the README. Fields that do not apply are absent.

pub(crate) mod build;
pub(crate) mod check;
pub(crate) mod details;
pub(crate) mod forgotten;
pub(crate) mod history;
pub(crate) mod markdown;
pub(crate) mod old_assets;
pub(crate) mod outputs;
pub(crate) mod plain;
pub(crate) mod policy;
pub(crate) mod put_back;
pub(crate) mod redact;
pub(crate) mod sent_paths;
pub(crate) mod summary;
pub(crate) mod title;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::core::error::RenderedError;
use crate::core::inputs::headline::Destination;
use crate::core::release::recorded::Recorded;
use crate::core::site::plan::{Reason, SiteWarning};

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
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
    pub(crate) const fn name(self) -> &'static str {
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
pub(crate) struct Report {
    /// `deploy`, `rollback` or `check`.
    pub(crate) command: String,
    /// How it ended.
    pub(crate) outcome: Outcome,
    /// Nothing was changed on purpose.
    pub(crate) dry_run: bool,
    /// The id of the release record that this run wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) release: Option<String>,
    /// Whether that record says how the run ended; the log has warnings where it does not.
    #[serde(skip)]
    pub(crate) recorded: Recorded,
    /// What is deployed to: buckets, environments, distributions; empty when the inputs are wrong.
    #[serde(skip)]
    pub(crate) places: Vec<Destination>,
    /// What is wrong with the inputs.
    #[serde(skip)]
    pub(crate) wrong_inputs: Vec<String>,
    /// What a rollback went back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rolled_back_to: Option<TargetReport>,
    /// When it started, RFC 3339, UTC.
    pub(crate) started_at: String,
    /// How long it took.
    pub(crate) seconds: f64,
    /// Where it can be seen: `site-url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) site_url: Option<String>,
    /// The site part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) site: Option<SiteReport>,
    /// The cdn part: one entry a distribution that was invalidated.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) invalidations: Vec<Invalidation>,
    /// The backend part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) backend: Option<BackendReport>,
    /// Paths that are still to be invalidated, by distribution, and that the next run will not know of.
    #[serde(skip)]
    pub(crate) forgotten: BTreeMap<String, Vec<String>>,
    /// GitHub Deployments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) github: Option<Github>,
    /// Where the time went: phases in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) timeline: Vec<Phase>,
    /// Whether a failure was undone: everything is as it was before the run.
    pub(crate) rolled_back: bool,
    /// What is live now, of a run that failed or was cancelled after it began to change something.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) live: Option<String>,
    /// What to allow, where something was refused and no error says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<RenderedError>,
}

impl Report {
    /// The report of a run that began at `started_at` and has done nothing yet.
    #[must_use]
    pub(crate) fn new(started_at: String) -> Self {
        Self {
            command: "deploy".to_owned(),
            outcome: Outcome::Unchanged,
            dry_run: false,
            release: None,
            recorded: Recorded::default(),
            places: Vec::new(),
            wrong_inputs: Vec::new(),
            rolled_back_to: None,
            site_url: None,
            started_at,
            seconds: 0.0,
            site: None,
            invalidations: Vec::new(),
            backend: None,
            forgotten: BTreeMap::new(),
            github: None,
            timeline: Vec::new(),
            rolled_back: false,
            live: None,
            advice: None,
            error: None,
        }
    }

    /// What the run did, or in a dry run would do, to objects: the words for those it writes and those it deletes.
    #[must_use]
    pub(crate) fn verbs(&self) -> (&'static str, &'static str) {
        match (self.dry_run, self.command.as_str()) {
            (true, "rollback") => ("to restore", "to delete"),
            (true, _) => ("to upload", "to delete"),
            (false, "rollback") => ("restored", "deleted"),
            (false, _) => ("uploaded", "deleted"),
        }
    }

    /// Whether this run changed anything anywhere.
    #[must_use]
    pub(crate) fn changed(&self) -> bool {
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
pub(crate) fn human_bytes(bytes: u64) -> String {
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
pub(crate) struct TargetReport {
    /// The release's id.
    pub(crate) release: String,
    /// Its commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<String>,
}

/// A phase of the run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Phase {
    /// Its name, as its group in the log.
    pub(crate) name: String,
    /// How long it took.
    pub(crate) seconds: f64,
}

/// What happened to the bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct SiteReport {
    /// The bucket.
    pub(crate) bucket: String,
    /// The prefix: empty, or ending in `/`.
    pub(crate) prefix: String,
    /// Objects left alone.
    pub(crate) unchanged: u64,
    /// Objects written (in a dry run: that would be).
    pub(crate) uploads: Vec<UploadReport>,
    /// Keys deleted.
    pub(crate) deletes: Vec<String>,
    /// Old assets: keys that are gone from the source and stay for a while.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) retired: Vec<RetiredReport>,
    /// Of the keys that a failed run changed, those that are again as they were before it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) restored: Vec<String>,
    /// Of the keys that a failed run changed, those that it could not bring back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_restored: Vec<String>,
    /// Of the keys that a failed run changed, those that somebody else has changed since: they are left alone.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) changed_by_others: Vec<String>,
    /// Keys that could not be written or deleted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) failures: Vec<SiteWarning>,
    /// What was noticed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) warnings: Vec<SiteWarning>,
}

/// One old asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RetiredReport {
    /// The full key.
    pub(crate) key: String,
    /// When its time has passed: the first run after that deletes it. RFC 3339, UTC.
    pub(crate) until: String,
}

/// One object written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct UploadReport {
    /// The full key.
    pub(crate) key: String,
    /// Bytes.
    pub(crate) size: u64,
    /// Why.
    pub(crate) reason: Reason,
    /// Its `Content-Type`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
}

/// One invalidation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Invalidation {
    /// The distribution's id.
    pub(crate) distribution: String,
    /// The invalidation's id; absent when it could not be created, or in a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// The paths, as sent.
    pub(crate) paths: Vec<String>,
    /// `InProgress`, `Completed`, `Planned` (dry run) or `Failed`.
    pub(crate) status: String,
    /// For what a failed run put back, after its first invalidation.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) after_rollback: bool,
}

/// What happened to the backend.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct BackendReport {
    /// The application.
    pub(crate) application: String,
    /// The version's label.
    pub(crate) version_label: String,
    /// The version existed already, with the same bundle.
    pub(crate) version_reused: bool,
    /// This run created the version.
    #[serde(skip)]
    pub(crate) version_created: bool,
    /// The bundle, when one was made or read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bundle: Option<BundleReport>,
    /// The environments, in input order.
    pub(crate) environments: Vec<EnvironmentReport>,
}

/// The bundle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct BundleReport {
    /// Files in it.
    pub(crate) files: u64,
    /// Its size.
    pub(crate) bytes: u64,
    /// Its SHA-256, hexadecimal.
    pub(crate) sha256: String,
}

/// One environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct EnvironmentReport {
    /// Its name.
    pub(crate) name: String,
    /// Whether this run changed it (started an update).
    pub(crate) changed: bool,
    /// An update was started, or perhaps was, and its end was not seen; for the record only.
    #[serde(skip)]
    pub(crate) end_unseen: bool,
    /// The version that it ran before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) previous_version_label: Option<String>,
    /// The version that it ran when it was seen last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version_label: Option<String>,
    /// The version whose update was sent, where nothing was seen of the environment since: what it runs is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) unknown_since_update_to: Option<String>,
    /// The option settings that this run sent, where the version that it sent does not run.
    #[serde(skip)]
    pub(crate) sent_settings: Vec<String>,
    /// They are known to have taken effect.
    #[serde(skip)]
    pub(crate) settings_took_effect: bool,
    /// The version that it is to run; none when it is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) planned_version_label: Option<String>,
    /// `Ready`, `Updating`, ….
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    /// `Green`, `Yellow`, `Red`, `Grey`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) health: Option<String>,
    /// `http://` and the CNAME; none for a worker.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Its events during the update, oldest first.
    pub(crate) events: Vec<EventReport>,
    /// Why it failed, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// This run had updated it, and it runs again what it ran before.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) rolled_back: bool,
    /// What was found out about that; in the log and the summary only.
    #[serde(skip)]
    pub(crate) excerpts: Vec<Excerpt>,
}

/// A part of the log that the summary repeats, without secrets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Excerpt {
    /// What it is.
    pub(crate) title: String,
    /// Its lines.
    pub(crate) lines: Vec<String>,
}

/// An event of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct EventReport {
    /// RFC 3339, UTC.
    pub(crate) time: String,
    /// `INFO`, `WARN`, `ERROR`, ….
    pub(crate) severity: String,
    /// Beanstalk's text.
    pub(crate) message: String,
}

/// GitHub Deployments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Github {
    /// The deployment's id.
    pub(crate) deployment_id: u64,
}
