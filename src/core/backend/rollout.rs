//! The verdict on an update, from what polls see. Pure: time comes in.
//!
//! | status | label | also | verdict |
//! | --- | --- | --- | --- |
//! | gone, `Terminating`, `Terminated` | | | failed: gone |
//! | not `Ready` | | | going on |
//! | `Ready` | any | an ERROR or FATAL event of this update | failed: event |
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
const SHORTEST_GRACE: Duration = Duration::from_secs(3);

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
    /// An ERROR or FATAL event of the update.
    Event,
    /// It is Ready on this version, which is another.
    Reverted(Option<String>),
    /// It did not become healthy in time.
    Health,
    /// Instances that still run another version.
    Stragglers(Vec<String>),
}

/// Watches one update.
#[derive(Debug)]
pub(crate) struct RolloutMonitor {
    /// None where option settings go to an environment without a version.
    label: Option<String>,
    label_changes: bool,
    recovery: Duration,
    grace: Duration,
    begun: bool,
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
            label_changes: previous != label,
            recovery,
            grace: poll_interval.map_or(GRACE, |interval| (interval * GRACE_POLLS).clamp(SHORTEST_GRACE, GRACE)),
            begun: false,
            ready_since: None,
            elsewhere_since: None,
        }
    }

    /// An event of the update was seen: it has begun.
    pub(crate) fn begun(&mut self) {
        self.begun = true;
    }

    /// Whether `seen` is worth asking the instances about: all else is well.
    pub(crate) fn is_nearly_done(&self, seen: &Observation) -> bool {
        is_ready(seen) && seen.label == self.label && seen.healthy
    }

    /// The verdict on what a poll saw at `now`.
    pub(crate) fn verdict(&mut self, seen: &Observation, failed_event: bool, now: Instant) -> Verdict {
        match seen.status.as_deref() {
            None | Some("Terminating" | "Terminated") => return Verdict::Failed(FailureReason::Gone),
            Some("Ready") => {}
            Some(_) => {
                self.begun = true;
                self.ready_since = None;
                self.elsewhere_since = None;
                return Verdict::Going;
            }
        }
        if failed_event {
            return Verdict::Failed(FailureReason::Event);
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
        self.begun |= self.label_changes;
        let since = *self.ready_since.get_or_insert(now);
        if !self.begun && now - since < self.grace {
            return Verdict::Going;
        }
        match (seen.healthy, seen.stragglers.is_empty()) {
            (true, true) => Verdict::Succeeded,
            _ if now - since < self.recovery => Verdict::Recovering,
            (false, _) => Verdict::Failed(FailureReason::Health),
            (true, false) => Verdict::Failed(FailureReason::Stragglers(seen.stragglers.clone())),
        }
    }
}

fn is_ready(seen: &Observation) -> bool {
    seen.status.as_deref() == Some("Ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(status: &str, label: &str, healthy: bool) -> Observation {
        Observation {
            status: Some(status.to_owned()),
            label: Some(label.to_owned()),
            healthy,
            stragglers: Vec::new(),
        }
    }

    fn monitor() -> RolloutMonitor {
        RolloutMonitor::new(Some("new"), Some("old"), Duration::from_secs(60), None)
    }

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn succeeds_only_when_ready_on_our_label_and_healthy() {
        let start = Instant::now();
        for (seen, verdict) in [
            (seen("Updating", "new", true), Verdict::Going),
            (seen("Ready", "old", true), Verdict::Going),
            (seen("Ready", "new", false), Verdict::Recovering),
            (seen("Ready", "new", true), Verdict::Succeeded),
        ] {
            assert_eq!(monitor().verdict(&seen, false, start), verdict, "{seen:?}");
        }
    }

    #[test]
    fn ready_on_another_label_is_a_failure_after_the_grace_only() {
        let start = Instant::now();
        let mut monitor = monitor();
        let elsewhere = seen("Ready", "old", true);
        assert_eq!(monitor.verdict(&elsewhere, false, start), Verdict::Going);
        assert_eq!(monitor.verdict(&elsewhere, false, after(start, 29)), Verdict::Going);
        assert_eq!(
            monitor.verdict(&elsewhere, false, after(start, 30)),
            Verdict::Failed(FailureReason::Reverted(Some("old".to_owned())))
        );
    }

    #[test]
    fn a_stale_read_starts_the_grace_anew() {
        let start = Instant::now();
        let mut monitor = monitor();
        monitor.verdict(&seen("Ready", "old", true), false, start);
        monitor.verdict(&seen("Updating", "old", false), false, after(start, 20));
        assert_eq!(
            monitor.verdict(&seen("Ready", "old", true), false, after(start, 40)),
            Verdict::Going
        );
    }

    #[test]
    fn health_may_recover_for_a_while() {
        let start = Instant::now();
        let mut monitor = monitor();
        let yellow = seen("Ready", "new", false);
        assert_eq!(monitor.verdict(&yellow, false, start), Verdict::Recovering);
        assert_eq!(monitor.verdict(&yellow, false, after(start, 59)), Verdict::Recovering);
        assert_eq!(
            monitor.verdict(&yellow, false, after(start, 60)),
            Verdict::Failed(FailureReason::Health)
        );
        assert_eq!(
            monitor.verdict(&seen("Ready", "new", true), false, after(start, 61)),
            Verdict::Succeeded
        );
    }

    #[test]
    fn an_error_event_fails_once_ready_even_when_green() {
        let start = Instant::now();
        assert_eq!(
            monitor().verdict(&seen("Updating", "new", true), true, start),
            Verdict::Going
        );
        for label in ["new", "old"] {
            let verdict = monitor().verdict(&seen("Ready", label, true), true, start);
            assert_eq!(verdict, Verdict::Failed(FailureReason::Event));
        }
    }

    #[test]
    fn an_environment_that_is_gone_fails_at_once() {
        for status in [None, Some("Terminating"), Some("Terminated")] {
            let seen = Observation {
                status: status.map(ToOwned::to_owned),
                ..seen("", "new", true)
            };
            assert_eq!(
                monitor().verdict(&seen, false, Instant::now()),
                Verdict::Failed(FailureReason::Gone)
            );
        }
    }

    #[test]
    fn instances_on_another_version_are_no_success() {
        let start = Instant::now();
        let seen = Observation {
            stragglers: vec!["i-1".to_owned()],
            ..seen("Ready", "new", true)
        };
        let mut monitor = monitor();
        assert_eq!(monitor.verdict(&seen, false, start), Verdict::Recovering);
        assert_eq!(
            monitor.verdict(&seen, false, after(start, 60)),
            Verdict::Failed(FailureReason::Stragglers(vec!["i-1".to_owned()]))
        );
    }

    #[test]
    fn the_same_label_again_succeeds_only_once_the_update_was_seen() {
        let start = Instant::now();
        let again = || RolloutMonitor::new(Some("same"), Some("same"), Duration::from_secs(60), None);
        let green = seen("Ready", "same", true);
        assert_eq!(again().verdict(&green, false, start), Verdict::Going);
        let mut watched = again();
        watched.verdict(&seen("Updating", "same", false), false, start);
        assert_eq!(watched.verdict(&green, false, start), Verdict::Succeeded);
        let mut told = again();
        told.begun();
        assert_eq!(told.verdict(&green, false, start), Verdict::Succeeded);
        let mut unseen = again();
        unseen.verdict(&green, false, start);
        assert_eq!(unseen.verdict(&green, false, after(start, 30)), Verdict::Succeeded);
    }

    #[test]
    fn a_quick_poll_interval_shortens_the_grace() {
        let start = Instant::now();
        let mut monitor = RolloutMonitor::new(Some("new"), Some("old"), Duration::ZERO, Some(Duration::from_secs(1)));
        monitor.verdict(&seen("Ready", "old", true), false, start);
        let verdict = monitor.verdict(&seen("Ready", "old", true), false, after(start, 6));
        assert_eq!(
            verdict,
            Verdict::Failed(FailureReason::Reverted(Some("old".to_owned())))
        );
    }
}
