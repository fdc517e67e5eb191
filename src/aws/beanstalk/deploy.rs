//! Carries a plan out: version, all environments at once, verification, and back when it failed.

use anyhow::anyhow;
use futures_util::future::join_all;
use tokio::time::Instant;

use super::api::Api;
use super::explain::{Explanation, explain};
use super::look::{differing, health, status};
use super::plan::{BackendPlan, EnvironmentPlan, Step, VersionStep, is_accepted, names};
use super::update::{End, Settings, Update};
use super::verify::verify;
use super::version::{self, Order};
use super::wait::Why;
use crate::aws::Aws;
use crate::bundle::Bundle;
use crate::failure::{Cancelled, HintExt as _};
use crate::github::console::Console;
use crate::inputs::{BackendInputs, OptionSetting, WhenBusy};
use crate::report;
use crate::stop::Stop;

/// What became of a plan.
#[derive(Debug)]
pub struct BackendOutcome {
    /// For the report, also when it failed.
    pub report: report::Backend,
    /// Something was changed: a version was created, or an update started.
    pub changed: bool,
    /// Why it failed.
    pub error: Option<anyhow::Error>,
    /// The run was asked to stop; updates that were started keep running.
    pub cancelled: bool,
}

/// Carries `plan` out.
pub async fn deploy(
    aws: &Aws,
    backend: &BackendInputs,
    plan: &BackendPlan,
    bundle: Option<&Bundle>,
    stop: &Stop,
    console: &Console,
) -> BackendOutcome {
    let run = Run {
        aws,
        backend,
        plan,
        stop,
        console,
        api: Api::new(aws, &plan.application, Some(stop)),
    };
    let mut report = plan.report();
    let result = run.all(bundle, &mut report).await;
    let error = result.err();
    let cancelled = error.as_ref().is_some_and(|error| error.is::<Cancelled>());
    BackendOutcome {
        changed: report.version_created || report.environments.iter().any(|environment| environment.changed),
        report,
        error: error.filter(|_| !cancelled),
        cancelled,
    }
}

struct Run<'r> {
    aws: &'r Aws,
    backend: &'r BackendInputs,
    plan: &'r BackendPlan,
    stop: &'r Stop,
    console: &'r Console,
    api: Api,
}

/// An environment that did not become what it should.
struct Failed {
    position: usize,
    error: anyhow::Error,
}

impl Run<'_> {
    async fn all(&self, bundle: Option<&Bundle>, report: &mut report::Backend) -> anyhow::Result<()> {
        self.version(bundle, report).await?;
        let previous = self.previous_settings().await?;
        let deadline = Instant::now() + self.backend.timeout;
        let updates = self
            .plan
            .environments
            .iter()
            .zip(&mut report.environments)
            .enumerate()
            .map(|(position, (plan, report))| async move {
                match &plan.step {
                    Step::Update { .. } => self
                        .environment(plan, deadline, report)
                        .await
                        .map_err(|error| Failed { position, error }),
                    Step::Nothing { reason } => {
                        self.console.line(&format!("{}: nothing to do: {reason}", plan.name));
                        Ok(())
                    }
                }
            });
        let failed: Vec<Failed> = join_all(updates).await.into_iter().filter_map(Result::err).collect();
        if self.stop.requested() || failed.iter().any(|one| one.error.is::<Cancelled>()) {
            self.tell_what_keeps_running(report);
            return Err(Cancelled.into());
        }
        for one in &failed {
            report.environments[one.position].error = Some(format!("{:#}", one.error));
        }
        let mut error = join(failed, self.plan.environments.len(), &self.plan.environments);
        if error.is_none() {
            error = self.verified(report).await?;
        }
        match error {
            None => Ok(()),
            Some(error) if self.backend.rollback_on_failure => Err(self.put_back(error, &previous, report).await?),
            Some(error) => Err(error),
        }
    }

    async fn version(&self, bundle: Option<&Bundle>, report: &mut report::Backend) -> anyhow::Result<()> {
        let VersionStep::Create { bucket, key, replace } = &self.plan.version else {
            return Ok(());
        };
        let bundle = bundle.ok_or_else(|| anyhow!("cannot create a version without a bundle"))?;
        let order = Order {
            label: &self.plan.version_label,
            description: self.backend.version_description.as_deref(),
            // Only the user's own: that of Beanstalk is made by asking for it.
            bucket: bucket.as_deref().filter(|_| self.backend.package_bucket.is_some()),
            key,
            replace: *replace,
            timeout: self.backend.timeout,
            poll_interval: self.backend.poll_interval,
        };
        version::create(self.aws, &self.api, &order, bundle, self.stop, self.console).await?;
        report.version_created = true;
        Ok(())
    }

    /// What the options that are about to change say now, to put them back with the version.
    async fn previous_settings(&self) -> anyhow::Result<Vec<Settings>> {
        let wanted = &self.backend.option_settings;
        let mut all = Vec::new();
        for plan in &self.plan.environments {
            if wanted.is_empty() || !self.backend.rollback_on_failure || matches!(plan.step, Step::Nothing { .. }) {
                all.push(Settings::default());
                continue;
            }
            let current = self.api.settings(&plan.name).await?;
            let mut before = Settings::default();
            for option in differing(wanted, &current) {
                let value = current
                    .iter()
                    .find(|one| {
                        one.namespace.as_ref() == Some(&option.namespace)
                            && one.option_name.as_ref() == Some(&option.option_name)
                            && (option.resource_name.is_none() || one.resource_name == option.resource_name)
                    })
                    .and_then(|one| one.value.clone());
                match value {
                    Some(value) => before.set.push(OptionSetting {
                        value,
                        ..option.clone()
                    }),
                    None => before.remove.push(option.clone()),
                }
            }
            all.push(before);
        }
        Ok(all)
    }

    async fn environment(
        &self,
        plan: &EnvironmentPlan,
        deadline: Instant,
        report: &mut report::Environment,
    ) -> anyhow::Result<()> {
        let update = Update {
            api: &self.api,
            backend: self.backend,
            console: self.console,
            name: &plan.name,
            prefix: self.prefix(&plan.name),
            label: &plan.label,
            settings: Settings {
                set: self.backend.option_settings.clone(),
                remove: Vec::new(),
            },
            when_busy: self.backend.when_busy,
            deadline,
        };
        let end = update.run(report).await;
        self.conclude(plan, &plan.label, end, report).await
    }

    /// Turns the end of an update into words.
    async fn conclude(
        &self,
        plan: &EnvironmentPlan,
        label: &str,
        end: End,
        report: &report::Environment,
    ) -> anyhow::Result<()> {
        let say = |text: &str| self.console.line(&format!("{}{text}", self.prefix(&plan.name)));
        match end {
            End::Succeeded => {
                let health = report.health.as_deref().unwrap_or_default();
                say(&format!("runs `{label}`, Ready and {health}"));
                Ok(())
            }
            End::Sent => {
                say("the update has begun; `wait-for-deployment` is `false`, so nobody looks how it ends");
                Ok(())
            }
            End::Cancelled => Err(Cancelled.into()),
            End::Error(error) => Err(error),
            End::Deadline { status } => {
                let begun = report.changed;
                let explanation = if begun {
                    explain(self.aws, &self.api, report, &self.backend.option_settings, self.console).await
                } else {
                    Explanation::default()
                };
                Err(deadline_error(
                    plan,
                    label,
                    &status,
                    begun,
                    self.backend.timeout.as_secs(),
                    &explanation,
                ))
            }
            End::Failed { why: Why::Gone, .. } => Err(anyhow!(
                "cannot deploy `{label}` to `{}`: the environment is being terminated, or gone",
                plan.name
            )
            .hint("create the environment again, or name another in `environment-name`")),
            End::Failed { why, event } => {
                let settings = &self.backend.option_settings;
                let explanation = explain(self.aws, &self.api, report, settings, self.console).await;
                Err(failure_error(
                    plan,
                    label,
                    &why,
                    event,
                    &explanation,
                    self.backend,
                    report,
                ))
            }
        }
    }

    /// `verify-url`; what is wrong with the answer, which counts as a failed deployment.
    async fn verified(&self, report: &mut report::Backend) -> anyhow::Result<Option<anyhow::Error>> {
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
                for environment in report.environments.iter_mut().filter(|one| one.changed) {
                    environment.error = Some(format!("{error:#}"));
                }
                Ok(Some(error))
            }
        }
    }

    /// `on-failure: rollback`: every environment that this run changed gets back what it ran before; answers what the
    /// run fails with.
    async fn put_back(
        &self,
        error: anyhow::Error,
        settings: &[Settings],
        report: &mut report::Backend,
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
            match (end, &plan.previous_label) {
                (Ok(()), Some(label)) => back.push(format!("`{}` is back on `{label}`", plan.name)),
                (Ok(()), None) => lost.push(format!("`{}` ran nothing before", plan.name)),
                (Err(error), _) => lost.push(format!("`{}` could not be put back: {error:#}", plan.name)),
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
        report: &mut report::Environment,
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

    fn tell_what_keeps_running(&self, report: &report::Backend) {
        let running = report
            .environments
            .iter()
            .filter(|one| one.changed && one.status.as_deref() != Some("Ready"));
        for environment in running {
            self.console.line(&format!(
                "the update of `{}` keeps running in Elastic Beanstalk: this run no longer watches it",
                environment.name
            ));
        }
    }

    fn prefix(&self, name: &str) -> String {
        if self.plan.environments.len() > 1 {
            format!("[{name}] ")
        } else {
            String::new()
        }
    }
}

/// One error of all.
fn join(mut failed: Vec<Failed>, total: usize, plans: &[EnvironmentPlan]) -> Option<anyhow::Error> {
    if failed.len() < 2 {
        let only = failed.pop()?;
        return Some(if total > 1 {
            only.error.context(format!("1 of {total} environments failed"))
        } else {
            only.error
        });
    }
    let others = names(failed.iter().skip(1).map(|one| plans[one.position].name.as_str()));
    let count = failed.len();
    let first = failed.swap_remove(0).error;
    Some(first.context(format!(
        "{count} of {total} environments failed ({others} too, see their groups in the log)"
    )))
}

fn deadline_error(
    plan: &EnvironmentPlan,
    label: &str,
    status: &str,
    begun: bool,
    seconds: u64,
    explanation: &Explanation,
) -> anyhow::Error {
    let name = &plan.name;
    if !begun {
        return anyhow!(
            "cannot deploy `{label}` to `{name}`: it is still {status} after {seconds} s, by another update"
        )
        .hint("run this step again later, raise `deployment-timeout`, or set `when-busy: abort`");
    }
    let mut text =
        format!("cannot deploy `{label}` to `{name}`: still {status} after {seconds} s; the update keeps running");
    if let Some(line) = &explanation.log_line {
        text.push_str(&format!("; log: {line}"));
    }
    anyhow!(text).hint(
        "look at the environment's events and logs; raise `deployment-timeout` when this is how long it takes, or set \
         `on-failure: rollback`",
    )
}

fn failure_error(
    plan: &EnvironmentPlan,
    label: &str,
    why: &Why,
    event: Option<String>,
    explanation: &Explanation,
    backend: &BackendInputs,
    report: &report::Environment,
) -> anyhow::Error {
    let health = report.health.as_deref().unwrap_or("Grey");
    let what = match why {
        Why::Event | Why::Gone => event.unwrap_or_else(|| "Elastic Beanstalk reports an error".to_owned()),
        Why::Reverted(Some(now)) => format!("it is Ready on `{now}`: Elastic Beanstalk has taken the update back"),
        Why::Reverted(None) => "it is Ready without any version".to_owned(),
        Why::Health => format!(
            "its health is still {health} {} s after the update finished",
            backend.recovery.as_secs()
        ),
        Why::Stragglers(instances) => {
            format!(
                "{} still run another version",
                names(instances.iter().map(String::as_str))
            )
        }
    };
    let mut text = format!("cannot deploy `{label}` to `{}`: {what}", plan.name);
    if let (Why::Health, Some(cause)) = (why, &explanation.cause) {
        text.push_str(&format!(" ({cause})"));
    }
    if let Some(line) = &explanation.log_line {
        text.push_str(&format!("; log: {line}"));
    }
    let hint = match why {
        Why::Health => {
            "see the causes and log lines above; raise `recovery-seconds` when it only needs more time, or widen \
             `accepted-health`"
        }
        Why::Stragglers(_) => "deploy again with `force: true`, or replace the instances named",
        Why::Event | Why::Reverted(_) | Why::Gone => "see the events and log lines above, then correct the application",
    };
    anyhow!(text).hint(hint)
}
