//! `on-failure: rollback`: back to what ran before, as carefully as forwards.

use futures_util::future::join_all;
use tokio::time::Instant;

use crate::aws::backend::run::BackendRun;
use crate::aws::backend::update::Settings;
use crate::core::backend::messages::{UndoneEnvironment, rolled_back_error};
use crate::core::backend::outcome::EnvironmentRun;
use crate::core::backend::plan::{EnvironmentPlan, is_accepted};
use crate::core::error::Cancelled;
use crate::core::inputs::WhenBusy;

/// Every environment that this run changed gets back what it ran before; answers what was done in all, and what the run
/// fails with.
pub(crate) async fn roll_back(
    backend_run: &BackendRun<'_>,
    error: anyhow::Error,
    settings: &[Settings],
    runs: Vec<EnvironmentRun>,
) -> (Vec<EnvironmentRun>, anyhow::Result<()>) {
    let deadline = Instant::now() + backend_run.backend.timeout;
    let changed: Vec<bool> = runs.iter().map(|run| run.changed).collect();
    let environments = backend_run.plan.environments.iter().zip(settings).zip(runs);
    let undone = join_all(environments.map(|((plan, settings), run)| async move {
        if !run.changed {
            return (run, Ok(()));
        }
        let (undo, result) = undo_one(backend_run, plan, settings, deadline).await;
        (run.then(undo), result)
    }))
    .await;
    let (mut runs, results): (Vec<EnvironmentRun>, Vec<anyhow::Result<()>>) = undone.into_iter().unzip();
    if results
        .iter()
        .flat_map(|result| result.as_ref().err())
        .any(|error| error.is::<Cancelled>())
    {
        return (runs, Err(Cancelled.into()));
    }
    let mut all = Vec::new();
    for (((plan, run), result), _) in backend_run
        .plan
        .environments
        .iter()
        .zip(&mut runs)
        .zip(results)
        .zip(changed)
        .filter(|(_, changed)| *changed)
    {
        let undone = UndoneEnvironment { plan, result };
        run.failure = Some(undone.after(run.failure.take()));
        all.push(undone);
    }
    (runs, Err(rolled_back_error(error, &all)))
}

async fn undo_one(
    backend_run: &BackendRun<'_>,
    plan: &EnvironmentPlan,
    settings: &Settings,
    deadline: Instant,
) -> (EnvironmentRun, anyhow::Result<()>) {
    let nothing_done = |result| (EnvironmentRun::default(), result);
    let Some(previous) = &plan.previous_label else {
        return nothing_done(Ok(()));
    };
    let prefix = backend_run.prefix(&plan.name);
    if settings.is_empty() {
        match is_back(backend_run, plan, previous).await {
            Ok(true) => {
                backend_run.console.line(&format!(
                    "{prefix}Elastic Beanstalk has rolled back to `{previous}` itself"
                ));
                return nothing_done(Ok(()));
            }
            Ok(false) => {}
            Err(error) => return nothing_done(Err(error)),
        }
    }
    backend_run
        .console
        .line(&format!("{prefix}rolling back to `{previous}`"));
    // What hangs would hang on.
    backend_run
        .update(plan, previous, settings.clone(), WhenBusy::Abort, deadline)
        .await
}

/// Whether Beanstalk took the update back itself, so that all instances run `label` in good health.
async fn is_back(backend_run: &BackendRun<'_>, plan: &EnvironmentPlan, label: &str) -> anyhow::Result<bool> {
    let Some(environment) = backend_run.api.environment(&plan.name).await? else {
        return Ok(false);
    };
    let is_well = environment.is_ready()
        && environment.label.as_deref() == Some(label)
        && is_accepted(&backend_run.backend.accepted_health, &environment.health);
    if !is_well {
        return Ok(false);
    }
    // Basic health does not tell what instances run.
    let instances = backend_run.api.instances(&plan.name).await?;
    Ok(instances.is_some_and(|instances| !instances.iter().any(|instance| instance.runs_another(label))))
}
