//! The site part against S3: compare, plan, execute, roll back.

pub(crate) mod checksum_compare;
pub(crate) mod compare;
pub(crate) mod digest_file;
pub(crate) mod due;
pub(crate) mod execute;
pub(crate) mod fingerprint;
pub(crate) mod headers;
pub(crate) mod lost_writes;
pub(crate) mod plan;
pub(crate) mod progress;
pub(crate) mod restore;
pub(crate) mod scan_progress;
pub(crate) mod version_ids;
