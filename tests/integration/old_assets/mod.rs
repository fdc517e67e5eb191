//! `delete-after`: assets of earlier releases stay as long as pages that are still open may ask for them.
//!
//! The time is S3's: `clock_skew` moves the local cloud's clock, and the runner's stays.

mod back;
mod others;
mod overlap;
mod random;

use aws_web_deploy::door;
use serde_json::{Value, json};

use crate::support::{Action, Cloud, Run};

const BUCKET: &str = "my-site";

/// A cloud with a site and its distribution.
fn cloud() -> Cloud {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.set_versioning(BUCKET, "Enabled");
    cloud.add_distribution("E1EXAMPLE", BUCKET, &json!({"default_root_object": "index.html"}));
    cloud
}

/// A step that deploys release `name`: a page, an asset of its own, and one that all releases have.
fn release(cloud: &Cloud, name: &str) -> Action {
    step(cloud, name)
        .file("site/index.html", format!("<script src=assets/{name}.js>"))
        .file(&format!("site/assets/{name}.js"), name)
        .file("site/assets/common.css", "body {}")
}

/// The same without files.
fn step(cloud: &Cloud, name: &str) -> Action {
    Action::new(cloud)
        .github("sha", &name.repeat(40)[..40])
        .with("bucket", BUCKET)
        .with("source", "site")
        .with("delete", "true")
        .with("delete-after", "assets/* 14d")
        .with("distribution", "E1EXAMPLE")
}

/// Takes the site back.
fn back(cloud: &Cloud, to: &str) -> Action {
    step(cloud, "f").with("command", "rollback").with("to", to)
}

/// Sets S3's clock so many days ahead of the runner's.
fn day(cloud: &Cloud, days: f64) {
    cloud.post("/oidc", &json!({"clock_skew": days * 86_400.0}));
}

/// The names of the assets that readers get.
fn assets(cloud: &Cloud) -> String {
    let keys = cloud.keys(BUCKET);
    let assets = keys.iter().filter_map(|key| key.strip_prefix("assets/"));
    let names = assets.filter(|name| *name != "common.css");
    names.collect::<Vec<_>>().join(" ")
}

fn page(cloud: &Cloud) -> String {
    let text = cloud.object(BUCKET, "index.html").expect("a page").text();
    text.trim_start_matches("<script src=assets/")
        .trim_end_matches(".js>")
        .to_owned()
}

/// The old assets that the report lists.
fn retired(run: &Run) -> String {
    let retired = run.report["site"]["retired"].as_array().cloned().unwrap_or_default();
    let keys = retired.iter().map(|one| one["key"].as_str().expect("a key").to_owned());
    keys.collect::<Vec<_>>().join(" ")
}

/// The day on which S3's clock is so many days ahead of today.
fn date(days: i64) -> String {
    (chrono::Utc::now() + chrono::Duration::days(days))
        .format("%Y-%m-%d")
        .to_string()
}

/// The keys of records.
fn records(cloud: &Cloud) -> Vec<String> {
    let keys = cloud.all_keys(BUCKET).into_iter();
    keys.filter(|key| key.starts_with(".aws-web-deploy/")).collect()
}

#[test]
fn an_old_asset_stays_until_its_time_has_passed() {
    let cloud = cloud();
    release(&cloud, "a").run().expect_exit(0);
    cloud.forget_requests();
    let run = release(&cloud, "b").run().expect_exit(0);
    assert_eq!((page(&cloud), assets(&cloud)), ("b".into(), "a.js b.js".into()));
    assert_eq!((run.output("uploaded"), run.output("deleted")), ("2", "0"));
    assert_eq!(retired(&run), "assets/a.js");
    let until = run.report["site"]["retired"][0]["until"].as_str().expect("a time");
    // A day may end between the run and this line.
    assert!([date(14), date(13)].contains(&until[..10].to_owned()), "{until}");
    let kept = format!("1 old asset kept until {}", &until[..10]);
    assert!(run.summary.contains(&kept), "{}", run.summary);
    assert!(run.log.contains(&kept), "{}", run.log);
    assert!(run.log.contains("keep    assets/a.js  (until "), "{}", run.log);
    let paths = cloud.invalidations().concat();
    assert!(!paths.iter().any(|path| path.contains("/a.js")), "{paths:?}");

    for days in [0.0, 13.0, 13.99] {
        day(&cloud, days);
        let before = records(&cloud);
        cloud.forget_requests();
        let run = release(&cloud, "b").run().expect_exit(0);
        let lists = cloud
            .requests()
            .into_iter()
            .filter(|one| one["path"].as_str().is_some_and(|path| path.contains("/keys/")));
        // One more where a clock that is off was refused first.
        let answered = lists.filter(|one| one["status"].as_u64() == Some(200)).count();
        assert_eq!(answered, 1, "the list is read once, and nothing else for it");
        assert_eq!(assets(&cloud), "a.js b.js", "after {days} days");
        assert_eq!(
            (run.output("outcome"), run.output("changed"), run.output("deleted")),
            ("unchanged", "false", "0")
        );
        assert_eq!(retired(&run), "assets/a.js");
        assert!(run.summary.contains(&kept), "{}", run.summary);
        assert_eq!(records(&cloud), before, "nothing is new, so no record is written");
    }

    day(&cloud, 15.0);
    cloud.forget_requests();
    let run = release(&cloud, "b").run().expect_exit(0);
    assert_eq!(assets(&cloud), "b.js");
    assert_eq!(
        (run.output("outcome"), run.output("changed"), run.output("deleted")),
        ("succeeded", "true", "1")
    );
    assert_eq!((run.output("uploaded"), retired(&run)), ("0", String::new()));
    assert_eq!(cloud.invalidations(), [["/assets/a.js"]]);
    let run = release(&cloud, "b").run().expect_exit(0);
    assert_eq!(run.output("outcome"), "unchanged");
}

#[test]
fn an_asset_that_is_back_in_the_source_is_no_longer_old() {
    let cloud = cloud();
    let both = || release(&cloud, "b").file("site/assets/a.js", "a");
    release(&cloud, "a").run().expect_exit(0);
    release(&cloud, "b").run().expect_exit(0);
    day(&cloud, 10.0);
    let run = both().run().expect_exit(0);
    assert_eq!((run.output("outcome"), retired(&run)), ("unchanged", String::new()));
    day(&cloud, 20.0);
    let run = release(&cloud, "b").run().expect_exit(0);
    assert_eq!(
        (assets(&cloud), retired(&run)),
        ("a.js b.js".into(), "assets/a.js".into())
    );
    day(&cloud, 33.0);
    release(&cloud, "b").run().expect_exit(0);
    assert_eq!(assets(&cloud), "a.js b.js");
    day(&cloud, 35.0);
    release(&cloud, "b").run().expect_exit(0);
    assert_eq!(assets(&cloud), "b.js");
}

#[test]
fn a_run_that_only_retires_changes_nothing_and_keeps_the_time() {
    let cloud = cloud();
    release(&cloud, "a").file("site/assets/x.js", "x").run().expect_exit(0);
    cloud.forget_requests();
    let run = release(&cloud, "a").run().expect_exit(0);
    assert_eq!(
        (run.output("outcome"), run.output("changed"), run.output("deleted")),
        ("unchanged", "false", "0")
    );
    assert!(!run.output("release").is_empty());
    assert!(cloud.invalidations().is_empty());
    day(&cloud, 15.0);
    let run = release(&cloud, "a").run().expect_exit(0);
    assert_eq!((run.output("deleted"), assets(&cloud)), ("1", "a.js".into()));
}

#[test]
fn what_no_line_matches_is_deleted_at_once_and_later_lines_win() {
    let cloud = cloud();
    let lines = "assets/* 14d\nassets/short/* 36h\n'with space/*' 1w";
    let with = |action: Action| action.with("delete-after", lines);
    with(release(&cloud, "a"))
        .file("site/old.html", "old")
        .file("site/assets/short/s.js", "s")
        .file("site/with space/x", "x")
        .run()
        .expect_exit(0);
    let run = with(release(&cloud, "b")).run().expect_exit(0);
    assert_eq!(run.report["site"]["deletes"], json!(["old.html"]));
    assert_eq!(retired(&run), "assets/a.js assets/short/s.js with space/x");
    assert!(run.summary.contains(" at the latest"), "{}", run.summary);
    for (days, deleted) in [
        (1.4, json!([])),
        (1.6, json!(["assets/short/s.js"])),
        (7.1, json!(["with space/x"])),
        (14.1, json!(["assets/a.js"])),
    ] {
        day(&cloud, days);
        let run = with(release(&cloud, "b")).run().expect_exit(0);
        assert_eq!(run.report["site"]["deletes"], deleted, "after {days} days");
    }
}

#[test]
fn a_dry_run_lists_old_assets_and_writes_nothing() {
    let cloud = cloud();
    release(&cloud, "a").run().expect_exit(0);
    let before = cloud.all_keys(BUCKET);
    let run = release(&cloud, "b").with("dry-run", "true").run().expect_exit(0);
    assert_eq!(retired(&run), "assets/a.js");
    assert!(run.log.contains("(dry run) keep  assets/a.js  (until "), "{}", run.log);
    assert!(run.summary.contains("1 old asset kept until "), "{}", run.summary);
    assert_eq!(cloud.all_keys(BUCKET), before);
    release(&cloud, "b").run().expect_exit(0);
    day(&cloud, 15.0);
    let run = release(&cloud, "b").with("dry-run", "true").run().expect_exit(0);
    assert_eq!(run.report["site"]["deletes"], json!(["assets/a.js"]));
    assert_eq!(assets(&cloud), "a.js b.js");
}

#[test]
fn max_delete_counts_what_is_deleted_and_not_what_stays() {
    let cloud = cloud();
    let many = |name: &str| {
        let action = step(&cloud, name)
            .with("max-delete", "10%")
            .file("site/index.html", name);
        (0..110).for_each(|n| action.write(&format!("site/assets/{name}{n}.js"), "x"));
        action
    };
    many("a").run().expect_exit(0);
    let run = many("b").run().expect_exit(0);
    assert_eq!(run.report["site"]["retired"].as_array().map(Vec::len), Some(110));
    assert!(run.summary.contains("110 old assets kept until "), "{}", run.summary);
    assert_eq!(run.log.matches("keep    assets/a").count(), 100);
    assert!(run.log.contains("keep    10 more"), "{}", run.log);
    day(&cloud, 15.0);
    let run = many("b").run().expect_exit(1);
    assert!(
        run.error().contains("the plan deletes 110 of 221 objects"),
        "{}",
        run.error()
    );
    assert_eq!(cloud.keys(BUCKET).len(), 221);
    many("b").with("max-delete", "110").run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET).len(), 111);
}

#[test]
fn wrong_lines_are_input_errors_with_all_others() {
    let cloud = cloud();
    cloud.forget_requests();
    let run = step(&cloud, "a")
        .with("delete", "")
        .with(
            "delete-after",
            "assets/*\nassets/* 14x\nassets/* 0d\nassets/* 99999999999999999999d",
        )
        .with("max-delete", "some")
        .file("site/index.html", "a")
        .run()
        .expect_exit(2);
    for part in [
        "6 input errors",
        "`delete-after`, line 1, `assets/*`: write `PATTERN DURATION`",
        "line 2, `assets/* 14x`: `14x` is not a duration",
        "line 3, `assets/* 0d`: `0d` is not a duration",
        "line 4, `assets/* 99999999999999999999d`",
        "`delete-after` is set but `delete` is not `true`",
        "`max-delete` is `some`",
    ] {
        assert!(run.error().contains(part), "{part}: {}", run.error());
    }
    assert!(cloud.requests().is_empty());
    step(&cloud, "a")
        .with("delete", "")
        .with("args", "--delete")
        .file("site/index.html", "a")
        .run()
        .expect_exit(0);
}

#[test]
fn without_the_input_nothing_is_read_or_written_for_it() {
    let cloud = cloud();
    let plain = |name: &str| release(&cloud, name).with("delete-after", "");
    plain("a").run().expect_exit(0);
    let run = plain("b").run().expect_exit(0);
    assert_eq!((run.output("deleted"), assets(&cloud)), ("1", "b.js".into()));
    assert!(run.report["site"].get("retired").is_none(), "{}", run.report["site"]);
    assert!(records(&cloud).iter().all(|key| !key.contains("retired")));
    let heads = records(&cloud).into_iter().filter(|key| key.ends_with(".json"));
    for key in heads {
        let head: Value = serde_json::from_slice(&cloud.object(BUCKET, &key).expect("it").body).expect("JSON");
        assert!(
            head["site"].get("retired").is_none() && head["site"].get("upkeep").is_none(),
            "{head}"
        );
    }
}

/// The lines of the newest list of old assets.
fn list(cloud: &Cloud) -> Vec<Value> {
    let mut lists: Vec<String> = records(cloud)
        .into_iter()
        .filter(|key| key.contains(".retired."))
        .collect();
    lists.sort();
    let newest = lists.last().expect("a list");
    door::unpack_keys(&cloud.object(BUCKET, newest).expect("it").body).expect("lines")
}
