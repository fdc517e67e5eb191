//! The step's outputs, from the report.

use crate::core::report::{BackendReport, Outcome, Report};

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
        "Label of the application version. After a failure, what the environments ran when they were seen last (several \
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
        (
            "version-label",
            backend
                .map(|backend| version_label(report, backend))
                .unwrap_or_default(),
        ),
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

/// The version of this run; when it did not succeed, what its environments ran when they were seen last.
fn version_label(report: &Report, backend: &BackendReport) -> String {
    let has_succeeded = matches!(report.outcome, Outcome::Succeeded | Outcome::Unchanged);
    let labels = backend.environments.iter();
    let mut labels: Vec<&str> = labels.map(|one| one.version_label.as_deref().unwrap_or("-")).collect();
    let Some(first) = labels.first().copied().filter(|_| !has_succeeded) else {
        return backend.version_label.clone();
    };
    if labels.iter().all(|label| *label == first) {
        labels.truncate(1);
    }
    labels.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::report::EnvironmentReport;

    #[test]
    fn the_label_is_what_runs_where_the_run_did_not_succeed() {
        let label = |outcome, seen: &[Option<&str>]| {
            let environment = |label: &Option<&str>| EnvironmentReport {
                version_label: label.map(str::to_owned),
                ..EnvironmentReport::default()
            };
            let mut report = Report::new(String::new());
            report.outcome = outcome;
            report.backend = Some(BackendReport {
                version_label: "v2".to_owned(),
                environments: seen.iter().map(environment).collect(),
                ..BackendReport::default()
            });
            let outputs = outputs(&report, "");
            let output = outputs.into_iter().find(|(name, _)| *name == "version-label");
            output.map(|(_, label)| label).unwrap_or_default()
        };
        for (outcome, seen, expected) in [
            (Outcome::Succeeded, &[Some("v2")][..], "v2"),
            (Outcome::Unchanged, &[Some("v1")], "v2"),
            (Outcome::Failed, &[Some("v1")], "v1"),
            (Outcome::Failed, &[Some("v2"), Some("v2")], "v2"),
            (Outcome::Failed, &[Some("v2"), Some("v1"), None], "v2 v1 -"),
            (Outcome::Cancelled, &[Some("v1")], "v1"),
            (Outcome::Failed, &[], "v2"),
        ] {
            assert_eq!(label(outcome, seen), expected, "{outcome:?} {seen:?}");
        }
    }
}
