//! Logs of a failed deployment: the one that the instance uploaded itself, else a tail that is asked for and fetched.

use std::time::Duration;

use anyhow::Context as _;
use aws_sdk_elasticbeanstalk::types::EnvironmentInfoType;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::aws::backend::bundle::own_region;
use crate::aws::backend::version::storage_bucket;
use crate::aws::error::AwsContextExt as _;
use crate::core::backend::cluster_logs::cut_cluster_log;
use crate::core::backend::logs::{LogTail, cut, cut_deployment_log};
use crate::core::backend::outcome::EnvironmentRun;
use crate::core::error::code;
use crate::core::iam::calls;
use crate::http;

/// How long an instance may take to deliver its logs.
const LOG_TIMEOUT: Duration = Duration::from_secs(60);
const DOWNLOAD_TIMEOUT: Duration = Duration::from_secs(20);
const MAX_SIZE: usize = 4 * 1024 * 1024;
/// How long an uploaded log may take to be read.
const UPLOADED_TIMEOUT: Duration = Duration::from_secs(10);
/// Where deployment logs are in Elastic Beanstalk's bucket, by the ids of their environments.
const DEPLOYMENTS: &str = "resources/environments/logs/deployments";
/// How often the logs are asked for: soon at first, then more slowly.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(8);

/// The log that Elastic Beanstalk has uploaded of this deployment, where the platform does so and it tells an error.
pub(crate) async fn deployment_log(aws: &Aws, run: &EnvironmentRun) -> Option<LogTail> {
    let request = run.requests.last()?;
    let key = format!("{DEPLOYMENTS}/{}/eb-deployment-{request}.log", run.state()?.id);
    let read = tokio::time::timeout(UPLOADED_TIMEOUT, uploaded(aws, &key));
    let body = read.await.ok()?.ok()??;
    let tail = cut_deployment_log(&String::from_utf8_lossy(&body), &key);
    tail.error.is_some().then_some(tail)
}

/// The log of a Cluster environment's deployment: it is collected when the operation is over.
pub(crate) struct ClusterLog {
    key: String,
    give_up: Instant,
}

impl ClusterLog {
    /// The log of `run`, if it is the run of a Cluster environment. It is waited for as long as the tail of an instance.
    pub(crate) fn of(run: &EnvironmentRun, deadline: Instant) -> Option<Self> {
        let state = run.state().filter(|state| state.is_cluster)?;
        let (name, request) = (&state.name, run.requests.last()?);
        Some(Self {
            key: format!("{DEPLOYMENTS}/{}/deployment-{name}-{request}.zip", state.id),
            give_up: (Instant::now() + LOG_TIMEOUT).min(deadline + LOG_TIMEOUT),
        })
    }

    /// What it says.
    ///
    /// # Errors
    /// It does not come, or cannot be read.
    pub(crate) async fn tail(self, aws: &Aws, api: &Api) -> anyhow::Result<LogTail> {
        let mut pause = FIRST_PAUSE;
        loop {
            let read = tokio::time::timeout(UPLOADED_TIMEOUT, uploaded(aws, &self.key)).await;
            if let Some(body) = read.ok().transpose()?.flatten() {
                return cut_cluster_log(&body);
            }
            anyhow::ensure!(
                Instant::now() < self.give_up,
                "the deployment log `{}` was not uploaded in time",
                self.key
            );
            api.sleep(pause).await?;
            pause = (pause * 3 / 2).min(MAX_PAUSE);
        }
    }
}

/// What Elastic Beanstalk has uploaded to its bucket as `key`; `None` when that is not there.
async fn uploaded(aws: &Aws, key: &str) -> anyhow::Result<Option<Vec<u8>>> {
    let region = aws.sdk.region().context("no Region is known")?.to_string();
    let bucket = own_region(aws, &storage_bucket(&region, &aws.caller().await?.account), "");
    let range = format!("bytes=0-{}", MAX_SIZE - 1);
    let sent = bucket
        .client
        .get_object()
        .bucket(&bucket.name)
        .key(key)
        .range(range)
        .send();
    let answer = sent.await.aws_context(&calls::GET_OBJECT, &bucket.object_arn(key), || {
        format!("cannot read `s3://{}/{key}`", bucket.name)
    });
    match answer {
        Ok(answer) => Ok(Some(answer.body.collect().await?.to_vec())),
        Err(error) if code(&error) == Some("NoSuchKey") => Ok(None),
        Err(error) => Err(error),
    }
}

/// Logs that were asked for.
pub(crate) struct LogRequest {
    /// What was there before.
    known: Vec<InstanceLog>,
    /// Whose logs are wanted; any when there is none.
    instance: Option<String>,
    /// When the deployment began.
    since: Option<DateTime<Utc>>,
    give_up: Instant,
}

/// Asks for the logs of `environment`; they are waited for until a minute after the deadline at the latest.
///
/// # Errors
/// They cannot be asked for.
pub(crate) async fn request(
    api: &Api,
    environment: &str,
    instance: Option<String>,
    since: Option<DateTime<Utc>>,
    deadline: Instant,
) -> anyhow::Result<LogRequest> {
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
    Ok(LogRequest {
        known,
        instance,
        since,
        give_up: (Instant::now() + LOG_TIMEOUT).min(deadline + LOG_TIMEOUT),
    })
}

impl LogRequest {
    /// The instance and its logs.
    ///
    /// # Errors
    /// They do not come, or cannot be fetched.
    pub(crate) async fn tail(self, aws: &Aws, api: &Api, environment: &str) -> anyhow::Result<(String, LogTail)> {
        let mut pause = FIRST_PAUSE;
        loop {
            api.sleep(pause).await?;
            pause = (pause * 3 / 2).min(MAX_PAUSE);
            let mut fresh = available(api, environment).await?;
            fresh.retain(|log| !self.known.iter().any(|known| known.is_same(log)));
            let wanted = fresh
                .iter()
                .position(|log| self.instance.as_ref().is_none_or(|id| log.instance == *id));
            let late = Instant::now() >= self.give_up;
            // A failing instance may be unable to deliver; another one's logs are better than none.
            if let Some(position) = wanted.or_else(|| (late && !fresh.is_empty()).then_some(0)) {
                let log = fresh.swap_remove(position);
                let (status, body) = http::get(&aws.http, &log.url, &[], DOWNLOAD_TIMEOUT, MAX_SIZE)
                    .await
                    .context("cannot fetch the logs")?;
                anyhow::ensure!(status == 200, "cannot fetch the logs: HTTP {status}");
                let tail = cut(&String::from_utf8_lossy(&body), self.since);
                return Ok((log.instance, tail));
            }
            anyhow::ensure!(!late, "no instance delivered its logs in time");
        }
    }
}

#[derive(Debug)]
struct InstanceLog {
    instance: String,
    /// Presigned: never to be printed, and signed anew in each answer.
    url: String,
    sampled: Option<aws_smithy_types::DateTime>,
}

impl InstanceLog {
    fn is_same(&self, other: &Self) -> bool {
        let path = |url: &str| url.split('?').next().unwrap_or_default().to_owned();
        self.instance == other.instance && self.sampled == other.sampled && path(&self.url) == path(&other.url)
    }
}

/// The logs that are there, the newest first.
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
                sampled: info.sample_timestamp,
            })
        })
        .collect())
}
