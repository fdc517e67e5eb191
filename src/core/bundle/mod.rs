//! The bundle: what goes in, deterministic bytes, its label.
//!
//! Only [`scan`] touches the file system; `run/package.rs` opens and writes the files.

pub(crate) mod archive;
pub(crate) mod deflate;
pub(crate) mod ebignore;
pub(crate) mod gitwildmatch;
pub(crate) mod ignore;
pub(crate) mod key;
pub(crate) mod label;
pub(crate) mod left_out;
pub(crate) mod ready;
pub(crate) mod scan;
pub(crate) mod size;
pub(crate) mod warnings;

#[cfg(test)]
mod ignore_tests;

use std::any::Any;
use std::path::PathBuf;

use crate::core::bundle::left_out::LeftOut;

/// A bundle, ready to be uploaded.
#[derive(Debug)]
pub(crate) struct Bundle {
    /// Where it lies: a temporary file, or the ready archive.
    pub(crate) path: PathBuf,
    /// Regular files in it.
    pub(crate) files: u64,
    /// Its size.
    pub(crate) bytes: u64,
    /// Its SHA-256, hexadecimal: its identity.
    pub(crate) sha256: String,
    /// `zip`, `war` or `jar`.
    pub(crate) extension: String,
    /// What the rules left out.
    pub(crate) left_out: LeftOut,
    /// The usual mistakes that were seen.
    pub(crate) warnings: Vec<String>,
    /// What keeps a temporary file there: it goes with the bundle.
    #[expect(dead_code, reason = "held for its end")]
    pub(crate) keeper: Option<Box<dyn Any + Send + Sync>>,
}

impl Bundle {
    /// One line for the log: how much is in it, and what is not.
    #[must_use]
    pub(crate) fn summary(&self) -> String {
        let size = crate::core::report::human_bytes(self.bytes);
        let files = if self.files == 1 { "file" } else { "files" };
        let mut line = format!("bundle: {} {files}, {size}, SHA-256 {}", self.files, self.sha256);
        if self.left_out.count > 0 {
            line.push_str(&format!(
                "; left out ({}): {}",
                self.left_out.count,
                self.left_out.named()
            ));
        }
        line
    }
}
