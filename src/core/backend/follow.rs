//! Following one update: a step for each poll, with the lines to print and whether to go on. Pure: time comes in.

use std::time::{Duration, Instant};

use crate::core::backend::environment::{EnvironmentState, InstanceState};
use crate::core::backend::events::EnvironmentEvent;
use crate::core::backend::outcome::UpdateOutcome;
use crate::core::backend::rollout::{FailureReason, Observation, RolloutMonitor, Verdict};
use crate::core::backend::secrets::Redaction;
use crate::core::heartbeat::Heartbeat;
use crate::core::inputs::{BackendInputs, Health};

/// After so long without an event the instances are asked, for the sign of life that will be due.
const QUIET: Duration = Duration::from_secs(10);

/// How often [`Follow::sign_of_life`] is asked for at least.
pub(crate) const LOOK: Duration = Duration::from_secs(1);

/// So long an update that is done otherwise waits for what enhanced health says of its instances.
const INSTANCES_PATIENCE: Duration = Duration::from_secs(30);

/// What an update should lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UpdateTarget {
    /// The version that runs afterwards; none where option settings go to an environment without a version.
    pub(crate) label: Option<String>,
    /// The version that ran before.
    pub(crate) previous: Option<String>,
    /// A version is deployed; else only option settings are.
    pub(crate) is_version: bool,
}

/// What one poll saw.
#[derive(Debug, Default)]
pub(crate) struct Poll {
    /// `None` when the environment is not there any more.
    pub(crate) environment: Option<EnvironmentState>,
    /// Those that no poll before has seen, oldest first.
    pub(crate) events: Vec<EnvironmentEvent>,
    /// What enhanced health knows; empty where it was not asked, or knows nothing.
    pub(crate) instances: Vec<InstanceState>,
    /// Why the instances could not be read, though they were asked about.
    pub(crate) instances_unreadable: Option<String>,
}

/// What follows from a poll.
#[derive(Debug)]
pub(crate) struct FollowStep {
    /// For the log.
    pub(crate) lines: Vec<String>,
    /// The events of this update, for the report.
    pub(crate) events: Vec<EnvironmentEvent>,
    /// How the update ended; `None`: ask again.
    pub(crate) end: Option<UpdateOutcome>,
}

/// Follows one update.
#[derive(Debug)]
pub(crate) struct Follow {
    target: UpdateTarget,
    /// `None` when the answer that told it was lost.
    request_id: Option<String>,
    accepted: Vec<Health>,
    recovery: Duration,
    monitor: RolloutMonitor,
    redaction: Redaction,
    failing: Option<String>,
    /// Our own first event was seen.
    own_start: bool,
    another_began: bool,
    /// Instances of the update before are being removed.
    removing: bool,
    /// Why it is Grey, as was said last.
    causes: Option<String>,
    recovering: bool,
    /// Since when the update is done but for its instances, which cannot be read.
    blind_since: Option<Instant>,
    heartbeat: Heartbeat,
    /// How many instances run the version, of how many, when they were asked last.
    updated: Option<(usize, usize)>,
    deadline: Instant,
    last: Option<EnvironmentState>,
    seen: Option<Observation>,
}

impl UpdateTarget {
    /// A version is deployed.
    pub(crate) fn version(label: &str, previous: Option<&str>) -> Self {
        Self {
            label: Some(label.to_owned()),
            previous: previous.map(ToOwned::to_owned),
            is_version: true,
        }
    }

    /// Only option settings are; the version stays.
    pub(crate) fn settings(running: Option<&str>) -> Self {
        Self {
            label: running.map(ToOwned::to_owned),
            previous: running.map(ToOwned::to_owned),
            is_version: false,
        }
    }
}

impl Follow {
    /// Follows the update `request_id`, which was sent at `now`, until `deadline`.
    pub(crate) fn new(
        target: UpdateTarget,
        request_id: Option<String>,
        inputs: &BackendInputs,
        redaction: Redaction,
        deadline: Instant,
        now: Instant,
    ) -> Self {
        let monitor = RolloutMonitor::new(
            target.label.as_deref(),
            target.previous.as_deref(),
            inputs.recovery,
            inputs.poll_interval,
        );
        Self {
            target,
            request_id,
            accepted: inputs.accepted_health.clone(),
            recovery: inputs.recovery,
            monitor,
            redaction,
            failing: None,
            own_start: false,
            another_began: false,
            removing: false,
            causes: None,
            recovering: false,
            blind_since: None,
            heartbeat: Heartbeat::new(now, LOOK),
            updated: None,
            deadline,
            last: None,
            seen: None,
        }
    }

    /// Whether the instances are worth asking about: all else is well, or a sign of life is due.
    pub(crate) fn wants_instances(&self, environment: Option<&EnvironmentState>, now: Instant) -> bool {
        self.target.is_version
            && (self.monitor.is_nearly_done(&self.observation(environment, &[]))
                || self.heartbeat.silence(now) >= QUIET)
    }

    /// One poll.
    pub(crate) fn step(&mut self, poll: Poll, now: Instant) -> FollowStep {
        let mut lines = Vec::new();
        let mut events = Vec::new();
        for event in poll.events {
            if !event.concerns(self.request_id.as_deref()) {
                self.see_other(&event);
                continue;
            }
            self.see_own(&event);
            self.heartbeat.heard(now);
            let event = EnvironmentEvent {
                message: self.redaction.clean(&event.message),
                ..event
            };
            lines.push(event.line());
            events.push(event);
        }
        if let Some(state) = poll.environment.as_ref() {
            lines.extend(self.cause_line(state));
        }
        let mut seen = self.observation(poll.environment.as_ref(), &poll.instances);
        if let (Some(_), Some(before)) = (&poll.instances_unreadable, &self.seen) {
            seen.stragglers.clone_from(&before.stragglers);
        }
        self.count(&poll.instances);
        self.last = poll.environment;
        let verdict = self.monitor.verdict(&seen, self.failing.is_some(), now);
        let end = match &verdict {
            Verdict::Succeeded => self.done(poll.instances_unreadable.as_deref(), now, &mut lines),
            Verdict::Failed(why) => Some(self.failed(why.clone())),
            Verdict::Recovering if !self.recovering => {
                self.recovering = true;
                lines.push(format!(
                    "updated, but not healthy yet ({}): waiting up to {} s",
                    self.health(),
                    self.recovery.as_secs()
                ));
                None
            }
            Verdict::Recovering | Verdict::Going => None,
        };
        if verdict != Verdict::Succeeded {
            self.blind_since = None;
        }
        self.seen = Some(seen);
        let end = end.or_else(|| self.late(now));
        if end.is_none() {
            lines.extend(self.sign_of_life(now));
        }
        FollowStep { lines, events, end }
    }

    /// A poll that got no answer: the update goes on without us, and only the deadline ends the wait.
    pub(crate) fn step_blind(&self, error: &anyhow::Error, now: Instant) -> FollowStep {
        FollowStep {
            lines: vec![format!("cannot read the environment's state now: {error:#}")],
            events: Vec::new(),
            end: self.late(now),
        }
    }

    /// How the update ends when `now` is past the deadline: one that is over has failed, another goes on.
    pub(crate) fn late(&self, now: Instant) -> Option<UpdateOutcome> {
        if now < self.deadline {
            return None;
        }
        if self.blind_since.is_some() {
            return Some(UpdateOutcome::Succeeded);
        }
        let over = self.seen.as_ref().and_then(|seen| self.monitor.give_up(seen, now));
        Some(match over {
            Some(why) => self.failed(why),
            None => UpdateOutcome::Deadline {
                status: self
                    .last
                    .as_ref()
                    .map_or_else(String::new, |state| state.status.clone()),
                another: self.another_began,
            },
        })
    }

    /// All that is known is well. Instances that cannot be read are waited for, but do not fail a deployment.
    fn done(&mut self, unreadable: Option<&str>, now: Instant, lines: &mut Vec<String>) -> Option<UpdateOutcome> {
        let Some(why) = unreadable else {
            return Some(UpdateOutcome::Succeeded);
        };
        let since = *self.blind_since.get_or_insert(now);
        if now - since < INSTANCES_PATIENCE {
            if now == since {
                lines.push(format!(
                    "{}, but its instances cannot be read now: {why}",
                    self.health()
                ));
            }
            return None;
        }
        lines.push(format!(
            "the instances could not be read for {} s: the environment's own health counts",
            (now - since).as_secs()
        ));
        Some(UpdateOutcome::Succeeded)
    }

    fn see_own(&mut self, event: &EnvironmentEvent) {
        if event.request_id.is_some() {
            self.monitor.begun();
            self.own_start = true;
        }
        if event.completes_update() {
            self.monitor.completed();
        }
        self.removing |= event.removes_old_instances();
        if event.fails(self.request_id.as_deref()) && self.failing.is_none() {
            self.failing = Some(self.redaction.clean(&event.message));
        }
    }

    /// An event of another update. One that began before ours is over, for ours was accepted.
    fn see_other(&mut self, event: &EnvironmentEvent) {
        if self.own_start && event.starts_update() {
            self.another_began = true;
            self.monitor.another_began();
        }
        // An abort is a request of its own.
        if self.own_start && event.reverts_update() {
            self.monitor.aborted();
        }
    }

    fn failed(&self, why: FailureReason) -> UpdateOutcome {
        UpdateOutcome::Failed {
            why,
            event: self.failing.clone(),
        }
    }

    fn observation(&self, environment: Option<&EnvironmentState>, instances: &[InstanceState]) -> Observation {
        let label = self.target.label.as_deref().unwrap_or_default();
        Observation {
            status: environment.map(|state| state.status.clone()),
            label: environment.and_then(|state| state.label.clone()),
            healthy: !self.target.is_version || environment.is_some_and(|state| state.is_healthy(&self.accepted)),
            stragglers: instances
                .iter()
                .filter(|instance| !self.removing && instance.runs_another(label))
                .map(|instance| instance.id.clone())
                .collect(),
        }
    }

    /// Why an updated environment is Grey, when that was not said before.
    fn cause_line(&mut self, state: &EnvironmentState) -> Option<String> {
        let is_updated = self.target.is_version && state.label == self.target.label;
        if !is_updated || state.causes.is_empty() || state.is_healthy(&self.accepted) && !state.is_idle() {
            return None;
        }
        let idle = state.idle_note(&self.accepted);
        let line = idle.unwrap_or_else(|| format!("updated, but Grey: {}", state.causes.join(" ")));
        let line = self.redaction.clean(&line);
        if self.causes.as_ref() == Some(&line) {
            return None;
        }
        self.causes = Some(line.clone());
        Some(line)
    }

    fn health(&self) -> &str {
        self.last.as_ref().map_or("Grey", |state| &state.health)
    }

    fn count(&mut self, instances: &[InstanceState]) {
        if !instances.is_empty() {
            let done = instances.iter().filter(|instance| instance.label == self.target.label);
            self.updated = Some((done.count(), instances.len()));
        }
    }

    /// How far the update is, when the log has been silent for long.
    pub(crate) fn sign_of_life(&mut self, now: Instant) -> Option<String> {
        let seconds = self.heartbeat.beat(now)?;
        let mut text = format!(
            "still {} after {seconds} s, health {}",
            self.last.as_ref().map_or("Updating", |state| &state.status),
            self.health()
        );
        if let (Some(label), Some((done, all))) = (&self.target.label, self.updated) {
            let instances = if all == 1 { "instance runs" } else { "instances run" };
            text.push_str(&format!(", {done} of {all} {instances} `{label}`"));
        }
        let left = self.deadline.saturating_duration_since(now);
        text.push_str(&format!(", {} s left", left.as_secs()));
        Some(text)
    }
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
