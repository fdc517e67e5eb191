//! Records of other applications, environments and regions, in the folders of this run.

use serde_json::{Value, json};

use super::{B, BUCKET, assert_no_write, back, cloud, label, release_a, release_b, site};
use crate::support::{Action, Cloud};

const BUNDLES: &str = "elasticbeanstalk-us-east-1-123456789012";

/// Changes what all ends of the records of release `id` in `bucket` say of the backend.
fn tamper(cloud: &Cloud, bucket: &str, id: &str, change: &dyn Fn(&mut Value)) {
    let end = format!("-{id}.json");
    let keys = cloud.all_keys(bucket).into_iter().filter(|key| key.ends_with(&end));
    for key in keys.collect::<Vec<_>>() {
        let object = cloud.object(bucket, &key).expect("the record");
        let mut record: Value = serde_json::from_slice(&object.body).expect("JSON");
        change(&mut record["backend"]);
        cloud.put(bucket, &key, &[], record.to_string().as_bytes());
    }
}

#[test]
fn a_record_of_another_backend_stops_a_rollback_of_site_and_backend() {
    let cloud = cloud();
    release_a(&cloud).run().expect_exit(0);
    let second = release_b(&cloud).run().expect_exit(0);
    let (id, running) = (second.output("release"), label(&cloud));
    for (field, value, text) in [
        ("application", "zzz", "it is of the application `zzz`"),
        ("region", "eu-west-1", "in `eu-west-1`"),
        ("name", "zzz", "it does not name the environment `my-app-prod`"),
    ] {
        let end = format!("-{id}.json");
        let key = cloud.all_keys(BUCKET).into_iter().find(|key| key.ends_with(&end));
        let key = key.expect("the record");
        let good = cloud.object(BUCKET, &key).expect("the record").body;
        tamper(&cloud, BUCKET, id, &|backend| match field {
            "name" => backend["environments"][0]["name"] = json!(value),
            field => backend[field] = json!(value),
        });
        cloud.forget_requests();
        let run = back(&cloud, 3).run().expect_exit(1);
        let warnings = run.messages("warning").join("\n");
        assert!(warnings.contains(text) && warnings.contains(id), "{warnings}");
        assert!(
            run.error().contains(id) && run.error().contains("is refused"),
            "{}",
            run.error()
        );
        assert_no_write(&cloud);
        assert_eq!(label(&cloud), running);
        cloud.put(BUCKET, &key, &[], &good);
    }
    back(&cloud, 4).run().expect_exit(0);
    assert_ne!(label(&cloud), running);
}

#[test]
fn a_record_of_another_backend_stops_a_rollback_of_the_backend_alone() {
    let cloud = cloud();
    let alone = |version: &str| {
        Action::new(&cloud)
            .with("application-name", "my-app")
            .with("environment-name", "my-app-prod")
            .with("package", "backend")
            .with("version-label", version)
            .with("poll-interval", "1")
            .file("backend/application.py", version)
    };
    alone("v1").run().expect_exit(0);
    let second = alone("v2").run().expect_exit(0);
    tamper(&cloud, BUNDLES, second.output("release"), &|backend| {
        backend["application"] = json!("zzz");
    });
    cloud.forget_requests();
    let run = alone("v3").with("command", "rollback").run().expect_exit(1);
    assert!(run.error().contains("is refused"), "{}", run.error());
    assert_eq!(cloud.count("UpdateEnvironment"), 0);
}

#[test]
fn a_site_alone_reads_the_records_of_site_and_backend() {
    let cloud = cloud();
    let first = release_a(&cloud).run().expect_exit(0);
    release_b(&cloud).run().expect_exit(0);
    site(&cloud, 3, B)
        .with("command", "rollback")
        .with("to", first.output("release"))
        .with("dry-run", "true")
        .run()
        .expect_exit(0);
}
