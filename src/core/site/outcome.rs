//! What became of a plan: what did change, what failed.

use crate::core::site::key_change::KeyChange;
use crate::core::site::plan::SiteWarning;

/// What became of a plan.
#[derive(Debug, Default)]
pub(crate) struct SiteOutcome {
    /// What did change, in the order of completion.
    pub(crate) changed: Vec<KeyChange>,
    /// Objects whose headers could not be changed, and why that fails nothing.
    pub(crate) warnings: Vec<SiteWarning>,
    /// What failed: key and error, each once.
    pub(crate) failed: Vec<(String, anyhow::Error)>,
    /// Old assets whose time has passed, and that were left all the same.
    pub(crate) spared: Vec<String>,
    /// Asked to stop before the end.
    pub(crate) cancelled: bool,
}
