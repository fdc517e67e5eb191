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
use crate::core::site::plan::SitePlan;
use crate::core::site::retire::{modified, path};
use crate::core::site::retirement::{KeptKey, RetiredKey, Retirement, SeenObject, listed};

/// The place among `records` (newest first) of the newest one that lists old assets, when there is one that may be used.
#[must_use]
pub(crate) fn newest_list(records: &[Record]) -> Option<usize> {
    for (position, record) in records.iter().enumerate() {
        let Some(site) = &record.site else { continue };
        if site.retired.is_some() {
            return Some(position);
        }
        // It did not know of any, be it that it could not read them: what it used is on no list.
        if record.status != RecordStatus::Started {
            return None;
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

/// The old assets that a run leaves that has `spared` these.
#[must_use]
pub(crate) fn left(
    plan: &Plan,
    put_back: Option<&PutBack>,
    spared: &[String],
    succeeded: bool,
) -> Option<Vec<KeptKey>> {
    let retirement = plan.site.as_ref()?.retirement.as_ref()?;
    let back = put_back.and_then(|put_back| put_back.old_assets.clone());
    Some(back.unwrap_or_else(|| retirement.left_by(succeeded, spared)))
}

/// Those of the `known` old assets that the source of a run with this plan has, or had no more reason to name.
#[must_use]
pub(crate) fn in_use(plan: &Plan, known: &[RetiredKey]) -> HashSet<String> {
    let retirement = plan.site.as_ref().and_then(|site| site.retirement.as_ref());
    let missing: HashSet<&str> = retirement
        .iter()
        .flat_map(|retirement| {
            let kept = retirement.kept.iter().map(|kept| &kept.asset);
            kept.chain(&retirement.due).map(|asset| asset.key.as_str())
        })
        .collect();
    let used = known.iter().filter(|asset| !missing.contains(asset.key.as_str()));
    used.map(|asset| asset.key.clone()).collect()
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
    /// Keys that what is taken back has used, although a list of before names them: they count from now.
    pub(crate) in_use: &'a HashSet<String>,
}

impl WayBack<'_> {
    /// Takes out of `plan`'s deletes what stays for a while, and notes what is an old asset once the plan is carried out;
    /// `current` is what is there now, where it was seen.
    ///
    /// | key | afterwards |
    /// | --- | --- |
    /// | would be hidden, matches | old asset, from when it was first missing, else from now |
    /// | would be hidden, matches, its time has passed | deleted |
    /// | old asset now and then | as it is; from now when what is taken back used it, or the way back writes it |
    /// | old asset now, not then | in use again |
    /// | old asset then, not now | old asset from now |
    pub(crate) fn retire(&self, plan: &mut SitePlan, current: impl Fn(&str) -> Option<SeenObject>) {
        if self.rules.is_empty() && self.known.is_empty() && self.at_target.is_empty() {
            return;
        }
        let mut known = by_key(self.known);
        let at_target = by_key(self.at_target);
        let restored: HashSet<&str> = plan.writes.iter().map(|write| write.key.as_str()).collect();
        let mut retirement = Retirement::default();
        let (mut deletes, mut judged) = (Vec::new(), HashSet::new());
        for key in std::mem::take(&mut plan.deletes) {
            judged.insert(key.clone());
            let recorded = known
                .remove(key.as_str())
                .filter(|asset| !self.in_use.contains(&asset.key) && asset.counts());
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
            let kept = if restored.contains(key) || self.in_use.contains(*key) {
                self.counting_anew(key, &plan.prefix)
            } else {
                Some(self.kept((*asset).clone(), &plan.prefix, false))
            };
            retirement.kept.extend(kept);
        }
        let old_again = at_target
            .iter()
            .filter(|(key, _)| !known.contains_key(**key) && !judged.contains(**key));
        let old_again = old_again.filter_map(|(key, _)| self.counting_anew(key, &plan.prefix));
        retirement.kept.extend(old_again);
        retirement
            .kept
            .sort_by(|one, other| one.asset.key.cmp(&other.asset.key));
        retirement.is_news = !retirement.kept.iter().map(|kept| &kept.asset).eq(self.known);
        retirement.decided_at = self.now;
        plan.deletes = deletes;
        plan.retirement = Some(retirement);
    }

    /// An old asset that counts from now, as far as this run knows: it counts from when the next run sees its object.
    fn counting_anew(&self, key: &str, prefix: &str) -> Option<KeptKey> {
        let asset = RetiredKey {
            key: key.to_owned(),
            since: self.now?,
            seen: None,
            foreign: false,
        };
        Some(self.kept(asset, prefix, true))
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
        let now = self.now.unwrap_or(asset.since);
        // What does not count begins to with the next run, which deletes what is due.
        let since = if asset.counts() { asset.since } else { now };
        KeptKey {
            until: seconds.map(|seconds| since.saturating_add(seconds).max(now)),
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

#[cfg(test)]
mod tests;
