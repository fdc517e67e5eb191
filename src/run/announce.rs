//! The GitHub Deployment of a run: opened before the first change, closed after the last.

use std::time::Duration;

use crate::core::error::Cancelled;
use crate::core::release::live_briefly::live_briefly;
use crate::core::release::live_now::is_rolled_back;
use crate::core::release::outcome::Outcomes;
use crate::core::release::plan::Plan;
use crate::core::release::record::Commit;
use crate::github::deployments::{DeploymentState, Deployments, MAX_DESCRIPTION, NewDeployment};
use crate::run::deployment::Deployment;
use crate::run::state::CurrentState;

/// So long after the wish to stop, nobody waits any longer for a GitHub Deployment to be opened.
const OPENED_WITHIN: Duration = Duration::from_secs(2);

/// Stands before what is live.
const LIVE_NOW: &str = "live now: ";

impl Deployment<'_> {
    /// A GitHub Deployment of this commit, in a rollback of the target's.
    ///
    /// `None` where none is asked for or possible.
    pub(crate) async fn start_deployment(&self, state: &CurrentState, plan: &Plan) -> Option<Deployments> {
        let target = plan.target.as_ref();
        // Records are input from outside: a rollback opens no deployment of somebody's pull request.
        let is_pull_request = |commit: &&Commit| {
            let git_ref = commit.git_ref.as_deref().unwrap_or_default();
            git_ref.starts_with("refs/pull/")
        };
        let sha = match target {
            Some(record) => record
                .commit
                .as_ref()
                .filter(|commit| !is_pull_request(commit))
                .map(|commit| commit.sha.as_str()),
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
        let http = &state.aws.http;
        let mut deployment = Deployments::new(http, &self.inputs.github, self.context, new, self.console)?;
        self.clock.within(OPENED_WITHIN, deployment.open(new)).await;
        Some(deployment)
    }

    /// Closes it with what became of the run.
    pub(crate) async fn finish_deployment(
        &self,
        deployment: Deployments,
        plan: &Plan,
        outcomes: &Outcomes,
        result: &anyhow::Result<()>,
    ) {
        let back = if is_rolled_back(outcomes) { "rolled back; " } else { "" };
        let room = MAX_DESCRIPTION - back.len() - LIVE_NOW.len();
        let live = live_briefly(plan, outcomes, room)
            .map(|live| format!("{LIVE_NOW}{live}; "))
            .unwrap_or_default();
        let (state, description) = match result {
            Ok(()) => (DeploymentState::Success, String::new()),
            Err(error) if error.is::<Cancelled>() => (DeploymentState::Error, format!("{live}cancelled")),
            Err(error) => {
                let description = format!("{back}{live}{error:#}");
                (DeploymentState::Failure, description)
            }
        };
        let of_environment = outcomes
            .backend
            .iter()
            .flat_map(|backend| &backend.environments)
            .find_map(|environment| environment.url.as_deref());
        let url = self.inputs.release.site_url.as_deref().or(of_environment);
        deployment.finish(state, url, &description).await;
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
}
