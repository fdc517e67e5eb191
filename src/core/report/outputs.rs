//! The step's outputs, from the report.

use crate::core::report::{BackendReport, Report};

/// Every output with what it means, as Markdown; `action.yml` and the documentation's tables are generated from it.
pub(crate) const OUTPUTS: &[(&str, &str)] = &[
    ("outcome", "`succeeded`, `unchanged`, `failed` or `cancelled`."),
    ("changed", "`true` when anything was changed."),
    ("release", "ID of the release record that this run wrote."),
    ("uploaded", "Number of objects uploaded."),
    ("deleted", "Number of objects deleted."),
    ("unchanged", "Number of objects left alone."),
    (
        "invalidation-id",
        "ID of the invalidation; several are separated by spaces, in input order, those of what a failed run rolled back last.",
    ),
    ("invalidated-paths", "The paths that were invalidated, one per line."),
    (
        "version-label",
        "Label of the application version. After a failure that was rolled back, what the environments run again (several \
         are separated by spaces, in input order, when they differ).",
    ),
    (
        "previous-version-label",
        "Label that the environment ran before; several are separated by spaces, in input order.",
    ),
    (
        "environment-url",
        "`http://` and the environment's CNAME; none for a worker. Several are separated by spaces.",
    ),
    (
        "environment-status",
        "Status of the environment, such as `Ready`. Several are separated by spaces.",
    ),
    (
        "environment-health",
        "Health of the environment, such as `Green`. Several are separated by spaces.",
    ),
    ("site-url", "The input `site-url`, its placeholder filled."),
    (
        "rolled-back",
        "`true` when the run failed and everything is again as it was before (`on-failure: rollback`).",
    ),
    ("github-deployment-id", "ID of the GitHub Deployment."),
    ("report", "Path of the report, a JSON file."),
];

/// All outputs, in the order of `action.yml`; those that do not apply are empty.
#[must_use]
pub(crate) fn outputs(report: &Report, report_path: &str) -> Vec<(&'static str, String)> {
    let outcome = report.outcome.name().to_owned();
    let site = report.site.as_ref();
    let backend = report.backend.as_ref();
    let environments = || backend.iter().flat_map(|backend| backend.environments.iter());
    let count = |number: usize| {
        if site.is_some() {
            number.to_string()
        } else {
            String::new()
        }
    };
    let spaced = |values: Vec<Option<&str>>| {
        // A missing one keeps its place by `-`, or the lists of two outputs could not be matched.
        if values.iter().all(Option::is_none) {
            return String::new();
        }
        values
            .into_iter()
            .map(|value| value.unwrap_or("-"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let mut paths: Vec<&str> = Vec::new();
    let accepted = report
        .invalidations
        .iter()
        .filter(|one| one.id.is_some() || report.dry_run);
    for path in accepted.flat_map(|one| one.paths.iter()) {
        if !paths.contains(&path.as_str()) {
            paths.push(path);
        }
    }
    vec![
        ("outcome", outcome),
        ("changed", report.changed().to_string()),
        ("release", report.release.clone().unwrap_or_default()),
        ("uploaded", count(site.map_or(0, |site| site.uploads.len()))),
        ("deleted", count(site.map_or(0, |site| site.deletes.len()))),
        (
            "unchanged",
            site.map(|site| site.unchanged.to_string()).unwrap_or_default(),
        ),
        (
            "invalidation-id",
            spaced(report.invalidations.iter().map(|one| one.id.as_deref()).collect()),
        ),
        ("invalidated-paths", paths.join("\n")),
        ("version-label", backend.map(live_label).unwrap_or_default()),
        (
            "previous-version-label",
            spaced(
                environments()
                    .map(|one| one.previous_version_label.as_deref())
                    .collect(),
            ),
        ),
        (
            "environment-url",
            spaced(environments().map(|one| one.url.as_deref()).collect()),
        ),
        (
            "environment-status",
            spaced(environments().map(|one| one.status.as_deref()).collect()),
        ),
        (
            "environment-health",
            spaced(environments().map(|one| one.health.as_deref()).collect()),
        ),
        ("site-url", report.site_url.clone().unwrap_or_default()),
        ("rolled-back", report.rolled_back.to_string()),
        (
            "github-deployment-id",
            report
                .github
                .as_ref()
                .map(|github| github.deployment_id.to_string())
                .unwrap_or_default(),
        ),
        ("report", report_path.to_owned()),
    ]
}

/// The version of this run; once an environment was rolled back, what all of them run now.
fn live_label(backend: &BackendReport) -> String {
    if !backend.environments.iter().any(|environment| environment.rolled_back) {
        return backend.version_label.clone();
    }
    let labels = backend.environments.iter();
    let mut labels: Vec<&str> = labels.map(|one| one.version_label.as_deref().unwrap_or("-")).collect();
    if labels.iter().all(|label| *label == labels[0]) {
        labels.truncate(1);
    }
    labels.join(" ")
}
