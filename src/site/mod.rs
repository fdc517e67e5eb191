//! The site: what `aws s3 sync` would do, decided here and executed elsewhere.
//!
//! Pure but for [`scan`] and [`inspect`], which walk and read the source directory. Knows nothing of AWS clients.

pub mod content_type;
pub mod diff;
pub mod etag;
pub mod filter;
pub mod fnmatch;
pub mod headers;
pub mod http_date;
pub mod inspect;
pub mod object;
pub mod paths;
pub mod plan;
pub mod repair;
pub mod scan;
