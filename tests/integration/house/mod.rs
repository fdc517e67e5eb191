//! The rules of the house that a compiler does not check. Each holds for `src/`, and each complains when it is broken.

mod imports;
mod rules;
mod samples;
mod source;

use std::path::Path;

use self::source::Source;
use crate::support::project;

/// A rule: what is wrong with these sources.
type Rule = fn(&[Source]) -> Vec<String>;

/// Places that break a rule and wait to be mended.
const EXCEPTIONS: &str = include_str!("exceptions.txt");

/// Fails with what `rule` says of `src/`, and with exceptions that are not needed any more.
#[track_caller]
fn holds(name: &str, rule: Rule) {
    judge(name, &rule(&source::read(&project().join("src"))));
}

#[track_caller]
fn judge(name: &str, complaints: &[String]) {
    let lines = EXCEPTIONS.lines().filter_map(|line| line.split_once(": "));
    let excepted: Vec<&str> = lines
        .filter(|(rule, _)| *rule == name)
        .map(|(_, place)| place)
        .collect();
    check(name, complaints, &excepted);
}

#[track_caller]
fn check(name: &str, complaints: &[String], excepted: &[&str]) {
    let new: Vec<&String> = complaints
        .iter()
        .filter(|one| !excepted.contains(&one.as_str()))
        .collect();
    assert!(new.is_empty(), "{name}: {new:#?}");
    let mended: Vec<&&str> = excepted
        .iter()
        .filter(|place| !complaints.iter().any(|one| one == *place))
        .collect();
    assert!(mended.is_empty(), "{name}: no exception any more: {mended:#?}");
}

macro_rules! hold {
    ($($rule:ident)*) => {
        $(#[test]
        fn $rule() {
            holds(stringify!($rule), rules::$rule);
        })*
    };
}

hold! {
    arrows_run_down
    no_two_files_use_each_other
    core_is_pure
    only_scanners_touch_files
    type_names_are_unique
    nothing_is_public_but_the_door
    only_the_console_prints
    functions_say_what_comes_out
}

#[test]
fn exceptions_are_of_rules() {
    for line in EXCEPTIONS.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(": ").next().unwrap_or_default();
        assert!(include_str!("rules.rs").contains(&format!(" fn {name}")), "{line}");
    }
}

#[test]
fn files_are_short() {
    let mut files = Vec::new();
    for directory in ["src", "tests", "bench", "scripts"] {
        collect(&project().join(directory), "rs", &mut files);
        collect(&project().join(directory), "py", &mut files);
    }
    assert!(files.len() > 250, "only {} files", files.len());
    judge(
        "files_are_short",
        &rules::files_are_short(files.iter().map(|(path, text)| (path.as_str(), text.as_str()))),
    );
}

/// Whoever adds a room says in the picture what it is for.
#[test]
fn the_picture_has_every_room() {
    let page = std::fs::read_to_string(project().join("docs/architecture.md")).expect("the page");
    let picture = page.split("```").nth(1).expect("the picture");
    for floor in ["src", "src/core", "src/aws", "tests"] {
        for entry in std::fs::read_dir(project().join(floor)).expect("a directory") {
            let entry = entry.expect("an entry");
            let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
            if path.is_dir() && !path.with_extension("rs").exists() && !name.starts_with('_') {
                assert!(
                    picture.contains(&format!("{name}/")),
                    "{floor}/{name} is not in the picture"
                );
            }
        }
    }
}

#[test]
fn pages_name_files_that_are_there() {
    let mut pages = Vec::new();
    collect(&project().join("docs"), "md", &mut pages);
    for page in ["CONTRIBUTING.md", "README.md", "SECURITY.md"] {
        let text = std::fs::read_to_string(project().join(page)).expect("a page");
        pages.push((page.to_owned(), text));
    }
    assert!(pages.len() > 8, "only {} pages", pages.len());
    judge(
        "pages_name_files_that_are_there",
        &rules::pages_name_files_that_are_there(
            pages.iter().map(|(path, text)| (path.as_str(), text.as_str())),
            |path| project().join(path).exists(),
        ),
    );
}

/// Who adds a wait says in the table when it ends.
#[test]
fn every_wait_is_listed() {
    let page = std::fs::read_to_string(project().join("docs/waits.md")).expect("the page");
    let mut files = Vec::new();
    collect(&project().join("src"), "rs", &mut files);
    let mut missing = Vec::new();
    let mut count = 0;
    for (path, text) in files.iter().filter(|(path, _)| !path.contains("test")) {
        for line in text
            .lines()
            .filter(|line| line.contains(": Duration = Duration::from_"))
        {
            let line = line.trim_start().trim_start_matches("pub(crate) ");
            let Some((name, value)) = line
                .strip_prefix("const ")
                .and_then(|line| line.split_once(": Duration = "))
            else {
                continue;
            };
            count += 1;
            let digits: String = value.chars().filter(char::is_ascii_digit).collect();
            let number: f64 = digits.parse().expect("a number");
            let seconds = if value.contains("millis") {
                number / 1000.0
            } else {
                number
            };
            let row = page.lines().find(|row| row.contains(&format!("`{path}` `{name}`")));
            if !row.is_some_and(|row| row.contains(&format!(" {seconds} s")) || value.contains("<<")) {
                missing.push(format!("{path}: {name}, {seconds} s"));
            }
        }
    }
    assert!(count > 30, "only {count} waits");
    assert!(missing.is_empty(), "not in docs/waits.md: {missing:#?}");
}

/// Files below `directory` with that extension: paths from the project on, and texts.
fn collect(directory: &Path, extension: &str, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, extension, files);
        } else if path.extension().is_some_and(|own| own == extension) {
            let name = path.strip_prefix(project()).expect("a file of the project");
            let text = std::fs::read_to_string(&path).expect("a source file");
            files.push((name.to_string_lossy().into_owned(), text));
        }
    }
}
