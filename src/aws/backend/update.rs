//! One environment: wait until it is Ready, update it, and follow the update to its end.

use std::time::Duration;

use anyhow::anyhow;
use aws_sdk_elasticbeanstalk::operation::RequestId as _;
use tokio::time::Instant;

use crate::aws::backend::api::{Api, EventsOf};
use crate::aws::backend::convert;
use crate::console::Console;
use crate::core::backend::backoff::Backoff;
use crate::core::backend::busy::{AfterRefusal, BusyStep, after_refusal, busy_step};
use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::events::EventLog;
use crate::core::backend::follow::{Follow, Poll, UpdateTarget};
use crate::core::backend::outcome::{EnvironmentRun, UpdateOutcome};
use crate::core::backend::rollout::FailureReason;
use crate::core::error::{Cancelled, HintExt as _, code};
use crate::core::iam::calls;
use crate::core::inputs::{BackendInputs, OptionSetting, WhenBusy};
use crate::core::retry::is_transient;

/// What the last poll before the deadline may take.
const LAST_POLL: Duration = Duration::from_secs(10);

/// An update to carry out.
pub(crate) struct Update<'u> {
    pub(crate) api: &'u Api,
    pub(crate) backend: &'u BackendInputs,
    pub(crate) console: &'u Console,
    /// The environment.
    pub(crate) name: &'u str,
    /// Stands before every line of the log: the name when there are several environments.
    pub(crate) prefix: String,
    /// The version to run.
    pub(crate) label: &'u str,
    pub(crate) settings: Settings,
    pub(crate) when_busy: WhenBusy,
    /// For everything.
    pub(crate) deadline: Instant,
}

/// Option settings to send with the version.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    pub(crate) set: Vec<OptionSetting>,
    pub(crate) remove: Vec<OptionSetting>,
}

impl Settings {
    pub(crate) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }
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
            let before = match self.until_ready(run).await? {
                Ok(environment) => environment,
                Err(outcome) => return Ok(outcome),
            };
            let previous = before.label;
            let mut log = self.event_log().await?;
            let sent = self.send(Some(self.label), &settings).await;
            let (request_id, target) = match sent {
                Ok(request_id) => (request_id, UpdateTarget::version(self.label, previous.as_deref())),
                Err(error) => match after_refusal(&error, !settings.is_empty()) {
                    AfterRefusal::WaitAgain => {
                        let label = self
                            .api
                            .environment(self.name)
                            .await?
                            .and_then(|environment| environment.label);
                        if label.as_deref() != Some(self.label) || previous == label {
                            self.say("another update has just started");
                            continue;
                        }
                        // The answer to our first try was lost on the way: this is our own update.
                        (None, UpdateTarget::version(self.label, previous.as_deref()))
                    }
                    AfterRefusal::SettingsFirst => {
                        self.say("Elastic Beanstalk takes option settings and version one after the other");
                        let request_id = self.send(None, &settings).await?;
                        settings = Settings::default();
                        (request_id, UpdateTarget::settings(previous.as_deref()))
                    }
                    AfterRefusal::Fail => return Err(error),
                },
            };
            run.changed = true;
            run.previous.get_or_insert(previous);
            if !self.backend.wait && target.is_version {
                run.see(self.api.environment(self.name).await?.as_ref());
                return Ok(UpdateOutcome::Sent);
            }
            let is_version = target.is_version;
            let deadline = self.deadline.into_std();
            let follow = Follow::new(target, request_id, self.backend, deadline, Instant::now().into_std());
            match self.follow(follow, &mut log, run).await? {
                UpdateOutcome::Succeeded if !is_version => {}
                outcome => return Ok(outcome),
            }
        }
    }

    /// Waits until the environment can be updated.
    async fn until_ready(&self, run: &mut EnvironmentRun) -> anyhow::Result<Result<EnvironmentState, UpdateOutcome>> {
        let mut backoff = Backoff::new(self.name, self.backend.poll_interval);
        let mut announced = false;
        let mut aborted = false;
        loop {
            let found = self.api.environment(self.name).await?;
            run.see(found.as_ref());
            let Some(environment) = found else {
                return Ok(Err(gone()));
            };
            let status = environment.status.clone();
            match busy_step(&environment, self.when_busy, aborted) {
                BusyStep::Update => return Ok(Ok(environment)),
                BusyStep::Gone => return Ok(Err(gone())),
                BusyStep::Refuse => {
                    return Err(anyhow!(
                        "cannot deploy to `{}`: the environment is {status}, and `when-busy` is `fail`",
                        self.name
                    )
                    .hint("run this step again when it is Ready, or set `when-busy` to `wait` or `abort`"));
                }
                BusyStep::Abort => {
                    aborted = true;
                    self.abort().await?;
                }
                BusyStep::Wait => {}
            }
            if !announced {
                announced = true;
                self.say(&format!("the environment is {status}: waiting until it is Ready"));
            }
            if Instant::now() >= self.deadline {
                return Ok(Err(UpdateOutcome::Deadline { status }));
            }
            self.rest(&mut backoff).await?;
        }
    }

    async fn abort(&self) -> anyhow::Result<()> {
        let doing = || format!("cannot abort the running update of `{}`", self.name);
        let resource = self.api.environment_arn(self.name);
        let aborted = self
            .api
            .send(&calls::ABORT_ENVIRONMENT_UPDATE, &resource, doing, || {
                self.api
                    .client
                    .abort_environment_update()
                    .environment_name(self.name)
                    .send()
            })
            .await;
        match aborted {
            Ok(_) => self.say("asked Elastic Beanstalk to abort the running update"),
            // It has come to an end meanwhile, or to a point from which it cannot be aborted.
            Err(error) if code(&error) == Some("InvalidParameterValue") => {
                self.say("the running update cannot be aborted any more");
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn send(&self, label: Option<&str>, settings: &Settings) -> anyhow::Result<Option<String>> {
        let doing = || match label {
            Some(label) => format!("cannot update `{}` to `{label}`", self.name),
            None => format!("cannot update the option settings of `{}`", self.name),
        };
        let set: Vec<_> = settings.set.iter().map(convert::to_sdk_setting).collect();
        let remove: Vec<_> = settings.remove.iter().map(convert::to_sdk_option).collect();
        let resource = self.api.environment_arn(self.name);
        let (answer, _) = self
            .api
            .send(&calls::UPDATE_ENVIRONMENT, &resource, doing, || {
                self.api
                    .client
                    .update_environment()
                    .application_name(&self.api.application)
                    .environment_name(self.name)
                    .set_version_label(label.map(ToOwned::to_owned))
                    .set_option_settings((!set.is_empty()).then(|| set.clone()))
                    .set_options_to_remove((!remove.is_empty()).then(|| remove.clone()))
                    .send()
            })
            .await?;
        Ok(answer.request_id().map(ToOwned::to_owned))
    }

    /// Follows an update to its end.
    async fn follow(
        &self,
        mut follow: Follow,
        log: &mut EventLog,
        run: &mut EnvironmentRun,
    ) -> anyhow::Result<UpdateOutcome> {
        let mut backoff = Backoff::new(self.name, self.backend.poll_interval);
        loop {
            // A request that is throttled waits long, and must not outlast the deadline.
            let latest = self.deadline.max(Instant::now() + LAST_POLL);
            let polled = tokio::time::timeout_at(latest, self.poll(&follow, log)).await;
            let now = Instant::now().into_std();
            let step = match polled {
                Err(_) => return Ok(follow.late(latest.into_std()).unwrap_or_else(gone)),
                Ok(Ok(poll)) => {
                    run.see(poll.environment.as_ref());
                    follow.step(poll, now)
                }
                Ok(Err(error)) if is_transient(&error) => follow.step_blind(&error, now),
                Ok(Err(error)) => return Err(error),
            };
            step.lines.iter().for_each(|line| self.say(line));
            run.events.extend(step.events);
            if let Some(outcome) = step.end {
                return Ok(outcome);
            }
            self.rest(&mut backoff).await?;
        }
    }

    /// Environment first, events then: an event that came before the state seen is never missing.
    async fn poll(&self, follow: &Follow, log: &mut EventLog) -> anyhow::Result<Poll> {
        let environment = self.api.environment(self.name).await?;
        let found = self
            .api
            .events(EventsOf::Environment(self.name), log.start(), None)
            .await?;
        let instances = if follow.wants_instances(environment.as_ref()) {
            self.api.instances(self.name).await?.unwrap_or_default()
        } else {
            Vec::new()
        };
        Ok(Poll {
            environment,
            events: log.take(&found),
            instances,
        })
    }

    /// The events from this moment on.
    async fn event_log(&self) -> anyhow::Result<EventLog> {
        let before = self
            .api
            .events(EventsOf::Environment(self.name), None, Some(100))
            .await?;
        Ok(EventLog::after(&before))
    }

    async fn rest(&self, backoff: &mut Backoff) -> Result<(), Cancelled> {
        let pause = backoff.pause(self.api.throttled());
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.api.sleep(pause.min(left.max(Duration::from_millis(10)))).await
    }

    fn say(&self, text: &str) {
        self.console.line(&format!("{}{text}", self.prefix));
    }
}

fn gone() -> UpdateOutcome {
    UpdateOutcome::Failed {
        why: FailureReason::Gone,
        event: None,
    }
}
