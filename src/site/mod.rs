//! The site: what `aws s3 sync` would do, decided here and executed elsewhere.
//!
//! Pure but for [`scan`], which walks and reads the source directory. Knows nothing of AWS clients.

pub mod content_type;
pub mod filter;
pub mod fnmatch;
pub mod headers;
pub mod object;
pub mod paths;
pub mod plan;
pub mod repair;
pub mod scan;
