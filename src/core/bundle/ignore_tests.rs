//! Ignore rules beside those who define them: git, and the EB CLI.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::core::bundle::scan::{EntryKind, rules as rules_of, scan};

/// What git, which defines these rules, would not ignore.
fn by_git(root: &Path) -> Vec<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .args(["-c", "safe.directory=*", "-c", "core.excludesFile=/dev/null"])
            .args(arguments)
            .current_dir(root)
            .output()
            .expect("git runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8 names")
    };
    git(&["init", "--quiet"]);
    let listing = git(&["ls-files", "--others", "-z", "--exclude-per-directory=.ignore"]);
    let mut names: Vec<String> = listing.split_terminator('\0').map(ToOwned::to_owned).collect();
    names.sort();
    names
}

fn by_us(root: &Path) -> Vec<String> {
    let rules = rules_of(root, Some(".ignore"), &[]).expect("rules");
    let selection = scan(root, rules).expect("a selection");
    let files = selection
        .entries
        .into_iter()
        .filter(|(_, kind)| *kind != EntryKind::Directory);
    files.map(|(path, _)| path).collect()
}

#[test]
fn leaves_out_what_git_would() {
    let trees: [&[(&str, &str)]; 5] = [
        &[(
            ".ignore",
            "*.log\n!keep.log\n/build\ndoc/*.txt\nfoo/**/bar\n# comment\n\\#file\n",
        )],
        &[
            (".ignore", "node_modules/\n*.tmp\n"),
            ("a/.ignore", "!x.tmp\n/y\n"),
            ("a/b/.ignore", "*\n!x.tmp\n"),
        ],
        &[(".ignore", "/*\n!/a\n!/keep.log\n/a/*\n!/a/b\n")],
        &[
            (".ignore", "[ax]*\n!a\ntrailing \n\\!bang\n**/deep\nb/\n"),
            ("a/.ignore", "*.log\n"),
        ],
        &[(".ignore", "a\n!a/x.tmp\n\r\n"), ("foo/.ignore", "bar\n!/bar\n")],
    ];
    for rules in trees {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        for path in [
            "x.log",
            "keep.log",
            "build/out",
            "sub/build/out",
            "doc/a.txt",
            "doc/sub/b.txt",
            "foo/bar",
            "foo/1/2/bar",
            "#file",
            "node_modules/m.js",
            "a/node_modules/n.js",
            "a/x.tmp",
            "a/y",
            "a/b/y",
            "a/b/x.tmp",
            "a/b/c/x.tmp",
            "b/z",
            "trailing",
            "!bang",
            "deep/file",
            "q/deep",
            "a/b/keep.log",
            ".hidden",
            ".ebextensions/a.config",
        ] {
            let file = root.join(path);
            fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
            fs::write(file, "").expect("a file");
        }
        for (path, content) in rules {
            fs::write(root.join(path), content).expect("a file");
        }
        assert_eq!(by_us(root), by_git(root), "{rules:?}");
    }
}

/// Rule sets of `.ebignore` on one tree, beside what the EB CLI's own code made of them (`tests/vectors/ebignore.py`).
#[test]
fn ebignore_means_what_eb_deploy_makes_of_it() {
    let recording: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/vectors/ebignore.json")).expect("JSON");
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    for name in recording["files"].as_array().expect("files") {
        let file = root.join(name.as_str().expect("a name"));
        fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
        fs::write(file, "").expect("a file");
    }
    for (name, target) in recording["links"].as_object().expect("links") {
        std::os::unix::fs::symlink(target.as_str().expect("a target"), root.join(name)).expect("a link");
    }
    let sets = recording["sets"].as_array().expect("sets");
    assert!(sets.len() >= 50, "{}", sets.len());
    for set in sets {
        let rules = set["rules"].as_str().expect("rules");
        fs::write(root.join(".ebignore"), rules).expect("a file");
        let selected = rules_of(root, None, &[]).and_then(|rules| scan(root, rules));
        let Some(bundled) = set["bundled"].as_array() else {
            assert!(selected.is_err(), "{rules:?}: {}", set["error"]);
            continue;
        };
        let entries = selected.expect(rules).entries;
        let ours: Vec<&str> = entries
            .iter()
            .filter(|(_, kind)| **kind != EntryKind::Directory)
            .map(|(path, _)| path.as_str())
            .collect();
        let theirs: Vec<&str> = bundled.iter().filter_map(serde_json::Value::as_str).collect();
        assert_eq!(ours, theirs, "{rules:?}");
    }
}

#[test]
fn package_exclude_goes_before_the_files() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    fs::write(root.join(".ignore"), "!secret\n*.log\n").expect("a file");
    for name in ["secret", "a.log", "b.log"] {
        fs::write(root.join(name), "").expect("a file");
    }
    let rules = rules_of(root, Some(".ignore"), &["secret".into(), "!a.log".into()]).expect("rules");
    let names: Vec<String> = scan(root, rules).expect("a selection").entries.into_keys().collect();
    assert_eq!(names, [".ignore", "a.log"]);
}

#[test]
fn a_pattern_that_never_matches_is_told() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    let never = ["a[b", "[]", "[!]", "a[\\]", "[[:alpha:]", "secret\\"];
    let fine = [
        "a\\[b",
        "[]]",
        "[!]a]",
        "[[:alpha:]]",
        "[\\]]",
        "a]",
        "a{b",
        "\\\\",
        "\\ü",
        "[ü]",
        "[[]",
    ];
    for pattern in never {
        let error = rules_of(root, None, &[pattern.into()]).expect_err(pattern);
        assert!(error.to_string().contains(pattern), "{error}");
    }
    for pattern in fine {
        rules_of(root, None, &[pattern.into()]).expect(pattern);
    }
    // What git makes of them: were one of them to match, `git ls-files` would not name its file.
    let names = ["a[b", "a[", "[]", "]", "!]", "secret", "secret\\", "ab", "[", "x"];
    for name in names {
        fs::write(root.join(name), "").expect("a file");
    }
    fs::write(root.join(".ignore"), never.join("\n")).expect("a file");
    let mut every_name: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    every_name.push(".ignore".into());
    every_name.sort();
    assert_eq!(by_git(root), every_name);
    assert_eq!(by_us(root), every_name);
    let rules = rules_of(root, Some(".ignore"), &[]).expect("rules");
    let warnings = scan(root, rules).expect("a selection").warnings;
    assert_eq!(warnings.len(), never.len(), "{warnings:?}");
    fs::write(root.join(".ignore"), fine.join("\n")).expect("a file");
    assert_eq!(by_us(root), by_git(root));
}

#[test]
fn long_patterns_need_no_stack() {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path();
    fs::write(root.join("a"), "").expect("a file");
    for pattern in ["a/", "*/", "**/", "[a]/", "?/"] {
        let long = pattern.repeat(200_000);
        fs::write(root.join(".ignore"), &long).expect("a file");
        for ignore_file in [None, Some(".ignore")] {
            let rules = rules_of(root, ignore_file, std::slice::from_ref(&long)).expect(pattern);
            assert!(scan(root, rules).expect(pattern).entries.contains_key("a"), "{pattern}");
        }
        // The EB CLI's rules may refuse so long a pattern, but never fall over it.
        fs::write(root.join(".ebignore"), &long).expect("a file");
        let selection = rules_of(root, None, &[]).and_then(|rules| scan(root, rules));
        assert!(selection.is_err() || selection.is_ok_and(|selection| selection.entries.contains_key("a")));
        fs::remove_file(root.join(".ebignore")).expect("removed");
    }
}
