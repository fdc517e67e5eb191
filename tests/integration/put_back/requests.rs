//! What a run that succeeds sends: without `verify-site` nothing for it, with `on-failure: rollback` nothing more than with
//! `keep`.

use std::collections::BTreeMap;

use super::{BUCKET, all, cloud};
use crate::support::{Action, Cloud};

/// How often each operation was sent by a run that succeeds.
fn sent(cloud: &Cloud, action: &Action) -> BTreeMap<String, usize> {
    cloud.forget_requests();
    action.run().expect_exit(0);
    let mut counts = BTreeMap::new();
    for operation in cloud.operations() {
        *counts.entry(operation).or_default() += 1;
    }
    counts
}

/// The reads of an update that takes as long as it takes.
const POLLS: [&str; 3] = ["DescribeEnvironments", "DescribeEvents", "DescribeInstancesHealth"];

#[test]
fn a_run_that_succeeds_without_verify_site_sends_the_requests_that_it_always_sent() {
    let cloud = cloud();
    all(&cloud, "a").run().expect_exit(0);
    let mut counts = sent(&cloud, &all(&cloud, "b"));
    for poll in POLLS {
        counts.remove(poll);
    }
    let counts: Vec<(&str, usize)> = counts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    assert_eq!(
        counts,
        [
            ("CreateApplicationVersion", 1),
            ("CreateInvalidation", 1),
            ("CreateStorageLocation", 1),
            ("DeleteObjects", 1),
            ("DescribeApplicationVersions", 3),
            ("DescribeApplications", 1),
            ("DescribeConfigurationSettings", 1),
            ("GetBucketVersioning", 1),
            ("GetCallerIdentity", 1),
            ("GetDistributionConfig", 1),
            // The end of the record before.
            ("GetObject", 1),
            ("HeadBucket", 1),
            ("HeadObject", 3),
            // The site, and the records of both parts.
            ("ListObjectsV2", 3),
            // The bundle, two objects of the site, four of its record and two of the backend's.
            ("PutObject", 9),
            ("UpdateEnvironment", 1),
        ]
    );
}

#[test]
fn the_address_of_verify_site_is_asked_once_when_it_answers_as_wanted() {
    let cloud = cloud();
    all(&cloud, "a").run().expect_exit(0);
    let page = format!("{}/{BUCKET}/index.html", cloud.endpoint);
    let pages = |cloud: &Cloud| {
        let is_page = |one: &&serde_json::Value| {
            one["operation"] == "GetObject" && one["path"].as_str().is_some_and(|path| path.ends_with("/index.html"))
        };
        cloud.requests().iter().filter(is_page).count()
    };
    sent(&cloud, &all(&cloud, "b"));
    assert_eq!(pages(&cloud), 0);
    sent(
        &cloud,
        &all(&cloud, "c").with("verify-site", &format!("{page} 200 contains <h1>c</h1>")),
    );
    assert_eq!(pages(&cloud), 1);
}

#[test]
fn one_bad_answer_does_not_fail_a_release_within_a_second() {
    let cloud = cloud();
    all(&cloud, "a").run().expect_exit(0);
    let page = format!("{}/{BUCKET}/index.html", cloud.endpoint);
    cloud.post(
        "/faults",
        &serde_json::json!({"service": "s3", "operation": "GetObject", "match": "/index.html", "times": 1, "kind": "error",
                            "status": 503, "code": "SlowDown", "message": "Please reduce your request rate."}),
    );
    let run = all(&cloud, "b")
        .with("verify-site", &format!("{page} 200 contains <h1>b</h1>"))
        .with("verify-timeout", "1")
        .run()
        .expect_exit(0);
    assert!(run.log.contains("not verified yet"), "{}", run.log);
}
