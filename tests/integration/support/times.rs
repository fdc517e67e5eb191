//! How long each test takes, for the summary of `scripts/rust-tests.sh`: libtest tells it on nightly only.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::OnceLock;
use std::time::Instant;

/// Notes from when to when, in seconds, the test of this thread has had something; libtest names threads by their tests.
pub(crate) struct Span {
    test: Option<String>,
    begin: f64,
}

impl Span {
    /// Begins now.
    pub(crate) fn begin() -> Self {
        let thread = std::thread::current();
        Self {
            test: thread.name().map(ToOwned::to_owned),
            begin: seconds(),
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let (Some(test), Some(path)) = (&self.test, std::env::var_os("AWD_TEST_TIMES")) else {
            return;
        };
        let line = format!("{test}\t{:.3}\t{:.3}\n", self.begin, seconds());
        // Nothing but a line of the summary is lost.
        let _ = OpenOptions::new()
            .append(true)
            .create(true)
            .open(path)
            .and_then(|mut file| file.write_all(line.as_bytes()));
    }
}

/// Since the first call.
fn seconds() -> f64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_secs_f64()
}
