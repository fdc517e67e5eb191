//! The summary's first line.

use crate::core::context::RunContext;
use crate::core::report::markdown::link;
use crate::core::report::{Outcome, Report};

/// What was done, with which commit, and how long it took.
#[must_use]
pub(crate) fn title(report: &Report, context: &RunContext) -> String {
    let (verb, noun) = match report.command.as_str() {
        "rollback" => ("Rolled back", "Rollback"),
        "check" => ("Checked", "Check"),
        _ => ("Deployed", "Deployment"),
    };
    let commit = match report.command.as_str() {
        "deploy" => commit(context, context.sha.as_deref()).map(|commit| format!(" {commit}")),
        _ => None,
    };
    let commit = commit.unwrap_or_default();
    let seconds = format!("{:.1} s", report.seconds);
    match report.outcome {
        Outcome::Failed if report.rolled_back => {
            format!("❌ {noun}{} failed after {seconds}, and was rolled back", of(&commit))
        }
        Outcome::Failed => format!("❌ {noun}{} failed after {seconds}", of(&commit)),
        Outcome::Cancelled => format!("⚠️ {noun}{} cancelled after {seconds}", of(&commit)),
        Outcome::Succeeded | Outcome::Unchanged if report.dry_run => {
            format!(
                "✅ {noun}{} planned in {seconds}: a dry run, nothing was changed",
                of(&commit)
            )
        }
        Outcome::Succeeded => format!("✅ {verb}{commit} in {seconds}"),
        Outcome::Unchanged => format!(
            "✅ {noun}{}: nothing to do, all is as it should be ({seconds})",
            of(&commit)
        ),
    }
}

fn of(commit: &str) -> String {
    if commit.is_empty() {
        String::new()
    } else {
        format!(" of{commit}")
    }
}

/// A commit as a link, where its page is known.
#[must_use]
pub(crate) fn commit(context: &RunContext, sha: Option<&str>) -> Option<String> {
    let sha = sha?;
    let short = sha.get(..7).unwrap_or(sha);
    Some(link(short, &context.commit_url(sha)?))
}
