//! The end of a run: report file, outputs, summary, the one error and the exit code.

use std::path::PathBuf;

use crate::console::Console;
use crate::core::context::RunContext;
use crate::core::error::{Cancelled, InputErrors};
use crate::core::report::build::{Frame, build};
use crate::core::report::markdown;
use crate::core::report::old_assets::kept_until;
use crate::core::report::outputs::outputs;
use crate::core::report::redact::redact;
use crate::core::report::sent_paths::{accepted_paths, refused_paths};
use crate::core::report::summary::{summary, summary_lines};
use crate::core::report::{Outcome, Report};
use crate::core::text::{count, counts};
use crate::github::files::{write_outputs, write_summary};
use crate::run::deployment::Ended;
use crate::run::reports::report_paths;

/// Exit code of a run that was cancelled, as a shell gives for SIGINT.
const CANCELLED: u8 = 130;

/// Shorter secrets are taken out of the report's texts, not of its JSON: a word of its own may be one.
const SHORTEST_IN_JSON: usize = 12;

/// Builds the report, writes everything that outlives the run, and returns the exit code.
///
/// A file that cannot be written is a warning: what happened in AWS has happened.
pub(crate) fn finish(
    frame: Frame,
    ended: &Ended,
    result: &anyhow::Result<()>,
    context: &RunContext,
    console: &Console,
) -> u8 {
    let mut report = build(frame, ended.plan.as_ref(), ended.outcomes.as_ref(), result);
    redact(&mut report, &|text| console.redact(text).into_owned());
    let path = write_report(&report, context, console);
    if let Some(file) = &context.output_file {
        let path = path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
        warn(console, write_outputs(file, &outputs(&report, &path)));
    }
    if let Some(file) = &context.summary_file {
        warn(
            console,
            write_summary(
                file,
                &console.redact_escaped(
                    &summary(&report, context, &ended.markdown),
                    0,
                    &[&markdown::text, &inner_code],
                ),
            ),
        );
    }
    if context.summary_file.is_none() && console.is_terminal() {
        summary_lines(&report, context)
            .iter()
            .for_each(|line| console.line(line));
        if let Some(path) = &path {
            console.line(&format!("The report is `{}`.", path.display()));
        }
    }
    say(&report, console);
    exit_code(result)
}

fn exit_code(result: &anyhow::Result<()>) -> u8 {
    match result {
        Ok(()) => 0,
        Err(error) if error.is::<Cancelled>() => CANCELLED,
        Err(error) if error.is::<InputErrors>() => 2,
        Err(_) => 1,
    }
}

/// The report's path, unless it could not be written.
fn write_report(report: &Report, context: &RunContext, console: &Console) -> Option<PathBuf> {
    // Several steps of one job must not overwrite each other's report.
    let path = report_paths(context).find(|path| !path.exists())?;
    // Without a runner it may not be there yet; whether it can be written shows below.
    let _ = std::fs::create_dir_all(&context.temp);
    let json = serde_json::to_string_pretty(report).expect("a report has only string keys");
    match std::fs::write(
        &path,
        console
            .redact_escaped(&json, SHORTEST_IN_JSON, &[&inner_json])
            .as_bytes(),
    ) {
        Ok(()) => Some(path),
        Err(error) => {
            // Half a report could not be read.
            let _ = std::fs::remove_file(&path);
            console.warning(
                "No report",
                &format!("cannot write the report `{}`: {error}", path.display()),
            );
            None
        }
    }
}

/// `text` as it stands inside of a code span.
fn inner_code(text: &str) -> String {
    let code = markdown::code(text);
    let inner = code
        .strip_prefix("<code>")
        .and_then(|rest| rest.strip_suffix("</code>"));
    inner.map_or_else(|| text.to_owned(), str::to_owned)
}

/// `text` as it stands inside of a JSON string.
fn inner_json(text: &str) -> String {
    let json = serde_json::Value::from(text).to_string();
    json[1..json.len() - 1].to_owned()
}

fn warn(console: &Console, result: anyhow::Result<()>) {
    if let Err(error) = result {
        console.warning("Incomplete results", &format!("{error:#}"));
    }
}

/// The last lines of the log.
fn say(report: &Report, console: &Console) {
    if let Some(advice) = &report.advice {
        console.warning("Refused", &format!("What to do: {advice}"));
    }
    if let Some(error) = &report.error {
        let title = match report.command.as_str() {
            _ if !report.wrong_inputs.is_empty() => "Wrong inputs",
            "rollback" => "Rollback failed",
            "check" => "Check failed",
            _ => "Deploy failed",
        };
        let hint = error
            .hint
            .as_ref()
            .map(|hint| format!("\nWhat to do: {hint}"))
            .unwrap_or_default();
        console.error(title, &format!("{}{hint}", error.message));
        return;
    }
    if console.is_terminal() {
        // The summary above has said all the rest.
        if let Some(live) = &report.live {
            console.line(&format!("live now: {live}"));
        }
        return;
    }
    let mut parts = Vec::new();
    if let Some(site) = &report.site {
        let (written, deleted) = report.verbs();
        let objects = [
            (site.uploads.len() as u64, written),
            (site.deletes.len() as u64, deleted),
            (site.unchanged, "unchanged"),
        ];
        // "nothing" would be said of the whole run, which may have changed a backend.
        if objects.iter().any(|(number, _)| *number > 0) || report.backend.is_none() {
            parts.push(counts(&objects));
        }
        parts.extend(kept_until(&site.retired));
    }
    let refused = refused_paths(&report.invalidations);
    let (paths, verb) = if report.dry_run {
        let planned = report.invalidations.iter().map(|one| one.paths.len());
        (planned.sum(), "to invalidate")
    } else {
        (accepted_paths(&report.invalidations), "invalidated")
    };
    for (paths, verb) in [(paths, verb), (refused, "not invalidated")] {
        if paths > 0 {
            parts.push(format!("{} {verb}", count(paths, "path")));
        }
    }
    for environment in report.backend.iter().flat_map(|backend| backend.environments.iter()) {
        if report.dry_run {
            parts.push(match &environment.planned_version_label {
                Some(label) => format!("{} to run `{label}`", environment.name),
                None => format!("{} to be left alone", environment.name),
            });
            continue;
        }
        let state = environment
            .health
            .as_deref()
            .or(environment.status.as_deref())
            .unwrap_or("unknown");
        let url = environment
            .url
            .as_deref()
            .map(|url| format!(" at {url}"))
            .unwrap_or_default();
        parts.push(format!("{} {state}{url}", environment.name));
    }
    parts.extend(report.live.as_ref().map(|live| format!("live now: {live}")));
    if let Some(backend) = report
        .backend
        .as_ref()
        .filter(|backend| backend.environments.is_empty())
    {
        let state = match (report.dry_run, backend.version_created) {
            (true, _) => "to be made",
            (false, true) => "created",
            (false, false) => "as it was",
        };
        parts.push(format!(
            "version `{}` {state}, nothing is deployed",
            backend.version_label
        ));
    }
    let prefix = match (report.outcome, report.dry_run) {
        (Outcome::Cancelled, _) => "cancelled",
        (_, true) => "dry run, nothing was changed: plan made",
        (Outcome::Unchanged, _) if refused > 0 => "nothing changed",
        (Outcome::Unchanged, _) => "nothing to do",
        _ => "done",
    };
    let details = if parts.is_empty() {
        String::new()
    } else {
        format!(": {}", parts.join("; "))
    };
    console.notice(
        "aws-web-deploy",
        &format!("{prefix} in {:.1} s{details}", report.seconds),
    );
}
