//! What was live comes back whole, wherever a run fails.

use std::collections::BTreeMap;

use serde_json::json;

use super::{BUCKET, all, allow, cloud, label, refuse};
use crate::support::Cloud;

/// Every object with all its headers and its ACL: all that S3 shows but for what names this very version.
fn everything(cloud: &Cloud) -> BTreeMap<String, String> {
    const OF_A_VERSION: [&str; 7] = [
        "date",
        "last-modified",
        "x-amz-version-id",
        "x-amz-request-id",
        "x-amzn-requestid",
        "x-amz-id-2",
        "server",
    ];
    let see = |key: String| {
        let object = cloud.object(BUCKET, &key).expect("a listed object");
        let mut headers: Vec<String> = object
            .headers()
            .iter()
            .filter(|(name, _)| !OF_A_VERSION.contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        headers.sort();
        let text = format!("{}\n{}\n{}", object.text(), headers.join("\n"), cloud.acl(BUCKET, &key));
        (key, text)
    };
    cloud.keys(BUCKET).into_iter().map(see).collect()
}

#[test]
fn a_refused_page_behind_a_healthy_backend_leaves_everything_as_the_release_before() {
    let cloud = cloud();
    let rules = "*.html Cache-Control: max-age=60\n*.html x-amz-meta-release: old\n*.txt Content-Language: de";
    all(&cloud, "a").run().expect_exit(0);
    all(&cloud, "b").with("headers", rules).run().expect_exit(0);
    let (site_b, label_b) = (everything(&cloud), label(&cloud));
    refuse(&cloud, "PutObject");
    cloud.forget_requests();
    let run = all(&cloud, "c").run().expect_exit(1);
    assert_eq!((everything(&cloud), label(&cloud)), (site_b, label_b));
    assert!(cloud.object(BUCKET, "c.js").is_none(), "the new asset is hidden");
    assert!(cloud.invalidations().len() == 2, "{:?}", cloud.invalidations());
    assert_eq!(run.output("rolled-back"), "true");

    // A rollback goes to the release before the one that is live, and a deploy forward.
    allow(&cloud);
    all(&cloud, "c").with("command", "rollback").run().expect_exit(0);
    assert_eq!(
        (cloud.keys(BUCKET).first().map(String::as_str), label(&cloud).as_str()),
        (Some("a.js"), "v-a")
    );
    all(&cloud, "c").run().expect_exit(0);
    assert_eq!(
        (cloud.keys(BUCKET).first().map(String::as_str), label(&cloud).as_str()),
        (Some("c.js"), "v-c")
    );
}

#[test]
fn whichever_request_fails_first_what_was_live_comes_back() {
    let cloud = cloud();
    let files = |name: &str| {
        let mut deploy = all(&cloud, name);
        for n in 0..6 {
            deploy = deploy
                .file(&format!("site/{n}/{name}.js"), name)
                .file(&format!("site/page-{n}.html"), name);
        }
        deploy
    };
    files("a").run().expect_exit(0);
    let (site_a, label_a) = (everything(&cloud), label(&cloud));
    // The writes of the site alone: bundles and records go elsewhere.
    for (operation, part, skip) in [
        ("PutObject", "/b.js", 0),
        ("PutObject", "/b.js", 3),
        ("PutObject", "/page-", 0),
        ("PutObject", "/page-", 4),
        ("DeleteObjects", "", 0),
        ("CreateInvalidation", "", 0),
    ] {
        // An upload that is refused is sent once more by another way; deletes and invalidations are needed to go back.
        let times = if operation == "PutObject" { -1 } else { 1 };
        cloud.post(
            "/faults",
            &json!({"operation": operation, "match": part, "skip": skip, "times": times, "kind": "error", "status": 403,
                    "code": "AccessDenied", "message": "Access Denied"}),
        );
        let run = files("b").run().expect_exit(1);
        let case = format!("{operation} {part} {skip}");
        assert_eq!(everything(&cloud), site_a, "{case}");
        assert_eq!(
            (label(&cloud), run.output("rolled-back")),
            (label_a.clone(), "true"),
            "{case}"
        );
        allow(&cloud);
    }
    files("b").run().expect_exit(0);
    assert_eq!(label(&cloud), "v-b");
}
