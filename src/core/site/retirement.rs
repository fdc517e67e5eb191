//! Old assets: keys that are gone from the source and stay for a while, for pages that are still open ask for them.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

/// The most old assets that a record lists, and the most bytes of them: those that are gone the longest come first, and
/// the others begin to count when there is room.
const MAX_LISTED: usize = 250_000;
const MAX_LISTED_BYTES: usize = 32 * 1024 * 1024;

/// A key that is gone from the source and left in place. The short names are those of the record's lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RetiredKey {
    /// The full key.
    #[serde(rename = "k")]
    pub(crate) key: String,
    /// When it was first missing, by S3's clock: seconds since 1970.
    #[serde(rename = "s")]
    pub(crate) since: i64,
    /// What was seen of its object; `None` where nothing was: then the next run notes it.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(crate) seen: Option<SeenObject>,
    /// Somebody else has changed the object since, and the user was warned of it: it stays.
    #[serde(rename = "f", default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) foreign: bool,
}

impl RetiredKey {
    /// Whether its time counts. Where nothing was noted of its object, what is there now may be anybody's: it counts
    /// from when it is first seen.
    #[must_use]
    pub(crate) const fn counts(&self) -> bool {
        self.foreign || self.seen.is_some()
    }
}

/// What a listing shows of an object: enough to tell its versions apart, also in a bucket that keeps none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SeenObject {
    /// The ETag without its quotes.
    #[serde(rename = "e")]
    pub(crate) etag: String,
    /// Seconds since 1970.
    #[serde(rename = "m")]
    pub(crate) modified: i64,
}

/// What records tell of old assets.
#[derive(Debug, Clone, Default)]
pub(crate) struct KnownAssets {
    /// Those that the newest list names, in the order of their keys.
    pub(crate) assets: Vec<RetiredKey>,
    /// Keys that runs of ours which kept no such list have written since.
    pub(crate) rewritten: HashSet<String>,
    /// When S3 stored what the newest release recorded at last, in seconds since 1970: nothing of ours was written since.
    /// `None` where a run that has no end may still write.
    pub(crate) recorded_until: Option<i64>,
}

impl KnownAssets {
    /// Whether the records know of everything that was written up to the newest of the objects that are live, in seconds
    /// since 1970: without it what was in use meanwhile is not known.
    #[must_use]
    pub(crate) fn explains(&self, newest_live: Option<i64>) -> bool {
        newest_live.is_none_or(|written| self.recorded_until.is_none_or(|until| written <= until))
    }

    /// What stays of them for good, whatever the records do not know.
    #[must_use]
    pub(crate) fn foreign(&self) -> Vec<RetiredKey> {
        self.assets.iter().filter(|asset| asset.foreign).cloned().collect()
    }
}

/// An old asset that stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptKey {
    /// Which.
    pub(crate) asset: RetiredKey,
    /// Until when, in seconds since 1970; `None` where this run does not decide: it is another step's, or somebody else
    /// has changed it.
    pub(crate) until: Option<i64>,
    /// No earlier run has noted it.
    pub(crate) is_new: bool,
}

/// What a plan does with old assets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Retirement {
    /// Those that stay, in the order of their keys.
    pub(crate) kept: Vec<KeptKey>,
    /// Those that earlier runs have noted and whose time has passed: the plan deletes them.
    pub(crate) due: Vec<RetiredKey>,
    /// Whether this is another list than the recorded one.
    pub(crate) is_news: bool,
    /// When that was decided by S3's clock, in seconds since 1970; `None` when S3 did not say.
    pub(crate) decided_at: Option<i64>,
}

impl Retirement {
    /// What stays when the run has succeeded and has `spared` these keys, and what when it has not succeeded: then pages of
    /// before may be live for longer, and what they need does not begin to count yet.
    #[must_use]
    pub(crate) fn left_by(&self, succeeded: bool, spared: &[String]) -> Vec<KeptKey> {
        let known = self.kept.iter().filter(|kept| succeeded || !kept.is_new).cloned();
        let spared: HashSet<&str> = spared.iter().map(String::as_str).collect();
        let due = self
            .due
            .iter()
            .filter(|asset| !succeeded || spared.contains(asset.key.as_str()));
        // What is spared is the next run's, however long that is after its time.
        let due = due.map(|asset| KeptKey {
            asset: asset.clone(),
            until: self.decided_at.filter(|_| spared.contains(asset.key.as_str())),
            is_new: false,
        });
        let mut left: Vec<KeptKey> = known.chain(due).collect();
        left.sort_by(|one, other| one.asset.key.cmp(&other.asset.key));
        left
    }
}

/// The list of `kept` as a record can hold it.
#[must_use]
pub(crate) fn listed(kept: &[KeptKey]) -> Vec<RetiredKey> {
    let all = kept.iter().map(|kept| kept.asset.clone());
    // A character takes six bytes at most where it is escaped.
    let most = |asset: &RetiredKey| 160 + 6 * asset.key.len();
    if kept.len() <= MAX_LISTED && all.clone().map(|asset| most(&asset)).sum::<usize>() <= MAX_LISTED_BYTES {
        return all.collect();
    }
    let mut oldest: Vec<RetiredKey> = all.collect();
    oldest.sort_by_key(|asset| asset.since);
    oldest.truncate(MAX_LISTED);
    let mut bytes = 0;
    let fits = |asset: &RetiredKey| {
        bytes += serde_json::to_string(asset).map_or(usize::MAX / 2, |line| line.len() + 1);
        bytes <= MAX_LISTED_BYTES
    };
    let mut fitting: Vec<RetiredKey> = oldest.into_iter().take_while(fits).collect();
    fitting.sort_by(|one, other| one.key.cmp(&other.key));
    fitting
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(key: String, since: i64, is_new: bool) -> KeptKey {
        KeptKey {
            asset: RetiredKey {
                key,
                since,
                seen: None,
                foreign: false,
            },
            until: None,
            is_new,
        }
    }

    #[test]
    fn lines_of_a_list_come_back_as_they_were() {
        let seen = SeenObject {
            etag: "abc-2".into(),
            modified: 5,
        };
        for (line, seen, foreign) in [
            (r#"{"k":"a","s":7}"#, None, false),
            (r#"{"k":"a","s":7,"o":{"e":"abc-2","m":5},"f":true}"#, Some(seen), true),
        ] {
            let asset = RetiredKey {
                key: "a".into(),
                since: 7,
                seen,
                foreign,
            };
            assert_eq!(serde_json::from_str::<RetiredKey>(line).expect("a line"), asset);
            assert_eq!(serde_json::to_string(&asset).expect("JSON"), line);
        }
    }

    #[test]
    fn a_run_that_fails_begins_to_count_nothing_and_forgets_nothing() {
        let retirement = Retirement {
            kept: vec![kept("b".into(), 1, false), kept("c".into(), 9, true)],
            due: vec![kept("a".into(), 0, false).asset],
            is_news: true,
            decided_at: Some(10),
        };
        let keys = |succeeded, spared: &[String]| {
            let left = retirement.left_by(succeeded, spared);
            left.into_iter().map(|kept| kept.asset.key).collect::<Vec<_>>()
        };
        assert_eq!(keys(true, &[]), ["b", "c"]);
        assert_eq!(keys(true, &["a".into()]), ["a", "b", "c"]);
        assert_eq!(keys(false, &[]), ["a", "b"]);
        let until = |spared: &[String]| retirement.left_by(spared.len() == 1, spared)[0].until;
        assert_eq!((until(&["a".into()]), until(&[])), (Some(10), None));
    }

    #[test]
    fn a_list_that_no_run_could_read_again_keeps_the_oldest() {
        let all: Vec<KeptKey> = (0..60_000_i64)
            .map(|n| kept(format!("{}{n:08}", "x".repeat(1000)), -n, false))
            .collect();
        let list = listed(&all);
        assert!((30_000..40_000).contains(&list.len()), "{}", list.len());
        assert!(list.is_sorted_by_key(|asset| &asset.key));
        assert_eq!(list.last().map(|asset| asset.since), Some(-59_999));
        let few: Vec<KeptKey> = (0..100_000_i64).map(|n| kept(format!("{n:08}"), n, false)).collect();
        assert_eq!(listed(&few).len(), 100_000);
    }
}
