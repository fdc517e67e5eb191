//! Whether payloads are signed: over TLS they need not be, and a bucket policy may want it all the same. On a way that is
//! not encrypted anybody could change them, so there they always are.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/bucket-policy-s3-sigv4-conditions.html>

use std::sync::atomic::{AtomicU8, Ordering};

use crate::core::error::code;

const NEEDED: u8 = 1;
const USELESS: u8 = 2;

/// What a bucket's answers have told so far: nothing, at first.
#[derive(Debug, Default)]
pub(crate) struct PayloadSigning(AtomicU8);

impl PayloadSigning {
    /// Whether payloads have to be signed.
    pub(crate) fn is_needed(&self) -> bool {
        self.0.load(Ordering::Relaxed) == NEEDED
    }

    /// Payloads have to be signed.
    pub(crate) fn require(&self) {
        self.0.store(NEEDED, Ordering::Relaxed);
    }

    /// Whether what failed with `error`, unsigned, may succeed when it is signed.
    pub(crate) fn may_help(&self, error: &anyhow::Error) -> bool {
        self.0.load(Ordering::Relaxed) != USELESS && code(error) == Some("AccessDenied")
    }

    /// A payload that was refused unsigned was sent signed: it was accepted, or refused again.
    pub(crate) fn settle(&self, accepted: bool) {
        let known = if accepted { NEEDED } else { USELESS };
        // One success settles it for good.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |state| {
            (state != NEEDED).then_some(known)
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::error::ServiceError;

    #[test]
    fn one_success_signs_the_rest_and_one_refusal_asks_no_more() {
        let denied = anyhow::Error::new(ServiceError {
            code: Some("AccessDenied".into()),
            ..ServiceError::default()
        });
        let signing = PayloadSigning::default();
        assert!(signing.may_help(&denied) && !signing.is_needed());
        assert!(!signing.may_help(&anyhow::anyhow!("no answer")));
        signing.settle(false);
        assert!(!signing.may_help(&denied) && !signing.is_needed());
        signing.settle(true);
        signing.settle(false);
        assert!(signing.is_needed());
    }
}
