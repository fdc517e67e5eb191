//! The step's outputs, from the report.

use crate::core::report::{BackendReport, EnvironmentReport, Outcome, Report};

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
        "Label of the application version; after a failure, what the environment ran when it was seen last. With several \
         environments one for each, separated by spaces, in input order.",
    ),
    (
        "previous-version-label",
        "Label that the environment ran before. One for each environment.",
    ),
    (
        "environment-url",
        "`http://` and the environment's CNAME; none for a worker. One for each environment.",
    ),
    (
        "environment-status",
        "Status of the environment, such as `Ready`. One for each environment.",
    ),
    (
        "environment-health",
        "Health of the environment, such as `Green`. One for each environment.",
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
    let environments = backend.map_or(&[][..], |backend| backend.environments.as_slice());
    let count = |number: usize| {
        if site.is_some() {
            number.to_string()
        } else {
            String::new()
        }
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
            match report.invalidations.iter().any(|one| one.id.is_some()) {
                true => in_places(report.invalidations.iter().map(|one| one.id.as_deref())),
                false => String::new(),
            },
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
            in_places(environments.iter().map(|one| one.previous_version_label.as_deref())),
        ),
        (
            "environment-url",
            in_places(environments.iter().map(|one| one.url.as_deref())),
        ),
        (
            "environment-status",
            in_places(environments.iter().map(|one| one.status.as_deref())),
        ),
        (
            "environment-health",
            in_places(environments.iter().map(|one| one.health.as_deref())),
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

/// The version of this run, of each environment where there are several; when it did not succeed, what its environments ran
/// when they were seen last.
fn version_label(report: &Report, backend: &BackendReport) -> String {
    let has_succeeded = matches!(report.outcome, Outcome::Succeeded | Outcome::Unchanged);
    let label = |one: &'_ EnvironmentReport| {
        let planned = one.planned_version_label.clone().filter(|_| has_succeeded);
        planned.or_else(|| one.version_label.clone())
    };
    let labels: Vec<Option<String>> = backend.environments.iter().map(label).collect();
    if labels.is_empty() || (labels.len() == 1 && has_succeeded) {
        return backend.version_label.clone();
    }
    in_places(labels.iter().map(Option::as_deref))
}

/// Values in their places: `-` keeps that of one that has none, or the lists of two outputs could not be matched. One alone
/// needs no such mark.
fn in_places<'v>(values: impl Iterator<Item = Option<&'v str>>) -> String {
    match values.collect::<Vec<_>>().as_slice() {
        [only] => only.unwrap_or_default().to_owned(),
        values => {
            let values: Vec<&str> = values.iter().map(|value| value.unwrap_or("-")).collect();
            values.join(" ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(report: &Report, wanted: &str) -> String {
        let found = outputs(report, "").into_iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value).unwrap_or_default()
    }

    fn with_environments(outcome: Outcome, environments: Vec<EnvironmentReport>) -> Report {
        let mut report = Report::new(String::new());
        report.outcome = outcome;
        report.backend = Some(BackendReport {
            version_label: "v2".to_owned(),
            environments,
            ..BackendReport::default()
        });
        report
    }

    #[test]
    fn the_label_is_what_runs_where_the_run_did_not_succeed() {
        let environment = |label: &Option<&str>| EnvironmentReport {
            version_label: label.map(str::to_owned),
            ..EnvironmentReport::default()
        };
        for (outcome, seen, expected) in [
            (Outcome::Succeeded, &[Some("v2")][..], "v2"),
            (Outcome::Unchanged, &[Some("v1")], "v2"),
            (Outcome::Unchanged, &[Some("v1"), Some("v2")], "v1 v2"),
            (Outcome::Failed, &[Some("v1")], "v1"),
            (Outcome::Failed, &[Some("v2"), Some("v2")], "v2 v2"),
            (Outcome::Failed, &[Some("v2"), Some("v1"), None], "v2 v1 -"),
            (Outcome::Cancelled, &[Some("v1")], "v1"),
            (Outcome::Failed, &[], "v2"),
        ] {
            let report = with_environments(outcome, seen.iter().map(environment).collect());
            assert_eq!(output(&report, "version-label"), expected, "{outcome:?} {seen:?}");
        }
    }

    #[test]
    fn each_environment_has_its_place_in_every_output() {
        let environment = |url: Option<&str>, planned: Option<&str>| EnvironmentReport {
            url: url.map(str::to_owned),
            version_label: Some("v1".to_owned()),
            planned_version_label: planned.map(str::to_owned),
            ..EnvironmentReport::default()
        };
        let two = with_environments(
            Outcome::Succeeded,
            vec![environment(Some("http://a"), Some("v2")), environment(None, None)],
        );
        assert_eq!(output(&two, "version-label"), "v2 v1");
        assert_eq!(output(&two, "environment-url"), "http://a -");
        assert_eq!(output(&two, "previous-version-label"), "- -");
        let one = with_environments(Outcome::Succeeded, vec![environment(None, Some("v2"))]);
        assert_eq!(output(&one, "environment-url"), "");
        assert_eq!(output(&one, "version-label"), "v2");
        assert_eq!(output(&Report::new(String::new()), "environment-url"), "");
    }
}
