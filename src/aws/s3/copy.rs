//! Copies inside a bucket: an object onto itself with other headers, or an earlier version over the newest one.
//!
//! What is there is read first, and sent again as [`crate::core::site::copy`] decides. Above 5 GB the copy is made of
//! parts.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>

use std::borrow::Cow;

use aws_sdk_s3::types::{MetadataDirective, ServerSideEncryption};

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::blank_key::for_sdk;
use crate::aws::s3::bucket::{Bucket, Server};
use crate::aws::s3::copy_parts;
use crate::aws::s3::effect::Effect;
use crate::aws::s3::object::{Object, headers_of, stored};
use crate::aws::s3::request_headers::{self, Headers, source_key_headers};
use crate::core::error::{HintExt as _, code};
use crate::core::iam::calls::COPY_OBJECT;
use crate::core::site::copy::{CopyRequest, needs_acl, request, request_without_look};
use crate::core::site::etag::Etag;
use crate::core::site::object::ObjectOptions;
use crate::core::site::outcome::Overtaken;
use crate::core::site::plan::{Occupant, Write, WriteSource};

/// The largest object that one CopyObject can copy, in bytes.
pub(crate) const MAX_SIZE: u64 = 5 * 1024 * 1024 * 1024;

/// Copies the object onto itself with exactly the headers of `write`, or an earlier version with all that it has over
/// the newest one; answers the version id in a versioned bucket. Where it is known what it goes `over`, it goes over
/// nothing else.
///
/// # Errors
/// The source is a file, something cannot be read, or S3 refuses the copy; [`Overtaken`].
pub(crate) async fn copy(
    bucket: &Bucket,
    write: &Write,
    options: &ObjectOptions,
    over: Option<&Occupant>,
    effect: &Effect,
) -> anyhow::Result<Option<String>> {
    copy_limited(bucket, write, options, (MAX_SIZE, over), effect).await
}

/// The same, in parts above `largest` bytes; those go over whatever is there.
///
/// # Errors
/// As [`copy`].
pub(crate) async fn copy_limited(
    bucket: &Bucket,
    write: &Write,
    options: &ObjectOptions,
    (largest, over): (u64, Option<&Occupant>),
    effect: &Effect,
) -> anyhow::Result<Option<String>> {
    // Other stores know no such condition, and some refuse what they do not know.
    let over = over.filter(|_| bucket.server == Server::Aws);
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
        let mut headers = headers_of_request(&request);
        headers.extend(over.map(condition));
        let copied = one_request(source, headers, None, directive, effect).await;
        return settle(source, over, options, copied, effect).await;
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
    headers.extend(over.map(condition));
    let copied = one_request(source, headers, head.e_tag, directive, effect).await;
    settle(source, over, options, copied, effect).await
}

/// The header with which S3 copies over nothing but what was there when the plan was made.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>
fn condition(over: &Occupant) -> (Cow<'static, str>, String) {
    match over {
        Occupant::Object(etag) => ("if-match".into(), format!("\"{etag}\"")),
        Occupant::Nothing => ("if-none-match".into(), "*".to_owned()),
    }
}

/// What became of a copy `over` something known: refused because something else is there now, it may have been copied by a
/// try before, whose answer was lost.
async fn settle(
    source: Object<'_>,
    over: Option<&Occupant>,
    options: &ObjectOptions,
    copied: anyhow::Result<Option<String>>,
    effect: &Effect,
) -> anyhow::Result<Option<String>> {
    let error = match (copied, over) {
        (Err(error), Some(_)) if code(&error).is_some_and(is_unmet) => error,
        (copied, _) => return copied,
    };
    let overtaken = || Overtaken(source.key.to_owned()).into();
    if !effect.is_possible() {
        return Err(overtaken());
    }
    let current = Object {
        version_id: None,
        ..source
    };
    let (Ok(current), Ok(wanted)) = (current.head(options).await, source.head(options).await) else {
        return Err(error);
    };
    // A copy in KMS or of an object in parts has an ETag of its own: its headers and metadata are those of the source.
    let has_etag_of_bytes = wanted
        .e_tag()
        .is_some_and(|etag| matches!(Etag::parse(etag), Etag::Single(_)))
        && matches!(
            wanted.server_side_encryption(),
            None | Some(ServerSideEncryption::Aes256)
        );
    let looks_the_same =
        || current.content_length() == wanted.content_length() && headers_of(&current) == headers_of(&wanted);
    if current.e_tag() == wanted.e_tag() || !has_etag_of_bytes && looks_the_same() {
        Ok(current.version_id)
    } else {
        Err(overtaken())
    }
}

/// Whether S3 refuses because something else lies there than the condition says.
pub(crate) fn is_unmet(code: &str) -> bool {
    matches!(code, "PreconditionFailed" | "ConditionalRequestConflict" | "NoSuchKey")
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
                    "allow `s3:PutObject`, `s3:GetObject`, `s3:GetObjectVersion` and `s3:GetObjectVersionTagging` on the bucket's objects, \
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
