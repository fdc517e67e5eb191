//! Copies inside a bucket: an object onto itself with other headers, or an earlier version over the newest one.
//!
//! What is there is read first, and sent again as [`crate::core::site::copy`] decides. Above 5 GB the copy is made of
//! parts.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>

use aws_sdk_s3::types::MetadataDirective;

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::blank_key::for_sdk;
use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::copy_parts;
use crate::aws::s3::effect::Effect;
use crate::aws::s3::object::{Object, stored};
use crate::aws::s3::request_headers::{self, Headers, source_key_headers};
use crate::core::error::{HintExt as _, code};
use crate::core::iam::calls::COPY_OBJECT;
use crate::core::site::copy::{CopyRequest, needs_acl, request, request_without_look};
use crate::core::site::object::ObjectOptions;
use crate::core::site::plan::{Write, WriteSource};

/// The largest object that one CopyObject can copy, in bytes.
pub(crate) const MAX_SIZE: u64 = 5 * 1024 * 1024 * 1024;

/// Copies the object onto itself with exactly the headers of `write`, or an earlier version with all that it has over
/// the newest one; answers the version id in a versioned bucket.
///
/// # Errors
/// The source is a file, something cannot be read, or S3 refuses the copy.
pub(crate) async fn copy(
    bucket: &Bucket,
    write: &Write,
    options: &ObjectOptions,
    effect: &Effect,
) -> anyhow::Result<Option<String>> {
    copy_limited(bucket, write, options, MAX_SIZE, effect).await
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
    effect: &Effect,
) -> anyhow::Result<Option<String>> {
    let (version_id, directive) = match &write.source {
        WriteSource::File(_) => anyhow::bail!("cannot copy `{}`: it is to be uploaded", write.key),
        WriteSource::InPlace => (None, MetadataDirective::Replace),
        WriteSource::Version { version_id, .. } => (Some(version_id.as_str()), MetadataDirective::Copy),
    };
    let source = Object {
        bucket,
        key: &write.key,
        version_id,
    };
    let in_parts = write.size > largest;
    if let Some(request) = request_without_look(write, options, in_parts) {
        return one_request(source, headers_of_request(&request), None, directive, effect).await;
    }
    let head = source.head(options).await?;
    let grants = if needs_acl(write, options) {
        source.grants(options).await?
    } else {
        Vec::new()
    };
    let request = request(write, options, &stored(&head), grants, in_parts);
    let mut headers = headers_of_request(&request);
    if in_parts {
        return copy_parts::copy_in_parts(source, &head, headers, options, write.size, largest, effect).await;
    }
    headers.extend(source_key_headers(&options.encryption));
    one_request(source, headers, head.e_tag, directive, effect).await
}

fn headers_of_request(request: &CopyRequest) -> Headers {
    let mut headers = request_headers::headers(&request.headers, &request.options);
    if let Some(encryption) = &request.encryption {
        headers.extend(request_headers::encryption_headers(encryption));
    }
    headers
}

async fn one_request(
    source: Object<'_>,
    mut headers: Headers,
    if_match: Option<String>,
    directive: MetadataDirective,
    effect: &Effect,
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
            .key(for_sdk(source.key))
            .copy_source(source.copy_source())
            .set_copy_source_if_match(if_match.clone())
            .metadata_directive(directive.clone())
            .customize()
            .mutate_request(move |request| request_headers::apply(request, &sent))
            .interceptor(effect.clone())
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
