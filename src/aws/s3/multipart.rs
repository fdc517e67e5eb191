//! Large files: parts from disk, a few at a time, nothing left behind when it fails.

use std::sync::Arc;

use anyhow::Context as _;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{ChecksumType, CompletedMultipartUpload, CompletedPart, RequestPayer};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use md5::{Digest as _, Md5};
use tokio::task::spawn_blocking;

use crate::aws::s3::blank_key::for_sdk;
use crate::aws::s3::body::{Body, SourceFile};
use crate::aws::s3::checksum::{Checksum, sdk_algorithm, with_checksum};
use crate::aws::s3::concurrency::SlowDownInterceptor;
use crate::aws::s3::effect::Effect;
use crate::aws::s3::request_headers;
use crate::aws::s3::uploader::{Uploader, check_etag};
use crate::core::error::Cancelled;
use crate::core::iam::calls::{COMPLETE_MULTIPART_UPLOAD, CREATE_MULTIPART_UPLOAD, UPLOAD_PART};
use crate::core::site::etag::hex;
use crate::core::site::local_file::LocalFile;
use crate::core::site::object::ChecksumAlgorithm;
use crate::core::site::plan::Write;

/// How many parts of one file are in flight.
const PARTS_IN_FLIGHT: usize = 8;

/// A part that S3 has.
struct UploadedPart {
    number: i32,
    etag: Option<String>,
    md5: [u8; 16],
    checksum: Option<Checksum>,
    length: u64,
}

/// Uploads `file` in parts of `part_size` bytes; answers the version id in a versioned bucket.
pub(crate) async fn upload(
    uploader: &Uploader,
    write: &Write,
    file: &LocalFile,
    part_size: u64,
    effect: &Effect,
) -> anyhow::Result<Option<String>> {
    let planned = file.clone();
    let source = spawn_blocking(move || SourceFile::open(&planned))
        .await
        .context("internal error: the reading task was aborted")??;
    let id = create(uploader, write).await?;
    let finished = tokio::select! {
        finished = finish(uploader, write, &source, file.size, part_size, &id, effect) => finished,
        () = uploader.stop.cancelled() => Err(Cancelled.into()),
    };
    if finished.is_err() {
        abort(uploader, &write.key, &id).await;
    }
    finished
}

async fn create(uploader: &Uploader, write: &Write) -> anyhow::Result<String> {
    let headers = request_headers::headers(&write.headers, &uploader.options);
    let algorithm = uploader.algorithm();
    let answer = uploader
        .bucket
        .client
        .create_multipart_upload()
        .bucket(&uploader.bucket.name)
        .key(for_sdk(&write.key))
        .set_checksum_algorithm(algorithm.map(sdk_algorithm))
        .set_checksum_type(algorithm.and_then(checksum_type))
        .customize()
        .mutate_request(move |request| request_headers::apply(request, &headers))
        .interceptor(SlowDownInterceptor(Arc::clone(&uploader.limit)))
        .send()
        .await;
    let answer = uploader.answer(answer, &CREATE_MULTIPART_UPLOAD, &write.key, "begin the upload of")?;
    let id = answer.upload_id.context("S3 answered no upload id")?;
    Ok(id)
}

async fn finish(
    uploader: &Uploader,
    write: &Write,
    source: &SourceFile,
    size: u64,
    part_size: u64,
    id: &str,
    effect: &Effect,
) -> anyhow::Result<Option<String>> {
    let count = size.div_ceil(part_size);
    let mut parts: Vec<UploadedPart> = stream::iter(0..count)
        .map(|index| {
            let offset = index * part_size;
            part(uploader, write, source, offset..size.min(offset + part_size), index, id)
        })
        .buffer_unordered(PARTS_IN_FLIGHT)
        .try_collect()
        .await?;
    parts.sort_unstable_by_key(|part| part.number);
    let unchanged = source.clone();
    spawn_blocking(move || unchanged.check_unchanged())
        .await
        .context("internal error: the reading task was aborted")??;
    complete(uploader, write, &parts, id, effect).await
}

async fn part(
    uploader: &Uploader,
    write: &Write,
    source: &SourceFile,
    range: std::ops::Range<u64>,
    index: u64,
    id: &str,
) -> anyhow::Result<UploadedPart> {
    let length = range.end - range.start;
    let _memory = uploader.memory(length).await;
    let (source, algorithm) = (source.clone(), uploader.algorithm());
    let body = spawn_blocking(move || {
        let bytes = source.part(range.start, usize::try_from(length)?)?;
        anyhow::Ok(Body::new(bytes, algorithm))
    })
    .await
    .context("internal error: the reading task was aborted")??;
    let mut headers = request_headers::customer_key_headers(&uploader.options.encryption);
    uploader.add_content_md5(&mut headers, &body);
    let number = i32::try_from(index + 1)?;
    let signing = &uploader.bucket.signing;
    let send = |signed: bool| {
        let headers = headers.clone();
        let request = uploader
            .bucket
            .client
            .upload_part()
            .bucket(&uploader.bucket.name)
            .key(for_sdk(&write.key))
            .upload_id(id)
            .part_number(number)
            .set_request_payer(payer(uploader))
            .body(ByteStream::from(body.bytes.clone()));
        let request = with_checksum!(request, &body.checksum)
            .customize()
            .mutate_request(move |request| request_headers::apply(request, &headers))
            .interceptor(SlowDownInterceptor(Arc::clone(&uploader.limit)));
        let request = if signed {
            request
        } else {
            request.disable_payload_signing()
        };
        async move { uploader.answer(request.send().await, &UPLOAD_PART, &write.key, "upload a part of") }
    };
    let signed = signing.is_needed();
    let answer = match send(signed).await {
        Err(error) if !signed && signing.may_help(&error) => {
            let again = send(true).await;
            signing.settle(again.is_ok());
            again.or(Err(error))?
        }
        answer => answer?,
    };
    if uploader.etag_is_md5(answer.server_side_encryption()) {
        check_etag(&write.key, answer.e_tag(), &hex(&body.md5))?;
    }
    Ok(UploadedPart {
        number,
        etag: answer.e_tag,
        md5: body.md5,
        checksum: body.checksum,
        length,
    })
}

async fn complete(
    uploader: &Uploader,
    write: &Write,
    parts: &[UploadedPart],
    id: &str,
    effect: &Effect,
) -> anyhow::Result<Option<String>> {
    let completed = parts.iter().map(|part| {
        let builder = CompletedPart::builder()
            .part_number(part.number)
            .set_e_tag(part.etag.clone());
        with_checksum!(builder, &part.checksum).build()
    });
    let mut headers = request_headers::customer_key_headers(&uploader.options.encryption);
    if let Some(whole) = whole_checksum(parts) {
        headers.push((whole.header().into(), whole.value));
    }
    let answer = uploader
        .bucket
        .client
        .complete_multipart_upload()
        .bucket(&uploader.bucket.name)
        .key(for_sdk(&write.key))
        .upload_id(id)
        .set_checksum_type(uploader.algorithm().and_then(checksum_type))
        .set_request_payer(payer(uploader))
        .set_if_none_match(uploader.only_if_absent.then(|| "*".to_owned()))
        .multipart_upload(
            CompletedMultipartUpload::builder()
                .set_parts(Some(completed.collect()))
                .build(),
        )
        .customize()
        .mutate_request(move |request| {
            for (name, value) in &headers {
                let _ = request.headers_mut().try_insert(name.to_string(), value.clone());
            }
        })
        .interceptor(SlowDownInterceptor(Arc::clone(&uploader.limit)))
        .interceptor(effect.clone())
        .send()
        .await;
    let answer = uploader.answer(answer, &COMPLETE_MULTIPART_UPLOAD, &write.key, "complete the upload of")?;
    if uploader.etag_is_md5(answer.server_side_encryption()) {
        let all = parts.iter().fold(Md5::new(), |all, part| all.chain_update(part.md5));
        let expected = format!("{}-{}", hex(&all.finalize()), parts.len());
        check_etag(&write.key, answer.e_tag(), &expected)?;
    }
    uploader.limit.succeeded();
    Ok(answer.version_id)
}

/// The checksum of the whole object out of those of its parts, where the algorithm allows it.
fn whole_checksum(parts: &[UploadedPart]) -> Option<Checksum> {
    let (first, rest) = parts.split_first()?;
    let mut whole = first.checksum.clone()?;
    checksum_type(whole.algorithm)?;
    for part in rest {
        whole = whole.join(part.checksum.as_ref()?, part.length)?;
    }
    Some(whole)
}

/// CRCs of parts add up to that of the whole; S3 then keeps one that can be compared with a file. The others stay
/// what they are by default, a checksum of checksums.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>
fn checksum_type(algorithm: ChecksumAlgorithm) -> Option<ChecksumType> {
    match algorithm {
        ChecksumAlgorithm::Crc32 | ChecksumAlgorithm::Crc32c | ChecksumAlgorithm::Crc64Nvme => {
            Some(ChecksumType::FullObject)
        }
        ChecksumAlgorithm::Sha1 | ChecksumAlgorithm::Sha256 => None,
    }
}

/// Aborts an upload, so that its parts cost nothing. One that cannot be aborted changes nothing for the caller.
async fn abort(uploader: &Uploader, key: &str, id: &str) {
    let _ = uploader
        .bucket
        .client
        .abort_multipart_upload()
        .bucket(&uploader.bucket.name)
        .key(for_sdk(key))
        .upload_id(id)
        .set_request_payer(payer(uploader))
        .send()
        .await;
}

fn payer(uploader: &Uploader) -> Option<RequestPayer> {
    uploader.options.request_payer.then_some(RequestPayer::Requester)
}
