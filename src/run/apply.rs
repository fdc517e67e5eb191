//! The one safe order, written down once: nothing is changed before every plan is made, a backend that fails leaves the
//! site untouched, and what did change is invalidated also when the run then fails. Deploy and rollback both come here.

use std::borrow::Cow;

use crate::aws::backend;
use crate::aws::site::execute::execute;
use crate::core::backend::outcome::BackendOutcome;
use crate::core::backend::previous::earlier_updates;
use crate::core::backend::rollback::rollback_inputs;
use crate::core::error::Cancelled;
use crate::core::inputs::Command;
use crate::core::release::old_assets::left;
use crate::core::release::outcome::{Invalidated, Outcomes, PutBack, SiteChanges};
use crate::core::release::plan::Plan;
use crate::core::release::recorded::Recorded;
use crate::core::site::plan::SitePlan;
use crate::run::deployment::Deployment;
use crate::run::phases::Phases;
use crate::run::state::CurrentState;
use crate::run::undo::Failure;

impl Deployment<'_> {
    /// Carries `plan` out: what became of it, and the first error.
    pub(crate) async fn apply(
        &self,
        state: &CurrentState,
        plan: &Plan,
        phases: &mut Phases,
    ) -> (Outcomes, anyhow::Result<()>) {
        let (mut record, started) = self.begin_record(state, plan).await.unzip();

        let (mut backend, mut result) = self.deploy_backend(state, plan, phases).await;
        self.settle_after(state, plan, backend.as_ref()).await;
        // A backend that failed has put its environments back itself.
        let is_failure = result.as_ref().is_err_and(|error| !error.is::<Cancelled>());
        let mut put_back = (is_failure && self.puts_back()).then(PutBack::default);
        let mut site = SiteChanges::default();
        let reached_site = result.is_ok();
        if reached_site {
            (site, result) = self.sync_site(state, plan, phases).await;
        }
        let paid = match &record {
            Some(_) => {
                let _activity = self
                    .console
                    .activity("comparing objects with those of interrupted runs");
                let payments = self.payments(state.bucket.as_ref(), &state.debts);
                self.stop.run_until_cancelled(payments).await.unwrap_or_default()
            }
            None => Vec::new(),
        };
        let (cdn, invalidated) = self.invalidate(state, plan, &site, result.is_err(), phases).await;
        result = result.and(invalidated);
        if record.is_none() && !cdn.unconfirmed.is_empty() && state.history.has_places() {
            // Nothing else changed, and yet something is owed now.
            record = Some(self.new_record(state, plan));
        }
        if result.is_ok() && self.stop.is_cancelled() {
            // What was done may lack its invalidation.
            result = Err(Cancelled.into());
        }
        if result.is_ok() {
            result = self.verify_site(state, phases).await;
        }
        let did_something = !site.changed.is_empty() || backend.as_ref().is_some_and(BackendOutcome::changed);
        result = match (result, &record) {
            (Err(error), Some(record))
                if reached_site && did_something && self.puts_back() && !error.is::<Cancelled>() =>
            {
                let failure = Failure {
                    record,
                    changes: &site,
                    backend,
                    error,
                };
                let error;
                (put_back, backend, error) = self.put_back(state, plan, failure, phases).await;
                Err(error)
            }
            (result, _) => result,
        };

        let replaced = backend.iter().flat_map(|outcome| &outcome.environments);
        let replaced: Vec<String> = replaced.filter_map(|run| run.replaced.clone()).collect();
        let mut outcomes = Outcomes {
            release: record.as_ref().map(|record| record.id.clone()),
            backend: match (backend, &plan.backend) {
                (Some(outcome), Some(plan)) => Some(outcome.report(plan)),
                _ => None,
            },
            old_assets: left(plan, put_back.as_ref(), &site.spared, result.is_ok()),
            site,
            cdn,
            paid,
            put_back,
            deployment_id: None,
            ..Outcomes::default()
        };
        if let Some(record) = record {
            phases.begin("Record");
            outcomes.recorded = self.end_record(state, record, &outcomes, &result).await;
            if result.is_ok() && outcomes.recorded == Recorded::Nowhere && self.stop.is_cancelled() {
                result = Err(Cancelled.into());
            }
            if result.is_ok() {
                self.stop.run_until_cancelled(self.prune(state, plan, &replaced)).await;
            }
        }
        outcomes.forgotten = self.forgotten(&outcomes, started.unwrap_or(Recorded::Nowhere));
        phases.end();
        (outcomes, result)
    }

    /// Deploys the backend, waits, verifies.
    async fn deploy_backend(
        &self,
        state: &CurrentState,
        plan: &Plan,
        phases: &mut Phases,
    ) -> (Option<BackendOutcome>, anyhow::Result<()>) {
        let (Some(inputs), Some(backend)) = (&self.inputs.backend, &plan.backend) else {
            return (None, Ok(()));
        };
        phases.begin("Backend");
        let inputs = match self.inputs.command {
            Command::Rollback => Cow::Owned(rollback_inputs(inputs)),
            Command::Deploy | Command::Check => Cow::Borrowed(inputs),
        };
        // A rollback puts nothing back: what it replaces is whatever runs.
        let earlier = match self.inputs.command {
            Command::Rollback => Vec::new(),
            Command::Deploy | Command::Check => earlier_updates(backend, &state.records),
        };
        let mut outcome = backend::deploy::deploy(
            &state.aws,
            &inputs,
            backend,
            &earlier,
            plan.bundle.as_ref(),
            self.stop,
            self.console,
        )
        .await;
        let result = match outcome.error.take() {
            _ if outcome.cancelled => Err(Cancelled.into()),
            Some(error) => Err(error),
            None => Ok(()),
        };
        (Some(outcome), result)
    }

    /// Assets, then HTML, then deletes.
    async fn sync_site(
        &self,
        state: &CurrentState,
        plan: &Plan,
        phases: &mut Phases,
    ) -> (SiteChanges, anyhow::Result<()>) {
        let site = plan.site.as_ref().filter(|site| !site.is_empty());
        let (Some(site), Some(inputs), Some(bucket)) = (site, &self.inputs.site, &state.bucket) else {
            return (SiteChanges::default(), Ok(()));
        };
        if self.stop.is_cancelled() {
            return (SiteChanges::default(), Err(Cancelled.into()));
        }
        phases.begin("Site");
        let outcome = execute(
            (bucket, plan.versioning),
            &state.history,
            site,
            &inputs.object,
            self.stop,
            self.console,
            inputs.verbosity,
        )
        .await;
        let changes = SiteChanges::of(&outcome);
        (changes, first_failure(site, outcome.failed, outcome.cancelled))
    }

    /// Invalidates what did change, also when the run failed; not when it was cancelled: the next run does it then.
    async fn invalidate(
        &self,
        state: &CurrentState,
        plan: &Plan,
        site: &SiteChanges,
        failed: bool,
        phases: &mut Phases,
    ) -> (Invalidated, anyhow::Result<()>) {
        let (Some(cdn), Some(invalidation)) = (&state.cdn, &plan.cdn) else {
            return (Invalidated::default(), Ok(()));
        };
        let keys: Vec<&str> = site.changed.iter().map(|change| change.key.as_str()).collect();
        let planned_keys = plan.site.iter().flat_map(SitePlan::keys);
        let done: Vec<&str> = planned_keys
            .filter(|key| !site.spared.iter().any(|spared| spared == key))
            .collect();
        let unreached = failed && keys.is_empty();
        let planned = match failed {
            false if site.spared.is_empty() => invalidation.planned().to_vec(),
            // What still lies there is as it was.
            false => invalidation.after(&done),
            true if unreached => invalidation.unreached(),
            true => invalidation.after(&keys),
        };
        if planned.is_empty() {
            return (Invalidated::default(), Ok(()));
        }
        if unreached || self.stop.is_cancelled() {
            let left = planned.into_iter().map(|planned| (planned.distribution, planned.paths));
            let invalidated = Invalidated {
                invalidations: Vec::new(),
                unconfirmed: left.collect(),
            };
            return (invalidated, Ok(()));
        }
        phases.begin("CloudFront");
        let outcome = cdn
            .invalidate(&planned, &self.release_id(), self.stop, self.console)
            .await;
        let mut invalidated = Invalidated {
            invalidations: outcome.invalidations,
            unconfirmed: outcome.unconfirmed,
        };
        // What is perhaps on its way may still take effect after this invalidation.
        let perhaps = site.changed.iter().filter(|change| change.perhaps);
        let perhaps: Vec<&str> = perhaps.map(|change| change.key.as_str()).collect();
        invalidated.leave(invalidation.of(&perhaps));
        (invalidated, outcome.error.map_or(Ok(()), Err))
    }
}

/// One error for all failed objects: the first with its cause, and how many more.
fn first_failure(plan: &SitePlan, failed: Vec<(String, anyhow::Error)>, cancelled: bool) -> anyhow::Result<()> {
    let more = failed.len().saturating_sub(1);
    match failed.into_iter().next() {
        Some((_, error)) if more > 0 => Err(error.context(format!(
            "{} objects of `{}` could not be changed",
            more + 1,
            plan.bucket
        ))),
        Some((_, error)) => Err(error),
        None if cancelled => Err(Cancelled.into()),
        None => Ok(()),
    }
}
