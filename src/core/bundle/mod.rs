//! The bundle: what goes in, deterministic bytes, its label.
//!
//! Touches the file system and nothing else: no clock, no environment, no network.

pub(crate) mod archive;
pub(crate) mod deflate;
pub(crate) mod ignore;
pub(crate) mod key;
pub(crate) mod label;
pub(crate) mod select;
pub(crate) mod warnings;

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use sha2::{Digest as _, Sha256};

use crate::core::error::HintExt as _;
use crate::core::inputs::PackageInputs;
use crate::core::site::etag::hex;

/// Largest bundle that Beanstalk takes: "not exceed 500 MB"
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/applications-sourcebundle.html>), in the MiB that AWS means.
pub(crate) const SIZE_LIMIT: u64 = 500 * 1024 * 1024;

/// What a bundle's file name can end with.
const EXTENSIONS: [&str; 3] = ["zip", "war", "jar"];

/// How many of the paths left out are named.
const NAMED_LEFT_OUT: usize = 5;

/// A bundle, ready to be uploaded.
#[derive(Debug)]
pub(crate) struct Bundle {
    /// Where it lies: a temporary file, or the ready archive.
    pub(crate) path: PathBuf,
    /// Regular files in it.
    pub(crate) files: u64,
    /// Its size.
    pub(crate) bytes: u64,
    /// Its SHA-256, hexadecimal: its identity.
    pub(crate) sha256: String,
    /// `zip`, `war` or `jar`.
    pub(crate) extension: String,
    /// What the rules left out.
    pub(crate) left_out: LeftOut,
    /// The usual mistakes that were seen.
    pub(crate) warnings: Vec<String>,
    _temporary: Option<Temporary>,
}

impl Bundle {
    /// One line for the log: how much is in it, and what is not.
    #[must_use]
    pub(crate) fn summary(&self) -> String {
        let size = crate::core::report::human_bytes(self.bytes);
        let files = if self.files == 1 { "file" } else { "files" };
        let mut line = format!("bundle: {} {files}, {size}, SHA-256 {}", self.files, self.sha256);
        let LeftOut { count, first } = &self.left_out;
        if *count > 0 {
            let named: Vec<String> = first.iter().map(|path| format!("`{path}`")).collect();
            let more = if first.len() as u64 == *count { "" } else { ", …" };
            line.push_str(&format!("; left out ({count}): {}{more}", named.join(", ")));
        }
        line
    }
}

/// The paths left out; a directory counts once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LeftOut {
    /// How many.
    pub(crate) count: u64,
    /// The first of them, directories with a `/` at the end.
    pub(crate) first: Vec<String>,
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
pub(crate) fn make(package: &PackageInputs, temp_dir: &Path) -> anyhow::Result<Bundle> {
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
    let rules = ignore::IgnoreRules::new(root, package.ignore_file.as_deref(), &package.exclude)?;
    let selection = select::select(root, rules)?;
    let files = selection.files();
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
        _temporary: Some(temporary),
    })
}

fn take(path: &Path, bytes: u64) -> anyhow::Result<Bundle> {
    let shown = path.display();
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .map(str::to_ascii_lowercase)
        .filter(|extension| EXTENSIONS.contains(&extension.as_str()));
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
        _temporary: None,
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
    Ok(hex(&hasher.finalize()))
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
