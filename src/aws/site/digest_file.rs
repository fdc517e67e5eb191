//! What the bytes of one file on disk tell.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::core::site::inspect::{DigestRequest, FileDigest, inspect};

/// Reads the file at `path` as far as `question` needs it; a question that wants neither ETag nor text only opens it.
///
/// # Errors
/// What the file system answers.
pub(crate) fn digest_file(path: &Path, question: &DigestRequest) -> io::Result<FileDigest> {
    inspect(&mut File::open(path)?, |file| Ok(file.metadata()?.len()), question)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_gone_is_an_error() {
        let question = DigestRequest {
            etag: None,
            part_size: None,
            text: false,
        };
        assert!(digest_file(Path::new("/nonexistent/file"), &question).is_err());
    }
}
