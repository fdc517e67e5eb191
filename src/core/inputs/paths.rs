//! Paths and key prefixes that inputs name.

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
