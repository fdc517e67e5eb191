//! ETags: what S3 answers for bytes that it stored, computed from a file.
//!
//! A single-part object's ETag is the MD5 of its bytes; a multipart object's is the MD5 of its parts' MD5s, a dash
//! and the number of parts. Under SSE-KMS and SSE-C it is neither, and looks the same.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html>

use std::fmt::Write as _;
use std::io::{self, Read};

use md5::{Digest as _, Md5};

/// One mebibyte.
pub(crate) const MIB: u64 = 1024 * 1024;

/// The largest number of parts of a multipart upload.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
pub(crate) const MAX_PARTS: u64 = 10_000;

/// Part sizes that tools use, in MiB: 8 is ours, the AWS CLI's and the CRT's; 5 that of several SDKs and rclone;
/// 15 s3cmd's; 16, 50 and 64 other tools'; the others are what people set.
const USUAL_PART_SIZES_MIB: [u64; 19] = [
    8, 5, 15, 16, 50, 64, 6, 7, 10, 12, 20, 25, 32, 40, 100, 128, 256, 512, 1024,
];

/// What an ETag tells about the bytes behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Etag {
    /// The MD5 of the bytes (unless they are encrypted with a key that is not S3's own).
    Single([u8; 16]),
    /// The MD5 of the MD5s of so many parts.
    Multipart([u8; 16], u64),
    /// Something of the server's own.
    Opaque,
}

impl Etag {
    /// Reads an ETag, with or without its quotes.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim_matches('"');
        let (digest, parts) = match text.split_once('-') {
            Some((digest, parts)) => (digest, Some(parts)),
            None => (text, None),
        };
        match (digest_from_hex(digest), parts.map(str::parse)) {
            (Some(digest), None) => Self::Single(digest),
            (Some(digest), Some(Ok(parts))) if parts > 0 => Self::Multipart(digest, parts),
            _ => Self::Opaque,
        }
    }
}

/// The part size that we use for a file of `size` bytes: 8 MiB, more where there would be too many parts.
#[must_use]
pub(crate) fn part_size(size: u64) -> u64 {
    let least = size.div_ceil(MAX_PARTS);
    (8 * MIB).max(least.div_ceil(MIB) * MIB)
}

/// The part sizes with which a file of `size` bytes has exactly `parts` parts, the likeliest first.
///
/// One part needs no guess: whatever the part size was, the part was the whole file.
#[must_use]
pub(crate) fn candidates(size: u64, parts: u64) -> Vec<u64> {
    if parts == 1 {
        return vec![size.max(1)];
    }
    if parts == 0 {
        return Vec::new();
    }
    // Tools that grow the part size for large files take the smallest number of MiB that fits, or exactly a share.
    let grown = [size.div_ceil(parts).div_ceil(MIB) * MIB, size.div_ceil(parts)];
    let mut sizes: Vec<u64> = Vec::new();
    for candidate in USUAL_PART_SIZES_MIB.iter().map(|mib| mib * MIB).chain(grown) {
        if candidate > 0 && size.div_ceil(candidate) == parts && !sizes.contains(&candidate) {
            sizes.push(candidate);
        }
    }
    sizes
}

/// Whether the bytes of `reader`, `size` of them, have this multipart digest with one of these part sizes.
///
/// Reads once, whatever the number of part sizes; memory is that of one block.
///
/// # Errors
/// What the reader answers.
pub(crate) fn is_multipart_of(
    reader: &mut impl Read,
    digest: [u8; 16],
    parts: u64,
    part_sizes: &[u64],
    mut seen: impl FnMut(&[u8]),
) -> io::Result<bool> {
    let mut hashers: Vec<MultipartHasher> = part_sizes.iter().map(|size| MultipartHasher::new(*size)).collect();
    let mut block = vec![0; 256 * 1024];
    loop {
        let read = match reader.read(&mut block) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        seen(&block[..read]);
        for hasher in &mut hashers {
            hasher.update(&block[..read]);
        }
    }
    Ok(hashers.into_iter().any(|hasher| hasher.finish() == (digest, parts)))
}

/// The multipart digest for one part size, computed as the bytes come.
pub(crate) struct MultipartHasher {
    part_size: u64,
    in_part: u64,
    part: Md5,
    all: Md5,
    parts: u64,
}

impl MultipartHasher {
    /// A hasher for parts of `part_size` bytes.
    #[must_use]
    pub(crate) fn new(part_size: u64) -> Self {
        Self {
            part_size: part_size.max(1),
            in_part: 0,
            part: Md5::new(),
            all: Md5::new(),
            parts: 0,
        }
    }

    /// Takes the next bytes.
    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = usize::try_from(self.part_size - self.in_part).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.part.update(now);
            self.in_part += now.len() as u64;
            if self.in_part == self.part_size {
                self.end_part();
            }
            bytes = later;
        }
    }

    /// The digest and the number of parts.
    #[must_use]
    pub(crate) fn finish(mut self) -> ([u8; 16], u64) {
        if self.in_part > 0 || self.parts == 0 {
            self.end_part();
        }
        (self.all.finalize().into(), self.parts)
    }

    fn end_part(&mut self) {
        let digest = std::mem::replace(&mut self.part, Md5::new()).finalize();
        self.all.update(digest);
        self.parts += 1;
        self.in_part = 0;
    }
}

/// `digest` in hexadecimal.
#[must_use]
pub(crate) fn hex(digest: &[u8]) -> String {
    digest
        .iter()
        .fold(String::with_capacity(digest.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn digest_from_hex(text: &str) -> Option<[u8; 16]> {
    let bytes = text.as_bytes();
    if bytes.len() != 32 {
        return None;
    }
    let mut digest = [0; 16];
    for (byte, pair) in digest.iter_mut().zip(bytes.chunks_exact(2)) {
        let [high, low] = [char::from(pair[0]).to_digit(16)?, char::from(pair[1]).to_digit(16)?];
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multipart(bytes: &[u8], part: u64) -> ([u8; 16], u64) {
        let mut hasher = MultipartHasher::new(part);
        hasher.update(bytes);
        hasher.finish()
    }

    #[test]
    fn reads_what_servers_answer() {
        let digest = "d41d8cd98f00b204e9800998ecf8427e";
        assert_eq!(
            Etag::parse(&format!("\"{digest}\"")),
            Etag::Single(Md5::digest(b"").into())
        );
        assert_eq!(
            Etag::parse(&format!("{digest}-12")),
            Etag::Multipart(Md5::digest(b"").into(), 12)
        );
        for opaque in [
            "",
            "abc",
            "d41d8cd98f00b204e9800998ecf8427g",
            &format!("{digest}-"),
            &format!("{digest}-0"),
        ] {
            assert_eq!(Etag::parse(opaque), Etag::Opaque, "{opaque}");
        }
    }

    #[test]
    fn part_sizes_grow_with_the_file() {
        assert_eq!(part_size(0), 8 * MIB);
        assert_eq!(part_size(80_000 * MIB), 8 * MIB);
        assert_eq!(part_size(80_000 * MIB + 1), 9 * MIB);
        let largest = 5 * 1024 * 1024 * MIB;
        assert!(largest.div_ceil(part_size(largest)) <= MAX_PARTS);
    }

    #[test]
    fn candidates_have_the_right_number_of_parts() {
        assert_eq!(candidates(100 * MIB, 1), [100 * MIB]);
        assert_eq!(candidates(24 * MIB, 3), [8 * MIB, 10 * MIB]);
        for parts in 2..40 {
            for size in candidates(100 * MIB, parts) {
                assert_eq!((100 * MIB).div_ceil(size), parts);
            }
        }
        assert_eq!(candidates(5, 0), [0_u64; 0]);
    }

    #[test]
    fn finds_the_part_size_that_a_tool_used() {
        let bytes: Vec<u8> = (0..u32::try_from(21 * MIB).expect("small"))
            .map(|n| (n % 251) as u8)
            .collect();
        for part in [5, 6, 8, 10, 15, 16, 50] {
            let (digest, parts) = multipart(&bytes, part * MIB);
            let sizes = candidates(bytes.len() as u64, parts);
            let mut counted = 0;
            let found = is_multipart_of(&mut &bytes[..], digest, parts, &sizes, |block| counted += block.len());
            assert!(found.expect("no error"), "{part} MiB");
            assert_eq!(counted, bytes.len());
        }
        let (digest, parts) = multipart(&bytes, 8 * MIB);
        let other = [&bytes[1..], b"x"].concat();
        let sizes = candidates(other.len() as u64, parts);
        assert!(!is_multipart_of(&mut &other[..], digest, parts, &sizes, |_| {}).expect("no error"));
    }

    #[test]
    fn one_part_is_the_digest_of_a_digest() {
        let (digest, parts) = multipart(b"abc", 8 * MIB);
        assert_eq!(parts, 1);
        assert_eq!(hex(&digest), hex(&Md5::digest(Md5::digest(b"abc"))));
    }
}
