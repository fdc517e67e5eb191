//! Whether an update of an environment would change anything.

use std::collections::BTreeMap;

use aws_sdk_elasticbeanstalk::types::{ConfigurationOptionSetting, EnvironmentDescription};

use crate::aws::Aws;
use crate::aws::backend::api::{Api, EventsOf};
use crate::aws::backend::version;
use crate::core::backend::plan::{EnvironmentPlan, UpdateStep, is_accepted};
use crate::core::backend::version_table::VersionState;
use crate::core::bundle::Bundle;
use crate::core::inputs::{BackendInputs, OptionSetting};

/// One look at an environment.
pub(crate) struct UpdateCheck<'l> {
    pub(crate) aws: &'l Aws,
    pub(crate) api: &'l Api,
    pub(crate) backend: &'l BackendInputs,
    /// The bundle that will be deployed; `None` when an existing version is.
    pub(crate) bundle: Option<&'l Bundle>,
    pub(crate) versions: &'l BTreeMap<String, VersionState>,
}

impl UpdateCheck<'_> {
    /// What to do with `environment`.
    pub(crate) async fn environment(&self, environment: &EnvironmentDescription) -> anyhow::Result<EnvironmentPlan> {
        let step = match self.reason_to_update(environment).await? {
            Some(reason) => UpdateStep::Update { reason },
            None => UpdateStep::Nothing {
                reason: "it runs already, and all is well".to_owned(),
            },
        };
        Ok(EnvironmentPlan {
            name: environment.environment_name.clone().unwrap_or_default(),
            label: self.backend.version_label.clone(),
            previous_label: environment.version_label.clone(),
            status: status(environment),
            health: health(environment),
            url: url(environment),
            step,
        })
    }

    /// Why the environment has to be updated; `None` when an update would change nothing.
    async fn reason_to_update(&self, environment: &EnvironmentDescription) -> anyhow::Result<Option<String>> {
        let name = environment.environment_name().unwrap_or_default();
        let Some(running) = environment.version_label() else {
            return Ok(Some("nothing runs there yet".to_owned()));
        };
        if !self.is_same(running).await {
            let what = if self.bundle.is_some() {
                "new bundle"
            } else {
                "another version"
            };
            return Ok(Some(what.to_owned()));
        }
        if self.backend.force {
            return Ok(Some("`force` is set".to_owned()));
        }
        let state = status(environment);
        if state != "Ready" {
            return Ok(Some(format!("the environment is {state}")));
        }
        let colour = health(environment);
        if !is_accepted(&self.backend.accepted_health, &colour) {
            return Ok(Some(format!("its health is {colour}")));
        }
        if !self.backend.option_settings.is_empty() {
            let settings = self.api.settings(name).await?;
            if let Some(setting) = differing(&self.backend.option_settings, &settings).first() {
                return Ok(Some(format!("the option `{}` differs", setting.option_name)));
            }
        }
        match self.api.instances(name).await? {
            Some(instances) => {
                let elsewhere = instances.iter().find(|instance| {
                    let deployed = instance.deployment().and_then(|deployment| deployment.version_label());
                    deployed.is_some_and(|label| label != running)
                });
                Ok(elsewhere
                    .map(|instance| format!("`{}` runs another version", instance.instance_id().unwrap_or_default())))
            }
            None => Ok(self
                .last_update_failed(name)
                .await?
                .then(|| "its last update failed".to_owned())),
        }
    }

    async fn is_same(&self, running: &str) -> bool {
        match self.bundle {
            None => running == self.backend.version_label,
            Some(bundle) => match self.versions.get(running) {
                Some(version) => version::has_bundle(self.aws, version, bundle).await,
                None => false,
            },
        }
    }

    /// With basic health, events alone tell that instances may run something else than the label says: "some
    /// instances may have deployed the new application version".
    async fn last_update_failed(&self, environment: &str) -> anyhow::Result<bool> {
        let newest_first = self
            .api
            .events(EventsOf::Environment(environment), None, Some(100))
            .await?;
        Ok(newest_first
            .iter()
            .take_while(|event| event.message() != Some("Environment update is starting."))
            .any(|event| {
                event
                    .severity()
                    .is_some_and(|severity| matches!(severity.as_str(), "ERROR" | "FATAL"))
            }))
    }
}

/// The settings that the environment does not have yet, or has with another value.
pub(crate) fn differing<'s>(
    wanted: &'s [OptionSetting],
    current: &[ConfigurationOptionSetting],
) -> Vec<&'s OptionSetting> {
    let is_there = |wanted: &OptionSetting| {
        current.iter().any(|one| {
            one.namespace.as_ref() == Some(&wanted.namespace)
                && one.option_name.as_ref() == Some(&wanted.option_name)
                && (wanted.resource_name.is_none() || one.resource_name == wanted.resource_name)
                && one.value.as_ref() == Some(&wanted.value)
        })
    };
    wanted.iter().filter(|one| !is_there(one)).collect()
}

pub(crate) fn status(environment: &EnvironmentDescription) -> String {
    environment.status().map_or("", |status| status.as_str()).to_owned()
}

pub(crate) fn health(environment: &EnvironmentDescription) -> String {
    environment.health().map_or("Grey", |health| health.as_str()).to_owned()
}

/// `http://` and the CNAME. A worker has none that answers.
pub(crate) fn url(environment: &EnvironmentDescription) -> Option<String> {
    let is_worker = environment.tier().and_then(|tier| tier.name()) == Some("Worker");
    let cname = environment.cname().filter(|cname| !cname.is_empty())?;
    (!is_worker).then(|| format!("http://{cname}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_settings_with_another_value_differ() {
        let wanted = |value: &str| OptionSetting {
            namespace: "aws:elasticbeanstalk:application:environment".to_owned(),
            option_name: "MODE".to_owned(),
            value: value.to_owned(),
            resource_name: None,
        };
        let current = [ConfigurationOptionSetting::builder()
            .namespace("aws:elasticbeanstalk:application:environment")
            .option_name("MODE")
            .value("prod")
            .build()];
        assert!(differing(&[wanted("prod")], &current).is_empty());
        assert_eq!(differing(&[wanted("test")], &current).len(), 1);
        assert_eq!(differing(&[wanted("prod")], &[]).len(), 1);
    }

    #[test]
    fn a_worker_has_no_url() {
        let tier = |name: &str| {
            aws_sdk_elasticbeanstalk::types::EnvironmentTier::builder()
                .name(name)
                .build()
        };
        let environment = |name: &str| EnvironmentDescription::builder().cname("a.b").tier(tier(name)).build();
        assert_eq!(url(&environment("WebServer")).as_deref(), Some("http://a.b"));
        assert_eq!(url(&environment("Worker")), None);
    }
}
