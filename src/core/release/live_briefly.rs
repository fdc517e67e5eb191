//! What is live now, where there is little room: what is not as it was comes first, and what is left out is counted.

use crate::core::release::live_now::{environment_text, live_now, site_text, stale, state_of_environment};
use crate::core::release::outcome::Outcomes;
use crate::core::release::plan::Plan;
use crate::core::report::EnvironmentReport;
use crate::core::text::cut;

/// The most characters of a version label.
const MAX_LABEL: usize = 24;

/// What is live once a run has ended so, in at most `most` characters where that is possible at all; `None` without site
/// and environments.
#[must_use]
pub(crate) fn live_briefly(plan: &Plan, outcomes: &Outcomes, most: usize) -> Option<String> {
    let whole = live_now(plan, outcomes)?;
    if whole.chars().count() <= most {
        return Some(whole);
    }
    let environments: Vec<&EnvironmentReport> = outcomes
        .backend
        .iter()
        .flat_map(|backend| &backend.environments)
        .collect();
    let (before, other): (Vec<&EnvironmentReport>, Vec<&EnvironmentReport>) =
        environments.into_iter().partition(|environment| is_before(environment));
    let site = plan.site.as_ref().map(|plan| site_text(plan, outcomes, false));
    let site_is_before = site.as_ref().is_some_and(|site| site.starts_with("site: as before"));
    let (site_last, site_first) = if site_is_before { (site, None) } else { (None, site) };
    let one = |text: String| (text, 1);
    let mut parts: Vec<(String, usize)> = stale(outcomes).into_iter().map(one).collect();
    parts.extend(groups(&other));
    parts.extend(site_first.map(one));
    parts.extend(groups(&before));
    parts.extend(site_last.map(one));
    Some(as_many(&parts, most))
}

fn is_before(environment: &EnvironmentReport) -> bool {
    environment.rolled_back || !environment.changed
}

/// Environments that run the same in the same state are one part; how many each is of.
fn groups(environments: &[&EnvironmentReport]) -> Vec<(String, usize)> {
    let (unknown, known): (Vec<&EnvironmentReport>, Vec<&EnvironmentReport>) = environments
        .iter()
        .partition(|environment| environment.unknown_since_update_to.is_some());
    let unknown = unknown
        .into_iter()
        .map(|environment| (environment_text(environment), 1));
    let mut groups: Vec<((String, String), Vec<&str>)> = Vec::new();
    for environment in known {
        let key = state_of(environment);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, names)) => names.push(&environment.name),
            None => groups.push((key, vec![&environment.name])),
        }
    }
    let text = |((label, state), names): ((String, String), Vec<&str>)| {
        let place = match names.as_slice() {
            [one] => format!("`{one}`"),
            several => format!("{} environments", several.len()),
        };
        (format!("backend {label} in {place} ({state})"), names.len())
    };
    unknown.chain(groups.into_iter().map(text)).collect()
}

/// The version and the state, as the long text has them.
fn state_of(environment: &EnvironmentReport) -> (String, String) {
    let label = environment.version_label.as_deref();
    let label = label.map_or_else(
        || "no version".to_owned(),
        |label| format!("`{}`", cut(label, MAX_LABEL)),
    );
    (label, state_of_environment(environment))
}

/// As many of `parts` as there is room for, and how many more there are.
fn as_many(parts: &[(String, usize)], most: usize) -> String {
    for taken in (1..=parts.len()).rev() {
        let left: usize = parts[taken..].iter().map(|(_, number)| number).sum();
        let texts: Vec<&str> = parts[..taken].iter().map(|(text, _)| text.as_str()).collect();
        let rest = if left > 0 {
            format!(", and {left} more")
        } else {
            String::new()
        };
        let text = format!("{}{rest}", texts.join(", "));
        if text.chars().count() <= most || taken == 1 {
            return text;
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::outcome::SiteChanges;
    use crate::core::report::BackendReport;
    use crate::core::site::key_change::KeyChange;
    use crate::core::site::plan::SitePlan;

    fn environment(name: &str, label: &str, is_back: bool) -> EnvironmentReport {
        EnvironmentReport {
            name: name.to_owned(),
            changed: true,
            rolled_back: is_back,
            version_label: Some(label.to_owned()),
            planned_version_label: Some("v7".to_owned()),
            previous_version_label: Some("v6".to_owned()),
            status: Some("Ready".to_owned()),
            ..EnvironmentReport::default()
        }
    }

    fn brief(environments: Vec<EnvironmentReport>, most: usize) -> String {
        let plan = Plan {
            site: Some(SitePlan {
                deletes: (0..3).map(|n| format!("k{n}")).collect(),
                ..SitePlan::default()
            }),
            ..Plan::default()
        };
        let outcomes = Outcomes {
            backend: Some(BackendReport {
                environments,
                ..BackendReport::default()
            }),
            site: SiteChanges {
                changed: vec![KeyChange::deleted("k0", None)],
                ..SiteChanges::default()
            },
            ..Outcomes::default()
        };
        live_briefly(&plan, &outcomes, most).expect("a text")
    }

    #[test]
    fn what_is_not_as_before_comes_first_and_what_has_no_room_is_counted() {
        let names = ["my-app-production-eu", "my-app-production-us", "my-app-production-ap"];
        let all = |label: &str, is_back| names.map(|name| environment(name, label, is_back)).to_vec();
        assert_eq!(
            brief(all("v7", false), 120),
            "backend `v7` in 3 environments (new), site: 1 of 3 objects new, 2 as before"
        );
        let mut mixed = all("v6", true);
        mixed[1] = environment(names[1], "v7", false);
        assert_eq!(
            brief(mixed.clone(), 130),
            "backend `v7` in `my-app-production-us` (new), site: 1 of 3 objects new, 2 as before, backend `v6` in 2 \
             environments (as before)"
        );
        assert_eq!(
            brief(mixed.clone(), 100),
            "backend `v7` in `my-app-production-us` (new), site: 1 of 3 objects new, 2 as before, and 2 more"
        );
        assert_eq!(
            brief(mixed.clone(), 60),
            "backend `v7` in `my-app-production-us` (new), and 3 more"
        );
        // With room nothing is left out.
        assert!(brief(mixed, 1000).ends_with("(as before), site: 1 of 3 objects new, 2 as before"));
    }
}
