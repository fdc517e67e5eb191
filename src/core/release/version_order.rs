//! Which of a key's versions is the newest.

use std::collections::{HashMap, HashSet};

use crate::core::release::object_version::Version;
use crate::core::site::key_change::{KeyChange, KeyOperation};

/// Whether a page of a listing mixes the versions and delete markers of one key, as S3 does: both by their age
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html>). `of_key` as they stand there.
pub(crate) fn is_mixed<'v>(of_key: impl IntoIterator<Item = &'v Version>) -> bool {
    let mut from_first_marker = of_key.into_iter().skip_while(|version| !version.delete_marker);
    from_first_marker.any(|version| !version.delete_marker)
}

/// Brings the versions of one key, as they stand in a listing, into the order from the newest to the oldest, as far as the
/// listing tells it.
///
/// S3 lists them so. Other servers list delete markers behind all versions
/// (<https://github.com/minio/minio/pull/9959>): there `IsLatest` tells the newest, and [`VersionOrder`] has to find out
/// about the others. A server that is `mixing` both is none of these.
pub(crate) fn newest_first(versions: &mut [Version], mixing: bool) {
    versions.sort_by_key(|version| !version.latest);
    let older = || versions.iter().filter(|version| !version.latest);
    let apart =
        !mixing && older().any(|version| version.delete_marker) && older().any(|version| !version.delete_marker);
    versions.iter_mut().for_each(|version| version.apart = apart);
}

/// The versions of one key in the order in which they were made.
#[derive(Debug, Default)]
pub(crate) struct VersionOrder<'v> {
    /// From the newest to the oldest.
    pub(crate) newest_first: Vec<&'v Version>,
    /// The ids of those whose place nothing tells.
    doubtful: HashSet<&'v str>,
}

impl<'v> VersionOrder<'v> {
    /// Of `versions`, with the newest at the front; `releases` has which release made a version, counted from the oldest.
    ///
    /// A time does not help within one second, and an upload in parts has the time at which it began
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>), so the releases come first.
    pub(crate) fn of(versions: &'v [Version], releases: &HashMap<&str, usize>) -> Self {
        let mut order = Self::default();
        if !versions.iter().any(|version| version.apart) {
            order.newest_first = versions.iter().collect();
            return order;
        }
        let (markers, objects): (Vec<&Version>, Vec<&Version>) =
            versions.iter().partition(|version| version.delete_marker);
        let (mut objects, mut markers) = (Stack::of(objects, releases), Stack::of(markers, releases));
        loop {
            let takes_object = match (objects.top(), markers.top()) {
                (Some(object), Some(marker)) => {
                    let by_release = object.is_newer(marker).cmp(&marker.is_newer(object));
                    let by_time = object.version.last_modified.cmp(&marker.version.last_modified);
                    let by_flag = object.version.latest.cmp(&marker.version.latest);
                    let found = by_flag.then(by_release).then(by_time);
                    if found.is_eq() {
                        order
                            .doubtful
                            .extend([object, marker].map(|placed| placed.version.id.as_str()));
                    }
                    found.is_ge()
                }
                (object, _) => object.is_some(),
            };
            let stack = if takes_object { &mut objects } else { &mut markers };
            let Some(next) = stack.take() else { return order };
            order.newest_first.push(next);
        }
    }

    /// Whether the place of `version` is known.
    pub(crate) fn is_sure(&self, version: &Version) -> bool {
        !self.doubtful.contains(version.id.as_str())
    }
}

/// A version among those of its kind, whose order the listing tells.
#[derive(Debug, Clone, Copy)]
struct Placed<'v> {
    version: &'v Version,
    /// The newest release that made it or one below it.
    at_least: Option<usize>,
    /// The oldest release that made it or one above it.
    at_most: Option<usize>,
}

impl Placed<'_> {
    fn is_newer(&self, other: &Self) -> bool {
        matches!((self.at_least, other.at_most), (Some(this), Some(other)) if this > other)
    }
}

/// All of one kind, the oldest first, so that the newest can be taken.
struct Stack<'v>(Vec<Placed<'v>>);

impl<'v> Stack<'v> {
    fn of(newest_first: Vec<&'v Version>, releases: &HashMap<&str, usize>) -> Self {
        let release = |version: &Version| releases.get(version.id.as_str()).copied();
        let mut at_most = None;
        let mut placed: Vec<Placed<'_>> = Vec::new();
        for version in newest_first {
            at_most = [at_most, release(version)].into_iter().flatten().min();
            let at_least = release(version);
            placed.push(Placed {
                version,
                at_least,
                at_most,
            });
        }
        placed.reverse();
        let mut below = None;
        for one in &mut placed {
            // `None` is less than any release.
            below = below.max(one.at_least);
            one.at_least = below;
        }
        Self(placed)
    }

    fn top(&self) -> Option<&Placed<'v>> {
        self.0.last()
    }

    fn take(&mut self) -> Option<&'v Version> {
        self.0.pop().map(|placed| placed.version)
    }
}

/// The id of the version that `change`, which was not told it, has made: the newest of `versions` (newest first), where it
/// is such a one; `size` is that of a written object, in bytes.
#[must_use]
pub(crate) fn made_by(change: &KeyChange, size: Option<u64>, versions: &[Version]) -> Option<String> {
    let newest = versions.first().filter(|version| version.latest)?;
    let is_ours = match change.operation {
        KeyOperation::Deleted => newest.delete_marker,
        KeyOperation::Written => !newest.delete_marker && size == Some(newest.size),
    };
    // `null` is the version of an object from before versioning.
    (is_ours && !newest.id.is_empty() && newest.id != "null").then(|| newest.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::site::plan::Reason;

    /// `v3*@30` is a version of second 30, the latest; `m…` a delete marker.
    fn version(text: &str) -> Version {
        let (id, time) = text.split_once('@').expect("a time");
        Version {
            id: id.trim_end_matches('*').to_owned(),
            latest: id.ends_with('*'),
            delete_marker: id.starts_with('m'),
            last_modified: time.parse().expect("a number"),
            ..Version::default()
        }
    }

    fn listed(text: &str) -> Vec<Version> {
        let mut versions: Vec<Version> = text.split_whitespace().map(version).collect();
        let mixing = is_mixed(&versions);
        newest_first(&mut versions, mixing);
        versions
    }

    #[test]
    fn the_latest_is_the_first_and_the_others_follow_by_place_release_or_time() {
        for (text, releases, expected) in [
            ("v3*@30 m2@20 v1@10", "", "v3 m2 v1"),
            ("m3*@30 v2@20 v1@10", "", "m3 v2 v1"),
            // An upload in parts that began before the version under it.
            ("v3*@10 v2@20 m1@5", "", "v3 v2 m1"),
            ("v3*@10 m2@20 v1@5", "", "v3 m2 v1"),
            // Delete markers behind all versions.
            ("v2@20 v1@10 m3*@30", "", "m3 v2 v1"),
            ("v3*@30 v1@10 m2@20", "", "v3 m2 v1"),
            ("v1@30 m2*@30", "", "m2 v1"),
            ("m2*@20 m1@10", "", "m2 m1"),
            ("v1*@10", "", "v1"),
            ("", "", ""),
            // All in one second: the releases tell, also those above and below.
            ("v3*@10 v1@10 m2@10", "v1 m2 v3", "v3 m2 v1"),
            ("v3*@10 v1@10 m2@10", "m2 v1 v3", "v3 v1 m2"),
            ("v4*@10 v3@10 v1@10 m2@10", "v1 m2 v3 v4", "v4 v3 m2 v1"),
            ("v5*@10 v3@10 v1@10 m4@10 m2@10", "v1 m2 v3 m4 v5", "v5 m4 v3 m2 v1"),
            ("v3*@10 v2@10 v1@10 m0@10", "m0 v1", "v3 v2 v1 m0"),
            ("m3*@10 m2@10 v1@10", "v1 m2 m3", "m3 m2 v1"),
            // The upload in parts began before the deletion.
            ("v4*@40 v3@10 m2@20", "m2 v3 v4", "v4 v3 m2"),
            // Nothing tells.
            ("v3*@10 v1@10 m2@10", "", "v3 v1? m2?"),
            ("v3*@10 v1@10 m2@10", "v1 v3", "v3 v1? m2?"),
            ("v4*@30 v3@10 v1@9 m2@10", "", "v4 v3? m2? v1"),
        ] {
            let versions = listed(text);
            let releases = releases.split_whitespace().enumerate().map(|(number, id)| (id, number));
            let order = VersionOrder::of(&versions, &releases.collect());
            let sure = |version: &Version| if order.is_sure(version) { "" } else { "?" };
            let ids: Vec<String> = order
                .newest_first
                .iter()
                .map(|version| format!("{}{}", version.id, sure(version)))
                .collect();
            assert_eq!(ids.join(" "), expected, "{text}");
        }
    }

    #[test]
    fn a_server_that_mixes_both_is_believed() {
        let mut versions: Vec<Version> = "v3*@10 v1@10 m2@10".split_whitespace().map(version).collect();
        newest_first(&mut versions, true);
        let order = VersionOrder::of(&versions, &HashMap::new());
        assert!(versions.iter().all(|version| order.is_sure(version)));
    }

    #[test]
    fn the_newest_version_is_that_of_the_change_only_if_it_is_such_a_one() {
        let written = KeyChange::written("k", Reason::New, None);
        let deleted = KeyChange::deleted("k", None);
        for (change, listed, expected) in [
            (&written, "v2*@2 v1@1", Some("v2")),
            (&written, "m2*@2 v1@1", None),
            (&written, "null*@2", None),
            (&written, "v2@2", None),
            (&written, "", None),
            (&deleted, "m2*@2 v1@1", Some("m2")),
            (&deleted, "v1*@1", None),
        ] {
            let versions: Vec<Version> = listed.split_whitespace().map(version).collect();
            assert_eq!(made_by(change, Some(0), &versions).as_deref(), expected, "{listed}");
        }
        let other = [version("v2*@2")];
        assert_eq!(made_by(&written, Some(7), &other), None, "another size");
    }
}
