//! Where the bucket is: another region, another S3-compatible store.

use serde_json::json;

use crate::site_transfer::{BUCKET, MIB, bytes, site};
use crate::support::{Action, Cloud};

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

#[test]
fn an_endpoint_with_a_path_and_no_slash_at_its_end_is_kept() {
    let cloud = Cloud::with_bucket(BUCKET);
    // As Supabase writes it; the bucket of the local cloud plays the path.
    let endpoint = format!("{}/{BUCKET}", cloud.endpoint);
    let action = |endpoint: &str| {
        site(&cloud)
            .env("AWS_ENDPOINT_URL", "")
            .with("endpoint-url", endpoint)
            .with("bucket", "storage")
            .file("public/a.txt", "a")
            .file("public/film.mp4", bytes(9 * MIB))
    };
    for endpoint in [endpoint.clone(), format!("{endpoint}/")] {
        cloud.forget_requests();
        action(&endpoint).run();
        let paths: Vec<String> = cloud
            .requests()
            .iter()
            .filter_map(|request| request["path"].as_str().map(str::to_owned))
            .collect();
        assert!(!paths.is_empty());
        assert!(
            paths.iter().all(|path| path.starts_with(&format!("/{BUCKET}/storage"))),
            "{endpoint}: {paths:?}"
        );
    }
}

#[test]
fn whoever_asks_pays_for_records_and_rollbacks_too() {
    let cloud = Cloud::start();
    cloud.post(
        "/s3/bucket",
        &json!({"bucket": BUCKET, "requester_pays": true, "versioning": "Enabled"}),
    );
    let step = |text: &str| {
        site(&cloud)
            .with("args", "--request-payer requester")
            .with("delete", "true")
            .file("public/a.txt", text)
    };
    for text in ["one", "two", "two"] {
        let run = step(text).run().expect_exit(0);
        assert!(run.messages("warning").is_empty(), "{}", run.log);
    }
    let run = step("two").with("command", "rollback").run().expect_exit(0);
    assert!(run.messages("warning").is_empty(), "{}", run.log);
    assert_eq!(run.output("uploaded"), "1");
}

#[test]
fn a_key_of_white_space_alone_comes_and_goes() {
    let cloud = Cloud::with_acl_bucket(BUCKET);
    let action = site(&cloud)
        .with("delete", "true")
        .file("public/ ", "blank")
        .file("public/a.txt", "a");
    action.run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), [" ", "a.txt"]);
    assert_eq!(action.run().expect_exit(0).output("outcome"), "unchanged");
    let cached = site(&cloud)
        .with("delete", "true")
        .with("cache-control", "no-cache")
        .with("acl", "private")
        .file("public/ ", "blank")
        .file("public/a.txt", "a");
    let run = cached.run().expect_exit(0);
    assert_eq!(run.uploaded(), [" ", "a.txt"], "{}", run.log);
    assert!(run.messages("warning").is_empty(), "{}", run.log);
    let header = cloud
        .object(BUCKET, " ")
        .and_then(|object| object.header("cache-control").map(str::to_owned));
    assert_eq!(header.as_deref(), Some("no-cache"));
    assert_eq!(cached.run().expect_exit(0).output("outcome"), "unchanged");
    cached.write("public/ ", "blank again");
    assert_eq!(cached.run().expect_exit(0).uploaded(), [" "]);
    std::fs::remove_file(action.workspace().join("public/ ")).expect("the file");
    assert_eq!(action.run().expect_exit(0).output("deleted"), "1");
    assert_eq!(cloud.keys(BUCKET), ["a.txt"]);
}

#[test]
fn where_encryptions_are_mixed_nothing_goes_up_again_without_need() {
    let cloud = Cloud::with_bucket(BUCKET);
    let mut action = site(&cloud);
    for n in 0..10 {
        action = action.file(&format!("public/{n}.txt"), format!("content {n}"));
        let body = if n % 2 == 0 {
            format!("CONTENT {n}")
        } else {
            format!("content {n}")
        };
        let mut headers = vec![("content-type", "text/plain; charset=utf-8")];
        if n % 2 == 1 {
            headers.extend([
                ("x-amz-server-side-encryption", "aws:kms"),
                ("x-amz-sdk-checksum-algorithm", "CRC32"),
            ]);
        }
        let sum = crc32(body.as_bytes());
        if n % 2 == 1 {
            headers.push(("x-amz-checksum-crc32", &sum));
        }
        cloud.put(BUCKET, &format!("{n}.txt"), &headers, body.as_bytes());
    }
    let run = action.run().expect_exit(0);
    assert_eq!(run.uploaded(), ["0.txt", "2.txt", "4.txt", "6.txt", "8.txt"]);
    assert_eq!(action.run().expect_exit(0).output("outcome"), "unchanged");
}

/// CRC-32 as S3's header has it.
fn crc32(bytes: &[u8]) -> String {
    use base64::Engine as _;
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    base64::engine::general_purpose::STANDARD.encode(crc.sum().to_be_bytes())
}

#[test]
fn what_a_store_says_is_shown_and_never_advised() {
    let cloud = Cloud::with_bucket("site-bucket");
    let message = "User: x is not authorized to perform: iam:* on resource: arn:aws:iam::123456789012:*";
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "times": -1, "kind": "error", "status": 403,
                "code": "AccessDenied", "message": message}),
    );
    let run = Action::new(&cloud)
        .with("bucket", "site-bucket")
        .with("source", "site")
        .with("endpoint-url", &cloud.endpoint)
        .file("site/index.html", "one")
        .run()
        .expect_exit(1);
    assert!(run.error().contains("not authorized to perform: iam:*"), "{}", run.log);
    let hint = run.report["error"]["hint"].as_str().expect("a hint");
    assert!(hint.contains("s3:PutObject"), "{hint}");
    assert!(!hint.contains("iam:"), "{hint}");
}
