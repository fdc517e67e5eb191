//! Credentials once they are found: remembered until they expire, and masked.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

use crate::console::Console;

/// Credentials that expire sooner than this are asked for again.
pub(crate) const REFRESH_BEFORE: Duration = Duration::from_secs(120);

/// Resolved credentials, and where they come from, for the log.
pub(crate) struct Resolved {
    pub(crate) provider: SharedCredentialsProvider,
    pub(crate) origin: String,
}

/// Makes the runner hide every secret of `credentials`.
pub(crate) fn mask_credentials(console: &Console, credentials: &Credentials) {
    mask_id(console, credentials.access_key_id());
    console.mask(credentials.secret_access_key());
    if let Some(token) = credentials.session_token() {
        console.mask(token);
    }
}

/// AWS's key ids are masked as aws-actions/configure-aws-credentials does; the short names that S3-compatible stores
/// use (`minioadmin`, `test`) would black out half of the log.
pub(crate) fn mask_id(console: &Console, id: &str) {
    if id.len() >= 16 {
        console.mask(id);
    }
}

/// A provider that remembers its last answer: the SDK's caches, and whoever signs without them, ask once more.
#[derive(Debug)]
pub(crate) struct CachedCredentials {
    last: tokio::sync::Mutex<Credentials>,
    provider: SharedCredentialsProvider,
}

impl CachedCredentials {
    /// `provider`, which has answered `first` already.
    pub(crate) fn provider(
        first: Credentials,
        provider: impl ProvideCredentials + 'static,
    ) -> SharedCredentialsProvider {
        SharedCredentialsProvider::new(Self {
            last: tokio::sync::Mutex::new(first),
            provider: SharedCredentialsProvider::new(provider),
        })
    }

    async fn credentials(&self) -> Result<Credentials, CredentialsError> {
        let mut last = self.last.lock().await;
        if !is_fresh(&last) {
            *last = self.provider.provide_credentials().await?;
        }
        Ok(last.clone())
    }
}

impl ProvideCredentials for CachedCredentials {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}

fn is_fresh(credentials: &Credentials) -> bool {
    credentials
        .expiry()
        .is_none_or(|expiry| expiry > SystemTime::now() + REFRESH_BEFORE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_remembered_while_it_is_fresh() {
        use futures_util::FutureExt as _;
        let keys = |id: &str, expiry: Option<SystemTime>| Credentials::new(id, "s", None, expiry, "test");
        let id = |provider: &SharedCredentialsProvider| {
            let answer = provider
                .provide_credentials()
                .now_or_never()
                .expect("an answer at once");
            answer.expect("credentials").access_key_id().to_owned()
        };
        let in_time = |more: i64| {
            let seconds = REFRESH_BEFORE.as_secs().saturating_add_signed(more);
            Some(SystemTime::now() + Duration::from_secs(seconds))
        };
        for (expiry, answers) in [
            (None, ["first", "first"]),
            (in_time(60), ["first", "first"]),
            (in_time(-1), ["then", "then"]),
        ] {
            let provider = CachedCredentials::provider(keys("first", expiry), keys("then", in_time(60)));
            assert_eq!([id(&provider), id(&provider)], answers);
        }
        let provider = CachedCredentials::provider(keys("first", in_time(-1)), keys("short", in_time(-1)));
        assert_eq!([id(&provider), id(&provider)], ["short", "short"]);
    }
}
