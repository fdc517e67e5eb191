//! `keep-versions`: which old versions may go, and whether their bundles may.

use std::collections::BTreeSet;

use crate::core::backend::version_table::{BundleLocation, VersionState};

/// The versions beyond the `keep` newest that nobody needs, oldest first.
pub(crate) fn superfluous<'v>(
    versions: &'v [VersionState],
    keep: usize,
    needed: &BTreeSet<String>,
) -> Vec<&'v VersionState> {
    let mut newest_first: Vec<&VersionState> = versions.iter().collect();
    newest_first.sort_by(|a, b| (b.created, &b.label).cmp(&(a.created, &a.label)));
    let old = newest_first.into_iter().skip(keep);
    let mut superfluous: Vec<&VersionState> = old.filter(|version| !needed.contains(&version.label)).collect();
    superfluous.reverse();
    superfluous
}

/// Whether the bundle of `version` may be deleted with it: no version among `staying` is made from the same object, nor any
/// of other applications, which are made from `others`.
pub(crate) fn may_delete_bundle(version: &VersionState, staying: &[&VersionState], others: &[BundleLocation]) -> bool {
    version.bundle.as_ref().is_some_and(|bundle| {
        let mut staying = staying.iter().filter_map(|other| other.bundle.as_ref());
        !staying.any(|other| other == bundle) && !others.contains(bundle)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::backend::version_table::VersionStatus;

    fn version(number: i64, key: &str) -> VersionState {
        VersionState {
            label: format!("v{number}"),
            status: VersionStatus::Usable,
            created: number,
            bundle: Some(BundleLocation {
                bucket: "bucket".to_owned(),
                key: key.to_owned(),
            }),
        }
    }

    #[test]
    fn keeps_the_newest_and_whatever_is_needed() {
        let versions: Vec<VersionState> = (1..=6)
            .map(|number| version(number, &format!("{number}.zip")))
            .collect();
        let labels = |keep, needed: &[&str]| -> Vec<String> {
            let needed = needed.iter().map(|label| (*label).to_owned()).collect();
            let superfluous = superfluous(&versions, keep, &needed);
            superfluous.into_iter().map(|version| version.label.clone()).collect()
        };
        assert_eq!(labels(2, &["v1", "v3"]), ["v2", "v4"]);
        assert_eq!(labels(0, &[]).len(), 6);
        assert!(labels(10, &[]).is_empty());
    }

    #[test]
    fn a_bundle_goes_with_the_last_version_that_is_made_from_it() {
        let (old, other, new) = (version(1, "a.zip"), version(2, "b.zip"), version(3, "a.zip"));
        assert!(!may_delete_bundle(&old, &[&other, &new], &[]));
        assert!(may_delete_bundle(&old, &[&other], &[]));
        let elsewhere: Vec<BundleLocation> = new.bundle.iter().cloned().collect();
        assert!(!may_delete_bundle(&old, &[&other], &elsewhere));
        let without = VersionState {
            bundle: None,
            ..version(4, "")
        };
        assert!(!may_delete_bundle(&without, &[], &[]));
    }
}
