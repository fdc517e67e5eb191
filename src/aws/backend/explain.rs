//! Why an update failed: asks for causes, instances and logs, and prints what they say, in folded groups.

use tokio::time::Instant;

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::aws::backend::logs::{self, ClusterLog, LogRequest};
use crate::console::Console;
use crate::core::backend::environment::InstanceState;
use crate::core::backend::explanation::{Explanation, HealthCauses, first_cause, why_lines, worst};
use crate::core::backend::logs::LogTail;
use crate::core::backend::outcome::EnvironmentRun;
use crate::core::backend::secrets::Redaction;
use crate::core::error::code;
use crate::core::report::Excerpt;

/// What was asked right after a failure, before anything else changes; the logs are still on their way.
pub(crate) struct Investigation {
    api: Api,
    aws: Aws,
    environment: String,
    causes: HealthCauses,
    instances: Vec<InstanceState>,
    logs: Logs,
}

enum Logs {
    /// `log-tail: false`.
    Off,
    /// The log of this deployment, uploaded by the instance itself.
    Uploaded(LogTail),
    /// The one of a Cluster environment, which has no instances to ask.
    Cluster(ClusterLog),
    /// Asked for.
    Requested(anyhow::Result<LogRequest>),
}

impl Investigation {
    /// Asks why `environment` failed; logs are waited for by [`Self::finish`].
    pub(crate) async fn begin(
        aws: &Aws,
        api: Api,
        environment: &str,
        run: &EnvironmentRun,
        log_tail: bool,
        deadline: Instant,
    ) -> Self {
        let causes = match api.causes(environment).await {
            Ok(causes) => HealthCauses::Known(causes),
            Err(error) if code(&error) == Some("InvalidRequestException") => HealthCauses::Basic,
            Err(error) => HealthCauses::Unknown(error),
        };
        let instances = api.instances(environment).await.ok().flatten().unwrap_or_default();
        let logs = if !log_tail {
            Logs::Off
        } else if let Some(log) = ClusterLog::of(run, deadline) {
            Logs::Cluster(log)
        } else if let Some(uploaded) = logs::deployment_log(aws, run).await {
            Logs::Uploaded(uploaded)
        } else {
            let since = run.events.first().map(|event| event.date).or(run.since);
            let instance = worst(&instances).map(ToOwned::to_owned);
            Logs::Requested(logs::request(&api, environment, instance, since, deadline).await)
        };
        Self {
            api,
            aws: aws.clone(),
            environment: environment.to_owned(),
            causes,
            instances,
            logs,
        }
    }

    /// Waits for the logs, prints everything, and answers what belongs into the error.
    pub(crate) async fn finish(self, redaction: &Redaction, console: &Console) -> Explanation {
        let name = &self.environment;
        let lines = why_lines(&self.causes, &self.instances);
        let mut excerpts = Vec::new();
        let mut print = |title: String, lines: &[String]| {
            if lines.is_empty() {
                return;
            }
            let lines: Vec<String> = lines.iter().map(|line| redaction.clean(line)).collect();
            let group = console.group(&title);
            lines.iter().for_each(|line| console.line(line));
            drop(group);
            excerpts.push(Excerpt { title, lines });
        };
        // Groups of environments that fail at once must not mix: everything is printed when it is there.
        let tail = match self.logs {
            Logs::Off => Ok(None),
            Logs::Uploaded(tail) => Ok(Some((format!("Deployment log of {name}"), tail))),
            Logs::Cluster(log) => log
                .tail(&self.aws, &self.api)
                .await
                .map(|tail| Some((format!("Deployment log of {name}"), tail))),
            Logs::Requested(Err(error)) => Err(error),
            Logs::Requested(Ok(request)) => request
                .tail(&self.aws, &self.api, name)
                .await
                .map(|(instance, tail)| Some((format!("Last lines of the logs of {instance} in {name}"), tail))),
        };
        print(format!("Why {name} failed"), &lines);
        let log_line = match tail {
            Ok(None) => None,
            Ok(Some((title, tail))) => {
                print(title, &tail.lines());
                tail.error
            }
            Err(error) => {
                console.line(&format!("no logs of {name}: {error:#}"));
                None
            }
        };
        Explanation {
            cause: match self.causes {
                HealthCauses::Known(causes) => first_cause(causes),
                HealthCauses::Basic | HealthCauses::Unknown(_) => None,
            }
            .map(|cause| redaction.clean(&cause)),
            log_line: log_line.map(|line| redaction.clean(&line)),
            excerpts,
        }
    }
}
