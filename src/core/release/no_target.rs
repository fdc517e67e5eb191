//! Why a rollback has no release to go back to.

use crate::core::release::record::RecordStatus;
use crate::core::release::workflow_run::RUN;

/// Why there is nothing to go back to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoTarget {
    /// No record at all.
    #[error("cannot roll back: there is no record of any release")]
    NoRecords,
    /// No release that succeeded.
    #[error("cannot roll back: none of the recorded releases succeeded")]
    NoneSucceeded,
    /// The live release is the oldest.
    #[error("cannot roll back: there is no succeeded release before `{live}`, which is live")]
    NothingOlder {
        /// The live release.
        live: String,
    },
    /// Every older release deployed what runs.
    #[error("cannot roll back: what runs is what every succeeded release on record before `{live}` has deployed")]
    NothingElse {
        /// The live release.
        live: String,
    },
    /// Its record does not tell whether it can be gone back to.
    #[error("cannot roll back to `{to}`: how release `{id}` ended cannot be read")]
    UnknownEnd {
        /// `to`.
        to: String,
        /// The release.
        id: String,
    },
    /// Nothing is called so.
    #[error("cannot roll back to `{to}`: no succeeded release has this id, version label or commit")]
    Unknown {
        /// `to`.
        to: String,
    },
    /// It looks like a time, and is none.
    #[error(
        "cannot roll back to `{to}`: it is no time as `to` takes it, and no succeeded release has this id, version label or commit"
    )]
    WrongTime {
        /// `to`.
        to: String,
    },
    /// No release is that old.
    #[error("cannot roll back to `{to}`: no succeeded release is that old")]
    NothingThen {
        /// `to`.
        to: String,
    },
    /// The workflow run has no release here.
    #[error("cannot roll back to `{RUN}{run}`: workflow run {run} has released nothing here")]
    UnknownRun {
        /// Its id.
        run: String,
    },
    /// The releases of the workflow run are the oldest.
    #[error("cannot roll back to `{RUN}{run}`: there is no succeeded release before those of workflow run {run}")]
    NothingBeforeRun {
        /// Its id.
        run: String,
    },
    /// A commit needs seven characters.
    #[error("cannot roll back to `{to}`: a commit needs at least 7 characters")]
    ShortCommit {
        /// `to`.
        to: String,
    },
    /// Several releases are called so.
    #[error("cannot roll back to `{to}`: {} releases match it: {}", ids.len(), ids.join(", "))]
    Ambiguous {
        /// `to`.
        to: String,
        /// Their ids, newest first.
        ids: Vec<String>,
    },
    /// A release that did not succeed has no state to go back to.
    #[error("cannot roll back to `{to}`: release `{id}` {}", match *.status {
        RecordStatus::Started => "never finished",
        RecordStatus::Cancelled => "was cancelled",
        _ => "failed",
    })]
    NotSucceeded {
        /// `to`.
        to: String,
        /// The release.
        id: String,
        /// Its status.
        status: RecordStatus,
    },
    /// Nothing to do.
    #[error("cannot roll back to `{to}`: release `{id}` is live already")]
    AlreadyLive {
        /// `to`, or `previous`.
        to: String,
        /// The release.
        id: String,
    },
}
