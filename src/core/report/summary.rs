//! The step summary: what a person should see in ten seconds, with the details folded away.

use std::fmt::Write as _;

use crate::core::cdn::FREE_PATHS_A_MONTH;
use crate::core::context::RunContext;
use crate::core::release::recorded::Recorded;
use crate::core::report::details::{changed_files, events, excerpts, timeline};
use crate::core::report::forgotten::forgotten;
use crate::core::report::markdown::{advice, code, link, prose, table, text};
use crate::core::report::old_assets::kept_until;
use crate::core::report::plain::{columns, plain};
use crate::core::report::put_back::rolled_back_text;
use crate::core::report::sent_paths::accepted_paths;
use crate::core::report::title::{commit, is_untouched, title};
use crate::core::report::{BackendReport, EnvironmentReport, Outcome, Report, SiteReport, human_bytes};
use crate::core::text::{capitalized, count};

/// GitHub drops a summary of more than 1 MiB whole, so ours stays well below.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary>
const MAX_BYTES: usize = 512 * 1024;

/// The summary as Markdown; `extra` (of `check`, or the list of releases) follows the table.
#[must_use]
pub(crate) fn summary(report: &Report, context: &RunContext, extra: &str) -> String {
    let mut out = format!("## {}\n\n", title(report, context));
    if !report.wrong_inputs.is_empty() {
        let wrong = count(report.wrong_inputs.len(), "wrong input");
        let row = vec!["Inputs".to_owned(), wrong, "Nothing was done".to_owned()];
        out.push_str(&table(&["Part", "What", "Result"], &[row]));
        out.push('\n');
        for error in &report.wrong_inputs {
            let _ = writeln!(out, "- {}", prose(error));
        }
        out.push('\n');
    } else if let Some(error) = &report.error {
        let live = report.live.as_deref();
        let behind = live.map(|live| format!("; live now: {live}")).unwrap_or_default();
        let message = error.message.strip_suffix(&behind).unwrap_or(&error.message);
        let _ = writeln!(out, "> [!CAUTION]\n> {}", prose(&capitalized(message)));
        if let (Some(live), true) = (live, message.len() < error.message.len()) {
            let _ = writeln!(out, ">\n> **Live now:** {}", prose(live));
        }
        if let Some(hint) = &error.hint {
            let _ = writeln!(out, ">\n> **What to do:** {}", advice(hint));
        }
        out.push('\n');
    }
    if let Some(refused) = &report.advice {
        let _ = write!(out, "> [!WARNING]\n> **What to do:** {}\n\n", advice(refused));
    }
    if report.rolled_back {
        out.push_str("Rolled back: everything is as it was before this run.\n\n");
    }
    if let (Some(live), None) = (&report.live, &report.error) {
        let _ = write!(out, "What is live now: {}\n\n", prose(live));
    }
    let rows = rows(report, context);
    if !rows.is_empty() {
        out.push_str(&table(&["Part", "What", "Result"], &rows));
        out.push('\n');
    }
    push_capped(&mut out, &forgotten(report));
    push_capped(&mut out, extra);
    if !out.ends_with("\n\n") {
        out.push('\n');
    }
    push_capped(&mut out, &changed_files(report));
    push_capped(&mut out, &excerpts(report));
    push_capped(&mut out, &events(report));
    push_capped(&mut out, &timeline(report));
    out
}

/// The summary's title and table as lines of text, for a terminal; what the log has said already is left out.
#[must_use]
pub(crate) fn summary_lines(report: &Report, context: &RunContext) -> Vec<String> {
    let mut lines = vec![String::new(), plain(&title(report, context))];
    lines.extend(columns(&rows(report, context)));
    lines
}

fn rows(report: &Report, context: &RunContext) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    if let Some(site) = &report.site {
        let place = code(&format!("s3://{}/{}", site.bucket, site.prefix));
        let place = match &report.site_url {
            Some(url) => format!("{place}<br>{}", link(url, url)),
            None => place,
        };
        rows.push(vec!["Site".to_owned(), place, site_result(report, site)]);
    }
    rows.extend(invalidation_rows(report));
    if let Some(backend) = &report.backend {
        rows.extend(backend_rows(report, backend));
    }
    rows.extend(release_row(report, context));
    if rows.is_empty() && is_untouched(report) {
        rows.extend(report.places.iter().map(|place| {
            let name = match place.name.starts_with("s3://") {
                true => code(&place.name),
                false => text(&place.name),
            };
            vec![place.part.to_owned(), name, "not changed".to_owned()]
        }));
    }
    rows
}

/// What became of the site; what did not happen is left out.
fn site_result(report: &Report, site: &SiteReport) -> String {
    let (written, deleted) = report.verbs();
    let mut parts = Vec::new();
    let is_kept = matches!(report.outcome, Outcome::Failed | Outcome::Cancelled)
        && site.uploads.is_empty()
        && site.deletes.is_empty()
        && site.failures.is_empty();
    if !site.uploads.is_empty() {
        let bytes: u64 = site.uploads.iter().map(|upload| upload.size).sum();
        parts.push(format!("{} {written} ({})", site.uploads.len(), human_bytes(bytes)));
    }
    if !site.deletes.is_empty() {
        parts.push(format!("{} {deleted}", site.deletes.len()));
    }
    if !site.failures.is_empty() {
        parts.push(format!("**{} failed**", site.failures.len()));
    }
    // What a run that ended early left alone is more than what it had found unchanged.
    if site.unchanged > 0 && !is_kept {
        parts.push(format!("{} unchanged", site.unchanged));
    }
    parts.extend(kept_until(&site.retired));
    let what = if parts.is_empty() {
        "not changed".to_owned()
    } else {
        parts.join(", ")
    };
    rolled_back_text(what, site)
}

/// A row for each distribution; the last one says what of the free paths was used.
fn invalidation_rows(report: &Report) -> Vec<Vec<String>> {
    let used = accepted_paths(&report.invalidations);
    let mut rows: Vec<Vec<String>> = report
        .invalidations
        .iter()
        .map(|sent| {
            let paths = match sent.paths.as_slice() {
                [path] => code(path),
                paths => count(paths.len(), "path"),
            };
            let result = match (sent.status.as_str(), &sent.id) {
                ("Planned", _) => format!("{paths} to invalidate"),
                (status, Some(id)) => format!("{paths}: {} ({})", text(status), code(id)),
                (status, None) => format!("{paths}: {}", text(status)),
            };
            let after = if sent.after_rollback {
                ", after the rollback"
            } else {
                ""
            };
            vec![
                "CloudFront".to_owned(),
                code(&sent.distribution),
                format!("{result}{after}"),
            ]
        })
        .collect();
    if let Some(result) = rows.last_mut().and_then(|row| row.last_mut())
        && used > 0
    {
        let _ = write!(result, ", {used} of the {FREE_PATHS_A_MONTH} that are free each month");
    }
    rows
}

/// The release of this run, and whether it was recorded; of a rollback also the target's, with its commit.
fn release_row(report: &Report, context: &RunContext) -> Option<Vec<String>> {
    let target = report.rolled_back_to.as_ref().map(|target| {
        let commit = commit(context, target.commit.as_deref()).map(|commit| format!(", commit {commit}"));
        let verb = match report.outcome {
            _ if report.dry_run => "would restore",
            Outcome::Failed | Outcome::Cancelled => "was to restore",
            Outcome::Succeeded => "restored",
            Outcome::Unchanged => "is as of",
        };
        format!("{verb} release {}{}", code(&target.release), commit.unwrap_or_default())
    });
    let recorded = match report.recorded {
        Recorded::Nowhere => Some("**not recorded**: no rollback can go back to this run"),
        Recorded::InPart => Some("**recorded in part only**, see the warnings in the log"),
        Recorded::BeforeStop => report.release.as_ref().map(|_| "recorded as succeeded, then cancelled"),
        Recorded::Everywhere => report.release.as_ref().map(|_| recorded_as(report)),
    };
    if recorded.is_none() && target.is_none() {
        return None;
    }
    let release = report.release.as_deref().map(code);
    let recorded = recorded.map(str::to_owned);
    let result: Vec<String> = recorded.into_iter().chain(target).collect();
    Some(vec![
        "Release".to_owned(),
        release.unwrap_or_default(),
        result.join("; "),
    ])
}

/// As what the release was recorded.
fn recorded_as(report: &Report) -> &'static str {
    match (report.outcome, report.rolled_back) {
        (Outcome::Failed, true) => "recorded as failed, rolled back",
        (Outcome::Failed, false) => "recorded as failed",
        (Outcome::Cancelled, _) => "recorded as cancelled",
        (Outcome::Succeeded | Outcome::Unchanged, _) => "recorded",
    }
}

fn backend_rows(report: &Report, backend: &BackendReport) -> Vec<Vec<String>> {
    let version = code(&backend.version_label);
    let run_error = report.error.as_ref().map(|error| error.message.as_str());
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
                _ => environment_result(environment, &version, run_error),
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
    let deployed = if report.dry_run { "would be" } else { "was" };
    format!(
        "version {} {state}; **nothing {deployed} deployed**: `environment-name` is empty",
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

fn environment_result(environment: &EnvironmentReport, version: &str, run_error: Option<&str>) -> String {
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
    // What the error above says already is not said again.
    let failed = match environment.error.as_deref() {
        Some(error) if run_error.is_some_and(|whole| whole.contains(error)) => " — **failed**".to_owned(),
        Some(error) => format!(" — **failed**: {}", prose(error)),
        None => String::new(),
    };
    if let Some(sent) = &environment.unknown_since_update_to {
        return format!("not known: the update to {} was sent{before}{failed}", code(sent));
    }
    let live = environment
        .version_label
        .as_deref()
        .map_or_else(|| "no version".to_owned(), code);
    if environment.rolled_back {
        return format!("{live} again: {state} — rolled back from {version}{failed}");
    }
    let what = if !environment.changed && environment.error.is_none() {
        format!("{live}, unchanged")
    } else if live == version || environment.error.is_none() {
        format!("{version}{before}")
    } else if environment.version_label == environment.previous_version_label {
        format!("{live} as before, not {version}")
    } else {
        format!("{live}, not {version}{before}")
    };
    format!("{what}: {state}{failed}")
}

/// Appends `part` when it still fits.
fn push_capped(out: &mut String, part: &str) {
    if out.len() + part.len() <= MAX_BYTES {
        out.push_str(part);
    } else {
        out.push_str("Some of the details are too long for a summary; the report file has them.\n\n");
    }
}
