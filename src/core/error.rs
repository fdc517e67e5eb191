//! What can go wrong, as data: hints, AWS error metadata and the rendered failure.
//!
//! Everything that fails travels as [`anyhow::Error`]; this module only adds the two things a person needs besides
//! the chain of causes — what to do about it ([`HintExt`]) and what AWS called it ([`ServiceError`]) — and
//! flattens a chain into a [`RenderedError`] for the log, the summary and the report. It must not talk to anything.

use std::fmt;

use serde::Serialize;

/// An error of an AWS service (or of the way to it), stripped to what a person can use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ServiceError {
    /// The IAM action of the call, such as `s3:PutObject`.
    pub(crate) action: &'static str,
    /// AWS's error code, such as `AccessDenied`; `None` when no answer came.
    pub(crate) code: Option<String>,
    /// AWS's message, or what happened on the way.
    pub(crate) message: String,
    /// AWS's request id, needed by its support.
    pub(crate) request_id: Option<String>,
    /// HTTP status, when an answer came.
    pub(crate) status: Option<u16>,
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match (&self.code, &self.request_id) {
            (Some(code), Some(id)) => write!(f, " ({code}, request id {id})"),
            (Some(code), None) => write!(f, " ({code})"),
            (None, Some(id)) => write!(f, " (request id {id})"),
            (None, None) => Ok(()),
        }
    }
}

impl ServiceError {
    /// The id of a request that AWS accepted, though its answer cannot be read.
    pub(crate) fn accepted_id(&self) -> Option<&str> {
        let accepted = self.code.is_none() && self.status.is_some_and(|status| (200..300).contains(&status));
        self.request_id.as_deref().filter(|_| accepted)
    }
}

impl std::error::Error for ServiceError {}

/// An error with advice: an imperative sentence that says what to change.
#[derive(Debug)]
struct WithHint {
    hint: String,
    source: anyhow::Error,
}

impl fmt::Display for WithHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.source, f)
    }
}

impl std::error::Error for WithHint {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        // The hint wraps its error without being a link of the chain of its own: the text would stand twice.
        self.source.source()
    }
}

/// An error with what was done because of it. The error itself leads: it is the cause.
#[derive(Debug)]
struct WithAftermath {
    aftermath: String,
    source: anyhow::Error,
}

impl fmt::Display for WithAftermath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}; {}", self.source, self.aftermath)
    }
}

// No link leads on: the whole chain is in the text already, before the aftermath.
impl std::error::Error for WithAftermath {}

/// `error`, its text followed by `aftermath`: what was done because of it, as clauses without a period at the end.
#[must_use]
pub(crate) fn with_aftermath(error: anyhow::Error, aftermath: impl Into<String>) -> anyhow::Error {
    anyhow::Error::new(WithAftermath {
        aftermath: aftermath.into(),
        source: error,
    })
}

/// Attaches advice to an error, beside the place that knows it.
pub(crate) trait HintExt {
    /// What this becomes once the advice is attached.
    type Output;
    /// Adds `hint`, an imperative sentence without a period at the end.
    fn hint(self, hint: impl Into<String>) -> Self::Output;
}

impl HintExt for anyhow::Error {
    type Output = Self;
    fn hint(self, hint: impl Into<String>) -> Self {
        Self::new(WithHint {
            hint: hint.into(),
            source: self,
        })
    }
}

impl<T, E: Into<anyhow::Error>> HintExt for Result<T, E> {
    type Output = anyhow::Result<T>;
    fn hint(self, hint: impl Into<String>) -> anyhow::Result<T> {
        self.map_err(|error| error.into().hint(hint))
    }
}

/// The run was asked to stop (SIGINT or SIGTERM); nothing failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the run was cancelled")]
pub(crate) struct Cancelled;

/// Wrong inputs; nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InputErrors(pub(crate) Vec<String>);

impl fmt::Display for InputErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [error] => f.write_str(error),
            errors => {
                write!(f, "{} input errors:", errors.len())?;
                errors.iter().try_for_each(|error| write!(f, "\n- {error}"))
            }
        }
    }
}

impl std::error::Error for InputErrors {}

/// A failure as the log, the summary and the report show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct RenderedError {
    /// What we were doing, with which value, and why it failed: the chain of causes, outermost first.
    pub(crate) message: String,
    /// AWS's error code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    /// AWS's request id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request_id: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

impl From<&anyhow::Error> for RenderedError {
    fn from(error: &anyhow::Error) -> Self {
        let service = service_error(error);
        Self {
            message: format!("{error:#}"),
            code: service.and_then(|service| service.code.clone()),
            request_id: service.and_then(|service| service.request_id.clone()),
            hint: hints(error).into_iter().next(),
        }
    }
}

/// The AWS error at the root of `error`, when there is one.
#[must_use]
pub(crate) fn service_error(error: &anyhow::Error) -> Option<&ServiceError> {
    error.chain().find_map(|link| match wrapped(link) {
        Some(source) => service_error(source),
        None => link.downcast_ref::<ServiceError>(),
    })
}

/// The error that one of our wrappers holds, whose links are not those of the chain.
fn wrapped<'e>(link: &'e (dyn std::error::Error + 'static)) -> Option<&'e anyhow::Error> {
    let hinted = link.downcast_ref::<WithHint>().map(|hinted| &hinted.source);
    hinted.or_else(|| link.downcast_ref::<WithAftermath>().map(|after| &after.source))
}

/// AWS's code of `error`.
#[must_use]
pub(crate) fn code(error: &anyhow::Error) -> Option<&str> {
    service_error(error)?.code.as_deref()
}

/// Whether AWS's message in `error` holds `text`.
#[must_use]
pub(crate) fn message_contains(error: &anyhow::Error, text: &str) -> bool {
    service_error(error).is_some_and(|service| service.message.contains(text))
}

/// The hints attached to `error`, the outermost first: it knows most of what the user was doing.
fn hints(error: &anyhow::Error) -> Vec<String> {
    error
        .chain()
        .find_map(|link| {
            let hint = link.downcast_ref::<WithHint>().map(|hinted| hinted.hint.clone());
            let source = wrapped(link)?;
            Some(hint.into_iter().chain(hints(source)).collect())
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    fn denied() -> anyhow::Error {
        anyhow::Error::new(ServiceError {
            action: "s3:PutObject",
            code: Some("AccessDenied".into()),
            message: "Access Denied".into(),
            request_id: Some("ID".into()),
            status: Some(403),
        })
    }

    #[test]
    fn a_hint_is_found_below_context_and_prints_no_text_twice() {
        let error = denied().hint("allow it").context("cannot upload `a`");
        let failure = RenderedError::from(&error);
        assert_eq!(
            failure.message,
            "cannot upload `a`: Access Denied (AccessDenied, request id ID)"
        );
        assert_eq!(failure.hint.as_deref(), Some("allow it"));
        assert_eq!(failure.code.as_deref(), Some("AccessDenied"));
    }

    #[test]
    fn the_cause_leads_what_was_done_because_of_it_and_its_hint_stays() {
        let error = denied().hint("allow it").context("cannot upload `a`");
        let error = with_aftermath(with_aftermath(error, "`b` was rolled back"), "`web` is back on `v1`");
        let failure = RenderedError::from(&error);
        assert_eq!(
            failure.message,
            "cannot upload `a`: Access Denied (AccessDenied, request id ID); `b` was rolled back; `web` is back on `v1`"
        );
        assert_eq!(failure.hint.as_deref(), Some("allow it"));
        assert_eq!(failure.request_id.as_deref(), Some("ID"));
    }

    #[test]
    fn the_outermost_hint_wins() {
        let error = Err::<(), _>(denied().hint("inner")).context("outer").hint("outer hint");
        let failure = RenderedError::from(&error.expect_err("an error"));
        assert_eq!(failure.hint.as_deref(), Some("outer hint"));
        assert_eq!(failure.request_id.as_deref(), Some("ID"));
    }
}
