//! One environment: wait until it is Ready (in `ready`), update it, and follow the update to its end.

use std::time::Duration;

use anyhow::anyhow;
use aws_sdk_elasticbeanstalk::operation::RequestId as _;
use tokio::time::Instant;

use crate::aws::backend::api::{Api, InFlight};
use crate::aws::backend::compare::reason_to_update;
use crate::aws::backend::convert;
use crate::aws::backend::watch::Watch;
use crate::console::Console;
use crate::core::backend::backoff::Backoff;
use crate::core::backend::busy::{AfterRefusal, after_refusal};
use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::follow::{Follow, LOOK, UpdateTarget};
use crate::core::backend::lost::{LostAnswer, lost_answer};
use crate::core::backend::outcome::{EnvironmentRun, LastSeen, UpdateOutcome};
use crate::core::backend::previous::{EarlierUpdate, previous_label};
use crate::core::backend::reason::differing;
use crate::core::backend::rollout::FailureReason;
use crate::core::backend::secrets::Redaction;
use crate::core::backend::settings::SettingsChange;
use crate::core::error::{Cancelled, HintExt as _, service_error};
use crate::core::iam::calls;
use crate::core::inputs::{BackendInputs, WhenBusy};
use crate::core::retry::{is_throttled, is_transient};

/// What the last poll before the deadline may take.
const LAST_POLL: Duration = Duration::from_secs(10);
/// How often it is looked whether an update took effect whose answer was lost.
const LOST_PAUSE: Duration = Duration::from_secs(1);
/// The pause after a refusal because of another update.
const BUSY_PAUSE: Duration = Duration::from_secs(2);
/// How often such an update is sent.
const MAX_SENDS: u32 = 4;

/// An update to carry out.
pub(crate) struct Update<'u> {
    pub(crate) api: Api,
    pub(crate) backend: &'u BackendInputs,
    pub(crate) console: &'u Console,
    /// The environment.
    pub(crate) name: &'u str,
    /// Stands before every line of the log: the name when there are several environments.
    pub(crate) prefix: String,
    /// The version to run.
    pub(crate) label: &'u str,
    pub(crate) settings: SettingsChange,
    pub(crate) when_busy: WhenBusy,
    /// It takes back an update of ours: never one of somebody else.
    pub(crate) is_undo: bool,
    /// What ran when the run was planned.
    pub(crate) planned: Option<&'u str>,
    /// The environment was busy then: what is to be deployed may run by the time it is Ready.
    pub(crate) was_busy: bool,
    /// Updates of the environment by earlier runs, newest first.
    pub(crate) earlier: &'u [EarlierUpdate],
    pub(crate) redaction: &'u Redaction,
    /// For everything.
    pub(crate) deadline: Instant,
}

impl Update<'_> {
    /// Carries the update out; what was done and seen, and how it ended.
    pub(crate) async fn run(&self) -> (EnvironmentRun, UpdateOutcome) {
        let mut run = EnvironmentRun::default();
        let outcome = match self.steps(&mut run).await {
            Ok(outcome) => outcome,
            Err(error) if error.is::<Cancelled>() => UpdateOutcome::Cancelled,
            Err(error) => UpdateOutcome::Error(error),
        };
        (run, outcome)
    }

    async fn steps(&self, run: &mut EnvironmentRun) -> anyhow::Result<UpdateOutcome> {
        let mut settings = self.settings.clone();
        loop {
            let (before, was_aborted) = match self.until_ready(run).await? {
                Ok(ready) => ready,
                Err(outcome) => return Ok(outcome),
            };
            if !run.changed && self.is_done(&before, was_aborted).await? {
                self.say(&format!(
                    "runs `{}` already, by an update that was under way: nothing is sent",
                    self.label
                ));
                return Ok(UpdateOutcome::Succeeded);
            }
            let mut watch = Watch::begin(&self.api.patient(), self.name).await?;
            let version = UpdateTarget::version(self.label, before.label.as_deref());
            let (request_id, target) = match self.send(&version, &settings, &before, &mut watch, run).await {
                Ok(request_id) => (request_id, version),
                Err(error) => match after_refusal(&error, !settings.is_empty()) {
                    AfterRefusal::WaitAgain if self.is_undo => {
                        return Err(error.context("another update has just started, and is left alone"));
                    }
                    AfterRefusal::WaitAgain if Instant::now() + BUSY_PAUSE >= self.deadline => return Err(error),
                    AfterRefusal::WaitAgain => {
                        self.say("another update has just started");
                        // What is read may be older than the refusal.
                        self.api.sleep(BUSY_PAUSE).await?;
                        continue;
                    }
                    AfterRefusal::SettingsFirst => {
                        self.say("Elastic Beanstalk takes option settings and version one after the other");
                        run.sent_settings.names = self.new_settings(&settings).await;
                        let target = UpdateTarget::settings(before.label.as_deref());
                        let request_id = self.send(&target, &settings, &before, &mut watch, run).await?;
                        settings = SettingsChange::default();
                        (request_id, target)
                    }
                    AfterRefusal::Fail => {
                        self.after_refused_version(error).await?;
                        continue;
                    }
                },
            };
            if target.is_version && !settings.is_empty() {
                // Sent with a version, they may stay where the version does not.
                run.sent_settings.names = settings.set.iter().map(|option| option.option_name.clone()).collect();
            }
            self.note_sent(&target, &before, &watch, run);
            run.requests.extend(request_id.clone());
            if !self.backend.wait && target.is_version {
                run.see(self.api.environment(self.name).await?.as_ref());
                return Ok(UpdateOutcome::Sent);
            }
            let is_version = target.is_version;
            let (deadline, now) = (self.deadline.into_std(), Instant::now().into_std());
            let follow = Follow::new(target, request_id, self.backend, self.redaction.clone(), deadline, now);
            match self.follow(follow, watch, run).await? {
                UpdateOutcome::Succeeded if !is_version => run.sent_settings.took_effect = true,
                UpdateOutcome::Failed {
                    why: FailureReason::Superseded { by, was_live },
                    event,
                } => {
                    run.superseded_by = Some(by.clone());
                    let why = FailureReason::Superseded { by, was_live };
                    return Ok(UpdateOutcome::Failed { why, event });
                }
                outcome => return Ok(outcome),
            }
        }
    }

    /// Whether an update that was under way, such as that of a run that was killed, has brought all that is wanted; one that
    /// `was_aborted` has not.
    async fn is_done(&self, ready: &EnvironmentState, was_aborted: bool) -> anyhow::Result<bool> {
        let runs_it = ready.label.as_deref() == Some(self.label);
        if self.is_undo || was_aborted || !runs_it || !(self.was_busy || self.planned != Some(self.label)) {
            return Ok(false);
        }
        let reason = reason_to_update(&self.api, self.backend, ready, true, false).await?;
        Ok(reason.is_none())
    }

    /// The names of those of `settings` that are new to the environment; of all where that cannot be read.
    async fn new_settings(&self, settings: &SettingsChange) -> Vec<String> {
        let current = self.api.settings(self.name).await.unwrap_or_default();
        let new = differing(&settings.set, &current);
        new.into_iter().map(|option| option.option_name.clone()).collect()
    }

    /// An update was perhaps sent.
    fn note_sent(&self, target: &UpdateTarget, before: &EnvironmentState, watch: &Watch, run: &mut EnvironmentRun) {
        if !run.changed {
            run.replaced.clone_from(&before.label);
        }
        run.changed = true;
        if target.is_version {
            run.sent = Some(self.label.to_owned());
            run.seen = Some(LastSeen::Before {
                sent: self.label.to_owned(),
            });
        }
        run.since = run.since.or(watch.since());
        run.previous.get_or_insert_with(|| {
            let is_healthy = before.is_healthy(&self.backend.accepted_health);
            previous_label(before, self.planned, is_healthy && !watch.failed_before(), self.earlier)
        });
    }

    /// Sends an update; its id, unless that was lost with the answer.
    async fn send(
        &self,
        target: &UpdateTarget,
        settings: &SettingsChange,
        before: &EnvironmentState,
        watch: &mut Watch,
        run: &mut EnvironmentRun,
    ) -> anyhow::Result<Option<String>> {
        for _ in 0..MAX_SENDS {
            self.check_time()?;
            let error = match self.send_once(target, settings).await {
                Ok(request_id) => return Ok(request_id),
                Err(error) if error.is::<InFlight>() => {
                    self.note_sent(target, before, watch, run);
                    run.uncertain = true;
                    return Err(error);
                }
                // What was throttled has not started.
                Err(error) if service_error(&error).is_some_and(is_throttled) => return Err(error),
                Err(error) if is_transient(&error) => error,
                Err(error) => return Err(error),
            };
            // A good answer that cannot be read: it took effect.
            if let Some(id) = service_error(&error).and_then(|service| service.accepted_id()) {
                return Ok(Some(id.to_owned()));
            }
            self.say(&format!(
                "no answer to the update: {error:#}; looking whether it has started"
            ));
            match self.find_out_whether_sent(target, watch).await {
                Ok(LostAnswer::Accepted(id)) => return Ok(id),
                Ok(LostAnswer::NotSent) => {}
                Ok(LostAnswer::Unknown) => {
                    self.note_sent(target, before, watch, run);
                    run.uncertain = true;
                    return Err(error);
                }
                Err(cancelled) => {
                    self.note_sent(target, before, watch, run);
                    run.uncertain = true;
                    return Err(cancelled);
                }
            }
        }
        Err(anyhow!(
            "cannot update `{}`: it was sent {MAX_SENDS} times without an answer",
            self.name
        ))
    }

    /// Nothing is sent after the deadline, whatever was read until then.
    fn check_time(&self) -> anyhow::Result<()> {
        if Instant::now() < self.deadline {
            return Ok(());
        }
        let late = anyhow!(
            "cannot update `{}` to `{}`: `deployment-timeout` ended before the update was sent",
            self.name,
            self.label
        );
        match self.api.throttling_hint() {
            Some(hint) => Err(late).hint(hint),
            None => Err(late),
        }
    }

    /// Whether an update took effect whose answer was lost; unknown at the deadline.
    async fn find_out_whether_sent(&self, target: &UpdateTarget, watch: &mut Watch) -> anyhow::Result<LostAnswer> {
        let sent = Instant::now();
        while Instant::now() < self.deadline {
            self.api.sleep(LOST_PAUSE).await?;
            let read = watch.read(&self.api, self.name).await;
            let environment = match read {
                Ok(environment) => environment,
                Err(error) if is_transient(&error) => continue,
                Err(error) => return Err(error),
            };
            let (label, previous) = (target.label.as_deref(), target.previous.as_deref());
            match lost_answer(environment.as_ref(), watch.pending(), label, previous, sent.elapsed()) {
                LostAnswer::Unknown => {}
                answer => return Ok(answer),
            }
        }
        Ok(LostAnswer::Unknown)
    }

    async fn send_once(&self, target: &UpdateTarget, settings: &SettingsChange) -> anyhow::Result<Option<String>> {
        let label = target.label.clone().filter(|_| target.is_version);
        let doing = || match &label {
            Some(label) => format!("cannot update `{}` to `{label}`", self.name),
            None => format!("cannot update the option settings of `{}`", self.name),
        };
        let set: Vec<_> = settings.set.iter().map(convert::to_sdk_setting).collect();
        let remove: Vec<_> = settings.remove.iter().map(convert::to_sdk_option).collect();
        let (answer, _) = self
            .api
            .once()
            .send(
                &calls::UPDATE_ENVIRONMENT,
                &self.api.environment_arn(self.name),
                doing,
                || {
                    self.api
                        .client
                        .update_environment()
                        .application_name(&self.api.application)
                        .environment_name(self.name)
                        .set_version_label(label.clone())
                        .set_option_settings((!set.is_empty()).then(|| set.clone()))
                        .set_options_to_remove((!remove.is_empty()).then(|| remove.clone()))
                        .send()
                },
            )
            .await?;
        Ok(answer.request_id().map(ToOwned::to_owned))
    }

    /// Follows an update to its end.
    async fn follow(
        &self,
        mut follow: Follow,
        mut watch: Watch,
        run: &mut EnvironmentRun,
    ) -> anyhow::Result<UpdateOutcome> {
        let mut backoff = Backoff::new(self.name, self.backend.poll_interval, std::process::id());
        loop {
            // A request that is throttled waits long, and must not outlast the deadline.
            let latest = self.deadline.max(Instant::now() + LAST_POLL);
            let polled = tokio::time::timeout_at(latest, watch.poll(&self.api, self.name, &follow, run)).await;
            let now = Instant::now().into_std();
            let step = match polled {
                Err(_) => return Ok(follow.late(latest.into_std()).unwrap_or_else(gone)),
                Ok(Ok(poll)) => follow.step(poll, now),
                Ok(Err(error)) if is_transient(&error) => follow.step_blind(&error, now),
                Ok(Err(error)) => {
                    if !error.is::<Cancelled>() {
                        // The update goes on, and nobody watches it any longer.
                        run.lose_sight();
                    }
                    return Err(error);
                }
            };
            step.lines.iter().for_each(|line| self.say(line));
            run.events.extend(step.events);
            if let Some(outcome) = step.end {
                return Ok(outcome);
            }
            self.rest(&mut backoff, |now| follow.sign_of_life(now)).await?;
        }
    }

    /// Pauses until the next poll, with signs of life where that is long.
    pub(crate) async fn rest(
        &self,
        backoff: &mut Backoff,
        mut sign_of_life: impl FnMut(std::time::Instant) -> Option<String>,
    ) -> Result<(), Cancelled> {
        let pause = backoff.pause(self.api.throttled());
        let left = self.deadline.saturating_duration_since(Instant::now());
        let end = Instant::now() + pause.min(left.max(Duration::from_millis(10)));
        while Instant::now() < end {
            self.api.sleep((end - Instant::now()).min(LOOK)).await?;
            sign_of_life(Instant::now().into_std())
                .iter()
                .for_each(|line| self.say(line));
        }
        Ok(())
    }

    /// A line of the log about the environment.
    pub(crate) fn say(&self, text: &str) {
        self.console.line(&format!("{}{text}", self.prefix));
    }
}

/// The environment is not there any more.
pub(crate) fn gone() -> UpdateOutcome {
    UpdateOutcome::Failed {
        why: FailureReason::Gone,
        event: None,
    }
}
