//! The one type that prints: a log for people, made of lines, groups and annotations.
//!
//! The runner reads [workflow commands] out of this log, so text from outside (file names, events, AWS messages)
//! is neutralised here, in one place, before it is printed.
//!
//! [workflow commands]: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands

use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// The log of this run.
#[derive(Clone)]
pub struct Console(Arc<Mutex<Inner>>);

struct Inner {
    out: Box<dyn Write + Send>,
    debug: bool,
    group_open: bool,
}

/// An open group of the log; ends when dropped, also on the way out of an error.
#[must_use = "a group ends when it is dropped"]
pub struct Group(Console);

impl Console {
    /// A log that goes to `out`; `debug` prints debug lines too.
    pub fn new(out: impl Write + Send + 'static, debug: bool) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            out: Box::new(out),
            debug,
            group_open: false,
        })))
    }

    /// Prints `text`; each of its lines becomes one line of the log.
    pub fn line(&self, text: &str) {
        let mut lines = String::with_capacity(text.len() + 1);
        for line in text.split('\n') {
            push_neutral(&mut lines, line);
            lines.push('\n');
        }
        self.write(&lines);
    }

    /// Opens a group; an open one is ended, for groups do not nest.
    pub fn group(&self, name: &str) -> Group {
        self.end_group();
        self.command("group", &[], name);
        self.lock().group_open = true;
        Group(self.clone())
    }

    /// A notice: at most one or two a run, GitHub shows ten annotations a step.
    pub fn notice(&self, title: &str, text: &str) {
        self.command("notice", &[("title", title)], text);
    }

    /// A warning: something the user may want to change.
    pub fn warning(&self, title: &str, text: &str) {
        self.command("warning", &[("title", title)], text);
    }

    /// The error: one a run.
    pub fn error(&self, title: &str, text: &str) {
        self.command("error", &[("title", title)], text);
    }

    /// A line that shows only with debug logging on.
    pub fn debug(&self, text: &str) {
        if self.lock().debug {
            self.command("debug", &[], text);
        }
    }

    /// Whether debug lines are printed.
    #[must_use]
    pub fn is_debug(&self) -> bool {
        self.lock().debug
    }

    /// Makes the runner replace `secret` by `***` in everything printed later, line by line.
    pub fn mask(&self, secret: &str) {
        for line in secret.lines().map(str::trim).filter(|line| !line.is_empty()) {
            self.command("add-mask", &[], line);
        }
    }

    fn command(&self, name: &str, properties: &[(&str, &str)], message: &str) {
        let mut line = format!("::{name}");
        for (position, (key, value)) in properties.iter().enumerate() {
            line.push(if position == 0 { ' ' } else { ',' });
            let _ = write!(line, "{key}={}", escape_property(value));
        }
        line.push_str("::");
        line.push_str(&escape_data(message));
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

/// Escapes the message of a workflow command, as [`@actions/core`] does.
///
/// [`@actions/core`]: https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
fn escape_data(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_without_control(&mut out, &text.replace("##[", "# #["), true);
    out.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn escape_property(text: &str) -> String {
    escape_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Appends `line` so that the runner sees no command in it and a terminal no escape sequence.
fn push_neutral(out: &mut String, line: &str) {
    // The runner takes `::name` after leading white space, and the older `##[name]` anywhere in a line.
    let trimmed = line.trim_start();
    if trimmed.starts_with("::") {
        out.push_str("\u{200b}");
    }
    push_without_control(out, &line.replace("##[", "# #["), false);
}

/// Appends `text` with control characters made visible; keeps line ends when `line_ends` says so.
fn push_without_control(out: &mut String, text: &str, line_ends: bool) {
    for character in text.chars() {
        match character {
            '\t' => out.push('\t'),
            '\n' | '\r' if line_ends => out.push(character),
            '\r' => {}
            control if control.is_control() => {
                let _ = write!(out, "{}", control.escape_unicode());
            }
            // Bidirectional overrides reorder what a person reads.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                let _ = write!(out, "{}", character.escape_unicode());
            }
            other => out.push(other),
        }
    }
}
