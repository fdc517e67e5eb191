//! Reads the records that were found; what cannot be used is a warning.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use crate::aws::releases::History;
use crate::aws::releases::folder::{FoundRecord, RecordFolder, UnusableRecord, read, read_start, stored_at};
use crate::core::release::accept::RefusedRecord;
use crate::core::release::kept::TooMuchKept;
use crate::core::release::record::{Record, RecordStatus};
use crate::core::release::unread::{Unread, UnreadRecord};

/// How many refused records a warning names with the reason.
const NAMED: usize = 20;

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
            self.note_unread(id, &found, Unread::Unusable);
            return None;
        }
        if error.is::<RefusedRecord>() {
            let text = format!("release `{id}` is not taken into account: {error:#}");
            let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
            refused.push(text);
            drop(refused);
            self.note_unread(id, &found, Unread::Refused);
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
        let why = match error.is::<UnusableRecord>() {
            true => Unread::Unusable,
            false => Unread::Unreached,
        };
        self.note_unread(id, &found, why);
        None
    }

    /// Names the records that were refused since this was asked last, in one warning.
    pub(super) fn warn_of_refused(&self) {
        let refused = std::mem::take(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner));
        if refused.is_empty() {
            return;
        }
        let mut text = refused
            .iter()
            .take(NAMED)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n");
        if refused.len() > NAMED {
            text.push_str(&format!("\n{} more are refused as well", refused.len() - NAMED));
        }
        self.console.warning("Release record", &text);
    }

    fn note_unread(&self, id: String, found: &[(&RecordFolder, FoundRecord)], why: Unread) {
        let stored_at = stored_at(found);
        let mut unread = self.unread.lock().unwrap_or_else(PoisonError::into_inner);
        unread.push(UnreadRecord { id, stored_at, why });
    }
}
