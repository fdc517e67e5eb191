//! The step summary: what a person should see in ten seconds, with the details folded away.

use std::fmt::Write as _;

use crate::core::cdn::FREE_PATHS_A_MONTH;
use crate::core::context::RunContext;
use crate::core::report::markdown::{code, link, prose, table, text};
use crate::core::report::plain::columns;
use crate::core::report::{BackendReport, EnvironmentReport, Outcome, Report};

/// GitHub drops a summary of more than 1 MiB whole, so ours stays well below.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary>
const MAX_BYTES: usize = 512 * 1024;
/// Changed files listed at the most; the report file has them all.
const MAX_FILES: usize = 200;
/// Events listed for each environment.
const MAX_EVENTS: usize = 100;

/// The summary as Markdown; `extra` (of `check`, or the list of releases) follows the table.
#[must_use]
pub(crate) fn summary(report: &Report, context: &RunContext, extra: &str) -> String {
    let mut out = format!("## {}\n\n", title(report));
    if let Some(error) = &report.error {
        let _ = writeln!(out, "> [!CAUTION]\n> {}", message(&error.message));
        if let Some(hint) = &error.hint {
            let _ = writeln!(out, ">\n> **What to do:** {}", advice(hint));
        }
        out.push('\n');
    }
    if report.rolled_back {
        out.push_str("Rolled back: everything is as it was before this run.\n\n");
    }
    let rows = rows(report, context);
    if !rows.is_empty() {
        out.push_str(&table(&["Part", "What", "Result"], &rows));
        out.push('\n');
    }
    push_capped(&mut out, extra);
    push_capped(&mut out, &changed_files(report));
    push_capped(&mut out, &events(report));
    push_capped(&mut out, &timeline(report));
    out
}

/// An error's message: one line, or a list of wrong inputs.
fn message(message: &str) -> String {
    match message.split_once(" input errors:\n- ") {
        Some((count, errors)) => {
            let errors: Vec<String> = errors
                .split("\n- ")
                .map(|error| format!("\n> - {}", prose(error)))
                .collect();
            format!("{} input errors:\n>{}", text(count), errors.concat())
        }
        None => prose(message),
    }
}

/// The summary's title and table as lines of text, for a terminal; what the log has said already is left out.
#[must_use]
pub(crate) fn summary_lines(report: &Report, context: &RunContext) -> Vec<String> {
    let mut lines = vec![String::new(), title(report)];
    lines.extend(columns(&rows(report, context)));
    lines
}

/// A hint: a sentence, and below it what to paste (permissions, a policy) with its indentation.
fn advice(hint: &str) -> String {
    let mut lines = hint.lines();
    let mut out = prose(lines.next().unwrap_or_default());
    for line in lines {
        let code_of = line.trim_start();
        out.push_str("<br>");
        out.push_str(&"&nbsp;".repeat(line.len() - code_of.len()));
        out.push_str(&code(code_of));
    }
    out
}

fn title(report: &Report) -> String {
    let subject = match report.command.as_str() {
        "rollback" => "Rollback",
        "check" => "Check",
        _ => "Deploy",
    };
    let dry = if report.dry_run {
        " (dry run: nothing was changed)"
    } else {
        ""
    };
    let result = match report.outcome {
        Outcome::Succeeded => "✅",
        Outcome::Unchanged => "✅ nothing to do —",
        Outcome::Failed => "❌ failed —",
        Outcome::Cancelled => "⚠️ cancelled —",
    };
    format!("{result} {subject}{dry} in {:.1} s", report.seconds)
}

fn rows(report: &Report, context: &RunContext) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    if let Some(site) = &report.site {
        let bytes: u64 = site.uploads.iter().map(|upload| upload.size).sum();
        let verb = match (report.dry_run, report.command.as_str()) {
            (true, "rollback") => "to restore",
            (true, _) => "to upload",
            (false, _) => report.written(),
        };
        let mut result = format!(
            "{} {verb} ({}), {} deleted, {} unchanged",
            site.uploads.len(),
            crate::core::report::human_bytes(bytes),
            site.deletes.len(),
            site.unchanged
        );
        if !site.failures.is_empty() {
            let _ = write!(result, ", **{} failed**", site.failures.len());
        }
        let place = code(&format!("s3://{}/{}", site.bucket, site.prefix));
        let place = match &report.site_url {
            Some(url) => format!("{place}<br>{}", link(url, url)),
            None => place,
        };
        rows.push(vec!["Site".to_owned(), place, result]);
    }
    for one in &report.invalidations {
        let paths = match one.paths.as_slice() {
            [] => "no paths".to_owned(),
            [path] => code(path),
            many => format!("{} paths", many.len()),
        };
        let id = one.id.as_deref().map(|id| format!(" {}", code(id))).unwrap_or_default();
        rows.push(vec![
            "CloudFront".to_owned(),
            code(&one.distribution),
            format!("{paths}: {}{id}", text(&one.status)),
        ]);
    }
    let accepted = report.invalidations.iter().filter(|one| one.id.is_some());
    let used: usize = accepted.map(|one| one.paths.len()).sum();
    if used > 0 {
        rows.push(vec![
            "CloudFront".to_owned(),
            "paths used".to_owned(),
            format!("{used} of the {FREE_PATHS_A_MONTH} that are free each month"),
        ]);
    }
    if let Some(backend) = &report.backend {
        rows.extend(backend_rows(report, backend));
    }
    rows.extend(release_row(report, context));
    rows
}

/// The release of this run, with the commit that is live now: of a rollback its target's.
fn release_row(report: &Report, context: &RunContext) -> Option<Vec<String>> {
    let (target, sha) = match &report.rolled_back_to {
        Some(target) => (
            Some(format!("back to {}", code(&target.release))),
            target.commit.as_deref(),
        ),
        None => (None, context.sha.as_deref()),
    };
    let commit = sha.and_then(|sha| {
        let short = sha.get(..7).unwrap_or(sha);
        Some(format!("commit {}", link(short, &context.commit_url(sha)?)))
    });
    let recorded = report.release.as_ref().map(|_| "recorded".to_owned());
    if recorded.is_none() && target.is_none() {
        return None;
    }
    let result: Vec<String> = [recorded, target, commit].into_iter().flatten().collect();
    Some(vec![
        "Release".to_owned(),
        report.release.as_deref().map(code).unwrap_or_default(),
        result.join(", "),
    ])
}

fn backend_rows(report: &Report, backend: &BackendReport) -> Vec<Vec<String>> {
    let version = code(&backend.version_label);
    if backend.environments.is_empty() {
        return vec![vec![
            "Backend".to_owned(),
            code(&backend.application),
            version_alone(report, backend),
        ]];
    }
    backend
        .environments
        .iter()
        .map(|environment| {
            let name = match &environment.url {
                Some(url) => link(&environment.name, url),
                None => text(&environment.name),
            };
            let result = match &environment.planned_version_label {
                Some(planned) if report.dry_run => planned_result(environment, planned),
                _ => environment_result(environment, &version),
            };
            vec!["Backend".to_owned(), name, result]
        })
        .collect()
}

/// What became of a version that is deployed nowhere.
fn version_alone(report: &Report, backend: &BackendReport) -> String {
    let state = match (backend.version_reused, backend.version_created) {
        (true, _) => "exists already",
        (false, true) => "created",
        (false, false) if report.dry_run => "would be created",
        (false, false) => "not created",
    };
    format!(
        "version {} {state}; **nothing was deployed**: `environment-name` is empty",
        code(&backend.version_label)
    )
}

/// What a dry run says of an environment that would be updated.
fn planned_result(environment: &EnvironmentReport, planned: &str) -> String {
    let before = environment.previous_version_label.as_deref();
    format!(
        "would be updated: {} → {}",
        before.map_or_else(|| "nothing".to_owned(), code),
        code(planned)
    )
}

fn environment_result(environment: &EnvironmentReport, version: &str) -> String {
    let state = [environment.status.as_deref(), environment.health.as_deref()]
        .into_iter()
        .flatten()
        .map(text)
        .collect::<Vec<_>>()
        .join(", ");
    let before = environment
        .previous_version_label
        .as_deref()
        .map(|label| format!(" (before: {})", code(label)))
        .unwrap_or_default();
    let failed = environment
        .error
        .as_deref()
        .map(|error| format!(" — **failed**: {}", text(error)))
        .unwrap_or_default();
    let what = if environment.changed || environment.error.is_some() {
        format!("{version}{before}")
    } else {
        format!("{version}, unchanged")
    };
    format!("{what}: {state}{failed}")
}

fn changed_files(report: &Report) -> String {
    let Some(site) = &report.site else {
        return String::new();
    };
    let total = site.uploads.len() + site.deletes.len() + site.failures.len();
    if total == 0 {
        return String::new();
    }
    let verb = if report.command == "rollback" {
        "restore"
    } else {
        "upload"
    };
    let rows: Vec<Vec<String>> = site
        .failures
        .iter()
        .map(|failure| vec!["**failed**".to_owned(), code(&failure.path), text(&failure.message)])
        .chain(site.uploads.iter().map(|upload| {
            vec![
                verb.to_owned(),
                code(&upload.key),
                format!(
                    "{}, {}",
                    upload.reason.text(),
                    crate::core::report::human_bytes(upload.size)
                ),
            ]
        }))
        .chain(
            site.deletes
                .iter()
                .map(|key| vec!["delete".to_owned(), code(key), String::new()]),
        )
        .take(MAX_FILES)
        .collect();
    let rest = match total - rows.len() {
        0 => String::new(),
        rest => format!("\nand {rest} more; the report file lists them all.\n"),
    };
    folded(
        &format!("Changed files ({total})"),
        &format!("{}{rest}", table(&["", "Key", "Why"], &rows)),
    )
}

fn events(report: &Report) -> String {
    let mut out = String::new();
    for environment in report.backend.iter().flat_map(|backend| backend.environments.iter()) {
        if environment.events.is_empty() {
            continue;
        }
        let skipped = environment.events.len().saturating_sub(MAX_EVENTS);
        let rows: Vec<Vec<String>> = environment
            .events
            .iter()
            .skip(skipped)
            .map(|event| vec![text(&event.time), text(&event.severity), text(&event.message)])
            .collect();
        let title = format!("Events of {} ({})", text(&environment.name), environment.events.len());
        out.push_str(&folded(&title, &table(&["Time (UTC)", "Severity", "Event"], &rows)));
    }
    out
}

fn timeline(report: &Report) -> String {
    if report.timeline.is_empty() {
        return String::new();
    }
    let rows: Vec<Vec<String>> = report
        .timeline
        .iter()
        .map(|phase| {
            let share = if report.seconds > 0.0 {
                phase.seconds / report.seconds
            } else {
                0.0
            };
            // At most 20 blocks; the cast is of a number between 0 and 20.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped to 0..=20"
            )]
            let blocks = (share * 20.0).clamp(0.0, 20.0).round() as usize;
            vec![text(&phase.name), format!("{:.1} s", phase.seconds), "█".repeat(blocks)]
        })
        .collect();
    folded("Where the time went", &table(&["Phase", "Time", ""], &rows))
}

fn folded(title: &str, body: &str) -> String {
    format!("<details><summary>{title}</summary>\n\n{body}\n</details>\n\n")
}

/// Appends `part` when it still fits.
fn push_capped(out: &mut String, part: &str) {
    if out.len() + part.len() <= MAX_BYTES {
        out.push_str(part);
    } else {
        out.push_str("Some of the details are too long for a summary; the report file has them.\n\n");
    }
}
