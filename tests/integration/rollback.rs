//! One dispatch takes site and backend back together, and only what our releases changed.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Action, Cloud, Run};

const A: &str = "aaaaaaa1111111111111111111111111111111aa";
const B: &str = "bbbbbbb2222222222222222222222222222222bb";
const C: &str = "ccccccc3333333333333333333333333333333cc";

const BUCKET: &str = "my-bucket";

/// A cloud with everything that a deploy of all three parts needs.
fn cloud() -> Cloud {
    let cloud = Cloud::with_acl_bucket(BUCKET);
    cloud.set_versioning(BUCKET, "Enabled");
    cloud.post(
        "/cloudfront",
        &json!({"id": "E1EXAMPLE", "default_root_object": "index.html",
                "origins": [{"domain": format!("{BUCKET}.s3.us-east-1.amazonaws.com"), "path": ""}]}),
    );
    cloud.post(
        "/beanstalk/environments",
        &json!({"application": "my-app", "environment": "my-app-prod", "version_label": "v0", "region": "us-east-1"}),
    );
    cloud
}

/// A step for the site alone.
fn site(cloud: &Cloud, run: u32, sha: &str) -> Action {
    Action::new(cloud)
        .github("sha", sha)
        .github("run_id", &format!("900{run}"))
        .github("run_number", &run.to_string())
        .with("bucket", BUCKET)
        .with("source", "site")
        .with("delete", "true")
        .with("max-delete", "100%")
}

/// A step for all three parts.
fn all(cloud: &Cloud, run: u32, sha: &str) -> Action {
    site(cloud, run, sha)
        .with("distribution", "E1EXAMPLE")
        .with("application-name", "my-app")
        .with("environment-name", "my-app-prod")
        .with("package", "backend")
        .with("version-label", "{short-sha}-{run-number}")
        .with("poll-interval", "1")
        .with("acl", "public-read")
}

fn release_a(cloud: &Cloud) -> Action {
    all(cloud, 1, A)
        .with(
            "headers",
            "*.css Cache-Control: max-age=60\n*.html x-amz-meta-release: a\nold/* x-amz-website-redirect-location: /",
        )
        .file("site/index.html", "<h1>A</h1>")
        .file("site/same.txt", "same in both")
        .file("site/style.css", "body {}")
        .file("site/only in a.txt", "a")
        .file("site/old/page", "moved")
        .file("backend/application.py", "print('a')")
}

fn release_b(cloud: &Cloud) -> Action {
    all(cloud, 2, B)
        .with(
            "headers",
            "*.css Cache-Control: max-age=3600\n*.html x-amz-meta-release: b",
        )
        .file("site/index.html", "<h1>B, longer</h1>")
        .file("site/same.txt", "same in both")
        .file("site/style.css", "body {}")
        .file("site/only-in-b/ü.js", "b")
        .file("backend/application.py", "print('b')")
}

/// A rollback with the deploy's own inputs, and without a checkout.
fn back(cloud: &Cloud, run: u32) -> Action {
    all(cloud, run, C).with("command", "rollback")
}

/// Everything that a reader can see of the bucket.
fn seen(cloud: &Cloud) -> BTreeMap<String, String> {
    cloud
        .keys(BUCKET)
        .into_iter()
        .map(|key| {
            let object = cloud.object(BUCKET, &key).expect("a listed object");
            let mut text = object.text();
            for header in [
                "content-type",
                "cache-control",
                "x-amz-meta-release",
                "x-amz-website-redirect-location",
            ] {
                text.push_str(&format!("\n{header}: {}", object.header(header).unwrap_or("-")));
            }
            text.push_str(&format!("\npublic: {}", cloud.acl(BUCKET, &key).contains("AllUsers")));
            (key, text)
        })
        .collect()
}

fn label(cloud: &Cloud) -> String {
    let page = crate::support::http::request(&cloud.endpoint, "GET", "/_app/my-app-prod/", &[], b"").text();
    page.rsplit(' ').next().unwrap_or_default().trim().to_owned()
}

/// The keys that the site's objects were copied from, downloaded from or written to since the log was emptied.
fn site_requests(cloud: &Cloud, operation: &str) -> usize {
    cloud
        .requests()
        .iter()
        .filter(|one| one["operation"] == operation && one["service"] == "s3")
        .filter(|one| {
            one["path"]
                .as_str()
                .is_some_and(|path| !path.contains(".aws-web-deploy"))
        })
        .count()
}

/// Fails when anything was changed since the log was emptied.
#[track_caller]
fn assert_no_write(cloud: &Cloud) {
    let reads = ["List", "Get", "Head", "Describe"];
    for operation in cloud.operations() {
        assert!(
            reads.iter().any(|read| operation.starts_with(read)),
            "{operation} was sent"
        );
    }
}

#[test]
fn site_and_backend_go_back_and_forward_together() {
    let cloud = cloud();
    let first = release_a(&cloud).run().expect_exit(0);
    let (state_a, label_a) = (seen(&cloud), label(&cloud));
    release_b(&cloud).run().expect_exit(0);
    let (state_b, label_b) = (seen(&cloud), label(&cloud));
    assert_ne!(label_a, label_b);
    cloud.put(BUCKET, "stranger.txt", &[("Content-Type", "text/plain")], b"not ours");
    let stranger = ("stranger.txt".to_owned(), seen(&cloud)["stranger.txt"].clone());
    cloud.forget_requests();

    let run = back(&cloud, 3).run().expect_exit(0);
    assert_eq!(site_requests(&cloud, "GetObject"), 0, "no object is downloaded");
    assert_eq!(site_requests(&cloud, "PutObject"), 0, "no object is uploaded");
    let invalidated: Vec<Vec<String>> = cloud
        .invalidations()
        .into_iter()
        .map(|mut paths| {
            paths.sort();
            paths
        })
        .collect();
    assert_eq!(
        invalidated,
        [[
            "/",
            "/index.html",
            "/old/page",
            "/only%20in%20a.txt",
            "/only-in-b/%C3%BC.js",
            "/style.css"
        ]]
    );
    let mut expected = state_a.clone();
    expected.extend([stranger.clone()]);
    assert_eq!(seen(&cloud), expected);
    assert_eq!(label(&cloud), label_a);
    assert_eq!(run.output("version-label"), label_a);
    assert_eq!(run.output("previous-version-label"), label_b);
    assert_eq!((run.output("uploaded"), run.output("deleted")), ("4", "1"));
    assert_eq!(run.output("outcome"), "succeeded");
    let order: Vec<String> = cloud
        .operations()
        .into_iter()
        .filter(|operation| ["UpdateEnvironment", "DeleteObjects", "CreateInvalidation"].contains(&operation.as_str()))
        .collect();
    assert_eq!(order, ["UpdateEnvironment", "DeleteObjects", "CreateInvalidation"]);
    assert_ne!(run.output("release"), first.output("release"));
    assert_eq!(
        run.report["rolled_back_to"],
        json!({"release": first.output("release"), "commit": A})
    );
    assert!(
        run.summary.contains(&format!("/octo/site/commit/{A}")),
        "{}",
        run.summary
    );
    assert!(run.summary.contains("4 restored"), "{}", run.summary);

    let forward = back(&cloud, 4).with("to", &B[..9]).run().expect_exit(0);
    let mut expected = state_b;
    expected.extend([stranger]);
    assert_eq!(seen(&cloud), expected);
    assert_eq!(label(&cloud), label_b);
    assert_eq!(forward.output("outcome"), "succeeded");
}

#[test]
fn previous_twice_goes_back_twice() {
    let cloud = cloud();
    for (run, sha, text) in [(1, A, "one"), (2, B, "two"), (3, C, "three")] {
        let deploy = site(&cloud, run, sha).file("site/index.html", text);
        deploy.file(&format!("site/only-{run}.txt"), text).run().expect_exit(0);
    }
    let rollback = |run| site(&cloud, run, C).with("command", "rollback").run();
    rollback(4).expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["index.html", "only-2.txt"]);
    rollback(5).expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["index.html", "only-1.txt"]);
    assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), "one");
    cloud.forget_requests();
    let nothing = rollback(6).expect_exit(1);
    assert!(
        nothing.error().contains("there is no succeeded release before"),
        "{}",
        nothing.error()
    );
    assert_no_write(&cloud);
    // What a rollback hid can come back: nothing was destroyed.
    site(&cloud, 7, C)
        .with("command", "rollback")
        .with("to", C)
        .run()
        .expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["index.html", "only-3.txt"]);
}

#[test]
fn a_run_that_failed_half_way_is_taken_back() {
    let cloud = cloud();
    site(&cloud, 1, A)
        .file("site/index.html", "A")
        .file("site/a.js", "a")
        .file("site/b.js", "b")
        .run()
        .expect_exit(0);
    let before = seen(&cloud);
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "/b.js", "times": -1, "kind": "error",
                "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
    );
    let failed = site(&cloud, 2, B)
        .file("site/index.html", "B")
        .file("site/a.js", "a changed")
        .file("site/b.js", "b changed")
        .file("site/new.js", "new")
        .run()
        .expect_exit(1);
    assert!(failed.error().contains("b.js"), "{}", failed.error());
    assert_ne!(seen(&cloud), before, "a part of it went up");
    cloud.control("DELETE", "/faults", &Value::Null);
    site(&cloud, 3, C).with("command", "rollback").run().expect_exit(0);
    assert_eq!(seen(&cloud), before);
}

#[test]
fn a_killed_run_is_taken_back_and_its_invalidation_made_up_for() {
    let cloud = cloud();
    let deploy = |run, sha, text: &str| {
        let mut action = site(&cloud, run, sha)
            .with("distribution", "E1EXAMPLE")
            .file("site/index.html", text);
        for n in 0..40 {
            action = action.file(&format!("site/{n}.js"), format!("{text} {n}"));
        }
        action
    };
    deploy(1, A, "one").run().expect_exit(0);
    let before = seen(&cloud);
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "/39.js", "times": 1, "kind": "delay", "seconds": 20}),
    );
    deploy(2, B, "two").signal("KILL", "upload  0.js", 0.5).run();
    assert_ne!(seen(&cloud), before, "a part of it went up");
    cloud.control("DELETE", "/faults", &Value::Null);
    cloud.forget_requests();
    let run = site(&cloud, 3, C)
        .with("distribution", "E1EXAMPLE")
        .with("command", "rollback")
        .run()
        .expect_exit(0);
    assert_eq!(seen(&cloud), before);
    let warnings = run.messages("warning").join("\n");
    assert!(
        warnings.contains("was started 0 min ago and has not ended"),
        "{warnings}"
    );
    assert!(warnings.contains("/actions/runs/9002"), "{warnings}");
    let paths = cloud.invalidations();
    assert!(
        paths.iter().flatten().any(|path| path == "/*" || path == "/39.js"),
        "{paths:?}"
    );
    // Nothing is owed any more.
    cloud.forget_requests();
    let unchanged = deploy(4, A, "one").run().expect_exit(0);
    assert_eq!(unchanged.output("outcome"), "unchanged");
    assert!(cloud.invalidations().is_empty());
}

#[test]
fn a_key_changed_by_hand_is_taken_back_and_said() {
    let cloud = cloud();
    site(&cloud, 1, A)
        .file("site/index.html", "A")
        .file("site/same.txt", "s")
        .run()
        .expect_exit(0);
    site(&cloud, 2, B)
        .file("site/index.html", "B")
        .file("site/same.txt", "s")
        .run()
        .expect_exit(0);
    cloud.put(BUCKET, "index.html", &[], b"by hand");
    cloud.put(BUCKET, "same.txt", &[], b"by hand, and no release touched it since");
    let run = site(&cloud, 3, C).with("command", "rollback").run().expect_exit(0);
    assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), "A");
    assert!(
        cloud
            .object(BUCKET, "same.txt")
            .expect("a file")
            .text()
            .starts_with("by hand")
    );
    assert!(
        run.log
            .contains("index.html: was changed by somebody else since release"),
        "{}",
        run.log
    );
    assert_eq!(run.report["site"]["warnings"][0]["path"], "index.html");
}

#[test]
fn what_cannot_work_is_found_before_anything_changes() {
    let cloud = cloud();
    let refused = |run: u32, to: &str, parts: &[&str]| {
        cloud.forget_requests();
        let run = back(&cloud, run).with("to", to).run().expect_exit(1);
        for part in parts {
            assert!(run.error().contains(part), "`{part}` is not in {}", run.error());
        }
        assert_no_write(&cloud);
    };
    refused(1, "previous", &["there is no record of any release"]);
    let first = release_a(&cloud).run().expect_exit(0);
    let first_page = version(&cloud, "index.html");
    refused(
        2,
        "previous",
        &["there is no succeeded release before", first.output("release")],
    );
    refused(2, A, &["is live already"]);
    release_b(&cloud).run().expect_exit(0);
    refused(3, "aaaaaa", &["a commit needs at least 7 characters"]);
    refused(
        3,
        "nonsense",
        &[
            "no succeeded release has this id",
            "possible in `to`",
            first.output("release"),
        ],
    );

    cloud.set_versioning(BUCKET, "Suspended");
    refused(
        4,
        "previous",
        &[
            "versioning of bucket `my-bucket` is not enabled",
            "put-bucket-versioning",
        ],
    );
    cloud.set_versioning(BUCKET, "Enabled");

    let target = format!("/{BUCKET}/index.html?versionId={first_page}");
    assert_eq!(cloud.s3("DELETE", &target, &[], b"").status, 204);
    refused(
        5,
        "previous",
        &[
            "the versions that it needs of `index.html` are gone",
            "deploy the commit",
        ],
    );
}

#[test]
fn a_label_that_is_gone_is_found_before_anything_changes() {
    let cloud = cloud();
    release_a(&cloud).run().expect_exit(0);
    let label_a = label(&cloud);
    release_b(&cloud).run().expect_exit(0);
    let body =
        format!("Action=DeleteApplicationVersion&Version=2010-12-01&ApplicationName=my-app&VersionLabel={label_a}");
    let answer = crate::support::http::request(
        &cloud.endpoint,
        "POST",
        "/",
        &[
            ("Content-Type", "application/x-www-form-urlencoded"),
            (
                "Authorization",
                "AWS4-HMAC-SHA256 Credential=AKIATESTS/20260101/us-east-1/elasticbeanstalk/aws4_request, \
                 SignedHeaders=host, Signature=0",
            ),
        ],
        body.as_bytes(),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    cloud.forget_requests();
    let run = back(&cloud, 3).run().expect_exit(1);
    assert!(run.error().contains(&label_a), "{}", run.error());
    assert_no_write(&cloud);
}

#[test]
fn what_was_written_without_versioning_cannot_be_taken_back() {
    let cloud = Cloud::with_bucket(BUCKET);
    let first = site(&cloud, 1, A).file("site/index.html", "A").run().expect_exit(0);
    let notices = first.messages("notice").join("\n");
    assert!(notices.contains("could not be rolled back"), "{notices}");
    assert!(
        notices.contains("aws s3api put-bucket-versioning --bucket my-bucket"),
        "{notices}"
    );
    site(&cloud, 2, B).file("site/index.html", "B").run().expect_exit(0);
    cloud.set_versioning(BUCKET, "Enabled");
    cloud.forget_requests();
    let run = site(&cloud, 3, C).with("command", "rollback").run().expect_exit(1);
    assert!(
        run.error().contains("was not enabled during release"),
        "{}",
        run.error()
    );
    assert_no_write(&cloud);
    // From here on it works, also back to what was written without.
    site(&cloud, 4, C).file("site/index.html", "C").run().expect_exit(0);
    site(&cloud, 5, C).with("command", "rollback").run().expect_exit(0);
    assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), "B");
}

#[test]
fn a_dry_run_lists_the_releases_and_shows_the_plan() {
    let cloud = cloud();
    let first = release_a(&cloud).run().expect_exit(0);
    let second = release_b(&cloud).run().expect_exit(0);
    cloud.forget_requests();
    let run = back(&cloud, 3).with("dry-run", "true").run().expect_exit(0);
    assert_no_write(&cloud);
    assert_eq!(run.output("changed"), "false");
    for release in [first.output("release"), second.output("release")] {
        assert!(run.summary.contains(release), "{}", run.summary);
        assert!(run.log.contains(release), "{}", run.log);
    }
    assert!(run.summary.contains("**live**"), "{}", run.summary);
    assert!(
        run.summary.contains(&format!("/octo/site/commit/{A}")),
        "{}",
        run.summary
    );
    assert_eq!(run.report["site"]["deletes"], json!(["only-in-b/ü.js"]));
    assert_eq!(run.report["site"]["uploads"].as_array().map(Vec::len), Some(4));
}

#[test]
fn a_backend_alone_goes_back_to_any_label() {
    let cloud = cloud();
    let backend = |run| {
        Action::new(&cloud)
            .github("run_number", run)
            .with("application-name", "my-app")
            .with("environment-name", "my-app-prod")
            .with("poll-interval", "1")
    };
    let deployed = backend("1")
        .with("package", "backend")
        .with("version-label", "v1")
        .file("backend/application.py", "print(1)")
        .run()
        .expect_exit(0);
    assert_eq!(
        (label(&cloud).as_str(), deployed.output("previous-version-label")),
        ("v1", "v0")
    );
    backend("2")
        .with("command", "rollback")
        .with("to", "v0")
        .run()
        .expect_exit(0);
    assert_eq!(label(&cloud), "v0");
    backend("3")
        .with("command", "rollback")
        .with("to", "v1")
        .run()
        .expect_exit(0);
    assert_eq!(label(&cloud), "v1");
    cloud.forget_requests();
    let live = backend("4")
        .with("command", "rollback")
        .with("to", "v1")
        .run()
        .expect_exit(1);
    assert!(live.error().contains("live already"), "{}", live.error());
    let unknown = backend("5")
        .with("command", "rollback")
        .with("to", "v9")
        .run()
        .expect_exit(1);
    assert!(unknown.error().contains("v9"), "{}", unknown.error());
    assert_no_write(&cloud);
}

#[test]
fn a_backend_that_fails_to_go_back_leaves_the_site_alone() {
    let cloud = cloud();
    release_a(&cloud).run().expect_exit(0);
    release_b(&cloud).run().expect_exit(0);
    let before = seen(&cloud);
    cloud.post(
        "/beanstalk/scenario",
        &json!({"environment": "my-app-prod", "scenario": "fails", "seconds": 1}),
    );
    back(&cloud, 3).run().expect_exit(1);
    assert_eq!(seen(&cloud), before);
    assert_eq!(
        cloud.count("CopyObject"),
        1,
        "the one of release B, whose headers changed"
    );
}

#[test]
fn five_thousand_objects_go_back_in_seconds_by_copies_alone() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.set_versioning(BUCKET, "Enabled");
    for (run, sha) in [(1, A), (2, B)] {
        let deploy = site(&cloud, run, sha);
        for n in 0..5_000 {
            deploy.write(&format!("site/{}/{n}.txt", n % 50), format!("{n} of {run}"));
        }
        deploy.run().expect_exit(0);
    }
    cloud.forget_requests();
    let rollback = site(&cloud, 3, C).with("command", "rollback");
    let started = Instant::now();
    let run: Run = rollback.run().expect_exit(0);
    let took = started.elapsed();
    assert_eq!(run.output("uploaded"), "5000");
    let requests = cloud.requests();
    let count = |operation: &str| requests.iter().filter(|one| one["operation"] == operation).count();
    assert_eq!(count("CopyObject"), 5_000);
    assert_eq!(count("HeadObject"), 0);
    assert_eq!(
        site_requests(&cloud, "GetObject") + site_requests(&cloud, "PutObject"),
        0
    );
    assert!(
        count("ListObjectVersions") <= 40,
        "{} listings",
        count("ListObjectVersions")
    );
    assert_eq!(cloud.object(BUCKET, "7/4207.txt").expect("a file").text(), "4207 of 1");
    assert!(took < Duration::from_secs(60), "it took {took:?}");
}

fn version(cloud: &Cloud, key: &str) -> String {
    let object = cloud.object(BUCKET, key).expect("an object");
    object.header("x-amz-version-id").expect("a version id").to_owned()
}
