//! A distribution's configuration, as far as this program cares, and what follows from it for the keys of a site.
//!
//! The SDK's types are converted once, in `aws/cdn/convert.rs`.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::cdn::behaviors::{Behavior, View};
use crate::core::cdn::invalidation::SiteOrigin;
use crate::core::cdn::origins::{is_bucket, key_prefix};
use crate::core::cdn::routes::{Responder, RoutedBehavior};

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

/// A distribution.
#[derive(Debug, Clone, Default)]
pub(crate) struct Distribution {
    /// It serves visitors.
    pub(crate) is_enabled: bool,
    /// It serves nobody itself, only its tenants do.
    pub(crate) is_multi_tenant: bool,
    /// The default root object; empty: none.
    pub(crate) default_root_object: String,
    /// The domain names that it answers to besides its own; `*.` at the start stands for any name.
    pub(crate) aliases: Vec<String>,
    /// Custom error responses that show a page.
    pub(crate) error_pages: Vec<ErrorPage>,
    /// All origins.
    pub(crate) origins: Vec<Origin>,
    /// In the order in which CloudFront matches them: the default one, `*`, is the last.
    pub(crate) behaviors: Vec<CacheBehavior>,
}

/// A custom error response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ErrorPage {
    /// The origin's HTTP status.
    pub(crate) code: i32,
    /// The URL path of the page.
    pub(crate) path: String,
    /// The status that visitors get with it; none: `code`.
    pub(crate) response_code: Option<i32>,
}

/// An origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Its id within the distribution.
    pub(crate) id: String,
    /// Its domain name.
    pub(crate) domain: String,
    /// What is put before the path of each request; empty, or starting with `/`.
    pub(crate) path: String,
    /// How it is read.
    pub(crate) access: OriginAccess,
    /// It is asked by https, always or as visitors ask the distribution.
    pub(crate) by_https: bool,
}

/// How an origin reaches the bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OriginAccess {
    /// By the website endpoint: as anybody.
    Website,
    /// By the REST endpoint: as anybody.
    None,
    /// By the origin access control with this id.
    Control(String),
    /// By an origin access identity with this id.
    Identity(String),
}

/// A cache behavior.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct CacheBehavior {
    /// Its path pattern.
    pub(crate) pattern: String,
    /// The ids of its origins; of an origin group all members, the one that is asked first in front.
    pub(crate) origins: Vec<String>,
    /// Of an origin group: the first member's statuses for which the second is asked.
    pub(crate) failover_codes: Vec<i32>,
    /// The id of its cache policy.
    pub(crate) cache_policy: Option<String>,
    /// Without a cache policy: query strings are forwarded, and part of the cache key.
    pub(crate) forwards_query_strings: bool,
    /// The ARNs of functions that may change the path of a request, before or behind the cache.
    pub(crate) rewriters: Vec<String>,
}

impl CacheBehavior {
    /// The cache policy, where only reading it tells whether query strings are in the cache key.
    fn unknown_policy(&self) -> Option<&String> {
        self.cache_policy
            .as_ref()
            .filter(|id| !WITHOUT_QUERY_STRINGS.contains(&id.as_str()))
    }
}

impl Distribution {
    /// The default behavior.
    #[must_use]
    pub(crate) fn default_behavior(&self) -> Option<&CacheBehavior> {
        self.behaviors.last().filter(|behavior| behavior.pattern == "*")
    }

    /// Whether an origin is none that is known to be a bucket or not: an access point, a load balancer or a name of
    /// somebody's own may lead to ours.
    #[must_use]
    pub(crate) fn may_be_ours(&self) -> bool {
        self.origins.iter().any(|origin| !is_bucket(&origin.domain))
    }

    /// The behaviors, the default one first, and whether `bucket` answers them.
    #[must_use]
    pub(crate) fn routes(&self, bucket: &str) -> Vec<RoutedBehavior> {
        let is_bucket = |origin: &&Origin| key_prefix(&origin.domain, &origin.path, bucket).is_some();
        let responder = |behavior: &CacheBehavior| {
            let ids = behavior.origins.iter();
            let mut asked = ids.filter_map(|id| self.origins.iter().find(|origin| origin.id == *id));
            let first = asked.next();
            let named = first.map(|origin| &origin.domain).or(behavior.origins.first());
            let domain = named.cloned().unwrap_or_default();
            if first.as_ref().is_some_and(is_bucket) {
                Responder::Bucket
            } else if asked.any(|origin| is_bucket(&origin)) {
                Responder::BucketAfter(domain)
            } else {
                Responder::Other(domain)
            }
        };
        let default = self.default_behavior();
        let others = self.behaviors.len() - default.iter().len();
        let route = |pattern: Option<&String>, behavior: &CacheBehavior| RoutedBehavior {
            pattern: pattern.cloned(),
            responder: responder(behavior),
        };
        default
            .into_iter()
            .map(|behavior| route(None, behavior))
            .chain(
                self.behaviors[..others]
                    .iter()
                    .map(|behavior| route(Some(&behavior.pattern), behavior)),
            )
            .collect()
    }

    /// What the keys of `behavior` begin with, as far as its origins are the site's bucket.
    fn key_prefixes(&self, behavior: &CacheBehavior, site: &SiteOrigin) -> BTreeSet<String> {
        self.origins
            .iter()
            .filter(|origin| behavior.origins.contains(&origin.id))
            .filter_map(|origin| key_prefix(&origin.domain, &origin.path, &site.bucket))
            .collect()
    }

    /// The behaviors that get objects from the site's bucket.
    fn of_bucket(&self, site: &SiteOrigin) -> impl Iterator<Item = &CacheBehavior> {
        self.behaviors
            .iter()
            .filter(|behavior| !self.key_prefixes(behavior, site).is_empty())
    }

    /// Whether no origin of a behavior is the site's bucket, for all that the domains tell.
    #[must_use]
    pub(crate) fn is_foreign(&self, site: &SiteOrigin) -> bool {
        self.of_bucket(site).next().is_none()
    }

    /// The cache policies of behaviors that get objects from the bucket, as far as they are not known anyway.
    #[must_use]
    pub(crate) fn policies_to_read(&self, site: &SiteOrigin) -> BTreeSet<String> {
        self.of_bucket(site)
            .filter_map(CacheBehavior::unknown_policy)
            .cloned()
            .collect()
    }

    /// The ARNs of functions that may change the paths of requests to the bucket.
    #[must_use]
    pub(crate) fn rewriters(&self, site: &SiteOrigin) -> BTreeSet<&str> {
        self.of_bucket(site)
            .flat_map(|behavior| behavior.rewriters.iter().map(String::as_str))
            .collect()
    }

    /// What matters for the keys of `site`. A policy that was not or could not be read may have query strings in the key.
    #[must_use]
    pub(crate) fn view(&self, site: &SiteOrigin, policies: &BTreeMap<String, Option<bool>>) -> View {
        let behaviors = self.behaviors.iter().map(|behavior| Behavior {
            pattern: behavior.pattern.clone(),
            key_prefixes: self.key_prefixes(behavior, site),
            query_strings: match behavior.unknown_policy() {
                Some(id) => policies.get(id).copied().flatten().unwrap_or(true),
                None => behavior.cache_policy.is_none() && behavior.forwards_query_strings,
            },
            rewrites: !behavior.rewriters.is_empty(),
        });
        let view = View {
            default_root_object: self.default_root_object.clone(),
            error_pages: self.error_pages.iter().map(|page| page.path.clone()).collect(),
            behaviors: behaviors.collect(),
        };
        if view.has_bucket() || !self.may_be_ours() {
            view
        } else {
            view.with_origin_path(&site.prefix)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(id: &str, domain: &str) -> Origin {
        Origin {
            id: id.to_owned(),
            domain: domain.to_owned(),
            path: String::new(),
            access: OriginAccess::None,
            by_https: false,
        }
    }

    fn behavior(pattern: &str, origins: &[&str], policy: Option<&str>) -> CacheBehavior {
        CacheBehavior {
            pattern: pattern.to_owned(),
            origins: origins.iter().map(|&id| id.to_owned()).collect(),
            cache_policy: policy.map(ToOwned::to_owned),
            rewriters: vec![format!("arn:{pattern}")],
            ..CacheBehavior::default()
        }
    }

    fn site() -> SiteOrigin {
        SiteOrigin {
            bucket: "b".into(),
            prefix: String::new(),
        }
    }

    #[test]
    fn only_behaviors_that_reach_the_bucket_count() {
        let distribution = Distribution {
            origins: vec![
                origin("site", "b.s3.us-east-1.amazonaws.com"),
                origin("api", "c.s3.us-east-1.amazonaws.com"),
            ],
            behaviors: vec![
                behavior("/api/*", &["api"], Some("theirs")),
                behavior("/img/*", &["api", "site"], Some(WITHOUT_QUERY_STRINGS[0])),
                behavior("*", &["site"], Some("ours")),
            ],
            ..Distribution::default()
        };
        assert_eq!(
            distribution.policies_to_read(&site()),
            BTreeSet::from(["ours".to_owned()])
        );
        assert_eq!(distribution.rewriters(&site()), BTreeSet::from(["arn:*", "arn:/img/*"]));
        assert!(!distribution.is_foreign(&site()) && !distribution.may_be_ours());
        assert_eq!(
            distribution.default_behavior().map(|one| one.origins[0].as_str()),
            Some("site")
        );
        let view = |known| distribution.view(&site(), &BTreeMap::from([("ours".to_owned(), known)]));
        let query_strings = |view: View| -> Vec<bool> { view.behaviors.iter().map(|one| one.query_strings).collect() };
        assert_eq!(query_strings(view(Some(false))), [true, false, false]);
        assert_eq!(
            query_strings(view(None)),
            [true, false, true],
            "unknown: it may have some"
        );
    }

    #[test]
    fn an_origin_that_may_be_any_bucket_is_taken_for_ours() {
        let distribution = Distribution {
            origins: vec![origin("lb", "example.elb.amazonaws.com")],
            behaviors: vec![behavior("*", &["lb"], None)],
            ..Distribution::default()
        };
        assert!(distribution.is_foreign(&site()) && distribution.may_be_ours());
        assert!(distribution.view(&site(), &BTreeMap::new()).has_bucket());
    }
}
