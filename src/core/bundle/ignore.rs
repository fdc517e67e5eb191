//! Ignore rules: `.ebignore` (see [`crate::core::bundle::ebignore`]), another file, and `package-exclude`.
//!
//! Another file and `package-exclude` follow [gitignore's rules](https://git-scm.com/docs/gitignore): in one file the last
//! pattern that matches decides, a deeper file decides before its parents, patterns given on the command line decide before
//! all files, and nothing below a directory that is left out can come back.

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use gix_ignore::Search;
use gix_ignore::glob::pattern::Case;
use gix_ignore::search::Ignore;

use crate::core::bundle::ebignore::{EBIGNORE, EbIgnore};
use crate::core::error::HintExt as _;

/// Patterns are git's own: `$` at their start is a letter, not gitoxide's mark for precious files.
const PLAIN: Ignore = Ignore {
    support_precious: false,
};

/// Gives the contents of a rules file; `None` where there is no file.
pub(crate) type ReadRules = fn(&Path) -> io::Result<Option<Vec<u8>>>;

/// The rules in force at one point of the walk.
#[derive(Debug)]
pub(crate) struct IgnoreRules {
    root: PathBuf,
    read_rules: ReadRules,
    excludes: Search,
    /// `.ebignore` at the top of the package.
    ebignore: Option<EbIgnore>,
    /// `.ebignore` is the file to read, whether it is there or not.
    reads_ebignore: bool,
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
    /// The rules for the package at `root`, whose rules files `read_rules` reads.
    ///
    /// # Errors
    /// A pattern of `exclude` that can never match, or a rules file that does not exist.
    pub(crate) fn new(
        root: &Path,
        ignore_file: Option<&str>,
        exclude: &[String],
        read_rules: ReadRules,
    ) -> anyhow::Result<Self> {
        for pattern in exclude {
            if let Some(why) = never_matches(pattern) {
                return Err(anyhow!(
                    "cannot read the pattern `{pattern}` of `package-exclude`: {why}"
                ));
            }
        }
        let mut rules = Self {
            root: root.to_owned(),
            read_rules,
            excludes: Search::from_overrides(exclude, PLAIN),
            ebignore: None,
            reads_ebignore: ignore_file.is_none_or(|file| file == EBIGNORE),
            files: Search::default(),
            outside: Vec::new(),
            nested_name: None,
            must_exist: ignore_file.is_some(),
            found: false,
            warnings: Vec::new(),
        };
        match ignore_file {
            Some(file) if file.contains('/') => {
                if !rules.read(&root.join(file))? {
                    return Err(no_such_file(file));
                }
            }
            Some(name) if name != EBIGNORE => rules.nested_name = Some(name.to_owned()),
            _ => rules.read_ebignore()?,
        }
        Ok(rules)
    }

    fn read_ebignore(&mut self) -> anyhow::Result<()> {
        let read = (self.read_rules)(&self.root.join(EBIGNORE));
        if let Some(contents) = read.with_context(|| format!("cannot read `{EBIGNORE}`"))? {
            let (ebignore, warning) = EbIgnore::parse(&contents)?;
            self.ebignore = Some(ebignore);
            self.warnings.extend(warning);
        } else if self.must_exist {
            return Err(no_such_file(EBIGNORE));
        }
        Ok(())
    }

    /// Goes into `directory`: its rules file is in force until [`Self::leave`].
    ///
    /// # Errors
    /// A rules file that cannot be read.
    pub(crate) fn enter(&mut self, directory: &Path) -> anyhow::Result<()> {
        self.outside.push(self.files.patterns.len());
        if let Some(name) = &self.nested_name {
            self.read(&directory.join(name))?;
        }
        Ok(())
    }

    /// Goes back to the parent of the directory entered last.
    pub(crate) fn leave(&mut self) {
        if let Some(outside) = self.outside.pop() {
            self.files.patterns.truncate(outside);
        }
    }

    /// Whether the rules leave `path` out (relative to the package), a child of the directory entered last; a directory
    /// with everything below it.
    #[must_use]
    pub(crate) fn leave_out(&self, path: &str, is_directory: bool) -> bool {
        let matching = |search: &Search| {
            search
                .pattern_matching_relative_path(path.into(), Some(is_directory), Case::Sensitive)
                .map(|found| !found.pattern.is_negative())
        };
        if let Some(is_left_out) = matching(&self.excludes) {
            return is_left_out;
        }
        match &self.ebignore {
            Some(ebignore) if is_directory => ebignore.leaves_out_all_below(path),
            Some(ebignore) => ebignore.leaves_out(path),
            None => matching(&self.files).unwrap_or(false),
        }
    }

    /// Whether rules decide about files only, so that a directory is there when something in it is.
    #[must_use]
    pub(crate) fn decide_by_file(&self) -> bool {
        self.ebignore.is_some()
    }

    /// Notes a `.ebignore` at `path`, which is not at the top.
    pub(crate) fn note_nested(&mut self, path: &str) {
        if self.reads_ebignore {
            self.warnings.push(format!(
                "`{path}` is not read: as for `eb deploy`, only the `{EBIGNORE}` at the top of the package counts"
            ));
        }
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

    /// Adds the patterns of `file`, if there is one: those of a nested one are relative to its directory, else to the
    /// package.
    fn read(&mut self, file: &Path) -> anyhow::Result<bool> {
        let shown = file.display();
        let read = (self.read_rules)(file).with_context(|| format!("cannot read the ignore file `{shown}`"))?;
        let Some(text) = read else {
            return Ok(false);
        };
        self.found = true;
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
            .with_context(|| format!("cannot use the ignore file `{shown}`"))?;
        Ok(true)
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
        .hint("correct `package-ignore-file`, or omit it: an `.ebignore` is used where one exists")
}
