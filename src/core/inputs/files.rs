//! The files that inputs name: what this room asks of them, for it opens none itself.

use std::path::{Path, PathBuf};

/// What a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FileKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A pipe, a socket, a device, or something of the kernel's own.
    Special,
    /// There is nothing.
    Missing,
    /// It cannot be told, and why.
    Unknown(String),
}

/// Whether `real`, a path without links, is made up by the kernel as it is read: such files say that they are regular and
/// empty, and hold the environment of a process, with all of its secrets.
pub(crate) fn is_of_the_kernel(real: &Path) -> bool {
    real.starts_with("/proc") || real.starts_with("/sys")
}

/// Answers about files; links are followed.
pub(crate) trait Files {
    /// What `path` is.
    fn kind(&self, path: &Path) -> FileKind;

    /// Where `path` really is, links followed; itself where that cannot be told.
    fn real(&self, path: &Path) -> PathBuf;

    /// The first `most` bytes of the regular file at `path`.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read(&self, path: &Path, most: u64) -> Result<Vec<u8>, String>;

    /// The names in `directory`; none where it cannot be read.
    fn names(&self, directory: &Path) -> Vec<String>;
}

/// Directories and files in memory.
#[cfg(test)]
#[derive(Debug, Clone, Default)]
pub(crate) struct FileTree(std::collections::BTreeMap<PathBuf, Option<Vec<u8>>>);

#[cfg(test)]
impl FileTree {
    /// Adds a directory and those above it.
    pub(crate) fn directory(mut self, path: &str) -> Self {
        for directory in Path::new(path).ancestors() {
            self.0.entry(directory.to_owned()).or_insert(None);
        }
        self
    }

    /// Adds a file and the directories above it.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let parent = Path::new(path)
            .parent()
            .map(|parent| parent.to_string_lossy().into_owned());
        let mut tree = self.directory(&parent.unwrap_or_default());
        tree.0.insert(path.into(), Some(content.as_ref().to_vec()));
        tree
    }
}

#[cfg(test)]
impl Files for FileTree {
    fn kind(&self, path: &Path) -> FileKind {
        match self.0.get(path) {
            Some(None) => FileKind::Directory,
            Some(Some(_)) => FileKind::File,
            None if path.starts_with("/dev") => FileKind::Special,
            None => FileKind::Missing,
        }
    }

    fn real(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }

    fn read(&self, path: &Path, most: u64) -> Result<Vec<u8>, String> {
        let bytes = self.0.get(path).and_then(Option::as_ref).ok_or("it is not there")?;
        let most = usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len());
        Ok(bytes[..most].to_vec())
    }

    fn names(&self, directory: &Path) -> Vec<String> {
        let below = self.0.keys().filter(|path| path.parent() == Some(directory));
        below
            .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
            .collect()
    }
}
