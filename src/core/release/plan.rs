//! What is going to happen to site, cdn and backend together: data, made whole before anything changes.

use crate::core::backend::plan::BackendPlan;
use crate::core::bundle::Bundle;
use crate::core::cdn::invalidation::InvalidationPlan;
use crate::core::release::record::{Record, Versioning};
use crate::core::site::plan::SitePlan;

/// The plan of a deploy or a rollback; a part that is off is `None`.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The site.
    pub(crate) site: Option<SitePlan>,
    /// The versioning of the site's bucket; not read when the run changes nothing.
    pub(crate) versioning: Versioning,
    /// What may have to be invalidated; `None` when nothing can.
    pub(crate) cdn: Option<InvalidationPlan>,
    /// The backend.
    pub(crate) backend: Option<BackendPlan>,
    /// What the backend's plan deploys.
    pub(crate) bundle: Option<Bundle>,
    /// The release that a rollback goes back to.
    pub(crate) target: Option<Record>,
}

impl Plan {
    /// Whether nothing is changed but the list of old assets, which a record is for.
    #[must_use]
    pub(crate) fn only_retires(&self) -> bool {
        let retirement = self.site.as_ref().and_then(|site| site.retirement.as_ref());
        self.changes_nothing() && retirement.is_some_and(|retirement| retirement.is_news)
    }

    /// Whether site and backend stay as they are.
    #[must_use]
    pub(crate) fn changes_nothing(&self) -> bool {
        self.site.as_ref().is_none_or(SitePlan::is_empty) && !self.backend.as_ref().is_some_and(BackendPlan::changes)
    }
}
