//! Copies inside a bucket: what an object has must survive them.

use aws_web_deploy::door::{CopyBucket, VersionToRestore};
use serde_json::json;

use crate::support::Cloud;
use crate::support::cloud::encode;

const EVERYTHING: [(&str, &str); 11] = [
    ("Content-Type", "text/html; charset=utf-8"),
    ("Cache-Control", "max-age=60"),
    ("Content-Language", "de"),
    ("Content-Disposition", "inline"),
    ("Expires", "Tue, 01 Jan 2030 00:00:00 GMT"),
    ("x-amz-meta-team", "web"),
    ("x-amz-acl", "public-read"),
    ("x-amz-tagging", "stage=prod&owner=a%20b"),
    ("x-amz-storage-class", "STANDARD_IA"),
    ("x-amz-website-redirect-location", "/elsewhere"),
    ("x-amz-server-side-encryption", "AES256"),
];

/// Bytes of the largest object here.
const SIZE: u64 = 12_000_000;

async fn open(cloud: &Cloud, name: &str) -> CopyBucket {
    CopyBucket::open(&cloud.endpoint, name).await.expect("a bucket")
}

/// Everything of an object that a reader or its owner can see, but for its version.
fn seen(cloud: &Cloud, key: &str) -> Vec<String> {
    let object = cloud.object("site", key).expect("an object");
    let mut seen = vec![format!("{} bytes", object.body.len())];
    for header in [
        "content-type",
        "cache-control",
        "content-language",
        "content-disposition",
        "expires",
        "x-amz-meta-team",
        "x-amz-storage-class",
        "x-amz-website-redirect-location",
        "x-amz-server-side-encryption",
    ] {
        seen.push(format!("{header}: {}", object.header(header).unwrap_or("-")));
    }
    let acl = cloud.acl("site", key);
    seen.push(format!("everybody reads: {}", acl.contains("AllUsers")));
    let tags = cloud
        .s3("GET", &format!("/site/{}?tagging", encode(key)), &[], b"")
        .text();
    seen.push(format!(
        "tags: {}",
        tags.contains("<Value>a b</Value>") && tags.contains("prod")
    ));
    seen
}

fn version_of(cloud: &Cloud, key: &str) -> String {
    let object = cloud.object("site", key).expect("an object");
    object.header("x-amz-version-id").expect("a version id").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn new_headers_leave_everything_else_as_it_is() {
    let cloud = Cloud::with_acl_bucket("site");
    cloud.put("site", "a b.html", &EVERYTHING, b"<p>hello</p>");
    let before = seen(&cloud, "a b.html");
    let bucket = open(&cloud, "site").await;
    let headers = json!({
        "content_type": "text/html; charset=utf-8",
        "cache_control": "max-age=3600",
        "content_language": "de",
        "content_disposition": "inline",
        "expires": "Tue, 01 Jan 2030 00:00:00 GMT",
        "website_redirect": "/elsewhere",
        "storage_class": "STANDARD_IA",
        "metadata": {"team": "web"},
    });
    let version = bucket.copy_in_place("a b.html", SIZE, headers).await.expect("a copy");
    assert_eq!(version, None, "the bucket keeps no versions");
    let after = seen(&cloud, "a b.html");
    let expected: Vec<String> = before
        .iter()
        .map(|line| line.replace("max-age=60", "max-age=3600"))
        .collect();
    assert_eq!(after, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_comes_back_with_all_that_it_had() {
    let cloud = Cloud::with_acl_bucket("site");
    cloud.set_versioning("site", "Enabled");
    cloud.put("site", "page.html", &EVERYTHING, b"<p>old</p>");
    let (before, old) = (seen(&cloud, "page.html"), version_of(&cloud, "page.html"));
    cloud.put("site", "page.html", &[("Content-Type", "text/plain")], b"new");
    let bucket = open(&cloud, "site").await;
    // The class is that of the plan, which the listing of versions tells.
    let source = VersionToRestore {
        version_id: old.clone(),
        acl: None,
        plain: false,
    };
    cloud.forget_requests();
    let version = bucket
        .restore("page.html", SIZE, source, json!({"storage_class": "STANDARD_IA"}), None)
        .await
        .expect("a copy");
    assert_eq!(seen(&cloud, "page.html"), before);
    assert_eq!(version.as_deref(), Some(version_of(&cloud, "page.html").as_str()));
    assert_ne!(version, Some(old));
    assert_eq!(cloud.count("GetObject"), 2, "only this test's own reads");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_version_comes_back_by_one_request() {
    let cloud = Cloud::with_acl_bucket("site");
    cloud.set_versioning("site", "Enabled");
    let headers = [
        ("Content-Type", "text/html"),
        ("Cache-Control", "max-age=60"),
        ("x-amz-meta-team", "web"),
        ("x-amz-acl", "public-read"),
        ("x-amz-tagging", "stage=prod&owner=a%20b"),
        ("x-amz-storage-class", "STANDARD_IA"),
    ];
    cloud.put("site", "page.html", &headers, b"<p>old</p>");
    let (before, old) = (seen(&cloud, "page.html"), version_of(&cloud, "page.html"));
    cloud.put("site", "page.html", &[], b"new");
    let bucket = open(&cloud, "site").await;
    cloud.forget_requests();
    let source = VersionToRestore {
        version_id: old,
        acl: Some("public-read".into()),
        plain: true,
    };
    bucket
        .restore("page.html", SIZE, source, json!({"storage_class": "STANDARD_IA"}), None)
        .await
        .expect("a copy");
    assert_eq!(cloud.operations(), ["CopyObject"]);
    assert_eq!(seen(&cloud, "page.html"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_version_comes_back_in_parts_with_all_that_it_had() {
    let cloud = Cloud::with_acl_bucket("site");
    cloud.set_versioning("site", "Enabled");
    let body: Vec<u8> = (0..12_000_000_u32).map(|n| (n % 251) as u8).collect();
    cloud.put("site", "large.html", &EVERYTHING, &body);
    let (before, old) = (seen(&cloud, "large.html"), version_of(&cloud, "large.html"));
    cloud.put("site", "large.html", &[], b"new");
    let bucket = open(&cloud, "site").await;
    cloud.forget_requests();
    let source = VersionToRestore {
        version_id: old,
        acl: None,
        plain: false,
    };
    let five = 5 * 1024 * 1024;
    bucket
        .restore(
            "large.html",
            SIZE,
            source,
            json!({"storage_class": "STANDARD_IA"}),
            Some(five),
        )
        .await
        .expect("a copy");
    assert_eq!(cloud.count("UploadPartCopy"), 3);
    assert_eq!(cloud.count("CopyObject") + cloud.count("GetObject"), 0);
    assert_eq!(seen(&cloud, "large.html"), before);
    assert_eq!(cloud.object("site", "large.html").expect("an object").body, body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_in_parts_that_fails_leaves_no_upload_behind() {
    let cloud = Cloud::with_acl_bucket("site");
    cloud.set_versioning("site", "Enabled");
    cloud.put("site", "large.bin", &[], &vec![7; 12_000_000]);
    let old = version_of(&cloud, "large.bin");
    cloud.put("site", "large.bin", &[], b"new");
    cloud.fail("s3", "UploadPartCopy", -1, 403, "AccessDenied");
    let bucket = open(&cloud, "site").await;
    let source = VersionToRestore {
        version_id: old,
        acl: None,
        plain: true,
    };
    let error = bucket
        .restore("large.bin", SIZE, source, json!({}), Some(5 * 1024 * 1024))
        .await
        .expect_err("refused");
    assert!(format!("{error:#}").contains("cannot copy part"), "{error:#}");
    for _ in 0..100 {
        if cloud.count("AbortMultipartUpload") == 1 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("no abort: {:?}", cloud.operations());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_has_acls_disabled_since_takes_the_version_without_one() {
    let cloud = Cloud::with_acl_bucket("site");
    cloud.set_versioning("site", "Enabled");
    cloud.put("site", "page.html", &[("x-amz-acl", "public-read")], b"old");
    let old = version_of(&cloud, "page.html");
    cloud.put("site", "page.html", &[], b"new");
    cloud.post(
        "/s3/bucket",
        &serde_json::json!({"bucket": "site", "ownership": "BucketOwnerEnforced"}),
    );
    let bucket = open(&cloud, "site").await;
    let source = VersionToRestore {
        version_id: old,
        acl: Some("public-read".into()),
        plain: true,
    };
    bucket
        .restore("page.html", SIZE, source, json!({}), None)
        .await
        .expect("a copy");
    assert_eq!(cloud.object("site", "page.html").expect("an object").text(), "old");
}
