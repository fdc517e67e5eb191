//! One run, top to bottom: read the state, plan, apply in the one safe order, finish.

pub(crate) mod announce;
pub(crate) mod apply;
pub(crate) mod check;
pub(crate) mod disk;
pub(crate) mod finish;
pub(crate) mod package;
pub(crate) mod phases;
pub(crate) mod plan;
pub(crate) mod print;
pub(crate) mod record;
pub(crate) mod rollback;
pub(crate) mod settle;
pub(crate) mod state;
pub(crate) mod undo;
pub(crate) mod verify;

#[cfg(test)]
mod package_tests;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use crate::console::Console;
use crate::core::context::{Env, RunContext};
use crate::core::error::Cancelled;
use crate::core::inputs::{Command, Inputs};
use crate::core::release::id;
use crate::core::release::outcome::Outcomes;
use crate::core::release::plan::Plan;
use crate::core::report::markdown::prose;
use crate::run::phases::Phases;
use crate::run::state::CurrentState;

/// Everything that a run is told from outside.
pub(crate) struct Deployment<'a> {
    pub(crate) inputs: &'a Inputs,
    pub(crate) context: &'a RunContext,
    pub(crate) env: &'a Env,
    pub(crate) console: &'a Console,
    pub(crate) stop: &'a CancellationToken,
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
    /// Does what `command` says.
    pub(crate) async fn run(&self, phases: &mut Phases) -> (Ended, anyhow::Result<()>) {
        match self.inputs.command {
            // Boxed: the state machines of all stages in one are too deep for the compiler.
            Command::Check => Box::pin(self.check(phases)).await,
            Command::Deploy | Command::Rollback => Box::pin(self.execute(phases)).await,
        }
    }

    /// `command: deploy` and `command: rollback`.
    async fn execute(&self, phases: &mut Phases) -> (Ended, anyhow::Result<()>) {
        let mut ended = Ended::default();
        phases.begin("Plan");
        let mut state = match self.or_cancelled(self.read_state()).await {
            Ok(state) => state,
            Err(error) => return (ended, Err(error)),
        };
        if self.inputs.command == Command::Rollback && self.inputs.dry_run {
            ended.markdown = self.list_releases(&state);
        }
        let plan = match self.or_cancelled(Box::pin(self.plan(&mut state))).await {
            Ok(plan) => plan,
            Err(error) => return (ended, Err(error)),
        };
        self.print_plan(&state, &plan);
        if self.inputs.dry_run {
            if let Some(line) = self.undo_line(&state, &plan) {
                ended.markdown = format!("{}\n\n", prose(&line));
            }
            ended.plan = Some(plan);
            return (ended, Ok(()));
        }
        self.settle_before(&mut state, &plan).await;
        let deployment = self.start_deployment(&state, &plan).await;
        let (mut outcomes, result) = Box::pin(self.apply(&state, &plan, phases)).await;
        if let Some(deployment) = deployment {
            outcomes.deployment_id = Some(deployment.id());
            self.finish_deployment(deployment, &plan, &outcomes, &result).await;
        }
        ended.plan = Some(plan);
        ended.outcomes = Some(outcomes);
        (ended, result)
    }

    async fn plan(&self, state: &mut CurrentState) -> anyhow::Result<Plan> {
        match self.inputs.command {
            Command::Rollback => self.plan_rollback(state).await,
            Command::Deploy | Command::Check => self.plan_deploy(state).await,
        }
    }

    /// `command: check`.
    async fn check(&self, phases: &mut Phases) -> (Ended, anyhow::Result<()>) {
        phases.begin("Check");
        let checked = async {
            let aws = self.or_cancelled(self.connect()).await?;
            self.or_cancelled(check::run(self.inputs, &aws, self.context, self.console))
                .await
        };
        match checked.await {
            Ok(found) => {
                let ended = Ended {
                    markdown: found.markdown(),
                    ..Ended::default()
                };
                (ended, found.verdict())
            }
            Err(error) => (Ended::default(), Err(error)),
        }
    }

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
