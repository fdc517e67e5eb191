//! What earlier runs left to do: invalidations that CloudFront never confirmed.
//!
//! A run that has ended says what it owes, and whoever confirms the distribution later takes that with it. One that was
//! interrupted says nothing, not even that it has stopped writing: it is settled by a run that says so by name
//! ([`PaidRun`]), as long as its objects stay as they were then.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use crate::core::release::payment::{InterruptedRun, PaidPart, PaidRun, PlannedKeys};
use crate::core::release::record::{Record, RecordStatus};
use crate::core::release::recorded_cdn::RecordedCdn;

/// The longest that a job on one of GitHub's runners takes.
///
/// <https://docs.github.com/en/actions/reference/limits>
const LONGEST_RUN: TimeDelta = TimeDelta::hours(6);

/// What this run has to invalidate for earlier ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PendingInvalidations {
    /// Keys that a killed run was about to change: nobody knows which of them it did.
    pub(crate) keys: BTreeSet<String>,
    /// The prefix below which a killed run was about to change keys that nobody knows any more.
    pub(crate) below: Option<String>,
    /// Paths that a run could not invalidate: distribution to paths.
    pub(crate) paths: BTreeMap<String, BTreeSet<String>>,
    /// The releases that owe them, newest first.
    pub(crate) releases: Vec<String>,
}

impl PendingInvalidations {
    /// Whether nothing is owed.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.below.is_none() && self.paths.values().all(BTreeSet::is_empty)
    }
}

/// What `records` (newest first) owe to `distributions`: what runs that have ended could not invalidate since the newest
/// run that confirmed the distribution, for that run took all earlier debts with it; and all that `interrupted` ones
/// may have changed and nobody paid since.
#[must_use]
pub(crate) fn carried(
    records: &[Record],
    distributions: &[String],
    interrupted: &[InterruptedRun],
) -> PendingInvalidations {
    let mut carried = PendingInvalidations::default();
    let mut releases = BTreeSet::new();
    let mut owe = |carried: &mut PendingInvalidations, record: &Record, cdn: &RecordedCdn, distribution: &String| {
        let paths = cdn.unconfirmed.get(distribution).map_or(&[][..], Vec::as_slice);
        if !paths.is_empty() {
            let owed = carried.paths.entry(distribution.clone()).or_default();
            owed.extend(paths.iter().cloned());
            releases.insert(record.id.clone());
        }
    };
    let mut owing = BTreeSet::new();
    for distribution in distributions {
        for (record, cdn) in since_confirmed(records, distribution) {
            owe(&mut carried, record, cdn, distribution);
        }
        for run in interrupted {
            let Some((record, cdn)) = about(records, distribution).find(|(record, _)| record.id == run.id) else {
                continue;
            };
            let unpaid = unpaid(records, record, run, distribution);
            if unpaid == Unpaid::All {
                owe(&mut carried, record, cdn, distribution);
            }
            let Some(site) = record.site.as_ref().filter(|_| unpaid != Unpaid::Nothing) else {
                continue;
            };
            match &run.planned {
                PlannedKeys::Known { keys, .. } if !keys.is_empty() => carried.keys.extend(keys.iter().cloned()),
                PlannedKeys::Lost => carried.below = Some(site.prefix.clone()),
                _ => continue,
            }
            owing.insert(record.id.clone());
        }
    }
    releases.extend(owing);
    carried.releases = releases.into_iter().rev().collect();
    carried
}

/// The interrupted runs that may owe something to `distributions`, as places among `records` (newest first): those that
/// nobody has settled for good.
#[must_use]
pub(crate) fn unsettled(records: &[Record], distributions: &[String]) -> Vec<usize> {
    let is_open = |record: &Record, distribution: &String| {
        payment(records, record, distribution).is_none_or(|(payer, paid)| !is_for_good(record, payer, paid))
    };
    let is_unsettled = |record: &Record| {
        let mut named = record.cdn.iter().flat_map(|cdn| &cdn.distributions);
        record.status == RecordStatus::Started
            && named.any(|distribution| distributions.contains(distribution) && is_open(record, distribution))
    };
    let all = records.iter().enumerate();
    all.filter(|(_, record)| is_unsettled(record))
        .map(|(position, _)| position)
        .collect()
}

/// The newest record that confirmed `distribution`: nothing older that has ended owes it anything. Where this run
/// `has_site`, it is one that knew the site's keys.
#[must_use]
pub(crate) fn confirmation<'a>(records: &'a [Record], distribution: &String, has_site: bool) -> Option<&'a Record> {
    records
        .iter()
        .find(|record| (record.site.is_some() || !has_site) && confirms(record, distribution))
}

/// What of an interrupted run's debt nobody has paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unpaid {
    Nothing,
    Keys,
    All,
}

fn unpaid(records: &[Record], record: &Record, run: &InterruptedRun, distribution: &String) -> Unpaid {
    let Some((payer, paid)) = payment(records, record, distribution) else {
        return Unpaid::All;
    };
    let objects = match &run.planned {
        PlannedKeys::Known { objects, .. } => objects.as_ref(),
        PlannedKeys::Elsewhere | PlannedKeys::Unread | PlannedKeys::Lost => None,
    };
    match paid.part {
        PaidPart::Paths => Unpaid::Keys,
        PaidPart::Keys | PaidPart::Everything if is_for_good(record, payer, paid) => Unpaid::Nothing,
        // What cannot be compared any more was paid once.
        _ if run.planned == PlannedKeys::Lost || run.planned == PlannedKeys::Elsewhere => Unpaid::Nothing,
        _ if objects.is_some() && objects == paid.objects.as_ref() => Unpaid::Nothing,
        _ => Unpaid::All,
    }
}

/// The newest payment of what the interrupted `record` owes to `distribution`, and who made it.
fn payment<'r>(records: &'r [Record], record: &Record, distribution: &String) -> Option<(&'r Record, &'r PaidRun)> {
    let payers = records.iter().filter(|payer| confirms(payer, distribution));
    let mut payments = payers.filter_map(|payer| {
        let paid = payer
            .cdn
            .iter()
            .flat_map(|cdn| &cdn.paid)
            .find(|paid| paid.id == record.id)?;
        Some((payer, paid))
    });
    // A step without the site pays paths again, and takes back nothing of what one with the site paid.
    let first = payments.next()?;
    let keys = |payment: &(&Record, &PaidRun)| payment.1.part != PaidPart::Paths;
    Some(if keys(&first) {
        first
    } else {
        payments.find(keys).unwrap_or(first)
    })
}

/// Whether the run of `record` can have changed nothing since `payer` paid for it.
fn is_for_good(record: &Record, payer: &Record, paid: &PaidRun) -> bool {
    match paid.part {
        PaidPart::Everything => true,
        PaidPart::Keys => payer.started_at - record.started_at > LONGEST_RUN,
        PaidPart::Paths => false,
    }
}

fn confirms(record: &Record, distribution: &String) -> bool {
    record.cdn.iter().any(|cdn| cdn.confirmed.contains(distribution))
}

/// The records about `distribution`.
fn about<'a>(records: &'a [Record], distribution: &'a String) -> impl Iterator<Item = (&'a Record, &'a RecordedCdn)> {
    records.iter().filter_map(move |record| {
        let cdn = record.cdn.as_ref()?;
        cdn.distributions.contains(distribution).then_some((record, cdn))
    })
}

/// The records about `distribution` of runs that have ended, newer than its newest confirmation.
fn since_confirmed<'a>(
    records: &'a [Record],
    distribution: &'a String,
) -> impl Iterator<Item = (&'a Record, &'a RecordedCdn)> {
    // The one that confirmed took the debts of those before it that it could know, and may owe anew: an answer that was
    // lost in it. One that began before it and ended later owes what nobody had seen.
    let mut confirmed: Option<DateTime<Utc>> = None;
    let ended = about(records, distribution).filter(|(record, _)| record.status != RecordStatus::Started);
    ended.filter(move |(record, _)| {
        let owes = confirmed.is_none_or(|began| record.finished_at.is_some_and(|ended| ended > began));
        if confirms(record, distribution) {
            confirmed.get_or_insert(record.started_at);
        }
        owes
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, with_cdn, with_site};

    /// An interrupted run; the digits of ids are minutes.
    fn killed_run(id: &str) -> Record {
        with_cdn(
            with_site(release(id, RecordStatus::Started), &[]),
            &["E1", "E2"],
            &[],
            &[("E1", &["/paths-of-it"])],
        )
    }

    fn known(id: &str, key: &str, objects: &str) -> InterruptedRun {
        let planned = PlannedKeys::Known {
            keys: vec![key.to_owned()],
            objects: Some(objects.to_owned()),
        };
        InterruptedRun {
            id: id.to_owned(),
            planned,
        }
    }

    fn paying(id: &str, part: PaidPart, objects: Option<&str>) -> Record {
        let mut record = with_cdn(release(id, RecordStatus::Succeeded), &["E1"], &["E1"], &[]);
        let paid = PaidRun {
            id: "r5".to_owned(),
            part,
            objects: objects.map(str::to_owned),
        };
        record.cdn.iter_mut().for_each(|cdn| cdn.paid.push(paid.clone()));
        record
    }

    fn owed(records: &[Record], run: &InterruptedRun) -> (usize, usize) {
        let carried = carried(records, &["E1".to_owned()], std::slice::from_ref(run));
        (carried.keys.len(), carried.paths.len())
    }

    #[test]
    fn a_run_that_ended_after_the_confirming_one_began_still_owes() {
        let overlapping = |ended_after: i64| {
            let confirming = with_cdn(release("r2", RecordStatus::Succeeded), &["E1"], &["E1"], &[]);
            let mut slow = with_cdn(release("r1", RecordStatus::Failed), &["E1"], &[], &[("E1", &["/x"])]);
            slow.finished_at = Some(confirming.started_at + TimeDelta::seconds(ended_after));
            carried(&[confirming, slow], &["E1".into()], &[]).paths.len()
        };
        assert_eq!((overlapping(-1), overlapping(5)), (0, 1));
    }

    #[test]
    fn an_interrupted_run_owes_until_somebody_says_to_have_paid_for_it() {
        let seen = known("r5", "a.html", "now");
        let confirming = with_cdn(release("r6", RecordStatus::Succeeded), &["E1"], &["E1"], &[]);
        // It began after that run, and yet had not seen it.
        assert_eq!(owed(&[confirming, killed_run("r5")], &seen), (1, 1));
        let paid = paying("r6", PaidPart::Keys, Some("now"));
        assert_eq!(owed(&[paid, killed_run("r5")], &seen), (0, 0));
    }

    #[test]
    fn one_that_wrote_on_after_it_was_paid_for_owes_again() {
        let seen = known("r5", "a.html", "now");
        let killed = || killed_run("r5");
        for (paid, expected) in [
            (paying("r6", PaidPart::Keys, Some("before")), (1, 1)),
            (paying("r6", PaidPart::Keys, None), (1, 1)),
            (paying("r6", PaidPart::Paths, None), (1, 0)),
            (paying("r6", PaidPart::Everything, None), (0, 0)),
            // No job runs so long.
            (paying("r366", PaidPart::Keys, Some("before")), (0, 0)),
        ] {
            assert_eq!(owed(&[paid.clone(), killed()], &seen), expected, "{paid:?}");
        }
        let newer = paying("r7", PaidPart::Keys, Some("now"));
        let older = paying("r6", PaidPart::Keys, Some("before"));
        assert_eq!(owed(&[newer.clone(), older, killed()], &seen), (0, 0));
        // A step without the site in between changes nothing.
        assert_eq!(
            owed(&[paying("r8", PaidPart::Paths, None), newer, killed()], &seen),
            (0, 0)
        );
    }

    #[test]
    fn whoever_may_go_on_is_looked_at_again() {
        let e1 = ["E1".to_owned()];
        let places = |payer: Record| unsettled(&[payer, killed_run("r5")], &e1);
        assert_eq!(places(release("r6", RecordStatus::Succeeded)), [1]);
        assert_eq!(places(paying("r6", PaidPart::Keys, Some("now"))), [1]);
        assert_eq!(places(paying("r366", PaidPart::Keys, None)), [0; 0]);
        assert_eq!(places(paying("r6", PaidPart::Everything, None)), [0; 0]);
        assert_eq!(unsettled(&[killed_run("r5")], &["E9".to_owned()]), [0; 0]);
    }

    #[test]
    fn a_list_that_is_lost_is_owed_as_all_below_the_prefix_and_once() {
        let lost = InterruptedRun {
            id: "r5".to_owned(),
            planned: PlannedKeys::Lost,
        };
        let killed = killed_run("r5");
        let first = carried(
            std::slice::from_ref(&killed),
            &["E1".to_owned()],
            std::slice::from_ref(&lost),
        );
        assert_eq!((first.below.as_deref(), first.keys.len()), (Some(""), 0));
        assert_eq!(first.releases, ["r5"]);
        let paid = paying("r6", PaidPart::Everything, None);
        assert!(carried(&[paid, killed], &["E1".to_owned()], &[lost]).is_empty());
    }

    #[test]
    fn debts_reach_back_to_the_newest_confirmation_of_each_distribution() {
        let records = [
            release("r6", RecordStatus::Succeeded),
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
        let carried = carried(&records, &["E1".into(), "E2".into()], &[]);
        assert_eq!(
            carried.paths,
            BTreeMap::from([("E1".to_owned(), BTreeSet::from(["/x".to_owned(), "/y".to_owned()]))])
        );
        assert_eq!(carried.releases, ["r4", "r3"]);
        let confirmed =
            |id: &str, has_site| confirmation(&records, &id.to_owned(), has_site).map(|record| record.id.clone());
        assert_eq!(confirmed("E1", false).as_deref(), Some("r2"));
        assert_eq!(confirmed("E1", true), None);
    }
}
