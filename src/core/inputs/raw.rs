//! What was typed, under which name; nothing is interpreted here.
//!
//! `action.yml` hands every input over in one environment variable of its own ([`variable`]); a composite action
//! gets no `INPUT_*` variables (<https://github.com/actions/runner/issues/665>).

use std::collections::BTreeMap;

use crate::core::context::Env;
use crate::core::inputs::command::Command;
use crate::core::inputs::expand::{Purpose, expand};
use crate::core::inputs::flags::FlagValues;
use crate::core::inputs::old_names::{OldNames, OldStep};
use crate::core::inputs::shown::{shown, shown_variable};
use crate::core::inputs::table::{ALIASES, Alias, INPUTS, InputSpec, MISTAKEN, OLD_ENVIRONMENT, Part, variable};
use crate::core::secret::shown_text;

/// What to do where both old steps are possible.
const AMBIGUOUS: &str = "`AWS_S3_BUCKET` and `DISTRIBUTION` are both set in the environment, and nothing says whether \
    this step syncs or invalidates: set `bucket: ${{ env.AWS_S3_BUCKET }}` with `source` and `prefix` in the step that \
    syncs, and `distribution: ${{ env.DISTRIBUTION }}` with `paths` in the step that invalidates";

/// What to do where a step that sets nothing itself is taken for the invalidation.
const GUESSED: &str = "this step is taken for the invalidation and syncs nothing, because `AWS_S3_BUCKET`, `DISTRIBUTION` and \
    `PATHS` (or `PATHS_FROM`) are all set in its environment: to be clear, set `distribution: ${{ env.DISTRIBUTION }}` and \
    `paths` as inputs of the step that invalidates, and `bucket: ${{ env.AWS_S3_BUCKET }}` with `source` and `prefix` as \
    inputs of the step that syncs";

/// The old invalidation without paths.
const EMPTY_PATHS: &str = "`PATHS` is empty, and so is `PATHS_FROM`, beside `AWS_S3_BUCKET` and `DISTRIBUTION` in the \
    environment: set `paths` where this step invalidates, or `bucket: ${{ env.AWS_S3_BUCKET }}` where it syncs";

/// Whether the old action's shell expanded what stands in `variable`.
#[must_use]
pub(crate) fn is_expanded(variable: &str) -> bool {
    matches!(
        variable,
        "AWS_S3_BUCKET" | "SOURCE_DIR" | "DEST_DIR" | "AWS_S3_ENDPOINT"
    )
}

/// The old variables that are set: variable, input and value.
fn old_environment(env: &Env) -> impl Iterator<Item = (&'static str, &'static str, &str)> {
    OLD_ENVIRONMENT.iter().filter_map(|old| {
        let value = env.get(old.name)?.trim();
        (!value.is_empty()).then_some((old.name, old.replaced_by?, value))
    })
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
    /// An error says that old variables do not tell which part is meant.
    pub(crate) is_unclear: bool,
    /// What about names and switches is wrong.
    pub(crate) errors: Vec<String>,
    /// What should be said about them.
    pub(crate) notices: Vec<String>,
    /// What should be looked at.
    pub(crate) warnings: Vec<String>,
}

impl RawInputs {
    /// Reads all inputs: the flags of the command line, and the environment that `action.yml` made.
    #[must_use]
    pub(crate) fn read(flags: &FlagValues, env: &Env) -> Self {
        let mut raw = Self {
            errors: flags.errors.clone(),
            ..Self::default()
        };
        for spec in INPUTS {
            if let Some(value) = flags.values.get(spec.name) {
                raw.insert(spec.name, spec.flag, value);
            }
        }
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
        for mistaken in MISTAKEN {
            if let (Some(_), Some(name)) = (typed(mistaken.name), mistaken.replaced_by) {
                raw.errors.push(format!(
                    "`{}` is not an input of this action: use `{name}`",
                    mistaken.name
                ));
            }
        }
        match raw.switch() {
            Some(switch) => raw.compare_old_environment(env, switch),
            None => raw.read_old_environment(env),
        }
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

    /// The input that enables a part, as it was typed.
    fn switch(&self) -> Option<&'static str> {
        ["bucket", "distribution", "application-name"]
            .into_iter()
            .find_map(|switch| Some(self.get(switch)?.name))
    }

    /// Where an input enables a part, the variables of old steps are somebody else's: none of them counts. One that says
    /// from where, or to where, this step may be meant to sync is an error.
    fn compare_old_environment(&mut self, env: &Env, switch: &str) {
        let is_rollback = self.value("command") == Some(Command::Rollback.name());
        for (variable, name, value) in old_environment(env) {
            if self.values.contains_key(name) {
                self.insert(name, variable, value);
                continue;
            }
            let is_needed = match name {
                "source" => !is_rollback,
                "prefix" | "endpoint-url" => true,
                _ => false,
            };
            // A step of the backend has nothing to do with the directories of the job's sync.
            if self.values.contains_key("bucket") && is_needed {
                self.errors.push(format!(
                    "`{variable}` is set in the environment, and `{name}` is not set beside `{switch}`: set `{name}` to say \
                     what is meant, or `{variable}: ''` in the `env` of this step to use the default"
                ));
            } else {
                self.notices.push(format!(
                    "`{variable}` in the environment is ignored, because the input `{switch}` says what this step does: set \
                     `{name}` to use it"
                ));
            }
        }
    }

    /// The old names alone say which old step this is; an empty switch among them is an unset secret.
    fn read_old_environment(&mut self, env: &Env) {
        for name in ["AWS_S3_BUCKET", "DISTRIBUTION"] {
            if env.present(name).is_some_and(|value| value.trim().is_empty()) {
                self.errors.push(format!(
                    "the environment variable `{name}` is present but empty. Is the secret or variable it comes from defined for this repository and environment?"
                ));
            }
        }
        let names = self.old_names(env);
        let step = OldStep::of(names);
        if names.may_be_a_sync() {
            self.warnings.push(GUESSED.to_owned());
        }
        let unclear = match step {
            OldStep::Ambiguous => Some(AMBIGUOUS),
            OldStep::EmptyPaths => Some(EMPTY_PATHS),
            OldStep::Neither | OldStep::Sync | OldStep::Invalidation | OldStep::Both => None,
        };
        if let Some(error) = unclear {
            self.is_unclear = true;
            self.errors.push(error.to_owned());
            return;
        }
        let has_file = old_environment(env).any(|(variable, ..)| variable == "PATHS_FROM");
        for (variable, name, value) in old_environment(env) {
            if variable == "PATHS" && has_file && step.takes(name) {
                let overridden =
                    "`PATHS` in the environment is ignored: `PATHS_FROM` overrides it, as in the old action";
                self.notices.push(overridden.to_owned());
            } else if step.takes(name) {
                self.insert_old(name, variable, value, env);
            } else if step != OldStep::Neither {
                // Beside an input that enables a part, no old variable counts: one of both alone would not do.
                let both = match name {
                    "bucket" | "distribution" => {
                        "; to sync and invalidate in one step, give `bucket` and `distribution` as inputs"
                    }
                    _ => "",
                };
                self.notices.push(format!(
                    "`{variable}` in the environment is ignored: this step is {}{both}",
                    step.describe()
                ));
            }
        }
        self.split_old_bucket();
    }

    /// The old action wrote `s3://${AWS_S3_BUCKET}/${DEST_DIR}`, so that a path could stand in the first, too.
    fn split_old_bucket(&mut self) {
        let prefix = self.get("prefix").cloned();
        if prefix.as_ref().is_some_and(|prefix| prefix.name != "DEST_DIR") {
            return;
        }
        let Some(given) = self
            .values
            .get_mut("bucket")
            .filter(|given| given.name == "AWS_S3_BUCKET")
        else {
            return;
        };
        let Some((bucket, path)) = given.value.split_once('/') else {
            return;
        };
        // An ARN or an address is told apart, and a slash at the end made keys that begin with one.
        if bucket.contains(':') || bucket.ends_with(".amazonaws.com") || path.is_empty() || path.ends_with('/') {
            return;
        }
        let below = prefix.map(|prefix| format!("/{}", prefix.value)).unwrap_or_default();
        let (bucket, path) = (bucket.to_owned(), format!("{path}{below}"));
        self.notices.push(format!(
            "`AWS_S3_BUCKET` is `{}`: the bucket is `{bucket}`, and keys go below `{path}`",
            given.value
        ));
        given.value = bucket;
        let name = "AWS_S3_BUCKET";
        self.values.insert("prefix", InputValue { value: path, name });
    }

    fn old_names(&self, env: &Env) -> OldNames {
        let set = |names: &[&str]| old_environment(env).any(|(variable, ..)| names.contains(&variable));
        let given = |part: Part| {
            INPUTS
                .iter()
                .any(|spec| spec.part == part && self.values.contains_key(spec.name))
        };
        let paths = set(&["PATHS", "PATHS_FROM"]);
        OldNames {
            bucket: set(&["AWS_S3_BUCKET"]),
            directories: set(&["SOURCE_DIR", "DEST_DIR", "AWS_S3_ENDPOINT"]),
            site_inputs: given(Part::Site),
            distribution: set(&["DISTRIBUTION"]),
            paths,
            empty_paths: !paths && ["PATHS", "PATHS_FROM"].iter().any(|name| env.present(name).is_some()),
            cdn_inputs: given(Part::Cdn),
        }
    }

    /// Takes an old variable as the old action did: the shell of the sync expanded what stood in it.
    fn insert_old(&mut self, name: &'static str, variable: &'static str, value: &str, env: &Env) {
        if !is_expanded(variable) {
            self.insert(name, variable, value);
            return;
        }
        match expand(value, env, Purpose::Value) {
            Ok(expansion) => {
                for (inner, to) in &expansion.variables {
                    self.notices.push(format!(
                        "`{variable}`: `${inner}` is expanded to `{}`",
                        shown_variable(inner, to)
                    ));
                }
                if expansion.is_unquoted {
                    self.notices.push(format!(
                        "`{variable}`: `{value}` is read as `{}`, as the old action's shell read it",
                        expansion.text
                    ));
                }
                if !expansion.text.trim().is_empty() {
                    self.insert(name, variable, expansion.text.trim());
                } else if variable == "AWS_S3_BUCKET" {
                    self.is_unclear = true;
                    self.errors.push(format!(
                        "`AWS_S3_BUCKET` is `{}`, which expands to nothing: set what stands in it",
                        shown_text(value)
                    ));
                } else if variable == "SOURCE_DIR" {
                    // The old default was for a variable without a text, not for one that becomes nothing.
                    self.errors.push(format!(
                        "`SOURCE_DIR` is `{}`, which expands to nothing: set what stands in it, or remove `SOURCE_DIR` \
                         to sync the whole workspace",
                        shown_text(value)
                    ));
                }
            }
            Err(errors) => {
                // What is without its bucket or distribution now is no error of its own.
                self.is_unclear |= matches!(variable, "AWS_S3_BUCKET" | "DISTRIBUTION");
                self.errors
                    .extend(errors.into_iter().map(|error| format!("`{variable}` {error}")));
            }
        }
    }

    fn insert(&mut self, name: &'static str, typed_as: &'static str, value: &str) {
        match self.values.get(name) {
            Some(given) if given.value != value => {
                let error = conflict(given, name, typed_as, value);
                self.errors.push(error);
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

/// The error for two names of one input with different values.
fn conflict(given: &InputValue, name: &str, typed_as: &str, value: &str) -> String {
    let flag = given.name.starts_with("--");
    let is_input = |spec: &InputSpec| spec.name == typed_as;
    let is_alias = |alias: &Alias| alias.name == typed_as;
    // Whoever types flags knows the environment's names, not those of `with:`.
    let other = match flag && (INPUTS.iter().any(is_input) || ALIASES.iter().any(is_alias)) {
        true => variable(typed_as),
        false => typed_as.to_owned(),
    };
    let keep = if flag {
        "keep one of them".to_owned()
    } else {
        format!("keep `{name}`")
    };
    let (one, two) = (shown(name, &given.value), shown(name, value));
    if one == two {
        format!(
            "`{}` and `{other}` are the same input with different values: {keep}",
            given.name
        )
    } else {
        format!(
            "`{}` is `{one}` and `{other}` is `{two}`, but they are the same input: {keep}",
            given.name
        )
    }
}
