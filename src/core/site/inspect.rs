//! The source directory: what the bytes of one file tell.
//!
//! Reads a file once, block by block, and answers everything that a plan wants to know of it. Must not keep contents.

use std::io::{self, Read};

use md5::{Digest as _, Md5};

use crate::core::site::content_type::{TextCheck, TextEncoding};
use crate::core::site::etag::{Etag, candidates, is_multipart_of};

/// What a plan wants to know of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DigestRequest {
    /// Whether its bytes have this ETag; `None` asks only whether it can be read.
    pub(crate) etag: Option<Etag>,
    /// For a multipart ETag: the part size, where it is known; the usual ones are tried otherwise.
    pub(crate) part_size: Option<u64>,
    /// Whether its bytes are text.
    pub(crate) text: bool,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileDigest {
    /// The bytes have the ETag.
    pub(crate) same: bool,
    /// What text the bytes are; `None` when nobody asked.
    pub(crate) text: Option<TextEncoding>,
}

/// Reads `file` as far as `question` needs it; `length` tells its bytes, which only a multipart ETag asks for.
///
/// # Errors
/// What the file system answers.
pub(crate) fn inspect<R: Read>(
    file: &mut R,
    length: impl FnOnce(&R) -> io::Result<u64>,
    question: &DigestRequest,
) -> io::Result<FileDigest> {
    let mut text = question.text.then(TextCheck::default);
    let mut check = |block: &[u8]| {
        if let Some(text) = &mut text {
            text.feed(block);
        }
    };
    let same = match question.etag {
        Some(Etag::Multipart(digest, parts)) => {
            let sizes = match question.part_size {
                Some(size) => vec![size],
                None => candidates(length(file)?, parts),
            };
            if sizes.is_empty() {
                each_block(file, check)?;
                false
            } else {
                is_multipart_of(file, digest, parts, &sizes, check)?
            }
        }
        Some(Etag::Single(digest)) => {
            let mut hasher = Md5::new();
            each_block(file, |block| {
                hasher.update(block);
                check(block);
            })?;
            <[u8; 16]>::from(hasher.finalize()) == digest
        }
        Some(Etag::Opaque) | None => {
            if let Some(text) = &mut text {
                // A long video is known by its beginning.
                each_block_until(file, |block| {
                    text.feed(block);
                    text.is_settled()
                })?;
            }
            false
        }
    };
    Ok(FileDigest {
        same,
        text: text.map(|check| check.finish()),
    })
}

/// Gives every block of `file` to `take`.
///
/// # Errors
/// What the file system answers.
pub(crate) fn each_block(file: &mut impl Read, mut take: impl FnMut(&[u8])) -> io::Result<()> {
    each_block_until(file, |block| {
        take(block);
        false
    })
}

/// Gives every block of `file` to `is_enough`, until it says so.
fn each_block_until(file: &mut impl Read, mut is_enough: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let mut block = [0; 32 * 1024];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(read) if is_enough(&block[..read]) => return Ok(()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(bytes: &[u8], etag: Option<&str>) -> FileDigest {
        let question = DigestRequest {
            etag: etag.map(Etag::parse),
            part_size: None,
            text: true,
        };
        inspect(&mut &bytes[..], |bytes| Ok(bytes.len() as u64), &question).expect("readable")
    }

    #[test]
    fn tells_the_same_bytes_from_others() {
        let abc = "900150983cd24fb0d6963f7d28e17f72";
        assert!(answer(b"abc", Some(abc)).same);
        assert!(!answer(b"abd", Some(abc)).same);
        // The MD5 of the MD5 of "abc", as one part.
        assert!(answer(b"abc", Some("af5da9f45af7a300e3aded972f8ff687-1")).same);
        assert!(!answer(b"abc", None).same);
    }

    #[test]
    fn tells_utf8_from_other_encodings_in_any_case() {
        for etag in [
            None,
            Some("900150983cd24fb0d6963f7d28e17f72"),
            Some("900150983cd24fb0d6963f7d28e17f72-3"),
        ] {
            assert_eq!(
                answer("h\u{e9}".as_bytes(), etag).text,
                Some(TextEncoding::Utf8),
                "{etag:?}"
            );
            assert_eq!(answer(b"h\xe9", etag).text, Some(TextEncoding::Other), "{etag:?}");
        }
    }
}
