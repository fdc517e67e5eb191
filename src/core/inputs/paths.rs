//! Paths and key prefixes that inputs name.

use std::path::{Path, PathBuf};

use crate::core::context::RunContext;
use crate::core::inputs::expand::{expression, variables};
use crate::core::inputs::files::{FileKind, Files};
use crate::core::inputs::raw::is_expanded;
use crate::core::inputs::reader::Reader;
use crate::core::secret::shown_text;

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
pub(crate) fn read_file(files: &dyn Files, context: &RunContext, file: &str) -> Result<Vec<u8>, String> {
    let path = workspace_path(context, file);
    match files.kind(&path) {
        FileKind::File => {}
        FileKind::Directory | FileKind::Special => return Err("it is not a regular file".to_owned()),
        FileKind::Missing => return Err("it does not exist".to_owned()),
        FileKind::Unknown(error) => return Err(error),
    }
    let bytes = files.read(&path, MAX_FILE + 1)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err("it has more than 4 MiB".to_owned());
    }
    Ok(bytes)
}

/// The text of such a file, without a byte order mark.
///
/// # Errors
/// As of [`read_file`]; or it is not UTF-8.
pub(crate) fn read_text(files: &dyn Files, context: &RunContext, file: &str) -> Result<String, String> {
    let text = String::from_utf8(read_file(files, context, file)?).map_err(|_| "it is not UTF-8 text".to_owned())?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

/// The kind of `path`, the value `typed` of the input `name`; an error where there is nothing to be read.
pub(crate) fn kind_of(reader: &mut Reader<'_>, name: &str, typed: &str, path: &Path) -> FileKind {
    let kind = reader.files.kind(path);
    let typed = shown_text(typed);
    match &kind {
        FileKind::Missing => reader.errors.push(match variables(typed).first().filter(|_| !is_expanded(name)) {
            Some(variable) => format!(
                "`{name}` is `{typed}`, which does not exist: no shell expands `${variable}`; use an expression such as `{}`",
                expression(variable)
            ),
            None => format!(
                "`{name}` is `{typed}`, which does not exist in the workspace. Was it checked out and built by an earlier step?"
            ),
        }),
        FileKind::Unknown(error) => reader.errors.push(format!("`{name}` is `{typed}`, which cannot be read: {error}")),
        FileKind::Directory | FileKind::File => check_git(reader, name, typed, path),
        FileKind::Special => {}
    }
    kind
}

/// Refuses what is, or is in, a `.git`: the history of everything that ever was deleted, and perhaps credentials.
fn check_git(reader: &mut Reader<'_>, name: &str, typed: &str, path: &Path) {
    let real = reader.files.real(path);
    if real.components().any(|part| part.as_os_str() == ".git") {
        reader.errors.push(format!(
            "`{name}` is `{typed}`, which is `{}`: what is in a `.git` directory is never uploaded",
            real.display()
        ));
    }
}

/// Whether `path` is a directory; the error otherwise, for the input `name`.
pub(crate) fn check_directory(reader: &mut Reader<'_>, name: &str, typed: &str, path: &Path) {
    if matches!(kind_of(reader, name, typed, path), FileKind::File | FileKind::Special) {
        reader
            .errors
            .push(format!("`{name}` is `{}`, which is not a directory", shown_text(typed)));
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
