//! Where the bucket is: another region, another S3-compatible store.

use serde_json::json;

use crate::site_transfer::{BUCKET, MIB, bytes, site};
use crate::support::Cloud;

#[test]
fn the_buckets_own_region_is_found() {
    let cloud = Cloud::start();
    cloud.post("/s3/bucket", &json!({"bucket": BUCKET, "region": "eu-central-1"}));
    site(&cloud).file("public/a.txt", "a").run().expect_exit(0);
    let regions: Vec<String> = cloud
        .requests()
        .iter()
        .filter(|one| one["operation"] == "PutObject")
        .filter_map(|one| one["region"].as_str().map(str::to_owned))
        .collect();
    assert!(
        !regions.is_empty() && regions.iter().all(|region| region == "eu-central-1"),
        "{regions:?}"
    );
}

/// A Region that has to be opted into names itself in the error's text alone, and there the bucket is looked for.
#[test]
fn the_region_that_a_refusal_names_is_used() {
    let cloud = Cloud::start();
    cloud.post("/s3/bucket", &json!({"bucket": BUCKET, "region": "me-south-1"}));
    // What leaves the header out, as for some callers of opt-in Regions.
    cloud.post(
        "/faults",
        &json!({"kind": "strip", "service": "s3", "operation": "HeadBucket", "headers": ["x-amz-bucket-region"]}),
    );
    let run = site(&cloud).file("public/a.txt", "a").run().expect_exit(0);
    assert_eq!(run.report["site"]["bucket"], BUCKET);
    let put = cloud.requests().into_iter().find(|one| one["operation"] == "PutObject");
    assert_eq!(put.expect("an upload")["region"], "me-south-1");
}

/// <https://github.com/TileDB-Inc/TileDB/issues/1218>
#[test]
fn a_truncated_page_without_keys_is_gone_on_from_by_its_token() {
    let cloud = Cloud::with_bucket(BUCKET);
    let action = site(&cloud).file("public/a.txt", "a").file("public/b.txt", "b");
    action.run().expect_exit(0);
    let fault = |times: i32| {
        cloud.post(
            "/faults",
            &json!({"kind": "empty-page", "service": "s3", "operation": "ListObjectsV2", "times": times}),
        );
    };
    fault(2);
    assert_eq!(action.run().expect_exit(0).output("outcome"), "unchanged");
    fault(-1);
    let run = action.run().expect_exit(1);
    assert!(
        run.error().contains("pages without keys say that more follow"),
        "{}",
        run.error()
    );
}

#[test]
fn another_store_gets_plain_headers_and_path_style() {
    let cloud = Cloud::with_bucket(BUCKET);
    let endpoint = cloud.endpoint.clone();
    let action = site(&cloud)
        .env("AWS_ENDPOINT_URL", "")
        .with("endpoint-url", &endpoint)
        .file("public/a.txt", "a")
        .file("public/film.mp4", bytes(9 * MIB));
    action.run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["a.txt", "film.mp4"]);
    for request in cloud.requests() {
        let headers = &request["headers"];
        assert!(headers["x-amz-trailer"].is_null(), "{headers}");
        let of_site = request["path"]
            .as_str()
            .is_some_and(|path| !path.contains(".aws-web-deploy"));
        if of_site && (request["operation"] == "PutObject" || request["operation"] == "UploadPart") {
            assert!(headers["content-md5"].is_string(), "{headers}");
        }
    }
    assert_eq!(action.run().expect_exit(0).output("outcome"), "unchanged");

    // What garage 2.5.0 answers: it has no ACLs, so that a copy has none to lose.
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "GetObjectAcl", "times": -1, "kind": "error", "status": 501,
                "code": "NotImplemented", "message": "Unimplemented action: GetObjectAcl"}),
    );
    action.with("cache-control", "max-age=60").run().expect_exit(0);
    let object = cloud.object(BUCKET, "a.txt").expect("the object");
    assert_eq!(object.header("cache-control"), Some("max-age=60"));
    assert_eq!(cloud.count("GetObjectAcl"), 2, "each object is asked once");
}

#[test]
fn a_check_of_another_store_asks_no_sts_whose_keys_they_are() {
    // Seen with Ceph's gateway: its keys are none of AWS's, and a network with such a store may not lead to AWS at all.
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.set_versioning(BUCKET, "Enabled");
    let endpoint = cloud.endpoint.clone();
    let check = || {
        site(&cloud)
            .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
            .with("command", "check")
            .with("endpoint-url", &endpoint)
            .file("public/a.txt", "a")
    };
    let run = check().run().expect_exit(0);
    assert!(run.log.contains("no account of AWS"), "{}", run.log);
    assert!(run.log.contains("\"arn:aws:s3:::"), "{}", run.log);
    // CloudFront is AWS's own, wherever the site is.
    assert!(check().with("distribution", "E1").run().error().contains("credentials"));
}
