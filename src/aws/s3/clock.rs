//! The time by the store's clock: all runners share it, whatever their own clocks say.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::FinalizerInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::{DateTime, Format};

/// What the store's last answer said the time is.
#[derive(Debug, Default)]
pub(crate) struct StoreClock(AtomicI64);

impl StoreClock {
    /// The time in seconds since 1970; `None` before the first answer, and when none has a `Date`.
    pub(crate) fn now(&self) -> Option<i64> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            seconds => Some(seconds),
        }
    }

    fn read(&self, date: &str) {
        if let Ok(time) = DateTime::from_str(date, Format::HttpDate) {
            self.0.store(time.secs(), Ordering::Relaxed);
        }
    }
}

/// Sets a [`StoreClock`] by every answer.
pub(crate) struct ReadClock(pub(crate) Arc<StoreClock>);

impl fmt::Debug for ReadClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadClock")
    }
}

#[dyn_dispatch_hint]
impl Intercept for ReadClock {
    fn name(&self) -> &'static str {
        "ReadClock"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().and_then(|response| response.headers().get("date"));
        date.into_iter().for_each(|date| self.0.read(date));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_that_of_the_last_answer_that_says_it() {
        let clock = StoreClock::default();
        assert_eq!(clock.now(), None);
        clock.read("Sat, 21 Nov 2026 19:44:41 GMT");
        assert_eq!(clock.now(), Some(1_795_290_281));
        clock.read("soon");
        assert_eq!(clock.now(), Some(1_795_290_281));
        clock.read("Sat, 21 Nov 2026 18:44:41 GMT");
        assert_eq!(clock.now(), Some(1_795_286_681));
    }
}
