//! Inputs: raw strings become types that cannot be wrong, and every error is collected.
//!
//! Two stages: [`raw`] knows the names and holds what was typed; the modules below turn it into [`Inputs`]. Nothing
//! here sends a request or reads anything but the files that inputs name.

pub(crate) mod args;
pub(crate) mod backend;
pub(crate) mod parse;
pub(crate) mod raw;
pub(crate) mod reader;
pub(crate) mod site;

use std::path::PathBuf;
use std::time::Duration;

use crate::core::secret::Secret;
use crate::core::site::filter::Filter;
use crate::core::site::headers::HeaderRules;
use crate::core::site::object::ObjectOptions;
use crate::core::site::plan::{Compare, MaxDelete};

/// What the run is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// Bring site and backend to the state of the workspace.
    Deploy,
    /// Take both back to an earlier release.
    Rollback,
    /// Look, and say what would be missing.
    Check,
}

impl Command {
    /// The value of `command`.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Rollback => "rollback",
            Self::Check => "check",
        }
    }
}

/// All inputs, checked.
#[derive(Debug)]
pub(crate) struct Inputs {
    /// `command`.
    pub(crate) command: Command,
    /// `dry-run`, or `--dryrun` in `args`.
    pub(crate) dry_run: bool,
    /// Credentials and region.
    pub(crate) aws: AwsInputs,
    /// The site part, when it is on.
    pub(crate) site: Option<SiteInputs>,
    /// The cdn part, when it is on.
    pub(crate) cdn: Option<CdnInputs>,
    /// The backend part, when it is on.
    pub(crate) backend: Option<BackendInputs>,
    /// Rollback target and place of the records.
    pub(crate) release: ReleaseInputs,
    /// GitHub Deployments.
    pub(crate) github: GithubInputs,
    /// One line for each part: on or off, and why.
    pub(crate) parts: Vec<String>,
    /// Things worth saying that are no errors, such as flags of `args` that have no effect here.
    pub(crate) notices: Vec<String>,
}

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
}

/// The site part.
#[derive(Debug)]
pub(crate) struct SiteInputs {
    /// `bucket`.
    pub(crate) bucket: String,
    /// `source`, absolute.
    pub(crate) source: PathBuf,
    /// `prefix`: empty, or ending in `/`.
    pub(crate) prefix: String,
    /// `exclude`, `include` and the filters of `args`, in that order.
    pub(crate) filter: Filter,
    /// What every object is sent with: ACL, encryption, storage class, fixed headers.
    pub(crate) object: ObjectOptions,
    /// `headers`.
    pub(crate) headers: HeaderRules,
    /// `delete`.
    pub(crate) delete: bool,
    /// `max-delete`.
    pub(crate) max_delete: MaxDelete,
    /// `compare`.
    pub(crate) compare: Compare,
    /// `force`.
    pub(crate) force: bool,
    /// `--no-overwrite`: leave objects alone that exist.
    pub(crate) no_overwrite: bool,
    /// `--follow-symlinks` (default) or `--no-follow-symlinks`.
    pub(crate) follow_symlinks: bool,
    /// `--page-size`: keys a listing request, 1 to 1000.
    pub(crate) page_size: Option<i32>,
    /// How much of the object log is printed.
    pub(crate) verbosity: Verbosity,
}

/// What of the site's log is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Verbosity {
    /// A line for each changed object, and one every few seconds of long work.
    #[default]
    Changes,
    /// `--no-progress`: a line for each changed object.
    WithoutProgress,
    /// `--only-show-errors`: warnings and errors.
    ErrorsOnly,
    /// `--quiet`: nothing but the final error.
    Quiet,
}

/// The cdn part.
#[derive(Debug, Clone)]
pub(crate) struct CdnInputs {
    /// `distribution`: at least one id.
    pub(crate) distributions: Vec<String>,
    /// `paths` and the lines of `paths-from`, as typed; `None` when neither was given.
    pub(crate) paths: Option<Vec<String>>,
    /// `wait-for-invalidation` with `invalidation-timeout`.
    pub(crate) wait: Option<Duration>,
    /// `invalidation-failure: warn`.
    pub(crate) failure_is_warning: bool,
}

/// The backend part.
#[derive(Debug, Clone)]
pub(crate) struct BackendInputs {
    /// `application-name`.
    pub(crate) application: String,
    /// `environment-name`, in input order; empty: only create the version.
    pub(crate) environments: Vec<String>,
    /// `package`; `None`: the version must exist already.
    pub(crate) package: Option<PackageInputs>,
    /// `version-label`, placeholders filled and checked.
    pub(crate) version_label: String,
    /// `version-description`, filled and cut.
    pub(crate) version_description: Option<String>,
    /// `package-bucket`; `None`: CreateStorageLocation's.
    pub(crate) package_bucket: Option<String>,
    /// `use_existing_version_if_available`.
    pub(crate) use_existing_version: bool,
    /// `option-settings`.
    pub(crate) option_settings: Vec<OptionSetting>,
    /// `force`.
    pub(crate) force: bool,
    /// `wait-for-deployment`.
    pub(crate) wait: bool,
    /// `deployment-timeout`.
    pub(crate) timeout: Duration,
    /// `when-busy`.
    pub(crate) when_busy: WhenBusy,
    /// `accepted-health`.
    pub(crate) accepted_health: Vec<Health>,
    /// `recovery-seconds`.
    pub(crate) recovery: Duration,
    /// `poll-interval`; `None`: adaptive.
    pub(crate) poll_interval: Option<Duration>,
    /// `on-failure: rollback`.
    pub(crate) rollback_on_failure: bool,
    /// `verify-url` and what belongs to it.
    pub(crate) verify: Option<VerifyInputs>,
    /// `keep-versions`.
    pub(crate) keep_versions: Option<u32>,
}

/// What to bundle.
#[derive(Debug, Clone)]
pub(crate) struct PackageInputs {
    /// `package`, absolute: a directory or an archive.
    pub(crate) path: PathBuf,
    /// `package-ignore-file`; `None`: `.ebignore` where there is one.
    pub(crate) ignore_file: Option<String>,
    /// `package-exclude`: gitignore patterns.
    pub(crate) exclude: Vec<String>,
}

/// One option setting, as in the [Elastic Beanstalk API].
///
/// [Elastic Beanstalk API]: https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ConfigurationOptionSetting.html
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(crate) struct OptionSetting {
    /// Such as `aws:elasticbeanstalk:application:environment`.
    pub(crate) namespace: String,
    /// The option's name.
    pub(crate) option_name: String,
    /// Its value.
    pub(crate) value: String,
    /// For resource-specific options.
    #[serde(default)]
    pub(crate) resource_name: Option<String>,
}

/// `when-busy`: what to do with an environment that is not Ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WhenBusy {
    /// Wait until it is.
    Wait,
    /// Abort the running update where Beanstalk allows it.
    Abort,
    /// Fail at once.
    Fail,
}

/// The colours of environment health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// Healthy.
    Green,
    /// Warnings.
    Yellow,
    /// Failing.
    Red,
    /// Unknown, or being updated.
    Grey,
}

impl Health {
    /// The name that the API uses.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Green => "Green",
            Self::Yellow => "Yellow",
            Self::Red => "Red",
            Self::Grey => "Grey",
        }
    }
}

/// `verify-url`, `verify-contains`, `verify-timeout`.
#[derive(Debug, Clone)]
pub(crate) struct VerifyInputs {
    /// The address to GET.
    pub(crate) url: String,
    /// Text that the answer must contain.
    pub(crate) contains: Option<String>,
    /// How long it may take.
    pub(crate) timeout: Duration,
}

/// Rollback target and place of the records.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReleaseInputs {
    /// `to`; `None` is `previous`.
    pub(crate) to: Option<String>,
    /// `history`: bucket and prefix (empty, or ending in `/`).
    pub(crate) history: Option<S3Place>,
}

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

#[cfg(test)]
mod tests;
