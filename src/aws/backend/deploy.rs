//! Carries a plan out: version, all environments at once, verification, and back when it failed.

use anyhow::anyhow;
use futures_util::future::join_all;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::aws::backend::run::BackendRun;
use crate::aws::backend::undo::roll_back;
use crate::aws::backend::update::Settings;
use crate::aws::backend::verify::verify;
use crate::aws::backend::version::{self, NewVersion};
use crate::console::Console;
use crate::core::backend::messages::{EnvironmentFailure, join};
use crate::core::backend::outcome::{BackendOutcome, EnvironmentRun};
use crate::core::backend::plan::{BackendPlan, EnvironmentPlan, NOTHING_TO_DO, UpdateStep, VersionStep};
use crate::core::backend::reason::{differing, is_same_option};
use crate::core::bundle::pack::Bundle;
use crate::core::error::Cancelled;
use crate::core::inputs::{BackendInputs, OnFailure, OptionSetting};

/// Carries `plan` out.
pub(crate) async fn deploy(
    aws: &Aws,
    backend: &BackendInputs,
    plan: &BackendPlan,
    bundle: Option<&Bundle>,
    stop: &CancellationToken,
    console: &Console,
) -> BackendOutcome {
    let run = BackendRun {
        aws,
        backend,
        plan,
        stop,
        console,
        api: Api::new(aws, &plan.application, Some(stop)),
    };
    let mut outcome = BackendOutcome::default();
    if let Err(error) = run.execute(bundle, &mut outcome).await {
        if error.is::<Cancelled>() {
            outcome.cancelled = true;
            run.say_what_keeps_running(&outcome.environments);
        } else {
            outcome.error = Some(error);
        }
    }
    outcome
}

impl BackendRun<'_> {
    async fn execute(&self, bundle: Option<&Bundle>, outcome: &mut BackendOutcome) -> anyhow::Result<()> {
        outcome.version_created = self.create_version(bundle).await?;
        self.until_processed(outcome.version_created).await?;
        if self.plan.environments.is_empty() {
            let label = &self.plan.version_label;
            let state = if outcome.version_created {
                "was created"
            } else {
                "exists already"
            };
            self.console.line(&format!(
                "version `{label}` {state}, and nothing was deployed: `environment-name` is empty"
            ));
        }
        let previous = self.previous_settings().await?;
        let deadline = Instant::now() + self.backend.timeout;
        let updates = self
            .plan
            .environments
            .iter()
            .map(|plan| self.update_environment(plan, deadline));
        let (runs, results): (Vec<_>, Vec<_>) = join_all(updates).await.into_iter().unzip();
        outcome.environments = runs;
        let mut failed = Vec::new();
        for ((plan, run), result) in self
            .plan
            .environments
            .iter()
            .zip(&mut outcome.environments)
            .zip(results)
        {
            let Err(error) = result else { continue };
            if error.is::<Cancelled>() {
                return Err(error);
            }
            run.failure = Some(format!("{error:#}"));
            failed.push(EnvironmentFailure { plan, error });
        }
        if self.stop.is_cancelled() {
            return Err(Cancelled.into());
        }
        let mut error = join(failed, self.plan.environments.len());
        if error.is_none() {
            error = self.verify_url(&mut outcome.environments).await?;
        }
        match (error, self.backend.on_failure) {
            (None, _) => Ok(()),
            (Some(error), OnFailure::Rollback) => {
                let runs = std::mem::take(&mut outcome.environments);
                let (runs, result) = roll_back(self, error, &previous, runs).await;
                outcome.environments = runs;
                result
            }
            (Some(error), OnFailure::Keep) => Err(error),
        }
    }

    /// Whether a version was created; it is not processed yet.
    async fn create_version(&self, bundle: Option<&Bundle>) -> anyhow::Result<bool> {
        let VersionStep::Create { bucket, key, replace } = &self.plan.version else {
            return Ok(false);
        };
        let bundle = bundle.ok_or_else(|| anyhow!("cannot create a version without a bundle"))?;
        let version = NewVersion {
            label: &self.plan.version_label,
            description: self.backend.version_description.as_deref(),
            // Only the user's own: that of Beanstalk is made by asking for it.
            bucket: bucket.as_deref().filter(|_| self.backend.package_bucket.is_some()),
            key,
            replace: *replace,
        };
        version::create(self.aws, &self.api, &version, bundle, self.stop, self.console).await?;
        Ok(true)
    }

    /// Waits until all versions that are needed can be used.
    async fn until_processed(&self, created: bool) -> anyhow::Result<()> {
        let created = created.then_some(&self.plan.version_label);
        for label in self.plan.processing.iter().chain(created) {
            version::processed(&self.api, label, self.backend.timeout, self.backend.poll_interval).await?;
            self.console.line(&format!("version `{label}` is ready"));
        }
        Ok(())
    }

    /// What the options that are about to change say now, to put them back with the version.
    async fn previous_settings(&self) -> anyhow::Result<Vec<Settings>> {
        let wanted = &self.backend.option_settings;
        let is_needed = !wanted.is_empty() && self.backend.on_failure == OnFailure::Rollback;
        let mut previous = Vec::new();
        for plan in &self.plan.environments {
            let mut before = Settings::default();
            if is_needed && matches!(plan.step, UpdateStep::Update { .. }) {
                let current = self.api.settings(&plan.name).await?;
                for option in differing(wanted, &current) {
                    match current.iter().find(|setting| is_same_option(option, setting)) {
                        Some(setting) => before.set.push(OptionSetting {
                            value: setting.value.clone(),
                            ..option.clone()
                        }),
                        None => before.remove.push(option.clone()),
                    }
                }
            }
            previous.push(before);
        }
        Ok(previous)
    }

    /// What was done to an environment, and why it did not become what it should.
    async fn update_environment(
        &self,
        plan: &EnvironmentPlan,
        deadline: Instant,
    ) -> (EnvironmentRun, anyhow::Result<()>) {
        match plan.step {
            UpdateStep::Update { .. } => {}
            UpdateStep::Nothing => {
                self.console
                    .line(&format!("{}: nothing to do: {NOTHING_TO_DO}", plan.name));
                return (EnvironmentRun::default(), Ok(()));
            }
            UpdateStep::Unrecorded => return (EnvironmentRun::default(), Ok(())),
        }
        let settings = Settings {
            set: self.backend.option_settings.clone(),
            remove: Vec::new(),
        };
        let when_busy = self.backend.when_busy;
        self.update(plan, &plan.label, settings, when_busy, deadline).await
    }

    /// `verify-url`; what is wrong with the answer, which counts as a failed deployment.
    async fn verify_url(&self, runs: &mut [EnvironmentRun]) -> anyhow::Result<Option<anyhow::Error>> {
        let Some(wanted) = &self.backend.verify else {
            return Ok(None);
        };
        if self.plan.environments.is_empty() {
            return Ok(None);
        }
        if !self.backend.wait {
            self.console
                .line("`verify-url` is not asked: `wait-for-deployment` is `false`");
            return Ok(None);
        }
        match verify(self.aws, wanted, self.stop, self.console).await {
            Ok(()) => Ok(None),
            Err(error) if error.is::<Cancelled>() => Err(error),
            Err(error) => {
                for run in runs.iter_mut().filter(|run| run.changed) {
                    run.failure = Some(format!("{error:#}"));
                }
                Ok(Some(error))
            }
        }
    }

    fn say_what_keeps_running(&self, runs: &[EnvironmentRun]) {
        for (plan, _) in self
            .plan
            .environments
            .iter()
            .zip(runs)
            .filter(|(_, run)| run.keeps_running())
        {
            self.console.line(&format!(
                "the update of `{}` keeps running in Elastic Beanstalk: this run no longer watches it",
                plan.name
            ));
        }
    }
}
