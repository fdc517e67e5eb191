//! Whether an update of an environment would change anything: asks as far as the answer needs.

use std::collections::BTreeMap;

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::aws::backend::bundle::has_bundle;
use crate::aws::backend::reads::EventsOf;
use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::events::{is_removing_old_instances, last_update_failed};
use crate::core::backend::plan::{EnvironmentPlan, UpdateStep};
use crate::core::backend::reason::{UpdateFacts, UpdateReason, event_reason, instance_reason, option_reason};
use crate::core::backend::version_table::VersionState;
use crate::core::bundle::Bundle;
use crate::core::inputs::BackendInputs;

/// What an environment is compared with.
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
    pub(crate) async fn environment(&self, environment: &EnvironmentState) -> anyhow::Result<EnvironmentPlan> {
        let step = match self.reason_to_update(environment).await? {
            Some(reason) => UpdateStep::Update { reason },
            None => UpdateStep::Nothing,
        };
        Ok(EnvironmentPlan {
            name: environment.name.clone(),
            label: self.backend.version_label.clone(),
            previous_label: environment.label.clone(),
            status: environment.status.clone(),
            health: environment.health.clone(),
            is_healthy: environment.is_healthy(&self.backend.accepted_health),
            idle_note: environment.idle_note(&self.backend.accepted_health),
            url: environment.url.clone(),
            step,
        })
    }

    async fn reason_to_update(&self, environment: &EnvironmentState) -> anyhow::Result<Option<UpdateReason>> {
        let is_same = match &environment.label {
            Some(running) => self.is_same(running).await,
            None => false,
        };
        reason_to_update(self.api, self.backend, environment, is_same, self.bundle.is_some()).await
    }

    async fn is_same(&self, running: &str) -> bool {
        match self.bundle {
            None => running == self.backend.version_label,
            Some(bundle) => match self.versions.get(running) {
                Some(version) => has_bundle(self.aws, version, bundle).await,
                None => false,
            },
        }
    }
}

/// Why the environment has to be updated, `None` when an update would change nothing; `is_same`: it runs what is to be
/// deployed, which is a bundle when `has_bundle`.
pub(crate) async fn reason_to_update(
    api: &Api,
    backend: &BackendInputs,
    environment: &EnvironmentState,
    is_same: bool,
    has_bundle: bool,
) -> anyhow::Result<Option<UpdateReason>> {
    let Some(running) = &environment.label else {
        return Ok(Some(UpdateReason::Empty));
    };
    let facts = UpdateFacts {
        environment,
        is_same,
        has_bundle,
        force: backend.force,
        accepted_health: &backend.accepted_health,
    };
    if let Some(reason) = facts.reason() {
        return Ok(Some(reason));
    }
    let name = &environment.name;
    if !backend.option_settings.is_empty()
        && let Some(reason) = option_reason(&backend.option_settings, &api.settings(name).await?)
    {
        return Ok(Some(reason));
    }
    let last_events = || api.events(EventsOf::Environment(name), None, Some(100));
    let (instances, events) = (api.instances(name).await?, last_events().await?);
    let straggler = instances.and_then(|instances| instance_reason(&instances, running));
    Ok(straggler
        .filter(|_| !is_removing_old_instances(&events))
        .or_else(|| event_reason(&events)))
}

/// Whether the last update of each of `environments` went well, by its events.
///
/// # Errors
/// The events cannot be read.
pub(crate) async fn went_well(aws: &Aws, backend: &BackendInputs, environments: &[&str]) -> anyhow::Result<bool> {
    let api = Api::new(aws, &backend.application, None);
    for name in environments {
        let events = api.events(EventsOf::Environment(name), None, Some(100)).await?;
        if last_update_failed(&events) {
            return Ok(false);
        }
    }
    Ok(true)
}
