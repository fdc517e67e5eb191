//! Requests to Elastic Beanstalk: patient when throttled, with errors for people.
//!
//! The SDK's own retries are off: its budget for them is spent quickly when many deployments of an account run at
//! once ("Rate exceeded", <https://github.com/einaregilsson/beanstalk-deploy/issues/16>), and a write that is sent
//! twice must be known as such.

use std::fmt::Display;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_sdk_elasticbeanstalk::Client;
use aws_sdk_elasticbeanstalk::config::Builder;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::aws::Aws;
use crate::aws::error::{AwsContextExt as _, service_error};
use crate::aws::retry::Patience;
use crate::core::error::{Cancelled, HintExt as _, ServiceError};
use crate::core::iam::calls::Call;
use crate::core::retry::{ErrorClass, RetryState, is_throttled};
use crate::core::text::count;

/// How often a request is sent that is asked again and again anyway.
const POLL_ATTEMPTS: u32 = 3;

/// How long a write may go on when the run is to stop; the runner gives us 7.5 s.
const LAST_WRITE: Duration = Duration::from_secs(3);
/// How long a request may be under way past the deadline.
const LAST_ANSWER: Duration = Duration::from_secs(5);

/// The run was to stop while a request was under way that changes something: it may have taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InFlight;

impl Display for InFlight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a request was under way")
    }
}

/// When a request is sent again that got no answer, or a server error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RetryRule {
    Patient,
    Polling,
    Never,
}

impl RetryRule {
    /// Whether a request that failed so often is sent again, as far as patience goes.
    fn allows(self, failures: u32) -> bool {
        match self {
            Self::Patient => true,
            Self::Polling => failures < POLL_ATTEMPTS,
            Self::Never => false,
        }
    }
}

/// The client, for one application.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) client: Client,
    pub(crate) application: String,
    /// `arn:aws:elasticbeanstalk:REGION:ACCOUNT`.
    arn: String,
    stop: Option<CancellationToken>,
    throttled: Arc<AtomicU32>,
    patience: Patience,
    retry: RetryRule,
    deadline: Option<Instant>,
}

impl Api {
    pub(crate) fn new(aws: &Aws, application: &str, stop: Option<&CancellationToken>) -> Self {
        let config = Builder::from(&aws.control_plane_config())
            .retry_config(RetryConfig::disabled())
            .build();
        let region = aws.sdk.region().map_or("*", |region| region.as_ref());
        let account = aws.account.as_deref().unwrap_or("*");
        Self {
            client: Client::from_conf(config),
            application: application.to_owned(),
            arn: format!("arn:{}:elasticbeanstalk:{region}:{account}", aws.partition()),
            stop: stop.cloned(),
            throttled: Arc::default(),
            patience: aws.patience.clone(),
            retry: RetryRule::Patient,
            deadline: None,
        }
    }

    /// For requests that are not sent again after `deadline`.
    pub(crate) fn until(&self, deadline: Instant) -> Self {
        Self {
            deadline: Some(deadline),
            ..self.clone()
        }
    }

    /// For requests that are asked again and again anyway, until `deadline`.
    pub(crate) fn polling(&self, deadline: Instant) -> Self {
        Self {
            retry: RetryRule::Polling,
            deadline: Some(deadline),
            ..self.clone()
        }
    }

    /// For a request that nobody sends again later, whatever the others are.
    pub(crate) fn patient(&self) -> Self {
        Self {
            retry: RetryRule::Patient,
            ..self.clone()
        }
    }

    /// For a request that must be known to have been sent once; only one that is throttled is sent again.
    pub(crate) fn once(&self) -> Self {
        Self {
            retry: RetryRule::Never,
            ..self.clone()
        }
    }

    /// How many answers of all requests so far said that there are too many requests.
    pub(crate) fn throttled(&self) -> u32 {
        self.throttled.load(Ordering::Relaxed)
    }

    /// What to do about a wait that came to nothing while AWS throttled; `None` where it did not.
    pub(crate) fn throttling_hint(&self) -> Option<String> {
        let answers = self.throttled();
        (answers > 0).then(|| throttled_until_the_end(answers))
    }

    pub(crate) fn application_arn(&self) -> String {
        format!("{}:application/{}", self.arn, self.application)
    }

    pub(crate) fn version_arn(&self, label: &str) -> String {
        format!("{}:applicationversion/{}/{label}", self.arn, self.application)
    }

    pub(crate) fn environment_arn(&self, environment: &str) -> String {
        format!("{}:environment/{}/{environment}", self.arn, self.application)
    }

    /// Sends a request until it is answered; answers too how often it was sent.
    ///
    /// # Errors
    /// What Beanstalk says; [`Cancelled`] when the run is to stop.
    pub(crate) async fn send<T, E, F, Sent>(
        &self,
        call: &'static Call,
        resource: &(dyn Display + Sync),
        doing: impl FnOnce() -> String,
        request: F,
    ) -> anyhow::Result<(T, u32)>
    where
        F: Fn() -> Sent,
        Sent: Future<Output = Result<T, SdkError<E, HttpResponse>>>,
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        let began = Instant::now();
        let mut state = RetryState::default();
        let mut failures = 0;
        for tries in 1.. {
            if self.stop.as_ref().is_some_and(CancellationToken::is_cancelled) {
                return Err(Cancelled.into());
            }
            let answer = tokio::select! {
                answer = request() => answer,
                error = self.cut(call) => return Err(error),
                () = self.out_of_time() => return Err(no_answer(call).context(doing())),
            };
            let error = match answer {
                Ok(answer) => return Ok((answer, tries)),
                Err(error) => error,
            };
            let service = service_error(call, &error);
            let class = ErrorClass::of(&service);
            // A server that says no more than that it cannot may have begun all the same.
            let is_refused = is_throttled(&service) || self.retry != RetryRule::Never;
            if class == ErrorClass::Throttled {
                self.throttled.fetch_add(1, Ordering::Relaxed);
            } else {
                failures += 1;
            }
            let pause = self.patience.pause(&mut state, class, began.elapsed());
            let is_late = |pause: &Duration| {
                self.deadline
                    .is_some_and(|deadline| Instant::now() + *pause >= deadline)
            };
            let came_late = class == ErrorClass::Throttled && pause.as_ref().is_some_and(is_late);
            let pause = pause.filter(|pause| {
                !is_late(pause) && (class == ErrorClass::Throttled && is_refused || self.retry.allows(failures))
            });
            let Some(pause) = pause else {
                let failed = Err(error)
                    .aws_context(call, resource, doing)
                    .map(|answer: T| (answer, tries));
                return match self.throttling_hint() {
                    Some(hint) if came_late => failed.hint(hint),
                    _ => failed,
                };
            };
            self.sleep(pause).await?;
        }
        unreachable!("the tries are not counted to an end")
    }

    /// Ends a request when the run is to stop: reads at once, writes after a moment, so that it is mostly known whether
    /// they took effect.
    async fn cut(&self, call: &Call) -> anyhow::Error {
        let Some(stop) = &self.stop else {
            return std::future::pending().await;
        };
        stop.cancelled().await;
        let is_read = ["Describe", "Retrieve", "Request"]
            .iter()
            .any(|start| call.operation.starts_with(start));
        if is_read {
            return Cancelled.into();
        }
        tokio::time::sleep(LAST_WRITE).await;
        anyhow::Error::new(Cancelled).context(InFlight)
    }

    async fn out_of_time(&self) {
        match self.deadline {
            Some(deadline) => {
                tokio::time::sleep_until((deadline + LAST_ANSWER).max(Instant::now() + LAST_ANSWER)).await
            }
            None => std::future::pending().await,
        }
    }

    /// Sleeps, unless the run is to stop.
    pub(crate) async fn sleep(&self, duration: Duration) -> Result<(), Cancelled> {
        match &self.stop {
            Some(stop) => crate::cancel::sleep(stop, duration).await,
            None => {
                tokio::time::sleep(duration).await;
                Ok(())
            }
        }
    }
}

/// What to do where a deadline ended a wait in which so many `answers` said that there are too many requests.
fn throttled_until_the_end(answers: u32) -> String {
    format!(
        "AWS throttled {} of this run, which makes every step take longer: run this step again when fewer deployments run \
         in the account at the same time, or raise `deployment-timeout`",
        count(answers as usize, "request")
    )
}

/// A request that got no answer in time, which counts as any other that got none.
fn no_answer(call: &'static Call) -> anyhow::Error {
    anyhow::Error::new(ServiceError {
        action: call.action,
        message: "no answer before `deployment-timeout` ended".to_owned(),
        ..ServiceError::default()
    })
}
