//! Invalidation paths: which URLs of a distribution show a changed key, written the way CloudFront wants them.
//!
//! [`origins`] recognizes the bucket behind an origin's domain, [`routes`] says which requests reach it, [`behaviors`] turns keys into the URL paths under which a
//! distribution serves them, [`encode`] writes a URL path as an invalidation path, and [`mod@collapse`] makes too many of
//! them few. All of it is pure: reading a distribution's configuration and sending anything is `aws::cdn`'s.

pub(crate) mod behaviors;
pub(crate) mod below;
pub(crate) mod collapse;
pub(crate) mod distribution;
pub(crate) mod encode;
pub(crate) mod invalidation;
pub(crate) mod origins;
pub(crate) mod routes;
pub(crate) mod tenants;

/// The path that invalidates everything.
pub(crate) const EVERYTHING: &str = "/*";

/// The most paths of one invalidation, and the most wildcards that CloudFront has in progress for a distribution.
///
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html#limits-invalidations>
pub(crate) const MAX_PATHS: usize = 3000;
/// See [`MAX_PATHS`].
pub(crate) const MAX_WILDCARDS: usize = 15;

/// Paths that cost nothing, a month and account, all distributions together; each further one is billed.
///
/// <https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/PayingForInvalidation.html>
pub(crate) const FREE_PATHS_A_MONTH: usize = 1000;

/// Whether the invalidation path `path` invalidates all that `other` does: it is the same, or a wildcard around it.
#[must_use]
pub(crate) fn covers(path: &str, other: &str) -> bool {
    match path.strip_suffix('*') {
        Some(beginning) => other.strip_suffix('*').unwrap_or(other).starts_with(beginning),
        None => path == other,
    }
}

#[cfg(test)]
mod tests {
    use crate::core::cdn::covers;

    #[test]
    fn a_wildcard_covers_its_beginning_and_narrower_wildcards() {
        for (path, other, expected) in [
            ("/a", "/a", true),
            ("/a", "/a/", false),
            ("/a", "/a*", false),
            ("/*", "/", true),
            ("/a/*", "/a/", true),
            ("/a/*", "/a", false),
            ("/a/*", "/a/b*", true),
            ("/a/b*", "/a/*", false),
            ("/a*", "/A", false),
        ] {
            assert_eq!(covers(path, other), expected, "{path} {other}");
        }
    }
}
