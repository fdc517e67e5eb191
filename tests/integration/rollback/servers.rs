//! Rollbacks on servers that list and answer otherwise than S3 is documented to, and where only AWS can tell.

use std::io::Read as _;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use super::{A, B, BUCKET, C, seen, site};
use crate::support::{Action, Cloud};

/// A versioned bucket with `traits` of the control endpoint.
fn cloud(traits: &Value) -> Cloud {
    let cloud = Cloud::start();
    let mut bucket = json!({"bucket": BUCKET, "versioning": "Enabled"});
    for (name, value) in traits.as_object().expect("an object") {
        bucket[name] = value.clone();
    }
    cloud.post("/s3/bucket", &bucket);
    cloud
}

fn release(cloud: &Cloud, run: u32, sha: &str, files: &[(&str, &str)]) -> Action {
    let action = site(cloud, run, sha);
    files.iter().fold(action, |action, (path, text)| {
        action.file(&format!("site/{path}"), text)
    })
}

#[test]
fn a_marker_that_the_server_refuses_is_asked_again_without_the_last_character() {
    let cloud = cloud(&json!({"refused_key_marker": "\u{10ffff}"}));
    let one = [("index.html", "one"), ("css/a.css", "one"), ("css/b.css", "one")];
    release(&cloud, 1, A, &one).run().expect_exit(0);
    let before = seen(&cloud);
    let two = [
        ("index.html", "two"),
        ("css/a.css", "two"),
        ("css/b.css", "two"),
        ("new.js", "two"),
    ];
    release(&cloud, 2, B, &two).run().expect_exit(0);
    cloud.forget_requests();
    site(&cloud, 3, C).with("command", "rollback").run().expect_exit(0);
    assert_eq!(seen(&cloud), before);
    let refused = cloud
        .requests()
        .iter()
        .filter(|one| one["operation"] == "ListObjectVersions" && one["status"] == 400)
        .count();
    assert_eq!(refused, 1, "the server is believed");
}

/// Within one second no time tells their order: what the releases recorded does.
#[test]
fn delete_markers_that_are_listed_apart_are_put_into_their_order() {
    let cloud = cloud(&json!({"delete_markers_apart": true}));
    release(&cloud, 1, A, &[("index.html", "one"), ("old.js", "one")])
        .run()
        .expect_exit(0);
    let first = seen(&cloud);
    release(&cloud, 2, B, &[("index.html", "two")]).run().expect_exit(0);
    let second = seen(&cloud);
    assert!(!second.contains_key("old.js"), "{second:?}");
    let back = |run: u32, to: &str| site(&cloud, run, C).with("command", "rollback").with("to", to).run();
    back(3, A).expect_exit(0);
    assert_eq!(seen(&cloud), first);
    back(4, B).expect_exit(0);
    assert_eq!(seen(&cloud), second);
    back(5, A).expect_exit(0);
    assert_eq!(seen(&cloud), first);
}

/// The seen page without keys was one of a listing with a delimiter, as that of the records is:
/// <https://github.com/TileDB-Inc/TileDB/issues/1218>.
#[test]
fn records_behind_a_page_without_keys_are_found() {
    let cloud = cloud(&json!({}));
    release(&cloud, 1, A, &[("index.html", "one")]).run().expect_exit(0);
    let before = seen(&cloud);
    release(&cloud, 2, B, &[("index.html", "two")]).run().expect_exit(0);
    cloud.post(
        "/faults",
        &json!({"kind": "empty-page", "service": "s3", "operation": "ListObjectsV2", "match": "releases", "times": 2}),
    );
    site(&cloud, 3, C).with("command", "rollback").run().expect_exit(0);
    assert_eq!(seen(&cloud), before);
}

#[test]
fn a_version_that_the_answer_does_not_name_is_looked_up() {
    let cloud = cloud(&json!({}));
    release(&cloud, 1, A, &[("index.html", "one")]).run().expect_exit(0);
    let before = seen(&cloud);
    cloud.post(
        "/faults",
        &json!({"kind": "strip", "service": "s3", "operation": "PutObject", "headers": ["x-amz-version-id"], "times": -1}),
    );
    let run = release(&cloud, 2, B, &[("index.html", "two"), ("new.js", "two")])
        .run()
        .expect_exit(0);
    let list = format!(".aws-web-deploy/site/keys/{}.changed.jsonl.gz", run.output("release"));
    let packed = cloud.object(BUCKET, &list).expect("the list of keys").body;
    let mut lines = String::new();
    GzDecoder::new(packed.as_slice())
        .read_to_string(&mut lines)
        .expect("gzip");
    let recorded: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(recorded.len(), 2, "{recorded:?}");
    for key in &recorded {
        let stored = super::version(&cloud, key["k"].as_str().expect("a key"));
        assert_eq!(key["v"], stored, "{key}");
    }
    site(&cloud, 3, C).with("command", "rollback").run().expect_exit(0);
    assert_eq!(seen(&cloud), before);
}
