//! Steps over the same files that differ in their header and ACL lines alone: each knows what is its own.

use serde_json::json;

use crate::support::{Action, Cloud, Run};

const BUCKET: &str = "site-bucket";

/// A step over four pages and two assets, with a distribution, in the workflow run `run`.
fn step(cloud: &Cloud, run: &str, lines: &str) -> Action {
    let step = Action::new(cloud)
        .github("run_id", run)
        .with("bucket", BUCKET)
        .with("source", "site")
        .with("distribution", "E1")
        .with("headers", lines);
    let step = (0..4).fold(step, |step, n| {
        step.file(&format!("site/{n}.html"), format!("page {n}"))
    });
    step.file("site/app.js", "1").file("site/style.css", "2")
}

fn cloud() -> Cloud {
    let cloud = Cloud::with_acl_bucket(BUCKET);
    cloud.add_distribution("E1", BUCKET, &json!({}));
    cloud
}

fn cached(cloud: &Cloud, key: &str) -> String {
    let object = cloud.object(BUCKET, key).expect("an object");
    object.header("cache-control").unwrap_or_default().to_owned()
}

fn written(run: &Run) -> usize {
    assert_eq!(run.exit_code, 0, "{}", run.log);
    run.uploaded().len()
}

const SCRIPTS: &str = "*.js Cache-Control: max-age=1\n*.css Cache-Control: max-age=2";
const PAGES: &str = "*.html Cache-Control: no-cache";

/// How many objects the two steps write in the run `run`.
fn deploy(cloud: &Cloud, run: &str, lines: [&str; 2], page: &str) -> [usize; 2] {
    lines.map(|lines| written(&step(cloud, run, lines).file("site/3.html", page).run()))
}

fn assert_cached(cloud: &Cloud, scripts: &str, pages: &str) {
    let all = |keys: &[&str]| keys.iter().map(|key| cached(cloud, key)).collect::<Vec<_>>();
    assert_eq!(all(&["app.js", "style.css"]), [scripts, "max-age=2"]);
    assert_eq!(all(&["0.html", "1.html", "2.html", "3.html"]), [pages; 4]);
}

#[test]
fn they_leave_each_others_headers_alone_from_their_very_first_run_on() {
    let cloud = cloud();
    let both = [SCRIPTS, PAGES];
    assert_eq!(deploy(&cloud, "1", both, "one"), [6, 4]);
    assert_cached(&cloud, "max-age=1", "no-cache");
    cloud.forget_requests();
    assert_eq!(deploy(&cloud, "2", both, "one"), [0, 0]);
    assert!(cloud.invalidations().is_empty());
    assert_eq!(deploy(&cloud, "3", both, "two"), [1, 1]);
    assert_eq!(deploy(&cloud, "4", both, "two"), [0, 0]);
    assert_cached(&cloud, "max-age=1", "no-cache");
}

#[test]
fn the_rules_of_either_change_without_the_other_writing_anything() {
    let cloud = cloud();
    assert_eq!(deploy(&cloud, "1", [SCRIPTS, PAGES], "one"), [6, 4]);
    let longer = SCRIPTS.replace("max-age=1", "max-age=9");
    assert_eq!(deploy(&cloud, "2", [&longer, PAGES], "one"), [1, 0]);
    assert_cached(&cloud, "max-age=9", "no-cache");
    assert_eq!(deploy(&cloud, "3", [&longer, PAGES], "one"), [0, 0]);
    let private = PAGES.replace("no-cache", "no-store");
    assert_eq!(deploy(&cloud, "4", [&longer, &private], "one"), [0, 4]);
    assert_eq!(deploy(&cloud, "5", [&longer, &private], "one"), [0, 0]);
    assert_cached(&cloud, "max-age=9", "no-store");
    // What a step names no longer is taken away, and nothing else.
    let shorter = "*.css Cache-Control: max-age=2";
    assert_eq!(deploy(&cloud, "6", [shorter, &private], "one"), [1, 0]);
    assert_cached(&cloud, "", "no-store");
}

#[test]
fn a_step_that_has_nothing_to_do_at_first_is_known_all_the_same() {
    let cloud = cloud();
    let none = "*.nothing Cache-Control: no-cache";
    for (run, page, expected) in [
        ("1", "one", [6, 0]),
        ("2", "one", [0, 0]),
        ("3", "two", [1, 0]),
        ("4", "two", [0, 0]),
    ] {
        assert_eq!(deploy(&cloud, run, [SCRIPTS, none], page), expected, "run {run}");
        assert_cached(&cloud, "max-age=1", "");
    }
}

#[test]
fn the_acl_of_the_later_one_holds_and_neither_sets_it_again() {
    let cloud = cloud();
    let deploy = |run: &str, page: &str| {
        ["private", "public-read"].map(|acl| {
            let step = step(&cloud, run, "").file("site/3.html", page);
            written(&step.with("acl", acl).run())
        })
    };
    assert_eq!(deploy("1", "one"), [6, 6]);
    assert_eq!(deploy("2", "one"), [0, 0]);
    assert_eq!(deploy("3", "two"), [1, 1]);
    for key in ["app.js", "0.html", "3.html"] {
        assert!(cloud.acl(BUCKET, key).contains("AllUsers"), "{key}");
    }
    assert_eq!(deploy("4", "two"), [0, 0]);
}
