//! Checksums that travel with an upload and that S3 keeps of an object.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity.html>

use std::fs::File;
use std::io;
use std::path::Path;

use crc_fast::CrcAlgorithm;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::core::site::inspect::each_block;
use crate::core::site::object::ChecksumAlgorithm;

/// A checksum as S3's headers have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Checksum {
    /// Which one.
    pub(crate) algorithm: ChecksumAlgorithm,
    /// Its big-endian bytes in base64.
    pub(crate) value: String,
}

impl Checksum {
    /// A checksum that somebody else computed.
    #[must_use]
    pub(crate) fn new(algorithm: ChecksumAlgorithm, value: String) -> Self {
        Self { algorithm, value }
    }

    /// That of `bytes`.
    #[must_use]
    pub(crate) fn of(algorithm: ChecksumAlgorithm, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The header that carries it.
    pub(crate) fn header(&self) -> &'static str {
        match self.algorithm {
            ChecksumAlgorithm::Crc32 => "x-amz-checksum-crc32",
            ChecksumAlgorithm::Crc32c => "x-amz-checksum-crc32c",
            ChecksumAlgorithm::Crc64Nvme => "x-amz-checksum-crc64nvme",
            ChecksumAlgorithm::Sha1 => "x-amz-checksum-sha1",
            ChecksumAlgorithm::Sha256 => "x-amz-checksum-sha256",
        }
    }

    /// That of these bytes and of `length` bytes more that have the checksum `next`; CRCs only.
    pub(crate) fn join(&self, next: &Self, length: u64) -> Option<Self> {
        let crc = crc_algorithm(self.algorithm)?;
        let joined = crc_fast::checksum_combine(crc, self.number()?, next.number()?, length);
        Some(Self {
            algorithm: self.algorithm,
            value: crc_value(self.algorithm, joined),
        })
    }

    fn number(&self) -> Option<u64> {
        let bytes = aws_smithy_types::base64::decode(&self.value).ok()?;
        Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

/// Gives a checksum, where there is one, to a builder of the SDK, which then computes none of its own.
macro_rules! with_checksum {
    ($builder:expr, $checksum:expr) => {{
        use crate::core::site::object::ChecksumAlgorithm;
        match $checksum {
            None => $builder,
            Some(checksum) => {
                let value = Some(checksum.value.clone());
                match checksum.algorithm {
                    ChecksumAlgorithm::Crc32 => $builder.set_checksum_crc32(value),
                    ChecksumAlgorithm::Crc32c => $builder.set_checksum_crc32_c(value),
                    ChecksumAlgorithm::Crc64Nvme => $builder.set_checksum_crc64_nvme(value),
                    ChecksumAlgorithm::Sha1 => $builder.set_checksum_sha1(value),
                    ChecksumAlgorithm::Sha256 => $builder.set_checksum_sha256(value),
                }
            }
        }
    }};
}
pub(crate) use with_checksum;

/// The same as the SDK names it.
pub(crate) fn sdk_algorithm(algorithm: ChecksumAlgorithm) -> aws_sdk_s3::types::ChecksumAlgorithm {
    use aws_sdk_s3::types::ChecksumAlgorithm as Sdk;
    match algorithm {
        ChecksumAlgorithm::Crc32 => Sdk::Crc32,
        ChecksumAlgorithm::Crc32c => Sdk::Crc32C,
        ChecksumAlgorithm::Crc64Nvme => Sdk::Crc64Nvme,
        ChecksumAlgorithm::Sha1 => Sdk::Sha1,
        ChecksumAlgorithm::Sha256 => Sdk::Sha256,
    }
}

fn crc_algorithm(algorithm: ChecksumAlgorithm) -> Option<CrcAlgorithm> {
    match algorithm {
        ChecksumAlgorithm::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
        ChecksumAlgorithm::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
        ChecksumAlgorithm::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
        ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256 => None,
    }
}

fn crc_value(algorithm: ChecksumAlgorithm, crc: u64) -> String {
    let bytes = crc.to_be_bytes();
    match algorithm {
        ChecksumAlgorithm::Crc64Nvme => base64(&bytes),
        _ => base64(&bytes[4..]),
    }
}

/// Computes a checksum of bytes that come in pieces.
pub(crate) struct Hasher {
    algorithm: ChecksumAlgorithm,
    state: HashState,
}

enum HashState {
    Crc(Box<crc_fast::Digest>),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Hasher {
    /// A hasher that has seen nothing.
    #[must_use]
    pub(crate) fn new(algorithm: ChecksumAlgorithm) -> Self {
        let state = match crc_algorithm(algorithm) {
            Some(crc) => HashState::Crc(Box::new(crc_fast::Digest::new(crc))),
            None if algorithm == ChecksumAlgorithm::Sha1 => HashState::Sha1(Sha1::default()),
            None => HashState::Sha256(Sha256::default()),
        };
        Self { algorithm, state }
    }

    /// Takes the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            HashState::Crc(crc) => crc.update(bytes),
            HashState::Sha1(sha) => sha.update(bytes),
            HashState::Sha256(sha) => sha.update(bytes),
        }
    }

    /// The checksum.
    #[must_use]
    pub(crate) fn finish(self) -> Checksum {
        let value = match self.state {
            HashState::Crc(crc) => crc_value(self.algorithm, crc.finalize()),
            HashState::Sha1(sha) => base64(&sha.finalize()),
            HashState::Sha256(sha) => base64(&sha.finalize()),
        };
        Checksum {
            algorithm: self.algorithm,
            value,
        }
    }
}

/// That of a whole file.
///
/// # Errors
/// What the file system answers.
pub(crate) fn checksum_of_file(file: &Path, algorithm: ChecksumAlgorithm) -> io::Result<Checksum> {
    let mut hasher = Hasher::new(algorithm);
    each_block(&mut File::open(file)?, |block| hasher.update(block))?;
    Ok(hasher.finish())
}

/// `bytes` in base64, as headers carry digests.
#[must_use]
pub(crate) fn base64(bytes: &[u8]) -> String {
    aws_smithy_types::base64::encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the catalogue of CRC algorithms, and of the NIST for the others.
    #[test]
    fn checksums_are_those_of_the_catalogue() {
        for (algorithm, expected) in [
            (ChecksumAlgorithm::Crc32, "y/Q5Jg=="),
            (ChecksumAlgorithm::Crc32c, "4waSgw=="),
            (ChecksumAlgorithm::Crc64Nvme, "rosUhgp5mIg="),
            (ChecksumAlgorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
            (
                ChecksumAlgorithm::Sha256,
                "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
            ),
        ] {
            assert_eq!(Checksum::of(algorithm, b"123456789").value, expected, "{algorithm:?}");
        }
    }

    #[test]
    fn crcs_of_parts_make_that_of_the_whole() {
        for algorithm in [
            ChecksumAlgorithm::Crc32,
            ChecksumAlgorithm::Crc32c,
            ChecksumAlgorithm::Crc64Nvme,
        ] {
            let (head, tail) = (Checksum::of(algorithm, b"1234"), Checksum::of(algorithm, b"56789"));
            assert_eq!(
                head.join(&tail, 5),
                Some(Checksum::of(algorithm, b"123456789")),
                "{algorithm:?}"
            );
        }
        let sha = Checksum::of(ChecksumAlgorithm::Sha256, b"1");
        assert_eq!(sha.join(&sha, 1), None);
    }
}
