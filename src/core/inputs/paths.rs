//! Paths and key prefixes that inputs name.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::core::context::RunContext;
use crate::core::inputs::reader::Reader;

/// The path of an input, relative ones from the workspace.
pub(crate) fn workspace_path(context: &RunContext, text: &str) -> PathBuf {
    let joined = context.workspace.join(text);
    // `.` and the like would stand in every path that we print.
    joined
        .components()
        .filter(|part| *part != std::path::Component::CurDir)
        .collect::<PathBuf>()
}

/// The most bytes of a file that an input names.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// The bytes of the file `file` that an input names, relative to the workspace.
///
/// # Errors
/// Why it cannot be read: it must be a regular file of at most 4 MiB.
pub(crate) fn read_file(context: &RunContext, file: &str) -> Result<Vec<u8>, String> {
    let path = workspace_path(context, file);
    let metadata = std::fs::metadata(&path).map_err(|error| error.to_string())?;
    if !metadata.is_file() {
        return Err("it is not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    std::fs::File::open(&path)
        .and_then(|opened| opened.take(MAX_FILE + 1).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    if bytes.len() as u64 > MAX_FILE {
        return Err("it has more than 4 MiB".to_owned());
    }
    Ok(bytes)
}

/// The text of such a file, without a byte order mark.
///
/// # Errors
/// As of [`read_file`]; or it is not UTF-8.
pub(crate) fn read_text(context: &RunContext, file: &str) -> Result<String, String> {
    let text = String::from_utf8(read_file(context, file)?).map_err(|_| "it is not UTF-8 text".to_owned())?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

/// Whether `path` is a directory; the error otherwise, for the input `name`.
pub(crate) fn check_directory(reader: &mut Reader<'_>, name: &str, typed: &str, path: &Path) {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => reader.errors.push(format!("`{name}` is `{typed}`, which is not a directory")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => reader.errors.push(format!(
            "`{name}` is `{typed}`, which does not exist in the workspace: was it checked out and built by an earlier step?"
        )),
        Err(error) => reader.errors.push(format!("`{name}` is `{typed}`, which cannot be read: {error}")),
    }
}

/// `text` with a `/` at its end, unless it is empty.
pub(crate) fn as_prefix(text: &str) -> String {
    if text.is_empty() || text.ends_with('/') {
        text.to_owned()
    } else {
        format!("{text}/")
    }
}
