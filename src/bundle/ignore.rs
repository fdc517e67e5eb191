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
