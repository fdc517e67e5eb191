//! The phases of a run: a group of the log each, and where the time went.

use std::time::Instant;

use crate::console::{Console, Group};
use crate::core::report::Phase;

/// The phases so far; at most one is open.
pub(crate) struct Phases {
    console: Console,
    open: Option<(String, Instant, Group)>,
    done: Vec<Phase>,
}

impl Phases {
    /// None yet.
    #[must_use]
    pub(crate) const fn new(console: Console) -> Self {
        Self {
            console,
            open: None,
            done: Vec::new(),
        }
    }

    /// Ends the open phase and begins `name`.
    pub(crate) fn begin(&mut self, name: &str) {
        self.end();
        self.open = Some((name.to_owned(), Instant::now(), self.console.group(name)));
    }

    /// Ends the open phase.
    pub(crate) fn end(&mut self) {
        if let Some((name, started, group)) = self.open.take() {
            drop(group);
            self.done.push(Phase {
                name,
                seconds: round(started.elapsed().as_secs_f64()),
            });
        }
    }

    /// Ends the open phase; all of them, in order.
    #[must_use]
    pub(crate) fn finish(mut self) -> Vec<Phase> {
        self.end();
        self.done
    }
}

/// Seconds to three digits behind the point: more is noise in a report.
#[must_use]
pub(crate) fn round(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}
