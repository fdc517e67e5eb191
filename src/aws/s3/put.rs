//! Small uploads: one request a file.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use aws_sdk_s3::primitives::ByteStream;
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::aws::s3::blank_key::for_sdk;
use crate::aws::s3::body::Body;
use crate::aws::s3::checksum::with_checksum;
use crate::aws::s3::concurrency::SlowDownInterceptor;
use crate::aws::s3::effect::Effect;
use crate::aws::s3::fast_put::{FastPutError, Stored};
use crate::aws::s3::request_headers::{self, Headers};
use crate::aws::s3::uploader::{Uploader, check_etag};
use crate::core::iam::calls::PUT_OBJECT;
use crate::core::site::etag::hex;
use crate::core::site::local_file::LocalFile;
use crate::core::site::plan::Write;

/// Up to this size a file is read and hashed where its request is made: that takes less time than to hand it to another
/// thread, and far less memory than to keep a hundred threads.
const READ_IN_PLACE: u64 = 256 * 1024;

/// How long an upload waits that S3 refused for its rate, before it is tried again with the waits of the SDK.
const SLOW_DOWN: Duration = Duration::from_millis(200);

/// Uploads `file` in one request; answers the version id in a versioned bucket.
pub(crate) async fn put(
    uploader: &Uploader,
    write: &Write,
    file: &LocalFile,
    effect: &Effect,
) -> anyhow::Result<Option<String>> {
    let _memory = uploader.memory(file.size).await;
    let algorithm = uploader.algorithm();
    let body = if file.size <= READ_IN_PLACE {
        Body::read(file, algorithm)?
    } else {
        let file = file.clone();
        spawn_blocking(move || Body::read(&file, algorithm))
            .await
            .context("internal error: the reading task was aborted")??
    };
    let mut headers = request_headers::headers(&write.headers, &uploader.options);
    uploader.add_content_md5(&mut headers, &body);
    if uploader.only_if_absent {
        headers.push(("if-none-match".into(), "*".into()));
    }
    let stored = match put_directly(uploader, &write.key, &headers, &body, effect).await {
        Some(stored) => stored,
        None => put_by_sdk(uploader, &write.key, headers, &body, effect).await?,
    };
    if uploader.etag_is_md5(stored.encryption.as_ref()) {
        check_etag(&write.key, stored.etag.as_deref(), &hex(&body.md5))?;
    }
    uploader.limit.succeeded();
    Ok(stored.version_id)
}

/// The shortcut; `None` when it is not there or did not succeed.
async fn put_directly(
    uploader: &Uploader,
    key: &str,
    headers: &Headers,
    body: &Body,
    effect: &Effect,
) -> Option<Stored> {
    if body.bytes.len() as u64 > READ_IN_PLACE {
        return None;
    }
    let mut headers = headers.clone();
    if let Some(checksum) = &body.checksum {
        headers.push((checksum.header().into(), checksum.value.clone()));
    }
    match uploader
        .bucket
        .direct
        .put(key, &headers, body.bytes.clone(), effect)
        .await
    {
        Ok(stored) => Some(stored),
        Err(FastPutError::SlowDown) => {
            uploader.limit.slow_down(Instant::now());
            sleep(SLOW_DOWN).await;
            None
        }
        Err(FastPutError::Other) => None,
    }
}

async fn put_by_sdk(
    uploader: &Uploader,
    key: &str,
    headers: Headers,
    body: &Body,
    effect: &Effect,
) -> anyhow::Result<Stored> {
    let signing = &uploader.bucket.signing;
    if signing.is_needed() {
        return send(uploader, key, headers, body, effect, true).await;
    }
    match send(uploader, key, headers.clone(), body, effect, false).await {
        Err(error) if signing.may_help(&error) => {
            let signed = send(uploader, key, headers, body, effect, true).await;
            signing.settle(signed.is_ok());
            signed.or(Err(error))
        }
        answer => answer,
    }
}

async fn send(
    uploader: &Uploader,
    key: &str,
    headers: Headers,
    body: &Body,
    effect: &Effect,
    signed: bool,
) -> anyhow::Result<Stored> {
    let request = uploader
        .bucket
        .client
        .put_object()
        .bucket(&uploader.bucket.name)
        .key(for_sdk(key))
        .body(ByteStream::from(body.bytes.clone()));
    let request = with_checksum!(request, &body.checksum)
        .customize()
        .mutate_request(move |request| request_headers::apply(request, &headers))
        .interceptor(SlowDownInterceptor(Arc::clone(&uploader.limit)))
        .interceptor(effect.clone());
    let request = if signed {
        request
    } else {
        // The checksum is signed, and over TLS nobody on the way can touch the body.
        request.disable_payload_signing()
    };
    let answer = uploader.answer(request.send().await, &PUT_OBJECT, key, "upload")?;
    Ok(Stored {
        etag: answer.e_tag,
        encryption: answer.server_side_encryption,
        version_id: answer.version_id,
    })
}
