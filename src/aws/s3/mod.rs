//! S3: the bucket's client, listings, uploads, copies and deletes.
//!
//! [`look()`] makes the plan of a site, [`execute()`] carries any plan out: a deploy's or a rollback's.

mod body;
mod bucket;
mod checksum;
mod compare;
pub mod copy;
mod copy_parts;
mod delete;
mod direct;
mod drift;
mod execute;
mod limit;
mod list;
mod look;
mod multipart;
mod opaque;
mod progress;
mod put;
pub mod restore;
pub mod versioning;
mod versions;
mod wire;

pub use bucket::Bucket;
pub use execute::execute;
pub use look::{Comparing, Look, look};
pub use put::put_file;
