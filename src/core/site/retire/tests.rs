//! What happens to which missing key.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::core::release::kept::KeptRecords;

const DAY: i64 = 24 * 3600;
const T0: i64 = 1_795_000_000;

fn rules() -> DeleteAfter {
    DeleteAfter::parse("assets/* 14d\nassets/short/* 1d").expect("legal lines")
}

fn object(key: &str, etag: &str, modified: i64) -> RemoteObject {
    RemoteObject {
        key: format!("p/{key}"),
        size: 1,
        etag: etag.into(),
        last_modified: modified,
    }
}

fn asset(key: &str, since: i64) -> RetiredKey {
    RetiredKey {
        key: format!("p/{key}"),
        since,
        seen: Some(SeenObject {
            etag: "e".into(),
            modified: T0 - DAY,
        }),
        foreign: false,
    }
}

/// Judges at `now` and says it in words: `-key` is deleted, `key@days` stays until then, `key!` is left for good.
fn judge(now: i64, known: &[RetiredKey], missing: &[RemoteObject]) -> (Vec<String>, MissingKeys) {
    let (rules, none) = (rules(), HashSet::new());
    let retiring = Retiring {
        rules: &rules,
        prefix: "p/",
        now: Some(now),
        known,
        rewritten: &none,
    };
    let judged = retiring.judge(missing.to_vec(), |_| Whereabouts::NotMissing);
    let deleted = judged.deletes.iter().map(|key| format!("-{}", &key[2..]));
    let kept = judged.retirement.kept.iter().map(|kept| match kept.until {
        Some(until) => format!("{}@{}", &kept.asset.key[2..], (until - T0) / DAY),
        None => format!("{}!", &kept.asset.key[2..]),
    });
    (deleted.chain(kept).collect(), judged)
}

#[test]
fn a_key_stays_from_when_it_was_first_missing() {
    type Case<'c> = (&'c str, i64, &'c [RetiredKey], RemoteObject, &'c str, bool);
    let old = T0 - DAY;
    let cases: [Case<'_>; 9] = [
        ("new", T0, &[], object("assets/a", "e", old), "assets/a@14", true),
        (
            "no match",
            T0,
            &[],
            object("index.html", "e", old),
            "-index.html",
            false,
        ),
        (
            "later lines win",
            T0,
            &[],
            object("assets/short/a", "e", old),
            "assets/short/a@1",
            true,
        ),
        (
            "known",
            T0 + 13 * DAY,
            &[asset("assets/a", T0)],
            object("assets/a", "e", old),
            "assets/a@14",
            false,
        ),
        (
            "a second early",
            T0 + 14 * DAY - 1,
            &[asset("assets/a", T0)],
            object("assets/a", "e", old),
            "assets/a@14",
            false,
        ),
        (
            "due",
            T0 + 14 * DAY,
            &[asset("assets/a", T0)],
            object("assets/a", "e", old),
            "-assets/a",
            true,
        ),
        (
            "changed by somebody else",
            T0 + 99 * DAY,
            &[asset("assets/a", T0)],
            object("assets/a", "other", old),
            "assets/a!",
            true,
        ),
        (
            "the same bytes, written again by somebody else",
            T0 + 99 * DAY,
            &[asset("assets/a", T0)],
            object("assets/a", "e", T0 + DAY),
            "assets/a!",
            true,
        ),
        (
            "a record from the future",
            T0,
            &[asset("assets/a", T0 + 99 * DAY)],
            object("assets/a", "e", old),
            "assets/a@14",
            true,
        ),
    ];
    for (case, now, known, missing, expected, is_news) in cases {
        let (words, judged) = judge(now, known, &[missing]);
        assert_eq!(words, [expected], "{case}");
        assert_eq!(judged.retirement.is_news, is_news, "{case}");
    }
}

#[test]
fn what_somebody_else_has_changed_is_warned_of_once() {
    let changed = [object("assets/a", "other", T0)];
    let (words, first) = judge(T0 + DAY, &[asset("assets/a", T0)], &changed);
    assert_eq!((words, first.warnings.len()), (vec!["assets/a!".to_owned()], 1));
    assert_eq!(first.warnings[0].path, "p/assets/a");
    let known: Vec<RetiredKey> = first.retirement.kept.into_iter().map(|kept| kept.asset).collect();
    let (words, second) = judge(T0 + 99 * DAY, &known, &changed);
    assert_eq!((words, second.warnings.len()), (vec!["assets/a!".to_owned()], 0));
    assert!(!second.retirement.is_news);
}

#[test]
fn many_changed_keys_are_counted() {
    let known: Vec<RetiredKey> = (0..15).map(|n| asset(&format!("assets/{n:02}"), T0)).collect();
    let missing: Vec<RemoteObject> = (0..15)
        .map(|n| object(&format!("assets/{n:02}"), "other", T0))
        .collect();
    let (_, judged) = judge(T0, &known, &missing);
    assert_eq!(judged.warnings.len(), 11);
    assert!(judged.warnings[10].message.starts_with("5 more keys"));
}

#[test]
fn a_record_that_says_it_was_missing_before_it_was_written_is_not_believed() {
    let known = [asset("assets/a", 0)];
    let (words, _) = judge(T0 + 12 * DAY, &known, &[object("assets/a", "e", T0 - DAY)]);
    assert_eq!(words, ["assets/a@13"]);
}

#[test]
fn what_our_own_run_without_a_list_has_written_again_counts_from_now() {
    let (rules, rewritten) = (rules(), HashSet::from(["p/assets/a".to_owned()]));
    let known = [asset("assets/a", T0)];
    let retiring = Retiring {
        rules: &rules,
        prefix: "p/",
        now: Some(T0 + 20 * DAY),
        known: &known,
        rewritten: &rewritten,
    };
    let judged = retiring.judge(vec![object("assets/a", "other", T0 + 19 * DAY)], |_| {
        Whereabouts::NotMissing
    });
    assert_eq!(judged.retirement.kept[0].until, Some(T0 + 34 * DAY));
    assert!(judged.warnings.is_empty() && judged.deletes.is_empty());
}

#[test]
fn keys_of_another_step_stay_on_the_list_and_those_that_are_back_leave_it() {
    let (rules, none) = (rules(), HashSet::new());
    let known = [asset("assets/back", T0), asset("media/excluded", T0)];
    let retiring = Retiring {
        rules: &rules,
        prefix: "p/",
        now: Some(T0 + 99 * DAY),
        known: &known,
        rewritten: &none,
    };
    let judged = retiring.judge(Vec::new(), |key| match key {
        "p/media/excluded" => Whereabouts::NotManaged,
        _ => Whereabouts::NotMissing,
    });
    let kept: Vec<(&RetiredKey, Option<i64>)> = judged
        .retirement
        .kept
        .iter()
        .map(|kept| (&kept.asset, kept.until))
        .collect();
    assert_eq!(kept, [(&known[1], None)]);
    assert!(judged.retirement.is_news && judged.deletes.is_empty());
}

#[test]
fn without_a_time_nothing_is_due_and_nothing_begins_to_count() {
    let (rules, none) = (rules(), HashSet::new());
    let known = [asset("assets/a", 0)];
    let retiring = Retiring {
        rules: &rules,
        prefix: "p/",
        now: None,
        known: &known,
        rewritten: &none,
    };
    let missing = vec![
        object("assets/a", "e", T0 - DAY),
        object("assets/b", "e", T0),
        object("index.html", "e", T0),
    ];
    let judged = retiring.judge(missing, |_| Whereabouts::NotMissing);
    assert_eq!(judged.deletes, ["p/index.html"]);
    assert_eq!(judged.retirement.kept.len(), 1);
    assert_eq!(judged.warnings.len(), 1);
}

#[test]
fn a_hundred_thousand_old_assets_are_judged_and_their_list_stays_small() {
    let key = |n: usize| {
        format!(
            "assets/chunk-{n:06}.{:08x}.js",
            n.wrapping_mul(2_654_435_761) % 0xffff_ffff
        )
    };
    let etag = |n: usize| {
        format!(
            "{:032x}",
            (n as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
        )
    };
    let missing: Vec<RemoteObject> = (0..100_000).map(|n| object(&key(n), &etag(n), T0 - DAY)).collect();
    let (_, first) = judge(T0, &[], &missing);
    let list = crate::core::site::retirement::listed(&first.retirement.kept);
    assert_eq!(list.len(), 100_000);
    let packed = crate::core::release::keys::pack(&list).expect("packed");
    assert!(packed.len() < 6_000_000, "{} bytes", packed.len());
    let known: Vec<RetiredKey> =
        crate::core::release::keys::unpack(&packed, &KeptRecords::default()).expect("unpacked");
    let (_, second) = judge(T0 + 13 * DAY, &known, &missing);
    assert!(!second.retirement.is_news && second.deletes.is_empty());
    let (_, third) = judge(T0 + 14 * DAY, &known, &missing);
    assert_eq!((third.deletes.len(), third.retirement.kept.len()), (100_000, 0));
}

proptest! {
    /// Deploys of random releases at random times: after each, exactly the assets are there that the release names, or
    /// that were first missing less than their time ago; and every asset of a release younger than that is there.
    #[test]
    fn every_asset_stays_as_long_as_it_should_and_no_longer(
        deploys in prop::collection::vec((0_u8..64, 0_i64..20 * DAY), 1..40),
    ) {
        let (rules, none) = (rules(), HashSet::new());
        let names = |bits: u8| -> Vec<String> {
            let bits = (0..6).filter(move |bit| bits & (1 << bit) != 0);
            bits.map(|bit| format!("p/assets/{bit}")).collect()
        };
        let bucket: RefCell<BTreeMap<String, RemoteObject>> = RefCell::default();
        let mut missing_since: BTreeMap<String, i64> = BTreeMap::new();
        let mut releases: Vec<(i64, Vec<String>)> = Vec::new();
        let (mut list, mut now) = (Vec::new(), T0);
        for (bits, pause) in deploys {
            now += pause;
            let named = names(bits);
            for key in &named {
                let new = object(&key[2..], &format!("e{now}"), now);
                bucket.borrow_mut().entry(key.clone()).or_insert(new);
                missing_since.remove(key);
            }
            for key in bucket.borrow().keys().filter(|key| !named.contains(key)) {
                missing_since.entry(key.clone()).or_insert(now);
            }
            let missing: Vec<RemoteObject> =
                bucket.borrow().values().filter(|object| !named.contains(&object.key)).cloned().collect();
            let retiring = Retiring { rules: &rules, prefix: "p/", now: Some(now), known: &list, rewritten: &none };
            let judged = retiring.judge(missing, |_| Whereabouts::NotMissing);
            prop_assert!(judged.warnings.is_empty());
            for key in &judged.deletes {
                bucket.borrow_mut().remove(key);
            }
            missing_since.retain(|_, since| now < *since + 14 * DAY);
            let there: Vec<String> = bucket.borrow().keys().cloned().collect();
            let mut expected: Vec<String> = named.iter().chain(missing_since.keys()).cloned().collect();
            expected.sort();
            prop_assert_eq!(&there, &expected);
            releases.push((now, named));
            for (_, named) in releases.iter().filter(|(at, _)| now < at + 14 * DAY) {
                prop_assert!(named.iter().all(|key| there.contains(key)));
            }
            list = judged.retirement.kept.into_iter().map(|kept| kept.asset).collect();
        }
    }
}
