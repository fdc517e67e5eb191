//! What is there, and what a deployment would change: reads only.

use std::collections::BTreeMap;

use anyhow::anyhow;

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::aws::backend::compare::UpdateCheck;
use crate::aws::backend::version;
use crate::console::Console;
use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::plan::{BackendPlan, UpdateStep, VersionStep, names};
use crate::core::backend::version_table::{
    VersionChoice, VersionState, VersionStatus, check_same_bundle, choose_version, missing_version, unusable_version,
};
use crate::core::bundle::Bundle;
use crate::core::bundle::key::key;
use crate::core::error::HintExt as _;
use crate::core::inputs::{BackendInputs, WhenBusy};
use crate::core::report;

/// How many of the names that exist an error lists.
const NAMED: usize = 20;
/// How many of the newest versions it lists.
const NAMED_VERSIONS: usize = 5;

/// Looks at application, environments and versions, and decides what to do.
///
/// # Errors
/// Something that the inputs name does not exist, is in a state in which a deployment cannot work, or belongs to
/// something else; with the names that exist.
pub(crate) async fn plan_backend(
    aws: &Aws,
    backend: &BackendInputs,
    bundle: Option<&Bundle>,
    console: &Console,
) -> anyhow::Result<BackendPlan> {
    let api = Api::new(aws, &backend.application, None);
    if let Some(bundle) = bundle {
        console.line(&bundle.summary());
    }
    let wanted = environments(&api, backend).await?;
    let versions = versions(&api, backend, &wanted).await?;
    let existing = versions.get(&backend.version_label);
    let mut version = plan_version(aws, &api, backend, bundle, existing).await?;
    if bundle.is_some() && backend.use_existing_version && version == VersionStep::Existing {
        console.line(&format!(
            "version `{}` exists and is deployed as it is; `package` is not used",
            backend.version_label
        ));
    }
    let deploys_bundle = bundle.filter(|_| !(existing.is_some() && backend.use_existing_version));
    let mut plans = Vec::new();
    for environment in &wanted {
        let check = UpdateCheck {
            aws,
            api: &api,
            backend,
            bundle: deploys_bundle,
            versions: &versions,
        };
        plans.push(check.environment(environment).await?);
    }
    let mut version_label = backend.version_label.clone();
    let nothing = plans.iter().all(|plan| matches!(plan.step, UpdateStep::Nothing));
    if nothing && let Some(running) = plans.first().and_then(|plan| plan.previous_label.clone()) {
        // The bundle runs already, under this label: no other one is made for it.
        version = VersionStep::Existing;
        version_label = running;
    }
    Ok(BackendPlan {
        application: backend.application.clone(),
        processing: match &version {
            VersionStep::Existing => processing(&versions, [&version_label]),
            VersionStep::Create { .. } => Vec::new(),
        },
        version_label,
        version,
        environments: plans,
        bundle: bundle.map(|bundle| report::BundleReport {
            files: bundle.files,
            bytes: bundle.bytes,
            sha256: bundle.sha256.clone(),
        }),
    })
}

/// The environments that the inputs name, with the label that each runs now.
///
/// # Errors
/// The application or an environment does not exist.
pub(crate) async fn running(aws: &Aws, backend: &BackendInputs) -> anyhow::Result<Vec<(String, Option<String>)>> {
    let api = Api::new(aws, &backend.application, None);
    let found = environments(&api, backend).await?;
    let pairs = backend.environments.iter().cloned().zip(found);
    Ok(pairs.map(|(name, environment)| (name, environment.label)).collect())
}

impl BackendPlan {
    /// The plan that takes environments back to versions that exist: pairs of environment and label.
    ///
    /// # Errors
    /// An environment or version that does not exist.
    pub(crate) async fn existing(
        aws: &Aws,
        backend: &BackendInputs,
        targets: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let api = Api::new(aws, &backend.application, None);
        let backend = BackendInputs {
            environments: targets.iter().map(|(environment, _)| environment.clone()).collect(),
            option_settings: Vec::new(),
            ..backend.clone()
        };
        let wanted = environments(&api, &backend).await?;
        let labels: Vec<String> = targets.iter().map(|(_, label)| label.clone()).collect();
        let found = found_versions(&api, labels.clone()).await?;
        for label in &labels {
            check_existing(&api, label, found.get(label)).await?;
        }
        let mut plans = Vec::new();
        for (environment, label) in wanted.iter().zip(&labels) {
            let backend = BackendInputs {
                version_label: label.clone(),
                ..backend.clone()
            };
            let check = UpdateCheck {
                aws,
                api: &api,
                backend: &backend,
                bundle: None,
                versions: &found,
            };
            plans.push(check.environment(environment).await?);
        }
        Ok(Self {
            application: backend.application.clone(),
            version_label: labels.first().cloned().unwrap_or_default(),
            version: VersionStep::Existing,
            processing: processing(&found, &labels),
            environments: plans,
            bundle: None,
        })
    }
}

/// The environments that the inputs name, in their order.
async fn environments(api: &Api, backend: &BackendInputs) -> anyhow::Result<Vec<EnvironmentState>> {
    let (applications, all) = futures_util::try_join!(api.applications(), api.environments())?;
    if !applications.contains(&api.application) {
        let known = if applications.is_empty() {
            "there is none in this region".to_owned()
        } else {
            format!("there are {}", listed(&applications))
        };
        return Err(anyhow!("cannot find the application `{}`: {known}", api.application)
            .hint("correct `application-name`, or `aws-region`: applications belong to a region"));
    }
    let mut wanted = Vec::new();
    let mut missing = Vec::new();
    for name in &backend.environments {
        match all.iter().find(|environment| environment.name == *name) {
            Some(environment) => wanted.push(environment.clone()),
            None => missing.push(name.clone()),
        }
    }
    if !missing.is_empty() {
        return Err(unknown_environments(api, &missing, &all).await);
    }
    for environment in &wanted {
        let EnvironmentState { name, status, .. } = environment;
        if environment.is_gone() {
            return Err(anyhow!("cannot deploy to `{name}`: the environment is {status}")
                .hint("create it again, or name another in `environment-name`"));
        }
        if !environment.is_ready() && backend.when_busy == WhenBusy::Fail {
            return Err(
                anyhow!("cannot deploy to `{name}`: the environment is {status}, and `when-busy` is `fail`")
                    .hint("run this step again when it is Ready, or set `when-busy` to `wait` or `abort`"),
            );
        }
    }
    Ok(wanted)
}

async fn unknown_environments(api: &Api, missing: &[String], all: &[EnvironmentState]) -> anyhow::Error {
    let elsewhere = api.environments_anywhere(missing.to_vec()).await.unwrap_or_default();
    let mut notes = Vec::new();
    for name in missing {
        for environment in elsewhere.iter().filter(|environment| environment.name == *name) {
            let application = &environment.application;
            let is_terminated = environment.status == "Terminated";
            if *application != api.application && !is_terminated {
                notes.push(format!("`{name}` belongs to the application `{application}`"));
            } else if is_terminated {
                notes.push(format!("`{name}` was terminated"));
            }
        }
    }
    let existing: Vec<String> = all.iter().map(|environment| environment.name.clone()).collect();
    notes.push(if existing.is_empty() {
        format!("`{}` has no environments", api.application)
    } else {
        format!("`{}` has {}", api.application, listed(&existing))
    });
    let what = if missing.len() == 1 {
        "environment"
    } else {
        "environments"
    };
    anyhow!(
        "cannot find the {what} {} in `{}`: {}",
        names(missing.iter().map(String::as_str)),
        api.application,
        notes.join("; ")
    )
    .hint("correct `environment-name`, or `aws-region`: environments belong to a region")
}

fn listed(all: &[String]) -> String {
    let mut list = names(all.iter().take(NAMED).map(String::as_str));
    if all.len() > NAMED {
        list.push_str(&format!(" and {} more", all.len() - NAMED));
    }
    list
}

/// The version of the inputs and those that run, by label, as far as they exist.
async fn versions(
    api: &Api,
    backend: &BackendInputs,
    wanted: &[EnvironmentState],
) -> anyhow::Result<BTreeMap<String, VersionState>> {
    let mut labels = vec![backend.version_label.clone()];
    labels.extend(wanted.iter().filter_map(|environment| environment.label.clone()));
    labels.sort();
    labels.dedup();
    found_versions(api, labels).await
}

async fn found_versions(api: &Api, labels: Vec<String>) -> anyhow::Result<BTreeMap<String, VersionState>> {
    let found = api.versions(&labels).await?.into_iter().map(version::version_state);
    Ok(found.map(|version| (version.label.clone(), version)).collect())
}

/// Those of `labels` whose versions Elastic Beanstalk still processes.
fn processing<'l>(
    versions: &BTreeMap<String, VersionState>,
    labels: impl IntoIterator<Item = &'l String>,
) -> Vec<String> {
    let is_processing = |label: &&String| {
        let version = versions.get(label.as_str());
        version.is_some_and(|version| version.status == VersionStatus::Processing)
    };
    let mut labels: Vec<String> = labels.into_iter().filter(is_processing).cloned().collect();
    labels.sort();
    labels.dedup();
    labels
}

/// How the version of the inputs' label comes to be.
///
/// # Errors
/// The label cannot be used, or the bucket for the bundle cannot.
pub(crate) async fn plan_version(
    aws: &Aws,
    api: &Api,
    backend: &BackendInputs,
    bundle: Option<&Bundle>,
    existing: Option<&VersionState>,
) -> anyhow::Result<VersionStep> {
    let label = &backend.version_label;
    let status = existing.map(|version| version.status);
    match (
        choose_version(status, bundle.is_some(), backend.use_existing_version),
        bundle,
        existing,
    ) {
        (VersionChoice::SameBundle, Some(bundle), Some(version)) => {
            check_same_bundle(label, &version::digest(aws, version).await?, &bundle.sha256)?;
            Ok(VersionStep::Existing)
        }
        (VersionChoice::Create { replace }, Some(bundle), _) => {
            let bucket = match &backend.package_bucket {
                Some(bucket) => {
                    version::check_bucket(aws, bucket).await?;
                    Some(bucket.clone())
                }
                None => storage_bucket(aws).await,
            };
            Ok(VersionStep::Create {
                bucket,
                key: key(&backend.application, label, &bundle.extension),
                replace,
            })
        }
        _ => {
            check_existing(api, label, existing).await?;
            Ok(VersionStep::Existing)
        }
    }
}

/// Checks that a version which is not made from a package can be deployed.
async fn check_existing(api: &Api, label: &str, version: Option<&VersionState>) -> anyhow::Result<()> {
    match choose_version(version.map(|version| version.status), false, false) {
        VersionChoice::Missing => Err(missing_version(label, &api.application, &newest_labels(api).await)),
        VersionChoice::Unusable => Err(unusable_version(label)),
        _ => Ok(()),
    }
}

/// What CreateStorageLocation will answer, without sending it: it is a write.
async fn storage_bucket(aws: &Aws) -> Option<String> {
    let region = aws.sdk.region()?.to_string();
    let caller = aws.caller().await.ok()?;
    Some(version::storage_bucket(&region, &caller.account))
}

/// The labels of the newest versions, for an error; none when they cannot be listed.
async fn newest_labels(api: &Api) -> Vec<String> {
    let versions = api.versions(&[]).await.unwrap_or_default();
    let mut versions: Vec<VersionState> = versions.into_iter().map(version::version_state).collect();
    versions.sort_by_key(|version| std::cmp::Reverse(version.created));
    let labels = versions.into_iter().map(|version| version.label);
    labels.take(NAMED_VERSIONS).collect()
}
