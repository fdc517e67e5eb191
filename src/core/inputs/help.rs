//! The answer to `--help`: every input, from the one table.

use std::fmt::Write as _;

use crate::core::inputs::table::{INPUTS, InputSpec, Section};

/// The most characters of a line.
const WIDTH: usize = 100;

const HEAD: &str = "\
Deploys a web project to S3, CloudFront and Elastic Beanstalk, and rolls it back.

Usage: aws-web-deploy --bucket NAME [--source DIRECTORY] [--distribution IDS] [FLAGS]
       aws-web-deploy --application-name NAME --environment-name NAMES --package PATH [FLAGS]
       aws-web-deploy --command rollback [--to RELEASE] [FLAGS]

Write `--name value` or `--name=value`. A boolean without a value is `true`.
A flag whose value is a list may be given several times.
";

const TAIL: &str = "
Every input can come from the environment instead: `AWD_` and its name, such as `AWD_DRY_RUN=true`.
A flag and a variable with different values are an error. Credentials come from the usual places of
the AWS SDKs; prefer these, or variables, to flags: other users of the machine can see a command line.

  --help, -h
      This text.
  --version
      Version, target and the digest of the sources.

Exit codes: 0 done or nothing to do, 1 the deployment failed, 2 wrong inputs, 130 cancelled.
";

/// The text, for a terminal.
#[must_use]
pub fn help() -> String {
    let mut out = HEAD.to_owned();
    let mut section = None;
    for spec in INPUTS {
        if section != Some(spec.section) {
            let _ = write!(out, "\n{}:\n", title(spec.section));
            section = Some(spec.section);
        }
        let _ = writeln!(out, "  {}", usage(spec));
        for line in wrapped(&described(spec), WIDTH - 6) {
            let _ = writeln!(out, "      {line}");
        }
    }
    out.push_str(TAIL);
    out
}

const fn title(section: Section) -> &'static str {
    match section {
        Section::Parts => "Parts, each optional",
        Section::Run => "What to do",
        Section::Aws => "AWS",
        Section::Site => "Site",
        Section::Cdn => "CloudFront",
        Section::Backend => "Elastic Beanstalk",
        Section::Release => "Rollback, records and GitHub",
    }
}

fn usage(spec: &InputSpec) -> String {
    match spec.placeholder {
        "BOOLEAN" => format!("{} [true|false]", spec.flag),
        placeholder => format!("{} {placeholder}", spec.flag),
    }
}

fn described(spec: &InputSpec) -> String {
    match spec.default {
        // An expression of a workflow is no default here.
        default if default.is_empty() || default.contains("${{") => spec.description.to_owned(),
        default => format!("{} Default: {default}.", spec.description),
    }
}

/// The words of `text` in lines of at most `width` characters; a longer word has a line of its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_is_there_once_with_its_words() {
        let help = help();
        for spec in INPUTS {
            let line = format!("\n  {}\n", usage(spec));
            assert_eq!(help.matches(&line).count(), 1, "{line}");
        }
        assert!(help.contains("--bucket NAME\n"));
        assert!(help.contains("--dry-run [true|false]\n"));
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        for spec in INPUTS {
            assert!(words(&help).contains(&words(&described(spec))), "{}", spec.name);
        }
    }

    #[test]
    fn lines_fit_a_terminal() {
        let long: Vec<String> = help()
            .lines()
            .filter(|line| line.chars().count() > WIDTH + 2)
            .map(ToOwned::to_owned)
            .collect();
        assert_eq!(long, Vec::<String>::new());
        assert_eq!(wrapped("a bb ccc dddddd", 4), ["a bb", "ccc", "dddddd"]);
    }
}
