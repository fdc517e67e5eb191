//! From what was typed to [`Inputs`]: one function a group of inputs, every error collected.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::core::cdn::encode::check_path;
use crate::core::context::{Env, RunContext};
use crate::core::error::InputErrors;
use crate::core::inputs::backend::backend;
use crate::core::inputs::raw::{INPUTS, Part, RawInputs};
use crate::core::inputs::reader::{Reader, quoted};
use crate::core::inputs::site::site;
use crate::core::inputs::{
    AwsInputs, CdnInputs, Command, GithubInputs, Inputs, ReleaseInputs, RoleInputs, S3Place, StaticKeys,
};
use crate::core::secret::Secret;

/// Reads and checks all inputs.
///
/// # Errors
/// Everything that is wrong, each with the input's name, its value and what is legal.
pub(crate) fn parse(
    raw: &RawInputs,
    env: &Env,
    context: &RunContext,
    now: DateTime<Utc>,
) -> Result<Inputs, InputErrors> {
    let mut reader = Reader::new(raw);
    let command = reader.choice(
        "command",
        &[
            ("deploy", Command::Deploy),
            ("rollback", Command::Rollback),
            ("check", Command::Check),
        ],
        Command::Deploy,
    );
    let mut dry_run = reader.boolean("dry-run", false);
    let mut aws = aws(&mut reader, env);
    check_parts(&mut reader);
    let site_on = reader.is_on(Part::Site);
    let site = site_on
        .then(|| site(&mut reader, command, context, &mut aws, &mut dry_run))
        .flatten();
    let cdn = reader
        .is_on(Part::Cdn)
        .then(|| cdn(&mut reader, command, context, site_on));
    let backend = reader
        .is_on(Part::Backend)
        .then(|| backend(&mut reader, command, context, now))
        .flatten();
    if backend.is_some() && aws.region.is_none() {
        reader.errors.push(
            "`aws-region` is empty; the backend needs it: set it, or `AWS_REGION` in the step's environment".to_owned(),
        );
    }
    let release = release(&mut reader, command);
    let github = GithubInputs {
        environment: reader.owned("github-environment"),
        token: reader.text("github-token").map(Secret::new),
    };
    if reader.given("max_backoff_retries").is_some() {
        let _ = reader.number("max_backoff_retries", 0..=1_000_000);
        reader.notices.push(
            "`max_backoff_retries` is not needed: throttled calls are retried until `deployment-timeout`".to_owned(),
        );
    }
    if !reader.errors.is_empty() {
        return Err(InputErrors(reader.errors));
    }
    Ok(Inputs {
        command,
        dry_run,
        aws,
        site,
        cdn,
        backend,
        release,
        github,
        parts: parts(&reader),
        notices: reader.notices,
    })
}

/// An input of a part that is off, and no part on at all, are errors: an unset secret must never make a green run
/// that did nothing.
fn check_parts(reader: &mut Reader<'_>) {
    for spec in INPUTS {
        let is_switch = spec.part.enabled_by().contains(&spec.name);
        if let Some(given) = reader.given(spec.name)
            && !is_switch
            && !reader.is_on(spec.part)
        {
            let switches = quoted(spec.part.enabled_by());
            reader.errors.push(format!(
                "`{}` is set but {switches} is empty: is the secret or variable behind it set for this repository and environment?",
                given.name
            ));
        }
    }
    if reader.given("use_existing_version_if_available").is_some() && !reader.is_on(Part::Backend) {
        reader
            .errors
            .push("`use_existing_version_if_available` is set but `application-name` is empty".to_owned());
    }
    let any = [Part::Site, Part::Cdn, Part::Backend]
        .into_iter()
        .any(|part| reader.is_on(part));
    if !any && reader.errors.is_empty() {
        reader.errors.push(
            "nothing to do: set `bucket` (site), `distribution` (cdn) or `application-name` (backend); if one is set from a secret or variable, that is empty"
                .to_owned(),
        );
    }
}

/// One line a part: on or off, and why.
fn parts(reader: &Reader<'_>) -> Vec<String> {
    [
        ("site", "bucket"),
        ("cdn", "distribution"),
        ("backend", "application-name"),
    ]
    .into_iter()
    .map(|(part, switch)| match reader.given(switch) {
        Some(given) => format!("{part}: on, `{}` is `{}`", given.name, given.value),
        None => format!("{part}: off, `{switch}` is empty"),
    })
    .collect()
}

fn aws(reader: &mut Reader<'_>, env: &Env) -> AwsInputs {
    let region = reader
        .owned("aws-region")
        .or_else(|| env.get("AWS_REGION").map(ToOwned::to_owned))
        .or_else(|| env.get("AWS_DEFAULT_REGION").map(ToOwned::to_owned));
    if let Some(region) = &region
        && !is_region(region)
    {
        reader.errors.push(format!(
            "`aws-region` is `{region}`; it must be the code of a region, such as `eu-central-1`"
        ));
    }
    let endpoint_url = reader.owned("endpoint-url");
    if let Some(url) = &endpoint_url
        && !is_http_url(url)
    {
        reader.reject("endpoint-url", "an `http://` or `https://` address");
    }
    AwsInputs {
        region,
        keys: keys(reader),
        role: role(reader),
        allowed_account_ids: account_ids(reader),
        endpoint_url,
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

fn role(reader: &mut Reader<'_>) -> Option<RoleInputs> {
    let Some(arn) = reader.owned("role-to-assume") else {
        for name in ["role-session-name", "role-duration-seconds", "role-audience"] {
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
    let legal = |character: char| character.is_ascii_alphanumeric() || "_+=,.@-".contains(character);
    if !(2..=64).contains(&session_name.len()) || !session_name.chars().all(legal) {
        reader.reject("role-session-name", "2 to 64 letters, digits and `_+=,.@-`");
    }
    Some(RoleInputs {
        arn,
        session_name,
        duration: reader.seconds("role-duration-seconds", 3600, 900..=43_200),
        audience: reader
            .owned("role-audience")
            .unwrap_or_else(|| "sts.amazonaws.com".to_owned()),
    })
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

fn cdn(reader: &mut Reader<'_>, command: Command, context: &RunContext, site_on: bool) -> CdnInputs {
    let distributions = reader.words("distribution");
    if distributions
        .iter()
        .any(|id| !id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
    {
        reader.reject(
            "distribution",
            "ids of distributions, such as `E1A2B3C4D5E6F7`, not domain names or ARNs",
        );
    }
    let typed = reader.text("paths").map(|_| reader.words("paths"));
    let listed = if command == Command::Deploy {
        reader
            .owned("paths-from")
            .map(|file| paths_from(reader, context, &file))
    } else {
        None
    };
    for path in typed.iter().chain(&listed).flatten() {
        if let Err(reason) = check_path(path) {
            reader
                .errors
                .push(format!("the path `{path}` cannot be invalidated: {reason}"));
        }
    }
    let paths = match (typed, listed) {
        (None, None) => None,
        (typed, listed) => Some(crate::core::inputs::reader::unique(
            typed.iter().chain(&listed).flatten().map(String::as_str),
        )),
    };
    if paths.is_none() && !site_on && command == Command::Deploy {
        reader.errors.push(
            "`distribution` is set without `bucket`: say what to invalidate in `paths` or `paths-from`".to_owned(),
        );
    }
    let timeout = reader.seconds("invalidation-timeout", 600, 1..=86_400);
    let wait = reader.boolean("wait-for-invalidation", false);
    if !wait && reader.given("invalidation-timeout").is_some() {
        reader
            .notices
            .push("`invalidation-timeout` has no effect without `wait-for-invalidation: true`".to_owned());
    }
    CdnInputs {
        distributions,
        paths,
        wait: wait.then_some(timeout),
        failure_is_warning: reader.choice("invalidation-failure", &[("fail", false), ("warn", true)], false),
    }
}

fn paths_from(reader: &mut Reader<'_>, context: &RunContext, file: &str) -> Vec<String> {
    match std::fs::read_to_string(context.workspace.join(file)) {
        Ok(text) => crate::core::inputs::reader::unique(text.lines().map(str::trim).filter(|line| !line.is_empty())),
        Err(error) => {
            reader
                .errors
                .push(format!("`paths-from` is `{file}`, which cannot be read: {error}"));
            Vec::new()
        }
    }
}

fn release(reader: &mut Reader<'_>, command: Command) -> ReleaseInputs {
    if command == Command::Deploy && reader.given("to").is_some() {
        reader.reject("to", "empty unless `command` is `rollback`");
    }
    let history = reader.owned("history").and_then(|text| {
        let place = s3_place(&text);
        if place.is_none() {
            reader.reject("history", "an S3 address such as `s3://bucket/prefix`");
        }
        place
    });
    ReleaseInputs {
        to: reader.owned("to").filter(|to| to != "previous"),
        history,
    }
}

/// `s3://bucket/prefix` as its parts.
pub(crate) fn s3_place(text: &str) -> Option<S3Place> {
    let (bucket, prefix) = match text.strip_prefix("s3://")?.split_once('/') {
        Some((bucket, prefix)) => (bucket, prefix),
        None => (text.strip_prefix("s3://")?, ""),
    };
    (!bucket.is_empty()).then(|| S3Place {
        bucket: bucket.to_owned(),
        prefix: as_prefix(prefix),
    })
}

/// `text` with a `/` at its end, unless it is empty.
pub(crate) fn as_prefix(text: &str) -> String {
    if text.is_empty() || text.ends_with('/') {
        text.to_owned()
    } else {
        format!("{text}/")
    }
}

/// The path of an input, relative ones from the workspace.
pub(crate) fn path(context: &RunContext, text: &str) -> PathBuf {
    let joined = context.workspace.join(text);
    // `.` and the like would stand in every path that we print.
    joined
        .components()
        .filter(|part| *part != std::path::Component::CurDir)
        .collect::<PathBuf>()
}

/// Whether `path` is a directory; the error otherwise, for the input `name`.
pub(crate) fn check_directory(reader: &mut Reader<'_>, name: &str, typed: &str, path: &Path) {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => reader.errors.push(format!("`{name}` is `{typed}`, which is not a directory")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => reader.errors.push(format!(
            "`{name}` is `{typed}`, which does not exist in the workspace: was it checked out and built by an earlier step?"
        )),
        Err(error) => reader.errors.push(format!("`{name}` is `{typed}`, which cannot be read: {error}")),
    }
}

pub(crate) fn is_http_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && url.bytes().all(|byte| byte.is_ascii_graphic()))
}

fn is_region(region: &str) -> bool {
    !region.is_empty()
        && region
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The longest time that anything here waits for by default; part of no input.
pub(crate) const MAX_SECONDS: u64 = Duration::from_secs(24 * 3600).as_secs();
