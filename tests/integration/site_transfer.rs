//! How objects travel: parts, retries, failures, order, cancellation.

use serde_json::json;

use crate::support::{Action, Cloud, Run};

pub(crate) const BUCKET: &str = "my-site";
pub(crate) const MIB: usize = 1024 * 1024;

pub(crate) fn site(cloud: &Cloud) -> Action {
    Action::new(cloud).with("bucket", BUCKET).with("source", "public")
}

/// Bytes that no two offsets share.
pub(crate) fn bytes(length: usize) -> Vec<u8> {
    (0..length as u64)
        .map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .collect()
}

/// The paths of the requests of `operation`, in order, release records left out.
fn paths(cloud: &Cloud, operation: &str) -> Vec<String> {
    cloud
        .requests()
        .iter()
        .filter(|one| one["operation"] == operation)
        .filter_map(|one| one["path"].as_str())
        .filter(|path| !path.contains(".aws-web-deploy"))
        .map(|path| path.trim_start_matches(&format!("/{BUCKET}/")).to_owned())
        .collect()
}

#[track_caller]
fn assert_failed_line(run: &Run, key: &str, part: &str) {
    let lines = run
        .log
        .lines()
        .filter(|line| line.starts_with("failed ") && line.contains(key));
    let lines: Vec<&str> = lines.collect();
    assert_eq!(lines.len(), 1, "one line for {key} in\n{}", run.log);
    assert!(lines[0].contains(part), "{}", lines[0]);
}

#[test]
fn a_large_file_goes_up_in_parts_and_is_then_unchanged() {
    let cloud = Cloud::with_bucket(BUCKET);
    let content = bytes(20 * MIB + 5);
    let action = site(&cloud).file("public/film.mp4", &content);
    action.run().expect_exit(0);
    assert_eq!(cloud.count("UploadPart"), 3);
    let object = cloud.object(BUCKET, "film.mp4").expect("the object");
    assert!(object.body == content, "the bytes arrived as they were");
    assert_eq!(object.header("content-type"), Some("video/mp4"));

    cloud.forget_requests();
    let run = action.run().expect_exit(0);
    assert_eq!(run.output("outcome"), "unchanged");
    assert_eq!(cloud.count("HeadObject"), 0, "the ETag of parts tells");
}

#[test]
fn exactly_eight_mebibytes_are_one_part() {
    let cloud = Cloud::with_bucket(BUCKET);
    let action = site(&cloud)
        .file("public/a.bin", bytes(8 * MIB))
        .file("public/b.bin", bytes(8 * MIB - 1))
        .file("public/empty.bin", "");
    action.run().expect_exit(0);
    assert_eq!(cloud.count("UploadPart"), 1);
    assert!(
        cloud
            .object(BUCKET, "a.bin")
            .expect("a")
            .header("etag")
            .is_some_and(|etag| etag.ends_with("-1\""))
    );
    assert_eq!(cloud.object(BUCKET, "empty.bin").expect("empty").body, b"");
    action.run().expect_exit(0);
    assert_eq!(cloud.count("UploadPart"), 1);
}

#[test]
fn a_part_that_fails_leaves_no_upload_behind() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.fail("s3", "UploadPart", -1, 403, "AccessDenied");
    let run = site(&cloud)
        .file("public/film.mp4", bytes(17 * MIB))
        .run()
        .expect_exit(1);
    assert_failed_line(&run, "film.mp4", "AccessDenied");
    assert_eq!(cloud.count("AbortMultipartUpload"), 1);
    assert_eq!(cloud.count("CompleteMultipartUpload"), 0);
    assert_eq!(cloud.keys(BUCKET), [""; 0]);
}

#[test]
fn slow_down_is_obeyed_and_survived() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": ".txt", "times": 30, "kind": "error", "code": "SlowDown"}),
    );
    let mut action = site(&cloud);
    for n in 0..40 {
        action = action.file(&format!("public/{n}.txt"), format!("{n}"));
    }
    action.run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET).len(), 40);
}

#[test]
fn a_connection_that_drops_is_tried_again() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "times": 3, "kind": "drop"}),
    );
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "ListObjectsV2", "times": 1, "kind": "truncate"}),
    );
    site(&cloud)
        .file("public/a.txt", "a")
        .file("public/b.txt", "b")
        .run()
        .expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["a.txt", "b.txt"]);
}

#[test]
fn every_failed_object_is_reported_once_and_stops_pages_and_deletes() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.put(BUCKET, "old.css", &[], b"old");
    for key in ["bad-1.css", "bad-2.css"] {
        cloud.post(
            "/faults",
            &json!({"service": "s3", "operation": "PutObject", "match": key, "times": -1, "kind": "error",
                    "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
        );
    }
    let run = site(&cloud)
        .with("delete", "true")
        .file("public/bad-1.css", "1")
        .file("public/bad-2.css", "2")
        .file("public/good.css", "3")
        .file("public/index.html", "page")
        .run()
        .expect_exit(1);
    assert_failed_line(&run, "bad-1.css", "AccessDenied");
    assert_failed_line(&run, "bad-2.css", "AccessDenied");
    assert!(run.error().contains("AccessDenied"), "{}", run.error());
    assert_eq!(cloud.keys(BUCKET), ["good.css", "old.css"]);
    assert_eq!(run.output("uploaded"), "1");
    assert_eq!(cloud.count("DeleteObjects"), 0);
}

#[test]
fn a_page_that_fails_stops_the_deletes() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.put(BUCKET, "old.css", &[], b"old");
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "index.html", "times": -1, "kind": "error",
                "status": 400, "code": "InvalidRequest", "message": "no"}),
    );
    site(&cloud)
        .with("delete", "true")
        .file("public/app.css", "1")
        .file("public/index.html", "page")
        .run()
        .expect_exit(1);
    assert_eq!(cloud.keys(BUCKET), ["app.css", "old.css"]);
}

#[test]
fn assets_go_up_before_pages_and_deletes_come_last() {
    let cloud = Cloud::with_bucket(BUCKET);
    for n in 0..3 {
        cloud.put(BUCKET, &format!("old-{n}.js"), &[], b"old");
    }
    cloud.forget_requests();
    let mut action = site(&cloud).with("delete", "true");
    for n in 0..30 {
        action = action
            .file(&format!("public/{n}.html"), format!("page {n}"))
            .file(&format!("public/{n}.js"), format!("script {n}"));
    }
    action.run().expect_exit(0);
    let uploads = paths(&cloud, "PutObject");
    assert_eq!(uploads.len(), 60);
    assert!(uploads[..30].iter().all(|path| path.ends_with(".js")), "{uploads:?}");
    let of_site: Vec<String> = cloud
        .requests()
        .iter()
        .filter(|one| {
            one["path"]
                .as_str()
                .is_some_and(|path| !path.contains(".aws-web-deploy"))
        })
        .filter_map(|one| one["operation"].as_str().map(str::to_owned))
        .filter(|operation| ["PutObject", "DeleteObjects"].contains(&operation.as_str()))
        .collect();
    assert_eq!(of_site.iter().filter(|one| *one == "DeleteObjects").count(), 1);
    assert_eq!(of_site.last().map(String::as_str), Some("DeleteObjects"));
    assert_eq!(cloud.keys(BUCKET).len(), 60);
}

#[test]
fn a_key_that_cannot_be_deleted_is_an_error_of_its_own() {
    let cloud = Cloud::with_bucket(BUCKET);
    for key in ["keep.txt", "locked.txt", "old.txt"] {
        cloud.put(BUCKET, key, &[], b"x");
    }
    cloud.post(
        "/deny",
        &json!({"action": "s3:DeleteObject", "resource": format!("arn:aws:s3:::{BUCKET}/locked*")}),
    );
    let run = site(&cloud)
        .with("delete", "true")
        .file("public/keep.txt", "x")
        .run()
        .expect_exit(1);
    assert_failed_line(&run, "locked.txt", "AccessDenied");
    assert_eq!(cloud.keys(BUCKET), ["keep.txt", "locked.txt"]);
    assert_eq!(run.output("deleted"), "1");
}

#[test]
fn a_file_that_changes_during_the_run_is_never_torn() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "ListObjectsV2", "times": -1, "kind": "delay", "seconds": 1.0}),
    );
    let action = site(&cloud).file("public/app.js", "first").file("public/z.js", "z");
    let file = action.workspace().join("public/app.js");
    let (run, ()) = std::thread::scope(|scope| {
        let changing = scope.spawn(|| {
            let until = std::time::Instant::now() + std::time::Duration::from_secs(8);
            let mut content = String::from("second");
            while std::time::Instant::now() < until {
                content.push('x');
                std::fs::write(&file, &content).expect("written");
                std::thread::sleep(std::time::Duration::from_millis(20));
                if cloud.count("PutObject") > 2 {
                    break;
                }
            }
        });
        let run = action.run();
        (run, changing.join().expect("no panic"))
    });
    let run = run.expect_exit(1);
    assert_failed_line(&run, "app.js", "changed while the deploy was running");
    assert!(cloud.object(BUCKET, "app.js").is_none());
}

#[test]
fn a_large_file_that_changes_between_its_parts_is_never_torn() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "UploadPart", "times": -1, "kind": "delay", "seconds": 1.0}),
    );
    let action = site(&cloud).file("public/film.mp4", bytes(20 * MIB));
    let file = action.workspace().join("public/film.mp4");
    let (run, ()) = std::thread::scope(|scope| {
        let changing = scope.spawn(|| {
            let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
            while cloud.count("UploadPart") == 0 && std::time::Instant::now() < until {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            // Other bytes of the same size, as a build that runs beside would write them.
            std::fs::write(&file, vec![b'x'; 20 * MIB]).expect("written");
        });
        let run = action.run();
        (run, changing.join().expect("no panic"))
    });
    let run = run.expect_exit(1);
    assert_failed_line(&run, "film.mp4", "changed while the deploy was running");
    assert_eq!(cloud.count("CompleteMultipartUpload"), 0);
    assert_eq!(cloud.count("AbortMultipartUpload"), 1);
    assert!(cloud.object(BUCKET, "film.mp4").is_none());
}

#[test]
fn long_work_says_how_far_it_is() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "slow", "times": 1, "kind": "delay", "seconds": 6.0}),
    );
    let run = site(&cloud)
        .file("public/fast.txt", "abc")
        .file("public/slow.txt", "abc")
        .run()
        .expect_exit(0);
    let line = run.log.lines().find(|line| line.contains(" of 2 objects"));
    assert!(
        line.is_some_and(|line| line.starts_with("1 of 2 objects, 3 B of 6 B")),
        "{line:?}\n{}",
        run.log
    );
}

#[test]
fn a_cancelled_run_aborts_its_parts_and_starts_nothing_new() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.put(BUCKET, "old.txt", &[], b"old");
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "UploadPart", "times": -1, "kind": "delay", "seconds": 20.0}),
    );
    let run = site(&cloud)
        .with("delete", "true")
        .file("public/film.mp4", bytes(20 * MIB))
        .file("public/index.html", "page")
        .signal("CANCEL", "Site", 1.5)
        .run()
        .expect_exit(130);
    assert_eq!(run.output("outcome"), "cancelled");
    assert_eq!(cloud.count("AbortMultipartUpload"), 1);
    assert_eq!(cloud.keys(BUCKET), ["old.txt"]);
    assert!(
        run.raw["duration"].as_f64().is_some_and(|seconds| seconds < 9.0),
        "{}",
        run.raw["duration"]
    );
}

#[test]
fn every_upload_carries_one_checksum_and_no_second_round_trip() {
    for (args, header) in [
        ("", "x-amz-checksum-crc64nvme"),
        ("--checksum-algorithm SHA256", "x-amz-checksum-sha256"),
    ] {
        let cloud = Cloud::with_bucket(BUCKET);
        site(&cloud)
            .with("args", args)
            .file("public/a.txt", "a")
            .file("public/film.mp4", bytes(9 * MIB))
            .run()
            .expect_exit(0);
        let uploads: Vec<_> = cloud
            .requests()
            .into_iter()
            .filter(|one| {
                one["path"]
                    .as_str()
                    .is_some_and(|path| !path.contains(".aws-web-deploy"))
            })
            .filter(|one| one["operation"] == "PutObject" || one["operation"] == "UploadPart")
            .collect();
        assert_eq!(uploads.len(), 3);
        for upload in uploads {
            let headers = upload["headers"].as_object().expect("headers");
            let checksums: Vec<_> = headers
                .keys()
                .filter(|name| name.starts_with("x-amz-checksum-"))
                .collect();
            assert_eq!(checksums, [header]);
            assert!(!headers.contains_key("expect"), "{headers:?}");
            assert_eq!(headers["x-amz-content-sha256"], "UNSIGNED-PAYLOAD");
        }
    }
}
