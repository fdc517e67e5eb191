//! Whether a bucket keeps what is overwritten and deleted: without that nothing can come back.

use aws_sdk_s3::types::BucketVersioningStatus;

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::bucket::Bucket;
use crate::core::error::HintExt as _;
use crate::core::iam::calls::GET_BUCKET_VERSIONING;
use crate::core::release::record::{Record, RecordStatus, Versioning};
use crate::core::release::restore::unversioned;

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

/// The command that turns versioning of `bucket` on.
#[must_use]
pub(crate) fn turn_on(bucket: &str) -> String {
    format!("aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled")
}

/// Refuses a rollback to `target` unless versioning is on, and was when the records `after` it were made.
pub(crate) async fn check_versioning(bucket: &Bucket, after: &[Record], target: &str) -> anyhow::Result<()> {
    match versioning(bucket).await? {
        Versioning::Enabled | Versioning::Unknown => {}
        Versioning::Off | Versioning::Suspended => {
            return Err(anyhow::anyhow!(
                "cannot roll back to release `{target}`: versioning of bucket `{}` is not enabled",
                bucket.name
            ))
            .hint(format!(
                "deploy the commit that you want instead; for rollbacks of later releases run `{}`",
                turn_on(&bucket.name)
            ));
        }
    }
    let Some(lost) = unversioned(after) else { return Ok(()) };
    let possible: Vec<&str> = after
        .iter()
        .take_while(|record| record.id != lost.id)
        .chain([lost])
        .filter(|record| record.status == RecordStatus::Succeeded)
        .map(|record| record.id.as_str())
        .collect();
    let hint = match possible.as_slice() {
        [] => "deploy the commit that you want instead".to_owned(),
        ids => format!(
            "deploy the commit that you want instead, or choose one of: {}",
            ids.join(", ")
        ),
    };
    Err(anyhow::anyhow!(
        "cannot roll back to release `{target}`: versioning of bucket `{}` was not enabled during release `{}`, so what \
         that one replaced is gone",
        bucket.name,
        lost.id
    ))
    .hint(hint)
}
