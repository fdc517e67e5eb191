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

use crate::core::error::ServiceError;
use crate::core::iam::arn::literal;

/// What stands before the ARN of something in a store that is not AWS's: advice is made of nothing that such a store says.
pub(crate) const IN_STORE: &str = "store ";

/// What to do about `error`, met on `resource` (an ARN, or a name where there is no ARN).
#[must_use]
pub(crate) fn hint_for(error: &ServiceError, resource: &str) -> Option<String> {
    let Some(resource) = resource.strip_prefix(IN_STORE) else {
        return hint_of(error, resource);
    };
    let silent = ServiceError {
        // Only an answer that never came is told in our own words.
        message: if error.status.is_none() {
            error.message.clone()
        } else {
            String::new()
        },
        ..error.clone()
    };
    hint_of(&silent, resource)
}

fn hint_of(error: &ServiceError, resource: &str) -> Option<String> {
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
    let resource = match word_after(message, "on resource: ") {
        Some(named) => literal_object(named),
        // Our own way to say all objects.
        None if resource.ends_with(":*") || resource.ends_with("/*") => resource.to_owned(),
        None => literal_object(resource),
    };
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

/// The ARN of an object whose key must not be taken for a pattern; every other resource as it is.
fn literal_object(resource: &str) -> String {
    match resource.split_once(":s3:::").and_then(|(_, path)| path.split_once('/')) {
        Some((_, key)) => format!("{}{}", &resource[..resource.len() - key.len()], literal(key)),
        None => resource.to_owned(),
    }
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
        "InvalidObjectState" | "ObjectNotInActiveTierError" => "restore the object from its archive storage class first".to_owned(),
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
        "OperationInProgressException" | "OperationInProgressFailure" | "OperationInProgress" => "wait until the other operation on this environment or version ends, and let GitHub's `concurrency:` keep runs apart".to_owned(),
        "SourceBundleDeletionException" | "SourceBundleDeletionFailure" => "allow `s3:DeleteObject` on the bundles".to_owned(),
        // Seen with this code: elasticbeanstalk's `Unable to download from S3 location (Bucket: … Key: …)`.
        "InvalidParameterCombination" | "InvalidParameterValue" if message.contains("Unable to download from S3") => "check that Elastic Beanstalk may read the bundle: it must exist, in `aws-region`, and no bucket policy may keep Elastic Beanstalk out".to_owned(),
        "InvalidParameterCombination" => "check `option-settings`: what they ask for does not go together, or not with this version".to_owned(),
        "ConfigurationValidationException" | "ConfigurationValidationError" => "check `option-settings` against https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/command-options.html".to_owned(),
        "InvalidParameterValue" if message.contains("No Application named") => "check `application-name` and `aws-region`: aws elasticbeanstalk describe-applications".to_owned(),
        "InvalidParameterValue" if message.contains("No Environment found") => "check `environment-name` and `aws-region`: aws elasticbeanstalk describe-environments".to_owned(),
        "InvalidParameterValue" if message.contains("No Application Version named") => "check `version-label`, or set `package` to create the version".to_owned(),
        "InvalidParameterValue" if message.contains("invalid state for this operation") => "wait until the environment is Ready (`when-busy: wait`), or repair it where it is terminated".to_owned(),
        "InvalidParameterValue" if message.contains("already exists") => "choose another `version-label`; `{timestamp}` or `{sha}` in it make it unique".to_owned(),
        "InvalidParameterValue" if message.contains("S3") => "check that Elastic Beanstalk may read the bundle: same region, and no bucket policy that keeps it out".to_owned(),
        _ => return None,
    })
}

/// Whether AWS refuses by `code` because of too many requests.
pub(crate) fn is_throttling(code: &str) -> bool {
    matches!(
        code,
        "SlowDown"
            | "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "RequestLimitExceeded"
            | "TooManyRequestsException"
    )
}

/// Services that want less, or have a problem: the SDK tried again already.
fn throttling_hint(code: &str) -> Option<String> {
    let hint = match code {
        code if is_throttling(code) || matches!(code, "BandwidthLimitExceeded" | "PriorRequestNotComplete") => {
            "run the job again: AWS is throttling requests. Raise `AWS_MAX_ATTEMPTS` to retry longer"
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

/// The region that S3 names: `expecting 'eu-west-1'`, or `The me-south-1 location constraint is incompatible for the
/// region specific endpoint this request was sent to.`, which tells where the bucket is.
#[must_use]
pub(crate) fn region_in(message: &str) -> Option<&str> {
    if let Some((_, rest)) = message.split_once("expecting '") {
        return rest.split('\'').next();
    }
    let (before, _) = message.split_once(" location constraint is incompatible")?;
    // S3's oldest Region has no location constraint.
    before.rsplit(' ').next().map(|region| match region {
        "unspecified" => "us-east-1",
        region => region,
    })
}

#[cfg(test)]
mod tests;
