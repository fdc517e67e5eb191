//! The table of the migration guide that says which variables make which step, each row run as it stands.

use crate::support::{Action, Cloud, Run, project};

const BUCKET: &str = "my-bucket";

/// The rows: what is set, and what the step does.
fn rows() -> Vec<(Vec<String>, String)> {
    let page = std::fs::read_to_string(project().join("docs/migrating.md")).expect("the guide");
    let table = page
        .split("<!-- shapes -->")
        .nth(1)
        .expect("the mark of the table")
        .to_owned();
    let rows = table
        .lines()
        .skip_while(|line| !line.starts_with('|'))
        .take_while(|line| line.starts_with('|'));
    rows.skip(2)
        .map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            let names = cells.next().expect("a cell").split('`').skip(1).step_by(2);
            (
                names.map(str::to_owned).collect(),
                cells.next().expect("a cell").to_owned(),
            )
        })
        .collect()
}

/// A step with these names set, and nothing but them.
fn step(cloud: &Cloud, names: &[String]) -> Action {
    let action = Action::new(cloud)
        .file("public/index.html", "<h1>hello</h1>")
        .file("public/app.js.map", "{}")
        .file("changed.txt", "/index.html\n");
    names.iter().fold(action, |action, name| match name.as_str() {
        "AWS_S3_BUCKET" => action.env(name, BUCKET),
        "SOURCE_DIR" => action.env(name, "public"),
        "DEST_DIR" => action.env(name, "app"),
        "DISTRIBUTION" => action.env(name, "E1EXAMPLE"),
        "PATHS" => action.env(name, "/index.html /old/*"),
        "PATHS: ''" => action.env("PATHS", ""),
        "AWS_S3_ENDPOINT" => action.env(name, &cloud.endpoint),
        "PATHS_FROM" => action.env(name, "changed.txt"),
        "args" => action.with(name, "--exclude '*.map' --cache-control no-cache"),
        "paths" => action.with(name, "/index.html"),
        other => panic!("`{other}` of the table is not known here"),
    })
}

/// What became of the bucket and of the distribution.
fn done(cloud: &Cloud, run: &Run) -> String {
    let (synced, invalidated) = (!cloud.keys(BUCKET).is_empty(), cloud.count("CreateInvalidation") > 0);
    match (run.exit_code, synced, invalidated) {
        (0, true, false) => "sync".to_owned(),
        (0, false, true) => "invalidation".to_owned(),
        (0, true, true) => "sync, then invalidation".to_owned(),
        (2, false, false) if run.error().contains("syncs or invalidates") => "error: say which".to_owned(),
        (2, false, false) if run.error().contains("`PATHS` is empty") => "error: `PATHS` is empty".to_owned(),
        (2, false, false) => "error: nothing to do".to_owned(),
        other => format!("{other:?}"),
    }
}

#[test]
fn every_shape_of_the_migration_guide_does_what_its_row_says() {
    let rows = rows();
    assert!(rows.len() >= 13, "{rows:?}");
    for (names, expected) in rows {
        let cloud = Cloud::with_bucket(BUCKET);
        cloud.add_distribution("E1EXAMPLE", BUCKET, &serde_json::json!({}));
        cloud.forget_requests();
        let run = step(&cloud, &names).run();
        let sent = cloud.operations();
        assert_eq!(done(&cloud, &run), expected, "{names:?}\n{}", run.log);
        let set = |name: &str| names.iter().any(|known| known == name);
        if expected.starts_with("sync") && set("args") {
            let keys = cloud.keys(BUCKET);
            assert!(!keys.iter().any(|key| key.ends_with(".map")), "{names:?}: {keys:?}");
            let page = keys.iter().find(|key| key.ends_with("index.html")).expect("a page");
            let page = cloud.object(BUCKET, page).expect("a page");
            assert_eq!(page.header("cache-control"), Some("no-cache"), "{names:?}");
        }
        if expected.starts_with("sync") && set("DEST_DIR") {
            assert_eq!(cloud.keys(BUCKET), ["app/index.html"], "{names:?}");
        }
        if run.exit_code == 2 {
            assert_eq!(sent, Vec::<String>::new(), "{names:?}");
        }
    }
}
