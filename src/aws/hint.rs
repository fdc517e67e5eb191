//! What to do about an error of AWS: one pure table, tested as a table.
//!
//! Codes and texts are those of AWS's references: [S3], [IAM's access-denied messages], [CloudFront], [Elastic
//! Beanstalk], [common errors].
//!
//! [S3]: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
//! [IAM's access-denied messages]: https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
//! [CloudFront]: https://docs.aws.amazon.com/cloudfront/latest/APIReference/API_CreateInvalidation.html
//! [Elastic Beanstalk]: https://docs.aws.amazon.com/elasticbeanstalk/latest/api/CommonErrors.html
//! [common errors]: https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html

use serde_json::json;

use crate::failure::ServiceError;

/// What to do about `error`, met on `resource` (an ARN, or a name where there is no ARN).
#[must_use]
pub fn hint_for(error: &ServiceError, resource: &str) -> Option<String> {
    let code = match (&error.code, error.status) {
        (Some(code), _) => code.as_str(),
        // HEAD: a status is all there is.
        (None, Some(403)) => "AccessDenied",
        (None, Some(400)) => "BadHead",
        (None, Some(301 | 307)) => "PermanentRedirect",
        (None, Some(_)) => return None,
        (None, None) => return network_hint(&error.message),
    };
    let service = error.action.split(':').next().unwrap_or_default();
    access_hint(code, error, resource)
        .or_else(|| credentials_hint(code, &error.message))
        .or_else(|| match service {
            "s3" => s3_hint(code, &error.message, resource),
            "cloudfront" => cloudfront_hint(code, resource),
            "elasticbeanstalk" => beanstalk_hint(code, &error.message),
            _ => None,
        })
        .or_else(|| throttling_hint(code))
}

/// Refusals: who refused decides what has to change.
fn access_hint(code: &str, error: &ServiceError, resource: &str) -> Option<String> {
    let refusal = matches!(
        code,
        "AccessDenied"
            | "AccessDeniedException"
            | "AllAccessDisabled"
            | "AuthorizationError"
            | "Forbidden"
            | "InsufficientPrivilegesException"
            | "NotAuthorized"
            | "UnauthorizedOperation"
    );
    if !refusal {
        return None;
    }
    let message = &error.message;
    // AWS names the action and resource that it missed; they may be others than the call's (`kms:…`, `…Acl`).
    let action = word_after(message, "not authorized to perform: ").unwrap_or(error.action);
    let resource = word_after(message, "on resource: ").unwrap_or(resource);
    let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let hint = if message.contains("public access control lists") || message.contains("BlockPublicAcls") {
        "remove `acl` (or `--acl` in `args`), or turn the block public access setting `BlockPublicAcls` off for this bucket and account".to_owned()
    } else if let Some(policy) = explicit_deny(message) {
        format!(
            "find the statement that denies `{action}` in {policy} and make an exception for this role; no statement that allows can outweigh it"
        )
    } else if message.contains("service control policy") || message.contains("resource control policy") {
        format!("ask the administrator of your AWS organization to allow `{action}` in its control policies")
    } else if message.contains("permissions boundary") {
        format!("allow `{action}` in the permissions boundary of this role too: {statement}")
    } else if message.contains("session policy") {
        format!("allow `{action}` in the session policy, or assume the role without one: {statement}")
    } else if message.contains("VPC endpoint policy") {
        format!("allow `{action}` in the policy of the VPC endpoint that this runner goes through: {statement}")
    } else if action.starts_with("kms:") {
        format!(
            "the bucket is encrypted with a KMS key: allow the role to use it, in the role's policy and in the key's: {statement}"
        )
    } else {
        format!("allow it: {statement}")
    };
    Some(hint)
}

/// Whose explicit deny it was.
fn explicit_deny(message: &str) -> Option<&'static str> {
    let (_, rest) = message.split_once("with an explicit deny")?;
    Some(match rest {
        rest if rest.contains("resource-based") => "the resource's own policy (such as the bucket policy)",
        rest if rest.contains("service control") => "a service control policy of your AWS organization",
        rest if rest.contains("resource control") => "a resource control policy of your AWS organization",
        rest if rest.contains("permissions boundary") => "the role's permissions boundary",
        rest if rest.contains("VPC endpoint") => "the policy of the VPC endpoint",
        rest if rest.contains("session") => "the session policy",
        _ => "the role's policies",
    })
}

/// The word after `start`, without quotes and the punctuation of a sentence.
fn word_after<'a>(text: &'a str, start: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    let word = rest.split_whitespace().next()?;
    let word = word.trim_matches(|character| matches!(character, '"' | '\'' | ',' | '.'));
    (!word.is_empty()).then_some(word)
}

/// Keys that AWS does not know, or no longer.
fn credentials_hint(code: &str, message: &str) -> Option<String> {
    let hint = match code {
        "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidSecurity"
        | "AuthFailure" => {
            "check the access key id: AWS does not know it in this partition. Keys that start with `ASIA` also need `aws-session-token`"
        }
        "SignatureDoesNotMatch" | "InvalidSignatureException" | "IncompleteSignature"
            if message.contains("expired") || message.contains("not yet current") =>
        {
            "set the clock of this runner: it differs from AWS's"
        }
        "SignatureDoesNotMatch" | "InvalidSignatureException" | "IncompleteSignature" => {
            "check the secret access key: it does not belong to this access key id, or was pasted with a blank or newline"
        }
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" | "TokenRefreshRequired" => {
            "get fresh credentials: these have expired. With `role-to-assume` this step asks for new ones itself when a run is long"
        }
        "InvalidToken" => "check `aws-session-token`: it does not belong to these keys, or was cut",
        "MissingAuthenticationToken" | "MissingAuthenticationTokenException" => {
            "set credentials: `role-to-assume`, or `aws-access-key-id` and `aws-secret-access-key`"
        }
        "RequestTimeTooSkewed" | "RequestInTheFuture" => {
            "set the clock of this runner: it differs from AWS's by more than 15 minutes"
        }
        "OptInRequired" | "InvalidRegion" => {
            "turn this region on in the account's settings, or set another `aws-region`"
        }
        "BadHead" => "check the credentials (expired ones get this answer) and `aws-region`",
        _ => return None,
    };
    Some(hint.to_owned())
}

fn s3_hint(code: &str, message: &str, resource: &str) -> Option<String> {
    let bucket = resource.rsplit(":::").next().unwrap_or(resource);
    let bucket = bucket.split('/').next().unwrap_or(bucket);
    Some(match code {
        "AccessControlListNotSupported" => "remove `acl` (or `--acl` in `args`): this bucket has ACLs disabled (object ownership \"bucket owner enforced\"), which is what AWS recommends; let a bucket policy or CloudFront's origin access control open the files instead".to_owned(),
        "NoSuchBucket" | "NotFound" if code == "NoSuchBucket" || !resource.contains('/') => format!("check the bucket's name, or create it: aws s3 mb s3://{bucket}"),
        "PermanentRedirect" | "AuthorizationHeaderMalformed" | "TemporaryRedirect" | "IllegalLocationConstraintException" => {
            let region = region_in(message).map_or_else(String::new, |region| format!(" (`{region}`)"));
            format!("set `aws-region` to the bucket's region{region}")
        }
        "InvalidBucketName" => "check `bucket`: only the name goes there, without `s3://` and path".to_owned(),
        "KMS.DisabledException" | "KMS.NotFoundException" | "KMS.KMSInvalidStateException" => "enable the KMS key that encrypts this bucket, or choose another in the bucket's default encryption".to_owned(),
        "EntityTooLarge" => "leave this file out by `exclude`: it is larger than the store takes".to_owned(),
        "InvalidStorageClass" | "StorageClassNotImplemented" => "choose a storage class that this bucket takes".to_owned(),
        "NotImplemented" | "XAmzContentSHA256Mismatch" | "MalformedTrailerError" => "check whether the S3-compatible store supports this; `endpoint-url` turns off what most of them lack".to_owned(),
        "QuotaExceeded" | "XMinioStorageFull" => "make room in the store: its quota is used up".to_owned(),
        "InvalidObjectState" => "restore the object from its archive storage class first".to_owned(),
        "ObjectLockConfigurationNotFoundError" | "InvalidRetentionPeriod" => "check the bucket's object lock settings".to_owned(),
        _ => return None,
    })
}

fn cloudfront_hint(code: &str, resource: &str) -> Option<String> {
    let id = resource.rsplit('/').next().unwrap_or(resource);
    Some(match code {
        "NoSuchDistribution" => format!("check `distribution`: this account has no distribution `{id}`; its id (not its domain name) is in the CloudFront console, or: aws cloudfront list-distributions"),
        "TooManyInvalidationsInProgress" => "wait until running invalidations end (3,000 paths or 15 wildcards at a time), or invalidate fewer: `paths: /*` is one".to_owned(),
        "BatchTooLarge" => "send fewer `paths`: one that ends in `*` covers many".to_owned(),
        "InvalidArgument" => "check `paths`: each starts with `/` and has `*` only at its end".to_owned(),
        _ => return None,
    })
}

fn beanstalk_hint(code: &str, message: &str) -> Option<String> {
    Some(match code {
        "TooManyApplicationVersionsException" | "TooManyApplicationVersions" => "set `keep-versions`, or add a version lifecycle to the application: the account's quota of application versions (1,000 a region at first) is used up".to_owned(),
        "TooManyBucketsException" | "TooManyBuckets" => "set `package-bucket` to a bucket that exists: the account's quota of buckets is used up".to_owned(),
        "S3SubscriptionRequiredException" | "S3SubscriptionRequired" | "NotSignedUp" => "sign the account up for Amazon S3 in the AWS console".to_owned(),
        "S3LocationNotInServiceRegionException" | "S3LocationNotInServiceRegion" => "set `package-bucket` to a bucket in `aws-region`: Elastic Beanstalk takes bundles from its own region only".to_owned(),
        "OperationInProgressException" | "OperationInProgress" => "wait until the other operation on this environment or version ends, and let GitHub's `concurrency:` keep runs apart".to_owned(),
        "SourceBundleDeletionException" | "SourceBundleDeletionFailure" => "allow `s3:DeleteObject` on the bundles".to_owned(),
        "InvalidParameterCombination" => "check `option-settings`: what they ask for does not go together, or not with this version".to_owned(),
        "ConfigurationValidationException" | "ConfigurationValidationError" => "check `option-settings` against https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options.html".to_owned(),
        "InvalidParameterValue" if message.contains("No Application named") => "check `application-name` and `aws-region`: aws elasticbeanstalk describe-applications".to_owned(),
        "InvalidParameterValue" if message.contains("No Environment found") => "check `environment-name` and `aws-region`: aws elasticbeanstalk describe-environments".to_owned(),
        "InvalidParameterValue" if message.contains("No Application Version named") => "check `version-label`, or set `package` to create the version".to_owned(),
        "InvalidParameterValue" if message.contains("invalid state for this operation") => "wait until the environment is Ready (`when-busy: wait`), or repair it where it is terminated".to_owned(),
        "InvalidParameterValue" if message.contains("already exists") => "choose another `version-label`; `{timestamp}` or `{sha}` in it make it unique".to_owned(),
        "InvalidParameterValue" if message.contains("Unable to download") || message.contains("S3") => "check that Elastic Beanstalk may read the bundle: same region, and no bucket policy that keeps it out".to_owned(),
        _ => return None,
    })
}

/// Services that want less, or have a problem: the SDK tried again already.
fn throttling_hint(code: &str) -> Option<String> {
    let hint = match code {
        "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "ThrottledException"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException"
        | "BandwidthLimitExceeded"
        | "PriorRequestNotComplete" => {
            "run the job again: AWS wants fewer requests for now. The environment variable `AWS_MAX_ATTEMPTS` makes a run more patient"
        }
        "InternalError"
        | "InternalFailure"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "RequestTimeout" => "run the job again: AWS had a problem (https://health.aws.amazon.com)",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// No answer came.
fn network_hint(message: &str) -> Option<String> {
    let hint = if message.contains("DNS") {
        "check `aws-region`, `endpoint-url` and the runner's network: this name does not exist here"
    } else if message.contains("not trusted") {
        "set `AWS_CA_BUNDLE` to the certificates of the private authority or proxy that signs here"
    } else if message.contains("certificate") {
        "check `endpoint-url`, and whether a proxy stands between"
    } else if message.contains("connection") || message.contains("timeout") || message.contains("network") {
        "check the runner's network, `endpoint-url`, and `HTTPS_PROXY` and `NO_PROXY` where there is a proxy"
    } else {
        return None;
    };
    Some(hint.to_owned())
}

/// The region that S3 names: `expecting 'eu-west-1'`, or the host of the endpoint to use.
fn region_in(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("expecting '")?;
    rest.split('\'').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(action: &'static str, code: &str, message: &str, resource: &str) -> String {
        let error = ServiceError {
            action,
            code: (!code.is_empty()).then(|| code.to_owned()),
            message: message.to_owned(),
            request_id: None,
            status: None,
        };
        hint_for(&error, resource).unwrap_or_default()
    }

    /// Texts of <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html>.
    #[test]
    fn a_refusal_names_what_has_to_change() {
        const USER: &str = "User: arn:aws:iam::111122223333:user/ci is not authorized to perform: ";
        let object = "arn:aws:s3:::b/k";
        for (message, expected) in [
            (
                "Access Denied",
                r#"allow it: {"Action":"s3:PutObject","Effect":"Allow","Resource":"arn:aws:s3:::b/k"}"#,
            ),
            (
                "s3:PutObjectAcl on resource: \"arn:aws:s3:::b/k\" because no identity-based policy allows the s3:PutObjectAcl action",
                r#""Action":"s3:PutObjectAcl""#,
            ),
            (
                "s3:PutObject on resource: arn:aws:s3:::b/k with an explicit deny in a resource-based policy",
                "bucket policy",
            ),
            (
                "s3:PutObject on resource: arn:aws:s3:::b/k with an explicit deny in a service control policy",
                "organization",
            ),
            (
                "s3:PutObject on resource: arn:aws:s3:::b/k with an explicit deny in an identity-based policy",
                "the role's policies",
            ),
            (
                "s3:PutObject on resource: arn:aws:s3:::b/k because no service control policy allows the s3:PutObject action",
                "administrator",
            ),
            (
                "s3:PutObject on resource: arn:aws:s3:::b/k because no permissions boundary allows the s3:PutObject action",
                "permissions boundary",
            ),
            (
                "s3:PutObject on resource: arn:aws:s3:::b/k because no session policy allows the s3:PutObject action",
                "session policy",
            ),
            (
                "s3:PutObject on resource: arn:aws:s3:::b/k because no VPC endpoint policy allows the s3:PutObject action",
                "VPC endpoint",
            ),
            (
                "kms:GenerateDataKey on resource: arn:aws:kms:us-east-1:1:key/x because no identity-based policy allows the kms:GenerateDataKey action",
                "KMS key",
            ),
            (
                "s3:PutObject on resource: \"arn:aws:s3:::b/k\" because public access control lists (ACLs) are blocked by the BlockPublicAcls block public access setting.",
                "remove `acl`",
            ),
        ] {
            let message = if message == "Access Denied" {
                message.to_owned()
            } else {
                format!("{USER}{message}")
            };
            let hint = hint("s3:PutObject", "AccessDenied", &message, object);
            assert!(hint.contains(expected), "{message}: {hint}");
        }
    }

    #[test]
    fn each_code_has_its_advice() {
        for (action, code, message, expected) in [
            (
                "s3:PutObject",
                "AccessControlListNotSupported",
                "The bucket does not allow ACLs",
                "remove `acl`",
            ),
            (
                "s3:ListBucket",
                "NoSuchBucket",
                "The specified bucket does not exist",
                "aws s3 mb s3://b",
            ),
            (
                "s3:ListBucket",
                "PermanentRedirect",
                "The bucket you are attempting to access must be addressed using the specified endpoint.",
                "aws-region",
            ),
            (
                "s3:ListBucket",
                "AuthorizationHeaderMalformed",
                "The authorization header is malformed; the region 'us-east-1' is wrong; expecting 'eu-west-1'",
                "`eu-west-1`",
            ),
            (
                "s3:ListBucket",
                "InvalidAccessKeyId",
                "The AWS Access Key Id you provided does not exist in our records.",
                "access key id",
            ),
            (
                "sts:GetCallerIdentity",
                "InvalidClientTokenId",
                "The security token included in the request is invalid.",
                "access key id",
            ),
            (
                "cloudfront:CreateInvalidation",
                "UnrecognizedClientException",
                "x",
                "access key id",
            ),
            (
                "s3:ListBucket",
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match",
                "secret access key",
            ),
            (
                "sts:GetCallerIdentity",
                "SignatureDoesNotMatch",
                "Signature expired: 20261120T080000Z is now earlier than 20261120T081000Z",
                "clock",
            ),
            (
                "s3:ListBucket",
                "ExpiredToken",
                "The provided token has expired.",
                "expired",
            ),
            ("s3:ListBucket", "RequestTimeTooSkewed", "x", "clock"),
            (
                "s3:PutObject",
                "SlowDown",
                "Please reduce your request rate.",
                "fewer requests",
            ),
            (
                "elasticbeanstalk:DescribeEvents",
                "Throttling",
                "Rate exceeded",
                "fewer requests",
            ),
            (
                "cloudfront:GetDistributionConfig",
                "NoSuchDistribution",
                "x",
                "`distribution`",
            ),
            (
                "cloudfront:CreateInvalidation",
                "TooManyInvalidationsInProgress",
                "x",
                "3,000",
            ),
            (
                "elasticbeanstalk:CreateApplicationVersion",
                "TooManyApplicationVersionsException",
                "x",
                "keep-versions",
            ),
            (
                "elasticbeanstalk:CreateApplicationVersion",
                "S3SubscriptionRequiredException",
                "x",
                "Amazon S3",
            ),
            (
                "elasticbeanstalk:CreateApplicationVersion",
                "S3LocationNotInServiceRegionException",
                "x",
                "package-bucket",
            ),
            (
                "elasticbeanstalk:UpdateEnvironment",
                "InvalidParameterValue",
                "No Environment found for EnvironmentName = 'x'.",
                "environment-name",
            ),
            (
                "elasticbeanstalk:UpdateEnvironment",
                "InvalidParameterValue",
                "No Application Version named 'x' found.",
                "version-label",
            ),
            (
                "elasticbeanstalk:UpdateEnvironment",
                "InvalidParameterValue",
                "Environment named x is in an invalid state for this operation. Must be Ready.",
                "Ready",
            ),
            (
                "s3:PutObject",
                "",
                "its host name cannot be resolved (DNS)",
                "aws-region",
            ),
            (
                "s3:PutObject",
                "",
                "its TLS certificate is signed by an authority that is not trusted here",
                "AWS_CA_BUNDLE",
            ),
            ("s3:PutObject", "", "the connection was refused", "HTTPS_PROXY"),
        ] {
            let hint = hint(action, code, message, "arn:aws:s3:::b");
            assert!(hint.contains(expected), "{code} {message}: {hint:?}");
        }
    }

    #[test]
    fn a_code_that_says_nothing_gets_no_advice() {
        assert_eq!(hint("s3:PutObject", "SomethingNew", "x", "arn:aws:s3:::b"), "");
        assert_eq!(hint("s3:PutObject", "NoSuchKey", "x", "arn:aws:s3:::b/k"), "");
    }

    #[test]
    fn an_answer_to_head_without_a_body_is_judged_by_its_status() {
        let error = ServiceError {
            action: "s3:ListBucket",
            status: Some(403),
            message: "access denied (HTTP 403)".to_owned(),
            ..ServiceError::default()
        };
        assert!(hint_for(&error, "arn:aws:s3:::b").is_some_and(|hint| hint.contains(r#""Action":"s3:ListBucket""#)));
    }
}
