//! Releases whose end nobody saw, and whose version turns out to run well: their records are ended by the run that sees it.

use chrono::Utc;

use crate::aws::backend::compare::went_well;
use crate::core::backend::outcome::BackendOutcome;
use crate::core::release::interrupted::settled;
use crate::core::release::plan::Plan;
use crate::run::deployment::Deployment;
use crate::run::state::CurrentState;

impl Deployment<'_> {
    /// By what the plan saw, before anything changes.
    pub(crate) async fn settle_before(&self, state: &mut CurrentState, plan: &Plan) {
        let (Some(inputs), Some(backend)) = (&self.inputs.backend, &plan.backend) else {
            return;
        };
        let runs_well = |name: &str| {
            let mut environments = backend.environments.iter();
            let environment = environments.find(|environment| environment.name == name)?;
            let is_well = environment.status == "Ready" && environment.is_healthy;
            environment.previous_label.as_deref().filter(|_| is_well)
        };
        let Some(found) = settled(&state.records, runs_well, Utc::now()) else {
            return;
        };
        let _activity = self.console.activity("reading how an earlier update ended");
        let environments = found.backend.iter().flat_map(|backend| &backend.environments);
        let names: Vec<&str> = environments.map(|environment| environment.name.as_str()).collect();
        // Ready and Green is also what an update shows that is complete, but with errors.
        if !went_well(&state.aws, inputs, &names).await.unwrap_or(false) {
            return;
        }
        if let Some(settled) = self.settle(state, runs_well).await
            && let Some(record) = state.records.iter_mut().find(|record| record.id == settled.id)
        {
            *record = settled;
        }
    }

    /// By what ran right before the updates of this run, which had to be waited for.
    pub(crate) async fn settle_after(&self, state: &CurrentState, plan: &Plan, done: Option<&BackendOutcome>) {
        let (Some(backend), Some(done)) = (&plan.backend, done) else {
            return;
        };
        let runs_well = |name: &str| {
            let mut environments = backend.environments.iter();
            let position = environments.position(|environment| environment.name == name)?;
            done.environments.get(position)?.previous.as_ref()?.as_deref()
        };
        self.settle(state, runs_well).await;
    }
}
