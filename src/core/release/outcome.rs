//! What became of a plan, as data: the release record and the report are built from plan and outcomes.

use std::collections::BTreeMap;

use crate::core::cdn::invalidation::PlannedInvalidation;
use crate::core::report::{BackendReport, Invalidation};
use crate::core::site::key_change::KeyChange;
use crate::core::site::plan::SiteWarning;

/// What became of a plan, part by part; a part that the run did not come to is empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outcomes {
    /// The id of this run's record, when it wrote one.
    pub(crate) release: Option<String>,
    /// The backend.
    pub(crate) backend: Option<BackendReport>,
    /// The site.
    pub(crate) site: SiteChanges,
    /// The distributions.
    pub(crate) cdn: Invalidated,
    /// The GitHub Deployment, when there is one.
    pub(crate) deployment_id: Option<u64>,
}

/// What was changed in the bucket.
#[derive(Debug, Clone, Default)]
pub(crate) struct SiteChanges {
    /// The keys, in the order of completion.
    pub(crate) changed: Vec<KeyChange>,
    /// The keys that could not be changed, and why.
    pub(crate) failures: Vec<SiteWarning>,
}

/// What was invalidated.
#[derive(Debug, Clone, Default)]
pub(crate) struct Invalidated {
    /// One a distribution, in the order of the plan.
    pub(crate) invalidations: Vec<Invalidation>,
    /// Paths that CloudFront did not accept, by distribution: left to the next run.
    pub(crate) unconfirmed: BTreeMap<String, Vec<String>>,
}

impl Invalidated {
    /// Leaves `planned` to the next run too, whatever was invalidated of it.
    pub(crate) fn leave(&mut self, planned: Vec<PlannedInvalidation>) {
        for planned in planned {
            let left = self.unconfirmed.entry(planned.distribution).or_default();
            left.extend(planned.paths);
            left.sort();
            left.dedup();
        }
    }
}
