//! The plan of a site: what happens to which key, and why.
//!
//! Deploy and rollback make the same plan types, and the same executor runs them.

use std::path::PathBuf;
use std::time::SystemTime;

use serde::Serialize;

use crate::core::site::key_change::KeyChange;
use crate::core::site::object::ObjectHeaders;

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

/// `max-delete`: how much a plan may delete.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum MaxDelete {
    /// This many objects.
    Count(u64),
    /// This share, in percent, of the objects under the prefix and the new keys together.
    Percent(f64),
}

/// How many deletions `max-delete` never stops.
pub(crate) const ALWAYS_ALLOWED_DELETES: u64 = 20;

/// What `max-delete` says of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeleteGuard {
    /// Go on.
    Allowed,
    /// More deletions than the limit, which is this.
    TooMany(u64),
    /// Nothing would be left under the prefix.
    LeavesNothing,
}

impl MaxDelete {
    /// Judges a plan that deletes `deletes` of the `objects` under the prefix and adds `new` keys.
    ///
    /// | deletes | leaves something | within the limit | |
    /// | --- | --- | --- | --- |
    /// | none | | | allowed |
    /// | some | no | | leaves nothing |
    /// | up to 20 | yes | | allowed |
    /// | more | yes | yes | allowed |
    /// | more | yes | no | too many |
    #[must_use]
    pub(crate) fn judge(self, objects: u64, new: u64, deletes: u64) -> DeleteGuard {
        if deletes == 0 {
            return DeleteGuard::Allowed;
        }
        if objects + new <= deletes {
            return DeleteGuard::LeavesNothing;
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts of objects are far below 2^52, and a share of them is rounded down on purpose"
        )]
        let limit = match self {
            Self::Count(count) => count,
            Self::Percent(percent) => ((objects + new) as f64 * percent / 100.0) as u64,
        };
        if deletes <= limit.max(ALWAYS_ALLOWED_DELETES) {
            DeleteGuard::Allowed
        } else {
            DeleteGuard::TooMany(limit)
        }
    }
}

impl std::fmt::Display for MaxDelete {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
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

/// A file of the source directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalFile {
    /// Path relative to the source directory, `/` between its parts; the key is the prefix and this.
    pub(crate) path: String,
    /// Where its bytes are.
    pub(crate) file: PathBuf,
    /// Bytes.
    pub(crate) size: u64,
    /// Last modification.
    pub(crate) modified: SystemTime,
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
    /// How many objects stay as they are.
    pub(crate) unchanged: u64,
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

/// What became of a plan.
#[derive(Debug, Default)]
pub(crate) struct SiteOutcome {
    /// What did change, in the order of completion.
    pub(crate) changed: Vec<KeyChange>,
    /// What failed: key and error, each once.
    pub(crate) failed: Vec<(String, anyhow::Error)>,
    /// Asked to stop before the end.
    pub(crate) cancelled: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delete_guard_is_that_of_the_table() {
        use DeleteGuard::{Allowed, LeavesNothing, TooMany};
        let half = MaxDelete::Percent(50.0);
        for (limit, objects, new, deletes, expected) in [
            (half, 0, 0, 0, Allowed),
            (half, 10, 0, 0, Allowed),
            (half, 1, 0, 1, LeavesNothing),
            (MaxDelete::Percent(100.0), 5, 0, 5, LeavesNothing),
            (MaxDelete::Count(1_000), 500, 0, 500, LeavesNothing),
            // A whole new set of hashed names next to the old one: half of what is then there goes.
            (half, 500, 500, 500, Allowed),
            (half, 500, 499, 500, TooMany(499)),
            (half, 1, 1, 1, Allowed),
            (half, 21, 0, 20, Allowed),
            (half, 22, 0, 21, TooMany(11)),
            (half, 42, 0, 21, Allowed),
            (MaxDelete::Percent(100.0), 1_000, 0, 999, Allowed),
            (MaxDelete::Percent(0.0), 1_000, 0, 20, Allowed),
            (MaxDelete::Percent(0.0), 1_000, 0, 21, TooMany(0)),
            (MaxDelete::Count(0), 1_000, 0, 20, Allowed),
            (MaxDelete::Count(30), 1_000, 0, 30, Allowed),
            (MaxDelete::Count(30), 1_000, 0, 31, TooMany(30)),
        ] {
            assert_eq!(
                limit.judge(objects, new, deletes),
                expected,
                "{limit} {objects} {new} {deletes}"
            );
        }
    }

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
