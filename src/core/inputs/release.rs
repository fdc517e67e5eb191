//! The inputs about releases: rollback target, place of the records, GitHub Deployments.

use crate::core::inputs::backend::{OnFailure, read_on_failure};
use crate::core::inputs::command::Command;
use crate::core::inputs::paths::as_prefix;
use crate::core::inputs::reader::Reader;
use crate::core::inputs::urls::check_url;
use crate::core::release::FOLDER;
use crate::core::release::workflow_run::RUN;
use crate::core::secret::Secret;
use crate::core::secret::shown_text;

/// Rollback target and place of the records.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReleaseInputs {
    /// `to`; `None` is `previous`.
    pub(crate) to: Option<String>,
    /// `history`: bucket and prefix, which ends in `/`.
    pub(crate) history: Option<S3Place>,
    /// `site-url`, its placeholder filled.
    pub(crate) site_url: Option<String>,
    /// `on-failure`, for the whole run.
    pub(crate) on_failure: OnFailure,
}

/// Where records are in a bucket that `history` names without a prefix: never in the way of a site there, nor of the
/// records that are in [`FOLDER`] without `history`.
const UNNAMED: &str = "history";

/// `s3://bucket/prefix/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct S3Place {
    /// The bucket's name.
    pub(crate) bucket: String,
    /// Empty, or ending in `/`.
    pub(crate) prefix: String,
}

/// GitHub Deployments.
#[derive(Debug, Clone, Default)]
pub(crate) struct GithubInputs {
    /// `github-environment`: write a deployment for it.
    pub(crate) environment: Option<String>,
    /// `github-token`.
    pub(crate) token: Option<Secret>,
}

/// Reads the rollback target and the place of the records.
///
/// `backend` is the backend part's `on-failure`, which was read already where that is on.
pub(crate) fn read(
    reader: &mut Reader<'_>,
    command: Command,
    sha: Option<&str>,
    backend: Option<OnFailure>,
) -> ReleaseInputs {
    if command == Command::Deploy && reader.given("to").is_some() {
        reader.reject("to", "empty unless `command` is `rollback`");
    }
    let is_run = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let run = reader.text("to").and_then(|to| to.strip_prefix(RUN));
    if run.is_some_and(|id| !is_run(id)) {
        reader.reject(
            "to",
            "a release, or `run:` and the id of a workflow run, such as `run:16412345678`",
        );
    }
    let history = reader.owned("history").and_then(|text| {
        let is_name = |place: &S3Place| !place.bucket.starts_with("arn:");
        let place = s3_place(&text).filter(|place| is_name(place) && shown_text(&text) == text);
        if place.is_none() {
            reader.reject(
                "history",
                "an S3 address such as `s3://bucket/prefix`, with the bucket's name (no ARN), without a user name and a query",
            );
        }
        place.map(|place| S3Place {
            prefix: match place.prefix.as_str() {
                "" => format!("{FOLDER}{UNNAMED}/"),
                prefix => prefix.to_owned(),
            },
            ..place
        })
    });
    ReleaseInputs {
        to: reader.owned("to").filter(|to| to != "previous"),
        history,
        site_url: site_url(reader, sha),
        on_failure: backend.unwrap_or_else(|| read_on_failure(reader)),
    }
}

/// Reads `site-url`; `{short-sha}` in it is the first seven characters of the commit's id, as in `version-label`.
fn site_url(reader: &mut Reader<'_>, sha: Option<&str>) -> Option<String> {
    const PLACEHOLDER: &str = "{short-sha}";
    let template = reader.owned("site-url")?;
    let short = sha.map_or("", |sha| sha.get(..7).unwrap_or(sha));
    if template.contains(PLACEHOLDER) && short.is_empty() {
        reader.reject(
            "site-url",
            "an address without `{short-sha}` where `GITHUB_SHA` is not set",
        );
        return None;
    }
    let url = template.replace(PLACEHOLDER, short);
    if url.contains(['{', '}']) {
        reader.reject("site-url", "an address whose only placeholder is `{short-sha}`");
        return None;
    }
    check_url(reader, "`site-url`", &url);
    Some(url)
}

/// Reads what is told to GitHub, and with which token.
pub(crate) fn read_github(reader: &Reader<'_>) -> GithubInputs {
    GithubInputs {
        environment: reader.owned("github-environment"),
        token: reader.text("github-token").map(Secret::new),
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
