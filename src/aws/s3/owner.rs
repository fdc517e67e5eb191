//! Every request says whose bucket it is meant for, where that is known: S3 refuses it when the bucket is another's.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html>

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextMut;
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// The account that must own the bucket.
pub(crate) const EXPECTED_OWNER: &str = "x-amz-expected-bucket-owner";
/// The account that must own the bucket that is copied from; copies stay inside a bucket.
const EXPECTED_SOURCE_OWNER: &str = "x-amz-source-expected-bucket-owner";

/// Names the account that must own the bucket, in every request of a client.
#[derive(Debug)]
pub(crate) struct OwnerInterceptor(pub(crate) String);

#[dyn_dispatch_hint]
impl Intercept for OwnerInterceptor {
    fn name(&self) -> &'static str {
        "NameTheExpectedOwner"
    }

    fn modify_before_signing(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        expect(context.request_mut(), &self.0);
        Ok(())
    }
}

fn expect(request: &mut HttpRequest, owner: &str) {
    let headers = request.headers_mut();
    let copies = headers.contains_key("x-amz-copy-source");
    headers.insert(EXPECTED_OWNER, owner.to_owned());
    if copies {
        headers.insert(EXPECTED_SOURCE_OWNER, owner.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_names_the_owner_of_its_source_too() {
        let mut request = HttpRequest::empty();
        expect(&mut request, "123456789012");
        assert_eq!(request.headers().get(EXPECTED_OWNER), Some("123456789012"));
        assert_eq!(request.headers().get(EXPECTED_SOURCE_OWNER), None);
        request.headers_mut().insert("x-amz-copy-source", "b/k");
        expect(&mut request, "123456789012");
        assert_eq!(request.headers().get(EXPECTED_SOURCE_OWNER), Some("123456789012"));
    }
}
