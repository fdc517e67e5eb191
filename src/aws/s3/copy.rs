//! Copies inside a bucket: an object onto itself with other headers, or an earlier version over the newest one.
//!
//! CopyObject keeps less than its name promises: it resets the ACL, drops the website redirect, falls back to the
//! default storage class and encryption, and with other headers wants all of them again. So what is there is read
//! first, and sent again; only for a version that a release of ours is known to have written plainly, S3 is asked at
//! once. Above 5 GB the copy is made of parts, which keep nothing at all by themselves.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>

use std::borrow::Cow;

use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{MetadataDirective, Permission, RequestPayer, Type};
use percent_encoding::utf8_percent_encode;

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::bucket::{Bucket, Server};
use crate::aws::s3::copy_parts;
use crate::aws::s3::request_headers::{self, Headers, UNSAFE_IN_PATH};
use crate::core::error::{HintExt as _, code};
use crate::core::iam::calls::{COPY_OBJECT, GET_OBJECT_ACL, GET_OBJECT_VERSION_ACL, HEAD_OBJECT, HEAD_OBJECT_VERSION};
use crate::core::site::headers::ObjectHeaders;
use crate::core::site::object::{Encryption, Grant, GrantPermission, ObjectOptions};
use crate::core::site::plan::{Write, WriteSource};

/// The largest object that one CopyObject can copy, in bytes.
pub(crate) const MAX_SIZE: u64 = 5 * 1024 * 1024 * 1024;

/// Copies the object onto itself with exactly the headers of `write`, or an earlier version with all that it has over
/// the newest one; answers the version id in a versioned bucket.
///
/// # Errors
/// The source is a file, something cannot be read, or S3 refuses the copy.
pub(crate) async fn copy(bucket: &Bucket, write: &Write, options: &ObjectOptions) -> anyhow::Result<Option<String>> {
    copy_limited(bucket, write, options, MAX_SIZE).await
}

/// The same, in parts above `largest` bytes.
///
/// # Errors
/// As [`copy`].
pub(crate) async fn copy_limited(
    bucket: &Bucket,
    write: &Write,
    options: &ObjectOptions,
    largest: u64,
) -> anyhow::Result<Option<String>> {
    let (version_id, acl, plain) = match &write.source {
        WriteSource::File(_) => anyhow::bail!("cannot copy `{}`: it is to be uploaded", write.key),
        WriteSource::InPlace => (None, options.acl.as_deref(), false),
        WriteSource::Version { version_id, acl, plain } => (Some(version_id.as_str()), acl.as_deref(), *plain),
    };
    let source = Object {
        bucket,
        key: &write.key,
        version_id,
    };
    let in_parts = write.size > largest;
    if plain && !in_parts {
        let headers = ObjectHeaders {
            storage_class: write.headers.storage_class.clone(),
            ..ObjectHeaders::default()
        };
        let options = ObjectOptions {
            acl: acl.map(str::to_owned),
            request_payer: options.request_payer,
            ..ObjectOptions::default()
        };
        return one_request(
            source,
            request_headers::headers(&headers, &options),
            None,
            MetadataDirective::Copy,
        )
        .await;
    }
    let head = source.head(options).await?;
    let kept = source.sent_again(&head, acl, options).await?;
    let directive = match version_id {
        None => MetadataDirective::Replace,
        Some(_) => MetadataDirective::Copy,
    };
    let headers = match version_id {
        None => write.headers.clone(),
        Some(_) if in_parts => headers_of(&head),
        // The rest is copied by S3.
        Some(_) => ObjectHeaders {
            website_redirect: head.website_redirect_location.clone(),
            storage_class: head.storage_class.as_ref().map(|class| class.as_str().to_owned()),
            ..ObjectHeaders::default()
        },
    };
    let mut all = request_headers::headers(&headers, &kept);
    if matches!(kept.encryption, Encryption::BucketDefault) {
        all.extend(encryption_of(&head));
    }
    if in_parts {
        return copy_parts::copy_in_parts(source, &head, all, options, write.size, largest).await;
    }
    all.extend(source_key_headers(&options.encryption));
    one_request(source, all, head.e_tag, directive).await
}

/// An object or one of its versions.
#[derive(Clone, Copy)]
pub(crate) struct Object<'a> {
    pub(crate) bucket: &'a Bucket,
    pub(crate) key: &'a str,
    pub(crate) version_id: Option<&'a str>,
}

impl Object<'_> {
    /// What HEAD tells of it.
    pub(crate) async fn head(self, options: &ObjectOptions) -> anyhow::Result<HeadObjectOutput> {
        let (customer_key, customer_key_md5, algorithm) = request_headers::customer_key(&options.encryption);
        let call = if self.version_id.is_some() {
            &HEAD_OBJECT_VERSION
        } else {
            &HEAD_OBJECT
        };
        self.bucket
            .client
            .head_object()
            .bucket(&self.bucket.name)
            .key(self.key)
            .set_version_id(self.version_id.map(str::to_owned))
            .set_sse_customer_algorithm(algorithm)
            .set_sse_customer_key(customer_key)
            .set_sse_customer_key_md5(customer_key_md5)
            .set_request_payer(payer(options))
            .send()
            .await
            .aws_context(call, &self.bucket.object_arn(self.key), || {
                format!("cannot read the headers of `{}`", self.key)
            })
    }

    /// Its ACL as grants to send again; empty when only the owner has rights, as without any ACL, and in a store that has
    /// no ACLs.
    pub(crate) async fn grants(self, options: &ObjectOptions) -> anyhow::Result<Vec<Grant>> {
        let call = if self.version_id.is_some() {
            &GET_OBJECT_VERSION_ACL
        } else {
            &GET_OBJECT_ACL
        };
        let answer = self
            .bucket
            .client
            .get_object_acl()
            .bucket(&self.bucket.name)
            .key(self.key)
            .set_version_id(self.version_id.map(str::to_owned))
            .set_request_payer(payer(options))
            .send()
            .await
            .aws_context(call, &self.bucket.object_arn(self.key), || {
                format!("cannot read the ACL of `{}`, which a copy would reset", self.key)
            });
        let answer = match answer {
            // As garage answers for all that is about ACLs.
            Err(error) if self.bucket.server == Server::Compatible && code(&error) == Some("NotImplemented") => {
                return Ok(Vec::new());
            }
            answer => answer?,
        };
        let owner = answer.owner().and_then(|owner| owner.id());
        let is_owners = |grant: &aws_sdk_s3::types::Grant| {
            let grantee = grant.grantee().and_then(|grantee| grantee.id());
            grantee == owner && grant.permission() == Some(&Permission::FullControl)
        };
        if answer.grants().iter().all(is_owners) {
            return Ok(Vec::new());
        }
        Ok(answer.grants().iter().filter_map(grant_of).collect())
    }

    /// What the copy is sent with beside headers: ACL and encryption, those of the inputs or else what is there.
    async fn sent_again(
        self,
        head: &HeadObjectOutput,
        acl: Option<&str>,
        options: &ObjectOptions,
    ) -> anyhow::Result<ObjectOptions> {
        let in_place = self.version_id.is_none();
        let mut kept = ObjectOptions {
            acl: acl.map(str::to_owned),
            request_payer: options.request_payer,
            ..ObjectOptions::default()
        };
        if in_place && !options.grants.is_empty() {
            kept.grants = options.grants.clone();
        } else if kept.acl.is_none() {
            kept.grants = self.grants(options).await?;
        }
        let has_customer_key = head.sse_customer_algorithm().is_some();
        if in_place || has_customer_key {
            kept.encryption = options.encryption.clone();
        }
        Ok(kept)
    }

    /// `x-amz-copy-source`: URL-encoded.
    pub(crate) fn copy_source(self) -> String {
        let key = utf8_percent_encode(self.key, UNSAFE_IN_PATH);
        match self.version_id {
            Some(id) => format!("{}/{key}?versionId={id}", self.bucket.name),
            None => format!("{}/{key}", self.bucket.name),
        }
    }
}

async fn one_request(
    source: Object<'_>,
    mut headers: Headers,
    if_match: Option<String>,
    directive: MetadataDirective,
) -> anyhow::Result<Option<String>> {
    let doing = || match source.version_id {
        Some(id) => format!("cannot restore version `{id}` of `{}`", source.key),
        None => format!("cannot change the headers of `{}`", source.key),
    };
    loop {
        let sent = headers.clone();
        let answer = source
            .bucket
            .client
            .copy_object()
            .bucket(&source.bucket.name)
            .key(source.key)
            .copy_source(source.copy_source())
            .set_copy_source_if_match(if_match.clone())
            .metadata_directive(directive.clone())
            .customize()
            .mutate_request(move |request| request_headers::apply(request, &sent))
            .send()
            .await
            .aws_context(&COPY_OBJECT, &source.bucket.object_arn(source.key), doing);
        let error = match answer {
            Ok(answer) => return Ok(answer.version_id),
            Err(error) => error,
        };
        match code(&error) {
            // The bucket has ACLs disabled since that version was written, so it needs none.
            Some("AccessControlListNotSupported") if source.version_id.is_some() && has_acl(&headers) => {
                headers.retain(|(name, _)| !is_acl(name));
            }
            Some("NoSuchVersion") => {
                return Err(error.hint("this version was removed while the rollback ran; choose another release"));
            }
            Some("AccessDenied") if source.version_id.is_some() => {
                return Err(error.hint(
                    "allow `s3:PutObject`, `s3:GetObjectVersion` and `s3:GetObjectVersionTagging` on the bucket's objects, \
                     and `s3:PutObjectAcl` and `s3:PutObjectTagging` where objects have ACLs or tags",
                ));
            }
            _ => return Err(error),
        }
    }
}

fn has_acl(headers: &Headers) -> bool {
    headers.iter().any(|(name, _)| is_acl(name))
}

fn is_acl(name: &str) -> bool {
    name == "x-amz-acl" || name.starts_with("x-amz-grant-")
}

/// The headers that HEAD shows, to be sent again.
pub(crate) fn headers_of(head: &HeadObjectOutput) -> ObjectHeaders {
    let owned = |value: Option<&str>| value.map(str::to_owned);
    ObjectHeaders {
        content_type: owned(head.content_type()),
        cache_control: owned(head.cache_control()),
        content_encoding: owned(head.content_encoding()),
        content_disposition: owned(head.content_disposition()),
        content_language: owned(head.content_language()),
        expires: owned(head.expires_string()),
        website_redirect: owned(head.website_redirect_location()),
        storage_class: head.storage_class().map(|class| class.as_str().to_owned()),
        metadata: head
            .metadata()
            .map(|metadata| {
                metadata
                    .iter()
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect()
            })
            .unwrap_or_default(),
    }
}

/// The encryption that HEAD shows, to be asked for again; without it the bucket's default would be taken.
fn encryption_of(head: &HeadObjectOutput) -> Headers {
    let mut headers = Headers::new();
    let Some(encryption) = head.server_side_encryption() else {
        return headers;
    };
    headers.push(("x-amz-server-side-encryption".into(), encryption.as_str().to_owned()));
    if let Some(key) = head.ssekms_key_id() {
        headers.push(("x-amz-server-side-encryption-aws-kms-key-id".into(), key.to_owned()));
    }
    if head.bucket_key_enabled() == Some(true) {
        headers.push((
            "x-amz-server-side-encryption-bucket-key-enabled".into(),
            "true".to_owned(),
        ));
    }
    headers
}

/// The customer's key once more, for reading the source.
pub(crate) fn source_key_headers(encryption: &Encryption) -> Headers {
    request_headers::customer_key_headers(encryption)
        .into_iter()
        .map(|(name, value)| {
            let name = name.trim_start_matches("x-amz-");
            (Cow::Owned(format!("x-amz-copy-source-{name}")), value)
        })
        .collect()
}

pub(crate) fn payer(options: &ObjectOptions) -> Option<RequestPayer> {
    options.request_payer.then_some(RequestPayer::Requester)
}

fn grant_of(grant: &aws_sdk_s3::types::Grant) -> Option<Grant> {
    let grantee = grant.grantee()?;
    let permission = match grant.permission()? {
        Permission::Read => GrantPermission::Read,
        Permission::ReadAcp => GrantPermission::ReadAcl,
        Permission::WriteAcp => GrantPermission::WriteAcl,
        Permission::FullControl => GrantPermission::Full,
        // `WRITE` means nothing on an object.
        _ => return None,
    };
    let grantee = match grantee.r#type() {
        Type::Group => format!("uri=\"{}\"", grantee.uri()?),
        Type::AmazonCustomerByEmail => format!("emailAddress=\"{}\"", grantee.email_address()?),
        _ => format!("id=\"{}\"", grantee.id()?),
    };
    Some(Grant { permission, grantee })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_sent_again_as_it_was() {
        let grantee = aws_sdk_s3::types::Grantee::builder()
            .r#type(Type::Group)
            .uri("http://acs.amazonaws.com/groups/global/AllUsers")
            .build()
            .expect("a grantee");
        let grant = |permission| {
            aws_sdk_s3::types::Grant::builder()
                .grantee(grantee.clone())
                .permission(permission)
                .build()
        };
        assert_eq!(
            grant_of(&grant(Permission::Read)),
            Some(Grant {
                permission: GrantPermission::Read,
                grantee: "uri=\"http://acs.amazonaws.com/groups/global/AllUsers\"".into(),
            })
        );
        assert_eq!(grant_of(&grant(Permission::Write)), None);
    }

    #[test]
    fn the_encryption_of_an_object_is_asked_for_again() {
        let head = HeadObjectOutput::builder()
            .server_side_encryption(aws_sdk_s3::types::ServerSideEncryption::AwsKms)
            .ssekms_key_id("arn:aws:kms:us-east-1:123456789012:key/k")
            .bucket_key_enabled(true)
            .build();
        let names: Vec<_> = encryption_of(&head).into_iter().map(|(name, _)| name).collect();
        assert_eq!(
            names,
            [
                "x-amz-server-side-encryption",
                "x-amz-server-side-encryption-aws-kms-key-id",
                "x-amz-server-side-encryption-bucket-key-enabled"
            ]
        );
        assert!(encryption_of(&HeadObjectOutput::builder().build()).is_empty());
    }

    #[test]
    fn the_source_needs_its_key_too() {
        let encryption = Encryption::CustomerKey {
            key: crate::core::secret::Secret::new("a2V5"),
            key_md5: "bWQ1".into(),
        };
        let headers = source_key_headers(&encryption);
        assert_eq!(headers[1].0, "x-amz-copy-source-server-side-encryption-customer-key");
        assert!(source_key_headers(&Encryption::BucketDefault).is_empty());
    }
}
