//! Why a bucket does not let a visitor or a distribution in, and the command that repairs it.

use crate::core::cdn::distribution::OriginAccess;
use crate::core::report::check::{CheckStatus, Finding};
use crate::core::visitor::access::access;
use crate::core::visitor::facts::{AtRest, Blocker, BucketFacts, DistributionFacts, KmsKey, Publicity, Signing};
use crate::core::visitor::reader::{Access, ObjectReader};
use crate::core::visitor::repair;
use crate::core::visitor::verdict::SiteVerdict;

/// A verdict on what S3 answers with `code` to every request.
fn refused(what: &str, code: i32, why: &str, hint: String) -> SiteVerdict {
    let finding = Finding::new(what, CheckStatus::Warning, format!("`/` answers {code}: {why}"));
    SiteVerdict::answered(finding.hint(hint), &[code])
}

/// The policy's condition decides, which nobody can tell beforehand.
fn conditional(what: &str, bucket: &BucketFacts, key: &str) -> SiteVerdict {
    let finding = Finding::new(
        what,
        CheckStatus::NotChecked,
        format!("what they get: the bucket's policy has a condition on `{key}`, and nobody can tell for whom it holds"),
    );
    SiteVerdict::always(finding.hint(format!(
        "look at it:\naws s3api get-bucket-policy --bucket {} --query Policy --output text",
        bucket.name
    )))
}

fn denied(what: &str, bucket: &BucketFacts, place: usize, reader: &ObjectReader) -> SiteVerdict {
    let by_http = match reader {
        ObjectReader::Website => " (a website endpoint is asked by http, which policies often deny)",
        _ => "",
    };
    refused(
        what,
        403,
        &format!("statement {} of the bucket's policy denies it{by_http}", place + 1),
        format!(
            "if nobody needs that statement, take it out:\n{}",
            repair::remove_statement(bucket, place)
        ),
    )
}

/// Whether `reader`, which is anybody, is kept out; `closed` says so where nobody may read the bucket.
pub(super) fn shut_out(
    what: &str,
    bucket: &BucketFacts,
    reader: &ObjectReader,
    closed: impl FnOnce() -> (String, String),
) -> Option<SiteVerdict> {
    Some(match bucket.publicity(reader)? {
        Publicity::Open => return unreadable(what, reader, bucket),
        Publicity::Blocked(blocker) => blocked(what, bucket, blocker),
        Publicity::Conditional(key) => conditional(what, bucket, &key),
        Publicity::Denied(place) => denied(what, bucket, place, reader),
        Publicity::Closed => {
            let (why, hint) = closed();
            refused(what, 403, &why, hint)
        }
    })
}

/// The bucket is public, and Block Public Access does not let it be.
fn blocked(what: &str, bucket: &BucketFacts, blocker: Blocker) -> SiteVerdict {
    let status = match bucket.is_public {
        Some(true) => ", which S3 calls public",
        _ => "",
    };
    let whose = blocker.names().unwrap_or_default();
    let of_all = if blocker.account {
        " (the account's settings hold for all its buckets)"
    } else {
        ""
    };
    refused(
        what,
        403,
        &format!(
            "{whose} Block Public Access is on, and keeps out everybody whom the bucket's policy{status} or ACL lets in"
        ),
        format!(
            "keep it, and put a CloudFront distribution with origin access control in front of the bucket; or open the bucket to everybody{of_all}:\n{}",
            repair::unblock(bucket, blocker.bucket, blocker.account).unwrap_or_default()
        ),
    )
}

/// What is encrypted so that `reader` cannot read it, whatever the bucket's policy says.
///
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html>
pub(super) fn unreadable(what: &str, reader: &ObjectReader, bucket: &BucketFacts) -> Option<SiteVerdict> {
    let who = match reader {
        ObjectReader::Anonymous | ObjectReader::Website => "visitors and distributions that do not sign requests",
        ObjectReader::Identity(_) => "an origin access identity",
        ObjectReader::Distribution { .. } => "a distribution",
    };
    let (code, why) = match (&bucket.at_rest, reader) {
        (AtRest::CustomerKey, _) => (
            400,
            format!("`--sse-c` encrypts with a key that only this step has, and {who} cannot send it"),
        ),
        // https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key: nobody can edit its policy.
        (AtRest::Kms(KmsKey::Managed), ObjectReader::Distribution { .. }) => (
            403,
            "what is uploaded is encrypted by AWS's own KMS key for S3 (`aws/s3`), whose policy lets no distribution in, and cannot be changed"
                .to_owned(),
        ),
        (AtRest::Kms(_), ObjectReader::Distribution { .. }) | (AtRest::Readable | AtRest::Unknown, _) => return None,
        (AtRest::Kms(_), _) => (
            400,
            format!("what is uploaded is encrypted by a KMS key, and {who} cannot decrypt by KMS"),
        ),
    };
    Some(refused(
        what,
        code,
        &why,
        format!(
            "encrypt by S3's own keys (without `--sse` in `args`), and deploy again with `force: true`:\n{}",
            repair::encrypt_by_s3(bucket)
        ),
    ))
}

/// Why the bucket does not let the distribution in.
pub(super) fn refusal(
    what: &str,
    distribution: &DistributionFacts,
    origin: &OriginAccess,
    signing: Signing,
    bucket: &BucketFacts,
) -> Option<SiteVerdict> {
    let reader = object_reader(distribution, origin, signing);
    if matches!(reader, ObjectReader::Anonymous | ObjectReader::Website) {
        return shut_out(what, bucket, &reader, || match origin {
            OriginAccess::Control(id) => (
                format!("nobody may read the bucket, and the origin access control `{id}` never signs requests"),
                format!("have it sign them:\n{}", repair::sign_always(id)),
            ),
            _ => (
                "nobody may read the bucket, and the distribution has no origin access control".to_owned(),
                format!(
                    "make one, give it to the origin, and allow it to read the bucket:\n{}",
                    repair::add_access_control(distribution, bucket)
                ),
            ),
        });
    }
    let policy = bucket.policy.as_ref()?;
    let let_in = || format!("allow it to read the bucket:\n{}", repair::let_in(distribution, bucket));
    let outsider = |why: &str| {
        let hint = match reader {
            ObjectReader::Identity(_) => format!(
                "replace the origin access identity by an origin access control, and allow that to read the bucket:\n{}",
                repair::add_access_control(distribution, bucket)
            ),
            _ => let_in(),
        };
        Some(refused(what, 403, why, hint))
    };
    // An identity is neither of the account nor one of AWS's services:
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
    let restricting = bucket
        .restricting()
        .filter(|_| bucket.is_public == Some(true) && matches!(reader, ObjectReader::Identity(_)));
    match access(policy, &reader, &bucket.object_arn()) {
        Access::Allowed => match restricting.and_then(Blocker::names) {
            Some(whose) => outsider(&format!(
                "S3 calls the bucket's policy public, and {whose} Block Public Access then keeps out an origin access identity, too"
            )),
            None => unreadable(what, &reader, bucket),
        },
        Access::Denied(place) => Some(denied(what, bucket, place, &reader)),
        Access::Conditional(key) => Some(conditional(what, bucket, &key)),
        Access::OtherDistribution(named) => outsider(&format!("the policy names another distribution (`{named}`)")),
        Access::OtherAccount(named) => outsider(&format!("the policy names another account (`{named}`)")),
        Access::NotAllowed => outsider("nobody may read the bucket"),
    }
}

/// As who a distribution asks for objects.
pub(super) fn object_reader(distribution: &DistributionFacts, origin: &OriginAccess, signing: Signing) -> ObjectReader {
    match origin {
        OriginAccess::Website => ObjectReader::Website,
        OriginAccess::None => ObjectReader::Anonymous,
        OriginAccess::Control(_) if signing == Signing::Never => ObjectReader::Anonymous,
        OriginAccess::Control(_) => ObjectReader::Distribution {
            arn: distribution.arn.clone(),
            account: distribution.account.clone(),
        },
        OriginAccess::Identity(id) => ObjectReader::Identity(id.clone()),
    }
}
