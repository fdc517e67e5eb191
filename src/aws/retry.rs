//! One rule for sending again, for every client of the SDK: [`crate::core::retry`] decides, here the SDK is told.
//!
//! The SDK's own rule gives up too early, and its retry quota is shared by all requests of a client: a second of errors
//! over sixty uploads uses it up. So the quota is lifted, and before each decision of the SDK its settings are replaced
//! by those that lead to ours. An answer that says "done" and holds nothing becomes an error here, to be tried again too.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_sdk_s3::config::retry::{RetryPartition, TokenBucket};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{
    Error, FinalizerInterceptorContextMut, InterceptorContext,
};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::{ConfigBag, Storable, StoreReplace};
use aws_smithy_types::retry::ErrorKind;
use tokio::time::Instant;

use crate::aws::believe::is_empty_answer;
use crate::console::Console;
use crate::core::error::ServiceError;
use crate::core::retry::{ErrorClass, RetryState};
use crate::http::errors::is_tls;

/// Gives the configuration of a client, of whatever service, the patience of this run.
macro_rules! patient {
    ($config:expr, $patience:expr) => {
        $config
            .interceptor($patience.clone())
            .retry_classifier($patience.clone())
            .retry_partition($crate::aws::retry::no_quota())
    };
}
pub(crate) use patient;

/// The number of tries in a configuration that leaves it to us.
pub(crate) const UNBOUNDED: u32 = u32::MAX;

/// How often a log line says that AWS is throttling.
const LINE_EVERY: Duration = Duration::from_secs(20);

/// Far longer than any pause: the SDK draws a part of it, and cuts that to the longest pause, which is ours.
const ENDLESS: Duration = Duration::from_secs(1 << 30);

/// Tries that the SDK makes of what only it knows how to mend, such as a clock that is wrong.
const SDK_ATTEMPTS: u32 = 3;

/// How long requests are tried again.
#[derive(Clone)]
pub(crate) struct Patience(Arc<Shared>);

struct Shared {
    max_attempts: Option<u32>,
    console: Option<Console>,
    last_line: Mutex<Option<Instant>>,
}

impl Patience {
    /// That of the configuration: `AWS_MAX_ATTEMPTS` bounds it, when it is set; `console` gets a line when AWS throttles.
    pub(crate) fn of(sdk: &SdkConfig, console: Option<&Console>) -> Self {
        let attempts = sdk.retry_config().map_or(UNBOUNDED, RetryConfig::max_attempts);
        Self(Arc::new(Shared {
            max_attempts: (attempts < UNBOUNDED).then_some(attempts),
            console: console.cloned(),
            last_line: Mutex::default(),
        }))
    }

    /// Whether `AWS_MAX_ATTEMPTS` bounds it.
    pub(crate) fn is_bounded(&self) -> bool {
        self.0.max_attempts.is_some()
    }

    /// How long to wait before a request is sent again that failed for `class`; `None` to give up.
    pub(crate) fn pause(&self, state: &mut RetryState, class: ErrorClass, at: Duration) -> Option<Duration> {
        let pause = state.pause(class, at, self.0.max_attempts, fraction())?;
        if class == ErrorClass::Throttled {
            self.say_throttled();
        }
        Some(pause)
    }

    fn say_throttled(&self) {
        let mut last = self.0.last_line.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() >= LINE_EVERY)
            && let Some(console) = &self.0.console
        {
            *last = Some(Instant::now());
            console.line("AWS is throttling requests: they are sent again, more and more slowly");
        }
    }
}

impl fmt::Debug for Patience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Patience").field(&self.0.max_attempts).finish()
    }
}

/// No quota of retries: patience alone bounds them.
pub(crate) fn no_quota() -> RetryPartition {
    RetryPartition::custom("aws-web-deploy")
        .token_bucket(TokenBucket::unlimited())
        .build()
}

/// What one request has met so far.
#[derive(Debug, Clone)]
struct Tries {
    began: Instant,
    state: RetryState,
}

impl Storable for Tries {
    type Storer = StoreReplace<Self>;
}

#[dyn_dispatch_hint]
impl Intercept for Patience {
    fn name(&self) -> &'static str {
        "Patience"
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let empty = match (context.output_or_error(), context.response()) {
            (Some(Ok(output)), Some(response)) => is_empty_answer(output, response),
            _ => false,
        };
        if empty {
            let text = "the answer is not one of AWS (a proxy's?)";
            context
                .inner_mut()
                .set_output_or_error(Err(OrchestratorError::response(text.into())));
        }
        let Some(class) = class_of(context.inner()) else {
            return Ok(());
        };
        let mut tries = config.load::<Tries>().cloned().unwrap_or_else(|| Tries {
            began: Instant::now(),
            state: RetryState::default(),
        });
        let retry = match class {
            // What the SDK may still mend, within its own bound.
            ErrorClass::Final => RetryConfig::standard().with_max_attempts(self.0.max_attempts.unwrap_or(SDK_ATTEMPTS)),
            class => match self.pause(&mut tries.state, class, tries.began.elapsed()) {
                Some(pause) => RetryConfig::standard()
                    .with_max_attempts(UNBOUNDED)
                    .with_initial_backoff(ENDLESS)
                    .with_max_backoff(pause),
                None => RetryConfig::disabled(),
            },
        };
        config.interceptor_state().store_put(retry);
        config.interceptor_state().store_put(tries);
        Ok(())
    }
}

impl ClassifyRetry for Patience {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match class_of(context) {
            Some(ErrorClass::Throttled) => RetryAction::retryable_error(ErrorKind::ThrottlingError),
            Some(ErrorClass::Transient) => RetryAction::retryable_error(ErrorKind::TransientError),
            Some(ErrorClass::Unsettled | ErrorClass::Final) | None => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "Patience"
    }

    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

/// What kind of failure a try ended with; `None` when it went well.
fn class_of(context: &InterceptorContext) -> Option<ErrorClass> {
    let error = context.output_or_error()?.err()?;
    Some(class_of_error(error, context.response()))
}

fn class_of_error(error: &OrchestratorError<Error>, response: Option<&HttpResponse>) -> ErrorClass {
    if let Some(connector) = error.as_connector_error() {
        return if connector.is_user() || is_tls(connector) {
            ErrorClass::Final
        } else {
            ErrorClass::Transient
        };
    }
    if error.is_timeout_error() || error.is_response_error() {
        return ErrorClass::Transient;
    }
    match response {
        Some(response) if error.is_operation_error() => ErrorClass::of(&ServiceError {
            code: response.body().bytes().and_then(code_of),
            status: Some(response.status().as_u16()),
            ..ServiceError::default()
        }),
        _ => ErrorClass::Final,
    }
}

/// The code in an error of AWS, as XML.
fn code_of(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    Some(code.to_owned())
}

/// A fraction from 0 to 1, another one each time.
fn fraction() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};
    let hash = RandomState::new().hash_one(Instant::now());
    f64::from(u32::try_from(hash >> 32).unwrap_or_default()) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_an_error_is_read() {
        for (body, code) in [
            (
                "<Error><Code>SlowDown</Code><Message>x</Message></Error>",
                Some("SlowDown"),
            ),
            (
                "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code></Error></ErrorResponse>",
                Some("Throttling"),
            ),
            ("<html>", None),
            ("<Code>cut", None),
            ("", None),
        ] {
            assert_eq!(code_of(body.as_bytes()).as_deref(), code, "{body}");
        }
    }

    #[test]
    fn pauses_spread() {
        let all: Vec<f64> = (0..8).map(|_| fraction()).collect();
        assert!(all.iter().all(|fraction| (0.0..=1.0).contains(fraction)), "{all:?}");
        assert!(
            all.windows(2).any(|pair| (pair[0] - pair[1]).abs() > f64::EPSILON),
            "{all:?}"
        );
    }
}
