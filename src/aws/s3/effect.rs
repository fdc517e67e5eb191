//! Whether a write may have taken effect though it failed: an answer that is lost says nothing, and neither does a 500.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// What is known of the effect of one write, over all its tries; clones share it.
#[derive(Clone, Default)]
pub(crate) struct Effect(Arc<State>);

#[derive(Default)]
struct State {
    /// A try is on its way.
    sent: AtomicBool,
    /// A try ended, and may have taken effect.
    perhaps: AtomicBool,
}

impl Effect {
    /// A try is sent.
    pub(crate) fn sent(&self) {
        self.0.sent.store(true, Ordering::Relaxed);
    }

    /// The try was answered with this HTTP status, if it was answered.
    pub(crate) fn answered(&self, status: Option<u16>) {
        self.0.sent.store(false, Ordering::Relaxed);
        if !status.is_some_and(|status| (300..500).contains(&status)) {
            self.0.perhaps.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the write may have taken effect, for all that is known.
    pub(crate) fn is_possible(&self) -> bool {
        self.0.sent.load(Ordering::Relaxed) || self.0.perhaps.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Effect").field(&self.is_possible()).finish()
    }
}

#[dyn_dispatch_hint]
impl Intercept for Effect {
    fn name(&self) -> &'static str {
        "Effect"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.sent();
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // A try that ended before it was sent, for lack of credentials, changed nothing.
        if self.0.sent.load(Ordering::Relaxed) {
            self.answered(context.response().map(|response| response.status().as_u16()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_refusals_are_certain() {
        for (statuses, expected) in [
            (&[Some(403)][..], false),
            (&[Some(412), Some(400)], false),
            (&[Some(500), Some(403)], true),
            (&[None, Some(403)], true),
            (&[Some(503)], true),
            (&[Some(200)], true),
        ] {
            let effect = Effect::default();
            for status in statuses {
                effect.sent();
                assert!(effect.is_possible(), "a request on its way");
                effect.answered(*status);
            }
            assert_eq!(effect.is_possible(), expected, "{statuses:?}");
        }
        assert!(!Effect::default().is_possible());
    }
}
