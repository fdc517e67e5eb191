//! Version labels and descriptions: templates, filled and checked.
//!
//! Values come in as data; this module reads no clock and no environment.

use chrono::{DateTime, SecondsFormat, Utc};

/// Longest label that Beanstalk takes, in characters, and what it refuses in one: "Member must have length less than
/// or equal to 100 … must satisfy regular expression pattern: `[^/]+`"
/// (<https://github.com/aws/aws-elastic-beanstalk-cli/pull/31>).
pub(crate) const LABEL_LIMIT: usize = 100;

/// Longest description that Beanstalk takes, in characters
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_CreateApplicationVersion.html>).
pub(crate) const DESCRIPTION_LIMIT: usize = 200;

/// The placeholders, as they are typed.
pub(crate) const PLACEHOLDERS: [&str; 8] = [
    "{timestamp}",
    "{sha}",
    "{short-sha}",
    "{ref}",
    "{repo}",
    "{run-id}",
    "{run-number}",
    "{run-attempt}",
];

/// What placeholders stand for.
#[derive(Debug, Clone)]
pub(crate) struct LabelValues {
    /// When the run started.
    pub(crate) timestamp: DateTime<Utc>,
    /// The full commit id.
    pub(crate) sha: Option<String>,
    /// The branch's or tag's name.
    pub(crate) ref_name: Option<String>,
    /// The repository's name without its owner.
    pub(crate) repo: Option<String>,
    /// `GITHUB_RUN_ID`.
    pub(crate) run_id: Option<String>,
    /// `GITHUB_RUN_NUMBER`.
    pub(crate) run_number: Option<String>,
    /// `GITHUB_RUN_ATTEMPT`.
    pub(crate) run_attempt: Option<String>,
}

/// Fills `template` and checks the label that comes out.
///
/// # Errors
/// What is wrong with the template or the label, and what is legal.
pub(crate) fn fill(template: &str, values: &LabelValues) -> Result<String, String> {
    let parts = parse(template)?;
    let mut names = Names::new(values);
    let mut label = render(&parts, values, &names)?;
    while label.chars().count() > LABEL_LIMIT && names.shorten(&parts) {
        label = render(&parts, values, &names)?;
    }
    check(&label)?;
    Ok(label)
}

/// The version's description: `template` filled, else the commit's subject, else its id; one line of at most
/// [`DESCRIPTION_LIMIT`] characters, empty when nothing is known.
///
/// # Errors
/// What is wrong with the template.
pub(crate) fn description(
    template: Option<&str>,
    values: &LabelValues,
    commit_subject: Option<&str>,
) -> Result<String, String> {
    let text = match template {
        Some(template) => render(&parse(template)?, values, &Names::new(values))?,
        None => commit_subject.or(values.sha.as_deref()).unwrap_or_default().to_owned(),
    };
    let one_line: String = text
        .chars()
        .map(|character| {
            if character == '\n' || character == '\t' {
                ' '
            } else {
                character
            }
        })
        .filter(|character| !character.is_control())
        .collect();
    Ok(one_line.trim().chars().take(DESCRIPTION_LIMIT).collect())
}

/// A piece of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LabelPart<'t> {
    Text(&'t str),
    Timestamp,
    Sha,
    ShortSha,
    Ref,
    Repo,
    RunId,
    RunNumber,
    RunAttempt,
}

fn parse(template: &str) -> Result<Vec<LabelPart<'_>>, String> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some(start) = rest.find('{') {
        let (text, from_brace) = rest.split_at(start);
        let end = from_brace
            .find('}')
            .ok_or_else(|| format!("`{template}` has a `{{` without a `}}`"))?;
        let (placeholder, after) = from_brace.split_at(end + 1);
        if !text.is_empty() {
            parts.push(LabelPart::Text(text));
        }
        parts.push(match placeholder {
            "{timestamp}" => LabelPart::Timestamp,
            "{sha}" => LabelPart::Sha,
            "{short-sha}" => LabelPart::ShortSha,
            "{ref}" => LabelPart::Ref,
            "{repo}" => LabelPart::Repo,
            "{run-id}" => LabelPart::RunId,
            "{run-number}" => LabelPart::RunNumber,
            "{run-attempt}" => LabelPart::RunAttempt,
            unknown => {
                let valid = PLACEHOLDERS.map(|name| format!("`{name}`")).join(", ");
                return Err(format!(
                    "`{template}` has an unknown placeholder `{unknown}`; valid placeholders: {valid}"
                ));
            }
        });
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(LabelPart::Text(rest));
    }
    Ok(parts)
}

fn render(parts: &[LabelPart<'_>], values: &LabelValues, names: &Names) -> Result<String, String> {
    let mut out = String::new();
    for part in parts {
        let value = match part {
            LabelPart::Text(text) => Some((*text).to_owned()),
            LabelPart::Timestamp => Some(timestamp(values.timestamp)),
            LabelPart::Sha => values.sha.clone(),
            LabelPart::ShortSha => values.sha.as_ref().map(|sha| sha.chars().take(7).collect()),
            LabelPart::Ref => names.ref_name.clone(),
            LabelPart::Repo => names.repo.clone(),
            LabelPart::RunId => values.run_id.clone(),
            LabelPart::RunNumber => values.run_number.clone(),
            LabelPart::RunAttempt => values.run_attempt.clone(),
        };
        let value = value.ok_or_else(|| missing(part))?;
        match part {
            LabelPart::Text(text) => out.push_str(text),
            _ => out.push_str(&value.replace('/', "-")),
        }
    }
    Ok(out)
}

/// `2021-01-03T12-34-56-789Z`: ISO 8601 with `:` and `.` replaced, the shape that the chain of current-time and
/// replace-string actions makes.
fn timestamp(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true).replace([':', '.'], "-")
}

fn missing(part: &LabelPart<'_>) -> String {
    let (placeholder, variable) = match part {
        LabelPart::Sha => ("{sha}", "GITHUB_SHA"),
        LabelPart::ShortSha => ("{short-sha}", "GITHUB_SHA"),
        LabelPart::Ref => ("{ref}", "GITHUB_REF_NAME"),
        LabelPart::Repo => ("{repo}", "GITHUB_REPOSITORY"),
        LabelPart::RunId => ("{run-id}", "GITHUB_RUN_ID"),
        LabelPart::RunNumber => ("{run-number}", "GITHUB_RUN_NUMBER"),
        LabelPart::RunAttempt => ("{run-attempt}", "GITHUB_RUN_ATTEMPT"),
        LabelPart::Text(_) | LabelPart::Timestamp => ("{timestamp}", "the clock"),
    };
    format!("`{placeholder}` has no value here: `{variable}` is not set")
}

fn check(label: &str) -> Result<(), String> {
    let length = label.chars().count();
    if label.trim().is_empty() {
        return Err("the label is empty; it needs 1 to 100 characters".to_owned());
    }
    if length > LABEL_LIMIT {
        return Err(format!(
            "`{label}` has {length} characters; a version label has at most {LABEL_LIMIT}"
        ));
    }
    if label.contains('/') {
        return Err(format!("`{label}` has a `/`, which a version label cannot have"));
    }
    if let Some(control) = label.chars().find(|character| character.is_control()) {
        return Err(format!(
            "`{}` has the control character {}, which a version label cannot have",
            label.escape_debug(),
            control.escape_unicode()
        ));
    }
    if label.trim() != label {
        return Err(format!("`{label}` begins or ends with white space"));
    }
    Ok(())
}

/// The two values that may be cut to make a label fit.
struct Names {
    ref_name: Option<String>,
    repo: Option<String>,
}

impl Names {
    fn new(values: &LabelValues) -> Self {
        Self {
            ref_name: values.ref_name.clone(),
            repo: values.repo.clone(),
        }
    }

    /// Takes one character off the longer of those that `parts` uses; `false` when none can spare one.
    fn shorten(&mut self, parts: &[LabelPart<'_>]) -> bool {
        let length = |name: &Option<String>, used: bool| match name {
            Some(name) if used => name.chars().count(),
            _ => 0,
        };
        let ref_length = length(&self.ref_name, parts.contains(&LabelPart::Ref));
        let repo_length = length(&self.repo, parts.contains(&LabelPart::Repo));
        let (longer, name) = if ref_length >= repo_length {
            (ref_length, &mut self.ref_name)
        } else {
            (repo_length, &mut self.repo)
        };
        match name {
            Some(name) if longer > 1 => {
                name.pop();
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> LabelValues {
        LabelValues {
            timestamp: DateTime::from_timestamp_millis(1_609_677_296_789).expect("a time"),
            sha: Some("0123456789abcdef0123456789abcdef01234567".into()),
            ref_name: Some("feature/login".into()),
            repo: Some("my-app".into()),
            run_id: Some("42".into()),
            run_number: Some("7".into()),
            run_attempt: Some("2".into()),
        }
    }

    #[test]
    fn fills_every_placeholder() {
        for (template, label) in [
            ("python-{timestamp}", "python-2021-01-03T12-34-56-789Z"),
            ("{repo}-{timestamp}", "my-app-2021-01-03T12-34-56-789Z"),
            ("{short-sha}", "0123456"),
            ("{sha}", "0123456789abcdef0123456789abcdef01234567"),
            ("{ref}", "feature-login"),
            ("{run-id}.{run-number}.{run-attempt}", "42.7.2"),
            ("plain label", "plain label"),
        ] {
            assert_eq!(fill(template, &values()).as_deref(), Ok(label), "{template}");
        }
    }

    #[test]
    fn refuses_what_beanstalk_refuses() {
        for (template, reason) in [
            ("{nope}", "unknown placeholder `{nope}`"),
            ("v{", "without a `}`"),
            ("a/b", "has a `/`"),
            (" v1", "white space"),
            ("v1\n", "control character"),
            ("  ", "empty"),
            ("", "empty"),
            (&"x".repeat(101), "101 characters"),
        ] {
            let error = fill(template, &values()).expect_err(template);
            assert!(error.contains(reason), "{template:?}: {error}");
        }
    }

    #[test]
    fn a_placeholder_without_value_is_an_error() {
        let values = LabelValues { sha: None, ..values() };
        let error = fill("{sha}", &values).expect_err("no sha");
        assert!(error.contains("GITHUB_SHA"), "{error}");
    }

    #[test]
    fn cuts_the_longer_of_repository_and_ref_to_fit() {
        let values = LabelValues {
            ref_name: Some("r".repeat(150)),
            repo: Some("é".repeat(60)),
            ..values()
        };
        let label = fill("{repo}-{ref}-{short-sha}", &values).expect("a label");
        assert_eq!(label.chars().count(), LABEL_LIMIT);
        assert!(label.ends_with("-0123456"), "{label}");
        assert_eq!(label.matches('é').count(), 46);
        assert_eq!(label.matches('r').count(), 45);
    }

    #[test]
    fn text_of_the_template_is_never_cut() {
        let template = format!("{}{{repo}}", "x".repeat(100));
        assert!(fill(&template, &values()).is_err());
    }

    #[test]
    fn description_is_one_line_and_cut_between_characters() {
        let long = "ü".repeat(300);
        let text = description(None, &values(), Some(&long)).expect("a description");
        assert_eq!(text.chars().count(), DESCRIPTION_LIMIT);
        let text = description(None, &values(), Some("Fix\u{7} it\r\nbody")).expect("a description");
        assert_eq!(text, "Fix it body");
        let text = description(Some("run {run-id} of {ref}"), &values(), Some("no")).expect("a description");
        assert_eq!(text, "run 42 of feature-login");
        let text = description(None, &values(), None).expect("a description");
        assert_eq!(text, "0123456789abcdef0123456789abcdef01234567");
        assert!(description(Some("{nope}"), &values(), None).is_err());
    }
}
