//! What a visitor gets for an address that is no object.

use crate::core::report::check::{CheckStatus, Finding};
use crate::core::visitor::facts::{BucketFacts, DistributionFacts, ShownPage, SourceFacts, Website};
use crate::core::visitor::reader::ObjectReader;
use crate::core::visitor::repair;
use crate::core::visitor::verdict::SiteVerdict;

/// What a visitor gets for an address that is no object.
pub(super) struct MissingPage {
    /// What S3 answers.
    pub(super) code: i32,
    /// The error page that is shown for that.
    page: Option<ShownPage>,
    /// Whether there are error pages at all.
    has_others: bool,
    /// It is the website endpoint's page, which never changes the status.
    by_website: bool,
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
                .filter(|page| !source.is_known || source.has(&page.path))
                .cloned(),
            has_others: !distribution.error_pages.is_empty(),
            by_website: false,
        }
    }

    /// At the bucket's own website endpoint, which shows one page for all errors.
    pub(super) fn of_website(website: &Website, bucket: &BucketFacts) -> Self {
        Self {
            code: bucket.code_of_missing(&ObjectReader::Website),
            page: website.error.as_ref().map(|page| ShownPage {
                path: format!("/{page}"),
                status: None,
            }),
            has_others: false,
            by_website: true,
        }
    }

    /// The same, unless it has a page of its own: then what `other` shows.
    pub(super) fn or(self, other: Self) -> Self {
        if self.page.is_some() { self } else { other }
    }

    fn status(&self) -> i32 {
        self.page.as_ref().and_then(|page| page.status).unwrap_or(self.code)
    }

    /// Whether the start page is shown instead, as if nothing were missing.
    fn shows_start_page(&self) -> bool {
        self.page.as_ref().is_some_and(|page| page.path == "/index.html") && self.status() < 400
    }

    pub(super) fn text(&self) -> String {
        match &self.page {
            Some(page) => format!("shows the error page `{}` with status {}", page.path, self.status()),
            None => format!("answers {}", self.code),
        }
    }
}

/// What `/` shows where the distribution has no default root object of the site's.
pub(super) fn root_object(
    what: &str,
    distribution: &DistributionFacts,
    missing: &MissingPage,
    source: &SourceFacts,
) -> Option<SiteVerdict> {
    let root = distribution.default_root_object.as_str();
    // An error page may show the start page as well.
    if missing.shows_start_page() {
        return None;
    }
    let why = match root.strip_prefix('/') {
        None if !root.is_empty() => {
            return start_page(what, "the default root object", root, missing, source, |name| {
                repair::root_object(distribution, name)
            });
        }
        None => "the default root object is missing".to_owned(),
        // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DefaultRootObject.html
        Some(_) => format!("the default root object is written `{root}`, and CloudFront wants it without the slash"),
    };
    let name = match root.trim_start_matches('/') {
        "" => "index.html",
        name => name,
    };
    let finding = Finding::new(what, CheckStatus::Warning, format!("`/` {}: {why}", missing.text()));
    let finding = finding.hint(format!("set it:\n{}", repair::root_object(distribution, name)));
    Some(SiteVerdict::answered(finding, &[missing.code]))
}

/// The page that `/` would show, where the source has none of that name; `repair` makes it another.
pub(super) fn start_page(
    what: &str,
    name: &str,
    page: &str,
    missing: &MissingPage,
    source: &SourceFacts,
    repair: impl Fn(&str) -> String,
) -> Option<SiteVerdict> {
    if !source.is_known || source.has(page) {
        return None;
    }
    let finding = Finding::new(
        what,
        CheckStatus::Warning,
        format!(
            "`/` {}: {name} is `{page}`, and `source` has no such file",
            missing.text()
        ),
    );
    let finding = if source.has("index.html") {
        finding.hint(format!("make it the page that there is:\n{}", repair("index.html")))
    } else {
        finding.hint(format!(
            "build the site before this step, so that `source` has `{page}`; or check `source` and `prefix`"
        ))
    };
    Some(SiteVerdict::answered(finding, &[missing.code]))
}

/// A single-page application whose addresses are only known to itself; `repair` shows its page for them.
pub(super) fn single_page(
    what: &str,
    source: &SourceFacts,
    missing: &MissingPage,
    repair: impl Fn() -> String,
) -> Option<SiteVerdict> {
    let shown = missing
        .page
        .as_ref()
        .is_some_and(|page| page.path.ends_with("/index.html"));
    // A website endpoint cannot do better.
    let is_found = missing.by_website || missing.status() < 400;
    if !source.is_single_page || (shown && is_found) {
        return None;
    }
    let why = match &missing.page {
        Some(_) if shown => format!(
            "and the custom error response for {} does not set the response code to 200: browsers show the page, search \
             engines and monitors take it for missing",
            missing.code
        ),
        Some(_) => format!("and its error page for {} is another", missing.code),
        None if missing.has_others => format!("and no error page for {}", missing.code),
        None => "and no error page for 403 and 404".to_owned(),
    };
    let text = format!(
        "`/app/settings` {}: a single `index.html` {why} (single-page application)",
        missing.text()
    );
    let finding =
        Finding::new(what, CheckStatus::Warning, text).hint(format!("show it for every address:\n{}", repair()));
    Some(SiteVerdict::answered(finding, &[missing.code]))
}

/// Custom error responses whose pages nobody uploads.
pub(super) fn absent_error_pages(
    what: &str,
    distribution: &DistributionFacts,
    source: &SourceFacts,
) -> Vec<SiteVerdict> {
    let pages = distribution.error_pages.iter();
    pages
        .filter(|(_, page)| source.is_known && !source.has(&page.path))
        .map(|(code, page)| {
            let finding = Finding::new(
                what,
                CheckStatus::Warning,
                format!(
                    "the error page for {code} is `{}`, and `source` has no such file",
                    page.path
                ),
            );
            SiteVerdict::always(finding.hint(format!(
                "add `{}` to `source`, or take the custom error response away:\n{}",
                page.path.trim_start_matches('/'),
                repair::remove_error_page(distribution, &page.path)
            )))
        })
        .collect()
}
