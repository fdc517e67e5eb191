use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::*;

fn set(paths: &[&str]) -> BTreeSet<String> {
    paths.iter().map(|&path| path.to_owned()).collect()
}

fn many(format: impl Fn(usize) -> String, count: usize) -> BTreeSet<String> {
    (0..count).map(format).collect()
}

#[track_caller]
fn check(paths: &BTreeSet<String>, expected: &[&str]) {
    assert_eq!(collapse(paths, Limits::default()), expected);
}

#[test]
fn few_paths_stay_as_they_are() {
    check(&set(&[]), &[]);
    check(&set(&["/"]), &["/"]);
    check(
        &set(&["/a/index.html", "/a/", "/b.css"]),
        &["/a/", "/a/index.html", "/b.css"],
    );
    let thirty = many(|n| format!("/a/{n:02}.html"), 30);
    assert_eq!(collapse(&thirty, Limits::default()), Vec::from_iter(thirty));
}

#[test]
fn what_a_wildcard_covers_goes() {
    check(&set(&["/a*", "/a", "/a/b/c", "/ab*", "/b"]), &["/a*", "/b"]);
    check(&set(&["/*", "/a", "/b/*"]), &["/*"]);
}

#[test]
fn one_more_than_the_limit_collapses_one_directory() {
    check(&many(|n| format!("/a/{n:02}.html"), 31), &["/a/*"]);
    let mut paths = many(|n| format!("/a/{n:02}.html"), 40);
    paths.extend(set(&["/", "/index.html", "/b/c.html"]));
    check(&paths, &["/", "/a/*", "/b/c.html", "/index.html"]);
}

#[test]
fn the_deepest_directory_that_helps_is_taken() {
    let mut paths = many(|n| format!("/a/b/c/{n}.js"), 31);
    paths.extend(set(&["/a/x.js", "/a/b/y.js"]));
    check(&paths, &["/a/b/c/*", "/a/b/y.js", "/a/x.js"]);
}

#[test]
fn of_two_directories_the_one_that_swallows_less_is_taken() {
    let mut paths = many(|n| format!("/big/{n:02}.js"), 28);
    paths.extend(set(&["/small/1.js", "/small/2.js", "/small/3.js"]));
    let collapsed = collapse(&paths, Limits::default());
    assert_eq!(collapsed.len(), 29);
    assert_eq!(collapsed.last().map(String::as_str), Some("/small/*"));
}

#[test]
fn more_than_eight_wildcards_are_put_together_further_up() {
    let paths = many(|n| format!("/docs/{}/{n}.html", n % 9), 5000);
    check(&paths, &["/docs/*"]);
    let paths = many(|n| format!("/docs/{}/{n}.html", n % 8), 5000);
    let expected: Vec<String> = (0..8).map(|n| format!("/docs/{n}/*")).collect();
    assert_eq!(collapse(&paths, Limits::default()), expected);
    check(&many(|n| format!("/{n}/index.html"), 5000), &["/*"]);
    check(&many(|n| format!("/{n}.html"), 31), &["/*"]);
}

#[test]
fn wildcards_that_were_given_count() {
    // Nine names with a tilde in one directory: one wildcard.
    let mut paths = many(|n| format!("/js/chunk{n}*"), 9);
    paths.insert("/index.html".into());
    check(&paths, &["/index.html", "/js/*"]);
}

#[test]
fn slashes_in_a_query_string_are_no_directories() {
    let limits = Limits { paths: 1, wildcards: 1 };
    assert_eq!(collapse(&set(&["/a/b?x=/c/d", "/a/b?x=/c/e"]), limits), ["/a/*"]);
}

#[test]
fn deep_trees_are_no_problem() {
    let deep = "/d".repeat(500);
    check(&many(|n| format!("{deep}/{n}"), 31), &[&format!("{deep}/*")]);
}

#[test]
fn a_hundred_thousand_paths_take_no_time() {
    let paths = many(|n| format!("/{}/{}/{}/{n}.html", n % 7, n % 11, n % 101), 100_000);
    let started = std::time::Instant::now();
    let collapsed = collapse(&paths, Limits::default());
    assert_eq!(collapsed.len(), 7);
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

/// Paths of a small tree, some of them wildcards.
fn some_paths() -> impl Strategy<Value = BTreeSet<String>> {
    let path = (
        vec(prop::sample::select(vec!["a/", "b/", "c/"]), 0..4),
        "[a-c]{0,2}\\*?",
    )
        .prop_map(|(directories, name)| format!("/{}{name}", directories.concat()));
    btree_set(path, 0..12)
}

fn some_limits() -> impl Strategy<Value = Limits> {
    (1..8_usize, 1..4_usize).prop_map(|(paths, wildcards)| Limits { paths, wildcards })
}

fn is_within(paths: &[String], limits: Limits) -> bool {
    paths.len() <= limits.paths && paths.iter().filter(|path| path.ends_with('*')).count() <= limits.wildcards
}

fn covers_all(wide: &[String], paths: &BTreeSet<String>) -> bool {
    paths.iter().all(|path| wide.iter().any(|wide| covers(wide, path)))
}

/// Every directory wildcard above `path`, itself left out.
fn directories_above(path: &str) -> Vec<String> {
    path.match_indices('/')
        .map(|(slash, _)| format!("{}*", &path[..=slash]))
        .filter(|wildcard| wildcard != path)
        .collect()
}

proptest! {
    #[test]
    fn every_path_is_covered_within_the_limits(paths in some_paths(), limits in some_limits()) {
        let collapsed = collapse(&paths, limits);
        prop_assert!(covers_all(&collapsed, &paths));
        prop_assert!(is_within(&collapsed, limits), "{collapsed:?}");
    }

    #[test]
    fn collapsing_again_changes_nothing(paths in some_paths(), limits in some_limits()) {
        let collapsed = collapse(&paths, limits);
        let again = collapse(&collapsed.iter().cloned().collect(), limits);
        prop_assert_eq!(again, collapsed);
    }

    /// The order in which keys come cannot matter: they meet in a sorted set.
    #[test]
    fn the_order_of_keys_does_not_matter(keys in vec("[a-c]/[a-c]{1,2}/[a-z]{1,3}|index.html", 0..40)) {
        let view = crate::core::cdn::behaviors::View::assumed("");
        let forward = view.paths(keys.iter().map(String::as_str));
        let backward = view.paths(keys.iter().rev().map(String::as_str));
        prop_assert_eq!(collapse(&forward, Limits::default()), collapse(&backward, Limits::default()));
    }

    #[test]
    fn no_path_can_be_left_out(paths in some_paths(), limits in some_limits()) {
        let collapsed = collapse(&paths, limits);
        for left_out in 0..collapsed.len() {
            let mut fewer = collapsed.clone();
            fewer.remove(left_out);
            prop_assert!(!covers_all(&fewer, &paths), "{} is not needed", collapsed[left_out]);
        }
    }

    /// No wildcard that was not given can be replaced by narrower ones: neither by all the paths below it, nor by
    /// any choice of directories below it.
    #[test]
    fn no_wildcard_can_be_narrowed(paths in some_paths(), limits in some_limits()) {
        let collapsed = collapse(&paths, limits);
        for wildcard in collapsed.iter().filter(|path| !paths.contains(*path)) {
            let below: BTreeSet<String> = paths.iter().filter(|path| covers(wildcard, path)).cloned().collect();
            let narrower: BTreeSet<String> = below
                .iter()
                .flat_map(|path| directories_above(path))
                .filter(|other| other != wildcard && covers(wildcard, other))
                .collect();
            let narrower = Vec::from_iter(narrower);
            let others: Vec<String> = collapsed.iter().filter(|path| *path != wildcard).cloned().collect();
            for choice in 0..1_u32 << narrower.len().min(12) {
                let mut instead: BTreeSet<String> = others.iter().cloned().collect();
                let chosen = (0..narrower.len().min(12)).filter(|bit| choice >> bit & 1 == 1);
                instead.extend(chosen.map(|bit| narrower[bit].clone()));
                let uncovered: Vec<String> =
                    below.iter().filter(|path| !instead.iter().any(|wide| covers(wide, path))).cloned().collect();
                instead.extend(uncovered);
                let instead: Vec<String> =
                    without_covered(&instead).into_iter().map(ToOwned::to_owned).collect();
                prop_assert!(!is_within(&instead, limits), "{instead:?} is narrower than {collapsed:?}");
            }
        }
    }
}
