//! Versions in an archive: a rollback that needs one stops before it changes anything, and works once it is brought back.

use serde_json::json;

use super::*;

/// A release with two pages, of which the bucket has moved the first one's old version into an archive since.
fn site_with_archived_page(cloud: &Cloud) -> String {
    let pages = |step: Action, text: &str| {
        step.file("site/a.html", format!("a {text}"))
            .file("site/b.html", format!("b {text}"))
    };
    let first = pages(site(cloud, 1, A), "one").run().expect_exit(0);
    let version = cloud.object(BUCKET, "a.html").expect("a page");
    let version = version.header("x-amz-version-id").expect("a version").to_owned();
    pages(site(cloud, 2, B), "two").run().expect_exit(0);
    archive(cloud, &version, false);
    assert_eq!(first.output("outcome"), "succeeded");
    version
}

/// Has the version in an archive, or out of it for some days (`restored`).
fn archive(cloud: &Cloud, version: &str, restored: bool) {
    cloud.post(
        "/s3/archive",
        &json!({"bucket": BUCKET, "key": "a.html", "version": version, "restored": restored}),
    );
}

fn texts(cloud: &Cloud) -> [String; 2] {
    ["a.html", "b.html"].map(|key| cloud.object(BUCKET, key).expect("a page").text())
}

#[test]
fn a_rollback_to_what_is_archived_stops_before_it_changes_anything_and_works_once_it_is_restored() {
    let cloud = cloud();
    let version = site_with_archived_page(&cloud);
    let run = site(&cloud, 3, C).with("command", "rollback").run().expect_exit(1);
    for expected in ["`a.html` are archived", "restore-object"] {
        assert!(
            run.error().contains(expected),
            "{expected} is missing in {}",
            run.error()
        );
    }
    assert_eq!(texts(&cloud), ["a two", "b two"], "nothing was changed");
    assert_eq!(run.output("outcome"), "failed");

    archive(&cloud, &version, true);
    let list = site(&cloud, 3, C)
        .with("command", "rollback")
        .with("dry-run", "true")
        .run()
        .expect_exit(0);
    assert!(!list.log.contains("archived"), "{}", list.log);
    site(&cloud, 3, C).with("command", "rollback").run().expect_exit(0);
    assert_eq!(texts(&cloud), ["a one", "b one"]);
    let page = cloud.object(BUCKET, "a.html").expect("a page");
    // A page that lies in an archive would be no page.
    assert_eq!(page.header("x-amz-storage-class"), None);
}
