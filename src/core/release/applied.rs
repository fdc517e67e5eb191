//! Which unchanged objects may have other headers or another ACL than this run would send, as records tell it.
//!
//! Several steps can deploy to one prefix, each with its own files, filters and rules: assets that are cached for a year,
//! then pages that are not. A step is known by its source directory and its filters; it compares its rules with those
//! that it applied itself, and looks at what others wrote since only where it comes after them.

use std::collections::BTreeSet;

use crate::core::release::record::{Record, RecordStatus, RecordedSite, ReleaseKind, WorkflowRun};
use crate::core::site::key_change::KeyOperation;
use crate::core::site::repair::{HeaderCheck, ObjectSettings};

/// What a step is known by, and what it applies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ThisStep<'a> {
    /// The source directory and the filters, as records keep them.
    pub(crate) scope: &'a [String],
    /// What it sends objects with.
    pub(crate) settings: &'a ObjectSettings,
    /// The workflow run.
    pub(crate) run: &'a WorkflowRun,
}

/// What records (newest first) tell about the headers of unchanged objects.
#[must_use]
pub(crate) fn header_check(records: &[Record], step: ThisStep<'_>) -> HeaderCheck {
    let found = Found::of(records, step);
    if let Some(previous) = found.differs {
        return HeaderCheck::all(Some(previous));
    }
    let others = found.others.iter().map(|(_, record, site)| (record, site));
    if !found.has_own {
        // Nothing but the names of headers can be learned from a step with other files.
        let newest = others.clone().find_map(|(_, site)| site.applied.as_ref());
        return HeaderCheck::all(newest);
    }
    let (mut keys, mut previous) = (BTreeSet::new(), Vec::new());
    for (record, site) in others {
        let (changes, count) = match record.status {
            RecordStatus::Started => (&site.planned, site.planned_keys),
            _ => (&site.changed, site.written + site.deleted + site.perhaps),
        };
        if changes.is_empty() && count > 0 {
            // Its list could not be read.
            return HeaderCheck::all(site.applied.as_ref());
        }
        // What a step with the same files named is its own affair.
        if record.command == ReleaseKind::Rollback || !is_of(site, step.scope) {
            previous.extend(site.applied.clone());
        }
        let written = changes
            .iter()
            .filter(|change| change.operation == KeyOperation::Written);
        keys.extend(written.map(|change| change.key.clone()));
    }
    HeaderCheck {
        previous,
        keys: Some(keys),
        had: None,
    }
}

/// The place of the newest record of this step that lists its files, where it applied what it applies now.
#[must_use]
pub(crate) fn files_needed(records: &[Record], step: ThisStep<'_>) -> Option<usize> {
    let found = Found::of(records, step);
    let is_its = |record: &&Record| {
        let site = record.site.as_ref();
        is_step(record) && site.is_some_and(|site| is_same_step(site, step))
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
    if found.differs.is_some() || !found.has_own {
        return Vec::new();
    }
    found.others.iter().map(|(position, ..)| *position).collect()
}

/// What was found on the way from the newest record to the last one of this step that went through.
struct Found<'a> {
    /// What this step applied before, where that differs from now.
    differs: Option<&'a ObjectSettings>,
    has_own: bool,
    /// What others did since, as far as this step comes after them: rollbacks, and other steps.
    others: Vec<(usize, &'a Record, &'a RecordedSite)>,
}

impl<'a> Found<'a> {
    fn of(records: &'a [Record], step: ThisStep<'_>) -> Self {
        let sites = || {
            let sites = records.iter().enumerate();
            sites.filter_map(|(position, record)| Some((position, record, record.site.as_ref()?)))
        };
        let mut found = Self {
            differs: None,
            has_own: false,
            others: Vec::new(),
        };
        let (mut last_own, mut went_through) = (None, false);
        for (position, record, site) in sites() {
            if record.command == ReleaseKind::Rollback || !is_of(site, step.scope) {
                found.others.push((position, record, site));
                continue;
            }
            let Some(applied) = &site.applied else { continue };
            if applied != step.settings && is_beside(records, record, applied, step) {
                found.others.push((position, record, site));
                continue;
            }
            last_own.get_or_insert(record);
            if applied != step.settings {
                found.differs = Some(applied);
                break;
            }
            if record.status == RecordStatus::Succeeded {
                went_through = true;
                break;
            }
        }
        // One that was cancelled, or failed, may not have come to any object.
        found.has_own = went_through;
        let first_own = sites().rfind(|(_, record, site)| is_step(record) && is_same_step(site, step));
        if let (Some(own), Some((first_own, ..))) = (last_own, first_own) {
            let first_of = |scope: &[String]| {
                let first = sites()
                    .rfind(|(_, record, site)| is_step(record) && site.scope == scope && !is_same_step(site, step));
                first.map_or(0, |(position, ..)| position)
            };
            found.others.retain(|(_, other, site)| {
                !is_step(other)
                    || match (is_same(&other.run, step.run), is_same(&other.run, &own.run)) {
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

fn is_step(record: &Record) -> bool {
    record.command == ReleaseKind::Deploy
}

/// Whether a record is of the step with this scope; older records name none.
fn is_of(site: &RecordedSite, scope: &[String]) -> bool {
    site.scope.is_empty() || site.scope == scope
}

/// Whether a record is of the step with this scope and these settings.
fn is_same_step(site: &RecordedSite, step: ThisStep<'_>) -> bool {
    is_of(site, step.scope) && site.applied.as_ref() == Some(step.settings)
}

/// Whether `record`, of a step with the same files that applied `other`, is of another step beside this one: in a run that
/// was before this one, both were there.
fn is_beside(records: &[Record], record: &Record, other: &ObjectSettings, step: ThisStep<'_>) -> bool {
    let sites = || {
        records
            .iter()
            .filter(|record| is_step(record))
            .filter_map(|record| Some((record, record.site.as_ref()?)))
    };
    let mut own = sites().filter(|(_, site)| is_same_step(site, step));
    own.any(|(own, _)| {
        let run = &own.run;
        let is_earlier = run.id.is_some() && !is_same(run, step.run);
        let mut others = sites().filter(|(other_step, site)| is_same(&other_step.run, run) && is_of(site, step.scope));
        is_earlier
            && others.any(|(_, site)| site.applied.as_ref() == Some(other))
            && record.command == ReleaseKind::Deploy
    })
}

/// Whether two runs are one; where nobody knows, they may be.
fn is_same(one: &WorkflowRun, other: &WorkflowRun) -> bool {
    (&one.id, one.attempt) == (&other.id, other.attempt)
}

#[cfg(test)]
#[path = "applied_tests.rs"]
mod tests;
