//! The flags of `aws s3 sync` in `args`: what each one changes on the wire, and what a wrong one answers.

use serde_json::Value;

use crate::support::{Action, Cloud};

const BUCKET: &str = "site-bucket";

fn action(cloud: &Cloud, args: &str) -> Action {
    Action::new(cloud)
        .with("bucket", BUCKET)
        .with("source", "site")
        .with("args", args)
        .file("site/a.txt", "one")
}

/// The requests of `operation` that are about the site, not about release records.
fn requests(cloud: &Cloud, operation: &str) -> Vec<Value> {
    let all = cloud.requests().into_iter();
    all.filter(|one| one["operation"] == operation && !one["path"].as_str().unwrap_or("").contains(".aws-web-deploy"))
        .collect()
}

/// The header of the only upload of a run with `args`.
#[track_caller]
fn sent(args: &str, header: &str) -> Option<String> {
    let cloud = Cloud::with_acl_bucket(BUCKET);
    let run = action(&cloud, args).run().expect_exit(0);
    match requests(&cloud, "PutObject").as_slice() {
        [put] => put["headers"][header].as_str().map(str::to_owned),
        other => panic!("{} uploads\n{}", other.len(), run.log),
    }
}

#[test]
fn every_flag_that_is_a_header_travels_as_one() {
    for (args, header, expected) in [
        ("--acl public-read", "x-amz-acl", Some("public-read")),
        ("", "x-amz-acl", None),
        (
            "--grants read=uri=http://acs.amazonaws.com/groups/global/AllUsers",
            "x-amz-grant-read",
            Some("uri=http://acs.amazonaws.com/groups/global/AllUsers"),
        ),
        ("--sse", "x-amz-server-side-encryption", Some("AES256")),
        (
            "--sse aws:kms --sse-kms-key-id alias/web",
            "x-amz-server-side-encryption-aws-kms-key-id",
            Some("alias/web"),
        ),
        (
            "--sse-c --sse-c-key BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=",
            "x-amz-server-side-encryption-customer-key-md5",
            Some("y4HAEFCYWuvAXWFTtA1Qpg=="),
        ),
        (
            "--storage-class STANDARD_IA",
            "x-amz-storage-class",
            Some("STANDARD_IA"),
        ),
        (
            "--website-redirect /new",
            "x-amz-website-redirect-location",
            Some("/new"),
        ),
        ("", "content-type", Some("text/plain; charset=utf-8")),
        ("--content-type text/x-own", "content-type", Some("text/x-own")),
        ("--request-payer", "x-amz-request-payer", Some("requester")),
        (
            "--cache-control 'max-age=60, public'",
            "cache-control",
            Some("max-age=60, public"),
        ),
        (
            "--content-disposition attachment",
            "content-disposition",
            Some("attachment"),
        ),
        ("--content-encoding gzip", "content-encoding", Some("gzip")),
        ("--content-language ko", "content-language", Some("ko")),
        (
            "--expires 2030-01-01T00:00:00Z",
            "expires",
            Some("Tue, 01 Jan 2030 00:00:00 GMT"),
        ),
        ("--metadata team=web,stage=live", "x-amz-meta-stage", Some("live")),
    ] {
        assert_eq!(sent(args, header).as_deref(), expected, "{args}");
    }
    let unguessed = sent("--no-guess-mime-type", "content-type");
    assert!(unguessed.is_none_or(|sent| sent == "binary/octet-stream"));
}

#[test]
fn a_checksum_of_the_chosen_kind_travels_with_the_upload() {
    for algorithm in ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] {
        let header = format!("x-amz-checksum-{}", algorithm.to_lowercase());
        assert!(
            sent(&format!("--checksum-algorithm {algorithm}"), &header).is_some(),
            "{algorithm}"
        );
    }
}

#[test]
fn flags_about_the_run_change_the_run() {
    let cloud = Cloud::with_bucket(BUCKET);
    for n in 0..5 {
        cloud.put(BUCKET, &format!("old{n}"), &[], b"x");
    }
    let dry = action(&cloud, "--dryrun --delete").run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET).len(), 5, "a dry run changes nothing");
    assert_eq!(dry.uploaded(), ["a.txt"]);

    cloud.forget_requests();
    action(&cloud, "--page-size 2 --delete --exclude old1")
        .run()
        .expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["a.txt", "old1"]);
    let pages = requests(&cloud, "ListObjectsV2");
    let pages = pages
        .iter()
        .filter(|page| page["query"].as_str().is_some_and(|query| query.contains("max-keys=2")));
    assert!(pages.count() >= 3, "five keys, two a page");

    let again = action(&cloud, "--no-overwrite")
        .file("site/a.txt", "two")
        .file("site/b.txt", "new");
    assert_eq!(again.run().expect_exit(0).uploaded(), ["b.txt"]);
    assert_eq!(cloud.object(BUCKET, "a.txt").expect("still there").text(), "one");
}

#[test]
fn the_log_is_as_quiet_as_asked() {
    let log = |args: &str| {
        let cloud = Cloud::with_bucket(BUCKET);
        let run = action(&cloud, args).run().expect_exit(0);
        assert_eq!(cloud.keys(BUCKET), ["a.txt"]);
        run.log
    };
    assert!(log("").contains("a.txt"));
    assert!(log("--no-progress").contains("a.txt"));
    assert!(!log("--only-show-errors").contains("a.txt"));
    assert!(!log("--quiet").contains("a.txt"));
}

#[test]
fn a_flag_without_effect_is_noted_and_stops_nothing() {
    let cloud = Cloud::with_bucket(BUCKET);
    let run = action(&cloud, "--metadata-directive REPLACE --no-progress")
        .run()
        .expect_exit(0);
    assert!(run.log.contains("`--metadata-directive` has no effect"), "{}", run.log);
}

#[test]
fn wrong_flags_send_nothing_and_are_all_named_at_once() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.forget_requests();
    let run = action(&cloud, "--recursive --acl everyone ./dist --frob")
        .run()
        .expect_exit(2);
    let error = run.error();
    for expected in ["`--recursive`", "`everyone`", "`./dist`", "`--frob`"] {
        assert!(error.contains(expected), "{expected} is missing in {error}");
    }
    let s3: Vec<_> = cloud
        .requests()
        .into_iter()
        .filter(|one| one["service"] == "s3")
        .collect();
    assert_eq!(s3, Vec::<Value>::new());
}

#[test]
fn keys_in_args_are_refused_and_not_repeated() {
    let cloud = Cloud::with_bucket(BUCKET);
    let run = action(&cloud, "--exclude AKIAI44QH8DHBEXAMPLE").run().expect_exit(2);
    assert!(run.error().contains("holds AWS credentials"), "{}", run.log);
    assert!(!run.error().contains("AKIAI44QH8DHBEXAMPLE"));
    assert!(!run.summary.contains("AKIAI44QH8DHBEXAMPLE"));
}

#[test]
fn input_and_flag_must_not_contradict() {
    let cloud = Cloud::with_bucket(BUCKET);
    let run = action(&cloud, "--acl private")
        .with("acl", "public-read")
        .run()
        .expect_exit(2);
    assert!(run.error().contains("`acl`"), "{}", run.log);
}
