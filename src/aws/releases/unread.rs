//! Records that are there and cannot be used: which, and why.

use std::cmp::Reverse;
use std::sync::PoisonError;

use crate::aws::releases::History;
use crate::core::error::RenderedError;
use crate::core::release::record::Record;
use crate::core::release::unread::UnreadRecord;

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

    /// The records that are there and are not used.
    #[must_use]
    pub(crate) fn unread(&self) -> Vec<UnreadRecord> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Those that are newer than `record`, or than nothing, newest first.
    #[must_use]
    pub(crate) fn unread_after(&self, record: Option<&Record>) -> Vec<UnreadRecord> {
        let mut newer = self.unread();
        newer.retain(|unread| record.is_none_or(|record| unread.is_newer_than(record)));
        newer.sort_by_key(|unread| Reverse((unread.stored_at, unread.id.clone())));
        newer
    }
}
