//! Records of a backend: whose store they go to, and whose clock orders them.

use serde_json::json;

use super::backend::{BUNDLES, RECORDS, cloud, cloud_with, label, release};
use super::support::Cloud;

#[test]
fn nothing_of_a_backend_goes_to_the_store_of_endpoint_url() {
    let (cloud, store) = (cloud(), Cloud::with_bucket("my-bucket"));
    store.set_versioning("my-bucket", "Enabled");
    for bucket in ["history", "packages"] {
        cloud.create_bucket(bucket);
        store.create_bucket(bucket);
    }
    store.forget_requests();
    let step = |label: &str| {
        release(&cloud, label)
            .with("endpoint-url", &store.endpoint)
            .with("bucket", "my-bucket")
            .with("source", "site")
            .with("history", "s3://history/all")
            .with("package-bucket", "packages")
            .with("keep-versions", "1")
            .with("on-failure", "rollback")
            .file("site/index.html", label)
    };
    for label in ["v1", "v2", "v3"] {
        step(label).run().expect_exit(0);
    }
    step("v3").with("command", "check").run();
    step("v3").with("command", "rollback").run().expect_exit(0);
    assert_eq!(label(&cloud), "v2");
    assert_eq!(store.object("my-bucket", "index.html").expect("a page").text(), "v2");
    for request in store.requests() {
        let path = request["path"].as_str().unwrap_or_default();
        assert!(!path.contains("my-app") && !path.starts_with("/packages"), "{request}");
    }
    // The site's records are in the store, and none of them at AWS.
    let is_in = |cloud: &Cloud, folder: &str| cloud.all_keys("history").iter().any(|key| key.starts_with(folder));
    assert!(is_in(&cloud, "all/backend/us-east-1/my-app/my-app-prod/releases/"));
    assert!(!is_in(&cloud, "all/site/"));
    assert!(is_in(&store, "all/site/my-bucket/releases/"));
    assert!(!is_in(&store, "all/backend/"));
}

/// Gives the release `id` the name and times of a runner whose clock differs by `hours`.
fn with_another_clock(cloud: &Cloud, id: &str, hours: i64) {
    let time = chrono::NaiveDateTime::parse_from_str(&id[..18], "%Y%m%d-%H%M%S%3f").expect("the time of an id");
    let time = time.and_utc() + chrono::Duration::hours(hours);
    let other = format!("{}{}", time.format("%Y%m%d-%H%M%S%3f"), &id[18..]);
    let keys = cloud.all_keys(BUNDLES);
    for key in keys.iter().filter(|key| key.starts_with(RECORDS) && key.contains(id)) {
        let body = cloud
            .object(BUNDLES, key)
            .expect("an object")
            .text()
            .replace(id, &other);
        let mut record: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        for field in ["started_at", "finished_at"] {
            if let Some(at) = record[field].as_str() {
                let at = chrono::DateTime::parse_from_rfc3339(at).expect("a time") + chrono::Duration::hours(hours);
                record[field] = json!(at.to_rfc3339());
            }
        }
        let (_, rest) = key[RECORDS.len()..].split_once('-').expect("a name");
        let backwards = 9_999_999_999_999 - time.timestamp_millis();
        let name = format!("{RECORDS}{backwards:013}-{}", rest.replace(id, &other));
        assert_eq!(cloud.s3("DELETE", &format!("/{BUNDLES}/{key}"), &[], b"").status, 204);
        cloud.put(BUNDLES, &name, &[], record.to_string().as_bytes());
    }
}

#[test]
fn two_runners_an_hour_apart_do_not_change_what_came_first() {
    for (first_off, second_off) in [(1, 0), (0, -1), (-1, 0), (0, 1)] {
        let cloud = cloud();
        for (label, off) in [("v1", 0), ("v2", first_off), ("v3", second_off)] {
            let run = release(&cloud, label).run().expect_exit(0);
            if off != 0 {
                with_another_clock(&cloud, run.output("release"), off);
            }
            // S3 tells whole seconds.
            std::thread::sleep(std::time::Duration::from_millis(1_100));
        }
        let case = format!("{first_off} {second_off}");
        for expected in ["v2", "v1"] {
            let run = release(&cloud, "v3").with("command", "rollback").run().expect_exit(0);
            assert_eq!(label(&cloud), expected, "{case}: {}", run.log);
        }
    }
}

#[test]
fn what_two_runs_of_one_workflow_did_in_one_second_is_in_the_order_of_their_numbers() {
    let cloud = cloud_with(&["my-app-prod"], &json!({}));
    for number in 1..=3 {
        let label = format!("v{number}");
        let run = release(&cloud, &label)
            .with("environment-name", "")
            .github("workflow", "Deploy")
            .github("run_number", &number.to_string())
            .run()
            .expect_exit(0);
        assert_eq!(run.output("outcome"), "succeeded");
    }
    // Without an environment the versions alone are made, three in a second or two: the list tells the order.
    let run = release(&cloud, "v3")
        .with("environment-name", "")
        .with("command", "rollback")
        .with("dry-run", "true")
        .run();
    let places: Vec<Option<usize>> = ["v3", "v2", "v1"]
        .iter()
        .map(|label| run.summary.find(&format!("<code>{label}</code>")))
        .collect();
    assert!(places.is_sorted(), "{places:?} {}", run.summary);
}
