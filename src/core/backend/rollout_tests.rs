use super::*;

fn seen(status: &str, label: &str, healthy: bool) -> Observation {
    Observation {
        status: Some(status.to_owned()),
        label: Some(label.to_owned()),
        healthy,
        stragglers: Vec::new(),
    }
}

fn monitor() -> RolloutMonitor {
    RolloutMonitor::new(Some("new"), Some("old"), Duration::from_secs(60), None)
}

fn after(start: Instant, seconds: u64) -> Instant {
    start + Duration::from_secs(seconds)
}

#[test]
fn succeeds_only_when_ready_on_our_label_and_healthy() {
    let start = Instant::now();
    for (seen, verdict) in [
        (seen("Updating", "new", true), Verdict::Going),
        (seen("Ready", "old", true), Verdict::Going),
        (seen("Ready", "new", false), Verdict::Recovering),
        (seen("Ready", "new", true), Verdict::Succeeded),
    ] {
        assert_eq!(monitor().verdict(&seen, false, start), verdict, "{seen:?}");
    }
}

#[test]
fn ready_on_another_label_is_a_failure_after_the_grace_only() {
    let start = Instant::now();
    let mut monitor = monitor();
    let elsewhere = seen("Ready", "old", true);
    assert_eq!(monitor.verdict(&elsewhere, false, start), Verdict::Going);
    assert_eq!(monitor.verdict(&elsewhere, false, after(start, 29)), Verdict::Going);
    assert_eq!(
        monitor.verdict(&elsewhere, false, after(start, 30)),
        Verdict::Failed(FailureReason::Reverted(Some("old".to_owned())))
    );
}

#[test]
fn a_stale_read_starts_the_grace_anew() {
    let start = Instant::now();
    let mut monitor = monitor();
    monitor.verdict(&seen("Ready", "old", true), false, start);
    monitor.verdict(&seen("Updating", "old", false), false, after(start, 20));
    assert_eq!(
        monitor.verdict(&seen("Ready", "old", true), false, after(start, 40)),
        Verdict::Going
    );
}

#[test]
fn health_may_recover_for_a_while() {
    let start = Instant::now();
    let mut monitor = monitor();
    let yellow = seen("Ready", "new", false);
    assert_eq!(monitor.verdict(&yellow, false, start), Verdict::Recovering);
    assert_eq!(monitor.verdict(&yellow, false, after(start, 59)), Verdict::Recovering);
    assert_eq!(
        monitor.verdict(&yellow, false, after(start, 60)),
        Verdict::Failed(FailureReason::Health(60))
    );
    assert_eq!(
        monitor.verdict(&seen("Ready", "new", true), false, after(start, 61)),
        Verdict::Succeeded
    );
}

#[test]
fn an_error_event_fails_once_ready_even_when_green() {
    let start = Instant::now();
    assert_eq!(
        monitor().verdict(&seen("Updating", "new", true), true, start),
        Verdict::Going
    );
    for label in ["new", "old"] {
        let verdict = monitor().verdict(&seen("Ready", label, true), true, start);
        assert_eq!(verdict, Verdict::Failed(FailureReason::Event));
    }
}

#[test]
fn an_environment_that_is_gone_fails_at_once() {
    for status in [None, Some("Terminating"), Some("Terminated")] {
        let seen = Observation {
            status: status.map(ToOwned::to_owned),
            ..seen("", "new", true)
        };
        assert_eq!(
            monitor().verdict(&seen, false, Instant::now()),
            Verdict::Failed(FailureReason::Gone)
        );
    }
}

#[test]
fn instances_on_another_version_are_no_success() {
    let start = Instant::now();
    let seen = Observation {
        stragglers: vec!["i-1".to_owned()],
        ..seen("Ready", "new", true)
    };
    let mut monitor = monitor();
    assert_eq!(monitor.verdict(&seen, false, start), Verdict::Recovering);
    assert_eq!(
        monitor.verdict(&seen, false, after(start, 60)),
        Verdict::Failed(FailureReason::Stragglers(vec!["i-1".to_owned()]))
    );
}

#[test]
fn the_same_label_again_succeeds_only_once_the_update_was_seen() {
    let start = Instant::now();
    let again = || RolloutMonitor::new(Some("same"), Some("same"), Duration::from_secs(60), None);
    let green = seen("Ready", "same", true);
    assert_eq!(again().verdict(&green, false, start), Verdict::Going);
    let mut watched = again();
    watched.verdict(&seen("Updating", "same", false), false, start);
    assert_eq!(watched.verdict(&green, false, start), Verdict::Succeeded);
    let mut told = again();
    told.begun();
    assert_eq!(told.verdict(&green, false, start), Verdict::Succeeded);
    let mut unseen = again();
    unseen.verdict(&green, false, start);
    assert_eq!(unseen.verdict(&green, false, after(start, 30)), Verdict::Succeeded);
}

#[test]
fn a_quick_poll_interval_shortens_the_grace() {
    let start = Instant::now();
    let mut monitor = RolloutMonitor::new(Some("new"), Some("old"), Duration::ZERO, Some(Duration::from_secs(1)));
    monitor.verdict(&seen("Ready", "old", true), false, start);
    let verdict = monitor.verdict(&seen("Ready", "old", true), false, after(start, 6));
    assert_eq!(
        verdict,
        Verdict::Failed(FailureReason::Reverted(Some("old".to_owned())))
    );
}

#[test]
fn somebody_elses_version_supersedes_ours() {
    let start = Instant::now();
    let superseded = |by: &str, was_live| {
        Verdict::Failed(FailureReason::Superseded {
            by: by.to_owned(),
            was_live,
        })
    };
    // (status, label, another update began, ours was completed, verdict)
    for (status, label, another, completed, expected) in [
        ("Ready", "v9", false, false, superseded("v9", false)),
        ("Ready", "v9", true, true, superseded("v9", true)),
        ("Updating", "v9", true, false, superseded("v9", false)),
        ("Updating", "v9", false, false, Verdict::Going),
        ("Updating", "old", true, false, Verdict::Going),
        ("Ready", "old", true, true, superseded("old", true)),
        ("Ready", "old", false, false, Verdict::Going),
        ("Updating", "new", true, true, Verdict::Going),
        ("Ready", "new", true, true, Verdict::Succeeded),
    ] {
        let mut monitor = monitor();
        if another {
            monitor.another_began();
        }
        if completed {
            monitor.completed();
        }
        let verdict = monitor.verdict(&seen(status, label, true), false, start);
        assert_eq!(verdict, expected, "{status} on {label}");
    }
}

#[test]
fn an_update_that_is_over_is_told_from_one_that_goes_on() {
    let start = Instant::now();
    let reverted = FailureReason::Reverted(Some("old".to_owned()));
    for (begun, status, label, expected) in [
        (true, "Updating", "old", None),
        (false, "Ready", "new", Some(FailureReason::Health(7))),
        (true, "Ready", "old", Some(reverted)),
        (false, "Ready", "old", None),
    ] {
        let mut monitor = monitor();
        if begun {
            monitor.begun();
        }
        let seen = seen(status, label, false);
        monitor.verdict(&seen, false, start);
        assert_eq!(monitor.give_up(&seen, after(start, 7)), expected, "{status} on {label}");
    }
}
