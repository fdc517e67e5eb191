//! Carries a plan out: version, all environments at once, verification, and back when it failed.

use std::sync::Mutex;
use std::time::Duration;

use anyhow::anyhow;
use futures_util::future::{OptionFuture, join_all};
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::aws::backend::run::{BackendRun, EndedUpdate, UpdateWay};
use crate::aws::backend::undo::undo_all;
use crate::aws::backend::verify::verify;
use crate::aws::backend::version::{self, CreateRun, NewVersion};
use crate::console::Console;
use crate::core::backend::messages::{EnvironmentFailure, join, keeps_running_line};
use crate::core::backend::outcome::{BackendOutcome, EnvironmentRun, UpdateOutcome};
use crate::core::backend::plan::{BackendPlan, UpdateStep, VersionStep};
use crate::core::backend::previous::EarlierUpdate;
use crate::core::backend::settings::SettingsChange;
use crate::core::bundle::Bundle;
use crate::core::error::Cancelled;
use crate::core::inputs::{BackendInputs, OnFailure};
use crate::core::report::Excerpt;

/// How long a bundle may go on being uploaded when the run is to stop.
const LAST_UPLOAD: Duration = Duration::from_secs(3);

/// How long the way back waits until what failed was asked for its causes: they are gone soon after.
const HEAD_START: Duration = Duration::from_secs(1);

/// How the update of one environment ended.
enum EnvironmentEnd {
    Untouched,
    /// The log says why.
    Told(Box<EnvironmentRun>, anyhow::Result<()>),
    /// A failure that is to be undone.
    Untold(Box<EndedUpdate>),
}

impl EnvironmentEnd {
    fn take_run(&mut self) -> EnvironmentRun {
        match self {
            Self::Untouched => EnvironmentRun::default(),
            Self::Told(run, _) => std::mem::take(&mut **run),
            Self::Untold(end) => end.run.clone(),
        }
    }

    fn is_cancelled(&self) -> bool {
        match self {
            Self::Untouched => false,
            Self::Told(_, result) => result.as_ref().is_err_and(|error| error.is::<Cancelled>()),
            Self::Untold(end) => matches!(end.outcome, UpdateOutcome::Cancelled),
        }
    }

    fn is_untold(&self) -> bool {
        matches!(self, Self::Untold(..))
    }
}

/// Carries `plan` out.
pub(crate) async fn deploy(
    aws: &Aws,
    backend: &BackendInputs,
    plan: &BackendPlan,
    earlier: &[Vec<EarlierUpdate>],
    bundle: Option<&Bundle>,
    stop: &CancellationToken,
    console: &Console,
) -> BackendOutcome {
    let run = BackendRun {
        aws,
        backend,
        plan,
        earlier,
        stop,
        console,
        api: Api::new(aws, &plan.application, Some(stop)),
        values: Mutex::default(),
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

/// Puts back the environments of a deployment that went well, because `error` failed the run after it.
pub(crate) async fn put_back(
    aws: &Aws,
    backend: &BackendInputs,
    plan: &BackendPlan,
    mut outcome: BackendOutcome,
    error: anyhow::Error,
    stop: &CancellationToken,
    console: &Console,
) -> (BackendOutcome, anyhow::Error) {
    let run = BackendRun {
        aws,
        backend,
        plan,
        earlier: &[],
        stop,
        console,
        api: Api::new(aws, &plan.application, Some(stop)),
        values: Mutex::default(),
    };
    let undone = undo_all(&run, &outcome.environments).await;
    let error = outcome.undone(undone, error);
    if error.is::<Cancelled>() {
        run.say_what_keeps_running(&outcome.environments);
    }
    (outcome, error)
}

impl BackendRun<'_> {
    async fn execute(&self, bundle: Option<&Bundle>, outcome: &mut BackendOutcome) -> anyhow::Result<()> {
        let created = self.create_version(bundle).await?;
        outcome.version_created = created.is_some();
        let deadline = created.unwrap_or_else(|| Instant::now() + self.backend.timeout);
        self.until_processed(outcome.version_created, deadline).await?;
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
        let before = self.settings_before(deadline).await?;
        let updates = (0..self.plan.environments.len()).map(|position| self.update_environment(position, deadline));
        let mut ends = join_all(updates).await;
        outcome.environments = ends.iter_mut().map(EnvironmentEnd::take_run).collect();
        for (run, before) in outcome.environments.iter_mut().zip(before) {
            run.settings_before = before;
        }
        if self.stop.is_cancelled() || ends.iter().any(EnvironmentEnd::is_cancelled) {
            return Err(Cancelled.into());
        }
        // Going back does not wait for causes and logs, nor they for going back.
        let untold = ends.iter().any(EnvironmentEnd::is_untold);
        let (asking, mut all_asked) = mpsc::channel::<()>(1);
        let undo = OptionFuture::from(untold.then_some(async {
            // Ends when all have asked, and with that their senders are gone.
            let _asked = tokio::time::timeout(HEAD_START, all_asked.recv()).await;
            undo_all(self, &outcome.environments).await
        }));
        let tell = join_all(
            ends.into_iter()
                .enumerate()
                .map(|(position, end)| self.tell(position, end, asking.clone())),
        );
        drop(asking);
        let (results, mut undone) = tokio::join!(tell, undo);
        let mut failed = Vec::new();
        for ((plan, run), (excerpts, result)) in self
            .plan
            .environments
            .iter()
            .zip(&mut outcome.environments)
            .zip(results)
        {
            run.excerpts.extend(excerpts);
            let Err(error) = result else { continue };
            if error.is::<Cancelled>() {
                return Err(error);
            }
            run.failure = Some(format!("{error:#}"));
            failed.push(EnvironmentFailure { plan, error });
        }
        let mut error = join(failed, self.plan.environments.len());
        if error.is_none() {
            error = self.verify_url(&mut outcome.environments).await?;
            if error.is_some() && self.backend.on_failure == OnFailure::Rollback {
                undone = Some(undo_all(self, &outcome.environments).await);
            }
        }
        match (error, undone) {
            (None, _) => Ok(()),
            (Some(error), Some(undone)) => Err(outcome.undone(undone, error)),
            (Some(error), None) => Err(error),
        }
    }

    /// Updates an environment; what is to be said of a failure that is to be undone comes later.
    async fn update_environment(&self, position: usize, deadline: Instant) -> EnvironmentEnd {
        let plan = &self.plan.environments[position];
        match plan.step {
            UpdateStep::Update { .. } => {}
            UpdateStep::Nothing => {
                self.console
                    .line(&format!("{} keeps `{}`: nothing to do", plan.name, plan.label));
                return EnvironmentEnd::Untouched;
            }
            UpdateStep::Unrecorded => return EnvironmentEnd::Untouched,
        }
        let way = UpdateWay {
            label: &plan.label,
            settings: SettingsChange {
                set: self.backend.option_settings.clone(),
                remove: Vec::new(),
            },
            when_busy: self.backend.when_busy,
            is_undo: false,
            deadline,
        };
        let mut update = self.update(position, way).await;
        if self.backend.on_failure == OnFailure::Rollback && update.outcome.is_failure() {
            return EnvironmentEnd::Untold(Box::new(update));
        }
        let investigation = self.investigate(plan, &update).await;
        let result = self.conclude(plan, &mut update, investigation, false).await;
        EnvironmentEnd::Told(Box::new(update.run), result)
    }

    /// Asks why an update failed that is undone at the same time, and says so; drops `asking` as soon as all is asked.
    /// What was found out comes with the answer: for the summary.
    async fn tell(
        &self,
        position: usize,
        end: EnvironmentEnd,
        asking: mpsc::Sender<()>,
    ) -> (Vec<Excerpt>, anyhow::Result<()>) {
        match end {
            EnvironmentEnd::Untouched => (Vec::new(), Ok(())),
            EnvironmentEnd::Told(_, result) => (Vec::new(), result),
            EnvironmentEnd::Untold(end) => {
                let mut update = *end;
                let plan = &self.plan.environments[position];
                let investigation = self.investigate(plan, &update).await;
                drop(asking);
                let result = self.conclude(plan, &mut update, investigation, true).await;
                (update.run.excerpts, result)
            }
        }
    }

    /// Creates a version where the plan says so; answers the deadline of all that follows. It is not processed yet.
    async fn create_version(&self, bundle: Option<&Bundle>) -> anyhow::Result<Option<Instant>> {
        let VersionStep::Create { bucket, key, replace } = &self.plan.version else {
            return Ok(None);
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
        let run = CreateRun {
            stop: self.stop,
            console: self.console,
            timeout: self.backend.timeout,
        };
        let late = async {
            self.stop.cancelled().await;
            tokio::time::sleep(LAST_UPLOAD).await;
        };
        tokio::select! {
            biased;
            created = version::create(self.aws, &self.api, &version, bundle, run) => created.map(Some),
            () = late => Err(Cancelled.into()),
        }
    }

    /// Waits until all versions that are needed can be used.
    async fn until_processed(&self, created: bool, deadline: Instant) -> anyhow::Result<()> {
        let created = created.then_some(&self.plan.version_label);
        for label in self.plan.processing.iter().chain(created) {
            version::processed(&self.api, label, deadline, self.backend.poll_interval, self.console).await?;
            self.console.line(&format!("version `{label}` is ready"));
        }
        Ok(())
    }

    /// What the options that are about to change say now, to put them back with the version.
    async fn settings_before(&self, deadline: Instant) -> anyhow::Result<Vec<SettingsChange>> {
        let api = self.api.until(deadline);
        let wanted = &self.backend.option_settings;
        let is_needed = !wanted.is_empty() && self.backend.on_failure == OnFailure::Rollback;
        let mut changes = Vec::new();
        for plan in &self.plan.environments {
            changes.push(if is_needed && matches!(plan.step, UpdateStep::Update { .. }) {
                SettingsChange::back(wanted, &api.settings(&plan.name).await?)
            } else {
                SettingsChange::default()
            });
        }
        Ok(changes)
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
        for (plan, run) in self.plan.environments.iter().zip(runs) {
            if let Some(line) = keeps_running_line(plan, run) {
                self.console.line(&line);
            }
        }
    }
}
