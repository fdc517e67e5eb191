//! Which of the keys that a run changed somebody else has changed since: the run's way back leaves those alone.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::core::release::object_version::Version;
use crate::core::release::record::Record;
use crate::core::release::version_order::made_by;
use crate::core::site::key_change::KeyChange;
use crate::core::site::plan::SitePlan;

/// The keys that `run` (its list of keys loaded) changed by `plan`, and that somebody else has written or deleted since.
/// `versions` are those of its keys, newest first; `live` is the release that was live before it (its list of keys loaded).
/// `foreign` are the keys whose newest version has other bytes than the run wrote, where its answer was lost.
#[must_use]
pub(crate) fn changed_by_others(
    run: &Record,
    plan: Option<&SitePlan>,
    live: Option<&Record>,
    versions: &HashMap<String, Vec<Version>>,
    foreign: &HashSet<String>,
) -> BTreeSet<String> {
    let sizes: HashMap<&str, u64> = plan
        .iter()
        .flat_map(|plan| &plan.writes)
        .map(|write| (write.key.as_str(), write.size))
        .collect();
    let start = run.stored_at.unwrap_or(run.started_at).timestamp();
    let of_live: BTreeSet<&str> = live
        .iter()
        .filter_map(|live| live.site.as_ref())
        .flat_map(|site| site.changed.iter().filter_map(|key| key.version_id.as_deref()))
        .collect();
    let is_others = |change: &&KeyChange| {
        let versions = versions.get(&change.key).map_or(&[][..], Vec::as_slice);
        let newest = versions.first();
        match &change.version_id {
            Some(ours) => newest.is_none_or(|newest| newest.id != *ours),
            // It is perhaps ours, or from before a change that never took effect; what is neither is somebody else's.
            None => newest.is_some_and(|newest| {
                let is_before = newest.last_modified < start || of_live.contains(newest.id.as_str());
                let size = sizes.get(change.key.as_str()).copied();
                let is_ours = !foreign.contains(&change.key) && made_by(change, size, versions).is_some();
                !is_before && newest.id != "null" && !is_ours
            }),
        }
    };
    let changed = run.site.iter().flat_map(|site| &site.changed);
    changed.filter(is_others).map(|change| change.key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, with_site};
    use crate::core::release::record::RecordStatus;
    use crate::core::site::plan::Reason;

    /// Versions newest first: id, bytes (none: a delete marker), seconds after the start of the run.
    fn versions(list: &[(&str, Option<u64>, i64)]) -> HashMap<String, Vec<Version>> {
        let start = release("r20", RecordStatus::Failed).started_at.timestamp();
        let one = |(position, &(id, size, seconds)): (usize, &(&str, Option<u64>, i64))| Version {
            id: id.to_owned(),
            latest: position == 0,
            delete_marker: size.is_none(),
            size: size.unwrap_or_default(),
            last_modified: start + seconds,
            ..Version::default()
        };
        HashMap::from([("k".to_owned(), list.iter().enumerate().map(one).collect())])
    }

    #[test]
    fn what_is_not_the_version_of_the_run_is_somebody_elses() {
        let live = with_site(release("r10", RecordStatus::Succeeded), &[("k", "live")]);
        let written = |id: Option<&str>| KeyChange::written("k", Reason::ContentChanged, id.map(str::to_owned));
        let deleted = |id: Option<&str>| KeyChange::deleted("k", id.map(str::to_owned));
        let (perhaps_written, perhaps_deleted) = (written(None).perhaps(), deleted(None).perhaps());
        for (change, list, expected) in [
            (
                written(Some("ours")),
                &[("ours", Some(5), 2), ("live", Some(5), -9)][..],
                false,
            ),
            (
                written(Some("ours")),
                &[("theirs", Some(5), 3), ("ours", Some(5), 2)],
                true,
            ),
            (
                written(Some("ours")),
                &[("theirs", None, 3), ("ours", Some(5), 2)],
                true,
            ),
            (written(Some("ours")), &[("live", Some(5), -9)], true),
            (written(Some("ours")), &[], true),
            (deleted(Some("ours")), &[("ours", None, 2)], false),
            (
                deleted(Some("ours")),
                &[("theirs", Some(5), 3), ("ours", None, 2)],
                true,
            ),
            // The answer was lost.
            (
                perhaps_written.clone(),
                &[("new", Some(5), 2), ("live", Some(7), -9)],
                false,
            ),
            (
                perhaps_written.clone(),
                &[("theirs", Some(6), 2), ("live", Some(7), -9)],
                true,
            ),
            (
                perhaps_written.clone(),
                &[("theirs", None, 2), ("live", Some(7), -9)],
                true,
            ),
            (perhaps_written.clone(), &[("older", Some(7), -9)], false),
            (perhaps_written.clone(), &[("live", Some(7), 0)], false),
            (perhaps_written, &[], false),
            (
                perhaps_deleted.clone(),
                &[("new", None, 2), ("live", Some(7), -9)],
                false,
            ),
            (
                perhaps_deleted.clone(),
                &[("theirs", Some(7), 2), ("live", Some(7), -9)],
                true,
            ),
            (perhaps_deleted, &[("live", Some(7), -9)], false),
        ] {
            let plan = SitePlan {
                writes: vec![crate::core::site::plan::Write {
                    key: "k".to_owned(),
                    size: 5,
                    reason: Reason::ContentChanged,
                    source: crate::core::site::plan::WriteSource::InPlace,
                    headers: crate::core::site::headers::ObjectHeaders::default(),
                }],
                ..SitePlan::default()
            };
            let mut run = with_site(release("r20", RecordStatus::Failed), &[]);
            if let Some(site) = &mut run.site {
                site.finish(std::slice::from_ref(&change));
            }
            let others = |foreign: &[&str]| {
                let foreign = foreign.iter().map(|&key| key.to_owned()).collect();
                changed_by_others(&run, Some(&plan), Some(&live), &versions(list), &foreign).contains("k")
            };
            assert_eq!(others(&[]), expected, "{change:?} {list:?}");
            // Of the same size, and with other bytes.
            let is_lost_write = change.version_id.is_none() && list.first().is_some_and(|newest| newest.0 == "new");
            assert_eq!(others(&["k"]), expected || is_lost_write, "{change:?} {list:?}");
        }
    }
}
