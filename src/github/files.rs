//! The files through which a step talks to the runner: outputs and summary.

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

/// Appends `markdown` to the file behind `GITHUB_STEP_SUMMARY`.
///
/// # Errors
/// When the file cannot be written.
pub(crate) fn write_summary(file: &Path, markdown: &str) -> anyhow::Result<()> {
    append(file, markdown)
}

/// One entry; the delimiter grows until the value does not hold it, so that no value can end its own entry.
fn entry(name: &str, value: &str) -> String {
    let mut delimiter = String::from("EOF");
    while value.contains(&delimiter) {
        delimiter.push('_');
    }
    format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
}

fn append(file: &Path, text: &str) -> anyhow::Result<()> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(file)
        .and_then(|mut open| open.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write `{}`", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_end_its_own_entry() {
        assert_eq!(
            entry("paths", "/a\nEOF\nrelease<<EOF\nx"),
            "paths<<EOF_\n/a\nEOF\nrelease<<EOF\nx\nEOF_\n"
        );
    }
}
