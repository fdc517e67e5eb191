//! Application versions: the bundle's place, creating, processing, deleting.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use aws_sdk_elasticbeanstalk::types::S3Location;
use tokio::time::Instant;

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::aws::backend::bundle::{is_ours, own_region, upload};
use crate::aws::backend::convert::version_state;
use crate::aws::backend::reads::EventsOf;
use crate::aws::s3::bucket::Bucket;
use crate::console::Console;
use crate::core::backend::backoff::Backoff;
use crate::core::backend::events::EnvironmentEvent;
use crate::core::backend::retention::may_delete_bundle;
use crate::core::backend::version_table::{BundleLocation, VersionState, VersionStatus};
use crate::core::bundle::Bundle;
use crate::core::error::{HintExt as _, code, message_contains};
use crate::core::heartbeat::Heartbeat;
use crate::core::iam::calls;
use tokio_util::sync::CancellationToken;

/// The bucket that Beanstalk keeps for a region
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.S3.html>).
pub(crate) fn storage_bucket(region: &str, account: &str) -> String {
    format!("elasticbeanstalk-{region}-{account}")
}

/// Checks that `package-bucket` is there and in the region of the application: Beanstalk reads no other.
///
/// # Errors
/// It is not there, or in another region.
pub(crate) async fn check_bucket(aws: &Aws, name: &str, application: &str) -> anyhow::Result<()> {
    let region = aws.sdk.region().map_or("us-east-1", |region| region.as_ref());
    let bucket = Bucket::open(&aws.without_endpoint(), name, &format!("{application}/"))
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

/// What creating a version needs besides.
#[derive(Clone, Copy)]
pub(crate) struct CreateRun<'r> {
    pub(crate) stop: &'r CancellationToken,
    pub(crate) console: &'r Console,
    /// `deployment-timeout`.
    pub(crate) timeout: Duration,
}

/// Uploads `bundle` and creates the version; [`processed`] tells when it can be used. Answers the deadline of all that
/// comes after the upload, `timeout` later.
///
/// # Errors
/// Any step that fails, with what to change.
pub(crate) async fn create(
    aws: &Aws,
    api: &Api,
    version: &NewVersion<'_>,
    bundle: &Bundle,
    run: CreateRun<'_>,
) -> anyhow::Result<Instant> {
    let CreateRun { stop, console, timeout } = run;
    let bucket = match version.bucket {
        Some(bucket) => bucket.to_owned(),
        None => create_storage_location(&api.until(Instant::now() + timeout)).await?,
    };
    let bucket = own_region(aws, &bucket, &format!("{}/", api.application));
    let size = crate::core::report::human_bytes(bundle.bytes);
    let activity = console.activity(format!("uploading the bundle ({size})"));
    let key = match upload(&bucket, version.key, bundle, stop, console).await {
        Ok(key) => key,
        Err(error) => return Err(bucket.explain_refusal(error).await),
    };
    drop(activity);
    let location = BundleLocation {
        key,
        bucket: bucket.name,
    };
    let deadline = Instant::now() + timeout;
    let api = &api.until(deadline);
    if version.replace {
        delete_failed(aws, api, version.label, &location, console).await?;
    }
    create_version(api, version, location).await?;
    Ok(deadline)
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
/// They cannot be used, or are not checked before `deadline`.
pub(crate) async fn processed(
    api: &Api,
    label: &str,
    deadline: Instant,
    poll_interval: Option<Duration>,
    console: &Console,
) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut heartbeat = Heartbeat::new(began.into_std(), Duration::from_secs(15));
    let api = &api.until(deadline);
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
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            let error = anyhow!(
                "cannot go on: Elastic Beanstalk still processes version `{label}` after {} s",
                began.elapsed().as_secs()
            );
            return Err(match api.throttling_hint() {
                Some(hint) => error.hint(hint),
                None => error.hint("run this step again: the version is taken up where it is"),
            });
        }
        let pause = backoff.pause(api.throttled());
        api.sleep(pause.min(left.max(Duration::from_millis(10)))).await?;
        if let Some(seconds) = heartbeat.beat(Instant::now().into_std()) {
            let left = deadline.saturating_duration_since(Instant::now()).as_secs();
            console.line(&format!(
                "version `{label}` is still being processed after {seconds} s, {left} s left"
            ));
        }
    }
}

/// Why Elastic Beanstalk could not process the bundle of version `label`, by its events.
pub(crate) async fn why_failed(api: &Api, label: &str) -> String {
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
    if errors.is_empty() {
        "Elastic Beanstalk does not say why".to_owned()
    } else {
        errors.join("; ")
    }
}

/// Deletes a version, and its bundle too when `with_bundle` says so.
///
/// # Errors
/// What Beanstalk says.
pub(crate) async fn delete(api: &Api, label: &str, with_bundle: bool) -> anyhow::Result<()> {
    let version = api.version_arn(label);
    let deleted = api.send(
        &calls::DELETE_APPLICATION_VERSION,
        &version,
        || format!("cannot delete version `{label}` of `{}`", api.application),
        || {
            api.client
                .delete_application_version()
                .application_name(&api.application)
                .version_label(label)
                .delete_source_bundle(with_bundle)
                .send()
        },
    );
    match deleted.await {
        Ok(_) => Ok(()),
        // An answer before this one was lost.
        Err(error) if code(&error) == Some("InvalidParameterValue") => {
            match api.versions(&[label.to_owned()]).await?.as_slice() {
                [] => Ok(()),
                _ => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

/// Deletes a version that could not be processed, and its bundle, unless that is not ours, is used by another version, or
/// is the one at `kept`.
async fn delete_failed(
    aws: &Aws,
    api: &Api,
    label: &str,
    kept: &BundleLocation,
    console: &Console,
) -> anyhow::Result<()> {
    let versions: Vec<VersionState> = api.versions(&[]).await?.into_iter().map(version_state).collect();
    let (failed, staying): (Vec<_>, Vec<_>) = versions.iter().partition(|version| version.label == label);
    let with_bundle = match failed.first() {
        Some(VersionState { bundle: Some(old), .. }) => {
            let others = api.bundles_of_others().await?;
            old != kept && may_delete_bundle(failed[0], &staying, &others) && is_ours(aws, old).await
        }
        _ => false,
    };
    match delete(api, label, with_bundle).await {
        // It is deleted before its bundle is.
        Err(error) if with_bundle => {
            console.line(&format!("the bundle of the failed version `{label}` stays: {error:#}"));
            if api.versions(&[label.to_owned()]).await?.is_empty() {
                return Ok(());
            }
            delete(api, label, false).await
        }
        deleted => deleted,
    }
}

async fn explain_failure(api: &Api, label: &str) -> anyhow::Error {
    anyhow!(
        "cannot use version `{label}`: Elastic Beanstalk could not process its bundle: {}",
        why_failed(api, label).await
    )
    .hint(
        "check `env.yaml` and the `*.config` files in `.ebextensions/`: they must be valid YAML or JSON; the label can \
         be used again",
    )
}
