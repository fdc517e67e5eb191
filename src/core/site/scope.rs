//! What takes part in a sync: the filters, and never our own records.

use crate::core::site::diff::{is_ignored, is_reserved};
use crate::core::site::filter::Filter;
use crate::core::site::plan::RemoteObject;
use crate::core::site::scan::ScanScope;

/// What takes part: the filters, and never our own records.
#[derive(Debug)]
pub(crate) struct SyncScope {
    pub(crate) filter: Filter,
    pub(crate) prefix: String,
    /// Folders of the bucket that hold release records.
    pub(crate) reserved: Vec<String>,
}

impl SyncScope {
    /// Whether `object` counts among those that the step manages, of which `max-delete` is a share.
    pub(crate) fn manages(&self, object: &RemoteObject) -> bool {
        !is_ignored(object, &self.reserved) && self.filter.includes_key(&object.key)
    }
}

impl ScanScope for SyncScope {
    fn takes(&self, path: &str) -> bool {
        self.filter.includes_local(path)
    }

    fn reserves(&self, path: &str) -> bool {
        is_reserved(&format!("{}{path}", self.prefix), &self.reserved)
    }

    fn enters(&self, path: &str) -> bool {
        self.filter.may_include_below(path)
    }
}
