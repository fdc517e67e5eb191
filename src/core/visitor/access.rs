//! Who may read a bucket's objects, by its policy and Block Public Access.

use serde_json::Value;

use crate::core::visitor::condition::{Condition, conditions};
use crate::core::visitor::reader::{Access, ObjectReader, strings};
use crate::core::wildcard::is_like;

/// What [Block Public Access] says about bucket policies and ACLs.
///
/// [Block Public Access]: https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are S3's four settings")]
pub(crate) struct PublicBlock {
    /// Writes with a public ACL are refused.
    pub(crate) blocks_acls: bool,
    /// Public ACLs have no effect.
    pub(crate) ignores_acls: bool,
    /// Public policies are refused.
    pub(crate) blocks_policies: bool,
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
    let about_us = |effect: &'static str| {
        let about_us = statements.iter().enumerate();
        about_us.filter(move |(_, statement)| statement["Effect"] == effect && is_about(statement, reader, action, arn))
    };
    let mut denied_if = None;
    for (place, statement) in about_us("Deny") {
        match conditions(statement, reader) {
            Condition::Holds => return Access::Denied(place),
            Condition::Unknown(key) => denied_if = Some(key),
            Condition::Fails | Condition::Other(_) => {}
        }
    }
    let (mut is_allowed, mut allowed_if, mut other) = (false, None, None);
    for (_, statement) in about_us("Allow") {
        match conditions(statement, reader) {
            Condition::Holds => is_allowed = true,
            Condition::Unknown(key) => allowed_if = Some(key),
            Condition::Other(source) => other = Some(source),
            Condition::Fails => {}
        }
    }
    match (is_allowed, denied_if, allowed_if) {
        (true, None, _) => Access::Allowed,
        (true, Some(key), _) | (false, _, Some(key)) => Access::Conditional(key),
        (false, _, None) => other.unwrap_or(Access::NotAllowed),
    }
}

/// Whether the statement speaks of this reader, of this action (in lower case), and of this resource.
fn is_about(statement: &Value, reader: &ObjectReader, action: &str, arn: &str) -> bool {
    let names = |element: &str, is_named: &dyn Fn(&str) -> bool| {
        let others = &statement[format!("Not{element}").as_str()];
        if others.is_null() {
            strings(&statement[element]).any(is_named)
        } else {
            !strings(others).any(is_named)
        }
    };
    let is_principal = if statement["NotPrincipal"].is_null() {
        is_principal(&statement["Principal"], reader)
    } else {
        !is_principal(&statement["NotPrincipal"], reader)
    };
    is_principal
        && names("Action", &|named| is_like(&named.to_ascii_lowercase(), action))
        && names("Resource", &|resource| is_like(resource, arn))
}

fn is_principal(principal: &Value, reader: &ObjectReader) -> bool {
    if principal == "*" || strings(&principal["AWS"]).any(|name| name == "*") {
        return true;
    }
    match reader {
        ObjectReader::Anonymous | ObjectReader::Website => false,
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
            Access::Denied(1)
        );
        let insecure = || deny(json!({"Bool": {"aws:SecureTransport": "false"}}));
        assert_eq!(access(&insecure(), &ObjectReader::Anonymous, OBJECT), Access::Allowed);
        assert_eq!(access(&insecure(), &ObjectReader::Website, OBJECT), Access::Denied(1));
    }

    #[test]
    fn somebodys_own_condition_may_hold_for_some_and_nobody_can_tell_for_whom() {
        let address = || json!({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}});
        let unknown = Access::Conditional("aws:SourceIp".to_owned());
        let some = policy(json!("*"), "*", address());
        assert_eq!(access(&some, &ObjectReader::Anonymous, OBJECT), unknown);
        let open = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"});
        let others = json!({"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "*", "Condition": address()});
        let kept_out = json!({"Statement": [open, others]});
        assert_eq!(access(&kept_out, &ObjectReader::Anonymous, OBJECT), unknown);
    }

    #[test]
    fn what_a_statement_is_not_about_counts_too() {
        let open = json!({"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"});
        let but = |more: Value| {
            let mut deny = json!({"Effect": "Deny"});
            for (element, value) in more.as_object().into_iter().flatten() {
                deny[element] = value.clone();
            }
            json!({"Statement": [open, deny]})
        };
        let denied = [
            json!({"NotPrincipal": {"AWS": "arn:aws:iam::1:root"}, "Action": "s3:*", "Resource": "*"}),
            json!({"Principal": "*", "NotAction": "s3:PutObject", "Resource": "*"}),
            json!({"Principal": "*", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/public/*"}),
        ];
        for more in denied {
            assert_eq!(access(&but(more), &ObjectReader::Anonymous, OBJECT), Access::Denied(1));
        }
        let past = json!({"Principal": "*", "Action": "s3:*", "NotResource": "arn:aws:s3:::b/*"});
        assert_eq!(access(&but(past), &ObjectReader::Anonymous, OBJECT), Access::Allowed);
    }
}
