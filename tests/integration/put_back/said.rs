//! What a run that was put back says of itself: in the plan, the error, the summary, the report, the outputs and on GitHub.

use serde_json::{Value, json};

use super::{BUCKET, all, cloud, refuse, site};
use crate::support::{Cloud, Run};

/// Fails unless the parts stand in `text` in this order.
#[track_caller]
fn assert_order(text: &str, parts: &[&str]) {
    let places: Vec<Option<usize>> = parts.iter().map(|part| text.find(part)).collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{places:?} of {parts:?} in {text}"
    );
}

/// Release `a`, then `b` that fails at its page and goes back.
fn put_back(cloud: &Cloud) -> Run {
    let deploy = |name| {
        all(cloud, name)
            .with("github-environment", "production")
            .with("github-token", "ghs_example")
            .with("site-url", "https://example.com")
            .run()
    };
    deploy("a").expect_exit(0);
    refuse(cloud, "PutObject");
    deploy("b").expect_exit(1)
}

fn row<'s>(summary: &'s str, part: &str) -> &'s str {
    let start = format!("| {part} |");
    summary.lines().find(|line| line.starts_with(&start)).expect("a row")
}

#[test]
fn the_error_says_the_cause_then_what_was_put_back_then_what_is_live() {
    let run = put_back(&cloud());
    assert!(run.error().starts_with("cannot upload"), "{}", run.error());
    assert_order(
        run.error(),
        &[
            "index.html",
            "AccessDenied",
            "1 object of the site was rolled back",
            "`my-app-prod` is back on `v-a`",
            "live now: backend `v-a` in `my-app-prod` (as before), site: as before",
            "What to do:",
        ],
    );
    assert_eq!(run.report["error"]["code"], "AccessDenied");
}

#[test]
fn every_row_output_and_field_says_what_is_live_and_what_was_tried() {
    let run = put_back(&cloud());
    let summary = &run.summary;
    assert!(
        summary.contains("failed after") && summary.contains("and was rolled back"),
        "{summary}"
    );
    assert!(
        summary.contains("Rolled back: everything is as it was before this run."),
        "{summary}"
    );
    let site = row(summary, "Site");
    assert!(
        site.contains("1 uploaded") && site.contains("rolled back: as before"),
        "{site}"
    );
    let backend = row(summary, "Backend");
    assert_order(
        backend,
        &[
            "<code>v-a</code> again",
            "Ready, Green",
            "rolled back from <code>v-b</code>",
        ],
    );
    assert!(!backend.contains("failed"), "{backend}");
    let release = row(summary, "Release");
    assert!(release.contains("recorded as failed, rolled back"), "{release}");
    let invalidations: Vec<&str> = summary
        .lines()
        .filter(|line| line.starts_with("| CloudFront | <code>"))
        .collect();
    assert_eq!(invalidations.len(), 2, "{summary}");
    assert!(invalidations[1].contains("after the rollback"), "{}", invalidations[1]);

    for (output, expected) in [
        ("outcome", "failed"),
        ("rolled-back", "true"),
        ("changed", "true"),
        ("uploaded", "1"),
        ("version-label", "v-a"),
        ("previous-version-label", "v-a"),
        ("environment-status", "Ready"),
        ("environment-health", "Green"),
    ] {
        assert_eq!(run.output(output), expected, "{output}");
    }
    let report = &run.report;
    assert_eq!(report["site"]["restored"], json!(["b.js"]));
    assert_eq!(report["site"]["not_restored"], Value::Null);
    assert_eq!(report["backend"]["version_label"], "v-b");
    let environment = &report["backend"]["environments"][0];
    assert_eq!(
        (
            &environment["version_label"],
            &environment["planned_version_label"],
            &environment["rolled_back"],
            &environment["error"]
        ),
        (&json!("v-a"), &json!("v-b"), &json!(true), &Value::Null)
    );
    let after: Vec<&Value> = report["invalidations"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| &one["after_rollback"])
        .collect();
    assert_eq!(after, [&Value::Null, &json!(true)]);
}

#[test]
fn the_deployment_on_github_failed_and_the_one_before_stays_active() {
    let cloud = cloud();
    put_back(&cloud);
    let github = cloud.get("/github");
    let deployments = github["deployments"].as_array().cloned().unwrap_or_default();
    assert_eq!(deployments.len(), 2);
    let newest = |deployment: &Value| {
        let statuses = github["statuses"].as_array().cloned().unwrap_or_default();
        statuses
            .into_iter()
            .rfind(|status| status["deployment_url"] == deployment["url"])
            .expect("a status")
    };
    assert_eq!(newest(&deployments[0])["state"], "success");
    let failed = newest(&deployments[1]);
    assert_eq!(failed["state"], "failure");
    let description = failed["description"].as_str().unwrap_or_default();
    assert!(
        description.starts_with(
            "rolled back; live now: backend `v-a` in `my-app-prod` (as before), site: as before; cannot upload"
        ),
        "{description}"
    );
    assert!(
        failed["log_url"]
            .as_str()
            .is_some_and(|url| url.contains("/actions/runs/1002")),
        "{failed}"
    );
    assert_eq!(failed["environment_url"], "https://example.com");
}

#[test]
fn a_dry_run_says_what_a_failure_would_undo_and_which_release_comes_back() {
    let cloud = cloud();
    let first = all(&cloud, "a").with("dry-run", "true").run().expect_exit(0);
    let would = "on-failure: there is no earlier release of the site to go back to: a failure before its first change would \
                 bring back `v0` in `my-app-prod`, a later one keeps everything";
    assert!(first.log.contains(would), "{}", first.log);
    let release = all(&cloud, "a").run().expect_exit(0).output("release").to_owned();
    let run = all(&cloud, "b").with("dry-run", "true").run().expect_exit(0);
    let would = format!(
        "on-failure: a failure would bring back 3 objects of the site and `v-a` in `my-app-prod`, as release `{release}` left them"
    );
    assert!(run.log.contains(&would), "{}", run.log);
    assert!(run.summary.contains("3 objects of the site and"), "{}", run.summary);
    // A release that failed before and was kept is part of what is live.
    refuse(&cloud, "PutObject");
    let kept = site(&cloud, "c").with("on-failure", "keep").run().expect_exit(1);
    let run = site(&cloud, "b").with("dry-run", "true").run().expect_exit(0);
    let would = format!(
        "as release `{release}` and the unfinished `{}` left them",
        kept.output("release")
    );
    assert!(run.log.contains(&would), "{}", run.log);
    super::allow(&cloud);
    cloud.set_versioning(BUCKET, "Suspended");
    let run = all(&cloud, "b").with("dry-run", "true").run().expect_exit(0);
    let would = "on-failure: a failure would bring back `v-a` in `my-app-prod` alone: versioning of the bucket is not enabled, \
                 so the site would stay as the failure left it";
    assert!(run.log.contains(would), "{}", run.log);
    // Nothing to change, nothing to undo; and `keep` undoes nothing.
    let run = all(&cloud, "b")
        .with("on-failure", "keep")
        .with("dry-run", "true")
        .run()
        .expect_exit(0);
    assert!(!run.log.contains("on-failure:"), "{}", run.log);
}
