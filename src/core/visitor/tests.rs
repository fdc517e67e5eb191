use serde_json::{Value, json};

use super::*;
use crate::core::visitor::access::PublicBlock;
use crate::core::visitor::facts::{AtRest, KmsKey, OriginFacts, SecondOrigin, ShownPage, Signing, Website};

pub(super) const ARN: &str = "arn:aws:cloudfront::123456789012:distribution/E1";

pub(super) fn bucket(policy: Value) -> BucketFacts {
    BucketFacts {
        name: "b".to_owned(),
        arn: "arn:aws:s3:::b".to_owned(),
        policy: Some(policy),
        block: Some(PublicBlock::default()),
        account_block: Some(PublicBlock::default()),
        website: Some(None),
        ..BucketFacts::default()
    }
}

pub(super) fn open() -> Value {
    json!({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}]})
}

pub(super) fn for_distribution(arn: &str) -> Value {
    json!({"Statement": [{
        "Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::b/*", "Condition": {"StringEquals": {"AWS:SourceArn": arn}},
    }]})
}

pub(super) fn control() -> OriginAccess {
    OriginAccess::Control("C1".to_owned())
}

/// An error page with its own status; none: that of the error.
pub(super) fn page(path: &str, status: Option<i32>) -> ShownPage {
    ShownPage {
        path: path.to_owned(),
        status,
    }
}

pub(super) fn distribution(access: OriginAccess) -> DistributionFacts {
    DistributionFacts {
        id: "E1".to_owned(),
        arn: ARN.to_owned(),
        account: "123456789012".to_owned(),
        default_root_object: "index.html".to_owned(),
        origin: Some(OriginFacts {
            access,
            signing: Signing::Always,
            by_https: false,
        }),
        ..DistributionFacts::default()
    }
}

pub(super) fn texts(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("{}\n", finding.text)).collect()
}

#[test]
fn a_private_bucket_behind_its_distribution_shows_the_site() {
    let source = SourceFacts::of(["index.html", "404.html"]);
    let findings = by_distribution(&distribution(control()), &bucket(for_distribution(ARN)), &source);
    assert_eq!(texts(&findings), "`/` shows the site\n");
    assert_eq!(findings[0].status, CheckStatus::Ok);
}

#[test]
fn each_way_to_see_nothing_is_told_in_a_visitors_words() {
    let source = SourceFacts::of(["index.html", "404.html"]);
    for (distribution, policy, expected, repair) in [
        (
            distribution(control()),
            Value::Null,
            "nobody may read the bucket",
            "put-bucket-policy",
        ),
        (
            distribution(control()),
            for_distribution("arn:aws:cloudfront::123456789012:distribution/E2"),
            "the policy names another distribution",
            "distribution/E1",
        ),
        (
            distribution(OriginAccess::None),
            Value::Null,
            "has no origin access control",
            "create-origin-access-control",
        ),
        (
            DistributionFacts {
                default_root_object: String::new(),
                ..distribution(OriginAccess::None)
            },
            open(),
            "the default root object is missing",
            "--default-root-object 'index.html'",
        ),
        (
            DistributionFacts {
                default_root_object: "start.html".to_owned(),
                ..distribution(OriginAccess::None)
            },
            open(),
            "`source` has no such file",
            "--default-root-object 'index.html'",
        ),
        (
            distribution(OriginAccess::Website),
            open(),
            "has no website configuration",
            "aws s3 website 's3://b'",
        ),
    ] {
        let findings = by_distribution(&distribution, &bucket(policy), &source);
        assert_eq!(findings.len(), 1, "{}", texts(&findings));
        assert!(findings[0].text.contains(expected), "{}", texts(&findings));
        let hint = findings[0].hint.as_deref().unwrap_or_default();
        assert!(hint.contains(repair), "{hint}");
        assert_eq!(findings[0].status, CheckStatus::Warning);
    }
}

#[test]
fn folders_need_a_function_and_single_pages_an_error_page() {
    let folders = SourceFacts::of(["index.html", "about/index.html"]);
    let single = SourceFacts::of(["index.html", "assets/app.js"]);
    let policy = || bucket(for_distribution(ARN));
    let plain = distribution(control());
    assert!(texts(&by_distribution(&plain, &policy(), &folders)).contains("`/about/` answers 403"));
    assert!(texts(&by_distribution(&plain, &policy(), &single)).contains("single-page application"));
    let rewriting = DistributionFacts {
        function: Some("f".to_owned()),
        ..plain.clone()
    };
    assert_eq!(
        texts(&by_distribution(&rewriting, &policy(), &folders)),
        "`/` shows the site (other addresses are as the function `f` makes them)\n"
    );
    let forgiving = DistributionFacts {
        error_pages: [(403, page("/index.html", Some(200)))].into(),
        ..plain.clone()
    };
    assert_eq!(
        texts(&by_distribution(&forgiving, &policy(), &single)),
        "`/` shows the site\n"
    );
    let with = |code: i32, path: &str| DistributionFacts {
        error_pages: [(code, page(path, Some(200)))].into(),
        ..plain.clone()
    };
    let lists = bucket(json!({"Statement": [
        {"Effect": "Allow", "Principal": {"Service": "cloudfront.amazonaws.com"}, "Action": ["s3:GetObject", "s3:ListBucket"],
         "Resource": ["arn:aws:s3:::b", "arn:aws:s3:::b/*"], "Condition": {"StringEquals": {"AWS:SourceArn": ARN}}},
    ]}));
    for (distribution, bucket, source, expected) in [
        (
            with(404, "/index.html"),
            policy(),
            &single,
            "`/app/settings` answers 403: a single `index.html` and no error page for 403",
        ),
        (with(404, "/index.html"), lists, &single, "`/` shows the site"),
        (
            with(403, "/404.html"),
            policy(),
            &single,
            "`/app/settings` answers 403: a single",
        ),
        (
            with(403, "/404.html"),
            policy(),
            &SourceFacts::of(["index.html", "404.html", "about/index.html"]),
            "`/about/` shows the error page `/404.html` with status 200: the origin is no website",
        ),
    ] {
        let texts = texts(&by_distribution(&distribution, &bucket, source));
        assert!(texts.starts_with(expected), "{texts}");
    }
}

#[test]
fn a_bucket_alone_needs_to_be_public_and_a_website() {
    let source = SourceFacts::of(["index.html"]);
    let website = |bucket: BucketFacts| BucketFacts {
        website: Some(Some(Website {
            index: "index.html".to_owned(),
            error: None,
        })),
        ..bucket
    };
    assert!(texts(&without_distribution(&bucket(Value::Null), &source)).contains("nobody may read"));
    assert!(texts(&without_distribution(&bucket(open()), &source)).contains("no website configuration"));
    let shown = without_distribution(&website(bucket(open())), &source);
    assert_eq!(texts(&shown), "`/` shows the site, by the bucket's website endpoint\n");
    assert_eq!(shown[0].status, CheckStatus::Ok);
    let unread = BucketFacts {
        account_block: None,
        ..website(bucket(open()))
    };
    let shown = without_distribution(&unread, &source);
    assert!(
        texts(&shown).contains("`/` shows the site, by the bucket's website endpoint, unless the account's Block"),
        "{}",
        texts(&shown)
    );
    assert_eq!(shown[0].status, CheckStatus::NotChecked);
    let blocked = BucketFacts {
        block: Some(PublicBlock {
            restricts_policies: true,
            ..PublicBlock::default()
        }),
        ..website(bucket(open()))
    };
    assert!(
        texts(&without_distribution(&blocked, &source))
            .contains("the bucket's Block Public Access is on, and keeps out")
    );
    let by_acl = BucketFacts {
        public_acl: true,
        ..website(bucket(Value::Null))
    };
    assert!(texts(&without_distribution(&by_acl, &source)).contains("`/` shows the site"));
}

#[test]
fn what_may_not_be_read_gives_no_verdict() {
    let unread = BucketFacts {
        policy: None,
        block: None,
        website: None,
        ..bucket(Value::Null)
    };
    let source = SourceFacts::of(["index.html"]);
    assert!(without_distribution(&unread, &source).is_empty());
    assert!(by_distribution(&distribution(control()), &unread, &source).is_empty());
    assert!(by_distribution(&distribution(OriginAccess::Website), &unread, &source).is_empty());
}

#[test]
fn what_is_set_up_wrong_beside_the_policy_is_told() {
    let source = SourceFacts::of(["index.html", "404.html"]);
    let website = |bucket: BucketFacts| BucketFacts {
        website: Some(Some(Website {
            index: "index.html".to_owned(),
            error: None,
        })),
        ..bucket
    };
    let root = |root: &str, pages: &[(i32, &str)]| DistributionFacts {
        default_root_object: root.to_owned(),
        error_pages: pages
            .iter()
            .map(|&(code, path)| (code, page(path, Some(200))))
            .collect(),
        ..distribution(control())
    };
    let by_https = DistributionFacts {
        origin: Some(OriginFacts {
            access: OriginAccess::Website,
            signing: Signing::Unknown,
            by_https: true,
        }),
        ..distribution(OriginAccess::Website)
    };
    let encrypted = BucketFacts {
        at_rest: AtRest::Kms(KmsKey::Managed),
        ..bucket(open())
    };
    let private = || bucket(for_distribution(ARN));
    for (distribution, bucket, expected) in [
        (by_https, website(bucket(open())), "which speaks http only"),
        (
            root("/index.html", &[]),
            private(),
            "`/` answers 403: the default root object is written `/index.html`",
        ),
        (root("", &[(403, "/index.html")]), private(), "`/` shows the site"),
        (
            root("", &[(403, "/404.html")]),
            private(),
            "`/` shows the error page `/404.html` with status 200: the default root",
        ),
        (
            root("index.html", &[(403, "/gone.html")]),
            private(),
            "the error page for 403 is `/gone.html`, and `source`",
        ),
        (
            distribution(OriginAccess::Identity("E9".to_owned())),
            encrypted.clone(),
            "`/` answers 400",
        ),
        (distribution(OriginAccess::None), encrypted, "`/` answers 400"),
    ] {
        let texts = texts(&by_distribution(&distribution, &bucket, &source));
        assert!(
            texts.contains(expected) && texts.lines().count() == 1,
            "{expected}: {texts}"
        );
    }
}

#[test]
fn what_another_origin_answers_is_not_checked() {
    let source = SourceFacts::of(["index.html"]);
    let grouped = DistributionFacts {
        second_origin: Some(SecondOrigin {
            domain: "api.example.com".to_owned(),
            codes: vec![403, 404],
        }),
        ..distribution(control())
    };
    let apart = DistributionFacts {
        origin: None,
        elsewhere: Some("`api.example.com` answers `/`".to_owned()),
        ..distribution(control())
    };
    for (distribution, policy, expected) in [
        (&grouped, Value::Null, "the second origin of the group"),
        (&apart, for_distribution(ARN), "`api.example.com` answers `/`"),
    ] {
        let findings = by_distribution(distribution, &bucket(policy), &source);
        assert!(texts(&findings).contains(expected), "{}", texts(&findings));
        assert_eq!(findings[0].status, CheckStatus::NotChecked);
    }
    let shown = by_distribution(&grouped, &bucket(for_distribution(ARN)), &source);
    assert_eq!(texts(&shown), "`/` shows the site\n");
}
