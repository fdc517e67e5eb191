use super::*;
use crate::core::release::fixtures::{release, rolls_back_to, with_site};
use crate::core::site::headers::ObjectHeaders;
use crate::core::site::plan::{Reason, Write, WriteSource};

const DAY: i64 = 24 * 3600;
const T0: i64 = 1_795_000_000;

fn asset(key: &str, since: i64) -> RetiredKey {
    RetiredKey {
        key: key.into(),
        since,
        seen: Some(SeenObject {
            etag: "e".into(),
            modified: T0,
        }),
        foreign: false,
    }
}

fn restore(key: &str) -> Write {
    Write {
        key: key.into(),
        size: 1,
        reason: if key.contains("changed") {
            Reason::ContentChanged
        } else {
            Reason::New
        },
        source: WriteSource::InPlace,
        headers: ObjectHeaders::default(),
    }
}

/// A way back at day 20 that writes and hides these keys: what it deletes, and what is an old asset until which day.
fn retire(
    known: &[RetiredKey],
    at_target: &[RetiredKey],
    writes: &[&str],
    deletes: &[&str],
) -> (Vec<String>, Vec<String>, bool) {
    retire_used(&[], known, at_target, writes, deletes)
}

/// The same, where what is taken back has used these keys.
fn retire_used(
    in_use: &[&str],
    known: &[RetiredKey],
    at_target: &[RetiredKey],
    writes: &[&str],
    deletes: &[&str],
) -> (Vec<String>, Vec<String>, bool) {
    let rules = DeleteAfter::parse("assets/* 14d").expect("a line");
    let mut plan = SitePlan {
        writes: writes.iter().map(|key| restore(key)).collect(),
        deletes: deletes.iter().map(|&key| key.to_owned()).collect(),
        ..SitePlan::default()
    };
    let back = WayBack {
        rules: &rules,
        now: Some(T0 + 20 * DAY),
        known,
        at_target,
        in_use: &in_use.iter().map(|&key| key.to_owned()).collect(),
    };
    let seen = SeenObject {
        etag: "e".into(),
        modified: T0,
    };
    back.retire(&mut plan, |_| Some(seen.clone()));
    let retirement = plan.retirement.expect("old assets");
    let kept = retirement.kept.iter().map(|kept| match kept.until {
        Some(until) => format!("{}@{}", kept.asset.key, (until - T0) / DAY),
        None => format!("{}!", kept.asset.key),
    });
    (plan.deletes, kept.collect(), retirement.is_news)
}

#[test]
fn a_way_back_retires_what_it_would_hide() {
    let (deletes, kept, is_news) = retire(&[], &[], &["index.html"], &["assets/b", "new.html"]);
    assert_eq!((deletes, kept), (vec!["new.html".into()], vec!["assets/b@34".into()]));
    assert!(is_news);
}

#[test]
fn what_it_would_hide_and_is_old_already_keeps_its_time() {
    let known = [asset("assets/b", T0 + 10 * DAY), asset("assets/c", T0 + 6 * DAY)];
    let (deletes, kept, _) = retire(&known, &[], &[], &["assets/b", "assets/c"]);
    assert_eq!(
        (deletes, kept),
        (vec!["assets/c".into()], vec!["assets/b@24".to_owned()])
    );
}

#[test]
fn the_targets_assets_are_in_use_again_and_its_old_ones_are_old_again() {
    let known = [asset("assets/a", T0), asset("assets/both", T0 + 19 * DAY)];
    let at_target = [
        asset("assets/both", T0),
        asset("assets/changed", T0),
        asset("assets/gone", T0 + 3 * DAY),
        asset("assets/used", T0),
    ];
    let (deletes, kept, is_news) = retire(&known, &at_target, &["assets/changed", "assets/gone"], &[]);
    assert!(deletes.is_empty() && is_news);
    assert_eq!(
        kept,
        [
            "assets/both@33",
            "assets/changed@34",
            "assets/gone@34",
            "assets/used@34"
        ]
    );
}

#[test]
fn the_way_back_of_a_run_that_failed_leaves_the_list_as_it_was() {
    let known = [asset("assets/a", T0 + 19 * DAY), asset("assets/b", T0 + 18 * DAY)];
    let (_, kept, is_news) = retire(&known, &known, &[], &[]);
    assert_eq!((kept.len(), is_news), (2, false));
    let (_, kept, is_news) = retire(&known, &known, &["assets/a"], &["assets/new"]);
    assert_eq!(kept, ["assets/a@34", "assets/b@32", "assets/new@34"]);
    assert!(is_news, "the version of `assets/a` is another");
}

#[test]
fn what_is_taken_back_has_used_counts_from_now() {
    let known = [
        asset("assets/a", T0 + 7 * DAY),
        asset("assets/b", T0 + 7 * DAY),
        asset("assets/hidden", T0),
    ];
    let used = ["assets/a", "assets/hidden"];
    let (deletes, kept, is_news) = retire_used(&used, &known, &known, &[], &["assets/hidden"]);
    assert!(deletes.is_empty() && is_news);
    assert_eq!(kept, ["assets/a@34", "assets/b@21", "assets/hidden@34"]);
}

#[test]
fn a_way_back_deletes_nothing_that_nobody_has_looked_at() {
    let mut unseen = asset("assets/a", T0);
    unseen.seen = None;
    let (deletes, kept, _) = retire(&[unseen], &[], &[], &["assets/a"]);
    assert_eq!((deletes.len(), kept), (0, vec!["assets/a@34".to_owned()]));
}

#[test]
fn what_somebody_else_has_changed_is_left() {
    let mut known = asset("assets/a", T0);
    known.seen = Some(SeenObject {
        etag: "other".into(),
        modified: T0,
    });
    let (deletes, kept, _) = retire(&[known], &[], &[], &["assets/a"]);
    assert_eq!((deletes.len(), kept), (0, vec!["assets/a!".to_owned()]));
}

#[test]
fn the_newest_list_is_that_of_the_newest_record_with_one() {
    let listing = |id: &str, retired| {
        let mut record = with_site(release(id, RecordStatus::Succeeded), &[("a", "1")]);
        if let Some(site) = &mut record.site {
            site.retired = retired;
        }
        record
    };
    let without = listing("r30", None);
    let killed = Record {
        status: RecordStatus::Started,
        ..without.clone()
    };
    let older = [killed, listing("r20", Some(3)), listing("r10", Some(0))];
    assert_eq!(newest_list(&older), Some(1));
    // Nobody knows what it used.
    assert_eq!(newest_list(&[without.clone(), older[1].clone()]), None);
    assert_eq!(newest_list(&older[..1]), None);
    assert_eq!(
        newest_list(&[release("r40", RecordStatus::Failed), listing("r20", Some(0))]),
        Some(1)
    );
    // An older version of the action does not know what its rollback has brought back.
    let back = [rolls_back_to(without, "r10"), listing("r20", Some(3))];
    assert_eq!(newest_list(&back), None);
    assert_eq!(written_keys(&older[1..]), HashSet::from(["a".to_owned()]));
}
