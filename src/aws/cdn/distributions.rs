//! Reads distributions' configurations and keeps what the paths of keys depend on.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::types::{CachePolicyQueryStringBehavior, OriginAccessControlSigningBehaviors};
use futures_util::future::try_join_all;

use crate::aws::cdn::arns::Arns;
use crate::aws::cdn::convert;
use crate::aws::error::AwsContextExt as _;
use crate::console::Console;
use crate::core::cdn::behaviors::View;
use crate::core::cdn::distribution::Distribution;
use crate::core::cdn::invalidation::SiteOrigin;
use crate::core::cdn::tenants::{MULTI_TENANT, what_to_do};
use crate::core::error::{HintExt as _, code};
use crate::core::iam::calls::{GET_CACHE_POLICY, GET_DISTRIBUTION_CONFIG, GET_ORIGIN_ACCESS_CONTROL};
use crate::core::visitor::facts::Signing;

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
        policies.extend(config.policies_to_read(site));
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
            Some(config) => config.view(site, &policies),
            None => View::assumed(&site.prefix),
        })
        .collect();
    if !explicit {
        say_whose_origins_are_unknown(ids, &configs, site, console);
        say_who_serves_nothing(ids, &views, site, console);
    }
    Ok(views)
}

/// A distribution; `failure` is what an error begins with.
///
/// # Errors
/// It is not there, or may not be read.
pub(crate) async fn load(client: &Client, arn: &str, id: &str, failure: &str) -> anyhow::Result<Distribution> {
    let answer = client.get_distribution_config().id(id).send().await;
    let answer = answer.aws_context(&GET_DISTRIBUTION_CONFIG, &arn, || failure.to_owned())?;
    Ok(answer
        .distribution_config()
        .map(convert::distribution)
        .unwrap_or_default())
}

/// The same; `None` when it may not be read.
async fn config(client: &Client, arns: &Arns, id: &str) -> anyhow::Result<Option<Distribution>> {
    let failure = format!("cannot read the configuration of distribution `{id}`");
    match load(client, &arns.distribution(id), id, &failure).await {
        Ok(distribution) => Ok(Some(distribution)),
        Err(error) if is_denied(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the origin access control `id` signs requests.
///
/// # Errors
/// It is not there, or may not be read.
pub(crate) async fn signing(client: &Client, arn: &str, id: &str) -> anyhow::Result<Signing> {
    let answer = client.get_origin_access_control().id(id).send().await;
    let answer = answer.aws_context(&GET_ORIGIN_ACCESS_CONTROL, &arn, || {
        "cannot read whether it signs requests".to_owned()
    })?;
    let config = answer
        .origin_access_control
        .and_then(|control| control.origin_access_control_config);
    Ok(match config.map(|config| config.signing_behavior) {
        Some(OriginAccessControlSigningBehaviors::Never) => Signing::Never,
        Some(OriginAccessControlSigningBehaviors::NoOverride) => Signing::NoOverride,
        Some(_) => Signing::Always,
        None => Signing::Unknown,
    })
}

/// A multi-tenant distribution serves nobody itself
/// (<https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-config-options.html>).
fn refuse_multi_tenant(id: &str, config: Option<&Distribution>) -> anyhow::Result<()> {
    match config {
        Some(config) if config.is_multi_tenant => {
            Err(anyhow::anyhow!("cannot invalidate paths of `{id}`: {MULTI_TENANT}")).hint(what_to_do("TENANT"))
        }
        _ => Ok(()),
    }
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

/// One notice for everything that may not be read, with the permissions that would make the paths exact.
fn say_what_is_unknown(
    arns: &Arns,
    ids: &[&String],
    configs: &[Option<Distribution>],
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
        let rewriters = config.as_ref().map(|config| config.rewriters(site)).unwrap_or_default();
        if !rewriters.is_empty() {
            sentences.push(format!(
                "distribution `{id}` has functions that may rewrite addresses ({}): pages are invalidated under their usual \
                 addresses (`/about`, `/about/`, `/about/index.html`); invalidate others by a step of their own, with \
                 `paths` and without `bucket`",
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
    configs: &[Option<Distribution>],
    site: &SiteOrigin,
    console: &Console,
) {
    let unknown: Vec<String> = ids
        .iter()
        .zip(configs)
        .filter(|(_, config)| {
            config
                .as_ref()
                .is_some_and(|config| config.may_be_ours() && config.is_foreign(site))
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
