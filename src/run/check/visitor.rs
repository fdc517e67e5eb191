//! What a visitor would get: reads bucket and source, and lets [`crate::core::visitor`] decide.

use serde_json::Value;

use crate::aws::Aws;
use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::bucket::Bucket;
use crate::core::error::code;
use crate::core::iam::calls::{GET_BUCKET_POLICY, GET_BUCKET_WEBSITE};
use crate::core::inputs::SiteInputs;
use crate::core::inputs::release::S3Place;
use crate::core::release::{FOLDER, site_folder};
use crate::core::report::check::{CheckStatus, Finding};
use crate::core::site::scan::scan;
use crate::core::site::scope::SyncScope;
use crate::core::visitor::facts::{BucketFacts, DistributionFacts, SourceFacts, Website};
use crate::core::visitor::records::exposed_records;
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
        block: found.block,
        website: unless_denied("website configuration", website(bucket).await, &mut findings),
        public_acl: site
            .object
            .acl
            .as_deref()
            .is_some_and(|acl| acl.starts_with("public-read")),
        kms: found.kms.clone(),
        account: account.to_owned(),
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
pub(crate) async fn check_address(aws: &Aws, url: &str) -> Finding {
    // A query may hold a token.
    let what = format!("`{}`", url.split(['?', '#']).next().unwrap_or(url));
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
