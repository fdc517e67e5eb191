//! One environment: wait until it is Ready, update it, and follow the update to its end.

use std::time::Duration;

use anyhow::anyhow;
use aws_sdk_elasticbeanstalk::operation::RequestId as _;
use aws_sdk_elasticbeanstalk::types::{ConfigurationOptionSetting, EnvironmentDescription, OptionSpecification};
use tokio::time::Instant;

use crate::aws::backend::api::Api;
use crate::aws::backend::compare::{health, status, url};
use crate::aws::backend::events::Stream;
use crate::aws::backend::retry::{is_transient, message_contains};
use crate::console::Console;
use crate::core::backend::backoff::Backoff;
use crate::core::backend::plan::is_accepted;
use crate::core::backend::rollout::{FailureReason, Observation, RolloutMonitor, Verdict};
use crate::core::error::{Cancelled, HintExt as _, code};
use crate::core::iam::calls;
use crate::core::inputs::{BackendInputs, OptionSetting, WhenBusy};
use crate::core::report;

/// A line of life after this long without an event.
const HEARTBEAT: Duration = Duration::from_secs(60);

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

/// How an update ended.
#[derive(Debug)]
pub(crate) enum UpdateOutcome {
    /// As it should.
    Succeeded,
    /// It was sent, and is not to be waited for.
    Sent,
    /// The run is to stop.
    Cancelled,
    /// It did not work: why, and the event that said so first.
    Failed { why: FailureReason, event: Option<String> },
    /// The deadline came first; the environment is in this status.
    Deadline { status: String },
    /// A request failed.
    Error(anyhow::Error),
}

impl Settings {
    pub(crate) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }
}

impl Update<'_> {
    /// Carries the update out; `report` is kept up to date all the while.
    pub(crate) async fn run(&self, report: &mut report::EnvironmentReport) -> UpdateOutcome {
        match self.steps(report).await {
            Ok(end) => end,
            Err(error) if error.is::<Cancelled>() => UpdateOutcome::Cancelled,
            Err(error) => UpdateOutcome::Error(error),
        }
    }

    async fn steps(&self, report: &mut report::EnvironmentReport) -> anyhow::Result<UpdateOutcome> {
        let mut settings = self.settings.clone();
        loop {
            let before = match self.until_ready(report).await? {
                Ok(environment) => environment,
                Err(end) => return Ok(end),
            };
            let previous = before.version_label.clone();
            let mut stream = Stream::from_now(self.api, self.name).await?;
            let sent = self.send(Some(self.label), &settings).await;
            let (request_id, target) = match sent {
                Ok(request_id) => (request_id, UpdateTarget::version(self.label, previous.as_deref())),
                Err(error) if message_contains(&error, "Must be Ready") => {
                    let now = self.api.environment(self.name).await?;
                    let label = now.and_then(|environment| environment.version_label);
                    if label.as_deref() != Some(self.label) || previous == label {
                        self.say("somebody else has just begun an update");
                        continue;
                    }
                    // The answer to our first try was lost on the way: this is our own update.
                    (None, UpdateTarget::version(self.label, previous.as_deref()))
                }
                Err(error) if code(&error) == Some("InvalidParameterCombination") && !settings.is_empty() => {
                    self.say("Elastic Beanstalk takes option settings and version one after the other");
                    let request_id = self.send(None, &settings).await?;
                    settings = Settings::default();
                    (request_id, UpdateTarget::settings(previous.as_deref()))
                }
                Err(error) => return Err(error),
            };
            report.changed = true;
            if !self.backend.wait && target.is_version {
                self.see(report, self.api.environment(self.name).await?.as_ref());
                return Ok(UpdateOutcome::Sent);
            }
            match self.follow(&mut stream, request_id.as_deref(), &target, report).await? {
                UpdateOutcome::Succeeded if !target.is_version => {}
                end => return Ok(end),
            }
        }
    }

    /// Waits until the environment can be updated.
    async fn until_ready(
        &self,
        report: &mut report::EnvironmentReport,
    ) -> anyhow::Result<Result<EnvironmentDescription, UpdateOutcome>> {
        let mut pace = Backoff::new(self.name, self.backend.poll_interval);
        let mut announced = false;
        let mut aborted = false;
        loop {
            let found = self.api.environment(self.name).await?;
            self.see(report, found.as_ref());
            let Some(environment) = found else {
                return Ok(Err(gone()));
            };
            let state = status(&environment);
            match (state.as_str(), self.when_busy) {
                ("Ready", _) => return Ok(Ok(environment)),
                ("Terminating" | "Terminated", _) => return Ok(Err(gone())),
                (_, WhenBusy::Fail) => {
                    return Err(anyhow!(
                        "cannot deploy to `{}`: the environment is {state}, and `when-busy` is `fail`",
                        self.name
                    )
                    .hint("run this step again when it is Ready, or set `when-busy` to `wait` or `abort`"));
                }
                (_, WhenBusy::Abort) if !aborted && environment.abortable_operation_in_progress == Some(true) => {
                    aborted = true;
                    self.abort().await?;
                }
                _ => {}
            }
            if !announced {
                announced = true;
                self.say(&format!("the environment is {state}: waiting until it is Ready"));
            }
            if Instant::now() >= self.deadline {
                return Ok(Err(UpdateOutcome::Deadline { status: state }));
            }
            self.rest(pace.pause(self.api.throttled())).await?;
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
        let set: Vec<_> = settings.set.iter().map(to_sdk).collect();
        let remove: Vec<_> = settings
            .remove
            .iter()
            .map(|one| {
                OptionSpecification::builder()
                    .namespace(&one.namespace)
                    .option_name(&one.option_name)
                    .set_resource_name(one.resource_name.clone())
                    .build()
            })
            .collect();
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

    /// Follows the update `request_id` (any, when we do not know ours) to its end.
    async fn follow(
        &self,
        stream: &mut Stream,
        request_id: Option<&str>,
        target: &UpdateTarget<'_>,
        report: &mut report::EnvironmentReport,
    ) -> anyhow::Result<UpdateOutcome> {
        let recovery = self.backend.recovery;
        let mut judge = RolloutMonitor::new(target.label, target.previous, recovery, self.backend.poll_interval);
        let mut pace = Backoff::new(self.name, self.backend.poll_interval);
        let mut failing: Option<String> = None;
        let mut began_to_recover = false;
        let mut quiet_since = Instant::now();
        let began = Instant::now();
        loop {
            // A request that is throttled waits long, and must not outlast the deadline.
            let latest = self.deadline.max(Instant::now() + LAST_POLL);
            let Ok(polled) = tokio::time::timeout_at(latest, self.poll(stream, target, &judge)).await else {
                let status = report.status.clone().unwrap_or_default();
                return Ok(UpdateOutcome::Deadline { status });
            };
            match polled {
                Ok((found, seen, events)) => {
                    self.see(report, found.as_ref());
                    for event in events.iter().filter(|event| event.concerns(request_id)) {
                        self.say(&event.line());
                        quiet_since = Instant::now();
                        report.events.push(event.report());
                        if event.request_id.is_some() {
                            judge.begun();
                        }
                        if event.fails(request_id) && failing.is_none() {
                            failing = Some(event.message.clone());
                        }
                    }
                    match judge.verdict(&seen, failing.is_some(), Instant::now().into_std()) {
                        Verdict::Succeeded => return Ok(UpdateOutcome::Succeeded),
                        Verdict::Failed(why) => return Ok(UpdateOutcome::Failed { why, event: failing }),
                        Verdict::Recovering if !began_to_recover => {
                            began_to_recover = true;
                            self.say(&format!(
                                "updated, but not healthy yet ({}): waiting up to {} s",
                                report.health.as_deref().unwrap_or("Grey"),
                                recovery.as_secs()
                            ));
                        }
                        Verdict::Recovering | Verdict::Going => {}
                    }
                }
                // The update goes on without us: only the deadline ends the wait.
                Err(error) if is_transient(&error) => {
                    self.say(&format!("cannot look at the environment now: {error:#}"))
                }
                Err(error) => return Err(error),
            }
            if Instant::now() >= self.deadline {
                let status = report.status.clone().unwrap_or_default();
                return Ok(UpdateOutcome::Deadline { status });
            }
            if quiet_since.elapsed() >= HEARTBEAT {
                quiet_since = Instant::now();
                self.say(&format!(
                    "still {} after {} s, health {}",
                    report.status.as_deref().unwrap_or_default(),
                    began.elapsed().as_secs(),
                    report.health.as_deref().unwrap_or_default()
                ));
            }
            self.rest(pace.pause(self.api.throttled())).await?;
        }
    }

    /// Environment first, events then: an event that came before the state seen is never missing.
    async fn poll(
        &self,
        stream: &mut Stream,
        target: &UpdateTarget<'_>,
        judge: &RolloutMonitor,
    ) -> anyhow::Result<(
        Option<EnvironmentDescription>,
        Observation,
        Vec<crate::aws::backend::events::EnvironmentEvent>,
    )> {
        let found = self.api.environment(self.name).await?;
        let mut seen = Observation {
            status: found.as_ref().map(status),
            label: found.as_ref().and_then(|environment| environment.version_label.clone()),
            healthy: !target.is_version
                || found
                    .as_ref()
                    .is_some_and(|environment| is_accepted(&self.backend.accepted_health, &health(environment))),
            stragglers: Vec::new(),
        };
        let events = stream.new_events(self.api).await?;
        if target.is_version && judge.is_nearly_done(&seen) {
            let instances = self.api.instances(self.name).await?.unwrap_or_default();
            seen.stragglers = instances
                .into_iter()
                .filter(|instance| {
                    let running = instance.deployment().and_then(|deployment| deployment.version_label());
                    running.is_some_and(|running| running != target.label)
                })
                .filter_map(|instance| instance.instance_id)
                .collect();
        }
        Ok((found, seen, events))
    }

    fn see(&self, report: &mut report::EnvironmentReport, found: Option<&EnvironmentDescription>) {
        report.status = Some(found.map_or_else(|| "Terminated".to_owned(), status));
        if let Some(environment) = found {
            report.health = Some(health(environment));
            report.url = url(environment);
        }
    }

    async fn rest(&self, pause: Duration) -> Result<(), Cancelled> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.api.sleep(pause.min(left.max(Duration::from_millis(10)))).await
    }

    fn say(&self, text: &str) {
        self.console.line(&format!("{}{text}", self.prefix));
    }
}

/// What an update should lead to.
struct UpdateTarget<'t> {
    label: &'t str,
    previous: Option<&'t str>,
    /// A version is deployed; else only option settings are.
    is_version: bool,
}

impl<'t> UpdateTarget<'t> {
    const fn version(label: &'t str, previous: Option<&'t str>) -> Self {
        Self {
            label,
            previous,
            is_version: true,
        }
    }

    fn settings(running: Option<&'t str>) -> Self {
        Self {
            label: running.unwrap_or_default(),
            previous: running,
            is_version: false,
        }
    }
}

const fn gone() -> UpdateOutcome {
    UpdateOutcome::Failed {
        why: FailureReason::Gone,
        event: None,
    }
}

fn to_sdk(setting: &OptionSetting) -> ConfigurationOptionSetting {
    ConfigurationOptionSetting::builder()
        .namespace(&setting.namespace)
        .option_name(&setting.option_name)
        .value(&setting.value)
        .set_resource_name(setting.resource_name.clone())
        .build()
}
