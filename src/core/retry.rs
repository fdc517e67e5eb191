//! When a request is sent again: what an error means, and how long its kind is borne.
//!
//! AWS asks for patience while it throttles: S3 splits a partition in minutes
//! (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html>). A server that fails, or an
//! answer that is lost, passes sooner or not at all.

use std::time::Duration;

use crate::core::error::{ServiceError, service_error};
use crate::core::iam::hint::is_throttling;

/// What kind of failure an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    /// Too many requests: wait, then send it again.
    Throttled,
    /// No answer, or a server error: send it again.
    Transient,
    /// A refusal of what was made a moment ago, and is not known everywhere yet. No error says so by itself.
    Unsettled,
    /// An answer that stays the same.
    Final,
}

impl ErrorClass {
    /// The class of `error`.
    pub(crate) fn of(error: &ServiceError) -> Self {
        match (error.code.as_deref(), error.status) {
            (Some(code), _) if is_throttling(code) => Self::Throttled,
            (_, Some(429)) | (None, Some(503)) => Self::Throttled,
            // S3-compatible stores say so of what they lack.
            (Some("NotImplemented"), _) | (_, Some(501)) => Self::Final,
            (
                Some(
                    "RequestTimeout"
                    | "RequestTimeoutException"
                    | "InternalError"
                    | "ServiceUnavailable"
                    | "OperationAborted"
                    | "ConditionalRequestConflict",
                ),
                _,
            )
            // An answer that says "done" in its status and is none in its body.
            | (_, None | Some(200..300 | 500..)) => Self::Transient,
            _ => Self::Final,
        }
    }
}

/// Whether AWS refused a request because there are too many: it did nothing.
pub(crate) fn is_throttled(error: &ServiceError) -> bool {
    error.code.as_deref().is_some_and(is_throttling) || error.status == Some(429)
}

/// Whether asking again later may help.
pub(crate) fn is_transient(error: &anyhow::Error) -> bool {
    service_error(error).is_some_and(|service| ErrorClass::of(service) != ErrorClass::Final)
}

/// Throttling is borne so long in a row.
pub(crate) const THROTTLE_TIMEOUT: Duration = Duration::from_secs(120);
/// Other passing errors are borne so long in a row,
pub(crate) const TRANSIENT_TIMEOUT: Duration = Duration::from_secs(30);
/// and for so many tries.
pub(crate) const MIN_TRIES: u32 = 6;
/// Whatever happens, a request ends after this time.
pub(crate) const MAX_WAIT: Duration = Duration::from_secs(600);

/// A refusal that may pass is borne so long in a row. IAM "is not always immediately visible": what is made reaches all
/// servers some seconds later
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot.html#troubleshoot_general_eventual-consistency>).
pub(crate) const UNSETTLED_TIMEOUT: Duration = Duration::from_secs(20);
const FIRST_UNSETTLED_PAUSE: Duration = Duration::from_secs(1);

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(8);
const MAX_THROTTLED_PAUSE: Duration = Duration::from_secs(20);

/// How long to wait before a request is sent again that failed so, so long after it was first sent; `None` to give up.
pub(crate) type RetryPause<'a> = &'a (dyn Fn(&mut RetryState, ErrorClass, Duration) -> Option<Duration> + Send + Sync);

/// The tries of one request so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct RetryState {
    tries: u32,
    /// The kind of the last failures in a row, when the first of them was, and how many they are.
    row: Option<(ErrorClass, Duration, u32)>,
}

impl RetryState {
    /// Whether nothing has failed yet.
    pub(crate) fn is_unused(&self) -> bool {
        self.tries == 0
    }

    /// Takes a failure `at` so long after the request was first sent; says how long to wait before it is sent again, or
    /// `None` to give up. `max_attempts` is `AWS_MAX_ATTEMPTS`; `spread`, from 0 to 1, keeps clients apart.
    ///
    /// | | given up |
    /// | --- | --- |
    /// | `AWS_MAX_ATTEMPTS` is set | after so many tries |
    /// | throttled | after two minutes in a row |
    /// | transient | after thirty seconds and six tries in a row |
    /// | not known everywhere yet | after twenty seconds in a row |
    /// | any | after ten minutes |
    pub(crate) fn pause(
        &mut self,
        class: ErrorClass,
        at: Duration,
        max_attempts: Option<u32>,
        spread: f64,
    ) -> Option<Duration> {
        self.tries += 1;
        let (since, in_row) = match self.row {
            Some((last, since, in_row)) if last == class => (since, in_row + 1),
            _ => (at, 1),
        };
        self.row = Some((class, since, in_row));
        let borne = at.saturating_sub(since);
        let gives_up = match (max_attempts, class) {
            (_, ErrorClass::Final) => true,
            (Some(max), _) => self.tries >= max,
            (None, ErrorClass::Throttled) => borne >= THROTTLE_TIMEOUT,
            (None, ErrorClass::Unsettled) => borne >= UNSETTLED_TIMEOUT,
            (None, ErrorClass::Transient) => borne >= TRANSIENT_TIMEOUT && in_row >= MIN_TRIES,
        };
        if gives_up || at >= MAX_WAIT {
            return None;
        }
        let (first, most) = match class {
            ErrorClass::Throttled => (FIRST_PAUSE, MAX_THROTTLED_PAUSE),
            ErrorClass::Unsettled => (FIRST_UNSETTLED_PAUSE, MAX_PAUSE),
            ErrorClass::Transient | ErrorClass::Final => (FIRST_PAUSE, MAX_PAUSE),
        };
        let pause = first.saturating_mul(1 << (in_row - 1).min(12)).min(most);
        // Between the half and the whole of it.
        Some(pause.mul_f64(0.5 + spread.clamp(0.0, 1.0) / 2.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_and_else_the_status() {
        for (code, status, expected) in [
            (Some("Throttling"), Some(400), ErrorClass::Throttled),
            (None, Some(429), ErrorClass::Throttled),
            (Some("SlowDown"), Some(503), ErrorClass::Throttled),
            // HEAD has no body that names a code.
            (None, Some(503), ErrorClass::Throttled),
            (Some("ServiceUnavailable"), Some(503), ErrorClass::Transient),
            (Some("OperationAborted"), Some(409), ErrorClass::Transient),
            // CopyObject answers 200 before it knows.
            (Some("InternalError"), Some(200), ErrorClass::Transient),
            (None, Some(200), ErrorClass::Transient),
            (Some("RequestTimeout"), Some(400), ErrorClass::Transient),
            (Some("InternalFailure"), Some(500), ErrorClass::Transient),
            (None, None, ErrorClass::Transient),
            (Some("InvalidParameterValue"), Some(400), ErrorClass::Final),
            (Some("AccessDenied"), Some(403), ErrorClass::Final),
            // What a server has not, it will not have in half a minute.
            (Some("NotImplemented"), Some(501), ErrorClass::Final),
            (None, Some(501), ErrorClass::Final),
        ] {
            let error = ServiceError {
                code: code.map(ToOwned::to_owned),
                status,
                ..ServiceError::default()
            };
            assert_eq!(ErrorClass::of(&error), expected, "{error:?}");
            assert_eq!(is_transient(&anyhow::Error::new(error)), expected != ErrorClass::Final);
        }
        assert!(!is_transient(&anyhow::anyhow!("no answer of AWS")));
    }

    /// How often a request is sent that always fails so, each try taking `took`, and how long it takes until it is
    /// given up.
    fn borne(class: ErrorClass, took: Duration, max_attempts: Option<u32>, spread: f64) -> (u32, u64) {
        let (mut state, mut at, mut tries) = (RetryState::default(), Duration::ZERO, 0);
        loop {
            at += took;
            tries += 1;
            match state.pause(class, at, max_attempts, spread) {
                Some(pause) => at += pause,
                None => return (tries, at.as_secs()),
            }
        }
    }

    #[test]
    fn each_kind_of_failure_is_borne_as_long_as_the_table_says() {
        for spread in [0.0, 0.5, 1.0] {
            let (_, seconds) = borne(ErrorClass::Throttled, Duration::ZERO, None, spread);
            assert!((120..=140).contains(&seconds), "{seconds}");
            let (tries, seconds) = borne(ErrorClass::Transient, Duration::ZERO, None, spread);
            assert!((30..=40).contains(&seconds) && tries >= MIN_TRIES, "{tries} {seconds}");
            let (tries, seconds) = borne(ErrorClass::Unsettled, Duration::ZERO, None, spread);
            assert!(tries >= 6 && (20..=28).contains(&seconds), "{tries} {seconds}");
            assert_eq!(borne(ErrorClass::Unsettled, Duration::ZERO, Some(1), spread).0, 1);
            assert_eq!(borne(ErrorClass::Final, Duration::ZERO, None, spread), (1, 0));
            assert_eq!(borne(ErrorClass::Throttled, Duration::ZERO, Some(3), spread).0, 3);
            assert_eq!(borne(ErrorClass::Transient, Duration::ZERO, Some(1), spread).0, 1);
        }
        // A server that answers nothing is tried as often, within a bound.
        assert_eq!(
            borne(ErrorClass::Transient, Duration::from_secs(30), None, 0.5).0,
            MIN_TRIES
        );
        let (tries, seconds) = borne(ErrorClass::Transient, Duration::from_secs(150), None, 0.5);
        assert!(tries >= 4 && seconds < 800, "{tries} {seconds}");
    }

    #[test]
    fn another_kind_of_failure_begins_anew_and_does_not_go_on_for_ever() {
        let (mut state, mut at, mut tries) = (RetryState::default(), Duration::ZERO, 0);
        for class in [ErrorClass::Throttled, ErrorClass::Transient].into_iter().cycle() {
            tries += 1;
            match state.pause(class, at, None, 0.5) {
                Some(pause) => at += pause + Duration::from_secs(1),
                None => break,
            }
        }
        assert!(at >= MAX_WAIT && tries > 100, "{at:?} {tries}");
    }
}
