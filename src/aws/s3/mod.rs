//! S3: the bucket's client, listings, uploads, copies and deletes.
//!
//! One file an operation; what they mean for a site is [`crate::aws::site`]'s.

pub(crate) mod account;
pub(crate) mod blank_key;
pub(crate) mod body;
pub(crate) mod bucket;
pub(crate) mod checksum;
pub(crate) mod clock;
pub(crate) mod concurrency;
pub(crate) mod copy;
pub(crate) mod copy_parts;
pub(crate) mod delete;
pub(crate) mod effect;
pub(crate) mod fast_put;
pub(crate) mod list;
pub(crate) mod multipart;
pub(crate) mod object;
pub(crate) mod owner;
pub(crate) mod payer;
pub(crate) mod payload;
pub(crate) mod put;
pub(crate) mod request_headers;
pub(crate) mod upload;
pub(crate) mod uploader;
pub(crate) mod versioning;
pub(crate) mod versions;
