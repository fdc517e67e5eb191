//! Who may read a bucket's objects, by its policy and Block Public Access.

use serde_json::Value;

use crate::core::wildcard::is_like;

/// Who asks S3 for an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ObjectReader {
    /// Anybody: a visitor at the bucket's own address or website endpoint, or a distribution without origin access.
    Anonymous,
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
    /// A statement denies it, whatever others allow.
    Denied,
    /// No statement allows it.
    NotAllowed,
    /// CloudFront is allowed, for another distribution: the value of its condition.
    OtherDistribution(String),
    /// CloudFront is allowed, for distributions of another account: the value of its condition.
    OtherAccount(String),
}

/// What [Block Public Access] says about bucket policies and ACLs.
///
/// [Block Public Access]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct PublicBlock {
    /// Writes with a public ACL are refused.
    pub(crate) blocks_acls: bool,
    /// Public ACLs have no effect.
    pub(crate) ignores_acls: bool,
    /// A public policy lets nobody in from outside the account but AWS's services.
    pub(crate) restricts_policies: bool,
}

/// Whether `policy` lets `reader` get the object `arn`.
#[must_use]
pub(crate) fn access(policy: &Value, reader: &ObjectReader, object_arn: &str) -> Access {
    access_to("s3:getobject", policy, reader, object_arn)
}

/// Whether `policy` lets `reader` list the bucket `arn`: then S3 answers 404 for what is not there, else 403.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html>
#[must_use]
pub(crate) fn may_list(policy: &Value, reader: &ObjectReader, arn: &str) -> bool {
    access_to("s3:listbucket", policy, reader, arn) == Access::Allowed
}

fn access_to(action: &str, policy: &Value, reader: &ObjectReader, arn: &str) -> Access {
    let statements = match &policy["Statement"] {
        Value::Array(statements) => statements.as_slice(),
        Value::Null => &[],
        single => std::slice::from_ref(single),
    };
    let about_us = || {
        statements
            .iter()
            .filter(|statement| is_about(statement, reader, action, arn))
    };
    let is = |statement: &&Value, effect: &str| statement["Effect"] == effect;
    if about_us().any(|statement| is(&statement, "Deny") && conditions(statement, reader) == Condition::Holds) {
        return Access::Denied;
    }
    let mut other = None;
    for statement in about_us().filter(|statement| is(statement, "Allow")) {
        match conditions(statement, reader) {
            Condition::Holds => return Access::Allowed,
            Condition::Other(source) => other = Some(source),
            Condition::Unknown => {}
        }
    }
    other.unwrap_or(Access::NotAllowed)
}

/// Whether the statement speaks of this reader, of this action (in lower case), and of this resource.
fn is_about(statement: &Value, reader: &ObjectReader, action: &str, arn: &str) -> bool {
    let is_action = strings(&statement["Action"]).any(|named| is_like(&named.to_ascii_lowercase(), action));
    let is_resource = strings(&statement["Resource"]).any(|resource| is_like(resource, arn));
    is_action && is_resource && is_principal(&statement["Principal"], reader)
}

fn is_principal(principal: &Value, reader: &ObjectReader) -> bool {
    if principal == "*" || strings(&principal["AWS"]).any(|name| name == "*") {
        return true;
    }
    match reader {
        ObjectReader::Anonymous => false,
        ObjectReader::Distribution { .. } => {
            strings(&principal["Service"]).any(|name| name == "cloudfront.amazonaws.com")
        }
        ObjectReader::Identity(id) => {
            let user = format!("user/CloudFront Origin Access Identity {id}");
            // A canonical user id does not tell whose it is: the benefit of the doubt.
            strings(&principal["AWS"]).any(|name| name.ends_with(&user))
                || strings(&principal["CanonicalUser"]).next().is_some()
        }
    }
}

/// What the conditions of a statement come to for a reader.
#[derive(Debug, PartialEq, Eq)]
enum Condition {
    Holds,
    Other(Access),
    Unknown,
}

fn conditions(statement: &Value, reader: &ObjectReader) -> Condition {
    let Some(operators) = statement["Condition"].as_object() else {
        return Condition::Holds;
    };
    for (operator, keys) in operators {
        let is_equality = matches!(
            operator.as_str(),
            "StringEquals" | "StringLike" | "ArnEquals" | "ArnLike" | "StringEqualsIgnoreCase"
        );
        for (key, values) in keys.as_object().into_iter().flatten() {
            // Visitors are of no account, and CloudFront's service and identities of none of ours.
            if operator == "StringNotEquals" && key.eq_ignore_ascii_case("aws:PrincipalAccount") {
                continue;
            }
            let ObjectReader::Distribution { arn, account } = reader else {
                return Condition::Unknown;
            };
            let (actual, other): (_, fn(String) -> Access) = match key.to_ascii_lowercase().as_str() {
                "aws:sourcearn" if is_equality => (arn, Access::OtherDistribution),
                "aws:sourceaccount" if is_equality => (account, Access::OtherAccount),
                _ => return Condition::Unknown,
            };
            if !strings(values).any(|value| is_like(value, actual)) {
                return Condition::Other(other(strings(values).next().unwrap_or_default().to_owned()));
            }
        }
    }
    Condition::Holds
}

/// The strings of a value that is one or several.
fn strings(value: &Value) -> impl Iterator<Item = &str> {
    let several = value.as_array().map(Vec::as_slice).unwrap_or_default();
    value
        .as_str()
        .into_iter()
        .chain(several.iter().filter_map(Value::as_str))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const OBJECT: &str = "arn:aws:s3:::b/index.html";

    fn distribution() -> ObjectReader {
        ObjectReader::Distribution {
            arn: "arn:aws:cloudfront::123456789012:distribution/E1".to_owned(),
            account: "123456789012".to_owned(),
        }
    }

    fn policy(principal: Value, resource: &str, condition: Value) -> Value {
        json!({"Statement": [{
            "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": resource, "Condition": condition,
        }]})
    }

    #[test]
    fn a_public_policy_lets_everybody_in() {
        for policy in [
            policy(json!("*"), "arn:aws:s3:::b/*", Value::Null),
            policy(json!({"AWS": ["*"]}), "arn:aws:s3:::b/index.*", Value::Null),
            json!({"Statement": {"Effect": "Allow", "Principal": "*", "Action": ["s3:Get*"], "Resource": ["*"]}}),
        ] {
            for reader in [
                ObjectReader::Anonymous,
                distribution(),
                ObjectReader::Identity("X".to_owned()),
            ] {
                assert_eq!(access(&policy, &reader, OBJECT), Access::Allowed, "{policy}");
            }
        }
    }

    #[test]
    fn what_is_not_about_the_reader_or_the_object_allows_nothing() {
        for policy in [
            Value::Null,
            json!({"Statement": []}),
            policy(json!("*"), "arn:aws:s3:::b/other/*", Value::Null),
            policy(json!({"AWS": "arn:aws:iam::1:root"}), "arn:aws:s3:::b/*", Value::Null),
            json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "*"}]}),
            // Somebody's own condition may hold for some visitors; nobody can tell for which.
            policy(json!("*"), "*", json!({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})),
        ] {
            assert_eq!(
                access(&policy, &ObjectReader::Anonymous, OBJECT),
                Access::NotAllowed,
                "{policy}"
            );
        }
    }

    #[test]
    fn a_distribution_is_let_in_by_its_arn() {
        let service = || json!({"Service": "cloudfront.amazonaws.com"});
        let by = |condition| policy(service(), "arn:aws:s3:::b/*", condition);
        for (policy, expected) in [
            (
                by(json!({"StringEquals": {"AWS:SourceArn": "arn:aws:cloudfront::123456789012:distribution/E1"}})),
                Access::Allowed,
            ),
            (
                by(json!({"ArnLike": {"aws:SourceArn": ["arn:aws:cloudfront::123456789012:distribution/*"]}})),
                Access::Allowed,
            ),
            (
                by(json!({"StringEquals": {"aws:SourceAccount": "123456789012"}})),
                Access::Allowed,
            ),
            (by(Value::Null), Access::Allowed),
            (
                by(json!({"StringEquals": {"AWS:SourceArn": "arn:aws:cloudfront::123456789012:distribution/E2"}})),
                Access::OtherDistribution("arn:aws:cloudfront::123456789012:distribution/E2".to_owned()),
            ),
            (
                by(json!({"StringEquals": {"AWS:SourceAccount": "999999999999"}})),
                Access::OtherAccount("999999999999".to_owned()),
            ),
        ] {
            assert_eq!(access(&policy, &distribution(), OBJECT), expected, "{policy}");
            assert_eq!(
                access(&policy, &ObjectReader::Anonymous, OBJECT),
                Access::NotAllowed,
                "{policy}"
            );
        }
    }

    #[test]
    fn an_identity_is_let_in_by_its_name() {
        let name = "arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E9";
        let policy = policy(json!({"AWS": name}), "arn:aws:s3:::b/*", Value::Null);
        assert_eq!(
            access(&policy, &ObjectReader::Identity("E9".to_owned()), OBJECT),
            Access::Allowed
        );
        assert_eq!(
            access(&policy, &ObjectReader::Identity("E8".to_owned()), OBJECT),
            Access::NotAllowed
        );
    }

    #[test]
    fn a_denial_outweighs_and_one_with_a_condition_does_not_count() {
        let allow =
            json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"});
        let deny = |more: Value| {
            let mut deny =
                json!({"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::b/*"});
            deny["Condition"] = more;
            json!({"Statement": [allow, deny]})
        };
        assert_eq!(
            access(&deny(Value::Null), &ObjectReader::Anonymous, OBJECT),
            Access::Denied
        );
        let insecure = json!({"Bool": {"aws:SecureTransport": "false"}});
        assert_eq!(
            access(&deny(insecure), &ObjectReader::Anonymous, OBJECT),
            Access::Allowed
        );
    }
}
