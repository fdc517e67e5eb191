//! Where credentials come from, in order: keys of the inputs, a role by GitHub's token, the environment, the SDK's
//! default chain.
//!
//! They live in memory only, and every secret of them is masked before anything else is printed. Keys of the inputs
//! are never completed from the environment. Roles are assumed again when a long wait outlives them.

use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};

use crate::aws::auth::cached::{CachedCredentials, Resolved, mask_credentials, mask_id};
use crate::aws::auth::profile::SelectedProfile;
use crate::aws::auth::role::{AskIdToken, RoleProvider, RoleSource};
use crate::console::Console;
use crate::core::context::{Env, RunContext};
use crate::core::error::HintExt as _;
use crate::core::iam::id_token::PERMISSIONS;
use crate::core::inputs::AwsInputs;
use crate::http::Client;
use crate::http::errors::plain_text;

/// AWS's limit for a role that is assumed by another role's credentials.
const CHAINED_LIMIT: Duration = Duration::from_secs(3600);

/// How long the SDK's default chain may look for credentials, which has no limit of its own.
const CHAIN_TIMEOUT: Duration = Duration::from_secs(60);

/// Makes the runner hide every AWS secret of the inputs and the environment; call it before anything is printed.
pub(crate) fn mask(inputs: &AwsInputs, env: &Env, console: &Console) {
    if let Some(keys) = &inputs.keys {
        mask_id(console, &keys.access_key_id);
        console.mask(keys.secret_access_key.expose());
        if let Some(token) = &keys.session_token {
            console.mask(token.expose());
        }
    }
    for name in [
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    ] {
        if let Some(secret) = env.get(name) {
            console.mask(secret);
        }
    }
    if let Some(id) = env.get("AWS_ACCESS_KEY_ID") {
        mask_id(console, id);
    }
}

/// Finds credentials and asks for them once, so that a mistake shows before any other request is sent.
pub(crate) async fn resolve(
    inputs: &AwsInputs,
    context: &RunContext,
    env: &Env,
    http: &Client,
    ask_id_token: AskIdToken,
    base: &SdkConfig,
    console: &Console,
) -> anyhow::Result<Resolved> {
    if let Some(keys) = &inputs.keys {
        let session = keys.session_token.as_ref().map(|token| token.expose().to_owned());
        let keys = Credentials::new(
            &keys.access_key_id,
            keys.secret_access_key.expose(),
            session,
            None,
            "inputs",
        );
        return with_keys(inputs, keys, "the keys of the inputs", base, console).await;
    }
    if let Some((role, endpoint)) = inputs.role.as_ref().zip(context.oidc.as_ref()) {
        let source = RoleSource::Github {
            http: http.clone(),
            endpoint: endpoint.clone(),
            ask: ask_id_token,
        };
        if role.external_id.is_some() {
            // AssumeRoleWithWebIdentity has no such parameter.
            console.line("`role-external-id` has no effect: the role is assumed by GitHub's OIDC token, not by keys");
        }
        let origin = format!("the role `{}`, by GitHub's OIDC token", role.arn);
        return RoleProvider::resolve(role.clone(), source, base, console, origin).await;
    }
    if let Some(keys) = environment_keys(env)? {
        return with_keys(inputs, keys, "the keys of the environment", base, console).await;
    }
    SelectedProfile::of(env)?.say_command(console);
    let (provider, found) = default_chain(env, http, base).await;
    match found {
        Ok(first) => {
            mask_credentials(console, &first);
            let provider = CachedCredentials::provider(first, provider);
            let origin = "the default chain (profile, web identity, container or instance)".to_owned();
            with_role(inputs, true, provider, origin, base, console).await
        }
        Err(CredentialsError::CredentialsNotLoaded(_)) => Err(nothing_found(inputs, context, env)),
        Err(error) => Err(anyhow::anyhow!("cannot get AWS credentials from the default chain: {}", plain_text(&error)))
            .hint("check the profile, web identity or container credentials of this runner, or set `role-to-assume`, or `aws-access-key-id` and `aws-secret-access-key`"),
    }
}

/// Keys that somebody gave us, or the role that they are to assume.
async fn with_keys(
    inputs: &AwsInputs,
    keys: Credentials,
    origin: &str,
    base: &SdkConfig,
    console: &Console,
) -> anyhow::Result<Resolved> {
    let temporary = keys.session_token().is_some();
    let provider = SharedCredentialsProvider::new(keys);
    with_role(inputs, temporary, provider, origin.to_owned(), base, console).await
}

/// The credentials themselves, or the role that they are to assume.
async fn with_role(
    inputs: &AwsInputs,
    temporary: bool,
    keys: SharedCredentialsProvider,
    origin: String,
    base: &SdkConfig,
    console: &Console,
) -> anyhow::Result<Resolved> {
    let Some(role) = &inputs.role else {
        return Ok(Resolved { provider: keys, origin });
    };
    let mut role = role.clone();
    if temporary && role.duration > CHAINED_LIMIT {
        console
            .line("role-duration-seconds is cut to 3600: a role assumed by temporary credentials gets an hour at most");
        role.duration = CHAINED_LIMIT;
    }
    let base = base.to_builder().credentials_provider(keys).build();
    let origin = format!("the role `{}`, by {origin}", role.arn);
    RoleProvider::resolve(role, RoleSource::Keys, &base, console, origin).await
}

/// The keys of the environment; half of a pair is an error, for the default chain would go on without a word.
fn environment_keys(env: &Env) -> anyhow::Result<Option<Credentials>> {
    let id = env.get("AWS_ACCESS_KEY_ID").map(str::trim);
    let secret = env.get("AWS_SECRET_ACCESS_KEY").map(str::trim);
    let (missing, given) = match (id, secret) {
        (Some(id), Some(secret)) => {
            let token = env.get("AWS_SESSION_TOKEN").map(ToOwned::to_owned);
            return Ok(Some(Credentials::new(id, secret, token, None, "environment")));
        }
        (None, None) => return Ok(None),
        (Some(_), None) => ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
        (None, Some(_)) => ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    };
    let how = if env.present(missing).is_some() {
        "empty"
    } else {
        "not set"
    };
    Err(anyhow::anyhow!("cannot use the keys of the environment: `{given}` is set and `{missing}` is {how}"))
        .hint(format!("set `{missing}`; when it comes from a secret, check the secret's name and that this repository, environment or event may read it"))
}

/// The SDK's default chain without the environment's keys, and its first answer.
async fn default_chain(
    env: &Env,
    http: &Client,
    base: &SdkConfig,
) -> (SharedCredentialsProvider, Result<Credentials, CredentialsError>) {
    let config = ProviderConfig::without_region()
        .with_http_client(http.clone())
        .with_region(base.region().cloned());
    let mut chain = CredentialsProviderChain::first_try(
        "Profile",
        ProfileFileCredentialsProvider::builder().configure(&config).build(),
    )
    .or_else(
        "WebIdentityToken",
        WebIdentityTokenCredentialsProvider::builder()
            .configure(&config)
            .build(),
    );
    if is_container(env) {
        chain = chain.or_else(
            "EcsContainer",
            EcsCredentialsProvider::builder().configure(&config).build(),
        );
    }
    if instance_metadata_is_likely(env) {
        // One short try: without an instance the address leads nowhere, and a packet that is dropped is waited for.
        let client = imds::Client::builder()
            .configure(&config)
            .max_attempts(1)
            .connect_timeout(Duration::from_secs(1))
            .read_timeout(Duration::from_secs(2))
            .build();
        chain = chain.or_else(
            "Ec2InstanceMetadata",
            imds::credentials::ImdsCredentialsProvider::builder()
                .configure(&config)
                .imds_client(client)
                .build(),
        );
    }
    let found = tokio::time::timeout(CHAIN_TIMEOUT, chain.provide_credentials()).await;
    let found = found.unwrap_or_else(|_| Err(CredentialsError::provider_timed_out(CHAIN_TIMEOUT)));
    (SharedCredentialsProvider::new(chain), found)
}

/// Whether this is a container with a role: variables that are empty are not set, and to the SDK they are addresses.
fn is_container(env: &Env) -> bool {
    [
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ]
    .iter()
    .any(|name| env.get(name).is_some())
}

/// Whether to ask for an instance's role: never on GitHub's own runners, which are virtual machines of Azure and have
/// a metadata service of another kind at the same address.
fn instance_metadata_is_likely(env: &Env) -> bool {
    let hosted = env.get("RUNNER_ENVIRONMENT") == Some("github-hosted");
    let disabled = env
        .get("AWS_EC2_METADATA_DISABLED")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    !hosted && !disabled
}

/// There are no credentials anywhere.
fn nothing_found(inputs: &AwsInputs, context: &RunContext, env: &Env) -> anyhow::Error {
    let permissions = PERMISSIONS;
    match &inputs.role {
        Some(role) => {
            let fork = matches!(context.event_name.as_deref(), Some("pull_request"));
            let note = if fork {
                " (a pull request from a fork never gets one)"
            } else {
                ""
            };
            anyhow::anyhow!(
                "cannot assume the role `{}`: this job may not ask GitHub for an OIDC token, and there are no keys",
                role.arn
            )
            .hint(format!(
                "add this to the job, and to the workflow that calls it{note}:\n{permissions}"
            ))
        }
        None => {
            let empty: Vec<_> = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]
                .into_iter()
                .filter(|name| env.present(name).is_some())
                .collect();
            let note = if empty.is_empty() {
                String::new()
            } else {
                format!(
                    "; {} set but empty: is the secret defined, and may this job read it?",
                    empty.join(" and ")
                )
            };
            anyhow::anyhow!("found no AWS credentials{note}").hint(format!(
                "set `role-to-assume` and give the job these permissions, or set `aws-access-key-id` and `aws-secret-access-key`, or run aws-actions/configure-aws-credentials in an earlier step:\n{permissions}"
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_pair_of_keys_is_an_error_that_names_the_other_half() {
        for (pairs, text) in [
            (
                &[("AWS_ACCESS_KEY_ID", "AKIA")][..],
                "`AWS_SECRET_ACCESS_KEY` is not set",
            ),
            (
                &[("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "")],
                "`AWS_SECRET_ACCESS_KEY` is empty",
            ),
            (&[("AWS_SECRET_ACCESS_KEY", "s3cret")], "`AWS_ACCESS_KEY_ID` is not set"),
        ] {
            let error = environment_keys(&Env::of(pairs)).expect_err("an error");
            assert!(error.to_string().contains(text), "{error}");
            assert!(!format!("{error:?}").contains("s3cret"));
        }
        assert!(environment_keys(&Env::of(&[])).is_ok_and(|keys| keys.is_none()));
    }

    #[test]
    fn hosted_runners_are_never_asked_for_an_instance_role() {
        assert!(!instance_metadata_is_likely(&Env::of(&[(
            "RUNNER_ENVIRONMENT",
            "github-hosted"
        )])));
        assert!(!instance_metadata_is_likely(&Env::of(&[(
            "AWS_EC2_METADATA_DISABLED",
            "TRUE"
        )])));
        assert!(instance_metadata_is_likely(&Env::of(&[(
            "RUNNER_ENVIRONMENT",
            "self-hosted"
        )])));
    }
}
