//! Progress of long work: a line every few seconds, more often where it rewrites itself.

use std::time::{Duration, Instant};

/// How often a line is printed; `rewrites`: it replaces the one before.
pub(crate) const fn interval(rewrites: bool) -> Duration {
    Duration::from_millis(if rewrites { 200 } else { 5000 })
}

/// How far a phase is.
pub(crate) struct Progress {
    started: Instant,
    objects: u64,
    bytes: u64,
    done_objects: u64,
    done_bytes: u64,
    /// When something was done last, from the start.
    moved: Duration,
}

/// After so long without a byte or an object, no time left is told.
const STILL: Duration = Duration::from_secs(10);

impl Progress {
    /// Nothing done of so many objects and bytes.
    pub(crate) fn new(objects: u64, bytes: u64) -> Self {
        Self {
            started: Instant::now(),
            objects,
            bytes,
            done_objects: 0,
            done_bytes: 0,
            moved: Duration::ZERO,
        }
    }

    /// One object more.
    pub(crate) fn object(&mut self) {
        self.done_objects += 1;
        self.moved = self.started.elapsed();
    }

    /// So many bytes more.
    pub(crate) fn bytes(&mut self, bytes: u64) {
        self.done_bytes += bytes;
        self.moved = self.started.elapsed();
    }

    /// The line: objects, bytes, rate, time left.
    pub(crate) fn line(&self) -> String {
        self.line_after(self.started.elapsed())
    }

    #[expect(clippy::cast_precision_loss, reason = "rates for people")]
    fn line_after(&self, elapsed: Duration) -> String {
        let seconds = elapsed.as_secs_f64().max(0.001);
        let share = if self.bytes > 0 {
            self.done_bytes as f64 / self.bytes as f64
        } else {
            self.done_objects as f64 / self.objects.max(1) as f64
        };
        // Nothing done for a while: whatever is told of the rest only grows.
        let stands_still = elapsed.saturating_sub(self.moved) >= STILL;
        let left = if stands_still && share < 1.0 {
            format!(
                ", nothing for {}",
                time(elapsed.saturating_sub(self.moved).as_secs_f64())
            )
        } else if share > 0.0 {
            format!(", about {} left", time(seconds / share - seconds))
        } else {
            String::new()
        };
        format!(
            "{} of {} object{}, {} of {}, {}/s{left}",
            self.done_objects,
            self.objects,
            if self.objects == 1 { "" } else { "s" },
            size(self.done_bytes),
            size(self.bytes),
            size_of(self.done_bytes as f64 / seconds),
        )
    }
}

/// `bytes` for people: `512 B`, `12.3 kB`, `4.0 MB`.
#[expect(clippy::cast_precision_loss, reason = "three digits for people")]
pub(crate) fn size(bytes: u64) -> String {
    size_of(bytes as f64)
}

fn size_of(bytes: f64) -> String {
    let mut value = bytes;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 999.95 {
            return match unit {
                "B" => format!("{value:.0} B"),
                unit => format!("{value:.1} {unit}"),
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

fn time(seconds: f64) -> String {
    if seconds < 90.0 {
        format!("{seconds:.0} s")
    } else {
        format!("{:.0} min", seconds / 60.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_for_people() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.0 kB"),
            (12_345, "12.3 kB"),
            (999_960, "1.0 MB"),
            (5_000_000_000_000, "5.0 TB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long() {
        let mut progress = Progress::new(200, 10_000_000);
        assert_eq!(
            progress.line_after(Duration::from_secs(5)),
            "0 of 200 objects, 0 B of 10.0 MB, 0 B/s"
        );
        progress.object();
        progress.bytes(2_500_000);
        assert_eq!(
            progress.line_after(Duration::from_secs(5)),
            "1 of 200 objects, 2.5 MB of 10.0 MB, 500.0 kB/s, about 15 s left"
        );
        let still = progress.line_after(Duration::from_secs(40));
        assert!(still.ends_with("kB/s, nothing for 40 s"), "{still}");
    }
}
