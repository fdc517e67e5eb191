//! What `on-failure: rollback` can do for the site of a run, and so for its environments: the old backend must never come
//! under a new site.

use crate::core::backend::plan::{BackendPlan, UpdateStep};
use crate::core::release::live::live;
use crate::core::release::plan::Plan;
use crate::core::release::record::{Record, RecordStatus, Versioning};
use crate::core::text::plural;

/// What becomes of the site when a run fails after it changed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SiteUndo {
    /// Nothing of it changed: the environments go back.
    Unchanged,
    /// No release of it succeeded before: there is nothing to go back to, and site and environments are kept.
    FirstRelease,
    /// No release of it is known to have succeeded before, and records cannot be read: site and environments are kept.
    Unknown,
    /// The bucket keeps no versions: the environments go back alone, as the plan warned.
    Unversioned,
    /// It goes back to what was live when the run began; only once all of it has, the environments follow.
    Restore,
}

impl SiteUndo {
    /// Of a site with (or without) changed objects, by the earlier records, whether all of them could be read, and the
    /// bucket's versioning.
    #[must_use]
    pub(crate) fn of(is_changed: bool, records: &[Record], could_read: bool, versioning: Versioning) -> Self {
        let is_release = |record: &Record| record.status == RecordStatus::Succeeded && record.site.is_some();
        if !is_changed {
            Self::Unchanged
        } else if !records.iter().any(is_release) {
            if could_read { Self::FirstRelease } else { Self::Unknown }
        } else if matches!(versioning, Versioning::Off | Versioning::Suspended) {
            Self::Unversioned
        } else {
            Self::Restore
        }
    }
}

/// What a failure of `plan` would bring back, in a sentence; `None` when it changes nothing.
#[must_use]
pub(crate) fn undo_line(plan: &Plan, records: &[Record], could_read: bool) -> Option<String> {
    if plan.changes_nothing() {
        return None;
    }
    let objects = plan.site.as_ref().map_or(0, |site| site.keys().count());
    let labels: Vec<String> = plan.backend.iter().flat_map(labels).collect();
    let labels = (!labels.is_empty()).then(|| labels.join(" and "));
    let undo = SiteUndo::of(objects > 0, records, could_read, plan.versioning);
    let line = match undo {
        SiteUndo::Unchanged => format!("a failure would bring back {}", labels?),
        SiteUndo::FirstRelease | SiteUndo::Unknown => {
            let why = if undo == SiteUndo::Unknown {
                "release records cannot be read, so nobody knows what the site could go back to"
            } else {
                "there is no earlier release of the site to go back to"
            };
            let before = labels.map(|labels| {
                format!(": a failure before its first change would bring back {labels}, a later one keeps everything")
            });
            format!(
                "{why}{}",
                before.unwrap_or_else(|| ": a failure keeps everything".to_owned())
            )
        }
        SiteUndo::Unversioned => format!(
            "a failure would bring back {}: versioning of the bucket is not enabled, so the site would stay as the failure \
             left it",
            labels.map_or_else(|| "nothing".to_owned(), |labels| format!("{labels} alone"))
        ),
        SiteUndo::Restore => {
            let site = format!("{} of the site", plural(objects, "object"));
            let parts: Vec<String> = [site].into_iter().chain(labels).collect();
            format!("a failure would bring back {}{}", parts.join(" and "), left_by(records))
        }
    };
    Some(format!("on-failure: {line}"))
}

/// The versions that environments would get back.
fn labels(backend: &BackendPlan) -> impl Iterator<Item = String> {
    backend
        .environments
        .iter()
        .filter_map(|environment| match (&environment.step, &environment.previous_label) {
            (UpdateStep::Update { .. }, Some(label)) => Some(format!("`{label}` in `{}`", environment.name)),
            _ => None,
        })
}

/// Who left what is live now.
fn left_by(records: &[Record]) -> String {
    let Some(live) = live(records) else {
        return String::new();
    };
    match live.disturbed_by {
        Some(unfinished) => format!(
            ", as release `{}` and the unfinished `{}` left them",
            live.release.id, unfinished.id
        ),
        None => format!(", as release `{}` left them", live.release.id),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, with_label, with_site};
    use crate::core::release::record::EnvironmentOutcome;
    use crate::core::site::plan::SitePlan;

    fn site(id: &str, status: RecordStatus) -> Record {
        with_site(release(id, status), &[("a", "1")])
    }

    #[test]
    fn only_a_release_of_the_site_can_be_gone_back_to() {
        let backend = with_label(
            release("r1", RecordStatus::Succeeded),
            "v1",
            EnvironmentOutcome::Succeeded,
        );
        for (is_changed, records, versioning, expected) in [
            (false, vec![], Versioning::Off, SiteUndo::Unchanged),
            (true, vec![], Versioning::Enabled, SiteUndo::FirstRelease),
            (true, vec![backend], Versioning::Enabled, SiteUndo::FirstRelease),
            (
                true,
                vec![site("r1", RecordStatus::Failed)],
                Versioning::Enabled,
                SiteUndo::FirstRelease,
            ),
            (
                true,
                vec![site("r1", RecordStatus::Succeeded)],
                Versioning::Suspended,
                SiteUndo::Unversioned,
            ),
            (
                true,
                vec![site("r1", RecordStatus::Succeeded)],
                Versioning::Unknown,
                SiteUndo::Restore,
            ),
        ] {
            let undo = SiteUndo::of(is_changed, &records, true, versioning);
            assert_eq!(undo, expected, "{records:?}");
        }
        let unread = |records: &[Record]| SiteUndo::of(true, records, false, Versioning::Enabled);
        assert_eq!(unread(&[]), SiteUndo::Unknown);
        assert_eq!(unread(&[site("r1", RecordStatus::Succeeded)]), SiteUndo::Restore);
    }

    #[test]
    fn the_plan_says_what_a_failure_would_bring_back() {
        let plan = |versioning| Plan {
            site: Some(SitePlan {
                deletes: vec!["a".to_owned(), "b".to_owned()],
                ..SitePlan::default()
            }),
            versioning,
            ..Plan::default()
        };
        let live = [site("r2", RecordStatus::Failed), site("r1", RecordStatus::Succeeded)];
        for (records, versioning, expected) in [
            (
                &live[..],
                Versioning::Enabled,
                "a failure would bring back 2 objects of the site, as release `r1` and the unfinished `r2` left them",
            ),
            (
                &live[1..],
                Versioning::Enabled,
                "a failure would bring back 2 objects of the site, as release `r1` left them",
            ),
            (
                &live[1..],
                Versioning::Off,
                "a failure would bring back nothing: versioning of the bucket is not enabled, so the site would stay as the \
                 failure left it",
            ),
            (
                &[],
                Versioning::Enabled,
                "there is no earlier release of the site to go back to: a failure keeps everything",
            ),
        ] {
            let line = undo_line(&plan(versioning), records, true);
            assert_eq!(line, Some(format!("on-failure: {expected}")));
        }
        assert_eq!(
            undo_line(&plan(Versioning::Enabled), &[], false).as_deref(),
            Some(
                "on-failure: release records cannot be read, so nobody knows what the site could go back to: a failure keeps \
                 everything"
            )
        );
        assert_eq!(undo_line(&Plan::default(), &live, true), None);
    }
}
