//! Objects whose ETag does not tell: encrypted with KMS or a customer's key, or uploaded in parts of an unusual size.
//!
//! Each such object is asked how it is encrypted, and for the checksum that S3 keeps of it; those of another size never.

use std::path::PathBuf;
use std::sync::OnceLock;

use anyhow::Context as _;
use aws_sdk_s3::operation::head_object::HeadObjectOutput;
use aws_sdk_s3::operation::head_object::builders::HeadObjectFluentBuilder;
use aws_sdk_s3::types::{ChecksumMode, ChecksumType, RequestPayer, ServerSideEncryption};
use tokio::task::spawn_blocking;

use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::checksum::{Checksum, checksum_of_file};
use crate::aws::s3::request_headers::customer_key;
use crate::aws::site::digest_file::digest_file;
use crate::core::site::etag::Etag;
use crate::core::site::inspect::DigestRequest;
use crate::core::site::object::{ChecksumAlgorithm, ObjectOptions};
use crate::core::site::plan::{RemoteObject, SiteWarning};

/// Compares what an ETag could not.
pub(crate) struct Opaque {
    bucket: Bucket,
    options: ObjectOptions,
    /// The first object whose checksum may not be read, and the KMS key that it is encrypted with.
    undecryptable: OnceLock<(String, String)>,
}

impl Opaque {
    pub(crate) fn new(bucket: &Bucket, options: &ObjectOptions) -> Self {
        Self {
            bucket: bucket.clone(),
            options: options.clone(),
            undecryptable: OnceLock::new(),
        }
    }

    /// Why objects go up again though nothing has changed, if they do.
    pub(crate) fn warning(&self) -> Option<SiteWarning> {
        let (key, kms_key) = self.undecryptable.get()?;
        Some(SiteWarning {
            path: key.clone(),
            message: format!(
                "objects are encrypted with the KMS key `{kms_key}`, and their checksums may not be read: nothing tells \
                 whether they are what `source` has, so that they are uploaded in every run. Allow the role `kms:Decrypt` \
                 on this key, in the role's policy and in the key's"
            ),
        })
    }

    /// Whether `file` has the bytes of `object` though its ETag says otherwise, or nothing.
    ///
    /// Where that cannot be known (no permission, no checksum), the answer is no: the file is uploaded.
    pub(crate) async fn is_same(&self, object: &RemoteObject, file: PathBuf) -> anyhow::Result<bool> {
        match Etag::parse(&object.etag) {
            Etag::Single(_) => {
                // Objects of one bucket may be encrypted in different ways, so one does not answer for another.
                let head = self.head(object, None).await;
                match head {
                    Some(head) if is_encrypted(&head) => self.has_checksum(&head, file).await,
                    _ => Ok(false),
                }
            }
            Etag::Multipart(digest, parts) => {
                let Some(head) = self.head(object, Some(1)).await else {
                    return Ok(false);
                };
                if is_encrypted(&head) {
                    return match self.head(object, None).await {
                        Some(head) => self.has_checksum(&head, file).await,
                        None => Ok(false),
                    };
                }
                // The answer for part one has the size of that part.
                let part_size = head.content_length().and_then(|size| u64::try_from(size).ok());
                let question = DigestRequest {
                    etag: Some(Etag::Multipart(digest, parts)),
                    part_size: part_size.filter(|size| *size > 0 && object.size.div_ceil(*size) == parts),
                    text: false,
                };
                match question.part_size {
                    Some(_) => {
                        self.read(move || digest_file(&file, &question).map(|answer| answer.same))
                            .await
                    }
                    None => Ok(false),
                }
            }
            Etag::Opaque => match self.head(object, None).await {
                Some(head) => self.has_checksum(&head, file).await,
                None => Ok(false),
            },
        }
    }

    /// Whether `file` has the checksum of the whole object that `head` names.
    async fn has_checksum(&self, head: &HeadObjectOutput, file: PathBuf) -> anyhow::Result<bool> {
        let Some((algorithm, expected)) = full_checksum(head) else {
            return Ok(false);
        };
        let expected = expected.to_owned();
        self.read(move || checksum_of_file(&file, algorithm).map(|actual| actual == Checksum::new(algorithm, expected)))
            .await
    }

    async fn read(&self, read: impl FnOnce() -> std::io::Result<bool> + Send + 'static) -> anyhow::Result<bool> {
        let same = spawn_blocking(read)
            .await
            .context("internal error: the reading task was aborted")?;
        same.context("cannot read a file of the source directory")
    }

    /// What S3 says of the object, or of one part; `None` when it does not say.
    async fn head(&self, object: &RemoteObject, part: Option<i32>) -> Option<HeadObjectOutput> {
        let answer = self
            .head_request(object)
            .set_part_number(part)
            .set_checksum_mode(part.is_none().then_some(ChecksumMode::Enabled))
            .send()
            .await;
        let error = match answer {
            Ok(head) => return Some(head),
            Err(error) => error,
        };
        let status = error.raw_response().map(|response| response.status().as_u16());
        if part.is_some() || status != Some(403) {
            return None;
        }
        // The checksum of an object under KMS takes `kms:Decrypt`, and all else of it does not
        // (<https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html>, `x-amz-checksum-mode`).
        let head = self.head_request(object).send().await.ok()?;
        if let Some(ServerSideEncryption::AwsKms | ServerSideEncryption::AwsKmsDsse) = head.server_side_encryption() {
            let kms_key = head.ssekms_key_id().unwrap_or("aws/s3");
            let _ = self.undecryptable.set((object.key.clone(), kms_key.to_owned()));
        }
        Some(head)
    }

    fn head_request(&self, object: &RemoteObject) -> HeadObjectFluentBuilder {
        let (key, key_md5, algorithm) = customer_key(&self.options.encryption);
        self.bucket
            .client
            .head_object()
            .bucket(&self.bucket.name)
            .key(&object.key)
            .set_sse_customer_algorithm(algorithm)
            .set_sse_customer_key(key)
            .set_sse_customer_key_md5(key_md5)
            .set_request_payer(self.options.request_payer.then_some(RequestPayer::Requester))
    }
}

/// Whether the ETag of the object is no digest of its bytes.
fn is_encrypted(head: &HeadObjectOutput) -> bool {
    head.sse_customer_algorithm().is_some()
        || matches!(
            head.server_side_encryption(),
            Some(ServerSideEncryption::AwsKms | ServerSideEncryption::AwsKmsDsse)
        )
}

/// The strongest checksum of the whole object, not of its parts.
fn full_checksum(head: &HeadObjectOutput) -> Option<(ChecksumAlgorithm, &str)> {
    if head.checksum_type() == Some(&ChecksumType::Composite) {
        return None;
    }
    [
        (ChecksumAlgorithm::Sha256, head.checksum_sha256()),
        (ChecksumAlgorithm::Sha1, head.checksum_sha1()),
        (ChecksumAlgorithm::Crc64Nvme, head.checksum_crc64_nvme()),
        (ChecksumAlgorithm::Crc32c, head.checksum_crc32_c()),
        (ChecksumAlgorithm::Crc32, head.checksum_crc32()),
    ]
    .into_iter()
    .find_map(|(algorithm, value)| Some((algorithm, value?)))
    // Older answers name no type; a composite one then shows by its number of parts.
    .filter(|(_, value)| !value.contains('-'))
}
