//! The IAM policy that a run with given inputs needs: from the one table of calls, statement by statement.
//!
//! What Elastic Beanstalk then does with the caller's rights (CloudFormation, Auto Scaling, EC2, …) is not derived
//! from calls, for it depends on the platform: AWS's managed policy is named instead, see [`beanstalk_note`].

use serde_json::{Value, json};

use crate::core::iam::arn::{self, BeanstalkArns, literal};
use crate::core::iam::calls::{self, GET_ACCOUNT_PUBLIC_ACCESS_BLOCK, Need};
use crate::core::iam::statements::{PolicyTarget, bucket_arn, push, push_listing, push_objects, push_s3};
use crate::core::inputs::{Command, Inputs, OnFailure, WhenBusy};
use crate::core::release::{application_folder, site_folder};

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
    /// Whether the session of that role is tagged.
    pub session_tags: bool,
    /// `on-failure: rollback`, or `command: rollback`.
    pub rollback: bool,
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
            session_tags: inputs
                .aws
                .role
                .as_ref()
                .is_some_and(|role| !role.session_tags.is_empty()),
            rollback: inputs.command == Command::Rollback || inputs.release.on_failure == OnFailure::Rollback,
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
        let mut needs = vec![Need::RoleByKeys];
        if scope.session_tags {
            needs.push(Need::SessionTags);
        }
        let actions = calls::actions(&needs);
        push(&mut statements, "AssumeRole", &actions, std::slice::from_ref(role));
    }
    if let Some(site) = &scope.site {
        push_site(&mut statements, site, scope, place);
    }
    if !scope.distributions.is_empty() {
        push_cdn(&mut statements, scope, place);
    }
    if let Some(backend) = &scope.backend {
        push_backend(&mut statements, backend, scope.history.is_none(), place);
    }
    if let Some((bucket, prefix)) = &scope.history {
        push_history(&mut statements, scope, bucket, prefix, place);
    }
    json!({"Version": "2012-10-17", "Statement": statements})
}

/// What the policy for `inputs` leaves out, and why.
#[must_use]
pub(crate) fn notes(inputs: &Inputs, partition: &str) -> Vec<String> {
    let scope = PolicyScope::from(inputs);
    let mut notes = Vec::new();
    if scope.site.is_some() && !scope.rollback {
        notes.push(ROLLBACK_NOTE.to_owned());
    }
    if scope.backend.is_some_and(|backend| !backend.environments.is_empty()) {
        notes.push(beanstalk_note(partition));
    }
    notes
}

/// What a rollback of a site needs is asked for by its own inputs.
const ROLLBACK_NOTE: &str = "The policy covers deployments only, without rights on earlier versions. To allow \
                             `command: rollback` too, run this check with `on-failure: rollback`: it adds them.";

/// What is needed besides [`for_scope`]'s policy when a version is deployed to an environment.
#[must_use]
pub fn beanstalk_note(partition: &str) -> String {
    format!(
        "An update of an environment acts with the caller's rights on CloudFormation, Auto Scaling, EC2, Elastic Load Balancing, CloudWatch and S3. \
         Attach AWS's managed policy arn:{partition}:iam::aws:policy/AdministratorAccess-AWSElasticBeanstalk as well ({BEANSTALK_POLICIES_URL}), or the narrower policy in docs/permissions.md."
    )
}

fn push_site(statements: &mut Vec<Value>, site: &PolicySite, scope: &PolicyScope, place: &PolicyTarget) {
    let mut needs = vec![Need::Site];
    if site.acl {
        needs.push(Need::SiteAcl);
    }
    if site.delete {
        needs.push(Need::SiteDelete);
    }
    let prefix = literal(&site.prefix);
    let objects = format!("{prefix}*");
    let records = format!("{RECORDS}/site/{}*", literal(&site_folder(&site.prefix)));
    // With an empty prefix the records lie below what is allowed already.
    let has_records = scope.history.is_none() && !prefix.is_empty();
    let listed: Vec<_> = match prefix.as_str() {
        "" => Vec::new(),
        _ if has_records => vec![objects.clone(), records.clone()],
        _ => vec![objects.clone()],
    };
    push_s3(
        statements,
        "Site",
        &calls::actions(&needs),
        place,
        &site.bucket,
        &listed,
        &objects,
    );
    if has_records {
        push_objects(
            statements,
            "SiteRecords",
            &[Need::Records],
            place,
            &site.bucket,
            &[records],
        );
    }
    let besides = |more: Need| -> Vec<_> {
        let known = calls::actions(&needs);
        let mut actions = calls::actions(&[more]);
        actions.retain(|action| !known.contains(action));
        actions
    };
    if scope.rollback {
        let versions = if prefix.is_empty() { &[][..] } else { &listed[..1] };
        let actions = besides(Need::SiteRollback);
        push_s3(
            statements,
            "SiteRollback",
            &actions,
            place,
            &site.bucket,
            versions,
            &objects,
        );
    }
    // What no deploy sends, so that whoever never runs `check` can leave it out.
    let mut on_check = besides(Need::SiteCheck);
    on_check.extend(besides(Need::SiteVisitors));
    on_check.sort_unstable();
    on_check.dedup();
    // The account's settings are no resource.
    let (on_account, on_bucket): (Vec<_>, Vec<_>) = on_check
        .into_iter()
        .partition(|action| *action == GET_ACCOUNT_PUBLIC_ACCESS_BLOCK.action);
    push(statements, "SiteCheck", &on_bucket, &[bucket_arn(place, &site.bucket)]);
    push(statements, "SiteCheckAccount", &on_account, &["*".to_owned()]);
}

/// Records in a bucket that others may keep theirs in too: only those of this site, these distributions and this application.
fn push_history(statements: &mut Vec<Value>, scope: &PolicyScope, bucket: &str, prefix: &str, place: &PolicyTarget) {
    let prefix = literal(prefix);
    let site = scope.site.as_ref();
    let site = site.map(|site| format!("{prefix}site/{}/{}*", site.bucket, literal(&site_folder(&site.prefix))));
    let backend = scope.backend.as_ref();
    let backend =
        backend.map(|backend| format!("{prefix}backend/{}/{}/*", place.region, literal(&backend.application)));
    let distributions = scope.distributions.iter().map(|id| format!("{prefix}cdn/{id}/*"));
    let folders: Vec<_> = site.into_iter().chain(distributions).chain(backend).collect();
    if folders.is_empty() {
        return;
    }
    push_listing(statements, "RecordsList", &["s3:ListBucket"], place, bucket, &folders);
    push_objects(statements, "RecordsObjects", &[Need::Records], place, bucket, &folders);
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
    if scope.site.is_some() {
        let controls = arn::origin_access_control(partition, account, "*");
        push(
            statements,
            "DistributionCheck",
            &calls::actions(&[Need::CdnVisitors]),
            &[controls],
        );
    }
}

fn push_backend(statements: &mut Vec<Value>, backend: &BackendScope, records_here: bool, place: &PolicyTarget) {
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
    let application = &literal(&backend.application);
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
                .map(|name| arns.environment(application, &literal(name))),
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
    let bundles = format!("{application}/*");
    let records = format!("{RECORDS}/{}/*", literal(&application_folder(&backend.application)));
    let mut on_bundles = Vec::new();
    if backend.package {
        on_bundles.push(Need::Bundle);
    }
    if backend.keep_versions {
        on_bundles.push(Need::KeepVersions);
    }
    let mut listed = Vec::new();
    if backend.package {
        listed.push(bundles.clone());
    }
    if records_here {
        listed.push(records.clone());
    }
    if !listed.is_empty() {
        push_listing(statements, "BundleList", &["s3:ListBucket"], place, &bucket, &listed);
    }
    push_objects(statements, "BundleObjects", &on_bundles, place, &bucket, &[bundles]);
    if records_here {
        push_objects(
            statements,
            "BundleRecords",
            &[Need::Records],
            place,
            &bucket,
            &[records],
        );
    }
}

#[cfg(test)]
mod tests;
