//! Writes whose answer was lost: are the bytes that lie there those that were sent?

use std::collections::{HashMap, HashSet};

use tokio::task::spawn_blocking;

use crate::aws::s3::bucket::Bucket;
use crate::aws::site::checksum_compare::Opaque;
use crate::aws::site::digest_file::digest_file;
use crate::core::release::object_version::Version;
use crate::core::site::etag::Etag;
use crate::core::site::inspect::DigestRequest;
use crate::core::site::key_change::{KeyChange, KeyOperation};
use crate::core::site::object::ObjectOptions;
use crate::core::site::plan::{RemoteObject, SitePlan, Write, WriteSource};

/// The keys of `plan` that were perhaps written (`changed`), and whose newest version among `versions` has the size of the
/// file, but not its bytes: by its ETag, and where that tells nothing by S3's checksum. Where neither can be known, a key is
/// not among them.
pub(crate) async fn other_bytes(
    bucket: &Bucket,
    options: &ObjectOptions,
    plan: &SitePlan,
    changed: &[KeyChange],
    versions: &HashMap<String, Vec<Version>>,
) -> HashSet<String> {
    let writes: HashMap<&str, &Write> = plan.writes.iter().map(|write| (write.key.as_str(), write)).collect();
    let lost = changed
        .iter()
        .filter(|change| change.perhaps && change.operation == KeyOperation::Written);
    let mut other = HashSet::new();
    for change in lost {
        let (Some(write), Some(newest)) = (
            writes.get(change.key.as_str()),
            versions.get(&change.key).and_then(|versions| versions.first()),
        ) else {
            continue;
        };
        if !newest.delete_marker && newest.size == write.size && has_other_bytes(bucket, options, write, newest).await {
            other.insert(change.key.clone());
        }
    }
    other
}

async fn has_other_bytes(bucket: &Bucket, options: &ObjectOptions, write: &Write, newest: &Version) -> bool {
    let (WriteSource::File(file), etag @ (Etag::Single(_) | Etag::Multipart(..))) =
        (&write.source, Etag::parse(&newest.etag))
    else {
        return false;
    };
    let question = DigestRequest {
        etag: Some(etag),
        part_size: None,
        text: false,
    };
    let path = file.location();
    let digest = spawn_blocking(move || digest_file(&path, &question)).await;
    if !digest.is_ok_and(|digest| digest.is_ok_and(|digest| !digest.same)) {
        return false;
    }
    let object = RemoteObject {
        key: write.key.clone(),
        size: newest.size,
        etag: newest.etag.clone(),
        last_modified: newest.last_modified,
    };
    let opaque = Opaque::new(bucket, options);
    let is_same = opaque.is_same(&object, file.location()).await;
    is_same.is_ok_and(|same| !same) && opaque.warning().is_none()
}
