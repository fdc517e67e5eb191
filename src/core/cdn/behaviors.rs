//! Under which URL paths a distribution serves a key.
//!
//! In doubt a key is served: a path too many costs little, a stale page is a failed deploy.

use std::collections::BTreeSet;

use percent_encoding::percent_decode_str;

use crate::core::cdn::EVERYTHING;
use crate::core::cdn::encode::{encode, encode_all};
use crate::core::wildcard::is_like;

/// A distribution, as far as one bucket is concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct View {
    /// What `/` shows: a path without its leading slash, or empty.
    pub(crate) default_root_object: String,
    /// The response paths of custom error pages, with leading slash.
    pub(crate) error_pages: Vec<String>,
    /// All cache behaviors in the order of their precedence; the default one, with the pattern `*`, is the last.
    pub(crate) behaviors: Vec<Behavior>,
}

/// A [cache behavior].
///
/// [cache behavior]: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Behavior {
    /// Which URL paths it is for; `*` and `?` are wildcards.
    pub(crate) pattern: String,
    /// What keys begin with that its origins, as far as they are our bucket, deliver: origin paths without leading and
    /// with a trailing slash, or empty. None: it gets its objects elsewhere.
    pub(crate) key_prefixes: BTreeSet<String>,
    /// Query strings are part of the cache key.
    pub(crate) query_strings: bool,
    /// A function may give requests another path than the viewer's: the pattern says nothing about keys, and a page may
    /// be [cached under both].
    ///
    /// [cached under both]: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/invalidation-specifying-objects.html
    pub(crate) rewrites: bool,
}

impl View {
    /// The view of a distribution that is not known: all of it comes from the bucket, and its origin path is `prefix`
    /// (empty, or ending in `/`), or there is none.
    #[must_use]
    pub(crate) fn assumed(prefix: &str) -> Self {
        Self {
            default_root_object: String::new(),
            error_pages: Vec::new(),
            behaviors: vec![Behavior {
                pattern: "*".into(),
                key_prefixes: BTreeSet::from([prefix.to_owned(), String::new()]),
                ..Behavior::default()
            }],
        }
    }

    /// The same view, with `prefix` for the origin path of every behavior: for a distribution none of whose origins is
    /// known.
    #[must_use]
    pub(crate) fn with_origin_path(mut self, prefix: &str) -> Self {
        for behavior in &mut self.behaviors {
            behavior.key_prefixes = BTreeSet::from([prefix.to_owned()]);
        }
        self
    }

    /// Whether any of its objects come from the bucket.
    #[must_use]
    pub(crate) fn has_bucket(&self) -> bool {
        self.behaviors.iter().any(|behavior| !behavior.key_prefixes.is_empty())
    }

    /// Whether any key that begins with `prefix` may be served.
    #[must_use]
    pub(crate) fn serves(&self, prefix: &str) -> bool {
        self.behaviors
            .iter()
            .flat_map(|behavior| &behavior.key_prefixes)
            .any(|ours| ours.starts_with(prefix) || prefix.starts_with(ours.as_str()))
    }

    /// The invalidation paths of everything that shows one of `keys`, not collapsed.
    #[must_use]
    pub(crate) fn paths<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
        let mut paths = BTreeSet::new();
        for key in keys {
            for (position, behavior) in self.behaviors.iter().enumerate() {
                for prefix in &behavior.key_prefixes {
                    let Some(name) = key.strip_prefix(prefix.as_str()) else {
                        continue;
                    };
                    let urls = self.urls(name, behavior.rewrites);
                    if !behavior.rewrites && !urls.iter().any(|url| self.routes(url, position)) {
                        continue;
                    }
                    if self.is_error_page(&urls[0]) {
                        // Any URL without an object of its own may have it in the cache.
                        return BTreeSet::from([EVERYTHING.to_owned()]);
                    }
                    for url in &urls {
                        push(&mut paths, url, behavior.query_strings);
                    }
                }
            }
        }
        paths
    }

    /// The decoded URL paths that show the object at `name` below the origin path, its own first; where a function
    /// `rewrites` addresses, the ones that such functions commonly take for a page too.
    fn urls(&self, name: &str, rewrites: bool) -> Vec<String> {
        let url = format!("/{name}");
        let directory = url.strip_suffix("index.html").filter(|rest| rest.ends_with('/'));
        let mut urls: Vec<String> = directory.map(ToOwned::to_owned).into_iter().collect();
        if same_path(&url[1..], &self.default_root_object) && urls.first().is_none_or(|first| first != "/") {
            urls.push("/".into());
        }
        if rewrites {
            let page = directory.or_else(|| url.strip_suffix(".html"));
            if let Some(page) = page
                .map(|page| page.trim_end_matches('/'))
                .filter(|page| !page.is_empty())
            {
                urls.push(page.to_owned());
                urls.push(format!("{page}/"));
            }
        }
        urls.insert(0, url);
        urls
    }

    /// Whether requests for the decoded URL path `url` may go to the behavior at `position`.
    fn routes(&self, url: &str, position: usize) -> bool {
        // Patterns are compared with a normalised URL; which characters are still encoded in it is not documented.
        [url, &encode_all(url)].into_iter().any(|url| {
            let first = self
                .behaviors
                .iter()
                .position(|behavior| matches(&behavior.pattern, url));
            first == Some(position)
        })
    }

    fn is_error_page(&self, url: &str) -> bool {
        self.error_pages.iter().any(|page| same_path(&url[1..], page))
    }
}

/// Adds the invalidation paths of one decoded URL path.
fn push(paths: &mut BTreeSet<String>, url: &str, query_strings: bool) {
    let path = encode(url);
    if path.contains('+') {
        // S3 takes a `+` in a path for a blank, so such an object is asked for, and cached, with `%2B`:
        // https://github.com/rust-lang/crates.io/pull/14250
        push_spelled(paths, path.replace('+', "%2B"), query_strings);
    }
    push_spelled(paths, path, query_strings);
}

/// Adds one spelling of a path.
fn push_spelled(paths: &mut BTreeSet<String>, path: String, query_strings: bool) {
    if query_strings && !path.ends_with('*') {
        if path.ends_with('/') {
            // A `*` right behind it would take the whole directory, for `/` the whole site.
            paths.insert(format!("{path}?*"));
        } else {
            paths.insert(format!("{path}*"));
            return;
        }
    }
    paths.insert(path);
}

/// Whether the decoded `path` is what a configuration calls `configured`, encoded or not, with a leading slash or not.
fn same_path(path: &str, configured: &str) -> bool {
    let configured = configured.trim_start_matches('/');
    !configured.is_empty() && (configured == path || percent_decode_str(configured).decode_utf8_lossy() == path)
}

/// Whether a path pattern takes the URL path: `*` is any number of characters, `?` one, a leading slash is optional.
///
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/DownloadDistValuesCacheBehavior.html#DownloadDistValuesPathPattern>
fn matches(pattern: &str, url: &str) -> bool {
    is_like(pattern.trim_start_matches('/'), url.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behavior(pattern: &str, prefixes: &[&str]) -> Behavior {
        Behavior {
            pattern: pattern.into(),
            key_prefixes: prefixes.iter().map(|&prefix| prefix.into()).collect(),
            ..Behavior::default()
        }
    }

    fn view(behaviors: Vec<Behavior>) -> View {
        View {
            behaviors,
            ..View::default()
        }
    }

    #[track_caller]
    fn check(view: &View, keys: &[&str], expected: &[&str]) {
        let paths: Vec<String> = view.paths(keys.iter().copied()).into_iter().collect();
        assert_eq!(paths, expected, "{keys:?}");
    }

    #[test]
    fn index_pages_are_their_directory_too() {
        let view = View::assumed("");
        check(&view, &["a/index.html"], &["/a/", "/a/index.html"]);
        check(&view, &["index.html"], &["/", "/index.html"]);
        check(
            &view,
            &["a/myindex.html", "INDEX.HTML"],
            &["/INDEX.HTML", "/a/myindex.html"],
        );
    }

    #[test]
    fn the_origin_path_is_stripped_and_keys_outside_are_left_out() {
        let view = view(vec![behavior("*", &["prod/site/"])]);
        check(
            &view,
            &["prod/site/a.js", "prod/siteb.js", "other/a.js", "prod/"],
            &["/a.js"],
        );
        check(&view, &["prod/site/index.html"], &["/", "/index.html"]);
        assert!(view.serves("prod/") && view.serves("prod/site/x/") && view.serves(""));
        assert!(!view.serves("other/"));
    }

    #[test]
    fn the_default_root_object_is_the_root_too() {
        let mut view = View::assumed("");
        view.default_root_object = "app/start page.html".into();
        check(&view, &["app/start page.html"], &["/", "/app/start%20page.html"]);
        view.default_root_object = "app/start%20page.html".into();
        check(&view, &["app/start page.html"], &["/", "/app/start%20page.html"]);
        view.default_root_object = "index.html".into();
        check(
            &view,
            &["index.html", "app/b.html"],
            &["/", "/app/b.html", "/index.html"],
        );
    }

    #[test]
    fn a_custom_error_page_is_everywhere() {
        let mut view = view(vec![behavior("*", &["p/"])]);
        view.error_pages = vec!["/errors/404.html".into()];
        check(&view, &["p/a.html", "p/errors/404.html"], &["/*"]);
        check(&view, &["errors/404.html", "p/404.html"], &["/404.html"]);
    }

    #[test]
    fn query_strings_in_the_cache_key_are_covered_and_nothing_else_is() {
        let mut view = View::assumed("");
        view.behaviors[0].query_strings = true;
        check(&view, &["a.js"], &["/a.js*"]);
        check(&view, &["x/index.html"], &["/x/", "/x/?*", "/x/index.html*"]);
        check(&view, &["index.html"], &["/", "/?*", "/index.html*"]);
        check(&view, &["a~b"], &["/a*"]);
    }

    #[test]
    fn a_key_is_served_where_the_first_matching_behavior_gets_it_from_the_bucket() {
        let view = view(vec![
            behavior("api/*", &[]),
            behavior("/assets/*.js", &["static/"]),
            behavior("*", &["site/"]),
        ]);
        check(&view, &["site/a.html"], &["/a.html"]);
        check(&view, &["site/api/a.html"], &[]);
        check(&view, &["site/assets/a.js"], &[]);
        check(&view, &["site/assets/a.css"], &["/assets/a.css"]);
        check(&view, &["static/assets/b.js"], &["/assets/b.js"]);
        check(&view, &["static/b.js"], &[]);
    }

    #[test]
    fn an_index_page_counts_when_either_of_its_paths_is_served() {
        let view = view(vec![behavior("*.html", &[]), behavior("*", &[""])]);
        check(&view, &["x/index.html"], &["/x/", "/x/index.html"]);
        check(&view, &["x/page.html"], &[]);
    }

    #[test]
    fn a_behavior_with_a_function_serves_what_its_pattern_does_not_show() {
        let mut rewriting = behavior("docs/*", &["site/"]);
        rewriting.rewrites = true;
        let view = view(vec![rewriting, behavior("*", &[])]);
        check(&view, &["site/a.html"], &["/a", "/a.html", "/a/"]);
    }

    #[test]
    fn an_unknown_distribution_may_have_the_prefix_for_its_origin_path_or_no_origin_path() {
        check(&View::assumed("docs/"), &["docs/a.html"], &["/a.html", "/docs/a.html"]);
        let unknown = view(vec![behavior("api/*", &[]), behavior("*", &[])]);
        assert!(!unknown.has_bucket());
        let taken = unknown.with_origin_path("docs/");
        assert!(taken.has_bucket());
        check(&taken, &["docs/a.html"], &["/a.html"]);
    }

    #[test]
    fn a_plus_is_invalidated_in_both_spellings() {
        check(&View::assumed(""), &["c++.html"], &["/c%2B%2B.html", "/c++.html"]);
        let mut view = View::assumed("");
        view.behaviors[0].query_strings = true;
        check(&view, &["a+b"], &["/a%2Bb*", "/a+b*"]);
    }

    #[test]
    fn where_a_function_rewrites_addresses_a_page_has_all_its_usual_ones() {
        let mut rewriting = behavior("*", &[""]);
        rewriting.rewrites = true;
        let view = view(vec![rewriting]);
        check(
            &view,
            &["about/index.html"],
            &["/about", "/about/", "/about/index.html"],
        );
        check(&view, &["about.html"], &["/about", "/about.html", "/about/"]);
        check(&view, &["index.html", "a.js"], &["/", "/a.js", "/index.html"]);
    }

    #[test]
    fn two_origins_of_one_bucket_serve_a_key_under_two_paths() {
        let view = view(vec![behavior("old/*", &[""]), behavior("*", &["old/", "new/"])]);
        check(&view, &["old/a.js"], &["/a.js", "/old/a.js"]);
        check(&view, &["new/a.js"], &["/a.js"]);
    }

    #[test]
    fn patterns_match_as_cloudfront_matches_them() {
        for (pattern, url, expected) in [
            ("*", "/", true),
            ("*", "/a/b", true),
            ("/images/*.jpg", "/images/a/b.jpg", true),
            ("images/*.jpg", "/images/a.jpg", true),
            ("images/*.jpg", "/images/a.JPG", false),
            ("*.html", "/index.htm", false),
            ("a?c", "/abc", true),
            ("a?c", "/ac", false),
            ("a*b*c", "/aXbYbZc", true),
            ("a*b*c", "/aXbYbZ", false),
            ("index.html", "/index.html", true),
            ("index.html", "/", false),
        ] {
            assert_eq!(matches(pattern, url), expected, "{pattern} {url}");
        }
    }

    #[test]
    fn patterns_match_encoded_and_decoded_paths() {
        let view = view(vec![
            behavior("a%20b/*", &["x/"]),
            behavior("c d/*", &["x/"]),
            behavior("*", &[]),
        ]);
        check(&view, &["x/a b/1", "x/c d/2", "x/e f/3"], &["/a%20b/1", "/c%20d/2"]);
    }
}
