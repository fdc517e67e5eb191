//! The site's part of a rollback: which version of which key comes back, decided from records and versions that were
//! loaded. Everything that could make the rollback fail half-way is found here, before it starts.
//!
//! What one key goes back to is decided in [`crate::core::release::restore`]. The plan is one like a deploy's, and the
//! same executor carries it out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::core::error::HintExt as _;
use crate::core::release::named_keys::{name, warnings};
use crate::core::release::object_version::{ARCHIVES, Version};
use crate::core::release::record::{Record, RecordStatus};
use crate::core::release::restore::{KeyAction, KeyHistory, before, changed_by_hand, changed_since, step};
use crate::core::release::version_order::VersionOrder;
use crate::core::site::headers::ObjectHeaders;
use crate::core::site::plan::{Occupant, Reason, SitePlan, Write, WriteSource};
use crate::core::site::repair::ObjectSettings;
use crate::core::site::retirement::SeenObject;

/// The versions of all keys that the records after a target changed, and what is known of them.
pub(crate) struct Restoration {
    versions: HashMap<String, Vec<Version>>,
    /// Versions that the target wrote: older than everything that is taken back.
    ours: HashSet<String>,
    /// Which release before the target made a version, as far as that was asked; the newest is 0.
    older: HashMap<String, usize>,
    /// Who wrote a version: the settings of that release, where they are recorded.
    writers: HashMap<String, Option<ObjectSettings>>,
}

/// Versions that a rollback needs and that cannot come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LostVersions {
    /// Of which keys, and why, in words.
    pub(crate) reason: String,
    /// They can be brought back from the archive first.
    pub(crate) is_archived: bool,
}

/// Two versions of a key with the same bytes, written with the same settings: only their headers can tell whether the
/// older one has to come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SameBytes {
    /// The full key.
    pub(crate) key: String,
    /// The version that it had.
    pub(crate) wanted: String,
    /// The version that it has.
    pub(crate) current: String,
}

/// The site of a rollback's inputs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RestoredSite<'a> {
    /// The bucket.
    pub(crate) bucket: &'a str,
    /// Empty, or ending in `/`.
    pub(crate) prefix: &'a str,
    /// `acl`.
    pub(crate) acl: Option<&'a str>,
}

type KeyStep<'r> = (KeyHistory<'r>, &'r [Version], KeyAction<'r>);

/// The keys whose versions a [`Restoration`] needs, sorted.
#[must_use]
pub(crate) fn keys_to_restore(after: &[Record]) -> Vec<String> {
    changed_since(after).into_keys().map(str::to_owned).collect()
}

impl Restoration {
    /// From the versions of [`keys_to_restore`], to the state of `target` (its list of keys loaded).
    #[must_use]
    pub(crate) fn new(versions: HashMap<String, Vec<Version>>, target: Option<&Record>) -> Self {
        Self {
            versions,
            ours: written_by(target),
            older: HashMap::new(),
            writers: HashMap::new(),
        }
    }

    /// Aims at `target` instead (its list of keys loaded).
    pub(crate) fn aim_at(&mut self, target: &Record) {
        self.ours = written_by(Some(target));
    }

    /// Whether every version that has to come back can; `to` is where, in words.
    ///
    /// # Errors
    /// A version is gone or archived.
    pub(crate) fn check(&self, after: &[Record], to: &str) -> anyhow::Result<()> {
        let Some(lost) = self.lost(after) else { return Ok(()) };
        let instead = self.instead(after);
        Err(anyhow::anyhow!("cannot roll back to {to}: {}", lost.reason)).hint(if lost.is_archived {
            format!("restore them first (`aws s3api restore-object`); {instead}")
        } else {
            instead
        })
    }

    /// The versions that have to come back and cannot; those that are gone before those that are archived.
    #[must_use]
    pub(crate) fn lost(&self, after: &[Record]) -> Option<LostVersions> {
        let steps = self.steps(after);
        let keys_that = |wanted: fn(&KeyAction<'_>) -> bool| -> Vec<&str> {
            let keys = steps.iter().filter(|(_, (_, _, step))| wanted(step));
            keys.map(|(key, _)| *key).collect()
        };
        let gone = keys_that(|step| matches!(step, KeyAction::Gone));
        let unclear = keys_that(|step| matches!(step, KeyAction::Unclear));
        let archived = keys_that(|step| matches!(step, KeyAction::Archived(_)));
        let reason = if !gone.is_empty() {
            let gone = name(&gone);
            format!("the versions that it needs of {gone} are gone, probably removed by a lifecycle rule")
        } else if !unclear.is_empty() {
            format!(
                "of {} nothing tells which version it needs: the server lists delete markers apart from versions, some of \
                 both are of the same second, and no release records their order",
                name(&unclear)
            )
        } else if !archived.is_empty() {
            format!("the versions that it needs of {} are archived", name(&archived))
        } else {
            return None;
        };
        Some(LostVersions {
            reason,
            is_archived: gone.is_empty() && unclear.is_empty(),
        })
    }

    /// The versions that may have to come back and only tell themselves whether they can: keys and ids.
    #[must_use]
    pub(crate) fn perhaps_archived(&self, after: &[Record]) -> Vec<(String, String)> {
        let steps = self.steps(after);
        let wanted = steps.iter().filter_map(|(key, (_, _, step))| match step {
            KeyAction::Restore(version, _) | KeyAction::Archived(version) | KeyAction::KeepIfSame(version, _) => {
                version
                    .may_be_archived()
                    .then(|| ((*key).to_owned(), version.id.clone()))
            }
            _ => None,
        });
        wanted.collect()
    }

    /// Notes of versions whether they are archived.
    pub(crate) fn note_archives(&mut self, found: &[(String, String, bool)]) {
        for (key, id, archived) in found {
            let mut versions = self.versions.get_mut(key).into_iter().flatten();
            if let Some(version) = versions.find(|version| version.id == *id) {
                version.archived = Some(*archived);
            }
        }
    }

    /// Whether what comes back depends on an order that neither the listing nor a known release tells.
    #[must_use]
    pub(crate) fn is_unclear(&self, after: &[Record]) -> bool {
        let steps = self.steps(after);
        steps.values().any(|(_, _, step)| matches!(step, KeyAction::Unclear))
    }

    /// Which of `keys` are what they were already, down to the version.
    #[must_use]
    pub(crate) fn unchanged(&self, after: &[Record], keys: &BTreeSet<String>) -> BTreeSet<String> {
        let steps = self.steps(after);
        let is_kept = |key: &&String| matches!(steps.get(key.as_str()), Some((_, _, KeyAction::Keep)));
        keys.iter().filter(is_kept).cloned().collect()
    }

    /// Notes what the releases before the target (newest first, lists of keys loaded) made.
    pub(crate) fn note_older(&mut self, older: &[Record]) {
        for (number, record) in older.iter().enumerate() {
            let made = made_by(record).map(|id| (id.to_owned(), number));
            self.older.extend(made);
        }
    }

    /// The versions of which it matters who wrote them.
    #[must_use]
    pub(crate) fn wanted_writers(&self, after: &[Record]) -> HashSet<String> {
        let mut wanted: HashSet<String> = HashSet::new();
        for (_, _, step) in self.steps(after).values() {
            match step {
                KeyAction::Restore(version, _) => {
                    wanted.insert(version.id.clone());
                }
                KeyAction::KeepIfSame(version, current) => {
                    wanted.extend([version.id.clone(), current.id.clone()]);
                }
                _ => {}
            }
        }
        wanted
    }

    /// Notes which of the `wanted` versions `records` wrote (lists of keys loaded), and takes those out of `wanted`.
    pub(crate) fn note_writers(&mut self, records: &[Record], wanted: &mut HashSet<String>) {
        for site in records.iter().filter_map(|record| record.site.as_ref()) {
            for key in &site.changed {
                if let Some(id) = key.version_id.as_ref().filter(|id| *id != "null" && wanted.remove(*id)) {
                    self.writers.insert(id.clone(), site.applied.clone());
                }
            }
        }
    }

    /// The pairs of versions whose headers have to be compared.
    #[must_use]
    pub(crate) fn same_bytes(&self, after: &[Record]) -> Vec<SameBytes> {
        let steps = self.steps(after);
        let pairs = steps.iter().filter_map(|(key, (_, _, step))| match step {
            KeyAction::KeepIfSame(wanted, current) if self.have_same_settings(wanted, current) => Some(SameBytes {
                key: (*key).to_owned(),
                wanted: wanted.id.clone(),
                current: current.id.clone(),
            }),
            _ => None,
        });
        pairs.collect()
    }

    /// The plan for `site`; the keys in `same` have the headers already that they had.
    #[must_use]
    pub(crate) fn plan(&self, after: &[Record], same: &HashSet<String>, site: RestoredSite<'_>) -> SitePlan {
        let RestoredSite { bucket, prefix, acl } = site;
        let mut plan = SitePlan {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            ..SitePlan::default()
        };
        let mut by_hand = Vec::new();
        for (key, (touch, versions, step)) in self.steps(after) {
            match step {
                KeyAction::Restore(version, reason) => plan.writes.push(self.restore(key, version, reason, acl)),
                KeyAction::KeepIfSame(wanted, _) if !same.contains(key) => {
                    plan.writes.push(self.restore(key, wanted, Reason::HeadersChanged, acl));
                }
                KeyAction::Delete => plan.deletes.push(key.to_owned()),
                KeyAction::Keep
                | KeyAction::KeepIfSame(..)
                | KeyAction::Gone
                | KeyAction::Unclear
                | KeyAction::Archived(_) => {
                    plan.unchanged += 1;
                    continue;
                }
            }
            if changed_by_hand(versions, &touch) {
                by_hand.push((key, touch.newest.0.id.as_str()));
            }
        }
        plan.warnings = warnings(&by_hand, prefix);
        // Pages last, as in a deploy; the sort keeps the order of the keys.
        plan.writes.sort_by_key(Write::is_html);
        plan
    }

    /// What lies there now under the keys of `plan`, as far as an ETag tells it.
    pub(crate) fn occupants(&self, plan: &SitePlan) -> HashMap<String, Occupant> {
        let occupant = |key: &str| match self.versions.get(key).and_then(|versions| versions.first()) {
            Some(newest) if newest.latest && !newest.delete_marker => Occupant::Object(newest.etag.clone()),
            _ => Occupant::Nothing,
        };
        plan.keys().map(|key| (key.to_owned(), occupant(key))).collect()
    }

    /// What is there now under `key`.
    pub(crate) fn current(&self, key: &str) -> Option<SeenObject> {
        self.versions.get(key)?.first().map(Version::seen)
    }

    /// What to do with each key that the records `after` a target changed.
    fn steps<'r>(&'r self, after: &'r [Record]) -> BTreeMap<&'r str, KeyStep<'r>> {
        let ours: HashSet<&str> = self.ours.iter().map(String::as_str).collect();
        let releases = self.releases(after);
        changed_since(after)
            .into_iter()
            .map(|(key, touch)| {
                let versions = self.versions.get(key).map_or(&[][..], Vec::as_slice);
                let order = VersionOrder::of(versions, &releases);
                let step = step(versions, before(&order, &touch, &ours));
                (key, (touch, versions, step))
            })
            .collect()
    }

    /// Which release made a version, counted from the oldest, where the listing does not tell the order of all.
    fn releases<'r>(&'r self, after: &'r [Record]) -> HashMap<&'r str, usize> {
        if !self.versions.values().flatten().any(|version| version.apart) {
            return HashMap::new();
        }
        let target = self.older.values().max().map_or(0, |oldest| oldest + 1);
        let older = self.older.iter().map(|(id, number)| (id.as_str(), target - 1 - number));
        let mut releases: HashMap<&str, usize> = older.collect();
        releases.extend(self.ours.iter().map(|id| (id.as_str(), target)));
        for (number, record) in after.iter().rev().enumerate() {
            releases.extend(made_by(record).map(|id| (id, target + 1 + number)));
        }
        // Every object from before versioning has it.
        releases.remove("null");
        releases
    }

    /// The releases that can still be gone back to.
    fn instead(&self, after: &[Record]) -> String {
        let possible: Vec<&str> = (0..after.len())
            .filter(|&position| after[position].status == RecordStatus::Succeeded)
            .filter(|&position| {
                let steps = self.steps(&after[..position]);
                let impossible = |step: &KeyAction<'_>| {
                    matches!(step, KeyAction::Gone | KeyAction::Unclear | KeyAction::Archived(_))
                };
                // What is live already is no way out.
                !steps.is_empty() && !steps.values().any(|(_, _, step)| impossible(step))
            })
            .map(|position| after[position].id.as_str())
            .take(5)
            .collect();
        match possible.as_slice() {
            [] => "deploy the commit that you want instead".to_owned(),
            ids => format!(
                "deploy the commit that you want instead, or choose one of: {}",
                ids.join(", ")
            ),
        }
    }

    fn settings(&self, version: &Version) -> Option<&ObjectSettings> {
        self.writers.get(&version.id)?.as_ref()
    }

    fn have_same_settings(&self, wanted: &Version, current: &Version) -> bool {
        match (self.settings(wanted), self.settings(current)) {
            (Some(wanted), Some(current)) => wanted == current,
            _ => false,
        }
    }

    /// The class that comes back: not that of an archive into which a lifecycle rule has moved the version meanwhile.
    fn class_of(&self, version: &Version) -> Option<String> {
        let settings = self.settings(version);
        let named = |class: &str| settings.is_some_and(|settings| settings.names_class(class));
        let class = version.storage_class.clone().filter(|class| class != "STANDARD");
        class.filter(|class| !ARCHIVES.contains(&class.as_str()) || named(class))
    }

    fn restore(&self, key: &str, version: &Version, reason: Reason, acl: Option<&str>) -> Write {
        // A record that says something else than the inputs is not believed: what the version has is read then.
        let settings = self.settings(version).filter(|settings| settings.acl.as_deref() == acl);
        Write {
            key: key.to_owned(),
            size: version.size,
            reason,
            source: WriteSource::Version {
                version_id: version.id.clone(),
                acl: settings.and_then(|settings| settings.acl.clone()),
                grants: None,
                plain: settings.is_some_and(is_plain),
            },
            headers: ObjectHeaders {
                storage_class: self.class_of(version),
                ..ObjectHeaders::default()
            },
        }
    }
}

/// The versions that a release wrote.
fn written_by(release: Option<&Record>) -> HashSet<String> {
    release.into_iter().flat_map(made_by).map(ToOwned::to_owned).collect()
}

/// The ids of the versions and delete markers that a release made.
fn made_by(release: &Record) -> impl Iterator<Item = &str> {
    let keys = release.site.iter().flat_map(|site| &site.changed);
    keys.filter_map(|key| key.version_id.as_deref())
}

/// Whether S3 copies all that such an object has: no redirect, no encryption or grants of its own.
fn is_plain(settings: &ObjectSettings) -> bool {
    const REDIRECT: &str = "x-amz-website-redirect-location";
    let redirects = |rule: &String| rule.to_ascii_lowercase().contains(REDIRECT);
    settings.grants.is_empty()
        && settings.encryption.is_none()
        && settings.headers.website_redirect.is_none()
        && !settings.rules.iter().any(redirects)
}

#[cfg(test)]
#[path = "restoration_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "put_back_tests.rs"]
mod put_back_tests;
