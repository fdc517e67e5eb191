//! What happens to keys that are gone from the source: deleted at once, left as old assets for a while, or deleted since
//! their time has passed.

use std::collections::{HashMap, HashSet};

use crate::core::site::delete_after::DeleteAfter;
use crate::core::site::plan::{RemoteObject, SiteWarning};
use crate::core::site::retirement::{KeptKey, RetiredKey, Retirement, SeenObject};

/// How many keys are named in warnings.
const NAMED: usize = 10;

/// What is known before the missing keys are judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retiring<'a> {
    /// `delete-after`.
    pub(crate) rules: &'a DeleteAfter,
    /// Empty, or ending in `/`.
    pub(crate) prefix: &'a str,
    /// The time by S3's clock, in seconds since 1970; `None` when S3 did not say: then nothing is due.
    pub(crate) now: Option<i64>,
    /// The old assets that the newest record lists.
    pub(crate) known: &'a [RetiredKey],
    /// Keys that runs of ours which kept no such list have written since.
    pub(crate) rewritten: &'a HashSet<String>,
}

/// What is to be done with missing keys.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct MissingKeys {
    /// To be deleted now.
    pub(crate) deletes: Vec<String>,
    /// What becomes of old assets.
    pub(crate) retirement: Retirement,
    /// What the user should know.
    pub(crate) warnings: Vec<SiteWarning>,
}

/// Where a key that is not among the missing ones is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// In the source, or not in the bucket any more.
    NotMissing,
    /// Out of sight: excluded, or nothing is deleted in this step.
    NotManaged,
}

impl Retiring<'_> {
    /// Judges the `missing` objects, and those known ones that are not among them.
    #[must_use]
    pub(crate) fn judge(&self, missing: Vec<RemoteObject>, whereabouts: impl Fn(&str) -> Whereabouts) -> MissingKeys {
        let mut known: HashMap<&str, &RetiredKey> =
            self.known.iter().map(|asset| (asset.key.as_str(), asset)).collect();
        let mut judged = MissingKeys::default();
        let (mut foreign, mut is_news) = (Vec::new(), false);
        for object in missing {
            let recorded = known.remove(object.key.as_str());
            let Some(seconds) = self.rules.seconds(path(&object.key, self.prefix)) else {
                is_news |= recorded.is_some();
                judged.deletes.push(object.key);
                continue;
            };
            let seen = SeenObject {
                etag: object.etag,
                modified: object.last_modified,
            };
            let is_changed = |asset: &RetiredKey| asset.seen.as_ref().is_some_and(|before| *before != seen);
            let (asset, is_new) = match recorded {
                Some(asset) if asset.foreign => (asset.clone(), false),
                Some(asset) if is_changed(asset) && !self.rewritten.contains(&object.key) => {
                    foreign.push(object.key);
                    let foreign = true;
                    (
                        RetiredKey {
                            foreign,
                            ..asset.clone()
                        },
                        false,
                    )
                }
                Some(asset) if !is_changed(asset) && asset.counts() => {
                    // It cannot have been missing before it was there, nor from tomorrow on.
                    let since = asset.since.max(seen.modified).min(self.now.unwrap_or(i64::MAX));
                    let asset = RetiredKey {
                        key: object.key,
                        since,
                        seen: Some(seen),
                        foreign: false,
                    };
                    (asset, false)
                }
                // Without a time it begins to count in a run that has one.
                _ => {
                    let Some(since) = self.now else { continue };
                    let asset = RetiredKey {
                        key: object.key,
                        since,
                        seen: Some(seen),
                        foreign: false,
                    };
                    (asset, true)
                }
            };
            let until = (!asset.foreign).then(|| asset.since.saturating_add(seconds));
            if let (Some(until), Some(now)) = (until, self.now)
                && now >= until
            {
                judged.deletes.push(asset.key.clone());
                judged.retirement.due.push(asset);
                is_news = true;
                continue;
            }
            is_news |= recorded != Some(&asset);
            judged.retirement.kept.push(KeptKey { asset, until, is_new });
        }
        for asset in known.into_values() {
            match whereabouts(&asset.key) {
                Whereabouts::NotMissing => is_news = true,
                Whereabouts::NotManaged => judged.retirement.kept.push(KeptKey {
                    asset: asset.clone(),
                    until: None,
                    is_new: false,
                }),
            }
        }
        let kept = &mut judged.retirement.kept;
        kept.sort_by(|one, other| one.asset.key.cmp(&other.asset.key));
        judged.retirement.is_news = is_news;
        judged.retirement.decided_at = self.now;
        judged.warnings = self.warnings(foreign);
        judged
    }

    fn warnings(&self, mut foreign: Vec<String>) -> Vec<SiteWarning> {
        let mut warnings = Vec::new();
        if self.now.is_none() && !self.rules.is_empty() {
            warnings.push(SiteWarning {
                path: "delete-after".to_owned(),
                message: "the answers of the store say no time, so no old asset is deleted".to_owned(),
            });
        }
        foreign.sort_unstable();
        let more = foreign.len().saturating_sub(NAMED);
        warnings.extend(foreign.into_iter().take(NAMED).map(modified));
        if more > 0 {
            warnings.push(SiteWarning {
                path: self.prefix.to_owned(),
                message: format!(
                    "{more} more keys were modified outside this action after they were gone from `source`, so \
                     `delete-after` leaves them"
                ),
            });
        }
        warnings
    }
}

/// The path of `key` below `prefix`, which patterns are held against.
pub(crate) fn path<'k>(key: &'k str, prefix: &str) -> &'k str {
    key.strip_prefix(prefix).unwrap_or(key)
}

/// Says that `key` is left because somebody else has changed it.
pub(crate) fn modified(key: String) -> SiteWarning {
    SiteWarning {
        path: key,
        message: "was modified outside this action after it was gone from `source`, so `delete-after` leaves it"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests;
