//! What a rollback does to each key that later releases touched.
//!
//! Each key gets back the version that it had before the first of those releases: the one just older than what that
//! release wrote. A key that had none is deleted (which hides it behind a delete marker). Nothing is destroyed, so a
//! rollback can itself be rolled back.

use std::collections::{BTreeMap, HashSet};

use crate::core::release::record::{Record, RecordStatus, Versioning};
use crate::core::release::version_order::VersionOrder;
use crate::core::site::plan::Reason;
use crate::core::site::retirement::SeenObject;

/// A version of an object, or a delete marker, as ListObjectVersions shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Version {
    /// S3's version id; `null` for an object from before versioning.
    pub(crate) id: String,
    /// Whether it is what readers get.
    pub(crate) latest: bool,
    /// It hides the object.
    pub(crate) delete_marker: bool,
    /// Bytes.
    pub(crate) size: u64,
    /// The ETag without its quotes.
    pub(crate) etag: String,
    /// Seconds since 1970, by S3's clock.
    pub(crate) last_modified: i64,
    /// Its storage class; none for a delete marker.
    pub(crate) storage_class: Option<String>,
    /// The listing may have delete markers behind all versions: it does not tell their places.
    pub(crate) apart: bool,
}

impl Version {
    /// The same as a listing shows it.
    #[must_use]
    pub(crate) fn seen(&self) -> SeenObject {
        SeenObject {
            etag: self.etag.clone(),
            modified: self.last_modified,
        }
    }
}

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
        (PriorVersion::Version(wanted), _) if is_archived(wanted) => KeyAction::Archived(wanted),
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

/// Storage classes that cannot be copied before the object is brought back for some days.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html>
fn is_archived(version: &Version) -> bool {
    matches!(version.storage_class.as_deref(), Some("GLACIER" | "DEEP_ARCHIVE"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::core::release::fixtures::{release, with_site};
    use crate::core::site::key_change::KeyChange;

    /// Versions newest first: id, ETag (`-` is a delete marker), minutes as in the releases' ids.
    fn versions(list: &[(&str, &str, i64)]) -> Vec<Version> {
        let one = |(position, &(id, etag, minutes)): (usize, &(&str, &str, i64))| Version {
            id: id.into(),
            latest: position == 0,
            delete_marker: etag == "-",
            size: 5,
            etag: etag.into(),
            last_modified: 1_795_000_000 + minutes * 60,
            storage_class: Some("STANDARD".into()),
            apart: false,
        };
        list.iter().enumerate().map(one).collect()
    }

    fn killed(id: &str, key: &str, existed: bool) -> Record {
        let mut record = with_site(release(id, RecordStatus::Started), &[]);
        if let Some(site) = &mut record.site {
            site.planned = vec![KeyChange::written(
                key,
                if existed { Reason::ContentChanged } else { Reason::New },
                None,
            )];
            site.planned_keys = 1;
        }
        record
    }

    fn existed(mut record: Record, existed: bool) -> Record {
        if let Some(site) = &mut record.site {
            site.changed.iter_mut().for_each(|key| key.existed = Some(existed));
        }
        record
    }

    #[test]
    fn each_key_gets_back_what_it_had_before_the_first_release_that_touched_it() {
        let finished = || existed(with_site(release("r20", RecordStatus::Succeeded), &[("k", "b")]), true);
        let new = || existed(with_site(release("r20", RecordStatus::Succeeded), &[("k", "b")]), false);
        let newer = || with_site(release("r30", RecordStatus::Failed), &[("k", "c")]);
        type Listed = &'static [(&'static str, &'static str, i64)];
        const A_B: Listed = &[("b", "2", 20), ("a", "1", 10)];
        let cases: Vec<(&str, Vec<Record>, Listed, &str)> = vec![
            ("changed", vec![finished()], A_B, "restore a"),
            (
                "changed twice",
                vec![newer(), finished()],
                &[("c", "3", 30), ("b", "2", 20), ("a", "1", 10)],
                "restore a",
            ),
            ("new", vec![new()], &[("b", "2", 20)], "delete"),
            (
                "new under a delete marker",
                vec![new()],
                &[("b", "2", 20), ("m", "-", 15), ("a", "1", 10)],
                "delete",
            ),
            (
                "deleted",
                vec![finished()],
                &[("b", "-", 20), ("a", "1", 10)],
                "restore a new",
            ),
            (
                "new and gone again",
                vec![newer(), new()],
                &[("c", "-", 30), ("b", "2", 20)],
                "keep",
            ),
            (
                "its version was removed by a lifecycle rule",
                vec![finished()],
                &[("b", "2", 20)],
                "gone",
            ),
            ("all versions gone", vec![finished()], &[], "gone"),
            ("new, and all versions gone", vec![new()], &[], "keep"),
            (
                "by hand since",
                vec![finished()],
                &[("x", "9", 25), ("b", "2", 20), ("a", "1", 10)],
                "restore a by hand",
            ),
            (
                "same bytes",
                vec![finished()],
                &[("b", "1", 20), ("a", "1", 10)],
                "same a",
            ),
            (
                "sent twice",
                vec![finished()],
                &[("b", "2", 20), ("b0", "2", 20), ("a", "1", 10)],
                "restore a",
            ),
            (
                "what it wrote was removed",
                vec![finished()],
                &[("a", "1", 10)],
                "keep by hand",
            ),
            (
                "killed after the write",
                vec![killed("r20", "k", true)],
                A_B,
                "restore a",
            ),
            (
                "killed before the write",
                vec![killed("r20", "k", true)],
                &[("a", "1", 10)],
                "keep",
            ),
            (
                "killed after a new key",
                vec![killed("r20", "k", false)],
                &[("b", "2", 20)],
                "delete",
            ),
            ("killed before a new key", vec![killed("r20", "k", false)], &[], "keep"),
            (
                "killed in the second of the write before",
                vec![killed("r20", "k", true)],
                &[("b", "2", 20), ("ours", "1", 20)],
                "restore ours",
            ),
        ];
        for (case, after, list, expected) in cases {
            let versions = versions(list);
            let changed_since = changed_since(&after);
            let touch = changed_since.get("k").expect("touched");
            let order = VersionOrder::of(&versions, &HashMap::new());
            let mut text = match step(&versions, before(&order, touch, &HashSet::from(["ours"]))) {
                KeyAction::Keep => "keep".to_owned(),
                KeyAction::KeepIfSame(wanted, _) => format!("same {}", wanted.id),
                KeyAction::Restore(wanted, Reason::New) => format!("restore {} new", wanted.id),
                KeyAction::Restore(wanted, _) => format!("restore {}", wanted.id),
                KeyAction::Delete => "delete".to_owned(),
                KeyAction::Gone => "gone".to_owned(),
                KeyAction::Unclear => "unclear".to_owned(),
                KeyAction::Archived(_) => "archived".to_owned(),
            };
            if changed_by_hand(&versions, touch) && !versions.is_empty() {
                text.push_str(" by hand");
            }
            assert_eq!(text, expected, "{case}");
        }
    }

    #[test]
    fn only_keys_of_later_releases_are_touched() {
        let after = [
            with_site(release("r30", RecordStatus::Succeeded), &[("a", "a3")]),
            with_site(release("r20", RecordStatus::Failed), &[("a", "a2"), ("b", "b2")]),
        ];
        let changed_since = changed_since(&after);
        assert_eq!(changed_since.keys().copied().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(
            (changed_since["a"].wrote, changed_since["a"].newest.1),
            (Some("a2"), Some("a3"))
        );
        assert_eq!(changed_since["a"].first.id, "r20");
    }

    #[test]
    fn versioning_must_have_been_on_when_a_later_release_wrote() {
        let with = |versioning| {
            let mut record = with_site(release("r20", RecordStatus::Succeeded), &[("a", "null")]);
            if let Some(site) = &mut record.site {
                site.versioning = versioning;
            }
            [record]
        };
        assert!(unversioned(&with(Versioning::Enabled)).is_none());
        assert!(unversioned(&with(Versioning::Unknown)).is_none());
        assert!(unversioned(&with(Versioning::Suspended)).is_some());
        assert!(unversioned(&with(Versioning::Off)).is_some());
        assert!(unversioned(&[release("r20", RecordStatus::Failed)]).is_none());
    }

    #[test]
    fn an_archived_version_cannot_be_copied() {
        let mut list = versions(&[("b", "2", 20), ("a", "1", 10)]);
        list[1].storage_class = Some("DEEP_ARCHIVE".into());
        assert!(matches!(
            step(&list, PriorVersion::Version(&list[1])),
            KeyAction::Archived(_)
        ));
    }
}
