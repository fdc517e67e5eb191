//! The edges to AWS: credentials, S3, CloudFront, Elastic Beanstalk, and the release records in S3.
//!
//! Concrete SDK clients, no trait per service. Every error leaves through [`error`], with the call that failed.

pub(crate) mod auth;
pub(crate) mod backend;
pub(crate) mod believe;
pub(crate) mod cdn;
pub(crate) mod error;
pub(crate) mod releases;
pub(crate) mod retry;
pub(crate) mod s3;
pub(crate) mod site;

use crate::aws::auth::profile::SelectedProfile;
use crate::aws::auth::role::AskIdToken;
use crate::aws::auth::{cached, credentials};
use crate::core::iam::owner::{self, ExpectedOwner};
use crate::core::iam::{arn, calls};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_types::service_config::{LoadServiceConfig, ServiceConfigKey};
use tokio::sync::OnceCell;

use crate::aws::error::AwsContextExt as _;
use crate::aws::retry::{Patience, patient};
use crate::console::Console;
use crate::core::context::{Env, RunContext};
use crate::core::error::HintExt as _;
use crate::core::inputs::AwsInputs;

/// How long one try of a small request may take. Uploads have no such limit.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(60);

/// How long credentials may take that are asked for again: a role needs GitHub's answer and STS's, each with its tries.
const CREDENTIALS_TIMEOUT: Duration = Duration::from_secs(300);

/// Who we are and how to reach AWS.
#[derive(Debug, Clone)]
pub(crate) struct Aws {
    /// Region, credentials, HTTP client, retries: what every service client is built from. It has no time limit for
    /// an answer, for uploads may be large; see [`Aws::control_plane_config`].
    pub(crate) sdk: SdkConfig,
    /// The HTTP client of `sdk`, for everything that is not AWS's API.
    pub(crate) http: crate::http::Client,
    /// How long requests are tried again.
    pub(crate) patience: Patience,
    /// `endpoint-url`: an S3-compatible store; for the S3 client only.
    pub(crate) s3_endpoint: Option<String>,
    /// `--request-payer`.
    pub(crate) request_payer: bool,
    /// The caller's account, when STS was asked while connecting.
    pub(crate) account: Option<String>,
    /// `allowed-account-ids`.
    allowed_accounts: Arc<[String]>,
    caller: Arc<OnceCell<Caller>>,
}

/// Who AWS says that we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Twelve digits.
    pub(crate) account: String,
    /// The ARN of the user, or of the role's session.
    pub(crate) arn: String,
}

/// Finds credentials, asks for them once, and checks `allowed-account-ids`; `ask_id_token` gets the job's OIDC tokens.
///
/// # Errors
/// There are no credentials, or AWS refuses them, each with what to change; the account is not allowed;
/// `AWS_CA_BUNDLE` or a proxy cannot be used.
pub(crate) async fn connect(
    inputs: &AwsInputs,
    context: &RunContext,
    env: &Env,
    ask_id_token: AskIdToken,
    console: &Console,
) -> anyhow::Result<Aws> {
    credentials::mask(inputs, env, console);
    let http = crate::http::client(env)?;
    http.proxy_passwords().for_each(|password| console.mask(&password));
    SelectedProfile::of(env)?.say_endpoints(env, console)?;
    let base = base_config(inputs, env, &http).await;
    let resolved = credentials::resolve(inputs, context, env, &http, ask_id_token, &base, console).await?;
    console.debug(&format!("credentials: {}", resolved.origin));
    let aws = Aws {
        patience: Patience::of(&base, Some(console)),
        sdk: base.to_builder().credentials_provider(resolved.provider).build(),
        http,
        s3_endpoint: inputs.endpoint_url.clone(),
        request_payer: inputs.request_payer,
        account: None,
        allowed_accounts: inputs.allowed_account_ids.as_slice().into(),
        caller: Arc::default(),
    };
    if inputs.allowed_account_ids.is_empty() {
        return Ok(aws);
    }
    let caller = aws.caller().await?.clone();
    if !inputs.allowed_account_ids.contains(&caller.account) {
        return Err(anyhow::anyhow!(
            "cannot go on: the credentials are of the account {} (`{}`), which is not among `allowed-account-ids` ({})",
            caller.account,
            caller.arn,
            inputs.allowed_account_ids.join(", ")
        ))
        .hint("use credentials of an allowed account, or add this one to `allowed-account-ids`");
    }
    Ok(Aws {
        account: Some(caller.account),
        ..aws
    })
}

/// What the environment and the profile say to the SDK of one service, without what is empty: of a variable that is, the
/// SDK says that it is not an address.
#[derive(Debug)]
struct WithoutEmpty(SdkConfig);

impl LoadServiceConfig for WithoutEmpty {
    fn load_config(&self, key: ServiceConfigKey<'_>) -> Option<String> {
        let value = self.0.service_config()?.load_config(key);
        value.filter(|value| !value.is_empty())
    }
}

/// Everything but credentials.
async fn base_config(inputs: &AwsInputs, env: &Env, http: &crate::http::Client) -> SdkConfig {
    let attempts = env.get("AWS_MAX_ATTEMPTS").and_then(|value| value.trim().parse().ok());
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(crate::http::CONNECT_TIMEOUT)
        .build();
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http.clone())
        .region(Region::new(start_region(inputs)))
        .no_credentials()
        .identity_cache(
            aws_config::identity::IdentityCache::lazy()
                .load_timeout(CREDENTIALS_TIMEOUT)
                .buffer_time(cached::REFRESH_BEFORE)
                .build(),
        )
        .retry_config(RetryConfig::standard().with_max_attempts(attempts.unwrap_or(retry::UNBOUNDED).max(1)))
        .timeout_config(timeouts)
        .app_name(AppName::new("aws-web-deploy").expect("a name of legal characters"))
        .load()
        .await;
    let builder = config.to_builder();
    builder.service_config(WithoutEmpty(config)).build()
}

/// The region to begin with. A run of the site alone may have none: the bucket's is found out, and any region of the
/// partition can tell it.
fn start_region(inputs: &AwsInputs) -> String {
    let role = inputs.role.as_ref().map(|role| role.arn.as_str()).unwrap_or_default();
    let (partition, _) = arn::partition_and_account(role);
    inputs
        .region
        .clone()
        .unwrap_or_else(|| arn::global_region(partition).to_owned())
}

impl Aws {
    /// The configuration for clients whose requests and answers are small (all but S3): a try that gets no answer
    /// within a minute counts as failed.
    #[must_use]
    pub(crate) fn control_plane_config(&self) -> SdkConfig {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(crate::http::CONNECT_TIMEOUT)
            .operation_attempt_timeout(CONTROL_TIMEOUT)
            .build();
        self.sdk.to_builder().timeout_config(timeouts).build()
    }

    /// The same without `endpoint-url`, which is for the site's store: everything else is AWS's own.
    #[must_use]
    pub(crate) fn without_endpoint(&self) -> Self {
        Self {
            s3_endpoint: None,
            ..self.clone()
        }
    }

    /// Who AWS says that we are; asked once a run, and only when somebody wants to know.
    ///
    /// # Errors
    /// STS cannot be reached, or does not know the credentials.
    pub(crate) async fn caller(&self) -> anyhow::Result<&Caller> {
        self.caller
            .get_or_try_init(|| async {
                let config = aws_sdk_sts::config::Builder::from(&self.control_plane_config());
                let answer = aws_sdk_sts::Client::from_conf(patient!(config, self.patience).build())
                    .get_caller_identity()
                    .send()
                    .await
                    .aws_context(&calls::GET_CALLER_IDENTITY, &"*", || {
                        "cannot find out whose credentials these are".to_owned()
                    })?;
                Ok(Caller {
                    account: answer
                        .account
                        .context("cannot find out whose credentials these are: STS named no account")?,
                    arn: answer.arn.unwrap_or_default(),
                })
            })
            .await
    }

    /// Who must own `bucket`, where that is known; stores that are not AWS's know no accounts.
    pub(crate) fn expected_owner(&self, bucket: &str) -> Option<ExpectedOwner> {
        if self.is_elsewhere() {
            return None;
        }
        owner::expected_owner(bucket, &self.allowed_accounts)
    }

    /// Whether the site is in a store that is not Amazon's, which knows no accounts.
    pub(crate) fn is_elsewhere(&self) -> bool {
        let endpoint = self.s3_endpoint.as_deref();
        endpoint.is_some_and(|endpoint| !owner::is_amazon(endpoint))
    }

    /// The partition of the configured region: `aws`, `aws-cn`, `aws-us-gov`, ….
    #[must_use]
    pub(crate) fn partition(&self) -> &'static str {
        arn::partition_of(self.sdk.region().map_or("", |region| region.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::inputs::RoleInputs;

    #[test]
    fn the_first_region_is_one_of_the_roles_partition() {
        let inputs = |arn: &str| AwsInputs {
            role: Some(RoleInputs {
                arn: arn.to_owned(),
                session_name: "s".to_owned(),
                duration: Duration::from_secs(900),
                audience: "a".to_owned(),
                external_id: None,
                session_policy: None,
                session_tags: Vec::new(),
            }),
            ..AwsInputs::default()
        };
        assert_eq!(
            start_region(&inputs("arn:aws-cn:iam::123456789012:role/x")),
            "cn-northwest-1"
        );
        assert_eq!(start_region(&inputs("arn:aws:iam::123456789012:role/x")), "us-east-1");
        assert_eq!(start_region(&AwsInputs::default()), "us-east-1");
    }
}
