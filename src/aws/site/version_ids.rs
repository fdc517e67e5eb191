//! Version ids that the answers to writes left out.

use std::collections::HashMap;

use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::versions::versions;
use crate::console::Console;
use crate::core::release::version_order::made_by;
use crate::core::site::key_change::KeyChange;
use crate::core::site::plan::SitePlan;

/// Looks up the versions that `changed`, by `plan`, made in a bucket with versioning and was not told: a proxy or another
/// server may leave `x-amz-version-id` out. What is not found stays unknown, and a rollback then goes by times.
pub(crate) async fn look_up(bucket: &Bucket, plan: &SitePlan, changed: &mut [KeyChange], console: &Console) {
    let is_unknown = |change: &KeyChange| change.version_id.is_none() && !change.perhaps;
    let unknown = changed.iter().filter(|change| is_unknown(change));
    let mut keys: Vec<String> = unknown.map(|change| change.key.clone()).collect();
    if keys.is_empty() {
        return;
    }
    keys.sort();
    let found = match versions(bucket, &keys).await {
        Ok(found) => found,
        Err(error) => {
            return console.line(&format!(
                "S3 did not name the versions that it made, and they cannot be looked up: {error:#}"
            ));
        }
    };
    let sizes: HashMap<&str, u64> = plan
        .writes
        .iter()
        .map(|write| (write.key.as_str(), write.size))
        .collect();
    for change in changed.iter_mut().filter(|change| is_unknown(change)) {
        let versions = found.get(&change.key).map_or(&[][..], Vec::as_slice);
        change.version_id = made_by(change, sizes.get(change.key.as_str()).copied(), versions);
    }
}
