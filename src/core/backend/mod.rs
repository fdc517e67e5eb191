//! What to do about Elastic Beanstalk, decided from what was read.

pub(crate) mod backoff;
pub(crate) mod plan;
pub(crate) mod retention;
pub(crate) mod rollout;
pub(crate) mod version_table;
