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
            "throttling",
        ),
        (
            "elasticbeanstalk:DescribeEvents",
            "Throttling",
            "Rate exceeded",
            "throttling",
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
        (
            "elasticbeanstalk:CreateApplicationVersion",
            "InvalidParameterCombination",
            "Unable to download from S3 location (Bucket: b  Key: k). Reason: Not Found",
            "may read the bundle",
        ),
        (
            "elasticbeanstalk:UpdateEnvironment",
            "OperationInProgressFailure",
            "Unable to perform this operation because another operation that affects an element in this activity is already in progress.",
            "`concurrency:`",
        ),
        (
            "s3:ListBucket",
            "IllegalLocationConstraintException",
            "The me-south-1 location constraint is incompatible for the region specific endpoint this request was sent to.",
            "`me-south-1`",
        ),
        (
            "cloudfront:CreateInvalidation",
            "Throttling",
            "Rate exceeded",
            "Raise `AWS_MAX_ATTEMPTS`",
        ),
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

#[test]
fn what_a_store_says_is_no_advice() {
    let error = ServiceError {
        action: "s3:PutObject",
        code: Some("AccessDenied".into()),
        message: "User: x is not authorized to perform: iam:* on resource: arn:aws:s3:::others/*".into(),
        status: Some(403),
        ..ServiceError::default()
    };
    let arn = "arn:aws:s3:::b/k";
    let hint = hint_for(&error, &format!("{IN_STORE}{arn}")).expect("a hint");
    assert!(hint.contains("s3:PutObject") && hint.contains(arn), "{hint}");
    assert!(!hint.contains("iam:") && !hint.contains("others"), "{hint}");
    assert!(hint_for(&error, arn).is_some_and(|hint| hint.contains("iam:*")));
    let moved = ServiceError {
        code: Some("AuthorizationHeaderMalformed".into()),
        message: "the region 'a' is wrong; expecting 'evil'".into(),
        ..error
    };
    let hint = hint_for(&moved, &format!("{IN_STORE}{arn}")).expect("a hint");
    assert!(!hint.contains("evil"), "{hint}");
}
