//! Release records are input from outside: whoever can write one gets nothing that the inputs do not say.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::{A, B, BUCKET, C, assert_no_write, cloud, site};
use crate::support::{Action, Cloud, Run};

const FOLDER: &str = ".aws-web-deploy/site/docs/";

fn docs(cloud: &Cloud, run: u32, sha: &str, text: &str) -> Action {
    site(cloud, run, sha)
        .with("prefix", "docs")
        .file("site/index.html", text)
        .file("site/app.js", text)
}

fn rollback(cloud: &Cloud) -> Action {
    site(cloud, 9, C).with("prefix", "docs").with("command", "rollback")
}

/// The end of the record of release `id` in `folder`: its key, and what it says.
fn record(cloud: &Cloud, folder: &str, id: &str) -> (String, Value) {
    let end = format!("-{id}.json");
    let key = cloud
        .all_keys(BUCKET)
        .into_iter()
        .find(|key| key.starts_with(folder) && key.ends_with(&end))
        .expect("the record");
    let object = cloud.object(BUCKET, &key).expect("the record");
    (key, serde_json::from_slice(&object.body).expect("JSON"))
}

/// Puts a record there, newer than all others, with a list of keys.
fn plant(cloud: &Cloud, id: &str, record: &Value, keys: &[Value]) {
    let key = format!("{FOLDER}releases/0000000000001-{id}.json");
    cloud.put(BUCKET, &key, &[], record.to_string().as_bytes());
    let lines: String = keys.iter().map(|line| format!("{line}\n")).collect();
    let list = format!("{FOLDER}keys/{id}.changed.jsonl.gz");
    cloud.put(BUCKET, &list, &[], &gzip(lines.as_bytes()));
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::best());
    out.write_all(bytes).expect("memory");
    out.finish().expect("gzip")
}

fn warnings(run: &Run) -> String {
    run.messages("warning").join("\n")
}

fn page(cloud: &Cloud) -> String {
    cloud.object(BUCKET, "docs/index.html").expect("a page").text()
}

#[test]
fn a_record_that_names_keys_outside_the_prefix_touches_none_of_them() {
    let cloud = cloud();
    cloud.put(BUCKET, "private.txt", &[], b"old");
    cloud.put(BUCKET, "private.txt", &[], b"new");
    let first = docs(&cloud, 1, A, "one").run().expect_exit(0);
    let second = docs(&cloud, 2, B, "two").run().expect_exit(0);
    let (_, mut planted) = record(&cloud, FOLDER, second.output("release"));
    planted["id"] = json!("99999999-planted");
    plant(
        &cloud,
        "99999999-planted",
        &planted,
        &[json!({"k": "private.txt", "c": "written", "e": false})],
    );
    cloud.forget_requests();
    let run = rollback(&cloud)
        .with("to", first.output("release"))
        .run()
        .expect_exit(1);
    assert!(run.error().contains("outside of the prefix `docs/`"), "{}", run.error());
    assert_no_write(&cloud);
    assert_eq!(cloud.object(BUCKET, "private.txt").expect("it").text(), "new");
}

#[test]
fn a_record_of_something_else_is_refused_and_stops_rollbacks_alone() {
    let cloud = cloud();
    docs(&cloud, 1, A, "one").run().expect_exit(0);
    let second = docs(&cloud, 2, B, "two").run().expect_exit(0);
    let (_, good) = record(&cloud, FOLDER, second.output("release"));
    for (position, (field, value)) in [("bucket", "other"), ("prefix", ""), ("prefix", "docs/more/")]
        .iter()
        .enumerate()
    {
        let id = format!("9999999{position}-planted");
        let mut planted = good.clone();
        planted["id"] = json!(id);
        planted["site"][field] = json!(value);
        plant(
            &cloud,
            &id,
            &planted,
            &[json!({"k": "private.txt", "c": "written", "e": false})],
        );
    }
    plant(&cloud, "99999998-planted", &good, &[]);
    cloud.forget_requests();
    let run = rollback(&cloud).run().expect_exit(1);
    assert!(
        run.error()
            .contains("are refused, and what they changed since is not known"),
        "{}",
        run.error()
    );
    assert_no_write(&cloud);
    let run = docs(&cloud, 3, C, "three").run().expect_exit(0);
    assert_eq!(page(&cloud), "three");
    for part in [
        "it is of `s3://other/docs/`",
        "it is of `s3://my-bucket/`",
        "it is of `s3://my-bucket/docs/more/`",
        "it says that it is release",
    ] {
        assert!(warnings(&run).contains(part), "{}", warnings(&run));
    }
}

#[test]
fn an_acl_comes_from_a_record_only_when_the_inputs_say_the_same() {
    let cloud = cloud();
    let first = docs(&cloud, 1, A, "one").run().expect_exit(0);
    let (key, mut tampered) = record(&cloud, FOLDER, first.output("release"));
    tampered["site"]["applied"]["acl"] = json!("public-read");
    cloud.put(BUCKET, &key, &[], tampered.to_string().as_bytes());
    docs(&cloud, 2, B, "two").run().expect_exit(0);
    rollback(&cloud).run().expect_exit(0);
    assert_eq!(page(&cloud), "one");
    let acl = cloud.acl(BUCKET, "docs/index.html");
    assert!(!acl.contains("AllUsers"), "{acl}");
}

#[test]
fn a_broken_record_costs_a_warning_and_never_a_deploy() {
    let cloud = cloud();
    cloud.add_distribution("E9", BUCKET, &json!({}));
    let first = docs(&cloud, 1, A, "one")
        .with("distribution", "E9")
        .run()
        .expect_exit(0);
    let (_, good) = record(&cloud, FOLDER, first.output("release"));
    let planted = |id: &str, change: &dyn Fn(&mut Value)| {
        let mut record = good.clone();
        record["id"] = json!(id);
        change(&mut record);
        plant(&cloud, id, &record, &[]);
        id.to_owned()
    };
    planted("99999990-deep", &|record| {
        record["cdn"] = json!({"distributions": ["E9"], "unconfirmed": {"E9": ["/".repeat(200_000)]}});
    });
    // A run that seems to have been killed, with a list that grows to 200 MB.
    planted("99999991-bomb", &|record| {
        record["status"] = json!("started");
        record["cdn"] = json!({"distributions": ["E9"]});
    });
    let bomb = gzip(&vec![b'0'; 200_000_000]);
    cloud.put(
        BUCKET,
        &format!("{FOLDER}keys/99999991-bomb.planned.jsonl.gz"),
        &[],
        &bomb,
    );
    let huge = format!("{FOLDER}releases/0000000000002-99999992-huge.json");
    cloud.put(BUCKET, &huge, &[], &vec![b' '; 5_000_000]);
    let run = docs(&cloud, 2, B, "two")
        .with("distribution", "E9")
        .run()
        .expect_exit(0);
    assert_eq!(page(&cloud), "two");
    for part in [
        "99999990-deep",
        "larger than a list of keys may be",
        "more than 2097152 bytes",
    ] {
        assert!(warnings(&run).contains(part), "`{part}` is not in {}", warnings(&run));
    }
}

#[test]
fn max_delete_holds_for_rollbacks() {
    let cloud = cloud();
    let step = |run, sha| site(&cloud, run, sha).with("max-delete", "50%");
    step(1, A).file("site/index.html", "one").run().expect_exit(0);
    let mut second = step(2, B).file("site/index.html", "two");
    for n in 0..30 {
        second = second.file(&format!("site/{n}.txt"), "new");
    }
    second.run().expect_exit(0);
    cloud.forget_requests();
    let back = || step(3, C).with("command", "rollback");
    let run = back().run().expect_exit(1);
    assert!(
        run.error().contains("deletes 30 of 31 objects") && run.error().contains("`max-delete: 50%` allows 15"),
        "{}",
        run.error()
    );
    assert_no_write(&cloud);
    back().with("max-delete", "100%").run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["index.html"]);
}

#[test]
fn a_planted_commit_opens_no_deployment_and_no_link_leads_elsewhere() {
    let cloud = cloud();
    let first = docs(&cloud, 1, A, "one").run().expect_exit(0);
    let second = docs(&cloud, 2, B, "two").run().expect_exit(0);
    let (key, mut tampered) = record(&cloud, FOLDER, first.output("release"));
    tampered["commit"] = json!({"sha": A, "ref": "refs/pull/66/merge"});
    tampered["run"]["url"] = json!("https://evil.example/run");
    cloud.put(BUCKET, &key, &[], tampered.to_string().as_bytes());
    let back = |to: &str| {
        rollback(&cloud)
            .with("to", to)
            .with("github-environment", "production")
            .with("github-token", "ghs_example")
    };
    let dry = back("previous").with("dry-run", "true").run().expect_exit(0);
    assert!(!dry.summary.contains("evil.example"), "{}", dry.summary);
    back(first.output("release")).run().expect_exit(0);
    assert_eq!(cloud.get("/github")["deployments"], json!([]));

    let (key, tampered) = record(&cloud, FOLDER, second.output("release"));
    for (sha, there) in [
        ("main", second.output("release")),
        ("abcdef1", first.output("release")),
        (&"a".repeat(48), second.output("release")),
    ] {
        let (_, mut first) = record(&cloud, FOLDER, first.output("release"));
        first["commit"] = json!({"sha": sha});
        let first_key = record(&cloud, FOLDER, first["id"].as_str().unwrap_or_default()).0;
        cloud.put(BUCKET, &first_key, &[], first.to_string().as_bytes());
        let mut second = tampered.clone();
        second["commit"]["sha"] = json!(sha);
        cloud.put(BUCKET, &key, &[], second.to_string().as_bytes());
        back(there).run().expect_exit(0);
        assert_eq!(cloud.get("/github")["deployments"], json!([]), "{sha}");
    }
    assert_eq!(page(&cloud), "two");
}

#[test]
fn a_file_of_the_site_never_becomes_a_record_wherever_the_records_are() {
    let cloud = cloud();
    let step = |run, sha, text: &str| {
        site(&cloud, run, sha)
            .with("history", "s3://my-bucket/records")
            .file("site/index.html", text)
            .file("site/records/site/other/releases/0000000000001-x.json", "{}")
            .file(
                "site/records/backend/us-east-1/my-app/my-app-prod/releases/0000000000001-x.json",
                "{}",
            )
    };
    cloud.put(BUCKET, "records/site/other/releases/9000000000000-y.json", &[], b"{}");
    step(1, A, "one").run().expect_exit(0);
    step(2, B, "two").run().expect_exit(0);
    let keys = cloud.all_keys(BUCKET);
    assert!(
        !keys.iter().any(|key| key.ends_with("0000000000001-x.json")),
        "{keys:?}"
    );
    assert!(keys.iter().any(|key| key.ends_with("9000000000000-y.json")), "{keys:?}");
    step(3, C, "").with("command", "rollback").run().expect_exit(0);
    assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), "one");
}

#[test]
fn an_application_named_site_shares_no_folder_with_a_site() {
    let cloud = cloud();
    cloud.add_environment("site", "docs", &json!({}));
    let run = site(&cloud, 1, A)
        .with("prefix", "docs")
        .with("application-name", "site")
        .with("environment-name", "docs")
        .with("package", "backend")
        .with("package-bucket", BUCKET)
        .with("version-label", "v1")
        .with("poll-interval", "1")
        .file("site/index.html", "one")
        .file("backend/application.py", "print(1)")
        .run()
        .expect_exit(0);
    let ends = format!("-{}.json", run.output("release"));
    let folders: Vec<String> = cloud
        .all_keys(BUCKET)
        .into_iter()
        .filter_map(|key| Some(key.strip_suffix(&ends)?.rsplit_once("releases/")?.0.to_owned()))
        .collect();
    assert_eq!(folders, [".aws-web-deploy/site./docs/", ".aws-web-deploy/site/docs/"]);
}
