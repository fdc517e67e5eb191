//! Runs that overlapped: neither knew what the other did with old assets, so only what both know counts.

use std::collections::BTreeMap;

use crate::core::release::known_releases::KnownReleases;
use crate::core::release::record::{Record, RecordStatus};
use crate::core::site::retirement::RetiredKey;

/// What is known of `records`.
#[must_use]
pub(crate) fn known_releases(records: &[Record]) -> KnownReleases {
    let newest_at = records.iter().filter_map(stored_at).max();
    let ids = |wanted: &dyn Fn(&Record) -> bool| {
        let records = records.iter().filter(|record| wanted(record));
        records.map(|record| record.id.clone()).collect()
    };
    KnownReleases {
        newest_at,
        newest: ids(&|record| newest_at.is_some() && stored_at(record) == newest_at),
        open: ids(&|record| record.status == RecordStatus::Started),
    }
}

/// The places of the records behind `position` that its run did not know, or whose end it did not know; `None` where one
/// of them knew nothing of old assets: what it used is on no list.
#[must_use]
pub(crate) fn overlapping(records: &[Record], position: usize) -> Option<Vec<usize>> {
    let knew = records[position].site.as_ref().and_then(|site| site.knew.as_ref());
    let Some(knew) = knew else {
        return Some(Vec::new());
    };
    let mut unknown = Vec::new();
    for (place, record) in records.iter().enumerate().skip(position + 1) {
        let Some(site) = record.site.as_ref().filter(|_| !is_known(knew, record)) else {
            continue;
        };
        if site.retired.is_none() && record.status != RecordStatus::Started {
            return None;
        }
        unknown.push(place);
    }
    Some(unknown)
}

/// Whether the newest of `records` that is of a site has no end: it may still write.
#[must_use]
pub(crate) fn is_under_way(records: &[Record]) -> bool {
    let newest = records.iter().find(|record| record.site.is_some());
    newest.is_some_and(|record| record.status == RecordStatus::Started)
}

/// The old assets that all of `lists` name, each from the latest time that one of them says: what one of them does not
/// name was in use meanwhile, or it was not known there, and counts from now. What somebody else has changed stays.
#[must_use]
pub(crate) fn in_all(lists: Vec<Vec<RetiredKey>>) -> Vec<RetiredKey> {
    let number = lists.len();
    let mut by_key: BTreeMap<String, Vec<RetiredKey>> = BTreeMap::new();
    for asset in lists.into_iter().flatten() {
        by_key.entry(asset.key.clone()).or_default().push(asset);
    }
    let assets = by_key.into_values().filter_map(|named| {
        let foreign = named.iter().any(|asset| asset.foreign);
        let is_in_all = named.len() == number;
        let mut named = named.into_iter();
        let first = named.next().filter(|_| is_in_all || foreign)?;
        Some(named.fold(RetiredKey { foreign, ..first }, |one, other| RetiredKey {
            since: one.since.max(other.since),
            seen: one.seen.filter(|seen| other.seen.as_ref() == Some(seen)),
            ..one
        }))
    });
    assets.collect()
}

/// Whether all was known of `record` that is known of it now. One that had no end and still has none has told nothing new.
fn is_known(knew: &KnownReleases, record: &Record) -> bool {
    if knew.open.contains(&record.id) {
        return record.status == RecordStatus::Started;
    }
    stored_at(record) < knew.newest_at || knew.newest.contains(&record.id)
}

fn stored_at(record: &Record) -> Option<i64> {
    record.stored_at.map(|time| time.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, with_site};
    use crate::core::site::retirement::SeenObject;

    /// A record that knew the `knew` ones, and lists old assets when it `lists`.
    fn record(id: &str, status: RecordStatus, lists: bool, knew: &[Record]) -> Record {
        let mut record = with_site(release(id, status), &[("index.html", "v")]);
        let site = record.site.as_mut().expect("a site");
        site.retired = lists.then_some(1);
        site.knew = Some(known_releases(knew));
        record
    }

    #[test]
    fn runs_that_did_not_know_each_others_end_overlap() {
        use RecordStatus::{Failed, Started, Succeeded};
        let first = record("r10", Succeeded, true, &[]);
        let other = |status, lists| record("r20", status, lists, &[]);
        let last = |knew: &[Record]| record("r30", Succeeded, true, knew);
        let both = |status| [other(status, true), first.clone()];
        for (records, expected) in [
            (
                vec![last(&both(Succeeded)), other(Succeeded, true), first.clone()],
                Some(vec![]),
            ),
            (
                vec![
                    last(std::slice::from_ref(&first)),
                    other(Succeeded, true),
                    first.clone(),
                ],
                Some(vec![1]),
            ),
            (
                vec![last(&both(Started)), other(Failed, true), first.clone()],
                Some(vec![1]),
            ),
            (
                vec![last(&both(Started)), other(Started, true), first.clone()],
                Some(vec![]),
            ),
            (vec![last(&[]), other(Started, false), first.clone()], Some(vec![1, 2])),
            (
                vec![
                    last(std::slice::from_ref(&first)),
                    other(Succeeded, false),
                    first.clone(),
                ],
                None,
            ),
        ] {
            assert_eq!(overlapping(&records, 0), expected, "{records:#?}");
        }
        let mut of_before = last(&[]);
        of_before.site.as_mut().expect("a site").knew = None;
        assert_eq!(overlapping(&[of_before, first], 0), Some(vec![]));
    }

    #[test]
    fn releases_of_one_second_are_told_apart() {
        let (one, mut other) = (
            record("r10", RecordStatus::Succeeded, true, &[]),
            record("r11", RecordStatus::Succeeded, true, &[]),
        );
        other.stored_at = one.stored_at;
        let last = record("r20", RecordStatus::Succeeded, true, std::slice::from_ref(&one));
        assert_eq!(overlapping(&[last, other, one], 0), Some(vec![1]));
    }

    #[test]
    fn only_what_all_of_them_name_keeps_its_time() {
        let asset = |key: &str, since, etag: &str, foreign| RetiredKey {
            key: key.into(),
            since,
            seen: Some(SeenObject {
                etag: etag.into(),
                modified: 1,
            }),
            foreign,
        };
        let one = vec![
            asset("both", 3, "e", false),
            asset("changed", 3, "e", false),
            asset("one", 3, "e", false),
        ];
        let other = vec![
            asset("both", 7, "e", false),
            asset("changed", 3, "f", false),
            asset("foreign", 3, "e", true),
            asset("other", 3, "e", false),
        ];
        assert_eq!(in_all(vec![one.clone()]), one);
        let counts = |assets: Vec<RetiredKey>| {
            let counts = assets.into_iter().map(|asset| (asset.counts(), asset.key, asset.since));
            counts.collect::<Vec<_>>()
        };
        let expected = [
            (true, "both".to_owned(), 7),
            (false, "changed".to_owned(), 3),
            (true, "foreign".to_owned(), 3),
        ];
        assert_eq!(counts(in_all(vec![one.clone(), other.clone()])), expected);
        assert_eq!(counts(in_all(vec![other, one])), expected);
    }
}
