//! The migration guide's table of which variables make which step, for every combination of them.

use super::inputs;
use crate::core::inputs::Inputs;

/// The columns of the table before what the step does.
const COLUMNS: usize = 6;

/// The rows of the table: what is set, and what the step does.
fn rows() -> Vec<(Vec<String>, String)> {
    let page = include_str!("../../../../docs/migrating.md");
    let table = page.split("<!-- shapes -->").nth(1).expect("the mark of the table");
    let lines = table.lines().skip_while(|line| !line.starts_with('|'));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    rows.map(|line| {
        let mut cells: Vec<String> = line
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect();
        let told = cells.pop().expect("what the step does");
        assert_eq!(cells.len(), COLUMNS, "{line}");
        (cells, told)
    })
    .collect()
}

/// Whether a cell covers what is set: `set`, `empty` or `not set`.
fn covers(cell: &str, state: &str) -> bool {
    cell == "any" || cell.split(" or ").any(|word| word == state)
}

/// What a run with these inputs would do, in the words of the table.
fn told(read: &Result<Inputs, Vec<String>>) -> &'static str {
    match read {
        Ok(inputs) => match (&inputs.site, &inputs.cdn) {
            (Some(_), Some(_)) => "sync, then invalidation",
            (Some(_), None) => "sync",
            (None, Some(_)) if inputs.warnings.iter().any(|warning| warning.contains("syncs nothing")) => {
                "invalidation, with a warning"
            }
            (None, Some(_)) => "invalidation",
            (None, None) => "nothing",
        },
        Err(errors) => {
            let holds = |part: &str| errors.iter().any(|error| error.contains(part));
            match () {
                () if holds("syncs or invalidates") => "error: say which",
                () if holds("`PATHS` is empty") => "error: `PATHS` is empty",
                () if holds("No part is enabled") => "error: nothing to do",
                () if holds("set but `distribution` is empty") => "error: `distribution` is empty",
                () if holds("set but `bucket` is empty") => "error: `bucket` is empty",
                () if holds("say what to invalidate") => "error: no paths",
                () => "another error",
            }
        }
    }
}

/// The states of a group of variables: those that are set win, then those that are empty.
fn state(values: &[Option<&str>]) -> &'static str {
    match values {
        values if values.iter().flatten().any(|value| !value.is_empty()) => "set",
        values if values.iter().any(Option::is_some) => "empty",
        _ => "not set",
    }
}

#[test]
fn the_table_covers_every_combination_once_and_tells_the_truth() {
    const THREE: [Option<usize>; 3] = [None, Some(0), Some(1)];
    let rows = rows();
    let mut combinations = 0;
    let axes = (0..16).flat_map(|bits| {
        let rest = THREE.into_iter().flat_map(move |paths| {
            THREE.into_iter().flat_map(move |from| {
                THREE.into_iter().flat_map(move |source| {
                    THREE.into_iter().flat_map(move |dest| {
                        THREE
                            .into_iter()
                            .map(move |endpoint| [paths, from, source, dest, endpoint])
                    })
                })
            })
        });
        rest.map(move |rest| (bits, rest))
    });
    for (bits, rest) in axes {
        combinations += 1;
        let set = |bit: u32| bits & (1 << bit) != 0;
        let text = |of: usize, full: &'static str| rest[of].map(|of| if of == 1 { full } else { "" });
        let variables = [
            ("AWS_S3_BUCKET", set(0).then_some("my-bucket")),
            ("DISTRIBUTION", set(1).then_some("E1")),
            ("PATHS", text(0, "/index.html")),
            ("PATHS_FROM", text(1, "changed.txt")),
            ("SOURCE_DIR", text(2, "src")),
            ("DEST_DIR", text(3, "docs")),
            ("AWS_S3_ENDPOINT", text(4, "https://storage.example.com")),
        ];
        let env: Vec<(&str, &str)> = variables
            .iter()
            .filter_map(|(name, value)| Some((*name, (*value)?)))
            .collect();
        let with: Vec<(&str, &str)> = [
            set(2).then_some(("args", "--exclude *.map --delete")),
            set(3).then_some(("paths", "/index.html")),
        ]
        .into_iter()
        .flatten()
        .collect();
        // Empty directories count as not set.
        let directories = match state(&variables[4..].iter().map(|(_, value)| *value).collect::<Vec<_>>()) {
            "empty" => "not set",
            other => other,
        };
        let is_set = |bit| if set(bit) { "set" } else { "not set" };
        let states = [
            is_set(0),
            is_set(1),
            is_set(2),
            is_set(3),
            state(&[variables[2].1, variables[3].1]),
            directories,
        ];
        let matching: Vec<&(Vec<String>, String)> = rows
            .iter()
            .filter(|(cells, _)| cells.iter().zip(states).all(|(cell, state)| covers(cell, state)))
            .collect();
        let [(_, expected)] = matching.as_slice() else {
            panic!("{states:?}: {matching:?}");
        };
        let tree = super::tree().file("/workspace/changed.txt", "/index.html\n");
        let read = super::inputs_among(&tree, &with, &env);
        let told = match (set(0) || set(1), told(&read)) {
            // An input of a part that is off says so, too.
            (false, "error: `bucket` is empty" | "error: `distribution` is empty") => "error: nothing to do",
            (_, told) => told,
        };
        assert_eq!(told, expected, "{with:?} {env:?}: {:?}", read.as_ref().err());
        if let Some(site) = read.ok().and_then(|inputs| inputs.site) {
            assert_eq!(
                (site.delete, site.filter.includes_local("a.map")),
                (set(2), !set(2)),
                "{with:?} {env:?}"
            );
        }
    }
    assert_eq!(combinations, 16 * 243);
}

/// What becomes of a variable beside inputs, in the words of the second table.
fn told_beside(read: &Result<Inputs, Vec<String>>, variable: &str) -> &'static str {
    let names = |text: &String| text.contains(&format!("`{variable}`"));
    match read {
        Ok(inputs) => {
            assert_eq!(inputs.warnings, Vec::<String>::new());
            match inputs.notices.iter().any(names) {
                true => "ignored, and the log says so",
                false => "nothing",
            }
        }
        Err(errors) => match errors.as_slice() {
            [error] if names(error) && error.contains("but they are the same input") => "error: two values",
            [error] if names(error) && error.contains("to say what is meant") => "error: say which",
            [error] if error.contains("say what to invalidate") => "error: no paths",
            _ => "another error",
        },
    }
}

#[test]
fn the_table_of_variables_beside_inputs_tells_the_truth() {
    let page = include_str!("../../../../docs/migrating.md");
    let table = page.split("<!-- beside -->").nth(1).expect("the mark of the table");
    let lines = table.lines().skip_while(|line| !line.starts_with('|'));
    let mut count = 0;
    for line in lines.take_while(|line| line.starts_with('|')).skip(2) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [with, beside, expected] = cells.as_slice() else {
            panic!("{line}");
        };
        let value = |name: &str| match name {
            "bucket" | "AWS_S3_BUCKET" => "my-bucket",
            "source" | "SOURCE_DIR" => "src",
            "distribution" | "DISTRIBUTION" => "E1",
            "paths" | "PATHS" => "/index.html",
            "application-name" => "a",
            "DEST_DIR" => "docs",
            "AWS_S3_ENDPOINT" => "https://storage.example.com",
            other => panic!("`{other}` of the table is not known here"),
        };
        let named = |text: &str| -> Vec<String> {
            let quoted = text.split('`').skip(1).step_by(2);
            quoted.map(str::to_owned).collect()
        };
        let mut inputs: Vec<(String, &str)> = named(with)
            .into_iter()
            .map(|name| (name.clone(), value(&name)))
            .collect();
        if with.contains("application-name") {
            inputs.extend([("package".to_owned(), "src"), ("aws-region".to_owned(), "eu-central-1")]);
        }
        let variable = named(beside).remove(0);
        let other = match variable.as_str() {
            "PATHS" => "/other",
            _ => "other",
        };
        let set = if beside.ends_with("another") {
            other
        } else {
            value(&variable)
        };
        let inputs: Vec<(&str, &str)> = inputs.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let tree = super::tree().directory("/workspace/other");
        let read = super::inputs_among(&tree, &inputs, &[(&variable, set)]);
        let told = told_beside(&read, &variable);
        assert!(
            *expected == told || told == "nothing" && expected.starts_with("nothing:"),
            "{line}: {told}, {:?}",
            read.err()
        );
        count += 1;
    }
    assert!(count >= 15, "{count}");
}

#[test]
fn a_step_that_may_be_a_sync_warns_how_to_be_clear() {
    let job = [("AWS_S3_BUCKET", "my-bucket"), ("DISTRIBUTION", "E1"), ("PATHS", "/*")];
    let warnings = inputs(&[], &job).expect("an invalidation").warnings;
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    for part in [
        "syncs nothing",
        "`bucket: ${{ env.AWS_S3_BUCKET }}`",
        "`distribution: ${{ env.DISTRIBUTION }}`",
    ] {
        assert!(warnings[0].contains(part), "{part}: {warnings:?}");
    }
    for clear in [&[("distribution", "E1"), ("paths", "/*")][..], &[("paths", "/*")]] {
        assert_eq!(
            inputs(clear, &job).expect("an invalidation").warnings,
            Vec::<String>::new(),
            "{clear:?}"
        );
    }
}
