//! The details of the summary, each folded away: changed files, causes and logs, events, the time that each phase took.

use crate::core::report::markdown::{code, prose, table, text};
use crate::core::report::{EventReport, Report, human_bytes};

/// Changed files listed at the most; the report file has them all.
const MAX_FILES: usize = 200;
/// Events listed for each environment.
const MAX_EVENTS: usize = 100;

/// The keys that were changed, and why.
#[must_use]
pub(crate) fn changed_files(report: &Report) -> String {
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
        .map(|failure| vec!["**failed**".to_owned(), code(&failure.path), prose(&failure.message)])
        .chain(site.uploads.iter().map(|upload| {
            vec![
                verb.to_owned(),
                code(&upload.key),
                format!("{}, {}", upload.reason.text(), human_bytes(upload.size)),
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

/// Why environments failed, and the last lines of their logs.
#[must_use]
pub(crate) fn excerpts(report: &Report) -> String {
    let environments = report.backend.iter().flat_map(|backend| &backend.environments);
    let mut out = String::new();
    for excerpt in environments.flat_map(|environment| &environment.excerpts) {
        // Each line as code on a line of its own: Markdown would take a block's content for more than text.
        let lines: Vec<String> = excerpt.lines.iter().flat_map(|line| line.lines()).map(code).collect();
        if !lines.is_empty() {
            out.push_str(&folded(&text(&excerpt.title), &format!("{}\n", lines.join("<br>\n"))));
        }
    }
    out
}

/// What Elastic Beanstalk said of each environment; what went wrong stands out.
#[must_use]
pub(crate) fn events(report: &Report) -> String {
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
            .map(|event| vec![text(&event.time), severity(event), text(&event.message)])
            .collect();
        let title = format!("Events of {} ({})", text(&environment.name), environment.events.len());
        out.push_str(&folded(&title, &table(&["Time (UTC)", "Severity", "Event"], &rows)));
    }
    out
}

/// How long each phase took.
#[must_use]
pub(crate) fn timeline(report: &Report) -> String {
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

/// The severity, in bold where somebody has to look.
fn severity(event: &EventReport) -> String {
    match event.severity.as_str() {
        "ERROR" | "FATAL" => format!("**{}**", text(&event.severity)),
        other => text(other),
    }
}

fn folded(title: &str, body: &str) -> String {
    format!("<details><summary>{title}</summary>\n\n{body}\n</details>\n\n")
}
