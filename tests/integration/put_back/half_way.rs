//! A way back that does not come to its end: the old backend never is under a new site.

use serde_json::json;

use super::{BUCKET, all, allow, cloud, label, newest_record, refuse, seen};
use crate::support::{Action, Cloud};

/// Release `b`, whose site never answers as wanted.
fn unwanted(cloud: &Cloud) -> Action {
    let page = format!("{}/{BUCKET}/index.html", cloud.endpoint);
    all(cloud, "b")
        .with("verify-site", &format!("{page} 404"))
        .with("verify-timeout", "1")
}

#[test]
fn the_environment_keeps_the_new_version_while_the_site_is_not_wholly_back() {
    let cloud = cloud();
    all(&cloud, "a").run().expect_exit(0);
    let (site_a, label_a) = (seen(&cloud), label(&cloud));
    refuse(&cloud, "CopyObject");
    cloud.forget_requests();
    let run = unwanted(&cloud).run().expect_exit(1);
    assert_eq!((label(&cloud).as_str(), cloud.count("UpdateEnvironment")), ("v-b", 1));
    assert_eq!(
        (run.output("rolled-back"), run.output("version-label")),
        ("false", "v-b")
    );
    let error = run.error();
    assert!(error.starts_with("cannot verify the site"), "{error}");
    for part in [
        "2 of 3 objects of the site could not be rolled back",
        "the next deploy or `command: rollback` repairs it",
        "AccessDenied",
        "`my-app-prod` keeps `v-b`: the version before has never run under this site",
        "live now: backend `v-b` in `my-app-prod` (new), site: 2 of 3 objects new (`b.js`, `index.html`), 1 as before",
    ] {
        assert!(error.contains(part), "`{part}` is not in {error}");
    }
    assert_eq!(run.report["site"]["not_restored"], json!(["b.js", "index.html"]));
    allow(&cloud);
    // The release that succeeded last is what `previous` goes back to.
    all(&cloud, "b").with("command", "rollback").run().expect_exit(0);
    assert_eq!((seen(&cloud), label(&cloud)), (site_a, label_a));
}

#[test]
fn a_deploy_after_a_way_back_that_failed_repairs_too() {
    let cloud = cloud();
    all(&cloud, "a").run().expect_exit(0);
    refuse(&cloud, "CopyObject");
    unwanted(&cloud).run().expect_exit(1);
    allow(&cloud);
    all(&cloud, "b").run().expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["b.js", "index.html", "same.txt"]);
    assert_eq!(label(&cloud), "v-b");
}

#[test]
fn a_run_that_is_cancelled_on_its_way_back_stops_and_says_what_is_live() {
    let cloud = cloud();
    all(&cloud, "a").run().expect_exit(0);
    let (site_a, label_a) = (seen(&cloud), label(&cloud));
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "CopyObject", "match": "/index.html", "times": 1, "kind": "delay",
                "seconds": 1.5, "when": "after"}),
    );
    cloud.forget_requests();
    let run = unwanted(&cloud).signal("INT", "Roll back", 0.3).run().expect_exit(130);
    assert_eq!((label(&cloud).as_str(), cloud.count("UpdateEnvironment")), ("v-b", 1));
    assert_eq!(
        (run.output("outcome"), run.output("rolled-back")),
        ("cancelled", "false")
    );
    let live = run.report["live"].as_str().unwrap_or_default().to_owned();
    let parts = [
        "CloudFront may still show the new site (",
        "), backend `v-b` in `my-app-prod` (new), site: ",
    ];
    assert!(live.starts_with(parts[0]) && live.contains(parts[1]), "{live}");
    assert!(run.log.contains(&format!("live now: {live}")), "{}", run.log);
    assert!(run.summary.contains("live now: "), "{}", run.summary);
    let record = newest_record(&cloud, BUCKET, ".aws-web-deploy/site/releases/");
    assert_eq!(
        (&record["status"], &record["put_back"]["complete"]),
        (&json!("cancelled"), &json!(false))
    );
    // What was not invalidated is owed to the next run.
    assert!(record["cdn"]["unconfirmed"]["E1EXAMPLE"].is_array(), "{record:#}");
    all(&cloud, "b").with("command", "rollback").run().expect_exit(0);
    assert_eq!((seen(&cloud), label(&cloud)), (site_a, label_a));
}

#[test]
fn a_way_back_that_cannot_be_invalidated_says_so_and_the_next_run_does_it() {
    let cloud = cloud();
    all(&cloud, "a").run().expect_exit(0);
    let (site_a, label_a) = (seen(&cloud), label(&cloud));
    cloud.post(
        "/faults",
        &json!({"service": "cloudfront", "operation": "CreateInvalidation", "skip": 1, "times": -1, "kind": "error",
                "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
    );
    let run = unwanted(&cloud)
        .with("github-environment", "production")
        .with("github-token", "ghs_example")
        .run()
        .expect_exit(1);
    assert_eq!((seen(&cloud), label(&cloud)), (site_a, label_a));
    assert!(
        run.error().contains("what was rolled back could not be invalidated"),
        "{}",
        run.error()
    );
    // The cache has the new pages: nothing says that all is as before.
    assert_eq!(run.output("rolled-back"), "false");
    assert!(!run.summary.contains("everything is as it was"), "{}", run.summary);
    let stale = "CloudFront may still show the new site (4 paths not invalidated)";
    let statuses = cloud.get("/github")["statuses"].as_array().cloned().unwrap_or_default();
    let description = statuses.last().map(|status| status["description"].to_string());
    for said in [
        run.error(),
        &run.summary,
        &run.report["live"].to_string(),
        &description.unwrap_or_default(),
    ] {
        assert!(said.replace('\\', "").contains(stale), "{said}");
    }
    allow(&cloud);
    cloud.forget_requests();
    all(&cloud, "a").run().expect_exit(0);
    assert!(cloud.invalidations().concat().contains(&"/index.html".to_owned()));
}

#[test]
fn a_run_that_is_cancelled_or_killed_puts_nothing_back_and_the_next_one_repairs() {
    for (signal, exit) in [("INT", Some(130)), ("KILL", None)] {
        let cloud = cloud();
        all(&cloud, "a").run().expect_exit(0);
        let (site_a, label_a) = (seen(&cloud), label(&cloud));
        cloud.post(
            "/faults",
            &json!({"service": "s3", "operation": "PutObject", "match": "/index.html", "times": 1, "kind": "delay",
                    "seconds": 1.0, "when": "after"}),
        );
        cloud.forget_requests();
        let run = all(&cloud, "b").signal(signal, "upload  b.js", 0.2).run();
        if let Some(exit) = exit {
            let run = run.expect_exit(exit);
            assert_eq!(run.output("rolled-back"), "false");
            let live = run.report["live"].as_str().unwrap_or_default();
            assert!(live.starts_with("backend `v-b` in `my-app-prod` (new)"), "{live}");
        }
        assert_eq!((cloud.count("CopyObject"), cloud.count("ListObjectVersions")), (0, 0));
        assert_eq!((label(&cloud).as_str(), cloud.count("UpdateEnvironment")), ("v-b", 1));
        all(&cloud, "b").with("command", "rollback").run().expect_exit(0);
        assert_eq!((seen(&cloud), label(&cloud)), (site_a, label_a), "{signal}");
    }
}

#[test]
fn an_environment_that_cannot_go_back_is_named_beside_the_site_that_did() {
    let cloud = cloud();
    all(&cloud, "a").run().expect_exit(0);
    let (site_a, label_a) = (seen(&cloud), label(&cloud));
    cloud.post(
        "/faults",
        &json!({"service": "elasticbeanstalk", "operation": "UpdateEnvironment", "skip": 1, "times": -1, "kind": "error",
                "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
    );
    let run = unwanted(&cloud).run().expect_exit(1);
    assert_eq!((seen(&cloud), label(&cloud).as_str()), (site_a.clone(), "v-b"));
    assert_eq!(
        (run.output("rolled-back"), run.output("version-label")),
        ("false", "v-b")
    );
    let error = run.error();
    assert!(error.contains("`my-app-prod` could not be rolled back: "), "{error}");
    assert!(
        error.contains("live now: backend `v-b` in `my-app-prod` (new), site: as before"),
        "{error}"
    );
    allow(&cloud);
    all(&cloud, "b").with("command", "rollback").run().expect_exit(0);
    assert_eq!((seen(&cloud), label(&cloud)), (site_a, label_a));
}

#[test]
fn a_run_that_is_cancelled_while_the_environment_goes_back_says_what_keeps_running() {
    let cloud = cloud();
    all(&cloud, "a").run().expect_exit(0);
    cloud.set_scenario("my-app-prod", "success", &json!({"seconds": 1.5}));
    let run = unwanted(&cloud)
        .with("github-environment", "production")
        .with("github-token", "ghs_example")
        .signal("INT", "rolling back to `v-a`", 0.4)
        .run()
        .expect_exit(130);
    assert_eq!(run.output("rolled-back"), "false");
    let live = run.report["live"].as_str().unwrap_or_default();
    assert!(
        live.starts_with("backend `v-") && live.ends_with(", Updating), site: as before"),
        "{live}"
    );
    assert!(
        run.log.contains("the update of `my-app-prod` keeps running"),
        "{}",
        run.log
    );
    let statuses = cloud.get("/github")["statuses"].as_array().cloned().unwrap_or_default();
    let description = statuses.last().expect("a status")["description"]
        .as_str()
        .unwrap_or_default();
    assert_eq!(description, format!("live now: {live}; cancelled"));
}
