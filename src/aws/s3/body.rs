//! The bytes of an upload, read once: digest, checksum and body come from the same buffer.
//!
//! A file that is not what the plan saw is never sent: neither a torn one nor one of another build.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use anyhow::Context as _;
use bytes::Bytes;
use md5::{Digest as _, Md5};

use crate::aws::s3::checksum::Checksum;
use crate::core::error::HintExt as _;
use crate::core::site::local_file::LocalFile;
use crate::core::site::object::ChecksumAlgorithm;

/// Bytes to send, with what proves them.
pub(crate) struct Body {
    pub(crate) bytes: Bytes,
    pub(crate) md5: [u8; 16],
    /// With the algorithm that was asked for.
    pub(crate) checksum: Option<Checksum>,
}

impl Body {
    pub(crate) fn new(bytes: Vec<u8>, algorithm: Option<ChecksumAlgorithm>) -> Self {
        Self {
            md5: Md5::digest(&bytes).into(),
            checksum: algorithm.map(|algorithm| Checksum::of(algorithm, &bytes)),
            bytes: bytes.into(),
        }
    }

    /// All of `file`; blocks.
    pub(crate) fn read(file: &LocalFile, algorithm: Option<ChecksumAlgorithm>) -> anyhow::Result<Self> {
        let source = SourceFile::open(file)?;
        let mut bytes = Vec::with_capacity(usize::try_from(file.size).unwrap_or(0).saturating_add(1));
        (&*source.file)
            .read_to_end(&mut bytes)
            .with_context(|| format!("cannot read `{}`", file.path))?;
        source.check_unchanged()?;
        if bytes.len() as u64 != file.size {
            return Err(changed(file));
        }
        Ok(Self::new(bytes, algorithm))
    }
}

/// An open file of the source directory that is still what the plan saw.
#[derive(Clone)]
pub(crate) struct SourceFile {
    file: Arc<File>,
    planned: LocalFile,
}

impl SourceFile {
    /// Opens `planned`; blocks.
    pub(crate) fn open(planned: &LocalFile) -> anyhow::Result<Self> {
        let file = File::open(planned.location()).with_context(|| format!("cannot read `{}`", planned.path))?;
        let source = Self {
            file: Arc::new(file),
            planned: planned.clone(),
        };
        source.check_unchanged()?;
        Ok(source)
    }

    /// The bytes from `offset` on, `length` of them; blocks.
    pub(crate) fn part(&self, offset: u64, length: usize) -> anyhow::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        match self.file.read_exact_at(&mut bytes, offset) {
            Ok(()) => Ok(bytes),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(changed(&self.planned)),
            Err(error) => Err(error).with_context(|| format!("cannot read `{}`", self.planned.path)),
        }
    }

    /// Fails when the file is not what the plan saw; blocks.
    pub(crate) fn check_unchanged(&self) -> anyhow::Result<()> {
        let metadata = self
            .file
            .metadata()
            .with_context(|| format!("cannot read `{}`", self.planned.path))?;
        if is_as_planned(&metadata, &self.planned) {
            Ok(())
        } else {
            Err(changed(&self.planned))
        }
    }
}

fn is_as_planned(metadata: &Metadata, planned: &LocalFile) -> bool {
    metadata.len() == planned.size && metadata.modified().is_ok_and(|modified| modified == planned.modified)
}

fn changed(file: &LocalFile) -> anyhow::Error {
    anyhow::anyhow!("cannot upload `{}`: it changed while the deploy was running", file.path)
        .hint("let the build finish before this step, then run it again")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn planned(path: &Path) -> LocalFile {
        let metadata = path.metadata().expect("there");
        LocalFile {
            root: path.parent().expect("a directory").to_owned().into(),
            path: "f".into(),
            size: metadata.len(),
            modified: metadata.modified().expect("known"),
        }
    }

    #[test]
    fn a_file_that_changed_since_the_plan_is_not_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("f");
        std::fs::write(&path, b"abc").expect("written");
        let plan = planned(&path);
        let body = Body::read(&plan, Some(ChecksumAlgorithm::Crc32)).expect("unchanged");
        assert_eq!(&body.bytes[..], b"abc");
        assert_eq!(body.md5, <[u8; 16]>::from(Md5::digest(b"abc")));

        std::fs::write(&path, b"abcd").expect("written");
        assert!(Body::read(&plan, None).is_err());

        let changed_since = LocalFile {
            modified: plan.modified + std::time::Duration::from_nanos(1),
            ..planned(&path)
        };
        assert!(Body::read(&changed_since, None).is_err_and(|error| error.to_string().contains("changed")));
    }

    #[test]
    fn a_file_that_shrinks_while_it_is_read_in_parts_is_an_error() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("f");
        std::fs::write(&path, b"abcdef").expect("written");
        let source = SourceFile::open(&planned(&path)).expect("unchanged");
        assert_eq!(source.part(3, 3).expect("there"), b"def");
        std::fs::write(&path, b"abcd").expect("written");
        assert!(
            source
                .part(3, 3)
                .is_err_and(|error| error.to_string().contains("changed"))
        );
        assert!(source.check_unchanged().is_err());
    }
}
