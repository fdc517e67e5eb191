//! The distributions: there, enabled, and serving this bucket.

use futures_util::future::join_all;

use crate::aws::cdn::distributions::{load, signing};
use crate::aws::{Aws, cdn};
use crate::core::cdn::distribution::{Distribution, OriginAccess};
use crate::core::cdn::origins::key_prefix;
use crate::core::cdn::routes::{Reach, reach};
use crate::core::cdn::tenants::{MULTI_TENANT, what_to_do};
use crate::core::error::code;
use crate::core::iam::arn;
use crate::core::inputs::{CdnInputs, SiteInputs};
use crate::core::report::check::{CheckStatus, Finding};
use crate::core::visitor::facts::DistributionFacts;
use crate::core::visitor::repair::change_distribution;

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
        let what = format!("distribution `{id}`");
        let (finding, distribution) = match load(&client, &arn, id, "cannot read its configuration").await {
            Ok(distribution) => (judge(what, id, &distribution, site), Some(distribution)),
            // A deploy then takes the bucket's prefix for the origin path, and says so.
            Err(error) if code(&error).is_some_and(|code| code.starts_with("AccessDenied")) => {
                (Finding::failed(what, &error, CheckStatus::Warning), None)
            }
            Err(error) => (Finding::failed(what, &error, CheckStatus::Problem), None),
        };
        let mut facts = distribution
            .filter(|distribution| distribution.is_enabled)
            .zip(site)
            .map(|(distribution, site)| {
                DistributionFacts::of(id, &arn, account, &distribution, &site.bucket, &site.prefix)
            });
        let mut found = vec![finding];
        if let Some(origin) = facts.as_mut().and_then(|facts| facts.origin.as_mut())
            && let OriginAccess::Control(control) = &origin.access
        {
            let arn = arn::origin_access_control(aws.partition(), account, control);
            match signing(&client, &arn, control).await {
                Ok(signing) => origin.signing = signing,
                Err(error) => found.push(Finding::failed(
                    format!("origin access control `{control}`"),
                    &error,
                    CheckStatus::NotChecked,
                )),
            }
        }
        (found, facts)
    });
    let (findings, facts): (Vec<_>, Vec<_>) = join_all(reads).await.into_iter().unzip();
    let mut findings: Vec<Finding> = findings.into_iter().flatten().collect();
    findings.push(Finding::new(
        "invalidations",
        CheckStatus::NotChecked,
        "only a deployment shows whether they are allowed; the policy below allows them",
    ));
    (findings, facts.into_iter().flatten().collect())
}

/// Whether a distribution does what its place in the inputs promises.
fn judge(what: String, id: &str, distribution: &Distribution, site: Option<&SiteInputs>) -> Finding {
    if distribution.is_multi_tenant {
        return Finding::new(what, CheckStatus::Problem, MULTI_TENANT).hint(what_to_do("TENANT"));
    }
    if !distribution.is_enabled {
        return Finding::new(what, CheckStatus::Warning, "is disabled: it serves nothing")
            .hint(format!("enable it:\n{}", change_distribution(id, ".Enabled = true")));
    }
    let Some(site) = site else {
        return Finding::new(what, CheckStatus::Ok, "exists and is enabled");
    };
    let origins = &distribution.origins;
    let serving: Vec<String> = origins
        .iter()
        .filter_map(|origin| key_prefix(&origin.domain, &origin.path, &site.bucket))
        .collect();
    if serving.is_empty() {
        let domains: Vec<_> = origins.iter().map(|origin| format!("`{}`", origin.domain)).collect();
        if distribution.may_be_ours() {
            let path = format!("/{}", site.prefix.trim_end_matches('/'));
            return Finding::new(
                what,
                CheckStatus::Warning,
                format!(
                    "whether it shows this site cannot be told: none of its origins ({}) names a bucket that it leads to, as an \
                     access point, a Multi-Region Access Point, a load balancer or a custom name does not. A deploy invalidates \
                     as if one led to `{}` with `{path}` as origin path",
                    domains.join(", "),
                    site.bucket
                ),
            )
            .hint("make sure that one of them leads to the bucket; set `paths` where its origin path is another");
        }
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
        reached(what, &site.bucket, &reach(&distribution.routes(&site.bucket)))
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
