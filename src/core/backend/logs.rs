//! The logs of an instance, cut to what matters.

/// How many lines of each log are shown.
const ENGINE_LINES: usize = 40;
const APPLICATION_LINES: usize = 25;
/// The longest error line that goes into the error message, in characters.
const MAX_LENGTH: usize = 300;

/// The log of the deployment itself
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.logging.html>).
const ENGINE: [&str; 2] = ["eb-engine.log", "eb-activity.log"];
/// The application's own, in the order of interest.
const APPLICATION: [&str; 7] = [
    "web.stdout.log",
    "stdouterr.log",
    "eb-stdouterr.log",
    "catalina.out",
    "puma.log",
    "nodejs.log",
    "error_log",
];

/// What of an instance's logs is worth showing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LogTail {
    /// Name of the log and its last lines.
    pub(crate) sections: Vec<(String, Vec<String>)>,
    /// The first real error of this deployment.
    pub(crate) error: Option<String>,
}

/// Cuts the tail of several logs, each below a line with its path between two rules.
pub(crate) fn cut(text: &str) -> LogTail {
    let sections = sections(text);
    let find = |name: &str| {
        let suffix = format!("/{name}");
        sections
            .iter()
            .find(|(path, lines)| path.ends_with(&suffix) && lines.iter().any(|line| !line.trim().is_empty()))
    };
    let mut tail = LogTail::default();
    if let Some((path, lines)) = ENGINE.iter().find_map(|name| find(name)) {
        let lines = this_deployment(lines);
        tail.error = lines.iter().find(|line| is_error(line)).map(|line| message(line));
        tail.sections.push((path.clone(), last(lines, ENGINE_LINES)));
    }
    if let Some((path, lines)) = APPLICATION.iter().find_map(|name| find(name)) {
        let lines = last(lines, APPLICATION_LINES);
        if tail.error.is_none() {
            tail.error = lines
                .iter()
                .rev()
                .find(|line| sounds_bad(line))
                .map(|line| message(line));
        }
        tail.sections.push((path.clone(), lines));
    }
    tail
}

fn sections(text: &str) -> Vec<(String, Vec<&str>)> {
    let is_rule = |line: &str| line.len() >= 10 && line.bytes().all(|byte| byte == b'-');
    let lines: Vec<&str> = text.lines().collect();
    let mut sections: Vec<(String, Vec<&str>)> = Vec::new();
    let mut position = 0;
    while position < lines.len() {
        let heading = lines.get(position + 1).filter(|path| path.starts_with("/var/"));
        match heading {
            Some(path) if is_rule(lines[position]) && lines.get(position + 2).is_some_and(|line| is_rule(line)) => {
                sections.push(((*path).to_owned(), Vec::new()));
                position += 3;
            }
            _ => {
                if let Some((_, content)) = sections.last_mut() {
                    content.push(lines[position]);
                }
                position += 1;
            }
        }
    }
    sections
}

/// The lines of the deployment that came last: the log goes on over all of them.
fn this_deployment<'l, 'm>(lines: &'m [&'l str]) -> &'m [&'l str] {
    let start = lines
        .iter()
        .rposition(|line| line.trim_end().ends_with("[INFO] Starting..."));
    start.map_or(lines, |start| &lines[start..])
}

fn last(lines: &[&str], count: usize) -> Vec<String> {
    let full: Vec<&str> = lines.iter().copied().filter(|line| !line.trim().is_empty()).collect();
    full[full.len().saturating_sub(count)..]
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}

fn is_error(line: &str) -> bool {
    line.contains("[ERROR]") || line.contains("[FATAL]") || line.contains("] ERROR ")
}

fn sounds_bad(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    ["error", "exception", "not found", "failed", "cannot", "panic", "denied"]
        .iter()
        .any(|word| line.contains(word))
}

/// A line without its time and level.
fn message(line: &str) -> String {
    let text = line
        .split_once("[ERROR]")
        .or_else(|| line.split_once("[FATAL]"))
        .map_or(line, |(_, text)| text);
    text.trim().chars().take(MAX_LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAIL: &str = "\
----------------------------------------
/var/log/eb-engine.log
----------------------------------------
2021/09/14 16:40:00.000000 [INFO] Starting...
2021/09/14 16:40:01.000000 [ERROR] An old error
2021/09/14 16:42:58.000000 [INFO] Starting...
2021/09/14 16:42:59.000000 [ERROR] An error occurred during execution of command [app-deploy]

2021/09/14 16:42:59.100000 [ERROR] A later one


----------------------------------------
/var/log/web.stdout.log
----------------------------------------
Sep  7 07:55:57 ip-172-31-44-139 web: /bin/sh: application: command not found
";

    #[test]
    fn shows_the_last_deployment_and_its_first_error() {
        let tail = cut(TAIL);
        assert_eq!(
            tail.error.as_deref(),
            Some("An error occurred during execution of command [app-deploy]")
        );
        assert_eq!(tail.sections.len(), 2);
        assert_eq!(tail.sections[0].1.len(), 3);
        assert!(!tail.sections[0].1.iter().any(|line| line.contains("old error")));
    }

    #[test]
    fn the_applications_log_speaks_when_the_engines_is_silent() {
        let tail = cut(&TAIL.replace("[ERROR]", "[INFO]"));
        assert!(
            tail.error
                .is_some_and(|line| line.ends_with("application: command not found"))
        );
        assert_eq!(cut("no headings at all"), LogTail::default());
    }
}
