//! Where a rollback can go: a time, a label that was live then, and what cannot be reached any more.

use chrono::{DateTime, FixedOffset, Utc};
use serde_json::json;

use super::{BUCKET, all, cloud, label, seen, site};
use crate::support::http::request;
use crate::support::{Cloud, Run};

/// When the newest release ended, as its record in the bucket says.
fn ended(cloud: &Cloud) -> DateTime<Utc> {
    let record = super::newest_record(cloud, BUCKET, ".aws-web-deploy/site/releases/");
    let time = record["finished_at"].as_str().expect("a time").to_owned();
    DateTime::parse_from_rfc3339(&time).expect("RFC 3339").to_utc()
}

/// Sets `started_at` and `finished_at` of the newest release's record back to `time`.
fn redate(cloud: &Cloud, time: &str) {
    let folder = ".aws-web-deploy/site/releases/";
    let keys = cloud.all_keys(BUCKET);
    let key = keys
        .iter()
        .find(|key| key.starts_with(folder) && key.ends_with(".json") && !key.ends_with(".started.json"))
        .expect("a record");
    let mut record = super::newest_record(cloud, BUCKET, folder);
    record["started_at"] = json!(time);
    record["finished_at"] = json!(time);
    cloud.put(BUCKET, key, &[], record.to_string().as_bytes());
}

#[test]
fn a_rollback_goes_to_what_was_live_at_a_time() {
    let cloud = cloud();
    for (name, time) in [
        ("a", "2026-11-20T10:00:00Z"),
        ("b", "2026-11-20T11:30:00Z"),
        ("c", "2026-11-20T12:00:00Z"),
    ] {
        site(&cloud, name).run().expect_exit(0);
        redate(&cloud, time);
    }
    assert_eq!(
        ended(&cloud),
        "2026-11-20T12:00:00Z".parse::<DateTime<FixedOffset>>().expect("a time")
    );
    let back = |to: &str| {
        site(&cloud, "c")
            .with("command", "rollback")
            .with("dry-run", "true")
            .with("to", to)
            .run()
    };
    let goes_to = |to: &str| -> String {
        let run = back(to).expect_exit(0);
        let line = run
            .log
            .lines()
            .find(|line| line.contains("rolling back to release"))
            .expect("a line");
        let release = line.rsplit(' ').next().unwrap_or_default().to_owned();
        let row = run
            .log
            .lines()
            .find(|line| line.contains(&format!("{release}  2026-")))
            .expect("its row");
        row.split("  ").nth(1).unwrap_or_default().to_owned()
    };
    for (to, expected) in [
        ("2026-11-20T10:00", "2026-11-20 10:00"),
        ("2026-11-20T11:29", "2026-11-20 10:00"),
        ("2026-11-20T11:30", "2026-11-20 11:30"),
        ("2026-11-20T11:59:59Z", "2026-11-20 11:30"),
        ("2026-11-20T11:59Z", "2026-11-20 11:30"),
        // Half past twelve in Berlin is half past eleven.
        ("2026-11-20T12:29+01:00", "2026-11-20 10:00"),
        ("2026-11-20T12:30+01:00", "2026-11-20 11:30"),
        ("2026-11-20T05:30:00-06:00", "2026-11-20 11:30"),
    ] {
        assert_eq!(goes_to(to), expected, "{to}");
    }
    let too_early = back("2026-11-20T09:59").expect_exit(1);
    assert!(
        too_early.error().contains("no succeeded release is that old"),
        "{}",
        too_early.error()
    );
    let now = back("2026-11-20T12:00").expect_exit(1);
    assert!(now.error().contains("is live already"), "{}", now.error());
    site(&cloud, "c")
        .with("command", "rollback")
        .with("to", "2026-11-20T12:00+01:00")
        .run()
        .expect_exit(0);
    assert_eq!(seen(&cloud)["index.html"], "<h1>a</h1> a true");
}

#[test]
fn a_release_with_an_identical_backend_finds_the_label_that_was_live_then() {
    let cloud = cloud();
    let release = |name: &str, backend: &str| {
        all(&cloud, name)
            .file("backend/application.py", format!("print('{backend}')"))
            .run()
            .expect_exit(0)
            .output("release")
            .to_owned()
    };
    release("a", "one");
    // Another page, the same backend: no version `v-b` is made.
    let second = release("b", "one");
    assert_eq!(label(&cloud), "v-a");
    let site_b = seen(&cloud);
    release("c", "two");
    assert_eq!(label(&cloud), "v-c");
    let back = |to: &str| all(&cloud, "c").with("command", "rollback").with("to", to).run();
    back(&second).expect_exit(0);
    assert_eq!((label(&cloud).as_str(), seen(&cloud)), ("v-a", site_b.clone()));
    // The same by its commit, from the newest one.
    back(&"c".repeat(20)).expect_exit(0);
    assert_eq!(label(&cloud), "v-c");
    back(&"b".repeat(20)).expect_exit(0);
    assert_eq!((label(&cloud).as_str(), seen(&cloud)), ("v-a", site_b));
}

/// Deletes a version of the application, as somebody else would.
fn delete_version(cloud: &Cloud, label: &str) {
    let body =
        format!("Action=DeleteApplicationVersion&Version=2010-12-01&ApplicationName=my-app&VersionLabel={label}");
    let signature = "AWS4-HMAC-SHA256 Credential=AKIATESTS/20260101/us-east-1/elasticbeanstalk/aws4_request, \
                     SignedHeaders=host, Signature=0";
    let headers = [
        ("Authorization", signature),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    let answer = request(&cloud.endpoint, "POST", "/", &headers, body.as_bytes());
    assert_eq!(answer.status, 200, "{}", answer.text());
}

/// The line of the log about a release, and its row of the summary.
fn shown(run: &Run, release: &str) -> (String, String) {
    let line = run
        .log
        .lines()
        .find(|line| line.contains(&format!("{release}  ")))
        .expect("a line");
    let row = run
        .summary
        .lines()
        .find(|line| line.starts_with(&format!("| <code>{release}</code>")))
        .expect("a row");
    (line.to_owned(), row.to_owned())
}

#[test]
fn the_list_marks_what_cannot_be_reached_any_more_and_why() {
    let cloud = cloud();
    let deploy = |name: &str| {
        let message = format!("Paint it {name}\n\nBecause.");
        all(&cloud, name)
            .event(json!({"head_commit": {"message": message, "id": name.repeat(20)}}))
            .run()
            .expect_exit(0)
            .output("release")
            .to_owned()
    };
    let releases: Vec<String> = ["a", "b", "c", "d"].map(deploy).to_vec();
    // A lifecycle rule has removed the page of `a`, and somebody the version of `b`.
    let versions = cloud
        .s3("GET", &format!("/{BUCKET}?versions&prefix=index.html"), &[], b"")
        .text();
    let oldest = versions
        .rsplit("<VersionId>")
        .next()
        .and_then(|rest| rest.split('<').next())
        .expect("a version")
        .to_owned();
    let gone = cloud.s3("DELETE", &format!("/{BUCKET}/index.html?versionId={oldest}"), &[], b"");
    assert!(gone.status < 300, "{}", gone.text());
    delete_version(&cloud, "v-b");
    cloud.forget_requests();
    let run = all(&cloud, "d")
        .with("command", "rollback")
        .with("dry-run", "true")
        .run()
        .expect_exit(0);
    let writes = ["Put", "Copy", "Delete", "Create", "Update"];
    assert!(
        !cloud
            .operations()
            .iter()
            .any(|one| writes.iter().any(|write| one.starts_with(write))),
        "{:?}",
        cloud.operations()
    );
    for ((release, name), mark) in releases.iter().zip(["a", "b", "c", "d"]).zip([
        Some("not possible: the versions that it needs of `index.html` are gone"),
        Some("not possible: the application has no version `v-b` any more"),
        None,
        Some("live"),
    ]) {
        let (line, row) = shown(&run, release);
        let subject = format!("Paint it {name}");
        assert!(line.contains(&subject) && row.contains(&subject), "{line}\n{row}");
        assert!(line.contains("just now") && row.contains("just now"), "{line}\n{row}");
        match mark {
            Some("live") => assert!(line.ends_with("(live)") && row.contains("**live**"), "{line}\n{row}"),
            Some(mark) => {
                assert!(line.contains(mark), "{line}");
                assert!(row.contains("not possible"), "{row}");
            }
            None => assert!(
                !line.contains("not possible") && !row.contains("not possible"),
                "{line}\n{row}"
            ),
        }
    }
    // And so it is.
    for (release, reason) in [(&releases[0], "are gone"), (&releases[1], "v-b")] {
        let run = all(&cloud, "d")
            .with("command", "rollback")
            .with("to", release)
            .run()
            .expect_exit(1);
        assert!(run.error().contains(reason), "{}", run.error());
    }
    all(&cloud, "d")
        .with("command", "rollback")
        .with("to", &releases[2])
        .run()
        .expect_exit(0);
    assert_eq!(label(&cloud), "v-c");
}

#[test]
fn without_versioning_the_list_says_that_no_site_can_be_reached() {
    let cloud = cloud();
    let releases: Vec<String> = ["a", "b"]
        .map(|name| site(&cloud, name).run().expect_exit(0).output("release").to_owned())
        .to_vec();
    cloud.set_versioning(BUCKET, "Suspended");
    let run = site(&cloud, "b")
        .with("command", "rollback")
        .with("dry-run", "true")
        .run();
    let (line, _) = shown(&run, &releases[0]);
    assert!(
        line.contains("not possible: versioning of the bucket is not enabled"),
        "{line}"
    );
}
