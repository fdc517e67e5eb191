//! What an error of AWS means for the next step.

use crate::core::error::{ServiceError, service_error};
use crate::core::iam::hint::is_throttling;

/// What kind of failure an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    /// Too many requests: wait, then send it again.
    Throttled,
    /// No answer, or a server error: send it again.
    Transient,
    /// An answer that stays the same.
    Final,
}

impl ErrorClass {
    /// The class of `error`.
    pub(crate) fn of(error: &ServiceError) -> Self {
        match (error.code.as_deref(), error.status) {
            (Some(code), _) if is_throttling(code) => Self::Throttled,
            (_, Some(429)) => Self::Throttled,
            (Some("RequestTimeout" | "RequestTimeoutException"), _) | (_, None | Some(500..)) => Self::Transient,
            _ => Self::Final,
        }
    }
}

/// Whether asking again later may help.
pub(crate) fn is_transient(error: &anyhow::Error) -> bool {
    service_error(error).is_some_and(|service| ErrorClass::of(service) != ErrorClass::Final)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_and_else_the_status() {
        for (code, status, expected) in [
            (Some("Throttling"), Some(400), ErrorClass::Throttled),
            (None, Some(429), ErrorClass::Throttled),
            (Some("RequestTimeout"), Some(400), ErrorClass::Transient),
            (Some("InternalFailure"), Some(500), ErrorClass::Transient),
            (None, None, ErrorClass::Transient),
            (Some("InvalidParameterValue"), Some(400), ErrorClass::Final),
            (Some("AccessDenied"), Some(403), ErrorClass::Final),
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
}
