//! What the run of a record knew of other releases.

use serde::{Deserialize, Serialize};

/// What a run knew of other releases when it decided about old assets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KnownReleases {
    /// When S3 stored the newest of them, in seconds since 1970; none where there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) newest_at: Option<i64>,
    /// Those that S3 stored in that second: it tells whole seconds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) newest: Vec<String>,
    /// Those that had no end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) open: Vec<String>,
}
