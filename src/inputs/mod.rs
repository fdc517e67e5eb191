//! Inputs: raw strings become types that cannot be wrong, and every error is collected.
//!
//! Two stages: [`raw`] knows the names and holds what was typed; the modules below turn it into [`Inputs`]. Nothing
//! here sends a request or reads anything but the files that inputs name.

pub mod args;
mod backend;
pub mod parse;
pub mod raw;
mod reader;
mod site;

use std::path::PathBuf;
use std::time::Duration;

use crate::secret::Secret;
use crate::site::filter::Filter;
use crate::site::object::{HeaderRules, ObjectOptions};
use crate::site::plan::{Compare, MaxDelete};

/// What the run is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
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
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Rollback => "rollback",
            Self::Check => "check",
        }
    }
}

/// All inputs, checked.
#[derive(Debug)]
pub struct Inputs {
    /// `command`.
    pub command: Command,
    /// `dry-run`, or `--dryrun` in `args`.
    pub dry_run: bool,
    /// Credentials and region.
    pub aws: AwsInputs,
    /// The site part, when it is on.
    pub site: Option<SiteInputs>,
    /// The cdn part, when it is on.
    pub cdn: Option<CdnInputs>,
    /// The backend part, when it is on.
    pub backend: Option<BackendInputs>,
    /// Rollback target and place of the records.
    pub release: ReleaseInputs,
    /// GitHub Deployments.
    pub github: GithubInputs,
    /// One line for each part: on or off, and why.
    pub parts: Vec<String>,
    /// Things worth saying that are no errors, such as flags of `args` that have no effect here.
    pub notices: Vec<String>,
}

/// Where credentials come from, and the region.
#[derive(Debug, Clone, Default)]
pub struct AwsInputs {
    /// `aws-region`, else the environment's.
    pub region: Option<String>,
    /// Keys given as inputs.
    pub keys: Option<StaticKeys>,
    /// `role-to-assume` and what belongs to it.
    pub role: Option<RoleInputs>,
    /// `allowed-account-ids`; empty allows all.
    pub allowed_account_ids: Vec<String>,
    /// `endpoint-url`: an S3-compatible store; S3 only.
    pub endpoint_url: Option<String>,
}

/// Access keys from inputs; never completed from the environment.
#[derive(Debug, Clone)]
pub struct StaticKeys {
    /// `aws-access-key-id`.
    pub access_key_id: String,
    /// `aws-secret-access-key`.
    pub secret_access_key: Secret,
    /// `aws-session-token`.
    pub session_token: Option<Secret>,
}

/// A role to assume.
#[derive(Debug, Clone)]
pub struct RoleInputs {
    /// `role-to-assume`: the role's ARN.
    pub arn: String,
    /// `role-session-name`.
    pub session_name: String,
    /// `role-duration-seconds`.
    pub duration: Duration,
    /// `role-audience`.
    pub audience: String,
}

/// The site part.
#[derive(Debug)]
pub struct SiteInputs {
    /// `bucket`.
    pub bucket: String,
    /// `source`, absolute.
    pub source: PathBuf,
    /// `prefix`: empty, or ending in `/`.
    pub prefix: String,
    /// `exclude`, `include` and the filters of `args`, in that order.
    pub filter: Filter,
    /// What every object is sent with: ACL, encryption, storage class, fixed headers.
    pub object: ObjectOptions,
    /// `headers`.
    pub headers: HeaderRules,
    /// `delete`.
    pub delete: bool,
    /// `max-delete`.
    pub max_delete: MaxDelete,
    /// `compare`.
    pub compare: Compare,
    /// `force`.
    pub force: bool,
    /// `--no-overwrite`: leave objects alone that exist.
    pub no_overwrite: bool,
    /// `--follow-symlinks` (default) or `--no-follow-symlinks`.
    pub follow_symlinks: bool,
    /// `--page-size`: keys a listing request, 1 to 1000.
    pub page_size: Option<i32>,
    /// How much of the object log is printed.
    pub verbosity: Verbosity,
}

/// What of the site's log is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verbosity {
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
pub struct CdnInputs {
    /// `distribution`: at least one id.
    pub distributions: Vec<String>,
    /// `paths` and the lines of `paths-from`, as typed; `None` when neither was given.
    pub paths: Option<Vec<String>>,
    /// `wait-for-invalidation` with `invalidation-timeout`.
    pub wait: Option<Duration>,
    /// `invalidation-failure: warn`.
    pub failure_is_warning: bool,
}

/// The backend part.
#[derive(Debug, Clone)]
pub struct BackendInputs {
    /// `application-name`.
    pub application: String,
    /// `environment-name`, in input order; empty: only create the version.
    pub environments: Vec<String>,
    /// `package`; `None`: the version must exist already.
    pub package: Option<PackageInputs>,
    /// `version-label`, placeholders filled and checked.
    pub version_label: String,
    /// `version-description`, filled and cut.
    pub version_description: Option<String>,
    /// `package-bucket`; `None`: CreateStorageLocation's.
    pub package_bucket: Option<String>,
    /// `use_existing_version_if_available`.
    pub use_existing_version: bool,
    /// `option-settings`.
    pub option_settings: Vec<OptionSetting>,
    /// `force`.
    pub force: bool,
    /// `wait-for-deployment`.
    pub wait: bool,
    /// `deployment-timeout`.
    pub timeout: Duration,
    /// `when-busy`.
    pub when_busy: WhenBusy,
    /// `accepted-health`.
    pub accepted_health: Vec<Health>,
    /// `recovery-seconds`.
    pub recovery: Duration,
    /// `poll-interval`; `None`: adaptive.
    pub poll_interval: Option<Duration>,
    /// `on-failure: rollback`.
    pub rollback_on_failure: bool,
    /// `verify-url` and what belongs to it.
    pub verify: Option<VerifyInputs>,
    /// `keep-versions`.
    pub keep_versions: Option<u32>,
}

/// What to bundle.
#[derive(Debug, Clone)]
pub struct PackageInputs {
    /// `package`, absolute: a directory or an archive.
    pub path: PathBuf,
    /// `package-ignore-file`; `None`: `.ebignore` where there is one.
    pub ignore_file: Option<String>,
    /// `package-exclude`: gitignore patterns.
    pub exclude: Vec<String>,
}

/// One option setting, as in the [Elastic Beanstalk API].
///
/// [Elastic Beanstalk API]: https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_ConfigurationOptionSetting.html
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct OptionSetting {
    /// Such as `aws:elasticbeanstalk:application:environment`.
    pub namespace: String,
    /// The option's name.
    pub option_name: String,
    /// Its value.
    pub value: String,
    /// For resource-specific options.
    #[serde(default)]
    pub resource_name: Option<String>,
}

/// `when-busy`: what to do with an environment that is not Ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenBusy {
    /// Wait until it is.
    Wait,
    /// Abort the running update where Beanstalk allows it.
    Abort,
    /// Fail at once.
    Fail,
}

/// The colours of environment health.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Health {
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
    pub const fn name(self) -> &'static str {
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
pub struct VerifyInputs {
    /// The address to GET.
    pub url: String,
    /// Text that the answer must contain.
    pub contains: Option<String>,
    /// How long it may take.
    pub timeout: Duration,
}

/// Rollback target and place of the records.
#[derive(Debug, Clone, Default)]
pub struct ReleaseInputs {
    /// `to`; `None` is `previous`.
    pub to: Option<String>,
    /// `history`: bucket and prefix (empty, or ending in `/`).
    pub history: Option<S3Place>,
}

/// `s3://bucket/prefix/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Place {
    /// The bucket's name.
    pub bucket: String,
    /// Empty, or ending in `/`.
    pub prefix: String,
}

/// GitHub Deployments.
#[derive(Debug, Clone, Default)]
pub struct GithubInputs {
    /// `github-environment`: write a deployment for it.
    pub environment: Option<String>,
    /// `github-token`.
    pub token: Option<Secret>,
}

#[cfg(test)]
mod tests;
