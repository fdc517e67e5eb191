//! What goes into the bundle: walks the package and applies the ignore rules.
//!
//! Sees names and kinds of files; reads no contents but those of ignore files.

use std::collections::BTreeMap;
use std::fs::{self, FileType};
use std::io::{self, Read as _};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};

use crate::core::bundle::ebignore::EBIGNORE;
use crate::core::bundle::ignore::IgnoreRules;
use crate::core::bundle::left_out::LeftOut;
use crate::core::error::HintExt as _;
use crate::core::inputs::files::is_of_the_kernel;

/// How many bytes of patterns are read of a file.
const MAX_RULES: u64 = 4 * 1024 * 1024;

/// How deep directories may be nested.
const MAX_DEPTH: usize = 500;

/// The EB CLI's own directory: its settings, and the versions that it made. It is in no bundle, as with `eb deploy`.
const EB_DIRECTORY: &str = ".elasticbeanstalk";

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

/// The rules for the package at `root`, see [`IgnoreRules::new`].
///
/// # Errors
/// A pattern of `exclude` that can never match, or a rules file that does not exist or cannot be read.
pub(crate) fn rules(root: &Path, ignore_file: Option<&str>, exclude: &[String]) -> anyhow::Result<IgnoreRules> {
    IgnoreRules::new(root, ignore_file, exclude, |path| {
        path.is_file().then(|| read_rules(path)).transpose()
    })
}

/// A file of patterns, whole.
fn read_rules(path: &Path) -> io::Result<Vec<u8>> {
    if is_of_the_kernel(&path.canonicalize()?) {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_RULES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_RULES {
        return Err(io::Error::other("it has more than 4 MiB"));
    }
    Ok(bytes)
}

/// Walks `root`.
///
/// # Errors
/// What cannot be read, a name that is not UTF-8, a link that points out of the tree.
pub(crate) fn scan(root: &Path, mut rules: IgnoreRules) -> anyhow::Result<Selection> {
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

/// The selection of a single file, called `name`.
///
/// # Errors
/// It cannot be read.
pub(crate) fn scan_file(file: &Path, name: &str) -> anyhow::Result<Selection> {
    let metadata = fs::metadata(file).with_context(|| format!("cannot read `{}`", file.display()))?;
    let kind = EntryKind::File {
        size: metadata.len(),
        executable: false,
    };
    Ok(Selection {
        entries: BTreeMap::from([(name.to_owned(), kind)]),
        ..Selection::default()
    })
}

/// A child of a directory.
struct WalkEntry {
    full: PathBuf,
    /// Relative to the package; what is not UTF-8 is replaced.
    path: String,
    kind: FileType,
    is_utf8: bool,
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
            let name = file_name.to_string_lossy();
            let path = if prefix.is_empty() {
                name.into_owned()
            } else {
                format!("{prefix}/{name}")
            };
            let found = WalkEntry {
                kind: child.file_type().with_context(|| format!("cannot read `{path}`"))?,
                is_utf8: file_name.to_str().is_some(),
                full: child.path(),
                path,
            };
            self.entry(found, rules)?;
        }
        rules.leave();
        Ok(())
    }

    fn entry(&mut self, found: WalkEntry, rules: &mut IgnoreRules) -> anyhow::Result<()> {
        let WalkEntry { full, path, kind, .. } = &found;
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_foreign = name == ".git" || (name == EB_DIRECTORY && kind.is_dir()) || path == EBIGNORE;
        if is_foreign || rules.leave_out(path, kind.is_dir()) {
            self.selection.left_out.add(path, kind.is_dir());
            return Ok(());
        }
        if name == EBIGNORE {
            rules.note_nested(path);
        }
        let entry = if kind.is_dir() {
            if !self.has_something_in(&found, rules)? {
                return Ok(());
            }
            EntryKind::Directory
        } else if kind.is_symlink() {
            let target = self.link_target(full, path)?;
            EntryKind::Link { target }
        } else if kind.is_file() {
            let metadata = fs::metadata(full).with_context(|| format!("cannot read `{path}`"))?;
            EntryKind::File {
                size: metadata.len(),
                executable: is_executable(&metadata),
            }
        } else {
            let warning = format!("`{path}` is neither a file, a directory nor a link; it is not in the bundle");
            self.selection.warnings.push(warning);
            return Ok(());
        };
        if !found.is_utf8 {
            return Err(anyhow!("cannot bundle `{}`: its name is not UTF-8", full.display()))
                .hint("rename it, or leave it out with `package-exclude`: `*` matches what is not UTF-8");
        }
        self.selection.entries.insert(found.path, entry);
        Ok(())
    }

    /// Goes into a directory; answers whether it is in the bundle itself.
    fn has_something_in(&mut self, found: &WalkEntry, rules: &mut IgnoreRules) -> anyhow::Result<bool> {
        let path = &found.path;
        if path.matches('/').count() > MAX_DEPTH {
            bail!(
                "cannot bundle `{}`: directories are nested more than {MAX_DEPTH} deep",
                self.root.display()
            );
        }
        let (entries, left_out) = (self.selection.entries.len(), self.selection.left_out.clone());
        self.directory(&found.full, path, rules)?;
        let is_empty = self.selection.entries.len() == entries;
        let lost_something = self.selection.left_out.count > left_out.count;
        if is_empty && rules.decide_by_file() && (lost_something || rules.leave_out(&format!("{path}/"), false)) {
            // All of it is out: it counts once.
            self.selection.left_out = left_out;
            self.selection.left_out.add(path, true);
            return Ok(false);
        }
        Ok(true)
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
