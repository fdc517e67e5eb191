//! SDK errors become messages for people, with the call, AWS's code and request id, and a hint.
//!
//! Every error of AWS leaves through [`AwsContextExt::aws_context`]; what to do about it is said by [`crate::core::iam::hint`].

use std::error::Error;
use std::fmt::{self, Display};

use aws_sdk_s3::operation::RequestId;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::core::error::{HintExt as _, RenderedError, ServiceError};
use crate::core::iam::calls::Call;
use crate::core::iam::hint::hint_for;
use crate::http::errors::{find, plain_text};

/// Turns the outcome of an SDK call into ours.
pub(crate) trait AwsContextExt<T> {
    /// Adds what we were doing (`cannot upload …`, lower-case, values in backticks) and on which resource (an ARN,
    /// for the statement that an `AccessDenied` asks for).
    ///
    /// # Errors
    /// The SDK's error, as a [`ServiceError`] below the context `doing`.
    fn aws_context(
        self,
        call: &'static Call,
        resource: &dyn Display,
        doing: impl FnOnce() -> String,
    ) -> anyhow::Result<T>;
}

impl<T, E> AwsContextExt<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    fn aws_context(
        self,
        call: &'static Call,
        resource: &dyn Display,
        doing: impl FnOnce() -> String,
    ) -> anyhow::Result<T> {
        self.map_err(|error| {
            if let Some(failure) = find::<CredentialsFailure>(&error) {
                return failure.again().context(doing());
            }
            let service = service_error(call, &error);
            let hint = hint_for(&service, &resource.to_string());
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
pub(crate) fn service_error<E>(call: &'static Call, error: &SdkError<E, HttpResponse>) -> ServiceError
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let status = error.raw_response().map(|response| response.status().as_u16());
    let code = error.code().filter(|code| !code.is_empty());
    let message = match (error.message().filter(|message| !message.is_empty()), status) {
        (Some(message), _) => message.to_owned(),
        // Answers to HEAD have no body, so neither code nor message.
        (None, Some(status)) if code.is_none() => bare_status(status, error),
        (None, Some(_)) => "no message".to_owned(),
        (None, None) => plain_text(error),
    };
    ServiceError {
        action: call.action,
        code: code.map(ToOwned::to_owned),
        message,
        request_id: error.request_id().map(ToOwned::to_owned),
        status,
    }
}

/// The words for a status without a message.
fn bare_status<E>(status: u16, error: &SdkError<E, HttpResponse>) -> String
where
    E: Error + Send + Sync + 'static,
{
    match status {
        403 => "access denied (HTTP 403)".to_owned(),
        404 => "not found (HTTP 404)".to_owned(),
        301 | 307 => format!("it is in another region (HTTP {status})"),
        200..=299 => format!("the answer cannot be read: {}", plain_text(error)),
        _ => format!("HTTP {status} without a message"),
    }
}

/// An error of getting credentials that travels through the SDK, whose call it stops, and keeps its hint.
#[derive(Debug)]
pub(crate) struct CredentialsFailure(RenderedError);

impl CredentialsFailure {
    pub(crate) fn new(error: &anyhow::Error) -> Self {
        Self(RenderedError::from(error))
    }

    fn again(&self) -> anyhow::Error {
        let error = anyhow::anyhow!("{}", self.0.message);
        match &self.0.hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl Display for CredentialsFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl Error for CredentialsFailure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Outer(&'static str, #[source] Box<dyn Error + Send + Sync>);

    #[test]
    fn a_failure_of_credentials_keeps_its_hint_on_the_way_through_the_sdk() {
        let cause = anyhow::anyhow!("cannot assume the role `r`").hint("change the trust policy");
        let wrapped = Outer("dispatch failure", Box::new(CredentialsFailure::new(&cause)));
        let found = find::<CredentialsFailure>(&wrapped).expect("the failure");
        let failure = RenderedError::from(&found.again().context("cannot list `b`"));
        assert_eq!(failure.message, "cannot list `b`: cannot assume the role `r`");
        assert_eq!(failure.hint.as_deref(), Some("change the trust policy"));
    }
}
