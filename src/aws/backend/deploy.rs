//! Carries a plan out: version, all environments at once, verification, and back when it failed.

use anyhow::anyhow;
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::aws::backend::compare::differing;
use crate::aws::backend::errors::{failure_error, join, timeout_error};
use crate::aws::backend::explain::{Explanation, explain};
use crate::aws::backend::update::{Settings, Update, UpdateOutcome};
use crate::aws::backend::verify::verify;
use crate::aws::backend::version::{self, NewVersion};
use crate::console::Console;
use crate::core::backend::plan::{BackendPlan, EnvironmentPlan, UpdateStep, VersionStep};
use crate::core::backend::rollout::FailureReason;
use crate::core::bundle::Bundle;
use crate::core::error::{Cancelled, HintExt as _};
use crate::core::inputs::{BackendInputs, OnFailure, OptionSetting};
use crate::core::report;
use tokio_util::sync::CancellationToken;

/// What became of a plan.
#[derive(Debug)]
pub(crate) struct BackendOutcome {
    /// For the report, also when it failed.
    pub(crate) report: report::BackendReport,
    /// Why it failed.
    pub(crate) error: Option<anyhow::Error>,
    /// The run was asked to stop; updates that were started keep running.
    pub(crate) cancelled: bool,
}

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
    let mut report = plan.report();
    let result = run.all(bundle, &mut report).await;
    let error = result.err();
    let cancelled = error.as_ref().is_some_and(|error| error.is::<Cancelled>());
    BackendOutcome {
        report,
        error: error.filter(|_| !cancelled),
        cancelled,
    }
}

/// One run of a plan.
pub(crate) struct BackendRun<'r> {
    pub(crate) aws: &'r Aws,
    pub(crate) backend: &'r BackendInputs,
    pub(crate) plan: &'r BackendPlan,
    pub(crate) stop: &'r CancellationToken,
    pub(crate) console: &'r Console,
    pub(crate) api: Api,
}

/// An environment that did not become what it should.
pub(crate) struct Failed {
    pub(crate) position: usize,
    pub(crate) error: anyhow::Error,
}

impl BackendRun<'_> {
    async fn all(&self, bundle: Option<&Bundle>, report: &mut report::BackendReport) -> anyhow::Result<()> {
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
                    UpdateStep::Update { .. } => self
                        .environment(plan, deadline, report)
                        .await
                        .map_err(|error| Failed { position, error }),
                    UpdateStep::Nothing { reason } => {
                        self.console.line(&format!("{}: nothing to do: {reason}", plan.name));
                        Ok(())
                    }
                }
            });
        let failed: Vec<Failed> = join_all(updates).await.into_iter().filter_map(Result::err).collect();
        if self.stop.is_cancelled() || failed.iter().any(|one| one.error.is::<Cancelled>()) {
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
            Some(error) if self.backend.on_failure == OnFailure::Rollback => {
                Err(self.roll_back(error, &previous, report).await?)
            }
            Some(error) => Err(error),
        }
    }

    /// Creates the version, or waits for one that is still processed.
    async fn version(&self, bundle: Option<&Bundle>, report: &mut report::BackendReport) -> anyhow::Result<()> {
        let mut processing = self.plan.processing.clone();
        if let VersionStep::Create { bucket, key, replace } = &self.plan.version {
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
            report.version_created = true;
            processing.push(self.plan.version_label.clone());
        }
        for label in &processing {
            version::processed(&self.api, label, self.backend.timeout, self.backend.poll_interval).await?;
            self.console.line(&format!("version `{label}` is ready"));
        }
        Ok(())
    }

    /// What the options that are about to change say now, to put them back with the version.
    async fn previous_settings(&self) -> anyhow::Result<Vec<Settings>> {
        let wanted = &self.backend.option_settings;
        let mut all = Vec::new();
        for plan in &self.plan.environments {
            if wanted.is_empty()
                || self.backend.on_failure == OnFailure::Keep
                || matches!(plan.step, UpdateStep::Nothing { .. })
            {
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
        report: &mut report::EnvironmentReport,
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
    pub(crate) async fn conclude(
        &self,
        plan: &EnvironmentPlan,
        label: &str,
        end: UpdateOutcome,
        report: &report::EnvironmentReport,
    ) -> anyhow::Result<()> {
        let say = |text: &str| self.console.line(&format!("{}{text}", self.prefix(&plan.name)));
        match end {
            UpdateOutcome::Succeeded => {
                let health = report.health.as_deref().unwrap_or_default();
                say(&format!("runs `{label}`, Ready and {health}"));
                Ok(())
            }
            UpdateOutcome::Sent => {
                say("the update has begun; `wait-for-deployment` is `false`, so nobody looks how it ends");
                Ok(())
            }
            UpdateOutcome::Cancelled => Err(Cancelled.into()),
            UpdateOutcome::Error(error) if report.changed => Err(error.context(format!(
                "cannot follow the update of `{}`, which keeps running",
                plan.name
            ))),
            UpdateOutcome::Error(error) => Err(error),
            UpdateOutcome::Deadline { status } => {
                let begun = report.changed;
                let explanation = if begun {
                    explain(self.aws, &self.api, report, &self.backend.option_settings, self.console).await
                } else {
                    Explanation::default()
                };
                Err(timeout_error(
                    plan,
                    label,
                    &status,
                    begun,
                    self.backend.timeout.as_secs(),
                    &explanation,
                ))
            }
            UpdateOutcome::Failed {
                why: FailureReason::Gone,
                ..
            } => Err(anyhow!(
                "cannot deploy `{label}` to `{}`: the environment is being terminated, or gone",
                plan.name
            )
            .hint("create the environment again, or name another in `environment-name`")),
            UpdateOutcome::Failed { why, event } => {
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
    async fn verified(&self, report: &mut report::BackendReport) -> anyhow::Result<Option<anyhow::Error>> {
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

    pub(crate) fn tell_what_keeps_running(&self, report: &report::BackendReport) {
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

    pub(crate) fn prefix(&self, name: &str) -> String {
        if self.plan.environments.len() > 1 {
            format!("[{name}] ")
        } else {
            String::new()
        }
    }
}
