//! The tail of an instance's logs: asked for, fetched, and cleaned of secrets.

use std::time::Duration;

use anyhow::Context as _;
use aws_sdk_elasticbeanstalk::types::EnvironmentInfoType;
use tokio::time::Instant;

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::core::backend::logs::{LogTail, cut};
use crate::core::backend::secrets::redact;
use crate::core::iam::calls;
use crate::http;

/// How long an instance may take to deliver its logs.
const LOG_TIMEOUT: Duration = Duration::from_secs(60);
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_SIZE: usize = 4 * 1024 * 1024;
/// Asks for the logs of `environment` and fetches those of `instance`, of any when it has none.
///
/// # Errors
/// They do not come, or cannot be fetched.
pub(crate) async fn tail(
    aws: &Aws,
    api: &Api,
    environment: &str,
    instance: Option<&str>,
    secrets: &[String],
) -> anyhow::Result<(String, LogTail)> {
    let known = available(api, environment).await?;
    let doing = || format!("cannot ask for the logs of `{environment}`");
    api.send(
        &calls::REQUEST_ENVIRONMENT_INFO,
        &api.environment_arn(environment),
        doing,
        || {
            api.client
                .request_environment_info()
                .environment_name(environment)
                .info_type(EnvironmentInfoType::Tail)
                .send()
        },
    )
    .await?;
    let began = Instant::now();
    loop {
        let mut fresh = available(api, environment).await?;
        fresh.retain(|log| !known.contains(log));
        let wanted = fresh
            .iter()
            .position(|log| instance.is_none_or(|id| log.instance == id));
        let late = began.elapsed() > LOG_TIMEOUT;
        // A failing instance may be unable to deliver; another one's logs are better than none.
        let chosen = wanted.or_else(|| (late && !fresh.is_empty()).then_some(0));
        if let Some(position) = chosen {
            let log = fresh.swap_remove(position);
            let (status, body) = http::get(&aws.http, &log.url, &[], DOWNLOAD_TIMEOUT, MAX_SIZE)
                .await
                .context("cannot fetch the logs")?;
            anyhow::ensure!(status == 200, "cannot fetch the logs: HTTP {status}");
            let text = redact(&String::from_utf8_lossy(&body), secrets);
            return Ok((log.instance, cut(&text)));
        }
        anyhow::ensure!(
            !late,
            "no instance delivered its logs within {} s",
            LOG_TIMEOUT.as_secs()
        );
        api.sleep(Duration::from_millis(500)).await?;
    }
}

#[derive(Debug, PartialEq, Eq)]
struct InstanceLog {
    instance: String,
    /// Presigned: never to be printed.
    url: String,
}

async fn available(api: &Api, environment: &str) -> anyhow::Result<Vec<InstanceLog>> {
    let doing = || format!("cannot look for the logs of `{environment}`");
    let (answer, _) = api
        .send(
            &calls::RETRIEVE_ENVIRONMENT_INFO,
            &api.environment_arn(environment),
            doing,
            || {
                api.client
                    .retrieve_environment_info()
                    .environment_name(environment)
                    .info_type(EnvironmentInfoType::Tail)
                    .send()
            },
        )
        .await?;
    let mut found = answer.environment_info.unwrap_or_default();
    found.sort_by_key(|info| std::cmp::Reverse(info.sample_timestamp));
    Ok(found
        .into_iter()
        .filter_map(|info| {
            Some(InstanceLog {
                instance: info.ec2_instance_id?,
                url: info.message?,
            })
        })
        .collect())
}
