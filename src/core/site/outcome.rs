//! What became of a plan: what did change, what failed.

use crate::core::site::key_change::KeyChange;
use crate::core::site::plan::SiteWarning;

/// Somebody else changed an object meanwhile, so that it is left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` was changed by somebody else meanwhile")]
pub(crate) struct Overtaken(pub(crate) String);

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
    /// Keys under which somebody else wrote or deleted something before they could be changed: they are left alone.
    pub(crate) overtaken: Vec<String>,
    /// Asked to stop before the end.
    pub(crate) cancelled: bool,
}
