//! What a visitor would get: reads bucket, distributions and source, and lets [`crate::core::visitor`] decide.

use aws_sdk_cloudfront::types::{DistributionConfig, EventType, Origin, OriginGroup};
use serde_json::Value;

use crate::aws::Aws;
use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::bucket::Bucket;
use crate::core::cdn::origins::key_prefix;
use crate::core::error::code;
use crate::core::iam::calls::{GET_BUCKET_POLICY, GET_BUCKET_WEBSITE, GET_PUBLIC_ACCESS_BLOCK};
use crate::core::inputs::SiteInputs;
use crate::core::report::check::{CheckStatus, Finding};
use crate::core::site::scan::scan;
use crate::core::site::scope::SyncScope;
use crate::core::visitor::access::PublicBlock;
use crate::core::visitor::facts::{BucketFacts, DistributionFacts, OriginAccess, OriginFacts, SourceFacts, Website};
use crate::core::visitor::{by_distribution, without_distribution};
use crate::http;

/// How long the site's address may take to answer.
const SITE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);

/// What visitors of the site would get, by `distributions` (or by the bucket alone where the inputs name none).
pub(crate) async fn check_visitors(
    aws: &Aws,
    site: &SiteInputs,
    distributions: Option<&[DistributionFacts]>,
) -> Vec<Finding> {
    // Other stores have other policies, websites and addresses.
    let Some(bucket) = Bucket::open(aws, &site.bucket)
        .await
        .ok()
        .filter(|_| aws.s3_endpoint.is_none())
    else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let facts = BucketFacts {
        name: bucket.name.clone(),
        arn: bucket.arn(),
        prefix: site.prefix.clone(),
        policy: unless_denied("bucket policy", policy(&bucket).await, &mut findings),
        block: unless_denied("public access", block(&bucket).await, &mut findings),
        website: unless_denied("website configuration", website(&bucket).await, &mut findings),
        public_acl: site
            .object
            .acl
            .as_deref()
            .is_some_and(|acl| acl.starts_with("public-read")),
    };
    let source = source(site);
    match distributions {
        None => findings.extend(without_distribution(&facts, &source)),
        Some(distributions) => {
            for distribution in distributions {
                findings.extend(by_distribution(distribution, &facts, &source));
            }
        }
    }
    findings
}

/// `site-url`, asked for real.
pub(crate) async fn check_address(aws: &Aws, url: &str) -> Finding {
    let what = format!("`{url}`");
    match http::get(&aws.http, url, &[], SITE_TIMEOUT, 1024 * 1024).await {
        Ok((status, _)) if (200..300).contains(&status) => {
            Finding::new(what, CheckStatus::Ok, format!("answers {status}"))
        }
        Ok((status, _)) => Finding::new(what, CheckStatus::Warning, format!("answers {status}"))
            .hint("see the findings above; before the first deploy there is nothing to answer with"),
        Err(error) => Finding::new(what, CheckStatus::Warning, format!("does not answer: {error:#}"))
            .hint("check `site-url`, and the DNS records and certificate of its domain"),
    }
}

/// What was read, or a finding about why not.
fn unless_denied<T>(what: &str, read: anyhow::Result<T>, findings: &mut Vec<Finding>) -> Option<T> {
    read.map_err(|error| findings.push(Finding::failed(what, &error, CheckStatus::NotChecked)))
        .ok()
}

async fn policy(bucket: &Bucket) -> anyhow::Result<Value> {
    let answer = bucket.client.get_bucket_policy().bucket(&bucket.name).send().await;
    match answer.aws_context(&GET_BUCKET_POLICY, &bucket.arn(), || {
        "cannot read the bucket's policy".to_owned()
    }) {
        Ok(answer) => Ok(serde_json::from_str(answer.policy().unwrap_or_default())?),
        Err(error) if code(&error) == Some("NoSuchBucketPolicy") => Ok(Value::Null),
        Err(error) => Err(error),
    }
}

async fn block(bucket: &Bucket) -> anyhow::Result<PublicBlock> {
    let answer = bucket
        .client
        .get_public_access_block()
        .bucket(&bucket.name)
        .send()
        .await;
    match answer.aws_context(&GET_PUBLIC_ACCESS_BLOCK, &bucket.arn(), || {
        "cannot read the public access settings".to_owned()
    }) {
        Ok(answer) => Ok(answer
            .public_access_block_configuration
            .map_or_else(PublicBlock::default, |settings| PublicBlock {
                ignores_acls: settings.ignore_public_acls.unwrap_or_default(),
                restricts_policies: settings.restrict_public_buckets.unwrap_or_default(),
            })),
        Err(error) if code(&error) == Some("NoSuchPublicAccessBlockConfiguration") => Ok(PublicBlock::default()),
        Err(error) => Err(error),
    }
}

async fn website(bucket: &Bucket) -> anyhow::Result<Option<Website>> {
    let answer = bucket.client.get_bucket_website().bucket(&bucket.name).send().await;
    match answer.aws_context(&GET_BUCKET_WEBSITE, &bucket.arn(), || {
        "cannot read the website configuration".to_owned()
    }) {
        Ok(answer) => Ok(Some(Website {
            index: answer
                .index_document
                .map_or_else(|| "index.html".to_owned(), |index| index.suffix),
            error: answer.error_document.map(|error| error.key),
        })),
        Err(error) if code(&error) == Some("NoSuchWebsiteConfiguration") => Ok(None),
        Err(error) => Err(error),
    }
}

/// The source as a deploy would upload it; a directory that is not built yet says nothing.
fn source(site: &SiteInputs) -> SourceFacts {
    let scope = SyncScope {
        filter: site.filter.clone(),
        prefix: site.prefix.clone(),
        reserved: Vec::new(),
    };
    match scan(&site.source, site.follow_symlinks, &scope) {
        Ok(found) if !found.files.is_empty() => SourceFacts::of(found.files.iter().map(|file| &*file.path)),
        _ => SourceFacts::default(),
    }
}

/// What matters of a distribution's configuration for visitors of `site`.
pub(crate) fn distribution_facts(
    id: &str,
    arn: &str,
    account: &str,
    config: &DistributionConfig,
    site: &SiteInputs,
) -> DistributionFacts {
    let default = config.default_cache_behavior();
    let is_request = |event: &EventType| matches!(event, EventType::ViewerRequest | EventType::OriginRequest);
    let has_function = default.is_some_and(|behavior| {
        let functions = behavior
            .function_associations()
            .map(|functions| functions.items())
            .unwrap_or_default();
        let lambdas = behavior
            .lambda_function_associations()
            .map(|lambdas| lambdas.items())
            .unwrap_or_default();
        functions.iter().any(|function| is_request(function.event_type()))
            || lambdas.iter().any(|lambda| is_request(lambda.event_type()))
    });
    let target = default.map_or("", |behavior| behavior.target_origin_id());
    let origins = config.origins().map(|origins| origins.items()).unwrap_or_default();
    // Of an origin group the first member is asked first.
    let groups = config.origin_groups().map(|groups| groups.items()).unwrap_or_default();
    let target = groups
        .iter()
        .find(|group| group.id() == target)
        .and_then(first_member)
        .unwrap_or(target);
    DistributionFacts {
        id: id.to_owned(),
        arn: arn.to_owned(),
        account: account.to_owned(),
        default_root_object: config.default_root_object().unwrap_or_default().to_owned(),
        error_codes: config
            .custom_error_responses()
            .map(|responses| responses.items())
            .unwrap_or_default()
            .iter()
            .filter(|response| response.response_page_path().is_some_and(|path| !path.is_empty()))
            .map(|response| response.error_code())
            .collect(),
        has_function,
        origin: origins
            .iter()
            .find(|origin| origin.id() == target)
            .and_then(|origin| origin_facts(origin, site)),
    }
}

fn first_member(group: &OriginGroup) -> Option<&str> {
    group.members()?.items().first().map(|member| member.origin_id())
}

fn origin_facts(origin: &Origin, site: &SiteInputs) -> Option<OriginFacts> {
    let path = origin.origin_path().unwrap_or_default();
    // Where the origin path is not the prefix, `/` is another site's start page.
    key_prefix(origin.domain_name(), path, &site.bucket).filter(|served| *served == site.prefix)?;
    let identity = origin
        .s3_origin_config()
        .map(|config| config.origin_access_identity())
        .and_then(|identity| identity.strip_prefix("origin-access-identity/cloudfront/"))
        .filter(|identity| !identity.is_empty());
    let access = if origin.domain_name().contains(".s3-website") {
        OriginAccess::Website
    } else if origin.origin_access_control_id().is_some_and(|id| !id.is_empty()) {
        OriginAccess::Control
    } else if let Some(identity) = identity {
        OriginAccess::Identity(identity.to_owned())
    } else {
        OriginAccess::None
    };
    Some(OriginFacts { access })
}
