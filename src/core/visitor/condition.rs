//! Whether the conditions of a policy's statement hold for somebody who asks S3 for an object.
//!
//! What each key is for whom: [global condition keys]. What is not known beforehand is never guessed.
//!
//! [global condition keys]: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html

use serde_json::Value;

use crate::core::visitor::reader::{Access, ObjectReader, strings};
use crate::core::wildcard::is_like;

/// What the conditions of a statement come to for a reader.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// All of them hold.
    Holds,
    /// One does not.
    Fails,
    /// They hold for another distribution or account.
    Other(Access),
    /// That depends on this key.
    Unknown(String),
}

/// What a condition key is for a reader.
enum Given<'a> {
    /// This.
    Value(&'a str),
    /// The request does not have it.
    Absent,
    /// Nobody knows.
    Unknown,
}

/// What the conditions of `statement` come to for `reader`.
pub(super) fn conditions(statement: &Value, reader: &ObjectReader) -> Condition {
    let (mut other, mut unknown) = (None, None);
    let operators = statement["Condition"].as_object().into_iter().flatten();
    for (operator, keys) in operators {
        for (key, values) in keys.as_object().into_iter().flatten() {
            match holds(operator, values, &given(key, reader)) {
                Some(true) => {}
                Some(false) => match (source(key, reader), is_negated(operator)) {
                    (Some(meant), false) => other = Some(meant(strings(values).next().unwrap_or_default().to_owned())),
                    _ => return Condition::Fails,
                },
                None => unknown = Some(key.clone()),
            }
        }
    }
    match (other, unknown) {
        (Some(other), _) => Condition::Other(other),
        (None, Some(key)) => Condition::Unknown(key),
        (None, None) => Condition::Holds,
    }
}

fn is_negated(operator: &str) -> bool {
    operator.contains("Not")
}

/// What a distribution is told that another one's key is named.
fn source(key: &str, reader: &ObjectReader) -> Option<fn(String) -> Access> {
    match (key.to_ascii_lowercase().as_str(), reader) {
        ("aws:sourcearn", ObjectReader::Distribution { .. }) => Some(Access::OtherDistribution),
        ("aws:sourceaccount", ObjectReader::Distribution { .. }) => Some(Access::OtherAccount),
        _ => None,
    }
}

fn given<'r>(key: &str, reader: &'r ObjectReader) -> Given<'r> {
    match (key.to_ascii_lowercase().as_str(), reader) {
        ("aws:sourcearn", ObjectReader::Distribution { arn, .. }) => Given::Value(arn),
        ("aws:sourceaccount", ObjectReader::Distribution { account, .. }) => Given::Value(account),
        ("aws:securetransport", ObjectReader::Website) => Given::Value("false"),
        ("aws:securetransport", _) => Given::Value("true"),
        ("aws:principalisawsservice", ObjectReader::Distribution { .. }) => Given::Value("true"),
        ("aws:principalisawsservice", _) => Given::Value("false"),
        // "Anonymous requests return `anonymous`."
        ("aws:principalaccount", ObjectReader::Anonymous | ObjectReader::Website) => Given::Value("anonymous"),
        // Services and identities are of none of ours.
        ("aws:principalaccount", _) => Given::Absent,
        // Only a network of one's own has the former, and only a caller with an account the latter.
        ("aws:sourcevpc" | "aws:sourcevpce" | "aws:vpcsourceip" | "aws:sourcearn" | "aws:sourceaccount", _)
        | ("aws:principalorgid" | "aws:principalorgpaths" | "aws:principalarn" | "aws:userid" | "aws:username", _) => {
            Given::Absent
        }
        _ => Given::Unknown,
    }
}

/// Whether one condition holds: a key that the request does not have fails it, unless it is negated or says `IfExists`.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>
fn holds(operator: &str, values: &Value, given: &Given<'_>) -> Option<bool> {
    let bare = operator.strip_suffix("IfExists").unwrap_or(operator);
    let given = match given {
        Given::Unknown => return None,
        Given::Absent => None,
        Given::Value(value) => Some(*value),
    };
    // `"false"` is written as a word, or as what it is.
    let mut wanted: Vec<String> = strings(values).map(ToOwned::to_owned).collect();
    let flags = values.as_array().map_or(std::slice::from_ref(values), Vec::as_slice);
    wanted.extend(flags.iter().filter_map(Value::as_bool).map(|flag| flag.to_string()));
    let is_like_any = |value: &str| wanted.iter().any(|pattern| is_like(pattern, value));
    let is = |value: &str| wanted.iter().any(|pattern| pattern.eq_ignore_ascii_case(value));
    match (bare, given) {
        ("Null", given) => Some(wanted.iter().any(|wanted| (wanted == "true") == given.is_none())),
        (
            "StringEquals"
            | "StringEqualsIgnoreCase"
            | "StringLike"
            | "ArnEquals"
            | "ArnLike"
            | "Bool"
            | "StringNotEquals"
            | "StringNotEqualsIgnoreCase"
            | "StringNotLike"
            | "ArnNotEquals"
            | "ArnNotLike",
            None,
        ) => Some(is_negated(bare) || bare != operator),
        ("StringEqualsIgnoreCase" | "Bool", Some(value)) => Some(is(value)),
        ("StringNotEqualsIgnoreCase", Some(value)) => Some(!is(value)),
        ("StringEquals" | "StringLike" | "ArnEquals" | "ArnLike", Some(value)) => Some(is_like_any(value)),
        ("StringNotEquals" | "StringNotLike" | "ArnNotEquals" | "ArnNotLike", Some(value)) => Some(!is_like_any(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(condition: &Value, reader: &ObjectReader) -> Condition {
        conditions(&json!({"Condition": condition}), reader)
    }

    #[test]
    fn what_visitors_and_distributions_have_and_have_not_is_known() {
        let distribution = ObjectReader::Distribution {
            arn: "arn:aws:cloudfront::123456789012:distribution/E1".to_owned(),
            account: "123456789012".to_owned(),
        };
        let anonymous = ObjectReader::Anonymous;
        for (condition, reader, expected) in [
            (
                json!({"Bool": {"aws:SecureTransport": "false"}}),
                &anonymous,
                Condition::Fails,
            ),
            (
                json!({"Bool": {"aws:SecureTransport": false}}),
                &ObjectReader::Website,
                Condition::Holds,
            ),
            (
                json!({"StringNotEquals": {"aws:PrincipalAccount": "123456789012"}}),
                &anonymous,
                Condition::Holds,
            ),
            (
                json!({"StringNotEquals": {"aws:PrincipalAccount": "123456789012"}}),
                &distribution,
                Condition::Holds,
            ),
            (
                json!({"StringEquals": {"aws:PrincipalOrgID": "o-1"}}),
                &anonymous,
                Condition::Fails,
            ),
            (
                json!({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}),
                &distribution,
                Condition::Holds,
            ),
            (
                json!({"StringNotEqualsIfExists": {"aws:SourceVpc": "vpc-1"}}),
                &anonymous,
                Condition::Holds,
            ),
            (
                json!({"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}),
                &distribution,
                Condition::Fails,
            ),
            (json!({"Null": {"aws:SourceVpc": "true"}}), &anonymous, Condition::Holds),
            (
                json!({"StringLike": {"aws:Referer": "x"}}),
                &anonymous,
                Condition::Unknown("aws:Referer".to_owned()),
            ),
            (
                json!({"DateLessThan": {"aws:SecureTransport": "x"}}),
                &anonymous,
                Condition::Unknown("aws:SecureTransport".to_owned()),
            ),
            (
                json!({"StringLike": {"aws:Referer": "x"}, "StringEquals": {"aws:SourceVpc": "v"}}),
                &anonymous,
                Condition::Fails,
            ),
            (
                json!({"StringEquals": {"aws:SourceAccount": "9"}}),
                &distribution,
                Condition::Other(Access::OtherAccount("9".to_owned())),
            ),
            (
                json!({"ArnNotLike": {"aws:SourceArn": "arn:aws:cloudfront::*"}}),
                &distribution,
                Condition::Fails,
            ),
        ] {
            assert_eq!(of(&condition, reader), expected, "{condition}");
        }
    }
}
