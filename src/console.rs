//! The one type that prints: a log for people, made of lines, groups and annotations.
//!
//! The runner reads [workflow commands] out of this log, so text from outside (file names, events, AWS messages)
//! is neutralised here, in one place, before it is printed. Outside GitHub Actions the same log is plain text.
//!
//! [workflow commands]: https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands

mod escape;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{ErrorKind, Write};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::core::activities::Activities;
use crate::core::redactor::Redactor;

use self::escape::{escape_data, escape_line_ends, escape_property, log_lines, push_neutral, push_without_control};

/// What is shorter, in characters, is not masked: it would black out half of the log.
const MIN_MASKED: usize = 4;

/// A line that rewrites itself must fit the screen: what wraps is not rewritten. In characters.
const MAX_LIVE: usize = 79;

/// A log is silent for so long at the most: a little less than half a minute, for a line takes a moment too.
pub(crate) const MAX_SILENCE: Duration = Duration::from_millis(29_500);

/// Erases the line that the cursor stands on, and goes back to its first column.
const ERASE: &str = "\r\u{1b}[2K";

/// The log of this run.
#[derive(Clone)]
pub struct Console(Arc<Mutex<Inner>>);

/// How a terminal's log looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TerminalStyle {
    /// Headings, warnings and errors are colored.
    pub colors: bool,
    /// Progress is one line that rewrites itself.
    pub rewrites: bool,
}

struct Inner {
    out: Box<dyn Write + Send>,
    debug: bool,
    /// `None` for GitHub's runner, which reads commands out of the log.
    terminal: Option<TerminalStyle>,
    group_open: bool,
    /// The last line is one that will be rewritten.
    live: bool,
    /// Cancelled when nobody reads the log any more.
    stop: Option<CancellationToken>,
    /// Everything that was masked.
    secrets: Redactor,
    /// What is being done, for signs of life.
    activities: Activities,
}

/// An open group of the log; ends when dropped, also on the way out of an error.
#[must_use = "a group ends when it is dropped"]
pub(crate) struct Group(Console);

/// Something that may take long; ends when dropped.
#[must_use = "the activity ends when it is dropped"]
pub(crate) struct Activity(Console, u64);

/// The signs of life of a log; they end when it is dropped.
#[must_use = "the signs of life end when it is dropped"]
pub(crate) struct SignsOfLife(#[expect(dead_code, reason = "dropping it ends the thread")] Sender<()>);

impl Console {
    /// A log for GitHub's runner that goes to `out`; `debug` prints debug lines too.
    pub fn new(out: impl Write + Send + 'static, debug: bool) -> Self {
        Self::with_style(out, debug, None)
    }

    /// The same log as plain text, without workflow commands.
    pub fn terminal(out: impl Write + Send + 'static, debug: bool, style: TerminalStyle) -> Self {
        Self::with_style(out, debug, Some(style))
    }

    fn with_style(out: impl Write + Send + 'static, debug: bool, terminal: Option<TerminalStyle>) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            out: Box::new(out),
            debug,
            terminal,
            group_open: false,
            live: false,
            stop: None,
            secrets: Redactor::default(),
            activities: Activities::new(Instant::now()),
        })))
    }

    /// Cancels `stop` when nobody reads the log any more.
    pub fn cancel_when_broken(&self, stop: &CancellationToken) {
        self.lock().stop = Some(stop.clone());
    }

    /// Whether this log is plain text, without workflow commands.
    #[must_use]
    pub(crate) fn is_terminal(&self) -> bool {
        self.style().is_some()
    }

    /// Whether debug logging is on: whoever debugs wants every line.
    #[must_use]
    pub(crate) fn is_debug(&self) -> bool {
        self.lock().debug
    }

    /// Whether [`Console::progress`] rewrites its line, so that it may be called often.
    #[must_use]
    pub(crate) fn rewrites(&self) -> bool {
        self.style().is_some_and(|style| style.rewrites)
    }

    /// Prints `text`; each of its lines becomes one line of the log.
    pub(crate) fn line(&self, text: &str) {
        let (text, terminal) = (self.hide(text, 0), self.is_terminal());
        let mut lines = String::with_capacity(text.len() + 1);
        for line in log_lines(&text) {
            match terminal {
                true => push_without_control(&mut lines, line),
                false => push_neutral(&mut lines, line),
            }
            lines.push('\n');
        }
        self.write(&lines);
    }

    /// Prints how far the work is: a line, or on a terminal the line that the next one replaces.
    pub(crate) fn progress(&self, text: &str) {
        if !self.rewrites() {
            return self.line(text);
        }
        let text = self.hide(text, 0);
        let mut line = String::new();
        push_without_control(&mut line, log_lines(&text).next().unwrap_or_default());
        let line: String = line.chars().take(MAX_LIVE).collect();
        self.write(&line);
        self.lock().live = true;
    }

    /// Opens a group; an open one is ended, for groups do not nest.
    pub(crate) fn group(&self, name: &str) -> Group {
        self.end_group();
        self.command("group", &[], name);
        let mut inner = self.lock();
        inner.group_open = true;
        inner.activities.enter(Some(name), Instant::now());
        drop(inner);
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

    /// Notes that `text`, such as "reading release records", is being done until the answer is dropped.
    pub(crate) fn activity(&self, text: impl Into<String>) -> Activity {
        let text = text.into();
        self.changing_activity(move || text.clone())
    }

    /// The same for what gets on: `describe` is asked for each sign of life, and must not print.
    pub(crate) fn changing_activity(&self, describe: impl Fn() -> String + Send + Sync + 'static) -> Activity {
        let number = self.lock().activities.begin(Arc::new(describe), Instant::now());
        Activity(self.clone(), number)
    }

    /// Prints what is being done whenever there was no line for `silence`, on a thread of its own: it must not wait for
    /// others that are busy.
    pub(crate) fn signs_of_life(&self, silence: Duration) -> SignsOfLife {
        let (stop, stopped) = channel();
        let console = self.clone();
        let live = move || {
            let mut pause = silence;
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = console.sign_of_life(silence);
            }
        };
        // Without the thread the run goes on all the same.
        let _ = std::thread::Builder::new().name("signs-of-life".to_owned()).spawn(live);
        SignsOfLife(stop)
    }

    /// Prints a sign of life where one is due; how long until the next may be.
    fn sign_of_life(&self, silence: Duration) -> Duration {
        let now = Instant::now();
        let inner = self.lock();
        let rest = silence.saturating_sub(inner.activities.silence(now));
        let line = rest.is_zero().then(|| inner.activities.line(now));
        drop(inner);
        let Some(line) = line else { return rest };
        self.progress(&line);
        silence
    }

    /// Makes the runner replace `secret` by `***` in everything printed later, line by line, and does so itself: the
    /// report and other files are not the runner's to mask. Lines of fewer than four characters are not masked; whoever
    /// has such a secret must not print it.
    pub(crate) fn mask(&self, secret: &str) {
        let lines = log_lines(secret).map(str::trim);
        for line in lines.filter(|line| line.chars().count() >= MIN_MASKED) {
            if !self.lock().secrets.insert(line) || self.is_terminal() {
                continue;
            }
            // Exactly as it is, nothing neutralised: else something else would be masked.
            self.write(&format!("::add-mask::{}\n", escape_line_ends(line)));
        }
    }

    /// `text` with masked secrets replaced by `***`, for files that no runner masks.
    ///
    /// They are found escaped and encoded too ([`Redactor`]).
    #[must_use]
    pub(crate) fn redact<'a>(&self, text: &'a str) -> Cow<'a, str> {
        self.hide(text, 0)
    }

    /// The same for a text that was escaped already: secrets of at least `shortest` bytes are looked for as they are and
    /// as `escapes` write them.
    #[must_use]
    pub(crate) fn redact_escaped(&self, text: &str, shortest: usize, escapes: &[&dyn Fn(&str) -> String]) -> String {
        let mut text = self.hide(text, shortest).into_owned();
        for secret in self.lock().secrets.secrets(shortest) {
            for escape in escapes {
                text = text.replace(&escape(secret), "***");
            }
        }
        text
    }

    fn hide<'a>(&self, text: &'a str, shortest: usize) -> Cow<'a, str> {
        let hidden = self.lock().secrets.hide(text, shortest);
        hidden.map_or(Cow::Borrowed(text), Cow::Owned)
    }

    fn command(&self, name: &str, properties: &[(&str, &str)], message: &str) {
        if let Some(style) = self.style() {
            return self.write(&self.plain(style, name, properties, message));
        }
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

    /// A command as text: `error: Deploy failed: …`; a group as a heading.
    fn plain(&self, style: TerminalStyle, name: &str, properties: &[(&str, &str)], message: &str) -> String {
        let (head, color) = match name {
            "group" => ("", "1"),
            "error" => ("error: ", "1;31"),
            "warning" => ("warning: ", "1;33"),
            "notice" => ("note: ", "1;36"),
            _ => ("debug: ", "2"),
        };
        let titles = properties.iter().map(|(_, title)| format!("{title}: "));
        let text = format!("{}{message}", titles.collect::<String>());
        let text = self.hide(&text, 0);
        let mut out = String::from(if name == "group" { "\n" } else { "" });
        for (position, line) in log_lines(&text).enumerate() {
            let mut visible = String::from(if position == 0 { head } else { "  " });
            push_without_control(&mut visible, line);
            // The whole heading, and the first word of the rest.
            let colored = if name == "group" {
                visible.len()
            } else {
                head.trim_end().len()
            };
            match style.colors && position == 0 {
                true => {
                    let (marked, rest) = visible.split_at(colored);
                    let _ = writeln!(out, "\u{1b}[{color}m{marked}\u{1b}[0m{rest}");
                }
                false => {
                    let _ = writeln!(out, "{visible}");
                }
            }
        }
        out
    }

    fn end_group(&self) {
        let mut inner = self.lock();
        let open = std::mem::take(&mut inner.group_open);
        inner.activities.enter(None, Instant::now());
        drop(inner);
        if open && !self.is_terminal() {
            self.write("::endgroup::\n");
        }
    }

    fn write(&self, text: &str) {
        let mut inner = self.lock();
        inner.activities.heard(Instant::now());
        let erase = if std::mem::take(&mut inner.live) { ERASE } else { "" };
        let written = inner.out.write_all(erase.as_bytes());
        let written = written.and_then(|()| inner.out.write_all(text.as_bytes()));
        let written = written.and_then(|()| inner.out.flush());
        // A disk that is full must not stop a deployment half-way; a reader that is gone wishes to.
        if written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe)
            && let Some(stop) = &inner.stop
        {
            stop.cancel();
        }
    }

    fn style(&self) -> Option<TerminalStyle> {
        self.lock().terminal
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

impl Drop for Activity {
    fn drop(&mut self) {
        self.0.lock().activities.end(self.1);
    }
}

#[cfg(test)]
mod tests;
