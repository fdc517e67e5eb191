//! Releases: what a run did, which one a rollback goes back to, and what that takes.
//!
//! Pure: records come in as values and plans go out. Reading and writing them is [`crate::aws::history`]'s, looking
//! at object versions [`crate::aws::s3::restore`]'s.

pub mod carry;
pub mod id;
pub mod keys;
pub mod labels;
pub mod others;
pub mod record;
pub mod restore;
pub mod target;

#[cfg(test)]
pub(crate) mod fixtures;

pub use carry::{Carried, carried, previous_settings};
pub use labels::{label_at, needed_labels};
pub use record::Record;
pub use target::{Choice, NoTarget, Parts, choose, last_succeeded, live};

/// The folder of a bucket that holds records: never synced, deleted or invalidated.
pub const FOLDER: &str = ".aws-web-deploy/";
