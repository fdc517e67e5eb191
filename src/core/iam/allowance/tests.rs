//! Advice about refusals, with the statements for a whole run.

use super::*;
use crate::core::iam::policy::{BackendScope, PolicySite};

fn allowance(command: Command) -> Allowance {
    Allowance {
        scope: PolicyScope {
            site: Some(PolicySite {
                bucket: "b".to_owned(),
                prefix: "p/".to_owned(),
                acl: false,
                delete: true,
            }),
            backend: Some(BackendScope {
                application: "web".to_owned(),
                environments: vec!["prod".to_owned()],
                package: true,
                ..BackendScope::default()
            }),
            ..PolicyScope::default()
        },
        command,
        region: "eu-west-1".to_owned(),
        account: None,
        refused: Arc::default(),
    }
}

/// The statements below the first line of `hint`.
fn statements(hint: &str) -> Vec<Value> {
    let (first, statements) = hint.split_once('\n').expect("statements below");
    assert_eq!(first, "allow it:");
    serde_json::from_str(&format!("[{statements}]")).expect("JSON to paste")
}

fn actions(statements: &[Value]) -> Vec<&str> {
    statements.iter().flat_map(|one| strings(&one["Action"])).collect()
}

fn advice(action: &str, resource: &str) -> String {
    let statement = json!({"Effect": "Allow", "Action": action, "Resource": resource});
    format!("allow it: {statement}")
}

#[test]
fn one_advice_covers_all_that_the_run_needs() {
    let refused = advice("s3:PutObject", "arn:aws:s3:::b/p/index.html");
    let hint = allowance(Command::Deploy).widen(&refused);
    let site = statements(&hint);
    let resources: Vec<&Value> = site.iter().map(|one| &one["Resource"]).collect();
    assert_eq!(
        resources[..3],
        [
            &json!(["arn:aws:s3:::b", "arn:aws:s3:::b/p/*"]),
            &json!(["arn:aws:s3:::b"]),
            &json!(["arn:aws:s3:::b/.aws-web-deploy/site/p/*"])
        ]
    );
    assert_eq!(
        site[1]["Condition"],
        json!({"StringLike": {"s3:prefix": ["p/*", ".aws-web-deploy/site/p/*"]}})
    );
    assert!(!site[2].to_string().contains("Delete"), "{hint}");
    let all = actions(&site);
    for needed in [
        "s3:PutObject",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:DeleteObject",
        "elasticbeanstalk:UpdateEnvironment",
        "elasticbeanstalk:CreateStorageLocation",
    ] {
        assert!(all.contains(&needed), "{needed} in {all:?}");
    }
    for other in [
        "s3:ListBucketVersions",
        "s3:GetBucketPolicy",
        "s3:GetBucketOwnershipControls",
    ] {
        assert!(!all.contains(&other), "{other} in {all:?}");
    }
    // What acts on everything stands alone.
    for one in site
        .iter()
        .filter(|one| strings(&one["Resource"]).any(|resource| resource == "*"))
    {
        assert_eq!(one["Action"], json!(["elasticbeanstalk:CreateStorageLocation"]));
    }
    // Another refusal of the same run asks for the same.
    let listing = advice("s3:ListBucket", "arn:aws:s3:::b");
    assert_eq!(allowance(Command::Deploy).widen(&listing), hint);
    let back = allowance(Command::Rollback).widen(&refused);
    assert!(back.contains("s3:ListBucketVersions"), "{back}");
}

#[test]
fn a_deploy_that_may_roll_back_is_allowed_to() {
    let mut careful = allowance(Command::Deploy);
    careful.scope.rollback = true;
    let hint = careful.widen(&advice("s3:PutObject", "arn:aws:s3:::b/p/index.html"));
    let statements = statements(&hint);
    let all = actions(&statements);
    for needed in ["s3:ListBucketVersions", "s3:GetObjectVersion", "s3:GetObjectVersionAcl"] {
        assert!(all.contains(&needed), "{needed} in {all:?}");
    }
    assert!(!all.contains(&"s3:GetBucketPolicy"), "{all:?}");
    // Refused on the way back, the advice is the same.
    let versions = advice("s3:ListBucketVersions", "arn:aws:s3:::b");
    assert_eq!(careful.widen(&versions), hint);
}

#[test]
fn the_account_comes_from_what_was_refused_or_from_the_inputs() {
    let bundles = advice(
        "s3:PutObject",
        "arn:aws:s3:::elasticbeanstalk-eu-west-1-123456789012/web/v1.zip",
    );
    let hint = allowance(Command::Deploy).widen(&bundles);
    assert!(
        hint.contains("\"arn:aws:s3:::elasticbeanstalk-eu-west-1-123456789012/web/*\""),
        "{hint}"
    );
    let update = advice(
        "elasticbeanstalk:UpdateEnvironment",
        "arn:aws:elasticbeanstalk:eu-west-1:123456789012:environment/web/prod",
    );
    assert_eq!(allowance(Command::Deploy).widen(&update), hint);
    assert!(
        hint.contains("\"arn:aws:elasticbeanstalk:eu-west-1:123456789012:applicationversion/web/*\""),
        "{hint}"
    );
    let site = advice("s3:PutObject", "arn:aws:s3:::b/p/index.html");
    let unknown = allowance(Command::Deploy).widen(&site);
    assert!(unknown.contains("elasticbeanstalk-eu-west-1-*/web/*"), "{unknown}");
    let mut known = allowance(Command::Deploy);
    known.account = Some("123456789012".to_owned());
    assert_eq!(known.widen(&site), hint);
}

#[test]
fn all_that_was_refused_is_one_statement_at_the_end() {
    let allowance = allowance(Command::Deploy);
    assert_eq!(allowance.advice(), None);
    let elsewhere = advice("kms:Decrypt", "arn:aws:kms:eu-west-1:1:key/x");
    let noted = [
        allowance.note(&advice("s3:PutObject", "arn:aws:s3:::b/p/a")),
        allowance.note(&advice("s3:PutObject", "arn:aws:s3:::b/p/b")),
        allowance.note(&elsewhere),
        allowance.note("set `acl`"),
    ];
    assert_eq!(
        noted,
        [
            "allow `s3:PutObject`, by the statement at the end of this log",
            "allow `s3:PutObject`, by the statement at the end of this log",
            "allow `kms:Decrypt`, by the statement at the end of this log",
            "set `acl`"
        ]
    );
    let hint = allowance.widen(&advice("s3:ListBucket", "arn:aws:s3:::b"));
    let of_all = statements(&hint);
    let all = actions(&of_all);
    assert!(
        all.contains(&"s3:ListBucket") && all.contains(&"s3:PutObject"),
        "{all:?}"
    );
    assert_eq!(
        of_all.last(),
        Some(&json!({"Effect": "Allow", "Action": "kms:Decrypt", "Resource": "arn:aws:kms:eu-west-1:1:key/x"}))
    );
    let at_the_end = allowance.advice().expect("advice");
    assert_eq!(
        at_the_end.split_once('\n').map(|(_, text)| text),
        hint.split_once('\n').map(|(_, text)| text)
    );
}

#[test]
fn what_is_not_ours_to_know_stays_as_it_is() {
    for other in [
        advice("kms:Decrypt", "arn:aws:kms:eu-west-1:1:key/x"),
        advice("s3:PutObject", "arn:aws:s3:::another/k"),
        "set `acl`".to_owned(),
        "put this: {\"Action\":\"s3:GetObject\",\"Principal\":\"*\"}".to_owned(),
    ] {
        assert_eq!(allowance(Command::Deploy).widen(&other), other);
    }
    assert_eq!(
        see_policy(&advice("s3:ListBucket", "arn:aws:s3:::b")),
        "allow `s3:ListBucket`: the policy below does"
    );
}
