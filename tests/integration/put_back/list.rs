//! The releases that a rollback can choose from: how far back, what is marked, and how times are written.

use chrono::{Duration, Utc};
use serde_json::json;

use super::{BUCKET, cloud, newest_record, refuse, seen, site};
use crate::support::{Cloud, Run};

const FOLDER: &str = ".aws-web-deploy/site/releases/";

fn dry_rollback(cloud: &Cloud, to: Option<&str>) -> Run {
    let action = site(cloud, "b").with("command", "rollback").with("dry-run", "true");
    match to {
        Some(to) => action.with("to", to),
        None => action,
    }
    .run()
}

fn deploy(cloud: &Cloud, name: &str) -> String {
    site(cloud, name).run().expect_exit(0).output("release").to_owned()
}

/// The line of the log about a release, and its row of the summary.
fn shown(run: &Run, release: &str) -> (String, String) {
    let line = run.log.lines().find(|line| line.contains(&format!("{release}  ")));
    let row = run
        .summary
        .lines()
        .find(|line| line.starts_with(&format!("| <code>{release}</code>")));
    (line.expect("a line").to_owned(), row.expect("a row").to_owned())
}

#[test]
fn a_version_in_the_archive_is_marked() {
    let cloud = cloud();
    let archived = site(&cloud, "a")
        .with("headers", "index.html x-amz-storage-class: GLACIER")
        .run()
        .expect_exit(0)
        .output("release")
        .to_owned();
    deploy(&cloud, "b");
    let run = dry_rollback(&cloud, None);
    let (line, row) = shown(&run, &archived);
    let mark = "not possible: the versions that it needs of `index.html` are archived";
    assert!(line.contains(mark), "{line}");
    assert!(row.contains("not possible") && row.contains("are archived"), "{row}");
    // And so it is.
    assert!(run.expect_exit(1).error().contains("are archived"));
}

#[test]
fn a_release_whose_record_cannot_be_read_is_listed_and_marked() {
    let cloud = cloud();
    let releases: Vec<String> = ["a", "b", "c"].map(|name| deploy(&cloud, name)).to_vec();
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "GetObject", "match": format!("-{}", releases[1]), "times": -1,
                "kind": "error", "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
    );
    let run = dry_rollback(&cloud, None);
    let (line, row) = shown(&run, &releases[1]);
    assert!(
        line.contains("unreadable") && row.contains("unreadable"),
        "{line}\n{row}"
    );
    let (line, row) = shown(&run, &releases[0]);
    let mark = format!("what release `{}` changed since cannot be read", releases[1]);
    assert!(
        line.contains(&format!("not possible: {mark}")) && row.contains("cannot be read"),
        "{line}\n{row}"
    );
    // Newest first.
    let places: Vec<Option<usize>> = releases
        .iter()
        .rev()
        .map(|release| run.summary.find(&format!("| <code>{release}")))
        .collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}");
    assert!(run.expect_exit(1).error().contains("cannot be read"));
}

#[test]
fn behind_a_newest_record_that_cannot_be_read_nobody_knows_what_is_live() {
    let cloud = cloud();
    let releases: Vec<String> = ["a", "b"].map(|name| deploy(&cloud, name)).to_vec();
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "GetObject", "match": format!("-{}", releases[1]), "times": -1,
                "kind": "error", "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
    );
    for to in [None, Some(releases[0].as_str())] {
        let run = dry_rollback(&cloud, to).expect_exit(1);
        let said = format!(
            "the record of release `{}` cannot be read, so nobody knows what is live",
            releases[1]
        );
        assert!(run.error().contains(&said), "{}", run.error());
        assert!(run.error().contains("let it be read again"), "{}", run.error());
        assert!(!run.error().contains("is live already"), "{}", run.error());
    }
}

/// Puts so many records of failed runs before the newest record, each a minute apart.
fn plant_failed(cloud: &Cloud, number: i64) {
    let mut record = newest_record(cloud, BUCKET, FOLDER);
    record["status"] = json!("failed");
    record["put_back"] = json!({"complete": true, "keys": 0});
    record["site"]["written"] = json!(0);
    record["site"]["deleted"] = json!(0);
    for minutes in 1..=number {
        let time = Utc::now() + Duration::minutes(minutes);
        let id = format!("{}-9999-1-{minutes:06x}", time.format("%Y%m%d-%H%M%S%3f"));
        record["id"] = json!(id);
        record["started_at"] = json!(time.to_rfc3339());
        record["finished_at"] = json!(time.to_rfc3339());
        let backwards = 9_999_999_999_999 - time.timestamp_millis();
        cloud.put(
            BUCKET,
            &format!("{FOLDER}{backwards:013}-{id}.json"),
            &[],
            record.to_string().as_bytes(),
        );
    }
}

#[test]
fn what_was_live_is_found_behind_many_runs_that_failed() {
    let cloud = cloud();
    let live = deploy(&cloud, "a");
    let before = seen(&cloud);
    plant_failed(&cloud, 24);
    let dry = site(&cloud, "b").with("dry-run", "true").run().expect_exit(0);
    let would = format!("a failure would bring back 3 objects of the site, as release `{live}` left them");
    assert!(dry.log.contains(&would), "{}", dry.log);
    refuse(&cloud, "PutObject");
    let run = site(&cloud, "b").run().expect_exit(1);
    assert_eq!(
        (seen(&cloud), run.output("rolled-back")),
        (before, "true"),
        "{}",
        run.error()
    );
    super::allow(&cloud);
    // The list has the newest, and `to` finds the others.
    let list = dry_rollback(&cloud, Some(&live));
    assert!(
        list.log.contains("older releases are not listed (26 are on record)"),
        "{}",
        list.log
    );
    assert!(list.error().contains("is live already"), "{}", list.error());
    let unknown = dry_rollback(&cloud, Some("v-nowhere")).expect_exit(1);
    let how_far = "the newest 26 releases were looked through, back to ";
    assert!(
        unknown.error().contains(how_far) || unknown.error().contains("no other release to go back to"),
        "{}",
        unknown.error()
    );
}

#[test]
fn a_time_in_another_form_is_answered_with_the_right_one() {
    let cloud = cloud();
    let older = deploy(&cloud, "a");
    deploy(&cloud, "b");
    for to in [
        "2026-13-40",
        "10:00",
        "yesterday",
        "2026-11-20 10:00",
        "2026-11-20",
        "20/11/2026 10:00",
    ] {
        let error = dry_rollback(&cloud, Some(to)).expect_exit(1).error().to_owned();
        assert!(
            error.contains(&format!("`{to}`: it is no time as `to` takes it")),
            "{error}"
        );
        assert!(error.contains("write a time as `2026-11-20T10:00` (UTC)"), "{error}");
    }
    let unknown = dry_rollback(&cloud, Some("v-nowhere"))
        .expect_exit(1)
        .error()
        .to_owned();
    assert!(
        unknown.contains(&format!("valid values for `to`: `{older}`")),
        "{unknown}"
    );
    assert!(
        unknown.contains("the newest 2 releases were looked through, back to "),
        "{unknown}"
    );
}
