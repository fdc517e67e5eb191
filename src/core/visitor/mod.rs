//! What a visitor would get: verdicts in a visitor's words, from what was read of bucket, distributions and source.
//!
//! A verdict is a warning at most: a deploy works all the same. Each names the one command that repairs it.

pub(crate) mod access;
mod condition;
pub(crate) mod facts;
mod missing;
pub(crate) mod reader;
pub(crate) mod records;
mod refusal;
pub(crate) mod repair;
pub(crate) mod shown;
mod verdict;

use crate::core::cdn::distribution::OriginAccess;
use crate::core::report::check::{CheckStatus, Finding};
use crate::core::visitor::facts::{BucketFacts, DistributionFacts, OriginFacts, SourceFacts, Website};
use crate::core::visitor::missing::{MissingPage, absent_error_pages, root_object, single_page, start_page};
use crate::core::visitor::reader::ObjectReader;
use crate::core::visitor::refusal::{object_reader, refusal, shut_out};
use crate::core::visitor::shown::{shown, shown_by};
use crate::core::visitor::verdict::SiteVerdict;

/// The verdict on the bucket's own addresses: for a site without a distribution.
#[must_use]
pub(crate) fn without_distribution(bucket: &BucketFacts, source: &SourceFacts) -> Vec<Finding> {
    let what = "visitors";
    // Without a website document the REST endpoint is all there is.
    let reader = match &bucket.website {
        Some(Some(_)) => ObjectReader::Website,
        _ => ObjectReader::Anonymous,
    };
    if bucket.publicity(&reader).is_none() {
        return Vec::new();
    }
    let refused = shut_out(what, bucket, &reader, || {
        (
            "nobody may read the bucket, unless something that is not in these inputs serves it".to_owned(),
            format!(
                "put a CloudFront distribution with origin access control in front of it, as setup/site.yaml does, and name it in `distribution`; or open the bucket to everybody:\n{}",
                repair::publish(bucket)
            ),
        )
    });
    let verdict = match (refused, &bucket.website) {
        (Some(refused), _) => refused,
        (None, None) => return Vec::new(),
        (None, Some(None)) => SiteVerdict::always(
            Finding::new(
                what,
                CheckStatus::Warning,
                "`/` answers 403: the bucket has no website configuration; only full addresses of objects work",
            )
            .hint(format!(
                "give it one:\n{}",
                repair::website(&bucket.name, "index.html", "404.html")
            )),
        ),
        (None, Some(Some(website))) => {
            of_website(what, website, MissingPage::of_website(website, bucket), bucket, source).unwrap_or_else(|| {
                let text = "`/` shows the site, by the bucket's website endpoint";
                SiteVerdict::always(shown(what, text, bucket))
            })
        }
    };
    vec![verdict.finding]
}

/// What a website endpoint shows that is no page of the site's.
fn of_website(
    what: &str,
    website: &Website,
    missing: MissingPage,
    bucket: &BucketFacts,
    source: &SourceFacts,
) -> Option<SiteVerdict> {
    let error = website.error.as_deref().unwrap_or("404.html");
    let another = |index: &str| repair::website(&bucket.name, index, error);
    start_page(what, "the index document", &website.index, &missing, source, another).or_else(|| {
        let for_all = || repair::website(&bucket.name, "index.html", "index.html");
        single_page(what, source, &missing, for_all)
    })
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
    let verdicts = match origin.access {
        OriginAccess::Website => by_website_endpoint(&what, distribution, origin.by_https, bucket, source),
        _ => by_rest_endpoint(&what, distribution, origin, bucket, source),
    };
    let second = distribution.second_origin.as_ref();
    let is_passed_on = |verdict: &SiteVerdict| {
        second.is_some_and(|second| verdict.answers.iter().any(|answer| second.codes.contains(answer)))
    };
    let (passed_on, own): (Vec<_>, Vec<_>) = verdicts.into_iter().partition(is_passed_on);
    let mut findings: Vec<Finding> = own.into_iter().map(|verdict| verdict.finding).collect();
    if let Some(second) = second.filter(|_| !passed_on.is_empty()) {
        let mut answers: Vec<String> = passed_on
            .iter()
            .flat_map(|verdict| &verdict.answers)
            .map(ToString::to_string)
            .collect();
        answers.sort_unstable();
        answers.dedup();
        findings.push(Finding::new(
            what,
            CheckStatus::NotChecked,
            format!(
                "what they get where the bucket answers {}: `{}`, the second origin of the group, is asked then",
                answers.join(" or "),
                second.domain
            ),
        ));
    }
    findings
}

/// A distribution whose origin is the bucket itself.
fn by_rest_endpoint(
    what: &str,
    distribution: &DistributionFacts,
    origin: &OriginFacts,
    bucket: &BucketFacts,
    source: &SourceFacts,
) -> Vec<SiteVerdict> {
    let reader = object_reader(distribution, &origin.access, origin.signing);
    let refused = refusal(what, distribution, &origin.access, origin.signing, bucket);
    let mut verdicts: Vec<SiteVerdict> = refused.into_iter().collect();
    if verdicts.is_empty() && distribution.function.is_none() {
        let missing = MissingPage::of(distribution, bucket, &reader, source);
        verdicts.extend(root_object(what, distribution, &missing, source));
        if let Some(page) = source.folder_pages.first() {
            let folder = page.trim_end_matches("index.html");
            let finding = Finding::new(
                what,
                CheckStatus::Warning,
                format!(
                    "`/{folder}` {}: the origin is no website endpoint and no function adds `index.html`",
                    missing.text()
                ),
            );
            let finding = finding.hint(format!(
                "add such a function, as setup/site.yaml does:\n{}",
                repair::add_index_function(distribution)
            ));
            verdicts.push(SiteVerdict::answered(finding, &[missing.code]));
        }
        verdicts.extend(single_page(what, source, &missing, || {
            repair::show_page_for_missing(distribution, "/index.html")
        }));
        verdicts.extend(absent_error_pages(what, distribution, source));
    }
    if verdicts.is_empty() && bucket.policy.is_some() {
        verdicts.extend(shown_by(what, distribution, origin, bucket, source).map(SiteVerdict::always));
    }
    verdicts
}

/// A distribution whose origin is the bucket's website endpoint.
fn by_website_endpoint(
    what: &str,
    distribution: &DistributionFacts,
    by_https: bool,
    bucket: &BucketFacts,
    source: &SourceFacts,
) -> Vec<SiteVerdict> {
    if by_https {
        // https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html
        let finding = Finding::new(
            what,
            CheckStatus::Warning,
            "`/` answers 502 or 504: the origin is the bucket's website endpoint, which speaks http only, and it is asked by https",
        );
        let finding = finding.hint(format!("ask it by http:\n{}", repair::ask_by_http(distribution)));
        return vec![SiteVerdict::answered(finding, &[502, 504])];
    }
    let website = match &bucket.website {
        None => return Vec::new(),
        Some(None) => {
            let finding = Finding::new(
                what,
                CheckStatus::Warning,
                "`/` answers 404: the origin is the bucket's website endpoint, and the bucket has no website configuration",
            );
            let command = repair::website(&bucket.name, "index.html", "404.html");
            return vec![SiteVerdict::answered(
                finding.hint(format!("give it one:\n{command}")),
                &[404],
            )];
        }
        Some(Some(website)) => website,
    };
    let reader = ObjectReader::Website;
    let refused = shut_out(what, bucket, &reader, || {
        (
            "nobody may read the bucket, and a website endpoint shows public objects only".to_owned(),
            format!(
                "use the bucket's REST endpoint with origin access control as origin; or open the bucket to everybody:\n{}",
                repair::publish(bucket)
            ),
        )
    });
    if let Some(refused) = refused {
        return vec![refused];
    }
    let missing = MissingPage::of(distribution, bucket, &reader, source).or(MissingPage::of_website(website, bucket));
    let website = match distribution.default_root_object.as_str() {
        "" => website.clone(),
        root => Website {
            index: root.to_owned(),
            error: website.error.clone(),
        },
    };
    if let Some(verdict) = of_website(what, &website, missing, bucket, source) {
        return vec![verdict];
    }
    if bucket.publicity(&reader).is_none() {
        return Vec::new();
    }
    vec![SiteVerdict::always(shown(
        what,
        "`/` shows the site, by the website endpoint",
        bucket,
    ))]
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_more;
