//! What is reported of a plan and what became of it.

use super::*;
use crate::core::backend::plan::{EnvironmentPlan, UpdateStep, VersionStep};
use crate::core::backend::reason::UpdateReason;

fn plan() -> BackendPlan {
    BackendPlan {
        application: "app".to_owned(),
        version_label: "v1".to_owned(),
        version: VersionStep::Existing,
        processing: Vec::new(),
        environments: vec![EnvironmentPlan {
            name: "web".to_owned(),
            label: "v1".to_owned(),
            previous_label: Some("v0".to_owned()),
            status: "Ready".to_owned(),
            health: "Green".to_owned(),
            is_healthy: true,
            idle_note: None,
            url: Some("http://web".to_owned()),
            step: UpdateStep::Update {
                reason: UpdateReason::NewBundle,
            },
        }],
        bundle: None,
    }
}

#[test]
fn what_was_seen_last_is_reported_and_else_what_was_planned() {
    let untouched = BackendOutcome::default().report(&plan());
    assert_eq!(untouched, plan().report());
    let mut run = EnvironmentRun {
        changed: true,
        failure: Some("no".to_owned()),
        ..EnvironmentRun::default()
    };
    let state = EnvironmentState {
        status: "Updating".to_owned(),
        health: "Red".to_owned(),
        ..EnvironmentState::default()
    };
    run.see(Some(&state));
    assert!(run.keeps_running());
    let outcome = BackendOutcome {
        environments: vec![run],
        ..BackendOutcome::default()
    };
    let report = outcome.report(&plan()).environments.remove(0);
    assert!(report.changed && report.url.is_none());
    assert_eq!(report.previous_version_label.as_deref(), Some("v0"));
    assert_eq!(report.status.as_deref(), Some("Updating"));
    assert_eq!(report.health.as_deref(), Some("Red"));
    assert_eq!(report.error.as_deref(), Some("no"));
}

#[test]
fn what_was_seen_before_the_update_says_nothing_of_what_runs_now() {
    let state = |status: &str, label: &str| EnvironmentState {
        status: status.to_owned(),
        label: Some(label.to_owned()),
        ..EnvironmentState::default()
    };
    let mut run = EnvironmentRun {
        changed: true,
        sent: Some("v1".to_owned()),
        ..EnvironmentRun::default()
    };
    for (status, label, is_known) in [
        ("Ready", "v1", true),
        ("Ready", "v0", false),
        ("Updating", "v1", false),
        ("Updating", "v0", false),
    ] {
        run.see(Some(&state(status, label)));
        run.lose_sight();
        assert_eq!(run.state().is_some(), is_known, "{status} on {label}");
    }
    assert!(run.keeps_running());
    let mut untouched = EnvironmentRun::default();
    untouched.see(Some(&state("Ready", "v0")));
    untouched.lose_sight();
    assert!(untouched.state().is_some());
    let outcome = BackendOutcome {
        environments: vec![run],
        ..BackendOutcome::default()
    };
    let report = outcome.report(&plan()).environments.remove(0);
    assert!(report.end_unseen && report.unknown_since_update_to.as_deref() == Some("v1"));
    assert_eq!((report.version_label, report.status, report.health), (None, None, None));
    assert_eq!(report.previous_version_label.as_deref(), Some("v0"));
}

#[test]
fn what_ran_right_before_the_update_is_reported() {
    let run = EnvironmentRun {
        changed: true,
        previous: Some(Some("between".to_owned())),
        ..EnvironmentRun::default()
    };
    let outcome = BackendOutcome {
        environments: vec![run],
        ..BackendOutcome::default()
    };
    let report = outcome.report(&plan()).environments.remove(0);
    assert_eq!(report.previous_version_label.as_deref(), Some("between"));
}

#[test]
fn an_environment_that_is_gone_is_terminated() {
    let mut run = EnvironmentRun::default();
    run.see(None);
    let outcome = BackendOutcome {
        environments: vec![run],
        ..BackendOutcome::default()
    };
    let report = outcome.report(&plan()).environments.remove(0);
    assert_eq!(report.status.as_deref(), Some("Terminated"));
    assert_eq!(report.health.as_deref(), Some("Green"));
}
