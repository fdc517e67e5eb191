//! The one type that prints: a log for people, made of lines, groups and annotations.
//!
//! The runner reads [workflow commands] out of this log, so text from outside (file names, events, AWS messages)
//! is neutralised here, in one place, before it is printed.
//!
//! [workflow commands]: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// What is shorter, in characters, is not masked: it would black out half of the log.
const MIN_MASKED: usize = 4;

/// Secrets of AWS and GitHub are much longer than this.
const SHORTEST_IN_FILES: usize = 12;

/// The log of this run.
#[derive(Clone)]
pub struct Console(Arc<Mutex<Inner>>);

struct Inner {
    out: Box<dyn Write + Send>,
    debug: bool,
    group_open: bool,
    /// Everything that was masked, the longest first: a secret may be part of another.
    secrets: Vec<String>,
}

/// An open group of the log; ends when dropped, also on the way out of an error.
#[must_use = "a group ends when it is dropped"]
pub(crate) struct Group(Console);

impl Console {
    /// A log that goes to `out`; `debug` prints debug lines too.
    pub fn new(out: impl Write + Send + 'static, debug: bool) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            out: Box::new(out),
            debug,
            group_open: false,
            secrets: Vec::new(),
        })))
    }

    /// Prints `text`; each of its lines becomes one line of the log.
    pub(crate) fn line(&self, text: &str) {
        let text = self.hide(text, 0);
        let mut lines = String::with_capacity(text.len() + 1);
        for line in log_lines(&text) {
            push_neutral(&mut lines, line);
            lines.push('\n');
        }
        self.write(&lines);
    }

    /// Opens a group; an open one is ended, for groups do not nest.
    pub(crate) fn group(&self, name: &str) -> Group {
        self.end_group();
        self.command("group", &[], name);
        self.lock().group_open = true;
        Group(self.clone())
    }

    /// A notice: at most one or two a run, GitHub shows ten annotations a step.
    pub(crate) fn notice(&self, title: &str, text: &str) {
        self.command("notice", &[("title", title)], text);
    }

    /// A warning: something the user may want to change.
    pub(crate) fn warning(&self, title: &str, text: &str) {
        self.command("warning", &[("title", title)], text);
    }

    /// The error: one a run.
    pub fn error(&self, title: &str, text: &str) {
        self.command("error", &[("title", title)], text);
    }

    /// A line that shows only with debug logging on.
    pub(crate) fn debug(&self, text: &str) {
        if self.lock().debug {
            self.command("debug", &[], text);
        }
    }

    /// Makes the runner replace `secret` by `***` in everything printed later, line by line, and does so itself: the
    /// report and other files are not the runner's to mask. Lines of fewer than four characters are not masked; whoever
    /// has such a secret must not print it.
    pub(crate) fn mask(&self, secret: &str) {
        let lines = log_lines(secret).map(str::trim);
        for line in lines.filter(|line| line.chars().count() >= MIN_MASKED) {
            {
                let secrets = &mut self.lock().secrets;
                if secrets.iter().any(|known| known == line) {
                    continue;
                }
                let position = secrets.partition_point(|known| known.len() >= line.len());
                secrets.insert(position, line.to_owned());
            }
            // Exactly as it is, nothing neutralised: else something else would be masked.
            self.write(&format!("::add-mask::{}\n", escape_line_ends(line)));
        }
    }

    /// `text` with masked secrets replaced by `***`, for files that no runner masks.
    ///
    /// Short ones (an S3-compatible store's `minio`) stay: in a file they would be replaced in keys and paths too.
    #[must_use]
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.hide(text, SHORTEST_IN_FILES)
    }

    fn hide<'a>(&self, text: &'a str, shortest: usize) -> Cow<'a, str> {
        let inner = self.lock();
        let secrets = inner.secrets.iter().filter(|secret| secret.len() >= shortest);
        secrets.fold(Cow::Borrowed(text), |text, secret| {
            if text.contains(secret.as_str()) {
                Cow::Owned(text.replace(secret.as_str(), "***"))
            } else {
                text
            }
        })
    }

    fn command(&self, name: &str, properties: &[(&str, &str)], message: &str) {
        let mut line = format!("::{name}");
        for (position, (key, value)) in properties.iter().enumerate() {
            line.push(if position == 0 { ' ' } else { ',' });
            let _ = write!(line, "{key}={}", escape_property(&self.hide(value, 0)));
        }
        line.push_str("::");
        line.push_str(&escape_data(&self.hide(message, 0)));
        line.push('\n');
        self.write(&line);
    }

    fn end_group(&self) {
        let open = std::mem::take(&mut self.lock().group_open);
        if open {
            self.write("::endgroup::\n");
        }
    }

    fn write(&self, text: &str) {
        let mut inner = self.lock();
        // A log that cannot be written must not stop a deployment half-way.
        let _ = inner.out.write_all(text.as_bytes());
        let _ = inner.out.flush();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Console")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.0.end_group();
    }
}

/// The lines that the runner sees in `text`: it reads `\r`, `\n` and `\r\n` as ends of a line.
fn log_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}

/// Escapes the message of a workflow command, as [`@actions/core`] does, and neutralises the older kind of command.
///
/// [`@actions/core`]: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
fn escape_data(text: &str) -> String {
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
fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

fn escape_line_ends(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Appends `line` so that the runner sees no command in it and a terminal no escape sequence.
fn push_neutral(out: &mut String, line: &str) {
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
fn push_without_control(out: &mut String, line: &str) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A place to print to that can be read.
    #[derive(Clone, Default)]
    struct Screen(Arc<Mutex<Vec<u8>>>);

    impl Write for Screen {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn printed(print: impl FnOnce(&Console)) -> String {
        let screen = Screen::default();
        print(&Console::new(screen.clone(), true));
        let bytes = screen.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        String::from_utf8(bytes).expect("UTF-8")
    }

    /// Whether the runner sees a command in a line of `log`, by its own rules, whatever the command's name.
    fn commands(log: &str) -> Vec<&str> {
        log.split(['\r', '\n'])
            .filter(|line| {
                let current = line
                    .trim_start()
                    .strip_prefix("::")
                    .is_some_and(|rest| rest.contains("::"));
                let legacy = line.split_once("##[").is_some_and(|(_, rest)| rest.contains(']'));
                current || legacy
            })
            .collect()
    }

    #[test]
    fn text_from_outside_is_no_command() {
        for text in [
            "::set-output name=a::b",
            "  ::add-mask::x",
            "\u{a0}\u{3000}::error::x",
            "a\n::error::x",
            "a\r::error::x",
            ":\r:error::x",
            "\r:\r:error::x",
            "#\r#[error]x",
            "a ##[group]b",
            "###[error]x",
            "##\u{1b}[error]x",
            "::stop-commands::x",
        ] {
            let log = printed(|console| console.line(text));
            assert_eq!(commands(&log), Vec::<&str>::new(), "{text:?}: {log:?}");
        }
    }

    #[test]
    fn text_in_an_annotation_stays_in_it() {
        let log = printed(|console| console.error("a,b=c::d", "x\r\n::set-output name=a::b\n##[error]y %0A"));
        assert_eq!(
            log,
            "::error title=a%2Cb=c%3A%3Ad::x%0A::set-output name=a::b%0A# #[error]y %250A\n"
        );
    }

    #[test]
    fn what_a_person_cannot_see_is_shown() {
        let log = printed(|console| console.line("\u{1b}[31mred\u{7}\u{202e}gpj.exe\u{2028}end\r"));
        assert_eq!(log, "\\u{1b}[31mred\\u{7}\\u{202e}gpj.exe\\u{2028}end\n");
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        let text = "größe 100 % — a::b  c:\\d ünï #1 [x] 東京\ttab";
        assert_eq!(printed(|console| console.line(text)), format!("{text}\n"));
    }

    #[test]
    fn secrets_are_masked_as_they_are_line_by_line_and_once() {
        let log = printed(|console| {
            console.mask("a%b##[c\r\nsecond\n\n");
            console.mask("second");
        });
        assert_eq!(log, "::add-mask::a%25b##[c\n::add-mask::second\n");
    }

    #[test]
    fn what_would_black_out_the_log_is_not_masked() {
        let log = printed(|console| {
            console.mask("abc");
            console.mask("äöü\n}\nlonger");
            console.line("abc äöü longer");
        });
        assert_eq!(log, "::add-mask::longer\nabc äöü ***\n");
    }

    #[test]
    fn secrets_are_not_printed_even_where_no_runner_masks_them() {
        let log = printed(|console| {
            console.mask("hunter2");
            console.mask("hunter2-and-more");
            console.line("is hunter2-and-more hunter2");
            console.debug("hunter2");
            console.error("hunter2", "hunter2");
            drop(console.group("hunter2"));
            assert_eq!(console.redact("hunter2 hunter2-and-more"), "hunter2 ***");
        });
        let said: Vec<&str> = log.lines().skip(2).collect();
        assert_eq!(
            said,
            [
                "is *** ***",
                "::debug::***",
                "::error title=***::***",
                "::group::***",
                "::endgroup::"
            ]
        );
    }

    #[test]
    fn groups_do_not_nest_and_end_once() {
        let log = printed(|console| {
            let first = console.group("a");
            let second = console.group("b");
            drop(second);
            drop(first);
        });
        assert_eq!(log, "::group::a\n::endgroup::\n::group::b\n::endgroup::\n");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        #[test]
        fn no_text_at_all_is_a_command(text in "[:#\\[\\]\r\n \t\u{1b}\u{85}\u{a0}\u{200b}\u{feff}a-c%]{0,24}|\\PC{0,40}") {
            let log = printed(|console| console.line(&text));
            prop_assert_eq!(commands(&log), Vec::<&str>::new());
            let log = printed(|console| console.warning(&text, &text));
            prop_assert_eq!(commands(&log).len(), 1);
            prop_assert!(log.starts_with("::warning title="));
            prop_assert_eq!(log.matches(['\r', '\n']).count(), 1);
        }
    }
}
