//! Records that are there and are not used.

use chrono::{DateTime, Utc};

use crate::core::release::record::Record;

/// A record that is there and is not used.
#[derive(Debug, Clone)]
pub(crate) struct UnreadRecord {
    pub(crate) id: String,
    /// When S3 stored it.
    pub(crate) stored_at: Option<DateTime<Utc>>,
    pub(crate) why: Unread,
}

/// Why a record is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    /// It could not be read; a later run may well be able to.
    Unreached,
    /// It is none that this version can use.
    Unusable,
    /// It is not of what this run is about.
    Refused,
}

impl UnreadRecord {
    /// Whether S3 stored it after `record`; of one second, whether its run began after it.
    pub(crate) fn is_newer_than(&self, record: &Record) -> bool {
        (self.stored_at, self.id.as_str()) > (record.stored_at, record.id.as_str())
    }
}
