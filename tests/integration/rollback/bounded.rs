//! What is kept of all records together has an end: whoever can write one can write many.

use serde_json::{Value, json};

use super::{A, B, BUCKET, C, cloud, site};
use crate::support::{Action, Cloud};

const FOLDER: &str = ".aws-web-deploy/site/releases/";

/// A record like that of the newest release in `cloud`, with many long paths that are still to be invalidated.
fn heavy(cloud: &Cloud) -> Value {
    let key = cloud.all_keys(BUCKET).into_iter().find(|key| {
        let name = key.strip_prefix(FOLDER);
        name.is_some_and(|name| !name.contains(".started"))
    });
    let object = cloud.object(BUCKET, &key.expect("a record")).expect("the record");
    let mut record: Value = serde_json::from_slice(&object.body).expect("JSON");
    let paths: Vec<String> = (0..6000).map(|n| format!("/{n:0>160}")).collect();
    record["cdn"] = json!({"distributions": ["E1"], "unconfirmed": {"E1": paths}});
    record
}

/// Plants forty of them, newer than all others; how many bytes each has.
fn plant(cloud: &Cloud) -> usize {
    let mut record = heavy(cloud);
    let mut size = 0;
    for number in 0..40 {
        let id = format!("99999999-{number:0>9}-planted");
        record["id"] = json!(id);
        let text = record.to_string();
        cloud.put(
            BUCKET,
            &format!("{FOLDER}{number:0>13}-{id}.json"),
            &[],
            text.as_bytes(),
        );
        size = text.len();
    }
    size
}

fn step(cloud: &Cloud, run: u32, sha: &str) -> Action {
    site(cloud, run, sha).file("site/index.html", sha)
}

/// Small values take more memory than their characters.
#[test]
fn a_record_of_many_small_values_is_not_used() {
    let cloud = cloud();
    step(&cloud, 1, A).run().expect_exit(0);
    let mut record = heavy(&cloud);
    record["id"] = json!("99999999-planted");
    record["site"]["scope"] = json!(vec!["x"; 150_000]);
    let key = format!("{FOLDER}0000000000001-99999999-planted.json");
    cloud.put(BUCKET, &key, &[], record.to_string().as_bytes());
    let run = step(&cloud, 2, B).run().expect_exit(0);
    let warnings = run.messages("warning").join("\n");
    assert!(warnings.contains("it has more than 65536 values"), "{warnings}");
    assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), B);
}

#[test]
fn records_that_are_large_together_are_not_all_kept() {
    let cloud = cloud();
    step(&cloud, 1, A).run().expect_exit(0);
    let size = plant(&cloud);
    assert!(size > 900_000, "{size}");
    cloud.forget_requests();
    let run = step(&cloud, 2, B).run().expect_exit(0);
    let read = cloud.requests().into_iter().filter(|request| {
        let path = request["path"].as_str().unwrap_or_default();
        request["operation"] == "GetObject" && path.contains("-planted.json")
    });
    let bytes = read.count() * size;
    assert!(bytes > 4 << 20 && bytes < 16 << 20, "{bytes} bytes were read");
    let warnings = run.messages("warning").join("\n");
    let told = warnings.matches("larger than 8 MiB").count();
    assert_eq!(told, 1, "{warnings}");
    assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), B);
    let back = site(&cloud, 3, C).with("command", "rollback").run();
    assert_eq!(back.exit_code, 1, "{}", back.log);
    assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), B);
}
