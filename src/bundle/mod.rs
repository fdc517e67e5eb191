//! The bundle: what goes in, deterministic bytes, its label.
//!
//! Touches the file system and nothing else: no clock, no environment, no network.

pub mod archive;
pub mod deflate;
pub mod ignore;
pub mod label;
pub mod select;
pub mod warnings;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use sha2::{Digest as _, Sha256};

use crate::failure::HintExt as _;
use crate::inputs::PackageInputs;

/// Largest bundle that Beanstalk takes: "not exceed 500 MB"
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-sourcebundle.html>), in the MiB that AWS means.
pub const SIZE_LIMIT: u64 = 500 * 1024 * 1024;

/// How many of the paths left out are named.
const NAMED_LEFT_OUT: usize = 5;

/// A bundle, ready to be uploaded.
#[derive(Debug)]
pub struct Bundle {
    /// Where it lies: a temporary file, or the ready archive.
    pub path: PathBuf,
    /// Regular files in it.
    pub files: u64,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, hexadecimal: its identity.
    pub sha256: String,
    /// `zip`, `war` or `jar`.
    pub extension: String,
    /// What the rules left out.
    pub left_out: LeftOut,
    /// The usual mistakes that were seen.
    pub warnings: Vec<String>,
    temporary: Option<Temporary>,
}

impl Bundle {
    /// Whether this program made the file (and removes it again), rather than found it.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        self.temporary.is_some()
    }
}

/// The paths left out; a directory counts once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// How many.
    pub count: u64,
    /// The first of them, directories with a `/` at the end.
    pub first: Vec<String>,
}

impl LeftOut {
    fn add(&mut self, path: &str, is_directory: bool) {
        self.count += 1;
        if self.first.len() < NAMED_LEFT_OUT {
            self.first
                .push(format!("{path}{}", if is_directory { "/" } else { "" }));
        }
    }
}

/// Makes the bundle of `package`: a directory is packed into a file in `temp_dir`, an archive is checked and taken as
/// it is.
///
/// # Errors
/// Whatever cannot be read, does not fit, or would not work on an instance; with what to change.
pub fn make(package: &PackageInputs, temp_dir: &Path) -> anyhow::Result<Bundle> {
    let metadata = std::fs::metadata(&package.path)
        .with_context(|| format!("cannot read the package `{}`", package.path.display()))
        .hint("correct `package`: a directory, or a `.zip`, `.war` or `.jar` file")?;
    if metadata.is_dir() {
        pack(package, temp_dir)
    } else {
        take(&package.path, metadata.len())
    }
}

fn pack(package: &PackageInputs, temp_dir: &Path) -> anyhow::Result<Bundle> {
    let root = &package.path;
    let rules = ignore::Rules::new(root, package.ignore_file.as_deref(), &package.exclude)?;
    let selection = select::select(root, rules)?;
    let files = selection.files();
    if files == 0 {
        let left_out = match selection.left_out.count {
            0 => "it is empty".to_owned(),
            count => format!("the ignore rules leave out everything in it ({count} paths)"),
        };
        return Err(anyhow!("cannot bundle `{}`: {left_out}", root.display())
            .hint("correct `package`, or build the application before this step"));
    }
    let temporary = Temporary::new(temp_dir)?;
    let bytes = archive::write(root, &selection, &temporary.0)?;
    let mut warnings = selection.warnings.clone();
    warnings.extend(warnings::of_directory(root, &selection));
    Ok(Bundle {
        path: temporary.0.clone(),
        files,
        bytes,
        sha256: digest(&temporary.0)?,
        extension: "zip".to_owned(),
        left_out: selection.left_out,
        warnings,
        temporary: Some(temporary),
    })
}

fn take(path: &Path, bytes: u64) -> anyhow::Result<Bundle> {
    let shown = path.display();
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .map(str::to_ascii_lowercase)
        .filter(|extension| ["zip", "war", "jar"].contains(&extension.as_str()));
    let Some(extension) = extension else {
        bail!("cannot use `{shown}` as a bundle: it is neither a directory nor a `.zip`, `.war` or `.jar` file");
    };
    if bytes > SIZE_LIMIT {
        return Err(too_large(&format!("`{shown}` has {} MB", bytes / 1024 / 1024)));
    }
    let contents = archive::check(path)?;
    Ok(Bundle {
        path: path.to_owned(),
        files: contents.files,
        bytes,
        sha256: digest(path)?,
        warnings: warnings::of_archive(&contents, &extension),
        extension,
        left_out: LeftOut::default(),
        temporary: None,
    })
}

fn too_large(what: &str) -> anyhow::Error {
    anyhow!("cannot use this bundle: {what}, and Elastic Beanstalk takes at most 500 MB")
        .hint("leave out what the instances do not need, with an `.ebignore` file or `package-exclude`")
}

fn digest(path: &Path) -> anyhow::Result<String> {
    let cannot_read = || format!("cannot read `{}`", path.display());
    let mut file = File::open(path).with_context(cannot_read)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1024 * 1024];
    loop {
        match file.read(&mut buffer).with_context(cannot_read)? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A file that is removed with its owner.
#[derive(Debug)]
struct Temporary(PathBuf);

impl Temporary {
    fn new(directory: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(directory).with_context(|| format!("cannot create `{}`", directory.display()))?;
        for number in 0.. {
            let path = directory.join(format!("aws-web-deploy-{}-{number}.zip", std::process::id()));
            match File::create_new(&path) {
                Ok(_) => return Ok(Self(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => {
                    return Err(error).with_context(|| format!("cannot create `{}`", path.display()));
                }
            }
        }
        bail!("cannot find a free name in `{}`", directory.display())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // The runner empties its temporary directory anyway.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn package(path: &Path) -> PackageInputs {
        PackageInputs {
            path: path.to_owned(),
            ignore_file: None,
            exclude: Vec::new(),
        }
    }

    fn temp() -> tempfile::TempDir {
        tempfile::tempdir().expect("a directory")
    }

    #[test]
    fn refuses_what_would_not_work_on_an_instance() {
        let directory = temp();
        let root = directory.path().join("app");
        fs::create_dir(&root).expect("a directory");
        let fails = |reason: &str| {
            let error = make(&package(&root), directory.path()).expect_err(reason);
            assert!(format!("{error:#}").contains(reason), "{error:#}");
        };
        fails("it is empty");
        fs::write(root.join("a"), "a").expect("a file");
        symlink("../outside", root.join("link")).expect("a link");
        fails("points to `../outside`, out of the package");
        fs::remove_file(root.join("link")).expect("removed");
        fs::write(root.join(".ebignore"), "*").expect("a file");
        fails("leave out everything");
        fs::remove_file(root.join(".ebignore")).expect("removed");
        let name: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"\xff");
        fs::write(root.join(name), "a").expect("a file");
        fails("not UTF-8");
    }

    #[test]
    fn a_link_that_leaves_through_another_one_is_refused() {
        let directory = temp();
        let root = directory.path().join("app");
        fs::create_dir_all(root.join("a/b")).expect("a directory");
        fs::write(root.join("file"), "a").expect("a file");
        fs::write(directory.path().join("secret"), "a").expect("a file");
        symlink("../..", root.join("a/b/up")).expect("a link");
        symlink("a/b/up/../secret", root.join("link")).expect("a link");
        let error = make(&package(&root), directory.path()).expect_err("a link out");
        assert!(error.to_string().contains("out of the package"), "{error}");
    }

    #[test]
    fn the_ignore_file_may_have_another_name_or_place() {
        let directory = temp();
        let root = directory.path().join("app");
        fs::create_dir_all(root.join("ci")).expect("a directory");
        fs::write(root.join(".gitignore"), "b\n").expect("a file");
        fs::write(root.join("ci/rules"), "/c\n").expect("a file");
        for name in ["a", "b", "c"] {
            fs::write(root.join(name), "").expect("a file");
        }
        let files = |ignore_file: Option<&str>| {
            let package = PackageInputs {
                ignore_file: ignore_file.map(Into::into),
                ..package(&root)
            };
            make(&package, directory.path()).map(|bundle| (bundle.files, bundle.left_out.first))
        };
        assert_eq!(files(None).expect("a bundle"), (5, vec![]));
        assert_eq!(files(Some(".gitignore")).expect("a bundle"), (4, vec!["b".into()]));
        assert_eq!(files(Some("ci/rules")).expect("a bundle"), (4, vec!["c".into()]));
        for missing in [".other", "ci/other"] {
            let error = files(Some(missing)).expect_err("no such file");
            assert!(error.to_string().contains(missing), "{error}");
        }
    }

    #[test]
    fn warns_of_the_usual_mistakes() {
        let directory = temp();
        let root = directory.path().join("app");
        fs::create_dir_all(root.join("web/.platform/hooks/prebuild")).expect("a directory");
        fs::write(root.join("web/Procfile"), "web: run\r\n").expect("a file");
        fs::write(root.join("web/.platform/hooks/prebuild/a.sh"), "#!/bin/sh\r\n").expect("a file");
        symlink("gone", root.join("web/link")).expect("a link");
        let warnings = make(&package(&root), directory.path()).expect("a bundle").warnings;
        assert!(warnings[0].contains("`web/link` points to `gone`"), "{warnings:?}");
        assert!(warnings[1].contains("one folder, `web`"), "{warnings:?}");
        let warnings = make(&package(&root.join("web")), directory.path())
            .expect("a bundle")
            .warnings;
        assert!(warnings[1].contains("`Procfile` has Windows line ends"), "{warnings:?}");
        assert!(warnings[2].contains("cannot find its interpreter"), "{warnings:?}");
    }

    #[test]
    fn a_ready_archive_is_checked_and_taken_as_it_is() {
        let directory = temp();
        let root = directory.path().join("app");
        fs::create_dir_all(root.join("top")).expect("a directory");
        fs::write(root.join("top/a"), "a").expect("a file");
        let made = make(&package(&root), directory.path()).expect("a bundle");
        let ready = directory.path().join("Ready.WAR");
        fs::copy(&made.path, &ready).expect("a copy");
        let taken = make(&package(&ready), directory.path()).expect("a bundle");
        assert_eq!(
            (taken.files, &taken.sha256, taken.extension.as_str()),
            (1, &made.sha256, "war")
        );
        assert_eq!(taken.path, ready);
        assert!(!taken.is_temporary() && made.is_temporary());
        let path = made.path.clone();
        drop(made);
        assert!(!path.exists());

        let broken = directory.path().join("broken.zip");
        fs::write(&broken, "no archive").expect("a file");
        let error = make(&package(&broken), directory.path()).expect_err("no archive");
        assert!(error.to_string().contains("not a readable ZIP file"), "{error}");
        let other = directory.path().join("app.tar.gz");
        fs::write(&other, "no archive").expect("a file");
        let error = make(&package(&other), directory.path()).expect_err("no archive");
        assert!(error.to_string().contains("neither a directory"), "{error}");
    }
}
