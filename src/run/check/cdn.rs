//! The distributions: there, enabled, and serving this bucket.

use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::types::DistributionConfig;
use futures_util::future::join_all;

use crate::aws::error::AwsContextExt as _;
use crate::aws::{Aws, cdn};
use crate::core::cdn::origins::key_prefix;
use crate::core::error::code;
use crate::core::iam::arn;
use crate::core::iam::calls::GET_DISTRIBUTION_CONFIG;
use crate::core::inputs::{CdnInputs, SiteInputs};
use crate::core::report::check::{CheckStatus, Finding};
use crate::run::check::failed;

pub(crate) async fn check_cdn(aws: &Aws, cdn: &CdnInputs, site: Option<&SiteInputs>) -> Vec<Finding> {
    let client = cdn::client(aws);
    let account = aws.caller().await.map_or("*", |caller| caller.account.as_str());
    let looks = cdn
        .distributions
        .iter()
        .map(|id| distribution(&client, arn::distribution(aws.partition(), account, id), id, site));
    let mut findings = join_all(looks).await;
    findings.push(Finding::new(
        "invalidations",
        CheckStatus::NotChecked,
        "whether they are allowed shows in a deploy only; the policy below allows them",
    ));
    findings
}

async fn distribution(client: &Client, arn: String, id: &str, site: Option<&SiteInputs>) -> Finding {
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
            Some(config) => judge(what, &config, site),
            None => Finding::new(what, CheckStatus::Ok, "is there"),
        },
        // A deploy then takes the bucket's prefix for the origin path, and says so.
        Err(error) if code(&error).is_some_and(|code| code.starts_with("AccessDenied")) => {
            failed(what, &error, CheckStatus::Warning)
        }
        Err(error) => failed(what, &error, CheckStatus::Problem),
    }
}

/// Whether a distribution does what its place in the inputs promises.
fn judge(what: String, config: &DistributionConfig, site: Option<&SiteInputs>) -> Finding {
    if !config.enabled {
        return Finding::new(what, CheckStatus::Warning, "is disabled: it serves nothing")
            .hint("enable it in CloudFront");
    }
    let Some(site) = site else {
        return Finding::new(what, CheckStatus::Ok, "is there and enabled");
    };
    let origins = config.origins().map(|origins| origins.items()).unwrap_or_default();
    let serving: Vec<String> = origins
        .iter()
        .filter_map(|origin| {
            key_prefix(
                &origin.domain_name,
                origin.origin_path().unwrap_or_default(),
                &site.bucket,
            )
        })
        .collect();
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
        Finding::new(
            what,
            CheckStatus::Ok,
            format!("is enabled and serves bucket `{}`", site.bucket),
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
