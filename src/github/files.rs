//! The files through which a step talks to the runner: outputs and summary.

use std::borrow::Cow;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

/// Appends `outputs` to the file behind `GITHUB_OUTPUT`.
///
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#setting-an-output-parameter>
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_outputs(file: &Path, outputs: &[(&str, String)]) -> anyhow::Result<()> {
    let text: String = outputs.iter().map(|(name, value)| entry(name, value)).collect();
    append(file, &text)
}

/// What GitHub takes of a step's summary, in bytes: one more, and it shows nothing at all.
///
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits>
const MAX_SUMMARY: usize = 1024 * 1024;

/// Appends `markdown` to the file behind `GITHUB_STEP_SUMMARY`, cut at a line where it would be too long together with
/// what is there.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_summary(file: &Path, markdown: &str) -> anyhow::Result<()> {
    let there = file.metadata().map_or(0, |metadata| metadata.len());
    let room = MAX_SUMMARY.saturating_sub(usize::try_from(there).unwrap_or(usize::MAX));
    append(file, &fitting(markdown, room))
}

/// `markdown`, or as many of its lines as fit into `room` bytes, and a line that says so.
fn fitting(markdown: &str, room: usize) -> Cow<'_, str> {
    if markdown.len() <= room {
        return markdown.into();
    }
    let Some(room) = room.checked_sub(CUT_SHORT.len()) else {
        return "".into();
    };
    let start = &markdown[..markdown.floor_char_boundary(room)];
    let end = start.rfind('\n').map_or(0, |newline| newline + 1);
    format!("{}{CUT_SHORT}", &start[..end]).into()
}

/// Closes what may be open: of the parts, only details that are folded away are long.
const CUT_SHORT: &str = "\n</details>\n\nThe rest is too long for a summary; the report file has it.\n";

/// One entry; the delimiter grows until the value does not hold it, so that no value can end its own entry.
fn entry(name: &str, value: &str) -> String {
    let mut delimiter = String::from("EOF");
    while value.contains(&delimiter) {
        delimiter.push('_');
    }
    format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
}

fn append(file: &Path, text: &str) -> anyhow::Result<()> {
    let written = OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .and_then(|mut open| {
            let before = open.metadata()?.len();
            open.write_all(text.as_bytes()).inspect_err(|_| {
                // Half an entry would fail the step, and the disk is full: what cannot be written is not begun either.
                let _ = open.set_len(before);
            })
        });
    written.with_context(|| format!("cannot write `{}`", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_is_cut_at_a_line_before_github_would_drop_it() {
        let lines = "| a | ü |\n".repeat(10);
        assert_eq!(fitting(&lines, lines.len()), lines);
        let cut = fitting(&lines, lines.len() - 1);
        assert!(cut.len() < lines.len() && cut.ends_with(CUT_SHORT), "{cut}");
        assert_eq!(fitting(&lines, CUT_SHORT.len()), CUT_SHORT);
        assert_eq!(fitting(&lines, CUT_SHORT.len() - 1), "");
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("summary");
        std::fs::write(&file, "x".repeat(MAX_SUMMARY - 200)).expect("a file");
        write_summary(&file, &lines.repeat(10)).expect("written");
        assert!(file.metadata().expect("a file").len() <= MAX_SUMMARY as u64);
        assert!(std::fs::read_to_string(&file).expect("a file").ends_with(CUT_SHORT));
    }

    #[test]
    fn a_value_cannot_end_its_own_entry() {
        assert_eq!(
            entry("paths", "/a\nEOF\nrelease<<EOF\nx"),
            "paths<<EOF_\n/a\nEOF\nrelease<<EOF\nx\nEOF_\n"
        );
    }
}
