//! What is live now, in a sentence: a run that failed always says it.

use std::collections::BTreeSet;

use crate::core::release::outcome::Outcomes;
use crate::core::release::plan::Plan;
use crate::core::report::EnvironmentReport;
use crate::core::site::plan::SitePlan;
use crate::core::text::{count, some_names};

/// What is live once a run has ended so; `None` without site and environments.
#[must_use]
pub(crate) fn live_now(plan: &Plan, outcomes: &Outcomes) -> Option<String> {
    let environments = outcomes.backend.iter().flat_map(|backend| &backend.environments);
    // First, for a short text is cut at its end.
    let parts: Vec<String> = stale(outcomes)
        .into_iter()
        .chain(environments.map(environment_text))
        .chain(plan.site.as_ref().map(|plan| site_text(plan, outcomes, true)))
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The keys that are new now, or perhaps are: those that changed, or perhaps did, and were not brought back. What
/// somebody else has changed since is not among them.
#[must_use]
pub(crate) fn new_keys(outcomes: &Outcomes) -> BTreeSet<&str> {
    let settled: BTreeSet<&str> = outcomes
        .put_back
        .iter()
        .flat_map(|put_back| put_back.restored.iter().chain(&put_back.others))
        .map(String::as_str)
        .collect();
    let changed = outcomes.site.changed.iter().map(|change| change.key.as_str());
    changed.filter(|key| !settled.contains(key)).collect()
}

/// The keys that somebody else changed since the run did.
#[must_use]
pub(crate) fn others(outcomes: &Outcomes) -> BTreeSet<&str> {
    let others = outcomes.put_back.iter().flat_map(|put_back| &put_back.others);
    others.map(String::as_str).collect()
}

/// The keys of which nobody knows whether the run, or its way back, changed them: the answer was lost.
fn unsure(outcomes: &Outcomes) -> BTreeSet<&str> {
    let back = outcomes.put_back.iter().flat_map(|put_back| &put_back.site.changed);
    let all = outcomes.site.changed.iter().chain(back);
    all.filter(|change| change.perhaps)
        .map(|change| change.key.as_str())
        .collect()
}

/// Whether everything that the run changed is as it was before.
#[must_use]
pub(crate) fn is_as_before(outcomes: &Outcomes) -> bool {
    let mut environments = outcomes.backend.iter().flat_map(|backend| &backend.environments);
    new_keys(outcomes).is_empty()
        && others(outcomes).is_empty()
        && environments.all(|environment| !environment.changed || environment.rolled_back)
}

/// Whether the run failed, changed something, and put all of it back, CloudFront's caches too.
#[must_use]
pub(crate) fn is_rolled_back(outcomes: &Outcomes) -> bool {
    let mut environments = outcomes.backend.iter().flat_map(|backend| &backend.environments);
    let did_something = !outcomes.site.changed.is_empty() || environments.any(|environment| environment.changed);
    outcomes.put_back.is_some() && did_something && is_as_before(outcomes) && paths_left(outcomes) == 0
}

/// How many paths of what was put back were not invalidated again, over all distributions.
fn paths_left(outcomes: &Outcomes) -> usize {
    let unconfirmed = outcomes
        .put_back
        .iter()
        .flat_map(|put_back| put_back.cdn.unconfirmed.values());
    unconfirmed.map(Vec::len).sum()
}

/// What visitors may see of a site that was put back and whose caches were not.
pub(crate) fn stale(outcomes: &Outcomes) -> Option<String> {
    let left = paths_left(outcomes);
    (left > 0).then(|| {
        format!(
            "CloudFront may still show the new site ({} not invalidated)",
            count(left, "path")
        )
    })
}

/// Of an environment that runs the version from before its update, and that this run has not brought back: what the option
/// settings are is another matter, and so is how it is.
fn as_before_but_for_settings(environment: &EnvironmentReport) -> String {
    let names = some_names(environment.sent_settings.iter().map(String::as_str));
    match (names.as_str(), environment.settings_took_effect) {
        ("", _) if environment.end_unseen && environment.status.as_deref() == Some("Ready") => {
            "as before, an update may have started".to_owned()
        }
        ("", _) => "version as before".to_owned(),
        (names, true) => format!("version as before, new option settings: {names}"),
        (names, false) => format!("version as before, perhaps new option settings: {names}"),
    }
}

/// What an environment runs now.
pub(crate) fn environment_text(environment: &EnvironmentReport) -> String {
    if let Some(sent) = &environment.unknown_since_update_to {
        return format!(
            "backend in `{}` not known: the update to `{sent}` was sent",
            environment.name
        );
    }
    let label = environment
        .version_label
        .as_deref()
        .map_or_else(|| "no version".to_owned(), |label| format!("`{label}`"));
    format!(
        "backend {label} in `{}` ({})",
        environment.name,
        state_of_environment(environment)
    )
}

/// Whether an environment is as it was, in a few words.
pub(crate) fn state_of_environment(environment: &EnvironmentReport) -> String {
    let (now, before) = (&environment.version_label, &environment.previous_version_label);
    let planned = &environment.planned_version_label;
    let state = if environment.rolled_back || now == before && !environment.changed {
        "as before"
    } else if now == before && now != planned {
        &as_before_but_for_settings(environment)
    } else if now == before {
        // The same version, deployed again or with other option settings.
        "updated"
    } else if planned.is_none() || now == planned {
        "new"
    } else {
        "of another update"
    };
    let busy = match environment.status.as_deref() {
        Some("Ready") | None => String::new(),
        Some(status) => format!(", {status}"),
    };
    format!("{state}{busy}")
}

/// What the site is now; names its keys if `named`.
pub(crate) fn site_text(plan: &SitePlan, outcomes: &Outcomes, named: bool) -> String {
    let all = plan.writes.len() + plan.deletes.len();
    let (new, unsure, others) = (new_keys(outcomes), unsure(outcomes), others(outcomes));
    if new.is_empty() && others.is_empty() {
        let place = if paths_left(outcomes) > 0 { " in its bucket" } else { "" };
        return format!("site: as before{place}");
    }
    let (perhaps, sure): (BTreeSet<&str>, BTreeSet<&str>) = new.into_iter().partition(|key| unsure.contains(key));
    let mut left = all;
    let mut parts: Vec<String> = Vec::new();
    for (keys, what) in [
        (sure, "new"),
        (perhaps, "perhaps new"),
        (others, "changed by somebody else meanwhile"),
    ] {
        if keys.is_empty() {
            continue;
        }
        left = left.saturating_sub(keys.len());
        let of = if parts.is_empty() {
            format!(" of {}", count(all, "object"))
        } else {
            String::new()
        };
        // What could not be brought back is to be looked at.
        let which = match &outcomes.put_back {
            Some(_) if named => format!(" ({})", some_names(keys.iter().copied())),
            _ => String::new(),
        };
        parts.push(format!("{}{of} {what}{which}", keys.len()));
    }
    format!("site: {}, {left} as before", parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::outcome::{PutBack, SiteChanges};
    use crate::core::report::BackendReport;
    use crate::core::site::key_change::KeyChange;
    use crate::core::site::plan::Reason;

    fn environment(label: Option<&str>, status: &str) -> EnvironmentReport {
        EnvironmentReport {
            name: "prod".into(),
            version_label: label.map(ToOwned::to_owned),
            previous_version_label: Some("v6".into()),
            status: Some(status.into()),
            ..EnvironmentReport::default()
        }
    }

    #[test]
    fn backend_and_site_say_what_is_new_and_what_is_as_before() {
        let plan = Plan {
            site: Some(SitePlan {
                deletes: (0..31).map(|n| format!("k{n}")).collect(),
                ..SitePlan::default()
            }),
            ..Plan::default()
        };
        let outcomes = |environment, changed: usize, put_back: Option<usize>| Outcomes {
            backend: Some(BackendReport {
                environments: vec![environment],
                ..BackendReport::default()
            }),
            site: SiteChanges {
                changed: (0..changed)
                    .map(|n| KeyChange::written(&format!("k{n}"), Reason::New, None))
                    .collect(),
                ..SiteChanges::default()
            },
            put_back: put_back.map(|restored| PutBack {
                restored: (0..restored).map(|n| format!("k{n}")).collect(),
                ..PutBack::default()
            }),
            ..Outcomes::default()
        };
        for (outcomes, expected) in [
            (
                outcomes(environment(Some("v7"), "Ready"), 14, None),
                "backend `v7` in `prod` (new), site: 14 of 31 objects new, 17 as before",
            ),
            (
                outcomes(environment(Some("v6"), "Ready"), 14, Some(14)),
                "backend `v6` in `prod` (as before), site: as before",
            ),
            (
                outcomes(environment(Some("v7"), "Updating"), 14, Some(12)),
                "backend `v7` in `prod` (new, Updating), site: 2 of 31 objects new (`k12`, `k13`), 29 as before",
            ),
            (
                outcomes(environment(None, "Ready"), 0, None),
                "backend no version in `prod` (new), site: as before",
            ),
        ] {
            assert_eq!(live_now(&plan, &outcomes).as_deref(), Some(expected));
        }
        assert_eq!(live_now(&Plan::default(), &Outcomes::default()), None);
        let mut doubtful = outcomes(environment(Some("v7"), "Ready"), 2, None);
        doubtful.site.changed.push(KeyChange::deleted("k2", None).perhaps());
        let live = live_now(&plan, &doubtful).unwrap_or_default();
        assert!(
            live.ends_with("site: 2 of 31 objects new, 1 perhaps new, 28 as before"),
            "{live}"
        );
        doubtful.put_back = Some(PutBack {
            restored: vec!["k0".into(), "k1".into()],
            ..PutBack::default()
        });
        let live = live_now(&plan, &doubtful).unwrap_or_default();
        assert!(
            live.ends_with("site: 1 of 31 objects perhaps new (`k2`), 30 as before"),
            "{live}"
        );
    }

    #[test]
    fn what_nobody_has_seen_is_not_known() {
        let outcomes = Outcomes {
            backend: Some(BackendReport {
                environments: vec![EnvironmentReport {
                    changed: true,
                    unknown_since_update_to: Some("v7".into()),
                    ..environment(None, "Ready")
                }],
                ..BackendReport::default()
            }),
            ..Outcomes::default()
        };
        let live = live_now(&Plan::default(), &outcomes);
        assert_eq!(
            live.as_deref(),
            Some("backend in `prod` not known: the update to `v7` was sent")
        );
        assert!(!is_as_before(&outcomes));
    }

    #[test]
    fn a_site_that_is_back_behind_a_cache_that_is_not_is_not_rolled_back() {
        let plan = Plan {
            site: Some(SitePlan {
                deletes: vec!["k".into()],
                ..SitePlan::default()
            }),
            ..Plan::default()
        };
        let mut put_back = PutBack {
            restored: vec!["k".into()],
            ..PutBack::default()
        };
        let outcomes = |put_back: &PutBack| Outcomes {
            site: SiteChanges {
                changed: vec![KeyChange::deleted("k", None)],
                ..SiteChanges::default()
            },
            put_back: Some(put_back.clone()),
            ..Outcomes::default()
        };
        let back = outcomes(&put_back);
        assert!(is_rolled_back(&back));
        assert_eq!(live_now(&plan, &back).as_deref(), Some("site: as before"));
        put_back.cdn.unconfirmed = [("E1", 2), ("E2", 1)]
            .map(|(distribution, paths)| (distribution.to_owned(), vec!["/k".to_owned(); paths]))
            .into();
        let stale = outcomes(&put_back);
        assert!(!is_rolled_back(&stale) && is_as_before(&stale));
        assert_eq!(
            live_now(&plan, &stale).as_deref(),
            Some("CloudFront may still show the new site (3 paths not invalidated), site: as before in its bucket")
        );
    }

    #[test]
    fn an_environment_is_as_before_only_when_nothing_of_our_update_is_left() {
        let state = |label: &str, planned: &str, changed, rolled_back| {
            let environment = EnvironmentReport {
                planned_version_label: Some(planned.to_owned()),
                changed,
                rolled_back,
                ..environment(Some(label), "Ready")
            };
            let outcomes = Outcomes {
                backend: Some(BackendReport {
                    environments: vec![environment],
                    ..BackendReport::default()
                }),
                put_back: Some(PutBack::default()),
                ..Outcomes::default()
            };
            let live = live_now(&Plan::default(), &outcomes).unwrap_or_default();
            let state = live
                .rsplit('(')
                .next()
                .map(|state| state.trim_end_matches(')').to_owned());
            (
                state.unwrap_or_default(),
                is_as_before(&outcomes),
                is_rolled_back(&outcomes),
            )
        };
        for (label, planned, changed, rolled_back, expected) in [
            ("v7", "v7", true, false, ("new", false, false)),
            ("v6", "v7", true, true, ("as before", true, true)),
            ("v6", "v7", false, false, ("as before", true, false)),
            // Elastic Beanstalk has rolled the version back, and nobody knows about the settings.
            ("v6", "v7", true, false, ("version as before", false, false)),
            ("v6", "v6", true, false, ("updated", false, false)),
            ("v6", "v6", true, true, ("as before", true, true)),
            ("v9", "v7", true, false, ("of another update", false, false)),
        ] {
            let (state, as_before, is_back) = state(label, planned, changed, rolled_back);
            assert_eq!((state.as_str(), as_before, is_back), expected, "{label} {planned}");
        }
    }
}
