//! Back and forward: site and backend as one, twice, in thousands.

use serde_json::json;

use super::{A, B, BUCKET, C, assert_no_write, back, cloud, label, release_a, release_b, seen, site, site_requests};
use crate::support::http::request;
use crate::support::{Action, Cloud, Run};

/// The end of a release lies in the environment's folder, and the site's, whose list could not be written, lacks it.
#[test]
fn a_release_whose_list_of_keys_could_not_be_written_is_taken_back_by_what_it_planned() {
    let cloud = cloud();
    release_a(&cloud).run().expect_exit(0);
    let (state_a, label_a) = (seen(&cloud), label(&cloud));
    cloud.post(
        "/faults",
        &json!({"kind": "error", "code": "AccessDenied", "operation": "PutObject", "match": "changed.jsonl"}),
    );
    let run = release_b(&cloud).run().expect_exit(0);
    assert!(run.summary.contains("recorded in part only"), "{}", run.summary);
    back(&cloud, 3).run().expect_exit(0);
    assert_eq!((seen(&cloud), label(&cloud)), (state_a, label_a));
}

#[test]
fn site_and_backend_go_back_and_forward_together() {
    let cloud = cloud();
    let first = release_a(&cloud).run().expect_exit(0);
    let (state_a, label_a) = (seen(&cloud), label(&cloud));
    release_b(&cloud).run().expect_exit(0);
    let (state_b, label_b) = (seen(&cloud), label(&cloud));
    assert_ne!(label_a, label_b);
    cloud.put(BUCKET, "stranger.txt", &[("Content-Type", "text/plain")], b"not ours");
    let stranger = ("stranger.txt".to_owned(), seen(&cloud)["stranger.txt"].clone());
    cloud.forget_requests();

    let run = back(&cloud, 3).run().expect_exit(0);
    assert_eq!(site_requests(&cloud, "GetObject"), 0, "no object is downloaded");
    assert_eq!(site_requests(&cloud, "PutObject"), 0, "no object is uploaded");
    let invalidated: Vec<Vec<String>> = cloud
        .invalidations()
        .into_iter()
        .map(|mut paths| {
            paths.sort();
            paths
        })
        .collect();
    assert_eq!(
        invalidated,
        [[
            "/",
            "/index.html",
            "/old/page",
            "/only%20in%20a.txt",
            "/only-in-b/%C3%BC.js",
            "/style.css"
        ]]
    );
    let mut expected = state_a.clone();
    expected.extend([stranger.clone()]);
    assert_eq!(seen(&cloud), expected);
    assert_eq!(label(&cloud), label_a);
    assert_eq!(run.output("version-label"), label_a);
    assert_eq!(run.output("previous-version-label"), label_b);
    assert_eq!((run.output("uploaded"), run.output("deleted")), ("4", "1"));
    assert_eq!(run.output("outcome"), "succeeded");
    let order: Vec<String> = cloud
        .operations()
        .into_iter()
        .filter(|operation| ["UpdateEnvironment", "DeleteObjects", "CreateInvalidation"].contains(&operation.as_str()))
        .collect();
    assert_eq!(order, ["UpdateEnvironment", "DeleteObjects", "CreateInvalidation"]);
    assert_ne!(run.output("release"), first.output("release"));
    assert_eq!(
        run.report["rolled_back_to"],
        json!({"release": first.output("release"), "commit": A})
    );
    assert!(
        run.summary.contains(&format!("/octo/site/commit/{A}")),
        "{}",
        run.summary
    );
    assert!(run.summary.contains("4 restored"), "{}", run.summary);

    let forward = back(&cloud, 4).with("to", &B[..9]).run().expect_exit(0);
    let mut expected = state_b;
    expected.extend([stranger]);
    assert_eq!(seen(&cloud), expected);
    assert_eq!(label(&cloud), label_b);
    assert_eq!(forward.output("outcome"), "succeeded");
}

#[test]
fn previous_twice_goes_back_twice() {
    let cloud = cloud();
    for (run, sha, text) in [(1, A, "one"), (2, B, "two"), (3, C, "three")] {
        let deploy = site(&cloud, run, sha).file("site/index.html", text);
        deploy.file(&format!("site/only-{run}.txt"), text).run().expect_exit(0);
    }
    let rollback = |run| site(&cloud, run, C).with("command", "rollback").run();
    rollback(4).expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["index.html", "only-2.txt"]);
    rollback(5).expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["index.html", "only-1.txt"]);
    assert_eq!(cloud.object(BUCKET, "index.html").expect("a page").text(), "one");
    cloud.forget_requests();
    let nothing = rollback(6).expect_exit(1);
    assert!(
        nothing.error().contains("there is no succeeded release before"),
        "{}",
        nothing.error()
    );
    assert_no_write(&cloud);
    // What a rollback hid can come back: nothing was destroyed.
    site(&cloud, 7, C)
        .with("command", "rollback")
        .with("to", C)
        .run()
        .expect_exit(0);
    assert_eq!(cloud.keys(BUCKET), ["index.html", "only-3.txt"]);
}

#[test]
fn a_dry_run_lists_the_releases_and_shows_the_plan() {
    let cloud = cloud();
    let first = release_a(&cloud).run().expect_exit(0);
    let second = release_b(&cloud).run().expect_exit(0);
    cloud.forget_requests();
    let run = back(&cloud, 3).with("dry-run", "true").run().expect_exit(0);
    assert_no_write(&cloud);
    assert_eq!(run.output("changed"), "false");
    for release in [first.output("release"), second.output("release")] {
        assert!(run.summary.contains(release), "{}", run.summary);
        assert!(run.log.contains(release), "{}", run.log);
    }
    assert!(run.summary.contains("**live**"), "{}", run.summary);
    assert!(
        run.summary.contains(&format!("/octo/site/commit/{A}")),
        "{}",
        run.summary
    );
    assert_eq!(run.report["site"]["deletes"], json!(["only-in-b/ü.js"]));
    assert_eq!(run.report["site"]["uploads"].as_array().map(Vec::len), Some(4));
}

#[test]
fn a_backend_alone_goes_back_to_any_label() {
    let cloud = cloud();
    let backend = |run| {
        Action::new(&cloud)
            .github("run_number", run)
            .with("application-name", "my-app")
            .with("environment-name", "my-app-prod")
            .with("poll-interval", "1")
    };
    let deployed = backend("1")
        .with("package", "backend")
        .with("version-label", "v1")
        .file("backend/application.py", "print(1)")
        .run()
        .expect_exit(0);
    assert_eq!(
        (label(&cloud).as_str(), deployed.output("previous-version-label")),
        ("v1", "v0")
    );
    backend("2")
        .with("command", "rollback")
        .with("to", "v0")
        .run()
        .expect_exit(0);
    assert_eq!(label(&cloud), "v0");
    backend("3")
        .with("command", "rollback")
        .with("to", "v1")
        .run()
        .expect_exit(0);
    assert_eq!(label(&cloud), "v1");
    cloud.forget_requests();
    let live = backend("4")
        .with("command", "rollback")
        .with("to", "v1")
        .run()
        .expect_exit(1);
    assert!(live.error().contains("live already"), "{}", live.error());
    let unknown = backend("5")
        .with("command", "rollback")
        .with("to", "v9")
        .run()
        .expect_exit(1);
    assert!(unknown.error().contains("v9"), "{}", unknown.error());
    assert_no_write(&cloud);
}

#[test]
fn every_environment_goes_back_to_the_label_that_it_ran() {
    let cloud = cloud();
    cloud.add_environment("my-app", "my-app-eu", &json!({"version_label": "eu-0"}));
    let backend = |environments: &str, label: &str| {
        Action::new(&cloud)
            .with("application-name", "my-app")
            .with("environment-name", environments)
            .with("package", "backend")
            .with("version-label", label)
            .with("poll-interval", "1")
            .file("backend/application.py", format!("print('{label}')"))
    };
    backend("my-app-prod", "v1").run().expect_exit(0);
    backend("my-app-prod my-app-eu", "v2").run().expect_exit(0);
    let run = backend("my-app-prod my-app-eu", "unused")
        .with("command", "rollback")
        .run()
        .expect_exit(0);
    assert_eq!(label(&cloud), "v1");
    let page = request(&cloud.endpoint, "GET", "/_app/my-app-eu/", &[], b"").text();
    assert!(page.contains("eu-0"), "{page}");
    assert_eq!(run.output("previous-version-label"), "v2 v2");
}

#[test]
fn five_thousand_objects_go_back_by_copies_alone() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.set_versioning(BUCKET, "Enabled");
    for (run, sha) in [(1, A), (2, B)] {
        let deploy = site(&cloud, run, sha);
        for n in 0..5_000 {
            deploy.write(&format!("site/{}/{n}.txt", n % 50), format!("{n} of {run}"));
        }
        deploy.run().expect_exit(0);
    }
    cloud.forget_requests();
    let rollback = site(&cloud, 3, C).with("command", "rollback");
    let run: Run = rollback.run().expect_exit(0);
    assert_eq!(run.output("uploaded"), "5000");
    let requests = cloud.requests();
    let count = |operation: &str| requests.iter().filter(|one| one["operation"] == operation).count();
    assert_eq!(count("CopyObject"), 5_000);
    assert_eq!(count("HeadObject"), 0);
    assert_eq!(
        site_requests(&cloud, "GetObject") + site_requests(&cloud, "PutObject"),
        0
    );
    assert!(
        count("ListObjectVersions") <= 40,
        "{} listings",
        count("ListObjectVersions")
    );
    assert_eq!(cloud.object(BUCKET, "7/4207.txt").expect("a file").text(), "4207 of 1");
}

#[test]
fn a_backend_goes_back_beside_a_site_that_did_not_change_without_versioning() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    let deploy = |run: u32, sha: &str| {
        site(&cloud, run, sha)
            .with("application-name", "my-app")
            .with("environment-name", "my-app-prod")
            .with("package", "backend")
            .with("version-label", "{short-sha}")
            .with("poll-interval", "1")
            .file("site/index.html", "the same")
            .file("backend/application.py", format!("print('{sha}')"))
    };
    deploy(1, A).run().expect_exit(0);
    deploy(2, B).run().expect_exit(0);
    deploy(3, C).with("command", "rollback").run().expect_exit(0);
    assert_eq!(label(&cloud), A[..7]);
}

#[test]
fn a_rollback_of_the_backend_alone_says_nothing_of_the_site() {
    let cloud = cloud();
    release_a(&cloud).run().expect_exit(0);
    let second = release_a(&cloud).github("run_id", "9002").github("run_number", "2");
    second
        .file("backend/application.py", "print('other')")
        .run()
        .expect_exit(0);
    for dry_run in ["true", "false"] {
        let run = back(&cloud, 3).with("dry-run", dry_run).run().expect_exit(0);
        let last = run.messages("notice").last().copied().unwrap_or_default();
        assert!(last.contains("my-app-prod") && !last.contains(": nothing;"), "{last}");
    }
}
