//! What keeps visitors out besides the bucket's policy, beside what they get: accounts, keys, controls that do not sign,
//! statuses of error pages.

use serde_json::{Value, json};

use crate::support::visitors::{
    APPLICATION, DISTRIBUTION, FOLDER, PAGE, REST, Setup, WEBSITE, assert_told, by_control, cloud, identity, of_origin,
    only_for, open, setup, website,
};

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// The statements of several policies in one.
fn together(policies: &[Value]) -> Value {
    let statements: Vec<&Value> = policies
        .iter()
        .flat_map(|policy| policy["Statement"].as_array().into_iter().flatten())
        .collect();
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn deny(condition: &Value) -> Value {
    json!({"Statement": [{
        "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::site/*", "Condition": condition,
    }]})
}

fn signing(behavior: &str) -> Option<Value> {
    by_control(json!({"origins": [{"domain": REST, "access_control": {"id": "OAC1", "signing": behavior}}]}))
}

fn error_page(code: i32, page: &str, response_code: i32) -> Option<Value> {
    by_control(json!({"error_pages": [{"code": code, "page": page, "response_code": response_code}]}))
}

fn setups() -> Vec<Setup> {
    let by_website = || of_origin(json!({"domain": WEBSITE, "website": true}), "");
    let by_identity = || of_origin(json!({"domain": REST, "access_identity": "E9IDENTITY"}), "index.html");
    let private = || json!({"policy": only_for(DISTRIBUTION)});
    vec![
        setup(
            "a public policy that is restricted, and a distribution without access control",
            json!({"policy": open(), "block_public_access": ["RestrictPublicBuckets"]}),
            of_origin(json!({"domain": REST}), "index.html"),
            PAGE,
            (
                "/",
                "`/` answers 403: the bucket's Block Public Access is on, and keeps out everybody whom the bucket's policy, which S3 calls public",
            ),
        ),
        setup(
            "a public policy that is restricted, and an identity",
            json!({"policy": together(&[open(), identity("E9IDENTITY")]), "block_public_access": ["RestrictPublicBuckets"]}),
            by_identity(),
            PAGE,
            ("/", "`/` answers 403: S3 calls the bucket's policy public"),
        ),
        setup(
            "a policy that is not public is not restricted",
            json!({"policy": identity("E9IDENTITY"), "block_public_access": true}),
            by_identity(),
            PAGE,
            ("/", "`/` shows the site"),
        ),
        setup(
            "a public policy that is restricted, and a service",
            json!({"policy": together(&[open(), only_for(DISTRIBUTION)]), "block_public_access": true}),
            by_control(json!({})),
            PAGE,
            ("/", "`/` shows the site"),
        ),
        setup(
            "a control that never signs",
            private(),
            signing("never"),
            PAGE,
            (
                "/",
                "`/` answers 403: nobody may read the bucket, and the origin access control `OAC1` never signs requests",
            ),
        ),
        setup(
            "a control that never signs, of a public bucket",
            json!({"policy": open()}),
            signing("never"),
            PAGE,
            ("/", "`/` shows the site"),
        ),
        setup(
            "a control that does not override",
            private(),
            signing("no-override"),
            PAGE,
            (
                "/",
                "`/` shows the site (the origin access control `OAC1` does not sign requests with an `Authorization`",
            ),
        ),
        setup(
            "a single page with an error page that says 404",
            private(),
            error_page(403, "/index.html", 404),
            APPLICATION,
            (
                "/app/settings",
                "`/app/settings` shows the error page `/index.html` with status 404",
            ),
        ),
        setup(
            "folders with an error page that says 200",
            private(),
            error_page(403, "/404.html", 200),
            &["index.html", "404.html", "about/index.html"],
            ("/about/", "`/about/` shows the error page `/404.html` with status 200"),
        ),
        setup(
            "a root object that is not there, and the start page as error page",
            private(),
            by_control(json!({
                "default_root_object": "start.html",
                "error_pages": [{"code": 403, "page": "/index.html", "response_code": 200}],
            })),
            PAGE,
            ("/", "`/` shows the site"),
        ),
        setup(
            "AWS's own KMS key",
            json!({"policy": only_for(DISTRIBUTION), "encryption": "aws:kms"}),
            by_control(json!({})),
            PAGE,
            (
                "/",
                "`/` answers 403: what is uploaded is encrypted by AWS's own KMS key",
            ),
        ),
        setup(
            "a KMS key of one's own and a public bucket",
            json!({"policy": open(), "website": website(), "encryption": {"key": KEY}}),
            None,
            PAGE,
            ("/", "`/` answers 400: what is uploaded is encrypted by a KMS key"),
        ),
        setup(
            "a policy that wants https, and a website endpoint",
            json!({
                "policy": together(&[open(), deny(&json!({"Bool": {"aws:SecureTransport": "false"}}))]),
                "website": website(),
            }),
            by_website(),
            PAGE,
            ("/", "`/` answers 403: statement 2 of the bucket's policy denies it"),
        ),
        setup(
            "a policy that wants https, and access control",
            json!({"policy": together(&[only_for(DISTRIBUTION), deny(&json!({"Bool": {"aws:SecureTransport": "false"}}))])}),
            by_control(json!({})),
            PAGE,
            ("/", "`/` shows the site"),
        ),
        setup(
            "a policy that denies it to all but the account",
            json!({"policy": together(&[
                only_for(DISTRIBUTION),
                deny(&json!({"StringNotEquals": {"aws:PrincipalAccount": "123456789012"}})),
            ])}),
            by_control(json!({})),
            PAGE,
            ("/", "`/` answers 403: statement 2 of the bucket's policy denies it"),
        ),
    ]
}

#[test]
fn whatever_keeps_visitors_out_is_told() {
    for setup in setups() {
        assert_told(&cloud(&setup), &setup);
    }
}

#[test]
fn the_accounts_block_public_access_is_read() {
    let policy = || json!({"policy": open(), "website": website()});
    let blocked = "`/` answers 403: the account's Block Public Access is on";
    for (name, distribution, files, block, expected) in [
        ("off", None, PAGE, json!([]), ("/", "`/` shows the site")),
        ("never told", None, PAGE, Value::Null, ("/", "`/` shows the site")),
        ("on", None, PAGE, json!(true), ("/", blocked)),
        (
            "on, and a website endpoint",
            of_origin(json!({"domain": WEBSITE, "website": true}), ""),
            FOLDER,
            json!(["RestrictPublicBuckets"]),
            ("/about/", blocked),
        ),
        (
            "on, and access control",
            by_control(json!({})),
            PAGE,
            json!(true),
            ("/", "`/` shows the site"),
        ),
    ] {
        let mut bucket = policy();
        if expected.1 != blocked && distribution.is_some() {
            bucket = json!({"policy": only_for(DISTRIBUTION)});
        }
        let mut setup = setup(name, bucket, distribution, files, expected);
        if setup.expected.0 == "/about/" {
            // The verdict is on `/`, and every address answers so.
            setup.expected.0 = "/";
        }
        let cloud = cloud(&setup);
        cloud.post("/s3/account", &json!({"block_public_access": block}));
        assert_told(&cloud, &setup);
        let asked: Vec<Value> = cloud.requests();
        let asked: Vec<&Value> = asked
            .iter()
            .filter(|request| request["service"] == "s3control")
            .collect();
        assert_eq!(asked.len(), 1, "{name}");
        assert_eq!(asked[0]["operation"], "GetPublicAccessBlock");
    }
}
