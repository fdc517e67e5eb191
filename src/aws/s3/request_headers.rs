//! What an object is sent with, as HTTP headers: one list for every call that creates an object.

use std::borrow::Cow;

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC};

use crate::core::site::copy::StoredEncryption;
use crate::core::site::headers::ObjectHeaders;
use crate::core::site::object::{Encryption, GrantPermission, ObjectOptions};

/// What is escaped in the path of an object: <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
pub(crate) const UNSAFE_IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Header names and values.
pub(crate) type Headers = Vec<(Cow<'static, str>, String)>;

/// The headers of an object with these properties.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html>
pub(crate) fn headers(object: &ObjectHeaders, options: &ObjectOptions) -> Headers {
    let mut all = Headers::new();
    let mut add = |name: &'static str, value: &Option<String>| {
        if let Some(value) = value {
            all.push((Cow::Borrowed(name), value.clone()));
        }
    };
    add("content-type", &object.content_type);
    add("cache-control", &object.cache_control);
    add("content-encoding", &object.content_encoding);
    add("content-disposition", &object.content_disposition);
    add("content-language", &object.content_language);
    add("expires", &object.expires);
    add("x-amz-website-redirect-location", &object.website_redirect);
    add("x-amz-storage-class", &object.storage_class);
    add("x-amz-acl", &options.acl);
    for (key, value) in &object.metadata {
        all.push((Cow::Owned(format!("x-amz-meta-{key}")), value.clone()));
    }
    for permission in [
        GrantPermission::Read,
        GrantPermission::ReadAcl,
        GrantPermission::WriteAcl,
        GrantPermission::Full,
    ] {
        let grantees: Vec<&str> = options
            .grants
            .iter()
            .filter(|grant| grant.permission == permission)
            .map(|grant| grant.grantee.as_str())
            .collect();
        if !grantees.is_empty() {
            all.push((Cow::Borrowed(grant_header(permission)), grantees.join(",")));
        }
    }
    match &options.encryption {
        Encryption::BucketDefault => {}
        Encryption::Aes256 => all.push(("x-amz-server-side-encryption".into(), "AES256".to_owned())),
        Encryption::Kms { key_id } => {
            all.push(("x-amz-server-side-encryption".into(), "aws:kms".to_owned()));
            if let Some(key_id) = key_id {
                all.push(("x-amz-server-side-encryption-aws-kms-key-id".into(), key_id.clone()));
            }
        }
        Encryption::CustomerKey { .. } => all.extend(customer_key_headers(&options.encryption)),
    }
    if options.request_payer {
        all.push(("x-amz-request-payer".into(), "requester".to_owned()));
    }
    all
}

/// The headers that go with every request for an object encrypted with a key of our own.
pub(crate) fn customer_key_headers(encryption: &Encryption) -> Headers {
    match encryption {
        Encryption::CustomerKey { key, key_md5 } => vec![
            (
                "x-amz-server-side-encryption-customer-algorithm".into(),
                "AES256".to_owned(),
            ),
            (
                "x-amz-server-side-encryption-customer-key".into(),
                key.expose().to_owned(),
            ),
            ("x-amz-server-side-encryption-customer-key-md5".into(), key_md5.clone()),
        ],
        _ => Headers::new(),
    }
}

/// The customer's key once more, for reading the source.
pub(crate) fn source_key_headers(encryption: &Encryption) -> Headers {
    customer_key_headers(encryption)
        .into_iter()
        .map(|(name, value)| {
            let name = name.trim_start_matches("x-amz-");
            (Cow::Owned(format!("x-amz-copy-source-{name}")), value)
        })
        .collect()
}

/// The encryption of an object, to be asked for again; without it the bucket's default would be taken.
pub(crate) fn encryption_headers(encryption: &StoredEncryption) -> Headers {
    let StoredEncryption::Managed {
        algorithm,
        key_id,
        bucket_key,
    } = encryption
    else {
        return Headers::new();
    };
    let mut headers: Headers = vec![("x-amz-server-side-encryption".into(), algorithm.clone())];
    if let Some(key) = key_id {
        headers.push(("x-amz-server-side-encryption-aws-kms-key-id".into(), key.clone()));
    }
    if *bucket_key {
        headers.push((
            "x-amz-server-side-encryption-bucket-key-enabled".into(),
            "true".to_owned(),
        ));
    }
    headers
}

/// The same as the SDK's builders take it: key, its MD5, algorithm.
pub(crate) fn customer_key(encryption: &Encryption) -> (Option<String>, Option<String>, Option<String>) {
    match encryption {
        Encryption::CustomerKey { key, key_md5 } => (
            Some(key.expose().to_owned()),
            Some(key_md5.clone()),
            Some("AES256".to_owned()),
        ),
        _ => (None, None, None),
    }
}

/// Puts `headers` into a request, before it is signed.
///
/// The SDK names a content type of its own where none is given; S3 is to decide then, as with aws-cli.
pub(crate) fn apply(request: &mut HttpRequest, headers: &Headers) {
    request.headers_mut().remove("content-type");
    for (name, value) in headers {
        // Values were checked as inputs; one that still cannot be a header is S3's to refuse by its absence.
        let _ = request.headers_mut().try_insert(name.to_string(), value.clone());
    }
}

fn grant_header(permission: GrantPermission) -> &'static str {
    match permission {
        GrantPermission::Read => "x-amz-grant-read",
        GrantPermission::ReadAcl => "x-amz-grant-read-acp",
        GrantPermission::WriteAcl => "x-amz-grant-write-acp",
        GrantPermission::Full => "x-amz-grant-full-control",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::secret::Secret;
    use crate::core::site::object::Grant;

    fn names(headers: &Headers) -> Vec<String> {
        headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
    }

    #[test]
    fn everything_that_an_object_can_have_is_sent() {
        let object = ObjectHeaders {
            content_type: Some("text/css".into()),
            expires: Some("0".into()),
            metadata: [("team".to_owned(), "web".to_owned())].into(),
            ..ObjectHeaders::default()
        };
        let grant = |permission, grantee: &str| Grant {
            permission,
            grantee: grantee.to_owned(),
        };
        let options = ObjectOptions {
            grants: vec![
                grant(GrantPermission::Read, "uri=a"),
                grant(GrantPermission::Full, "id=b"),
                grant(GrantPermission::Read, "id=c"),
            ],
            encryption: Encryption::Kms {
                key_id: Some("k".into()),
            },
            request_payer: true,
            ..ObjectOptions::default()
        };
        assert_eq!(
            names(&headers(&object, &options)),
            [
                "content-type: text/css",
                "expires: 0",
                "x-amz-meta-team: web",
                "x-amz-grant-read: uri=a,id=c",
                "x-amz-grant-full-control: id=b",
                "x-amz-server-side-encryption: aws:kms",
                "x-amz-server-side-encryption-aws-kms-key-id: k",
                "x-amz-request-payer: requester",
            ]
        );
    }

    #[test]
    fn a_customers_key_goes_with_every_request() {
        let encryption = Encryption::CustomerKey {
            key: Secret::new("a2V5"),
            key_md5: "bWQ1".into(),
        };
        let options = ObjectOptions {
            encryption: encryption.clone(),
            ..ObjectOptions::default()
        };
        assert_eq!(
            headers(&ObjectHeaders::default(), &options),
            customer_key_headers(&encryption)
        );
        assert_eq!(customer_key_headers(&encryption).len(), 3);
        assert!(headers(&ObjectHeaders::default(), &ObjectOptions::default()).is_empty());
    }

    #[test]
    fn the_encryption_of_an_object_is_asked_for_again() {
        let managed = StoredEncryption::Managed {
            algorithm: "aws:kms".into(),
            key_id: Some("arn:aws:kms:us-east-1:123456789012:key/k".into()),
            bucket_key: true,
        };
        let names: Vec<_> = encryption_headers(&managed).into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            [
                "x-amz-server-side-encryption",
                "x-amz-server-side-encryption-aws-kms-key-id",
                "x-amz-server-side-encryption-bucket-key-enabled"
            ]
        );
        assert!(encryption_headers(&StoredEncryption::Unknown).is_empty());
    }

    #[test]
    fn the_source_needs_its_key_too() {
        let encryption = Encryption::CustomerKey {
            key: Secret::new("a2V5"),
            key_md5: "bWQ1".into(),
        };
        let headers = source_key_headers(&encryption);
        assert_eq!(headers[1].0, "x-amz-copy-source-server-side-encryption-customer-key");
        assert!(source_key_headers(&Encryption::BucketDefault).is_empty());
    }
}
