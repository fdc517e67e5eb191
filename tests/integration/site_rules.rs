//! Header and ACL rules over several releases: whose they are, and what of them was applied.

use serde_json::json;

use crate::support::{Action, Cloud, Run};

const BUCKET: &str = "site-bucket";

/// A step over ten pages and two assets, with a distribution.
fn step(cloud: &Cloud) -> Action {
    let mut step = Action::new(cloud)
        .with("bucket", BUCKET)
        .with("source", "site")
        .with("distribution", "E1");
    for n in 0..10 {
        step = step.file(&format!("site/{n}.html"), format!("page {n}"));
    }
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

fn written(run: &Run) -> Vec<&str> {
    assert_eq!(run.exit_code, 0, "{}", run.log);
    run.uploaded()
}

/// `without` has new rules for all but `1.html`, which gets them from the next run that has it, once.
fn gets_the_new_rules_afterwards(cloud: &Cloud, without: &Action) {
    assert_eq!(written(&without.run()).len(), 11);
    assert_eq!(cached(cloud, "1.html"), "max-age=1");
    let all = step(cloud).with("cache-control", "max-age=2");
    assert_eq!(written(&all.run()), ["1.html"]);
    assert_eq!(cached(cloud, "1.html"), "max-age=2");
    assert!(written(&all.run()).is_empty());
}

#[test]
fn a_file_that_was_excluded_while_the_rules_changed_gets_them_later() {
    let cloud = cloud();
    step(&cloud).with("cache-control", "max-age=1").run().expect_exit(0);
    let without = step(&cloud)
        .with("exclude", "1.html")
        .with("cache-control", "max-age=2");
    gets_the_new_rules_afterwards(&cloud, &without);
}

#[test]
fn a_file_that_left_while_the_rules_changed_gets_them_when_it_comes_back() {
    let cloud = cloud();
    step(&cloud).with("cache-control", "max-age=1").run().expect_exit(0);
    let without = step(&cloud).with("cache-control", "max-age=2");
    std::fs::remove_file(without.workspace().join("site/1.html")).expect("the page");
    gets_the_new_rules_afterwards(&cloud, &without);
}

#[test]
fn a_file_that_moves_from_one_step_to_another_gets_the_rules_of_that() {
    let cloud = cloud();
    let of = |source: &str, age: &str| {
        Action::new(&cloud)
            .with("bucket", BUCKET)
            .with("source", source)
            .with("cache-control", age)
            .file(&format!("{source}/{source}.txt"), source)
    };
    of("one", "max-age=1")
        .file("one/moving.txt", "same")
        .run()
        .expect_exit(0);
    of("two", "max-age=2").run().expect_exit(0);
    assert!(written(&of("one", "max-age=1").run()).is_empty());
    let moved = of("two", "max-age=2").file("two/moving.txt", "same");
    assert_eq!(written(&moved.run()), ["moving.txt"]);
    assert_eq!(cached(&cloud, "moving.txt"), "max-age=2");
    assert!(written(&moved.run()).is_empty());
}

#[test]
fn two_steps_on_one_prefix_know_their_own_keys() {
    // Steps with other files, and steps of which the second has some of the first one's; in runs that GitHub tells apart,
    // and in those that it does not.
    for (assets, runs) in [
        ("*.html", ["1", "2", "3", "4"]),
        ("nothing", ["1", "2", "3", "4"]),
        ("nothing", ["9"; 4]),
    ] {
        let cloud = cloud();
        let deploy = |run: &str, script: &str, page: &str| {
            let of = |step: Action| {
                step.github("run_id", run)
                    .file("site/app.js", script)
                    .file("site/3.html", page)
            };
            let first = of(step(&cloud))
                .with("exclude", assets)
                .with("cache-control", "max-age=31536000")
                .with("acl", "private");
            let second = of(step(&cloud))
                .with("args", "--exclude '*' --include '*.html'")
                .with("cache-control", "no-cache")
                .with("acl", "public-read");
            (first.run().expect_exit(0), second.run().expect_exit(0))
        };
        deploy(runs[0], "1", "one");
        let (first, second) = deploy(runs[1], "2", "one");
        assert_eq!(written(&first), ["app.js"], "{assets} {runs:?}");
        assert!(written(&second).is_empty(), "{assets} {runs:?}: {}", second.log);
        assert_eq!(cloud.invalidations().last().map(Vec::len), Some(1));
        let (first, second) = deploy(runs[2], "2", "two");
        let both: Vec<&str> = written(&first).into_iter().chain(written(&second)).collect();
        assert!(both.len() <= 2 && both.iter().all(|key| *key == "3.html"), "{both:?}");
        let (first, second) = deploy(runs[3], "2", "two");
        assert!(
            written(&first).is_empty() && written(&second).is_empty(),
            "{}",
            first.log
        );
        for n in 0..10 {
            let key = format!("{n}.html");
            assert_eq!(cached(&cloud, &key), "no-cache", "{key} {assets} {runs:?}");
            assert!(cloud.acl(BUCKET, &key).contains("AllUsers"), "{key} {assets} {runs:?}");
        }
        assert_eq!(cached(&cloud, "style.css"), "max-age=31536000");
        assert!(!cloud.acl(BUCKET, "app.js").contains("AllUsers"));
    }
}

#[test]
fn two_steps_that_look_alike_but_have_other_files_leave_each_other_alone() {
    let cloud = cloud();
    let of = |names: &str, acl: &str, age: &str, text: &str| {
        let step = Action::new(&cloud)
            .with("bucket", BUCKET)
            .with("source", "site")
            .with("acl", acl)
            .with("cache-control", age);
        let step = (0..5).fold(step, |step, n| step.file(&format!("site/{names}-{n}.txt"), "same"));
        step.file(&format!("site/{names}-0.txt"), text).run().expect_exit(0)
    };
    let deploy = |text: &str| {
        let one = of("one", "public-read", "max-age=1", text);
        (one, of("two", "private", "max-age=2", "same"))
    };
    deploy("a");
    let (one, two) = deploy("b");
    assert_eq!((written(&one), written(&two)), (vec!["one-0.txt"], Vec::new()));
    assert!(
        cloud.acl(BUCKET, "one-0.txt").contains("AllUsers") && !cloud.acl(BUCKET, "two-0.txt").contains("AllUsers")
    );
}

#[test]
fn the_later_of_two_steps_wins_again_when_the_earlier_one_changes_its_rules() {
    let cloud = cloud();
    let deploy = |age: &str| {
        step(&cloud).with("cache-control", age).run().expect_exit(0);
        let pages = step(&cloud)
            .with("args", "--exclude '*' --include '*.html'")
            .with("cache-control", "no-cache");
        pages.run().expect_exit(0);
    };
    for age in ["max-age=1", "max-age=1", "max-age=2", "max-age=2"] {
        deploy(age);
        assert_eq!(cached(&cloud, "5.html"), "no-cache");
        assert_eq!(cached(&cloud, "app.js"), age);
    }
}

#[test]
fn an_archived_object_whose_headers_change_is_a_warning_that_names_it() {
    let cloud = cloud();
    for (key, class) in [
        ("1.html", "GLACIER"),
        ("2.html", "DEEP_ARCHIVE"),
        ("3.html", "GLACIER_IR"),
    ] {
        let page = format!("page {}", &key[..1]);
        cloud.put(BUCKET, key, &[("x-amz-storage-class", class)], page.as_bytes());
    }
    let run = step(&cloud).with("cache-control", "no-cache").run().expect_exit(0);
    assert!(
        run.messages("warning").join("\n").contains("1.html: is archived"),
        "{}",
        run.log
    );
    let warned = run.report["site"]["warnings"].as_array().cloned().unwrap_or_default();
    let paths: Vec<&str> = warned.iter().filter_map(|warning| warning["path"].as_str()).collect();
    assert_eq!(paths, ["1.html", "2.html"], "{}", run.log);
    assert_eq!(written(&run).len(), 10);
    assert_eq!(cached(&cloud, "3.html"), "no-cache");
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>, and the code's text from
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html>.
#[test]
fn an_object_that_goes_into_an_archive_on_the_way_is_a_warning_that_names_it() {
    let cloud = cloud();
    step(&cloud).run().expect_exit(0);
    cloud.post(
        "/faults",
        &json!({"service": "s3", "operation": "CopyObject", "match": "1.html", "kind": "error", "times": -1,
                "status": 403, "code": "InvalidObjectState",
                "message": "The operation is not valid for the current state of the object."}),
    );
    let run = step(&cloud).with("cache-control", "no-cache").run().expect_exit(0);
    assert!(
        run.messages("warning").join("\n").contains("1.html: is archived"),
        "{}",
        run.log
    );
    assert!(
        run.report["site"]["warnings"].to_string().contains("1.html"),
        "{}",
        run.report
    );
    assert_eq!(written(&run).len(), 11);
    assert_eq!(
        (cached(&cloud, "1.html").as_str(), cached(&cloud, "2.html").as_str()),
        ("", "no-cache")
    );
}
