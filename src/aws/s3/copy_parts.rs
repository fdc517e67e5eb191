//! Copies above 5 GB: a multipart upload whose parts S3 reads from the source by itself.
//!
//! Must not move a byte through this machine. Nothing of the source is kept by S3: headers, ACL and encryption come
//! from the caller, tags are read here.

use anyhow::Context as _;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::blank_key::for_sdk;
use crate::aws::s3::effect::Effect;
use crate::aws::s3::object::{Object, payer};
use crate::aws::s3::request_headers::{self, Headers, source_key_headers};
use crate::core::iam::calls::{
    COMPLETE_MULTIPART_UPLOAD, CREATE_MULTIPART_UPLOAD, GET_OBJECT_TAGGING, GET_OBJECT_VERSION_TAGGING,
    UPLOAD_PART_COPY,
};
use crate::core::site::object::ObjectOptions;

/// How many parts of one object are copied at the same time.
const PARTS_IN_FLIGHT: usize = 16;

/// The size of a part; larger objects than ten thousand of them get larger parts.
const PART: u64 = 512 * 1024 * 1024;

/// The most parts of an upload.
const MAX_PARTS: u64 = 10_000;

/// Copies `source`, of `size` bytes, in parts of at most `largest` bytes; `headers` is all that the copy gets.
pub(crate) async fn copy_in_parts(
    source: Object<'_>,
    head: &HeadObjectOutput,
    mut headers: Headers,
    options: &ObjectOptions,
    size: u64,
    largest: u64,
    effect: &Effect,
) -> anyhow::Result<Option<String>> {
    if let Some(tags) = tags(source, options).await? {
        headers.push(("x-amz-tagging".into(), tags));
    }
    let bucket = source.bucket;
    let answer = bucket
        .client
        .create_multipart_upload()
        .bucket(&bucket.name)
        .key(for_sdk(source.key))
        .customize()
        .mutate_request(move |request| request_headers::apply(request, &headers))
        .send()
        .await
        .aws_context(&CREATE_MULTIPART_UPLOAD, &bucket.object_arn(source.key), || {
            format!("cannot begin the copy of `{}`", source.key)
        })?;
    let mut upload = PartCopy {
        source,
        id: Some(answer.upload_id.context("S3 answered no upload id")?),
    };
    let parts = ranges(size, PART.min(largest));
    let copied = stream::iter(parts.into_iter().enumerate())
        .map(|(index, range)| upload.part(index, range, head.e_tag(), options))
        .buffered(PARTS_IN_FLIGHT)
        .try_collect::<Vec<_>>()
        .await?;
    upload.complete(copied, options, effect).await
}

/// An upload that is aborted unless it is completed, also when it is dropped half-way.
struct PartCopy<'a> {
    source: Object<'a>,
    id: Option<String>,
}

impl PartCopy<'_> {
    async fn part(
        &self,
        index: usize,
        range: (u64, u64),
        etag: Option<&str>,
        options: &ObjectOptions,
    ) -> anyhow::Result<CompletedPart> {
        let (bucket, key) = (self.source.bucket, self.source.key);
        let number = i32::try_from(index + 1)?;
        let mut headers = source_key_headers(&options.encryption);
        headers.extend(request_headers::customer_key_headers(&options.encryption));
        let answer = bucket
            .client
            .upload_part_copy()
            .bucket(&bucket.name)
            .key(for_sdk(key))
            .set_upload_id(self.id.clone())
            .part_number(number)
            .copy_source(self.source.copy_source())
            .copy_source_range(format!("bytes={}-{}", range.0, range.1))
            // Of a version this is known; an object could be replaced between two parts.
            .set_copy_source_if_match(etag.map(str::to_owned))
            .set_request_payer(payer(options))
            .customize()
            .mutate_request(move |request| request_headers::apply(request, &headers))
            .send()
            .await
            .aws_context(&UPLOAD_PART_COPY, &bucket.object_arn(key), || {
                format!("cannot copy part {number} of `{key}`")
            })?;
        let etag = answer.copy_part_result.and_then(|result| result.e_tag);
        Ok(CompletedPart::builder().part_number(number).set_e_tag(etag).build())
    }

    async fn complete(
        &mut self,
        parts: Vec<CompletedPart>,
        options: &ObjectOptions,
        effect: &Effect,
    ) -> anyhow::Result<Option<String>> {
        let (bucket, key) = (self.source.bucket, self.source.key);
        let headers = request_headers::customer_key_headers(&options.encryption);
        let answer = bucket
            .client
            .complete_multipart_upload()
            .bucket(&bucket.name)
            .key(for_sdk(key))
            .set_upload_id(self.id.clone())
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .set_request_payer(payer(options))
            .customize()
            .mutate_request(move |request| {
                for (name, value) in &headers {
                    let _ = request.headers_mut().try_insert(name.to_string(), value.clone());
                }
            })
            .interceptor(effect.clone())
            .send()
            .await
            .aws_context(&COMPLETE_MULTIPART_UPLOAD, &bucket.object_arn(key), || {
                format!("cannot complete the copy of `{key}`")
            })?;
        self.id = None;
        Ok(answer.version_id)
    }
}

impl Drop for PartCopy<'_> {
    fn drop(&mut self) {
        let Some(id) = self.id.take() else { return };
        // Parts that nobody completes are stored, and paid for, for ever.
        let abort = self
            .source
            .bucket
            .client
            .abort_multipart_upload()
            .bucket(&self.source.bucket.name)
            .key(for_sdk(self.source.key))
            .upload_id(id);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(abort.send());
        }
    }
}

/// The tags of `source` as a query string; `None` when it has none.
async fn tags(source: Object<'_>, options: &ObjectOptions) -> anyhow::Result<Option<String>> {
    let call = match source.version_id {
        Some(_) => &GET_OBJECT_VERSION_TAGGING,
        None => &GET_OBJECT_TAGGING,
    };
    let answer = source
        .bucket
        .client
        .get_object_tagging()
        .bucket(&source.bucket.name)
        .key(for_sdk(source.key))
        .set_version_id(source.version_id.map(str::to_owned))
        .set_request_payer(payer(options))
        .send()
        .await
        .aws_context(call, &source.bucket.object_arn(source.key), || {
            format!("cannot read the tags of `{}`", source.key)
        })?;
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let tags: Vec<String> = answer
        .tag_set()
        .iter()
        .map(|tag| format!("{}={}", encode(tag.key()), encode(tag.value())))
        .collect();
    Ok((!tags.is_empty()).then(|| tags.join("&")))
}

/// First and last byte of each part.
fn ranges(size: u64, part: u64) -> Vec<(u64, u64)> {
    let part = part.max(size.div_ceil(MAX_PARTS));
    (0..size.div_ceil(part))
        .map(|index| (index * part, (index * part + part).min(size) - 1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_every_byte_once() {
        assert_eq!(ranges(10, 4), [(0, 3), (4, 7), (8, 9)]);
        assert_eq!(ranges(8, 4), [(0, 3), (4, 7)]);
        let five_terabytes = 5 * 1024 * 1024 * 1024 * 1024;
        let parts = ranges(five_terabytes, PART);
        assert!(parts.len() as u64 <= MAX_PARTS);
        assert_eq!(parts.last().map(|part| part.1), Some(five_terabytes - 1));
        assert!(parts.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0));
    }
}
