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

/// Follows rollbacks to the release that first had their state, as far as records go.
#[must_use]
pub(crate) fn origin(records: &[Record], mut position: usize) -> usize {
    while let Some(target) = &records[position].rolls_back_to {
        match records[position + 1..].iter().position(|record| record.id == *target) {
            Some(further) => position += 1 + further,
            None => break,
        }
    }
    position
}
