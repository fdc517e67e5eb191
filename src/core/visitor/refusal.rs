//! Why a bucket does not let a visitor or a distribution in, and the command that repairs it.

use serde_json::json;

use crate::core::cdn::distribution::OriginAccess;
use crate::core::report::check::{CheckStatus, Finding};
use crate::core::visitor::access::{Access, ObjectReader, access};
use crate::core::visitor::facts::{BucketFacts, DistributionFacts, Publicity};

/// The bucket is public, and its Block Public Access does not let it be.
pub(super) fn blocked(what: &str, bucket: &BucketFacts) -> Finding {
    Finding::new(
        what,
        CheckStatus::Warning,
        "`/` answers 403: the bucket's Block Public Access is on, and keeps out everybody whom its policy or ACL lets in",
    )
    .hint(format!(
        "put a CloudFront distribution with origin access control in front of the bucket; or open it to everybody: aws s3api delete-public-access-block --bucket {}",
        bucket.name
    ))
}

/// A KMS key that `reader` cannot use, whatever the bucket's policy says.
///
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html>
pub(super) fn unreadable_key(what: &str, reader: &ObjectReader, bucket: &BucketFacts) -> Option<Finding> {
    bucket.kms.as_ref()?;
    let who = match reader {
        ObjectReader::Anonymous => "visitors and distributions without origin access control",
        ObjectReader::Identity(_) => "an origin access identity",
        ObjectReader::Distribution { .. } => return None,
    };
    Some(
        Finding::new(
            what,
            CheckStatus::Warning,
            format!("`/` answers 400: the bucket's default encryption is by a KMS key, and {who} cannot decrypt by KMS"),
        )
        .hint("use origin access control and a KMS key of your own whose policy lets CloudFront decrypt; or encrypt by SSE-S3 (AES256), and upload the site again"),
    )
}

/// Why the bucket does not let the distribution in.
pub(super) fn refusal(
    what: &str,
    distribution: &DistributionFacts,
    origin: &OriginAccess,
    bucket: &BucketFacts,
) -> Option<Finding> {
    let warning = |text: &str, hint: String| Some(Finding::new(what, CheckStatus::Warning, text).hint(hint));
    let reader = match origin {
        OriginAccess::Website | OriginAccess::None => {
            return match bucket.publicity()? {
                Publicity::Open => None,
                Publicity::Blocked => Some(blocked(what, bucket)),
                Publicity::Closed => warning(
                    "`/` answers 403: nobody may read the bucket, and the distribution has no origin access control",
                    format!(
                        "give the origin of distribution `{}` an origin access control in CloudFront, and allow it to read the bucket: {}",
                        distribution.id,
                        allow_command(distribution, bucket)
                    ),
                ),
            };
        }
        OriginAccess::Control | OriginAccess::Identity(_) => object_reader(distribution, origin),
    };
    let policy = bucket.policy.as_ref()?;
    match access(policy, &reader, &bucket.object_arn()) {
        Access::Allowed => None,
        Access::Denied => warning(
            "`/` answers 403: a statement of the bucket's policy denies it",
            format!(
                "find the statement with `\"Effect\": \"Deny\"`: aws s3api get-bucket-policy --bucket {} --query Policy --output text",
                bucket.name
            ),
        ),
        Access::OtherDistribution(named) => warning(
            &format!("`/` answers 403: the policy names another distribution (`{named}`)"),
            allow_command(distribution, bucket),
        ),
        Access::OtherAccount(named) => warning(
            &format!("`/` answers 403: the policy names another account (`{named}`)"),
            allow_command(distribution, bucket),
        ),
        Access::NotAllowed => warning(
            "`/` answers 403: nobody may read the bucket",
            allow_command(distribution, bucket),
        ),
    }
}

/// As who a distribution asks for objects.
pub(super) fn object_reader(distribution: &DistributionFacts, origin: &OriginAccess) -> ObjectReader {
    match origin {
        OriginAccess::Website | OriginAccess::None => ObjectReader::Anonymous,
        OriginAccess::Control => ObjectReader::Distribution {
            arn: distribution.arn.clone(),
            account: distribution.account.clone(),
        },
        OriginAccess::Identity(id) => ObjectReader::Identity(id.clone()),
    }
}

pub(super) fn website_command(bucket: &str) -> String {
    format!("aws s3 website s3://{bucket} --index-document index.html --error-document 404.html")
}

/// The command that opens the bucket for everybody.
pub(super) fn public_command(bucket: &BucketFacts) -> String {
    let statement = json!({
        "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": bucket.objects_arn(),
    });
    format!(
        "use the bucket's REST endpoint with origin access control as origin; or open the bucket to everybody: turn Block Public Access off for it, and add this statement to its policy: {statement}"
    )
}

/// The statement that lets a distribution in, in its command.
fn allow_command(distribution: &DistributionFacts, bucket: &BucketFacts) -> String {
    let statement = json!({
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": bucket.objects_arn(),
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution.arn}},
    });
    match &bucket.policy {
        Some(policy) if policy.is_null() => format!(
            "aws s3api put-bucket-policy --bucket {} --policy '{}'",
            bucket.name,
            json!({"Version": "2012-10-17", "Statement": [statement]})
        ),
        _ => format!("add this statement to the bucket's policy: {statement}"),
    }
}
