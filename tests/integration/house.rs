//! The rules of the house that a compiler does not check.

use std::path::{Path, PathBuf};

use crate::support::project;

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The file without its tests, comments and strings' worth of prose: what can import something.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).expect("a source file");
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn pure_modules_import_no_edge() {
    const FORBIDDEN: [&str; 8] = [
        "crate::aws",
        "crate::github",
        "aws_sdk_",
        "aws_config",
        "tokio::",
        "octocrab",
        "std::env",
        "std::net",
    ];
    for module in ["core"] {
        let mut files = Vec::new();
        sources(&project().join("src").join(module), &mut files);
        assert!(!files.is_empty());
        for file in files {
            let code = code(&file);
            for word in FORBIDDEN {
                assert!(!code.contains(word), "{} uses {word}", file.display());
            }
        }
    }
}

#[test]
fn only_the_console_prints() {
    let mut files = Vec::new();
    sources(&project().join("src"), &mut files);
    for file in files {
        let allowed = file.ends_with("main.rs") || file.ends_with("src/console.rs");
        assert!(
            allowed || !code(&file).contains("io::stdout"),
            "{} prints",
            file.display()
        );
    }
}

#[test]
fn files_stay_short() {
    let mut files = Vec::new();
    sources(&project().join("src"), &mut files);
    let long: Vec<String> = files
        .iter()
        .map(|file| {
            (
                file,
                std::fs::read_to_string(file).expect("a source file").lines().count(),
            )
        })
        .filter(|(_, lines)| *lines > 400)
        .map(|(file, lines)| format!("{} has {lines} lines", file.display()))
        .collect();
    assert!(long.is_empty(), "{long:?}");
}
