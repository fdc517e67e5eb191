//! The plan of a site: what happens to which key, and why.
//!
//! Deploy and rollback make the same plan types, and the same executor runs them.

use std::collections::HashMap;

use serde::Serialize;

use crate::core::site::headers::ObjectHeaders;
use crate::core::site::local_file::LocalFile;
use crate::core::site::object::Grant;
use crate::core::site::retirement::Retirement;

/// How a file is compared with its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    /// Size, then MD5 against the ETag.
    Content,
    /// The size-and-time rule of `aws s3 sync`.
    Modified,
    /// Size only.
    Size,
}

/// Why an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Reason {
    /// There is no such key yet.
    New,
    /// The sizes differ.
    SizeChanged,
    /// The bytes differ.
    ContentChanged,
    /// The file is newer than the object (`compare: modified`).
    Newer,
    /// Only headers or ACL differ.
    HeadersChanged,
    /// `force`.
    Forced,
}

impl Reason {
    /// The reason in words, for the log.
    #[must_use]
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::SizeChanged => "size changed",
            Self::ContentChanged => "content changed",
            Self::Newer => "newer",
            Self::HeadersChanged => "headers changed",
            Self::Forced => "forced",
        }
    }
}

/// An object of the bucket, as ListObjectsV2 shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RemoteObject {
    /// The full key.
    pub(crate) key: String,
    /// Bytes.
    pub(crate) size: u64,
    /// The ETag without its quotes.
    pub(crate) etag: String,
    /// Seconds since 1970.
    pub(crate) last_modified: i64,
}

/// Where the new content or headers of an object come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WriteSource {
    /// A file: PutObject, or a multipart upload.
    File(LocalFile),
    /// The object itself, with other headers or ACL: CopyObject in place.
    InPlace,
    /// An earlier version of the object: CopyObject from it, all its properties kept.
    Version {
        /// S3's version id.
        version_id: String,
        /// The canned ACL it had, where the release record knows.
        acl: Option<String>,
        /// The ACL that it has, where that was read, and is not `acl`.
        grants: Option<Vec<Grant>>,
        /// A release of ours wrote it without redirect, grants or encryption of its own: S3 copies all that it has.
        plain: bool,
    },
}

impl WriteSource {
    /// What is done to the object, for the log.
    #[must_use]
    pub(crate) const fn verb(&self) -> &'static str {
        match self {
            Self::File(_) => "upload",
            Self::InPlace => "headers",
            Self::Version { .. } => "restore",
        }
    }
}

/// An object to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Write {
    /// The full key.
    pub(crate) key: String,
    /// Bytes.
    pub(crate) size: u64,
    /// Why.
    pub(crate) reason: Reason,
    /// From where.
    pub(crate) source: WriteSource,
    /// The headers it gets; for a restored version, those of the version are kept instead.
    pub(crate) headers: ObjectHeaders,
}

impl Write {
    /// Whether this is a page: HTML goes up after everything that it may refer to.
    #[must_use]
    pub(crate) fn is_html(&self) -> bool {
        self.headers
            .content_type
            .as_deref()
            .is_some_and(|content_type| content_type.starts_with("text/html"))
            || has_page_extension(&self.key)
    }
}

fn has_page_extension(key: &str) -> bool {
    key.rsplit_once('.').is_some_and(|(_, extension)| {
        ["html", "htm", "xhtml"]
            .iter()
            .any(|page| extension.eq_ignore_ascii_case(page))
    })
}

/// Something about one path that the user should know, and that stops nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SiteWarning {
    /// Path or key.
    pub(crate) path: String,
    /// What about it.
    pub(crate) message: String,
}

/// What lies under a key when a plan is made: a way back writes over nothing else, for then somebody else wrote it
/// meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Occupant {
    /// An object with this ETag, without its quotes.
    Object(String),
    /// No object.
    Nothing,
}

/// What is to happen to the bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SitePlan {
    /// The bucket.
    pub(crate) bucket: String,
    /// Empty, or ending in `/`.
    pub(crate) prefix: String,
    /// Objects to write: in the order of the plan everything that is not HTML first.
    pub(crate) writes: Vec<Write>,
    /// Full keys to delete, after all writes.
    pub(crate) deletes: Vec<String>,
    /// What must lie under keys that are written over or deleted; whatever lies under the others goes.
    pub(crate) occupants: HashMap<String, Occupant>,
    /// What becomes of old assets; none where nothing knows of any.
    pub(crate) retirement: Option<Retirement>,
    /// How many objects stay as they are.
    pub(crate) unchanged: u64,
    /// How many of them may have other headers than they should, for they could not be asked: it stays owed.
    pub(crate) unchecked: u64,
    /// The digests of the paths of all files, where objects without a file stay in place.
    pub(crate) file_digests: Vec<u64>,
    /// What was noticed on the way.
    pub(crate) warnings: Vec<SiteWarning>,
}

impl SitePlan {
    /// Whether nothing is to be changed.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.deletes.is_empty()
    }

    /// All keys that will change.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.writes
            .iter()
            .map(|write| write.key.as_str())
            .chain(self.deletes.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_known_by_type_or_name() {
        let write = |key: &str, content_type: Option<&str>| Write {
            key: key.to_owned(),
            size: 0,
            reason: Reason::New,
            source: WriteSource::InPlace,
            headers: ObjectHeaders {
                content_type: content_type.map(str::to_owned),
                ..ObjectHeaders::default()
            },
        };
        assert!(write("about", Some("text/html; charset=utf-8")).is_html());
        assert!(write("a.htm", None).is_html());
        assert!(write("A.HTML", None).is_html());
        assert!(!write("a.css", Some("text/css")).is_html());
    }
}
