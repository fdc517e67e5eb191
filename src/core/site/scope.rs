//! What takes part in a sync: the filters, and never our own records.

use crate::core::bundle::key::is_bundle_of;
use crate::core::site::diff::is_reserved;
use crate::core::site::filter::Filter;
use crate::core::site::scan::ScanScope;

/// What takes part: the filters, and never our own records.
#[derive(Debug)]
pub(crate) struct SyncScope {
    pub(crate) filter: Filter,
    pub(crate) prefix: String,
    /// Folders of the bucket that hold release records.
    pub(crate) reserved: Vec<String>,
    /// The application whose bundles are in this bucket too.
    pub(crate) bundles_of: Option<String>,
}

impl SyncScope {
    /// Whether the object without a file is ours, but none of the site.
    pub(crate) fn is_bundle(&self, key: &str) -> bool {
        self.bundles_of
            .as_deref()
            .is_some_and(|application| is_bundle_of(application, key))
    }
}

impl ScanScope for SyncScope {
    fn takes(&self, path: &str) -> bool {
        let key = format!("{}{path}", self.prefix);
        !is_reserved(&key, &self.reserved) && self.filter.includes_local(path)
    }

    fn enters(&self, path: &str) -> bool {
        self.filter.may_include_below(path)
    }
}
