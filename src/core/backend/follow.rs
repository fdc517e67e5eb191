//! Following one update: a step for each poll, with the lines to print and whether to go on. Pure: time comes in.

use std::time::{Duration, Instant};

use crate::core::backend::environment::{EnvironmentState, InstanceState};
use crate::core::backend::events::EnvironmentEvent;
use crate::core::backend::outcome::UpdateOutcome;
use crate::core::backend::plan::is_accepted;
use crate::core::backend::rollout::{Observation, RolloutMonitor, Verdict};
use crate::core::inputs::{BackendInputs, Health};

/// A sign of life after this long without an event.
const HEARTBEAT: Duration = Duration::from_secs(60);

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
    failing: Option<String>,
    recovering: bool,
    began: Instant,
    quiet_since: Instant,
    deadline: Instant,
    last: Option<EnvironmentState>,
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
            failing: None,
            recovering: false,
            began: now,
            quiet_since: now,
            deadline,
            last: None,
        }
    }

    /// Whether the instances are worth asking about: all else is well.
    pub(crate) fn wants_instances(&self, environment: Option<&EnvironmentState>) -> bool {
        self.target.is_version && self.monitor.is_nearly_done(&self.observation(environment, &[]))
    }

    /// One poll.
    pub(crate) fn step(&mut self, poll: Poll, now: Instant) -> FollowStep {
        let mut lines = Vec::new();
        let request_id = self.request_id.as_deref();
        let (events, _others): (Vec<_>, Vec<_>) = poll.events.into_iter().partition(|event| event.concerns(request_id));
        for event in &events {
            lines.push(event.line());
            self.quiet_since = now;
            if event.request_id.is_some() {
                self.monitor.begun();
            }
            if event.fails(request_id) && self.failing.is_none() {
                self.failing = Some(event.message.clone());
            }
        }
        let seen = self.observation(poll.environment.as_ref(), &poll.instances);
        self.last = poll.environment;
        let verdict = self.monitor.verdict(&seen, self.failing.is_some(), now);
        let end = match verdict {
            Verdict::Succeeded => Some(UpdateOutcome::Succeeded),
            Verdict::Failed(why) => Some(UpdateOutcome::Failed {
                why,
                event: self.failing.clone(),
            }),
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
        let end = end.or_else(|| self.late(now));
        if end.is_none() && now - self.quiet_since >= HEARTBEAT {
            self.quiet_since = now;
            lines.push(self.sign_of_life(now));
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

    /// How the update ends when `now` is past the deadline.
    pub(crate) fn late(&self, now: Instant) -> Option<UpdateOutcome> {
        (now >= self.deadline).then(|| UpdateOutcome::Deadline {
            status: self
                .last
                .as_ref()
                .map_or_else(String::new, |state| state.status.clone()),
        })
    }

    fn observation(&self, environment: Option<&EnvironmentState>, instances: &[InstanceState]) -> Observation {
        let label = self.target.label.as_deref().unwrap_or_default();
        Observation {
            status: environment.map(|state| state.status.clone()),
            label: environment.and_then(|state| state.label.clone()),
            healthy: !self.target.is_version
                || environment.is_some_and(|state| is_accepted(&self.accepted, &state.health)),
            stragglers: instances
                .iter()
                .filter(|instance| instance.runs_another(label))
                .map(|instance| instance.id.clone())
                .collect(),
        }
    }

    fn health(&self) -> &str {
        self.last.as_ref().map_or("Grey", |state| &state.health)
    }

    fn sign_of_life(&self, now: Instant) -> String {
        format!(
            "still {} after {} s, health {}",
            self.last.as_ref().map_or("", |state| &state.status),
            (now - self.began).as_secs(),
            self.health()
        )
    }
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
