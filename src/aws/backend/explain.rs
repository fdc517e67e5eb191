//! Why an update failed: its events, the causes that enhanced health knows, and the worst instance's log.

use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_elasticbeanstalk::types::{EnvironmentHealthAttribute, SingleInstanceHealth};

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::aws::backend::logs;
use crate::console::Console;
use crate::core::error::code;
use crate::core::iam::calls;
use crate::core::inputs::OptionSetting;
use crate::core::report;

/// What the error says besides the event.
#[derive(Debug, Default)]
pub(crate) struct Explanation {
    /// The first cause of the environment's health.
    pub(crate) cause: Option<String>,
    /// The first real error line of the log.
    pub(crate) log_line: Option<String>,
}

/// Finds out why `environment` failed and prints it, in folded groups.
pub(crate) async fn explain(
    aws: &Aws,
    api: &Api,
    environment: &report::EnvironmentReport,
    settings: &[OptionSetting],
    console: &Console,
) -> Explanation {
    let name = &environment.name;
    let mut lines: Vec<String> = environment
        .events
        .iter()
        .filter(|event| matches!(event.severity.as_str(), "ERROR" | "FATAL" | "WARN"))
        .map(|event| format!("{:<5} {}", event.severity, event.message))
        .collect();
    let causes = causes(api, name).await;
    let instances = api.instances(name).await.ok().flatten();
    match &causes {
        Causes::Known(causes) => lines.extend(causes.iter().map(|cause| format!("environment: {cause}"))),
        Causes::Basic => lines.push("basic health knows no causes; enhanced health would name them".to_owned()),
        Causes::Unknown(error) => lines.push(format!("{error:#}")),
    }
    let mut worst_first = instances.unwrap_or_default();
    worst_first.sort_by_key(|instance| (rank(instance), instance.instance_id.clone()));
    for instance in worst_first.iter().filter(|instance| rank(instance) < HEALTHY) {
        lines.push(instance_line(instance));
    }
    let worst = worst_first.first().and_then(|instance| instance.instance_id.clone());
    let secrets = secrets(aws, api, name, settings).await;
    let tail = logs::tail(aws, api, name, worst.as_deref(), &secrets).await;
    // Printed at one go: the lines of other environments must not get in between.
    let group = console.group(&format!("Why {name} failed"));
    for line in &lines {
        console.line(&logs::redact(line, &secrets));
    }
    drop(group);
    let log_line = match tail {
        Ok((instance, tail)) => {
            let group = console.group(&format!("Last lines of the logs of {instance} in {name}"));
            for (path, lines) in &tail.sections {
                console.line(&format!("--- {path}"));
                console.line(&lines.join("\n"));
            }
            if tail.sections.is_empty() {
                console.line("the instance delivered no log that is known here");
            }
            drop(group);
            tail.error
        }
        Err(error) => {
            console.line(&format!("no logs of {name}: {error:#}"));
            None
        }
    };
    Explanation {
        cause: match causes {
            Causes::Known(causes) => causes.into_iter().next(),
            Causes::Basic | Causes::Unknown(_) => None,
        },
        log_line,
    }
}

enum Causes {
    Known(Vec<String>),
    /// Basic health reporting: "DescribeEnvironmentHealth is not supported."
    Basic,
    Unknown(anyhow::Error),
}

async fn causes(api: &Api, environment: &str) -> Causes {
    let doing = || format!("cannot ask for the health of `{environment}`");
    let answer = api
        .send(
            &calls::DESCRIBE_ENVIRONMENT_HEALTH,
            &api.environment_arn(environment),
            doing,
            || {
                api.client
                    .describe_environment_health()
                    .environment_name(environment)
                    .attribute_names(EnvironmentHealthAttribute::All)
                    .send()
            },
        )
        .await;
    match answer {
        Ok((answer, _)) => Causes::Known(answer.causes.unwrap_or_default()),
        Err(error) if code(&error) == Some("InvalidRequestException") => Causes::Basic,
        Err(error) => Causes::Unknown(error),
    }
}

/// The rank of an instance with nothing to complain about.
const HEALTHY: u8 = 4;

/// The lower, the worse.
fn rank(instance: &SingleInstanceHealth) -> u8 {
    let failed = instance.deployment().and_then(|deployment| deployment.status()) == Some("Failed");
    match instance.color() {
        _ if failed => 0,
        Some("Red") => 1,
        Some("Yellow") => 2,
        Some("Grey") => 3,
        _ if !instance.causes().is_empty() => 3,
        _ => HEALTHY,
    }
}

fn instance_line(instance: &SingleInstanceHealth) -> String {
    let id = instance.instance_id().unwrap_or("an instance");
    let mut line = format!("{id}: {}", instance.health_status().unwrap_or("Unknown"));
    if let Some(deployment) = instance.deployment() {
        line.push_str(&format!(
            ", deployment of {} {}",
            deployment.version_label().unwrap_or("?"),
            deployment.status().unwrap_or("?").to_lowercase()
        ));
    }
    for cause in instance.causes() {
        line.push_str("; ");
        line.push_str(cause);
    }
    line
}

/// What must not be seen in a log: our credentials, and properties of the environment whose names say that they are
/// secret.
async fn secrets(aws: &Aws, api: &Api, environment: &str, settings: &[OptionSetting]) -> Vec<String> {
    let mut secrets = Vec::new();
    if let Some(provider) = aws.sdk.credentials_provider()
        && let Ok(credentials) = provider.provide_credentials().await
    {
        secrets.push(credentials.secret_access_key().to_owned());
        secrets.extend(credentials.session_token().map(ToOwned::to_owned));
    }
    let given = settings.iter().map(|one| (one.option_name.clone(), one.value.clone()));
    secrets.extend(given.filter(|(name, _)| is_secret(name)).map(|(_, value)| value));
    // Who may not read them has not put them into the log through us either.
    let current = api.settings(environment).await.unwrap_or_default();
    let current = current
        .into_iter()
        .filter_map(|one| Some((one.option_name?, one.value?)));
    secrets.extend(current.filter(|(name, _)| is_secret(name)).map(|(_, value)| value));
    // A secret may hold another one.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    [
        "SECRET",
        "PASS",
        "TOKEN",
        "KEY",
        "CRED",
        "PRIVATE",
        "AUTH",
        "DSN",
        "DATABASE_URL",
    ]
    .iter()
    .any(|word| name.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_elasticbeanstalk::types::Deployment;

    fn instance(id: &str, colour: &str, status: &str) -> SingleInstanceHealth {
        SingleInstanceHealth::builder()
            .instance_id(id)
            .color(colour)
            .health_status("Degraded")
            .causes("Because.")
            .deployment(Deployment::builder().version_label("v1").status(status).build())
            .build()
    }

    #[test]
    fn the_instance_whose_deployment_failed_is_the_worst() {
        let mut all = [
            instance("i-green", "Green", "Deployed"),
            instance("i-red", "Red", "Deployed"),
            instance("i-failed", "Green", "Failed"),
        ];
        all.sort_by_key(rank);
        assert_eq!(all[0].instance_id(), Some("i-failed"));
        assert_eq!(all[1].instance_id(), Some("i-red"));
        assert_eq!(
            instance_line(&all[1]),
            "i-red: Degraded, deployment of v1 deployed; Because."
        );
    }

    #[test]
    fn names_tell_which_properties_are_secret() {
        for name in ["DB_PASSWORD", "api_key", "GITHUB_TOKEN", "DATABASE_URL"] {
            assert!(is_secret(name), "{name}");
        }
        assert!(!is_secret("RAILS_ENV"));
    }
}
