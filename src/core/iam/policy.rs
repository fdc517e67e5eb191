//! The IAM policy that a run with given inputs needs: from the one table of calls, statement by statement.
//!
//! What Elastic Beanstalk then does with the caller's rights (CloudFormation, Auto Scaling, EC2, …) is not derived
//! from calls, for it depends on the platform: AWS's managed policy is named instead, see [`beanstalk_note`].

use serde_json::{Value, json};

use crate::core::iam::arn::{self, BeanstalkArns};
use crate::core::iam::calls::{self, Need};
use crate::core::inputs::{Inputs, WhenBusy};

/// AWS's page about what users of Elastic Beanstalk must be allowed.
pub(crate) const BEANSTALK_POLICIES_URL: &str =
    "https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.iam.managed-policies.html";

/// Where records are kept when `history` does not say.
const RECORDS: &str = ".aws-web-deploy";

/// What a policy is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicyScope {
    /// The site part.
    pub site: Option<PolicySite>,
    /// The ids of the distributions.
    pub distributions: Vec<String>,
    /// `wait-for-invalidation`.
    pub wait_for_invalidation: bool,
    /// The backend part.
    pub backend: Option<BackendScope>,
    /// `history`: bucket and prefix.
    pub history: Option<(String, String)>,
    /// Role to assume by keys.
    pub role_by_keys: Option<String>,
}

/// Of the site part, what a policy depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PolicySite {
    /// `bucket`.
    pub bucket: String,
    /// `prefix`: empty, or ending in `/`.
    pub prefix: String,
    /// `acl` or `--grants`.
    pub acl: bool,
    /// `delete`.
    pub delete: bool,
}

/// Of the backend part, what a policy depends on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BackendScope {
    /// `application-name`.
    pub application: String,
    /// `environment-name`.
    pub environments: Vec<String>,
    /// `package` is given.
    pub package: bool,
    /// `package-bucket`.
    pub package_bucket: Option<String>,
    /// `keep-versions` is given.
    pub keep_versions: bool,
    /// `when-busy: abort`.
    pub abort: bool,
}

/// Where: `123456789012`, `eu-west-1`, `aws`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyTarget {
    /// The account; `*` where it is not known.
    pub account: String,
    /// The region.
    pub region: String,
    /// The partition.
    pub partition: String,
}

impl From<&Inputs> for PolicyScope {
    fn from(inputs: &Inputs) -> Self {
        Self {
            site: inputs.site.as_ref().map(|site| PolicySite {
                bucket: site.bucket.clone(),
                prefix: site.prefix.clone(),
                acl: site.object.acl.is_some() || !site.object.grants.is_empty(),
                delete: site.delete,
            }),
            distributions: inputs
                .cdn
                .as_ref()
                .map(|cdn| cdn.distributions.clone())
                .unwrap_or_default(),
            wait_for_invalidation: inputs.cdn.as_ref().is_some_and(|cdn| cdn.wait.is_some()),
            backend: inputs.backend.as_ref().map(|backend| BackendScope {
                application: backend.application.clone(),
                environments: backend.environments.clone(),
                package: backend.package.is_some(),
                package_bucket: backend.package_bucket.clone(),
                keep_versions: backend.keep_versions.is_some(),
                abort: backend.when_busy == WhenBusy::Abort,
            }),
            history: inputs
                .release
                .history
                .as_ref()
                .map(|history| (history.bucket.clone(), history.prefix.clone())),
            role_by_keys: inputs
                .aws
                .role
                .as_ref()
                .filter(|_| inputs.aws.keys.is_some())
                .map(|role| role.arn.clone()),
        }
    }
}

/// The policy for `inputs`.
#[must_use]
pub(crate) fn for_inputs(inputs: &Inputs, place: &PolicyTarget) -> Value {
    for_scope(&PolicyScope::from(inputs), place)
}

/// The policy for `scope`: deploys, rollbacks and checks of it.
#[must_use]
pub fn for_scope(scope: &PolicyScope, place: &PolicyTarget) -> Value {
    let mut statements = Vec::new();
    if let Some(role) = &scope.role_by_keys {
        push(
            &mut statements,
            "AssumeRole",
            &calls::actions(&[Need::RoleByKeys]),
            std::slice::from_ref(role),
        );
    }
    if let Some(site) = &scope.site {
        push_site(&mut statements, site, scope.history.is_none(), place);
    }
    if !scope.distributions.is_empty() {
        push_cdn(&mut statements, scope, place);
    }
    if let Some(backend) = &scope.backend {
        push_backend(&mut statements, backend, scope.history.is_none(), place);
    }
    if let Some((bucket, prefix)) = &scope.history {
        let objects = [object(place, bucket, &format!("{prefix}*"))];
        push_s3(&mut statements, "Records", &[Need::Records], place, bucket, &objects);
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// What is needed besides [`for_scope`]'s policy when a version is deployed to an environment.
#[must_use]
pub fn beanstalk_note(partition: &str) -> String {
    format!(
        "An update of an environment acts with the caller's rights on CloudFormation, Auto Scaling, EC2, Elastic Load Balancing, CloudWatch and S3. \
         Attach AWS's managed policy arn:{partition}:iam::aws:policy/AdministratorAccess-AWSElasticBeanstalk as well, or a narrower one as {BEANSTALK_POLICIES_URL} describes."
    )
}

fn push_site(statements: &mut Vec<Value>, site: &PolicySite, records: bool, place: &PolicyTarget) {
    let mut needs = vec![Need::Site];
    if site.acl {
        needs.push(Need::SiteAcl);
    }
    if site.delete {
        needs.push(Need::SiteDelete);
    }
    let mut objects = vec![object(place, &site.bucket, &format!("{}*", site.prefix))];
    // With an empty prefix the records lie below what is allowed already.
    if records && !site.prefix.is_empty() {
        objects.push(object(place, &site.bucket, &format!("{RECORDS}/site/{}*", site.prefix)));
    }
    if records {
        needs.push(Need::Records);
    }
    push_s3(statements, "Site", &needs, place, &site.bucket, &objects);
    let more: Vec<_> = calls::actions(&[Need::SiteRollback])
        .into_iter()
        .filter(|action| !calls::actions(&needs).contains(action))
        .collect();
    let (on_bucket, on_objects): (Vec<_>, Vec<_>) = more.into_iter().partition(|action| is_of_bucket(action));
    push(
        statements,
        "SiteRollbackBucket",
        &on_bucket,
        &[bucket_arn(place, &site.bucket)],
    );
    push(statements, "SiteRollbackObjects", &on_objects, &objects[..1]);
    // What no deploy sends, so that whoever never runs `check` can leave it out.
    let on_check: Vec<_> = calls::actions(&[Need::SiteCheck, Need::SiteVisitors])
        .into_iter()
        .filter(|action| !calls::actions(&needs).contains(action))
        .collect();
    push(statements, "SiteCheck", &on_check, &[bucket_arn(place, &site.bucket)]);
}

fn push_cdn(statements: &mut Vec<Value>, scope: &PolicyScope, place: &PolicyTarget) {
    let mut needs = vec![Need::Cdn];
    if scope.site.is_some() {
        needs.push(Need::CdnSite);
    }
    if scope.wait_for_invalidation {
        needs.push(Need::CdnWait);
    }
    let PolicyTarget { partition, account, .. } = place;
    // Cache policies are resources of their own, and those of AWS belong to no account.
    let (policies, others): (Vec<_>, Vec<_>) = calls::actions(&needs)
        .into_iter()
        .partition(|action| action.ends_with(":GetCachePolicy"));
    let distributions: Vec<_> = scope
        .distributions
        .iter()
        .map(|id| arn::distribution(partition, account, id))
        .collect();
    push(statements, "Distribution", &others, &distributions);
    push(statements, "CachePolicies", &policies, &["*".to_owned()]);
}

fn push_backend(statements: &mut Vec<Value>, backend: &BackendScope, records: bool, place: &PolicyTarget) {
    let PolicyTarget {
        partition,
        region,
        account,
    } = place;
    let mut needs = vec![Need::Version];
    if !backend.environments.is_empty() {
        needs.push(Need::Environment);
    }
    if backend.keep_versions {
        needs.push(Need::KeepVersions);
    }
    if backend.abort {
        needs.push(Need::Abort);
    }
    let application = &backend.application;
    let arns = BeanstalkArns::new(partition, region, account);
    let mut resources = vec![arns.application(application), arns.version(application, "*")];
    if backend.keep_versions {
        // Versions that run anywhere are never deleted, so every environment is looked at.
        resources.push(arns.environment(application, "*"));
    } else {
        resources.extend(
            backend
                .environments
                .iter()
                .map(|name| arns.environment(application, name)),
        );
    }
    let direct: Vec<_> = calls::actions(&needs)
        .into_iter()
        .filter(|action| action.starts_with("elasticbeanstalk:"))
        .collect();
    push(statements, "Backend", &direct, &resources);
    if backend.package_bucket.is_none() {
        // It acts on no resource, so `*` is the only one that allows it.
        push(
            statements,
            "BundleStorage",
            &calls::actions(&[Need::BundleStorage]),
            &["*".to_owned()],
        );
    }
    let bucket = backend
        .package_bucket
        .clone()
        .unwrap_or_else(|| format!("elasticbeanstalk-{region}-{account}"));
    let mut on_bundles = Vec::new();
    if backend.package {
        on_bundles.push(Need::Bundle);
    }
    let mut objects = vec![object(place, &bucket, &format!("{application}/*"))];
    if records && !backend.environments.is_empty() {
        on_bundles.push(Need::Records);
        objects.push(object(place, &bucket, &format!("{RECORDS}/{application}/*")));
    }
    if backend.keep_versions {
        on_bundles.push(Need::KeepVersions);
    }
    push_s3(statements, "Bundle", &on_bundles, place, &bucket, &objects);
}

/// The S3 actions of `needs`, on the bucket and on its objects.
fn push_s3(
    statements: &mut Vec<Value>,
    sid: &str,
    needs: &[Need],
    place: &PolicyTarget,
    bucket: &str,
    objects: &[String],
) {
    let (on_bucket, on_objects): (Vec<_>, Vec<_>) = calls::actions(needs)
        .into_iter()
        .filter(|action| action.starts_with("s3:"))
        .partition(|action| is_of_bucket(action));
    push(
        statements,
        &format!("{sid}Bucket"),
        &on_bucket,
        &[bucket_arn(place, bucket)],
    );
    push(statements, &format!("{sid}Objects"), &on_objects, objects);
}

fn push(statements: &mut Vec<Value>, sid: &str, actions: &[&str], resources: &[String]) {
    if !actions.is_empty() {
        statements.push(json!({"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resources}));
    }
}

/// Whether an S3 action acts on a bucket, not on its objects.
fn is_of_bucket(action: &str) -> bool {
    matches!(
        action,
        "s3:ListBucket" | "s3:ListBucketVersions" | "s3:GetEncryptionConfiguration"
    ) || action.starts_with("s3:GetBucket")
}

fn bucket_arn(place: &PolicyTarget, bucket: &str) -> String {
    arn::bucket(&place.partition, bucket)
}

fn object(place: &PolicyTarget, bucket: &str, key: &str) -> String {
    arn::object(&place.partition, bucket, key)
}

#[cfg(test)]
mod tests;
