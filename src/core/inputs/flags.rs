//! The inputs as flags of a command line: `--bucket my-site --dry-run`.

use std::collections::BTreeMap;

use crate::core::inputs::distance::distance;
use crate::core::inputs::shown::shown;
use crate::core::inputs::table::{INPUTS, InputSpec};
use crate::core::secret::shown_text;

/// What the command line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invocation {
    /// `--help` or `-h`.
    Help,
    /// `--version`.
    Version,
    /// A run with these inputs.
    Run(FlagValues),
}

/// The inputs that were given as flags.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FlagValues {
    /// By the name of the input, trimmed, never empty: an empty value is none, as in `with:`.
    pub(crate) values: BTreeMap<&'static str, String>,
    /// What is wrong with the command line; reported together with what is wrong with the values.
    pub(crate) errors: Vec<String>,
}

impl Invocation {
    /// Reads the arguments behind the name of the program.
    ///
    /// `--name value` and `--name=value`; a boolean without a value is `true`. Nothing is refused here: errors are
    /// reported with those of the values.
    #[must_use]
    pub fn read(arguments: impl IntoIterator<Item = String>) -> Self {
        let mut flags = FlagValues::default();
        let mut arguments = arguments.into_iter().peekable();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--help" | "-h" => return Self::Help,
                "--version" => return Self::Version,
                _ => {}
            }
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), None),
            };
            let Some(spec) = find(name) else {
                // The value of an unknown flag must not be reported as a second mistake.
                let followed = value.is_none() && name.starts_with("--");
                if followed {
                    let _ = arguments.next_if(|next| !next.starts_with('-'));
                }
                flags.errors.push(unknown(name));
                continue;
            };
            let value = value.or_else(|| {
                arguments.next_if(|next| {
                    if is_boolean(spec) {
                        ["true", "false"].contains(&next.to_ascii_lowercase().as_str())
                    } else {
                        !is_flag(next)
                    }
                })
            });
            match value {
                Some(value) => flags.insert(spec, value.trim()),
                None if is_boolean(spec) => flags.insert(spec, "true"),
                None => flags.errors.push(format!(
                    "`{0}` needs a value: `{0} {1}`, or `{0}={1}` for one that begins with `--`",
                    spec.flag, spec.placeholder
                )),
            }
        }
        Self::Run(flags)
    }
}

impl FlagValues {
    fn insert(&mut self, spec: &InputSpec, value: &str) {
        if value.is_empty() {
            return;
        }
        match self.values.get_mut(spec.name) {
            None => {
                self.values.insert(spec.name, value.to_owned());
            }
            Some(given) if is_list(spec) => {
                given.push('\n');
                given.push_str(value);
            }
            Some(given) if given == value => {}
            Some(given) => {
                let (one, two) = (shown(spec.name, given), shown(spec.name, value));
                let values = match one == two {
                    true => String::new(),
                    false => format!(", `{one}` and `{two}`"),
                };
                self.errors
                    .push(format!("`{}` is given twice with different values{values}", spec.flag));
            }
        }
    }
}

fn find(flag: &str) -> Option<&'static InputSpec> {
    INPUTS.iter().find(|spec| spec.flag == flag)
}

fn is_flag(argument: &str) -> bool {
    let name = argument.split_once('=').map_or(argument, |(name, _)| name);
    ["--help", "--version"].contains(&name) || find(name).is_some()
}

fn is_boolean(spec: &InputSpec) -> bool {
    spec.placeholder == "BOOLEAN"
}

/// Whether a flag that is given again adds to what it was given before.
fn is_list(spec: &InputSpec) -> bool {
    ["COLORS", "IDS", "LINES", "NAMES", "PATHS", "PATTERNS"].contains(&spec.placeholder)
}

fn unknown(argument: &str) -> String {
    if ["deploy", "rollback", "check"].contains(&argument) {
        return format!("unexpected argument `{argument}`: write `--command {argument}`");
    }
    if !argument.starts_with('-') {
        let argument = shown_text(argument);
        return format!("unexpected argument `{argument}`: every input is a flag, see `--help`");
    }
    let shown = shown_text(argument);
    let bare = argument.trim_start_matches('-').replace('_', "-");
    let nearest = INPUTS
        .iter()
        .map(|spec| (distance(&bare, spec.name), spec.flag))
        .min()
        .filter(|&(distance, _)| distance <= bare.len().div_ceil(3));
    match nearest {
        Some((_, flag)) => format!("unknown flag `{shown}`: did you mean `{flag}`?"),
        None => format!("unknown flag `{shown}`: `--help` lists all flags"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(line: &str) -> FlagValues {
        let words = shell_words::split(line).expect("a command line");
        match Invocation::read(words) {
            Invocation::Run(flags) => flags,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[track_caller]
    fn assert_values(line: &str, expected: &[(&str, &str)]) {
        let flags = flags(line);
        assert_eq!(flags.errors, Vec::<String>::new(), "{line}");
        let values: Vec<(&str, &str)> = flags
            .values
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(values, expected, "{line}");
    }

    #[track_caller]
    fn assert_error(line: &str, expected: &str) {
        assert_eq!(flags(line).errors, [expected], "{line}");
    }

    #[test]
    fn values_stand_behind_a_space_or_an_equals_sign() {
        assert_values("", &[]);
        assert_values("--bucket b --source=out", &[("bucket", "b"), ("source", "out")]);
        assert_values(
            "--headers '*.html Cache-Control: a=b'",
            &[("headers", "*.html Cache-Control: a=b")],
        );
        assert_values("--cache-control=max-age=60", &[("cache-control", "max-age=60")]);
        assert_values("--max-delete -1", &[("max-delete", "-1")]);
    }

    #[test]
    fn a_boolean_without_a_value_is_true() {
        assert_values("--dry-run --bucket b", &[("bucket", "b"), ("dry-run", "true")]);
        assert_values("--bucket b --dry-run", &[("bucket", "b"), ("dry-run", "true")]);
        assert_values("--delete False --force=true", &[("delete", "False"), ("force", "true")]);
    }

    #[test]
    fn an_empty_value_is_none() {
        assert_values("--bucket '' --source= --prefix ' '", &[]);
    }

    #[test]
    fn flags_of_another_tool_are_a_value() {
        assert_values(
            "--args '--acl public-read --delete' --bucket b",
            &[("args", "--acl public-read --delete"), ("bucket", "b")],
        );
        assert_values("--args=--delete", &[("args", "--delete")]);
        assert_error(
            "--args --delete",
            "`--args` needs a value: `--args FLAGS`, or `--args=FLAGS` for one that begins with `--`",
        );
        assert_eq!(
            flags("--args --delete").values.get("delete").map(String::as_str),
            Some("true")
        );
    }

    #[test]
    fn lists_grow_and_other_inputs_have_one_value() {
        assert_values("--exclude 'a b' --exclude '*.map'", &[("exclude", "a b\n*.map")]);
        assert_values("--distribution E1 --distribution E2", &[("distribution", "E1\nE2")]);
        assert_values("--bucket b --bucket b", &[("bucket", "b")]);
        assert_error(
            "--bucket a --bucket b",
            "`--bucket` is given twice with different values, `a` and `b`",
        );
        assert_error(
            "--github-token a --github-token b",
            "`--github-token` is given twice with different values",
        );
    }

    #[test]
    fn an_unknown_flag_proposes_the_nearest() {
        for (line, expected) in [
            ("--bukcet b", "unknown flag `--bukcet`: did you mean `--bucket`?"),
            (
                "--application_name=x",
                "unknown flag `--application_name`: did you mean `--application-name`?",
            ),
            ("-bucket", "unknown flag `-bucket`: did you mean `--bucket`?"),
            ("--dryrun", "unknown flag `--dryrun`: did you mean `--dry-run`?"),
            (
                "--frobnicate-all 7",
                "unknown flag `--frobnicate-all`: `--help` lists all flags",
            ),
            ("rollback", "unexpected argument `rollback`: write `--command rollback`"),
            (
                "s3://b",
                "unexpected argument `s3://b`: every input is a flag, see `--help`",
            ),
        ] {
            assert_error(line, expected);
        }
    }

    #[test]
    fn help_and_version_stand_anywhere_but_for_a_value() {
        let read = |line: &str| Invocation::read(shell_words::split(line).expect("a command line"));
        for line in ["--help", "-h", "--bucket b --help", "--bucket --help", "--wrong --help"] {
            assert_eq!(read(line), Invocation::Help, "{line}");
        }
        assert_eq!(read("--version"), Invocation::Version);
        assert!(matches!(read("--verify-contains=--help"), Invocation::Run(_)));
    }
}
