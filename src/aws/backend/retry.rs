//! What AWS's error codes mean for the next step.

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::aws::error::service_error;
use crate::core::error;
use crate::core::iam::calls::Call;
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

/// Whether AWS's message in `error` holds `text`.
pub(crate) fn message_contains(error: &anyhow::Error, text: &str) -> bool {
    error::service_error(error).is_some_and(|service| service.message.contains(text))
}

/// What kind of failure `error` of `call` is.
pub(crate) fn classify<E>(call: &'static Call, error: &SdkError<E, HttpResponse>) -> ErrorClass
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let error = service_error(call, error);
    match (error.code.as_deref(), error.status) {
        (Some(code), _) if is_throttling(code) => ErrorClass::Throttled,
        (_, Some(429)) => ErrorClass::Throttled,
        (Some("RequestTimeout" | "RequestTimeoutException"), _) | (_, None | Some(500..)) => ErrorClass::Transient,
        _ => ErrorClass::Final,
    }
}

/// Whether asking again later may help.
pub(crate) fn is_transient(error: &anyhow::Error) -> bool {
    error::service_error(error).is_some_and(|service| {
        service.status.is_none_or(|status| status >= 500 || status == 429)
            || service.code.as_deref().is_some_and(|code| code.contains("Throttl"))
    })
}
