//! What a comparison of the source directory with the bucket found.

use std::io;

use crate::core::error::HintExt as _;
use crate::core::release::id::is_of_a_release;
use crate::core::site::content_type::TextEncoding;
use crate::core::site::diff::is_in_folder;
use crate::core::site::plan::{Reason, RemoteObject};

/// What became known of some files and objects.
#[derive(Debug, Default)]
pub(crate) struct ScanFindings {
    pub(crate) writes: Vec<FileToWrite>,
    pub(crate) unchanged: Vec<Unchanged>,
    /// Objects that are gone from the source.
    pub(crate) missing: Vec<RemoteObject>,
    /// Those of them that are to be deleted now.
    pub(crate) deletes: Vec<String>,
    /// Objects that this step manages: not excluded, no records, no bundles, and once they are judged no old assets.
    pub(crate) managed: u64,
    /// When the newest object was written that has a file, in seconds since 1970.
    pub(crate) newest_live: Option<i64>,
    /// Records of releases of another `history`: the first one, and how many there are.
    pub(crate) foreign_records: Option<(String, u64)>,
    /// Files that cannot be read, by their paths.
    pub(crate) unreadable: Vec<(String, io::Error)>,
}

/// A file to upload.
#[derive(Debug)]
pub(crate) struct FileToWrite {
    /// Its place in the scan.
    pub(crate) file: usize,
    pub(crate) reason: Reason,
    /// What text it is, where that matters.
    pub(crate) text: Option<TextEncoding>,
}

/// A file whose object has its bytes.
#[derive(Debug)]
pub(crate) struct Unchanged {
    /// Its place in the scan.
    pub(crate) file: usize,
    /// When the object was written, in seconds since 1970.
    pub(crate) modified: i64,
    /// What text it is, where that is known.
    pub(crate) text: Option<TextEncoding>,
}

impl ScanFindings {
    /// Adds what another part of the comparison found.
    pub(crate) fn merge(&mut self, other: Self) {
        self.writes.extend(other.writes);
        self.unchanged.extend(other.unchanged);
        self.missing.extend(other.missing);
        self.deletes.extend(other.deletes);
        self.managed += other.managed;
        self.newest_live = self.newest_live.max(other.newest_live);
        self.unreadable.extend(other.unreadable);
        self.foreign_records = match (self.foreign_records.take(), other.foreign_records) {
            (Some((one, ones)), Some((two, twos))) => Some((one.min(two), ones + twos)),
            (one, two) => one.or(two),
        };
    }

    /// Notes an object that takes no part, if it is a record that is not in one of the `reserved` folders.
    pub(crate) fn note_foreign(&mut self, key: &str, reserved: &[String]) {
        if !is_in_folder(key, reserved) && is_of_a_release(key) {
            let (_, count) = self.foreign_records.get_or_insert_with(|| (key.to_owned(), 0));
            *count += 1;
        }
    }

    /// Everything that was found.
    ///
    /// # Errors
    /// A file could not be read.
    pub(crate) fn finish(mut self) -> anyhow::Result<Self> {
        self.unreadable.sort_by(|a, b| a.0.cmp(&b.0));
        match self.unreadable.as_slice() {
            [] => Ok(self),
            [(path, error), rest @ ..] => {
                let more = match rest.len() {
                    0 => String::new(),
                    1 => " (and 1 more file)".to_owned(),
                    more => format!(" (and {more} more files)"),
                };
                Err(anyhow::anyhow!("cannot read `{path}`: {error}{more}"))
                    .hint("make it readable for the runner, or leave it out with `exclude`")
            }
        }
    }
}
