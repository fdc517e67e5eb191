//! What to invalidate: a pure function of what the distributions serve, of the keys that changed, and of what earlier
//! runs left to do.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::cdn::behaviors::View;
use crate::core::cdn::below::paths_below;
use crate::core::cdn::collapse::{Limits, collapse};
use crate::core::cdn::{EVERYTHING, MAX_PATHS, MAX_WILDCARDS, covers};
use crate::core::release::pending::PendingInvalidations;

/// The bucket whose keys become paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SiteOrigin {
    /// Its name.
    pub(crate) bucket: String,
    /// Where the site is: empty, or ending in `/`.
    pub(crate) prefix: String,
}

/// A distribution, and what it serves of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DistributionView {
    /// Its id.
    pub(crate) id: String,
    /// What it serves.
    pub(crate) view: View,
}

/// The paths to invalidate in one distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlannedInvalidation {
    /// Its id.
    pub(crate) distribution: String,
    /// At least one path, as it will be sent.
    pub(crate) paths: Vec<String>,
}

/// What a run may have to invalidate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InvalidationPlan {
    /// In input order, each once.
    distributions: Vec<DistributionView>,
    /// `paths` and `paths-from`; `None`: what changes.
    explicit: Option<Vec<String>>,
    /// What earlier runs left to do.
    pending: PendingInvalidations,
    /// What is to be invalidated when all of the site's plan succeeds, in input order.
    planned: Vec<PlannedInvalidation>,
}

impl InvalidationPlan {
    /// The plan for a site's plan that changes `keys` (full keys: changed, deleted and new ones).
    #[must_use]
    pub(crate) fn new(
        distributions: Vec<DistributionView>,
        explicit: Option<Vec<String>>,
        pending: PendingInvalidations,
        keys: &[&str],
    ) -> Self {
        let mut plan = Self {
            distributions,
            explicit,
            pending,
            planned: Vec::new(),
        };
        plan.planned = plan.after(keys);
        plan
    }

    /// What is to be invalidated when all of the site's plan succeeds.
    #[must_use]
    pub(crate) fn planned(&self) -> &[PlannedInvalidation] {
        &self.planned
    }

    /// What to invalidate, in input order, once `keys` have changed: explicit paths as they are, else the paths of the
    /// keys; and in either case what earlier runs left to do. Distributions with nothing to invalidate are left out.
    #[must_use]
    pub(crate) fn after(&self, keys: &[&str]) -> Vec<PlannedInvalidation> {
        match &self.explicit {
            Some(explicit) => self.invalidations(explicit, &[]),
            None => self.invalidations(&[], keys),
        }
    }

    /// The paths of `keys` alone.
    #[must_use]
    pub(crate) fn of(&self, keys: &[&str]) -> Vec<PlannedInvalidation> {
        let nothing = PendingInvalidations::default();
        self.distributions
            .iter()
            .map(|distribution| PlannedInvalidation {
                distribution: distribution.id.clone(),
                paths: distribution.paths(&[], keys, &nothing),
            })
            .filter(|planned| !planned.paths.is_empty())
            .collect()
    }

    /// What does not come from keys, by distribution: explicit paths, and what earlier runs left to do. A run that is
    /// killed owes it.
    #[must_use]
    pub(crate) fn without_keys(&self) -> BTreeMap<String, Vec<String>> {
        let explicit = self.explicit.as_deref().unwrap_or_default();
        let of = |distribution: &DistributionView| {
            let pending = self.pending.paths.get(&distribution.id);
            let all: BTreeSet<String> = explicit.iter().chain(pending.into_iter().flatten()).cloned().collect();
            (!all.is_empty()).then(|| (distribution.id.clone(), all.into_iter().collect()))
        };
        self.distributions.iter().filter_map(of).collect()
    }

    /// What a run that did not come to its site leaves to the next: what earlier runs left, and nothing of its own, for
    /// explicit paths are those of what would have been there.
    #[must_use]
    pub(crate) fn unreached(&self) -> Vec<PlannedInvalidation> {
        self.invalidations(&[], &[])
    }

    fn invalidations(&self, explicit: &[String], keys: &[&str]) -> Vec<PlannedInvalidation> {
        self.distributions
            .iter()
            .map(|distribution| PlannedInvalidation {
                distribution: distribution.id.clone(),
                paths: distribution.paths(explicit, keys, &self.pending),
            })
            .filter(|planned| !planned.paths.is_empty())
            .collect()
    }
}

impl DistributionView {
    fn paths(&self, explicit: &[String], changed: &[&str], pending: &PendingInvalidations) -> Vec<String> {
        let keys = changed.iter().copied().chain(pending.keys.iter().map(String::as_str));
        let mut derived = self.view.paths(keys);
        derived.extend(pending.below.iter().flat_map(|prefix| paths_below(&self.view, prefix)));
        let mut paths: Vec<String> = Vec::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for path in explicit {
            if seen.insert(path) {
                paths.push(path.clone());
            }
        }
        for path in pending.paths.get(&self.id).into_iter().flatten() {
            if path.starts_with('/') {
                derived.insert(path.clone());
            } else if seen.insert(path) {
                // A cache tag, which is no part of the tree of paths.
                paths.push(path.clone());
            }
        }
        derived.retain(|path| !paths.iter().any(|explicit| covers(explicit, path)));
        match limits_beside(&paths) {
            _ if derived.is_empty() => {}
            Some(limits) => paths.extend(collapse(&derived, limits)),
            None => {
                // One wildcard around everything takes the place of all that there is no room for.
                paths.retain(|path| !path.starts_with('/'));
                paths.truncate(MAX_PATHS - 1);
                paths.push(EVERYTHING.to_owned());
            }
        }
        paths
    }
}

/// How many more paths one invalidation can have beside `paths`; `None` when there is no room for a wildcard.
fn limits_beside(paths: &[String]) -> Option<Limits> {
    let wildcards = paths.iter().filter(|path| path.ends_with('*')).count();
    let usual = Limits::default();
    let limits = Limits {
        paths: usual.paths.min(MAX_PATHS.saturating_sub(paths.len())),
        wildcards: usual.wildcards.min(MAX_WILDCARDS.saturating_sub(wildcards)),
    };
    (limits.paths > 0 && limits.wildcards > 0).then_some(limits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distribution(prefix: &str) -> DistributionView {
        DistributionView {
            id: "E1".into(),
            view: View::assumed("").with_origin_path(prefix),
        }
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn pending(keys: &[&str], paths: &[&str]) -> PendingInvalidations {
        PendingInvalidations {
            keys: strings(keys).into_iter().collect(),
            below: None,
            paths: [("E1", paths), ("E2", &["/other"])]
                .map(|(id, paths)| (id.to_owned(), strings(paths).into_iter().collect()))
                .into(),
            releases: Vec::new(),
        }
    }

    #[test]
    fn nothing_changed_is_nothing_to_invalidate() {
        let none = PendingInvalidations::default();
        assert_eq!(distribution("").paths(&[], &[], &none), Vec::<String>::new());
        assert_eq!(distribution("a/").paths(&[], &["b/x"], &none), Vec::<String>::new());
    }

    #[test]
    fn pending_keys_and_paths_join_those_that_changed() {
        let paths = distribution("p/").paths(&[], &["p/a"], &pending(&["p/b", "p/a"], &["/c", "/a"]));
        assert_eq!(paths, ["/a", "/b", "/c"]);
    }

    #[test]
    fn keys_that_nobody_knows_any_more_are_a_wildcard_around_all() {
        let lost = PendingInvalidations {
            below: Some("p/docs/".into()),
            ..pending(&["p/docs/b", "p/x"], &["/docs/c"])
        };
        assert_eq!(distribution("p/").paths(&[], &[], &lost), ["/docs/*", "/x"]);
    }

    #[test]
    fn explicit_paths_come_first_as_they_are_and_once() {
        let explicit = strings(&["/z", "/b/*", "/z", "#tag"]);
        let paths = distribution("").paths(&explicit, &[], &pending(&["b/x", "k"], &["/a", "#old"]));
        assert_eq!(paths, ["/z", "/b/*", "#tag", "#old", "/a", "/k"]);
        assert_eq!(
            distribution("").paths(&explicit, &[], &PendingInvalidations::default()),
            ["/z", "/b/*", "#tag"]
        );
    }

    #[test]
    fn explicit_paths_are_never_collapsed() {
        let explicit: Vec<String> = (0..100).map(|n| format!("/{n}")).collect();
        assert_eq!(
            distribution("").paths(&explicit, &[], &PendingInvalidations::default()),
            explicit
        );
    }

    #[test]
    fn debts_and_explicit_paths_together_stay_within_the_limits() {
        let wildcards = |count: usize, root: &str| (0..count).map(|n| format!("/{root}{n}/*")).collect::<Vec<_>>();
        let plain = |count: usize| (0..count).map(|n| format!("/page-{n}.html")).collect::<Vec<_>>();
        for (explicit, owed) in [
            (wildcards(15, "e"), wildcards(15, "d")),
            (wildcards(15, "e"), plain(40)),
            (wildcards(15, "e"), strings(&["/a"])),
            (wildcards(10, "e"), wildcards(15, "d")),
            (plain(3000), strings(&["/a"])),
            (plain(2990), wildcards(15, "d")),
            (plain(2999), plain(2999)),
        ] {
            let debts: Vec<&str> = owed.iter().map(String::as_str).collect();
            let paths = distribution("").paths(&explicit, &[], &pending(&[], &debts));
            let sent = paths.iter().filter(|path| path.ends_with('*')).count();
            assert!(
                paths.len() <= MAX_PATHS && sent <= MAX_WILDCARDS,
                "{} {sent}",
                paths.len()
            );
            for path in explicit.iter().chain(&owed) {
                assert!(
                    paths.iter().any(|sent| covers(sent, path)),
                    "{path} is not among {}",
                    paths.len()
                );
            }
        }
    }

    #[test]
    fn the_keys_that_did_change_decide_and_a_site_that_was_not_reached_leaves_what_was_left() {
        let plan = |explicit: Option<&[&str]>, keys: &[&str]| {
            InvalidationPlan::new(
                vec![distribution("")],
                explicit.map(strings),
                pending(&[], &["/old"]),
                keys,
            )
        };
        let paths =
            |planned: &[PlannedInvalidation]| planned.iter().flat_map(|one| one.paths.clone()).collect::<Vec<_>>();
        let derived = plan(None, &["a", "b"]);
        assert_eq!(paths(derived.planned()), ["/a", "/b", "/old"]);
        assert_eq!(paths(&derived.after(&["a"])), ["/a", "/old"]);
        assert_eq!(paths(&derived.unreached()), ["/old"]);
        let explicit = plan(Some(&["/x"]), &["a"]);
        assert_eq!(paths(&explicit.after(&[])), ["/x", "/old"]);
        assert_eq!(paths(&explicit.unreached()), ["/old"]);
        assert!(plan(None, &[]).after(&["a"]).iter().all(|one| one.distribution == "E1"));
    }
}
