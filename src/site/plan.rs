//! The plan of a site: what happens to which key, and why.
//!
//! Deploy and rollback make the same plan types, and the same executor runs them.

use std::path::PathBuf;
use std::time::SystemTime;

use serde::Serialize;

use super::object::ObjectHeaders;

/// How a file is compared with its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compare {
    /// Size, then MD5 against the ETag.
    Content,
    /// The size-and-time rule of `aws s3 sync`.
    Modified,
    /// Size only.
    Size,
}

/// `max-delete`: how much a plan may delete.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MaxDelete {
    /// This many objects.
    Count(u64),
    /// This share, in percent, of the objects under the prefix and the new keys together.
    Percent(f64),
}

/// Why an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
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
    /// A rollback brings back an earlier version.
    Restored,
}

impl Reason {
    /// The reason in words, for the log.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::SizeChanged => "size changed",
            Self::ContentChanged => "content changed",
            Self::Newer => "newer",
            Self::HeadersChanged => "headers changed",
            Self::Forced => "forced",
            Self::Restored => "restored",
        }
    }
}

/// A file of the source directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalFile {
    /// Path relative to the source directory, `/` between its parts; the key is the prefix and this.
    pub path: String,
    /// Where its bytes are.
    pub file: PathBuf,
    /// Bytes.
    pub size: u64,
    /// Last modification.
    pub modified: SystemTime,
}

/// An object of the bucket, as ListObjectsV2 shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteObject {
    /// The full key.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// The ETag without its quotes.
    pub etag: String,
    /// Seconds since 1970.
    pub last_modified: i64,
}

/// Where the new content or headers of an object come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
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
    },
}

/// An object to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The full key.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// Why.
    pub reason: Reason,
    /// From where.
    pub source: Source,
    /// The headers it gets; for a restored version, those of the version are kept instead.
    pub headers: ObjectHeaders,
}

impl Write {
    /// Whether this is a page: HTML goes up after everything that it may refer to.
    #[must_use]
    pub fn is_html(&self) -> bool {
        self.headers
            .content_type
            .as_deref()
            .is_some_and(|content_type| content_type.starts_with("text/html"))
            || self.key.ends_with(".html")
            || self.key.ends_with(".htm")
    }
}

/// Something about one path that the user should know, and that stops nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SiteWarning {
    /// Path or key.
    pub path: String,
    /// What about it.
    pub message: String,
}

/// What is to happen to the bucket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SitePlan {
    /// The bucket.
    pub bucket: String,
    /// Empty, or ending in `/`.
    pub prefix: String,
    /// Objects to write: in the order of the plan everything that is not HTML first.
    pub writes: Vec<Write>,
    /// Full keys to delete, after all writes.
    pub deletes: Vec<String>,
    /// How many objects stay as they are.
    pub unchanged: u64,
    /// What was noticed on the way.
    pub warnings: Vec<SiteWarning>,
}

impl SitePlan {
    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty() && self.deletes.is_empty()
    }

    /// All keys that will change.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.writes
            .iter()
            .map(|write| write.key.as_str())
            .chain(self.deletes.iter().map(String::as_str))
    }
}

/// A key that an execution did change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedKey {
    /// The full key.
    pub key: String,
    /// What happened to it.
    pub change: KeyChange,
    /// The version id that S3 answered (of the object, or of the delete marker), in a versioned bucket.
    pub version_id: Option<String>,
}

/// What an execution did to a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyChange {
    /// Uploaded or copied.
    Written,
    /// Deleted, or hidden by a delete marker.
    Deleted,
}

/// What became of a plan.
#[derive(Debug, Default)]
pub struct SiteOutcome {
    /// What did change, in the order of completion.
    pub changed: Vec<ChangedKey>,
    /// What failed: key and error, each once.
    pub failed: Vec<(String, anyhow::Error)>,
    /// Asked to stop before the end.
    pub cancelled: bool,
}
