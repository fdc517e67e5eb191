//! Who asks a bucket for objects, and what its policy says to that.

use serde_json::Value;

/// Who asks S3 for an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ObjectReader {
    /// Anybody, at the bucket's own address: a visitor, or a distribution that does not sign its requests.
    Anonymous,
    /// Anybody, at the bucket's website endpoint, which speaks http only.
    Website,
    /// A distribution by [origin access control].
    ///
    /// [origin access control]: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html
    Distribution {
        /// Its ARN.
        arn: String,
        /// Its account.
        account: String,
    },
    /// A distribution by an origin access identity, with this id.
    Identity(String),
}

/// What a policy says about a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Access {
    /// The objects can be read.
    Allowed,
    /// The statement at this place denies it, whatever others allow.
    Denied(usize),
    /// No statement allows it.
    NotAllowed,
    /// Whether they can be read depends on this condition key, which nobody can know beforehand.
    Conditional(String),
    /// CloudFront is allowed, for another distribution: the value of its condition.
    OtherDistribution(String),
    /// CloudFront is allowed, for distributions of another account: the value of its condition.
    OtherAccount(String),
}

/// The strings of a value that is one or several.
pub(super) fn strings(value: &Value) -> impl Iterator<Item = &str> {
    let several = value.as_array().map(Vec::as_slice).unwrap_or_default();
    value
        .as_str()
        .into_iter()
        .chain(several.iter().filter_map(Value::as_str))
}
