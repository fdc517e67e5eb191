//! Partitions and ARNs: how AWS's resources are called, in every part of its cloud.

/// A partition: its id, what its Regions begin with, and the Region that its global services are signed for.
///
/// The rows are those of botocore's `partitions.json`
/// (<https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json>).
const PARTITIONS: [(&str, &str, &str); 7] = [
    ("aws-cn", "cn-", "cn-northwest-1"),
    ("aws-us-gov", "us-gov-", "us-gov-west-1"),
    ("aws-iso", "us-iso-", "us-iso-east-1"),
    ("aws-iso-b", "us-isob-", "us-isob-east-1"),
    ("aws-iso-e", "eu-isoe-", "eu-isoe-west-1"),
    ("aws-iso-f", "us-isof-", "us-isof-south-1"),
    ("aws-eusc", "eusc-", "eusc-de-east-1"),
];

/// The partition of `region`; `aws` for one that is not known.
#[must_use]
pub(crate) fn partition_of(region: &str) -> &'static str {
    PARTITIONS
        .iter()
        .find(|(_, start, _)| region.starts_with(start))
        .map_or("aws", |(id, ..)| id)
}

/// The Region that the global services of `partition` are signed for.
#[must_use]
pub(crate) fn global_region(partition: &str) -> &'static str {
    PARTITIONS
        .iter()
        .find(|(id, ..)| *id == partition)
        .map_or("us-east-1", |(.., region)| region)
}

/// Partition and account of an ARN; `aws` and nothing for what is none.
#[must_use]
pub(crate) fn partition_and_account(arn: &str) -> (&str, &str) {
    let mut parts = arn.split(':');
    (parts.nth(1).unwrap_or("aws"), parts.nth(2).unwrap_or_default())
}

/// A bucket.
#[must_use]
pub(crate) fn bucket(partition: &str, bucket: &str) -> String {
    format!("arn:{partition}:s3:::{bucket}")
}

/// An object, or the objects that a pattern means.
#[must_use]
pub(crate) fn object(partition: &str, bucket: &str, key: &str) -> String {
    format!("arn:{partition}:s3:::{bucket}/{key}")
}

/// `text` where a policy would take `*`, `?` and `$` for more than themselves: in the resource of a statement or the value
/// of a condition ([special characters]).
///
/// [special characters]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars
#[must_use]
pub(crate) fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '*' | '?' | '$' => {
                out.push_str("${");
                out.push(character);
                out.push('}');
            }
            other => out.push(other),
        }
    }
    out
}

/// A distribution of CloudFront.
#[must_use]
pub(crate) fn distribution(partition: &str, account: &str, id: &str) -> String {
    format!("arn:{partition}:cloudfront::{account}:distribution/{id}")
}

/// An origin access control of CloudFront.
#[must_use]
pub(crate) fn origin_access_control(partition: &str, account: &str, id: &str) -> String {
    format!("arn:{partition}:cloudfront::{account}:origin-access-control/{id}")
}

/// A cache policy of CloudFront.
#[must_use]
pub(crate) fn cache_policy(partition: &str, account: &str, id: &str) -> String {
    format!("arn:{partition}:cloudfront::{account}:cache-policy/{id}")
}

/// An identity provider; `host` is its URL without the scheme.
#[must_use]
pub(crate) fn oidc_provider(partition: &str, account: &str, host: &str) -> String {
    format!("arn:{partition}:iam::{account}:oidc-provider/{host}")
}

/// Elastic Beanstalk in one Region of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BeanstalkArns(String);

impl BeanstalkArns {
    /// `*` stands for a Region or an account that is not known.
    #[must_use]
    pub(crate) fn new(partition: &str, region: &str, account: &str) -> Self {
        Self(format!("arn:{partition}:elasticbeanstalk:{region}:{account}"))
    }

    /// An application.
    #[must_use]
    pub(crate) fn application(&self, application: &str) -> String {
        format!("{}:application/{application}", self.0)
    }

    /// An application version, or `*`.
    #[must_use]
    pub(crate) fn version(&self, application: &str, label: &str) -> String {
        format!("{}:applicationversion/{application}/{label}", self.0)
    }

    /// An environment, or `*`.
    #[must_use]
    pub(crate) fn environment(&self, application: &str, environment: &str) -> String {
        format!("{}:environment/{application}/{environment}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_know_their_partition_and_its_global_region() {
        for (region, partition, global) in [
            ("eu-west-1", "aws", "us-east-1"),
            ("cn-north-1", "aws-cn", "cn-northwest-1"),
            ("us-gov-east-1", "aws-us-gov", "us-gov-west-1"),
            ("us-iso-west-1", "aws-iso", "us-iso-east-1"),
            ("us-isob-east-1", "aws-iso-b", "us-isob-east-1"),
            ("eu-isoe-west-1", "aws-iso-e", "eu-isoe-west-1"),
            ("us-isof-east-1", "aws-iso-f", "us-isof-south-1"),
            ("eusc-de-east-1", "aws-eusc", "eusc-de-east-1"),
            ("nowhere-1", "aws", "us-east-1"),
        ] {
            assert_eq!(partition_of(region), partition, "{region}");
            assert_eq!(global_region(partition), global, "{region}");
        }
    }

    #[test]
    fn what_a_policy_would_take_for_a_pattern_is_written_as_a_variable() {
        assert_eq!(literal("a/b-c_d.e/"), "a/b-c_d.e/");
        assert_eq!(literal("*/${aws:username}?"), "${*}/${$}{aws:username}${?}");
    }

    #[test]
    fn arns_are_as_aws_writes_them() {
        assert_eq!(object("aws-cn", "b", "p/*"), "arn:aws-cn:s3:::b/p/*");
        assert_eq!(
            distribution("aws", "123456789012", "E1"),
            "arn:aws:cloudfront::123456789012:distribution/E1"
        );
        let arns = BeanstalkArns::new("aws", "eu-west-1", "*");
        assert_eq!(
            arns.environment("web", "web-prod"),
            "arn:aws:elasticbeanstalk:eu-west-1:*:environment/web/web-prod"
        );
        assert_eq!(
            partition_and_account("arn:aws-us-gov:iam::123456789012:role/x"),
            ("aws-us-gov", "123456789012")
        );
        assert_eq!(partition_and_account("x"), ("aws", ""));
    }
}
