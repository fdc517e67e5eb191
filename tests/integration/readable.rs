//! What a run prints: little where much happens, nothing twice, and nothing that reads as if it had happened.

use serde_json::json;

use crate::support::{Action, Cloud, Run};

const BUCKET: &str = "my-site";

fn site(cloud: &Cloud) -> Action {
    Action::new(cloud)
        .with("bucket", BUCKET)
        .with("source", "public")
        .file("public/index.html", "<p>one")
}

fn lines<'r>(run: &'r Run, start: &str) -> Vec<&'r str> {
    run.log.lines().filter(|line| line.contains(start)).collect()
}

#[test]
fn of_many_uploads_the_first_and_the_last_are_listed_and_the_others_counted() {
    let cloud = Cloud::with_bucket(BUCKET);
    let mut action = site(&cloud);
    for number in 0..249 {
        action = action.file(&format!("public/assets/{number}.txt"), number.to_string());
    }
    let run = action.run().expect_exit(0);
    assert_eq!(lines(&run, "upload  ").len(), 200, "{}", run.log);
    assert_eq!(lines(&run, "50 more are counted here").len(), 1, "{}", run.log);
    assert!(
        run.log.contains("upload  index.html"),
        "the page comes last: {}",
        run.log
    );
    assert_eq!(run.uploaded().len(), 250, "the report has them all");

    let all = action
        .with("force", "true")
        .env("RUNNER_DEBUG", "1")
        .run()
        .expect_exit(0);
    assert_eq!(lines(&all, "upload  ").len(), 250, "{}", all.log);
    assert!(!all.log.contains("more are counted"), "{}", all.log);
}

#[test]
fn of_a_long_plan_the_first_and_the_last_are_listed() {
    let cloud = Cloud::with_bucket(BUCKET);
    let mut action = site(&cloud).with("dry-run", "true");
    for number in 0..249 {
        action = action.file(&format!("public/assets/{number}.txt"), number.to_string());
    }
    let run = action.run().expect_exit(0);
    assert_eq!(lines(&run, "(dry run) upload").len(), 200, "{}", run.log);
    assert_eq!(
        lines(&run, "(dry run) 50 more are not listed here: the report has them all").len(),
        1,
        "{}",
        run.log
    );
    assert!(run.log.contains("(dry run) upload  index.html"), "{}", run.log);
    assert_eq!(run.uploaded().len(), 250, "the report has them all");
    let all = action.env("RUNNER_DEBUG", "1").run().expect_exit(0);
    assert_eq!(lines(&all, "(dry run) upload").len(), 250, "{}", all.log);
}

#[test]
fn the_end_of_a_dry_run_does_not_read_as_if_something_had_been_done() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.add_environment("my-app", "my-app-prod", &json!({}));
    let run = site(&cloud)
        .with("application-name", "my-app")
        .with("environment-name", "my-app-prod")
        .with("package", "app")
        .with("version-label", "v1")
        .with("dry-run", "true")
        .file("app/main.py", "print()")
        .run()
        .expect_exit(0);
    let last = run.messages("notice").last().copied().unwrap_or_default();
    assert!(
        last.starts_with("dry run, nothing was changed: plan made in "),
        "{last}"
    );
    assert!(last.ends_with("1 to upload; my-app-prod to run `v1`"), "{last}");
    for done in ["done", "uploaded", "Green", "deployed"] {
        assert!(!last.contains(done), "{last}");
    }
}

#[test]
fn wrong_inputs_are_a_table_and_no_deployment_failed() {
    let cloud = Cloud::with_bucket(BUCKET);
    let run = site(&cloud)
        .with("delete", "perhaps")
        .with("compare", "colour")
        .run()
        .expect_exit(2);
    assert!(
        run.summary.starts_with("## ❌ Wrong inputs: nothing was done\n"),
        "{}",
        run.summary
    );
    assert_eq!(run.summary.matches("\n- <code>").count(), 2, "{}", run.summary);
    assert!(
        !run.summary.contains("Deployment") && !run.summary.contains("\\`"),
        "{}",
        run.summary
    );
    assert!(!run.log.contains("Deploy failed"), "{}", run.log);
    assert!(
        run.summary.contains("| Inputs | 2 wrong inputs | Nothing was done |"),
        "{}",
        run.summary
    );
    // One alone is a list as well.
    let run = site(&cloud).with("delete", "perhaps").run().expect_exit(2);
    assert!(run.summary.contains("\n- <code>delete</code>"), "{}", run.summary);
}

#[test]
fn an_input_of_two_parts_is_wrong_once() {
    let cloud = Cloud::with_bucket(BUCKET);
    let run = site(&cloud)
        .with("application-name", "my-app")
        .with("environment-name", "my-app-prod")
        .with("version-label", "v1")
        .with("verify-url", "https://example.org/")
        .with("verify-site", "https://example.org/")
        .with("verify-timeout", "soon")
        .run()
        .expect_exit(2);
    assert_eq!(run.error().matches("`verify-timeout`").count(), 1, "{}", run.error());
}

#[test]
fn the_title_says_what_and_where_with_a_link_to_the_site() {
    let cloud = Cloud::with_bucket(BUCKET);
    let plain = site(&cloud).run().expect_exit(0);
    let first = plain
        .log
        .lines()
        .find(|line| !line.starts_with("::"))
        .unwrap_or_default();
    assert!(first.contains("@8f3c2a1 to s3://my-site/ (`bucket`)"), "{first}");
    let title = plain.summary.lines().next().unwrap_or_default();
    assert!(title.starts_with("## ✅ Deployed [8f3c2a1]("), "{title}");
    assert!(title.contains(" to <code>s3&#58;//my-site/</code> in "), "{title}");

    let linked = site(&cloud)
        .with("site-url", "https://www.example.org/")
        .with("force", "true")
        .run()
        .expect_exit(0);
    let title = linked.summary.lines().next().unwrap_or_default();
    assert!(title.contains("](https://www.example.org/) in "), "{title}");

    let failed = site(&cloud).with("source", "public").with("force", "true");
    cloud.fail("s3", "PutObject", -1, 403, "AccessDenied");
    let failed = failed.run().expect_exit(1);
    let title = failed.summary.lines().next().unwrap_or_default();
    assert!(
        title.contains(" to <code>s3&#58;//my-site/</code> failed after "),
        "{title}"
    );
}

#[test]
fn a_rollback_names_the_release_it_made_and_the_one_it_restored() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.set_versioning(BUCKET, "Enabled");
    let action = site(&cloud);
    let first = action.run().expect_exit(0);
    action.write("public/index.html", "<p>two");
    action.run().expect_exit(0);
    let back = site(&cloud).with("command", "rollback").run().expect_exit(0);
    let (made, restored) = (back.output("release"), first.output("release"));
    assert!(
        back.summary.contains(&format!(
            "| Release | <code>{made}</code> | recorded; restored release <code>{restored}</code>"
        )),
        "{}",
        back.summary
    );
    let title = back.summary.lines().next().unwrap_or_default();
    assert!(
        title.contains(&format!("to release <code>{restored}</code>")),
        "{title}"
    );
}

#[test]
fn one_warning_stands_in_the_log_once() {
    let cloud = Cloud::with_bucket(BUCKET);
    let action = site(&cloud);
    std::os::unix::fs::symlink("nowhere", action.workspace().join("public/link")).expect("a link");
    let run = action.run().expect_exit(0);
    assert_eq!(lines(&run, "link: ").len(), 1, "{}", run.log);
}

#[test]
fn max_delete_counts_the_same_in_a_rollback_as_in_a_deploy() {
    let cloud = Cloud::with_bucket(BUCKET);
    cloud.set_versioning(BUCKET, "Enabled");
    // Somebody else's, which this step leaves alone.
    for number in 0..60 {
        cloud.put(BUCKET, &format!("media/{number}.txt"), &[], b"media");
    }
    let mut action = site(&cloud).with("exclude", "media/*");
    action.run().expect_exit(0);
    for number in 0..30 {
        action = action.file(&format!("public/assets/{number}.txt"), "asset");
    }
    action.run().expect_exit(0);
    let back = || site(&cloud).with("command", "rollback").with("exclude", "media/*");
    let refused = back().run().expect_exit(1);
    assert!(
        refused.error().contains("deletes 30 of 31 objects"),
        "{}",
        refused.error()
    );
    back().with("max-delete", "30").run().expect_exit(0);
}
