//! A release stands or falls as a whole: `verify-site`, `on-failure: rollback` for the whole run, what is live now.

mod asked;
mod environments;
mod first;
mod half_way;
mod list;
mod others;
mod past;
mod requests;
mod said;
mod whole;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::http::request;
use crate::support::{Action, Cloud};

const BUCKET: &str = "my-bucket";
const BUNDLES: &str = "elasticbeanstalk-us-east-1-123456789012";

fn cloud() -> Cloud {
    Cloud::with_all_parts(BUCKET)
}

/// A step for the site, of release `name`.
fn site(cloud: &Cloud, name: &str) -> Action {
    Action::new(cloud)
        .github("sha", &name.repeat(40))
        .with("bucket", BUCKET)
        .with("source", "site")
        .with("delete", "true")
        .with("max-delete", "100%")
        .with("distribution", "E1EXAMPLE")
        .with("acl", "public-read")
        .with("headers", &format!("*.html x-amz-meta-release: {name}"))
        .with("on-failure", "rollback")
        .file("site/index.html", format!("<h1>{name}</h1>"))
        .file("site/same.txt", "the same")
        .file(&format!("site/{name}.js"), name)
}

/// A step for all three parts.
fn all(cloud: &Cloud, name: &str) -> Action {
    site(cloud, name)
        .with("application-name", "my-app")
        .with("environment-name", "my-app-prod")
        .with("package", "backend")
        .with("version-label", &format!("v-{name}"))
        .with("poll-interval", "1")
        .file("backend/application.py", format!("print('{name}')"))
}

/// Everything that a reader can see of the bucket.
fn seen(cloud: &Cloud) -> BTreeMap<String, String> {
    let see = |key: String| {
        let object = cloud.object(BUCKET, &key).expect("a listed object");
        let release = object.header("x-amz-meta-release").unwrap_or("-").to_owned();
        let public = cloud.acl(BUCKET, &key).contains("AllUsers");
        (key, format!("{} {release} {public}", object.text()))
    };
    cloud.keys(BUCKET).into_iter().map(see).collect()
}

fn label(cloud: &Cloud) -> String {
    label_of(cloud, "my-app-prod")
}

/// What runs in an environment.
fn label_of(cloud: &Cloud, environment: &str) -> String {
    let page = request(&cloud.endpoint, "GET", &format!("/_app/{environment}/"), &[], b"").text();
    page.rsplit(' ').next().unwrap_or_default().trim().to_owned()
}

/// Refuses writes of the page.
fn refuse(cloud: &Cloud, operation: &str) {
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": operation, "match": "/index.html", "times": -1, "kind": "error",
                "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
    );
}

fn allow(cloud: &Cloud) {
    cloud.control("DELETE", "/faults", &Value::Null);
}

/// The newest record's end in `bucket`, below `folder`.
fn newest_record(cloud: &Cloud, bucket: &str, folder: &str) -> Value {
    let key = cloud
        .all_keys(bucket)
        .into_iter()
        .find(|key| key.starts_with(folder) && key.ends_with(".json") && !key.ends_with(".started.json"))
        .expect("a record");
    serde_json::from_slice(&cloud.object(bucket, &key).expect("it").body).expect("JSON")
}

#[test]
fn a_site_that_fails_behind_a_healthy_backend_takes_both_back() {
    let cloud = cloud();
    all(&cloud, "a").run().expect_exit(0);
    let (site_a, label_a) = (seen(&cloud), label(&cloud));
    cloud.put(BUCKET, "stranger.txt", &[], b"not ours");
    let stranger = ("stranger.txt".to_owned(), seen(&cloud)["stranger.txt"].clone());
    let b = || all(&cloud, "b").with("exclude", "stranger.txt");
    refuse(&cloud, "PutObject");
    cloud.forget_requests();
    let run = b().run().expect_exit(1);
    let mut expected = site_a.clone();
    expected.extend([stranger.clone()]);
    assert_eq!(seen(&cloud), expected);
    assert_eq!(label(&cloud), label_a);
    assert_eq!((run.output("rolled-back"), run.output("outcome")), ("true", "failed"));
    assert!(run.error().contains("index.html"), "{}", run.error());
    assert!(
        run.error()
            .contains("live now: backend `v-a` in `my-app-prod` (as before), site: as before"),
        "{}",
        run.error()
    );
    assert_eq!(
        run.report["live"],
        "backend `v-a` in `my-app-prod` (as before), site: as before"
    );
    // First what had gone up, then what came back; the environment goes back last.
    assert_eq!(cloud.invalidations(), [["/b.js"], ["/b.js"]]);
    let order: Vec<String> = cloud
        .operations()
        .into_iter()
        .filter(|operation| ["UpdateEnvironment", "DeleteObjects", "CreateInvalidation"].contains(&operation.as_str()))
        .collect();
    assert_eq!(
        order,
        [
            "UpdateEnvironment",
            "CreateInvalidation",
            "DeleteObjects",
            "CreateInvalidation",
            "UpdateEnvironment"
        ]
    );
    for (bucket, folder) in [
        (BUCKET, ".aws-web-deploy/site/releases/"),
        (BUNDLES, ".aws-web-deploy/my-app/my-app-prod/releases/"),
    ] {
        let record = newest_record(&cloud, bucket, folder);
        assert_eq!(
            (&record["status"], &record["put_back"]["complete"]),
            (&json!("failed"), &json!(true))
        );
    }

    // What follows works: a deploy, and a rollback to what was live before it.
    allow(&cloud);
    b().run().expect_exit(0);
    assert_eq!(label(&cloud), "v-b");
    b().with("command", "rollback").run().expect_exit(0);
    let mut expected = site_a;
    expected.extend([stranger]);
    assert_eq!((seen(&cloud), label(&cloud)), (expected, label_a));
}

#[test]
fn previous_after_a_failure_that_was_put_back_is_the_release_before_the_live_one() {
    let cloud = cloud();
    for name in ["a", "b"] {
        site(&cloud, name).run().expect_exit(0);
    }
    refuse(&cloud, "PutObject");
    site(&cloud, "c").run().expect_exit(1);
    allow(&cloud);
    assert_eq!(seen(&cloud)["index.html"], "<h1>b</h1> b true");
    let run = site(&cloud, "c").with("command", "rollback").run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["a.js", "index.html", "same.txt"]);
    assert!(!run.log.contains("outside this action"), "{}", run.log);
}

#[test]
fn a_site_that_does_not_answer_as_wanted_goes_back() {
    let cloud = cloud();
    let page = format!("{}/{BUCKET}/index.html", cloud.endpoint);
    let deploy = |name: &str, line: &str| site(&cloud, name).with("verify-site", line).with("verify-timeout", "1");
    deploy("a", &format!("{page} contains <h1>a</h1>\n{page} 200"))
        .run()
        .expect_exit(0);
    let before = seen(&cloud);
    let run = deploy("b", &format!("{page} contains <h1>c</h1>")).run().expect_exit(1);
    assert_eq!(seen(&cloud), before);
    assert_eq!(run.output("rolled-back"), "true");
    assert!(
        run.error()
            .contains("HTTP 200 without the text `<h1>c</h1>`: <h1>b</h1>"),
        "{}",
        run.error()
    );
    // Nothing changed: it fails, and nothing is put back.
    cloud.forget_requests();
    let run = deploy("a", &format!("{page} 404")).run().expect_exit(1);
    assert_eq!((run.output("rolled-back"), run.output("changed")), ("false", "false"));
    assert_eq!(run.report["live"], "site: as before");
    assert!(run.error().contains("; live now: site: as before"), "{}", run.error());
    assert_eq!(cloud.count("ListObjectVersions"), 0);
    // In a rollback the text of the newer release is not looked for.
    deploy("b", &format!("{page} contains <h1>b</h1>")).run().expect_exit(0);
    deploy("b", &format!("{page} contains <h1>b</h1>"))
        .with("command", "rollback")
        .run()
        .expect_exit(0);
    assert_eq!(seen(&cloud), before);
}

#[test]
fn with_keep_everything_stays_and_the_error_says_what_is_live() {
    let cloud = cloud();
    all(&cloud, "a").run().expect_exit(0);
    refuse(&cloud, "PutObject");
    let run = all(&cloud, "b")
        .with("on-failure", "keep")
        .with("github-environment", "production")
        .with("github-token", "ghs_example")
        .run()
        .expect_exit(1);
    let live = "live now: backend `v-b` in `my-app-prod` (new), site: 1 of 3 objects new, 2 as before";
    assert!(run.error().contains(live), "{}", run.error());
    assert!(run.summary.contains("1 of 3 objects new"), "{}", run.summary);
    let statuses = cloud.get("/github")["statuses"].as_array().cloned().unwrap_or_default();
    let description = statuses.last().expect("a status")["description"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(description.starts_with(live), "{description}");
    assert_eq!(run.output("rolled-back"), "false");
    assert_eq!(label(&cloud), "v-b");
}

#[test]
fn without_versioning_the_backend_goes_back_alone() {
    let cloud = cloud();
    all(&cloud, "a").run().expect_exit(0);
    cloud.set_versioning(BUCKET, "Suspended");
    refuse(&cloud, "PutObject");
    let run = all(&cloud, "b").run().expect_exit(1);
    let notices = run.messages("notice").join("\n");
    assert!(notices.contains("the site could not be rolled back"), "{notices}");
    assert!(
        run.error().contains("the site could not be rolled back"),
        "{}",
        run.error()
    );
    assert_eq!((run.output("rolled-back"), label(&cloud).as_str()), ("false", "v-a"));
}

#[test]
fn a_way_back_that_fails_half_way_names_what_differs_and_the_next_run_repairs_it() {
    let cloud = cloud();
    let page = format!("{}/{BUCKET}/index.html", cloud.endpoint);
    site(&cloud, "a").run().expect_exit(0);
    let before = seen(&cloud);
    refuse(&cloud, "CopyObject");
    let run = site(&cloud, "b")
        .with("verify-site", &format!("{page} 404"))
        .with("verify-timeout", "1")
        .run()
        .expect_exit(1);
    assert_eq!(run.output("rolled-back"), "false");
    for part in [
        "could not be rolled back",
        "AccessDenied",
        "2 of 3 objects new (`b.js`, `index.html`)",
    ] {
        assert!(run.error().contains(part), "`{part}` is not in {}", run.error());
    }
    allow(&cloud);
    // `previous` is the release before the one that failed.
    site(&cloud, "b").with("command", "rollback").run().expect_exit(0);
    assert_eq!(seen(&cloud), before);
}

/// Lets CloudFront refuse every invalidation.
fn deny_invalidations(cloud: &Cloud) {
    cloud.post(
        "/deny",
        &json!({"action": "cloudfront:CreateInvalidation", "resource": "arn:aws:cloudfront::*:distribution/E1EXAMPLE"}),
    );
}

#[test]
fn with_warn_a_failed_invalidation_takes_nothing_back() {
    let cloud = cloud();
    site(&cloud, "a").run().expect_exit(0);
    deny_invalidations(&cloud);
    let run = site(&cloud, "b")
        .with("invalidation-failure", "warn")
        .run()
        .expect_exit(0);
    assert_eq!(run.output("rolled-back"), "false");
    assert_eq!(seen(&cloud)["index.html"], "<h1>b</h1> b true");
}

#[test]
fn a_failed_invalidation_takes_the_release_back() {
    let cloud = cloud();
    site(&cloud, "a").run().expect_exit(0);
    let before = seen(&cloud);
    deny_invalidations(&cloud);
    let run = site(&cloud, "b").run().expect_exit(1);
    assert_eq!(seen(&cloud), before);
    // CloudFront may have fetched the new pages before they went back.
    assert_eq!(run.output("rolled-back"), "false");
    cloud.control("DELETE", "/deny", &Value::Null);
    // What could not be invalidated is owed, also when the content is as before.
    cloud.forget_requests();
    site(&cloud, "a").run().expect_exit(0);
    let paths = cloud.invalidations().concat();
    assert!(
        paths.contains(&"/index.html".to_owned()) && paths.contains(&"/b.js".to_owned()),
        "{paths:?}"
    );
}
