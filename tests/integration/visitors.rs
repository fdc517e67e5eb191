//! `command: check` says what a visitor gets, and the visitor gets it: verdicts beside anonymous requests.

use serde_json::json;

use crate::support::visitors::{
    APPLICATION, BUCKET, DISTRIBUTION, FOLDER, PAGE, REST, Setup, WEBSITE, assert_told, by_control, check, cloud,
    identity, of_origin, only_for, open, verdicts,
};
use crate::support::{Action, Cloud};

fn setups() -> Vec<Setup> {
    let setup = |name, bucket, distribution, files, expected| Setup {
        name,
        bucket,
        distribution,
        files,
        expected,
    };
    let website = || json!({"index": "index.html", "error": "404.html"});
    vec![
        setup(
            "private",
            json!({}),
            None,
            PAGE,
            ("/", "`/` answers 403: nobody may read"),
        ),
        setup(
            "public, no website",
            json!({"policy": open()}),
            None,
            PAGE,
            ("/", "`/` answers 403: the bucket has no website configuration"),
        ),
        setup(
            "public website",
            json!({"policy": open(), "website": website()}),
            None,
            PAGE,
            ("/", "`/` shows the site"),
        ),
        setup(
            "blocked website",
            json!({"policy": open(), "website": website(), "block_public_access": ["RestrictPublicBuckets"]}),
            None,
            PAGE,
            ("/", "`/` answers 403: the bucket's Block Public Access is on"),
        ),
        setup(
            "single page on a website",
            json!({"policy": open(), "website": {"index": "index.html"}}),
            None,
            APPLICATION,
            ("/app/settings", "`/app/settings` answers 403"),
        ),
        setup(
            "access control",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({})),
            PAGE,
            ("/", "`/` shows the site"),
        ),
        setup(
            "access control without a policy",
            json!({}),
            by_control(json!({})),
            PAGE,
            ("/", "`/` answers 403: nobody may read"),
        ),
        setup(
            "access control of another distribution",
            json!({"policy": only_for("arn:aws:cloudfront::123456789012:distribution/E2")}),
            by_control(json!({})),
            PAGE,
            ("/", "`/` answers 403: the policy names another distribution"),
        ),
        setup(
            "no root object",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({"default_root_object": ""})),
            PAGE,
            ("/", "`/` answers 403: the default root object is missing"),
        ),
        setup(
            "root object that is not there",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({"default_root_object": "start.html"})),
            PAGE,
            ("/", "`/` answers 403: the default root object is `start.html`"),
        ),
        setup(
            "folders without a function",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({})),
            FOLDER,
            ("/about/", "`/about/` answers 403"),
        ),
        setup(
            "folders with a function",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({"behaviours": [{"functions": {"viewer-request": "index-html"}}]})),
            FOLDER,
            ("/about/", "`/` shows the site"),
        ),
        setup(
            "single page without an error page",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({})),
            APPLICATION,
            ("/app/settings", "`/app/settings` answers 403"),
        ),
        setup(
            "single page with an error page",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({"error_pages": [{"code": 403, "page": "/index.html", "response_code": 200}]})),
            APPLICATION,
            ("/app/settings", "`/` shows the site"),
        ),
        setup(
            "single page with an error page for another code",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({"error_pages": [{"code": 404, "page": "/index.html", "response_code": 200}]})),
            APPLICATION,
            ("/app/settings", "`/app/settings` answers 403"),
        ),
        setup(
            "folders with an error page",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({"error_pages": [{"code": 403, "page": "/404.html", "response_code": 404}]})),
            &["index.html", "404.html", "about/index.html"],
            ("/about/", "`/about/` shows the error page `/404.html` with status 404"),
        ),
        setup(
            "access identity",
            json!({"policy": identity("E9IDENTITY")}),
            of_origin(json!({"domain": REST, "access_identity": "E9IDENTITY"}), "index.html"),
            PAGE,
            ("/", "`/` shows the site"),
        ),
        setup(
            "no access control, not public",
            json!({}),
            of_origin(json!({"domain": REST}), "index.html"),
            PAGE,
            (
                "/",
                "`/` answers 403: nobody may read the bucket, and the distribution has no origin access control",
            ),
        ),
        setup(
            "website endpoint",
            json!({"policy": open(), "website": website()}),
            of_origin(json!({"domain": WEBSITE, "website": true}), ""),
            FOLDER,
            ("/about/", "`/` shows the site"),
        ),
        setup(
            "website endpoint, not public",
            json!({"website": website()}),
            of_origin(json!({"domain": WEBSITE, "website": true}), ""),
            PAGE,
            (
                "/",
                "`/` answers 403: nobody may read the bucket, and a website endpoint",
            ),
        ),
        setup(
            "root object with a slash",
            json!({"policy": only_for(DISTRIBUTION)}),
            by_control(json!({"default_root_object": "/index.html"})),
            PAGE,
            ("/", "`/` answers 403: the default root object is written `/index.html`"),
        ),
        setup(
            "KMS and an access identity",
            json!({"encryption": "aws:kms", "policy": identity("E9IDENTITY")}),
            of_origin(json!({"domain": REST, "access_identity": "E9IDENTITY"}), "index.html"),
            PAGE,
            ("/", "`/` answers 400: what is uploaded is encrypted by a KMS key"),
        ),
        setup(
            "website endpoint without a website",
            json!({"policy": open()}),
            of_origin(json!({"domain": WEBSITE, "website": true}), ""),
            PAGE,
            ("/", "`/` answers 404"),
        ),
    ]
}

#[test]
fn the_verdict_is_what_a_visitor_gets() {
    for setup in setups() {
        assert_told(&cloud(&setup), &setup);
    }
}

#[test]
fn a_policy_that_may_not_be_read_is_not_checked_and_names_the_statement() {
    let setups = setups();
    let setup = setups
        .iter()
        .find(|setup| setup.name == "access control")
        .expect("a setup");
    let cloud = cloud(setup);
    cloud.post("/deny", &json!({"action": "s3:GetBucketPolicy"}));
    let run = check(&cloud, setup).run().expect_exit(0);
    assert!(run.log.contains("not checked bucket policy:"), "{}", run.log);
    assert!(
        run.log.contains("allow `s3:GetBucketPolicy`: the policy below does") && verdicts(&run).is_empty(),
        "{}",
        run.log
    );
}

#[test]
fn files_of_other_hosts_are_warned_of_in_the_plan() {
    let cloud = Cloud::with_bucket(BUCKET);
    let run = Action::new(&cloud)
        .with("bucket", BUCKET)
        .with("source", "public")
        .file("public/index.html", "<p>hello</p>")
        .file("public/_redirects", "/old /new")
        .run()
        .expect_exit(0);
    let warnings = run.messages("warning");
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("_redirects") && warning.contains("it serves the file")),
        "{warnings:?}"
    );
    assert_eq!(run.report["site"]["warnings"][0]["path"], "_redirects");
}

#[test]
fn the_address_is_asked_and_shown() {
    let setups = setups();
    let setup = setups
        .iter()
        .find(|setup| setup.name == "public website")
        .expect("a setup");
    let cloud = cloud(setup);
    let url = format!("{}/_viewer/{BUCKET}/", cloud.endpoint);
    let run = check(&cloud, setup).with("site-url", &url).run().expect_exit(0);
    assert!(
        run.log.contains(&format!("ok          `{url}`: answers 200")),
        "{}",
        run.log
    );

    let deploy = check(&cloud, setup)
        .with("command", "deploy")
        .with("site-url", "https://{short-sha}.example.com")
        .github("sha", "0123456789abcdef0123456789abcdef01234567")
        .run()
        .expect_exit(0);
    assert_eq!(deploy.output("site-url"), "https://0123456.example.com");
    assert_eq!(deploy.report["site_url"], "https://0123456.example.com");
    assert!(
        deploy.summary.contains("(https://0123456.example.com)"),
        "{}",
        deploy.summary
    );

    for wrong in [
        "example.com",
        "https://user:word@example.com",
        "https://{sha}.example.com",
    ] {
        let run = check(&cloud, setup).with("site-url", wrong).run().expect_exit(2);
        assert!(run.log.contains("`site-url`"), "{}", run.log);
    }
}

#[test]
fn a_bucket_that_is_given_by_its_website_endpoint_is_told_by_its_name() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.forget_requests();
    for wrong in [WEBSITE, "http://site.s3-website.eu-central-1.amazonaws.com/"] {
        let run = Action::new(&cloud)
            .with("command", "check")
            .with("bucket", wrong)
            .run()
            .expect_exit(2);
        assert!(
            run.error().contains("the bucket's name alone: write `bucket: site`"),
            "{}",
            run.log
        );
    }
    assert!(cloud.requests().is_empty());
}

#[test]
fn who_answers_instead_of_the_bucket_is_told() {
    let other = json!({"id": "other", "domain": "other.s3.us-east-1.amazonaws.com"});
    let site = json!({"id": "site", "domain": REST, "access_control": "OAC1"});
    let several =
        json!({"id": "E1", "origins": [other, site], "behaviours": [{"path": "/static/*", "origin": "site"}]});
    let group = json!({
        "id": "E1", "origins": [other, site], "behaviours": [{"origin": "both"}],
        "origin_groups": [{"id": "both", "members": ["other", "site"]}],
    });
    for (distribution, expected) in [
        (
            several,
            "`other.s3.us-east-1.amazonaws.com` answers `/`, and the bucket is asked for `/static/*`",
        ),
        (
            group,
            "`other.s3.us-east-1.amazonaws.com` answers `/`, and the bucket is asked only where that fails",
        ),
    ] {
        let cloud = Cloud::with_bucket(BUCKET);
        cloud.post("/cloudfront", &distribution);
        let step = Action::new(&cloud).with("command", "check").with("bucket", BUCKET);
        let run = step.with("distribution", "E1").run().expect_exit(0);
        assert!(
            run.log.contains(&format!(
                "not checked visitors of `E1`: what they get of this site: {expected}"
            )),
            "{}",
            run.log
        );
    }
}

#[test]
fn a_bucket_of_another_account_is_not_judged_by_ours() {
    let cloud = Cloud::with_bucket(BUCKET);
    let bucket = json!({
        "bucket": BUCKET, "owner": "210987654321", "policy": open(), "block_public_access": false,
        "website": {"index": "index.html"},
    });
    cloud.post("/s3/bucket", &bucket);
    let run = Action::new(&cloud)
        .with("command", "check")
        .with("bucket", BUCKET)
        .run()
        .expect_exit(0);
    assert!(
        run.log
            .contains("warning     owner: the bucket is not of account 123456789012"),
        "{}",
        run.log
    );
    assert!(
        run.log
            .contains("not checked account's public access: the bucket's account is another, or not known")
            && run.log.contains("get-public-access-block --account-id ACCOUNT`"),
        "{}",
        run.log
    );
    assert!(cloud.requests().iter().all(|request| request["service"] != "s3control"));
}
