//! `on-failure: rollback`: back to what ran before, as carefully as forwards.

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::aws::backend::compare::{health, status};
use crate::aws::backend::deploy::BackendRun;
use crate::aws::backend::update::{Settings, Update};
use crate::core::backend::plan::{EnvironmentPlan, is_accepted};
use crate::core::error::Cancelled;
use crate::core::inputs::WhenBusy;
use crate::core::report;

impl BackendRun<'_> {
    /// `on-failure: rollback`: every environment that this run changed gets back what it ran before; answers what the
    /// run fails with.
    pub(crate) async fn roll_back(
        &self,
        error: anyhow::Error,
        settings: &[Settings],
        report: &mut report::BackendReport,
    ) -> anyhow::Result<anyhow::Error> {
        let deadline = Instant::now() + self.backend.timeout;
        let changed = self
            .plan
            .environments
            .iter()
            .zip(&mut report.environments)
            .zip(settings)
            .filter(|((_, report), _)| report.changed);
        let runs = changed.map(|((plan, report), settings)| async move {
            (plan, self.put_one_back(plan, settings, deadline, report).await)
        });
        let ends = join_all(runs).await;
        if ends
            .iter()
            .any(|(_, end)| end.as_ref().is_err_and(|error| error.is::<Cancelled>()))
        {
            self.tell_what_keeps_running(report);
            return Err(Cancelled.into());
        }
        let mut back = Vec::new();
        let mut lost = Vec::new();
        for (plan, end) in ends {
            let name = &plan.name;
            let outcome = match (&end, &plan.previous_label) {
                (Ok(()), Some(label)) => format!("`{name}` is back on `{label}`"),
                (Ok(()), None) => format!("`{name}` ran nothing before"),
                (Err(error), _) => format!("`{name}` could not be put back: {error:#}"),
            };
            for environment in report.environments.iter_mut().filter(|one| one.name == *name) {
                environment.error = Some(match environment.error.take() {
                    Some(error) => format!("{error}; {outcome}"),
                    None => outcome.clone(),
                });
            }
            if end.is_ok() && plan.previous_label.is_some() {
                back.push(outcome);
            } else {
                lost.push(outcome);
            }
        }
        if back.is_empty() && lost.is_empty() {
            return Ok(error);
        }
        back.extend(lost);
        Ok(error.context(back.join("; ")))
    }

    async fn put_one_back(
        &self,
        plan: &EnvironmentPlan,
        settings: &Settings,
        deadline: Instant,
        report: &mut report::EnvironmentReport,
    ) -> anyhow::Result<()> {
        let Some(previous) = &plan.previous_label else {
            return Ok(());
        };
        let prefix = self.prefix(&plan.name);
        if settings.is_empty() && self.is_back(plan, previous).await? {
            self.console
                .line(&format!("{prefix}Elastic Beanstalk has put `{previous}` back itself"));
            return Ok(());
        }
        self.console.line(&format!("{prefix}putting `{previous}` back"));
        let update = Update {
            api: &self.api,
            backend: self.backend,
            console: self.console,
            name: &plan.name,
            prefix,
            label: previous,
            settings: settings.clone(),
            // What hangs would hang on.
            when_busy: WhenBusy::Abort,
            deadline,
        };
        let mut after = plan.report();
        after.changed = true;
        let end = update.run(&mut after).await;
        let concluded = self.conclude(plan, previous, end, &after).await;
        report.status = after.status;
        report.health = after.health;
        report.events.extend(after.events);
        concluded
    }

    /// Whether Beanstalk took the update back itself, so that all instances run `label` in good health.
    async fn is_back(&self, plan: &EnvironmentPlan, label: &str) -> anyhow::Result<bool> {
        let Some(now) = self.api.environment(&plan.name).await? else {
            return Ok(false);
        };
        let is_well = status(&now) == "Ready"
            && now.version_label() == Some(label)
            && is_accepted(&self.backend.accepted_health, &health(&now));
        if !is_well {
            return Ok(false);
        }
        // Basic health does not tell what instances run.
        let instances = self.api.instances(&plan.name).await?;
        Ok(instances.is_some_and(|all| {
            all.iter()
                .filter_map(|instance| instance.deployment()?.version_label())
                .all(|running| running == label)
        }))
    }
}
