//! `role-to-assume`: assumed when its credentials are needed, by a fresh token of GitHub's or by keys, and again when
//! they run out.

use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, future};
use aws_sdk_sts as sts;
use futures_util::future::BoxFuture;
use tokio::time::Instant;

use crate::aws::auth::cached::{CachedCredentials, Resolved, mask_credentials};
use crate::aws::error::{CredentialsFailure, service_error};
use crate::aws::retry::{Patience, patient};
use crate::console::Console;
use crate::core::context::OidcEndpoint;
use crate::core::error::{HintExt as _, ServiceError};
use crate::core::iam::hint::hint_for;
use crate::core::iam::id_token::IdToken;
use crate::core::iam::{calls, trust};
use crate::core::inputs::RoleInputs;
use crate::core::retry::{ErrorClass, RetryPause, RetryState, UNSETTLED_TIMEOUT};
use crate::http::{CONNECT_TIMEOUT, Client};

/// Asks for a token of this job for an audience.
pub(crate) type AskIdToken =
    for<'a> fn(&'a Client, &'a OidcEndpoint, &'a str, RetryPause<'a>) -> BoxFuture<'a, anyhow::Result<IdToken>>;

/// How long STS may take for one try; it answers within a second.
const ONE_TRY: Duration = Duration::from_secs(10);

/// A role that is assumed when its credentials are needed, and again when they run out.
#[derive(Debug)]
pub(crate) struct RoleProvider {
    role: RoleInputs,
    source: RoleSource,
    sts: sts::Client,
    patience: Patience,
    console: Console,
}

/// How a role is assumed.
#[derive(Debug)]
pub(crate) enum RoleSource {
    /// A fresh token of this job each time.
    Github {
        http: Client,
        endpoint: OidcEndpoint,
        ask: AskIdToken,
    },
    /// The credentials of the STS client.
    Keys,
}

impl RoleProvider {
    /// Assumes the role once, so that a refusal shows before any other request is sent.
    pub(crate) async fn resolve(
        role: RoleInputs,
        source: RoleSource,
        base: &SdkConfig,
        console: &Console,
        origin: String,
    ) -> anyhow::Result<Resolved> {
        let patience = Patience::of(base, Some(console));
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ONE_TRY);
        let base = &base.to_builder().timeout_config(timeouts.build()).build();
        let provider = Self {
            role,
            source,
            sts: sts::Client::from_conf(patient!(sts::config::Builder::from(base), patience).build()),
            patience,
            console: console.clone(),
        };
        let first = provider.assume().await?;
        Ok(Resolved {
            provider: CachedCredentials::provider(first, provider),
            origin,
        })
    }

    async fn assume(&self) -> anyhow::Result<Credentials> {
        let answer = match &self.source {
            RoleSource::Github { http, endpoint, ask } => self.assume_by_token(http, endpoint, *ask).await?,
            RoleSource::Keys => self.assume_by_keys().await?,
        };
        let answer =
            answer.with_context(|| format!("cannot assume the role `{}`: STS sent no credentials", self.role.arn))?;
        let expiry = SystemTime::try_from(*answer.expiration()).ok();
        let credentials = Credentials::new(
            answer.access_key_id(),
            answer.secret_access_key(),
            Some(answer.session_token().to_owned()),
            expiry,
            "role-to-assume",
        );
        mask_credentials(&self.console, &credentials);
        Ok(credentials)
    }

    async fn assume_by_token(
        &self,
        http: &Client,
        endpoint: &OidcEndpoint,
        ask: AskIdToken,
    ) -> anyhow::Result<Option<sts::types::Credentials>> {
        let role = &self.role;
        let (began, mut tries) = (Instant::now(), RetryState::default());
        loop {
            let pause = |state: &mut RetryState, class, at| self.patience.pause(state, class, at);
            let token = ask(http, endpoint, &role.audience, &pause).await?;
            self.console.mask(token.value.expose());
            let answer = self
                .sts
                .assume_role_with_web_identity()
                .role_arn(&role.arn)
                .role_session_name(&role.session_name)
                .duration_seconds(seconds(role.duration))
                .web_identity_token(token.value.expose())
                .set_policy(role.session_policy.clone())
                .send()
                .await;
            let error = match answer {
                Ok(answer) => return Ok(answer.credentials),
                Err(error) => service_error(&calls::ASSUME_ROLE_WITH_WEB_IDENTITY, &error),
            };
            if self.is_worth_another_try(&error, &mut tries, began).await {
                continue;
            }
            let hint = trust::web_identity_hint(&error, &role.arn, &token.claims, &role.audience);
            return Err(self.refused(error, hint));
        }
    }

    async fn assume_by_keys(&self) -> anyhow::Result<Option<sts::types::Credentials>> {
        let role = &self.role;
        let (began, mut tries) = (Instant::now(), RetryState::default());
        loop {
            let answer = self
                .sts
                .assume_role()
                .role_arn(&role.arn)
                .role_session_name(&role.session_name)
                .duration_seconds(seconds(role.duration))
                .set_external_id(role.external_id.clone())
                .set_policy(role.session_policy.clone())
                .set_tags(tags(&role.session_tags)?)
                .send()
                .await;
            let error = match answer {
                Ok(answer) => return Ok(answer.credentials),
                Err(error) => service_error(&calls::ASSUME_ROLE, &error),
            };
            if self.is_worth_another_try(&error, &mut tries, began).await {
                continue;
            }
            let hint = trust::assume_role_hint(&error, &role.arn);
            return Err(self.refused(error, hint));
        }
    }

    /// Whether `error` may pass, after a pause: a role or an identity provider that has just been made or changed is not
    /// known everywhere at once, and AWS now and then cannot fetch GitHub's keys. aws-actions/configure-aws-credentials
    /// retries them too (<https://github.com/aws-actions/configure-aws-credentials#options>, `retry-max-attempts`).
    async fn is_worth_another_try(&self, error: &ServiceError, tries: &mut RetryState, began: Instant) -> bool {
        let may_be_new = trust::may_be_new(error);
        if !may_be_new && !trust::is_key_retrieval(error) {
            return false;
        }
        let is_first = tries.is_unused();
        let Some(pause) = self.patience.pause(tries, ErrorClass::Unsettled, began.elapsed()) else {
            return false;
        };
        if may_be_new && is_first {
            self.console.line(&format!(
                "STS refuses the role `{}`: {}; trying again for {} s, in case it was created or changed a moment ago",
                self.role.arn,
                error.message,
                UNSETTLED_TIMEOUT.as_secs()
            ));
        }
        tokio::time::sleep(pause).await;
        true
    }

    fn refused(&self, error: ServiceError, hint: Option<String>) -> anyhow::Error {
        let hint = hint.or_else(|| hint_for(&error, &self.role.arn));
        let error = anyhow::Error::new(error).context(format!("cannot assume the role `{}`", self.role.arn));
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    async fn provide(&self) -> Result<Credentials, CredentialsError> {
        self.assume()
            .await
            .map_err(|error| CredentialsError::provider_error(CredentialsFailure::new(&error)))
    }
}

/// Session tags as the SDK takes them; `None` sends none.
fn tags(tags: &[(&'static str, String)]) -> anyhow::Result<Option<Vec<sts::types::Tag>>> {
    let tags = tags
        .iter()
        .map(|(key, value)| Ok(sts::types::Tag::builder().key(*key).value(value).build()?))
        .collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Some(tags).filter(|tags| !tags.is_empty()))
}

fn seconds(duration: Duration) -> i32 {
    i32::try_from(duration.as_secs()).unwrap_or(i32::MAX)
}

impl ProvideCredentials for RoleProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.provide())
    }
}
