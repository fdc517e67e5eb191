//! Releases of a backend whose end nobody saw: the run was killed, cancelled, or out of time while Elastic Beanstalk
//! went on. Records are always newest first.

use chrono::{DateTime, Utc};

use crate::core::release::live::live;
use crate::core::release::record::{EnvironmentOutcome, Record, RecordStatus, RecordedBackend};

/// The newest of such releases that turned out well, as it ended: all of its environments run its version, by
/// `runs_well`, and are healthy. None that was to change a site too, for that was not done; none behind a release that
/// succeeded.
pub(crate) fn settled<'l>(
    records: &[Record],
    runs_well: impl Fn(&str) -> Option<&'l str>,
    now: DateTime<Utc>,
) -> Option<Record> {
    let turned_out_well = |backend: &RecordedBackend| {
        let mut unseen = false;
        let as_wanted = backend
            .environments
            .iter()
            .all(|environment| match environment.outcome {
                EnvironmentOutcome::Planned => {
                    unseen = true;
                    runs_well(&environment.name) == Some(&environment.label)
                }
                EnvironmentOutcome::Succeeded | EnvironmentOutcome::Unchanged => true,
                EnvironmentOutcome::Failed | EnvironmentOutcome::Skipped => false,
            });
        as_wanted && unseen
    };
    let is_open = |record: &&Record| {
        let has_site = record.site.as_ref().is_some_and(|site| site.planned_keys > 0);
        record.put_back.is_none() && !has_site && !record.has_unreadable_end
    };
    let record = records
        .iter()
        .take_while(|record| record.status != RecordStatus::Succeeded)
        .filter(is_open)
        .find(|record| record.backend.as_ref().is_some_and(turned_out_well))?;
    let mut record = record.clone();
    record.status = RecordStatus::Succeeded;
    record.finished_at = Some(now);
    for environment in record.backend.iter_mut().flat_map(|backend| &mut backend.environments) {
        if environment.outcome == EnvironmentOutcome::Planned {
            environment.outcome = EnvironmentOutcome::Succeeded;
        }
    }
    Some(record)
}

/// The version of the newest release, when nobody saw the end of what it did to these environments and it deployed the
/// bundle with this SHA-256: its update may still be under way.
#[must_use]
pub(crate) fn under_way<'r>(records: &'r [Record], environments: &[String], sha256: &str) -> Option<&'r str> {
    let backend = records.first()?.backend.as_ref()?;
    let is_unseen = |name: &String| {
        let mut recorded = backend.environments.iter();
        recorded.any(|one| one.name == *name && one.outcome == EnvironmentOutcome::Planned)
    };
    let is_same = backend.bundle_sha256.as_deref() == Some(sha256);
    let label = backend.version_label.as_deref()?;
    (is_same && !environments.is_empty() && environments.iter().all(is_unseen)).then_some(label)
}

/// Whether the newest runs did not succeed, and what they changed may still be there: a run that finds all as it should
/// be says so in a record.
#[must_use]
pub(crate) fn is_unsettled(records: &[Record]) -> bool {
    match live(records) {
        Some(live) => live.disturbed_by.is_some(),
        None => records.iter().any(Record::disturbs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, with_label, with_site};

    fn unseen(id: &str, label: &str, status: RecordStatus) -> Record {
        with_label(release(id, status), label, EnvironmentOutcome::Planned)
    }

    fn settled_id(records: &[Record], running: Option<&str>) -> Option<String> {
        let record = settled(
            records,
            |name| running.filter(|_| name == "web-prod"),
            DateTime::default(),
        )?;
        assert_eq!(record.status, RecordStatus::Succeeded);
        assert_eq!(record.label_of("web-prod"), running);
        Some(record.id)
    }

    #[test]
    fn the_newest_release_whose_version_runs_well_is_settled() {
        let done = with_label(
            release("r1", RecordStatus::Succeeded),
            "v1",
            EnvironmentOutcome::Succeeded,
        );
        for status in [RecordStatus::Started, RecordStatus::Cancelled, RecordStatus::Failed] {
            let records = [unseen("r3", "v3", status), unseen("r2", "v2", status), done.clone()];
            assert_eq!(settled_id(&records, Some("v3")).as_deref(), Some("r3"));
            assert_eq!(settled_id(&records, Some("v2")).as_deref(), Some("r2"));
            assert_eq!(settled_id(&records, Some("v9")), None);
            assert_eq!(settled_id(&records, None), None);
        }
        let behind = [done, unseen("r0", "v0", RecordStatus::Started)];
        assert_eq!(settled_id(&behind, Some("v0")), None);
    }

    #[test]
    fn what_was_to_change_a_site_or_failed_is_not_settled() {
        let site = with_site(unseen("r3", "v3", RecordStatus::Started), &[("index.html", "1")]);
        assert_eq!(settled_id(&[site], Some("v3")), None);
        let failed = with_label(release("r3", RecordStatus::Failed), "v3", EnvironmentOutcome::Failed);
        assert_eq!(settled_id(std::slice::from_ref(&failed), Some("v3")), None);
        let unreadable = Record {
            has_unreadable_end: true,
            ..unseen("r3", "v3", RecordStatus::Started)
        };
        assert_eq!(settled_id(&[unreadable], Some("v3")), None);
        assert!(is_unsettled(&[failed]));
    }

    #[test]
    fn only_the_same_bundle_of_the_newest_release_is_taken_up() {
        let mut record = unseen("r3", "v3", RecordStatus::Started);
        if let Some(backend) = &mut record.backend {
            backend.bundle_sha256 = Some("aa".to_owned());
        }
        let prod = ["web-prod".to_owned()];
        let records = [record, unseen("r2", "v2", RecordStatus::Started)];
        assert_eq!(under_way(&records, &prod, "aa"), Some("v3"));
        assert_eq!(under_way(&records, &prod, "bb"), None);
        assert_eq!(under_way(&records, &["other".to_owned()], "aa"), None);
        assert_eq!(under_way(&records, &[], "aa"), None);
        assert_eq!(under_way(&records[1..], &prod, "aa"), None);
    }
}
