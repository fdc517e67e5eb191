//! Whether a bucket keeps what is overwritten and deleted: without that nothing can come back.

use aws_sdk_s3::types::BucketVersioningStatus;

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::bucket::Bucket;
use crate::core::iam::calls::GET_BUCKET_VERSIONING;
use crate::core::release::record::Versioning;

/// Whether the bucket keeps what is overwritten and deleted.
///
/// # Errors
/// It could not be read.
pub(crate) async fn versioning(bucket: &Bucket) -> anyhow::Result<Versioning> {
    let answer = bucket
        .client
        .get_bucket_versioning()
        .bucket(&bucket.name)
        .send()
        .await
        .aws_context(&GET_BUCKET_VERSIONING, &bucket.arn(), || {
            format!("cannot read whether versioning of bucket `{}` is on", bucket.name)
        })?;
    Ok(match answer.status() {
        Some(BucketVersioningStatus::Enabled) => Versioning::Enabled,
        Some(BucketVersioningStatus::Suspended) => Versioning::Suspended,
        _ => Versioning::Off,
    })
}
