//! SDK errors become messages for people, with the call, AWS's code and request id, and a hint.

use std::error::Error;
use std::fmt::Display;

use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::calls::Call;
use crate::failure::{HintExt as _, ServiceError};

/// Turns the outcome of an SDK call into ours.
pub trait CallExt<T> {
    /// Adds what we were doing (`cannot upload …`, lower-case, values in backticks) and on which resource (an ARN,
    /// for the statement that an `AccessDenied` asks for).
    ///
    /// # Errors
    /// The SDK's error, as a [`ServiceError`] below the context `doing`.
    fn call(self, call: &'static Call, resource: &dyn Display, doing: impl FnOnce() -> String) -> anyhow::Result<T>;
}

impl<T, E> CallExt<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn call(self, call: &'static Call, resource: &dyn Display, doing: impl FnOnce() -> String) -> anyhow::Result<T> {
        self.map_err(|error| {
            let service = service_error(call, &error);
            let hint = hint_for(call, service.code.as_deref(), &resource.to_string());
            let error = anyhow::Error::new(service).context(doing());
            match hint {
                Some(hint) => error.hint(hint),
                None => error,
            }
        })
    }
}

/// What AWS said, or what happened on the way to it.
#[must_use]
pub fn service_error<E>(call: &'static Call, error: &SdkError<E, HttpResponse>) -> ServiceError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let message = match error.message() {
        Some(message) => message.to_owned(),
        None => innermost(error),
    };
    ServiceError {
        action: call.action,
        code: error.code().map(ToOwned::to_owned),
        message,
        request_id: error.request_id().map(ToOwned::to_owned),
        status: error.raw_response().map(|response| response.status().as_u16()),
    }
}

/// The last link of the chain: the SDK's outer links ("dispatch failure", "io error") say nothing to a person.
fn innermost(error: &dyn Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// What to do about an error of a call, where the code alone tells.
#[must_use]
pub fn hint_for(call: &Call, code: Option<&str>, resource: &str) -> Option<String> {
    match code? {
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => Some(format!(
            "allow it: {{\"Effect\": \"Allow\", \"Action\": \"{}\", \"Resource\": \"{resource}\"}}",
            call.action
        )),
        _ => None,
    }
}
