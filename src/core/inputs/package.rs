//! What to bundle for the backend.

use std::path::{Path, PathBuf};

use crate::core::bundle::key::LONE_FILES;
use crate::core::context::RunContext;
use crate::core::inputs::command::Command;
use crate::core::inputs::files::FileKind;
use crate::core::inputs::paths::{kind_of, workspace_path};
use crate::core::inputs::reader::Reader;

/// What to bundle.
#[derive(Debug, Clone)]
pub(crate) struct PackageInputs {
    /// `package`, absolute: a directory or an archive.
    pub(crate) path: PathBuf,
    /// `package-ignore-file`; `None`: `.ebignore` where there is one.
    pub(crate) ignore_file: Option<String>,
    /// `package-exclude`: gitignore patterns.
    pub(crate) exclude: Vec<String>,
}

/// Reads `package` and what belongs to it.
pub(crate) fn read(reader: &mut Reader<'_>, context: &RunContext, command: Command) -> Option<PackageInputs> {
    let typed = reader.owned("package");
    let exclude: Vec<String> = reader
        .lines("package-exclude")
        .into_iter()
        .map(ToOwned::to_owned)
        .collect();
    let ignore_file = reader.owned("package-ignore-file");
    let Some(typed) = typed else {
        for name in ["package-exclude", "package-ignore-file"] {
            if reader.given(name).is_some() {
                reader.errors.push(format!("`{name}` is set but `package` is empty"));
            }
        }
        return None;
    };
    let path = workspace_path(context, &typed);
    let name = reader.given("package").map_or("package", |given| given.name);
    let use_existing = reader.boolean("use_existing_version_if_available", false);
    if use_existing && reader.files.kind(&path) == FileKind::Missing {
        // The old action opened the package only where it had to create the version.
        reader.notices.push(format!(
            "`{name}` is `{typed}`, which does not exist: with `use_existing_version_if_available: true`, the version must \
             exist then"
        ));
        return None;
    }
    if command == Command::Deploy {
        match kind_of(reader, name, &typed, &path) {
            FileKind::File => check_archive(reader, name, &typed),
            FileKind::Special => reader.errors.push(format!(
                "`{name}` is `{typed}`, which is neither a directory nor a regular file"
            )),
            FileKind::Directory | FileKind::Missing | FileKind::Unknown(_) => {}
        }
    }
    let ignore_file = ignore_file.map(|file| place_ignore_file(reader, context, &path, file));
    Some(PackageInputs {
        path,
        ignore_file,
        exclude,
    })
}

/// A path is one of the package, else of the workspace; a mere name is looked for in every directory.
fn place_ignore_file(reader: &mut Reader<'_>, context: &RunContext, package: &Path, file: String) -> String {
    if !file.contains('/') || reader.files.kind(&package.join(&file)) == FileKind::File {
        return file;
    }
    let in_workspace = workspace_path(context, &file);
    if reader.files.kind(&in_workspace) != FileKind::File {
        reader.reject(
            "package-ignore-file",
            "the name of a file, or the path of one in the package or the workspace",
        );
    }
    in_workspace.display().to_string()
}

fn check_archive(reader: &mut Reader<'_>, name: &str, typed: &str) {
    let lower = typed.to_ascii_lowercase();
    let is_archive = [".zip", ".war", ".jar"].iter().any(|ending| lower.ends_with(ending));
    let file_name = typed.rsplit('/').next().unwrap_or(typed);
    if !is_archive && !LONE_FILES.contains(&file_name) {
        reader.errors.push(format!(
            "`{name}` is `{typed}`; it must be a directory, a `.zip`, `.war` or `.jar` file, `{}`",
            LONE_FILES.join("` or `")
        ));
    }
    for other in ["package-exclude", "package-ignore-file"] {
        if reader.given(other).is_some() {
            reader.errors.push(format!(
                "`{other}` is set, but `{name}` is a file, which is taken as it is"
            ));
        }
    }
}
