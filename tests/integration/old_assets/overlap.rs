//! Old assets, and runs that do not know of each other: two at once, and records that were elsewhere.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{BUCKET, assets, back, cloud, date, day, records, release, retired};
use crate::support::{Action, Cloud, Run};

/// S3 tells whole seconds.
fn next_second() {
    std::thread::sleep(Duration::from_millis(1100));
}

/// Takes the records away that are not among `known`.
fn hide(cloud: &Cloud, known: &[String]) -> Vec<(String, Vec<u8>)> {
    let new = records(cloud).into_iter().filter(|key| !known.contains(key));
    let taken = new.map(|key| {
        let body = cloud.object(BUCKET, &key).expect("a record").body;
        assert_eq!(cloud.s3("DELETE", &format!("/{BUCKET}/{key}"), &[], b"").status, 204);
        (key, body)
    });
    taken.collect()
}

/// Puts them back: from then on they are the newest.
fn show(cloud: &Cloud, hidden: Vec<(String, Vec<u8>)>) {
    for (key, body) in hidden {
        cloud.put(BUCKET, &key, &[], &body);
    }
}

/// Runs `action`, which uploads `slow.js`, and does `meanwhile` after its record was begun and before it deletes anything.
fn run_and(cloud: &Cloud, action: &Action, meanwhile: impl FnOnce()) -> Run {
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "/slow.js", "times": -1, "kind": "error",
                "status": 503, "code": "SlowDown", "message": "Please reduce your request rate."}),
    );
    let begun = || {
        records(cloud)
            .iter()
            .filter(|key| key.ends_with(".started.json"))
            .count()
    };
    let before = begun();
    let deadline = Instant::now() + Duration::from_secs(60);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| action.run());
        while begun() == before && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        meanwhile();
        cloud.control("DELETE", "/faults", &Value::Null);
        run.join().expect("a run")
    })
}

#[test]
fn what_an_overlapping_run_has_used_counts_from_now_and_what_both_list_keeps_its_time() {
    for (uses, left) in [(true, "a.js c.js d.js"), (false, "c.js d.js")] {
        let cloud = cloud();
        release(&cloud, "a").run().expect_exit(0);
        release(&cloud, "b").run().expect_exit(0);
        let before = records(&cloud);
        let other = release(&cloud, "c");
        if uses {
            other.write("site/assets/a.js", "a");
        }
        other.run().expect_exit(0);
        let others = hide(&cloud, &before);
        // It has read the records before the other one has written its own.
        release(&cloud, "d").run().expect_exit(0);
        let own = hide(&cloud, &before);
        next_second();
        show(&cloud, others);
        next_second();
        show(&cloud, own);
        day(&cloud, 15.0);
        let run = release(&cloud, "d").run().expect_exit(0);
        assert_eq!(assets(&cloud), left, "{}", run.log);
        day(&cloud, 30.0);
        release(&cloud, "d").run().expect_exit(0);
        assert_eq!(assets(&cloud), "d.js");
    }
}

#[test]
fn what_is_written_right_before_it_would_be_deleted_stays() {
    let cloud = cloud();
    release(&cloud, "a").run().expect_exit(0);
    release(&cloud, "b").run().expect_exit(0);
    day(&cloud, 15.0);
    let last = release(&cloud, "c").file("site/assets/slow.js", "s");
    let run = run_and(&cloud, &last, || cloud.put(BUCKET, "assets/a.js", &[], b"new")).expect_exit(0);
    assert_eq!(assets(&cloud), "a.js b.js c.js slow.js", "{}", run.log);
    assert_eq!(run.output("deleted"), "0");
    let warnings = run.messages("warning").join("\n");
    assert!(
        warnings.contains("`assets/a.js` was written or deleted while this run"),
        "{warnings}"
    );
    let run = last.run().expect_exit(0);
    let warnings = run.messages("warning").join("\n");
    assert!(
        warnings.contains("assets/a.js: was modified outside this action"),
        "{warnings}"
    );
    assert!(assets(&cloud).contains("a.js"));
}

#[test]
fn what_a_run_brings_back_into_use_meanwhile_stays() {
    let cloud = cloud();
    release(&cloud, "a").run().expect_exit(0);
    release(&cloud, "b").run().expect_exit(0);
    day(&cloud, 15.0);
    let other = release(&cloud, "e").file("site/assets/a.js", "a");
    let last = release(&cloud, "c").file("site/assets/slow.js", "s");
    cloud.forget_requests();
    let run = run_and(&cloud, &last, || drop(other.run().expect_exit(0))).expect_exit(0);
    assert!(assets(&cloud).contains("a.js"), "{}", run.log);
    assert!(retired(&run).contains("assets/a.js"), "{}", run.report);
    // The other run pays for what this one was about to change.
    let paths = cloud.invalidations().pop().unwrap_or_default();
    assert!(paths.iter().any(|path| path.contains("slow.js")), "{paths:?}");
    assert!(!paths.iter().any(|path| path.contains("/a.js")), "{paths:?}");
    let warnings = run.messages("warning").join("\n");
    assert!(
        warnings.contains("1 old asset whose time has passed stays until the next run"),
        "{warnings}"
    );
    day(&cloud, 28.0);
    let run = release(&cloud, "d").run().expect_exit(0);
    assert!(assets(&cloud).contains("a.js"), "{}", run.log);
    day(&cloud, 43.0);
    release(&cloud, "d").run().expect_exit(0);
    assert_eq!(assets(&cloud), "d.js");
}

#[test]
fn records_that_were_elsewhere_meanwhile_count_from_now() {
    let elsewhere = |action: Action| action.with("history", "s3://my-site/.aws-web-deploy/moved");
    for rolls_back in [false, true] {
        let cloud = cloud();
        let a = release(&cloud, "a").run().expect_exit(0);
        release(&cloud, "b").run().expect_exit(0);
        release(&cloud, "c").run().expect_exit(0);
        next_second();
        day(&cloud, 5.0);
        elsewhere(release(&cloud, "b")).run().expect_exit(0);
        day(&cloud, 20.0);
        let run = match rolls_back {
            // What it hides was live until now.
            true => back(&cloud, a.output("release")).run(),
            false => release(&cloud, "d").run(),
        };
        let run = run.expect_exit(0);
        assert!(assets(&cloud).contains("b.js"), "{}", run.log);
        assert!(retired(&run).contains("assets/b.js"), "{}", retired(&run));
        day(&cloud, 33.0);
        release(&cloud, "d").run().expect_exit(0);
        assert!(assets(&cloud).contains("b.js"));
        day(&cloud, 48.0);
        release(&cloud, "d").run().expect_exit(0);
        assert_eq!(assets(&cloud), "d.js");
    }
}

#[test]
fn no_asset_is_kept_until_a_day_that_has_passed() {
    let cloud = cloud();
    release(&cloud, "a").run().expect_exit(0);
    let b = release(&cloud, "b").run().expect_exit(0);
    release(&cloud, "c").run().expect_exit(0);
    day(&cloud, 20.0);
    let run = back(&cloud, b.output("release")).run().expect_exit(0);
    let kept = run.report["site"]["retired"].as_array().cloned().unwrap_or_default();
    assert!(!kept.is_empty(), "{}", run.report);
    for asset in kept {
        let until = asset["until"].as_str().expect("a time");
        // A day may end between the run and this line.
        assert!(until[..10] >= *date(19), "{asset}");
    }
    release(&cloud, "b").run().expect_exit(0);
    assert!(
        !assets(&cloud).contains("a.js"),
        "what is due is deleted by the next run"
    );
}

#[test]
fn the_summary_of_a_run_that_is_taken_back_shows_what_stays_now() {
    let cloud = cloud();
    release(&cloud, "a").run().expect_exit(0);
    release(&cloud, "b").run().expect_exit(0);
    day(&cloud, 3.0);
    let failing = release(&cloud, "c")
        .file("site/assets/more.js", "m")
        .with("on-failure", "rollback")
        .with("verify-site", &format!("{}/nothing/here 200", cloud.endpoint))
        .with("verify-timeout", "1");
    let run = failing.run().expect_exit(1);
    // The failed plan would have kept `a.js` and `b.js`.
    assert_eq!(retired(&run), "assets/a.js assets/c.js assets/more.js");
    assert!(run.summary.contains("3 old assets kept until "), "{}", run.summary);
    assert!(!run.summary.contains("2 old assets"), "{}", run.summary);
    assert!(!run.summary.contains("b.js"), "{}", run.summary);
}

#[test]
fn patterns_that_match_nothing_are_said() {
    let cloud = cloud();
    let with = |lines: &str| release(&cloud, "a").with("delete-after", lines).run();
    let run = with("/assets/* 14d\n./assets/* 14d\nassets/ 14d").expect_exit(2);
    assert_eq!(run.error().matches("write `assets/*`").count(), 3, "{}", run.error());
    let run = with("assets/* 14d\nasset/* 14d").expect_exit(0);
    assert!(
        run.log
            .contains("`asset/*` of `delete-after` matches no file and no object"),
        "{}",
        run.log
    );
    assert!(!run.log.contains("`assets/*` of `delete-after`"), "{}", run.log);
}
