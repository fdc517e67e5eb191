//! `command: check`: reads only, and says what a deploy would meet.

use serde_json::json;

use crate::support::{Action, Cloud, Run};

const SITE: &str = "my-site";

fn check(cloud: &Cloud) -> Action {
    Action::new(cloud).with("command", "check")
}

fn check_site(cloud: &Cloud) -> Action {
    check(cloud)
        .with("bucket", SITE)
        .with("source", "public")
        .file("public/index.html", "hello")
}

/// A cloud with the site's bucket.
fn with_site() -> Cloud {
    let cloud = Cloud::with_bucket(SITE);
    cloud.forget_requests();
    cloud
}

/// Fails when anything but a read was sent.
#[track_caller]
fn assert_reads_only(cloud: &Cloud) {
    for operation in cloud.operations() {
        let read = ["Get", "Head", "List", "Describe"]
            .iter()
            .any(|verb| operation.starts_with(verb));
        assert!(read, "{operation} is no read");
    }
}

#[track_caller]
fn assert_line(run: &Run, start: &str, part: &str) {
    assert!(
        run.log
            .lines()
            .any(|line| line.trim_start().starts_with(start) && line.contains(part)),
        "no line `{start} … {part}` in\n{}",
        run.log
    );
}

#[test]
fn everything_in_order_is_said_and_nothing_is_written() {
    let cloud = Cloud::with_bucket(SITE);
    cloud.set_versioning(SITE, "Enabled");
    cloud.add_distribution("E1EXAMPLE", SITE, &json!({}));
    cloud.add_environment("web", "web-prod", &json!({}));
    cloud.forget_requests();
    let run = check_site(&cloud)
        .with("distribution", "E1EXAMPLE")
        .with("application-name", "web")
        .with("environment-name", "web-prod")
        .with("package", "public")
        .run()
        .expect_exit(0);
    assert_line(
        &run,
        "ok",
        "credentials: `arn:aws:iam::123456789012:user/deploy`, account 123456789012",
    );
    assert_line(&run, "ok", "bucket `my-site`: exists, in `us-east-1`");
    assert_line(&run, "ok", "versioning: on");
    assert_line(
        &run,
        "ok",
        "distribution `E1EXAMPLE`: is enabled and serves bucket `my-site`",
    );
    assert_line(
        &run,
        "ok",
        "environment `web-prod`: is Ready and Green, runs version `v0`",
    );
    assert_line(&run, "not checked", "uploads");
    assert_line(&run, "\"arn:aws:s3:::my-site/*\"", "");
    assert!(
        run.log.contains("AdministratorAccess-AWSElasticBeanstalk"),
        "{}",
        run.log
    );
    assert!(run.summary.contains("IAM policy for these inputs"), "{}", run.summary);
    assert!(cloud.operations().len() > 5, "{:?}", cloud.operations());
    assert_reads_only(&cloud);
}

#[test]
fn what_a_rollback_misses_is_a_warning_with_the_command_to_run() {
    let cloud = with_site();
    let run = check_site(&cloud).run().expect_exit(0);
    assert_line(&run, "warning", "versioning: off");
    assert!(
        run.log.contains("aws s3api put-bucket-versioning --bucket my-site"),
        "{}",
        run.log
    );
}

#[test]
fn a_release_to_go_back_to_is_named() {
    let cloud = with_site();
    let run = check_site(&cloud).run().expect_exit(0);
    assert_line(
        &run,
        "ok",
        "release records: none yet: the first deploy writes the first",
    );
    let deployed = Action::new(&cloud)
        .with("bucket", SITE)
        .with("source", "public")
        .file("public/index.html", "hello")
        .run()
        .expect_exit(0);
    let run = check_site(&cloud).run().expect_exit(0);
    assert_line(
        &run,
        "ok",
        &format!("the newest that succeeded is `{}`", deployed.output("release")),
    );
}

#[test]
fn a_bucket_that_is_not_there_is_a_problem() {
    let cloud = Cloud::start();
    let run = check_site(&cloud).run().expect_exit(1);
    assert_line(&run, "problem", "bucket `my-site`");
    assert!(run.error().contains("bucket `my-site`"), "{}", run.error());
    assert_reads_only(&cloud);
}

#[test]
fn an_acl_that_the_bucket_does_not_take_is_a_problem() {
    let cloud = with_site();
    cloud.post(
        "/s3/bucket",
        &json!({"bucket": SITE, "ownership": "BucketOwnerEnforced"}),
    );
    let run = check_site(&cloud).with("acl", "public-read").run().expect_exit(1);
    assert_line(&run, "problem", "ACL `public-read`: the bucket has ACLs disabled");
    assert_reads_only(&cloud);
    let cloud = Cloud::with_acl_bucket(SITE);
    cloud.forget_requests();
    check_site(&cloud).with("acl", "public-read").run().expect_exit(0);
    cloud.post("/s3/bucket", &json!({"bucket": SITE, "block_public_access": true}));
    let run = check_site(&cloud).with("acl", "public-read").run().expect_exit(1);
    assert_line(&run, "problem", "BlockPublicAcls is on");
    assert_reads_only(&cloud);
    cloud.post("/s3/bucket", &json!({"bucket": SITE, "block_public_access": false}));
    cloud.post("/s3/account", &json!({"block_public_access": ["BlockPublicAcls"]}));
    let run = check_site(&cloud).with("acl", "public-read").run().expect_exit(1);
    assert_line(&run, "problem", "BlockPublicAcls of the account is on");
}

#[test]
fn the_bucket_is_opened_once_and_each_setting_read_once() {
    let cloud = Cloud::with_acl_bucket(SITE);
    cloud.add_distribution("E1EXAMPLE", SITE, &json!({}));
    cloud.forget_requests();
    check_site(&cloud)
        .with("acl", "public-read")
        .with("distribution", "E1EXAMPLE")
        .run()
        .expect_exit(0);
    for (operation, times) in [
        // To open it, and to ask whose it is.
        ("HeadBucket", 2),
        // The bucket's, and the account's.
        ("GetPublicAccessBlock", 2),
        ("GetBucketEncryption", 1),
        ("GetBucketPolicy", 1),
        ("GetDistributionConfig", 1),
    ] {
        assert_eq!(cloud.count(operation), times, "{operation}");
    }
}

#[test]
fn a_distribution_that_serves_another_bucket_is_a_warning_and_one_that_is_not_there_a_problem() {
    let cloud = Cloud::with_bucket(SITE);
    cloud.add_distribution("E1EXAMPLE", "other-bucket", &json!({}));
    let run = check_site(&cloud)
        .with("distribution", "E1EXAMPLE")
        .run()
        .expect_exit(0);
    assert_line(
        &run,
        "warning",
        "none of its origins (`other-bucket.s3.us-east-1.amazonaws.com`) is bucket `my-site`",
    );
    let run = check_site(&cloud)
        .with("distribution", "ENOTTHERE")
        .run()
        .expect_exit(1);
    assert_line(&run, "problem", "distribution `ENOTTHERE`");
}

#[test]
fn a_distribution_with_other_origins_says_which_part_is_the_bucket_s() {
    let bucket = json!({"id": "site", "domain": "my-site.s3.us-east-1.amazonaws.com"});
    let api = json!({"id": "api", "domain": "api.example.com"});
    let group = json!([{"id": "both", "members": ["api", "site"], "codes": [500]}]);
    for (options, status, part) in [
        (
            json!({"origins": [bucket, api], "behaviours": [{"path": "/api/*", "origin": "api"}]}),
            "ok",
            "is enabled and serves bucket `my-site` for everything but `/api/*`",
        ),
        (
            json!({"origins": [bucket, api], "behaviours": [{"origin": "api"}, {"path": "/static/*", "origin": "site"}]}),
            "ok",
            "is enabled and serves bucket `my-site` for `/static/*` only; `api.example.com` answers everything else",
        ),
        (
            json!({"origins": [bucket, api], "behaviours": [{"origin": "both"}], "origin_groups": group}),
            "warning",
            "asks bucket `my-site` only when `api.example.com`, the first member of its origin group, fails",
        ),
        (
            json!({"origins": [bucket, api], "behaviours": [{"origin": "api"}]}),
            "warning",
            "bucket `my-site` is one of its origins, and no behavior uses it",
        ),
    ] {
        let cloud = Cloud::with_bucket(SITE);
        cloud.add_distribution("E1EXAMPLE", SITE, &options);
        let run = check_site(&cloud).with("distribution", "E1EXAMPLE").run();
        assert_line(&run.expect_exit(0), status, part);
    }
}

#[test]
fn of_an_access_point_check_says_that_it_cannot_tell() {
    let cloud = Cloud::with_bucket(SITE);
    for domain in [
        "ap-123456789012.s3-accesspoint.us-east-1.amazonaws.com",
        "mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com",
        "lb-1234.us-east-1.elb.amazonaws.com",
    ] {
        cloud.add_distribution("E1EXAMPLE", SITE, &json!({"origins": [{"domain": domain, "path": ""}]}));
        let run = check_site(&cloud)
            .with("distribution", "E1EXAMPLE")
            .run()
            .expect_exit(0);
        assert_line(&run, "warning", "whether it shows this site cannot be told");
        assert!(!run.log.contains("do not belong together"), "{}", run.log);
    }
}

#[test]
fn a_bucket_of_another_account_is_a_warning() {
    let cloud = with_site();
    cloud.post("/s3/bucket", &json!({"bucket": SITE, "owner": "210987654321"}));
    let run = check_site(&cloud).run().expect_exit(0);
    assert_line(&run, "warning", "owner: the bucket is not of account 123456789012");
    assert_reads_only(&cloud);
    let run = check_site(&cloud)
        .with("allowed-account-ids", "123456789012")
        .run()
        .expect_exit(1);
    assert_line(&run, "problem", "bucket `my-site`");
    // A website's address is not a bucket's name, and the message has the name.
    let run = check(&cloud)
        .with("bucket", "my-site.s3-website-us-east-1.amazonaws.com")
        .run()
        .expect_exit(2);
    assert!(run.error().contains("write `bucket: my-site`"), "{}", run.error());
}

#[test]
fn environments_that_cannot_be_updated_are_problems() {
    let cloud = Cloud::start();
    cloud.add_environment("web", "web-prod", &json!({"colour": "Red"}));
    let backend = |environment: &str| {
        check(&cloud)
            .with("application-name", "web")
            .with("environment-name", environment)
            .with("package", "app")
            .file("app/main.py", "print()")
    };
    let run = backend("web-prod").run().expect_exit(0);
    assert_line(&run, "warning", "environment `web-prod`: is Ready and Red");
    let run = backend("web-test").run().expect_exit(1);
    assert_line(&run, "problem", "environment `web-test`: does not exist");
    let run = backend("web-prod")
        .with("application-name", "nothing")
        .run()
        .expect_exit(1);
    assert_line(&run, "problem", "application `nothing`: does not exist in this region");
    cloud.set_scenario("web-prod", "busy", &json!({"seconds": 60}));
    let run = backend("web-prod").with("when-busy", "fail").run().expect_exit(1);
    assert_line(&run, "problem", "environment `web-prod`: is Updating");
    backend("web-prod").run().expect_exit(0);
    assert_reads_only(&cloud);
}

#[test]
fn a_version_that_is_to_exist_and_does_not_is_a_problem() {
    let cloud = Cloud::start();
    cloud.add_environment("web", "web-prod", &json!({}));
    let backend = |label: &str| {
        check(&cloud)
            .with("application-name", "web")
            .with("environment-name", "web-prod")
            .with("version-label", label)
            .run()
    };
    backend("v0").expect_exit(0);
    let run = backend("v1").expect_exit(1);
    assert_line(
        &run,
        "problem",
        "version `v1`: cannot find version `v1` of `web`: the newest are `v0`",
    );
}

#[test]
fn what_may_not_be_read_is_said_with_the_statement_to_add() {
    let cloud = Cloud::with_bucket(SITE);
    cloud.add_distribution("E1EXAMPLE", SITE, &json!({}));
    cloud.post("/deny", &json!({"action": "s3:GetBucketVersioning"}));
    cloud.post("/deny", &json!({"action": "cloudfront:GetDistributionConfig"}));
    let run = check_site(&cloud)
        .with("distribution", "E1EXAMPLE")
        .run()
        .expect_exit(0);
    assert_line(
        &run,
        "warning",
        "versioning: cannot read whether versioning of bucket `my-site` is on",
    );
    assert_line(&run, "allow `s3:GetBucketVersioning`", "the policy below does");
    assert_line(
        &run,
        "warning",
        "distribution `E1EXAMPLE`: cannot read its configuration",
    );
    cloud.post("/deny", &json!({"action": "s3:ListBucket"}));
    let run = check_site(&cloud).run().expect_exit(1);
    assert_line(&run, "problem", "s3:ListBucket");
}
