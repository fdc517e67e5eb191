//! GitHub Deployments: what is deployed where, for GitHub's own pages, with the run as its log.
//!
//! Decoration: nothing in here fails a deploy, and each step is given up after a few seconds with a warning.

use std::borrow::Cow;
use std::time::Duration;

use octocrab::models::DeploymentId;
use octocrab::models::repos::{Deployment, DeploymentStatusState};
use octocrab::{Octocrab, Page};
use serde_json::{Value, json};
use tokio::time::error::Elapsed;

use crate::console::Console;
use crate::core::context::RunContext;
use crate::core::inputs::GithubInputs;
use crate::github::api;
use crate::http::Client;

/// How long a step may delay the deploy: creating the deployment, or closing it.
const GITHUB_TIMEOUT: Duration = Duration::from_secs(4);

/// GitHub cuts descriptions here, in characters.
///
/// <https://docs.github.com/en/rest/deployments/statuses#create-a-deployment-status>
pub(crate) const MAX_DESCRIPTION: usize = 140;

/// How many earlier deployments are looked at for one to make inactive.
const EARLIER: u8 = 10;

/// The mark of our own deployments, in their payload.
const OURS: &str = "aws-web-deploy";

/// How a deployment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeploymentState {
    /// It went well.
    Success,
    /// The deploy failed.
    Failure,
    /// The run broke off: cancelled.
    Error,
}

/// The deployment of this run.
///
/// Its id is not known until GitHub has answered; the answer may be lost, be it that nobody waits for it any longer, and the
/// deployment be there all the same.
pub(crate) struct Deployments {
    octocrab: Octocrab,
    owner: String,
    repository: String,
    environment: String,
    /// What the run deploys to; two targets may share one environment's name.
    target: String,
    release: String,
    log_url: Option<String>,
    id: Option<DeploymentId>,
    /// GitHub was asked, and has not said no.
    is_asked: bool,
    console: Console,
}

/// What to create.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewDeployment<'a> {
    /// The commit that is deployed: of a rollback the old one.
    pub(crate) sha: &'a str,
    /// What the run deploys to, in words that stay the same from run to run.
    pub(crate) target: &'a str,
    /// The release's id.
    pub(crate) release: &'a str,
    /// A short text.
    pub(crate) description: &'a str,
}

impl Deployments {
    /// What is to be opened when `github-environment` is set; nothing is sent yet.
    pub(crate) fn new(
        http: &Client,
        inputs: &GithubInputs,
        context: &RunContext,
        new: NewDeployment<'_>,
        console: &Console,
    ) -> Option<Self> {
        let environment = inputs.environment.as_deref()?;
        let (Some(token), Some((owner, repository))) = (
            &inputs.token,
            context.repository.as_deref().and_then(|full| full.split_once('/')),
        ) else {
            warn(console, "there is no `github-token` or no `GITHUB_REPOSITORY`");
            return None;
        };
        let octocrab = match api::octocrab(http, &context.api_url, token) {
            Ok(octocrab) => octocrab,
            Err(error) => {
                warn(console, &format!("{error:#}"));
                return None;
            }
        };
        Some(Self {
            octocrab,
            owner: owner.to_owned(),
            repository: repository.to_owned(),
            environment: environment.to_owned(),
            target: new.target.to_owned(),
            release: new.release.to_owned(),
            log_url: context.run_url(),
            id: None,
            is_asked: false,
            console: console.clone(),
        })
    }

    /// Creates the deployment with status `in_progress`.
    pub(crate) async fn open(&mut self, new: NewDeployment<'_>) {
        self.is_asked = true;
        let created = tokio::time::timeout(GITHUB_TIMEOUT, self.create(new)).await;
        // Behind an error of a proxy, or no answer at all, it may be there.
        let is_refused = |error: &octocrab::Error| match error {
            octocrab::Error::GitHub { source, .. } => !source.status_code.is_server_error(),
            _ => false,
        };
        self.is_asked = !matches!(&created, Ok(Err(error)) if is_refused(error));
        let Some(deployment) = self.done(created) else { return };
        self.id = Some(deployment.id);
        let description = self.shown(new.description);
        let status = self.status(deployment.id, DeploymentStatusState::InProgress, None, &description);
        self.patiently(status).await;
    }

    /// A description as GitHub shows it: nobody masks secrets there, and one that is cut is none that could be found.
    fn shown(&self, description: &str) -> String {
        cut(&self.console.redact(description))
    }

    /// The deployment's id, where GitHub has told it.
    #[must_use]
    pub(crate) fn id(&self) -> Option<u64> {
        self.id.map(|id| id.0)
    }

    /// Closes the deployment; after a success earlier ones of the same target are made inactive.
    pub(crate) async fn finish(&self, state: DeploymentState, url: Option<&str>, description: &str) {
        let github = match state {
            DeploymentState::Success => DeploymentStatusState::Success,
            DeploymentState::Failure => DeploymentStatusState::Failure,
            DeploymentState::Error => DeploymentStatusState::Error,
        };
        let description = self.shown(description);
        let Some(id) = self.id else {
            if self.is_asked {
                self.finish_lost(github, url, &description).await;
            }
            return;
        };
        self.patiently(async {
            self.status(id, github, url, &description).await?;
            if state == DeploymentState::Success {
                self.retire_earlier(id).await?;
            }
            Ok(())
        })
        .await;
    }

    /// Closes the deployment whose creation nobody has seen, if it is there; that it could not be written is said already.
    async fn finish_lost(&self, state: DeploymentStatusState, url: Option<&str>, description: &str) {
        let closed = async {
            for deployment in self.newest().await? {
                if is_ours(&deployment.payload, &self.target) && is_of(&deployment.payload, &self.release) {
                    self.status(deployment.id, state, url, description).await?;
                }
            }
            octocrab::Result::Ok(())
        };
        if let Ok(Err(error)) = tokio::time::timeout(GITHUB_TIMEOUT, closed).await {
            self.console.debug(&reason(&error));
        }
    }

    async fn create(&self, new: NewDeployment<'_>) -> octocrab::Result<Deployment> {
        self.octocrab
            .repos(&self.owner, &self.repository)
            .deployments()
            .create(new.sha)
            .environment(&self.environment)
            .auto_merge(false)
            // The workflow decides what a deploy waits for; by default GitHub would want every check to be green.
            .required_contexts(Vec::<String>::new())
            .description(self.shown(new.description))
            .payload(json!({"by": OURS, "target": self.target, "release": new.release}))
            .send()
            .await
    }

    async fn status(
        &self,
        id: DeploymentId,
        state: DeploymentStatusState,
        url: Option<&str>,
        description: &str,
    ) -> octocrab::Result<()> {
        let repository = self.octocrab.repos(&self.owner, &self.repository);
        let deployments = repository.deployments();
        let mut status = deployments
            .statuses(id)
            .create(state)
            // GitHub would also retire deployments of others that share the environment's name.
            .auto_inactive(false)
            .description(description);
        if let Some(log_url) = &self.log_url {
            status = status.log_url(log_url);
        }
        if let Some(url) = url {
            status = status.environment_url(url);
        }
        status.send().await.map(drop)
    }

    /// The newest deployments to the environment, whoever made them.
    async fn newest(&self) -> octocrab::Result<Page<Deployment>> {
        self.octocrab
            .repos(&self.owner, &self.repository)
            .deployments()
            .list()
            .environment(&self.environment)
            .per_page(EARLIER)
            .send()
            .await
    }

    /// Makes our own deployments of this target before `own` inactive.
    async fn retire_earlier(&self, own: DeploymentId) -> octocrab::Result<()> {
        let earlier = self.newest().await?;
        let ours = earlier
            .into_iter()
            .filter(|deployment| deployment.id != own && is_ours(&deployment.payload, &self.target));
        futures_util::future::try_join_all(ours.map(|deployment| self.retire(deployment.id))).await?;
        Ok(())
    }

    async fn retire(&self, id: DeploymentId) -> octocrab::Result<()> {
        let newest = self
            .octocrab
            .repos(&self.owner, &self.repository)
            .deployments()
            .statuses(id)
            .list()
            .per_page(1)
            .send()
            .await?
            .into_iter()
            .next()
            .map(|status| status.state);
        match newest {
            // One without a status is of a run that was killed before it could say anything.
            None | Some(DeploymentStatusState::Success | DeploymentStatusState::InProgress) => {
                self.status(id, DeploymentStatusState::Inactive, None, "superseded")
                    .await
            }
            _ => Ok(()),
        }
    }

    /// Waits a few seconds; what did not work by then is a warning.
    async fn patiently<T>(&self, step: impl Future<Output = octocrab::Result<T>>) -> Option<T> {
        self.done(tokio::time::timeout(GITHUB_TIMEOUT, step).await)
    }

    /// What a step has brought; a warning where it brought nothing.
    fn done<T>(&self, step: Result<octocrab::Result<T>, Elapsed>) -> Option<T> {
        match step {
            Ok(Ok(value)) => Some(value),
            Ok(Err(error)) => {
                warn(&self.console, &reason(&error));
                None
            }
            Err(_) => {
                warn(
                    &self.console,
                    &format!("GitHub did not answer within {} s", GITHUB_TIMEOUT.as_secs()),
                );
                None
            }
        }
    }
}

fn warn(console: &Console, reason: &str) {
    console.warning(
        "GitHub deployment",
        &format!("cannot write the GitHub deployment; the deploy itself is not affected: {reason}"),
    );
}

/// Why it did not work, with what to change.
fn reason(error: &octocrab::Error) -> String {
    let octocrab::Error::GitHub { source, .. } = error else {
        let mut innermost: &dyn std::error::Error = error;
        while let Some(source) = innermost.source() {
            innermost = source;
        }
        // octocrab prints a backtrace below some of its errors.
        return innermost.to_string().lines().next().unwrap_or_default().to_owned();
    };
    let status = source.status_code.as_u16();
    // https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api: 403 or 429.
    let limited = status == 429 || tells_of_limit(&source.message);
    let advice = match status {
        _ if limited => ": GitHub limits how often it is asked, and the next run writes its deployment again",
        401 => ": check `github-token`",
        // https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps
        403 | 404 => ": add `deployments: write` to the `permissions:` of the job",
        _ => "",
    };
    format!("{} (HTTP {status}){advice}", source.message.trim_end_matches('.'))
}

/// Whether GitHub says that it limits how often it is asked: "API rate limit exceeded", "You have exceeded a secondary
/// rate limit", formerly "You have triggered an abuse detection mechanism".
fn tells_of_limit(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    message.contains("rate limit") || message.contains("abuse detection")
}

/// Whether a payload has our mark and target.
fn is_ours(payload: &Value, target: &str) -> bool {
    let payload = parsed(payload);
    payload["by"] == OURS && payload["target"] == target
}

/// Whether a payload of ours is of this release.
fn is_of(payload: &Value, release: &str) -> bool {
    parsed(payload)["release"] == release
}

/// GitHub gives a payload back as an object, or as the string that it was.
fn parsed(payload: &Value) -> Cow<'_, Value> {
    match payload.as_str() {
        Some(text) => Cow::Owned(serde_json::from_str(text).unwrap_or_default()),
        None => Cow::Borrowed(payload),
    }
}

fn cut(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= MAX_DESCRIPTION {
        return line.to_owned();
    }
    let mut short: String = line.chars().take(MAX_DESCRIPTION - 1).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_one_line_of_140_characters() {
        assert_eq!(cut("short\nsecond line"), "short");
        let long = cut(&"ü".repeat(200));
        assert_eq!(long.chars().count(), MAX_DESCRIPTION);
        assert!(long.ends_with('…'));
        assert_eq!(cut(&"x".repeat(MAX_DESCRIPTION)).len(), MAX_DESCRIPTION);
    }

    #[test]
    fn a_limit_is_told_from_a_missing_permission() {
        for (message, expected) in [
            (
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
                true,
            ),
            (
                "You have triggered an abuse detection mechanism. Please wait a few minutes before you try again.",
                true,
            ),
            ("Resource not accessible by integration", false),
        ] {
            assert_eq!(tells_of_limit(message), expected, "{message}");
        }
    }

    #[test]
    fn only_our_own_deployments_of_the_same_target_are_ours() {
        let payload = json!({"by": "aws-web-deploy", "target": "s3://b/", "release": "r"});
        assert!(is_ours(&payload, "s3://b/"));
        assert!(is_ours(&json!(payload.to_string()), "s3://b/"));
        assert!(!is_ours(&payload, "s3://other/"));
        assert!(is_of(&payload, "r") && is_of(&json!(payload.to_string()), "r") && !is_of(&payload, "s"));
        for other in [json!({}), json!(""), json!(null), json!({"by": "someone"})] {
            assert!(!is_ours(&other, "s3://b/"), "{other}");
        }
    }
}
