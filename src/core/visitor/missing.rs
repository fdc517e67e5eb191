//! What a visitor gets for an address that is no object.

use crate::core::report::check::{CheckStatus, Finding};
use crate::core::visitor::access::ObjectReader;
use crate::core::visitor::facts::{BucketFacts, DistributionFacts, SourceFacts, Website};

/// The page that `/` would show, where the source has none of that name.
pub(super) fn missing_page(
    what: &str,
    name: &str,
    page: &str,
    bucket: &BucketFacts,
    source: &SourceFacts,
) -> Vec<Finding> {
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
pub(super) struct MissingPage {
    /// What S3 answers.
    code: i32,
    /// The error page that is shown for that.
    pub(super) page: Option<String>,
    /// Whether there are error pages at all.
    has_others: bool,
}

impl MissingPage {
    pub(super) fn of(
        distribution: &DistributionFacts,
        bucket: &BucketFacts,
        reader: &ObjectReader,
        source: &SourceFacts,
    ) -> Self {
        let code = bucket.code_of_missing(reader);
        Self {
            code,
            // A page that is not there leaves S3's own answer.
            page: distribution
                .error_pages
                .get(&code)
                .filter(|page| !source.is_known || source.has(page))
                .cloned(),
            has_others: !distribution.error_pages.is_empty(),
        }
    }

    /// At the bucket's own website endpoint, which shows one page for all errors.
    pub(super) fn of_website(website: &Website, bucket: &BucketFacts) -> Self {
        Self {
            code: bucket.code_of_missing(&ObjectReader::Anonymous),
            page: website.error.as_ref().map(|page| format!("/{page}")),
            has_others: false,
        }
    }

    /// Whether the start page is shown instead.
    pub(super) fn shows_start_page(&self) -> bool {
        self.page.as_deref() == Some("/index.html")
    }

    pub(super) fn text(&self) -> String {
        match &self.page {
            Some(page) => format!("shows the error page `{page}`"),
            None => format!("answers {}", self.code),
        }
    }
}

/// A single-page application whose addresses are only known to itself; without advice.
pub(super) fn single_page(what: &str, source: &SourceFacts, missing: &MissingPage) -> Option<Finding> {
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

/// Custom error responses whose pages nobody uploads.
pub(super) fn absent_error_pages(what: &str, distribution: &DistributionFacts, source: &SourceFacts) -> Vec<Finding> {
    let pages = distribution.error_pages.iter();
    pages
        .filter(|(_, page)| source.is_known && !source.has(page))
        .map(|(code, page)| {
            Finding::new(
                what,
                CheckStatus::Warning,
                format!("the error page for {code} is `{page}`, and `source` has no such file"),
            )
            .hint(format!(
                "add `{}` to `source`, or name another page in the custom error response of distribution `{}`",
                page.trim_start_matches('/'),
                distribution.id
            ))
        })
        .collect()
}
