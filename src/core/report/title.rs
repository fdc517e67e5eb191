//! The summary's first line.

use crate::core::context::RunContext;
use crate::core::inputs::headline::CLOUDFRONT;
use crate::core::report::markdown::{code, link, text};
use crate::core::report::sent_paths::refused_paths;
use crate::core::report::{Outcome, Report};
use crate::core::text::count;

/// What was done, with which commit, where to, and how long it took.
#[must_use]
pub(crate) fn title(report: &Report, context: &RunContext) -> String {
    if !report.wrong_inputs.is_empty() {
        return "❌ Wrong inputs: nothing was done".to_owned();
    }
    let seconds = format!("{:.1} s", report.seconds);
    let done = report.outcome == Outcome::Succeeded && !report.dry_run;
    if let Some(label) = version_alone(report).filter(|_| done) {
        return format!("✅ Created version {label} in {seconds}: nothing was deployed");
    }
    let (verb, noun) = match report.command.as_str() {
        "rollback" => ("Rolled back", "Rollback"),
        "check" => ("Checked", "Check"),
        _ if invalidates_alone(report) => ("Invalidated", "Invalidation"),
        _ => ("Deployed", "Deployment"),
    };
    let is_deploy = report.command == "deploy" && !invalidates_alone(report);
    let commit = commit(context, context.sha.as_deref()).filter(|_| is_deploy);
    let place = places(report);
    let of = match (&commit, is_deploy) {
        (Some(commit), _) => format!(" of {commit}{}", after("to", &place)),
        (None, true) => after("to", &place),
        (None, false) => after("of", &place),
    };
    let refused = match refused_paths(&report.invalidations) {
        0 => None,
        paths => Some(format!("{} not invalidated", count(paths, "path"))),
    };
    let (mark, but) = match &refused {
        Some(refused) => ("⚠️", format!(", but {refused}")),
        None => ("✅", String::new()),
    };
    let untouched = if is_untouched(report) {
        ": nothing was changed"
    } else {
        ""
    };
    match report.outcome {
        Outcome::Failed if report.rolled_back => {
            format!("❌ {noun}{of} failed after {seconds}, and was rolled back")
        }
        Outcome::Failed => format!("❌ {noun}{of} failed after {seconds}{untouched}"),
        Outcome::Cancelled => format!("⚠️ {noun}{of} cancelled after {seconds}{untouched}"),
        Outcome::Succeeded | Outcome::Unchanged if report.dry_run => {
            format!("✅ {noun}{of} planned in {seconds}: a dry run, nothing was changed")
        }
        Outcome::Unchanged if refused.is_some() => format!("{mark} {noun}{of}: nothing changed{but} ({seconds})"),
        Outcome::Unchanged => format!("✅ {noun}{of}: nothing to do, all is as it should be ({seconds})"),
        Outcome::Succeeded if is_deploy => {
            let commit = commit.map(|commit| format!(" {commit}")).unwrap_or_default();
            format!("{mark} {verb}{commit}{} in {seconds}{but}", after("to", &place))
        }
        Outcome::Succeeded => {
            let back = report.rolled_back_to.as_ref();
            let back = back.map(|target| format!(" to release {}", code(&target.release)));
            let place = if place.is_empty() { place } else { format!(" {place}") };
            format!("{mark} {verb}{place}{} in {seconds}{but}", back.unwrap_or_default())
        }
    }
}

/// ` to s3://b/`; empty without a place.
fn after(preposition: &str, place: &str) -> String {
    if place.is_empty() {
        String::new()
    } else {
        format!(" {preposition} {place}")
    }
}

/// What was deployed to; the site by its address, where that is known.
fn places(report: &Report) -> String {
    let shown = report.places.iter().map(|place| match &report.site_url {
        Some(url) if place.name.starts_with("s3://") => link(address(url), url),
        _ if place.name.starts_with("s3://") => code(&place.name),
        _ => text(&place.name),
    });
    let shown: Vec<String> = shown.collect();
    match shown.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        all => all.concat(),
    }
}

/// The part of an address that a person reads.
fn address(url: &str) -> &str {
    let (_, rest) = url.split_once("://").unwrap_or(("", url));
    rest.trim_end_matches('/')
}

/// Whether the step has nothing but distributions to look after.
fn invalidates_alone(report: &Report) -> bool {
    report.command == "deploy"
        && !report.places.is_empty()
        && report.places.iter().all(|place| place.part == CLOUDFRONT)
}

/// Whether the run ended before it had a plan: what it deploys to is as it was.
#[must_use]
pub(crate) fn is_untouched(report: &Report) -> bool {
    matches!(report.outcome, Outcome::Failed | Outcome::Cancelled)
        && report.command != "check"
        && report.wrong_inputs.is_empty()
        && report.site.is_none()
        && report.backend.is_none()
        && report.invalidations.is_empty()
        && report.release.is_none()
        && report.rolled_back_to.is_none()
}

/// The label of a version that was made, of a run that does nothing else and deploys it nowhere.
fn version_alone(report: &Report) -> Option<String> {
    let backend = report.backend.as_ref()?;
    let alone = report.command == "deploy" && report.places.is_empty() && backend.environments.is_empty();
    (alone && report.invalidations.is_empty()).then(|| code(&backend.version_label))
}

/// A commit as a link, where its page is known.
#[must_use]
pub(crate) fn commit(context: &RunContext, sha: Option<&str>) -> Option<String> {
    let sha = sha?;
    let short = sha.get(..7).unwrap_or(sha);
    Some(link(short, &context.commit_url(sha)?))
}
