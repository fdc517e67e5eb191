//! What was typed, under which name; nothing is interpreted here.
//!
//! `action.yml` hands every input over in one environment variable of its own ([`variable`]); a composite action
//! gets no `INPUT_*` variables (<https://github.com/actions/runner/issues/665>).

use std::collections::BTreeMap;

use crate::core::context::Env;
use crate::core::inputs::table::{ALIASES, INPUTS, OLD_ENVIRONMENT, is_secret, variable};

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
                    "the environment variable `{}` is present but empty: Is the secret or variable it comes from defined for this repository and environment?",
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
