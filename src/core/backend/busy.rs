//! What to do with an environment that cannot be updated now, and after a refused update.

use std::time::Duration;

use crate::core::backend::environment::EnvironmentState;
use crate::core::error::{code, message_contains};
use crate::core::inputs::WhenBusy;

/// What to do with an environment before it is updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BusyStep {
    /// It is Ready.
    Update,
    /// It is being terminated, or was.
    Gone,
    /// `when-busy: fail`.
    Refuse,
    /// Abort the running update, then wait.
    Abort,
    /// Ask again later.
    Wait,
}

/// What to do with `environment`; `aborted`: the running update was asked to stop before.
pub(crate) fn busy_step(environment: &EnvironmentState, when_busy: WhenBusy, aborted: bool) -> BusyStep {
    if environment.is_ready() {
        return BusyStep::Update;
    }
    if environment.is_gone() {
        return BusyStep::Gone;
    }
    match when_busy {
        WhenBusy::Fail => BusyStep::Refuse,
        WhenBusy::Abort if !aborted && environment.is_abortable => BusyStep::Abort,
        WhenBusy::Abort | WhenBusy::Wait => BusyStep::Wait,
    }
}

/// The sign of life of a wait for an environment that is not Ready.
#[must_use]
pub(crate) fn still_busy(environment: &EnvironmentState, seconds: u64, left: Duration) -> String {
    let (status, health, left) = (&environment.status, &environment.health, left.as_secs());
    format!("still {status} after {seconds} s, health {health}, {left} s left")
}

/// What a refused UpdateEnvironment asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AfterRefusal {
    /// Another update has just started: wait for its end.
    WaitAgain,
    /// Option settings first, then the version.
    SettingsFirst,
    /// Nothing helps.
    Fail,
}

/// What to do after UpdateEnvironment was refused with `error`; `with_settings`: it held option settings besides a
/// version.
pub(crate) fn after_refusal(error: &anyhow::Error, with_settings: bool) -> AfterRefusal {
    let is_busy = message_contains(error, "Must be Ready") || code(error) == Some("OperationInProgressFailure");
    // The same code says that a bundle cannot be read.
    let is_combination =
        code(error) == Some("InvalidParameterCombination") && !message_contains(error, "Unable to download from S3");
    if is_busy {
        AfterRefusal::WaitAgain
    } else if with_settings && is_combination {
        AfterRefusal::SettingsFirst
    } else {
        AfterRefusal::Fail
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::error::ServiceError;

    #[test]
    fn a_busy_environment_is_treated_as_the_input_says() {
        use BusyStep::{Abort, Gone, Refuse, Update, Wait};
        for (status, is_abortable, when_busy, aborted, expected) in [
            ("Ready", false, WhenBusy::Fail, false, Update),
            ("Terminating", false, WhenBusy::Wait, false, Gone),
            ("Terminated", false, WhenBusy::Fail, false, Gone),
            ("Updating", true, WhenBusy::Fail, false, Refuse),
            ("Updating", true, WhenBusy::Wait, false, Wait),
            ("Updating", true, WhenBusy::Abort, false, Abort),
            ("Updating", true, WhenBusy::Abort, true, Wait),
            ("Launching", false, WhenBusy::Abort, false, Wait),
        ] {
            let environment = EnvironmentState {
                status: status.to_owned(),
                is_abortable,
                ..EnvironmentState::default()
            };
            assert_eq!(
                busy_step(&environment, when_busy, aborted),
                expected,
                "{status}, {when_busy:?}"
            );
        }
    }

    #[test]
    fn a_refusal_says_what_to_do_next() {
        let refusal = |code: &str, message: &str| {
            anyhow::Error::new(ServiceError {
                code: Some(code.to_owned()),
                message: message.to_owned(),
                status: Some(400),
                ..ServiceError::default()
            })
        };
        let not_ready = "Environment named web is in an invalid state for this operation. Must be Ready.";
        let together = "You cannot update the application version and make configuration updates at the same time";
        let unreadable = "Unable to download from S3 location (Bucket: b  Key: k). Reason: Not Found";
        let in_progress = "An operation is already in progress, please retry again shortly.";
        for (code, message, with_settings, expected) in [
            ("InvalidParameterValue", not_ready, true, AfterRefusal::WaitAgain),
            (
                "InvalidParameterCombination",
                together,
                true,
                AfterRefusal::SettingsFirst,
            ),
            ("InvalidParameterCombination", together, false, AfterRefusal::Fail),
            ("InvalidParameterCombination", unreadable, true, AfterRefusal::Fail),
            ("OperationInProgressFailure", in_progress, true, AfterRefusal::WaitAgain),
            ("AccessDenied", "no", true, AfterRefusal::Fail),
        ] {
            assert_eq!(
                after_refusal(&refusal(code, message), with_settings),
                expected,
                "{message}"
            );
        }
    }
}
