//! The verdict on an update, from what polls see. Pure: time comes in.
//!
//! | status | label | also | verdict |
//! | --- | --- | --- | --- |
//! | gone, `Terminating`, `Terminated` | | | failed: gone |
//! | any | neither ours nor the one before | `Ready`, or another update began after ours | failed: superseded |
//! | not `Ready` | | | going on |
//! | `Ready` | the one before | another update began after ours | failed: superseded |
//! | `Ready` | any | an event says that this update failed | failed: event |
//! | `Ready` | any | it was aborted before it was completed | failed: aborted |
//! | `Ready` | another | for the whole grace | failed: reverted |
//! | `Ready` | ours | the update has not been seen to begin, within the grace | going on |
//! | `Ready` | ours | accepted health, every instance on our label | succeeded |
//! | `Ready` | ours | otherwise, within `recovery-seconds` | recovering |
//! | `Ready` | ours | otherwise, later | failed: health |

use std::time::{Duration, Instant};

/// How long an environment may be Ready on another label: reads can be stale, and Beanstalk takes a moment to begin.
const GRACE: Duration = Duration::from_secs(30);
/// The same in polls, for a `poll-interval` that makes them quicker.
const GRACE_POLLS: u32 = 6;
const MIN_GRACE: Duration = Duration::from_secs(3);

/// What one poll saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Observation {
    /// `Ready`, `Updating`, …; `None` when the environment is not there any more.
    pub(crate) status: Option<String>,
    /// The version that Beanstalk says it runs.
    pub(crate) label: Option<String>,
    /// Its health is among the accepted ones.
    pub(crate) healthy: bool,
    /// Instances that run another version, where enhanced health tells.
    pub(crate) stragglers: Vec<String>,
}

/// What to make of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The update goes on.
    Going,
    /// It is done, but not healthy yet.
    Recovering,
    /// All is as it should be.
    Succeeded,
    /// It will not become any better.
    Failed(FailureReason),
}

/// Why an update failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FailureReason {
    /// The environment is not there any more, or being terminated.
    Gone,
    /// An event that says so.
    Event,
    /// It is Ready on this version, which is another.
    Reverted(Option<String>),
    /// It was aborted; the environment is Ready on this version.
    Aborted(Option<String>),
    /// Somebody else deployed this version over it.
    Superseded {
        /// The version that runs now.
        by: String,
        /// Our update had been completed before.
        was_live: bool,
    },
    /// It did not become healthy in so many seconds after the update.
    Health(u64),
    /// Instances that still run another version.
    Stragglers(Vec<String>),
}

/// Watches one update.
#[derive(Debug)]
pub(crate) struct RolloutMonitor {
    /// None where option settings go to an environment without a version.
    label: Option<String>,
    previous: Option<String>,
    recovery: Duration,
    grace: Duration,
    begun: bool,
    completed: bool,
    another_began: bool,
    aborted: bool,
    ready_since: Option<Instant>,
    elsewhere_since: Option<Instant>,
}

impl RolloutMonitor {
    /// For an update from `previous` to `label`.
    pub(crate) fn new(
        label: Option<&str>,
        previous: Option<&str>,
        recovery: Duration,
        poll_interval: Option<Duration>,
    ) -> Self {
        Self {
            label: label.map(ToOwned::to_owned),
            previous: previous.map(ToOwned::to_owned),
            recovery,
            grace: poll_interval.map_or(GRACE, |interval| (interval * GRACE_POLLS).clamp(MIN_GRACE, GRACE)),
            begun: false,
            completed: false,
            another_began: false,
            aborted: false,
            ready_since: None,
            elsewhere_since: None,
        }
    }

    /// An event of the update was seen: it has begun.
    pub(crate) fn begun(&mut self) {
        self.begun = true;
    }

    /// The update's event of its completion was seen.
    pub(crate) fn completed(&mut self) {
        self.completed = true;
    }

    /// Another update began after this one.
    pub(crate) fn another_began(&mut self) {
        self.another_began = true;
    }

    /// It was seen to be aborted.
    pub(crate) fn aborted(&mut self) {
        self.aborted = true;
    }

    /// Whether `seen` is worth asking the instances about: all else is well.
    pub(crate) fn is_nearly_done(&self, seen: &Observation) -> bool {
        is_ready(seen) && seen.label == self.label && seen.healthy
    }

    /// The verdict on what a poll saw at `now`.
    pub(crate) fn verdict(&mut self, seen: &Observation, failed_event: bool, now: Instant) -> Verdict {
        if matches!(seen.status.as_deref(), None | Some("Terminating" | "Terminated")) {
            return Verdict::Failed(FailureReason::Gone);
        }
        if let Some(by) = self.superseded_by(seen) {
            return Verdict::Failed(FailureReason::Superseded {
                by,
                was_live: self.completed,
            });
        }
        if !is_ready(seen) {
            self.begun = true;
            self.aborted |= seen.status.as_deref() == Some("Aborting");
            self.ready_since = None;
            self.elsewhere_since = None;
            return Verdict::Going;
        }
        if failed_event {
            return Verdict::Failed(FailureReason::Event);
        }
        if self.aborted && !self.completed {
            return Verdict::Failed(FailureReason::Aborted(seen.label.clone()));
        }
        if seen.label != self.label {
            self.ready_since = None;
            let since = *self.elsewhere_since.get_or_insert(now);
            return if now - since >= self.grace {
                Verdict::Failed(FailureReason::Reverted(seen.label.clone()))
            } else {
                Verdict::Going
            };
        }
        self.elsewhere_since = None;
        // A label that has changed shows that the update began; a label that was the same before shows nothing.
        self.begun |= self.previous != self.label;
        let since = *self.ready_since.get_or_insert(now);
        if !self.begun && now - since < self.grace {
            return Verdict::Going;
        }
        match (seen.healthy, seen.stragglers.is_empty()) {
            (true, true) => Verdict::Succeeded,
            _ if now - since < self.recovery => Verdict::Recovering,
            (false, _) => Verdict::Failed(FailureReason::Health((now - since).as_secs())),
            (true, false) => Verdict::Failed(FailureReason::Stragglers(seen.stragglers.clone())),
        }
    }

    /// Why an update that is over has failed when nobody waits any longer; `None` for one that goes on, or was not seen to
    /// begin.
    pub(crate) fn give_up(&self, seen: &Observation, now: Instant) -> Option<FailureReason> {
        if !is_ready(seen) || !self.begun {
            return None;
        }
        if seen.label != self.label {
            return Some(FailureReason::Reverted(seen.label.clone()));
        }
        let seconds = self.ready_since.map_or(0, |since| (now - since).as_secs());
        Some(if seen.healthy {
            FailureReason::Stragglers(seen.stragglers.clone())
        } else {
            FailureReason::Health(seconds)
        })
    }

    /// Somebody else's version that runs instead of ours.
    fn superseded_by(&self, seen: &Observation) -> Option<String> {
        let by = seen.label.as_ref().filter(|_| seen.label != self.label)?;
        let is_theirs = if seen.label == self.previous {
            is_ready(seen) && self.another_began
        } else {
            is_ready(seen) || self.another_began
        };
        is_theirs.then(|| by.clone())
    }
}

fn is_ready(seen: &Observation) -> bool {
    seen.status.as_deref() == Some("Ready")
}

#[cfg(test)]
#[path = "rollout_tests.rs"]
mod tests;
