//! The whole story of one deploy or rollback: look, plan, record, backend, site, cdn, record.
//!
//! The order is a safety property and is written down here once, in [`Deployment::apply`]: nothing is changed before every
//! plan is made, a backend that fails leaves the site untouched, and what did change is invalidated also when the run then
//! fails.

pub(crate) mod check;
pub(crate) mod finish;
pub(crate) mod phases;
pub(crate) mod plan;
pub(crate) mod record;
pub(crate) mod state;

use chrono::{DateTime, Utc};

use crate::aws::backend;
use crate::aws::backend::retention::{prune, running_versions};
use crate::aws::s3::bucket::Bucket;
use crate::aws::site::execute::execute;
use crate::console::Console;
use crate::core::context::{Env, RunContext};
use crate::core::error::Cancelled;
use crate::core::inputs::{Command, Inputs, Verbosity};
use crate::core::report::{self, Report};
use crate::core::site::key_change::{KeyChange, KeyOperation};
use crate::core::site::outcome::SiteOutcome;
use crate::core::site::plan::SitePlan;
use crate::github::deployments::{DeploymentState, Deployments, NewDeployment};
use crate::run::phases::Phases;
use crate::run::plan::{Plan, describe_site};
use tokio_util::sync::CancellationToken;

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

impl Deployment<'_> {
    /// `command: deploy` and `command: rollback`.
    pub(crate) async fn execute(
        &self,
        report: &mut Report,
        phases: &mut Phases,
        extra: &mut String,
    ) -> anyhow::Result<()> {
        phases.begin("Look and plan");
        let mut world = self.or_cancelled(self.read_state()).await?;
        let plan = match self.inputs.command {
            Command::Rollback => self.or_cancelled(self.plan_rollback(&world, extra)).await?,
            Command::Deploy | Command::Check => self.or_cancelled(self.plan_deploy(&mut world)).await?,
        };
        plan.describe(report);
        let verbosity = self
            .inputs
            .site
            .as_ref()
            .map_or(Verbosity::Changes, |site| site.verbosity);
        plan.print(self.console, self.inputs.dry_run, verbosity);
        if self.inputs.dry_run {
            return Ok(());
        }
        let deployment = self.start_deployment(&world, &plan, report).await;
        let result = self.apply(&world, plan, report, phases).await;
        if let Some(deployment) = deployment {
            self.finish_deployment(deployment, &result, report).await;
        }
        result
    }

    /// The one safe order.
    async fn apply(
        &self,
        world: &CurrentState,
        plan: Plan,
        report: &mut Report,
        phases: &mut Phases,
    ) -> anyhow::Result<()> {
        let record = self.begin_record(world, &plan).await;
        report.release = record.as_ref().map(|record| record.id.clone());

        let mut result = self.backend(world, &plan, report, phases).await;
        let mut changed = Vec::new();
        if let Some((bucket, site)) = &plan.site {
            if result.is_ok() {
                (changed, result) = self.site(bucket, site, report, phases).await;
            } else if let Some(described) = &mut report.site {
                clear(described);
            }
        }
        let cdn = self.cdn(world, &plan, &changed, &result, report, phases).await;
        let unconfirmed = cdn.unconfirmed;
        if let (Ok(()), Some(error)) = (&result, cdn.error) {
            result = Err(error);
        }
        if let Some(record) = record {
            phases.begin("Record");
            self.end_record(world, record, &changed, unconfirmed, &result, report)
                .await;
            if result.is_ok() {
                self.prune(world, &plan).await;
            }
        }
        phases.end();
        result
    }

    /// Deploys the backend, waits, verifies.
    async fn backend(
        &self,
        world: &CurrentState,
        plan: &Plan,
        report: &mut Report,
        phases: &mut Phases,
    ) -> anyhow::Result<()> {
        let (Some(inputs), Some(backend)) = (&self.inputs.backend, &plan.backend) else {
            return Ok(());
        };
        phases.begin("Backend");
        let outcome = backend::deploy::deploy(
            &world.aws,
            inputs,
            backend,
            plan.bundle.as_ref(),
            self.stop,
            self.console,
        )
        .await;
        report.backend = Some(outcome.report(backend));
        if outcome.cancelled {
            return Err(Cancelled.into());
        }
        outcome.error.map_or(Ok(()), Err)
    }

    /// `keep-versions`: deletes application versions that nobody needs any more; none when that cannot be told.
    async fn prune(&self, world: &CurrentState, plan: &Plan) {
        let (Some(inputs), Some(backend)) = (&self.inputs.backend, &plan.backend) else {
            return;
        };
        let Some(keep) = inputs.keep_versions else { return };
        let pruned = async {
            let running = running_versions(&world.aws, inputs).await?;
            let mut needed = world.history.needed_labels(&running.environments).await?;
            needed.extend(running.labels);
            needed.extend(backend.labels().map(ToOwned::to_owned));
            prune(&world.aws, &inputs.application, keep as usize, &needed, self.console).await
        };
        if let Err(error) = pruned.await {
            let text =
                format!("`keep-versions` has deleted nothing: it is not known which versions are needed: {error:#}");
            self.console.warning("Old versions kept", &text);
        }
    }

    /// Assets, then HTML, then deletes.
    async fn site(
        &self,
        bucket: &Bucket,
        plan: &SitePlan,
        report: &mut Report,
        phases: &mut Phases,
    ) -> (Vec<KeyChange>, anyhow::Result<()>) {
        let Some(inputs) = self.inputs.site.as_ref().filter(|_| !plan.is_empty()) else {
            return (Vec::new(), Ok(()));
        };
        if self.stop.is_cancelled() {
            report.site.iter_mut().for_each(clear);
            return (Vec::new(), Err(Cancelled.into()));
        }
        phases.begin("Site");
        let outcome = execute(bucket, plan, &inputs.object, self.stop, self.console, inputs.verbosity).await;
        report.site = Some(done(plan, &outcome));
        let result = judge(plan, outcome.failed, outcome.cancelled);
        (outcome.changed, result)
    }

    /// Invalidates what did change, also when the run failed; not when it was cancelled: the next run does it then.
    async fn cdn(
        &self,
        world: &CurrentState,
        plan: &Plan,
        changed: &[KeyChange],
        result: &anyhow::Result<()>,
        report: &mut Report,
        phases: &mut Phases,
    ) -> crate::aws::cdn::invalidate::InvalidationOutcome {
        report.invalidations.clear();
        let Some((cdn, _)) = &plan.cdn else {
            return Default::default();
        };
        let keys: Vec<&str> = changed.iter().map(|key| key.key.as_str()).collect();
        let failed_before_site = result.is_err() && changed.is_empty();
        let planned = if failed_before_site {
            // Explicit paths are for what would have been there; what earlier runs owe stays owed.
            cdn.plan_owed(&world.carried)
        } else {
            cdn.plan(&keys, &world.carried)
        };
        if planned.is_empty() {
            return Default::default();
        }
        if failed_before_site || self.stop.is_cancelled() {
            return crate::aws::cdn::invalidate::InvalidationOutcome {
                unconfirmed: planned.into_iter().map(|one| (one.distribution, one.paths)).collect(),
                ..Default::default()
            };
        }
        phases.begin("CloudFront");
        let seed = report.release.clone().unwrap_or_else(|| self.release_id());
        let outcome = cdn.invalidate(&planned, &seed, self.stop, self.console).await;
        report.invalidations.clone_from(&outcome.invalidations);
        outcome
    }

    /// `command: check`.
    pub(crate) async fn check(&self, phases: &mut Phases, extra: &mut String) -> anyhow::Result<()> {
        phases.begin("Check");
        let aws = self.or_cancelled(self.connect()).await?;
        let result = self
            .or_cancelled(check::run(self.inputs, &aws, self.context, self.console))
            .await?;
        *extra = result.markdown();
        let problems: Vec<String> = result
            .problems()
            .map(|finding| format!("{}: {}", finding.what, finding.text))
            .collect();
        anyhow::ensure!(
            problems.is_empty(),
            "a deploy with these inputs would fail: {}",
            problems.join("; ")
        );
        Ok(())
    }

    /// A GitHub Deployment of this commit, in a rollback of the target's.
    async fn start_deployment(&self, world: &CurrentState, plan: &Plan, report: &mut Report) -> Option<Deployments> {
        let target = plan.target.as_ref();
        let sha = match target {
            Some(record) => record.commit.as_ref().map(|commit| commit.sha.as_str()),
            None => self.context.sha.as_deref(),
        };
        let release = self.release_id();
        let description = match target {
            Some(record) => format!("rolling back to {}", record.id),
            None => self.context.commit_subject.clone().unwrap_or_default(),
        };
        let new = NewDeployment {
            sha: sha?,
            target: &self.target(),
            release: &release,
            description: &description,
        };
        let deployment =
            Deployments::start(&world.aws.http, &self.inputs.github, self.context, new, self.console).await?;
        report.github = Some(report::Github {
            deployment_id: deployment.id(),
        });
        Some(deployment)
    }

    /// What this run deploys to, the same from run to run.
    fn target(&self) -> String {
        let site = self
            .inputs
            .site
            .as_ref()
            .map(|site| format!("s3://{}/{}", site.bucket, site.prefix));
        let backend = self
            .inputs
            .backend
            .as_ref()
            .map(|backend| format!("{}/{}", backend.application, backend.environments.join("+")));
        let distributions = self.inputs.cdn.as_ref().map(|cdn| cdn.distributions.join("+"));
        [site, distributions, backend]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    }

    async fn finish_deployment(&self, deployment: Deployments, result: &anyhow::Result<()>, report: &Report) {
        let (state, description) = match result {
            Ok(()) => (DeploymentState::Success, String::new()),
            Err(error) if error.is::<Cancelled>() => (DeploymentState::Error, "cancelled".to_owned()),
            Err(error) => (DeploymentState::Failure, format!("{error:#}")),
        };
        let url = report
            .backend
            .iter()
            .flat_map(|backend| &backend.environments)
            .find_map(|environment| environment.url.as_deref());
        deployment.finish(state, url, &description).await;
    }

    /// `future`, unless the wish to stop comes first; only for what may be dropped at any point: looks, not changes.
    async fn or_cancelled<T>(&self, future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(Cancelled.into()),
            result = future => result,
        }
    }
}

/// What was planned and did not happen.
fn clear(site: &mut report::SiteReport) {
    site.uploads.clear();
    site.deletes.clear();
}

/// The report of an execution: what did happen, in the order of the plan.
fn done(plan: &SitePlan, outcome: &SiteOutcome) -> report::SiteReport {
    let happened = |operation: KeyOperation| -> std::collections::HashSet<&str> {
        outcome
            .changed
            .iter()
            .filter(|key| key.operation == operation)
            .map(|key| key.key.as_str())
            .collect()
    };
    let (written, deleted) = (happened(KeyOperation::Written), happened(KeyOperation::Deleted));
    let mut site = describe_site(plan);
    site.uploads.retain(|upload| written.contains(upload.key.as_str()));
    site.deletes.retain(|key| deleted.contains(key.as_str()));
    site.failures = outcome
        .failed
        .iter()
        .map(|(key, error)| crate::core::site::plan::SiteWarning {
            path: key.clone(),
            message: format!("{error:#}"),
        })
        .collect();
    site
}

/// One error for all failed objects: the first with its cause, and how many more.
fn judge(plan: &SitePlan, failed: Vec<(String, anyhow::Error)>, cancelled: bool) -> anyhow::Result<()> {
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
