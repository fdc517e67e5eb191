//! Whether an update took effect whose answer was lost.

use std::time::Duration;

use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::events::EnvironmentEvent;

/// How long the events may take to show an update that took effect.
const SETTLE: Duration = Duration::from_secs(4);

/// What became of an update whose answer was lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LostAnswer {
    /// It took effect, under this id where an event tells it.
    Accepted(Option<String>),
    /// It never arrived: send it again.
    NotSent,
    /// Ask again.
    Unknown,
}

/// What `environment` and the events since say of an update from `previous` to `label` that was sent `waited` ago.
pub(crate) fn lost_answer(
    environment: Option<&EnvironmentState>,
    events: &[EnvironmentEvent],
    label: Option<&str>,
    previous: Option<&str>,
    waited: Duration,
) -> LostAnswer {
    if let Some(start) = events.iter().find(|event| event.starts_update()) {
        return LostAnswer::Accepted(start.request_id.clone());
    }
    let Some(environment) = environment else {
        return LostAnswer::Accepted(None);
    };
    if environment.label.as_deref() == label && label != previous {
        return LostAnswer::Accepted(None);
    }
    match (environment.is_ready(), waited >= SETTLE) {
        (_, false) => LostAnswer::Unknown,
        (true, true) => LostAnswer::NotSent,
        (false, true) => LostAnswer::Accepted(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn events_label_and_status_tell_in_this_order() {
        let start = EnvironmentEvent {
            date: DateTime::default(),
            severity: "INFO".to_owned(),
            message: "Environment update is starting.".to_owned(),
            request_id: Some("ours".to_owned()),
        };
        let accepted = |id: Option<&str>| LostAnswer::Accepted(id.map(ToOwned::to_owned));
        for (status, label, events, waited, expected) in [
            ("Ready", "v0", vec![start], 0, accepted(Some("ours"))),
            ("Updating", "v1", vec![], 0, accepted(None)),
            ("Updating", "v0", vec![], 0, LostAnswer::Unknown),
            ("Updating", "v0", vec![], 5, accepted(None)),
            ("Ready", "v0", vec![], 1, LostAnswer::Unknown),
            ("Ready", "v0", vec![], 5, LostAnswer::NotSent),
        ] {
            let environment = EnvironmentState {
                status: status.to_owned(),
                label: Some(label.to_owned()),
                ..EnvironmentState::default()
            };
            let waited = Duration::from_secs(waited);
            let found = lost_answer(Some(&environment), &events, Some("v1"), Some("v0"), waited);
            assert_eq!(found, expected, "{status} on {label} after {waited:?}");
        }
    }
}
