//! Old assets across releases: which record lists them, and what a way back does with them.
//!
//! Pages that are taken back are open in tabs, too: what a way back would hide, and what `delete-after` names, stays as
//! long as what a deploy would delete.

use std::collections::{BTreeMap, HashSet};

use crate::core::release::outcome::PutBack;
use crate::core::release::plan::Plan;
use crate::core::release::record::{Record, RecordStatus, RecordedSite, ReleaseKind};
use crate::core::site::delete_after::DeleteAfter;
use crate::core::site::key_change::{KeyChange, KeyOperation};
use crate::core::site::plan::{Reason, SitePlan, SiteWarning};
use crate::core::site::retirement::{KeptKey, RetiredKey, Retirement, SeenObject, listed};

/// The place among `records` (newest first) of the newest one that lists old assets, when there is one that may be used.
#[must_use]
pub(crate) fn newest_list(records: &[Record]) -> Option<usize> {
    for (position, record) in records.iter().enumerate() {
        let Some(site) = &record.site else { continue };
        if site.retired.is_some() {
            return Some(position);
        }
        // What it has brought back was live: nobody knows since when it is missing again.
        if record.command == ReleaseKind::Rollback && record.may_have_changed_objects() {
            return None;
        }
    }
    None
}

/// The keys that `records` (keys loaded) have written, or may have.
#[must_use]
pub(crate) fn written_keys(records: &[Record]) -> HashSet<String> {
    let changes = records.iter().flat_map(|record| {
        let site = record.site.iter();
        site.flat_map(|site| match record.status {
            RecordStatus::Started => &site.planned,
            _ => &site.changed,
        })
    });
    let written = changes.filter(|change: &&KeyChange| change.operation == KeyOperation::Written);
    written.map(|change| change.key.clone()).collect()
}

impl RecordedSite {
    /// Takes the old assets that the run leaves.
    pub(crate) fn leave(&mut self, kept: &[KeptKey]) {
        self.old_assets = listed(kept);
        self.retired = Some(self.old_assets.len() as u64);
    }
}

/// The old assets that a run leaves.
#[must_use]
pub(crate) fn left(plan: &Plan, put_back: Option<&PutBack>, succeeded: bool) -> Option<Vec<KeptKey>> {
    let retirement = plan.site.as_ref()?.retirement.as_ref()?;
    let back = put_back.and_then(|put_back| put_back.old_assets.clone());
    Some(back.unwrap_or_else(|| retirement.left_by(succeeded)))
}

/// What is known before a way back is planned.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WayBack<'a> {
    /// `delete-after`.
    pub(crate) rules: &'a DeleteAfter,
    /// The time by S3's clock, in seconds since 1970; `None` when S3 did not say.
    pub(crate) now: Option<i64>,
    /// The old assets that the newest record lists, in the order of their keys.
    pub(crate) known: &'a [RetiredKey],
    /// Those that the target's record lists.
    pub(crate) at_target: &'a [RetiredKey],
}

impl WayBack<'_> {
    /// Takes out of `plan`'s deletes what stays for a while, and notes what is an old asset once the plan is carried out;
    /// `current` is what is there now, where it was seen.
    ///
    /// | key | afterwards |
    /// | --- | --- |
    /// | would be hidden, matches | old asset, from when it was first missing, else from now |
    /// | would be hidden, matches, its time has passed | deleted |
    /// | old asset now and then | as it is |
    /// | old asset now, not then | in use again |
    /// | old asset then, not now | old asset from now; from then when only the way back brings it back |
    pub(crate) fn retire(&self, plan: &mut SitePlan, current: impl Fn(&str) -> Option<SeenObject>) {
        if self.rules.is_empty() && self.known.is_empty() && self.at_target.is_empty() {
            return;
        }
        let mut known = by_key(self.known);
        let at_target = by_key(self.at_target);
        let restored: HashSet<&str> = plan.writes.iter().map(|write| write.key.as_str()).collect();
        let absent = plan.writes.iter().filter(|write| write.reason == Reason::New);
        let brought_back: HashSet<&str> = absent.map(|write| write.key.as_str()).collect();
        let mut retirement = Retirement::default();
        let (mut deletes, mut judged) = (Vec::new(), HashSet::new());
        for key in std::mem::take(&mut plan.deletes) {
            judged.insert(key.clone());
            let recorded = known.remove(key.as_str());
            match self.hidden(&key, &plan.prefix, recorded, current(&key)) {
                Hidden::Deleted => deletes.push(key),
                Hidden::Due(asset) => {
                    deletes.push(key);
                    retirement.due.push(asset);
                }
                Hidden::Kept(kept) => {
                    if kept.asset.foreign && recorded.is_some_and(|asset| !asset.foreign) {
                        plan.warnings.retain(|warning| warning.path != key);
                        plan.warnings.push(modified(key));
                    }
                    retirement.kept.push(kept);
                }
                Hidden::Uncounted => {}
            }
        }
        let still_old = known.iter().filter(|(key, _)| at_target.contains_key(**key));
        for (key, asset) in still_old {
            // What is copied is another version then.
            let seen = asset.seen.clone().filter(|_| !restored.contains(key));
            let asset = (*asset).clone();
            let kept = self.kept(RetiredKey { seen, ..asset }, &plan.prefix, false);
            retirement.kept.push(kept);
        }
        let old_again = at_target
            .iter()
            .filter(|(key, _)| !known.contains_key(**key) && !judged.contains(**key));
        for (key, asset) in old_again {
            let since = if brought_back.contains(key) {
                Some(asset.since)
            } else {
                self.now
            };
            let asset = since.map(|since| RetiredKey {
                key: (*key).to_owned(),
                since,
                seen: None,
                foreign: false,
            });
            let kept = asset.map(|asset| self.kept(asset, &plan.prefix, true));
            retirement.kept.extend(kept);
        }
        retirement
            .kept
            .sort_by(|one, other| one.asset.key.cmp(&other.asset.key));
        retirement.is_news = !retirement.kept.iter().map(|kept| &kept.asset).eq(self.known);
        plan.deletes = deletes;
        plan.retirement = Some(retirement);
    }

    /// What becomes of a key that would be hidden.
    fn hidden(&self, key: &str, prefix: &str, recorded: Option<&RetiredKey>, seen: Option<SeenObject>) -> Hidden {
        let Some(seconds) = self.rules.seconds(path(key, prefix)) else {
            return Hidden::Deleted;
        };
        let asset = match (recorded, self.now) {
            (Some(asset), _) => {
                let is_changed = seen.is_some() && asset.seen.is_some() && asset.seen != seen;
                RetiredKey {
                    foreign: asset.foreign || is_changed,
                    ..asset.clone()
                }
            }
            (None, Some(since)) => RetiredKey {
                key: key.to_owned(),
                since,
                seen,
                foreign: false,
            },
            (None, None) => return Hidden::Uncounted,
        };
        let is_due = self.now.is_some_and(|now| now >= asset.since.saturating_add(seconds));
        if is_due && !asset.foreign {
            return Hidden::Due(asset);
        }
        Hidden::Kept(self.kept(asset, prefix, recorded.is_none()))
    }

    fn kept(&self, asset: RetiredKey, prefix: &str, is_new: bool) -> KeptKey {
        let seconds = self.rules.seconds(path(&asset.key, prefix)).filter(|_| !asset.foreign);
        KeptKey {
            until: seconds.map(|seconds| asset.since.saturating_add(seconds)),
            asset,
            is_new,
        }
    }
}

/// What becomes of a key that a way back would hide.
enum Hidden {
    Deleted,
    Due(RetiredKey),
    Kept(KeptKey),
    /// It stays and does not begin to count: nobody knows what time it is.
    Uncounted,
}

fn by_key(assets: &[RetiredKey]) -> BTreeMap<&str, &RetiredKey> {
    assets.iter().map(|asset| (asset.key.as_str(), asset)).collect()
}

/// The key's path, which patterns are held against.
fn path<'k>(key: &'k str, prefix: &str) -> &'k str {
    key.strip_prefix(prefix).unwrap_or(key)
}

fn modified(key: String) -> SiteWarning {
    SiteWarning {
        path: key,
        message: "was modified outside this action after it was gone from `source`, so `delete-after` leaves it"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, rolls_back_to, with_site};
    use crate::core::site::headers::ObjectHeaders;
    use crate::core::site::plan::{Write, WriteSource};

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
                "assets/gone@17",
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
        assert_eq!(kept, ["assets/a@33", "assets/b@32", "assets/new@34"]);
        assert!(is_news, "the version of `assets/a` is another");
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
        let older = [without.clone(), listing("r20", Some(3)), listing("r10", Some(0))];
        assert_eq!(newest_list(&older), Some(1));
        assert_eq!(newest_list(&older[..1]), None);
        assert_eq!(
            newest_list(&[release("r40", RecordStatus::Failed), listing("r20", Some(0))]),
            Some(1)
        );
        // An older version of the action does not know what its rollback has brought back.
        let back = [rolls_back_to(without, "r10"), listing("r20", Some(3))];
        assert_eq!(newest_list(&back), None);
        assert_eq!(written_keys(&older), HashSet::from(["a".to_owned()]));
    }
}
