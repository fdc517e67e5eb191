//! Files that steer other hosts and web servers, and mean nothing to S3: it serves them.

use crate::core::site::plan::SiteWarning;

/// A file name, what reads it elsewhere, and what to do instead.
const FOREIGN: [(&str, &str, &str); 6] = [
    (
        "_redirects",
        "Netlify's and Cloudflare Pages' redirects",
        "upload an empty object for each address and give it the header `x-amz-website-redirect-location` by `headers`, or use a \
         CloudFront function",
    ),
    (
        "_headers",
        "Netlify's and Cloudflare Pages' headers",
        "write them into `headers`, or into a response headers policy of CloudFront",
    ),
    (
        ".htaccess",
        "Apache's configuration",
        "use `headers`, the bucket's error document, or a CloudFront function",
    ),
    (
        "netlify.toml",
        "Netlify's configuration",
        "use `headers`, the bucket's error document, or a CloudFront function",
    ),
    (
        "vercel.json",
        "Vercel's configuration",
        "use `headers`, the bucket's error document, or a CloudFront function",
    ),
    (
        "staticwebapp.config.json",
        "the configuration of Azure Static Web Apps",
        "use `headers`, the bucket's error document, or a CloudFront function",
    ),
];

/// A warning for each kind of such a file among `paths`: the first of its kind.
#[must_use]
pub(crate) fn foreign_files<'p>(paths: impl Iterator<Item = &'p str> + Clone) -> Vec<SiteWarning> {
    FOREIGN
        .iter()
        .filter_map(|(name, what, instead)| {
            let path = paths
                .clone()
                .find(|path| path.rsplit('/').next().is_some_and(|last| last == *name))?;
            Some(SiteWarning {
                path: path.to_owned(),
                message: format!(
                    "is {what}, which S3 does not read: it serves the file to everybody. Instead, {instead}; leave the file \
                     out by `exclude`"
                ),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_named_once_with_what_to_do_instead() {
        let paths = [
            "_headers",
            "_redirects",
            "a/.htaccess",
            "b/.htaccess",
            "index.html",
            "my_redirects",
        ];
        let warnings = foreign_files(paths.into_iter());
        let named: Vec<&str> = warnings.iter().map(|warning| warning.path.as_str()).collect();
        assert_eq!(named, ["_redirects", "_headers", "a/.htaccess"]);
        assert!(warnings[0].message.contains("x-amz-website-redirect-location"));
        assert!(warnings[1].message.contains("`headers`"));
        assert!(foreign_files(["index.html"].into_iter()).is_empty());
    }
}
