//! Names of buckets, and what people write instead of one.

use crate::core::cdn::origins::is_amazon_host;
use crate::core::inputs::reader::Reader;
use crate::core::secret::shown_text;

/// Checks the value `bucket` of the input `input`; a path inside it belongs in the input `path_input`, where there is one.
pub(crate) fn check(reader: &mut Reader<'_>, input: &'static str, bucket: &str, path_input: Option<&'static str>) {
    if bucket.ends_with("--x-s3") {
        reader.reject(
            input,
            "a general purpose bucket; directory buckets (S3 Express One Zone) are not supported",
        );
        return;
    }
    if bucket.starts_with("arn:") && bucket.contains(":accesspoint") {
        reader.reject(input, "the name of a bucket; access points are not supported");
        return;
    }
    if let Some((name, path)) = bucket_in(bucket) {
        // Under the old names the step stays what it is.
        let old = reader.given(input).filter(|given| given.name == "AWS_S3_BUCKET");
        let name_of = |name: &'static str| match (old, name) {
            (Some(_), "bucket") => "AWS_S3_BUCKET",
            (Some(_), "prefix") => "DEST_DIR",
            _ => name,
        };
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let path = path_input
            .filter(|_| !path.is_empty())
            .map(|path_input| format!(" and `{}: {path}`", name_of(path_input)))
            .unwrap_or_default();
        reader.reject(
            input,
            &format!(
                "the bucket's name alone: write `{}: {}`{path}",
                name_of(input),
                shown_text(name)
            ),
        );
        return;
    }
    // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; other stores, and old buckets in
    // us-east-1, allow upper case and underscores.
    let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:".contains(&byte);
    if !(3..=255).contains(&bucket.len()) || !bucket.bytes().all(valid) {
        reader.reject(
            input,
            "the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens",
        );
    }
}

/// Bucket and path in an ARN, an address of S3, a website address, or a name with a path.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>,
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html>
fn bucket_in(text: &str) -> Option<(&str, &str)> {
    let split = |text: &'_ str| -> (usize, usize) {
        let end = text.find('/').unwrap_or(text.len());
        (end, (end + 1).min(text.len()))
    };
    let name_and_path = |text: &'_ str| {
        let (end, path) = split(text);
        (end > 0).then_some((end, path))
    };
    if let Some(rest) = text.strip_prefix("s3://") {
        let (end, path) = name_and_path(rest)?;
        return Some((&rest[..end], &rest[path..]));
    }
    if text.starts_with("arn:") {
        let rest = text.splitn(6, ':').nth(5)?;
        let (end, path) = name_and_path(rest)?;
        return Some((&rest[..end], rest[path..].trim_end_matches('*')));
    }
    let is_url = text.starts_with("https://") || text.starts_with("http://");
    let rest = text.trim_start_matches("https://").trim_start_matches("http://");
    let (end, path) = split(rest);
    let (host, path) = (&rest[..end], &rest[path..]);
    if !is_amazon_host(host.rsplit_once(':').map_or(host, |(host, _)| host)) {
        // A name with a path; of any other address the bucket cannot be told.
        return (!is_url && end < rest.len() && !host.is_empty()).then_some((host, path));
    }
    if host.starts_with("s3.") || host.starts_with("s3-") {
        let (end, inner) = name_and_path(path)?;
        return Some((&path[..end], &path[inner..]));
    }
    let name = [".s3.", ".s3-"]
        .into_iter()
        .find_map(|mark| Some(&host[..host.rfind(mark)?]))?;
    Some((name, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_is_found_in_what_people_write() {
        for (text, expected) in [
            ("my-bucket", None),
            ("example.org", None),
            ("https://example.org", None),
            ("s3://my-bucket", Some(("my-bucket", ""))),
            ("s3://my-bucket/docs/v1", Some(("my-bucket", "docs/v1"))),
            ("my-bucket/docs", Some(("my-bucket", "docs"))),
            ("my-bucket/", Some(("my-bucket", ""))),
            ("arn:aws:s3:::my-bucket", Some(("my-bucket", ""))),
            ("arn:aws-cn:s3:::my-bucket/*", Some(("my-bucket", ""))),
            ("https://my-bucket.s3.amazonaws.com/", Some(("my-bucket", ""))),
            (
                "https://www.example.org.s3.eu-central-1.amazonaws.com/a",
                Some(("www.example.org", "a")),
            ),
            (
                "https://s3.eu-central-1.amazonaws.com/my-bucket/a",
                Some(("my-bucket", "a")),
            ),
            ("my-bucket.s3-website-us-east-1.amazonaws.com", Some(("my-bucket", ""))),
            (
                "http://my-bucket.s3-website.eu-central-1.amazonaws.com",
                Some(("my-bucket", "")),
            ),
            (
                "my-bucket.s3-website.cn-north-1.amazonaws.com.cn",
                Some(("my-bucket", "")),
            ),
            (
                "http://my-bucket.s3-website.eusc-de-east-1.amazonaws.eu",
                Some(("my-bucket", "")),
            ),
        ] {
            assert_eq!(bucket_in(text), expected, "{text}");
        }
    }
}
