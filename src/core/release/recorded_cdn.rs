//! What a record says of distributions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::release::payment::PaidRun;

/// What a run did to distributions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedCdn {
    /// The distributions that it had to invalidate.
    pub(crate) distributions: Vec<String>,
    /// Those whose invalidation was accepted, paths carried over from earlier runs included.
    #[serde(default)]
    pub(crate) confirmed: Vec<String>,
    /// Paths that changed and are not invalidated: distribution to paths.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) unconfirmed: BTreeMap<String, Vec<String>>,
    /// Interrupted runs whose debts to the confirmed ones it took with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) paid: Vec<PaidRun>,
}
