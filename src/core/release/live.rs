//! What is live by the records, and what came after a release. Records are always newest first.

use crate::core::release::record::{Record, RecordStatus};

/// What is live.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Live<'a> {
    /// The release whose state is live: the newest succeeded one, or what that one rolled back to.
    pub(crate) release: &'a Record,
    /// A newer run that did not succeed and may have changed something.
    pub(crate) disturbed_by: Option<&'a Record>,
}

/// What is live by the records; `None` when no release succeeded.
#[must_use]
pub(crate) fn live(records: &[Record]) -> Option<Live<'_>> {
    let newest = records
        .iter()
        .position(|record| record.status == RecordStatus::Succeeded)?;
    Some(Live {
        release: &records[origin(records, newest)],
        disturbed_by: records[..newest].iter().find(|record| record.disturbs()),
    })
}

/// The newest release that succeeded, a rollback too.
#[must_use]
pub(crate) fn last_succeeded(records: &[Record]) -> Option<&Record> {
    records.iter().find(|record| record.status == RecordStatus::Succeeded)
}

/// The records newer than `target`: what a rollback to it takes back.
#[must_use]
pub(crate) fn after<'a>(records: &'a [Record], target: &Record) -> &'a [Record] {
    let end = records.iter().position(|record| record.id == target.id);
    &records[..end.unwrap_or(0)]
}

/// Follows rollbacks, and runs that only deleted old assets, to the release that first had their state, as far as records
/// go.
#[must_use]
pub(crate) fn origin(records: &[Record], mut position: usize) -> usize {
    loop {
        let before = match &records[position].rolls_back_to {
            Some(target) => records[position + 1..].iter().position(|record| record.id == *target),
            None => kept_up(records, position),
        };
        match before {
            Some(further) => position += 1 + further,
            None => return position,
        }
    }
}

/// The release whose state the one at `position` has kept, as a distance: of the same commit, with nothing else between.
fn kept_up(records: &[Record], position: usize) -> Option<usize> {
    let (record, older) = (&records[position], &records[position + 1..]);
    let is_upkeep = record.site.as_ref().is_some_and(|site| site.upkeep);
    let before = older
        .iter()
        .position(|record| record.status == RecordStatus::Succeeded)?;
    let sha = |record: &Record| record.commit.as_ref().map(|commit| commit.sha.clone());
    let is_same = sha(record).is_some() && sha(record) == sha(&older[before]);
    let is_disturbed = older[..before].iter().any(Record::disturbs);
    (is_upkeep && record.status == RecordStatus::Succeeded && is_same && !is_disturbed).then_some(before)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, rolls_back_to, with_commit, with_site};

    #[test]
    fn a_run_that_only_deleted_old_assets_has_the_state_of_the_one_before() {
        let of = |id: &str, sha: &str| with_commit(with_site(release(id, RecordStatus::Succeeded), &[("a", "1")]), sha);
        let upkeep = |id: &str, sha: &str| {
            let mut record = of(id, sha);
            if let Some(site) = &mut record.site {
                site.upkeep = true;
            }
            record
        };
        let failed = with_site(release("r25", RecordStatus::Failed), &[("a", "1")]);
        let first = of("r10", "aaaaaaa");
        for (records, expected) in [
            (
                vec![upkeep("r30", "bbbbbbb"), of("r20", "bbbbbbb"), first.clone()],
                "r20",
            ),
            (
                vec![
                    upkeep("r40", "bbbbbbb"),
                    upkeep("r30", "bbbbbbb"),
                    of("r20", "bbbbbbb"),
                    first.clone(),
                ],
                "r20",
            ),
            (
                vec![
                    upkeep("r40", "aaaaaaa"),
                    rolls_back_to(of("r30", "aaaaaaa"), "r10"),
                    of("r20", "bbbbbbb"),
                    first.clone(),
                ],
                "r10",
            ),
            (
                vec![upkeep("r30", "ccccccc"), of("r20", "bbbbbbb"), first.clone()],
                "r30",
            ),
            (vec![upkeep("r30", "bbbbbbb"), failed, of("r20", "bbbbbbb")], "r30"),
            (
                vec![
                    with_site(release("r30", RecordStatus::Succeeded), &[]),
                    of("r20", "bbbbbbb"),
                ],
                "r30",
            ),
            (vec![upkeep("r30", "bbbbbbb")], "r30"),
        ] {
            assert_eq!(live(&records).map(|live| live.release.id.as_str()), Some(expected));
        }
    }
}
