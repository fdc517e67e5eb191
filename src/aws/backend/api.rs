//! Requests to Elastic Beanstalk: patient when throttled, with errors for people.
//!
//! The SDK's own retries are off: its budget for them is spent quickly when many deployments of an account run at
//! once ("Rate exceeded", <https://github.com/einaregilsson/beanstalk-deploy/issues/16>), and a write that is sent
//! twice must be known as such.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_sdk_elasticbeanstalk::Client;
use aws_sdk_elasticbeanstalk::config::Builder;
use aws_sdk_elasticbeanstalk::types::{ApplicationVersionDescription, InstancesHealthAttribute};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use chrono::{DateTime, Utc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::aws::Aws;
use crate::aws::backend::convert;
use crate::aws::error::{AwsContextExt as _, service_error};
use crate::core::backend::backoff::with_jitter;
use crate::core::backend::environment::{EnvironmentState, InstanceState};
use crate::core::backend::events::EnvironmentEvent;
use crate::core::error::{Cancelled, code};
use crate::core::iam::calls::{self, Call};
use crate::core::inputs::OptionSetting;
use crate::core::retry::ErrorClass;

/// How long one request may be throttled before the run gives up.
const THROTTLE_TIMEOUT: Duration = Duration::from_secs(300);
/// How often a request is sent again that got no answer, or a server error.
const MAX_ATTEMPTS: u32 = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(300);
const MAX_PAUSE: Duration = Duration::from_secs(20);

/// How long a write may go on when the run is to stop; the runner gives us 7.5 s.
const LAST_WRITE: Duration = Duration::from_secs(3);

/// The client, for one application.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) client: Client,
    pub(crate) application: String,
    /// `arn:aws:elasticbeanstalk:REGION:ACCOUNT`.
    arn: String,
    stop: Option<CancellationToken>,
    throttled: Arc<AtomicU32>,
}

impl Api {
    pub(crate) fn new(aws: &Aws, application: &str, stop: Option<&CancellationToken>) -> Self {
        let config = Builder::from(&aws.control_plane_config())
            .retry_config(RetryConfig::disabled())
            .build();
        let region = aws.sdk.region().map_or("*", |region| region.as_ref());
        let account = aws.account.as_deref().unwrap_or("*");
        Self {
            client: Client::from_conf(config),
            application: application.to_owned(),
            arn: format!("arn:{}:elasticbeanstalk:{region}:{account}", aws.partition()),
            stop: stop.cloned(),
            throttled: Arc::default(),
        }
    }

    /// How many answers of all requests so far said that there are too many requests.
    pub(crate) fn throttled(&self) -> u32 {
        self.throttled.load(Ordering::Relaxed)
    }

    pub(crate) fn application_arn(&self) -> String {
        format!("{}:application/{}", self.arn, self.application)
    }

    pub(crate) fn version_arn(&self, label: &str) -> String {
        format!("{}:applicationversion/{}/{label}", self.arn, self.application)
    }

    pub(crate) fn environment_arn(&self, environment: &str) -> String {
        format!("{}:environment/{}/{environment}", self.arn, self.application)
    }

    /// Sends a request until it is answered; answers too how often it was sent.
    ///
    /// # Errors
    /// What Beanstalk says; [`Cancelled`] when the run is to stop.
    pub(crate) async fn send<T, E, F, Sent>(
        &self,
        call: &'static Call,
        resource: &(dyn Display + Sync),
        doing: impl FnOnce() -> String,
        request: F,
    ) -> anyhow::Result<(T, u32)>
    where
        F: Fn() -> Sent,
        Sent: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut failures = 0;
        for tries in 1.. {
            let answer = match &self.stop {
                Some(stop) if stop.is_cancelled() => return Err(Cancelled.into()),
                Some(stop) => tokio::select! {
                    answer = request() => answer,
                    () = cut(stop, call) => return Err(Cancelled.into()),
                },
                None => request().await,
            };
            let error = match answer {
                Ok(answer) => return Ok((answer, tries)),
                Err(error) => error,
            };
            let again = match ErrorClass::of(&service_error(call, &error)) {
                ErrorClass::Throttled => {
                    self.throttled.fetch_add(1, Ordering::Relaxed);
                    began.elapsed() < THROTTLE_TIMEOUT
                }
                ErrorClass::Transient => {
                    failures += 1;
                    failures < MAX_ATTEMPTS
                }
                ErrorClass::Final => false,
            };
            if !again {
                return Err(error)
                    .aws_context(call, resource, doing)
                    .map(|answer: T| (answer, tries));
            }
            self.sleep(with_jitter(pause, tries, call.operation)).await?;
            pause = (pause * 2).min(MAX_PAUSE);
        }
        unreachable!("the tries are not counted to an end")
    }

    /// Sleeps, unless the run is to stop.
    pub(crate) async fn sleep(&self, duration: Duration) -> Result<(), Cancelled> {
        match &self.stop {
            Some(stop) => crate::cancel::sleep(stop, duration).await,
            None => {
                tokio::time::sleep(duration).await;
                Ok(())
            }
        }
    }

    /// The names of the applications of this region: only this one when it is there, else all.
    pub(crate) async fn applications(&self) -> anyhow::Result<Vec<String>> {
        let ask = async |name: Option<&str>| {
            let doing = || "cannot look for the application".to_owned();
            let (answer, _) = self
                .send(&calls::DESCRIBE_APPLICATIONS, &self.application_arn(), doing, || {
                    let names = name.map(|name| vec![name.to_owned()]);
                    self.client.describe_applications().set_application_names(names).send()
                })
                .await?;
            let found = answer.applications.unwrap_or_default();
            anyhow::Ok(
                found
                    .into_iter()
                    .filter_map(|application| application.application_name)
                    .collect::<Vec<_>>(),
            )
        };
        let found = ask(Some(&self.application)).await?;
        if found.is_empty() { ask(None).await } else { Ok(found) }
    }

    /// The environments of the application, but for those that are terminated.
    pub(crate) async fn environments(&self) -> anyhow::Result<Vec<EnvironmentState>> {
        self.describe_environments(None, true).await
    }

    /// The environment of that name, in this application.
    pub(crate) async fn environment(&self, name: &str) -> anyhow::Result<Option<EnvironmentState>> {
        Ok(self
            .describe_environments(Some(vec![name.to_owned()]), true)
            .await?
            .pop())
    }

    /// The environments of these names in all applications, those too that were terminated within the last hour.
    pub(crate) async fn environments_anywhere(&self, names: Vec<String>) -> anyhow::Result<Vec<EnvironmentState>> {
        self.describe_environments(Some(names), false).await
    }

    async fn describe_environments(
        &self,
        names: Option<Vec<String>>,
        live_and_ours: bool,
    ) -> anyhow::Result<Vec<EnvironmentState>> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let doing = || "cannot look at the environments".to_owned();
            let (answer, _) = self
                .send(&calls::DESCRIBE_ENVIRONMENTS, &self.environment_arn("*"), doing, || {
                    self.client
                        .describe_environments()
                        .set_application_name(live_and_ours.then(|| self.application.clone()))
                        .set_environment_names(names.clone())
                        .include_deleted(!live_and_ours)
                        .set_next_token(token.clone())
                        .send()
                })
                .await?;
            found.extend(
                answer
                    .environments
                    .unwrap_or_default()
                    .into_iter()
                    .map(convert::environment),
            );
            token = answer.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// The versions of these labels that exist; all of the application when there are no labels.
    pub(crate) async fn versions(&self, labels: &[String]) -> anyhow::Result<Vec<ApplicationVersionDescription>> {
        let mut all = Vec::new();
        let mut token: Option<String> = None;
        let resource = self.version_arn("*");
        loop {
            let doing = || format!("cannot look at the versions of `{}`", self.application);
            let (answer, _) = self
                .send(&calls::DESCRIBE_APPLICATION_VERSIONS, &resource, doing, || {
                    self.client
                        .describe_application_versions()
                        .application_name(&self.application)
                        .set_version_labels((!labels.is_empty()).then(|| labels.to_vec()))
                        .max_records(1000)
                        .set_next_token(token.clone())
                        .send()
                })
                .await?;
            all.extend(answer.application_versions.unwrap_or_default());
            token = answer.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(all);
            }
        }
    }

    /// Events of an environment (or, without one, of a version), from `start` on, newest first: all pages, or one of
    /// `limit` events.
    pub(crate) async fn events(
        &self,
        of: EventsOf<'_>,
        start: Option<DateTime<Utc>>,
        limit: Option<i32>,
    ) -> anyhow::Result<Vec<EnvironmentEvent>> {
        let (environment, version) = match of {
            EventsOf::Environment(name) => (Some(name.to_owned()), None),
            EventsOf::Version(label) => (None, Some(label.to_owned())),
        };
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let doing = || "cannot read the events".to_owned();
            let (answer, _) = self
                .send(&calls::DESCRIBE_EVENTS, &self.application_arn(), doing, || {
                    self.client
                        .describe_events()
                        .application_name(&self.application)
                        .set_environment_name(environment.clone())
                        .set_version_label(version.clone())
                        .set_start_time(start.map(convert::to_sdk_time))
                        .max_records(limit.unwrap_or(100))
                        .set_next_token(token.clone())
                        .send()
                })
                .await?;
            found.extend(answer.events.unwrap_or_default().into_iter().filter_map(convert::event));
            token = answer.next_token.filter(|token| !token.is_empty());
            if token.is_none() || limit.is_some() {
                return Ok(found);
            }
        }
    }

    /// The option settings of an environment.
    pub(crate) async fn settings(&self, environment: &str) -> anyhow::Result<Vec<OptionSetting>> {
        let doing = || format!("cannot read the option settings of `{environment}`");
        let (answer, _) = self
            .send(
                &calls::DESCRIBE_CONFIGURATION_SETTINGS,
                &self.environment_arn(environment),
                doing,
                || {
                    self.client
                        .describe_configuration_settings()
                        .application_name(&self.application)
                        .environment_name(environment)
                        .send()
                },
            )
            .await?;
        let described = answer.configuration_settings.unwrap_or_default();
        Ok(described
            .into_iter()
            .filter_map(|described| described.option_settings)
            .flatten()
            .filter_map(convert::setting)
            .collect())
    }

    /// What enhanced health knows of each instance; `None` with basic health, which knows nothing of them, and for a
    /// role that may not see it.
    pub(crate) async fn instances(&self, environment: &str) -> anyhow::Result<Option<Vec<InstanceState>>> {
        let mut found = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let doing = || format!("cannot read the health of the instances of `{environment}`");
            let answer = self
                .send(
                    &calls::DESCRIBE_INSTANCES_HEALTH,
                    &self.environment_arn(environment),
                    doing,
                    || {
                        self.client
                            .describe_instances_health()
                            .environment_name(environment)
                            .attribute_names(InstancesHealthAttribute::All)
                            .set_next_token(token.clone())
                            .send()
                    },
                )
                .await;
            let answer = match answer {
                Ok((answer, _)) => answer,
                Err(error) if code(&error) == Some("InvalidRequestException") => return Ok(None),
                // A role that may deploy but not see instances deploys all the same.
                Err(error) if code(&error) == Some("AccessDenied") => return Ok(None),
                Err(error) => return Err(error),
            };
            found.extend(
                answer
                    .instance_health_list
                    .unwrap_or_default()
                    .into_iter()
                    .map(convert::instance),
            );
            token = answer.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(Some(found));
            }
        }
    }
}

/// Ends a request when the run is to stop: reads at once, writes after a moment, so that it is known whether they
/// took effect.
async fn cut(stop: &CancellationToken, call: &Call) {
    stop.cancelled().await;
    if !call.operation.starts_with("Describe") {
        tokio::time::sleep(LAST_WRITE).await;
    }
}

/// Whose events.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EventsOf<'n> {
    Environment(&'n str),
    Version(&'n str),
}
