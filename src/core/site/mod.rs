//! The site: what `aws s3 sync` would do, decided here and executed elsewhere.
//!
//! Pure but for [`scan`] and [`inspect`], which walk and read the source directory. Knows nothing of AWS clients.

pub(crate) mod ancestor;
pub(crate) mod assemble;
pub(crate) mod content_type;
pub(crate) mod copy;
pub(crate) mod delete_after;
pub(crate) mod diff;
pub(crate) mod escaped_text;
pub(crate) mod etag;
pub(crate) mod filter;
pub(crate) mod findings;
pub(crate) mod fnmatch;
pub(crate) mod foreign_files;
pub(crate) mod guard;
pub(crate) mod header_rules;
pub(crate) mod headers;
pub(crate) mod http_date;
pub(crate) mod inspect;
pub(crate) mod key_change;
pub(crate) mod local_file;
pub(crate) mod local_scan;
pub(crate) mod object;
pub(crate) mod outcome;
pub(crate) mod plan;
pub(crate) mod ranges;
pub(crate) mod repair;
pub(crate) mod retire;
pub(crate) mod retirement;
pub(crate) mod rule_lines;
pub(crate) mod scan;
pub(crate) mod scope;
pub(crate) mod shifted_text;
pub(crate) mod verify_site;
pub(crate) mod wide_text;
