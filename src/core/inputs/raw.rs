//! The names of all inputs, and what was typed.
//!
//! `action.yml` hands every input over in one environment variable of its own ([`variable`]); a composite action
//! gets no `INPUT_*` variables (<https://github.com/actions/runner/issues/665>). Nothing is interpreted here.

use std::collections::BTreeMap;

use crate::core::context::Env;

/// Which part of the run an input belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// Every run.
    All,
    /// The site part, switched on by `bucket`.
    Site,
    /// The cdn part, switched on by `distribution`.
    Cdn,
    /// The backend part, switched on by `application-name`.
    Backend,
    /// Site or backend.
    SiteOrBackend,
}

impl Part {
    /// The inputs of which one must be set for this part to be on.
    #[must_use]
    pub(crate) const fn enabled_by(self) -> &'static [&'static str] {
        match self {
            Self::All => &[],
            Self::Site => &["bucket"],
            Self::Cdn => &["distribution"],
            Self::Backend => &["application-name"],
            Self::SiteOrBackend => &["bucket", "application-name"],
        }
    }
}

/// An input of the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InputSpec {
    /// Its name in `with:`.
    pub(crate) name: &'static str,
    /// Where it belongs.
    pub(crate) part: Part,
}

/// An older name of an input, accepted so that a step can be swapped without renaming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Alias {
    /// The older name.
    pub(crate) name: &'static str,
    /// What it is called here; `None` for an input of its own that has no other name.
    pub(crate) replaced_by: Option<&'static str>,
}

macro_rules! specs {
    ($($part:ident: $($name:literal),* ;)*) => {
        /// All inputs, in the order of the README.
        pub(crate) const INPUTS: &[InputSpec] = &[$($(InputSpec { name: $name, part: Part::$part }),*),*];
    };
}

specs! {
    Site: "bucket", "source";
    Cdn: "distribution";
    Backend: "application-name", "environment-name", "package";
    All: "command", "dry-run";
    All: "aws-region", "role-to-assume", "role-session-name", "role-duration-seconds", "role-audience",
        "allowed-account-ids", "aws-access-key-id", "aws-secret-access-key", "aws-session-token";
    Site: "endpoint-url", "prefix", "exclude", "include", "args", "acl", "cache-control", "headers", "delete",
        "max-delete", "compare";
    SiteOrBackend: "force";
    Cdn: "paths", "paths-from", "wait-for-invalidation", "invalidation-timeout", "invalidation-failure";
    Backend: "package-ignore-file", "package-exclude", "version-label", "version-description", "package-bucket",
        "option-settings", "wait-for-deployment", "deployment-timeout", "when-busy", "accepted-health",
        "recovery-seconds", "poll-interval", "on-failure", "verify-url", "verify-contains", "verify-timeout",
        "keep-versions";
    SiteOrBackend: "to";
    All: "history", "github-environment", "github-token";
}

/// The inputs of [beanstalk-deploy] that are accepted under their own names.
///
/// [beanstalk-deploy]: https://github.com/einaregilsson/beanstalk-deploy
pub(crate) const ALIASES: &[Alias] = &[
    alias("aws_access_key", "aws-access-key-id"),
    alias("aws_secret_key", "aws-secret-access-key"),
    alias("aws_session_token", "aws-session-token"),
    alias("region", "aws-region"),
    alias("application_name", "application-name"),
    alias("environment_name", "environment-name"),
    alias("version_label", "version-label"),
    alias("version_description", "version-description"),
    alias("deployment_package", "package"),
    alias("existing_bucket_name", "package-bucket"),
    Alias {
        name: "use_existing_version_if_available",
        replaced_by: None,
    },
    alias("wait_for_deployment", "wait-for-deployment"),
    alias("wait_for_environment_recovery", "recovery-seconds"),
    Alias {
        name: "max_backoff_retries",
        replaced_by: None,
    },
];

/// The environment variables of [s3-sync-action] and [invalidate-cloudfront-action].
///
/// [s3-sync-action]: https://github.com/jakejarvis/s3-sync-action
/// [invalidate-cloudfront-action]: https://github.com/chetan/invalidate-cloudfront-action
pub(crate) const OLD_ENVIRONMENT: &[Alias] = &[
    alias("AWS_S3_BUCKET", "bucket"),
    alias("SOURCE_DIR", "source"),
    alias("DEST_DIR", "prefix"),
    alias("AWS_S3_ENDPOINT", "endpoint-url"),
    alias("DISTRIBUTION", "distribution"),
    alias("PATHS", "paths"),
    alias("PATHS_FROM", "paths-from"),
];

const fn alias(name: &'static str, replaced_by: &'static str) -> Alias {
    Alias {
        name,
        replaced_by: Some(replaced_by),
    }
}

/// The environment variable in which `action.yml` hands over the input `name`.
///
/// Names with `_` are the accepted older ones; some differ from a newer name by that alone.
#[must_use]
pub fn variable(name: &str) -> String {
    let prefix = if name.contains('_') { "AWD_OLD_" } else { "AWD_" };
    format!("{prefix}{}", name.replace('-', "_").to_uppercase())
}

/// A value and the name under which it was given, for errors that name what the user typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InputValue {
    /// Trimmed, never empty.
    pub(crate) value: String,
    /// Such as `` `bucket` `` or `` `AWS_S3_BUCKET` ``.
    pub(crate) name: &'static str,
}

/// What was typed, with older names resolved.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawInputs {
    values: BTreeMap<&'static str, InputValue>,
    /// What about names and switches is wrong.
    pub(crate) errors: Vec<String>,
    /// What should be said about them.
    pub(crate) notices: Vec<String>,
}

impl RawInputs {
    /// Reads all inputs from the environment that `action.yml` made.
    #[must_use]
    pub(crate) fn read(env: &Env) -> Self {
        let mut raw = Self::default();
        let typed = |name: &str| {
            env.get(&variable(name))
                .map(str::trim)
                .filter(|value| !value.is_empty())
        };
        for spec in INPUTS {
            if let Some(value) = typed(spec.name) {
                raw.insert(spec.name, spec.name, value);
            }
        }
        for alias in ALIASES {
            if let Some(value) = typed(alias.name) {
                raw.insert(alias.replaced_by.unwrap_or(alias.name), alias.name, value);
            }
        }
        raw.read_old_environment(env);
        raw
    }

    /// The value of the input `name`, when it was given under any of its names.
    #[must_use]
    pub(crate) fn get(&self, name: &str) -> Option<&InputValue> {
        self.values.get(name)
    }

    /// The value alone.
    #[must_use]
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.get(name).map(|given| given.value.as_str())
    }

    /// The old names count where no input switches any part on; then an empty one is an unset secret.
    fn read_old_environment(&mut self, env: &Env) {
        let switched = ["bucket", "distribution", "application-name"]
            .into_iter()
            .any(|switch| self.values.contains_key(switch));
        for alias in OLD_ENVIRONMENT {
            let (Some(value), Some(name)) = (env.present(alias.name), alias.replaced_by) else {
                continue;
            };
            let value = value.trim();
            let is_switch = matches!(name, "bucket" | "distribution");
            if switched && is_switch && !self.values.contains_key(name) {
                if !value.is_empty() {
                    self.notices.push(format!(
                        "`{}` in the environment is ignored: inputs say which parts are on; set `{name}` to use it",
                        alias.name
                    ));
                }
            } else if !value.is_empty() {
                self.insert(name, alias.name, value);
            } else if !switched {
                self.errors.push(format!(
                    "the environment variable `{}` is present but empty: is the secret or variable behind it set for this repository and environment?",
                    alias.name
                ));
            }
        }
    }

    fn insert(&mut self, name: &'static str, typed_as: &'static str, value: &str) {
        match self.values.get(name) {
            Some(given) if given.value != value => {
                self.errors.push(if is_secret(name) {
                    format!(
                        "`{}` and `{typed_as}` are the same input with different values: keep `{name}`",
                        given.name
                    )
                } else {
                    format!(
                        "`{}` is `{}` and `{typed_as}` is `{value}`, but they are the same input: keep `{name}`",
                        given.name, given.value
                    )
                });
            }
            Some(_) => {}
            None => {
                self.values.insert(
                    name,
                    InputValue {
                        value: value.to_owned(),
                        name: typed_as,
                    },
                );
            }
        }
    }
}

/// Whether the value of the input `name` must never be shown.
#[must_use]
pub(crate) fn is_secret(name: &str) -> bool {
    matches!(
        name,
        "aws-access-key-id" | "aws-secret-access-key" | "aws-session-token" | "github-token"
    )
}
