//! The site's bucket as `package-bucket`, or with release records of its own choice: what is the site's, and what is not.

use crate::backend::{cloud, deploy, scenario};
use crate::support::{Action, Cloud};
use serde_json::json;

const BUCKET: &str = "my-site";

/// A step that deploys the backend alone, its bundle into the site's bucket.
fn backend(cloud: &Cloud, label: &str) -> Action {
    deploy(cloud)
        .with("version-label", label)
        .with("package-bucket", BUCKET)
        .file("app/application.py", label)
}

/// A step that deploys the site alone.
fn site(cloud: &Cloud) -> Action {
    Action::new(cloud)
        .with("bucket", BUCKET)
        .with("source", "public")
        .with("delete", "true")
        .file("public/index.html", "home")
}

/// What somebody or an earlier build left in the application's folder.
fn leave_others(cloud: &Cloud) {
    for key in [
        "my-app/guide.html",
        "my-app/download.zip",
        "my-app/deeper/v1.zip",
        "v1.zip",
    ] {
        cloud.put(BUCKET, key, &[], b"the site's");
    }
}

fn site_cloud() -> Cloud {
    let cloud = cloud();
    cloud.create_bucket(BUCKET);
    cloud
}

#[test]
fn only_bundles_that_records_know_outlive_the_deletes_of_two_steps() {
    let cloud = site_cloud();
    backend(&cloud, "v 1").run().expect_exit(0);
    backend(&cloud, "v2").run().expect_exit(0);
    leave_others(&cloud);
    let run = site(&cloud).run().expect_exit(0);
    assert_eq!(run.output("deleted"), "4");
    let keys = cloud.keys(BUCKET);
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert!(keys.contains(&"my-app/v2.zip".to_owned()), "{keys:?}");
    // A second run finds nothing to do.
    assert_eq!(site(&cloud).run().expect_exit(0).output("outcome"), "unchanged");
}

#[test]
fn only_bundles_that_records_know_outlive_the_deletes_of_one_step() {
    let cloud = site_cloud();
    let both = |label: &str| {
        backend(&cloud, label)
            .with("bucket", BUCKET)
            .with("source", "public")
            .with("delete", "true")
            .file("public/index.html", label)
    };
    both("v1").run().expect_exit(0);
    leave_others(&cloud);
    both("v2").run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["index.html", "my-app/v1.zip", "my-app/v2.zip"]);
}

#[test]
fn bundles_are_known_by_records_that_history_puts_elsewhere() {
    let cloud = site_cloud();
    cloud.create_bucket("ops");
    backend(&cloud, "v1").with("history", "s3://ops").run().expect_exit(0);
    leave_others(&cloud);
    site(&cloud).with("history", "s3://ops").run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["index.html", "my-app/v1.zip"]);
}

#[test]
fn a_file_for_the_key_of_a_bundle_is_an_error_before_anything_changes() {
    let cloud = site_cloud();
    backend(&cloud, "v1").run().expect_exit(0);
    let bundle = cloud.object(BUCKET, "my-app/v1.zip").expect("a bundle").body;
    let run = site(&cloud).file("public/my-app/v1.zip", "mine").run().expect_exit(1);
    assert!(
        run.error().contains("`my-app/v1.zip`") && run.error().contains("`exclude`"),
        "{}",
        run.error()
    );
    assert_eq!(cloud.keys(BUCKET), ["my-app/v1.zip"]);
    assert_eq!(cloud.object(BUCKET, "my-app/v1.zip").expect("a bundle").body, bundle);

    // Records elsewhere, and the bundle of this very run.
    let elsewhere = site(&cloud)
        .with("history", "s3://my-site/ops")
        .file("public/my-app/v1.zip", "mine");
    let run = elsewhere.run().expect_exit(1);
    assert!(run.error().contains("`my-app/v1.zip`"), "{}", run.error());
    let both = backend(&cloud, "v2")
        .with("bucket", BUCKET)
        .with("source", "public")
        .file("public/my-app/v2.zip", "mine");
    let run = both.run().expect_exit(1);
    assert!(run.error().contains("`my-app/v2.zip`"), "{}", run.error());
    assert_eq!(cloud.keys(BUCKET), ["my-app/v1.zip"]);

    // What is no bundle's is the site's.
    let other = site(&cloud)
        .file("public/my-app/tool.zip", "mine")
        .file("public/my-app/v1.zip.txt", "mine");
    assert_eq!(other.run().expect_exit(0).output("uploaded"), "3");
    assert_eq!(
        other
            .file("public/my-app/tool.zip", "mine again")
            .run()
            .expect_exit(0)
            .output("uploaded"),
        "1"
    );
}

#[test]
fn a_bundle_that_another_history_knows_is_not_deleted_and_named() {
    let cloud = site_cloud();
    cloud.create_bucket("ops");
    backend(&cloud, "v1").with("history", "s3://ops").run().expect_exit(0);
    leave_others(&cloud);
    let run = site(&cloud).run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["index.html", "my-app/v1.zip"]);
    let warnings = run.messages("warning").join("\n");
    assert!(
        warnings.contains("my-app/v1.zip") && warnings.contains("`history`"),
        "{warnings}"
    );
    assert!(!warnings.contains("download.zip"), "{warnings}");
}

#[test]
fn where_records_cannot_be_read_nothing_is_deleted_that_may_be_a_bundle() {
    let cloud = site_cloud();
    backend(&cloud, "v1").run().expect_exit(0);
    leave_others(&cloud);
    cloud.post(
        "/deny",
        &json!({"action": "s3:GetObject", "resource": format!("arn:aws:s3:::{BUCKET}/.aws-web-deploy/my-app/*")}),
    );
    let run = site(&cloud).run().expect_exit(0);
    let warnings = run.messages("warning").join("\n");
    assert!(
        warnings.contains("`my-app/download.zip`") || warnings.contains("my-app/download.zip"),
        "{warnings}"
    );
    assert!(warnings.contains("s3:GetObject"), "{warnings}");
    assert_eq!(
        cloud.keys(BUCKET),
        ["index.html", "my-app/download.zip", "my-app/v1.zip"]
    );
}

#[test]
fn bundles_are_not_counted_among_what_a_site_may_delete() {
    let cloud = site_cloud();
    scenario(&cloud, "my-app-prod", "success", &json!({"seconds": 0.1}));
    for label in ["v1", "v2", "v3"] {
        backend(&cloud, label).run().expect_exit(0);
    }
    for n in 0..3 {
        cloud.put(BUCKET, &format!("{n}.html"), &[], b"page");
    }
    let step = site(&cloud);
    std::fs::remove_file(step.workspace().join("public/index.html")).expect("the page");
    let run = step.run().expect_exit(1);
    assert!(run.error().contains("deletes all 3 objects"), "{}", run.error());
}

#[test]
fn a_history_without_a_prefix_hides_no_folder_of_the_site() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.set_versioning(BUCKET, "Enabled");
    let pages = [
        "backend/index.html",
        "index.html",
        "site/index.html",
        "site/my-site/releases/index.html",
    ];
    let step = |text: &str| {
        pages
            .iter()
            .fold(site(&cloud).with("history", &format!("s3://{BUCKET}")), |step, page| {
                step.file(&format!("public/{page}"), text)
            })
    };
    for key in ["site/old.html", "backend/old.html"] {
        cloud.put(BUCKET, key, &[], b"old");
    }
    let run = step("one").run().expect_exit(0);
    assert_eq!(run.output("deleted"), "2");
    assert_eq!(cloud.keys(BUCKET), pages);
    step("two").run().expect_exit(0);
    let back = step("two").with("command", "rollback").run().expect_exit(0);
    assert_eq!(back.output("uploaded"), "4");
    assert_eq!(cloud.object(BUCKET, "site/index.html").expect("a page").text(), "one");
}
