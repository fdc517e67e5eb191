//! Bundles in S3: what is stored, compared and uploaded.

use anyhow::{Context as _, anyhow};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::aws::Aws;
use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::upload::put_new_file;
use crate::console::Console;
use crate::core::backend::version_table::{BundleLocation, VersionState};
use crate::core::bundle::Bundle;
use crate::core::bundle::key::{DIGEST, key_of_digest};
use crate::core::error::{HintExt as _, code};
use crate::core::iam::calls;
use crate::core::site::etag::hex;

/// What HeadObject says of a bundle.
struct StoredBundle {
    /// The SHA-256 that was stored with it: this action's have one.
    sha256: Option<String>,
    bytes: Option<i64>,
}

impl StoredBundle {
    fn has_size_of(&self, bundle: &Bundle) -> bool {
        self.bytes == i64::try_from(bundle.bytes).ok()
    }
}

/// The bucket in the region of the application, at AWS's own S3; `prefix` is what of it may be listed.
pub(crate) fn own_region(aws: &Aws, bucket: &str, prefix: &str) -> Bucket {
    let region = aws.sdk.region().map_or("us-east-1", |region| region.as_ref());
    Bucket::in_region(&aws.without_endpoint(), bucket, prefix, region)
}

/// Whether a version was made from the very bytes of `bundle`: by the digest that was stored with them, else, when the
/// size is the same, by reading them. What cannot be seen is not the same.
pub(crate) async fn has_bundle(aws: &Aws, version: &VersionState, bundle: &Bundle) -> bool {
    let Some(location) = &version.bundle else { return false };
    let bucket = own_region(aws, &location.bucket, "");
    let Some(stored) = stored(&bucket, &location.key).await else {
        return false;
    };
    match &stored.sha256 {
        Some(sha256) => *sha256 == bundle.sha256,
        None if stored.has_size_of(bundle) => {
            let digest = read_digest(&bucket, &location.key, || "cannot read a bundle".to_owned()).await;
            digest.is_ok_and(|digest| digest == bundle.sha256)
        }
        None => false,
    }
}

/// Whether this action uploaded the bundle at `location`.
pub(crate) async fn is_ours(aws: &Aws, location: &BundleLocation) -> bool {
    let stored = stored(&own_region(aws, &location.bucket, ""), &location.key).await;
    stored.is_some_and(|stored| stored.sha256.is_some())
}

/// The SHA-256 of a version's bundle, read whole when it was not stored with it.
///
/// # Errors
/// The bundle is gone, or may not be read.
pub(crate) async fn digest(aws: &Aws, version: &VersionState) -> anyhow::Result<String> {
    let label = &version.label;
    let cannot = || format!("cannot compare with the bundle of version `{label}`, which exists already");
    let hint = "deploy it as it is with `use_existing_version_if_available: true`, or take another `version-label`";
    let location = version
        .bundle
        .as_ref()
        .ok_or_else(|| anyhow!("it was not made from a bundle in S3"))
        .with_context(cannot)
        .hint(hint)?;
    let bucket = own_region(aws, &location.bucket, "");
    if let Some(digest) = stored(&bucket, &location.key).await.and_then(|stored| stored.sha256) {
        return Ok(digest);
    }
    read_digest(&bucket, &location.key, cannot).await.map_err(|error| {
        if code(&error) == Some("AccessDenied") {
            error
        } else {
            error.hint(hint)
        }
    })
}

/// Checks that the bundle of a version is there: Elastic Beanstalk reads it for every update.
///
/// # Errors
/// It is gone. Where that cannot be seen, the update tells.
pub(crate) async fn check_bundle_exists(aws: &Aws, version: &VersionState) -> anyhow::Result<()> {
    let Some(location) = &version.bundle else { return Ok(()) };
    let bucket = own_region(aws, &location.bucket, "");
    let head = bucket.client.head_object().bucket(&bucket.name).key(&location.key);
    let is_gone = match head.send().await {
        Ok(_) => false,
        Err(error) => error
            .raw_response()
            .is_some_and(|answer| answer.status().as_u16() == 404),
    };
    if !is_gone {
        return Ok(());
    }
    Err(anyhow!(
        "cannot deploy version `{}`: its bundle `s3://{}/{}` does not exist any more",
        version.label,
        bucket.name,
        location.key
    ))
    .hint(
        "deploy the commit of that version again under another `version-label`, or go back to another version by `to`",
    )
}

/// Stores `bundle` under `key`, or under another one where another bundle is: what somebody else stored is never
/// overwritten. Answers the key.
///
/// # Errors
/// What S3 says, or that both keys are taken.
pub(crate) async fn upload(
    bucket: &Bucket,
    key: &str,
    bundle: &Bundle,
    stop: &CancellationToken,
    console: &Console,
) -> anyhow::Result<String> {
    let is_same = |stored: &StoredBundle| stored.sha256.as_ref() == Some(&bundle.sha256) && stored.has_size_of(bundle);
    for key in [key.to_owned(), key_of_digest(key, &bundle.sha256)] {
        // What a run that failed left behind need not be sent again.
        match stored(bucket, &key).await {
            Some(stored) if is_same(&stored) => {
                console.line(&format!("the bundle already exists: s3://{}/{key}", bucket.name));
                return Ok(key);
            }
            Some(_) => continue,
            None => {}
        }
        match put_new_file(bucket, &key, &bundle.path, &[(DIGEST, &bundle.sha256)], stop).await {
            Ok(()) => {
                console.line(&format!("uploaded the bundle to s3://{}/{key}", bucket.name));
                return Ok(key);
            }
            // Somebody was faster: ourselves, when the answer to our own request was lost.
            Err(error) if code(&error) == Some("PreconditionFailed") => {
                if stored(bucket, &key).await.as_ref().is_some_and(is_same) {
                    return Ok(key);
                }
            }
            Err(error) => return Err(error),
        }
    }
    let taken = format!("`s3://{}/{key}` holds another bundle already", bucket.name);
    Err(anyhow!("cannot store the bundle: {taken}")).hint("take another `version-label`, or `package-bucket`")
}

/// What is stored at `key`; `None`: nothing, as far as can be seen.
async fn stored(bucket: &Bucket, key: &str) -> Option<StoredBundle> {
    let head = bucket.client.head_object().bucket(&bucket.name).key(key).send().await;
    let head = head.ok()?;
    Some(StoredBundle {
        bytes: head.content_length(),
        sha256: head.metadata.and_then(|mut metadata| metadata.remove(DIGEST)),
    })
}

/// The SHA-256 of an object, read whole.
async fn read_digest(bucket: &Bucket, key: &str, cannot: impl Fn() -> String + Copy) -> anyhow::Result<String> {
    let answer = bucket.client.get_object().bucket(&bucket.name).key(key).send().await;
    let mut body = answer
        .aws_context(&calls::GET_OBJECT, &bucket.object_arn(key), cannot)?
        .body;
    let mut hasher = Sha256::new();
    while let Some(bytes) = body.try_next().await.with_context(cannot)? {
        hasher.update(&bytes);
    }
    Ok(hex(&hasher.finalize()))
}
