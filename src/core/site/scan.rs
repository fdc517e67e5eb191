//! The source directory: the walk.
//!
//! Reads names and sizes, never contents, and decides nothing but what a file is. Links are followed as
//! `aws s3 sync` follows them, loops are not; what can never be uploaded is reported, so that its object is kept.

use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::SystemTime;

use anyhow::Context as _;

use crate::core::inputs::files::is_of_the_kernel;
use crate::core::site::ancestor::Ancestor;
use crate::core::site::local_file::LocalFile;
use crate::core::site::local_scan::{LocalFindings, LocalScan};
use crate::core::site::plan::SiteWarning;

/// What the walk looks at.
pub(crate) trait ScanScope: Sync {
    /// Whether the file at this relative path takes part.
    fn takes(&self, path: &str) -> bool;
    /// Whether its key belongs to release records, so that it cannot.
    fn reserves(&self, path: &str) -> bool;
    /// Whether anything below the directory at this relative path (no `/` at its end) can take part.
    fn enters(&self, path: &str) -> bool;
}

/// Walks `root` on several threads.
///
/// # Errors
/// A root that is no directory; every name that is not UTF-8; every directory that cannot be read.
pub(crate) fn scan(root: &Path, follow_symlinks: bool, scope: &impl ScanScope) -> anyhow::Result<LocalScan> {
    let metadata = std::fs::metadata(root).with_context(|| format!("cannot read `{}`", root.display()))?;
    anyhow::ensure!(metadata.is_dir(), "`{}` is not a directory", root.display());
    if !follow_symlinks && root.is_symlink() {
        let message = "the source directory itself is a symbolic link, which `--no-follow-symlinks` skips";
        return Ok(LocalScan {
            warnings: vec![SiteWarning {
                path: root.display().to_string(),
                message: message.to_owned(),
            }],
            ..LocalScan::default()
        });
    }
    let walk = SiteWalk {
        root: Arc::new(root.to_owned()),
        real_root: root.canonicalize().unwrap_or_else(|_| root.to_owned()),
        follow_symlinks,
        scope,
        queue: Mutex::new(ScanQueue {
            waiting: vec![OpenDirectory {
                path: root.to_owned(),
                relative: String::new(),
                odd: None,
                inside: Arc::new(Ancestor::new(id(&metadata), None)),
            }],
            busy: 0,
        }),
        changed: Condvar::new(),
        files: Mutex::new(Vec::new()),
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(8);
    let mut all = LocalFindings::default();
    std::thread::scope(|threads_of| {
        let others: Vec<_> = (1..threads).map(|_| threads_of.spawn(|| walk.work())).collect();
        all.merge(walk.work());
        for other in others {
            all.merge(other.join().unwrap_or_default());
        }
    });
    all.files = walk.files.into_inner().unwrap_or_else(PoisonError::into_inner);
    all.finish()
}

/// Git's own directory, with the whole history and perhaps credentials in it: never uploaded, by whatever name.
const GIT: &str = ".git";

/// Whether a link leads to a `.git`, or to something in one.
fn leads_into_git(link: &Path) -> bool {
    link.canonicalize()
        .is_ok_and(|target| target.components().any(|part| part.as_os_str() == GIT))
}

/// A directory to read.
struct OpenDirectory {
    path: PathBuf,
    /// Empty, or ending in `/`.
    relative: String,
    /// The same as it is shown, when a name in it is not UTF-8: `relative` has replacement characters then.
    odd: Option<String>,
    inside: Arc<Ancestor>,
}

struct ScanQueue {
    waiting: Vec<OpenDirectory>,
    busy: usize,
}

struct SiteWalk<'a, S> {
    root: Arc<PathBuf>,
    real_root: PathBuf,
    follow_symlinks: bool,
    scope: &'a S,
    queue: Mutex<ScanQueue>,
    changed: Condvar,
    /// What all threads found: lists of their own would be there twice when they are put together.
    files: Mutex<Vec<LocalFile>>,
}

impl<S: ScanScope> SiteWalk<'_, S> {
    /// Reads directories until none is left anywhere.
    fn work(&self) -> LocalFindings {
        let mut findings = LocalFindings::default();
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(directory) = queue.waiting.pop() {
                queue.busy += 1;
                drop(queue);
                let below = self.read(&directory, &mut findings);
                let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
                files.append(&mut findings.files);
                drop(files);
                queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
                queue.busy -= 1;
                queue.waiting.extend(below);
                self.changed.notify_all();
            } else if queue.busy == 0 {
                return findings;
            } else {
                queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Reads one directory; answers those in it.
    fn read(&self, directory: &OpenDirectory, findings: &mut LocalFindings) -> Vec<OpenDirectory> {
        let mut below = Vec::new();
        let here = || directory.relative.trim_end_matches('/').to_owned();
        let entries = match std::fs::read_dir(&directory.path) {
            Ok(entries) => entries,
            Err(error) => {
                findings.unreadable.push((here(), error));
                return below;
            }
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    findings.unreadable.push((here(), error));
                    return below;
                }
            };
            let name = entry.file_name();
            // What is not UTF-8 of a name is a replacement character to a pattern that leaves it out.
            let odd = (directory.odd.is_some() || name.to_str().is_none()).then(|| {
                let above = directory.odd.as_ref().unwrap_or(&directory.relative);
                format!("{above}{}", name.as_bytes().escape_ascii())
            });
            let name = name.to_string_lossy();
            // A directory, or the file that stands for it in a worktree or a submodule.
            if name == GIT {
                continue;
            }
            let path = format!("{}{name}", directory.relative);
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                Err(error) => {
                    findings.unreadable.push((path, error));
                    continue;
                }
            };
            let is_link = kind.is_symlink();
            if is_link && !self.follow_symlinks {
                continue;
            }
            if kind.is_file() && !self.scope.takes(&path) {
                continue;
            }
            let metadata = if is_link {
                std::fs::metadata(entry.path())
            } else {
                entry.metadata()
            };
            match metadata {
                Ok(metadata) if metadata.is_dir() => {
                    let inside = self.directory(directory, &entry.path(), path, &metadata, is_link, findings);
                    below.extend(inside.map(|inside| OpenDirectory {
                        odd: odd.map(|odd| format!("{odd}/")),
                        ..inside
                    }));
                }
                // A link's target may take part or not under the link's own name only.
                _ if !self.scope.takes(&path) => {}
                Ok(_) if self.scope.reserves(&path) => findings.reserved.push(path),
                Ok(metadata) if metadata.is_file() => {
                    if let Some(odd) = odd {
                        findings.not_utf8.push((odd, path));
                        continue;
                    }
                    if is_link && leads_into_kernel(&entry.path()) {
                        findings.skip(path, OF_THE_KERNEL);
                        continue;
                    }
                    if is_link && self.is_outside(&entry.path()) {
                        findings.outside.push(path.clone());
                    }
                    if is_link && leads_into_git(&entry.path()) {
                        findings.into_git.push(path);
                        continue;
                    }
                    findings.files.push(LocalFile {
                        root: Arc::clone(&self.root),
                        path: path.into(),
                        size: metadata.len(),
                        modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                    });
                }
                Ok(metadata) => findings.skip(path, special(&metadata)),
                Err(error) if is_link => findings.skip(path, broken(&error)),
                // Gone between the listing of its directory and now: as if it had never been there.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => findings.unreadable.push((path, error)),
            }
        }
        below
    }

    /// What to do with a directory, or a link to one.
    fn directory(
        &self,
        parent: &OpenDirectory,
        at: &Path,
        path: String,
        metadata: &Metadata,
        is_link: bool,
        findings: &mut LocalFindings,
    ) -> Option<OpenDirectory> {
        if !self.scope.enters(&path) {
            return None;
        }
        if is_link {
            if leads_into_git(at) {
                findings.into_git.push(path);
                return None;
            }
            if leads_into_kernel(at) {
                findings.skip(path, OF_THE_KERNEL);
                return None;
            }
            if parent.inside.contains(id(metadata)) {
                findings.skip(
                    path,
                    "a link to a directory that it is in; skipped, its objects are kept",
                );
                return None;
            }
            if self.is_outside(at) {
                findings.outside.push(path.clone());
            }
        }
        Some(OpenDirectory {
            path: at.to_owned(),
            relative: format!("{path}/"),
            odd: None,
            inside: Arc::new(Ancestor::new(id(metadata), Some(Arc::clone(&parent.inside)))),
        })
    }

    fn is_outside(&self, link: &Path) -> bool {
        link.canonicalize()
            .is_ok_and(|target| !target.starts_with(&self.real_root))
    }
}

fn id(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

/// What a link to the environment of a process and the like is called.
const OF_THE_KERNEL: &str =
    "a link to what the kernel makes up, such as the environment of a process; skipped, its object is kept";

fn leads_into_kernel(link: &Path) -> bool {
    link.canonicalize().is_ok_and(|target| is_of_the_kernel(&target))
}

fn special(metadata: &Metadata) -> &'static str {
    let kind = metadata.file_type();
    if kind.is_fifo() {
        "a FIFO; skipped, its object is kept"
    } else if kind.is_socket() {
        "a socket; skipped, its object is kept"
    } else {
        "a device; skipped, its object is kept"
    }
}

fn broken(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "a link to nothing; skipped, its object is kept",
        io::ErrorKind::PermissionDenied => "a link to what cannot be read; skipped, its object is kept",
        // ELOOP has no stable kind yet.
        _ => "a link that leads nowhere; skipped, its object is kept",
    }
}
