//! What a copy inside a bucket must send again, for CopyObject keeps less than its name promises.
//!
//! | | headers | redirect, storage class | ACL | encryption | tags |
//! | --- | --- | --- | --- | --- | --- |
//! | in place (`REPLACE`) | all are sent | sent | sent, else reset to private | sent, else the bucket's default | kept |
//! | an earlier version (`COPY`) | kept | sent, else lost | as above | as above | kept |
//! | the same in parts | all are sent | sent | as above | as above | sent, else lost |
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>

use crate::core::site::headers::ObjectHeaders;
use crate::core::site::object::{Encryption, Grant, ObjectOptions};
use crate::core::site::plan::{Write, WriteSource};

/// What S3 has, as HEAD tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredObject {
    pub(crate) headers: ObjectHeaders,
    pub(crate) encryption: StoredEncryption,
}

/// How an object is encrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StoredEncryption {
    /// S3 does not say: a store without it, or an object from before 2023.
    Unknown,
    /// By S3 or KMS.
    Managed {
        /// `AES256`, `aws:kms` or `aws:kms:dsse`.
        algorithm: String,
        /// The KMS key.
        key_id: Option<String>,
        /// With an S3 bucket key.
        bucket_key: bool,
    },
    /// By a key that comes with every request.
    CustomerKey,
}

/// What a copy is sent with.
#[derive(Debug, Clone)]
pub(crate) struct CopyRequest {
    /// The headers: all that the copy gets with `replace` and in parts, else what S3 would drop.
    pub(crate) headers: ObjectHeaders,
    /// ACL, grants, encryption.
    pub(crate) options: ObjectOptions,
    /// The encryption of the source, to be asked for again.
    pub(crate) encryption: Option<StoredEncryption>,
}

/// The copy of a version that a release of ours is known to have written plainly: S3 copies all that it has but its ACL
/// and class, which are known. `None`: the source must be looked at first.
#[must_use]
pub(crate) fn request_without_look(write: &Write, options: &ObjectOptions, in_parts: bool) -> Option<CopyRequest> {
    match &write.source {
        WriteSource::Version {
            acl,
            grants,
            plain: true,
            ..
        } if !in_parts => Some(CopyRequest {
            headers: ObjectHeaders {
                storage_class: write.headers.storage_class.clone(),
                ..ObjectHeaders::default()
            },
            options: ObjectOptions {
                acl: acl.clone().filter(|_| grants.is_none()),
                grants: grants.clone().unwrap_or_default(),
                request_payer: options.request_payer,
                ..ObjectOptions::default()
            },
            encryption: None,
        }),
        _ => None,
    }
}

/// Whether the ACL of the source must be read: nobody says which one the copy gets.
#[must_use]
pub(crate) fn needs_acl(write: &Write, options: &ObjectOptions) -> bool {
    match &write.source {
        WriteSource::Version { acl, grants, .. } => acl.is_none() && grants.is_none(),
        _ => options.acl.is_none() && options.grants.is_empty(),
    }
}

/// What the copy of a source that was looked at is sent with; `grants` are those of the source.
#[must_use]
pub(crate) fn request(
    write: &Write,
    options: &ObjectOptions,
    stored: &StoredObject,
    grants: Vec<Grant>,
    in_parts: bool,
) -> CopyRequest {
    let (in_place, acl, grants) = match &write.source {
        WriteSource::Version { grants: Some(read), .. } => (false, None, read.clone()),
        WriteSource::Version { acl, .. } => (false, acl.clone(), grants),
        _ => (true, options.acl.clone(), grants),
    };
    let of_inputs = in_place && !options.grants.is_empty();
    let has_customer_key = stored.encryption == StoredEncryption::CustomerKey;
    let encryption = if in_place || has_customer_key {
        options.encryption.clone()
    } else {
        Encryption::BucketDefault
    };
    let headers = if in_place {
        write.headers.clone()
    } else if in_parts {
        ObjectHeaders {
            storage_class: write.headers.storage_class.clone(),
            ..stored.headers.clone()
        }
    } else {
        ObjectHeaders {
            website_redirect: stored.headers.website_redirect.clone(),
            storage_class: write.headers.storage_class.clone(),
            ..ObjectHeaders::default()
        }
    };
    CopyRequest {
        headers,
        encryption: matches!(encryption, Encryption::BucketDefault).then(|| stored.encryption.clone()),
        options: ObjectOptions {
            acl,
            grants: if of_inputs { options.grants.clone() } else { grants },
            encryption,
            request_payer: options.request_payer,
            ..ObjectOptions::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::site::object::GrantPermission;
    use crate::core::site::plan::Reason;

    fn write(source: WriteSource) -> Write {
        Write {
            key: "k".into(),
            size: 1,
            reason: Reason::HeadersChanged,
            source,
            headers: ObjectHeaders {
                cache_control: Some("no-store".into()),
                storage_class: Some("STANDARD_IA".into()),
                ..ObjectHeaders::default()
            },
        }
    }

    fn version(acl: Option<&str>, plain: bool) -> Write {
        write(WriteSource::Version {
            version_id: "v1".into(),
            acl: acl.map(str::to_owned),
            grants: None,
            plain,
        })
    }

    fn grant(grantee: &str) -> Grant {
        Grant {
            permission: GrantPermission::Read,
            grantee: grantee.into(),
        }
    }

    fn stored() -> StoredObject {
        StoredObject {
            headers: ObjectHeaders {
                content_type: Some("text/css".into()),
                website_redirect: Some("/new".into()),
                ..ObjectHeaders::default()
            },
            encryption: StoredEncryption::Managed {
                algorithm: "aws:kms".into(),
                key_id: None,
                bucket_key: false,
            },
        }
    }

    #[test]
    fn only_a_plain_version_in_one_piece_is_copied_without_a_look() {
        let options = ObjectOptions::default();
        for (write, in_parts, expected) in [
            (version(Some("public-read"), true), false, true),
            (version(None, true), false, true),
            (version(None, true), true, false),
            (version(None, false), false, false),
            (write(WriteSource::InPlace), false, false),
        ] {
            let request = request_without_look(&write, &options, in_parts);
            assert_eq!(request.is_some(), expected, "{write:?} {in_parts}");
        }
        let request = request_without_look(&version(Some("public-read"), true), &options, false).expect("a request");
        assert_eq!(request.options.acl.as_deref(), Some("public-read"));
        assert_eq!(request.headers.names().len(), 1);
    }

    #[test]
    fn the_acl_is_read_where_nobody_names_one() {
        let named = ObjectOptions {
            acl: Some("private".into()),
            ..ObjectOptions::default()
        };
        let granted = ObjectOptions {
            grants: vec![grant("id=a")],
            ..ObjectOptions::default()
        };
        for (write, options, expected) in [
            (write(WriteSource::InPlace), &ObjectOptions::default(), true),
            (write(WriteSource::InPlace), &named, false),
            (write(WriteSource::InPlace), &granted, false),
            (version(None, false), &named, true),
            (version(Some("public-read"), false), &granted, false),
        ] {
            assert_eq!(needs_acl(&write, options), expected, "{write:?} {options:?}");
        }
    }

    #[test]
    fn what_s3_would_drop_is_sent_again() {
        let there = stored();
        let in_place = request(
            &write(WriteSource::InPlace),
            &ObjectOptions::default(),
            &there,
            vec![grant("id=a")],
            false,
        );
        assert_eq!(in_place.headers.cache_control.as_deref(), Some("no-store"));
        assert_eq!(in_place.options.grants, [grant("id=a")]);
        assert_eq!(in_place.encryption.as_ref(), Some(&there.encryption));

        let restored = request(
            &version(None, false),
            &ObjectOptions::default(),
            &there,
            Vec::new(),
            false,
        );
        assert_eq!(restored.headers.content_type, None, "S3 copies it");
        assert_eq!(restored.headers.website_redirect.as_deref(), Some("/new"));
        let in_parts = request(
            &version(None, false),
            &ObjectOptions::default(),
            &there,
            Vec::new(),
            true,
        );
        // The class is that of the plan, which knows of archives.
        let planned = ObjectHeaders {
            storage_class: Some("STANDARD_IA".into()),
            ..there.headers.clone()
        };
        assert_eq!(in_parts.headers, planned);
    }

    #[test]
    fn the_inputs_say_how_to_encrypt_in_place_and_the_version_how_it_was() {
        let options = ObjectOptions {
            acl: Some("private".into()),
            grants: vec![grant("id=b")],
            encryption: Encryption::Aes256,
            ..ObjectOptions::default()
        };
        let in_place = request(&write(WriteSource::InPlace), &options, &stored(), Vec::new(), false);
        assert!(matches!(in_place.options.encryption, Encryption::Aes256));
        assert_eq!(
            (in_place.encryption, in_place.options.grants),
            (None, options.grants.clone())
        );
        let restored = request(
            &version(Some("public-read"), false),
            &options,
            &stored(),
            Vec::new(),
            false,
        );
        assert!(matches!(restored.options.encryption, Encryption::BucketDefault));
        assert_eq!(restored.options.acl.as_deref(), Some("public-read"));
        assert!(restored.encryption.is_some() && restored.options.grants.is_empty());
    }
}
