//! What an object is sent with: headers, content type, ACL, encryption.
//!
//! One order decides each header, later ones win: the guess of the content type, the flags of `args` and
//! `cache-control`, the lines of `headers`. Must not look at objects or files; [`crate::core::site::repair`] compares.

use crate::core::secret::{Secret, shown_text};
use crate::core::site::content_type::{self, TextEncoding};
use crate::core::site::header_rules::HeaderRules;
use crate::core::site::headers::{HeaderName, ObjectHeaders};

/// The [canned ACLs] that an object can have.
///
/// [canned ACLs]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl
pub(crate) const CANNED_ACLS: [&str; 7] = [
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
];

/// Checks the name of a canned ACL.
///
/// # Errors
///
/// Says which names are legal.
pub(crate) fn check_acl(name: &str) -> Result<(), String> {
    if CANNED_ACLS.contains(&name) {
        return Ok(());
    }
    let why = if name == "log-delivery-write" {
        "is for buckets, not for objects"
    } else {
        "is not a canned ACL"
    };
    let shown = shown_text(name);
    Err(format!("`{shown}` {why}; valid values: {}", CANNED_ACLS.join(", ")))
}

/// What every object of the run is sent with.
#[derive(Debug, Clone)]
pub(crate) struct ObjectOptions {
    /// `acl`: a canned ACL.
    pub(crate) acl: Option<String>,
    /// `--grants`.
    pub(crate) grants: Vec<Grant>,
    /// `--sse`, `--sse-kms-key-id`, `--sse-c`.
    pub(crate) encryption: Encryption,
    /// `--request-payer`.
    pub(crate) request_payer: bool,
    /// `--checksum-algorithm`.
    pub(crate) checksum_algorithm: Option<ChecksumAlgorithm>,
    /// `--no-guess-mime-type` is `false` here.
    pub(crate) guess_content_type: bool,
    /// Headers for every object, from flags and `cache-control`.
    pub(crate) headers: ObjectHeaders,
}

impl Default for ObjectOptions {
    fn default() -> Self {
        Self {
            acl: None,
            grants: Vec::new(),
            encryption: Encryption::default(),
            request_payer: false,
            checksum_algorithm: None,
            guess_content_type: true,
            headers: ObjectHeaders::default(),
        }
    }
}

impl ObjectOptions {
    /// The headers for the file at `path`, relative to the source directory.
    ///
    /// `bytes` is asked at most once, and only when the answer decides: what text the file is. A type that was given,
    /// not guessed, is sent as it was given.
    pub(crate) fn headers_for(
        &self,
        rules: &HeaderRules,
        path: &str,
        bytes: impl FnOnce() -> TextEncoding,
    ) -> ObjectHeaders {
        let mut headers = self.headers.clone();
        for (name, value) in rules.of(path) {
            headers.set(name, value.map(str::to_owned));
        }
        if let Some(guess) = self.guessed_type(rules, path) {
            headers.content_type = Some(if content_type::depends_on_bytes(guess) {
                content_type::judge(guess, bytes())
            } else {
                guess.to_owned()
            });
        }
        headers
    }

    /// The guessed content type of the file at `path`, without a charset; `None` when the inputs name one, or none is
    /// known.
    #[must_use]
    pub(crate) fn guessed_type(&self, rules: &HeaderRules, path: &str) -> Option<&'static str> {
        let named = !self.guess_content_type
            || self.headers.content_type.is_some()
            || rules.of(path).any(|(name, _)| *name == HeaderName::ContentType);
        if named { None } else { content_type::guess(path) }
    }
}

/// One grant of `--grants`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    /// What is granted.
    pub(crate) permission: GrantPermission,
    /// The grantees as S3's header takes them: `uri=…`, `id=…`, with commas between them.
    pub(crate) grantee: String,
}

/// The permissions of `--grants`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GrantPermission {
    /// `read`.
    Read,
    /// `readacl`.
    ReadAcl,
    /// `writeacl`.
    WriteAcl,
    /// `full`.
    Full,
}

impl GrantPermission {
    /// The name that `--grants` uses.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::ReadAcl => "readacl",
            Self::WriteAcl => "writeacl",
            Self::Full => "full",
        }
    }
}

/// Whether `grants` (none: the owner's alone) are those of the canned ACL `acl`; `None` where that cannot be told.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#canned-acl>
#[must_use]
pub(crate) fn is_canned(acl: &str, grants: &[Grant]) -> Option<bool> {
    const GROUPS: &str = "uri=\"http://acs.amazonaws.com/groups/global/";
    let groups: Vec<(&str, GrantPermission)> = grants
        .iter()
        .filter_map(|grant| {
            Some((
                grant.grantee.strip_prefix(GROUPS)?.trim_end_matches('"'),
                grant.permission,
            ))
        })
        .collect();
    let reader = match acl {
        "private" => return Some(grants.is_empty()),
        "public-read" => "AllUsers",
        "authenticated-read" => "AuthenticatedUsers",
        _ => return None,
    };
    // Beside the group only the owner, who has everything.
    let owners = grants
        .iter()
        .filter(|grant| grant.permission == GrantPermission::Full)
        .count();
    Some(groups == [(reader, GrantPermission::Read)] && owners == 1 && grants.len() == 2)
}

/// How S3 is asked to encrypt.
#[derive(Debug, Clone, Default)]
pub(crate) enum Encryption {
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
pub(crate) enum ChecksumAlgorithm {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn content_type(options: &ObjectOptions, rules: &str, path: &str, bytes: TextEncoding) -> Option<String> {
        let rules = HeaderRules::parse(rules).expect("legal rules");
        options.headers_for(&rules, path, || bytes).content_type
    }

    #[test]
    fn text_gets_a_charset_when_its_bytes_are_utf8() {
        let options = ObjectOptions::default();
        let html = |bytes| content_type(&options, "", "index.html", bytes);
        assert_eq!(html(TextEncoding::Utf8).as_deref(), Some("text/html; charset=utf-8"));
        assert_eq!(html(TextEncoding::Other).as_deref(), Some("text/html"));
        let named = |path| content_type(&options, "", path, TextEncoding::Utf8);
        assert_eq!(named("a.png").as_deref(), Some("image/png"));
        assert_eq!(named("go.mod").as_deref(), Some("text/plain; charset=utf-8"));
        assert_eq!(named("LICENSE"), None);
    }

    #[test]
    fn guess_then_flag_then_rules() {
        let mut options = ObjectOptions::default();
        options.headers.content_type = Some("text/plain".into());
        options.headers.cache_control = Some("max-age=60".into());
        let rules = HeaderRules::parse("*.html Content-Type: application/xhtml+xml\n*.html Cache-Control:\n")
            .expect("legal rules");
        let unasked = || unreachable!("a given type is not completed");
        let html = options.headers_for(&rules, "a.html", unasked);
        assert_eq!(html.content_type.as_deref(), Some("application/xhtml+xml"));
        assert_eq!(html.cache_control, None);
        let other = options.headers_for(&rules, "a.css", unasked);
        assert_eq!(other.content_type.as_deref(), Some("text/plain"));
        assert_eq!(other.cache_control.as_deref(), Some("max-age=60"));
    }

    #[test]
    fn a_type_can_be_left_out() {
        let options = ObjectOptions {
            guess_content_type: false,
            ..ObjectOptions::default()
        };
        assert_eq!(content_type(&options, "", "a.html", TextEncoding::Utf8), None);
        let guessing = ObjectOptions::default();
        assert_eq!(
            content_type(&guessing, "*.html Content-Type:", "a.html", TextEncoding::Utf8),
            None
        );
    }

    #[test]
    fn grants_tell_the_usual_canned_acls() {
        let grant = |permission, grantee: &str| Grant {
            permission,
            grantee: grantee.to_owned(),
        };
        let everybody = "uri=\"http://acs.amazonaws.com/groups/global/AllUsers\"";
        let public = [
            grant(GrantPermission::Full, "id=\"owner\""),
            grant(GrantPermission::Read, everybody),
        ];
        let more = [public.to_vec(), vec![grant(GrantPermission::Read, "id=\"other\"")]].concat();
        assert_eq!(is_canned("private", &[]), Some(true));
        assert_eq!(is_canned("private", &public), Some(false));
        assert_eq!(is_canned("public-read", &public), Some(true));
        assert_eq!(is_canned("public-read", &more), Some(false));
        assert_eq!(is_canned("public-read", &[]), Some(false));
        assert_eq!(is_canned("authenticated-read", &public), Some(false));
        assert_eq!(is_canned("bucket-owner-read", &public), None);
    }

    #[test]
    fn an_acl_for_buckets_is_refused_as_such() {
        assert_eq!(check_acl("public-read"), Ok(()));
        assert!(check_acl("log-delivery-write").is_err_and(|error| error.contains("for buckets")));
        assert!(check_acl("Public-Read").is_err_and(|error| error.contains("bucket-owner-full-control")));
    }
}
