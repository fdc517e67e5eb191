//! Whether everybody can read the release records, which name files, commits and people.

use serde_json::{Value, json};

use crate::core::iam::arn::literal;
use crate::core::release::FOLDER;
use crate::core::report::check::{CheckStatus, Finding};
use crate::core::visitor::access::access;
use crate::core::visitor::facts::{BucketFacts, DistributionFacts};
use crate::core::visitor::reader::{Access, ObjectReader};
use crate::core::visitor::refusal::object_reader;
use crate::core::visitor::repair;

/// The warning that everybody can read what lies in `folder` of the bucket: by the bucket's own addresses, or by one of
/// `distributions`, whose path the key `prefix` in front of it is. `account` may always.
#[must_use]
pub(crate) fn exposed_records(
    bucket: &BucketFacts,
    distributions: &[DistributionFacts],
    folder: &str,
    account: &str,
) -> Option<Finding> {
    let policy = bucket.policy.as_ref()?;
    let record = format!("{}/{folder}releases/x.json", bucket.arn);
    let is_public =
        access(policy, &ObjectReader::Anonymous, &record) == Access::Allowed && bucket.restricting().is_none();
    let by_bucket = is_public.then(|| "the bucket's policy lets everybody read them".to_owned());
    let by_distribution = || {
        let shows = |distribution: &&DistributionFacts| {
            let Some(origin) = &distribution.origin else {
                return false;
            };
            match object_reader(distribution, &origin.access, origin.signing) {
                // What everybody can read is told of the bucket.
                ObjectReader::Anonymous | ObjectReader::Website => false,
                reader => access(policy, &reader, &record) == Access::Allowed,
            }
        };
        // The origin's path is the prefix: what lies beside it has no address there.
        let reachable = folder.starts_with(&bucket.prefix);
        let found = distributions.iter().filter(|_| reachable).find(shows)?;
        Some(format!("distribution `{}` shows them to everybody", found.id))
    };
    let how = by_bucket.or_else(by_distribution)?;
    let finding = Finding::new(
        "release records",
        CheckStatus::Warning,
        format!("everybody can read them (they name files, commits and people): {how}"),
    );
    let statement = hiding_statement(&bucket.arn, folder, account);
    Some(finding.hint(format!(
        "add this statement to the bucket's policy: {statement}\n{}",
        repair::add_statement(bucket, &statement)
    )))
}

/// The statement of a bucket's policy that hides the records in `folder` from everybody but the account.
#[must_use]
pub(crate) fn hiding_statement(bucket_arn: &str, folder: &str, account: &str) -> Value {
    // All records of the bucket lie in one folder, unless `history` names another.
    let folder = if folder.starts_with(FOLDER) { FOLDER } else { folder };
    json!({
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:GetObject", "s3:GetObjectVersion"],
        "Resource": format!("{bucket_arn}/{}*", literal(folder)),
        "Condition": {"StringNotEquals": {"aws:PrincipalAccount": account}},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::cdn::distribution::OriginAccess;
    use crate::core::visitor::access::PublicBlock;
    use crate::core::visitor::facts::{OriginFacts, Signing};

    const ACCOUNT: &str = "123456789012";

    fn bucket(prefix: &str, statements: &[Value]) -> BucketFacts {
        BucketFacts {
            name: "b".to_owned(),
            arn: "arn:aws:s3:::b".to_owned(),
            prefix: prefix.to_owned(),
            policy: Some(json!({"Statement": statements})),
            block: Some(PublicBlock::default()),
            ..BucketFacts::default()
        }
    }

    fn allow(principal: &Value, resource: &str) -> Value {
        json!({"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": resource})
    }

    fn distribution() -> DistributionFacts {
        DistributionFacts {
            id: "E1".to_owned(),
            origin: Some(OriginFacts {
                access: OriginAccess::Control("C1".to_owned()),
                signing: Signing::Always,
                by_https: false,
            }),
            ..DistributionFacts::default()
        }
    }

    #[test]
    fn who_shows_them_is_told_with_the_statement_that_hides_them() {
        let folder = ".aws-web-deploy/site/";
        let service = json!({"Service": "cloudfront.amazonaws.com"});
        for (principal, how) in [
            (json!("*"), "policy lets everybody"),
            (service, "distribution `E1` shows"),
        ] {
            let open = allow(&principal, "arn:aws:s3:::b/*");
            let finding = exposed_records(
                &bucket("", std::slice::from_ref(&open)),
                &[distribution()],
                folder,
                ACCOUNT,
            );
            let finding = finding.expect("a warning");
            assert!(finding.text.contains(how), "{}", finding.text);
            let hint = finding.hint.expect("a hint");
            assert!(hint.contains("arn:aws:s3:::b/.aws-web-deploy/*"), "{hint}");
            let hidden = bucket("", &[open, hiding_statement("arn:aws:s3:::b", folder, ACCOUNT)]);
            assert_eq!(exposed_records(&hidden, &[distribution()], folder, ACCOUNT), None);
        }
    }

    #[test]
    fn what_nobody_can_reach_is_no_warning() {
        let folder = ".aws-web-deploy/site/docs/";
        let service = json!({"Service": "cloudfront.amazonaws.com"});
        for facts in [
            bucket("docs/", &[allow(&json!("*"), "arn:aws:s3:::b/docs/*")]),
            bucket("docs/", &[allow(&service, "arn:aws:s3:::b/*")]),
            BucketFacts {
                block: Some(PublicBlock {
                    restricts_policies: true,
                    ..PublicBlock::default()
                }),
                ..bucket("docs/", &[allow(&json!("*"), "arn:aws:s3:::b/*")])
            },
        ] {
            assert_eq!(
                exposed_records(&facts, &[distribution()], folder, ACCOUNT),
                None,
                "{facts:?}"
            );
        }
        let elsewhere = bucket("", &[allow(&json!("*"), "arn:aws:s3:::b/*")]);
        let finding = exposed_records(&elsewhere, &[], "history/site/b/", ACCOUNT).expect("a warning");
        assert!(
            finding
                .hint
                .is_some_and(|hint| hint.contains("arn:aws:s3:::b/history/site/b/*"))
        );
    }
}
