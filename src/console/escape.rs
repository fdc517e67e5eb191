//! Text from outside, made harmless for the log: no workflow command for the runner, no escape sequence for a terminal.

use std::fmt::Write as _;

/// The lines that the runner sees in `text`: it reads `\r`, `\n` and `\r\n` as ends of a line.
pub(super) fn log_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// Escapes the message of a workflow command, as [`@actions/core`] does, and neutralises the older kind of command.
///
/// [`@actions/core`]: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
pub(super) fn escape_data(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (position, line) in log_lines(text).enumerate() {
        if position > 0 {
            out.push('\n');
        }
        push_without_control(&mut out, line);
    }
    escape_line_ends(&without_legacy_commands(out))
}

/// Escapes a property of a workflow command.
pub(super) fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

pub(super) fn escape_line_ends(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Appends `line` so that the runner sees no command in it and a terminal no escape sequence.
pub(super) fn push_neutral(out: &mut String, line: &str) {
    let mut visible = String::with_capacity(line.len());
    push_without_control(&mut visible, line);
    // The runner takes `::name` after leading white space.
    // https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
    if visible.trim_start().starts_with("::") {
        out.push('\u{200b}');
    }
    out.push_str(&without_legacy_commands(visible));
}

/// Breaks the older `##[name]`, which the runner takes anywhere in a line.
fn without_legacy_commands(text: String) -> String {
    if text.contains("##[") {
        text.replace("##[", "# #[")
    } else {
        text
    }
}

/// Appends `line` with control characters made visible.
pub(super) fn push_without_control(out: &mut String, line: &str) {
    for character in line.chars() {
        match character {
            '\t' => out.push('\t'),
            hidden if hidden.is_control() || is_deceptive(hidden) => {
                let _ = write!(out, "{}", hidden.escape_unicode());
            }
            other => out.push(other),
        }
    }
}

/// Characters that reorder what a person reads, or start a new line on the screen alone.
fn is_deceptive(character: char) -> bool {
    matches!(
        character,
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}
