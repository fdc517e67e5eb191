//! How many uploads are in flight: as many as help, fewer when S3 asks to slow down.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

const START: usize = 64;
const MAX_IN_FLIGHT: usize = 128;
const MIN_IN_FLIGHT: usize = 2;

/// A burst of refusals is one signal: all of them answer the same rate.
const ONE_SIGNAL: Duration = Duration::from_millis(500);

/// A number of uploads in flight that halves when S3 answers `SlowDown` and grows by one for each round that goes
/// well, as TCP does.
pub(crate) struct ConcurrencyLimit {
    now: AtomicUsize,
    went_well: AtomicUsize,
    last_signal: Mutex<Option<Instant>>,
}

impl ConcurrencyLimit {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            now: AtomicUsize::new(START),
            went_well: AtomicUsize::new(0),
            last_signal: Mutex::new(None),
        })
    }

    /// How many uploads may be in flight.
    pub(crate) fn get(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }

    /// An upload went well.
    pub(crate) fn succeeded(&self) {
        let now = self.get();
        if self.went_well.fetch_add(1, Ordering::Relaxed) + 1 >= now {
            self.went_well.store(0, Ordering::Relaxed);
            self.now.store((now + 1).min(MAX_IN_FLIGHT), Ordering::Relaxed);
        }
    }

    /// S3 asked to slow down, at this moment.
    pub(crate) fn slow_down(&self, at: Instant) {
        let mut last = self.last_signal.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| at.duration_since(last) < ONE_SIGNAL) {
            return;
        }
        *last = Some(at);
        self.went_well.store(0, Ordering::Relaxed);
        self.now.store((self.get() / 2).max(MIN_IN_FLIGHT), Ordering::Relaxed);
    }
}

/// Tells a [`ConcurrencyLimit`] of every answer that asks to slow down, also those that the SDK tries again.
pub(crate) struct SlowDownInterceptor(pub(crate) Arc<ConcurrencyLimit>);

impl fmt::Debug for SlowDownInterceptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SlowDownInterceptor")
    }
}

#[dyn_dispatch_hint]
impl Intercept for SlowDownInterceptor {
    fn name(&self) -> &'static str {
        "SlowDownInterceptor"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if context
            .response()
            .is_some_and(|response| matches!(response.status().as_u16(), 429 | 503))
        {
            self.0.slow_down(Instant::now());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_once_for_a_burst_and_recovers_slowly() {
        let limit = ConcurrencyLimit::new();
        let start = Instant::now();
        for _ in 0..10 {
            limit.slow_down(start);
        }
        assert_eq!(limit.get(), START / 2);
        limit.slow_down(start + ONE_SIGNAL);
        assert_eq!(limit.get(), START / 4);
        for _ in 0..START / 4 {
            limit.succeeded();
        }
        assert_eq!(limit.get(), START / 4 + 1);
        for n in 2..20 {
            limit.slow_down(start + ONE_SIGNAL * n);
        }
        assert_eq!(limit.get(), MIN_IN_FLIGHT);
        for _ in 0..100_000 {
            limit.succeeded();
        }
        assert_eq!(limit.get(), MAX_IN_FLIGHT);
    }
}
