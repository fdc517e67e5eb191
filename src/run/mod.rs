//! One run, top to bottom: read the state, plan, apply in the one safe order, finish.

pub(crate) mod announce;
pub(crate) mod apply;
pub(crate) mod check;
pub(crate) mod debts;
pub(crate) mod deployment;
pub(crate) mod disk;
pub(crate) mod finish;
pub(crate) mod list;
pub(crate) mod old_assets;
pub(crate) mod package;
pub(crate) mod phases;
pub(crate) mod plan;
pub(crate) mod print;
pub(crate) mod prune;
pub(crate) mod record;
pub(crate) mod reports;
pub(crate) mod rollback;
pub(crate) mod settle;
pub(crate) mod state;
pub(crate) mod undo;
pub(crate) mod unread;
pub(crate) mod verify;

#[cfg(test)]
mod package_tests;

use std::time::Duration;

use crate::core::error::Cancelled;
use crate::core::inputs::Command;
use crate::core::release::plan::Plan;
use crate::core::release::recorded::Recorded;
use crate::core::report::markdown::prose;
use crate::run::deployment::{Deployment, Ended};
use crate::run::phases::Phases;
use crate::run::state::CurrentState;

/// So long after the wish to stop, nobody waits any longer for a GitHub Deployment to be closed, the last step of all.
const CLOSED_WITHIN: Duration = Duration::from_secs(5);

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
            let list = async { Ok(Box::pin(self.list_releases(&state)).await) };
            match self.or_cancelled(list).await {
                Ok(markdown) => ended.markdown = markdown,
                Err(error) => return (ended, Err(error)),
            }
        }
        let plan = match self.or_cancelled(Box::pin(self.plan(&mut state))).await {
            Ok(plan) => plan,
            Err(error) => return (ended, Err(error)),
        };
        let undo_line = match self
            .or_cancelled(async { Ok(self.undo_line(&state, &plan).await) })
            .await
        {
            Ok(line) => line,
            Err(error) => return (ended, Err(error)),
        };
        self.print_plan(&state, &plan, undo_line.as_deref());
        if self.inputs.dry_run {
            if let Some(line) = undo_line {
                ended.markdown = format!("{}\n\n", prose(&line));
            }
            ended.plan = Some(plan);
            return (ended, Ok(()));
        }
        self.settle_before(&mut state, &plan).await;
        let deployment = self.start_deployment(&state, &plan).await;
        let (mut outcomes, mut result) = Box::pin(self.apply(&state, &plan, phases)).await;
        if let Some(deployment) = deployment {
            outcomes.deployment_id = deployment.id();
            let closed = self.finish_deployment(deployment, &plan, &outcomes, &result);
            self.clock.within(CLOSED_WITHIN, closed).await;
        }
        if result.is_ok() && self.stop.is_cancelled() {
            // Only the cleaning up was cut short.
            if outcomes.recorded == Recorded::Everywhere {
                outcomes.recorded = Recorded::BeforeStop;
            }
            result = Err(Cancelled.into());
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
}
