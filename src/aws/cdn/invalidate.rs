//! Sends invalidations, and waits for them where that is asked for.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use aws_sdk_cloudfront::types::{InvalidationBatch, Paths};
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::aws::cdn::Cdn;
use crate::aws::error::AwsContextExt as _;
use crate::console::Console;
use crate::core::cdn::FREE_PATHS_A_MONTH;
use crate::core::cdn::invalidation::PlannedInvalidation;
use crate::core::error::{Cancelled, HintExt as _, service_error};
use crate::core::heartbeat::Heartbeat;
use crate::core::iam::calls::{CREATE_INVALIDATION, GET_INVALIDATION};
use crate::core::inputs::InvalidationFailure;
use crate::core::report::Invalidation;
use crate::core::text::count;
use tokio_util::sync::CancellationToken;

/// How long an invalidation may take to be accepted when nobody waits for its completion.
const ACCEPT_WITHIN: Duration = Duration::from_secs(300);
/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause between two looks at an invalidation: most are complete within a minute or two.
const MAX_POLL: Duration = Duration::from_secs(10);
/// How long a request under way may go on after the wish to stop.
const GRACE: Duration = Duration::from_secs(2);

/// What became of the planned invalidations.
#[derive(Debug, Default)]
pub(crate) struct InvalidationOutcome {
    /// One a distribution, in the order of the plan.
    pub(crate) invalidations: Vec<Invalidation>,
    /// What CloudFront did not accept, by distribution: to be carried into the next run.
    pub(crate) unconfirmed: BTreeMap<String, Vec<String>>,
    /// Why, unless `invalidation-failure` makes it a warning, which was printed then.
    pub(crate) error: Option<anyhow::Error>,
}

impl Cdn {
    /// Sends what was planned, to all distributions at once; one that fails does not keep the others back.
    ///
    /// `caller_reference_seed` is unique to this run: a request that is sent again for the lack of an answer then makes
    /// [the same invalidation], not a second one. A busy or failing CloudFront is asked again, for five minutes or as
    /// long as the run waits for completion; a failing one only as often as `AWS_MAX_ATTEMPTS` says, where it is set.
    ///
    /// [the same invalidation]: https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_InvalidationBatch.html
    pub(crate) async fn invalidate(
        &self,
        planned: &[PlannedInvalidation],
        caller_reference_seed: &str,
        stop: &CancellationToken,
        console: &Console,
    ) -> InvalidationOutcome {
        let results = join_all(planned.iter().map(|planned| {
            let reference = format!("{caller_reference_seed}-{}", planned.distribution);
            self.invalidate_one(planned, reference, stop, console)
        }))
        .await;
        let mut outcome = InvalidationOutcome::default();
        let mut errors = Vec::new();
        for (planned, (invalidation, error)) in planned.iter().zip(results) {
            if invalidation.id.is_none() {
                outcome
                    .unconfirmed
                    .insert(planned.distribution.clone(), planned.paths.clone());
            }
            outcome.invalidations.push(invalidation);
            errors.extend(error);
        }
        self.say_what_it_costs(&outcome, console);
        outcome.error = self.judge(errors, planned.len(), console);
        outcome
    }

    /// One distribution's invalidation; its id is missing when it was not accepted.
    async fn invalidate_one(
        &self,
        planned: &PlannedInvalidation,
        reference: String,
        stop: &CancellationToken,
        console: &Console,
    ) -> (Invalidation, Option<anyhow::Error>) {
        let deadline = Instant::now() + self.inputs.wait.unwrap_or(ACCEPT_WITHIN);
        let mut invalidation = Invalidation {
            distribution: planned.distribution.clone(),
            id: None,
            paths: planned.paths.clone(),
            status: "Failed".into(),
            after_rollback: false,
        };
        match self.create(planned, reference, deadline, stop, console).await {
            Ok((id, status)) => {
                console.line(&format!(
                    "invalidation {id} of {}: {} ({status})",
                    planned.distribution,
                    count(planned.paths.len(), "path"),
                ));
                invalidation.id = Some(id);
                invalidation.status = status;
            }
            Err(error) => return (invalidation, Some(error)),
        }
        let error = match self.inputs.wait {
            Some(_) => self.wait(&mut invalidation, deadline, stop, console).await.err(),
            None => None,
        };
        (invalidation, error)
    }

    /// Creates the invalidation: its id and status.
    async fn create(
        &self,
        planned: &PlannedInvalidation,
        reference: String,
        deadline: Instant,
        stop: &CancellationToken,
        console: &Console,
    ) -> anyhow::Result<(String, String)> {
        let id = planned.distribution.as_str();
        let doing = || {
            format!(
                "cannot invalidate {} of distribution `{id}`",
                count(planned.paths.len(), "path")
            )
        };
        let paths = Paths::builder()
            .quantity(i32::try_from(planned.paths.len()).with_context(doing)?)
            .set_items(Some(planned.paths.clone()))
            .build()
            .with_context(doing)?;
        let batch = InvalidationBatch::builder()
            .paths(paths)
            .caller_reference(reference)
            .build()
            .with_context(doing)?;
        let answer = retry(
            Bound {
                deadline,
                attempts: self.is_bounded,
            },
            stop,
            console,
            id,
            async || {
                self.client
                    .create_invalidation()
                    .distribution_id(id)
                    .invalidation_batch(batch.clone())
                    .send()
                    .await
                    .aws_context(&CREATE_INVALIDATION, &self.arns.distribution(id), doing)
            },
        )
        .await?;
        let invalidation = answer
            .invalidation
            .ok_or_else(|| anyhow::anyhow!("{}: CloudFront's answer has no invalidation", doing()))?;
        Ok((invalidation.id, invalidation.status))
    }

    /// Waits until the invalidation is complete; keeps its status up to date.
    async fn wait(
        &self,
        invalidation: &mut Invalidation,
        deadline: Instant,
        stop: &CancellationToken,
        console: &Console,
    ) -> anyhow::Result<()> {
        let distribution = invalidation.distribution.as_str();
        let id = invalidation.id.clone().unwrap_or_default();
        let started = Instant::now();
        let mut pause = Duration::from_secs(1);
        let mut heartbeat = Heartbeat::new(started.into_std(), MAX_POLL);
        while !is_complete(&invalidation.status) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(anyhow::anyhow!(
                    "invalidation `{id}` of distribution `{distribution}` is still {} after {} s",
                    invalidation.status,
                    self.inputs.wait.unwrap_or_default().as_secs(),
                )
                .hint("it goes on by itself; to wait longer, raise `invalidation-timeout`"));
            }
            crate::cancel::sleep(stop, pause.min(left)).await?;
            if let Some(seconds) = heartbeat.beat(Instant::now().into_std()) {
                let left = deadline.saturating_duration_since(Instant::now()).as_secs();
                let status = &invalidation.status;
                console.line(&format!(
                    "invalidation {id} of {distribution}: still {status} after {seconds} s, {left} s left"
                ));
            }
            pause = (pause * 2).min(MAX_POLL);
            let answer =
                retry(
                    Bound {
                        deadline,
                        attempts: self.is_bounded,
                    },
                    stop,
                    console,
                    distribution,
                    async || {
                        self.client
                    .get_invalidation()
                    .distribution_id(distribution)
                    .id(&id)
                    .send()
                    .await
                    .aws_context(&GET_INVALIDATION, &self.arns.distribution(distribution), || {
                        format!("cannot see whether invalidation `{id}` of distribution `{distribution}` is complete")
                    })
                    },
                )
                .await?;
            if let Some(now) = answer.invalidation {
                invalidation.status = now.status;
            }
        }
        console.line(&format!(
            "invalidation {id} of {distribution}: complete after {} s",
            started.elapsed().as_secs(),
        ));
        Ok(())
    }

    fn say_what_it_costs(&self, outcome: &InvalidationOutcome, console: &Console) {
        let used: usize = outcome
            .invalidations
            .iter()
            .filter(|invalidation| invalidation.id.is_some())
            .map(|invalidation| invalidation.paths.len())
            .sum();
        if used > 0 {
            console.line(&format!(
                "{used} of the {FREE_PATHS_A_MONTH} paths that are free each month",
            ));
        }
    }

    /// Makes one error of all: the first, which says how many there were; a warning where the inputs want one.
    fn judge(&self, mut errors: Vec<anyhow::Error>, planned: usize, console: &Console) -> Option<anyhow::Error> {
        if errors.is_empty() {
            return None;
        }
        if let Some(cancelled) = errors.iter().position(|error| error.is::<Cancelled>()) {
            return Some(errors.swap_remove(cancelled));
        }
        let failed = errors.len();
        let mut errors = errors.into_iter();
        let mut first = errors.next()?;
        for other in errors {
            console.line(&format!("{other:#}"));
        }
        if failed > 1 {
            first = first.context(format!("{failed} of {planned} invalidations failed"));
        }
        if self.inputs.on_failure == InvalidationFailure::Fail {
            return Some(first);
        }
        let failure = crate::core::error::RenderedError::from(&first);
        let hint = failure.hint.map(|hint| self.allowance.note(&hint));
        let hint = hint.map(|hint| format!("\nWhat to do: {hint}")).unwrap_or_default();
        console.warning("Invalidation failed", &format!("{}{hint}", failure.message));
        None
    }
}

/// How long something is tried.
#[derive(Clone, Copy)]
struct Bound {
    deadline: Instant,
    /// The client has tried as often as `AWS_MAX_ATTEMPTS` says: only that CloudFront has too many invalidations under way
    /// is still waited out, which is no failure of a request.
    attempts: bool,
}

/// Does `attempt` until it succeeds, fails for good, or its bound has come.
async fn retry<T>(
    bound: Bound,
    stop: &CancellationToken,
    console: &Console,
    distribution: &str,
    attempt: impl AsyncFn() -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let mut pause = Duration::from_secs(1);
    loop {
        if stop.is_cancelled() {
            return Err(Cancelled.into());
        }
        // What is under way may well be accepted: give it a moment, so that it need not be carried over.
        let stopped = async {
            stop.cancelled().await;
            tokio::time::sleep(GRACE).await;
        };
        let result = tokio::select! {
            result = attempt() => result,
            () = stopped => return Err(Cancelled.into()),
        };
        let error = match result {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let left = bound.deadline.saturating_duration_since(Instant::now());
        if !is_passing(&error, bound) || left.is_zero() {
            return Err(error);
        }
        let pause_now = pause.min(left);
        console.line(&format!(
            "distribution {distribution}: {error:#}; trying again in {} s",
            pause_now.as_secs_f32().ceil(),
        ));
        crate::cancel::sleep(stop, pause_now).await?;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

/// Whether the same request may well succeed later: CloudFront is busy, or no answer came.
fn is_passing(error: &anyhow::Error, bound: Bound) -> bool {
    let Some(service) = service_error(error) else {
        return false;
    };
    match service.code.as_deref() {
        Some("TooManyInvalidationsInProgress") => true,
        _ if bound.attempts => false,
        Some(code) if code.starts_with("Throttling") => true,
        Some("RequestLimitExceeded" | "TooManyRequestsException" | "SlowDown" | "RequestTimeout") => true,
        _ => service.status.is_none_or(|status| status >= 500 || status == 429),
    }
}

fn is_complete(status: &str) -> bool {
    status.eq_ignore_ascii_case("Completed")
}

#[cfg(test)]
#[path = "invalidate_tests.rs"]
mod tests;
