//! Which unchanged objects may have other headers or another ACL than this run would send, as records tell it.
//!
//! Several steps can deploy to one prefix, each with its own files, filters and rules: assets that are cached for a year,
//! then pages that are not. A step is known by its source directory and its filters; it compares its rules with those
//! that it applied itself, and looks at what others wrote since only where it comes after them.

use std::collections::BTreeSet;

use crate::core::release::record::{Record, RecordStatus, RecordedSite};
use crate::core::release::steps::{StepsBeside, ThisStep, is_deploy, is_same_run};
use crate::core::site::key_change::{KeyChange, KeyOperation};
use crate::core::site::repair::{HeaderCheck, ObjectSettings, RecordedTimes, path_digest};

/// What records (newest first) tell about the headers of unchanged objects.
#[must_use]
pub(crate) fn header_check(records: &[Record], step: ThisStep<'_>) -> HeaderCheck {
    let found = Found::of(records, step);
    let check = HeaderCheck {
        beside: found.beside.clone(),
        applied: all_applied(records),
        ..HeaderCheck::default()
    };
    let all = |previous: Option<&ObjectSettings>| HeaderCheck {
        previous: previous.into_iter().cloned().collect(),
        ..check.clone()
    };
    if let Some(previous) = found.differs {
        return all(Some(previous));
    }
    let named = |record: &Record, site: &RecordedSite| {
        let applied = site.applied.as_ref()?;
        // What a step with the same files named is its own affair.
        let is_beside = is_deploy(record) && step.has_files_of(site) || found.beside.contains(applied);
        (!is_beside).then(|| applied.clone())
    };
    let others = found.others.iter().map(|(_, record, site)| (record, site));
    let Some(own) = found.own else {
        // Nothing but the names of headers can be learned from a step with other files.
        let newest = others.clone().find_map(|(record, site)| named(record, site));
        return all(newest.as_ref());
    };
    let (mut keys, mut previous) = (BTreeSet::new(), Vec::new());
    for (record, site) in others {
        let changes = changes(record, site);
        if changes.is_empty() && count(record, site) > 0 {
            // Its list could not be read.
            return all(site.applied.as_ref());
        }
        previous.extend(named(record, site));
        keys.extend(keys_of(changes, KeyOperation::Written).map(str::to_owned));
    }
    let deleted = own.site.iter().flat_map(|site| {
        let keys = keys_of(changes(own, site), KeyOperation::Deleted);
        keys.map(|key| path_digest(key.strip_prefix(&site.prefix).unwrap_or(key)))
    });
    HeaderCheck {
        previous,
        deleted: deleted.collect(),
        keys: Some(keys),
        recorded: own.ended_at.map(|until| RecordedTimes {
            until: until.timestamp(),
            others: recorded_times(records),
        }),
        ..check
    }
}

/// From when to when the runs of `records` wrote what they recorded, in seconds since 1970.
fn recorded_times(records: &[Record]) -> Vec<(i64, i64)> {
    let of_sites = records.iter().filter(|record| record.site.is_some());
    let times = of_sites.filter_map(|record| Some((record.stored_at?.timestamp(), record.ended_at?.timestamp())));
    times.collect()
}

fn changes<'a>(record: &Record, site: &'a RecordedSite) -> &'a [KeyChange] {
    match record.status {
        RecordStatus::Started => &site.planned,
        _ => &site.changed,
    }
}

fn count(record: &Record, site: &RecordedSite) -> u64 {
    match record.status {
        RecordStatus::Started => site.planned_keys,
        _ => site.written + site.deleted + site.perhaps,
    }
}

fn keys_of(changes: &[KeyChange], operation: KeyOperation) -> impl Iterator<Item = &str> {
    let changes = changes.iter().filter(move |change| change.operation == operation);
    changes.map(|change| change.key.as_str())
}

/// The place of the newest record of this step that lists its files, where it applied what it applies now.
#[must_use]
pub(crate) fn files_needed(records: &[Record], step: ThisStep<'_>) -> Option<usize> {
    let found = Found::of(records, step);
    let is_its = |record: &&Record| {
        let site = record.site.as_ref();
        is_deploy(record) && site.is_some_and(|site| step.is_of(site))
    };
    let position = records.iter().position(|record| is_its(&record))?;
    let lists = records[position].site.as_ref().is_some_and(|site| site.files.is_some());
    (found.differs.is_none() && lists).then_some(position)
}

/// All that was applied to objects here, as far as `records` tell, each once.
#[must_use]
pub(crate) fn all_applied(records: &[Record]) -> Vec<ObjectSettings> {
    let mut all: Vec<ObjectSettings> = Vec::new();
    for applied in records
        .iter()
        .filter_map(|record| record.site.as_ref()?.applied.as_ref())
    {
        if !all.contains(applied) {
            all.push(applied.clone());
        }
    }
    all
}

/// The places of the records whose lists of keys [`header_check`] needs.
#[must_use]
pub(crate) fn lists_needed(records: &[Record], step: ThisStep<'_>) -> Vec<usize> {
    let found = Found::of(records, step);
    if found.differs.is_some() {
        return Vec::new();
    }
    let Some(own) = found.own else { return Vec::new() };
    let has_deleted = own.site.as_ref().is_some_and(|site| site.deleted > 0);
    let own = records.iter().position(|record| has_deleted && record.id == own.id);
    let others = found.others.iter().map(|(position, ..)| *position);
    others.chain(own).collect()
}

/// Whether a run of this step that changes nothing is to write a record, so that steps beside it stay told apart.
#[must_use]
pub(crate) fn is_to_be_noted(records: &[Record], step: ThisStep<'_>) -> bool {
    StepsBeside::of(records, step).is_to_be_noted()
}

/// What was found on the way from the newest record to the last one of this step that went through.
struct Found<'a> {
    /// What this step applied before, where that differs from now.
    differs: Option<&'a ObjectSettings>,
    /// The last release of this step that went through.
    own: Option<&'a Record>,
    /// What others did since, as far as this step comes after them: rollbacks, and other steps.
    others: Vec<(usize, &'a Record, &'a RecordedSite)>,
    /// What other steps with the same files applied.
    beside: Vec<ObjectSettings>,
}

impl<'a> Found<'a> {
    fn of(records: &'a [Record], step: ThisStep<'_>) -> Self {
        let sites = || {
            let sites = records.iter().enumerate();
            sites.filter_map(|(position, record)| Some((position, record, record.site.as_ref()?)))
        };
        let beside = StepsBeside::of(records, step);
        let mut found = Self {
            differs: None,
            own: None,
            others: Vec::new(),
            beside: Vec::new(),
        };
        let mut last_own = None;
        for (position, record, site) in sites() {
            if !is_deploy(record) || !step.has_files_of(site) {
                found.others.push((position, record, site));
                continue;
            }
            let Some(applied) = &site.applied else { continue };
            if applied != step.settings && beside.has(applied, step) {
                found.others.push((position, record, site));
                if !found.beside.contains(applied) {
                    found.beside.push(applied.clone());
                }
                continue;
            }
            last_own.get_or_insert(record);
            if applied != step.settings {
                found.differs = Some(applied);
                break;
            }
            // One that was cancelled, or failed, may not have come to any object.
            if record.status == RecordStatus::Succeeded {
                found.own = Some(record);
                break;
            }
        }
        let first_own = sites().rfind(|(_, record, site)| is_deploy(record) && step.is_of(site));
        if let (Some(own), Some((first_own, ..))) = (last_own, first_own) {
            let first_of = |scope: &[String]| {
                let first =
                    sites().rfind(|(_, record, site)| is_deploy(record) && site.scope == scope && !step.is_of(site));
                first.map_or(0, |(position, ..)| position)
            };
            found.others.retain(|(_, other, site)| {
                !is_deploy(other)
                    || match (is_same_run(&other.run, step.run), is_same_run(&other.run, &own.run)) {
                        // It came before this step in this very run.
                        (true, false) => true,
                        // It came after this step in the run before.
                        (false, true) => false,
                        (false, false) => true,
                        // Runs do not tell: whichever was there first comes first.
                        (true, true) => first_of(&site.scope) > first_own,
                    }
            });
        }
        found
    }
}

#[cfg(test)]
#[path = "applied_tests.rs"]
mod tests;
