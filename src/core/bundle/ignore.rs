//! Ignore rules: `.ebignore` files (or another name), a single rules file, and `package-exclude`.
//!
//! [gitignore's rules](https://git-scm.com/docs/gitignore): in one file the last pattern that matches decides, a deeper
//! file decides before its parents, patterns given on the command line decide before all files, and nothing below
//! a directory that is left out can come back.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use gix_ignore::Search;
use gix_ignore::glob::pattern::Case;
use gix_ignore::search::Ignore;

use crate::core::error::HintExt as _;

/// The name that the EB CLI reads
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/eb-cli3-configuration.html#eb-cli3-ebignore>).
pub(crate) const EBIGNORE: &str = ".ebignore";

/// Patterns are git's own: `$` at their start is a letter, not gitoxide's mark for precious files.
const PLAIN: Ignore = Ignore {
    support_precious: false,
};

/// The rules in force at one point of the walk.
#[derive(Debug)]
pub(crate) struct IgnoreRules {
    root: PathBuf,
    excludes: Search,
    /// The rules files in force, the one that decides first at the end: a single one (`package-ignore-file` with a `/` in
    /// it, its patterns relative to the package), or those of the directories entered.
    files: Search,
    /// How many of `files` were in force outside of each directory entered.
    outside: Vec<usize>,
    /// The name of the files to look for in every directory.
    nested_name: Option<String>,
    /// It was asked for: its absence is an error.
    must_exist: bool,
    found: bool,
    warnings: Vec<String>,
}

impl IgnoreRules {
    /// The rules for the package at `root`.
    ///
    /// # Errors
    /// A pattern of `exclude` that can never match, or a rules file that does not exist.
    pub(crate) fn new(root: &Path, ignore_file: Option<&str>, exclude: &[String]) -> anyhow::Result<Self> {
        for pattern in exclude {
            if let Some(why) = never_matches(pattern) {
                return Err(anyhow!(
                    "cannot read the pattern `{pattern}` of `package-exclude`: {why}"
                ));
            }
        }
        let mut rules = Self {
            root: root.to_owned(),
            excludes: Search::from_overrides(exclude, PLAIN),
            files: Search::default(),
            outside: Vec::new(),
            nested_name: None,
            must_exist: ignore_file.is_some(),
            found: false,
            warnings: Vec::new(),
        };
        match ignore_file {
            Some(file) if file.contains('/') => {
                let path = root.join(file);
                if !path.is_file() {
                    return Err(no_such_file(file));
                }
                rules.read(&path)?;
                rules.found = true;
            }
            Some(name) => rules.nested_name = Some(name.to_owned()),
            None => rules.nested_name = Some(EBIGNORE.to_owned()),
        }
        Ok(rules)
    }

    /// Goes into `directory`: its rules file is in force until [`Self::leave`].
    ///
    /// # Errors
    /// A rules file that cannot be read.
    pub(crate) fn enter(&mut self, directory: &Path) -> anyhow::Result<()> {
        self.outside.push(self.files.patterns.len());
        let file: Option<PathBuf> = self
            .nested_name
            .as_ref()
            .map(|name| directory.join(name))
            .filter(|path| path.is_file());
        if let Some(file) = file {
            self.found = true;
            self.read(&file)?;
        }
        Ok(())
    }

    /// Goes back to the parent of the directory entered last.
    pub(crate) fn leave(&mut self) {
        if let Some(outside) = self.outside.pop() {
            self.files.patterns.truncate(outside);
        }
    }

    /// Whether the rules leave `path` out (relative to the package), a child of the directory entered last.
    #[must_use]
    pub(crate) fn leave_out(&self, path: &str, is_directory: bool) -> bool {
        let found = [&self.excludes, &self.files]
            .into_iter()
            .find_map(|search| search.pattern_matching_relative_path(path.into(), Some(is_directory), Case::Sensitive));
        found.is_some_and(|found| !found.pattern.is_negative())
    }

    /// Checks, after the walk, that a file which the user named was there.
    ///
    /// # Errors
    /// When no such file was found.
    pub(crate) fn check_used(&self) -> anyhow::Result<()> {
        match &self.nested_name {
            Some(name) if self.must_exist && !self.found => Err(no_such_file(name)),
            _ => Ok(()),
        }
    }

    /// What is wrong with the rules files, though not fatal: git skips such patterns too.
    #[must_use]
    pub(crate) fn into_warnings(self) -> Vec<String> {
        self.warnings
    }

    /// Adds the patterns of `file`: those of a nested one are relative to its directory, else to the package.
    fn read(&mut self, file: &Path) -> anyhow::Result<()> {
        let shown = file.display();
        let text = std::fs::read(file).with_context(|| format!("cannot read the ignore file `{shown}`"))?;
        for line in String::from_utf8_lossy(&text).lines() {
            if !line.starts_with('#')
                && let Some(why) = never_matches(line)
            {
                let warning = format!("`{shown}` has a pattern that never matches: `{line}` ({why})");
                self.warnings.push(warning);
            }
        }
        let root = self.nested_name.is_some().then_some(self.root.as_path());
        self.files
            .add_patterns_buffer(&text, file, root, PLAIN)
            .with_context(|| format!("cannot use the ignore file `{shown}`"))
    }
}

/// Why no path can match `pattern`: git takes such a pattern without a word, and what it should leave out goes in.
fn never_matches(pattern: &str) -> Option<&'static str> {
    let mut rest = pattern;
    while let Some(found) = rest.find(['\\', '[']) {
        let after = &rest[found + 1..];
        rest = if rest[found..].starts_with('[') {
            match after_class(after) {
                Some(after) => after,
                None => return Some("it has a `[` without its `]`; a literal one is written `\\[`"),
            }
        } else {
            match after_character(after) {
                Some(after) => after,
                None => return Some("it ends with a `\\`, which escapes nothing"),
            }
        };
    }
    None
}

/// What follows the character class whose `[` stands before `class`.
fn after_class(class: &str) -> Option<&str> {
    let mut rest = class.strip_prefix(['!', '^']).unwrap_or(class);
    // Where it comes first, `]` is a member.
    rest = rest.strip_prefix(']').unwrap_or(rest);
    loop {
        let found = rest.find([']', '\\', '['])?;
        let after = &rest[found + 1..];
        rest = match rest.as_bytes()[found] {
            b']' => return Some(after),
            b'\\' => after_character(after)?,
            _ => match after.strip_prefix(':').map(|name| name.split_once(']')) {
                Some(None) => return None,
                Some(Some((name, after_name))) if name.ends_with(':') => after_name,
                // No name of a class: the bracket is a member.
                _ => after,
            },
        };
    }
}

fn after_character(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    characters.next().map(|_| characters.as_str())
}

fn no_such_file(name: &str) -> anyhow::Error {
    anyhow!("cannot find the ignore file `{name}` in the package")
        .hint("correct `package-ignore-file`, or leave it away: `.ebignore` is used where there is one")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use super::*;
    use crate::core::bundle::select::{EntryKind, select};

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
        let listing = git(&["ls-files", "--others", "-z", "--exclude-per-directory=.ebignore"]);
        let mut names: Vec<String> = listing.split_terminator('\0').map(ToOwned::to_owned).collect();
        names.sort();
        names
    }

    fn by_us(root: &Path) -> Vec<String> {
        let rules = IgnoreRules::new(root, None, &[]).expect("rules");
        let selection = select(root, rules).expect("a selection");
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
                ".ebignore",
                "*.log\n!keep.log\n/build\ndoc/*.txt\nfoo/**/bar\n# comment\n\\#file\n",
            )],
            &[
                (".ebignore", "node_modules/\n*.tmp\n"),
                ("a/.ebignore", "!x.tmp\n/y\n"),
                ("a/b/.ebignore", "*\n!x.tmp\n"),
            ],
            &[(".ebignore", "/*\n!/a\n!/keep.log\n/a/*\n!/a/b\n")],
            &[
                (".ebignore", "[ax]*\n!a\ntrailing \n\\!bang\n**/deep\nb/\n"),
                ("a/.ebignore", "*.log\n"),
            ],
            &[(".ebignore", "a\n!a/x.tmp\n\r\n"), ("foo/.ebignore", "bar\n!/bar\n")],
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

    #[test]
    fn package_exclude_goes_before_the_files() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path();
        fs::write(root.join(".ebignore"), "!secret\n*.log\n").expect("a file");
        for name in ["secret", "a.log", "b.log"] {
            fs::write(root.join(name), "").expect("a file");
        }
        let rules = IgnoreRules::new(root, None, &["secret".into(), "!a.log".into()]).expect("rules");
        let names: Vec<String> = select(root, rules).expect("a selection").entries.into_keys().collect();
        assert_eq!(names, [".ebignore", "a.log"]);
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
            let error = IgnoreRules::new(root, None, &[pattern.into()]).expect_err(pattern);
            assert!(error.to_string().contains(pattern), "{error}");
        }
        for pattern in fine {
            IgnoreRules::new(root, None, &[pattern.into()]).expect(pattern);
        }
        // What git makes of them: were one of them to match, `git ls-files` would not name its file.
        let names = ["a[b", "a[", "[]", "]", "!]", "secret", "secret\\", "ab", "[", "x"];
        for name in names {
            fs::write(root.join(name), "").expect("a file");
        }
        fs::write(root.join(".ebignore"), never.join("\n")).expect("a file");
        let mut all: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        all.push(".ebignore".into());
        all.sort();
        assert_eq!(by_git(root), all);
        assert_eq!(by_us(root), all);
        let rules = IgnoreRules::new(root, None, &[]).expect("rules");
        let warnings = select(root, rules).expect("a selection").warnings;
        assert_eq!(warnings.len(), never.len(), "{warnings:?}");
        fs::write(root.join(".ebignore"), fine.join("\n")).expect("a file");
        assert_eq!(by_us(root), by_git(root));
    }
}
