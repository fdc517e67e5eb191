//! `.ebignore`, with the meaning that `eb deploy` gives it.
//!
//! Read from the EB CLI's `ebcli/core/fileoperations.py` (awsebcli 3.27.5) and held to a recording of it
//! (`tests/vectors/ebignore.json`): only the file at the top counts; the last pattern that matches a **file** decides, so
//! that one below a directory that is left out comes back; a directory is there when something in it is; `*~` and the
//! file itself stay out.

use anyhow::anyhow;

use crate::core::bundle::gitwildmatch::GitWildMatch;
use crate::core::error::HintExt as _;

/// The name of the file
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/eb-cli3-configuration.html#eb-cli3-ebignore>).
pub(crate) const EBIGNORE: &str = ".ebignore";

/// Where Python ends a line (<https://docs.python.org/3/library/stdtypes.html#str.splitlines>).
const LINE_ENDS: [char; 10] = [
    '\n', '\r', '\x0b', '\x0c', '\x1c', '\x1d', '\x1e', '\u{85}', '\u{2028}', '\u{2029}',
];

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The rules of the file.
#[derive(Debug)]
pub(crate) struct EbIgnore {
    patterns: Vec<GitWildMatch>,
}

impl EbIgnore {
    /// Reads the contents of the file, and says what a person should know of them.
    ///
    /// # Errors
    /// What the EB CLI cannot read either.
    pub(crate) fn parse(contents: &[u8]) -> anyhow::Result<(Self, Option<String>)> {
        let text = std::str::from_utf8(contents)
            .map_err(|_| anyhow!("cannot use `{EBIGNORE}`: it is not UTF-8"))
            .hint("save the file as UTF-8; the EB CLI reads nothing else")?;
        let mut patterns = Vec::new();
        let mut lines = text.split(LINE_ENDS).peekable();
        while let Some(line) = lines.next() {
            // The EB CLI sees the line with its end, so that an escaped blank is one in the last line only.
            let line = if lines.peek().is_none() { line } else { line.trim_end() };
            let pattern = GitWildMatch::parse(line).map_err(|why| {
                anyhow!("cannot use `{EBIGNORE}`: its pattern `{line}` cannot be read: {why}")
                    .hint("correct the pattern: `eb deploy` stops there too")
            })?;
            patterns.extend(pattern);
        }
        let warning = text.starts_with(BYTE_ORDER_MARK).then(|| {
            format!(
                "`{EBIGNORE}` begins with a byte order mark, which is part of its first pattern (for `eb deploy` too), so \
                 that this one matches nothing: save the file as UTF-8 without it"
            )
        });
        Ok((Self { patterns }, warning))
    }

    /// Whether the file or link at `path` stays out.
    pub(crate) fn leaves_out(&self, path: &str) -> bool {
        if path.ends_with('~') {
            return true;
        }
        let last = self.patterns.iter().rev().find(|pattern| pattern.matches(path));
        last.is_some_and(|pattern| !pattern.is_negative)
    }

    /// Whether nothing below `directory` can be in the bundle: nobody needs to look.
    pub(crate) fn leaves_out_all_below(&self, directory: &str) -> bool {
        self.patterns
            .iter()
            .rev()
            .take_while(|pattern| !pattern.is_negative)
            .any(|pattern| pattern.matches_all_below(directory))
    }
}
