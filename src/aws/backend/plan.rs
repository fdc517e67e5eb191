//! What is there, and what a deployment would change: reads only.

use std::collections::BTreeMap;

use anyhow::anyhow;
use aws_sdk_elasticbeanstalk::types::{ApplicationVersionDescription, EnvironmentDescription};

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::aws::backend::compare::{UpdateCheck, status};
use crate::aws::backend::version;
use crate::console::Console;
use crate::core::backend::plan::{BackendPlan, UpdateStep, VersionStep, names};
use crate::core::bundle::Bundle;
use crate::core::bundle::key::key;
use crate::core::error::HintExt as _;
use crate::core::inputs::{BackendInputs, WhenBusy};
use crate::core::report;

/// How many of the names that exist an error lists.
const NAMED: usize = 20;

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
    let mut version = version_step(aws, backend, bundle, existing, console).await?;
    let deploys_bundle = bundle.filter(|_| !(existing.is_some() && backend.use_existing_version));
    let mut plans = Vec::new();
    for environment in &wanted {
        let plan_backend = UpdateCheck {
            aws,
            api: &api,
            backend,
            bundle: deploys_bundle,
            versions: &versions,
        };
        plans.push(plan_backend.environment(environment).await?);
    }
    let mut version_label = backend.version_label.clone();
    let nothing = plans.iter().all(|plan| matches!(plan.step, UpdateStep::Nothing { .. }));
    if nothing && let Some(running) = plans.first().and_then(|plan| plan.previous_label.clone()) {
        // The bundle runs already, under this label: no other one is made for it.
        version = VersionStep::Existing;
        version_label = running;
    }
    Ok(BackendPlan {
        application: backend.application.clone(),
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
    Ok(pairs
        .map(|(name, environment)| (name, environment.version_label))
        .collect())
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
            match found.get(label) {
                Some(version) if version::status(version) == "FAILED" => return Err(unusable(label)),
                Some(_) => {}
                None => return Err(no_version(&api, label).await),
            }
        }
        let mut plans = Vec::new();
        for (environment, label) in wanted.iter().zip(&labels) {
            let backend = BackendInputs {
                version_label: label.clone(),
                ..backend.clone()
            };
            let plan_backend = UpdateCheck {
                aws,
                api: &api,
                backend: &backend,
                bundle: None,
                versions: &found,
            };
            plans.push(plan_backend.environment(environment).await?);
        }
        Ok(Self {
            application: backend.application.clone(),
            version_label: labels.first().cloned().unwrap_or_default(),
            version: VersionStep::Existing,
            environments: plans,
            bundle: None,
        })
    }
}

/// The environments that the inputs name, in their order.
async fn environments(api: &Api, backend: &BackendInputs) -> anyhow::Result<Vec<EnvironmentDescription>> {
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
        match all.iter().find(|one| one.environment_name.as_ref() == Some(name)) {
            Some(environment) => wanted.push(environment.clone()),
            None => missing.push(name.clone()),
        }
    }
    if !missing.is_empty() {
        return Err(unknown_environments(api, &missing, &all).await);
    }
    for environment in &wanted {
        let name = environment.environment_name().unwrap_or_default();
        let status = status(environment);
        if status == "Terminating" || status == "Terminated" {
            return Err(anyhow!("cannot deploy to `{name}`: the environment is {status}")
                .hint("create it again, or name another in `environment-name`"));
        }
        if status != "Ready" && backend.when_busy == WhenBusy::Fail {
            return Err(
                anyhow!("cannot deploy to `{name}`: the environment is {status}, and `when-busy` is `fail`")
                    .hint("run this step again when it is Ready, or set `when-busy` to `wait` or `abort`"),
            );
        }
    }
    Ok(wanted)
}

async fn unknown_environments(api: &Api, missing: &[String], all: &[EnvironmentDescription]) -> anyhow::Error {
    let elsewhere = api.environments_anywhere(missing.to_vec()).await.unwrap_or_default();
    let mut notes = Vec::new();
    for name in missing {
        let same_name = elsewhere
            .iter()
            .filter(|one| one.environment_name.as_ref() == Some(name));
        for environment in same_name {
            let application = environment.application_name().unwrap_or_default();
            let state = status(environment);
            if application != api.application && state != "Terminated" {
                notes.push(format!("`{name}` belongs to the application `{application}`"));
            } else if state == "Terminated" {
                notes.push(format!("`{name}` was terminated"));
            }
        }
    }
    let existing: Vec<String> = all.iter().filter_map(|one| one.environment_name.clone()).collect();
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
    wanted: &[EnvironmentDescription],
) -> anyhow::Result<BTreeMap<String, ApplicationVersionDescription>> {
    let mut labels = vec![backend.version_label.clone()];
    labels.extend(
        wanted
            .iter()
            .filter_map(|environment| environment.version_label.clone()),
    );
    labels.sort();
    labels.dedup();
    found_versions(api, labels).await
}

async fn found_versions(
    api: &Api,
    labels: Vec<String>,
) -> anyhow::Result<BTreeMap<String, ApplicationVersionDescription>> {
    let found = api.versions(&labels).await?;
    Ok(found
        .into_iter()
        .filter_map(|version| Some((version.version_label.clone()?, version)))
        .collect())
}

async fn version_step(
    aws: &Aws,
    backend: &BackendInputs,
    bundle: Option<&Bundle>,
    existing: Option<&ApplicationVersionDescription>,
    console: &Console,
) -> anyhow::Result<VersionStep> {
    let label = &backend.version_label;
    let api = Api::new(aws, &backend.application, None);
    let failed = existing.is_some_and(|version| version::status(version) == "FAILED");
    match (bundle, existing) {
        (None, None) => Err(no_version(&api, label).await),
        (None, Some(_)) if failed => Err(unusable(label)),
        (None, Some(_)) => Ok(VersionStep::Existing),
        (Some(_), Some(_)) if !failed && backend.use_existing_version => {
            console.line(&format!(
                "version `{label}` exists and is deployed as it is; `package` is not used"
            ));
            Ok(VersionStep::Existing)
        }
        (Some(bundle), Some(version)) if !failed => {
            let theirs = version::digest(aws, version).await?;
            if theirs == bundle.sha256 {
                return Ok(VersionStep::Existing);
            }
            Err(anyhow!(
                "cannot create version `{label}`: it exists already with another bundle (SHA-256 {theirs}; this one has \
                 {})",
                bundle.sha256
            )
            .hint(
                "take another `version-label` (`{timestamp}` or `{short-sha}` in it), or deploy the existing version with \
                 `use_existing_version_if_available: true`",
            ))
        }
        (Some(bundle), _) => {
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
                replace: failed,
            })
        }
    }
}

/// What CreateStorageLocation will answer, without sending it: it is a write.
async fn storage_bucket(aws: &Aws) -> Option<String> {
    let region = aws.sdk.region()?.to_string();
    let caller = aws.caller().await.ok()?;
    Some(version::storage_bucket(&region, &caller.account))
}

async fn no_version(api: &Api, label: &str) -> anyhow::Error {
    let newest: Vec<String> = match api.versions(&[]).await {
        Ok(mut all) => {
            all.sort_by_key(|version| std::cmp::Reverse(version.date_created));
            all.into_iter()
                .filter_map(|version| version.version_label)
                .take(5)
                .collect()
        }
        Err(_) => Vec::new(),
    };
    let known = if newest.is_empty() {
        "it has no versions".to_owned()
    } else {
        format!("the newest are {}", listed(&newest))
    };
    anyhow!("cannot find version `{label}` of `{}`: {known}", api.application)
        .hint("correct `version-label`, or set `package` to create the version")
}

fn unusable(label: &str) -> anyhow::Error {
    anyhow!("cannot deploy version `{label}`: Elastic Beanstalk could not process its bundle")
        .hint("set `package` to create the version again, or take another `version-label`")
}
