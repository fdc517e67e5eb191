//! Whether an environment may be taken back to what ran before: never over an update that is not ours.

use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::events::EnvironmentEvent;

/// What to do with an environment that our failed run changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UndoStep {
    /// Ours was the last update.
    RollBack,
    /// Somebody else's update came after ours, and runs (or is about to run) this version.
    LeaveAlone(String),
}

/// How an environment was undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UndoEnd {
    /// It runs this version again.
    Back(String),
    /// No version ran before.
    NothingBefore,
    /// Somebody else's update came after ours, with this version.
    LeftAlone(String),
}

/// What became of the environment `name`, for a person.
pub(crate) fn undo_text(name: &str, result: &anyhow::Result<UndoEnd>) -> String {
    match result {
        Ok(UndoEnd::Back(label)) => format!("`{name}` is back on `{label}`"),
        Ok(UndoEnd::NothingBefore) => format!("`{name}` ran nothing before"),
        Ok(UndoEnd::LeftAlone(label)) => {
            format!("`{name}` runs `{label}`, which another update deployed: it is left alone")
        }
        Err(error) => format!("`{name}` could not be rolled back: {error:#}"),
    }
}

/// What to do with an environment that `requests` updated, by what it shows now and its events since; `known` are the
/// versions that it runs when nobody else deploys: ours, and what ours replaced.
pub(crate) fn undo_step(
    requests: &[String],
    environment: &EnvironmentState,
    events: &[EnvironmentEvent],
    known: &[&str],
) -> UndoStep {
    let running = environment.label.as_deref();
    if let Some(other) = running.filter(|running| !known.contains(running)) {
        return UndoStep::LeaveAlone(other.to_owned());
    }
    let last = events
        .iter()
        .filter(|event| event.starts_update())
        .max_by_key(|event| event.date)
        .and_then(|event| event.request_id.as_ref());
    match last {
        Some(last) if !requests.is_empty() && !requests.contains(last) => {
            UndoStep::LeaveAlone(running.unwrap_or("another version").to_owned())
        }
        _ => UndoStep::RollBack,
    }
}

/// Whether an update to the version `sent` that nobody answered may still start: the environment is Ready on what it ran
/// before, `previous`, and none of its events since tells that an update began.
pub(crate) fn may_still_start(
    environment: &EnvironmentState,
    events: &[EnvironmentEvent],
    sent: &str,
    previous: &str,
) -> bool {
    let shows_it = environment.label.as_deref() == Some(sent) && sent != previous;
    environment.is_ready() && !shows_it && !events.iter().any(EnvironmentEvent::starts_update)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn only_our_own_update_is_undone() {
        let start = |seconds: i64, id: &str| EnvironmentEvent {
            date: DateTime::from_timestamp(seconds, 0).expect("a time"),
            severity: "INFO".to_owned(),
            message: "Environment update is starting.".to_owned(),
            request_id: Some(id.to_owned()),
        };
        let leave = |label: &str| UndoStep::LeaveAlone(label.to_owned());
        for (running, requests, events, expected) in [
            ("v1", vec!["ours"], vec![start(1, "ours")], UndoStep::RollBack),
            ("v0", vec!["ours"], vec![start(1, "ours")], UndoStep::RollBack),
            ("v9", vec!["ours"], vec![start(1, "ours")], leave("v9")),
            (
                "v1",
                vec!["ours"],
                vec![start(2, "theirs"), start(1, "ours")],
                leave("v1"),
            ),
            (
                "v0",
                vec!["ours"],
                vec![start(2, "theirs"), start(1, "ours")],
                leave("v0"),
            ),
            (
                "v1",
                vec!["ours"],
                vec![start(2, "ours"), start(1, "theirs")],
                UndoStep::RollBack,
            ),
            ("v1", vec![], vec![start(1, "perhaps ours")], UndoStep::RollBack),
        ] {
            let requests: Vec<String> = requests.into_iter().map(ToOwned::to_owned).collect();
            let environment = EnvironmentState {
                label: Some(running.to_owned()),
                ..EnvironmentState::default()
            };
            let step = undo_step(&requests, &environment, &events, &["v1", "v0"]);
            assert_eq!(step, expected, "{running}, {events:?}");
        }
    }

    #[test]
    fn an_update_without_an_answer_may_still_start_until_something_is_seen_of_it() {
        let start = EnvironmentEvent {
            date: DateTime::default(),
            severity: "INFO".to_owned(),
            message: "Environment update is starting.".to_owned(),
            request_id: None,
        };
        for (status, running, events, sent, expected) in [
            ("Ready", "v0", vec![], "v1", true),
            ("Ready", "v0", vec![], "v0", true),
            ("Ready", "v0", vec![start], "v1", false),
            ("Ready", "v1", vec![], "v1", false),
            ("Updating", "v0", vec![], "v1", false),
        ] {
            let environment = EnvironmentState {
                status: status.to_owned(),
                label: Some(running.to_owned()),
                ..EnvironmentState::default()
            };
            let found = may_still_start(&environment, &events, sent, "v0");
            assert_eq!(found, expected, "{status} on {running}, {sent} sent");
        }
    }
}
