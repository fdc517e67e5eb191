//! What a run does at the moment, for the signs of life in its log. Pure: time comes in.

use std::sync::Arc;
use std::time::{Duration, Instant};

/// Says what is being done, and how far it is.
type Description = Arc<dyn Fn() -> String + Send + Sync>;

/// What a run does at the moment, and when its log had its last line.
pub(crate) struct Activities {
    last_line: Instant,
    /// The group of the log that is open, and since when.
    group: Option<(String, Instant)>,
    next: u64,
    open: Vec<(u64, Description, Instant)>,
}

impl Activities {
    /// None yet, in a log that begins at `now`.
    #[must_use]
    pub(crate) const fn new(now: Instant) -> Self {
        Self {
            last_line: now,
            group: None,
            next: 0,
            open: Vec::new(),
        }
    }

    /// The log has had a line.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.last_line = now;
    }

    /// For how long there was no line.
    #[must_use]
    pub(crate) fn silence(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.last_line)
    }

    /// The group `name` of the log is open from now on, or none is.
    pub(crate) fn enter(&mut self, name: Option<&str>, now: Instant) {
        self.group = name.map(|name| (name.to_owned(), now));
    }

    /// Begins what `describe` describes; the number to [end](Self::end) it by.
    pub(crate) fn begin(&mut self, describe: Description, now: Instant) -> u64 {
        let number = self.next;
        self.next += 1;
        self.open.push((number, describe, now));
        number
    }

    /// Ends what was begun under this number.
    pub(crate) fn end(&mut self, number: u64) {
        self.open.retain(|(known, ..)| *known != number);
    }

    /// The sign of life: what is being done, and for how long; else which group is open.
    #[must_use]
    pub(crate) fn line(&self, now: Instant) -> String {
        let since = |since: &Instant| format!("for {} s", now.saturating_duration_since(*since).as_secs());
        let mut doing: Vec<String> = self
            .open
            .iter()
            .map(|(_, describe, began)| format!("{}, {}", describe(), since(began)))
            .collect();
        if let (true, Some((name, began))) = (doing.is_empty(), &self.group) {
            doing.push(format!("{name}, {}", since(began)));
        }
        match doing.is_empty() {
            true => "still at work".to_owned(),
            false => format!("still at work: {}", doing.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_of_life_says_what_is_being_done_and_for_how_long() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut activities = Activities::new(start);
        assert_eq!(activities.line(at(30)), "still at work");
        activities.enter(Some("Plan"), at(1));
        assert_eq!(activities.line(at(31)), "still at work: Plan, for 30 s");
        let listing = activities.begin(Arc::new(|| "listing `b`".to_owned()), at(2));
        let reading = activities.begin(Arc::new(|| "reading release records".to_owned()), at(12));
        assert_eq!(
            activities.line(at(32)),
            "still at work: listing `b`, for 30 s; reading release records, for 20 s"
        );
        activities.end(listing);
        activities.end(reading);
        activities.enter(None, at(40));
        assert_eq!(activities.line(at(50)), "still at work");
        assert_eq!(activities.silence(at(50)), Duration::from_secs(50));
        activities.heard(at(45));
        assert_eq!(activities.silence(at(50)), Duration::from_secs(5));
    }
}
