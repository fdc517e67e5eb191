use chrono::DateTime;

use super::*;
use crate::core::inputs::OnFailure;

/// A simulated clock: seconds after an update was sent.
struct Watch {
    follow: Follow,
    start: Instant,
}

fn inputs() -> BackendInputs {
    BackendInputs {
        application: "app".to_owned(),
        environments: vec!["web".to_owned()],
        package: None,
        version_label: "v1".to_owned(),
        version_description: None,
        package_bucket: None,
        use_existing_version: false,
        option_settings: Vec::new(),
        force: false,
        wait: true,
        timeout: Duration::from_secs(600),
        when_busy: crate::core::inputs::WhenBusy::Wait,
        accepted_health: vec![Health::Green],
        recovery: Duration::from_secs(60),
        poll_interval: None,
        on_failure: OnFailure::Keep,
        verify: None,
        keep_versions: None,
        log_tail: true,
    }
}

fn watch(target: UpdateTarget, request_id: Option<&str>) -> Watch {
    let start = Instant::now();
    let deadline = start + Duration::from_secs(600);
    Watch {
        follow: Follow::new(
            target,
            request_id.map(ToOwned::to_owned),
            &inputs(),
            Redaction::new(["hunter2hunter2".to_owned()], &[]),
            deadline,
            start,
        ),
        start,
    }
}

fn to_v1() -> Watch {
    watch(UpdateTarget::version("v1", Some("v0")), Some("ours"))
}

fn poll(status: &str, label: &str, health: &str) -> Poll {
    Poll {
        environment: Some(EnvironmentState {
            name: "web".to_owned(),
            label: Some(label.to_owned()),
            status: status.to_owned(),
            health: health.to_owned(),
            ..EnvironmentState::default()
        }),
        ..Poll::default()
    }
}

fn event(severity: &str, message: &str, request_id: &str) -> EnvironmentEvent {
    EnvironmentEvent {
        date: DateTime::from_timestamp(45_296, 0).expect("a time"),
        severity: severity.to_owned(),
        message: message.to_owned(),
        request_id: Some(request_id.to_owned()),
    }
}

fn instance(id: &str, label: Option<&str>) -> InstanceState {
    InstanceState {
        id: id.to_owned(),
        label: label.map(ToOwned::to_owned),
        ..InstanceState::default()
    }
}

impl Poll {
    fn with(mut self, event: EnvironmentEvent) -> Self {
        self.events.push(event);
        self
    }
}

impl Watch {
    fn after(&mut self, seconds: u64, poll: Poll) -> FollowStep {
        self.follow.step(poll, self.start + Duration::from_secs(seconds))
    }
}

/// How the step ended, in words.
fn end(step: &FollowStep) -> String {
    match &step.end {
        None => "goes on".to_owned(),
        Some(UpdateOutcome::Failed { why, event }) => format!("{why:?} {}", event.as_deref().unwrap_or("-")),
        Some(outcome) => format!("{outcome:?}"),
    }
}

#[test]
fn an_update_is_followed_to_its_success() {
    let mut watch = to_v1();
    let start = event("INFO", "Environment update is starting.", "ours");
    let step = watch.after(1, poll("Updating", "v0", "Green").with(start));
    assert_eq!(step.lines, ["12:34:56 INFO  Environment update is starting."]);
    assert_eq!((end(&step).as_str(), step.events.len()), ("goes on", 1));
    let step = watch.after(20, poll("Ready", "v1", "Green"));
    assert_eq!(end(&step), "Succeeded");
}

#[test]
fn an_error_of_ours_fails_it_and_one_of_others_does_not() {
    for (request_id, expected) in [("ours", "Event Failed to deploy application."), ("theirs", "Succeeded")] {
        let mut watch = to_v1();
        let error = event("ERROR", "Failed to deploy application.", request_id);
        let step = watch.after(5, poll("Updating", "v1", "Green").with(error));
        assert_eq!(step.lines.len(), usize::from(request_id == "ours"));
        assert_eq!(end(&watch.after(9, poll("Ready", "v1", "Green"))), expected);
    }
}

#[test]
fn a_slow_recovery_is_announced_once() {
    let mut watch = to_v1();
    let first = watch.after(5, poll("Ready", "v1", "Yellow"));
    assert_eq!(
        first.lines,
        ["updated, but not healthy yet (Yellow): waiting up to 60 s"]
    );
    assert!(watch.after(7, poll("Ready", "v1", "Yellow")).lines.is_empty());
    assert_eq!(end(&watch.after(65, poll("Ready", "v1", "Yellow"))), "Health(60) -");
}

#[test]
fn the_deadline_ends_a_wait_that_sees_nothing() {
    let mut watch = to_v1();
    watch.after(5, poll("Updating", "v0", "Grey"));
    let error = anyhow::anyhow!("no answer");
    let blind = |seconds| {
        watch
            .follow
            .step_blind(&error, watch.start + Duration::from_secs(seconds))
    };
    assert_eq!(blind(10).lines, ["cannot read the environment's state now: no answer"]);
    assert_eq!(end(&blind(10)), "goes on");
    assert_eq!(end(&blind(600)), "Deadline { status: \"Updating\", another: false }");
}

#[test]
fn instances_are_asked_once_all_else_is_well() {
    let watch = to_v1();
    let wants = |status, label, health| {
        let environment = poll(status, label, health).environment;
        watch.follow.wants_instances(environment.as_ref(), watch.start)
    };
    assert!(wants("Ready", "v1", "Green"));
    assert!(!wants("Ready", "v1", "Red") && !wants("Ready", "v0", "Green") && !wants("Updating", "v1", "Green"));
}

#[test]
fn instances_on_another_version_keep_it_from_succeeding() {
    let mut watch = to_v1();
    let with_instances = || Poll {
        instances: vec![
            instance("i-1", Some("v1")),
            instance("i-2", Some("v0")),
            instance("i-3", None),
        ],
        ..poll("Ready", "v1", "Green")
    };
    assert_eq!(end(&watch.after(5, with_instances())), "goes on");
    let step = watch.after(65, with_instances());
    let expected = FailureReason::Stragglers(vec!["i-2".to_owned()]);
    assert_eq!(end(&step), format!("{expected:?} -"));
}

#[test]
fn instances_that_cannot_be_read_are_waited_for_and_fail_nothing() {
    let blind = || Poll {
        instances_unreadable: Some("InternalFailure".to_owned()),
        ..poll("Ready", "v1", "Green")
    };
    let mut watch = to_v1();
    let step = watch.after(5, blind());
    assert_eq!(end(&step), "goes on");
    assert!(
        step.lines[0].contains("its instances cannot be read now: InternalFailure"),
        "{:?}",
        step.lines
    );
    assert_eq!(
        (end(&watch.after(34, blind())), watch.after(6, blind()).lines.len()),
        ("goes on".to_owned(), 0)
    );
    assert_eq!(end(&watch.after(35, blind())), "Succeeded");

    let mut watch = to_v1();
    assert_eq!(end(&watch.after(595, blind())), "goes on");
    assert_eq!(end(&watch.after(600, blind())), "Succeeded");

    let mut watch = to_v1();
    let straggler = Poll {
        instances: vec![instance("i-2", Some("v0"))],
        ..poll("Ready", "v1", "Green")
    };
    watch.after(5, straggler);
    assert!(end(&watch.after(66, blind())).starts_with("Stragglers"));
}

#[test]
fn settings_of_an_environment_without_a_version_are_followed_by_their_end() {
    let mut watch = watch(UpdateTarget::settings(None), Some("ours"));
    let without = |status: &str| Poll {
        environment: Some(EnvironmentState {
            status: status.to_owned(),
            health: "Grey".to_owned(),
            ..EnvironmentState::default()
        }),
        ..Poll::default()
    };
    assert_eq!(end(&watch.after(1, without("Updating"))), "goes on");
    assert_eq!(end(&watch.after(5, without("Ready"))), "Succeeded");
}

#[test]
fn an_environment_that_is_gone_ends_it() {
    let mut watch = to_v1();
    assert_eq!(end(&watch.after(5, Poll::default())), "Gone -");
}

#[test]
fn a_sign_of_life_every_half_minute_says_how_far_it_is() {
    let mut watch = to_v1();
    assert!(watch.after(28, poll("Updating", "v0", "Grey")).lines.is_empty());
    let environment = poll("Updating", "v0", "Grey").environment;
    let soon_due = watch.start + Duration::from_secs(10);
    assert!(watch.follow.wants_instances(environment.as_ref(), soon_due));
    let step = watch.after(
        30,
        Poll {
            instances: vec![instance("i-1", Some("v1")), instance("i-2", Some("v0"))],
            ..poll("Updating", "v0", "Grey")
        },
    );
    assert_eq!(
        step.lines,
        ["still Updating after 30 s, health Grey, 1 of 2 instances run `v1`, 570 s left"]
    );
    assert!(watch.after(40, poll("Updating", "v0", "Grey")).lines.is_empty());
    assert_eq!(
        watch.after(61, poll("Updating", "v0", "Grey")).lines,
        ["still Updating after 61 s, health Grey, 1 of 2 instances run `v1`, 539 s left"]
    );
    // Between two polls that are far apart.
    let later = watch.start + Duration::from_secs(91);
    let line = watch.follow.sign_of_life(later).unwrap_or_default();
    assert!(line.starts_with("still Updating after 91 s"), "{line}");
    assert_eq!(watch.follow.sign_of_life(later), None);
}

#[test]
fn an_update_that_ends_with_timeouts_has_failed() {
    for message in [
        "Update environment operation is complete, but with command timeouts. Try increasing the timeout period.",
        "Update environment operation is complete, but with errors. For more information, see troubleshooting documentation.",
        "Command execution completed on all instances. Summary: [Successful: 1, TimedOut: 1].",
    ] {
        let mut watch = to_v1();
        watch.after(5, poll("Updating", "v1", "Green").with(event("WARN", message, "ours")));
        assert_eq!(
            end(&watch.after(9, poll("Ready", "v1", "Green"))),
            format!("Event {message}")
        );
    }
    let mut watch = to_v1();
    let all_well = "Command execution completed on all instances. Summary: [Successful: 2, TimedOut: 0].";
    let step = watch.after(5, poll("Ready", "v1", "Green").with(event("INFO", all_well, "ours")));
    assert_eq!(end(&step), "Succeeded");
}

#[test]
fn a_later_update_of_somebody_else_is_told_from_an_earlier_one() {
    let start = "Environment update is starting.";
    for (first, second, expected) in [
        ("ours", "theirs", "Superseded { by: \"v0\", was_live: true } -"),
        ("theirs", "ours", "goes on"),
    ] {
        let mut watch = to_v1();
        let step = poll("Updating", "v1", "Green")
            .with(event("INFO", start, first))
            .with(event("INFO", "Environment update completed successfully.", first))
            .with(event("INFO", start, second));
        watch.after(5, step);
        assert_eq!(
            end(&watch.after(9, poll("Ready", "v0", "Green"))),
            expected,
            "{first} first"
        );
    }
}

#[test]
fn instances_that_are_being_removed_do_not_count() {
    let mut watch = to_v1();
    let removing = "Deployment succeeded. Terminating old instances and temporary Auto Scaling group.";
    watch.after(5, poll("Updating", "v1", "Green").with(event("INFO", removing, "ours")));
    let step = watch.after(
        9,
        Poll {
            instances: vec![instance("i-new", Some("v1")), instance("i-old", Some("v0"))],
            ..poll("Ready", "v1", "Green")
        },
    );
    assert_eq!(end(&step), "Succeeded");
}

/// The poll of a cluster that is Grey for these causes.
fn grey(causes: &[&str]) -> Poll {
    let mut poll = poll("Ready", "v1", "Grey");
    if let Some(state) = &mut poll.environment {
        state.is_cluster = true;
        state.causes = causes.iter().map(|&cause| cause.to_owned()).collect();
    }
    poll
}

const IDLE: &str = "Insufficient request rate (0.0 requests/min) to determine application health.";

#[test]
fn an_idle_cluster_is_healthy_and_said_to_be_idle() {
    let mut watch = to_v1();
    assert_eq!(end(&watch.after(5, grey(&[]))), "goes on");
    let step = watch.after(6, grey(&[IDLE]));
    assert_eq!(end(&step), "Succeeded");
    assert!(step.lines[0].ends_with(IDLE), "{:?}", step.lines);
}

#[test]
fn a_cluster_with_a_cause_besides_idleness_is_not_healthy() {
    let other = "Pods are crash looping: 3 of 3 unavailable.";
    for causes in [[IDLE, other], [other, IDLE]] {
        let mut watch = to_v1();
        let step = watch.after(5, grey(&causes));
        assert_eq!(end(&step), "goes on");
        assert_eq!(step.lines[0], format!("updated, but Grey: {} {}", causes[0], causes[1]));
        assert!(watch.after(6, grey(&causes)).lines.is_empty());
        assert!(end(&watch.after(66, grey(&causes))).starts_with("Health("));
    }
}

#[test]
fn an_update_that_is_over_at_the_deadline_does_not_keep_running() {
    let mut watch = to_v1();
    watch.after(595, poll("Ready", "v1", "Red"));
    assert_eq!(end(&watch.after(600, poll("Ready", "v1", "Red"))), "Health(5) -");
    let error = anyhow::anyhow!("no answer");
    let blind = watch.follow.step_blind(&error, watch.start + Duration::from_secs(601));
    assert_eq!(end(&blind), "Health(6) -");
}

#[test]
fn events_show_no_secret() {
    let mut watch = to_v1();
    let error = event("ERROR", "no hunter2hunter2", "ours");
    let step = watch.after(1, poll("Updating", "v0", "Green").with(error));
    assert!(step.lines[0].ends_with("no ***"), "{:?}", step.lines);
    assert_eq!(step.events[0].message, "no ***");
    assert_eq!(end(&watch.after(5, poll("Ready", "v1", "Green"))), "Event no ***");
}
