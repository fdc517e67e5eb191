//! What an object is sent with: headers, content type, ACL, encryption.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// The headers of one object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectHeaders {
    /// `Content-Type`; `None` sends none, and S3 answers `binary/octet-stream`.
    pub content_type: Option<String>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Content-Encoding`.
    pub content_encoding: Option<String>,
    /// `Content-Disposition`.
    pub content_disposition: Option<String>,
    /// `Content-Language`.
    pub content_language: Option<String>,
    /// `Expires`, as an HTTP date.
    pub expires: Option<String>,
    /// `x-amz-website-redirect-location`.
    pub website_redirect: Option<String>,
    /// `x-amz-storage-class`; `None` is the bucket's default.
    pub storage_class: Option<String>,
    /// `x-amz-meta-*` without that prefix.
    pub metadata: BTreeMap<String, String>,
}

/// What every object of the run is sent with.
#[derive(Debug, Clone)]
pub struct ObjectOptions {
    /// `acl`: a canned ACL.
    pub acl: Option<String>,
    /// `--grants`.
    pub grants: Vec<Grant>,
    /// `--sse`, `--sse-kms-key-id`, `--sse-c`.
    pub encryption: Encryption,
    /// `--request-payer`.
    pub request_payer: bool,
    /// `--checksum-algorithm`.
    pub checksum_algorithm: Option<ChecksumAlgorithm>,
    /// `--no-guess-mime-type` is `false` here.
    pub guess_content_type: bool,
    /// Headers for every object, from flags and `cache-control`.
    pub headers: ObjectHeaders,
}

/// One grant of `--grants`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What is granted.
    pub permission: GrantPermission,
    /// The grantee as S3's header takes it: `uri="…"`, `id="…"`.
    pub grantee: String,
}

/// The permissions of `--grants`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantPermission {
    /// `read`.
    Read,
    /// `readacl`.
    ReadAcl,
    /// `writeacl`.
    WriteAcl,
    /// `full`.
    Full,
}

/// How S3 is asked to encrypt.
#[derive(Debug, Clone, Default)]
pub enum Encryption {
    /// The bucket's default.
    #[default]
    BucketDefault,
    /// `--sse AES256`.
    Aes256,
    /// `--sse aws:kms`, with `--sse-kms-key-id`.
    Kms {
        /// The key; `None` is the account's default key for S3.
        key_id: Option<String>,
    },
    /// `--sse-c`: a key of our own, 32 bytes, base64.
    CustomerKey {
        /// The key.
        key: Secret,
        /// Its MD5, base64.
        key_md5: String,
    },
}

/// Checksum algorithms that an upload can carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumAlgorithm {
    /// CRC-32.
    Crc32,
    /// CRC-32C.
    Crc32c,
    /// CRC-64/NVME.
    Crc64Nvme,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// The `headers` input: ordered rules, later ones win.
#[derive(Debug, Clone, Default)]
pub struct HeaderRules {}
