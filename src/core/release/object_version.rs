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
    /// Whether it is out of reach in an archive, where it was asked itself; else its class tells.
    pub(crate) archived: Option<bool>,
    /// The listing may have delete markers behind all versions: it does not tell their places.
    pub(crate) apart: bool,
}

/// Storage classes that cannot be copied before the object is brought back for some days.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html>
pub(crate) const ARCHIVES: [&str; 2] = ["GLACIER", "DEEP_ARCHIVE"];

impl Version {
    /// Whether a copy of it would be refused.
    #[must_use]
    pub(crate) fn is_archived(&self) -> bool {
        self.archived.unwrap_or_else(|| self.has_class(&ARCHIVES))
    }

    /// Whether it only tells when it is asked: one may have been brought back from its archive, the other may be in one
    /// of its tiers that are archives.
    ///
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intelligent-tiering-overview.html>
    #[must_use]
    pub(crate) fn may_be_archived(&self) -> bool {
        self.has_class(&ARCHIVES) || self.has_class(&["INTELLIGENT_TIERING"])
    }

    fn has_class(&self, classes: &[&str]) -> bool {
        self.storage_class
            .as_deref()
            .is_some_and(|class| classes.contains(&class))
    }

    /// The same as a listing shows it.
    #[must_use]
    pub(crate) fn seen(&self) -> SeenObject {
        SeenObject {
            etag: self.etag.clone(),
            modified: self.last_modified,
        }
    }
}
