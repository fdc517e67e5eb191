//! What `command: check` found: data, log lines and Markdown.

use serde_json::Value;

use crate::core::error::RenderedError;
use crate::core::iam::allowance::see_policy;
use crate::core::report::markdown::{advice, code, prose, table};
use crate::core::report::policy::policy_text;

/// Everything that a check found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CheckResult {
    /// In the order of a run.
    pub(crate) findings: Vec<Finding>,
    /// The IAM policy for these inputs.
    pub(crate) policy: Value,
    /// What the policy cannot say.
    pub(crate) notes: Vec<String>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// What was looked at, such as ``bucket `my-site` ``.
    pub(crate) what: String,
    /// How it is.
    pub(crate) status: CheckStatus,
    /// What was seen.
    pub(crate) text: String,
    /// What to do.
    pub(crate) hint: Option<String>,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CheckStatus {
    /// As it should be.
    Ok,
    /// A deploy works; something else will not, or may not be meant.
    Warning,
    /// A deploy would fail.
    Problem,
    /// Only a write could tell.
    NotChecked,
}

impl CheckStatus {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem => "problem",
            Self::NotChecked => "not checked",
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::Ok => "✅",
            Self::Warning => "⚠️",
            Self::Problem => "❌",
            Self::NotChecked => "➖",
        }
    }
}

impl Finding {
    /// A finding without advice.
    pub(crate) fn new(what: impl Into<String>, status: CheckStatus, text: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            status,
            text: text.into(),
            hint: None,
        }
    }

    /// A finding about a read that failed: a problem, unless a deploy could do without it.
    pub(crate) fn failed(what: impl Into<String>, error: &anyhow::Error, status: CheckStatus) -> Self {
        let failure = RenderedError::from(error);
        let finding = Self::new(what, status, failure.message);
        match failure.hint {
            Some(hint) => finding.hint(hint),
            None => finding,
        }
    }

    /// This finding with advice.
    #[must_use]
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self {
            hint: Some(see_policy(&hint.into())),
            ..self
        }
    }
}

impl CheckResult {
    /// The findings that would make a deploy fail.
    pub(crate) fn problems(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.status == CheckStatus::Problem)
    }

    /// Whether a deploy could work.
    ///
    /// # Errors
    /// It would fail; all reasons in one error.
    pub(crate) fn verdict(&self) -> anyhow::Result<()> {
        let problems: Vec<String> = self
            .problems()
            .map(|finding| format!("{}: {}", finding.what, finding.text))
            .collect();
        anyhow::ensure!(
            problems.is_empty(),
            "a deploy with these inputs would fail: {}",
            problems.join("; ")
        );
        Ok(())
    }

    /// The log: a line for each finding, its advice below it, and the policy.
    #[must_use]
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for finding in &self.findings {
            lines.push(format!(
                "{:<12}{}: {}",
                finding.status.word(),
                finding.what,
                finding.text
            ));
            let hint = finding.hint.as_deref().unwrap_or_default();
            lines.extend(hint.lines().map(|line| format!("{:12}{line}", "")));
        }
        lines.push(String::new());
        lines.push("IAM policy for these inputs:".to_owned());
        lines.extend(policy_text(&self.policy).lines().map(ToOwned::to_owned));
        lines.extend(self.notes.iter().cloned());
        lines
    }

    /// Markdown for the step summary.
    #[must_use]
    pub(crate) fn markdown(&self) -> String {
        let rows: Vec<Vec<String>> = self
            .findings
            .iter()
            .map(|finding| {
                // A column of its own would be empty nearly everywhere, and too wide where it is not.
                let hint = finding.hint.as_deref().map(advice);
                let hint = hint
                    .map(|hint| format!("<br>**What to do:** {hint}"))
                    .unwrap_or_default();
                vec![
                    finding.status.sign().to_owned(),
                    prose(&finding.what),
                    format!("{}{hint}", prose(&finding.text)),
                ]
            })
            .collect();
        let mut out = table(&["", "What", "Seen"], &rows);
        out.push_str("\n<details><summary>IAM policy for these inputs</summary>\n\n");
        // `code` leaves nothing in it that could end a block or be more than text.
        for line in policy_text(&self.policy).lines() {
            let indent = line.len() - line.trim_start().len();
            out.push_str(&"&nbsp;".repeat(indent));
            out.push_str(&code(line.trim_start()));
            out.push_str("<br>\n");
        }
        out.push_str("\n</details>\n\n");
        for note in &self.notes {
            out.push_str(&prose(note));
            out.push_str("\n\n");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result() -> CheckResult {
        CheckResult {
            findings: vec![
                Finding::new("bucket `b`", CheckStatus::Ok, "in `eu-west-1`"),
                Finding::new("versioning", CheckStatus::Warning, "off | <b>").hint("turn it on:\naws s3api …"),
            ],
            policy: serde_json::json!({"Statement": [{"Resource": "arn:aws:s3:::b/</code><img>*"}]}),
            notes: vec!["attach _this_ as well".to_owned()],
        }
    }

    #[test]
    fn the_log_has_a_line_for_each_finding_and_the_policy() {
        let lines = result().lines();
        assert_eq!(lines[0], "ok          bucket `b`: in `eu-west-1`");
        assert_eq!(lines[2], "            turn it on:");
        assert_eq!(lines[3], "            aws s3api …");
        assert!(lines.iter().any(|line| line.contains("\"Statement\"")));
        assert_eq!(lines.last().map(String::as_str), Some("attach _this_ as well"));
    }

    #[test]
    fn nothing_in_the_summary_acts() {
        let markdown = result().markdown();
        assert!(markdown.contains("off \\| &lt;b&gt;"), "{markdown}");
        assert!(!markdown.contains("<img>"), "{markdown}");
        assert!(markdown.contains("turn it on:<br><code>aws s3api"), "{markdown}");
    }

    #[test]
    fn only_problems_stop_a_deploy() {
        assert_eq!(result().problems().count(), 0);
    }
}
