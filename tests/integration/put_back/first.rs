//! First releases: where there is nothing to go back to, and where there is.

use serde_json::json;

use super::{BUCKET, all, cloud, label, refuse};
use crate::support::{Action, Cloud};

/// Refuses every write of the site.
fn refuse_all(cloud: &Cloud) {
    for name in ["/index.html", "/same.txt", "/a.js"] {
        cloud.post(
            "/faults",
            &json!({"service": "s3", "operation": "PutObject", "match": name, "times": -1, "kind": "error",
                    "status": 403, "code": "AccessDenied", "message": "Access Denied"}),
        );
    }
}

#[test]
fn a_first_release_has_nothing_to_go_back_to() {
    let cloud = cloud();
    refuse(&cloud, "PutObject");
    let run = all(&cloud, "a").run().expect_exit(1);
    let error = run.error();
    assert!(error.starts_with("cannot upload"), "{error}");
    assert!(
        error.contains("there is no earlier release of the site to go back to: everything is kept"),
        "{error}"
    );
    assert!(
        error.contains("live now: backend `v-a` in `my-app-prod` (new), site: 2 of 3 objects new, 1 as before"),
        "{error}"
    );
    assert_eq!((run.output("rolled-back"), label(&cloud).as_str()), ("false", "v-a"));
    assert_eq!(cloud.keys(BUCKET), ["a.js", "same.txt"]);
}

#[test]
fn a_first_release_that_fails_before_its_site_changed_takes_the_environment_back() {
    let cloud = cloud();
    assert_eq!(label(&cloud), "v0");
    refuse_all(&cloud);
    let run = all(&cloud, "a").run().expect_exit(1);
    assert_eq!((run.output("rolled-back"), label(&cloud).as_str()), ("true", "v0"));
    let error = run.error();
    assert!(error.contains("`my-app-prod` is back on `v0`"), "{error}");
    assert!(
        error.contains("live now: backend `v0` in `my-app-prod` (as before), site: as before"),
        "{error}"
    );
    assert!(cloud.keys(BUCKET).is_empty());
}

#[test]
fn a_first_release_beside_earlier_ones_of_the_backend_is_the_first_of_the_site() {
    let cloud = cloud();
    let backend = Action::new(&cloud)
        .with("application-name", "my-app")
        .with("environment-name", "my-app-prod")
        .with("package", "backend")
        .with("version-label", "v-alone")
        .with("poll-interval", "1")
        .file("backend/application.py", "print('alone')");
    backend.run().expect_exit(0);
    refuse(&cloud, "PutObject");
    let run = all(&cloud, "a").run().expect_exit(1);
    assert!(
        run.error().contains("there is no earlier release of the site"),
        "{}",
        run.error()
    );
    assert_eq!((run.output("rolled-back"), label(&cloud).as_str()), ("false", "v-a"));
}

#[test]
fn a_first_release_of_a_backend_goes_back_to_what_ran_before_any_release() {
    let cloud = cloud();
    cloud.post(
        "/app",
        &json!({"environment": "my-app-prod", "status": 500, "body": "broken"}),
    );
    let run = Action::new(&cloud)
        .with("application-name", "my-app")
        .with("environment-name", "my-app-prod")
        .with("package", "backend")
        .with("version-label", "v-a")
        .with("poll-interval", "1")
        .with("on-failure", "rollback")
        .with("verify-url", &format!("{}/_app/my-app-prod/", cloud.endpoint))
        .with("verify-timeout", "1")
        .file("backend/application.py", "print('a')")
        .run()
        .expect_exit(1);
    assert_eq!((run.output("rolled-back"), run.output("version-label")), ("true", "v0"));
    let error = run.error();
    let order = ["500", "`my-app-prod` is back on `v0`", "live now: backend `v0`"];
    let places: Vec<Option<usize>> = order.iter().map(|part| error.find(part)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{error}");
}

#[test]
fn records_that_cannot_be_read_are_not_called_missing() {
    let cloud = cloud();
    all(&cloud, "a").run().expect_exit(0);
    cloud.post(
        "/deny",
        &json!({"action": "s3:GetObject", "resource": format!("arn:aws:s3:::{BUCKET}/.aws-web-deploy/*")}),
    );
    let dry = all(&cloud, "b").with("dry-run", "true").run().expect_exit(0);
    let would = "on-failure: release records cannot be read, so nobody knows what the site could go back to";
    assert!(dry.log.contains(would), "{}", dry.log);
    refuse(&cloud, "PutObject");
    let run = all(&cloud, "b").run().expect_exit(1);
    let error = run.error();
    for part in [
        "the release records cannot be read, so nobody knows what was live before, and everything is kept as it is: ",
        "AccessDenied",
        "s3:GetObject",
        "live now: backend `v-b` in `my-app-prod` (new), site: 1 of 3 objects new, 2 as before",
    ] {
        assert!(error.contains(part), "`{part}` is not in {error}");
    }
    assert!(!error.contains("no earlier release"), "{error}");
    let back = super::site(&cloud, "b")
        .with("command", "rollback")
        .run()
        .expect_exit(1);
    for part in ["the release records cannot be read", "AccessDenied", "s3:GetObject"] {
        assert!(back.error().contains(part), "`{part}` is not in {}", back.error());
    }
    assert!(!back.error().contains("no record of any release"), "{}", back.error());
}
