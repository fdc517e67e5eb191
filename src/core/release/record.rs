//! The record of one run: everything that a later run or a rollback needs to know of it, and nothing secret.
//!
//! A record is a small head (JSON) and, for a site, two lists of keys (gzip, one JSON object a line), so that listing
//! the last releases reads little, and a hundred thousand keys are no problem.

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::core::release::known_releases::KnownReleases;
use crate::core::release::recorded_cdn::RecordedCdn;
use crate::core::site::key_change::KeyChange;
use crate::core::site::repair::ObjectSettings;
use crate::core::site::retirement::RetiredKey;

/// The version of the record's format that this program writes, and the newest that it reads.
pub(crate) const VERSION: u32 = 1;

/// The head of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    /// [`VERSION`] of the program that wrote it.
    pub(crate) version: u32,
    /// The release's id, see [`crate::core::release::id`].
    pub(crate) id: String,
    /// How far it got.
    pub(crate) status: RecordStatus,
    /// Deploy or rollback.
    pub(crate) command: ReleaseKind,
    /// The release whose state a rollback brought back; none for a rollback to a bare version label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rolls_back_to: Option<String>,
    /// When the run started, by the runner's clock.
    pub(crate) started_at: DateTime<Utc>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) finished_at: Option<DateTime<Utc>>,
    /// The commit that is live after this release; for a rollback the target's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) commit: Option<Commit>,
    /// The workflow run.
    #[serde(default)]
    pub(crate) run: WorkflowRun,
    /// The site part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) site: Option<RecordedSite>,
    /// The cdn part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cdn: Option<RecordedCdn>,
    /// The backend part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) backend: Option<RecordedBackend>,
    /// What was put back after a failure; none without `on-failure: rollback`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) put_back: Option<RecordedPutBack>,
    /// When S3 stored the `started` object: the start by the clock that also stamps the objects' versions. Comes
    /// from the listing.
    #[serde(skip)]
    pub(crate) stored_at: Option<DateTime<Utc>>,
    /// When S3 stored the object that ends the record, by the same clock; none while nobody has seen its end.
    #[serde(skip)]
    pub(crate) ended_at: Option<DateTime<Utc>>,
    /// It has an end, which cannot be read: what is known is how the run began.
    #[serde(skip)]
    pub(crate) has_unreadable_end: bool,
}

/// What a run put back after it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedPutBack {
    /// Everything that the run had changed is as it was before.
    pub(crate) complete: bool,
    /// How many keys are as they were.
    #[serde(default)]
    pub(crate) keys: u64,
}

/// How far a run got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RecordStatus {
    /// Running, or killed before it could finish its record.
    Started,
    /// All went well.
    Succeeded,
    /// Something failed.
    Failed,
    /// Stopped by a signal.
    Cancelled,
}

impl RecordStatus {
    /// The status as the record and the tables name it.
    #[must_use]
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// What kind of run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReleaseKind {
    /// `command: deploy`.
    Deploy,
    /// `command: rollback`.
    Rollback,
}

/// A commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Commit {
    /// The full id.
    pub(crate) sha: String,
    /// `refs/heads/main` and the like.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub(crate) git_ref: Option<String>,
    /// The first line of its message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
}

/// The workflow run that wrote a record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WorkflowRun {
    /// `owner/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) repository: Option<String>,
    /// The workflow's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) workflow: Option<String>,
    /// Its run id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// Its run number: counts up within a workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<u64>,
    /// Its attempt, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) attempt: Option<u64>,
    /// Its page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// Who started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<String>,
}

/// What a run did to the bucket.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecordedSite {
    /// The bucket.
    pub(crate) bucket: String,
    /// Empty, or ending in `/`.
    pub(crate) prefix: String,
    /// The header rules and the ACL used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) applied: Option<ObjectSettings>,
    /// What the step is known by: its source directory and its filters; empty for a rollback.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) scope: Vec<String>,
    /// The bucket's versioning when the run started.
    #[serde(default)]
    pub(crate) versioning: Versioning,
    /// How many keys it was about to change.
    #[serde(default)]
    pub(crate) planned_keys: u64,
    /// How many objects it wrote.
    #[serde(default)]
    pub(crate) written: u64,
    /// How many keys it deleted.
    #[serde(default)]
    pub(crate) deleted: u64,
    /// How many keys it perhaps wrote or deleted: their answers were lost.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) perhaps: u64,
    /// How many old assets its list has: keys that are gone from the source and left in place. None where the run knew
    /// nothing of any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retired: Option<u64>,
    /// The releases that it knew when it decided about old assets. None where it knew nothing of any such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) knew: Option<KnownReleases>,
    /// It deleted nothing but old assets whose time had passed: the state of its commit is the one from before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) upkeep: bool,
    /// How many files the source had, whose digests its list has; of a release that went through and may leave objects
    /// without a file in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) files: Option<u64>,
    /// The digests of their paths; stored beside the head.
    #[serde(skip)]
    pub(crate) file_digests: Vec<u64>,
    /// Those old assets; stored beside the head.
    #[serde(skip)]
    pub(crate) old_assets: Vec<RetiredKey>,
    /// The keys it was about to change; stored beside the head.
    #[serde(skip)]
    pub(crate) planned: Vec<KeyChange>,
    /// The keys it did change; stored beside the head.
    #[serde(skip)]
    pub(crate) changed: Vec<KeyChange>,
}

/// A bucket's versioning.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Versioning {
    /// It could not be read.
    #[default]
    Unknown,
    /// Never turned on: a write destroys what was there.
    Off,
    /// Turned off again: a write destroys the last unversioned object.
    Suspended,
    /// Every write and delete keeps what was there.
    Enabled,
}

/// What a run did to the backend.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedBackend {
    /// The application.
    pub(crate) application: String,
    /// Its region.
    pub(crate) region: String,
    /// The version's label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) version_label: Option<String>,
    /// SHA-256 of the bundle, hexadecimal, when the run had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) bundle_sha256: Option<String>,
    /// The environments.
    #[serde(default)]
    pub(crate) environments: Vec<RecordedEnvironment>,
}

/// What a run did to one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedEnvironment {
    /// Its name.
    pub(crate) name: String,
    /// The label that it ran before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) previous_label: Option<String>,
    /// The label that it was to run.
    pub(crate) label: String,
    /// What became of it.
    pub(crate) outcome: EnvironmentOutcome,
}

/// What became of an environment's update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum EnvironmentOutcome {
    /// Its update was to be started, or was, and nobody saw the end: the run was killed, cancelled, or out of time.
    Planned,
    /// It runs the label.
    Succeeded,
    /// It ran the label already.
    Unchanged,
    /// The update was started and did not succeed.
    Failed,
    /// No update was started.
    Skipped,
}

impl Record {
    /// Whether the run changed anything, or may have.
    #[must_use]
    pub(crate) fn may_have_changed(&self) -> bool {
        use EnvironmentOutcome::{Failed, Planned, Succeeded};
        let backend = self.backend.iter().flat_map(|backend| &backend.environments);
        self.may_have_changed_objects()
            || backend
                .into_iter()
                .any(|environment| matches!(environment.outcome, Planned | Succeeded | Failed))
    }

    /// Whether the run wrote or deleted objects, or may have.
    #[must_use]
    pub(crate) fn may_have_changed_objects(&self) -> bool {
        self.site.as_ref().is_some_and(|site| match self.status {
            RecordStatus::Started => site.planned_keys > 0,
            _ => site.written + site.deleted + site.perhaps > 0,
        })
    }

    /// Whether what is live is not what the last succeeded release left: the run changed something, or may have, and did
    /// not put all of it back.
    #[must_use]
    pub(crate) fn disturbs(&self) -> bool {
        self.may_have_changed() && !self.is_put_back()
    }

    /// Whether the run put all that it changed back.
    #[must_use]
    pub(crate) fn is_put_back(&self) -> bool {
        self.put_back.is_some_and(|put_back| put_back.complete)
    }

    /// What it records of an environment.
    #[must_use]
    pub(crate) fn environment(&self, name: &str) -> Option<&RecordedEnvironment> {
        let mut environments = self.backend.iter().flat_map(|backend| &backend.environments);
        environments.find(|recorded| recorded.name == name)
    }

    /// The label that `environment` runs after this release; `None` when the release says nothing of it.
    #[must_use]
    pub(crate) fn label_of(&self, environment: &str) -> Option<&str> {
        let recorded = self.environment(environment)?;
        match recorded.outcome {
            EnvironmentOutcome::Succeeded => Some(&recorded.label),
            // Older records note here what a new version would have been called.
            EnvironmentOutcome::Unchanged => recorded.previous_label.as_deref().or(Some(&recorded.label)),
            EnvironmentOutcome::Planned | EnvironmentOutcome::Failed | EnvironmentOutcome::Skipped => None,
        }
    }

    /// The head as it is stored.
    ///
    /// # Errors
    /// None in practice: all of it can be JSON.
    pub(crate) fn to_json(&self) -> anyhow::Result<Vec<u8>> {
        serde_json::to_vec_pretty(self).context("cannot write a release record as JSON")
    }

    /// Reads a stored head.
    ///
    /// # Errors
    /// No JSON, no record, or one of a newer format.
    pub(crate) fn from_json(bytes: &[u8]) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Format {
            version: u32,
        }
        let format: Format = serde_json::from_slice(bytes).context("it is no release record")?;
        anyhow::ensure!(
            format.version <= VERSION,
            "it has format {}, and this version of the action reads up to {VERSION}",
            format.version
        );
        serde_json::from_slice(bytes).context("it is no release record")
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_comes_back_as_it_was_and_stays_small() {
        let mut record = crate::core::release::fixtures::release("r1", RecordStatus::Succeeded);
        record.stored_at = None;
        record.site = Some(RecordedSite {
            bucket: "b".into(),
            versioning: Versioning::Enabled,
            ..RecordedSite::default()
        });
        let json = record.to_json().expect("JSON");
        assert!(json.len() < 1000, "{}", String::from_utf8_lossy(&json));
        assert_eq!(Record::from_json(&json).expect("a record"), record);
    }

    #[test]
    fn a_newer_format_and_no_record_are_told_apart() {
        let newer = Record::from_json(br#"{"version": 2, "shape": "unknown"}"#).expect_err("too new");
        assert_eq!(
            newer.to_string(),
            "it has format 2, and this version of the action reads up to 1"
        );
        for other in [&b"{}"[..], b"", b"[1]", br#"{"version": 1}"#] {
            let error = Record::from_json(other).expect_err("no record");
            assert_eq!(error.to_string(), "it is no release record");
        }
    }
}
