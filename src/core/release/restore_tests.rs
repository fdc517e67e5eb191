//! Tests of [`super`]: what a key was, and what is to be done with it.

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
        archived: None,
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
