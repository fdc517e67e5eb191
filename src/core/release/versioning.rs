//! Whether a bucket kept, and keeps, what is overwritten and deleted: without that nothing can come back.

use crate::core::error::HintExt as _;
use crate::core::release::record::{Record, RecordStatus, Versioning};
use crate::core::release::restore::unversioned;

/// The command that turns versioning of `bucket` on.
#[must_use]
pub(crate) fn turn_on(bucket: &str) -> String {
    format!("aws s3api put-bucket-versioning --bucket {bucket} --versioning-configuration Status=Enabled")
}

/// Refuses a rollback to `target` unless versioning is on, and was when the records `after` it were made.
///
/// # Errors
/// Something that the rollback would need was, or would be, destroyed.
pub(crate) fn check_versioning(
    bucket: &str,
    versioning: Versioning,
    after: &[Record],
    target: &str,
) -> anyhow::Result<()> {
    match versioning {
        Versioning::Enabled | Versioning::Unknown => {}
        Versioning::Off | Versioning::Suspended => {
            return Err(anyhow::anyhow!(
                "cannot roll back to release `{target}`: versioning of bucket `{bucket}` is not enabled"
            ))
            .hint(format!(
                "deploy the commit that you want instead; for rollbacks of later releases run `{}`",
                turn_on(bucket)
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
        "cannot roll back to release `{target}`: versioning of bucket `{bucket}` was not enabled during release `{}`, so what \
         that one replaced is gone",
        lost.id
    ))
    .hint(hint)
}
