use super::*;

fn place() -> PolicyTarget {
    PolicyTarget {
        account: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
        partition: "aws".to_owned(),
    }
}

fn site(acl: bool, delete: bool) -> PolicyScope {
    PolicyScope {
        site: Some(PolicySite {
            bucket: "my-site".to_owned(),
            prefix: "docs/".to_owned(),
            acl,
            delete,
        }),
        ..PolicyScope::default()
    }
}

fn statement<'a>(policy: &'a Value, sid: &str) -> &'a Value {
    policy["Statement"]
        .as_array()
        .and_then(|statements| statements.iter().find(|statement| statement["Sid"] == sid))
        .unwrap_or(&Value::Null)
}

fn allows(policy: &Value, sid: &str, action: &str) -> bool {
    statement(policy, sid)["Action"]
        .as_array()
        .is_some_and(|actions| actions.iter().any(|one| one == action))
}

#[test]
fn a_site_gets_what_its_inputs_need() {
    let policy = for_scope(&site(false, false), &place());
    assert!(!allows(&policy, "SiteBucket", "s3:ListBucket"));
    assert!(allows(&policy, "SiteList", "s3:ListBucket"));
    assert_eq!(
        statement(&policy, "SiteList")["Condition"],
        json!({"StringLike": {"s3:prefix": ["docs/*", ".aws-web-deploy/site/docs/*"]}})
    );
    assert!(allows(&policy, "SiteObjects", "s3:PutObject"));
    assert!(!allows(&policy, "SiteObjects", "s3:PutObjectAcl"));
    assert!(!allows(&policy, "SiteObjects", "s3:DeleteObject"));
    assert_eq!(
        statement(&policy, "SiteObjects")["Resource"],
        json!(["arn:aws:s3:::my-site/docs/*"])
    );
    let policy = for_scope(&site(true, true), &place());
    assert!(allows(&policy, "SiteObjects", "s3:PutObjectAcl"));
    assert!(allows(&policy, "SiteObjects", "s3:DeleteObject"));
    assert_eq!(
        statement(&policy, "SiteRecords"),
        &json!({
            "Sid": "SiteRecords",
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"],
            "Resource": ["arn:aws:s3:::my-site/.aws-web-deploy/site/docs/*"]
        })
    );
}

#[test]
fn what_only_a_rollback_needs_stands_apart_where_the_inputs_want_one() {
    let text = for_scope(&site(true, true), &place()).to_string();
    assert!(
        !text.contains("ObjectVersion") && !text.contains("BucketVersions"),
        "{text}"
    );
    let scope = PolicyScope {
        rollback: true,
        ..site(false, false)
    };
    let policy = for_scope(&scope, &place());
    assert!(allows(&policy, "SiteRollbackList", "s3:ListBucketVersions"));
    assert_eq!(
        statement(&policy, "SiteRollbackList")["Condition"],
        json!({"StringLike": {"s3:prefix": ["docs/*"]}})
    );
    assert!(allows(&policy, "SiteRollbackObjects", "s3:GetObjectVersion"));
    assert!(allows(&policy, "SiteRollbackObjects", "s3:DeleteObject"));
    assert!(!allows(&policy, "SiteRollbackObjects", "s3:PutObject"));
    assert!(!allows(&policy, "SiteRollbackObjects", "s3:PutObjectAcl"));
}

#[test]
fn records_in_a_bucket_of_many_projects_are_those_of_one() {
    let scope = PolicyScope {
        history: Some(("records".to_owned(), "team/".to_owned())),
        backend: Some(BackendScope {
            application: "we*b".to_owned(),
            ..BackendScope::default()
        }),
        ..site(false, false)
    };
    let policy = for_scope(&scope, &place());
    let folders = ["team/site/my-site/docs/*", "team/backend/eu-west-1/we${*}b/*"];
    assert_eq!(
        statement(&policy, "RecordsObjects")["Resource"],
        json!(folders.map(|folder| format!("arn:aws:s3:::records/{folder}")))
    );
    assert_eq!(
        statement(&policy, "RecordsList")["Condition"],
        json!({"StringLike": {"s3:prefix": folders}})
    );
    assert!(!policy.to_string().contains(".aws-web-deploy"));
}

#[test]
fn the_records_of_an_application_called_site_lie_beside_those_of_sites() {
    let scope = PolicyScope {
        backend: Some(BackendScope {
            application: "site".to_owned(),
            ..BackendScope::default()
        }),
        ..PolicyScope::default()
    };
    let policy = for_scope(&scope, &place());
    let records = &statement(&policy, "BundleRecords")["Resource"];
    assert_eq!(
        records,
        &json!(["arn:aws:s3:::elasticbeanstalk-eu-west-1-123456789012/.aws-web-deploy/site./*"])
    );
}

#[test]
fn what_only_check_needs_stands_apart() {
    let policy = for_scope(&site(true, true), &place());
    for action in [
        "s3:GetBucketOwnershipControls",
        "s3:GetBucketPolicy",
        "s3:GetBucketPolicyStatus",
        "s3:GetBucketPublicAccessBlock",
        "s3:GetBucketWebsite",
        "s3:GetEncryptionConfiguration",
    ] {
        assert!(allows(&policy, "SiteCheck", action), "{action}");
        assert!(!allows(&policy, "SiteBucket", action), "{action}");
    }
    assert!(!allows(&policy, "SiteCheck", "s3:ListBucket"));
    assert!(allows(&policy, "SiteCheckAccount", "s3:GetAccountPublicAccessBlock"));
    assert!(!allows(&policy, "SiteCheck", "s3:GetAccountPublicAccessBlock"));
}

#[test]
fn a_cdn_alone_may_look_and_invalidate_and_nothing_else() {
    let scope = PolicyScope {
        distributions: vec!["E1".to_owned(), "E2".to_owned()],
        ..PolicyScope::default()
    };
    let policy = for_scope(&scope, &place());
    assert_eq!(
        policy["Statement"],
        json!([{
            "Sid": "Distribution",
            "Effect": "Allow",
            "Action": ["cloudfront:CreateInvalidation", "cloudfront:GetDistributionConfig"],
            "Resource": [
                "arn:aws:cloudfront::123456789012:distribution/E1",
                "arn:aws:cloudfront::123456789012:distribution/E2"
            ]
        }])
    );
}

#[test]
fn a_backend_is_limited_to_its_application_and_bundles() {
    let scope = PolicyScope {
        backend: Some(BackendScope {
            application: "web".to_owned(),
            environments: vec!["web-prod".to_owned()],
            package: true,
            ..BackendScope::default()
        }),
        ..PolicyScope::default()
    };
    let policy = for_scope(&scope, &place());
    let backend = &statement(&policy, "Backend")["Resource"];
    assert_eq!(
        backend,
        &json!([
            "arn:aws:elasticbeanstalk:eu-west-1:123456789012:application/web",
            "arn:aws:elasticbeanstalk:eu-west-1:123456789012:applicationversion/web/*",
            "arn:aws:elasticbeanstalk:eu-west-1:123456789012:environment/web/web-prod"
        ])
    );
    assert!(allows(&policy, "Backend", "elasticbeanstalk:UpdateEnvironment"));
    assert!(!allows(&policy, "Backend", "elasticbeanstalk:DeleteApplicationVersion"));
    assert!(!allows(&policy, "Backend", "elasticbeanstalk:AbortEnvironmentUpdate"));
    assert_eq!(
        statement(&policy, "BundleObjects")["Resource"],
        json!(["arn:aws:s3:::elasticbeanstalk-eu-west-1-123456789012/web/*"])
    );
}

#[test]
fn every_action_of_the_table_can_be_asked_for() {
    let everything = PolicyScope {
        site: site(true, true).site,
        distributions: vec!["E1".to_owned()],
        wait_for_invalidation: true,
        backend: Some(BackendScope {
            application: "web".to_owned(),
            environments: vec!["web-prod".to_owned()],
            package: true,
            package_bucket: None,
            keep_versions: true,
            abort: true,
        }),
        history: None,
        role_by_keys: Some("arn:aws:iam::123456789012:role/x".to_owned()),
        session_tags: true,
        rollback: true,
    };
    let text = for_scope(&everything, &place()).to_string();
    for call in calls::ALL {
        // No policy of the caller's gives these.
        if ["sts:GetCallerIdentity", "sts:AssumeRoleWithWebIdentity"].contains(&call.action) {
            continue;
        }
        assert!(text.contains(&format!("\"{}\"", call.action)), "{call:?}");
    }
}
