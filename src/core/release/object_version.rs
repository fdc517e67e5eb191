//! A version of an object.

use crate::core::site::retirement::SeenObject;

/// A version of an object, or a delete marker, as ListObjectVersions shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Version {
    /// S3's version id; `null` for an object from before versioning.
    pub(crate) id: String,
    /// Whether it is what readers get.
    pub(crate) latest: bool,
    /// It hides the object.
    pub(crate) delete_marker: bool,
    /// Bytes.
    pub(crate) size: u64,
    /// The ETag without its quotes.
    pub(crate) etag: String,
    /// Seconds since 1970, by S3's clock.
    pub(crate) last_modified: i64,
    /// Its storage class; none for a delete marker.
    pub(crate) storage_class: Option<String>,
    /// The listing may have delete markers behind all versions: it does not tell their places.
    pub(crate) apart: bool,
}

impl Version {
    /// The same as a listing shows it.
    #[must_use]
    pub(crate) fn seen(&self) -> SeenObject {
        SeenObject {
            etag: self.etag.clone(),
            modified: self.last_modified,
        }
    }
}
