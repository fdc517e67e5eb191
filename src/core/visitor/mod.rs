//! What a visitor would get: verdicts in a visitor's words, from what was read of bucket, distributions and source.
//!
//! A verdict is a warning at most: a deploy works all the same. Each names the one command that repairs it.

pub(crate) mod access;
pub(crate) mod facts;
mod missing;
pub(crate) mod records;
mod refusal;

use crate::core::cdn::distribution::OriginAccess;
use crate::core::report::check::{CheckStatus, Finding};
use crate::core::visitor::access::ObjectReader;
use crate::core::visitor::facts::{BucketFacts, DistributionFacts, Publicity, SourceFacts};
use crate::core::visitor::missing::{MissingPage, absent_error_pages, missing_page, single_page};
use crate::core::visitor::refusal::{blocked, object_reader, public_command, refusal, unreadable_key, website_command};

/// The verdict on the bucket's own addresses: for a site without a distribution.
#[must_use]
pub(crate) fn without_distribution(bucket: &BucketFacts, source: &SourceFacts) -> Vec<Finding> {
    let what = "visitors";
    match bucket.publicity() {
        None => return Vec::new(),
        Some(Publicity::Blocked) => return vec![blocked(what, bucket)],
        Some(Publicity::Closed) => {
            return vec![
                Finding::new(
                    what,
                    CheckStatus::Warning,
                    "`/` answers 403: nobody may read the bucket, unless something that is not in these inputs serves it",
                )
                .hint(
                    "put a CloudFront distribution with origin access control in front of the bucket, and name it in `distribution`",
                ),
            ];
        }
        Some(Publicity::Open) => {}
    }
    if let Some(finding) = unreadable_key(what, &ObjectReader::Anonymous, bucket) {
        return vec![finding];
    }
    match &bucket.website {
        None => Vec::new(),
        Some(None) => vec![
            Finding::new(
                what,
                CheckStatus::Warning,
                "`/` answers 403: the bucket has no website configuration; only full addresses of objects work",
            )
            .hint(website_command(&bucket.name)),
        ],
        Some(Some(website)) => {
            let mut findings = missing_page("visitors", "the index document", &website.index, bucket, source);
            if findings.is_empty() {
                findings.extend(
                    single_page(what, source, &MissingPage::of_website(website, bucket)).map(|finding| {
                        finding.hint(format!(
                            "aws s3 website s3://{} --index-document index.html --error-document index.html",
                            bucket.name
                        ))
                    }),
                );
            }
            if findings.is_empty() {
                findings.push(open(
                    what,
                    "`/` shows the site, by the bucket's website endpoint",
                    bucket,
                ));
            }
            findings
        }
    }
}

/// The verdicts on what `distribution` shows of the bucket.
#[must_use]
pub(crate) fn by_distribution(
    distribution: &DistributionFacts,
    bucket: &BucketFacts,
    source: &SourceFacts,
) -> Vec<Finding> {
    let what = format!("visitors of `{}`", distribution.id);
    let Some(origin) = &distribution.origin else {
        let why = distribution.elsewhere.iter();
        return why
            .map(|why| {
                Finding::new(
                    &what,
                    CheckStatus::NotChecked,
                    format!("what they get of this site: {why}"),
                )
            })
            .collect();
    };
    let mut findings = match origin.access {
        OriginAccess::Website => by_website_endpoint(&what, distribution, origin.by_https, bucket, source),
        _ => by_rest_endpoint(&what, distribution, &origin.access, bucket, source),
    };
    if findings.iter().any(|finding| finding.status == CheckStatus::Warning)
        && let Some(second) = &distribution.second_origin
    {
        findings = vec![Finding::new(
            what,
            CheckStatus::NotChecked,
            format!(
                "what they get: `{second}`, the second origin of the group, answers what the bucket answers with 403 or 404"
            ),
        )];
    }
    findings
}

/// A distribution whose origin is the bucket itself.
fn by_rest_endpoint(
    what: &str,
    distribution: &DistributionFacts,
    origin: &OriginAccess,
    bucket: &BucketFacts,
    source: &SourceFacts,
) -> Vec<Finding> {
    let reader = object_reader(distribution, origin);
    let refused = refusal(what, distribution, origin, bucket).or_else(|| unreadable_key(what, &reader, bucket));
    let mut findings: Vec<Finding> = refused.into_iter().collect();
    if findings.is_empty() && !distribution.has_function {
        let missing = MissingPage::of(distribution, bucket, &reader, source);
        findings.extend(root_object(what, distribution, &missing, bucket, source));
        if let Some(page) = source.folder_pages.first() {
            let folder = page.trim_end_matches("index.html");
            let shows = missing.text();
            findings.push(
                Finding::new(
                    what,
                    CheckStatus::Warning,
                    format!("`/{folder}` {shows}: the origin is no website endpoint and no function adds `index.html`"),
                )
                .hint(
                    "add a CloudFront function for viewer requests that appends `index.html` (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/example_cloudfront_functions_url_rewrite_single_page_apps_section.html), as setup/site.yaml does",
                ),
            );
        }
        findings.extend(single_page(what, source, &missing).map(|finding| {
            finding.hint(format!(
                "add custom error responses for 403 and 404 to distribution `{}`: response page path `/index.html`, response code 200 (setup/site.yaml does, with its parameter for single-page applications)",
                distribution.id
            ))
        }));
        findings.extend(absent_error_pages(what, distribution, source));
    }
    if findings.is_empty() && bucket.policy.is_some() {
        findings.push(match reader {
            ObjectReader::Anonymous => open(what, "`/` shows the site", bucket),
            _ => Finding::new(what, CheckStatus::Ok, "`/` shows the site"),
        });
    }
    findings
}

/// What `/` shows, where that is not the site's start page.
fn root_object(
    what: &str,
    distribution: &DistributionFacts,
    missing: &MissingPage,
    bucket: &BucketFacts,
    source: &SourceFacts,
) -> Vec<Finding> {
    let root = distribution.default_root_object.as_str();
    // An error page may show the start page as well.
    if (root.is_empty() || root.starts_with('/')) && missing.shows_start_page() {
        return Vec::new();
    }
    let why = match root.strip_prefix('/') {
        None if !root.is_empty() => return missing_page(what, "the default root object", root, bucket, source),
        None => "the default root object is missing".to_owned(),
        // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DefaultRootObject.html
        Some(_) => format!("the default root object is written `{root}`, and CloudFront wants it without the slash"),
    };
    let name = match root.trim_start_matches('/') {
        "" => "index.html",
        name => name,
    };
    vec![
        Finding::new(what, CheckStatus::Warning, format!("`/` {}: {why}", missing.text())).hint(format!(
            "aws cloudfront update-distribution --id {} --default-root-object {name}",
            distribution.id
        )),
    ]
}

/// A distribution whose origin is the bucket's website endpoint.
fn by_website_endpoint(
    what: &str,
    distribution: &DistributionFacts,
    by_https: bool,
    bucket: &BucketFacts,
    source: &SourceFacts,
) -> Vec<Finding> {
    if by_https {
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html
        return vec![
            Finding::new(
                what,
                CheckStatus::Warning,
                "`/` answers 502 or 504: the origin is the bucket's website endpoint, which speaks http only, and it is asked by https",
            )
            .hint(format!(
                "set the protocol of that origin of distribution `{}` to \"HTTP only\" (`OriginProtocolPolicy`: `http-only`)",
                distribution.id
            )),
        ];
    }
    match &bucket.website {
        None => return Vec::new(),
        Some(None) => {
            return vec![
                Finding::new(
                    what,
                    CheckStatus::Warning,
                    "`/` answers 404: the origin is the bucket's website endpoint, and the bucket has no website configuration",
                )
                .hint(website_command(&bucket.name)),
            ];
        }
        Some(Some(website)) => {
            if bucket.publicity() == Some(Publicity::Blocked) {
                return vec![blocked(what, bucket)];
            }
            if bucket.publicity() == Some(Publicity::Closed) {
                return vec![
                    Finding::new(
                        what,
                        CheckStatus::Warning,
                        "`/` answers 403: nobody may read the bucket, and a website endpoint shows public objects only",
                    )
                    .hint(public_command(bucket)),
                ];
            }
            if let Some(finding) = unreadable_key(what, &ObjectReader::Anonymous, bucket) {
                return vec![finding];
            }
            let index = match distribution.default_root_object.as_str() {
                "" => &website.index,
                root => root,
            };
            let missing = missing_page(what, "the index document", index, bucket, source);
            if !missing.is_empty() {
                return missing;
            }
            let mut missing = MissingPage::of(distribution, bucket, &ObjectReader::Anonymous, source);
            if website.error.as_deref() == Some("index.html") {
                missing.page = Some("/index.html".to_owned());
            }
            if let Some(finding) = single_page(what, source, &missing) {
                return vec![finding.hint(format!(
                    "aws s3 website s3://{} --index-document index.html --error-document index.html",
                    bucket.name
                ))];
            }
        }
    }
    match bucket.publicity() {
        Some(Publicity::Open) => vec![open(what, "`/` shows the site, by the website endpoint", bucket)],
        _ => Vec::new(),
    }
}

/// The verdict that everybody may read the bucket, as far as the bucket itself tells.
fn open(what: &str, text: &str, bucket: &BucketFacts) -> Finding {
    let account = match bucket.account.as_str() {
        "" => "ACCOUNT",
        account => account,
    };
    Finding::new(
        what,
        CheckStatus::NotChecked,
        format!(
            "{text}, unless the account's Block Public Access is on (not checked: `aws s3control get-public-access-block --account-id {account}`)"
        ),
    )
}

#[cfg(test)]
mod tests;
