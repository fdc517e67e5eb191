//! What goes into the bundle: walks the package and applies the ignore rules.
//!
//! Sees names and kinds of files; reads no contents but those of ignore files.

use std::collections::BTreeMap;
use std::fs::{self, FileType};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};

use crate::core::bundle::LeftOut;
use crate::core::bundle::ignore::IgnoreRules;
use crate::core::error::HintExt as _;

/// What a path of the bundle is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EntryKind {
    /// A directory.
    Directory,
    /// A regular file, and whether somebody may execute it.
    File {
        /// Bytes.
        size: u64,
        /// Any executable bit.
        executable: bool,
    },
    /// A symbolic link, and the text of its target.
    Link {
        /// As `readlink` says.
        target: String,
    },
}

/// What was found: everything that goes in, by path (`/` between names, none at the end of a directory).
#[derive(Debug, Default)]
pub(crate) struct Selection {
    /// In byte order of the paths, which makes the bundle's order.
    pub(crate) entries: BTreeMap<String, EntryKind>,
    /// What the rules left out.
    pub(crate) left_out: LeftOut,
    /// What a person should know.
    pub(crate) warnings: Vec<String>,
}

impl Selection {
    /// How many regular files there are.
    #[must_use]
    pub(crate) fn files(&self) -> u64 {
        self.entries
            .values()
            .filter(|kind| matches!(kind, EntryKind::File { .. }))
            .count() as u64
    }
}

/// Walks `root`.
///
/// # Errors
/// What cannot be read, a name that is not UTF-8, a link that points out of the tree.
pub(crate) fn select(root: &Path, mut rules: IgnoreRules) -> anyhow::Result<Selection> {
    let real_root = fs::canonicalize(root).with_context(|| format!("cannot read `{}`", root.display()))?;
    let mut walk = PackageWalk {
        root,
        real_root,
        selection: Selection::default(),
    };
    walk.directory(root, "", &mut rules)?;
    rules.check_used()?;
    let mut selection = walk.selection;
    selection.warnings.splice(0..0, rules.into_warnings());
    warn_of_dangling_links(&mut selection);
    Ok(selection)
}

struct PackageWalk<'r> {
    root: &'r Path,
    real_root: PathBuf,
    selection: Selection,
}

impl PackageWalk<'_> {
    fn directory(&mut self, directory: &Path, prefix: &str, rules: &mut IgnoreRules) -> anyhow::Result<()> {
        let cannot_read = || format!("cannot read the directory `{}`", self.show(prefix));
        let mut children = fs::read_dir(directory)
            .and_then(|entries| entries.collect::<Result<Vec<_>, _>>())
            .with_context(cannot_read)?;
        // The order of what was left out, and of errors, must not depend on the file system.
        children.sort_by_key(fs::DirEntry::file_name);
        rules.enter(directory)?;
        for child in children {
            let file_name = child.file_name();
            let Some(name) = file_name.to_str() else {
                bail!(
                    "cannot bundle `{}`: its name is not UTF-8",
                    Path::new(&self.show(prefix)).join(&file_name).display()
                );
            };
            let path = if prefix.is_empty() {
                name.to_owned()
            } else {
                format!("{prefix}/{name}")
            };
            let file_type = child.file_type().with_context(|| format!("cannot read `{path}`"))?;
            self.entry(&child.path(), path, file_type, rules)?;
        }
        rules.leave();
        Ok(())
    }

    fn entry(&mut self, full: &Path, path: String, kind: FileType, rules: &mut IgnoreRules) -> anyhow::Result<()> {
        let is_git = path == ".git" || path.ends_with("/.git");
        if is_git || rules.leave_out(&path, kind.is_dir()) {
            self.selection.left_out.add(&path, kind.is_dir());
            return Ok(());
        }
        if kind.is_dir() {
            self.directory(full, &path, rules)?;
            self.selection.entries.insert(path, EntryKind::Directory);
        } else if kind.is_symlink() {
            let target = self.link_target(full, &path)?;
            self.selection.entries.insert(path, EntryKind::Link { target });
        } else if kind.is_file() {
            let metadata = fs::metadata(full).with_context(|| format!("cannot read `{path}`"))?;
            let executable = is_executable(&metadata);
            let size = metadata.len();
            self.selection
                .entries
                .insert(path, EntryKind::File { size, executable });
        } else {
            let warning = format!("`{path}` is neither a file, a directory nor a link; it is not in the bundle");
            self.selection.warnings.push(warning);
        }
        Ok(())
    }

    fn link_target(&self, full: &Path, path: &str) -> anyhow::Result<String> {
        let target = fs::read_link(full).with_context(|| format!("cannot read the link `{path}`"))?;
        let inside = stays_inside(path, &target)
            // Through another link a target can leave although its text does not say so.
            && fs::canonicalize(full).map_or(true, |real| real.starts_with(&self.real_root));
        let text = target
            .to_str()
            .ok_or_else(|| anyhow!("cannot bundle the link `{path}`: its target is not UTF-8"))?;
        if !inside {
            return Err(
                anyhow!("cannot bundle the link `{path}`: it points to `{text}`, out of the package")
                    .hint("replace the link by a copy of its target, or leave it out with `package-exclude`"),
            );
        }
        Ok(text.to_owned())
    }

    fn show(&self, prefix: &str) -> String {
        self.root.join(prefix).display().to_string()
    }
}

/// Whether the link at `path` points, by its text, to a place below the package's root.
fn stays_inside(path: &str, target: &Path) -> bool {
    let mut depth = path.matches('/').count();
    for component in target.components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

fn warn_of_dangling_links(selection: &mut Selection) {
    let dangling: Vec<String> = selection
        .entries
        .iter()
        .filter_map(|(path, kind)| match kind {
            EntryKind::Link { target } => {
                let resolved = resolve(path, target);
                let present = resolved.is_empty() || selection.entries.contains_key(&resolved);
                // Behind a linked directory the text of the target is not its place in the bundle.
                let behind_link = ancestors(&resolved)
                    .any(|ancestor| matches!(selection.entries.get(ancestor), Some(EntryKind::Link { .. })));
                (!present && !behind_link)
                    .then(|| format!("the link `{path}` points to `{target}`, which is not in the bundle"))
            }
            EntryKind::Directory | EntryKind::File { .. } => None,
        })
        .collect();
    selection.warnings.extend(dangling);
}

fn resolve(path: &str, target: &str) -> String {
    let mut names: Vec<&str> = path.split('/').collect();
    names.pop();
    for name in target.split('/') {
        match name {
            "" | "." => {}
            ".." => {
                names.pop();
            }
            name => names.push(name),
        }
    }
    names.join("/")
}

fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(position, _)| &path[..position])
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_may_move_inside_the_package_only() {
        for (path, target, inside) in [
            ("a", "b", true),
            ("a/b", "../c", true),
            ("a/b", "../../c", false),
            ("a", "..", false),
            ("a/b", "..", true),
            ("a", "/etc/passwd", false),
            ("a", "b/../../c", false),
            ("a/b/c", "./../../d/./e", true),
        ] {
            assert_eq!(stays_inside(path, Path::new(target)), inside, "{path} -> {target}");
        }
    }
}
