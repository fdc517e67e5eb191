//! Reads distributions' configurations and keeps what the paths of keys depend on.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::types::{
    CachePolicyQueryStringBehavior, ConnectionMode, DistributionConfig, EventType, ForwardedValues,
    FunctionAssociations, LambdaFunctionAssociations,
};
use futures_util::future::try_join_all;

use crate::aws::cdn::arns::Arns;
use crate::aws::error::AwsContextExt as _;
use crate::console::Console;
use crate::core::cdn::behaviors::{Behavior, View};
use crate::core::cdn::invalidation::SiteOrigin;
use crate::core::cdn::origins::{is_bucket, key_prefix};
use crate::core::cdn::tenants::{MULTI_TENANT, what_to_do};
use crate::core::error::{HintExt as _, code};
use crate::core::iam::calls::{GET_CACHE_POLICY, GET_DISTRIBUTION_CONFIG};

/// AWS's own cache policies without query strings in the key: known, so nobody needs the permission to read them.
///
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-cache-policies.html>
const WITHOUT_QUERY_STRINGS: &[&str] = &[
    // CachingOptimized
    "658327ea-f89d-4fab-a63d-7e88639e58f6",
    // CachingOptimizedForUncompressedObjects
    "b2884449-e4de-46a7-ac36-70bc7f1ddd6d",
    // CachingDisabled
    "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
    // UseOriginCacheControlHeaders
    "83da9c7e-98b4-4e11-a168-04f0df8e2c65",
];

/// The views of the distributions `ids`, in their order, for the keys of `site`.
///
/// Says at most one notice (what may not be read) and one warning (who serves nothing of `site`); neither when
/// `explicit` paths make the views nearly needless.
pub(crate) async fn read(
    client: &Client,
    arns: &Arns,
    ids: &[&String],
    site: Option<&SiteOrigin>,
    explicit: bool,
    console: &Console,
) -> anyhow::Result<Vec<View>> {
    if site.is_none() && !explicit {
        return Ok(vec![View::default(); ids.len()]);
    }
    let configs = try_join_all(ids.iter().map(|id| config(client, arns, id))).await?;
    for (id, config) in ids.iter().zip(&configs) {
        refuse_multi_tenant(id, config.as_ref())?;
    }
    let Some(site) = site else {
        return Ok(vec![View::default(); ids.len()]);
    };
    let mut policies = BTreeSet::new();
    for config in configs.iter().flatten().filter(|_| !explicit) {
        policies.extend(policies_to_read(config, site));
    }
    let read = try_join_all(policies.into_iter().map(async |id| {
        let query_strings = has_query_strings(client, arns, &id).await?;
        anyhow::Ok((id, query_strings))
    }));
    let policies: BTreeMap<String, Option<bool>> = read.await?.into_iter().collect();
    if !explicit {
        say_what_is_unknown(arns, ids, &configs, &policies, site, console);
    }
    let views: Vec<View> = configs
        .iter()
        .map(|config| match config {
            Some(config) => {
                let view = view(config, site, &policies);
                if view.has_bucket() || !may_be_ours(config) {
                    view
                } else {
                    view.with_origin_path(&site.prefix)
                }
            }
            None => View::assumed(&site.prefix),
        })
        .collect();
    if !explicit {
        say_whose_origins_are_unknown(ids, &configs, site, console);
        say_who_serves_nothing(ids, &views, site, console);
    }
    Ok(views)
}

/// A distribution's configuration; `None` when it may not be read.
async fn config(client: &Client, arns: &Arns, id: &str) -> anyhow::Result<Option<DistributionConfig>> {
    let answer = client.get_distribution_config().id(id).send().await;
    let answer = answer.aws_context(&GET_DISTRIBUTION_CONFIG, &arns.distribution(id), || {
        format!("cannot read the configuration of distribution `{id}`")
    });
    match answer {
        Ok(answer) => Ok(answer.distribution_config),
        Err(error) if is_denied(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A multi-tenant distribution serves nobody itself
/// (<https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-config-options.html>).
fn refuse_multi_tenant(id: &str, config: Option<&DistributionConfig>) -> anyhow::Result<()> {
    match config.and_then(DistributionConfig::connection_mode) {
        Some(ConnectionMode::TenantOnly) => {
            Err(anyhow::anyhow!("cannot invalidate paths of `{id}`: {MULTI_TENANT}")).hint(what_to_do("TENANT"))
        }
        _ => Ok(()),
    }
}

/// Whether an origin of `config` is none that is known to be a bucket or not: an access point, a load balancer or a name
/// of somebody's own may lead to ours.
fn may_be_ours(config: &DistributionConfig) -> bool {
    config
        .origins
        .iter()
        .flat_map(|origins| origins.items())
        .any(|origin| !is_bucket(origin.domain_name()))
}

fn is_denied(error: &anyhow::Error) -> bool {
    code(error).is_some_and(|code| code.starts_with("AccessDenied"))
}

/// Whether the cache policy `id` has query strings in the cache key; `None` when it may not be read.
async fn has_query_strings(client: &Client, arns: &Arns, id: &str) -> anyhow::Result<Option<bool>> {
    let answer = client.get_cache_policy().id(id).send().await;
    let answer = answer.aws_context(&GET_CACHE_POLICY, &arns.cache_policy(id), || {
        format!("cannot read the cache policy `{id}`")
    });
    match answer {
        Ok(answer) => Ok(Some(
            answer
                .cache_policy
                .and_then(|policy| policy.cache_policy_config)
                .and_then(|config| config.parameters_in_cache_key_and_forwarded_to_origin)
                .and_then(|key| key.query_strings_config)
                .is_some_and(|config| config.query_string_behavior != CachePolicyQueryStringBehavior::None),
        )),
        Err(error) if is_denied(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A cache behavior, the default one or another: the SDK has two types with the same fields.
struct Raw<'a> {
    pattern: &'a str,
    target: &'a str,
    cache_policy: Option<&'a str>,
    forwarded: Option<&'a ForwardedValues>,
    lambdas: Option<&'a LambdaFunctionAssociations>,
    functions: Option<&'a FunctionAssociations>,
}

#[expect(deprecated, reason = "distributions older than cache policies have forwarded values")]
fn behaviors(config: &DistributionConfig) -> Vec<Raw<'_>> {
    let mut all: Vec<Raw<'_>> = Vec::new();
    for behavior in config.cache_behaviors.iter().flat_map(|behaviors| behaviors.items()) {
        all.push(Raw {
            pattern: &behavior.path_pattern,
            target: &behavior.target_origin_id,
            cache_policy: behavior.cache_policy_id(),
            forwarded: behavior.forwarded_values(),
            lambdas: behavior.lambda_function_associations(),
            functions: behavior.function_associations(),
        });
    }
    if let Some(behavior) = config.default_cache_behavior() {
        all.push(Raw {
            pattern: "*",
            target: &behavior.target_origin_id,
            cache_policy: behavior.cache_policy_id(),
            forwarded: behavior.forwarded_values(),
            lambdas: behavior.lambda_function_associations(),
            functions: behavior.function_associations(),
        });
    }
    all
}

impl Raw<'_> {
    /// What the keys of this behavior begin with, as far as its origins are `site`'s bucket.
    fn key_prefixes(&self, config: &DistributionConfig, site: &SiteOrigin) -> BTreeSet<String> {
        let group = config
            .origin_groups
            .iter()
            .flat_map(|groups| groups.items())
            .find(|group| group.id() == self.target);
        let members: Vec<&str> = match group {
            Some(group) => group
                .members()
                .map(|members| members.items().iter().map(|member| member.origin_id()).collect())
                .unwrap_or_default(),
            None => vec![self.target],
        };
        config
            .origins
            .iter()
            .flat_map(|origins| origins.items())
            .filter(|origin| members.contains(&origin.id()))
            .filter_map(|origin| {
                key_prefix(
                    origin.domain_name(),
                    origin.origin_path().unwrap_or_default(),
                    &site.bucket,
                )
            })
            .collect()
    }

    /// The ARNs of functions that may change the path of a request, before or behind the cache.
    fn rewriters(&self) -> Vec<String> {
        let is_request = |event: &EventType| matches!(event, EventType::ViewerRequest | EventType::OriginRequest);
        let lambdas = self.lambdas.iter().flat_map(|lambdas| lambdas.items());
        let functions = self.functions.iter().flat_map(|functions| functions.items());
        lambdas
            .map(|lambda| (lambda.event_type(), lambda.lambda_function_arn()))
            .chain(functions.map(|function| (function.event_type(), function.function_arn())))
            .filter(|(event, _)| is_request(event))
            .map(|(_, arn)| arn.to_owned())
            .collect()
    }
}

/// The cache policies of behaviors that get objects from the bucket, as far as they are not known anyway.
fn policies_to_read(config: &DistributionConfig, site: &SiteOrigin) -> Vec<String> {
    behaviors(config)
        .into_iter()
        .filter(|raw| !raw.key_prefixes(config, site).is_empty())
        .filter_map(|raw| raw.cache_policy)
        .filter(|id| !id.is_empty() && !WITHOUT_QUERY_STRINGS.contains(id))
        .map(ToOwned::to_owned)
        .collect()
}

/// What of `config` matters for the keys of `site`. A policy that was not or could not be read may have query strings in
/// the key.
fn view(config: &DistributionConfig, site: &SiteOrigin, policies: &BTreeMap<String, Option<bool>>) -> View {
    let behaviors = behaviors(config).into_iter().map(|raw| Behavior {
        pattern: raw.pattern.to_owned(),
        key_prefixes: raw.key_prefixes(config, site),
        query_strings: match raw.cache_policy.filter(|id| !id.is_empty()) {
            Some(id) => !WITHOUT_QUERY_STRINGS.contains(&id) && policies.get(id).copied().flatten().unwrap_or(true),
            None => raw.forwarded.is_some_and(|values| values.query_string),
        },
        rewrites: !raw.rewriters().is_empty(),
    });
    View {
        default_root_object: config.default_root_object.clone().unwrap_or_default(),
        error_pages: config
            .custom_error_responses
            .iter()
            .flat_map(|responses| responses.items())
            .filter_map(|response| response.response_page_path.clone())
            .collect(),
        behaviors: behaviors.collect(),
    }
}

/// One notice for everything that may not be read, with the permissions that would make the paths exact.
fn say_what_is_unknown(
    arns: &Arns,
    ids: &[&String],
    configs: &[Option<DistributionConfig>],
    policies: &BTreeMap<String, Option<bool>>,
    site: &SiteOrigin,
    console: &Console,
) {
    let mut sentences = Vec::new();
    for (id, _) in ids.iter().zip(configs).filter(|(_, config)| config.is_none()) {
        sentences.push(format!(
            "the configuration of distribution `{id}` may not be read: {}; allow `{}` on \
             `{}` to have origins, default root object, query strings and error pages exact",
            if site.prefix.is_empty() {
                "it is taken to have no origin path".to_owned()
            } else {
                format!(
                    "paths are invalidated with `/{}` as its origin path, and without one",
                    site.prefix.trim_end_matches('/')
                )
            },
            GET_DISTRIBUTION_CONFIG.action,
            arns.distribution(id),
        ));
    }
    for (id, config) in ids.iter().zip(configs) {
        let mut rewriters: Vec<String> = Vec::new();
        for raw in config.iter().flat_map(behaviors) {
            let serves_us = config
                .as_ref()
                .is_some_and(|config| !raw.key_prefixes(config, site).is_empty());
            rewriters.extend(raw.rewriters().into_iter().filter(|_| serves_us));
        }
        rewriters.sort();
        rewriters.dedup();
        if !rewriters.is_empty() {
            sentences.push(format!(
                "distribution `{id}` has functions that may rewrite addresses ({}): pages are invalidated under their usual \
                 addresses (`/about`, `/about/`, `/about/index.html`); give others in `paths`",
                rewriters.iter().map(|arn| format!("`{arn}`")).collect::<Vec<_>>().join(", "),
            ));
        }
    }
    for (id, _) in policies.iter().filter(|(_, known)| known.is_none()) {
        sentences.push(format!(
            "the cache policy `{id}` may not be read: it is taken to have query strings in the cache key; allow `{}` on `{}` \
             to know",
            GET_CACHE_POLICY.action,
            arns.cache_policy(id),
        ));
    }
    if !sentences.is_empty() {
        console.notice("Invalidation paths may not be exact", &sentences.join("\n"));
    }
}

/// One warning for all distributions none of whose origins is recognized.
fn say_whose_origins_are_unknown(
    ids: &[&String],
    configs: &[Option<DistributionConfig>],
    site: &SiteOrigin,
    console: &Console,
) {
    let unknown: Vec<String> = ids
        .iter()
        .zip(configs)
        .filter(|(_, config)| {
            config.as_ref().is_some_and(|config| {
                may_be_ours(config)
                    && behaviors(config)
                        .iter()
                        .all(|raw| raw.key_prefixes(config, site).is_empty())
            })
        })
        .map(|(id, _)| format!("`{id}`"))
        .collect();
    if !unknown.is_empty() {
        console.warning(
            "Origins are not recognized",
            &format!(
                "no origin of {} is recognized as `s3://{}/{}` (an access point, a load balancer or a custom name?): paths are \
                 invalidated as if `/{}` were its origin path; check `distribution`, or set `paths`",
                unknown.join(", "),
                site.bucket,
                site.prefix,
                site.prefix.trim_end_matches('/'),
            ),
        );
    }
}

/// One warning for all distributions that serve nothing of the site.
fn say_who_serves_nothing(ids: &[&String], views: &[View], site: &SiteOrigin, console: &Console) {
    let idle: Vec<String> = ids
        .iter()
        .zip(views)
        .filter(|(_, view)| !view.serves(&site.prefix))
        .map(|(id, _)| format!("`{id}`"))
        .collect();
    if !idle.is_empty() {
        console.warning(
            "A distribution does not serve this site",
            &format!(
                "no origin of {} is `s3://{}/{}`: nothing that changes is invalidated there; check `distribution`, or set \
                 `paths`",
                idle.join(", "),
                site.bucket,
                site.prefix,
            ),
        );
    }
}

#[cfg(test)]
#[path = "distributions_tests.rs"]
mod tests;
