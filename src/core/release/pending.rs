//! What earlier runs left to do: invalidations that CloudFront never confirmed.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use crate::core::release::record::{Record, RecordStatus, RecordedCdn};

/// What this run has to invalidate for earlier ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PendingInvalidations {
    /// Keys that a killed run was about to change: nobody knows which of them it did.
    pub(crate) keys: BTreeSet<String>,
    /// Paths that a run could not invalidate: distribution to paths.
    pub(crate) paths: BTreeMap<String, BTreeSet<String>>,
    /// The releases that owe them, newest first.
    pub(crate) releases: Vec<String>,
}

impl PendingInvalidations {
    /// Whether nothing is owed.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.paths.values().all(BTreeSet::is_empty)
    }
}

/// What `records` (newest first, killed ones with their planned keys) owe to `distributions`: everything since the
/// newest run that confirmed the distribution, for that run took all earlier debts with it.
#[must_use]
pub(crate) fn carried(records: &[Record], distributions: &[String]) -> PendingInvalidations {
    let mut carried = PendingInvalidations::default();
    let mut releases = BTreeSet::new();
    for distribution in distributions {
        for (_, record, cdn) in since_confirmed(records, distribution, any_record) {
            let paths = cdn.unconfirmed.get(distribution).map_or(&[][..], Vec::as_slice);
            carried
                .paths
                .entry(distribution.clone())
                .or_default()
                .extend(paths.iter().cloned());
            if !paths.is_empty() {
                releases.insert(record.id.as_str());
            }
        }
        for (_, record, _) in since_confirmed(records, distribution, record_of_site) {
            if let (RecordStatus::Started, Some(site)) = (record.status, &record.site) {
                carried.keys.extend(site.planned.iter().map(|key| key.key.clone()));
                if !site.planned.is_empty() {
                    releases.insert(record.id.as_str());
                }
            }
        }
    }
    carried.paths.retain(|_, paths| !paths.is_empty());
    carried.releases = releases.into_iter().rev().map(ToOwned::to_owned).collect();
    carried
}

/// The records whose planned keys [`carried`] needs: killed runs since the newest confirmation.
#[must_use]
pub(crate) fn interrupted(records: &[Record], distributions: &[String]) -> Vec<usize> {
    let mut positions = BTreeSet::new();
    for distribution in distributions {
        let interrupted = since_confirmed(records, distribution, record_of_site)
            .filter(|(_, record, _)| record.status == RecordStatus::Started);
        positions.extend(interrupted.map(|(position, ..)| position));
    }
    positions.into_iter().collect()
}

/// The newest record that confirmed `distribution`: nothing older owes it anything. Where this run `has_site`, it is one
/// that knew the site's keys.
#[must_use]
pub(crate) fn confirmation<'a>(records: &'a [Record], distribution: &String, has_site: bool) -> Option<&'a Record> {
    let counts = if has_site { record_of_site } else { any_record };
    records
        .iter()
        .find(|record| counts(record) && confirms(record, distribution))
}

fn confirms(record: &Record, distribution: &String) -> bool {
    record.cdn.iter().any(|cdn| cdn.confirmed.contains(distribution))
}

/// Any record took the paths with it that were owed before it.
fn any_record(_: &Record) -> bool {
    true
}

/// Only a run of a site knows which URLs its keys have: one of a distribution alone pays paths, not keys.
fn record_of_site(record: &Record) -> bool {
    record.site.is_some()
}

/// The records about `distribution` that are newer than its newest confirmation by one that `counts`, with their places
/// among `records`.
fn since_confirmed<'a>(
    records: &'a [Record],
    distribution: &'a String,
    counts: fn(&Record) -> bool,
) -> impl Iterator<Item = (usize, &'a Record, &'a RecordedCdn)> {
    let about = records.iter().enumerate().filter_map(move |(position, record)| {
        let cdn = record.cdn.as_ref()?;
        cdn.distributions
            .contains(distribution)
            .then_some((position, record, cdn))
    });
    // The one that confirmed took the debts of those before it that it could know, and may owe anew: an answer that was
    // lost in it. One that began before it and ended later owes what nobody had seen.
    let mut confirmed: Option<DateTime<Utc>> = None;
    about.filter(move |(_, record, _)| {
        let owes = confirmed.is_none_or(|began| record.finished_at.is_some_and(|ended| ended > began));
        if counts(record) && confirms(record, distribution) {
            confirmed.get_or_insert(record.started_at);
        }
        owes
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, with_cdn, with_site};
    use crate::core::site::key_change::KeyChange;
    use crate::core::site::plan::Reason;

    fn killed_run(id: &str, key: &str) -> Record {
        let mut record = with_site(release(id, RecordStatus::Started), &[]);
        if let Some(site) = &mut record.site {
            site.planned = vec![KeyChange::written(key, Reason::New, None)];
        }
        with_cdn(record, &["E1", "E2"], &[], &[])
    }

    #[test]
    fn a_run_that_ended_after_the_confirming_one_began_still_owes() {
        let overlapping = |ended_after: i64| {
            let confirming = with_cdn(release("r2", RecordStatus::Succeeded), &["E1"], &["E1"], &[]);
            let mut slow = with_cdn(release("r1", RecordStatus::Failed), &["E1"], &[], &[("E1", &["/x"])]);
            slow.finished_at = Some(confirming.started_at + chrono::TimeDelta::seconds(ended_after));
            carried(&[confirming, slow], &["E1".into()]).paths.len()
        };
        assert_eq!((overlapping(-1), overlapping(5)), (0, 1));
    }

    #[test]
    fn debts_reach_back_to_the_newest_confirmation_of_each_distribution() {
        let records = [
            release("r6", RecordStatus::Succeeded),
            killed_run("r5", "a.html"),
            with_cdn(
                release("r4", RecordStatus::Failed),
                &["E1", "E2"],
                &["E2"],
                &[("E1", &["/x"])],
            ),
            with_cdn(
                release("r3", RecordStatus::Failed),
                &["E1", "E2"],
                &[],
                &[("E1", &["/y", "/x"]), ("E2", &["/gone"])],
            ),
            with_cdn(
                release("r2", RecordStatus::Succeeded),
                &["E1", "E2"],
                &["E1", "E2"],
                &[],
            ),
            with_cdn(
                release("r1", RecordStatus::Failed),
                &["E1"],
                &[],
                &[("E1", &["/older"])],
            ),
        ];
        let carried = carried(&records, &["E1".into(), "E2".into()]);
        assert_eq!(carried.keys, BTreeSet::from(["a.html".to_owned()]));
        assert_eq!(
            carried.paths,
            BTreeMap::from([("E1".to_owned(), BTreeSet::from(["/x".to_owned(), "/y".to_owned()]))])
        );
        assert_eq!(carried.releases, ["r5", "r4", "r3"]);
        assert_eq!(interrupted(&records, &["E1".into()]), [1]);
    }

    #[test]
    fn a_step_without_the_site_pays_paths_and_no_keys() {
        let alone = with_cdn(release("r6", RecordStatus::Succeeded), &["E1"], &["E1"], &[]);
        let failed = with_cdn(
            with_site(release("r4", RecordStatus::Failed), &[]),
            &["E1"],
            &[],
            &[("E1", &["/x"])],
        );
        let records = [alone, killed_run("r5", "a.html"), failed];
        let distributions = ["E1".to_owned()];
        let carried = carried(&records, &distributions);
        assert_eq!(carried.keys, BTreeSet::from(["a.html".to_owned()]));
        assert_eq!(carried.paths, BTreeMap::new());
        assert_eq!(interrupted(&records, &distributions), [1]);
        let confirmed = |has_site| confirmation(&records, &distributions[0], has_site).map(|record| record.id.as_str());
        assert_eq!((confirmed(true), confirmed(false)), (None, Some("r6")));
    }

    #[test]
    fn nothing_is_owed_to_a_distribution_that_no_run_knew() {
        let records = [killed_run("r5", "a.html")];
        assert!(carried(&records, &["E9".into()]).is_empty());
        assert!(interrupted(&records, &["E9".into()]).is_empty());
        assert!(!carried(&records, &["E2".into()]).is_empty());
    }
}
