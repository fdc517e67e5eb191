//! Why an update failed: asks for causes, instances and logs, and prints what they say, in folded groups.

use aws_credential_types::provider::ProvideCredentials as _;
use aws_sdk_elasticbeanstalk::types::EnvironmentHealthAttribute;

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::aws::backend::logs;
use crate::console::Console;
use crate::core::backend::events::EnvironmentEvent;
use crate::core::backend::explanation::{Explanation, HealthCauses, why_lines, worst};
use crate::core::backend::secrets::{redact, secret_values};
use crate::core::error::code;
use crate::core::iam::calls;
use crate::core::inputs::OptionSetting;

/// Finds out why `environment` failed, after these events, and prints it.
pub(crate) async fn explain(
    aws: &Aws,
    api: &Api,
    environment: &str,
    events: &[EnvironmentEvent],
    settings: &[OptionSetting],
    console: &Console,
) -> Explanation {
    let causes = causes(api, environment).await;
    let instances = api.instances(environment).await.ok().flatten().unwrap_or_default();
    let lines = why_lines(events, &causes, &instances);
    let secrets = secrets(aws, api, environment, settings).await;
    let tail = logs::tail(aws, api, environment, worst(&instances), &secrets).await;

    let group = console.group(&format!("Why {environment} failed"));
    for line in &lines {
        console.line(&redact(line, &secrets));
    }
    drop(group);
    let log_line = match tail {
        Ok((instance, tail)) => {
            let group = console.group(&format!("Last lines of the logs of {instance} in {environment}"));
            for (path, lines) in &tail.sections {
                console.line(&format!("--- {path}"));
                console.line(&lines.join("\n"));
            }
            if tail.sections.is_empty() {
                console.line("the instance returned no recognized log files");
            }
            drop(group);
            tail.error
        }
        Err(error) => {
            console.line(&format!("no logs of {environment}: {error:#}"));
            None
        }
    };
    Explanation {
        cause: match causes {
            HealthCauses::Known(causes) => causes.into_iter().next(),
            HealthCauses::Basic | HealthCauses::Unknown(_) => None,
        },
        log_line,
    }
}

async fn causes(api: &Api, environment: &str) -> HealthCauses {
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
        Ok((answer, _)) => HealthCauses::Known(answer.causes.unwrap_or_default()),
        Err(error) if code(&error) == Some("InvalidRequestException") => HealthCauses::Basic,
        Err(error) => HealthCauses::Unknown(error),
    }
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
    secrets.extend(secret_values(settings).map(ToOwned::to_owned));
    // Who may not read them has not put them into the log through us either.
    let current = api.settings(environment).await.unwrap_or_default();
    secrets.extend(secret_values(&current).map(ToOwned::to_owned));
    // A secret may hold another one.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}
