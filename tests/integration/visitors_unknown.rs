//! What `check` cannot know of what visitors get, because it may not be read or another decides: said, and never taken for ok.

use serde_json::{Value, json};

use crate::support::Cloud;
use crate::support::visitors::{
    BUCKET, DISTRIBUTION, FOLDER, PAGE, REST, Setup, by_control, check, cloud, only_for, open, setup, verdicts, visit,
    website,
};

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// What is found of `setup` when `action` is denied.
fn denied(setup: &Setup, action: &str) -> String {
    let cloud = cloud(setup);
    cloud.post("/deny", &json!({"action": action}));
    check(&cloud, setup).run().expect_exit(0).log
}

#[test]
fn what_may_not_be_read_is_not_checked_with_the_statement() {
    let website = setup(
        "",
        json!({"policy": open(), "website": website()}),
        None,
        PAGE,
        ("/", ""),
    );
    let control = || {
        setup(
            "",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({})),
            PAGE,
            ("/", ""),
        )
    };
    for (setup, action, what, verdict) in [
        (
            &website,
            "s3:GetAccountPublicAccessBlock",
            "account's public access",
            "`/` shows the site, by the bucket's website endpoint, unless the account's Block Public Access is on (not checked",
        ),
        (
            &website,
            "s3:GetBucketPolicyStatus",
            "status of the bucket policy",
            "ok          visitors: `/` shows the site",
        ),
        (
            &control(),
            "cloudfront:GetOriginAccessControl",
            "origin access control `OAC1`",
            "`/` shows the site, unless the origin access control `OAC1` never signs requests (not checked)",
        ),
        (
            &control(),
            "s3:GetEncryptionConfiguration",
            "default encryption",
            "`/` shows the site, unless a KMS key encrypts the files (not checked",
        ),
    ] {
        let log = denied(setup, action);
        assert!(log.contains(&format!("not checked {what}: ")), "{log}");
        assert!(
            log.contains(&format!("allow `{action}`: the policy below does")),
            "{log}"
        );
        assert!(log.contains(&format!("\"{action}\"")), "{log}");
        assert!(log.contains(verdict), "{verdict}\n{log}");
    }
}

#[test]
fn a_key_of_ones_own_is_not_checked_and_named() {
    let setup = setup(
        "",
        json!({"policy": only_for(DISTRIBUTION), "encryption": {"key": KEY}}),
        by_control(json!({})),
        PAGE,
        ("/", ""),
    );
    let cloud = cloud(&setup);
    let run = check(&cloud, &setup).run().expect_exit(0);
    assert!(
        run.log
            .contains("not checked visitors of `E1`: `/` shows the site, unless the policy of the KMS key")
            && run.log.contains("(not checked: kms key policy)")
            && run.log.contains(&format!("aws kms put-key-policy --key-id '{KEY}'")),
        "{}",
        run.log
    );
    assert_eq!(visit(&cloud, &setup, "/"), 403);
    cloud.post("/s3/bucket", &json!({"bucket": BUCKET, "kms_lets_in": true}));
    assert_eq!(visit(&cloud, &setup, "/"), 200);
}

#[test]
fn an_origin_group_hides_no_other_warning() {
    let group = |codes: Value| {
        by_control(json!({
            "origins": [
                {"id": "site", "domain": REST, "access_control": "OAC1"},
                {"id": "api", "domain": "api.example.com"},
            ],
            "origin_groups": [{"id": "both", "members": ["site", "api"], "codes": codes}],
            "behaviours": [{"origin": "both"}],
            "error_pages": [{"code": 500, "page": "/gone.html"}],
        }))
    };
    let of_group = |codes| {
        setup(
            "",
            json!({"policy": only_for(DISTRIBUTION)}),
            group(codes),
            FOLDER,
            ("/about/", ""),
        )
    };
    let failing = of_group(json!([403, 500]));
    let log = check(&cloud(&failing), &failing).run().expect_exit(0).log;
    assert!(
        log.contains("not checked visitors of `E1`: what they get where the bucket answers 403: `api.example.com`"),
        "{log}"
    );
    assert!(
        log.contains("warning     visitors of `E1`: the error page for 500 is `/gone.html`"),
        "{log}"
    );
    assert_eq!(visit(&cloud(&failing), &failing, "/about/"), 200);
    let passing = of_group(json!([500]));
    let cloud = cloud(&passing);
    let run = check(&cloud, &passing).run().expect_exit(0);
    assert!(
        verdicts(&run)
            .iter()
            .any(|verdict| verdict.contains("`/about/` answers 403")),
        "{}",
        run.log
    );
    assert_eq!(visit(&cloud, &passing, "/about/"), 403);
}

#[test]
fn an_address_that_is_no_alias_is_told() {
    let setup = setup(
        "",
        json!({"policy": only_for(DISTRIBUTION)}),
        by_control(json!({"aliases": ["www.example.com"]})),
        PAGE,
        ("/", ""),
    );
    let cloud: Cloud = cloud(&setup);
    // Any name below `localhost` is this machine (RFC 6761).
    let url = format!(
        "http://other.localhost:{}/_nothing/",
        cloud.endpoint.rsplit(':').next().unwrap_or_default()
    );
    let run = check(&cloud, &setup).with("site-url", &url).run().expect_exit(0);
    assert!(
        run.log
            .contains("`other.localhost` is no alias of distribution `E1` (it has `www.example.com`)")
            || run.log.contains("does not answer"),
        "{}",
        run.log
    );
}
