//! Every run that changes something leaves a record, and no record ever stands in the way.

use serde_json::{Value, json};

use crate::support::{Action, Cloud, Run};

const BUCKET: &str = "my-bucket";
const BUNDLES: &str = "elasticbeanstalk-us-east-1-123456789012";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn site(cloud: &Cloud) -> Action {
    Action::new(cloud)
        .with("bucket", BUCKET)
        .with("source", "site")
        .with("delete", "true")
}

/// The records below `folder`: names and contents of `releases/`, newest first.
fn records(cloud: &Cloud, bucket: &str, folder: &str) -> Vec<(String, Value)> {
    let folder = format!("{folder}releases/");
    cloud
        .all_keys(bucket)
        .into_iter()
        .filter_map(|key| {
            let name = key.strip_prefix(&folder).filter(|name| !name.contains('/'))?.to_owned();
            let object = cloud.object(bucket, &key).expect("a listed object");
            Some((name, serde_json::from_slice(&object.body).expect("a record is JSON")))
        })
        .collect()
}

fn finished(cloud: &Cloud, bucket: &str, folder: &str) -> Vec<Value> {
    let all = records(cloud, bucket, folder);
    let finished = all.into_iter().filter(|(name, _)| !name.ends_with(".started.json"));
    finished.map(|(_, record)| record).collect()
}

fn warnings(run: &Run) -> String {
    run.messages("warning").join("\n")
}

#[test]
fn site_and_backend_write_one_record_to_both_places() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.set_versioning(BUCKET, "Enabled");
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    let action = site(&cloud)
        .with("prefix", "docs")
        .with("headers", "*.html Cache-Control: max-age=60")
        .with("application-name", "my-app")
        .with("environment-name", "my-app-prod")
        .with("package", "backend")
        .with("version-label", "v1")
        .with("poll-interval", "1")
        .github("workflow", "Deploy")
        .github("actor", "octocat")
        .file("site/index.html", "<h1>one</h1>")
        .file("site/app.js", "1")
        .file("backend/application.py", "print(1)");
    let run = action.run().expect_exit(0);
    let of_site = finished(&cloud, BUCKET, ".aws-web-deploy/site/docs/");
    let of_backend = finished(&cloud, BUNDLES, ".aws-web-deploy/my-app/my-app-prod/");
    assert_eq!(of_site, of_backend);
    let [record] = of_site.as_slice() else {
        panic!("one record: {of_site:?}")
    };
    assert_eq!(record["id"], run.output("release"));
    assert_eq!(record["status"], "succeeded");
    assert_eq!(record["commit"]["sha"], "8f3c2a1b5d7e9f00112233445566778899aabbcc");
    assert_eq!(record["run"]["actor"], "octocat");
    assert_eq!(record["run"]["workflow"], "Deploy");
    let url = record["run"]["url"].as_str().expect("a URL");
    assert!(url.ends_with("/octo/site/actions/runs/1001"), "{url}");
    assert_eq!(record["site"]["written"], 2);
    assert_eq!(record["site"]["versioning"], "enabled");
    assert_eq!(
        record["site"]["applied"]["rules"],
        json!(["*.html Cache-Control: max-age=60"])
    );
    let environment = &record["backend"]["environments"][0];
    assert_eq!(
        (&environment["label"], &environment["previous_label"]),
        (&json!("v1"), &json!("v0"))
    );
    assert_eq!(environment["outcome"], "succeeded");
    assert_eq!(record["backend"]["bundle_sha256"].as_str().map(str::len), Some(64));

    // Nothing changed: no record.
    let again = action.run().expect_exit(0);
    assert_eq!(again.output("outcome"), "unchanged");
    assert_eq!(again.output("release"), "");
    assert_eq!(
        records(&cloud, BUCKET, ".aws-web-deploy/site/docs/").len(),
        2,
        "its start and its end"
    );
}

#[test]
fn the_record_is_begun_before_the_first_change_and_holds_every_version() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.set_versioning(BUCKET, "Enabled");
    let action = site(&cloud).file("site/a.txt", "a").file("site/b.txt", "b");
    action.run().expect_exit(0);
    std::fs::remove_file(action.workspace().join("site/a.txt")).expect("a file to remove");
    action.write("site/b.txt", "b changed");
    cloud.forget_requests();
    let run = action.run().expect_exit(0);
    let order: Vec<String> = cloud
        .requests()
        .iter()
        .filter(|one| ["PutObject", "DeleteObjects"].contains(&one["operation"].as_str().unwrap_or_default()))
        .map(|one| one["path"].as_str().unwrap_or_default().to_owned())
        .collect();
    let place = |part: &str| order.iter().position(|path| path.contains(part)).expect(part);
    assert!(place("planned") < place(".started.json"));
    assert!(place(".started.json") < place("/b.txt"));
    assert!(place("/b.txt") < place("changed"));

    let list = cloud
        .object(
            BUCKET,
            &format!(".aws-web-deploy/site/keys/{}.changed.jsonl.gz", run.output("release")),
        )
        .expect("the list of keys");
    let keys = aws_web_deploy::door::unpack_keys(&list.body).expect("a list");
    let page = cloud.object(BUCKET, "b.txt").expect("the file");
    let written = keys.iter().find(|key| key["k"] == "b.txt").expect("the written key");
    assert_eq!(written["v"].as_str(), page.header("x-amz-version-id"));
    let deleted = keys.iter().find(|key| key["k"] == "a.txt").expect("the deleted key");
    assert!(deleted["v"].is_string(), "the delete marker's version");
    assert_eq!(keys.len(), 2);
}

#[test]
fn nothing_secret_is_in_a_record() {
    let cloud = Cloud::with_bucket(BUCKET);
    Action::without_credentials(&cloud)
        .with("aws-access-key-id", "AKIAIOSFODNN7EXAMPLE")
        .with("aws-secret-access-key", SECRET)
        .with("bucket", BUCKET)
        .with("source", "site")
        .with("github-token", "ghs_secretsecretsecret")
        .with("args", "--sse-c AES256 --sse-c-key 0123456789abcdef0123456789abcdef")
        .file("site/index.html", "hello")
        .run()
        .expect_exit(0);
    let places = records(&cloud, BUCKET, ".aws-web-deploy/site/");
    assert_eq!(places.len(), 2);
    for (name, record) in places {
        let text = record.to_string();
        for secret in [
            SECRET,
            "AKIAIOSFODNN7EXAMPLE",
            "ghs_secret",
            "0123456789abcdef0123",
            "MDEyMzQ1Njc4OWFiY2RlZj",
        ] {
            assert!(!text.contains(secret), "{name}: {text}");
        }
        assert!(text.contains("customer-key"), "{text}");
    }
}

#[test]
fn records_are_never_deleted_uploaded_or_mixed_up() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.set_versioning(BUCKET, "Enabled");
    let root = site(&cloud)
        .file("site/index.html", "root")
        .file("site/.aws-web-deploy/x", "not to be uploaded");
    let inner = site(&cloud).with("prefix", "releases").file("site/index.html", "inner");
    root.run().expect_exit(0);
    // Below the prefix of the root lies the other site; it is left alone.
    let root = root.with("exclude", "releases/*");
    inner.run().expect_exit(0);
    root.write("site/index.html", "root changed");
    root.run().expect_exit(0);
    assert_eq!(finished(&cloud, BUCKET, ".aws-web-deploy/site/").len(), 2);
    assert_eq!(finished(&cloud, BUCKET, ".aws-web-deploy/site/releases./").len(), 1);
    assert_eq!(cloud.keys(BUCKET), ["index.html", "releases/index.html"]);
    assert!(cloud.object(BUCKET, ".aws-web-deploy/x").is_none());
    root.with("command", "rollback").run().expect_exit(0);
    assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), "root");
    assert_eq!(
        cloud.object(BUCKET, "releases/index.html").expect("a page").text(),
        "inner"
    );
}

#[test]
fn records_live_where_history_says() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.create_bucket("ops");
    cloud.set_versioning(BUCKET, "Enabled");
    let deploy = |text: &str| {
        site(&cloud)
            .with("history", "s3://ops/records/web")
            .file("site/index.html", text)
            .run()
            .expect_exit(0)
    };
    deploy("one");
    deploy("two");
    assert_eq!(cloud.all_keys(BUCKET), ["index.html"]);
    assert_eq!(finished(&cloud, "ops", "records/web/site/my-bucket/").len(), 2);
    site(&cloud)
        .with("history", "s3://ops/records/web")
        .with("command", "rollback")
        .run()
        .expect_exit(0);
    assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), "one");
}

#[test]
fn a_record_that_cannot_be_written_is_a_warning() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.post(
        "/deny",
        &json!({"action": "s3:PutObject", "resource": format!("arn:aws:s3:::{BUCKET}/.aws-web-deploy/*")}),
    );
    let run = site(&cloud).file("site/index.html", "hello").run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["index.html"]);
    assert!(
        warnings(&run).contains("no rollback can go back to this release"),
        "{}",
        warnings(&run)
    );
    assert!(warnings(&run).contains("s3:PutObject"), "{}", warnings(&run));
}

#[test]
fn a_record_that_cannot_be_read_is_a_warning_and_stops_only_rollbacks_across_it() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.set_versioning(BUCKET, "Enabled");
    let deploy = |text: &str| site(&cloud).file("site/index.html", text).run().expect_exit(0);
    let first = deploy("one");
    deploy("two");
    let third = deploy("three");
    let all = records(&cloud, BUCKET, ".aws-web-deploy/site/");
    let damaged = all
        .iter()
        .map(|(name, _)| name)
        .filter(|name| name.contains(third.output("release")));
    for name in damaged {
        cloud.put(
            BUCKET,
            &format!(".aws-web-deploy/site/releases/{name}"),
            &[],
            b"{ no JSON",
        );
    }
    let fourth = deploy("four");
    assert!(
        warnings(&fourth).contains("cannot read release"),
        "{}",
        warnings(&fourth)
    );
    assert!(
        warnings(&fourth).contains(third.output("release")),
        "{}",
        warnings(&fourth)
    );
    let back = |to: &str| site(&cloud).with("command", "rollback").with("to", to).run();
    let across = back(first.output("release")).expect_exit(1);
    assert!(
        across.error().contains("changed since cannot be read"),
        "{}",
        across.error()
    );
    assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), "four");
    deploy("five");
    back(fourth.output("release")).expect_exit(0);
    assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), "four");
}

#[test]
fn a_late_run_is_warned() {
    let cloud = Cloud::with_bucket(BUCKET);
    let deploy = |number: &str, text: &str| {
        site(&cloud)
            .github("workflow", "Deploy")
            .github("run_number", number)
            .github("run_id", &format!("88{number}"))
            .file("site/index.html", text)
            .run()
            .expect_exit(0)
    };
    let newer = deploy("12", "newer");
    assert_eq!(warnings(&newer), "");
    let late = deploy("11", "older");
    assert!(
        warnings(&late).contains("run 11 of this workflow comes after run 12"),
        "{}",
        warnings(&late)
    );
    assert!(warnings(&late).contains("/actions/runs/8812"), "{}", warnings(&late));
}

#[test]
fn records_that_cannot_be_listed_are_a_warning() {
    let cloud = Cloud::start();
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    cloud.post(
        "/deny",
        &json!({"action": "s3:ListBucket", "resource": format!("arn:aws:s3:::{BUNDLES}")}),
    );
    let run = Action::new(&cloud)
        .with("application-name", "my-app")
        .with("environment-name", "my-app-prod")
        .with("package", "backend")
        .with("version-label", "v1")
        .with("poll-interval", "1")
        .file("backend/application.py", "print(1)")
        .run()
        .expect_exit(0);
    assert!(
        warnings(&run)
            .contains("Release records cannot be read: this run cannot roll back or repair an interrupted release"),
        "{}",
        warnings(&run)
    );
    assert!(warnings(&run).contains("s3:ListBucket"), "{}", warnings(&run));
}
