//! Ignore rules: `.ebignore` files (or another name), a single rules file, and `package-exclude`.
//!
//! [gitignore's rules](https://git-scm.com/docs/gitignore): in one file the last pattern that matches decides, a deeper
//! file decides before its parents, patterns given on the command line decide before all files, and nothing below
//! a directory that is left out can come back.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::failure::HintExt as _;

/// The name that the EB CLI reads
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/eb-cli3-configuration.html#eb-cli3-ebignore>).
pub const EBIGNORE: &str = ".ebignore";

/// The rules in force at one point of the walk.
#[derive(Debug)]
pub struct Rules {
    excludes: Gitignore,
    /// `package-ignore-file` with a `/` in it: one file, its patterns relative to the package.
    single: Option<Gitignore>,
    /// The name of the files to look for in every directory.
    nested_name: Option<String>,
    /// It was asked for: its absence is an error.
    must_exist: bool,
    found: bool,
    stack: Vec<Gitignore>,
    warnings: Vec<String>,
}

impl Rules {
    /// The rules for the package at `root`.
    ///
    /// # Errors
    /// A pattern of `exclude` that cannot be read, or a rules file that does not exist.
    pub fn new(root: &Path, ignore_file: Option<&str>, exclude: &[String]) -> anyhow::Result<Self> {
        let mut builder = GitignoreBuilder::new(root);
        for pattern in exclude {
            builder
                .add_line(None, pattern)
                .with_context(|| format!("cannot read the pattern `{pattern}` of `package-exclude`"))?;
        }
        let mut rules = Self {
            excludes: builder.build().context("cannot read `package-exclude`")?,
            single: None,
            nested_name: None,
            must_exist: ignore_file.is_some(),
            found: false,
            stack: Vec::new(),
            warnings: Vec::new(),
        };
        match ignore_file {
            Some(file) if file.contains('/') => {
                let path = root.join(file);
                if !path.is_file() {
                    return Err(no_such_file(file));
                }
                let read = rules.read(root, &path);
                rules.single = Some(read?);
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
    pub fn enter(&mut self, directory: &Path) -> anyhow::Result<()> {
        let file: Option<PathBuf> = self
            .nested_name
            .as_ref()
            .map(|name| directory.join(name))
            .filter(|path| path.is_file());
        let rules = match file {
            Some(file) => {
                self.found = true;
                self.read(directory, &file)?
            }
            None => Gitignore::empty(),
        };
        self.stack.push(rules);
        Ok(())
    }

    /// Goes back to the parent of the directory entered last.
    pub fn leave(&mut self) {
        self.stack.pop();
    }

    /// Whether the rules leave `path` out, a child of the directory entered last.
    #[must_use]
    pub fn leave_out(&self, path: &Path, is_directory: bool) -> bool {
        let layers = [&self.excludes]
            .into_iter()
            .chain(self.stack.iter().rev())
            .chain(&self.single);
        for layer in layers.filter(|layer| !layer.is_empty()) {
            match layer.matched(path, is_directory) {
                Match::None => {}
                Match::Ignore(_) => return true,
                Match::Whitelist(_) => return false,
            }
        }
        false
    }

    /// Checks, after the walk, that a file which the user named was there.
    ///
    /// # Errors
    /// When no such file was found.
    pub fn check_used(&self) -> anyhow::Result<()> {
        match &self.nested_name {
            Some(name) if self.must_exist && !self.found => Err(no_such_file(name)),
            _ => Ok(()),
        }
    }

    /// What is wrong with the rules files, though not fatal: git skips such patterns too.
    #[must_use]
    pub fn into_warnings(self) -> Vec<String> {
        self.warnings
    }

    fn read(&mut self, root: &Path, file: &Path) -> anyhow::Result<Gitignore> {
        let text = std::fs::read(file).with_context(|| format!("cannot read the ignore file `{}`", file.display()))?;
        let text = String::from_utf8_lossy(&text);
        let mut builder = GitignoreBuilder::new(root);
        for line in text.strip_prefix('\u{feff}').unwrap_or(&text).lines() {
            if let Err(error) = builder.add_line(Some(file.to_owned()), line) {
                self.warnings.push(format!(
                    "`{}` has a pattern that is skipped: `{line}` ({error})",
                    file.display()
                ));
            }
        }
        builder
            .build()
            .with_context(|| format!("cannot use the ignore file `{}`", file.display()))
    }
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
    use crate::bundle::select::{Kind, select};

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
        let rules = Rules::new(root, None, &[]).expect("rules");
        let selection = select(root, rules).expect("a selection");
        let files = selection
            .entries
            .into_iter()
            .filter(|(_, kind)| *kind != Kind::Directory);
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
        let rules = Rules::new(root, None, &["secret".into(), "!a.log".into()]).expect("rules");
        let names: Vec<String> = select(root, rules).expect("a selection").entries.into_keys().collect();
        assert_eq!(names, [".ebignore", "a.log"]);
        assert!(Rules::new(root, None, &["a{b".into()]).is_err());
    }
}
