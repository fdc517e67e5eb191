//! Old assets, and everybody else: other steps, other hands, records that are lost.

use std::io::Write as _;

use serde_json::{Value, json};

use super::{BUCKET, assets, cloud, day, list, records, release, retired, step};
use crate::support::Cloud;

#[test]
fn what_somebody_else_has_changed_is_left_and_warned_of_once() {
    for body in ["changed", "a"] {
        let cloud = cloud();
        release(&cloud, "a").run().expect_exit(0);
        release(&cloud, "b").run().expect_exit(0);
        // S3 tells whole seconds.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        cloud.put(BUCKET, "assets/a.js", &[], body.as_bytes());
        day(&cloud, 15.0);
        for (days, warns) in [(15.0, true), (16.0, false), (99.0, false)] {
            day(&cloud, days);
            let run = release(&cloud, "b").run().expect_exit(0);
            assert_eq!(assets(&cloud), "a.js b.js");
            let warnings = run.messages("warning").join("\n");
            let warned = warnings.contains("assets/a.js: was modified outside this action");
            assert_eq!(warned, warns, "{body:?} after {days} days: {warnings}");
            assert_eq!((run.output("outcome"), retired(&run)), ("unchanged", String::new()));
        }
        // As soon as it is none of ours no longer, it is deleted as everything else.
        release(&cloud, "b").with("delete-after", "").run().expect_exit(0);
        assert_eq!(assets(&cloud), "b.js");
    }
}

#[test]
fn records_that_are_lost_or_moved_count_from_now() {
    let cloud = cloud();
    let elsewhere = |name: &str| release(&cloud, name).with("history", "s3://my-site/.aws-web-deploy/moved");
    release(&cloud, "a").run().expect_exit(0);
    release(&cloud, "b").run().expect_exit(0);
    day(&cloud, 10.0);
    let moved = elsewhere("b").run().expect_exit(0);
    assert_eq!(retired(&moved), "assets/a.js");
    day(&cloud, 15.0);
    elsewhere("b").run().expect_exit(0);
    assert_eq!(assets(&cloud), "a.js b.js");

    for key in records(&cloud) {
        assert_eq!(cloud.s3("DELETE", &format!("/{BUCKET}/{key}"), &[], b"").status, 204);
    }
    day(&cloud, 25.0);
    let run = elsewhere("b").run().expect_exit(0);
    assert_eq!((assets(&cloud), run.output("deleted")), ("a.js b.js".into(), "0"));
    day(&cloud, 40.0);
    elsewhere("b").run().expect_exit(0);
    assert_eq!(assets(&cloud), "b.js");
}

/// A list of old assets with this text, as it is stored.
fn packed(text: &str) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(text.as_bytes()).expect("memory");
    out.finish().expect("gzip")
}

#[test]
fn a_list_that_is_broken_or_not_ours_counts_from_now() {
    let others = packed("{\"k\":\".aws-web-deploy/site/releases/x\",\"s\":0}\n");
    for (bytes, warning) in [
        (Some(b"no gzip".to_vec()), "it is no list of keys"),
        (Some(others), "which belongs to the release records"),
        // A time from before the object was there is not believed.
        (None, ""),
    ] {
        let cloud = cloud();
        release(&cloud, "a").run().expect_exit(0);
        release(&cloud, "b").run().expect_exit(0);
        let mut lists = records(&cloud).into_iter().filter(|key| key.contains(".retired."));
        let (key, mut line) = (lists.next().expect("a list"), list(&cloud).remove(0));
        line["s"] = json!(-99_999_999_999_i64);
        let bytes = bytes.unwrap_or_else(|| packed(&format!("{line}\n")));
        cloud.put(BUCKET, &key, &[], &bytes);
        day(&cloud, 13.0);
        let run = release(&cloud, "b").run().expect_exit(0);
        assert_eq!((assets(&cloud), run.output("deleted")), ("a.js b.js".into(), "0"));
        assert_eq!(retired(&run), "assets/a.js");
        let warnings = run.messages("warning").join("\n");
        assert!(warnings.contains(warning), "{warning}: {warnings}");
    }
}

#[test]
fn a_newer_record_that_is_not_used_counts_from_now() {
    type Spoil = fn(&mut Value);
    let spoils: [(&str, Spoil); 4] = [
        ("another format", |record| record["version"] = json!(2)),
        ("another prefix", |record| record["site"]["prefix"] = json!("x/")),
        ("no number", |record| record["site"]["retired"] = json!(-1)),
        ("no list", |record| {
            record["site"].as_object_mut().expect("a site").remove("retired");
        }),
    ];
    for (what, spoil) in spoils {
        let cloud = cloud();
        release(&cloud, "a").run().expect_exit(0);
        release(&cloud, "b").run().expect_exit(0);
        let before = records(&cloud);
        // S3 tells whole seconds.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        release(&cloud, "c").file("site/assets/a.js", "a").run().expect_exit(0);
        for key in records(&cloud) {
            if key.ends_with(".json") && !before.contains(&key) {
                let text = cloud.object(BUCKET, &key).expect("a record").text();
                let mut record = serde_json::from_str(&text).expect("JSON");
                spoil(&mut record);
                cloud.put(BUCKET, &key, &[], record.to_string().as_bytes());
            }
        }
        // The records' own times do not follow the clock that `day` sets: one of the same second may be the newer one.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        day(&cloud, 16.0);
        let run = release(&cloud, "d").run().expect_exit(0);
        assert_eq!(assets(&cloud), "a.js b.js c.js d.js", "{what}");
        assert!(retired(&run).contains("assets/a.js"), "{what}: {}", retired(&run));
        day(&cloud, 31.0);
        release(&cloud, "d").run().expect_exit(0);
        assert_eq!(assets(&cloud), "d.js", "{what}");
    }
}

#[test]
fn two_steps_on_one_prefix_do_not_forget_each_others_old_assets() {
    let cloud = cloud();
    let deploy = |name: &str| {
        let assets = release(&cloud, name).with("exclude", "*.html").run().expect_exit(0);
        let pages = release(&cloud, name)
            .with("exclude", "assets/*")
            .with("delete-after", "")
            .run()
            .expect_exit(0);
        (assets, pages)
    };
    deploy("a");
    let (first, second) = deploy("b");
    assert_eq!(
        (retired(&first), retired(&second)),
        ("assets/a.js".into(), String::new())
    );
    day(&cloud, 13.0);
    deploy("c");
    assert_eq!(assets(&cloud), "a.js b.js c.js");
    day(&cloud, 15.0);
    deploy("c");
    assert_eq!(assets(&cloud), "b.js c.js");
    day(&cloud, 28.0);
    deploy("c");
    assert_eq!(assets(&cloud), "c.js");
}

#[test]
fn excluded_keys_are_never_deleted_and_keep_their_time() {
    let cloud = cloud();
    release(&cloud, "a").run().expect_exit(0);
    release(&cloud, "b").run().expect_exit(0);
    day(&cloud, 20.0);
    let run = release(&cloud, "c").with("exclude", "assets/a.js").run().expect_exit(0);
    assert_eq!(
        (assets(&cloud), retired(&run)),
        ("a.js b.js c.js".into(), "assets/b.js".into())
    );
    release(&cloud, "c").run().expect_exit(0);
    assert_eq!(assets(&cloud), "b.js c.js");
}

#[test]
fn a_bucket_without_versions_and_a_forced_upload_change_nothing_about_it() {
    let cloud = Cloud::with_bucket(BUCKET);
    let forced = |name: &str| {
        release(&cloud, name)
            .with("distribution", "")
            .with("force", "true")
            .run()
            .expect_exit(0)
    };
    forced("a");
    forced("b");
    day(&cloud, 13.0);
    let run = forced("b");
    assert_eq!((assets(&cloud), run.output("uploaded")), ("a.js b.js".into(), "3"));
    day(&cloud, 15.0);
    assert_eq!(forced("b").output("deleted"), "1");
    assert_eq!(assets(&cloud), "b.js");
}

#[test]
fn a_run_without_the_input_takes_from_the_list_what_is_in_use() {
    let cloud = cloud();
    release(&cloud, "a").run().expect_exit(0);
    release(&cloud, "b").run().expect_exit(0);
    // It deletes nothing, and its source has the old asset.
    let without = step(&cloud, "d").with("delete", "").with("delete-after", "");
    without.file("site/assets/a.js", "a").run().expect_exit(0);
    day(&cloud, 20.0);
    let run = release(&cloud, "b").run().expect_exit(0);
    assert_eq!(
        (assets(&cloud), retired(&run)),
        ("a.js b.js".into(), "assets/a.js".into())
    );
}

#[test]
fn a_prefix_is_no_part_of_the_patterns() {
    let cloud = cloud();
    let below = |name: &str| release(&cloud, name).with("prefix", "docs/v1");
    below("a").run().expect_exit(0);
    let run = below("b").run().expect_exit(0);
    assert_eq!(retired(&run), "docs/v1/assets/a.js");
    assert_eq!(list(&cloud)[0]["k"], json!("docs/v1/assets/a.js"));
    day(&cloud, 15.0);
    let run = below("b").run().expect_exit(0);
    assert_eq!(run.report["site"]["deletes"], json!(["docs/v1/assets/a.js"]));
}

#[test]
fn a_run_that_cannot_be_recorded_warns_that_old_assets_are_not_counted() {
    let cloud = cloud();
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "PutObject", "match": "/releases/", "times": -1, "kind": "error",
                "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
    );
    for (input, warns) in [("assets/* 14d", true), ("", false)] {
        let run = release(&cloud, "a").with("delete-after", input).with("force", "true");
        let warnings = run.run().expect_exit(0).messages("warning").join("\n");
        assert!(warnings.contains("cannot write the release record"), "{warnings}");
        assert!(warnings.contains("which headers this run sets"), "{warnings}");
        assert!(warnings.contains("`force-headers: true` once"), "{warnings}");
        let is_said = warnings.contains("`delete-after` may delete what this release uses too early");
        assert_eq!(is_said, warns, "{warnings}");
    }
}

#[test]
fn old_assets_are_not_what_is_left_of_a_site() {
    let cloud = cloud();
    let with = |pages: usize, assets: usize| {
        let action = step(&cloud, "a");
        std::fs::create_dir_all(action.workspace().join("site")).expect("a directory");
        for n in 0..pages {
            action.write(&format!("site/{n}.html"), "page");
        }
        for n in 0..assets {
            action.write(&format!("site/assets/{n}.js"), "asset");
        }
        action
    };
    with(30, 40).run().expect_exit(0);
    let run = with(0, 0).run().expect_exit(1);
    assert!(run.error().contains("deletes all 30 objects"), "{}", run.error());
    let run = with(1, 0).run().expect_exit(1);
    assert!(run.error().contains("deletes 29 of 30 objects"), "{}", run.error());
    assert!(run.error().contains("allows 15"), "{}", run.error());
    assert_eq!(cloud.keys(BUCKET).len(), 70);
    // Retiring alone is never stopped.
    let run = with(30, 0).run().expect_exit(0);
    assert_eq!(run.output("deleted"), "0");
    assert_eq!(cloud.keys(BUCKET).len(), 70);
}

#[test]
fn a_record_older_than_the_list_matters_no_more() {
    let cloud = cloud();
    release(&cloud, "a").run().expect_exit(0);
    let before = records(&cloud);
    release(&cloud, "b").run().expect_exit(0);
    let of_b = records(&cloud).into_iter().filter(|key| !before.contains(key));
    let ends = of_b.filter(|key| key.contains("/releases/"));
    ends.for_each(|key| cloud.put(BUCKET, &key, &[], b"garbage"));
    for (days, left) in [(15.0, "a.js b.js"), (28.0, "a.js b.js"), (30.0, "b.js")] {
        day(&cloud, days);
        let run = release(&cloud, "b").run().expect_exit(0);
        let begins = run.log.contains("so `delete-after` counts from now");
        assert_eq!((assets(&cloud).as_str(), begins), (left, days < 16.0), "{}", run.log);
    }
}
