//! Whether an environment may be taken back to what ran before: never over an update that is not ours.

use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::events::EnvironmentEvent;
use crate::core::inputs::Health;

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
    /// It runs this version again, by somebody else's update that came after ours.
    BackByAnother(String),
    /// No version ran before.
    NothingBefore,
    /// Somebody else's update came after ours, with this version.
    LeftAlone(String),
    /// Somebody else's update came after ours, and goes on.
    LeftUpdating,
}

impl UndoEnd {
    /// How the undo of an update over which another deployed the version `by` ended, where the environment is `seen` so
    /// now: when that is what ran before, `previous`, and well, all is as before but for option settings of ours
    /// (`has_settings`), which nobody touches then.
    pub(crate) fn after_another(
        by: String,
        seen: Option<&EnvironmentState>,
        previous: &str,
        accepted_health: &[Health],
        has_settings: bool,
    ) -> Self {
        if seen.is_some_and(|seen| !seen.is_ready()) {
            return Self::LeftUpdating;
        }
        let is_well =
            seen.is_some_and(|seen| seen.label.as_deref() == Some(previous) && seen.is_healthy(accepted_health));
        if by == previous && !has_settings && is_well {
            Self::BackByAnother(by)
        } else {
            Self::LeftAlone(by)
        }
    }
}

/// What became of the environment `name`, for a person.
pub(crate) fn undo_text(name: &str, result: &anyhow::Result<UndoEnd>) -> String {
    match result {
        Ok(UndoEnd::Back(label)) => format!("`{name}` is back on `{label}`"),
        Ok(UndoEnd::BackByAnother(label)) => format!("`{name}` is back on `{label}`, which another update deployed"),
        Ok(UndoEnd::NothingBefore) => format!("`{name}` ran nothing before"),
        Ok(UndoEnd::LeftAlone(label)) => {
            format!("`{name}` runs `{label}`, which another update deployed: it is left alone")
        }
        Ok(UndoEnd::LeftUpdating) => format!("`{name}` is being updated by somebody else: it is left alone"),
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
    fn what_another_update_brought_back_is_back_when_it_is_ready_well_and_without_settings_of_ours() {
        let (back, alone) = (UndoEnd::BackByAnother, UndoEnd::LeftAlone);
        for (by, status, health, has_settings, expected) in [
            ("v0", "Ready", "Green", false, back("v0".to_owned())),
            ("v0", "Ready", "Green", true, alone("v0".to_owned())),
            ("v0", "Ready", "Red", false, alone("v0".to_owned())),
            ("v9", "Ready", "Green", false, alone("v9".to_owned())),
            ("v0", "Updating", "Green", false, UndoEnd::LeftUpdating),
            ("v9", "Updating", "Green", false, UndoEnd::LeftUpdating),
        ] {
            let seen = EnvironmentState {
                status: status.to_owned(),
                health: health.to_owned(),
                label: Some(by.to_owned()),
                ..EnvironmentState::default()
            };
            let end = UndoEnd::after_another(by.to_owned(), Some(&seen), "v0", &[Health::Green], has_settings);
            assert_eq!(end, expected, "{by} {status} {health} {has_settings}");
        }
        let unseen = UndoEnd::after_another("v0".to_owned(), None, "v0", &[Health::Green], false);
        assert_eq!(unseen, UndoEnd::LeftAlone("v0".to_owned()));
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
