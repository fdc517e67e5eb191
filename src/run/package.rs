//! Makes the bundle: packs a directory, or takes a ready archive.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use sha2::{Digest as _, Sha256};

use crate::core::bundle::key::{EXTENSIONS, LONE_FILES};
use crate::core::bundle::left_out::LeftOut;
use crate::core::bundle::scan::{self, Selection};
use crate::core::bundle::size::{SIZE_LIMIT, too_large};
use crate::core::bundle::warnings::START;
use crate::core::bundle::{Bundle, archive, ready, warnings};
use crate::core::error::HintExt as _;
use crate::core::inputs::PackageInputs;
use crate::core::site::etag::hex;

/// Makes the bundle of `package`: a directory, or a file that is an application by itself, is packed into a file in
/// `temp_dir`; an archive is checked and taken as it is.
///
/// # Errors
/// Whatever cannot be read, does not fit, or would not work on an instance; with what to change.
pub(crate) fn make(package: &PackageInputs, temp_dir: &Path) -> anyhow::Result<Bundle> {
    let path = &package.path;
    let metadata = fs::metadata(path)
        .with_context(|| format!("cannot read the package `{}`", path.display()))
        .hint("correct `package`: a directory, or a `.zip`, `.war` or `.jar` file")?;
    let lone = path
        .file_name()
        .and_then(|name| name.to_str())
        .filter(|name| LONE_FILES.contains(name));
    if metadata.is_dir() {
        let rules = scan::rules(path, package.ignore_file.as_deref(), &package.exclude)?;
        pack(path, scan::scan(path, rules)?, temp_dir)
    } else if let (Some(name), Some(parent)) = (lone, path.parent()) {
        pack(parent, scan::scan_file(path, name)?, temp_dir)
    } else {
        take(path, metadata.len())
    }
}

fn pack(root: &Path, selection: Selection, temp_dir: &Path) -> anyhow::Result<Bundle> {
    let files = selection.files();
    if files == 0 {
        return Err(nothing_in(root, &selection.left_out));
    }
    let temporary = Temporary::new(temp_dir)?;
    let cannot_write = || format!("cannot write the bundle `{}`", temporary.0.display());
    let out = File::create(&temporary.0).with_context(cannot_write)?;
    let bytes = archive::write(root, &selection, |path| File::open(path), out).with_context(cannot_write)?;
    let mut warnings = selection.warnings.clone();
    warnings.extend(warnings::of_directory(&selection, |path| start_of(&root.join(path))));
    Ok(Bundle {
        path: temporary.0.clone(),
        files,
        bytes,
        sha256: digest(&temporary.0)?,
        extension: "zip".to_owned(),
        left_out: selection.left_out,
        warnings,
        keeper: Some(Box::new(temporary)),
    })
}

fn nothing_in(root: &Path, left_out: &LeftOut) -> anyhow::Error {
    let shown = root.display();
    if left_out.count == 0 {
        return anyhow!("cannot bundle `{shown}`: there is no file in it")
            .hint("build the application before this step, or correct `package`");
    }
    anyhow!(
        "cannot bundle `{shown}`: everything in it is left out ({}): {}",
        left_out.count,
        left_out.named()
    )
    .hint("correct the rules in `.ebignore`, `package-ignore-file` or `package-exclude`, or `package` itself")
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
    let file = File::open(path).with_context(|| format!("cannot read `{shown}`"))?;
    let contents = ready::check(file, path)?;
    if contents.files == 0 {
        return Err(anyhow!("cannot use `{shown}` as a bundle: there is no file in it")
            .hint("build the application before this step, or correct `package`"));
    }
    Ok(Bundle {
        path: path.to_owned(),
        files: contents.files,
        bytes,
        sha256: digest(path)?,
        warnings: warnings::of_archive(&contents, &extension),
        extension,
        left_out: LeftOut::default(),
        keeper: None,
    })
}

/// The start of a file. One that cannot be read has none: whoever bundles it reports it.
fn start_of(path: &Path) -> Vec<u8> {
    let mut start = Vec::new();
    match File::open(path).and_then(|file| file.take(START).read_to_end(&mut start)) {
        Ok(_) => start,
        Err(_) => Vec::new(),
    }
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
        fs::create_dir_all(directory).with_context(|| format!("cannot create `{}`", directory.display()))?;
        for number in 0.. {
            let path = directory.join(format!("aws-web-deploy-bundle-{number}.zip"));
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
        let _ = fs::remove_file(&self.0);
    }
}
