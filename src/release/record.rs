//! The record of one run: everything that a later run or a rollback needs to know of it, and nothing secret.
//!
//! A record is a small head (JSON) and, for a site, two lists of keys (gzip, one JSON object a line), so that listing
//! the last releases reads little, and a hundred thousand keys are no problem.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::site::plan::{ChangedKey, KeyChange, Reason, SitePlan};
use crate::site::repair::Applied;

/// The version of the record's format that this program writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// The head of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// [`VERSION`] of the program that wrote it.
    pub version: u32,
    /// The release's id, see [`super::id`].
    pub id: String,
    /// How far it got.
    pub status: Status,
    /// Deploy or rollback.
    pub command: Kind,
    /// The release whose state a rollback brought back; none for a rollback to a bare version label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolls_back_to: Option<String>,
    /// When the run started, by the runner's clock.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<DateTime<Utc>>,
    /// The commit that is live after this release; for a rollback the target's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<Commit>,
    /// The workflow run.
    #[serde(default)]
    pub run: Run,
    /// The site part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<Site>,
    /// The cdn part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cdn: Option<Cdn>,
    /// The backend part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<Backend>,
    /// When S3 stored the `started` object: the start by the clock that also stamps the objects' versions. Comes
    /// from the listing.
    #[serde(skip)]
    pub stored_at: Option<DateTime<Utc>>,
}

/// How far a run got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Running, or killed before it could finish its record.
    Started,
    /// All went well.
    Succeeded,
    /// Something failed.
    Failed,
    /// Stopped by a signal.
    Cancelled,
}

impl Status {
    /// The status as the record and the tables name it.
    #[must_use]
    pub const fn text(self) -> &'static str {
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
pub enum Kind {
    /// `command: deploy`.
    Deploy,
    /// `command: rollback`.
    Rollback,
}

/// A commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The full id.
    pub sha: String,
    /// `refs/heads/main` and the like.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<String>,
    /// The first line of its message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
}

/// The workflow run that wrote a record.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// `owner/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The workflow's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// Its run id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its run number: counts up within a workflow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u64>,
    /// Its attempt, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u64>,
    /// Its page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Who started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

/// What a run did to the bucket.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// The bucket.
    pub bucket: String,
    /// Empty, or ending in `/`.
    pub prefix: String,
    /// The header rules and the ACL used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied: Option<Applied>,
    /// The bucket's versioning when the run started.
    #[serde(default)]
    pub versioning: Versioning,
    /// How many keys it was about to change.
    #[serde(default)]
    pub planned_keys: u64,
    /// How many objects it wrote.
    #[serde(default)]
    pub written: u64,
    /// How many keys it deleted.
    #[serde(default)]
    pub deleted: u64,
    /// The keys it was about to change; stored beside the head.
    #[serde(skip)]
    pub planned: Vec<PlannedKey>,
    /// The keys it did change; stored beside the head.
    #[serde(skip)]
    pub changed: Vec<RecordedKey>,
}

/// A bucket's versioning.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html>
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Versioning {
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

/// A key that a run is about to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedKey {
    /// The full key.
    #[serde(rename = "k")]
    pub key: String,
    /// What is to happen to it.
    #[serde(rename = "c")]
    pub change: KeyChange,
    /// Whether there was an object before.
    #[serde(rename = "e")]
    pub existed: bool,
}

/// A key that a run did change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedKey {
    /// The full key.
    #[serde(rename = "k")]
    pub key: String,
    /// What happened to it.
    #[serde(rename = "c")]
    pub change: KeyChange,
    /// The version id that S3 answered, of the object or of the delete marker.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// Whether there was an object before, where the plan knew.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub existed: Option<bool>,
}

/// What a run did to distributions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cdn {
    /// The distributions that it had to invalidate.
    pub distributions: Vec<String>,
    /// Those whose invalidation was accepted, paths carried over from earlier runs included.
    #[serde(default)]
    pub confirmed: Vec<String>,
    /// Paths that changed and are not invalidated: distribution to paths.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unconfirmed: BTreeMap<String, Vec<String>>,
}

/// What a run did to the backend.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backend {
    /// The application.
    pub application: String,
    /// Its region.
    pub region: String,
    /// The version's label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_label: Option<String>,
    /// SHA-256 of the bundle, hexadecimal, when the run had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_sha256: Option<String>,
    /// The environments.
    #[serde(default)]
    pub environments: Vec<Environment>,
}

/// What a run did to one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// Its name.
    pub name: String,
    /// The label that it ran before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_label: Option<String>,
    /// The label that it was to run.
    pub label: String,
    /// What became of it.
    pub outcome: EnvironmentOutcome,
}

/// What became of an environment's update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EnvironmentOutcome {
    /// To be updated (only in a `started` record).
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
    pub fn may_have_changed(&self) -> bool {
        use EnvironmentOutcome::{Failed, Planned, Succeeded};
        let site = super::restore::may_have_changed_objects(self);
        let backend = self.backend.iter().flat_map(|backend| &backend.environments);
        site || backend
            .into_iter()
            .any(|environment| matches!(environment.outcome, Planned | Succeeded | Failed))
    }

    /// The label that `environment` runs after this release; `None` when the release says nothing of it.
    #[must_use]
    pub fn label_of(&self, environment: &str) -> Option<&str> {
        let of_this = |one: &&Environment| {
            one.name == environment
                && matches!(
                    one.outcome,
                    EnvironmentOutcome::Succeeded | EnvironmentOutcome::Unchanged
                )
        };
        let environments = self.backend.iter().flat_map(|backend| &backend.environments);
        environments.into_iter().find(of_this).map(|one| one.label.as_str())
    }

    /// The head as it is stored.
    ///
    /// # Errors
    /// None in practice: all of it can be JSON.
    pub fn to_json(&self) -> anyhow::Result<Vec<u8>> {
        serde_json::to_vec_pretty(self).context("cannot write a release record as JSON")
    }

    /// Reads a stored head.
    ///
    /// # Errors
    /// No JSON, no record, or one of a newer format.
    pub fn from_json(bytes: &[u8]) -> anyhow::Result<Self> {
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

impl Site {
    /// Takes the keys that `plan` is about to change.
    pub fn plan(&mut self, plan: &SitePlan) {
        let writes = plan.writes.iter().map(|write| PlannedKey {
            key: write.key.clone(),
            change: KeyChange::Written,
            existed: write.reason != Reason::New,
        });
        let deletes = plan.deletes.iter().map(|key| PlannedKey {
            key: key.clone(),
            change: KeyChange::Deleted,
            existed: true,
        });
        self.planned = writes.chain(deletes).collect();
        self.planned_keys = self.planned.len() as u64;
    }

    /// Takes the keys that an execution did change.
    pub fn finish(&mut self, changed: Vec<ChangedKey>) {
        let existed: HashMap<&str, bool> = self.planned.iter().map(|key| (key.key.as_str(), key.existed)).collect();
        self.changed = changed
            .into_iter()
            .map(|key| RecordedKey {
                existed: existed.get(key.key.as_str()).copied(),
                key: key.key,
                change: key.change,
                version_id: key.version_id,
            })
            .collect();
        self.written = self
            .changed
            .iter()
            .filter(|key| key.change == KeyChange::Written)
            .count() as u64;
        self.deleted = self.changed.len() as u64 - self.written;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_comes_back_as_it_was_and_stays_small() {
        let mut record = super::super::fixtures::release("r1", Status::Succeeded);
        record.stored_at = None;
        record.site = Some(Site {
            bucket: "b".into(),
            versioning: Versioning::Enabled,
            ..Site::default()
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
