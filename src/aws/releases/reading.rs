//! Reads the records that were found; what cannot be used is a warning.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use crate::aws::releases::folder::{FoundRecord, RecordFolder, UnusableRecord, read, read_start, stored_at};
use crate::aws::releases::{History, UnreadRecord};
use crate::core::release::accept::RefusedRecord;
use crate::core::release::kept::TooMuchKept;
use crate::core::release::record::{Record, RecordStatus};

impl History {
    /// The record `id`, when it can be read; else its start, when that can.
    pub(super) async fn readable(&self, id: String, found: Vec<(&RecordFolder, FoundRecord)>) -> Option<Record> {
        let error = match read(&id, &found, &self.target, &self.kept).await {
            Ok(record) => return Some(record),
            Err(error) => error,
        };
        if error.is::<TooMuchKept>() {
            // One warning for all of them.
            if !self.has_too_much.swap(true, Ordering::Relaxed) {
                let text =
                    format!("cannot read release `{id}` and older ones, so no rollback can go to them: {error:#}");
                self.console.warning("Release record", &text);
            }
            self.note_problem(&error);
            self.note_unreadable(id, &found, false);
            return None;
        }
        if error.is::<RefusedRecord>() {
            self.note_unused(&id, &found);
            let text = format!("release `{id}` is not taken into account: {error:#}");
            self.console.warning("Release record", &text);
            return None;
        }
        if let Ok(record) = read_start(&id, &found, &self.target, &self.kept).await {
            let text = format!("cannot read how release `{id}` ended; it counts as interrupted: {error:#}");
            self.console.warning("Release record", &text);
            return Some(Record {
                status: RecordStatus::Started,
                has_unreadable_end: true,
                ..record
            });
        }
        let text = format!("cannot read release `{id}`, so no rollback can go to it or behind it: {error:#}");
        self.console.warning("Release record", &text);
        self.note_problem(&error);
        self.note_unreadable(id, &found, !error.is::<UnusableRecord>());
        None
    }

    fn note_unreadable(&self, id: String, found: &[(&RecordFolder, FoundRecord)], passing: bool) {
        self.note_unused(&id, found);
        let stored_at = stored_at(found);
        let mut unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        unreadable.push(UnreadRecord { id, stored_at, passing });
    }
}
