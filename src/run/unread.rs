//! A rollback past records that are there and are not used.

use crate::core::release::record::Record;
use crate::core::release::unread::UnreadRecord;
use crate::core::release::unreadable::{RollbackParts, not_found_error, unreadable_error};
use crate::run::deployment::Deployment;
use crate::run::state::CurrentState;

impl Deployment<'_> {
    /// Whether all records since `target` could be used; a rollback without a site needs none of them where `to` is a label.
    pub(crate) fn check_readable(&self, state: &CurrentState, target: &Record) -> anyhow::Result<()> {
        self.check_newer(state, Some(target), &state.history.unread_after(Some(target)))
    }

    /// Whether the newest record could be used: it tells what is live.
    pub(crate) fn check_known(&self, state: &CurrentState) -> anyhow::Result<()> {
        let unread = state.history.unread_after(state.records.first());
        self.check_newer(state, None, &unread)
    }

    fn check_newer(
        &self,
        state: &CurrentState,
        target: Option<&Record>,
        unread: &[UnreadRecord],
    ) -> anyhow::Result<()> {
        let Some(newest) = unread.first() else {
            return Ok(());
        };
        let later = later_than(state, newest);
        Err(unreadable_error(
            unread,
            target,
            &later,
            &state.records,
            self.rollback_parts(),
        ))
    }

    /// The error of a rollback to what is not among the records that are used, as `message` says.
    pub(crate) fn not_found(&self, state: &CurrentState, to: &str, message: &str) -> anyhow::Error {
        let unread = state.history.unread_after(None);
        let later = unread
            .first()
            .map(|newest| later_than(state, newest))
            .unwrap_or_default();
        not_found_error(message, to, &unread, (&later, &state.records), self.rollback_parts())
    }

    fn rollback_parts(&self) -> RollbackParts {
        RollbackParts {
            site: self.inputs.site.is_some(),
            backend: self.inputs.backend.is_some(),
        }
    }
}

/// The records newer than `unread`.
fn later_than(state: &CurrentState, unread: &UnreadRecord) -> Vec<Record> {
    let is_later = |record: &&Record| !unread.is_newer_than(record);
    state.records.iter().filter(is_later).cloned().collect()
}
