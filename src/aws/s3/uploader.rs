//! What all uploads share: the client, the options, the bounds of memory and requests in flight, the checks of answers.

use std::sync::Arc;

use anyhow::bail;
use aws_sdk_s3::types::ServerSideEncryption;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::aws::error::AwsContextExt;
use crate::aws::s3::body::Body;
use crate::aws::s3::bucket::{Bucket, Server};
use crate::aws::s3::checksum::base64;
use crate::aws::s3::concurrency::ConcurrencyLimit;
use crate::aws::s3::request_headers::Headers;
use crate::core::error::{HintExt as _, service_error};
use crate::core::iam::calls::Call;
use crate::core::site::etag::Etag;
use crate::core::site::object::{ChecksumAlgorithm, Encryption, ObjectOptions};

/// How many bytes of files are in memory at the same time, in units of [`UNIT`].
const MEMORY_UNITS: u32 = 64 * 1024;
/// One unit of memory: a KiB.
const UNIT: u64 = 1024;

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
    pub(crate) fn new(bucket: &Bucket, options: &ObjectOptions, stop: &CancellationToken) -> Self {
        Self {
            bucket: bucket.clone(),
            options: options.clone(),
            limit: ConcurrencyLimit::new(),
            stop: stop.clone(),
            only_if_absent: false,
            memory: Arc::new(Semaphore::new(MEMORY_UNITS as usize)),
        }
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
        Result<T, E>: AwsContextExt<T>,
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
    bail!("upload of `{key}` failed verification: S3 returned ETag `{answered}`, expected `{expected}`")
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
