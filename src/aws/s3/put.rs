//! Uploads: one request for a small file; [`crate::aws::s3::multipart`] for a large one.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::ServerSideEncryption;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::body::Body;
use crate::aws::s3::bucket::{Bucket, Server};
use crate::aws::s3::checksum::{base64, with_checksum};
use crate::aws::s3::concurrency::{ConcurrencyLimit, SlowDownInterceptor};
use crate::aws::s3::fast_put::{FastPutError, Stored};
use crate::aws::s3::multipart;
use crate::aws::s3::request_headers::{self, Headers};
use crate::core::error::{HintExt as _, service_error};
use crate::core::iam::calls::{Call, PUT_OBJECT};
use crate::core::site::etag::{Etag, hex, part_size};
use crate::core::site::headers::ObjectHeaders;
use crate::core::site::local_file::LocalFile;
use crate::core::site::object::{ChecksumAlgorithm, Encryption, ObjectOptions};
use crate::core::site::plan::{Reason, Write, WriteSource};
use tokio_util::sync::CancellationToken;

/// From this size on a file goes up in parts, as with aws-cli.
pub(crate) const MULTIPART_FROM: u64 = 8 * 1024 * 1024;

/// Up to this size a file is read and hashed where its request is made: that takes less time than to hand it to another
/// thread, and far less memory than to keep a hundred threads.
const READ_IN_PLACE: u64 = 256 * 1024;

/// How long an upload waits that S3 refused for its rate, before it is tried again with the waits of the SDK.
const SLOW_DOWN: Duration = Duration::from_millis(200);

/// How many bytes of files are in memory at the same time, in units of [`UNIT`].
const MEMORY_UNITS: u32 = 64 * 1024;
/// One unit of memory: a KiB.
const UNIT: u64 = 1024;

/// Uploads the file `path` to `key`, where nothing may be yet, with `metadata`: no part of a site, such as a bundle.
///
/// # Errors
/// It cannot be read, or not be uploaded; `PreconditionFailed` when something is there; [`crate::core::error::Cancelled`] when asked to stop.
pub(crate) async fn put_new_file(
    bucket: &Bucket,
    key: &str,
    path: &Path,
    metadata: &[(&str, &str)],
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let found = std::fs::metadata(path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let file = LocalFile {
        root: path.parent().unwrap_or(Path::new("")).into(),
        path: path.file_name().unwrap_or_default().to_string_lossy().into(),
        size: found.len(),
        modified: found.modified().unwrap_or(std::time::SystemTime::UNIX_EPOCH),
    };
    let metadata = metadata
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let write = Write {
        key: key.to_owned(),
        size: file.size,
        reason: Reason::New,
        source: WriteSource::File(file.clone()),
        headers: ObjectHeaders {
            metadata: metadata.collect(),
            ..ObjectHeaders::default()
        },
    };
    let uploader = Uploader {
        only_if_absent: true,
        ..Uploader::with(bucket, &ObjectOptions::default(), stop)
    };
    uploader.upload(&write, &file).await.map(|_| ())
}

/// Everything that uploads share.
pub(crate) struct Uploader {
    pub(crate) bucket: Bucket,
    pub(crate) options: ObjectOptions,
    pub(crate) limit: Arc<ConcurrencyLimit>,
    pub(crate) stop: CancellationToken,
    /// An object that is there is not overwritten
    /// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>).
    pub(crate) only_if_absent: bool,
    memory: Arc<Semaphore>,
}

impl Uploader {
    pub(crate) fn new(bucket: &Bucket, options: &ObjectOptions, stop: &CancellationToken) -> Arc<Self> {
        Arc::new(Self::with(bucket, options, stop))
    }

    fn with(bucket: &Bucket, options: &ObjectOptions, stop: &CancellationToken) -> Self {
        Self {
            bucket: bucket.clone(),
            options: options.clone(),
            limit: ConcurrencyLimit::new(),
            stop: stop.clone(),
            only_if_absent: false,
            memory: Arc::new(Semaphore::new(MEMORY_UNITS as usize)),
        }
    }

    /// Uploads `file`; answers the version id in a versioned bucket.
    pub(crate) async fn upload(&self, write: &Write, file: &LocalFile) -> anyhow::Result<Option<String>> {
        if file.size < MULTIPART_FROM {
            self.put(write, file).await
        } else {
            multipart::upload(self, write, file, part_size(file.size)).await
        }
    }

    async fn put(&self, write: &Write, file: &LocalFile) -> anyhow::Result<Option<String>> {
        let _memory = self.memory(file.size).await;
        let algorithm = self.algorithm();
        let body = if file.size <= READ_IN_PLACE {
            Body::read(file, algorithm)?
        } else {
            let file = file.clone();
            spawn_blocking(move || Body::read(&file, algorithm))
                .await
                .context("internal error: the reading task was aborted")??
        };
        let mut headers = request_headers::headers(&write.headers, &self.options);
        self.add_content_md5(&mut headers, &body);
        if self.only_if_absent {
            headers.push(("if-none-match".into(), "*".into()));
        }
        let stored = match self.put_directly(&write.key, &headers, &body).await {
            Some(stored) => stored,
            None => self.put_by_sdk(&write.key, headers, &body).await?,
        };
        if self.etag_is_md5(stored.encryption.as_ref()) {
            check_etag(&write.key, stored.etag.as_deref(), &hex(&body.md5))?;
        }
        self.limit.succeeded();
        Ok(stored.version_id)
    }

    /// The shortcut; `None` when it is not there or did not succeed.
    async fn put_directly(&self, key: &str, headers: &Headers, body: &Body) -> Option<Stored> {
        if body.bytes.len() as u64 > READ_IN_PLACE {
            return None;
        }
        let mut headers = headers.clone();
        if let Some(checksum) = &body.checksum {
            headers.push((checksum.header().into(), checksum.value.clone()));
        }
        match self.bucket.direct.put(key, &headers, body.bytes.clone()).await {
            Ok(stored) => Some(stored),
            Err(FastPutError::SlowDown) => {
                self.limit.slow_down(Instant::now());
                sleep(SLOW_DOWN).await;
                None
            }
            Err(FastPutError::Other) => None,
        }
    }

    async fn put_by_sdk(&self, key: &str, headers: Headers, body: &Body) -> anyhow::Result<Stored> {
        let request = self
            .bucket
            .client
            .put_object()
            .bucket(&self.bucket.name)
            .key(key)
            .body(ByteStream::from(body.bytes.clone()));
        let answer = with_checksum!(request, &body.checksum)
            .customize()
            .mutate_request(move |request| request_headers::apply(request, &headers))
            // The checksum is signed, and over TLS nobody on the way can touch the body.
            .disable_payload_signing()
            .interceptor(SlowDownInterceptor(Arc::clone(&self.limit)))
            .send()
            .await;
        let answer = self.answer(answer, &PUT_OBJECT, key, "upload")?;
        Ok(Stored {
            etag: answer.e_tag,
            encryption: answer.server_side_encryption,
            version_id: answer.version_id,
        })
    }

    /// Waits until `bytes` of memory may be used.
    pub(crate) async fn memory(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let units = u32::try_from(bytes.div_ceil(UNIT))
            .unwrap_or(u32::MAX)
            .min(MEMORY_UNITS);
        Arc::clone(&self.memory).acquire_many_owned(units).await.ok()
    }

    /// The checksum that travels with uploads; `None` where Content-MD5 does.
    pub(crate) fn algorithm(&self) -> Option<ChecksumAlgorithm> {
        match self.bucket.server {
            Server::Aws => Some(self.options.checksum_algorithm.unwrap_or(ChecksumAlgorithm::Crc64Nvme)),
            // Every store knows Content-MD5, and not every one the newer checksums.
            Server::Compatible => self.options.checksum_algorithm,
        }
    }

    /// Adds the header by which a store that knows nothing newer checks what it received.
    pub(crate) fn add_content_md5(&self, headers: &mut Headers, body: &Body) {
        if self.bucket.server == Server::Compatible {
            headers.push(("content-md5".into(), base64(&body.md5)));
        }
    }

    /// Whether the ETag of an answer is a digest that can be checked: not under SSE-KMS and SSE-C, and other stores
    /// have ETags of their own.
    pub(crate) fn etag_is_md5(&self, encryption: Option<&ServerSideEncryption>) -> bool {
        self.bucket.server == Server::Aws
            && !matches!(self.options.encryption, Encryption::CustomerKey { .. })
            && !matches!(
                encryption,
                Some(ServerSideEncryption::AwsKms | ServerSideEncryption::AwsKmsDsse)
            )
    }

    /// Adds advice to the refusals that belong to uploads.
    pub(crate) fn explain<T>(&self, answer: anyhow::Result<T>) -> anyhow::Result<T> {
        answer.map_err(|error| match upload_hint(&error, self.options.acl.as_deref()) {
            Some(hint) => error.hint(hint),
            None => error,
        })
    }

    /// The outcome of a call for an object, with its context and advice.
    pub(crate) fn answer<T, E>(
        &self,
        answer: Result<T, E>,
        call: &'static Call,
        key: &str,
        doing: &str,
    ) -> anyhow::Result<T>
    where
        Result<T, E>: crate::aws::error::AwsContextExt<T>,
    {
        self.explain(answer.aws_context(call, &self.bucket.object_arn(key), || format!("cannot {doing} `{key}`")))
    }
}

/// Checks the ETag that S3 answered.
pub(crate) fn check_etag(key: &str, answered: Option<&str>, expected: &str) -> anyhow::Result<()> {
    let Some(answered) = answered.map(|etag| etag.trim_matches('"')) else {
        return Ok(());
    };
    if answered == expected || Etag::parse(answered) == Etag::Opaque {
        return Ok(());
    }
    bail!("cannot trust the upload of `{key}`: S3 answered the ETag `{answered}`, and the bytes have `{expected}`")
}

/// What to do about a refusal that gives no reason, when an ACL was sent along: it may be the ACL's.
fn upload_hint(error: &anyhow::Error, acl: Option<&str>) -> Option<String> {
    let service = service_error(error)?;
    match (service.code.as_deref()?, acl?) {
        ("AccessDenied", _) if service.message != "Access Denied" => None,
        ("AccessDenied", acl) if acl.starts_with("public-") => Some(format!(
            "allow `s3:PutObject` and `s3:PutObjectAcl`, and turn off Block Public Access (BlockPublicAcls) for bucket \
             and account; or remove `acl: {acl}` and open the objects by a bucket policy"
        )),
        ("AccessDenied", _) => Some("allow `s3:PutObject` and `s3:PutObjectAcl`".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::error::ServiceError;

    #[test]
    fn an_etag_that_is_no_digest_of_ours_is_an_error() {
        let abc = "900150983cd24fb0d6963f7d28e17f72";
        assert!(check_etag("k", Some(&format!("\"{abc}\"")), abc).is_ok());
        assert!(check_etag("k", None, abc).is_ok());
        assert!(check_etag("k", Some("something-else"), abc).is_ok());
        assert!(check_etag("k", Some("\"d41d8cd98f00b204e9800998ecf8427e\""), abc).is_err());
        assert!(check_etag("k", Some(&format!("{abc}-1")), abc).is_err());
    }

    #[test]
    fn a_refusal_without_a_reason_may_be_the_acls() {
        let hint = |message: &str, acl| {
            let error = anyhow::Error::new(ServiceError {
                code: Some("AccessDenied".to_owned()),
                message: message.to_owned(),
                ..ServiceError::default()
            });
            upload_hint(&error, acl).unwrap_or_default()
        };
        assert!(hint("Access Denied", Some("public-read")).contains("BlockPublicAcls"));
        assert!(hint("Access Denied", Some("private")).contains("s3:PutObjectAcl"));
        assert_eq!(hint("Access Denied", None), "");
        assert_eq!(hint("because no identity-based policy allows it", Some("private")), "");
    }
}
