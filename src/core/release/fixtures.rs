//! Small records for the tests of this module.

use std::collections::BTreeMap;

use chrono::DateTime;

use crate::core::release::record::{
    Commit, EnvironmentOutcome, Record, RecordStatus, RecordedBackend, RecordedEnvironment, RecordedSite, ReleaseKind,
    VERSION, Versioning, WorkflowRun,
};
use crate::core::release::recorded_cdn::RecordedCdn;
use crate::core::site::key_change::{KeyChange, KeyOperation};

/// A record; the id's digits are its time in minutes, so that ids sort as times do.
pub(crate) fn release(id: &str, status: RecordStatus) -> Record {
    let digits: String = id.chars().filter(char::is_ascii_digit).collect();
    let minutes: i64 = digits.parse().unwrap_or(0);
    let started_at = DateTime::from_timestamp(1_795_000_000 + minutes * 60, 0).expect("a time");
    Record {
        version: VERSION,
        id: id.to_owned(),
        status,
        command: ReleaseKind::Deploy,
        rolls_back_to: None,
        started_at,
        finished_at: None,
        commit: None,
        run: WorkflowRun::default(),
        site: None,
        cdn: None,
        backend: None,
        put_back: None,
        stored_at: Some(started_at),
        ended_at: None,
        has_unreadable_end: false,
    }
}

/// Adds a site of bucket `b` with these written keys and their versions.
pub(crate) fn with_site(mut record: Record, keys: &[(&str, &str)]) -> Record {
    let mut site = RecordedSite {
        bucket: "b".into(),
        versioning: Versioning::Enabled,
        planned_keys: keys.len() as u64,
        ..RecordedSite::default()
    };
    let changed: Vec<KeyChange> = keys
        .iter()
        .map(|&(key, version)| KeyChange {
            key: key.into(),
            operation: KeyOperation::Written,
            version_id: Some(version.into()),
            existed: None,
            perhaps: false,
        })
        .collect();
    site.finish(&changed);
    record.site = Some(site);
    record
}

/// Adds environment `web-prod` at `label`.
pub(crate) fn with_label(mut record: Record, label: &str, outcome: EnvironmentOutcome) -> Record {
    record.backend = Some(RecordedBackend {
        application: "web".into(),
        version_label: Some(label.into()),
        environments: vec![RecordedEnvironment {
            name: "web-prod".into(),
            previous_label: None,
            label: label.into(),
            outcome,
        }],
        ..RecordedBackend::default()
    });
    record
}

/// Makes it a rollback to `target`.
pub(crate) fn rolls_back_to(mut record: Record, target: &str) -> Record {
    record.command = ReleaseKind::Rollback;
    record.rolls_back_to = Some(target.into());
    record
}

/// Adds the commit.
pub(crate) fn with_commit(mut record: Record, sha: &str) -> Record {
    record.commit = Some(Commit {
        sha: sha.into(),
        ..Commit::default()
    });
    record
}

/// Adds distributions: all of them, the confirmed, the unconfirmed paths.
pub(crate) fn with_cdn(mut record: Record, all: &[&str], confirmed: &[&str], paths: &[(&str, &[&str])]) -> Record {
    let owned = |list: &[&str]| list.iter().map(|&one| one.to_owned()).collect::<Vec<_>>();
    record.cdn = Some(RecordedCdn {
        distributions: owned(all),
        confirmed: owned(confirmed),
        unconfirmed: paths
            .iter()
            .map(|(distribution, paths)| ((*distribution).to_owned(), owned(paths)))
            .collect::<BTreeMap<_, _>>(),
        paid: Vec::new(),
    });
    record
}
