//! Which answers are none, though their status says "done": a proxy's page, or nothing.
//!
//! The SDK makes an output without fields of a body that it does not need; taken for the truth, an empty listing
//! would be an empty bucket.

use aws_sdk_cloudfront::operation as cloudfront;
use aws_sdk_s3::operation as s3;
use aws_sdk_sts::operation as sts;
use aws_smithy_runtime_api::client::interceptors::context::Output;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

/// Whether `output` lacks what every answer of this operation has.
pub(crate) fn is_empty_answer(output: &Output, response: &HttpResponse) -> bool {
    macro_rules! lacks {
        ($($type:ty: $lacks:expr),* $(,)?) => {
            $(if let Some(output) = output.downcast_ref::<$type>() {
                let lacks: fn(&$type) -> bool = $lacks;
                return lacks(output);
            })*
        };
    }
    lacks! {
        s3::list_objects_v2::ListObjectsV2Output: |output| output.name().is_none(),
        s3::list_object_versions::ListObjectVersionsOutput: |output| output.name().is_none(),
        s3::put_object::PutObjectOutput: |output| output.e_tag().is_none(),
        s3::upload_part::UploadPartOutput: |output| output.e_tag().is_none(),
        s3::create_multipart_upload::CreateMultipartUploadOutput: |output| output.upload_id().is_none(),
        s3::complete_multipart_upload::CompleteMultipartUploadOutput: |output| output.e_tag().is_none(),
        s3::copy_object::CopyObjectOutput: |output| output.copy_object_result().is_none(),
        s3::upload_part_copy::UploadPartCopyOutput: |output| output.copy_part_result().is_none(),
        s3::head_object::HeadObjectOutput: |output| output.e_tag().is_none(),
        s3::get_object::GetObjectOutput: |output| output.e_tag().is_none(),
        s3::delete_objects::DeleteObjectsOutput: |output| output.deleted().is_empty() && output.errors().is_empty(),
        cloudfront::create_invalidation::CreateInvalidationOutput: |output| output.invalidation().is_none(),
        cloudfront::get_distribution_config::GetDistributionConfigOutput: |output| output.distribution_config().is_none(),
        sts::get_caller_identity::GetCallerIdentityOutput: |output| output.account().is_none(),
    }
    // Of a bucket that never had versioning the answer is an empty element, but not nothing.
    output
        .downcast_ref::<s3::get_bucket_versioning::GetBucketVersioningOutput>()
        .is_some()
        && response.body().bytes().is_some_and(<[u8]>::is_empty)
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn is_empty<T: std::fmt::Debug + Send + Sync + 'static>(output: T, body: &str) -> bool {
        let response = HttpResponse::new(200.try_into().expect("a status"), SdkBody::from(body));
        is_empty_answer(&Output::erase(output), &response)
    }

    #[test]
    fn only_answers_that_say_something_are_believed() {
        use s3::get_bucket_versioning::GetBucketVersioningOutput as Versioning;
        use s3::list_objects_v2::ListObjectsV2Output as Listing;
        assert!(is_empty(Listing::builder().build(), ""));
        assert!(!is_empty(Listing::builder().name("b").build(), "<ListBucketResult/>"));
        assert!(is_empty(s3::put_object::PutObjectOutput::builder().build(), ""));
        assert!(!is_empty(
            s3::put_object::PutObjectOutput::builder().e_tag("x").build(),
            ""
        ));
        assert!(is_empty(Versioning::builder().build(), ""));
        assert!(!is_empty(Versioning::builder().build(), "<VersioningConfiguration/>"));
        assert!(!is_empty(s3::head_bucket::HeadBucketOutput::builder().build(), ""));
    }
}
