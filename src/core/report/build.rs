//! The report, built once at the end from plan and outcomes.

use std::collections::HashSet;

use crate::core::backend::plan::BackendPlan;
use crate::core::error::{Cancelled, InputErrors, RenderedError};
use crate::core::iam::allowance::Allowance;
use crate::core::inputs::Command;
use crate::core::inputs::headline::Destination;
use crate::core::release::live_now::{is_rolled_back, live_now, new_keys};
use crate::core::release::outcome::Outcomes;
use crate::core::release::plan::Plan;
use crate::core::release::recorded::Recorded;
use crate::core::report::old_assets::retired;
use crate::core::report::{Github, Invalidation, Outcome, Phase, Report, SiteReport, TargetReport, UploadReport};
use crate::core::site::key_change::KeyOperation;
use crate::core::site::plan::SitePlan;

/// What a report says of its run, besides plan and outcomes.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    /// `command`; `None` when the inputs are wrong.
    pub(crate) command: Option<Command>,
    /// `dry-run`.
    pub(crate) dry_run: bool,
    /// When the run started, RFC 3339, UTC.
    pub(crate) started_at: String,
    /// How long it took, in seconds.
    pub(crate) seconds: f64,
    /// Where the time went.
    pub(crate) timeline: Vec<Phase>,
    /// `site-url`.
    pub(crate) site_url: Option<String>,
    /// What the run deploys to.
    pub(crate) places: Vec<Destination>,
    /// What it has to be allowed; `None` when the inputs are wrong.
    pub(crate) allowance: Option<Allowance>,
}

/// The report of a run: without a plan of one that ended before, without outcomes of one that changed nothing on purpose.
#[must_use]
pub(crate) fn build(
    frame: Frame,
    plan: Option<&Plan>,
    outcomes: Option<&Outcomes>,
    result: &anyhow::Result<()>,
) -> Report {
    let mut report = Report {
        command: frame.command.unwrap_or(Command::Deploy).name().to_owned(),
        dry_run: frame.dry_run,
        seconds: frame.seconds,
        timeline: frame.timeline,
        site_url: frame.site_url,
        places: frame.places,
        ..Report::new(frame.started_at)
    };
    if let Some(plan) = plan {
        report.rolled_back_to = plan.target.as_ref().map(|target| TargetReport {
            release: target.id.clone(),
            commit: target.commit.as_ref().map(|commit| commit.sha.clone()),
        });
        report.site = plan.site.as_ref().map(|site| match outcomes {
            Some(outcomes) => site_report(site, outcomes),
            None => planned_site(site),
        });
        report.backend = outcomes
            .and_then(|outcomes| outcomes.backend.clone())
            .or_else(|| plan.backend.as_ref().map(BackendPlan::report));
        report.invalidations = match outcomes {
            Some(outcomes) => {
                let again = outcomes
                    .put_back
                    .iter()
                    .flat_map(|put_back| &put_back.cdn.invalidations)
                    .map(|invalidation| Invalidation {
                        after_rollback: true,
                        ..invalidation.clone()
                    });
                outcomes.cdn.invalidations.iter().cloned().chain(again).collect()
            }
            None => planned_invalidations(plan),
        };
    }
    if let Some(outcomes) = outcomes {
        let on_record = outcomes.release.clone();
        report.release = on_record.filter(|_| outcomes.recorded != Recorded::Nowhere);
        report.recorded = outcomes.recorded;
        report.forgotten.clone_from(&outcomes.forgotten);
        report.rolled_back = is_rolled_back(outcomes);
        report.github = outcomes.deployment_id.map(|deployment_id| Github { deployment_id });
    }
    let is_check = frame.command == Some(Command::Check);
    report.outcome = match result {
        Ok(()) if !report.changed() && !report.dry_run && frame.command != Some(Command::Check) => Outcome::Unchanged,
        Ok(()) => Outcome::Succeeded,
        Err(error) if error.is::<Cancelled>() => Outcome::Cancelled,
        Err(error) => {
            let mut rendered = RenderedError::from(error);
            let allowance = frame.allowance.as_ref().filter(|_| !is_check);
            if let (Some(hint), Some(allowance)) = (&mut rendered.hint, allowance) {
                *hint = allowance.widen(hint);
            }
            report.error = Some(rendered);
            if let Some(InputErrors(errors)) = error.downcast_ref() {
                report.wrong_inputs.clone_from(errors);
            }
            Outcome::Failed
        }
    };
    let advice = frame
        .allowance
        .as_ref()
        .filter(|_| !is_check)
        .and_then(Allowance::advice);
    let error_hint = report.error.as_mut().map(|error| &mut error.hint);
    match (advice, error_hint) {
        (Some(advice), Some(hint @ None)) => *hint = Some(advice),
        // Its statement is this one.
        (Some(_), Some(Some(hint))) if holds_statement(hint) => {}
        (advice, _) => report.advice = advice,
    }
    if let (Some(plan), Some(outcomes), Err(_)) = (plan, outcomes, result) {
        report.live = live_now(plan, outcomes);
    }
    if let (Some(error), Some(live)) = (&mut report.error, &report.live) {
        error.message = format!("{}; live now: {live}", error.message);
    }
    report
}

/// Whether `hint` holds a statement that allows.
fn holds_statement(hint: &str) -> bool {
    hint.contains("\"Effect\"")
}

/// The site's plan.
fn planned_site(plan: &SitePlan) -> SiteReport {
    SiteReport {
        bucket: plan.bucket.clone(),
        prefix: plan.prefix.clone(),
        unchanged: plan.unchanged,
        uploads: plan
            .writes
            .iter()
            .map(|write| UploadReport {
                key: write.key.clone(),
                size: write.size,
                reason: write.reason,
                content_type: write.headers.content_type.clone(),
            })
            .collect(),
        deletes: plan.deletes.clone(),
        retired: retired(plan.retirement.iter().flat_map(|retirement| &retirement.kept)),
        restored: Vec::new(),
        not_restored: Vec::new(),
        changed_by_others: Vec::new(),
        failures: Vec::new(),
        warnings: plan.warnings.clone(),
    }
}

/// What of the site's plan did happen, in its order, and what of that was put back.
fn site_report(plan: &SitePlan, outcomes: &Outcomes) -> SiteReport {
    let done = &outcomes.site;
    let happened = |operation: KeyOperation| -> HashSet<&str> {
        let changed = done
            .changed
            .iter()
            .filter(|key| key.operation == operation && !key.perhaps);
        changed.map(|key| key.key.as_str()).collect()
    };
    let (written, deleted) = (happened(KeyOperation::Written), happened(KeyOperation::Deleted));
    let mut site = planned_site(plan);
    site.uploads.retain(|upload| written.contains(upload.key.as_str()));
    site.deletes.retain(|key| deleted.contains(key.as_str()));
    site.retired = retired(outcomes.old_assets.iter().flatten());
    site.failures.clone_from(&done.failures);
    site.warnings.extend(done.warnings.iter().cloned());
    if let Some(put_back) = &outcomes.put_back {
        site.restored.clone_from(&put_back.restored);
        // What stays for pages that are open is not as it was before: there was no such key.
        let kept: HashSet<&str> = site.retired.iter().map(|asset| asset.key.as_str()).collect();
        site.restored.retain(|key| !kept.contains(key.as_str()));
        site.restored.sort();
        site.restored.dedup();
        site.not_restored = new_keys(outcomes).into_iter().map(ToOwned::to_owned).collect();
        site.changed_by_others = put_back.others.iter().cloned().collect();
    }
    site
}

fn planned_invalidations(plan: &Plan) -> Vec<Invalidation> {
    let planned = plan.cdn.iter().flat_map(|cdn| cdn.planned());
    planned
        .map(|planned| Invalidation {
            distribution: planned.distribution.clone(),
            id: None,
            paths: planned.paths.clone(),
            status: "Planned".to_owned(),
            after_rollback: false,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::outcome::SiteChanges;
    use crate::core::site::headers::ObjectHeaders;
    use crate::core::site::key_change::KeyChange;
    use crate::core::site::plan::{Reason, SiteWarning, Write, WriteSource};

    fn plan() -> Plan {
        let write = |key: &str| Write {
            key: key.to_owned(),
            size: 1,
            reason: Reason::New,
            source: WriteSource::InPlace,
            headers: ObjectHeaders::default(),
        };
        Plan {
            site: Some(SitePlan {
                writes: vec![write("a"), write("b"), write("c")],
                deletes: vec!["x".to_owned(), "y".to_owned()],
                ..SitePlan::default()
            }),
            ..Plan::default()
        }
    }

    fn report(outcomes: Option<&Outcomes>, dry_run: bool, result: &anyhow::Result<()>) -> Report {
        let frame = Frame {
            command: Some(Command::Deploy),
            dry_run,
            site_url: None,
            started_at: String::new(),
            seconds: 1.0,
            timeline: Vec::new(),
            places: Vec::new(),
            allowance: None,
        };
        build(frame, Some(&plan()), outcomes, result)
    }

    fn keys(report: &Report) -> Vec<&str> {
        let site = report.site.as_ref().expect("a site");
        let uploads = site.uploads.iter().map(|upload| upload.key.as_str());
        uploads.chain(site.deletes.iter().map(String::as_str)).collect()
    }

    #[test]
    fn a_dry_run_reports_the_plan_and_a_run_what_was_seen_to_happen() {
        let dry = report(None, true, &Ok(()));
        assert_eq!(keys(&dry), ["a", "b", "c", "x", "y"]);
        assert_eq!((dry.outcome, dry.changed()), (Outcome::Succeeded, false));

        let outcomes = Outcomes {
            site: SiteChanges {
                changed: vec![
                    KeyChange::deleted("y", None),
                    KeyChange::written("b", Reason::New, None),
                    KeyChange::written("c", Reason::New, None).perhaps(),
                    KeyChange::written("a", Reason::New, None),
                ],
                warnings: Vec::new(),
                failures: vec![SiteWarning {
                    path: "c".to_owned(),
                    message: "no answer".to_owned(),
                }],
                ..SiteChanges::default()
            },
            ..Outcomes::default()
        };
        let failed = report(Some(&outcomes), false, &Err(anyhow::anyhow!("it broke")));
        assert_eq!(keys(&failed), ["a", "b", "y"]);
        assert_eq!((failed.outcome, failed.changed()), (Outcome::Failed, true));
        let message = failed.error.map(|error| error.message);
        assert_eq!(
            message.as_deref(),
            Some("it broke; live now: site: 3 of 5 objects new, 1 perhaps new, 1 as before")
        );
        let cancelled = report(Some(&Outcomes::default()), false, &Err(Cancelled.into()));
        assert_eq!((cancelled.outcome, keys(&cancelled).len()), (Outcome::Cancelled, 0));
        let nothing = report(Some(&Outcomes::default()), false, &Ok(()));
        assert_eq!(nothing.outcome, Outcome::Unchanged);
    }
}
