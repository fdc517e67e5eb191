//! The files that inputs name, on the disk.

use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use crate::core::inputs::files::{FileKind, Files, is_of_the_kernel};

/// The machine's own files.
pub(crate) struct Disk;

impl Files for Disk {
    fn kind(&self, path: &Path) -> FileKind {
        match std::fs::metadata(path) {
            Ok(_) if is_of_the_kernel(&self.real(path)) => FileKind::Special,
            Ok(metadata) if metadata.is_dir() => FileKind::Directory,
            Ok(metadata) if metadata.is_file() => FileKind::File,
            Ok(_) => FileKind::Special,
            Err(error) if error.kind() == ErrorKind::NotFound => FileKind::Missing,
            Err(error) => FileKind::Unknown(error.to_string()),
        }
    }

    fn real(&self, path: &Path) -> PathBuf {
        path.canonicalize().unwrap_or_else(|_| path.to_owned())
    }

    fn read(&self, path: &Path, most: u64) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)
            .and_then(|file| file.take(most).read_to_end(&mut bytes))
            .map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    fn names(&self, directory: &Path) -> Vec<String> {
        std::fs::read_dir(directory)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_regular_file_is_told_without_opening_it() {
        assert_eq!(Disk.kind(Path::new("/dev/zero")), FileKind::Special);
        for made_up in [
            "/proc/self/environ",
            "/proc/self",
            "/proc/thread-self/root/proc/version",
        ] {
            assert_eq!(Disk.kind(Path::new(made_up)), FileKind::Special, "{made_up}");
        }
        assert_eq!(Disk.kind(Path::new("/proc/self/root/etc")), FileKind::Directory);
        assert_eq!(Disk.kind(Path::new("/")), FileKind::Directory);
        assert_eq!(Disk.kind(Path::new("/no/such/file")), FileKind::Missing);
        assert!(matches!(Disk.kind(Path::new("/dev/null/x")), FileKind::Unknown(_)));
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("a");
        std::fs::write(&file, "1234").expect("a file");
        assert_eq!(Disk.read(&file, 3), Ok(b"123".to_vec()));
        assert_eq!(Disk.names(directory.path()), ["a"]);
        assert!(Disk.read(directory.path(), 3).is_err());
    }
}
