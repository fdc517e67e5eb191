//! Says what this binary is built from: the target and one digest over every source that can change its bytes.
//!
//! `scripts/sources.py` computes the same digest from the tree, so that a committed binary can be compared with the
//! sources without building it again. Nothing else happens here: no clock, no git, no network.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// Files and directories that make up the sources; `scripts/sources.py` holds the same list.
const ROOTS: [&str; 6] = [
    "Cargo.lock",
    "Cargo.toml",
    "build.rs",
    "data",
    "rust-toolchain.toml",
    "src",
];

fn main() -> io::Result<()> {
    let mut files = Vec::new();
    for root in ROOTS {
        // A path that is missing would count as changed on every build.
        if Path::new(root).exists() {
            println!("cargo::rerun-if-changed={root}");
        }
        collect(Path::new(root), &mut files)?;
    }
    println!("cargo::rustc-env=AWD_SOURCES={}", digest(files)?);
    let target = std::env::var("TARGET").map_err(io::Error::other)?;
    println!("cargo::rustc-env=AWD_TARGET={target}");
    Ok(())
}

/// Adds the file at `path`, or every file below it.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else if path.is_file() {
        files.push(path.to_path_buf());
    }
    Ok(())
}

/// The SHA-256 of lines `<SHA-256 of the file>  <path>`, sorted by the path's bytes.
fn digest(files: Vec<PathBuf>) -> io::Result<String> {
    let mut lines = files
        .into_iter()
        .map(|file| {
            let hash = hex(&Sha256::digest(fs::read(&file)?));
            let path = file
                .into_os_string()
                .into_string()
                .map_err(|path| io::Error::other(format!("the path `{}` is not UTF-8", path.display())))?;
            Ok((path, hash))
        })
        .collect::<io::Result<Vec<_>>>()?;
    lines.sort();
    let mut list = Sha256::new();
    for (path, hash) in lines {
        list.update(format!("{hash}  {path}\n"));
    }
    Ok(hex(&list.finalize()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
