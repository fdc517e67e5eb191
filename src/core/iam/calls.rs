//! Every call that this program sends to AWS itself, with the IAM action that allows it and when it is sent.
//!
//! One table for errors, `check`, `docs/permissions.md` and the README, so that none of them can go stale alone; a test
//! compares it with the calls that each kind of run really sends. The actions are those of the
//! [service authorization reference]. A call that needs several actions has a row for each.
//!
//! [service authorization reference]: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html

/// A call: the API operation and the IAM action that it needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Call {
    /// The API's name of it.
    pub operation: &'static str,
    /// The IAM action.
    pub action: &'static str,
    /// The kinds of runs that may send it.
    pub needs: &'static [Need],
}

/// What a run does that needs calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Need {
    /// To know who we are. AWS lets everybody ask.
    Caller,
    /// To assume `role-to-assume` by keys.
    RoleByKeys,
    /// The same with session tags: unless `role-skip-session-tagging`.
    SessionTags,
    /// To assume `role-to-assume` by GitHub's token. The role's trust policy allows it, no policy of ours.
    RoleByToken,
    /// The site part.
    Site,
    /// `acl`, or ACLs that objects have and keep when their headers are repaired.
    SiteAcl,
    /// `delete`.
    SiteDelete,
    /// `command: rollback` and `on-failure: rollback` of a site.
    SiteRollback,
    /// `command: check` of a site.
    SiteCheck,
    /// `check`, for what visitors of a site would get.
    SiteVisitors,
    /// The same, where a distribution is named.
    CdnVisitors,
    /// Release records.
    Records,
    /// The cdn part.
    Cdn,
    /// The cdn part with paths from what changed in the site.
    CdnSite,
    /// `wait-for-invalidation`.
    CdnWait,
    /// The backend part: a version is created or looked up.
    Version,
    /// `package` without `package-bucket`.
    BundleStorage,
    /// `package`: its bundle is uploaded.
    Bundle,
    /// `keep-versions`.
    KeepVersions,
    /// `environment-name`: a version is deployed.
    Environment,
    /// `when-busy: abort`.
    Abort,
}

macro_rules! calls {
    ($($name:ident: $operation:literal, $action:literal, [$($need:ident),+];)*) => {
        $(
            #[doc = concat!("`", $operation, "`, allowed by `", $action, "`.")]
            pub(crate) const $name: Call = Call { operation: $operation, action: $action, needs: &[$(Need::$need),+] };
        )*
        /// All of them.
        pub const ALL: &[&Call] = &[$(&$name),*];
    };
}

calls! {
    GET_CALLER_IDENTITY: "GetCallerIdentity", "sts:GetCallerIdentity", [Caller];
    ASSUME_ROLE: "AssumeRole", "sts:AssumeRole", [RoleByKeys];
    TAG_SESSION: "AssumeRole", "sts:TagSession", [SessionTags];
    ASSUME_ROLE_WITH_WEB_IDENTITY: "AssumeRoleWithWebIdentity", "sts:AssumeRoleWithWebIdentity", [RoleByToken];

    HEAD_BUCKET: "HeadBucket", "s3:ListBucket", [Site, SiteRollback, Bundle, Records];
    LIST_OBJECTS: "ListObjectsV2", "s3:ListBucket", [Site, SiteRollback, Bundle, Records];
    LIST_OBJECT_VERSIONS: "ListObjectVersions", "s3:ListBucketVersions", [SiteRollback];
    GET_BUCKET_VERSIONING: "GetBucketVersioning", "s3:GetBucketVersioning", [Site, SiteRollback];
    GET_BUCKET_ENCRYPTION: "GetBucketEncryption", "s3:GetEncryptionConfiguration", [SiteCheck];
    GET_BUCKET_OWNERSHIP_CONTROLS: "GetBucketOwnershipControls", "s3:GetBucketOwnershipControls", [SiteCheck];
    GET_PUBLIC_ACCESS_BLOCK: "GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock", [SiteCheck, SiteVisitors];
    GET_BUCKET_POLICY: "GetBucketPolicy", "s3:GetBucketPolicy", [SiteVisitors];
    GET_BUCKET_POLICY_STATUS: "GetBucketPolicyStatus", "s3:GetBucketPolicyStatus", [SiteVisitors];
    GET_ACCOUNT_PUBLIC_ACCESS_BLOCK: "GetPublicAccessBlock", "s3:GetAccountPublicAccessBlock", [SiteVisitors];
    GET_BUCKET_WEBSITE: "GetBucketWebsite", "s3:GetBucketWebsite", [SiteVisitors];
    HEAD_OBJECT: "HeadObject", "s3:GetObject", [Site, SiteRollback, Bundle];
    GET_OBJECT: "GetObject", "s3:GetObject", [Records];
    HEAD_OBJECT_VERSION: "HeadObject", "s3:GetObjectVersion", [SiteRollback];
    GET_OBJECT_ACL: "GetObjectAcl", "s3:GetObjectAcl", [Site];
    GET_OBJECT_VERSION_ACL: "GetObjectAcl", "s3:GetObjectVersionAcl", [SiteRollback];
    GET_OBJECT_TAGGING: "GetObjectTagging", "s3:GetObjectTagging", [Site];
    GET_OBJECT_VERSION_TAGGING: "GetObjectTagging", "s3:GetObjectVersionTagging", [SiteRollback];
    PUT_OBJECT: "PutObject", "s3:PutObject", [Site, Bundle, Records];
    PUT_OBJECT_ACL: "PutObject", "s3:PutObjectAcl", [SiteAcl];
    COPY_OBJECT: "CopyObject", "s3:PutObject", [Site, SiteRollback];
    COPY_OBJECT_SOURCE: "CopyObject", "s3:GetObject", [Site, SiteRollback];
    COPY_OBJECT_VERSION: "CopyObject", "s3:GetObjectVersion", [SiteRollback];
    COPY_OBJECT_TAGGING: "CopyObject", "s3:PutObjectTagging", [Site, SiteRollback];
    CREATE_MULTIPART_UPLOAD: "CreateMultipartUpload", "s3:PutObject", [Site, SiteRollback, Bundle];
    UPLOAD_PART: "UploadPart", "s3:PutObject", [Site, Bundle];
    UPLOAD_PART_COPY: "UploadPartCopy", "s3:PutObject", [Site, SiteRollback];
    COMPLETE_MULTIPART_UPLOAD: "CompleteMultipartUpload", "s3:PutObject", [Site, SiteRollback, Bundle];
    ABORT_MULTIPART_UPLOAD: "AbortMultipartUpload", "s3:AbortMultipartUpload", [Site, SiteRollback, Bundle];
    DELETE_OBJECTS: "DeleteObjects", "s3:DeleteObject", [SiteDelete, SiteRollback];
    DELETE_OBJECTS_IF: "DeleteObjects", "s3:GetObject", [SiteRollback];

    CREATE_INVALIDATION: "CreateInvalidation", "cloudfront:CreateInvalidation", [Cdn];
    GET_INVALIDATION: "GetInvalidation", "cloudfront:GetInvalidation", [CdnWait];
    GET_DISTRIBUTION_CONFIG: "GetDistributionConfig", "cloudfront:GetDistributionConfig", [Cdn];
    GET_CACHE_POLICY: "GetCachePolicy", "cloudfront:GetCachePolicy", [CdnSite];
    GET_ORIGIN_ACCESS_CONTROL: "GetOriginAccessControl", "cloudfront:GetOriginAccessControl", [CdnVisitors];

    CREATE_STORAGE_LOCATION: "CreateStorageLocation", "elasticbeanstalk:CreateStorageLocation", [BundleStorage];
    DESCRIBE_APPLICATIONS: "DescribeApplications", "elasticbeanstalk:DescribeApplications", [Version];
    DESCRIBE_APPLICATION_VERSIONS: "DescribeApplicationVersions", "elasticbeanstalk:DescribeApplicationVersions", [Version];
    CREATE_APPLICATION_VERSION: "CreateApplicationVersion", "elasticbeanstalk:CreateApplicationVersion", [Version];
    DELETE_APPLICATION_VERSION: "DeleteApplicationVersion", "elasticbeanstalk:DeleteApplicationVersion", [KeepVersions];
    DELETE_SOURCE_BUNDLE: "DeleteApplicationVersion", "s3:DeleteObject", [KeepVersions];
    DESCRIBE_ENVIRONMENTS: "DescribeEnvironments", "elasticbeanstalk:DescribeEnvironments", [Environment, KeepVersions];
    UPDATE_ENVIRONMENT: "UpdateEnvironment", "elasticbeanstalk:UpdateEnvironment", [Environment];
    ABORT_ENVIRONMENT_UPDATE: "AbortEnvironmentUpdate", "elasticbeanstalk:AbortEnvironmentUpdate", [Abort];
    DESCRIBE_EVENTS: "DescribeEvents", "elasticbeanstalk:DescribeEvents", [Environment, KeepVersions];
    DESCRIBE_ENVIRONMENT_HEALTH: "DescribeEnvironmentHealth", "elasticbeanstalk:DescribeEnvironmentHealth", [Environment];
    DESCRIBE_INSTANCES_HEALTH: "DescribeInstancesHealth", "elasticbeanstalk:DescribeInstancesHealth", [Environment];
    DESCRIBE_CONFIGURATION_SETTINGS: "DescribeConfigurationSettings", "elasticbeanstalk:DescribeConfigurationSettings", [Environment];
    REQUEST_ENVIRONMENT_INFO: "RequestEnvironmentInfo", "elasticbeanstalk:RequestEnvironmentInfo", [Environment];
    RETRIEVE_ENVIRONMENT_INFO: "RetrieveEnvironmentInfo", "elasticbeanstalk:RetrieveEnvironmentInfo", [Environment];
}

/// The actions, sorted and without repetition, of the calls that any of `needs` sends.
#[must_use]
pub fn actions(needs: &[Need]) -> Vec<&'static str> {
    let mut actions: Vec<_> = ALL
        .iter()
        .filter(|call| call.needs.iter().any(|need| needs.contains(need)))
        .map(|call| call.action)
        .collect();
    actions.sort_unstable();
    actions.dedup();
    actions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_stands_twice() {
        for (position, call) in ALL.iter().enumerate() {
            assert!(!ALL[..position].contains(call), "{call:?}");
        }
    }

    #[test]
    fn an_action_without_a_service_would_allow_nothing() {
        for call in ALL {
            assert!(
                ["s3", "sts", "cloudfront", "elasticbeanstalk"]
                    .contains(&call.action.split(':').next().unwrap_or_default()),
                "{call:?}"
            );
        }
    }

    #[test]
    fn actions_are_those_of_the_needs() {
        assert_eq!(
            actions(&[Need::CdnWait, Need::Cdn]),
            [
                "cloudfront:CreateInvalidation",
                "cloudfront:GetDistributionConfig",
                "cloudfront:GetInvalidation"
            ]
        );
        assert_eq!(actions(&[]), Vec::<&str>::new());
    }
}
