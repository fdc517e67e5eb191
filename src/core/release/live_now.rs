//! What is live now, in a sentence: a run that failed always says it.

use std::collections::BTreeSet;

use crate::core::release::outcome::Outcomes;
use crate::core::release::plan::Plan;
use crate::core::report::EnvironmentReport;
use crate::core::site::plan::SitePlan;
use crate::core::text::{count, names};

/// How many keys are named.
const NAMED: usize = 10;

/// What is live once a run has ended so; `None` when the plan was to change nothing.
#[must_use]
pub(crate) fn live_now(plan: &Plan, outcomes: &Outcomes) -> Option<String> {
    let environments = outcomes.backend.iter().flat_map(|backend| &backend.environments);
    // First, for a short text is cut at its end.
    let parts: Vec<String> = stale(outcomes)
        .into_iter()
        .chain(environments.map(environment))
        .chain(
            plan.site
                .as_ref()
                .filter(|site| !site.is_empty())
                .map(|plan| site(plan, outcomes)),
        )
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// The keys that are new now: those that changed and were not brought back.
#[must_use]
pub(crate) fn new_keys(outcomes: &Outcomes) -> BTreeSet<&str> {
    let restored: BTreeSet<&str> = outcomes
        .put_back
        .iter()
        .flat_map(|put_back| &put_back.restored)
        .map(String::as_str)
        .collect();
    let changed = outcomes.site.changed.iter().map(|change| change.key.as_str());
    changed.filter(|key| !restored.contains(key)).collect()
}

/// Whether everything that the run changed is as it was before.
#[must_use]
pub(crate) fn is_as_before(outcomes: &Outcomes) -> bool {
    let mut environments = outcomes.backend.iter().flat_map(|backend| &backend.environments);
    new_keys(outcomes).is_empty() && environments.all(|environment| !environment.changed || environment.rolled_back)
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
fn stale(outcomes: &Outcomes) -> Option<String> {
    let left = paths_left(outcomes);
    (left > 0).then(|| {
        format!(
            "CloudFront may still show the new site ({} not invalidated)",
            count(left, "path")
        )
    })
}

fn environment(environment: &EnvironmentReport) -> String {
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
    let (now, before) = (&environment.version_label, &environment.previous_version_label);
    let planned = &environment.planned_version_label;
    let state = if environment.rolled_back || now == before && (!environment.changed || now != planned) {
        "as before"
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
    format!("backend {label} in `{}` ({state}{busy})", environment.name)
}

fn site(plan: &SitePlan, outcomes: &Outcomes) -> String {
    let (all, changed) = (plan.writes.len() + plan.deletes.len(), new_keys(outcomes));
    if changed.is_empty() {
        let place = if paths_left(outcomes) > 0 { " in its bucket" } else { "" };
        return format!("site: as before{place}");
    }
    let done = outcomes.site.changed.iter().filter(|change| !change.perhaps);
    let done: BTreeSet<&str> = done.map(|change| change.key.as_str()).collect();
    let (new, perhaps): (Vec<&str>, Vec<&str>) = changed.iter().partition(|key| done.contains(**key));
    // What could not be brought back is to be looked at.
    let which = |keys: &[&str]| match &outcomes.put_back {
        Some(_) if !keys.is_empty() => {
            let rest = match keys.len().saturating_sub(NAMED) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!(" ({}{rest})", names(keys.iter().copied().take(NAMED)))
        }
        _ => String::new(),
    };
    // Of a request that failed or was not answered nobody knows whether it took effect.
    let doubtful = match perhaps.len() {
        0 => String::new(),
        count => format!("{count} perhaps{}, ", which(&perhaps)),
    };
    format!(
        "site: {} of {all} objects new{}, {doubtful}{} as before",
        new.len(),
        which(&new),
        all - changed.len().min(all)
    )
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
            live.ends_with("site: 2 of 31 objects new, 1 perhaps, 28 as before"),
            "{live}"
        );
        doubtful.put_back = Some(PutBack {
            restored: vec!["k0".into(), "k1".into()],
            ..PutBack::default()
        });
        let live = live_now(&plan, &doubtful).unwrap_or_default();
        assert!(
            live.ends_with("site: 0 of 31 objects new, 1 perhaps (`k2`), 30 as before"),
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
            ("v6", "v7", true, false, ("as before", false, false)),
            ("v6", "v6", true, false, ("updated", false, false)),
            ("v6", "v6", true, true, ("as before", true, true)),
            ("v9", "v7", true, false, ("of another update", false, false)),
        ] {
            let (state, as_before, is_back) = state(label, planned, changed, rolled_back);
            assert_eq!((state.as_str(), as_before, is_back), expected, "{label} {planned}");
        }
    }
}
