//! Application versions: the bundle's place, its upload, creating and processing.

use crate::aws::s3::put::put_file;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use aws_sdk_elasticbeanstalk::types::{ApplicationVersionDescription, S3Location};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::aws::Aws;
use crate::aws::backend::api::{Api, EventsOf};
use crate::aws::backend::retry::message_contains;
use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::bucket::Bucket;
use crate::console::Console;
use crate::core::backend::backoff::Backoff;
use crate::core::bundle::Bundle;
use crate::core::error::{HintExt as _, code};
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

/// `UNPROCESSED`, `PROCESSING`, `PROCESSED`, `FAILED`, `BUILDING`: in capitals, as the service sends it, though its
/// model writes it otherwise.
pub(crate) fn status(version: &ApplicationVersionDescription) -> String {
    version
        .status
        .as_ref()
        .map_or("", |status| status.as_str())
        .to_ascii_uppercase()
}

/// The SHA-256 that was stored with a version's bundle; `None` when another tool made it, or it cannot be seen.
pub(crate) async fn stored_digest(aws: &Aws, version: &ApplicationVersionDescription) -> Option<String> {
    let (bucket, key) = place(aws, version)?;
    let head = bucket.client.head_object().bucket(&bucket.name).key(&key).send().await;
    head.ok()?.metadata?.remove(DIGEST)
}

/// The SHA-256 of a version's bundle, read whole when it was not stored with it.
///
/// # Errors
/// The bundle is gone, or may not be read.
pub(crate) async fn digest(aws: &Aws, version: &ApplicationVersionDescription) -> anyhow::Result<String> {
    if let Some(digest) = stored_digest(aws, version).await {
        return Ok(digest);
    }
    let label = version.version_label.as_deref().unwrap_or_default();
    let cannot = || format!("cannot compare with the bundle of version `{label}`, which exists already");
    let hint = "deploy it as it is with `use_existing_version_if_available: true`, or take another `version-label`";
    let (bucket, key) = place(aws, version)
        .ok_or_else(|| anyhow!("it was not made from a bundle in S3"))
        .with_context(cannot)
        .hint(hint)?;
    let answer = bucket.client.get_object().bucket(&bucket.name).key(&key).send().await;
    let mut body = answer
        .aws_context(&calls::GET_OBJECT, &bucket.object_arn(&key), cannot)
        .map_err(|error| {
            if code(&error) == Some("AccessDenied") {
                error
            } else {
                error.hint(hint)
            }
        })?
        .body;
    let mut hasher = Sha256::new();
    while let Some(bytes) = body.try_next().await.with_context(cannot)? {
        hasher.update(&bytes);
    }
    Ok(hex(&hasher.finalize()))
}

fn place(aws: &Aws, version: &ApplicationVersionDescription) -> Option<(Bucket, String)> {
    let source = version.source_bundle.as_ref()?;
    Some((own_region(aws, source.s3_bucket.as_ref()?), source.s3_key.clone()?))
}

fn own_region(aws: &Aws, bucket: &str) -> Bucket {
    let region = aws.sdk.region().map_or("us-east-1", |region| region.as_ref());
    Bucket::in_region(&without_endpoint(aws), bucket, region)
}

/// `endpoint-url` is for the site's store; Beanstalk reads bundles from S3 itself.
fn without_endpoint(aws: &Aws) -> Aws {
    Aws {
        s3_endpoint: None,
        ..aws.clone()
    }
}

/// Checks that `package-bucket` is there and in the region of the application: Beanstalk reads no other.
///
/// # Errors
/// It is not there, or in another region.
pub(crate) async fn check_bucket(aws: &Aws, name: &str) -> anyhow::Result<()> {
    let region = aws.sdk.region().map_or("us-east-1", |region| region.as_ref());
    let bucket = Bucket::open(&without_endpoint(aws), name)
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
        "set `package-bucket` to a bucket in {region}, or leave it away to use the one that Elastic Beanstalk keeps"
    ))
}

/// A version to create.
pub(crate) struct NewVersion<'o> {
    pub(crate) label: &'o str,
    pub(crate) description: Option<&'o str>,
    pub(crate) bucket: Option<&'o str>,
    pub(crate) key: &'o str,
    pub(crate) replace: bool,
    pub(crate) timeout: Duration,
    pub(crate) poll_interval: Option<Duration>,
}

/// Uploads `bundle` and creates the version, until it is processed; `created` says whether it came to be, also when
/// something fails later.
///
/// # Errors
/// Any step that fails, with what to change.
pub(crate) async fn create(
    aws: &Aws,
    api: &Api,
    order: &NewVersion<'_>,
    bundle: &Bundle,
    stop: &CancellationToken,
    console: &Console,
    created: &mut bool,
) -> anyhow::Result<()> {
    let bucket = match order.bucket {
        Some(bucket) => bucket.to_owned(),
        None => create_storage_location(api).await?,
    };
    let bucket = own_region(aws, &bucket);
    upload(&bucket, order.key, bundle, stop, console).await?;
    if order.replace {
        delete(api, order.label, false).await?;
    }
    create_version(api, order, &bucket.name).await?;
    *created = true;
    processed(api, order).await?;
    console.line(&format!("version `{}` is ready", order.label));
    Ok(())
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

async fn upload(
    bucket: &Bucket,
    key: &str,
    bundle: &Bundle,
    stop: &CancellationToken,
    console: &Console,
) -> anyhow::Result<()> {
    // What a run that failed left behind need not be sent again.
    let head = bucket.client.head_object().bucket(&bucket.name).key(key).send().await;
    let there = head.ok().is_some_and(|head| {
        head.metadata().and_then(|all| all.get(DIGEST)) == Some(&bundle.sha256)
            && head.content_length() == i64::try_from(bundle.bytes).ok()
    });
    if there {
        console.line(&format!("bundle is there already: s3://{}/{key}", bucket.name));
        return Ok(());
    }
    put_file(bucket, key, &bundle.path, &[(DIGEST, &bundle.sha256)], stop).await?;
    console.line(&format!("uploaded the bundle to s3://{}/{key}", bucket.name));
    Ok(())
}

async fn create_version(api: &Api, order: &NewVersion<'_>, bucket: &str) -> anyhow::Result<()> {
    let label = order.label;
    let source = S3Location::builder().s3_bucket(bucket).s3_key(order.key).build();
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
                    .set_description(order.description.map(ToOwned::to_owned))
                    .source_bundle(source.clone())
                    .process(true)
                    .send()
            },
        )
        .await;
    let Err(error) = created else { return Ok(()) };
    if message_contains(&error, "already exists") {
        // The answer to our own request may have been lost on the way; then it is there with our bundle.
        let ours = api.versions(&[label.to_owned()]).await?.into_iter().any(|version| {
            version.source_bundle.is_some_and(|source| {
                source.s3_bucket.as_deref() == Some(bucket) && source.s3_key.as_deref() == Some(order.key)
            })
        });
        return if ours {
            Ok(())
        } else {
            Err(error.hint("another run has just taken this label: run this one again, or use `{timestamp}` in it"))
        };
    }
    Err(if message_contains(&error, "The bucket is in this region") {
        error.hint("set `package-bucket` to a bucket in the region of the application, or leave it away")
    } else {
        error
    })
}

/// Waits until Beanstalk has checked the bundle's configuration files.
async fn processed(api: &Api, order: &NewVersion<'_>) -> anyhow::Result<()> {
    let label = order.label;
    let began = Instant::now();
    let mut pace = Backoff::new(label, order.poll_interval.or(Some(Duration::from_millis(700))));
    loop {
        let version = api.versions(&[label.to_owned()]).await?.pop();
        // A read may be older than the version.
        match version.as_ref().map(status).as_deref() {
            None | Some("PROCESSING" | "BUILDING") => {}
            Some("FAILED") => return Err(explain_failure(api, label).await),
            Some(_) => return Ok(()),
        }
        if began.elapsed() > order.timeout {
            return Err(anyhow!(
                "cannot go on: Elastic Beanstalk still processes version `{label}` after {} s",
                order.timeout.as_secs()
            )
            .hint("run this step again: the version is taken up where it is"));
        }
        api.sleep(pace.pause(api.throttled())).await?;
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
        .filter(|event| {
            event
                .severity
                .as_ref()
                .is_some_and(|severity| matches!(severity.as_str(), "ERROR" | "FATAL"))
        })
        .filter_map(|event| event.message)
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
