//! What a visitor would get: reads bucket and source, and lets [`crate::core::visitor`] decide.

use serde_json::Value;

use crate::aws::Aws;
use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::bucket::Bucket;
use crate::core::error::code;
use crate::core::iam::calls::{GET_BUCKET_POLICY, GET_BUCKET_POLICY_STATUS, GET_BUCKET_WEBSITE};
use crate::core::inputs::SiteInputs;
use crate::core::inputs::release::S3Place;
use crate::core::release::{FOLDER, site_folder};
use crate::core::report::check::{CheckStatus, Finding};
use crate::core::site::object::Encryption;
use crate::core::site::scan::scan;
use crate::core::site::scope::SyncScope;
use crate::core::visitor::facts::{AtRest, BucketFacts, DistributionFacts, KmsKey, SourceFacts, Website};
use crate::core::visitor::records::exposed_records;
use crate::core::visitor::shown::not_an_alias;
use crate::core::visitor::{by_distribution, without_distribution};
use crate::http;
use crate::run::check::site::BucketCheck;

/// How long the site's address may take to answer.
const SITE_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(20);

/// What visitors of the site would get, by `distributions` (or by the bucket alone where the inputs name none); `found` is
/// what was seen of the bucket already.
pub(crate) async fn check_visitors(
    bucket: &Bucket,
    found: &BucketCheck,
    site: &SiteInputs,
    history: Option<&S3Place>,
    distributions: Option<&[DistributionFacts]>,
    account: &str,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let facts = BucketFacts {
        name: bucket.name.clone(),
        arn: bucket.arn(),
        prefix: site.prefix.clone(),
        policy: unless_denied("bucket policy", policy(bucket).await, &mut findings),
        is_public: None,
        block: found.block,
        account_block: found.account_block,
        website: unless_denied("website configuration", website(bucket).await, &mut findings),
        public_acl: site
            .object
            .acl
            .as_deref()
            .is_some_and(|acl| acl.starts_with("public-read")),
        at_rest: at_rest(&site.object.encryption, &found.at_rest),
        account: if found.is_foreign {
            String::new()
        } else {
            account.to_owned()
        },
    };
    let facts = BucketFacts {
        // Without a policy there is no status of it.
        is_public: match facts.policy {
            Some(Value::Null) => None,
            _ => unless_denied("status of the bucket policy", is_public(bucket).await, &mut findings).flatten(),
        },
        ..facts
    };
    let folder = match history {
        None => Some(format!("{FOLDER}site/{}", site_folder(&site.prefix))),
        Some(place) if place.bucket == site.bucket => Some(format!(
            "{}site/{}/{}",
            place.prefix,
            site.bucket,
            site_folder(&site.prefix)
        )),
        // The policy of a bucket that only records are in is not looked at.
        Some(_) => None,
    };
    let shown = distributions.unwrap_or_default();
    findings.extend(folder.and_then(|folder| exposed_records(&facts, shown, &folder, account)));
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
///
/// Of a bucket that `is_empty` nothing can be seen yet.
pub(crate) async fn check_address(
    aws: &Aws,
    url: &str,
    distributions: &[DistributionFacts],
    is_empty: bool,
) -> Finding {
    // A query may hold a token.
    let what = format!("`{}`", url.split(['?', '#']).next().unwrap_or(url));
    let not_an_alias = not_an_alias(url, distributions);
    match http::get(&aws.http, url, &[], SITE_TIMEOUT, 1024 * 1024).await {
        Ok((status, _)) if (200..300).contains(&status) => {
            Finding::new(what, CheckStatus::Ok, format!("answers {status}"))
        }
        Ok((status, _)) if not_an_alias.is_none() && is_empty => Finding::new(
            what,
            CheckStatus::NotChecked,
            format!("answers {status}: nothing is deployed yet that it could show"),
        ),
        Ok((status, _)) => match not_an_alias {
            Some((why, hint)) => {
                Finding::new(what, CheckStatus::Warning, format!("answers {status}: {why}")).hint(hint)
            }
            None => {
                Finding::new(what, CheckStatus::Warning, format!("answers {status}")).hint("see the findings above")
            }
        },
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

/// Whether S3 calls the policy public; `None` where there is no policy.
async fn is_public(bucket: &Bucket) -> anyhow::Result<Option<bool>> {
    let answer = bucket
        .client
        .get_bucket_policy_status()
        .bucket(&bucket.name)
        .send()
        .await;
    match answer.aws_context(&GET_BUCKET_POLICY_STATUS, &bucket.arn(), || {
        "cannot read whether the bucket's policy is public".to_owned()
    }) {
        Ok(answer) => Ok(answer.policy_status.and_then(|status| status.is_public)),
        Err(error) if code(&error) == Some("NoSuchBucketPolicy") => Ok(None),
        Err(error) => Err(error),
    }
}

/// How S3 keeps what this step uploads, to a bucket that does it so by default.
fn at_rest(chosen: &Encryption, by_default: &AtRest) -> AtRest {
    match chosen {
        Encryption::BucketDefault => by_default.clone(),
        Encryption::Aes256 => AtRest::Readable,
        Encryption::Kms { key_id } => AtRest::Kms(KmsKey::of(key_id.as_deref())),
        Encryption::CustomerKey { .. } => AtRest::CustomerKey,
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
