//! Where a rollback can go: a time, a label that was live then, and what cannot be reached any more.

use chrono::{DateTime, Duration, Utc};
use serde_json::json;

use super::{BUCKET, all, cloud, label, seen, site};
use crate::support::http::request;
use crate::support::{Cloud, Run};

/// Lets the newest release have ended at `time`, by its record and by S3's clock.
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
    let ended: DateTime<Utc> = time.parse().expect("a time");
    let age = (Utc::now() - ended).num_seconds() + 1;
    cloud.post(
        "/s3/object",
        &json!({"bucket": BUCKET, "key": key, "body": record.to_string(), "age": age}),
    );
}

#[test]
fn a_rollback_goes_to_what_was_live_at_a_time() {
    let cloud = cloud();
    let day = (Utc::now() - Duration::days(2)).format("%Y-%m-%d").to_string();
    for (name, time) in [("a", "10:00"), ("b", "11:30"), ("c", "12:00")] {
        site(&cloud, name).run().expect_exit(0);
        redate(&cloud, &format!("{day}T{time}:00Z"));
    }
    let back = |time: &str| {
        site(&cloud, "c")
            .with("command", "rollback")
            .with("dry-run", "true")
            .with("to", &format!("{day}T{time}"))
            .run()
    };
    let goes_to = |time: &str| -> String {
        let run = back(time).expect_exit(0);
        let line = run.log.lines().find(|line| line.contains("rolling back to release"));
        let release = line.expect("a line").rsplit(' ').next().unwrap_or_default().to_owned();
        let row = run.log.lines().find(|line| line.contains(&format!("{release}  {day}")));
        let row = row.expect("its row");
        row.split("  ").nth(1).unwrap_or_default().to_owned()
    };
    for (time, expected) in [
        ("10:01", "10:00"),
        ("11:29", "10:00"),
        ("11:31", "11:30"),
        ("11:59:30Z", "11:30"),
        ("11:59Z", "11:30"),
        // Half past twelve in Berlin is half past eleven.
        ("12:29+01:00", "10:00"),
        ("12:31+01:00", "11:30"),
        ("05:31:00-06:00", "11:30"),
    ] {
        assert_eq!(goes_to(time), format!("{day} {expected}"), "{time}");
    }
    let too_early = back("09:58").expect_exit(1);
    assert!(
        too_early.error().contains("no succeeded release is that old"),
        "{}",
        too_early.error()
    );
    let now = back("12:01").expect_exit(1);
    assert!(now.error().contains("is live already"), "{}", now.error());
    site(&cloud, "c")
        .with("command", "rollback")
        .with("to", &format!("{day}T12:00+01:00"))
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
    back(&"c".repeat(40)).expect_exit(0);
    assert_eq!(label(&cloud), "v-c");
    back(&"b".repeat(40)).expect_exit(0);
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
            .event(json!({"head_commit": {"message": message, "id": name.repeat(40)}}))
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
