//! What is there, and what a deployment would change: reads only.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::aws::backend::bundle::{check_bundle_exists, digest, has_bundle};
use crate::aws::backend::compare::UpdateCheck;
use crate::aws::backend::convert::version_state;
use crate::aws::backend::version;
use crate::console::Console;
use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::plan::{BackendPlan, UpdateStep, VersionStep};
use crate::core::backend::targets::{check_deployable, find_environments, missing_application, missing_environments};
use crate::core::backend::version_table::{
    LabelOrigin, VersionChoice, VersionState, check_same_bundle, choose_version, missing_version, unusable_version,
};
use crate::core::bundle::Bundle;
use crate::core::bundle::key::key;
use crate::core::inputs::BackendInputs;
use crate::core::report;

/// How many of the newest versions an error lists.
const NAMED_VERSIONS: usize = 5;

/// Looks at application, environments and versions, and decides what to do; `under_way` is the version with the same bundle
/// that an interrupted run has begun to deploy: its update is waited for, and no other version is made of the bundle.
///
/// # Errors
/// Something that the inputs name does not exist, is in a state in which a deployment cannot work, or belongs to
/// something else; with the names that exist.
pub(crate) async fn plan_backend(
    aws: &Aws,
    backend: &BackendInputs,
    bundle: Option<&Bundle>,
    under_way: Option<&str>,
    console: &Console,
) -> anyhow::Result<BackendPlan> {
    let api = Api::new(aws, &backend.application, None);
    if let Some(bundle) = bundle {
        console.line(&bundle.summary());
    }
    let wanted = environments(&api, backend).await?;
    let mut backend = Cow::Borrowed(backend);
    if let (Some(bundle), Some(label)) = (bundle, under_way)
        && wanted.iter().any(|environment| !environment.is_ready())
        && let Some(version) = found_versions(&api, vec![label.to_owned()]).await?.get(label)
        && has_bundle(aws, version, bundle).await
    {
        console.line(&format!(
            "version `{label}` has the same bundle, and its update may still be under way: it is taken up"
        ));
        label.clone_into(&mut backend.to_mut().version_label);
    }
    let backend = &*backend;
    let versions = versions(&api, backend, &wanted).await?;
    let existing = versions.get(&backend.version_label);
    let version = plan_version(aws, &api, backend, bundle, existing).await?;
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
    let bundle = bundle.map(|bundle| report::BundleReport {
        files: bundle.files,
        bytes: bundle.bytes,
        sha256: bundle.sha256.clone(),
    });
    let plan = BackendPlan::new(&backend.application, &backend.version_label, version, plans, bundle);
    Ok(plan.waiting_for(&versions))
}

/// The environments that the inputs name, in their order.
///
/// # Errors
/// The application or an environment does not exist.
pub(crate) async fn running(aws: &Aws, backend: &BackendInputs) -> anyhow::Result<Vec<EnvironmentState>> {
    environments(&Api::new(aws, &backend.application, None), backend).await
}

/// The plan that takes environments back to versions that exist: pairs of environment and label.
///
/// # Errors
/// An environment or version that does not exist.
pub(crate) async fn plan_existing(
    aws: &Aws,
    backend: &BackendInputs,
    targets: &[(String, String)],
) -> anyhow::Result<BackendPlan> {
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
        let choice = choose_version(found.get(label).map(|version| version.status), false, true);
        check_usable(&api, label, choice, LabelOrigin::Rollback).await?;
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
        let plan = check.environment(environment).await?;
        if let (UpdateStep::Update { .. }, Some(version)) = (&plan.step, found.get(label)) {
            check_bundle_exists(aws, version).await?;
        }
        plans.push(plan);
    }
    let label = labels.first().map_or("", String::as_str);
    let plan = BackendPlan::new(&backend.application, label, VersionStep::Existing, plans, None);
    Ok(plan.waiting_for(&found))
}

/// Whether a version of the inputs' label exists, and has not failed in processing.
///
/// # Errors
/// The versions cannot be read.
pub(crate) async fn is_usable(aws: &Aws, backend: &BackendInputs) -> anyhow::Result<bool> {
    let api = Api::new(aws, &backend.application, None);
    let found = found_versions(&api, vec![backend.version_label.clone()]).await?;
    let choice = choose_version(found.values().next().map(|version| version.status), false, true);
    Ok(choice == VersionChoice::Existing)
}

/// Those of `labels` that the application has versions of.
///
/// # Errors
/// The versions cannot be read.
pub(crate) async fn existing_labels(
    aws: &Aws,
    backend: &BackendInputs,
    labels: Vec<String>,
) -> anyhow::Result<BTreeSet<String>> {
    if labels.is_empty() {
        return Ok(BTreeSet::new());
    }
    let api = Api::new(aws, &backend.application, None);
    Ok(found_versions(&api, labels).await?.into_keys().collect())
}

/// The environments that the inputs name, in their order.
async fn environments(api: &Api, backend: &BackendInputs) -> anyhow::Result<Vec<EnvironmentState>> {
    let existing = async {
        // A version that is deployed nowhere needs no permission to look at environments.
        if backend.environments.is_empty() {
            return Ok(Vec::new());
        }
        api.environments().await
    };
    let (applications, existing) = futures_util::try_join!(api.applications(), existing)?;
    if !applications.contains(&api.application) {
        return Err(missing_application(&api.application, &applications));
    }
    let mut wanted = match find_environments(&backend.environments, &existing) {
        Ok(wanted) => wanted,
        Err(missing) => {
            let elsewhere = api.environments_anywhere(missing.clone()).await.unwrap_or_default();
            return Err(missing_environments(&api.application, &missing, &existing, &elsewhere));
        }
    };
    for environment in &mut wanted {
        check_deployable(environment, backend.when_busy)?;
        api.look_for_idleness(environment).await;
    }
    Ok(wanted)
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
    let found = api.versions(&labels).await?.into_iter().map(version_state);
    Ok(found.map(|version| (version.label.clone(), version)).collect())
}

/// How the version of the inputs' label comes to be.
async fn plan_version(
    aws: &Aws,
    api: &Api,
    backend: &BackendInputs,
    bundle: Option<&Bundle>,
    existing: Option<&VersionState>,
) -> anyhow::Result<VersionStep> {
    let label = &backend.version_label;
    let choice = choose_label(aws, api, label, bundle, existing, backend.use_existing_version).await?;
    let (VersionChoice::Create { replace }, Some(bundle)) = (choice, bundle) else {
        return Ok(VersionStep::Existing);
    };
    let bucket = match &backend.package_bucket {
        Some(bucket) => {
            version::check_bucket(aws, bucket, &backend.application).await?;
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

/// What to do about a label, with the bundle of its version read where that decides.
///
/// # Errors
/// The label cannot be deployed.
async fn choose_label(
    aws: &Aws,
    api: &Api,
    label: &str,
    bundle: Option<&Bundle>,
    existing: Option<&VersionState>,
    use_existing: bool,
) -> anyhow::Result<VersionChoice> {
    let choice = choose_version(existing.map(|version| version.status), bundle.is_some(), use_existing);
    check_usable(api, label, choice, LabelOrigin::Inputs).await?;
    if let (VersionChoice::SameBundle, Some(bundle), Some(version)) = (choice, bundle, existing) {
        check_same_bundle(label, &digest(aws, version).await?, &bundle.sha256)?;
    }
    Ok(choice)
}

/// Refuses a version that is not there, or could not be processed.
async fn check_usable(api: &Api, label: &str, choice: VersionChoice, origin: LabelOrigin) -> anyhow::Result<()> {
    match choice {
        VersionChoice::Missing => {
            let newest = newest_labels(api).await;
            Err(missing_version(label, &api.application, &newest, origin))
        }
        VersionChoice::Unusable => Err(unusable_version(label, origin)),
        VersionChoice::Create { .. } | VersionChoice::Existing | VersionChoice::SameBundle => Ok(()),
    }
}

/// What a deploy would do about the label of the inputs: for `check`.
///
/// # Errors
/// The error that a deploy would end with.
pub(crate) async fn check_label(
    aws: &Aws,
    backend: &BackendInputs,
    bundle: Option<&Bundle>,
) -> anyhow::Result<VersionChoice> {
    let api = Api::new(aws, &backend.application, None);
    let label = &backend.version_label;
    let found = found_versions(&api, vec![label.clone()]).await?;
    choose_label(aws, &api, label, bundle, found.get(label), backend.use_existing_version).await
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
    let mut versions: Vec<VersionState> = versions.into_iter().map(version_state).collect();
    versions.sort_by_key(|version| std::cmp::Reverse(version.created));
    let labels = versions.into_iter().map(|version| version.label);
    labels.take(NAMED_VERSIONS).collect()
}
