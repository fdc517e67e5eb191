//! `on-failure: rollback`: back to what ran before, as carefully as forwards.

use anyhow::anyhow;
use futures_util::future::join_all;
use tokio::time::Instant;

use crate::aws::backend::reads::EventsOf;
use crate::aws::backend::run::{BackendRun, UpdateWay};
use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::outcome::{EnvironmentRun, UndoneEnvironment, UpdateOutcome};
use crate::core::backend::plan::EnvironmentPlan;
use crate::core::backend::rollout::FailureReason;
use crate::core::backend::undo::{UndoEnd, UndoStep, may_still_start, undo_step};
use crate::core::inputs::WhenBusy;

/// Every environment that this run changed gets back what it ran before; answers what was done, for each environment of
/// the plan.
pub(crate) async fn undo_all(backend_run: &BackendRun<'_>, runs: &[EnvironmentRun]) -> Vec<Option<UndoneEnvironment>> {
    let deadline = Instant::now() + backend_run.backend.timeout;
    let undone = runs.iter().enumerate().map(|(position, run)| async move {
        if !run.changed {
            return None;
        }
        Some(undo(backend_run, position, run, deadline).await)
    });
    join_all(undone).await
}

async fn undo(
    backend_run: &BackendRun<'_>,
    position: usize,
    run: &EnvironmentRun,
    deadline: Instant,
) -> UndoneEnvironment {
    let plan = &backend_run.plan.environments[position];
    let without_update = |seen: Option<&EnvironmentState>, result| {
        let mut run = EnvironmentRun::default();
        if seen.is_some() {
            run.see(seen);
        }
        UndoneEnvironment {
            name: plan.name.clone(),
            run,
            result,
        }
    };
    let previous = match (run.previous.clone().flatten(), &run.superseded_by) {
        (Some(previous), Some(by)) if *by != previous => {
            return without_update(None, Ok(UndoEnd::LeftAlone(by.clone())));
        }
        (Some(previous), _) => previous,
        (None, Some(by)) => return without_update(None, Ok(UndoEnd::LeftAlone(by.clone()))),
        (None, None) => return without_update(None, Ok(UndoEnd::NothingBefore)),
    };
    let prefix = backend_run.prefix(&plan.name);
    match check(backend_run, plan, run, &previous, deadline).await {
        Ok(BeforeUndo::Done(end, seen)) => {
            if end == UndoEnd::Back(previous.clone()) {
                backend_run.console.line(&format!(
                    "{prefix}Elastic Beanstalk has rolled back to `{previous}` itself"
                ));
            }
            return without_update(Some(&seen), Ok(end));
        }
        Ok(BeforeUndo::RollBack) => {}
        Err(error) => return without_update(None, Err(error)),
    }
    backend_run
        .console
        .line(&format!("{prefix}rolling back to `{previous}`"));
    let way = UpdateWay {
        label: &previous,
        settings: run.settings_before.clone(),
        // What hangs would hang on.
        when_busy: WhenBusy::Abort,
        is_undo: true,
        deadline,
    };
    let mut ended = backend_run.update(position, way).await;
    if let UpdateOutcome::Failed {
        why: FailureReason::Superseded { by, .. },
        ..
    } = &ended.outcome
    {
        let accepted = &backend_run.backend.accepted_health;
        let has_settings = !run.settings_before.is_empty();
        let end = UndoEnd::after_another(by.clone(), ended.run.state(), &previous, accepted, has_settings);
        return UndoneEnvironment {
            name: plan.name.clone(),
            run: ended.run,
            result: Ok(end),
        };
    }
    let investigation = backend_run.investigate(plan, &ended).await;
    let result = backend_run.conclude(plan, &mut ended, investigation, false).await;
    UndoneEnvironment {
        name: plan.name.clone(),
        run: ended.run,
        result: result.map(|()| UndoEnd::Back(previous)),
    }
}

enum BeforeUndo {
    RollBack,
    /// Nothing is to be done, for the environment is so.
    Done(UndoEnd, Box<EnvironmentState>),
}

/// Whether there is anything to undo: nothing where somebody else updated the environment since, and nothing where
/// Beanstalk took the update back itself.
async fn check(
    backend_run: &BackendRun<'_>,
    plan: &EnvironmentPlan,
    run: &EnvironmentRun,
    previous: &str,
    deadline: Instant,
) -> anyhow::Result<BeforeUndo> {
    // Nobody looks again later: what fails for a moment is asked for again.
    let api = backend_run.api.until(deadline);
    let Some(environment) = api.environment(&plan.name).await? else {
        return Ok(BeforeUndo::RollBack);
    };
    let events = api.events(EventsOf::Environment(&plan.name), run.since, None).await?;
    let known: Vec<&str> = [plan.label.as_str(), previous]
        .into_iter()
        .chain(run.replaced.as_deref())
        .collect();
    let step = match &run.superseded_by {
        Some(by) => UndoStep::LeaveAlone(by.clone()),
        None => undo_step(&run.requests, &environment, &events, &known),
    };
    if let UndoStep::LeaveAlone(by) = step {
        let accepted = &backend_run.backend.accepted_health;
        let has_settings = !run.settings_before.is_empty();
        let end = UndoEnd::after_another(by, Some(&environment), previous, accepted, has_settings);
        return Ok(BeforeUndo::Done(end, Box::new(environment)));
    }
    if run.uncertain && may_still_start(&environment, &events, &plan.label, previous) {
        return Err(anyhow!(
            "the update to `{}` was sent and got no answer, so it may still start; until now it has not",
            plan.label
        ));
    }
    let is_well = environment.is_ready()
        && environment.label.as_deref() == Some(previous)
        && environment.is_healthy(&backend_run.backend.accepted_health);
    if !is_well || !run.settings_before.is_empty() {
        return Ok(BeforeUndo::RollBack);
    }
    // Basic health does not tell what instances run.
    let instances = api.instances(&plan.name).await?;
    let is_back = instances.is_some_and(|instances| !instances.iter().any(|instance| instance.runs_another(previous)));
    Ok(if is_back {
        BeforeUndo::Done(UndoEnd::Back(previous.to_owned()), Box::new(environment))
    } else {
        BeforeUndo::RollBack
    })
}
