//! Which of a key's versions is the newest.

use crate::core::release::restore::Version;
use crate::core::site::key_change::{KeyChange, KeyOperation};

/// Brings the versions of one key, as they stand in a listing, into the order from the newest to the oldest.
///
/// S3 lists them so. Other servers list delete markers behind all versions: there `IsLatest` tells the newest, and the
/// time the others. Where the listing mixes both, its order is right, and times need not be: an upload in parts has the
/// time at which it began (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html>).
pub(crate) fn newest_first(versions: &mut [Version]) {
    let first_marker = versions.iter().position(|version| version.delete_marker);
    let apart =
        first_marker.is_some_and(|first| first > 0 && versions[first..].iter().all(|version| version.delete_marker));
    if apart {
        versions.sort_by_key(|version| (!version.latest, -version.last_modified));
    } else {
        versions.sort_by_key(|version| !version.latest);
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

    #[test]
    fn the_latest_is_the_first_and_the_others_follow_by_place_or_time() {
        for (listed, expected) in [
            ("v3*@30 m2@20 v1@10", "v3 m2 v1"),
            ("m3*@30 v2@20 v1@10", "m3 v2 v1"),
            // An upload in parts that began before the version under it.
            ("v3*@10 v2@20 m1@5", "v3 v2 m1"),
            ("v3*@10 m2@20 v1@5", "v3 m2 v1"),
            // Delete markers behind all versions.
            ("v2@20 v1@10 m3*@30", "m3 v2 v1"),
            ("v3*@30 v1@10 m2@20", "v3 m2 v1"),
            ("v1@30 m2*@30", "m2 v1"),
            ("m2*@20 m1@10", "m2 m1"),
            ("v1*@10", "v1"),
            ("", ""),
        ] {
            let mut versions: Vec<Version> = listed.split_whitespace().map(version).collect();
            newest_first(&mut versions);
            let ids: Vec<&str> = versions.iter().map(|version| version.id.as_str()).collect();
            assert_eq!(ids.join(" "), expected, "{listed}");
        }
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
