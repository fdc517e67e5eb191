//! The inputs about AWS itself: region, credentials, role, endpoint.

use std::time::Duration;

use crate::core::context::{Env, RunContext};
use crate::core::iam::session_tags::session_tags;
use crate::core::inputs::args::sync_flags::SyncFlags;
use crate::core::inputs::reader::Reader;
use crate::core::inputs::urls::{check_endpoint, check_url, unencrypted_host};
use crate::core::secret::Secret;
use crate::core::secret::shown_text;

/// Where credentials come from, and the region.
#[derive(Debug, Clone, Default)]
pub(crate) struct AwsInputs {
    /// `aws-region`, else the environment's.
    pub(crate) region: Option<String>,
    /// Keys given as inputs.
    pub(crate) keys: Option<StaticKeys>,
    /// `role-to-assume` and what belongs to it.
    pub(crate) role: Option<RoleInputs>,
    /// `allowed-account-ids`; empty allows all.
    pub(crate) allowed_account_ids: Vec<String>,
    /// `endpoint-url`: an S3-compatible store; S3 only.
    pub(crate) endpoint_url: Option<String>,
    /// `--request-payer`.
    pub(crate) request_payer: bool,
}

/// Access keys from inputs; never completed from the environment.
#[derive(Debug, Clone)]
pub(crate) struct StaticKeys {
    /// `aws-access-key-id`.
    pub(crate) access_key_id: String,
    /// `aws-secret-access-key`.
    pub(crate) secret_access_key: Secret,
    /// `aws-session-token`.
    pub(crate) session_token: Option<Secret>,
}

/// A role to assume.
#[derive(Debug, Clone)]
pub(crate) struct RoleInputs {
    /// `role-to-assume`: the role's ARN.
    pub(crate) arn: String,
    /// `role-session-name`.
    pub(crate) session_name: String,
    /// `role-duration-seconds`.
    pub(crate) duration: Duration,
    /// `role-audience`.
    pub(crate) audience: String,
    /// `role-external-id`; only for keys.
    pub(crate) external_id: Option<String>,
    /// `inline-session-policy`: JSON.
    pub(crate) session_policy: Option<String>,
    /// What the session is tagged with where keys assume the role; empty with `role-skip-session-tagging: true`.
    pub(crate) session_tags: Vec<(&'static str, String)>,
}

/// Reads region, credentials, role and endpoint; `--region` and `--endpoint-url` of `args` are inputs by another name.
pub(crate) fn read(reader: &mut Reader<'_>, env: &Env, context: &RunContext, flags: &SyncFlags) -> AwsInputs {
    let region = region(reader, env, flags);
    let endpoint_url = endpoint_url(reader, flags);
    check_variables(reader, env);
    warn_of_unencrypted(reader, env, endpoint_url.as_deref());
    AwsInputs {
        region,
        keys: keys(reader),
        role: role(reader, context),
        allowed_account_ids: account_ids(reader),
        endpoint_url,
        request_payer: flags.request_payer,
    }
}

fn region(reader: &mut Reader<'_>, env: &Env, flags: &SyncFlags) -> Option<String> {
    let input = input_or_flag(reader, "aws-region", "region", flags.region.as_deref());
    let from_env = || {
        ["AWS_REGION", "AWS_DEFAULT_REGION"]
            .into_iter()
            .find_map(|name| Some((format!("`{name}`"), env.get(name)?.trim().to_owned())))
    };
    let (name, region) = input.or_else(from_env)?;
    if !is_region(&region) {
        reader.errors.push(format!(
            "{name} is `{}`; it must be the code of a Region, such as `eu-central-1`",
            shown_text(&region)
        ));
    }
    Some(region)
}

fn endpoint_url(reader: &mut Reader<'_>, flags: &SyncFlags) -> Option<String> {
    let (name, url) = input_or_flag(reader, "endpoint-url", "endpoint-url", flags.endpoint_url.as_deref())?;
    check_endpoint(reader, &name, &url);
    Some(with_slash(url))
}

/// `url` with a slash behind its path, where it has one: the SDK puts bucket and key right behind it, and some stores are
/// written without (`https://project.supabase.co/storage/v1/s3`).
fn with_slash(url: String) -> String {
    let path = url
        .split_once("://")
        .and_then(|(_, rest)| Some(rest.split_once('/')?.1));
    match path {
        Some(path) if !path.is_empty() && !path.ends_with('/') => format!("{url}/"),
        _ => url,
    }
}

/// The variables by which the SDKs are sent elsewhere
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>).
const ENDPOINT_VARIABLES: [&str; 5] = [
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_CLOUDFRONT",
    "AWS_ENDPOINT_URL_ELASTIC_BEANSTALK",
];

/// The variables that tell the SDK where credentials are
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html>,
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-imds-credentials.html>).
const CREDENTIALS_VARIABLES: [&str; 2] = [
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
];
/// A path of the container's agent.
const CREDENTIALS_PATH: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";

/// The SDK repeats an address that it cannot use, with all that is in it; so it never gets to see one. Those that are
/// empty count as not set.
fn check_variables(reader: &mut Reader<'_>, env: &Env) {
    for (name, url) in ENDPOINT_VARIABLES
        .iter()
        .filter_map(|name| Some((name, env.get(name)?)))
    {
        check_endpoint(reader, &format!("`{name}`"), url);
    }
    for (name, url) in CREDENTIALS_VARIABLES
        .iter()
        .filter_map(|name| Some((name, env.get(name)?)))
    {
        check_url(reader, &format!("`{name}`"), url);
    }
    let is_path = |path: &str| path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
    if env.get(CREDENTIALS_PATH).is_some_and(|path| !is_path(path)) {
        reader.errors.push(format!(
            "`{CREDENTIALS_PATH}` must be a path that begins with `/`, and is not repeated here because it may hold a secret"
        ));
    }
}

/// Requests carry session tokens, and what they bring back is trusted.
fn warn_of_unencrypted(reader: &mut Reader<'_>, env: &Env, endpoint_url: Option<&str>) {
    let variables = ENDPOINT_VARIABLES
        .into_iter()
        .filter_map(|name| Some((name, env.get(name)?)));
    let named = endpoint_url
        .map(|url| ("endpoint-url", url))
        .into_iter()
        .chain(variables);
    for (name, url) in named {
        if let Some(host) = unencrypted_host(url) {
            reader.warnings.push(format!(
                "`{name}` begins with `http://`: credentials and content travel unencrypted to `{host}`; use `https://`"
            ));
        }
    }
}

/// The value of `input`, else of `flag` in `args`, and what it is called in an error.
fn input_or_flag(
    reader: &mut Reader<'_>,
    input: &str,
    flag: &str,
    flag_value: Option<&str>,
) -> Option<(String, String)> {
    let given = reader.given(input);
    if let (Some(given), Some(value)) = (given, flag_value)
        && given.value != value
    {
        reader.errors.push(format!(
            "`{}` and `--{flag}` in `args` differ: keep one of them",
            given.name
        ));
    }
    match given {
        Some(given) => Some((format!("`{}`", given.name), given.value.clone())),
        None => flag_value.map(|value| (format!("`--{flag}` in `args`"), value.to_owned())),
    }
}

fn keys(reader: &mut Reader<'_>) -> Option<StaticKeys> {
    let id = reader.owned("aws-access-key-id");
    let secret = reader.text("aws-secret-access-key").map(Secret::new);
    let session_token = reader.text("aws-session-token").map(Secret::new);
    match (id, secret) {
        (Some(access_key_id), Some(secret_access_key)) => {
            return Some(StaticKeys {
                access_key_id,
                secret_access_key,
                session_token,
            });
        }
        (Some(_), None) => reader
            .errors
            .push("`aws-access-key-id` is set but `aws-secret-access-key` is empty: give both, or neither".to_owned()),
        (None, Some(_)) => reader
            .errors
            .push("`aws-secret-access-key` is set but `aws-access-key-id` is empty: give both, or neither".to_owned()),
        (None, None) if session_token.is_some() => reader
            .errors
            .push("`aws-session-token` is set without `aws-access-key-id` and `aws-secret-access-key`".to_owned()),
        (None, None) => {}
    }
    None
}

/// The longest session policy that STS takes, in characters, and the longest external id
/// (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>).
const MAX_SESSION_POLICY: usize = 2048;
const MAX_EXTERNAL_ID: usize = 1224;

/// What belongs to `role-to-assume`.
const ROLE_INPUTS: [&str; 6] = [
    "role-session-name",
    "role-duration-seconds",
    "role-audience",
    "role-external-id",
    "role-skip-session-tagging",
    "inline-session-policy",
];

fn role(reader: &mut Reader<'_>, context: &RunContext) -> Option<RoleInputs> {
    let Some(arn) = reader.owned("role-to-assume") else {
        for name in ROLE_INPUTS {
            if reader.given(name).is_some() {
                reader
                    .errors
                    .push(format!("`{name}` is set but `role-to-assume` is empty"));
            }
        }
        return None;
    };
    if !arn.starts_with("arn:") || !arn.contains(":role/") {
        reader.reject(
            "role-to-assume",
            "the ARN of a role, such as `arn:aws:iam::123456789012:role/deploy`",
        );
    }
    let session_name = reader
        .owned("role-session-name")
        .unwrap_or_else(|| "GitHubActions".to_owned());
    // https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
    let valid = |character: char| character.is_ascii_alphanumeric() || "_+=,.@-".contains(character);
    if !(2..=64).contains(&session_name.len()) || !session_name.chars().all(valid) {
        reader.reject("role-session-name", "2 to 64 letters, digits and `_+=,.@-`");
    }
    Some(RoleInputs {
        arn,
        session_name,
        duration: reader.seconds("role-duration-seconds", 3600, 900..=43_200),
        audience: reader
            .owned("role-audience")
            .unwrap_or_else(|| "sts.amazonaws.com".to_owned()),
        external_id: external_id(reader),
        session_policy: session_policy(reader),
        session_tags: if reader.boolean("role-skip-session-tagging", false) {
            Vec::new()
        } else {
            session_tags(context)
        },
    })
}

fn external_id(reader: &mut Reader<'_>) -> Option<String> {
    let id = reader.owned("role-external-id")?;
    let valid = |character: char| character.is_ascii_alphanumeric() || "_+=,.@:/-".contains(character);
    if !(2..=MAX_EXTERNAL_ID).contains(&id.len()) || !id.chars().all(valid) {
        reader.reject("role-external-id", "2 to 1224 letters, digits and `_+=,.@:/-`");
    }
    Some(id)
}

fn session_policy(reader: &mut Reader<'_>) -> Option<String> {
    let policy = reader.owned("inline-session-policy")?;
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&policy) {
        Err(error) => reader.errors.push(format!(
            "`inline-session-policy` is not a JSON object (line {}, column {}); write an IAM policy such as `{{\"Version\": \"2012-10-17\", \"Statement\": […]}}`",
            error.line(),
            error.column()
        )),
        Ok(_) if policy.chars().count() > MAX_SESSION_POLICY => reader.errors.push(format!(
            "`inline-session-policy` has {} characters; a session policy has at most {MAX_SESSION_POLICY}",
            policy.chars().count()
        )),
        Ok(_) => {}
    }
    Some(policy)
}

fn account_ids(reader: &mut Reader<'_>) -> Vec<String> {
    let text = reader.text("allowed-account-ids").unwrap_or_default();
    let ids: Vec<String> = text
        .split(|character: char| character.is_whitespace() || character == ',')
        .filter(|id| !id.is_empty())
        .map(ToOwned::to_owned)
        .collect();
    if ids
        .iter()
        .any(|id| id.len() != 12 || !id.bytes().all(|byte| byte.is_ascii_digit()))
    {
        reader.reject("allowed-account-ids", "account ids of 12 digits");
    }
    ids
}

fn is_region(region: &str) -> bool {
    !region.is_empty()
        && region
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
