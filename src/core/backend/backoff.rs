//! How often to ask: quickly at first, then more slowly, and much more slowly when Beanstalk throttles.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const MAX_LENGTH: Duration = Duration::from_secs(15);
const MAX_THROTTLED: Duration = Duration::from_secs(60);

/// The pauses between polls of one environment.
#[derive(Debug)]
pub(crate) struct Backoff {
    name: String,
    process: u32,
    fixed: Option<Duration>,
    next: Duration,
    polls: u32,
    throttled: u32,
    penalty: Duration,
}

impl Backoff {
    /// `fixed` is `poll-interval`; `name` spreads the polls of environments that are deployed at once, and `process`, the
    /// id of ours, those of several runs.
    pub(crate) fn new(name: &str, fixed: Option<Duration>, process: u32) -> Self {
        Self {
            name: name.to_owned(),
            process,
            fixed,
            next: fixed.unwrap_or(FIRST),
            polls: 0,
            throttled: 0,
            penalty: Duration::ZERO,
        }
    }

    /// The next pause. `throttled` counts all answers so far that said "too many requests".
    pub(crate) fn pause(&mut self, throttled: u32) -> Duration {
        let was_throttled = throttled > self.throttled;
        self.throttled = throttled;
        self.polls += 1;
        let pause = self.next;
        self.penalty = if was_throttled {
            (self.penalty * 2).clamp(pause, MAX_THROTTLED)
        } else {
            self.penalty / 2
        };
        if self.fixed.is_none() {
            self.next = (pause + pause / 4).min(MAX_LENGTH);
        }
        with_jitter(pause + self.penalty, self.polls, &self.name, self.process)
    }
}

/// `pause`, made longer by up to a fifth, differently for every `name`, try and process: clients that were throttled at
/// the same moment must not come back at the same moment.
fn with_jitter(pause: Duration, tries: u32, name: &str, process: u32) -> Duration {
    let mut hasher = DefaultHasher::new();
    (name, tries, process).hash(&mut hasher);
    let share = u32::try_from(hasher.finish() % 200).unwrap_or_default();
    pause + pause * share / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starts_quickly_and_slows_down_to_a_limit() {
        let mut pace = Backoff::new("web", None, 1);
        let pauses: Vec<Duration> = (0..40).map(|_| pace.pause(0)).collect();
        assert!(pauses[0] < Duration::from_millis(1300), "{pauses:?}");
        assert!(
            pauses[..5].iter().sum::<Duration>() < Duration::from_secs(11),
            "{pauses:?}"
        );
        assert!(
            pauses[39] >= MAX_LENGTH && pauses[39] <= MAX_LENGTH * 12 / 10,
            "{pauses:?}"
        );
    }

    #[test]
    fn an_hour_takes_some_hundred_polls_and_lines() {
        use crate::core::heartbeat::Heartbeat;
        let start = std::time::Instant::now();
        let (mut pace, mut heartbeat) = (
            Backoff::new("web", None, 1),
            Heartbeat::new(start, Duration::from_secs(1)),
        );
        let (mut waited, mut polls, mut lines, mut quiet) = (Duration::ZERO, 0, 0, 0);
        while waited < Duration::from_secs(3600) {
            let next = waited + pace.pause(0);
            polls += 1;
            while waited < next {
                waited += Duration::from_secs(1);
                let line = heartbeat.beat(start + waited).is_some();
                quiet = if line { 0 } else { quiet + 1 };
                lines += u32::from(line);
                assert!(quiet < 30, "{waited:?}");
            }
        }
        assert!(
            (180..300).contains(&polls) && (110..130).contains(&lines),
            "{polls} polls, {lines} lines"
        );
    }

    #[test]
    fn backs_off_while_throttled_and_comes_back() {
        let mut pace = Backoff::new("web", Some(Duration::from_secs(2)), 1);
        assert!(pace.pause(0) < Duration::from_secs(3));
        let throttled: Vec<Duration> = (1..10).map(|count| pace.pause(count)).collect();
        assert!(throttled[0] >= Duration::from_secs(4), "{throttled:?}");
        assert!(throttled[8] >= MAX_THROTTLED, "{throttled:?}");
        for _ in 0..10 {
            pace.pause(9);
        }
        assert!(pace.pause(9) < Duration::from_secs(3));
    }

    #[test]
    fn pauses_of_different_environments_differ() {
        assert_ne!(with_jitter(FIRST, 1, "a", 1), with_jitter(FIRST, 1, "b", 1));
        assert_ne!(with_jitter(FIRST, 1, "a", 1), with_jitter(FIRST, 1, "a", 2));
    }
}
