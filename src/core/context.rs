//! Where and why this run happens: GitHub's variables as values, so that nothing else reads the environment.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::core::secret::Secret;

/// The process environment as a value.
#[derive(Clone, Default)]
pub struct Env(BTreeMap<String, String>);

impl Env {
    /// The variables of `pairs`.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(pairs.into_iter().collect())
    }

    /// The same of literals.
    #[cfg(test)]
    pub(crate) fn of(pairs: &[(&str, &str)]) -> Self {
        Self::new(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    /// The value of `name` when it is set and not empty (GitHub sets unset expressions to the empty string).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The value of `name` when it is present, the empty string too.
    #[must_use]
    pub(crate) fn present(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// The workflow run, from [GitHub's default variables].
///
/// [GitHub's default variables]: https://docs.github.com/en/actions/reference/workflows-and-actions/variables#default-environment-variables
#[derive(Debug, Clone, Default)]
pub(crate) struct RunContext {
    /// `GITHUB_WORKSPACE`, else the current directory; absolute.
    pub(crate) workspace: PathBuf,
    /// `RUNNER_TEMP`, else the system's; absolute.
    pub(crate) temp: PathBuf,
    /// `GITHUB_OUTPUT`: where outputs go.
    pub(crate) output_file: Option<PathBuf>,
    /// `GITHUB_STEP_SUMMARY`: where the summary goes.
    pub(crate) summary_file: Option<PathBuf>,
    /// `GITHUB_EVENT_PATH`: the event that started the run, as JSON.
    pub(crate) event_file: Option<PathBuf>,
    /// `owner/name`.
    pub(crate) repository: Option<String>,
    /// Branch or tag name, `GITHUB_REF_NAME`.
    pub(crate) ref_name: Option<String>,
    /// `refs/heads/main` and the like, `GITHUB_REF`.
    pub(crate) git_ref: Option<String>,
    /// The full commit id.
    pub(crate) sha: Option<String>,
    /// The first line of the head commit's message, from the event.
    pub(crate) commit_subject: Option<String>,
    /// `GITHUB_RUN_ID`.
    pub(crate) run_id: Option<String>,
    /// `GITHUB_RUN_NUMBER`.
    pub(crate) run_number: Option<String>,
    /// `GITHUB_RUN_ATTEMPT`.
    pub(crate) run_attempt: Option<String>,
    /// `GITHUB_WORKFLOW`.
    pub(crate) workflow: Option<String>,
    /// `GITHUB_ACTION`: the id of the step.
    pub(crate) action: Option<String>,
    /// Who started the run, `GITHUB_ACTOR`.
    pub(crate) actor: Option<String>,
    /// `GITHUB_EVENT_NAME`.
    pub(crate) event_name: Option<String>,
    /// `https://github.com`, or the GitHub Enterprise server.
    pub(crate) server_url: String,
    /// `https://api.github.com`, or the GitHub Enterprise server's.
    pub(crate) api_url: String,
    /// Where an OIDC token can be asked, and with which bearer token; present with `permissions: id-token: write`.
    pub(crate) oidc: Option<OidcEndpoint>,
}

/// GitHub's OIDC token endpoint for this job.
///
/// <https://docs.github.com/en/actions/reference/security/oidc#methods-for-requesting-the-oidc-token>
#[derive(Debug, Clone)]
pub(crate) struct OidcEndpoint {
    /// `ACTIONS_ID_TOKEN_REQUEST_URL`.
    pub(crate) url: String,
    /// `ACTIONS_ID_TOKEN_REQUEST_TOKEN`.
    pub(crate) token: Secret,
}

impl RunContext {
    /// Reads GitHub's variables from `env`; `directory` and `temp` stand in where there is no runner.
    #[must_use]
    pub(crate) fn new(env: &Env, directory: PathBuf, temp: PathBuf) -> Self {
        let owned = |name: &str| env.get(name).map(ToOwned::to_owned);
        let path = |name: &str| env.get(name).map(PathBuf::from);
        // A runner that is started by hand may say it relative to where it was started.
        let temp = path("RUNNER_TEMP").map_or(temp, |temp| directory.join(temp));
        Self {
            workspace: path("GITHUB_WORKSPACE").unwrap_or(directory),
            temp,
            output_file: path("GITHUB_OUTPUT"),
            summary_file: path("GITHUB_STEP_SUMMARY"),
            event_file: path("GITHUB_EVENT_PATH"),
            repository: owned("GITHUB_REPOSITORY"),
            ref_name: owned("GITHUB_REF_NAME"),
            git_ref: owned("GITHUB_REF"),
            sha: owned("GITHUB_SHA"),
            commit_subject: None,
            run_id: owned("GITHUB_RUN_ID"),
            run_number: owned("GITHUB_RUN_NUMBER"),
            run_attempt: owned("GITHUB_RUN_ATTEMPT"),
            workflow: owned("GITHUB_WORKFLOW"),
            action: owned("GITHUB_ACTION"),
            actor: owned("GITHUB_ACTOR"),
            event_name: owned("GITHUB_EVENT_NAME"),
            server_url: owned("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned()),
            api_url: owned("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned()),
            oidc: owned("ACTIONS_ID_TOKEN_REQUEST_URL")
                .zip(owned("ACTIONS_ID_TOKEN_REQUEST_TOKEN"))
                .map(|(url, token)| OidcEndpoint {
                    url,
                    token: Secret::new(token),
                }),
        }
    }

    /// Takes what only the event's file tells: the head commit's subject (a push has it, other events do not).
    ///
    /// A file that is odd tells nothing; no run depends on it.
    pub(crate) fn take_event(&mut self, file: &[u8]) {
        let message = serde_json::from_slice::<serde_json::Value>(file)
            .ok()
            .and_then(|event| event["head_commit"]["message"].as_str().map(ToOwned::to_owned));
        self.commit_subject = message
            .and_then(|message| message.lines().next().map(|line| line.trim().to_owned()))
            .filter(|line| !line.is_empty());
    }

    /// The name of the repository without its owner.
    #[must_use]
    pub(crate) fn repository_name(&self) -> Option<&str> {
        self.repository
            .as_deref()
            .map(|full| full.rsplit('/').next().unwrap_or(full))
    }

    /// The page of this run on GitHub.
    #[must_use]
    pub(crate) fn run_url(&self) -> Option<String> {
        let (repository, run) = (self.repository_url()?, self.run_id.as_ref()?);
        Some(format!("{repository}/actions/runs/{run}"))
    }

    /// The page of this repository on GitHub.
    #[must_use]
    pub(crate) fn repository_url(&self) -> Option<String> {
        let repository = self.repository.as_ref()?;
        Some(format!("{}/{repository}", self.server_url.trim_end_matches('/')))
    }

    /// The page of `sha` on GitHub.
    #[must_use]
    pub(crate) fn commit_url(&self, sha: &str) -> Option<String> {
        let repository = self.repository_url()?;
        Some(format!("{repository}/commit/{sha}"))
    }
}
