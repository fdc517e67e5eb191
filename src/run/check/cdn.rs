//! The distributions: there, enabled, and serving this bucket.

use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::types::{ConnectionMode, DistributionConfig, Origin};
use futures_util::future::join_all;

use crate::aws::error::AwsContextExt as _;
use crate::aws::{Aws, cdn};
use crate::core::cdn::origins::key_prefix;
use crate::core::cdn::routes::{Reach, Responder, RoutedBehavior, reach};
use crate::core::cdn::tenants::{MULTI_TENANT, what_to_do};
use crate::core::error::code;
use crate::core::iam::arn;
use crate::core::iam::calls::GET_DISTRIBUTION_CONFIG;
use crate::core::inputs::{CdnInputs, SiteInputs};
use crate::core::report::check::{CheckStatus, Finding};
use crate::core::visitor::facts::DistributionFacts;
use crate::run::check::visitor::distribution_facts;

/// What is found, and what of it visitors depend on.
pub(crate) async fn check_cdn(
    aws: &Aws,
    cdn: &CdnInputs,
    site: Option<&SiteInputs>,
) -> (Vec<Finding>, Vec<DistributionFacts>) {
    let client = cdn::client(aws);
    let account = aws.caller().await.map_or("*", |caller| caller.account.as_str());
    let reads = cdn.distributions.iter().map(async |id| {
        let arn = arn::distribution(aws.partition(), account, id);
        let (finding, config) = distribution(&client, &arn, id, site).await;
        let facts = config
            .zip(site)
            .map(|(config, site)| distribution_facts(id, &arn, account, &config, site));
        (finding, facts)
    });
    let (mut findings, facts): (Vec<_>, Vec<_>) = join_all(reads).await.into_iter().unzip();
    findings.push(Finding::new(
        "invalidations",
        CheckStatus::NotChecked,
        "whether they are allowed shows in a deploy only; the policy below allows them",
    ));
    (findings, facts.into_iter().flatten().collect())
}

/// A finding about a distribution, and the configuration of one that is enabled.
async fn distribution(
    client: &Client,
    arn: &str,
    id: &str,
    site: Option<&SiteInputs>,
) -> (Finding, Option<DistributionConfig>) {
    let what = format!("distribution `{id}`");
    let answer =
        client
            .get_distribution_config()
            .id(id)
            .send()
            .await
            .aws_context(&GET_DISTRIBUTION_CONFIG, &arn, || {
                "cannot read its configuration".to_owned()
            });
    match answer {
        Ok(answer) => match answer.distribution_config {
            Some(config) => (judge(what, &config, site), Some(config).filter(|config| config.enabled)),
            None => (Finding::new(what, CheckStatus::Ok, "exists"), None),
        },
        // A deploy then takes the bucket's prefix for the origin path, and says so.
        Err(error) if code(&error).is_some_and(|code| code.starts_with("AccessDenied")) => {
            (Finding::failed(what, &error, CheckStatus::Warning), None)
        }
        Err(error) => (Finding::failed(what, &error, CheckStatus::Problem), None),
    }
}

/// Whether a distribution does what its place in the inputs promises.
fn judge(what: String, config: &DistributionConfig, site: Option<&SiteInputs>) -> Finding {
    if config.connection_mode() == Some(&ConnectionMode::TenantOnly) {
        return Finding::new(what, CheckStatus::Problem, MULTI_TENANT).hint(what_to_do("TENANT"));
    }
    if !config.enabled {
        return Finding::new(what, CheckStatus::Warning, "is disabled: it serves nothing")
            .hint("enable it in CloudFront");
    }
    let Some(site) = site else {
        return Finding::new(what, CheckStatus::Ok, "exists and is enabled");
    };
    let origins = config.origins().map(|origins| origins.items()).unwrap_or_default();
    let prefix_of = |origin: &Origin| {
        key_prefix(
            &origin.domain_name,
            origin.origin_path().unwrap_or_default(),
            &site.bucket,
        )
    };
    let serving: Vec<String> = origins.iter().filter_map(prefix_of).collect();
    if serving.is_empty() {
        let domains: Vec<_> = origins
            .iter()
            .map(|origin| format!("`{}`", origin.domain_name))
            .collect();
        return Finding::new(
            what,
            CheckStatus::Warning,
            format!(
                "none of its origins ({}) is bucket `{}`: it shows nothing of this site",
                domains.join(", "),
                site.bucket
            ),
        )
        .hint("check `distribution` and `bucket`: they do not belong together");
    }
    // An origin below the prefix, or above it, serves some of the keys.
    let overlaps = serving
        .iter()
        .any(|served| served.starts_with(&site.prefix) || site.prefix.starts_with(served));
    if overlaps {
        reached(
            what,
            &site.bucket,
            &reach(&routes(config, &|origin| prefix_of(origin).is_some())),
        )
    } else {
        Finding::new(
            what,
            CheckStatus::Warning,
            format!(
                "its origin serves `{}` of the bucket, but `prefix` is `{}`",
                serving.join("`, `"),
                site.prefix
            ),
        )
        .hint("check `prefix` and the origin path of the distribution: they do not meet")
    }
}

/// A finding about a distribution that has the bucket among its origins.
fn reached(what: String, bucket: &str, reach: &Reach) -> Finding {
    match reach {
        Reach::Everything => Finding::new(
            what,
            CheckStatus::Ok,
            format!("is enabled and serves bucket `{bucket}`"),
        ),
        Reach::Part(part) => Finding::new(
            what,
            CheckStatus::Ok,
            format!("is enabled and serves bucket `{bucket}` {part}"),
        ),
        Reach::Fallback(first) => Finding::new(
            what,
            CheckStatus::Warning,
            format!("asks bucket `{bucket}` only when `{first}`, the first member of its origin group, fails"),
        )
        .hint("deploy to the first member's bucket as well, in a step of its own: visitors see that one"),
        Reach::Nothing => Finding::new(
            what,
            CheckStatus::Warning,
            format!(
                "bucket `{bucket}` is one of its origins, and no behavior uses it: visitors get nothing of this site"
            ),
        )
        .hint("make the bucket's origin the one of the default behavior, or of a path pattern"),
    }
}

/// The behaviors, and whether `is_bucket` answers them.
fn routes(config: &DistributionConfig, is_bucket: &dyn Fn(&Origin) -> bool) -> Vec<RoutedBehavior> {
    let origins = config.origins().map(|origins| origins.items()).unwrap_or_default();
    let groups = config.origin_groups().map(|groups| groups.items()).unwrap_or_default();
    let behaviors = config
        .cache_behaviors()
        .map(|behaviors| behaviors.items())
        .unwrap_or_default();
    let responder = |target: &str| {
        let members = groups
            .iter()
            .find(|group| group.id() == target)
            .and_then(|group| group.members());
        let ids: Vec<&str> = members.map_or_else(
            || vec![target],
            |members| members.items().iter().map(|member| member.origin_id()).collect(),
        );
        let mut asked = ids
            .iter()
            .filter_map(|id| origins.iter().find(|origin| origin.id() == *id));
        let first = asked.next();
        let domain = first.map_or(target, |origin| origin.domain_name()).to_owned();
        if first.is_some_and(is_bucket) {
            Responder::Bucket
        } else if asked.any(is_bucket) {
            Responder::BucketAfter(domain)
        } else {
            Responder::Other(domain)
        }
    };
    let default = config.default_cache_behavior().map(|behavior| RoutedBehavior {
        pattern: None,
        responder: responder(behavior.target_origin_id()),
    });
    let others = behaviors.iter().map(|behavior| RoutedBehavior {
        pattern: Some(behavior.path_pattern().to_owned()),
        responder: responder(behavior.target_origin_id()),
    });
    default.into_iter().chain(others).collect()
}
