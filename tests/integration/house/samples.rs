//! What breaks a rule is found, and what only looks like it is not.

use std::collections::BTreeMap;

use super::rules;
use super::source::{Source, production};

/// The sources of these files, with an empty `mod.rs` for every directory without one.
fn house(files: &[(&str, &str)]) -> Vec<Source> {
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    for (path, _) in files {
        for (slash, _) in path.match_indices('/') {
            all.insert(format!("{}/mod.rs", &path[..slash]), String::new());
        }
    }
    all.extend(
        files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned())),
    );
    production(&all.into_iter().collect::<Vec<_>>())
}

#[test]
fn an_arrow_that_runs_up_or_aside_is_found() {
    let sources = house(&[
        ("lib.rs", "pub(crate) mod aws; pub use crate::run::run;"),
        ("run/mod.rs", "use crate::aws::s3::Bucket; use crate::core::site::Plan;"),
        (
            "aws/s3.rs",
            "use crate::core::site::Plan; use crate::http::Client; pub(crate) struct Bucket;",
        ),
        ("aws/up.rs", "fn f() { crate::run::report() }"),
        (
            "aws/aside.rs",
            "use crate::{core::site::Plan, github::{api::Api as Hub}};",
        ),
        (
            "github/api.rs",
            "use super::super::http::Client; pub(crate) struct Api;",
        ),
        ("http/mod.rs", "pub(crate) struct Client;"),
        (
            "core/mod.rs",
            "pub(crate) mod site; pub(crate) use crate::aws::s3::Bucket;",
        ),
        (
            "core/site.rs",
            "pub(crate) struct Plan; #[cfg(test)] mod tests { use crate::aws::s3::Bucket; }",
        ),
        ("core/through.rs", "fn f(b: super::Bucket) {}"),
    ]);
    assert_eq!(
        rules::arrows_run_down(&sources),
        [
            "aws/aside.rs -> github/api.rs",
            "aws/up.rs -> run/mod.rs",
            "core/mod.rs -> aws/s3.rs",
            "core/through.rs -> aws/s3.rs",
        ]
    );
}

#[test]
fn two_files_that_use_each_other_are_found_also_through_a_module() {
    let sources = house(&[
        ("core/a.rs", "use super::b::B; pub(crate) struct A;"),
        ("core/b.rs", "pub(crate) struct B; fn f() { crate::core::a::A }"),
        (
            "core/m/mod.rs",
            "mod x; mod y; pub(crate) use self::x::X; pub(crate) use y::*;",
        ),
        ("core/m/x.rs", "use super::y::Y; pub(crate) struct X;"),
        (
            "core/m/y.rs",
            "use crate::core::m::{self, X as Other}; pub(crate) struct Y;",
        ),
        ("core/n/mod.rs", "pub(crate) mod z; pub(crate) const N: u8 = z::Z;"),
        ("core/n/z.rs", "use super::N; pub(crate) const Z: u8 = 1;"),
        ("core/c.rs", "use super::d; fn f() { d::D }"),
        ("core/d.rs", "use super::{a::A, e::E}; pub(crate) struct D;"),
        (
            "core/e.rs",
            "#[cfg(test)] mod tests { use crate::core::d::D; } pub(crate) struct E;",
        ),
    ]);
    assert_eq!(
        rules::no_two_files_use_each_other(&sources),
        [
            "core/a.rs <-> core/b.rs",
            "core/m/x.rs <-> core/m/y.rs",
            "core/n/mod.rs <-> core/n/z.rs",
        ]
    );
}

#[test]
fn an_impure_core_is_found() {
    let sources = house(&[
        (
            "core/a.rs",
            "use tokio::time::sleep; use std::{collections::BTreeMap, env};",
        ),
        (
            "core/b.rs",
            "fn f() { let (a, b) = (chrono::Utc::now(), std::time::Instant::now()); }",
        ),
        ("core/c.rs", "use aws_sdk_s3::types::Object as Listed;"),
        (
            "core/d.rs",
            "use std::time::Instant; fn f(now: Instant) {} // Utc::now() comes from outside",
        ),
        (
            "core/e.rs",
            "#[cfg(test)] mod tests { fn f() { std::env::temp_dir(); } }",
        ),
        ("run/f.rs", "use tokio::time::sleep; fn f() { chrono::Utc::now() }"),
    ]);
    assert_eq!(
        rules::core_is_pure(&sources),
        [
            "core/a.rs: std::env",
            "core/a.rs: tokio::time::sleep",
            "core/b.rs: chrono::Utc::now",
            "core/b.rs: std::time::Instant::now",
            "core/c.rs: aws_sdk_s3::types::Object",
        ]
    );
}

#[test]
fn files_that_are_touched_outside_the_scanners_are_found() {
    let sources = house(&[
        (
            "core/site/scan.rs",
            "use std::fs::File; fn f(path: &Path) { path.read_dir() }",
        ),
        ("core/site/plan.rs", "use std::{fmt, fs::{self, File}};"),
        ("core/site/filter.rs", "fn f(path: &Path) -> bool { path.exists() }"),
        (
            "core/site/diff.rs",
            "fn f(exists: bool, path: &Path) { path.join(exists.to_string()) }",
        ),
        ("aws/s3/put.rs", "use std::fs;"),
    ]);
    assert_eq!(
        rules::only_scanners_touch_files(&sources),
        ["core/site/filter.rs", "core/site/plan.rs"]
    );
}

#[test]
fn a_type_name_that_is_used_twice_is_found() {
    let sources = house(&[
        (
            "core/a.rs",
            "pub(crate) struct Plan; enum Only { Plan } impl Trait for Plan { type Error = u8; }",
        ),
        ("run/b.rs", "type Plan = u8; trait Trait { type Error; }"),
        ("aws/c.rs", "#[cfg(test)] mod tests { struct Only; }"),
    ]);
    assert_eq!(rules::type_names_are_unique(&sources), ["Plan: core/a.rs, run/b.rs"]);
}

#[test]
fn what_is_public_without_a_door_is_found() {
    let sources = house(&[
        (
            "lib.rs",
            "pub use crate::console::Console; pub fn run() {} pub(crate) mod core;",
        ),
        (
            "door.rs",
            "pub use crate::core::policy::{Scope as PolicyScope, text}; pub struct Door(pub u8);",
        ),
        (
            "console.rs",
            "pub struct Console; impl Console { pub fn line(&self) {} }",
        ),
        ("core/mod.rs", "pub(crate) mod policy; pub mod plan;"),
        (
            "core/policy.rs",
            "pub struct Scope { pub bucket: u8 } pub const fn text() {}",
        ),
        (
            "core/plan.rs",
            "pub(crate) struct Plan { pub key: u8, pub(crate) size: u8 }",
        ),
    ]);
    assert_eq!(
        rules::nothing_is_public_but_the_door(&sources),
        ["core/mod.rs", "core/plan.rs"]
    );
}

#[test]
fn whoever_prints_beside_the_console_is_found() {
    let sources = house(&[
        ("console.rs", "fn f() { std::io::stdout(); }"),
        ("run/a.rs", "use std::io::stderr; fn f() { stderr().write_all(b\"\"); }"),
        ("run/b.rs", "fn f() { println!(\"x\"); }"),
        ("run/c.rs", "fn f(stdout: u8) -> &str { \"println!(stdout())\" }"),
    ]);
    assert_eq!(
        rules::only_the_console_prints(&sources),
        ["run/a.rs: stderr", "run/b.rs: println"]
    );
}

#[test]
fn a_function_that_only_looks_is_found() {
    let sources = house(&[
        ("run/a.rs", "async fn look() {}"),
        ("run/b.rs", "fn look_up() { look() }"),
    ]);
    assert_eq!(rules::functions_say_what_comes_out(&sources), ["run/a.rs"]);
}

#[test]
fn a_long_file_is_found() {
    let (long, short) = ("x\n".repeat(rules::MAX_LINES + 1), "x\n".repeat(rules::MAX_LINES));
    let files = [("src/long.rs", long.as_str()), ("src/short.rs", short.as_str())];
    assert_eq!(
        rules::files_are_short(files.into_iter()),
        ["src/long.rs: more than 400 lines"]
    );
}

#[test]
fn a_page_that_names_a_file_that_is_gone_is_found() {
    let text = "`src/there.rs` and `src/gone.rs`, `dist/` and `src/*.rs`\nsrc/only/words.rs, `tests/gone`";
    assert_eq!(
        rules::pages_name_files_that_are_there([("docs/a.md", text)].into_iter(), |path| path == "src/there.rs"),
        ["docs/a.md: src/gone.rs", "docs/a.md: tests/gone"]
    );
}

#[test]
#[should_panic(expected = "no exception any more")]
fn an_exception_that_is_not_needed_is_found() {
    super::check("rule", &[], &["src/mended.rs"]);
}

#[test]
#[should_panic(expected = "src/new.rs")]
fn a_complaint_without_an_exception_is_found() {
    super::check("rule", &["src/new.rs".to_owned()], &["src/old.rs"]);
}
