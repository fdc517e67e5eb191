//! Application versions: the bundle's place, its upload, creating and processing.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use aws_sdk_elasticbeanstalk::types::{ApplicationVersionDescription, S3Location};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::aws::backend::reads::EventsOf;
use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::upload::put_new_file;
use crate::console::Console;
use crate::core::backend::backoff::Backoff;
use crate::core::backend::events::EnvironmentEvent;
use crate::core::backend::version_table::{BundleLocation, VersionState, VersionStatus};
use crate::core::bundle::Bundle;
use crate::core::bundle::key::key_of_digest;
use crate::core::error::{HintExt as _, code, message_contains};
use crate::core::iam::calls;
use crate::core::site::etag::hex;
use tokio_util::sync::CancellationToken;

/// The object metadata that holds the bundle's SHA-256.
const DIGEST: &str = "sha256";

/// The bucket that Beanstalk keeps for a region
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.S3.html>).
pub(crate) fn storage_bucket(region: &str, account: &str) -> String {
    format!("elasticbeanstalk-{region}-{account}")
}

/// A version in our own words.
pub(crate) fn version_state(version: ApplicationVersionDescription) -> VersionState {
    let status = version.status.as_ref().map_or("", |status| status.as_str());
    VersionState {
        status: VersionStatus::of(status),
        label: version.version_label.unwrap_or_default(),
        created: version.date_created.map_or(0, |date| date.secs()),
        bundle: version.source_bundle.and_then(|source| {
            Some(BundleLocation {
                bucket: source.s3_bucket?,
                key: source.s3_key?,
            })
        }),
    }
}

/// Whether a version was made from the very bytes of `bundle`: by the digest that was stored with them, else, when the
/// size is the same, by reading them. What cannot be seen is not the same.
pub(crate) async fn has_bundle(aws: &Aws, version: &VersionState, bundle: &Bundle) -> bool {
    let Some(location) = &version.bundle else { return false };
    let bucket = own_region(aws, &location.bucket);
    let head = bucket
        .client
        .head_object()
        .bucket(&bucket.name)
        .key(&location.key)
        .send()
        .await;
    let Ok(head) = head else { return false };
    match head.metadata().and_then(|metadata| metadata.get(DIGEST)) {
        Some(stored) => stored == &bundle.sha256,
        None if head.content_length() == i64::try_from(bundle.bytes).ok() => {
            let digest = read_digest(&bucket, &location.key, || "cannot read a bundle".to_owned()).await;
            digest.is_ok_and(|digest| digest == bundle.sha256)
        }
        None => false,
    }
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
    let bucket = own_region(aws, &location.bucket);
    let head = bucket
        .client
        .head_object()
        .bucket(&bucket.name)
        .key(&location.key)
        .send()
        .await;
    if let Some(digest) = head.ok().and_then(|head| head.metadata?.remove(DIGEST)) {
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

/// `name` in the region of the application, at AWS's own S3.
pub(crate) fn own_region(aws: &Aws, bucket: &str) -> Bucket {
    let region = aws.sdk.region().map_or("us-east-1", |region| region.as_ref());
    Bucket::in_region(&aws.without_endpoint(), bucket, region)
}

/// Checks that `package-bucket` is there and in the region of the application: Beanstalk reads no other.
///
/// # Errors
/// It is not there, or in another region.
pub(crate) async fn check_bucket(aws: &Aws, name: &str) -> anyhow::Result<()> {
    let region = aws.sdk.region().map_or("us-east-1", |region| region.as_ref());
    let bucket = Bucket::open(&aws.without_endpoint(), name)
        .await
        .context("cannot use `package-bucket`")?;
    if bucket.region == region {
        return Ok(());
    }
    Err(anyhow!(
        "cannot use `package-bucket`: `{name}` is in {}, and Elastic Beanstalk in {region} takes bundles from there only",
        bucket.region
    ))
    .hint(format!(
        "set `package-bucket` to a bucket in {region}, or omit it to use the one that Elastic Beanstalk keeps"
    ))
}

/// A version to create.
pub(crate) struct NewVersion<'o> {
    pub(crate) label: &'o str,
    pub(crate) description: Option<&'o str>,
    pub(crate) bucket: Option<&'o str>,
    /// Where the bundle goes; another key is taken when another bundle is there.
    pub(crate) key: &'o str,
    pub(crate) replace: bool,
}

/// Uploads `bundle` and creates the version; [`processed`] tells when it can be used.
///
/// # Errors
/// Any step that fails, with what to change.
pub(crate) async fn create(
    aws: &Aws,
    api: &Api,
    version: &NewVersion<'_>,
    bundle: &Bundle,
    stop: &CancellationToken,
    console: &Console,
) -> anyhow::Result<()> {
    let bucket = match version.bucket {
        Some(bucket) => bucket.to_owned(),
        None => create_storage_location(api).await?,
    };
    let bucket = own_region(aws, &bucket);
    let key = match upload(&bucket, version.key, bundle, stop, console).await {
        Ok(key) => key,
        Err(error) => return Err(bucket.explain_refusal(error).await),
    };
    let location = BundleLocation {
        key,
        bucket: bucket.name,
    };
    if version.replace {
        delete(api, version.label, false).await?;
    }
    create_version(api, version, location).await
}

pub(crate) async fn create_storage_location(api: &Api) -> anyhow::Result<String> {
    let doing = || "cannot get the bucket that Elastic Beanstalk keeps for bundles".to_owned();
    let (answer, _) = api
        .send(&calls::CREATE_STORAGE_LOCATION, &"*", doing, || {
            api.client.create_storage_location().send()
        })
        .await?;
    answer
        .s3_bucket
        .context("cannot get the bucket that Elastic Beanstalk keeps for bundles: it named none")
}

/// Stores `bundle` under `key`, or under another one where another bundle is: what somebody else stored is never
/// overwritten. Answers the key.
async fn upload(
    bucket: &Bucket,
    key: &str,
    bundle: &Bundle,
    stop: &CancellationToken,
    console: &Console,
) -> anyhow::Result<String> {
    let taken = || format!("`s3://{}/{key}` holds another bundle already", bucket.name);
    for key in [key.to_owned(), key_of_digest(key, &bundle.sha256)] {
        // What a run that failed left behind need not be sent again.
        match stored(bucket, &key, bundle).await {
            ObjectAtKey::Same => {
                console.line(&format!("the bundle already exists: s3://{}/{key}", bucket.name));
                return Ok(key);
            }
            ObjectAtKey::Other => continue,
            ObjectAtKey::Nothing => {}
        }
        match put_new_file(bucket, &key, &bundle.path, &[(DIGEST, &bundle.sha256)], stop).await {
            Ok(()) => {
                console.line(&format!("uploaded the bundle to s3://{}/{key}", bucket.name));
                return Ok(key);
            }
            // Somebody was faster: ourselves, when the answer to our own request was lost.
            Err(error) if code(&error) == Some("PreconditionFailed") => {
                if stored(bucket, &key, bundle).await == ObjectAtKey::Same {
                    return Ok(key);
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(anyhow!("cannot store the bundle: {}", taken())).hint("take another `version-label`, or `package-bucket`")
}

/// What is stored where a bundle is to go.
#[derive(PartialEq, Eq)]
enum ObjectAtKey {
    /// Nothing, as far as can be seen.
    Nothing,
    /// This very bundle.
    Same,
    /// Something else.
    Other,
}

async fn stored(bucket: &Bucket, key: &str, bundle: &Bundle) -> ObjectAtKey {
    let head = bucket.client.head_object().bucket(&bucket.name).key(key).send().await;
    match head {
        Err(_) => ObjectAtKey::Nothing,
        Ok(head)
            if head.metadata().and_then(|metadata| metadata.get(DIGEST)) == Some(&bundle.sha256)
                && head.content_length() == i64::try_from(bundle.bytes).ok() =>
        {
            ObjectAtKey::Same
        }
        Ok(_) => ObjectAtKey::Other,
    }
}

async fn create_version(api: &Api, version: &NewVersion<'_>, bundle: BundleLocation) -> anyhow::Result<()> {
    let label = version.label;
    let source = S3Location::builder()
        .s3_bucket(&bundle.bucket)
        .s3_key(&bundle.key)
        .build();
    let created = api
        .send(
            &calls::CREATE_APPLICATION_VERSION,
            &api.version_arn(label),
            || format!("cannot create version `{label}` of `{}`", api.application),
            || {
                api.client
                    .create_application_version()
                    .application_name(&api.application)
                    .version_label(label)
                    .set_description(version.description.map(ToOwned::to_owned))
                    .source_bundle(source.clone())
                    .process(true)
                    .send()
            },
        )
        .await;
    let Err(error) = created else { return Ok(()) };
    if message_contains(&error, "already exists") {
        // The answer to our own request may have been lost on the way; then it is there with our bundle.
        let versions = api.versions(&[label.to_owned()]).await?;
        let ours = versions
            .into_iter()
            .any(|version| version_state(version).bundle.as_ref() == Some(&bundle));
        return if ours {
            Ok(())
        } else {
            Err(error.hint("another run has just taken this label: run this one again, or use `{timestamp}` in it"))
        };
    }
    Err(if message_contains(&error, "The bucket is in this region") {
        error.hint("set `package-bucket` to a bucket in the region of the application, or omit it")
    } else {
        error
    })
}

/// Waits until Beanstalk has checked the configuration files in the bundle of version `label`.
///
/// # Errors
/// They cannot be used, or are not checked within `timeout`.
pub(crate) async fn processed(
    api: &Api,
    label: &str,
    timeout: Duration,
    poll_interval: Option<Duration>,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut backoff = Backoff::new(
        label,
        poll_interval.or(Some(Duration::from_millis(700))),
        std::process::id(),
    );
    loop {
        let version = api.versions(&[label.to_owned()]).await?.pop();
        // A read may be older than the version.
        match version.map(|version| version_state(version).status) {
            None | Some(VersionStatus::Processing) => {}
            Some(VersionStatus::Failed) => return Err(explain_failure(api, label).await),
            Some(VersionStatus::Usable) => return Ok(()),
        }
        if began.elapsed() > timeout {
            return Err(anyhow!(
                "cannot go on: Elastic Beanstalk still processes version `{label}` after {} s",
                timeout.as_secs()
            )
            .hint("run this step again: the version is taken up where it is"));
        }
        api.sleep(backoff.pause(api.throttled())).await?;
    }
}

async fn explain_failure(api: &Api, label: &str) -> anyhow::Error {
    let events = api
        .events(EventsOf::Version(label), None, Some(100))
        .await
        .unwrap_or_default();
    let errors: Vec<String> = events
        .into_iter()
        .rev()
        .filter(EnvironmentEvent::is_error)
        .map(|event| event.message)
        .collect();
    let reason = if errors.is_empty() {
        "Elastic Beanstalk does not say why".to_owned()
    } else {
        errors.join("; ")
    };
    anyhow!("cannot use version `{label}`: Elastic Beanstalk could not process its bundle: {reason}").hint(
        "check `env.yaml` and the `*.config` files in `.ebextensions/`: they must be valid YAML or JSON; the label can \
         be used again",
    )
}

/// Deletes a version, and its bundle too when `with_bundle` says so.
///
/// # Errors
/// What Beanstalk says.
pub(crate) async fn delete(api: &Api, label: &str, with_bundle: bool) -> anyhow::Result<()> {
    api.send(
        &calls::DELETE_APPLICATION_VERSION,
        &api.version_arn(label),
        || format!("cannot delete version `{label}` of `{}`", api.application),
        || {
            api.client
                .delete_application_version()
                .application_name(&api.application)
                .version_label(label)
                .delete_source_bundle(with_bundle)
                .send()
        },
    )
    .await
    .map(|_| ())
}
