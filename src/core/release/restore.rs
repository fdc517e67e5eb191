//! What a rollback does to each key that later releases touched.
//!
//! Each key gets back the version that it had before the first of those releases: the one just older than what that
//! release wrote. A key that had none is deleted (which hides it behind a delete marker). Nothing is destroyed, so a
//! rollback can itself be rolled back.

use std::collections::{BTreeMap, HashSet};

use crate::core::release::object_version::Version;
use crate::core::release::record::{Record, RecordStatus, Versioning};
use crate::core::release::version_order::VersionOrder;
use crate::core::site::plan::Reason;

/// How releases after the target touched a key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeyHistory<'a> {
    /// The first of them.
    pub(crate) first: &'a Record,
    /// The version that the first wrote; `None` when it was killed before it could say.
    pub(crate) wrote: Option<&'a str>,
    /// Whether there was an object before the first.
    pub(crate) existed: Option<bool>,
    /// The newest of them, and the version that it wrote.
    pub(crate) newest: (&'a Record, Option<&'a str>),
}

/// What a key was before the first of those releases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PriorVersion<'v> {
    /// This version.
    Version(&'v Version),
    /// There was no object.
    Absent,
    /// There was an object, and its version does not exist any more.
    Gone,
    /// Nothing tells which of its versions and delete markers that was.
    Unclear,
}

/// What is to be done with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyAction<'v> {
    /// Nothing: it is so already.
    Keep,
    /// Nothing if headers and ACL of the version are those of the newest one; their contents are the same.
    KeepIfSame(&'v Version, &'v Version),
    /// Copy the version over the newest one.
    Restore(&'v Version, Reason),
    /// Hide it behind a delete marker.
    Delete,
    /// Impossible: the version is gone.
    Gone,
    /// Impossible: nothing tells which one it was.
    Unclear,
    /// Impossible before it is brought back from the archive.
    Archived(&'v Version),
}

/// The keys that the records `after` the target (newest first, keys loaded) wrote or deleted, or may have.
#[must_use]
pub(crate) fn changed_since<'a>(after: &'a [Record]) -> BTreeMap<&'a str, KeyHistory<'a>> {
    let mut changed_since: BTreeMap<&str, KeyHistory<'_>> = BTreeMap::new();
    let mut touch = |key: &'a str, record: &'a Record, wrote: Option<&'a str>, existed| {
        changed_since
            .entry(key)
            .and_modify(|touch| touch.newest = (record, wrote))
            .or_insert(KeyHistory {
                first: record,
                wrote,
                existed,
                newest: (record, wrote),
            });
    };
    for record in after.iter().rev() {
        let Some(site) = &record.site else { continue };
        if record.status == RecordStatus::Started {
            site.planned
                .iter()
                .for_each(|key| touch(&key.key, record, None, key.existed));
        } else {
            site.changed
                .iter()
                .for_each(|key| touch(&key.key, record, key.version_id.as_deref(), key.existed));
        }
    }
    changed_since
}

/// The release after the target that changed objects while the bucket did not keep their old versions.
#[must_use]
pub(crate) fn unversioned(after: &[Record]) -> Option<&Record> {
    let destroyed = |record: &&Record| {
        let versioning = record.site.as_ref().map(|site| site.versioning);
        record.may_have_changed_objects() && matches!(versioning, Some(Versioning::Off | Versioning::Suspended))
    };
    after.iter().rev().find(destroyed)
}

/// What the key was before `touch`; `ours` are the versions that the target and older releases wrote.
#[must_use]
pub(crate) fn before<'v>(order: &VersionOrder<'v>, touch: &KeyHistory<'_>, ours: &HashSet<&str>) -> PriorVersion<'v> {
    let start = touch.first.stored_at.unwrap_or(touch.first.started_at).timestamp();
    let versions = &order.newest_first;
    let wrote = touch
        .wrote
        .and_then(|id| versions.iter().position(|version| version.id == id));
    let mut decisive: Vec<&Version> = Vec::new();
    let found = match wrote {
        Some(position) => {
            let written = versions[position];
            decisive.push(written);
            versions[position + 1..].iter().find(|version| {
                // A write whose answer was lost and that was sent again left two versions of the same bytes.
                let sent_twice = version.last_modified >= start
                    && version.delete_marker == written.delete_marker
                    && version.etag == written.etag
                    && !ours.contains(version.id.as_str());
                !sent_twice
            })
        }
        // A killed run did not say what it wrote, or that version was removed: what is older than the run remains.
        None => versions
            .iter()
            .find(|version| version.last_modified < start || ours.contains(version.id.as_str())),
    };
    decisive.extend(found);
    match found {
        _ if !decisive.iter().all(|version| order.is_sure(version)) => PriorVersion::Unclear,
        Some(version) if version.delete_marker => PriorVersion::Absent,
        Some(version) => PriorVersion::Version(version),
        None if touch.existed == Some(true) => PriorVersion::Gone,
        None => PriorVersion::Absent,
    }
}

/// What to do so that the key is again what it was `before`.
#[must_use]
pub(crate) fn step<'v>(versions: &'v [Version], before: PriorVersion<'v>) -> KeyAction<'v> {
    let current = versions
        .first()
        .filter(|version| version.latest && !version.delete_marker);
    match (before, current) {
        (PriorVersion::Gone, _) => KeyAction::Gone,
        (PriorVersion::Unclear, _) => KeyAction::Unclear,
        (PriorVersion::Absent, None) => KeyAction::Keep,
        (PriorVersion::Absent, Some(_)) => KeyAction::Delete,
        (PriorVersion::Version(wanted), Some(current)) if wanted.id == current.id => KeyAction::Keep,
        (PriorVersion::Version(wanted), _) if wanted.is_archived() => KeyAction::Archived(wanted),
        (PriorVersion::Version(wanted), None) => KeyAction::Restore(wanted, Reason::New),
        (PriorVersion::Version(wanted), Some(current)) if wanted.size != current.size => {
            KeyAction::Restore(wanted, Reason::SizeChanged)
        }
        (PriorVersion::Version(wanted), Some(current)) if wanted.etag != current.etag => {
            KeyAction::Restore(wanted, Reason::ContentChanged)
        }
        (PriorVersion::Version(wanted), Some(current)) => KeyAction::KeepIfSame(wanted, current),
    }
}

/// Whether somebody else changed the key since the newest release that touched it; unknown of a killed one.
#[must_use]
pub(crate) fn changed_by_hand(versions: &[Version], touch: &KeyHistory<'_>) -> bool {
    match touch.newest.1 {
        None => false,
        Some(wrote) => versions.first().is_none_or(|newest| newest.id != wrote),
    }
}

#[cfg(test)]
#[path = "restore_tests.rs"]
mod tests;
