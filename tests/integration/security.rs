//! `SECURITY.md` names tests that are there.

use std::path::Path;

use crate::support::project;

/// The text of all test code: ours in Rust, and that of the harness and of the scripts in Python.
fn test_code(directory: &Path, out: &mut String) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            test_code(&path, out);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "rs" || extension == "py")
        {
            out.push_str(&std::fs::read_to_string(&path).expect("a source"));
        }
    }
}

#[test]
fn every_threat_has_a_test_that_is_there() {
    let page = std::fs::read_to_string(project().join("SECURITY.md")).expect("the page");
    let table = page
        .split("| threat | what stops it | test |")
        .nth(1)
        .expect("the table");
    let rows: Vec<&str> = table.lines().skip(2).take_while(|line| line.starts_with('|')).collect();
    assert!(rows.len() > 30, "{rows:?}");
    let mut code = String::new();
    test_code(&project().join("src"), &mut code);
    test_code(&project().join("tests/integration"), &mut code);
    test_code(&project().join("tests/dist"), &mut code);
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").collect();
        let [_, _, tests] = cells.as_slice() else {
            panic!("no row of three cells: {row}")
        };
        let names: Vec<&str> = tests.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty() || tests.contains("none: "), "{row}");
        for name in names {
            let is_there = code.contains(&format!("fn {name}(")) || code.contains(&format!("def {name}("));
            assert!(is_there, "`{name}` is no test");
        }
    }
}
