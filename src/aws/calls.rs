//! Every call that this program sends to AWS itself, with the IAM action that allows it.
//!
//! One table for errors, `check` and the README, so that none of them can go stale alone. The actions are those of
//! the [service authorization reference].
//!
//! [service authorization reference]: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html

/// A call: the API operation and the IAM action that it needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    /// The API's name of it.
    pub operation: &'static str,
    /// The IAM action.
    pub action: &'static str,
}

macro_rules! calls {
    ($($name:ident: $operation:literal, $action:literal;)*) => {
        $(
            #[doc = concat!("`", $operation, "`, allowed by `", $action, "`.")]
            pub const $name: Call = Call { operation: $operation, action: $action };
        )*
        /// All of them.
        pub const ALL: &[&Call] = &[$(&$name),*];
    };
}

calls! {
    GET_CALLER_IDENTITY: "GetCallerIdentity", "sts:GetCallerIdentity";
    ASSUME_ROLE: "AssumeRole", "sts:AssumeRole";
    ASSUME_ROLE_WITH_WEB_IDENTITY: "AssumeRoleWithWebIdentity", "sts:AssumeRoleWithWebIdentity";

    HEAD_BUCKET: "HeadBucket", "s3:ListBucket";
    LIST_OBJECTS: "ListObjectsV2", "s3:ListBucket";
    LIST_OBJECT_VERSIONS: "ListObjectVersions", "s3:ListBucketVersions";
    GET_BUCKET_VERSIONING: "GetBucketVersioning", "s3:GetBucketVersioning";
    GET_BUCKET_ENCRYPTION: "GetBucketEncryption", "s3:GetEncryptionConfiguration";
    GET_BUCKET_OWNERSHIP_CONTROLS: "GetBucketOwnershipControls", "s3:GetBucketOwnershipControls";
    GET_PUBLIC_ACCESS_BLOCK: "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock";
    HEAD_OBJECT: "HeadObject", "s3:GetObject";
    GET_OBJECT: "GetObject", "s3:GetObject";
    HEAD_OBJECT_VERSION: "HeadObject", "s3:GetObjectVersion";
    GET_OBJECT_ACL: "GetObjectAcl", "s3:GetObjectAcl";
    GET_OBJECT_VERSION_ACL: "GetObjectAcl", "s3:GetObjectVersionAcl";
    GET_OBJECT_TAGGING: "GetObjectTagging", "s3:GetObjectTagging";
    GET_OBJECT_VERSION_TAGGING: "GetObjectTagging", "s3:GetObjectVersionTagging";
    PUT_OBJECT: "PutObject", "s3:PutObject";
    PUT_OBJECT_ACL: "PutObjectAcl", "s3:PutObjectAcl";
    COPY_OBJECT: "CopyObject", "s3:PutObject";
    CREATE_MULTIPART_UPLOAD: "CreateMultipartUpload", "s3:PutObject";
    UPLOAD_PART: "UploadPart", "s3:PutObject";
    UPLOAD_PART_COPY: "UploadPartCopy", "s3:PutObject";
    COMPLETE_MULTIPART_UPLOAD: "CompleteMultipartUpload", "s3:PutObject";
    ABORT_MULTIPART_UPLOAD: "AbortMultipartUpload", "s3:AbortMultipartUpload";
    DELETE_OBJECTS: "DeleteObjects", "s3:DeleteObject";

    CREATE_INVALIDATION: "CreateInvalidation", "cloudfront:CreateInvalidation";
    GET_INVALIDATION: "GetInvalidation", "cloudfront:GetInvalidation";
    GET_DISTRIBUTION_CONFIG: "GetDistributionConfig", "cloudfront:GetDistributionConfig";
    GET_CACHE_POLICY: "GetCachePolicy", "cloudfront:GetCachePolicy";

    CREATE_STORAGE_LOCATION: "CreateStorageLocation", "elasticbeanstalk:CreateStorageLocation";
    DESCRIBE_APPLICATIONS: "DescribeApplications", "elasticbeanstalk:DescribeApplications";
    DESCRIBE_APPLICATION_VERSIONS: "DescribeApplicationVersions", "elasticbeanstalk:DescribeApplicationVersions";
    CREATE_APPLICATION_VERSION: "CreateApplicationVersion", "elasticbeanstalk:CreateApplicationVersion";
    DELETE_APPLICATION_VERSION: "DeleteApplicationVersion", "elasticbeanstalk:DeleteApplicationVersion";
    DESCRIBE_ENVIRONMENTS: "DescribeEnvironments", "elasticbeanstalk:DescribeEnvironments";
    UPDATE_ENVIRONMENT: "UpdateEnvironment", "elasticbeanstalk:UpdateEnvironment";
    ABORT_ENVIRONMENT_UPDATE: "AbortEnvironmentUpdate", "elasticbeanstalk:AbortEnvironmentUpdate";
    DESCRIBE_EVENTS: "DescribeEvents", "elasticbeanstalk:DescribeEvents";
    DESCRIBE_ENVIRONMENT_HEALTH: "DescribeEnvironmentHealth", "elasticbeanstalk:DescribeEnvironmentHealth";
    DESCRIBE_INSTANCES_HEALTH: "DescribeInstancesHealth", "elasticbeanstalk:DescribeInstancesHealth";
    DESCRIBE_CONFIGURATION_SETTINGS: "DescribeConfigurationSettings", "elasticbeanstalk:DescribeConfigurationSettings";
    REQUEST_ENVIRONMENT_INFO: "RequestEnvironmentInfo", "elasticbeanstalk:RequestEnvironmentInfo";
    RETRIEVE_ENVIRONMENT_INFO: "RetrieveEnvironmentInfo", "elasticbeanstalk:RetrieveEnvironmentInfo";
}
