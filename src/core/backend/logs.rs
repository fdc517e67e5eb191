//! The logs of an instance, cut to what matters.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

/// How many lines of each log are shown.
const ENGINE_LINES: usize = 40;
const OTHER_LINES: usize = 25;
/// The longest error line that goes into the error message, in characters.
const MAX_LENGTH: usize = 300;
/// How much of them may stand before the cause.
const MAX_HEAD: usize = 120;
/// How much the clocks of an instance and of Elastic Beanstalk may differ.
const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(60);

/// The log of the deployment itself
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.logging.html>).
const ENGINE: [&str; 2] = ["/eb-engine.log", "/eb-activity.log"];
/// What hooks and container commands wrote.
const COMMANDS: [&str; 2] = ["/eb-hooks.log", "/cfn-init-cmd.log"];
/// The application's own, by the ends of their paths, in the order of interest: on Docker platforms
/// `eb-<id>-stdouterr.log`, `<id>-stdouterr.log` or `<name>-<id>-stdouterr.log`.
const APPLICATION: [&str; 7] = [
    "/web.stdout.log",
    "stdouterr.log",
    "/web.stderr.log",
    "/catalina.out",
    "/puma.log",
    "/nodejs.log",
    "/error_log",
];
/// Commands of the engine that only collect logs: ours is always the last one of a tail
/// (<https://github.com/aws/aws-elastic-beanstalk-cli/pull/465>).
const COLLECTING: [&str; 2] = ["Engine command: (tail-log)", "Engine command: (bundle-log)"];

/// What of an instance's logs is worth showing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct LogTail {
    /// Name of the log and its last lines.
    pub(crate) sections: Vec<(String, Vec<String>)>,
    /// The first real error of this deployment.
    pub(crate) error: Option<String>,
}

impl LogTail {
    /// What is shown of it.
    pub(crate) fn lines(&self) -> Vec<String> {
        if self.sections.is_empty() {
            return vec!["the instance returned no recognized log files".to_owned()];
        }
        let of_section = |(path, lines): &(String, Vec<String>)| {
            std::iter::once(format!("--- {path}"))
                .chain(lines.clone())
                .collect::<Vec<_>>()
        };
        self.sections.iter().flat_map(of_section).collect()
    }
}

/// Cuts the tail of several logs, each below a line with its path between two rules, to a deployment that began at
/// `since`.
pub(crate) fn cut(text: &str, since: Option<DateTime<Utc>>) -> LogTail {
    let sections = sections(text);
    let find = |ending: &str| {
        sections
            .iter()
            .find(|(path, lines)| path.ends_with(ending) && lines.iter().any(|line| !line.trim().is_empty()))
    };
    let mut tail = LogTail::default();
    if let Some((path, lines)) = ENGINE.iter().find_map(|name| find(name)) {
        let lines = this_deployment(lines, since);
        tail.error = first_error(lines);
        tail.sections.push((path.clone(), last(lines, ENGINE_LINES)));
    }
    for (path, lines) in COMMANDS.iter().filter_map(|name| find(name)) {
        tail.sections.push((path.clone(), last(lines, OTHER_LINES)));
    }
    if let Some((path, lines)) = APPLICATION.iter().find_map(|name| find(name)) {
        let lines = last(lines, OTHER_LINES);
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

/// Cuts a deployment log, which Elastic Beanstalk uploads for each deployment since March 2026
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/environments-deployment-logs.html>).
pub(crate) fn cut_deployment_log(text: &str, path: &str) -> LogTail {
    let lines: Vec<&str> = text.lines().collect();
    LogTail {
        error: first_error(&lines),
        sections: vec![(path.to_owned(), last(&lines, ENGINE_LINES + OTHER_LINES))],
    }
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

/// The lines of one deployment, for the log goes on over all of them: of those that ended at `since` or later the last
/// with an error, else the last one; without a start above it, what the tail has left of it.
fn this_deployment<'l, 'm>(lines: &'m [&'l str], since: Option<DateTime<Utc>>) -> &'m [&'l str] {
    let starts = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.trim_end().ends_with("[INFO] Starting..."))
        .map(|(position, _)| position);
    let mut bounds: Vec<usize> = std::iter::once(0).chain(starts).chain([lines.len()]).collect();
    bounds.dedup();
    let deployments: Vec<&[&str]> = bounds
        .windows(2)
        .map(|bound| &lines[bound[0]..bound[1]])
        .filter(|block| {
            !block
                .iter()
                .any(|line| COLLECTING.iter().any(|name| line.contains(name)))
        })
        .filter(|block| block.iter().any(|line| !line.trim().is_empty()))
        .collect();
    let ended_before = |block: &[&str]| {
        let end = block.iter().rev().find_map(|line| time(line));
        end.zip(since).is_some_and(|(end, since)| end + CLOCK_SKEW < since)
    };
    let failed = deployments
        .iter()
        .rev()
        .filter(|block| !ended_before(block))
        .find(|block| block.iter().any(|line| is_error(line)));
    failed.or(deployments.last()).map_or(&[], |block| *block)
}

/// The time at the start of a line of the engine's: `2023/12/14 22:06:05.484451`, UTC.
fn time(line: &str) -> Option<DateTime<Utc>> {
    let text = line.get(..19)?;
    Some(NaiveDateTime::parse_from_str(text, "%Y/%m/%d %H:%M:%S").ok()?.and_utc())
}

/// The last `count` lines that are not blank.
pub(crate) fn last(lines: &[&str], count: usize) -> Vec<String> {
    let full: Vec<&str> = lines.iter().copied().filter(|line| !line.trim().is_empty()).collect();
    full[full.len().saturating_sub(count)..]
        .iter()
        .map(|line| (*line).to_owned())
        .collect()
}

/// The first line of level ERROR or FATAL.
pub(crate) fn first_error(lines: &[&str]) -> Option<String> {
    let position = lines.iter().position(|line| is_error(line))?;
    let more = lines[position + 1..].iter().take_while(|line| !begins_entry(line));
    Some(with_cause(without_level(lines[position]), more.copied()))
}

/// Whether a line is the first of its entry: others are what a command wrote.
fn begins_entry(line: &str) -> bool {
    time(line).is_some() || line.starts_with('[') || is_error(line)
}

/// An error with its cause. What a command wrote comes last, behind `Stderr:`, goes on over the next lines, and would be
/// cut off behind a long command.
fn with_cause<'l>(text: &'l str, more: impl Iterator<Item = &'l str>) -> String {
    let Some((head, written)) = text.split_once("Stderr:") else {
        return start(text, MAX_LENGTH);
    };
    let written: Vec<&str> = std::iter::once(written)
        .chain(more)
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let names_error = |line: &&&str| line.contains("ERROR") || line.contains("Error");
    let cause = written.iter().find(names_error);
    let cause = cause.or_else(|| written.iter().find(|line| sounds_bad(line)));
    let Some(cause) = cause.or(written.first()) else {
        return start(text, MAX_LENGTH);
    };
    if text.ends_with(cause) && text.chars().count() <= MAX_LENGTH {
        return text.to_owned();
    }
    let head = head.split(". Stop running the command").next().unwrap_or_default();
    start(&format!("{}: {cause}", start(head.trim_end(), MAX_HEAD)), MAX_LENGTH)
}

fn is_error(line: &str) -> bool {
    line.contains("[ERROR]") || line.contains("[FATAL]") || line.contains("] ERROR ")
}

/// Whether a line without a level tells of a failure, for all that can be told by its words.
pub(crate) fn sounds_bad(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    ["error", "exception", "not found", "failed", "cannot", "panic", "denied"]
        .iter()
        .any(|word| line.contains(word))
}

/// A line without its time and level, as far as it goes into an error.
pub(crate) fn message(line: &str) -> String {
    start(without_level(line), MAX_LENGTH)
}

fn without_level(line: &str) -> &str {
    line.split_once("[ERROR]")
        .or_else(|| line.split_once("[FATAL]"))
        .map_or(line, |(_, text)| text)
        .trim()
}

fn start(text: &str, length: usize) -> String {
    text.chars().take(length).collect()
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
2021/09/14 16:42:58.000000 [INFO] Engine command: (app-deploy)
2021/09/14 16:42:59.000000 [ERROR] An error occurred during execution of command [app-deploy]

2021/09/14 16:42:59.100000 [ERROR] A later one


----------------------------------------
/var/log/web.stdout.log
----------------------------------------
Sep  7 07:55:57 ip-172-31-44-139 web: /bin/sh: application: command not found
";

    /// What RequestEnvironmentInfo itself writes: <https://github.com/aws/aws-elastic-beanstalk-cli/pull/465>.
    const OWN: &str = "\
2021/09/14 16:43:10.000000 [INFO] Starting...
2021/09/14 16:43:10.000000 [INFO] Starting EBPlatform-PlatformEngine
2021/09/14 16:43:10.000000 [INFO] Engine command: (tail-log)
2021/09/14 16:43:10.000000 [INFO] Executing instruction: GetTailLogs
";

    fn at(text: &str) -> Option<DateTime<Utc>> {
        text.parse().ok()
    }

    #[test]
    fn shows_the_last_deployment_and_its_first_error() {
        let tail = cut(TAIL, None);
        assert_eq!(
            tail.error.as_deref(),
            Some("An error occurred during execution of command [app-deploy]")
        );
        assert_eq!(tail.sections.len(), 2);
        assert_eq!(tail.sections[0].1.len(), 4);
        assert!(!tail.sections[0].1.iter().any(|line| line.contains("old error")));
    }

    #[test]
    fn the_block_of_our_own_request_is_skipped() {
        let with_own = TAIL.replace("\n\n\n---", &format!("\n{OWN}\n\n---"));
        assert_eq!(cut(&with_own, None), cut(TAIL, None));
        let cut_off = "2021/09/14 16:42:59.000000 [ERROR] The end of a long log\n";
        let only_end = format!("{0}\n/var/log/eb-engine.log\n{0}\n{cut_off}{OWN}", "-".repeat(40));
        assert_eq!(cut(&only_end, None).error.as_deref(), Some("The end of a long log"));
        let only_own = format!("{0}\n/var/log/eb-engine.log\n{0}\n{OWN}", "-".repeat(40));
        assert_eq!(cut(&only_own, None).error, None);
    }

    #[test]
    fn the_deployment_that_failed_is_shown_though_a_rollback_has_begun() {
        let rollback = "2021/09/14 16:43:00.000000 [INFO] Starting...\n\
                        2021/09/14 16:43:00.000000 [INFO] Engine command: (app-deploy)\n";
        let text = TAIL.replace("\n\n\n---", &format!("\n{rollback}\n\n---"));
        let error = |since| cut(&text, at(since)).error;
        assert_eq!(cut(&text, None).error, error("2021-09-14T16:42:57Z"));
        // One before, of the same minute, is not taken for it.
        assert_eq!(error("2021-09-14T16:40:30Z"), error("2021-09-14T16:42:57Z"));
        assert_eq!(
            error("2021-09-14T16:42:57Z").as_deref(),
            Some("An error occurred during execution of command [app-deploy]")
        );
        // Errors of deployments before are not this one's.
        assert!(error("2021-09-14T17:00:00Z").is_some_and(|error| error.ends_with("command not found")));
    }

    #[test]
    fn the_applications_log_is_known_by_the_end_of_its_name() {
        for path in [
            "/var/log/eb-docker/containers/eb-current-app/eb-4526884cc716-stdouterr.log",
            "/var/log/eb-docker/containers/eb-current-app/8bfe0a90e7d5-stdouterr.log",
            "/var/log/containers/nginx-proxy-f6d06cf90684-stdouterr.log",
        ] {
            let tail = cut(&TAIL.replace("/var/log/web.stdout.log", path), None);
            assert_eq!(tail.sections[1].0, path);
        }
    }

    #[test]
    fn the_applications_log_speaks_when_the_engines_is_silent() {
        let tail = cut(&TAIL.replace("[ERROR]", "[INFO]"), None);
        assert!(
            tail.error
                .is_some_and(|line| line.ends_with("application: command not found"))
        );
        assert_eq!(cut("no headings at all", None), LogTail::default());
    }

    /// As Docker platforms and Python ones write it.
    #[test]
    fn the_cause_behind_a_long_command_is_in_the_error() {
        let head = "An error occurred during execution of command [app-deploy] - [Build]";
        let command = format!(
            "{head}. Stop running the command. Error: Command {} failed.",
            "x".repeat(260)
        );
        let error = |text: String| {
            cut_deployment_log(&text, "eb-deployment-1.log")
                .error
                .unwrap_or_default()
        };
        let pip = "ERROR: Could not find a version";
        assert_eq!(
            error(format!("[ERROR] {command} Stderr:{pip}\nERROR: No match\n")),
            format!("{head}: {pip}")
        );
        let docker = format!(
            "2021/09/14 16:42:59.000000 [ERROR] {command} Stderr:#0 building\n#1 [internal] load\n\n#5 ERROR: npm ci\n\
             2021/09/14 16:42:59.100000 [INFO] Error\n"
        );
        assert_eq!(error(docker), format!("{head}: #5 ERROR: npm ci"));
        let quiet = format!("[ERROR] {command} Stderr:\n\nno such thing\n[INFO] Error\n");
        assert_eq!(error(quiet), format!("{head}: no such thing"));
        let nothing = format!("[ERROR] {command} Stderr:\n[INFO] Error\n");
        assert_eq!(error(nothing), start(&command, MAX_LENGTH));
        assert_eq!(
            error(format!("[ERROR] {head}. Stderr:Error: x\n")),
            format!("{head}. Stderr:Error: x")
        );
    }

    #[test]
    fn a_deployment_log_has_its_error_first() {
        let text =
            "[INFO] Starting Application deployment\n[ERROR] An error occurred\nERROR: No matching distribution\n";
        let tail = cut_deployment_log(text, "eb-deployment-1.log");
        assert_eq!(tail.error.as_deref(), Some("An error occurred"));
        assert_eq!(tail.sections[0].1.len(), 3);
    }
}
