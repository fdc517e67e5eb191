//! Copies of objects inside their bucket.

use aws_sdk_s3::types::MetadataDirective;

use super::{Bucket, wire};
use crate::aws::calls::COPY_OBJECT;
use crate::aws::error::CallExt as _;
use crate::site::object::ObjectOptions;
use crate::site::plan::{Source, Write};

/// Copies the object onto itself with the headers of `write`, or from an earlier version.
pub async fn copy(bucket: &Bucket, write: &Write, options: &ObjectOptions) -> anyhow::Result<Option<String>> {
    let key = percent_encoding::utf8_percent_encode(&write.key, percent_encoding::NON_ALPHANUMERIC);
    let (source, directive) = match &write.source {
        Source::Version { version_id, .. } => (
            format!("{}/{key}?versionId={version_id}", bucket.name),
            MetadataDirective::Copy,
        ),
        _ => (format!("{}/{key}", bucket.name), MetadataDirective::Replace),
    };
    let headers = wire::headers(&write.headers, options);
    let answer = bucket
        .client
        .copy_object()
        .bucket(&bucket.name)
        .key(&write.key)
        .copy_source(source)
        .metadata_directive(directive)
        .customize()
        .mutate_request(move |request| wire::apply(request, &headers))
        .send()
        .await
        .call(&COPY_OBJECT, &bucket.object_arn(&write.key), || {
            format!("cannot rewrite `{}`", write.key)
        })?;
    Ok(answer.version_id)
}
