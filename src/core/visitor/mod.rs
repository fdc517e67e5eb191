//! What a visitor would get: verdicts in a visitor's words, from what was read of bucket, distributions and source.
//!
//! A verdict is a warning at most: a deploy works all the same. Each names the one command that repairs it.

pub(crate) mod access;
pub(crate) mod facts;
pub(crate) mod records;

use serde_json::json;

use crate::core::cdn::distribution::OriginAccess;
use crate::core::report::check::{CheckStatus, Finding};
use crate::core::visitor::access::{Access, ObjectReader, access};
use crate::core::visitor::facts::{BucketFacts, DistributionFacts, SourceFacts, Website};

/// The verdict on the bucket's own addresses: for a site without a distribution.
#[must_use]
pub(crate) fn without_distribution(bucket: &BucketFacts, source: &SourceFacts) -> Vec<Finding> {
    let what = "visitors";
    let Some(public) = bucket.is_public() else {
        return Vec::new();
    };
    if !public {
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
                findings.push(Finding::new(
                    what,
                    CheckStatus::Ok,
                    "`/` shows the site, by the bucket's website endpoint",
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
        return Vec::new();
    };
    if let OriginAccess::Website = origin.access {
        return by_website_endpoint(&what, distribution, bucket, source);
    }
    let mut findings: Vec<Finding> = refusal(&what, distribution, &origin.access, bucket)
        .into_iter()
        .collect();
    if findings.is_empty() && !distribution.has_function {
        if distribution.default_root_object.is_empty() {
            findings.push(
                Finding::new(
                    &what,
                    CheckStatus::Warning,
                    "`/` answers 403: the default root object is missing",
                )
                .hint(format!(
                    "aws cloudfront update-distribution --id {} --default-root-object index.html",
                    distribution.id
                )),
            );
        } else {
            findings.extend(missing_page(
                &what,
                "the default root object",
                &distribution.default_root_object,
                bucket,
                source,
            ));
        }
        let missing = MissingPage::of(distribution, bucket, &object_reader(distribution, &origin.access));
        if let Some(page) = source.folder_pages.first() {
            let folder = page.trim_end_matches("index.html");
            let shows = missing.text();
            findings.push(
                Finding::new(
                    &what,
                    CheckStatus::Warning,
                    format!("`/{folder}` {shows}: the origin is no website endpoint and no function adds `index.html`"),
                )
                .hint(
                    "add a CloudFront function for viewer requests that appends `index.html` (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/example_cloudfront_functions_url_rewrite_single_page_apps_section.html), as setup/site.yaml does",
                ),
            );
        }
        findings.extend(single_page(&what, source, &missing).map(|finding| {
            finding.hint(format!(
                "add custom error responses for 403 and 404 to distribution `{}`: response page path `/index.html`, response code 200 (setup/site.yaml does, with its parameter for single-page applications)",
                distribution.id
            ))
        }));
    }
    if findings.is_empty() && bucket.policy.is_some() {
        findings.push(Finding::new(what, CheckStatus::Ok, "`/` shows the site"));
    }
    findings
}

/// A distribution whose origin is the bucket's website endpoint.
fn by_website_endpoint(
    what: &str,
    distribution: &DistributionFacts,
    bucket: &BucketFacts,
    source: &SourceFacts,
) -> Vec<Finding> {
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
            if bucket.is_public() == Some(false) {
                return vec![
                    Finding::new(
                        what,
                        CheckStatus::Warning,
                        "`/` answers 403: nobody may read the bucket, and a website endpoint shows public objects only",
                    )
                    .hint(public_command(bucket)),
                ];
            }
            let index = match distribution.default_root_object.as_str() {
                "" => &website.index,
                root => root,
            };
            let missing = missing_page(what, "the index document", index, bucket, source);
            if !missing.is_empty() {
                return missing;
            }
            let mut missing = MissingPage::of(distribution, bucket, &ObjectReader::Anonymous);
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
    match bucket.is_public() {
        Some(true) => vec![Finding::new(
            what,
            CheckStatus::Ok,
            "`/` shows the site, by the website endpoint",
        )],
        _ => Vec::new(),
    }
}

/// Why the bucket does not let the distribution in.
fn refusal(
    what: &str,
    distribution: &DistributionFacts,
    origin: &OriginAccess,
    bucket: &BucketFacts,
) -> Option<Finding> {
    let warning = |text: &str, hint: String| Some(Finding::new(what, CheckStatus::Warning, text).hint(hint));
    let reader = match origin {
        OriginAccess::Website | OriginAccess::None => {
            return match bucket.is_public()? {
                true => None,
                false => warning(
                    "`/` answers 403: nobody may read the bucket, and the distribution has no origin access control",
                    format!(
                        "give the origin of distribution `{}` an origin access control in CloudFront, and let it in: {}",
                        distribution.id,
                        allow_command(distribution, bucket)
                    ),
                ),
            };
        }
        OriginAccess::Control | OriginAccess::Identity(_) => object_reader(distribution, origin),
    };
    let policy = bucket.policy.as_ref()?;
    match access(policy, &reader, &bucket.object_arn()) {
        Access::Allowed => None,
        Access::Denied => warning(
            "`/` answers 403: a statement of the bucket's policy denies it",
            format!(
                "find the statement with `\"Effect\": \"Deny\"`: aws s3api get-bucket-policy --bucket {} --query Policy --output text",
                bucket.name
            ),
        ),
        Access::OtherDistribution(named) => warning(
            &format!("`/` answers 403: the policy names another distribution (`{named}`)"),
            allow_command(distribution, bucket),
        ),
        Access::NotAllowed => warning(
            "`/` answers 403: nobody may read the bucket",
            allow_command(distribution, bucket),
        ),
    }
}

/// The page that `/` would show, where the source has none of that name.
fn missing_page(what: &str, name: &str, page: &str, bucket: &BucketFacts, source: &SourceFacts) -> Vec<Finding> {
    if !source.is_known || source.has(page) {
        return Vec::new();
    }
    vec![
        Finding::new(
            what,
            CheckStatus::Warning,
            format!("`/` answers 403 or 404: {name} is `{page}`, and `source` has no such file"),
        )
        .hint(format!(
            "add `{page}` to `source`, or check `source` and `prefix`: `/` is `{}{page}` of bucket `{}`",
            bucket.prefix, bucket.name
        )),
    ]
}

/// What a visitor gets for an address that is no object.
struct MissingPage {
    /// What S3 answers.
    code: i32,
    /// The error page that is shown for that.
    page: Option<String>,
    /// Whether there are error pages at all.
    has_others: bool,
}

impl MissingPage {
    fn of(distribution: &DistributionFacts, bucket: &BucketFacts, reader: &ObjectReader) -> Self {
        let code = bucket.code_of_missing(reader);
        Self {
            code,
            page: distribution.error_pages.get(&code).cloned(),
            has_others: !distribution.error_pages.is_empty(),
        }
    }

    /// At the bucket's own website endpoint, which shows one page for all errors.
    fn of_website(website: &Website, bucket: &BucketFacts) -> Self {
        Self {
            code: bucket.code_of_missing(&ObjectReader::Anonymous),
            page: website.error.as_ref().map(|page| format!("/{page}")),
            has_others: false,
        }
    }

    fn text(&self) -> String {
        match &self.page {
            Some(page) => format!("shows the error page `{page}`"),
            None => format!("answers {}", self.code),
        }
    }
}

/// A single-page application whose addresses are only known to itself; without advice.
fn single_page(what: &str, source: &SourceFacts, missing: &MissingPage) -> Option<Finding> {
    let shows_it = missing.page.as_ref().is_some_and(|page| page.ends_with("/index.html"));
    let why = match &missing.page {
        Some(_) => format!("and its error page for {} is another", missing.code),
        None if missing.has_others => format!("and no error page for {}", missing.code),
        None => "and no error page for 403 and 404".to_owned(),
    };
    (source.is_single_page && !shows_it).then(|| {
        let text = format!(
            "`/app/settings` {}: a single `index.html` {why} (single-page application)",
            missing.text()
        );
        Finding::new(what, CheckStatus::Warning, text)
    })
}

/// As who a distribution asks for objects.
fn object_reader(distribution: &DistributionFacts, origin: &OriginAccess) -> ObjectReader {
    match origin {
        OriginAccess::Website | OriginAccess::None => ObjectReader::Anonymous,
        OriginAccess::Control => ObjectReader::Distribution {
            arn: distribution.arn.clone(),
            account: distribution.account.clone(),
        },
        OriginAccess::Identity(id) => ObjectReader::Identity(id.clone()),
    }
}

fn website_command(bucket: &str) -> String {
    format!("aws s3 website s3://{bucket} --index-document index.html --error-document 404.html")
}

/// The command that opens the bucket for everybody.
fn public_command(bucket: &BucketFacts) -> String {
    let statement = json!({
        "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": bucket.objects_arn(),
    });
    format!(
        "use the bucket's REST endpoint with origin access control as origin; or open the bucket to everybody: turn Block Public Access off for it, and add this statement to its policy: {statement}"
    )
}

/// The statement that lets a distribution in, in its command.
fn allow_command(distribution: &DistributionFacts, bucket: &BucketFacts) -> String {
    let statement = json!({
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": bucket.objects_arn(),
        "Condition": {"StringEquals": {"AWS:SourceArn": distribution.arn}},
    });
    match &bucket.policy {
        Some(policy) if policy.is_null() => format!(
            "aws s3api put-bucket-policy --bucket {} --policy '{}'",
            bucket.name,
            json!({"Version": "2012-10-17", "Statement": [statement]})
        ),
        _ => format!("add this statement to the bucket's policy: {statement}"),
    }
}

#[cfg(test)]
mod tests;
