//! The table of the migration guide that says which variables make which step, each row run as it stands.

use crate::support::{Action, Cloud, Run, project};

const BUCKET: &str = "my-bucket";

/// The names that stand in the columns of the table.
const COLUMNS: [&[&str]; 6] = [
    &["AWS_S3_BUCKET"],
    &["DISTRIBUTION"],
    &["args"],
    &["paths"],
    &["PATHS", "PATHS_FROM"],
    &["SOURCE_DIR", "DEST_DIR", "AWS_S3_ENDPOINT"],
];

/// The rows: the cells, and what the step does.
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
            let mut cells: Vec<String> = line
                .trim_matches('|')
                .split('|')
                .map(|cell| cell.trim().to_owned())
                .collect();
            let told = cells.pop().expect("what the step does");
            (cells, told)
        })
        .collect()
}

/// What a row sets, each of its `any` once set and once not.
fn examples(cells: &[String]) -> Vec<Vec<String>> {
    let named = |any: &str| -> Vec<String> {
        let cells = cells.iter().map(|cell| if cell == "any" { any } else { cell.as_str() });
        let set = cells.zip(COLUMNS).flat_map(|(cell, names)| match cell {
            "set" => names.iter().map(|name| (*name).to_owned()).collect(),
            "empty" | "empty or not set" => names.iter().map(|name| format!("{name}: ''")).collect(),
            _ => Vec::new(),
        });
        set.collect()
    };
    match cells.iter().any(|cell| cell == "any") {
        true => vec![named("set"), named("not set")],
        false => vec![named("")],
    }
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
        "PATHS" => action.env(name, "/index.html"),
        "PATHS: ''" => action.env("PATHS", ""),
        "PATHS_FROM: ''" => action.env("PATHS_FROM", ""),
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
    let says = |part: &str| run.error().contains(part);
    let done = match (run.exit_code, synced, invalidated) {
        (0, true, false) => "sync",
        (0, false, true) if run.log.contains("syncs nothing") => "invalidation, with a warning",
        (0, false, true) => "invalidation",
        (0, true, true) => "sync, then invalidation",
        (2, false, false) if says("syncs or invalidates") => "error: say which",
        (2, false, false) if says("`PATHS` is empty") => "error: `PATHS` is empty",
        (2, false, false) if says("set but `bucket` is empty") && says("set but `distribution` is empty") => {
            "error: nothing to do"
        }
        (2, false, false) if says("set but `bucket` is empty") => "error: `bucket` is empty",
        (2, false, false) if says("say what to invalidate") => "error: no paths",
        (2, false, false) if says("set but `distribution` is empty") => "error: `distribution` is empty",
        (2, false, false) if says("No part is enabled") => "error: nothing to do",
        other => return format!("{other:?}"),
    };
    done.to_owned()
}

#[test]
fn every_shape_of_the_migration_guide_does_what_its_row_says() {
    let rows = rows();
    assert!(rows.len() >= 13, "{rows:?}");
    for (names, expected) in rows
        .iter()
        .flat_map(|(cells, told)| examples(cells).into_iter().map(move |names| (names, told)))
    {
        let cloud = Cloud::with_bucket(BUCKET);
        cloud.add_distribution("E1EXAMPLE", BUCKET, &serde_json::json!({}));
        cloud.forget_requests();
        let run = step(&cloud, &names).run();
        let sent = cloud.operations();
        assert_eq!(&done(&cloud, &run), expected, "{names:?}\n{}", run.log);
        let set = |name: &str| names.iter().any(|known| known == name);
        if expected.starts_with("sync") && set("args") {
            let keys = cloud.keys(BUCKET);
            assert!(!keys.iter().any(|key| key.ends_with(".map")), "{names:?}: {keys:?}");
            let page = keys.iter().find(|key| key.ends_with("index.html")).expect("a page");
            let page = cloud.object(BUCKET, page).expect("a page");
            assert_eq!(page.header("cache-control"), Some("no-cache"), "{names:?}");
        }
        if expected.starts_with("sync") && set("DEST_DIR") {
            let below = cloud.keys(BUCKET).iter().all(|key| key.starts_with("app/"));
            assert!(below, "{names:?}: {:?}", cloud.keys(BUCKET));
        }
        if run.exit_code == 2 {
            assert_eq!(sent, Vec::<String>::new(), "{names:?}");
        }
    }
}
