//! What a run is told from outside, and what it comes to.

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::cancel::StopClock;
use crate::console::Console;
use crate::core::context::{Env, RunContext};
use crate::core::error::Cancelled;
use crate::core::iam::allowance::Allowance;
use crate::core::inputs::Inputs;
use crate::core::release::id;
use crate::core::release::outcome::Outcomes;
use crate::core::release::plan::Plan;

/// Everything that a run is told from outside.
pub(crate) struct Deployment<'a> {
    pub(crate) inputs: &'a Inputs,
    /// What the run has to be allowed, and what of that it was refused.
    pub(crate) allowance: Allowance,
    pub(crate) context: &'a RunContext,
    pub(crate) env: &'a Env,
    pub(crate) console: &'a Console,
    pub(crate) stop: &'a CancellationToken,
    /// When the wish to stop came.
    pub(crate) clock: StopClock,
    pub(crate) now: DateTime<Utc>,
    /// Keeps release ids of runs in the same millisecond apart.
    pub(crate) random: u32,
}

/// What a run comes to: all that its report is built from.
#[derive(Default)]
pub(crate) struct Ended {
    /// What was to happen, when the run came so far.
    pub(crate) plan: Option<Plan>,
    /// What did happen, when the run began to change anything.
    pub(crate) outcomes: Option<Outcomes>,
    /// Markdown for the summary: what `check` found, or the releases to choose from.
    pub(crate) markdown: String,
}

impl Deployment<'_> {
    /// The id of this run's release; the same at each call.
    pub(crate) fn release_id(&self) -> String {
        id::new(
            self.now,
            self.context.run_id.as_deref(),
            self.context.run_attempt.as_deref(),
            self.random,
        )
    }

    /// `future`, unless the wish to stop comes first; only for what may be dropped at any point: reads, not changes.
    pub(crate) async fn or_cancelled<T>(&self, future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Cancelled.into()),
            result = future => result,
        }
    }
}
