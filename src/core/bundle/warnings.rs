//! The usual mistakes in a bundle: things that Beanstalk takes and that then do not work.

use std::collections::BTreeSet;

use crate::core::bundle::ready::Contents;
use crate::core::bundle::scan::{EntryKind, Selection};

/// How many bytes of a file are looked at.
pub(crate) const START: u64 = 64 * 1024;

/// More files than this are seldom meant, and slow every deployment down.
const MANY_FILES: u64 = 20_000;

/// Scripts that instances run with their interpreter line, so that a Windows line end in it breaks them
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/platforms-linux-extend.hooks.html>).
const HOOKS: [&str; 2] = [".platform/hooks/", ".platform/confighooks/"];

/// The mistakes seen in `selection`; `start` gives the first [`START`] bytes of one of its files.
#[must_use]
pub(crate) fn of_directory(selection: &Selection, start: impl Fn(&str) -> Vec<u8>) -> Vec<String> {
    let mut warnings = Vec::new();
    let tops: BTreeSet<&str> = selection.entries.keys().map(|path| top(path)).collect();
    if let [only] = Vec::from_iter(tops)[..]
        && selection.entries.get(only) == Some(&EntryKind::Directory)
    {
        warnings.push(one_folder(only));
    }
    warnings.extend(many_files(selection.files()));
    if is_file(selection, "Procfile") && has_windows_line_ends(&start("Procfile"), false) {
        warnings.push(procfile());
    }
    let hooks = HOOKS.iter().flat_map(|hooks| {
        let below = selection.entries.range((*hooks).to_owned()..);
        below.take_while(|(path, _)| path.starts_with(*hooks))
    });
    for (path, kind) in hooks {
        if matches!(kind, EntryKind::File { .. }) && has_windows_line_ends(&start(path), true) {
            warnings.push(format!(
                "`{path}` has Windows line ends, and instances cannot find its interpreter"
            ));
        }
    }
    warnings
}

/// The mistakes seen in a ready archive.
#[must_use]
pub(crate) fn of_archive(contents: &Contents, extension: &str) -> Vec<String> {
    let mut warnings = Vec::new();
    let tops: BTreeSet<&str> = contents.names.iter().map(|path| top(path)).collect();
    if extension == "zip"
        && let [only] = Vec::from_iter(tops)[..]
        && contents.names.iter().all(|name| name.contains('/'))
    {
        warnings.push(one_folder(only));
    }
    if let Some(git) = contents
        .names
        .iter()
        .find(|name| name.split('/').any(|part| part == ".git"))
    {
        warnings.push(format!(
            "the archive holds `{}`: what is in a `.git` directory is the whole history, perhaps with credentials; leave it \
             out when the archive is made",
            git.chars().take(200).collect::<String>()
        ));
    }
    warnings.extend(many_files(contents.files));
    if contents
        .procfile
        .as_ref()
        .is_some_and(|text| text.windows(2).any(|pair| pair == b"\r\n"))
    {
        warnings.push(procfile());
    }
    warnings
}

fn top(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

fn is_file(selection: &Selection, path: &str) -> bool {
    matches!(selection.entries.get(path), Some(EntryKind::File { .. }))
}

fn one_folder(name: &str) -> String {
    format!(
        "everything in the bundle lies in one folder, `{name}`; Elastic Beanstalk looks for the application at the top: \
         set `package` to that folder"
    )
}

fn procfile() -> String {
    "`Procfile` has Windows line ends, and the carriage return becomes part of the command: convert it".to_owned()
}

fn many_files(files: u64) -> Option<String> {
    (files > MANY_FILES).then(|| {
        format!(
            "the bundle has {files} files; is something in it that the instances do not need? An `.ebignore` file or \
             `package-exclude` leaves it out"
        )
    })
}

fn has_windows_line_ends(start: &[u8], only_interpreter_line: bool) -> bool {
    if only_interpreter_line {
        let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
        start.starts_with(b"#!") && line.ends_with(b"\r")
    } else {
        start.windows(2).any(|pair| pair == b"\r\n")
    }
}
