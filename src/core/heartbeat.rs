//! When a long wait says that it goes on. Pure: time comes in.

use std::time::{Duration, Instant};

/// A wait is silent for so long at the most.
const SILENCE: Duration = Duration::from_secs(30);
/// However seldom it is looked, not every look has a line.
const LEAST: Duration = Duration::from_secs(10);

/// The signs of life of one wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Heartbeat {
    began: Instant,
    last: Instant,
    silence: Duration,
}

impl Heartbeat {
    /// Of a wait that begins at `now`, in which it is looked whether one is due at least every `pause`.
    #[must_use]
    pub(crate) fn new(now: Instant, pause: Duration) -> Self {
        Self {
            began: now,
            last: now,
            silence: SILENCE.saturating_sub(pause).max(LEAST),
        }
    }

    /// The log has had another line of this wait.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.last = now;
    }

    /// For how long there was no line.
    #[must_use]
    pub(crate) fn silence(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last)
    }

    /// How long the wait takes already, in seconds, when a sign of life is due; it counts as given.
    pub(crate) fn beat(&mut self, now: Instant) -> Option<u64> {
        if self.silence(now) < self.silence {
            return None;
        }
        self.last = now;
        Some(now.saturating_duration_since(self.began).as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_half_minute_is_silent() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut heartbeat = Heartbeat::new(start, Duration::from_secs(1));
        assert_eq!(heartbeat.beat(at(28)), None);
        assert_eq!(heartbeat.beat(at(29)), Some(29));
        assert_eq!(heartbeat.beat(at(57)), None);
        heartbeat.heard(at(57));
        assert_eq!(heartbeat.silence(at(80)), Duration::from_secs(23));
        assert_eq!(heartbeat.beat(at(85)), None);
        assert_eq!(heartbeat.beat(at(86)), Some(86));
        let mut seldom = Heartbeat::new(start, Duration::from_secs(60));
        assert_eq!((seldom.beat(at(9)), seldom.beat(at(10))), (None, Some(10)));
    }
}
