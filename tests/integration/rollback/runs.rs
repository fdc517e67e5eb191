//! Several steps of one job: their releases share the id of the workflow run, and go back together.

use super::{A, B, BUCKET, C, cloud, site};
use crate::support::{Action, Cloud};

/// One of two passes over the same site: assets, or pages.
fn pass(cloud: &Cloud, run: u32, sha: &str, text: &str, pattern: &str) -> Action {
    let action = site(cloud, run, sha)
        .with("exclude", "*")
        .with("include", pattern)
        .with("delete", "false")
        .with("max-delete", "");
    action.file("site/app.css", text).file("site/index.html", text)
}

fn passes(cloud: &Cloud, run: u32, sha: &str, text: &str) -> [String; 2] {
    ["*.css", "*.html"].map(|pattern| {
        let done = pass(cloud, run, sha, text, pattern).run().expect_exit(0);
        done.output("release").to_owned()
    })
}

fn docs(cloud: &Cloud, run: u32, text: &str) -> Action {
    site(cloud, run, A)
        .with("prefix", "docs")
        .with("delete", "false")
        .with("max-delete", "")
        .file("site/guide.html", text)
}

fn text(cloud: &Cloud, key: &str) -> String {
    cloud.object(BUCKET, key).expect("an object").text()
}

#[test]
fn one_rollback_takes_back_every_release_of_a_workflow_run() {
    let cloud = cloud();
    docs(&cloud, 1, "one").run().expect_exit(0);
    passes(&cloud, 1, A, "one");
    let [assets, pages] = passes(&cloud, 2, B, "two, longer");
    docs(&cloud, 2, "two").run().expect_exit(0);

    // `previous` takes back the last pass alone, and says so.
    let dry = site(&cloud, 3, C)
        .with("command", "rollback")
        .with("dry-run", "true")
        .run()
        .expect_exit(0);
    assert!(
        dry.log.contains(&format!(
            "left alone: `{assets}`, of the same workflow run; `to: run:9002` takes back all of its releases here"
        )),
        "{}",
        dry.log
    );
    assert!(
        dry.log
            .contains("left alone: `s3://my-bucket/docs/`, to which workflow run 9002 released"),
        "{}",
        dry.log
    );

    let back = site(&cloud, 3, C)
        .with("command", "rollback")
        .with("to", "run:9002")
        .run()
        .expect_exit(0);
    assert!(
        back.log.contains(&format!(
            "takes back 2 releases of workflow run 9002: `{assets}`, `{pages}`"
        )),
        "{}",
        back.log
    );
    assert_eq!(
        (text(&cloud, "app.css"), text(&cloud, "index.html")),
        ("one".to_owned(), "one".to_owned())
    );
    assert_eq!(
        text(&cloud, "docs/guide.html"),
        "two",
        "another step's, which the plan names"
    );

    // The same value takes back the other step's.
    let back = docs(&cloud, 3, "")
        .with("command", "rollback")
        .with("to", "run:9002")
        .run();
    back.expect_exit(0);
    assert_eq!(text(&cloud, "docs/guide.html"), "one");
}

#[test]
fn a_step_in_which_the_run_left_nothing_is_unchanged() {
    let cloud = cloud();
    docs(&cloud, 1, "one").run().expect_exit(0);
    passes(&cloud, 1, A, "one");
    docs(&cloud, 2, "two").run().expect_exit(0);

    let back = |action: Action| action.with("command", "rollback").with("to", "run:9002").run();
    let elsewhere = back(site(&cloud, 3, C)).expect_exit(0);
    assert_eq!(elsewhere.output("outcome"), "unchanged");
    let notices = elsewhere.messages("notice").concat();
    assert!(
        notices.contains("workflow run 9002 has released nothing here"),
        "{notices}"
    );
    assert_eq!(text(&cloud, "app.css"), "one");

    back(docs(&cloud, 3, "")).expect_exit(0);
    let again = back(docs(&cloud, 4, "")).expect_exit(0);
    assert_eq!(again.output("outcome"), "unchanged");
    let notices = again.messages("notice").concat();
    assert!(
        notices.contains("nothing of that workflow run is live here"),
        "{notices}"
    );
    assert_eq!(text(&cloud, "docs/guide.html"), "one");
}

#[test]
fn what_is_taken_back_already_is_named_no_more() {
    let cloud = cloud();
    docs(&cloud, 1, "one").run().expect_exit(0);
    let first = passes(&cloud, 1, A, "one");
    passes(&cloud, 2, B, "two, longer");
    docs(&cloud, 2, "two").run().expect_exit(0);
    let back = |action: Action, to: &str| action.with("command", "rollback").with("to", to).run();
    back(docs(&cloud, 3, ""), "run:9002").expect_exit(0);
    let rest = back(site(&cloud, 3, C).with("dry-run", "true"), "run:9002").expect_exit(0);
    assert!(!rest.log.contains("s3://my-bucket/docs/"), "{}", rest.log);
    assert!(
        rest.log
            .contains("whatever workflow run 9002 deployed to other buckets, prefixes and environments"),
        "{}",
        rest.log
    );
    back(site(&cloud, 3, C), "run:9002").expect_exit(0);

    // A later run is none of its releases, and stays.
    passes(&cloud, 4, C, "four, longest");
    let again = back(site(&cloud, 5, C), "run:9002").expect_exit(0);
    assert_eq!(again.output("outcome"), "unchanged", "{}", again.log);
    assert_eq!(text(&cloud, "app.css"), "four, longest");
    let four = back(site(&cloud, 6, C), "run:9004").expect_exit(0);
    assert!(!four.log.contains("workflow run 9002"), "{}", four.log);
    assert_eq!(text(&cloud, "app.css"), "one", "{first:?}");
}

#[test]
fn a_second_step_of_a_run_says_what_its_rollback_leaves_alone() {
    let cloud = cloud();
    let first = pass(&cloud, 1, A, "one", "*.css").run().expect_exit(0);
    assert!(!first.log.contains("has released here before"), "{}", first.log);
    let second = pass(&cloud, 1, A, "one", "*.html").run().expect_exit(0);
    let said = format!(
        "this workflow run has released here before: `{}`",
        first.output("release")
    );
    assert!(second.log.contains(&said), "{}", second.log);
    assert!(second.log.contains("`to: run:9001` takes back all"), "{}", second.log);
}

#[test]
fn each_step_says_what_its_rollback_leaves_alone() {
    let cloud = cloud();
    let alone = site(&cloud, 1, A).file("site/index.html", "one");
    let first = alone.run().expect_exit(0);
    let line = |log: &str| {
        let lines: Vec<&str> = log
            .lines()
            .filter(|line| line.contains("a rollback of this step leaves alone"))
            .collect();
        assert_eq!(lines.len(), 1, "{log}");
        lines[0].to_owned()
    };
    let said = line(&first.log);
    assert!(
        said.starts_with(
            "a rollback of this step leaves alone whatever other steps of workflow run 9001 deploy elsewhere"
        ) && said.ends_with("`command: rollback` and `to: run:9001`"),
        "{said}"
    );
    // The next step of the same job, with another prefix.
    let second = alone.with("prefix", "docs").run().expect_exit(0);
    let said = line(&second.log);
    assert!(
        said.contains(&format!(
            "leaves alone `s3://my-bucket/` (release `{}`), which this job has released before, and whatever other",
            first.output("release")
        )),
        "{said}"
    );
}

#[test]
fn releases_that_changed_nothing_make_few_lines() {
    let cloud = cloud();
    for run in 1..=6 {
        let action = site(&cloud, run, A)
            .with("force", "true")
            .file("site/index.html", "one");
        action.run().expect_exit(0);
    }
    let back = site(&cloud, 7, B)
        .with("command", "rollback")
        .with("dry-run", "true")
        .run();
    let count = |part: &str| back.log.lines().filter(|line| line.contains(part)).count();
    assert!(count("left alone") <= 2, "{}", back.log);
    assert!(count("what is live already") <= 1, "{}", back.log);
}

#[test]
fn a_run_without_releases_or_with_nothing_before_it_is_an_error_that_says_so() {
    let cloud = cloud();
    passes(&cloud, 1, A, "one");
    let to = |to: &str| site(&cloud, 2, B).with("command", "rollback").with("to", to).run();
    let unknown = to("run:12345").expect_exit(1);
    assert!(
        unknown.error().contains("workflow run 12345 has released nothing here"),
        "{}",
        unknown.error()
    );
    let first = to("run:9001").expect_exit(1);
    assert!(
        first
            .error()
            .contains("there is no succeeded release before those of workflow run 9001"),
        "{}",
        first.error()
    );
    let wrong = to("run:main").expect_exit(2);
    assert!(
        wrong.error().contains("`to`") && wrong.error().contains("run:"),
        "{}",
        wrong.error()
    );
}

#[test]
fn a_run_that_rolled_back_is_taken_back_like_any_other() {
    let cloud = cloud();
    docs(&cloud, 1, "one").run().expect_exit(0);
    docs(&cloud, 2, "two").run().expect_exit(0);
    let back = |number, to: &str| {
        docs(&cloud, number, "")
            .with("command", "rollback")
            .with("to", to)
            .run()
    };
    let first = back(3, "run:9002").expect_exit(0);
    assert_eq!(text(&cloud, "docs/guide.html"), "one");
    let second = back(4, "run:9003").expect_exit(0);
    assert!(
        second.log.contains(&format!(
            "takes back 1 release of workflow run 9003: `{}`",
            first.output("release")
        )),
        "{}",
        second.log
    );
    assert_eq!(text(&cloud, "docs/guide.html"), "two");
    let again = back(5, "run:9003").expect_exit(0);
    assert_eq!(again.output("outcome"), "unchanged", "{}", again.log);
}
