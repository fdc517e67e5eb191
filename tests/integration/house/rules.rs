//! The rules, each a function from sources to what is wrong with them; a complaint begins with where it is.

use std::collections::{BTreeMap, BTreeSet};

use super::imports::{Edge, House, paths};
use super::source::Source;

/// The most lines that a file has.
pub(crate) const MAX_LINES: usize = 400;

/// Arrows run down only: `run` > `aws`, `github` > `http`, `console` > `core`. `lib.rs` and `door.rs` stand above, and
/// `cancel.rs`, which tells the console of a signal, between the console and who can be stopped.
pub(crate) fn arrows_run_down(sources: &[Source]) -> Vec<String> {
    let edges = House::new(sources).edges(sources);
    let wrong = edges.iter().filter(|edge| {
        let (from, to) = (room(&edge.from), room(&edge.to));
        from != to && level(from) <= level(to)
    });
    wrong.map(|edge| format!("{} -> {}", edge.from, edge.to)).collect()
}

fn room(path: &str) -> &str {
    path.split(['/', '.']).next().unwrap_or(path)
}

fn level(room: &str) -> u8 {
    match room {
        "main" => 6,
        "lib" | "door" => 5,
        "run" => 4,
        "aws" | "github" => 3,
        "cancel" => 2,
        "http" | "console" => 1,
        "core" => 0,
        other => panic!("where does the room `{other}` stand?"),
    }
}

/// No two files use each other, whether by a re-export or at first hand.
pub(crate) fn no_two_files_use_each_other(sources: &[Source]) -> Vec<String> {
    let edges = House::new(sources).edges(sources);
    let all: BTreeSet<(&str, &str)> = edges
        .iter()
        .filter(|edge: &&Edge| !edge.reexport)
        .map(|edge| (edge.from.as_str(), edge.to.as_str()))
        .collect();
    all.iter()
        .filter(|(from, to)| from < to && all.contains(&(*to, *from)))
        .map(|(from, to)| format!("{from} <-> {to}"))
        .collect()
}

/// `core` knows no runtime, no SDK, no environment, no network, no process and no clock. Threads are not forbidden to it:
/// digests and deflate are pure on every core.
pub(crate) fn core_is_pure(sources: &[Source]) -> Vec<String> {
    const CRATES: [&str; 5] = ["tokio", "tokio_util", "octocrab", "reqwest", "hyper"];
    const STANDARD: [&str; 3] = ["env", "net", "process"];
    const CLOCKS: [&str; 4] = ["Utc", "Local", "Instant", "SystemTime"];
    let mut wrong = BTreeSet::new();
    for source in of_core(sources) {
        for names in paths(source) {
            let name = |index: usize| names.get(index).map_or("", String::as_str);
            let clock = names
                .windows(2)
                .any(|pair| CLOCKS.contains(&pair[0].as_str()) && pair[1] == "now" || pair == ["thread", "sleep"]);
            if CRATES.contains(&name(0))
                || name(0).starts_with("aws_")
                || name(0) == "std" && STANDARD.contains(&name(1))
                || clock
            {
                wrong.insert(format!("{}: {}", source.path, names.join("::")));
            }
        }
    }
    wrong.into_iter().collect()
}

/// In `core` only the two scanners touch the file system.
pub(crate) fn only_scanners_touch_files(sources: &[Source]) -> Vec<String> {
    const SCANNERS: [&str; 2] = ["core/site/scan.rs", "core/bundle/scan.rs"];
    const QUESTIONS: [&str; 6] = [
        "canonicalize",
        "exists",
        "try_exists",
        "read_dir",
        "read_link",
        "symlink_metadata",
    ];
    let mut wrong = Vec::new();
    for source in of_core(sources).filter(|source| !SCANNERS.contains(&source.path.as_str())) {
        let imports = paths(source)
            .into_iter()
            .any(|names| names.first().is_some_and(|name| name == "std") && names[1..].iter().any(|name| name == "fs"));
        let asks = source
            .tokens
            .windows(3)
            .any(|three| three[0] == "." && QUESTIONS.contains(&three[1].as_str()) && three[2] == "(");
        if imports || asks {
            wrong.push(source.path.clone());
        }
    }
    wrong
}

fn of_core(sources: &[Source]) -> impl Iterator<Item = &Source> {
    sources.iter().filter(|source| source.path.starts_with("core/"))
}

/// No two types share a name.
pub(crate) fn type_names_are_unique(sources: &[Source]) -> Vec<String> {
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for source in sources {
        for (index, depth, token) in source.with_depth() {
            let type_like = ["struct", "enum", "trait", "union", "type"].contains(&token);
            if depth == 0 && type_like && source.tokens[..index].last().is_none_or(|before| before != ".") {
                places.entry(&source.tokens[index + 1]).or_default().push(&source.path);
            }
        }
    }
    let several = places.into_iter().filter(|(_, places)| places.len() > 1);
    several
        .map(|(name, places)| format!("{name}: {}", places.join(", ")))
        .collect()
}

/// Nothing is `pub` but what `lib.rs` gives to `main.rs`, and the tests' one door: only the files that these two export
/// from have anything to make public, and rustc's `unreachable_pub` sees to the rest of these files.
pub(crate) fn nothing_is_public_but_the_door(sources: &[Source]) -> Vec<String> {
    const DOORS: [&str; 2] = ["lib.rs", "door.rs"];
    let house = House::new(sources);
    let mut doors: BTreeSet<String> = DOORS.iter().flat_map(|door| house.exported_from(door)).collect();
    doors.extend(DOORS.map(ToOwned::to_owned));
    let public = |source: &&Source| {
        let mut pairs = source.tokens.windows(2);
        pairs.any(|pair| pair[0] == "pub" && pair[1] != "(")
    };
    let closed = sources.iter().filter(|source| !doors.contains(&source.path));
    closed.filter(public).map(|source| source.path.clone()).collect()
}

/// Only the console prints, and `main.rs` its version.
pub(crate) fn only_the_console_prints(sources: &[Source]) -> Vec<String> {
    const PRINTERS: [&str; 2] = ["console.rs", "main.rs"];
    const MACROS: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];
    const STREAMS: [&str; 2] = ["stdout", "stderr"];
    let mut wrong = Vec::new();
    for source in sources
        .iter()
        .filter(|source| !PRINTERS.contains(&source.path.as_str()))
    {
        for pair in source.tokens.windows(2) {
            let word = pair[0].as_str();
            if MACROS.contains(&word) && pair[1] == "!" || STREAMS.contains(&word) && pair[1] == "(" {
                wrong.push(format!("{}: {word}", source.path));
            }
        }
    }
    wrong
}

/// No function says only that it looks.
pub(crate) fn functions_say_what_comes_out(sources: &[Source]) -> Vec<String> {
    let named_look = |source: &&Source| {
        source
            .tokens
            .windows(2)
            .any(|pair| pair[0] == "fn" && pair[1] == "look")
    };
    sources
        .iter()
        .filter(named_look)
        .map(|source| source.path.clone())
        .collect()
}

/// A file is one noun, and short.
pub(crate) fn files_are_short<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<String> {
    let long = files.filter(|(_, text)| text.lines().count() > MAX_LINES);
    long.map(|(path, _)| format!("{path}: more than {MAX_LINES} lines"))
        .collect()
}

/// Pages name only files that are there: in `code`, below the directories of the project.
pub(crate) fn pages_name_files_that_are_there<'a>(
    pages: impl Iterator<Item = (&'a str, &'a str)>,
    is_there: impl Fn(&str) -> bool,
) -> Vec<String> {
    const DIRECTORIES: [&str; 8] = ["bench", "data", "docs", "examples", "scripts", "setup", "src", "tests"];
    let mut wrong = Vec::new();
    for (page, text) in pages {
        for word in text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)) {
            let first = word.split_once('/').map_or("", |(first, _)| first);
            let is_path = DIRECTORIES.contains(&first) && !word.contains([' ', '*', '…', '{']);
            if is_path && !is_there(word) {
                wrong.push(format!("{page}: {word}"));
            }
        }
    }
    wrong
}
