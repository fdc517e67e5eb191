//! Releases: what a run did, which one a rollback goes back to, and what that takes.
//!
//! Pure: records come in as values and plans go out. Reading and writing them is [`crate::aws::releases`]'s, looking
//! at object versions [`crate::aws::site::restore`]'s.

pub(crate) mod concurrent_runs;
pub(crate) mod id;
pub(crate) mod keys;
pub(crate) mod labels;
pub(crate) mod live;
pub(crate) mod outcome;
pub(crate) mod pending;
pub(crate) mod plan;
pub(crate) mod record;
pub(crate) mod recording;
pub(crate) mod restoration;
pub(crate) mod restore;
pub(crate) mod target;
pub(crate) mod versioning;

#[cfg(test)]
pub(crate) mod fixtures;

/// The folder of a bucket that holds records: never synced, deleted or invalidated.
pub(crate) const FOLDER: &str = ".aws-web-deploy/";
