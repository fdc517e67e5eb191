//! A file of the source directory.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// A file as the walk found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalFile {
    /// The directory that its path begins at, shared by all files of a walk.
    pub(crate) root: Arc<PathBuf>,
    /// Path relative to the root, `/` between its parts; the key is the prefix and this.
    pub(crate) path: Box<str>,
    /// Bytes.
    pub(crate) size: u64,
    /// Last modification.
    pub(crate) modified: SystemTime,
}

impl LocalFile {
    /// Where its bytes are.
    #[must_use]
    pub(crate) fn location(&self) -> PathBuf {
        self.root.join(&*self.path)
    }
}
