//! What a walk over the source directory found.

use std::collections::HashSet;
use std::io;

use crate::core::error::HintExt as _;
use crate::core::site::local_file::LocalFile;
use crate::core::site::plan::SiteWarning;

/// What the walk found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LocalScan {
    /// The files, in the byte order of their paths, which is S3's order of keys.
    pub(crate) files: Vec<LocalFile>,
    /// Paths that exist and cannot be uploaded: the objects at and below them are kept.
    pub(crate) kept: Vec<String>,
    /// What was noticed on the way, in the order of the paths.
    pub(crate) warnings: Vec<SiteWarning>,
}

/// What one thread found.
#[derive(Default)]
pub(crate) struct LocalFindings {
    /// The files, in no order.
    pub(crate) files: Vec<LocalFile>,
    /// What cannot be uploaded.
    pub(crate) skipped: Vec<SiteWarning>,
    /// Links that lead out of the source directory.
    pub(crate) outside: Vec<String>,
    /// Names that are not UTF-8: escaped, and with a replacement character for what is not, as patterns see them.
    pub(crate) not_utf8: Vec<(String, String)>,
    /// Links that lead into a `.git`.
    pub(crate) into_git: Vec<String>,
    /// Files whose keys belong to release records.
    pub(crate) reserved: Vec<String>,
    /// What cannot be read, and why.
    pub(crate) unreadable: Vec<(String, io::Error)>,
}

impl LocalFindings {
    /// Notes what cannot be uploaded.
    pub(crate) fn skip(&mut self, path: String, message: &str) {
        self.skipped.push(SiteWarning {
            path,
            message: message.to_owned(),
        });
    }

    /// Adds what another thread found, but for the files.
    pub(crate) fn merge(&mut self, other: Self) {
        self.skipped.extend(other.skipped);
        self.outside.extend(other.outside);
        self.not_utf8.extend(other.not_utf8);
        self.into_git.extend(other.into_git);
        self.reserved.extend(other.reserved);
        self.unreadable.extend(other.unreadable);
    }

    /// All of it, in order.
    ///
    /// # Errors
    /// What must not be left out in silence: see the texts.
    pub(crate) fn finish(mut self) -> anyhow::Result<LocalScan> {
        self.not_utf8.sort();
        if let Some((_, first)) = self.not_utf8.first() {
            return Err(anyhow::anyhow!(
                "file names that are not UTF-8 cannot be keys: {}",
                some_of(self.not_utf8.iter().map(|(name, _)| format!("`{name}`")))
            ))
            .hint(format!(
                "rename them, or leave them out with `exclude`, where `?` stands for what is not UTF-8: `{}`",
                first.replace(char::REPLACEMENT_CHARACTER, "?")
            ));
        }
        if !self.into_git.is_empty() {
            self.into_git.sort();
            return Err(anyhow::anyhow!(
                "links that lead into a `.git` directory are never uploaded: {}",
                some_of(self.into_git.iter().map(|path| format!("`{path}`")))
            ))
            .hint("remove them, or leave them out with `exclude`");
        }
        if !self.unreadable.is_empty() {
            self.unreadable.sort_by(|a, b| a.0.cmp(&b.0));
            let shown = self.unreadable.iter().map(|(path, error)| match path.as_str() {
                "" => format!("the source directory: {error}"),
                path => format!("`{path}`: {error}"),
            });
            return Err(anyhow::anyhow!("cannot read {}", some_of(shown)))
                .hint("make them readable for the runner, or leave them out with `exclude`");
        }
        self.reserved.sort();
        if let Some(first) = self.reserved.first().cloned() {
            if self.files.is_empty() {
                return Err(anyhow::anyhow!(
                    "all files of the source belong where release records are: {}",
                    some_of(self.reserved.iter().map(|path| format!("`{path}`")))
                ))
                .hint("choose another `history` or `prefix`");
            }
            let more = match self.reserved.len() {
                1 => String::new(),
                all => format!("; so do {} more", all - 1),
            };
            self.skip(
                first,
                &format!("belongs where release records are, so it is not uploaded{more}"),
            );
        }
        self.files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        self.skipped.sort_by(|a, b| a.path.cmp(&b.path));
        let kept: HashSet<_> = self.skipped.iter().map(|warning| warning.path.clone()).collect();
        let mut warnings = self.skipped;
        self.outside.sort();
        if let Some(first) = self.outside.first() {
            let mut message = "a link that leads out of the source directory; what it points to is uploaded".to_owned();
            if self.outside.len() > 1 {
                message.push_str(&format!(", and that of {} more such links", self.outside.len() - 1));
            }
            let path = first.clone();
            warnings.push(SiteWarning { path, message });
        }
        let mut kept: Vec<_> = kept.into_iter().collect();
        kept.sort_unstable();
        Ok(LocalScan {
            files: self.files,
            kept,
            warnings,
        })
    }
}

/// The first five of `all`, and how many more there are.
fn some_of(all: impl ExactSizeIterator<Item = String>) -> String {
    const SHOWN: usize = 5;
    let more = all.len().saturating_sub(SHOWN);
    let mut text = all.take(SHOWN).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
