//! What else stands in the way of visitors: accounts, keys, origin groups, statuses of error pages.

use serde_json::{Value, json};

use super::tests::{ARN, bucket, control, distribution, for_distribution, open, page, texts};
use super::*;
use crate::core::visitor::access::PublicBlock;
use crate::core::visitor::facts::{AtRest, KmsKey, OriginFacts, SecondOrigin, Signing};

fn pages() -> SourceFacts {
    SourceFacts::of(["index.html", "404.html"])
}

fn website(bucket: BucketFacts) -> BucketFacts {
    BucketFacts {
        website: Some(Some(Website {
            index: "index.html".to_owned(),
            error: None,
        })),
        ..bucket
    }
}

fn restricting() -> Option<PublicBlock> {
    Some(PublicBlock {
        restricts_policies: true,
        ..PublicBlock::default()
    })
}

fn signing(signing: Signing) -> DistributionFacts {
    DistributionFacts {
        origin: Some(OriginFacts {
            access: control(),
            signing,
            by_https: false,
        }),
        ..distribution(control())
    }
}

#[test]
fn the_accounts_block_keeps_everybody_out_but_services() {
    let by_account = |policy: Value| BucketFacts {
        account: "123456789012".to_owned(),
        account_block: restricting(),
        is_public: Some(true),
        ..website(bucket(policy))
    };
    let findings = without_distribution(&by_account(open()), &pages());
    assert!(
        texts(&findings).starts_with("`/` answers 403: the account's Block Public Access is on"),
        "{}",
        texts(&findings)
    );
    let hint = findings[0].hint.as_deref().unwrap_or_default();
    assert!(
        hint.contains("aws s3control put-public-access-block --account-id 123456789012"),
        "{hint}"
    );
    let of_service = by_distribution(&distribution(control()), &by_account(open()), &pages());
    assert_eq!(texts(&of_service), "`/` shows the site\n");
    let of_identity = by_distribution(
        &distribution(OriginAccess::Identity("E9".to_owned())),
        &by_account(open()),
        &pages(),
    );
    assert!(
        texts(&of_identity).contains("keeps out an origin access identity, too"),
        "{}",
        texts(&of_identity)
    );
    // A policy that S3 does not call public is not restricted.
    let private = BucketFacts {
        is_public: Some(false),
        ..by_account(open())
    };
    assert!(texts(&without_distribution(&private, &pages())).contains("shows the site"));
    let by_acl = BucketFacts {
        public_acl: true,
        account_block: Some(PublicBlock {
            ignores_acls: true,
            ..PublicBlock::default()
        }),
        ..website(bucket(Value::Null))
    };
    assert!(texts(&without_distribution(&by_acl, &pages())).contains("the account's Block Public Access is on"));
}

#[test]
fn a_condition_that_nobody_can_tell_is_not_checked_unless_it_is_restricted() {
    let mut policy = open();
    policy["Statement"][0]["Condition"] = json!({"StringLike": {"aws:Referer": "secret"}});
    let findings = without_distribution(&website(bucket(policy.clone())), &pages());
    assert_eq!(findings[0].status, CheckStatus::NotChecked);
    assert!(
        findings[0].text.contains("`aws:Referer`") && !findings[0].text.contains("secret"),
        "{findings:?}"
    );
    let restricted = BucketFacts {
        block: restricting(),
        is_public: Some(true),
        ..website(bucket(policy))
    };
    assert!(texts(&without_distribution(&restricted, &pages())).contains("which S3 calls public"));
}

#[test]
fn a_control_that_does_not_sign_is_nobody() {
    let private = bucket(for_distribution(ARN));
    let never = by_distribution(&signing(Signing::Never), &private, &pages());
    assert!(
        texts(&never)
            .starts_with("`/` answers 403: nobody may read the bucket, and the origin access control `C1` never signs")
    );
    assert!(
        never[0]
            .hint
            .as_deref()
            .is_some_and(|hint| hint.contains("update-origin-access-control --id C1")),
        "{never:?}"
    );
    assert_eq!(
        texts(&by_distribution(&signing(Signing::Never), &bucket(open()), &pages())),
        "`/` shows the site\n"
    );
    for (behavior, status, expected) in [
        (Signing::NoOverride, CheckStatus::Ok, "`Authorization` header"),
        (
            Signing::Unknown,
            CheckStatus::NotChecked,
            "unless the origin access control `C1` never signs requests (not checked)",
        ),
    ] {
        let findings = by_distribution(&signing(behavior), &private, &pages());
        assert_eq!(findings[0].status, status);
        assert!(
            findings[0].text.starts_with("`/` shows the site") && findings[0].text.contains(expected),
            "{findings:?}"
        );
    }
}

#[test]
fn keys_that_nobody_else_can_use_are_told() {
    let encrypted = |at_rest: AtRest| BucketFacts {
        at_rest,
        ..bucket(for_distribution(ARN))
    };
    for (at_rest, status, expected, repair) in [
        (
            AtRest::Kms(KmsKey::Managed),
            CheckStatus::Warning,
            "`/` answers 403: what is uploaded is encrypted by AWS's own",
            "put-bucket-encryption",
        ),
        (
            AtRest::Kms(KmsKey::Own("k1".to_owned())),
            CheckStatus::NotChecked,
            "(not checked: kms key policy)",
            "put-key-policy --key-id 'k1'",
        ),
        (
            AtRest::CustomerKey,
            CheckStatus::Warning,
            "`/` answers 400: `--sse-c`",
            "put-bucket-encryption",
        ),
        (
            AtRest::Unknown,
            CheckStatus::NotChecked,
            "unless a KMS key encrypts the files",
            "",
        ),
    ] {
        let findings = by_distribution(&distribution(control()), &encrypted(at_rest), &pages());
        assert_eq!((findings.len(), findings[0].status), (1, status), "{findings:?}");
        assert!(findings[0].text.contains(expected), "{findings:?}");
        assert!(
            findings[0].hint.as_deref().unwrap_or_default().contains(repair),
            "{findings:?}"
        );
    }
}

#[test]
fn the_status_of_an_error_page_is_the_visitors() {
    let with = |root: &str, shown| DistributionFacts {
        default_root_object: root.to_owned(),
        error_pages: [(403, shown)].into(),
        ..distribution(control())
    };
    let private = || bucket(for_distribution(ARN));
    let single = SourceFacts::of(["index.html", "app.js"]);
    for (facts, source, expected) in [
        (
            with("index.html", page("/index.html", Some(404))),
            &single,
            "`/app/settings` shows the error page `/index.html` with status 404: a single `index.html` and the custom",
        ),
        (
            with("index.html", page("/index.html", None)),
            &single,
            "`/app/settings` shows the error page `/index.html` with status 403",
        ),
        (
            with("", page("/index.html", Some(404))),
            &pages(),
            "`/` shows the error page `/index.html` with status 404: the default root object is missing",
        ),
        (
            with("start.html", page("/index.html", Some(200))),
            &pages(),
            "`/` shows the site",
        ),
        (
            with("start.html", page("/404.html", Some(404))),
            &pages(),
            "`/` shows the error page `/404.html` with status 404: the default root object is `start.html`",
        ),
    ] {
        let found = texts(&by_distribution(&facts, &private(), source));
        assert!(found.starts_with(expected), "{found}");
    }
}

#[test]
fn a_second_origin_answers_for_its_statuses_and_hides_nothing_else() {
    let source = SourceFacts::of(["index.html", "about/index.html"]);
    let grouped = |codes: &[i32]| DistributionFacts {
        error_pages: [(500, page("/gone.html", None))].into(),
        second_origin: Some(SecondOrigin {
            domain: "api.example.com".to_owned(),
            codes: codes.to_vec(),
        }),
        ..distribution(control())
    };
    let found = |codes: &[i32]| {
        texts(&by_distribution(
            &grouped(codes),
            &bucket(for_distribution(ARN)),
            &source,
        ))
    };
    assert!(found(&[500]).contains("`/about/` answers 403") && !found(&[500]).contains("api.example.com"));
    let passed_on = found(&[403]);
    assert!(
        passed_on.contains("what they get where the bucket answers 403: `api.example.com`"),
        "{passed_on}"
    );
    assert!(
        passed_on.contains("the error page for 500 is `/gone.html`"),
        "{passed_on}"
    );
    assert!(!passed_on.contains("`/about/`"), "{passed_on}");
}

#[test]
fn a_function_leaves_to_nobody_but_itself_what_has_no_root_object() {
    let facts = |root: &str| DistributionFacts {
        default_root_object: root.to_owned(),
        function: Some("f".to_owned()),
        ..distribution(control())
    };
    let private = bucket(for_distribution(ARN));
    let unknown = by_distribution(&facts(""), &private, &pages());
    assert_eq!(unknown[0].status, CheckStatus::NotChecked);
    assert!(unknown[0].text.contains("the function `f` decides"), "{unknown:?}");
    assert_eq!(
        by_distribution(&facts("index.html"), &private, &pages())[0].status,
        CheckStatus::Ok
    );
}

#[test]
fn an_address_is_an_alias_or_cloudfronts_own() {
    let facts = [DistributionFacts {
        aliases: vec!["www.example.com".to_owned(), "*.example.org".to_owned()],
        ..distribution(control())
    }];
    for known in [
        "https://www.example.com/",
        "https://a.example.org",
        "https://d1.cloudfront.net/x",
        "http://127.0.0.1:80/",
    ] {
        assert_eq!(shown::not_an_alias(known, &facts), None, "{known}");
    }
    for other in [
        "https://example.com/",
        "https://example.org",
        "https://b.example.com:443/x",
    ] {
        let (why, hint) = shown::not_an_alias(other, &facts).expect(other);
        assert!(
            why.contains("no alias of distribution `E1`") && hint.contains(".Aliases"),
            "{why} {hint}"
        );
    }
    assert_eq!(shown::not_an_alias("https://example.com", &[]), None);
}
