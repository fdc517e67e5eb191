//! Which bucket is behind an origin's domain name.

/// The DNS suffixes of S3 in AWS's partitions.
///
/// <https://docs.aws.amazon.com/general/latest/gr/s3.html>
const SUFFIXES: &[&str] = &[
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
    // The dual-stack endpoints that are no subdomains of the above.
    "api.amazonwebservices.com.cn",
];

/// The origin path, as a key prefix, of an origin that is `bucket`: `None` when the origin is something else.
///
/// Every domain of a bucket counts: global (`b.s3.amazonaws.com`), regional (`b.s3.eu-west-1.amazonaws.com`), legacy
/// (`b.s3-eu-west-1.amazonaws.com`), dual-stack, FIPS, accelerated, [website] (dash and dot), in every partition; and S3's
/// own domain with the bucket as first segment of the origin path. The region is not compared: a bucket's name
/// belongs to one bucket of a partition.
///
/// The alias of an access point (`…-s3alias.s3.eu-west-1.amazonaws.com`) tells no bucket, and counts as this one.
///
/// The answer is empty, or ends in `/`: what a key of this origin begins with.
///
/// [website]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/WebsiteEndpoints.html
#[must_use]
pub(crate) fn key_prefix(domain: &str, origin_path: &str, bucket: &str) -> Option<String> {
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    let path = origin_path.trim_matches('/');
    let endpoint = domain
        .strip_prefix(&bucket.to_ascii_lowercase())
        .and_then(|rest| rest.strip_prefix('.'));
    if endpoint.is_some_and(is_s3) || is_alias(&domain) {
        return Some(as_prefix(path));
    }
    if is_s3(&domain) {
        let rest = path.strip_prefix(bucket)?;
        return match rest.strip_prefix('/') {
            Some(rest) => Some(as_prefix(rest)),
            None => rest.is_empty().then(String::new),
        };
    }
    None
}

/// Whether `domain` belongs to a bucket (this one or another) for certain: not to an access point, a load balancer or a
/// name of somebody's own, behind which may be any bucket.
#[must_use]
pub(crate) fn is_bucket(domain: &str) -> bool {
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    // Services beside S3's own, whose names say no bucket.
    let is_other = [
        ".s3-accesspoint",
        ".s3-object-lambda",
        ".s3-outposts",
        // A Multi-Region Access Point, `….mrap.accesspoint.s3-global.amazonaws.com`:
        // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3-mrap.html
        ".accesspoint.s3-global.",
    ]
    .iter()
    .any(|service| domain.contains(service));
    !is_other
        && domain
            .match_indices('.')
            .map(|(dot, _)| (&domain[..dot], &domain[dot + 1..]))
            .chain([("", domain.as_str())])
            .any(|(name, endpoint)| is_s3(endpoint) && !name.ends_with("--ol-s3"))
}

/// Whether `host` is one of AWS's own, in any partition.
#[must_use]
pub(crate) fn is_amazon_host(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    SUFFIXES
        .iter()
        .any(|suffix| host.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.')))
}

/// Whether `domain` is the S3 domain of an access point's alias.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-points-naming.html#access-points-alias>
fn is_alias(domain: &str) -> bool {
    domain
        .split_once('.')
        .is_some_and(|(name, endpoint)| name.ends_with("-s3alias") && is_s3(endpoint))
}

/// Whether `host` is an endpoint of S3: `s3`, what belongs to it, and a partition's suffix.
fn is_s3(host: &str) -> bool {
    SUFFIXES.iter().any(|suffix| {
        host.strip_suffix(suffix)
            .and_then(|host| host.strip_suffix('.'))
            .is_some_and(|service| {
                // A region and `dualstack` may follow; a second `s3` means that the first belongs to a bucket's name.
                let is_service = |label: &str| label == "s3" || label.starts_with("s3-");
                let mut labels = service.split('.');
                labels.next().is_some_and(is_service) && labels.clone().count() <= 2 && !labels.any(is_service)
            })
    })
}

fn as_prefix(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!("{path}/")
    }
}

#[cfg(test)]
mod tests {
    use super::{is_bucket, key_prefix};

    #[test]
    fn every_domain_of_a_bucket_is_recognized() {
        for domain in [
            "b.s3.amazonaws.com",
            "b.s3.eu-west-1.amazonaws.com",
            "b.s3-eu-west-1.amazonaws.com",
            "b.s3.dualstack.eu-west-1.amazonaws.com",
            "b.s3-fips.us-gov-west-1.amazonaws.com",
            "b.s3-accelerate.amazonaws.com",
            "b.s3-accelerate.dualstack.amazonaws.com",
            "b.s3-website-us-east-1.amazonaws.com",
            "b.s3-website.eu-central-1.amazonaws.com",
            "b.s3.cn-north-1.amazonaws.com.cn",
            "b.s3-website.cn-northwest-1.amazonaws.com.cn",
            "B.S3.amazonaws.com.",
        ] {
            assert_eq!(key_prefix(domain, "", "b").as_deref(), Some(""), "{domain}");
            assert_eq!(
                key_prefix(domain, "/site/v2", "b").as_deref(),
                Some("site/v2/"),
                "{domain}"
            );
        }
        let dotted = key_prefix(
            "www.example.com.s3-website-us-east-1.amazonaws.com",
            "",
            "www.example.com",
        );
        assert_eq!(dotted.as_deref(), Some(""));
    }

    #[test]
    fn s3s_own_domain_has_the_bucket_in_the_origin_path() {
        let prefix = |path| key_prefix("s3.eu-west-1.amazonaws.com", path, "b");
        assert_eq!(prefix("/b").as_deref(), Some(""));
        assert_eq!(prefix("/b/site").as_deref(), Some("site/"));
        assert_eq!(prefix("/bb"), None);
        assert_eq!(prefix(""), None);
    }

    #[test]
    fn the_alias_of_an_access_point_counts_as_the_bucket() {
        let alias = "my-ap-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias.s3.eu-west-1.amazonaws.com";
        assert_eq!(key_prefix(alias, "/site", "b").as_deref(), Some("site/"));
        assert_eq!(key_prefix("x-s3alias.example.com", "", "b"), None);
    }

    #[test]
    fn some_origins_are_a_bucket_for_certain_and_behind_others_may_be_any() {
        for (domain, expected) in [
            ("c.s3.eu-west-1.amazonaws.com", true),
            ("www.example.com.s3-website-us-east-1.amazonaws.com", true),
            ("s3.amazonaws.com", true),
            ("static.example.com", false),
            ("lb-1234.eu-west-1.elb.amazonaws.com", false),
            ("ap-123456789012.s3-accesspoint.eu-west-1.amazonaws.com", false),
            ("mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com", false),
            ("mfzwi23gnjvgw.accesspoint.s3-global.amazonaws.com", false),
        ] {
            assert_eq!(is_bucket(domain), expected, "{domain}");
        }
    }

    #[test]
    fn other_origins_are_not_this_bucket() {
        for domain in [
            "example.com",
            "c.s3.amazonaws.com",
            "a.b.s3.amazonaws.com",
            "bb.s3.amazonaws.com",
            "b.example.com",
            "b.s3.example.com",
            "b.execute-api.eu-west-1.amazonaws.com",
            "b.s3.a.b.c.amazonaws.com",
            "b.s3-x.s3.amazonaws.com",
            "s3-x.s3.amazonaws.com",
            "b",
        ] {
            assert_eq!(key_prefix(domain, "/b", "b"), None, "{domain}");
        }
    }
}
