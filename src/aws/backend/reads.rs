//! What is read of Elastic Beanstalk: whole lists, in types of our own.

use aws_sdk_elasticbeanstalk::types::{
    ApplicationVersionDescription, EnvironmentHealthAttribute, InstancesHealthAttribute,
};
use chrono::{DateTime, Utc};

use crate::aws::backend::api::Api;
use crate::aws::backend::convert;
use crate::core::backend::environment::{EnvironmentState, InstanceState};
use crate::core::backend::events::EnvironmentEvent;
use crate::core::backend::version_table::BundleLocation;
use crate::core::error::service_error;
use crate::core::iam::calls;
use crate::core::inputs::OptionSetting;
use crate::core::paging::Pages;
use crate::core::retry::ErrorClass;

/// Whose events.
#[derive(Debug, Clone, Copy)]
pub(crate) enum EventsOf<'n> {
    Environment(&'n str),
    Version(&'n str),
}

impl Api {
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
        let mut found = self
            .describe_environments(Some(vec![name.to_owned()]), true)
            .await?
            .pop();
        if let Some(environment) = &mut found {
            self.look_for_idleness(environment).await;
        }
        Ok(found)
    }

    /// Reads why `environment` is Grey, where it may be for want of requests. Causes that cannot be read are none.
    pub(crate) async fn look_for_idleness(&self, environment: &mut EnvironmentState) {
        if environment.may_be_idle() {
            environment.causes = self.causes(&environment.name).await.unwrap_or_default();
        }
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
        let (mut token, mut pages) = (None::<String>, Pages::default());
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
            token = pages.next(answer.next_token, "the environments")?;
            if token.is_none() {
                return Ok(found);
            }
        }
    }

    /// The versions of these labels that exist; all of the application when there are no labels.
    pub(crate) async fn versions(&self, labels: &[String]) -> anyhow::Result<Vec<ApplicationVersionDescription>> {
        self.describe_versions(Some(&self.application), labels).await
    }

    /// Where the bundles of other applications' versions are; none of those that the role may not see.
    pub(crate) async fn bundles_of_others(&self) -> anyhow::Result<Vec<BundleLocation>> {
        let all = match self.describe_versions(None, &[]).await {
            Err(error) if is_refusal(&error) => return Ok(Vec::new()),
            all => all?,
        };
        let others = all
            .into_iter()
            .filter(|version| version.application_name.as_ref() != Some(&self.application));
        Ok(others
            .filter_map(|version| convert::version_state(version).bundle)
            .collect())
    }

    async fn describe_versions(
        &self,
        application: Option<&str>,
        labels: &[String],
    ) -> anyhow::Result<Vec<ApplicationVersionDescription>> {
        let mut found = Vec::new();
        let (mut token, mut pages) = (None::<String>, Pages::default());
        let resource = self.version_arn("*");
        loop {
            let doing = || format!("cannot look at the versions of `{}`", self.application);
            let (answer, _) = self
                .send(&calls::DESCRIBE_APPLICATION_VERSIONS, &resource, doing, || {
                    self.client
                        .describe_application_versions()
                        .set_application_name(application.map(ToOwned::to_owned))
                        .set_version_labels((!labels.is_empty()).then(|| labels.to_vec()))
                        .max_records(1000)
                        .set_next_token(token.clone())
                        .send()
                })
                .await?;
            found.extend(answer.application_versions.unwrap_or_default());
            token = pages.next(answer.next_token, "the application versions")?;
            if token.is_none() {
                return Ok(found);
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
        let (mut token, mut pages) = (None::<String>, Pages::default());
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
            token = pages.next(answer.next_token, "the events")?;
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

    /// The causes of an environment's health.
    pub(crate) async fn causes(&self, environment: &str) -> anyhow::Result<Vec<String>> {
        let doing = || format!("cannot read the health of `{environment}`");
        let (answer, _) = self
            .send(
                &calls::DESCRIBE_ENVIRONMENT_HEALTH,
                &self.environment_arn(environment),
                doing,
                || {
                    self.client
                        .describe_environment_health()
                        .environment_name(environment)
                        .attribute_names(EnvironmentHealthAttribute::All)
                        .send()
                },
            )
            .await?;
        Ok(answer.causes.unwrap_or_default())
    }

    /// What enhanced health knows of each instance; `None` when it does not tell: with basic health, in a Cluster
    /// environment, for a role that may not see it.
    pub(crate) async fn instances(&self, environment: &str) -> anyhow::Result<Option<Vec<InstanceState>>> {
        let mut found = Vec::new();
        let (mut token, mut pages) = (None::<String>, Pages::default());
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
                // Whatever is refused here, a deployment goes on without.
                Err(error) if is_refusal(&error) => return Ok(None),
                Err(error) => return Err(error),
            };
            found.extend(
                answer
                    .instance_health_list
                    .unwrap_or_default()
                    .into_iter()
                    .map(convert::instance),
            );
            token = pages.next(answer.next_token, "the instances")?;
            if token.is_none() {
                return Ok(Some(found));
            }
        }
    }
}

/// Whether AWS answered, and will answer the same again.
fn is_refusal(error: &anyhow::Error) -> bool {
    service_error(error).is_some_and(|service| {
        service.status.is_some_and(|status| (400..500).contains(&status))
            && ErrorClass::of(service) == ErrorClass::Final
    })
}
