//! One environment of a plan: updated, and the end of that put into words.

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::aws::backend::explain::explain;
use crate::aws::backend::update::{Settings, Update};
use crate::console::Console;
use crate::core::backend::explanation::Explanation;
use crate::core::backend::messages::{failure_error, gone_error, timeout_error};
use crate::core::backend::outcome::{EnvironmentRun, UpdateOutcome};
use crate::core::backend::plan::{BackendPlan, EnvironmentPlan};
use crate::core::backend::rollout::FailureReason;
use crate::core::error::Cancelled;
use crate::core::inputs::{BackendInputs, WhenBusy};

/// What carrying a plan out needs.
pub(crate) struct BackendRun<'r> {
    pub(crate) aws: &'r Aws,
    pub(crate) backend: &'r BackendInputs,
    pub(crate) plan: &'r BackendPlan,
    pub(crate) stop: &'r CancellationToken,
    pub(crate) console: &'r Console,
    pub(crate) api: Api,
}

impl BackendRun<'_> {
    /// Updates `plan`'s environment to `label`: what was done, and why it did not become what it should.
    pub(crate) async fn update(
        &self,
        plan: &EnvironmentPlan,
        label: &str,
        settings: Settings,
        when_busy: WhenBusy,
        deadline: Instant,
    ) -> (EnvironmentRun, anyhow::Result<()>) {
        let update = Update {
            api: &self.api,
            backend: self.backend,
            console: self.console,
            name: &plan.name,
            prefix: self.prefix(&plan.name),
            label,
            settings,
            when_busy,
            deadline,
        };
        let (run, outcome) = update.run().await;
        let result = self.conclude(plan, label, outcome, &run).await;
        (run, result)
    }

    /// Turns the end of an update into words.
    async fn conclude(
        &self,
        plan: &EnvironmentPlan,
        label: &str,
        outcome: UpdateOutcome,
        run: &EnvironmentRun,
    ) -> anyhow::Result<()> {
        let say = |text: &str| self.console.line(&format!("{}{text}", self.prefix(&plan.name)));
        let health = run.state().map_or("Grey", |state| &state.health);
        match outcome {
            UpdateOutcome::Succeeded => {
                say(&format!("runs `{label}`, Ready and {health}"));
                Ok(())
            }
            UpdateOutcome::Sent => {
                say("the update has started; not waiting for it (`wait-for-deployment: false`)");
                Ok(())
            }
            UpdateOutcome::Cancelled => Err(Cancelled.into()),
            UpdateOutcome::Error(error) if run.changed => Err(error.context(format!(
                "cannot follow the update of `{}`, which keeps running",
                plan.name
            ))),
            UpdateOutcome::Error(error) => Err(error),
            UpdateOutcome::Deadline { status } => {
                let explanation = if run.changed {
                    self.explain(plan, run).await
                } else {
                    Explanation::default()
                };
                let seconds = self.backend.timeout.as_secs();
                Err(timeout_error(plan, label, &status, run.changed, seconds, &explanation))
            }
            UpdateOutcome::Failed {
                why: FailureReason::Gone,
                ..
            } => Err(gone_error(plan, label)),
            UpdateOutcome::Failed { why, event } => {
                let explanation = self.explain(plan, run).await;
                Err(failure_error(
                    plan,
                    label,
                    &why,
                    event,
                    &explanation,
                    self.backend,
                    health,
                ))
            }
        }
    }

    async fn explain(&self, plan: &EnvironmentPlan, run: &EnvironmentRun) -> Explanation {
        let settings = &self.backend.option_settings;
        explain(self.aws, &self.api, &plan.name, &run.events, settings, self.console).await
    }

    /// Stands before every line about an environment, when there are several.
    pub(crate) fn prefix(&self, name: &str) -> String {
        if self.plan.environments.len() > 1 {
            format!("[{name}] ")
        } else {
            String::new()
        }
    }
}
