//! Records that are there and cannot be used: which, and why.

use std::cmp::Reverse;
use std::sync::PoisonError;

use chrono::{DateTime, Utc};

use crate::aws::releases::History;
use crate::aws::releases::folder::{FoundRecord, RecordFolder, stored_at};
use crate::core::error::RenderedError;
use crate::core::release::record::Record;

impl History {
    /// The first problem with reading records, in words, with advice; `None` when all could be read.
    pub(crate) fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes why records cannot be read.
    pub(super) fn note_problem(&self, error: &anyhow::Error) {
        let rendered = RenderedError::from(error);
        let hint = rendered.hint.map(|hint| format!("; {}", self.allowance.note(&hint)));
        let text = format!("{}{}", rendered.message, hint.unwrap_or_default());
        let mut problem = self.problem.lock().unwrap_or_else(PoisonError::into_inner);
        problem.get_or_insert(text);
    }

    /// Notes that the record `id` is there and is not used.
    pub(super) fn note_unused(&self, id: &str, found: &[(&RecordFolder, FoundRecord)]) {
        let mut unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner);
        unused.push((id.to_owned(), stored_at(found)));
    }

    /// The id of a record that is not used and is newer than `record`; of one second, by when the runs began.
    #[must_use]
    pub(crate) fn unused_since(&self, record: &Record) -> Option<String> {
        let unused = self.unused.lock().unwrap_or_else(PoisonError::into_inner);
        let newer = unused
            .iter()
            .find(|(id, stored_at)| (*stored_at, id) > (record.stored_at, &record.id));
        newer.map(|(id, _)| id.clone())
    }

    /// Whether a record could not be read.
    pub(crate) fn has_unreadable(&self) -> bool {
        !self
            .unreadable
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
    }

    /// The ids of the records that could not be read, and when S3 stored them.
    #[must_use]
    pub(crate) fn unreadable(&self) -> Vec<(String, Option<DateTime<Utc>>)> {
        let unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        unreadable
            .iter()
            .map(|unread| (unread.id.clone(), unread.stored_at))
            .collect()
    }

    /// The ids of the records newer than `target` that are there and could not be read, newest first.
    #[must_use]
    pub(crate) fn unreadable_after(&self, target: &Record) -> Vec<String> {
        let mut newer = self.unreadable();
        newer.retain(|(id, stored_at)| (*stored_at, id) > (target.stored_at, &target.id));
        newer.sort_by_key(|(id, stored_at)| Reverse((*stored_at, id.clone())));
        newer.into_iter().map(|(id, _)| id).collect()
    }
}
