//! What to do about Elastic Beanstalk, decided from what was read.

pub(crate) mod backoff;
pub(crate) mod busy;
pub(crate) mod cluster_logs;
pub(crate) mod environment;
pub(crate) mod events;
pub(crate) mod explanation;
pub(crate) mod follow;
pub(crate) mod log_time;
pub(crate) mod logs;
pub(crate) mod lost;
pub(crate) mod messages;
pub(crate) mod outcome;
pub(crate) mod plan;
pub(crate) mod previous;
pub(crate) mod reason;
pub(crate) mod retention;
pub(crate) mod rollback;
pub(crate) mod rollout;
pub(crate) mod secret_parts;
pub(crate) mod secrets;
pub(crate) mod settings;
pub(crate) mod targets;
pub(crate) mod undo;
pub(crate) mod version_table;
