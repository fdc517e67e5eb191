//! What is uploaded, kept, repaired and deleted, and what stops before anything changes.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use serde_json::json;

use crate::support::{Action, Cloud};

const BUCKET: &str = "my-site";

fn site(cloud: &Cloud) -> Action {
    Action::new(cloud).with("bucket", BUCKET).with("source", "public")
}

/// A bucket with `count` objects `old-N.txt`.
fn bucket_of(count: usize) -> Cloud {
    let cloud = Cloud::with_bucket(BUCKET);
    for n in 0..count {
        cloud.put(BUCKET, &format!("old-{n}.txt"), &[], b"old");
    }
    cloud.forget_requests();
    cloud
}

/// How many writing requests of the site were seen.
fn writes(cloud: &Cloud) -> usize {
    cloud
        .requests()
        .iter()
        .filter(|one| {
            one["path"]
                .as_str()
                .is_some_and(|path| !path.contains(".aws-web-deploy"))
        })
        .filter(|one| {
            ["PutObject", "CopyObject", "DeleteObjects", "CreateMultipartUpload"]
                .iter()
                .any(|name| one["operation"] == *name)
        })
        .count()
}

#[test]
fn an_edit_of_the_same_size_is_noticed_and_a_new_time_is_not() {
    let cloud = Cloud::with_bucket(BUCKET);
    let action = site(&cloud)
        .file("public/a.txt", "aaaa")
        .file("public/b.txt", "bbbb")
        .file("public/c.txt", "cccc");
    action.run().expect_exit(0);
    action.write("public/a.txt", "AAAA");
    action.write("public/b.txt", "bbbb");
    action.write("public/c.txt", "ccccc");
    let run = action.run().expect_exit(0);
    let uploads = run.report["site"]["uploads"].as_array().expect("uploads");
    let reasons: Vec<_> = uploads
        .iter()
        .map(|one| (one["key"].as_str(), one["reason"].as_str()))
        .collect();
    assert_eq!(
        reasons,
        [
            (Some("a.txt"), Some("content-changed")),
            (Some("c.txt"), Some("size-changed"))
        ]
    );
    assert_eq!(run.output("unchanged"), "1");
}

#[test]
fn objects_under_kms_are_compared_by_their_checksums() {
    let cloud = Cloud::start();
    cloud.post("/s3/bucket", &json!({"bucket": BUCKET, "encryption": "aws:kms"}));
    let mut action = site(&cloud).with("args", "--sse aws:kms");
    for n in 0..5 {
        action = action.file(&format!("public/{n}.txt"), format!("content {n}"));
    }
    action.run().expect_exit(0);
    cloud.forget_requests();
    assert_eq!(action.run().expect_exit(0).output("outcome"), "unchanged");
    assert_eq!(
        cloud.count("HeadObject"),
        5,
        "one request for each ETag that does not tell"
    );

    action.write("public/3.txt", "CONTENT 3");
    assert_eq!(action.run().expect_exit(0).uploaded(), ["3.txt"]);
}

#[test]
fn a_large_object_under_kms_is_compared_by_its_checksum() {
    let cloud = Cloud::start();
    cloud.post("/s3/bucket", &json!({"bucket": BUCKET, "encryption": "aws:kms"}));
    let film = |byte: u8| {
        let mut content = vec![b'f'; 20 * 1024 * 1024];
        content[15_000_000] = byte;
        content
    };
    let action = site(&cloud)
        // The checksum of a large object that moto computes as S3 does.
        .with("args", "--sse aws:kms --checksum-algorithm CRC32")
        .file("public/film.mp4", film(1));
    action.run().expect_exit(0);
    assert_eq!(cloud.count("CompleteMultipartUpload"), 1);
    cloud.forget_requests();
    assert_eq!(action.run().expect_exit(0).output("outcome"), "unchanged");
    let asked = cloud.count("HeadObject");
    assert!(
        (1..=2).contains(&asked),
        "{asked} requests for one ETag that does not tell"
    );

    action.write("public/film.mp4", film(2));
    assert_eq!(action.run().expect_exit(0).uploaded(), ["film.mp4"]);
}

#[test]
fn only_objects_of_the_same_size_are_asked_whether_their_etags_are_digests() {
    let cloud = Cloud::with_bucket(BUCKET);
    let mut action = site(&cloud);
    for n in 0..20 {
        action = action.file(&format!("public/{n}.txt"), format!("content {n}"));
    }
    action.run().expect_exit(0);
    action.write("public/0.txt", "CONTENT 0");
    for n in 1..20 {
        action.write(&format!("public/{n}.txt"), format!("longer content {n}"));
    }
    cloud.forget_requests();
    assert_eq!(action.run().expect_exit(0).output("uploaded"), "20");
    assert_eq!(cloud.count("HeadObject"), 1);
}

#[test]
fn a_part_size_that_nobody_uses_is_found_by_one_request() {
    const MIB: usize = 1024 * 1024;
    let cloud = Cloud::with_bucket(BUCKET);
    let content: Vec<u8> = (0..11 * MIB).map(|n| (n % 241) as u8).collect();
    let started = cloud
        .s3("POST", &format!("/{BUCKET}/film.mp4?uploads"), &[], b"")
        .text();
    let id = started
        .split("<UploadId>")
        .nth(1)
        .and_then(|rest| rest.split('<').next())
        .expect("an id")
        .to_owned();
    let mut parts = String::new();
    for (number, part) in content.chunks(5 * MIB + 333).enumerate() {
        let target = format!("/{BUCKET}/film.mp4?partNumber={}&uploadId={id}", number + 1);
        let answer = cloud.s3("PUT", &target, &[], part);
        let etag = answer.header("etag").expect("an ETag");
        parts += &format!(
            "<Part><PartNumber>{}</PartNumber><ETag>{etag}</ETag></Part>",
            number + 1
        );
    }
    let body = format!("<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>");
    let answer = cloud.s3(
        "POST",
        &format!("/{BUCKET}/film.mp4?uploadId={id}"),
        &[],
        body.as_bytes(),
    );
    assert_eq!(answer.status, 200, "{}", answer.text());
    cloud.forget_requests();
    let run = site(&cloud).file("public/film.mp4", content).run().expect_exit(0);
    assert_eq!(run.output("outcome"), "unchanged");
    assert_eq!(cloud.count("HeadObject"), 1);
}

#[test]
fn headers_alone_are_repaired_in_place() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.put(
        BUCKET,
        "a.css",
        &[("Content-Type", "text/css"), ("x-amz-meta-owner", "web")],
        b"a {}",
    );
    cloud.put(
        BUCKET,
        "b.css",
        &[("Content-Type", "text/css"), ("Cache-Control", "no-cache")],
        b"b {}",
    );
    let action = site(&cloud)
        .with("cache-control", "no-cache")
        .file("public/a.css", "a {}")
        .file("public/b.css", "b {}");
    let run = action.run().expect_exit(0);
    assert_eq!(run.uploaded(), ["a.css"]);
    assert_eq!(run.report["site"]["uploads"][0]["reason"], "headers-changed");
    let object = cloud.object(BUCKET, "a.css").expect("a.css");
    assert_eq!(object.text(), "a {}");
    assert_eq!(object.header("cache-control"), Some("no-cache"));
    assert_eq!(object.header("x-amz-meta-owner"), Some("web"));

    cloud.forget_requests();
    assert_eq!(action.run().expect_exit(0).output("outcome"), "unchanged");
    assert_eq!(
        cloud.count("HeadObject"),
        0,
        "the record says that nothing can have changed"
    );
}

#[test]
fn twenty_deletions_are_always_allowed() {
    let cloud = bucket_of(20);
    let run = site(&cloud)
        .with("delete", "true")
        .with("max-delete", "0")
        .file("public/new.txt", "new")
        .run()
        .expect_exit(0);
    assert_eq!(run.output("deleted"), "20");
    assert_eq!(cloud.keys(BUCKET), ["new.txt"]);
}

#[test]
fn a_plan_that_deletes_too_much_stops_before_anything_changes() {
    let cloud = bucket_of(30);
    let action = site(&cloud).with("delete", "true").file("public/new.txt", "new");
    let run = action.run().expect_exit(1);
    assert!(run.error().contains("deletes 30 of 30 objects"), "{}", run.error());
    assert!(run.log.contains("max-delete: 30"), "{}", run.log);
    assert_eq!(writes(&cloud), 0);
}

#[test]
fn a_plan_that_leaves_nothing_always_stops() {
    let cloud = bucket_of(2);
    let action = site(&cloud)
        .with("delete", "true")
        .with("max-delete", "100%")
        .with("exclude", "*.draft")
        .file("public/a.draft", "x");
    let run = action.run().expect_exit(1);
    assert!(run.error().contains("leaves nothing"), "{}", run.error());
    assert_eq!(writes(&cloud), 0);
}

#[test]
fn what_cannot_be_uploaded_keeps_its_object() {
    let cloud = Cloud::with_bucket(BUCKET);
    for key in ["broken", "loop/page.html", "pipe", "gone.txt", "folder/"] {
        let body: &[u8] = if key.ends_with('/') { b"" } else { b"x" };
        cloud.put(BUCKET, key, &[], body);
    }
    let action = site(&cloud).with("delete", "true").file("public/a.txt", "a");
    let public = action.workspace().join("public");
    symlink("nowhere", public.join("broken")).expect("a link");
    symlink(".", public.join("loop")).expect("a link");
    let made = std::process::Command::new("mkfifo").arg(public.join("pipe")).status();
    assert!(made.is_ok_and(|status| status.success()), "a FIFO");
    let run = action.run().expect_exit(0);
    assert_eq!(
        cloud.keys(BUCKET),
        ["a.txt", "broken", "folder/", "loop/page.html", "pipe"]
    );
    let warned: Vec<_> = run.report["site"]["warnings"]
        .as_array()
        .expect("warnings")
        .iter()
        .filter_map(|one| one["path"].as_str())
        .collect();
    assert_eq!(warned, ["broken", "loop", "pipe"]);
    assert_eq!(run.messages("warning").len(), 1, "one annotation, the rest in the log");
}

#[test]
fn a_link_out_of_the_source_is_followed_and_named() {
    let cloud = Cloud::with_bucket(BUCKET);
    let action = site(&cloud).file("public/a.txt", "a").file("shared/logo.svg", "<svg/>");
    symlink("../shared", action.workspace().join("public/shared")).expect("a link");
    let run = action.run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["a.txt", "shared/logo.svg"]);
    assert_eq!(run.report["site"]["warnings"][0]["path"], "shared");
    assert!(run.log.contains("leads out of the source"), "{}", run.log);
}

#[test]
fn what_cannot_be_read_is_an_error_before_anything_changes() {
    let cloud = bucket_of(1);
    let action = site(&cloud)
        .with("delete", "true")
        .file("public/a.txt", "a")
        .file("public/secret.txt", "s")
        .unprivileged();
    let secret = action.workspace().join("public/secret.txt");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o000)).expect("a mode");
    let run = action.run().expect_exit(1);
    assert!(run.error().contains("secret.txt"), "{}", run.error());
    assert_eq!(writes(&cloud), 0);
}

#[test]
fn a_name_that_is_not_utf8_is_shown() {
    use std::os::unix::ffi::OsStrExt as _;
    let cloud = bucket_of(1);
    let action = site(&cloud).file("public/a.txt", "a");
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9.txt");
    std::fs::write(action.workspace().join("public").join(name), "x").expect("a file");
    let run = action.run().expect_exit(1);
    assert!(run.error().contains(r"caf\xe9.txt"), "{}", run.error());
    assert_eq!(writes(&cloud), 0);
}

#[test]
fn odd_names_arrive_as_they_are_and_are_then_unchanged() {
    const NAMES: [&str; 14] = [
        " space ",
        "a+b",
        "a%20b",
        "a#b",
        "a?b",
        "it's \"quoted\"",
        "line\nbreak",
        "tab\there",
        "back\\slash",
        "~tilde",
        "\u{1f600}.txt",
        "nfc-\u{e9}",
        "nfd-e\u{301}",
        "\u{ffee}",
    ];
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.put(BUCKET, "a//b", &[], b"x");
    let mut action = site(&cloud).with("delete", "true");
    for name in NAMES {
        action = action.file(&format!("public/{name}"), name);
    }
    action.run().expect_exit(0);
    let mut expected: Vec<&str> = NAMES.to_vec();
    expected.sort_unstable();
    assert_eq!(cloud.keys(BUCKET), expected);
    for name in NAMES {
        assert_eq!(
            cloud.object(BUCKET, name).map(|object| object.text()).as_deref(),
            Some(name),
            "{name:?}"
        );
    }
    assert_eq!(action.run().expect_exit(0).output("outcome"), "unchanged");
}

#[test]
fn thousands_of_keys_are_listed_side_by_side() {
    let cloud = Cloud::with_bucket(BUCKET);
    let mut action = site(&cloud).with("delete", "true").with("args", "--page-size 10");
    for n in 0..95 {
        action = action.file(&format!("public/{n:03}.txt"), format!("{n}"));
        cloud.put(BUCKET, &format!("{n:03}.txt"), &[], format!("{n}").as_bytes());
        if n % 3 == 0 {
            cloud.put(BUCKET, &format!("{n:03}.txt.old"), &[], b"old");
        }
    }
    action.write("public/050.txt", "FIFTY");
    let run = action.run().expect_exit(0);
    assert_eq!(run.uploaded(), ["050.txt"]);
    assert_eq!(run.output("deleted"), "32");
    assert_eq!(run.output("unchanged"), "94");
    assert_eq!(cloud.keys(BUCKET).len(), 95);
}

#[test]
fn records_elsewhere_in_the_bucket_survive_a_sync() {
    let cloud = Cloud::with_bucket(BUCKET);
    let action = site(&cloud)
        .with("delete", "true")
        .with("history", &format!("s3://{BUCKET}/deploys"))
        .file("public/a.txt", "a");
    action.run().expect_exit(0);
    let before = cloud.keys(BUCKET);
    assert!(before.iter().any(|key| key.starts_with("deploys/")), "{before:?}");
    assert_eq!(action.run().expect_exit(0).output("outcome"), "unchanged");
    assert_eq!(cloud.keys(BUCKET), before);
}

#[test]
fn a_directory_bucket_is_refused() {
    let cloud = Cloud::start();
    let run = Action::new(&cloud)
        .with("bucket", "my-site--use1-az4--x-s3")
        .with("source", "public")
        .file("public/a.txt", "a")
        .run();
    assert_ne!(run.exit_code, 0);
    assert!(run.error().contains("directory bucket"), "{}", run.error());
}

#[test]
fn a_bucket_that_is_not_there_says_so() {
    let cloud = Cloud::start();
    let run = site(&cloud).file("public/a.txt", "a").run().expect_exit(1);
    assert!(run.error().contains("no such bucket"), "{}", run.error());
    assert!(run.log.contains("aws s3 mb"), "{}", run.log);
}
