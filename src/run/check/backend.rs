//! The application and its environments: there, Ready, healthy; and the bucket for bundles.

use std::path::Path;

use anyhow::Context as _;
use aws_sdk_elasticbeanstalk::Client;

use crate::aws::backend::api::Api;
use crate::aws::backend::bundle::own_region;
use crate::aws::backend::convert;
use crate::aws::backend::plan::check_label;
use crate::aws::backend::version::storage_bucket;
use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::bucket::Bucket;
use crate::aws::{Aws, Caller};
use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::version_table::VersionChoice;
use crate::core::bundle::Bundle;
use crate::core::iam::arn::BeanstalkArns;
use crate::core::iam::calls::{DESCRIBE_APPLICATIONS, DESCRIBE_ENVIRONMENTS};
use crate::core::inputs::{BackendInputs, WhenBusy};
use crate::core::report::check::{CheckStatus, Finding};
use crate::run::package;

pub(crate) async fn check_backend(aws: &Aws, backend: &BackendInputs, caller: &Caller, temp: &Path) -> Vec<Finding> {
    let client = Client::new(&aws.control_plane_config());
    let place = BeanstalkClient {
        client,
        api: Api::new(aws, &backend.application, None),
        arns: BeanstalkArns::new(
            aws.partition(),
            aws.sdk.region().map_or("*", |region| region.as_ref()),
            &caller.account,
        ),
    };
    let application = place.application(&backend.application).await;
    if application.status == CheckStatus::Problem {
        return vec![application];
    }
    let mut findings = vec![application];
    if !backend.environments.is_empty() {
        findings.extend(place.environments(backend).await);
    }
    let bundle = match bundle(backend, temp).await {
        Ok(bundle) => bundle,
        Err(error) => {
            findings.push(Finding::failed("package", &error, CheckStatus::Problem));
            return findings;
        }
    };
    findings.extend(bundle.as_ref().map(package));
    findings.push(version(aws, backend, bundle.as_ref()).await);
    if bundle.is_some() {
        findings.push(bundle_bucket(aws, backend, caller).await);
    }
    findings.push(Finding::new(
        "deployments",
        CheckStatus::NotChecked,
        "only a deployment shows whether versions may be created and environments updated; the policy below and AWS's managed policy allow it",
    ));
    findings
}

struct BeanstalkClient {
    client: Client,
    arns: BeanstalkArns,
    /// As a deploy reads.
    api: Api,
}

impl BeanstalkClient {
    async fn application(&self, name: &str) -> Finding {
        let what = format!("application `{name}`");
        let answer = self
            .client
            .describe_applications()
            .application_names(name)
            .send()
            .await
            .aws_context(&DESCRIBE_APPLICATIONS, &self.arns.application(name), || {
                "cannot look it up".to_owned()
            });
        match answer {
            Ok(answer) if answer.applications().is_empty() => {
                Finding::new(what, CheckStatus::Problem, "does not exist in this region")
                    .hint("check `application-name` and `aws-region`: aws elasticbeanstalk describe-applications")
            }
            Ok(_) => Finding::new(what, CheckStatus::Ok, "exists"),
            Err(error) => Finding::failed(what, &error, CheckStatus::Problem),
        }
    }

    async fn environments(&self, backend: &BackendInputs) -> Vec<Finding> {
        let answer = self
            .client
            .describe_environments()
            .application_name(&backend.application)
            .set_environment_names(Some(backend.environments.clone()))
            .include_deleted(false)
            .send()
            .await
            .aws_context(
                &DESCRIBE_ENVIRONMENTS,
                &self.arns.environment(&backend.application, "*"),
                || "cannot look them up".to_owned(),
            );
        let found = match answer {
            Ok(answer) => answer
                .environments
                .unwrap_or_default()
                .into_iter()
                .map(convert::environment),
            Err(error) => return vec![Finding::failed("environments", &error, CheckStatus::Problem)],
        };
        let mut found: Vec<EnvironmentState> = found.collect();
        let mut findings = Vec::new();
        for name in &backend.environments {
            let environment = found.iter_mut().find(|environment| environment.name == *name);
            findings.push(match environment {
                Some(environment) => {
                    self.api.look_for_idleness(environment).await;
                    judge(environment, backend)
                }
                None => missing(name, backend),
            });
        }
        findings
    }
}

/// Makes the bundle as a deploy would, on a thread of its own.
async fn bundle(backend: &BackendInputs, temp: &Path) -> anyhow::Result<Option<Bundle>> {
    let Some(package) = backend.package.clone() else {
        return Ok(None);
    };
    let temp = temp.to_owned();
    let made = tokio::task::spawn_blocking(move || package::make(&package, &temp)).await;
    made.context("internal error: the bundling task was aborted")?.map(Some)
}

fn package(bundle: &Bundle) -> Finding {
    match bundle.warnings.as_slice() {
        [] => Finding::new("package", CheckStatus::Ok, bundle.summary()),
        warnings => Finding::new("package", CheckStatus::Warning, warnings.join("; ")),
    }
}

/// What a deploy would make of the label.
async fn version(aws: &Aws, backend: &BackendInputs, bundle: Option<&Bundle>) -> Finding {
    let what = format!("version `{}`", backend.version_label);
    match check_label(aws, backend, bundle).await {
        Ok(VersionChoice::Create { replace: false }) => {
            Finding::new(what, CheckStatus::Ok, "does not exist yet, and would be created")
        }
        Ok(VersionChoice::Create { replace: true }) => Finding::new(
            what,
            CheckStatus::Ok,
            "could not be processed, and would be created again",
        ),
        Ok(VersionChoice::SameBundle) => Finding::new(what, CheckStatus::Ok, "exists with the same bundle"),
        Ok(_) => Finding::new(what, CheckStatus::Ok, "exists"),
        Err(error) => Finding::failed(what, &error, CheckStatus::Problem),
    }
}

fn missing(name: &str, backend: &BackendInputs) -> Finding {
    let seen = format!("does not exist in application `{}` in this region", backend.application);
    Finding::new(format!("environment `{name}`"), CheckStatus::Problem, seen)
        .hint("check `environment-name` and `aws-region`: aws elasticbeanstalk describe-environments")
}

/// Whether an environment can take an update now.
fn judge(environment: &EnvironmentState, backend: &BackendInputs) -> Finding {
    let EnvironmentState {
        name, status, health, ..
    } = environment;
    let what = format!("environment `{name}`");
    let version = match &environment.label {
        Some(label) => format!("version `{label}`"),
        None => "no version".to_owned(),
    };
    let seen = format!("is {status} and {health}, runs {version}");
    if environment.is_gone() {
        return Finding::new(what, CheckStatus::Problem, seen)
            .hint("create the environment again: it is being terminated");
    }
    if !environment.is_ready() {
        return match backend.when_busy {
            WhenBusy::Fail => Finding::new(what, CheckStatus::Problem, seen)
                .hint("wait until it is Ready, or set `when-busy: wait`: `when-busy: fail` stops a deploy now"),
            WhenBusy::Wait | WhenBusy::Abort => Finding::new(what, CheckStatus::Warning, seen)
                .hint("a deploy would first deal with the running update, as `when-busy` says"),
        };
    }
    if let Some(idle) = environment.idle_note(&backend.accepted_health) {
        return Finding::new(what, CheckStatus::Ok, format!("{seen}; it is {idle}"));
    }
    if environment.is_healthy(&backend.accepted_health) {
        Finding::new(what, CheckStatus::Ok, seen)
    } else {
        Finding::new(what, CheckStatus::Warning, seen)
            .hint("look why: a deploy counts as failed unless the environment is healthy after it (`accepted-health`)")
    }
}

async fn bundle_bucket(aws: &Aws, backend: &BackendInputs, caller: &Caller) -> Finding {
    let region = aws.sdk.region().map_or("", |region| region.as_ref());
    let prefix = format!("{}/", backend.application);
    let Some(name) = &backend.package_bucket else {
        let name = storage_bucket(region, &caller.account);
        return match own_region(aws, &name, &prefix).check_not_taken().await {
            Ok(()) => Finding::new(
                "bundle bucket",
                CheckStatus::NotChecked,
                format!("Elastic Beanstalk's own, `{name}`; it is created when it is missing"),
            ),
            Err(error) => Finding::failed(format!("bundle bucket `{name}`"), &error, CheckStatus::Problem),
        };
    };
    let what = format!("bundle bucket `{name}`");
    match Bucket::open(&aws.without_endpoint(), name, &prefix).await {
        Ok(bucket) if bucket.region != region => Finding::new(
            what,
            CheckStatus::Problem,
            format!(
                "is in `{}`; Elastic Beanstalk in `{region}` takes bundles from its own region only",
                bucket.region
            ),
        )
        .hint("name a bucket in `aws-region`, or omit `package-bucket`"),
        Ok(_) => Finding::new(what, CheckStatus::Ok, format!("exists, in `{region}`")),
        Err(error) => Finding::failed(what, &error, CheckStatus::Problem),
    }
}
