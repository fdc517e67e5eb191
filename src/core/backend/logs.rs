//! The logs of an instance, cut to what matters.

use chrono::{DateTime, TimeDelta, Utc};

use crate::core::backend::log_time::time;

/// How many lines of each log are shown.
const ENGINE_LINES: usize = 40;
const OTHER_LINES: usize = 25;
/// The longest error line that goes into the error message, in characters.
const MAX_LENGTH: usize = 300;
/// How much of them may stand before the cause.
const MAX_HEAD: usize = 120;
/// How much the clocks of an instance and of Elastic Beanstalk may differ: Amazon's own time is kept by both.
const CLOCK_SKEW: TimeDelta = TimeDelta::seconds(10);
/// How much the times of other logs may differ from UTC: they may be those of the instance's time zone.
const ZONE_SKEW: TimeDelta = TimeDelta::hours(14);
/// What stands in the place of a log that says nothing since the deployment began.
const NOTHING_SINCE: &str = "no log lines of this deployment";

/// The log of the deployment itself; on Windows Server `C:\Program Files\Amazon\ElasticBeanstalk\logs\AWSDeployment.log`
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/using-features.logging.html>,
/// <https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.cloudwatchlogs.html>).
const ENGINE: [&str; 3] = ["/eb-engine.log", "/eb-activity.log", r"\AWSDeployment.log"];
/// What hooks and container commands wrote; the last two on Windows Server.
const COMMANDS: [&str; 4] = ["/eb-hooks.log", "/cfn-init-cmd.log", r"\Hooks.log", r"\cfn-init.log"];
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
/// The log of IIS: requests and their statuses, so that an error in its words may be a page's name.
const IIS: &str = r"\LogFiles\W3SVC";
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
        tail.sections.push((path.clone(), shown(lines, ENGINE_LINES)));
    }
    for (path, lines) in COMMANDS.iter().filter_map(|name| find(name)) {
        let lines = lines_since(lines, since);
        // On Windows Server the engine's own log may not say what these do.
        if tail.error.is_none() && path.contains('\\') {
            tail.error = first_error(lines);
        }
        tail.sections.push((path.clone(), shown(lines, OTHER_LINES)));
    }
    if let Some((path, lines)) = APPLICATION.iter().find_map(|name| find(name)) {
        let lines = shown(lines_since(lines, since), OTHER_LINES);
        if tail.error.is_none() {
            tail.error = lines
                .iter()
                .rev()
                .find(|line| sounds_bad(line))
                .map(|line| message(line));
        }
        tail.sections.push((path.clone(), lines));
    }
    for (path, lines) in sections.iter().filter(|(path, _)| path.contains(IIS)) {
        tail.sections
            .push((path.clone(), shown(lines_since(lines, since), OTHER_LINES)));
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
    let is_path = |line: &&&str| line.starts_with("/var/") || line.get(1..3) == Some(r":\");
    let lines: Vec<&str> = text.lines().collect();
    let mut sections: Vec<(String, Vec<&str>)> = Vec::new();
    let mut position = 0;
    while position < lines.len() {
        let heading = lines.get(position + 1).filter(is_path);
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
/// with an error, else the last one, if any; without a start above it, what the tail has left of it.
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
        .map(|block| newer_lines(block, since, CLOCK_SKEW))
        .filter(|block| !block.is_empty())
        .collect();
    let failed = deployments
        .iter()
        .rev()
        .find(|block| block.iter().any(|line| is_error(line)));
    failed.or(deployments.last()).map_or(&[], |block| *block)
}

/// The lines of a log that is not the engine's, but for those that are older than the deployment.
fn lines_since<'l, 'm>(lines: &'m [&'l str], since: Option<DateTime<Utc>>) -> &'m [&'l str] {
    newer_lines(lines, since, ZONE_SKEW)
}

/// The lines behind the last one that is older than `since`, with what belongs to that; all where no line has a time.
fn newer_lines<'l, 'm>(lines: &'m [&'l str], since: Option<DateTime<Utc>>, skew: TimeDelta) -> &'m [&'l str] {
    let Some(since) = since else { return lines };
    let at = |line: &&str| time(line, since);
    let is_old = |line: &&str| at(line).is_some_and(|time| time + skew < since);
    let Some(last_old) = lines.iter().rposition(is_old) else {
        return lines;
    };
    let behind = &lines[last_old + 1..];
    let next = behind.iter().position(|line| at(line).is_some());
    next.map_or(&[], |next| &behind[next..])
}

/// The last lines of a log, or that there are none.
fn shown(lines: &[&str], count: usize) -> Vec<String> {
    match last(lines, count) {
        lines if lines.is_empty() => vec![NOTHING_SINCE.to_owned()],
        lines => lines,
    }
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
    time(line, DateTime::UNIX_EPOCH).is_some() || line.starts_with('[') || is_error(line)
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
    line.contains("[ERROR]")
        || line.contains("[FATAL]")
        || line.contains("] ERROR ")
        || behind_bare_level(line).is_some()
}

/// What stands behind a level without brackets, right behind the time: so write the programs on Windows Server
/// (<https://github.com/aws/aws-sdk-net/issues/1103>).
fn behind_bare_level(line: &str) -> Option<&str> {
    time(line, DateTime::UNIX_EPOCH)?;
    let behind_time = line.get(19..)?.split_once(' ')?.1;
    ["ERROR ", "FATAL "]
        .iter()
        .find_map(|level| behind_time.strip_prefix(level))
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
        .map(|(_, text)| text)
        .or_else(|| behind_bare_level(line))
        .unwrap_or(line)
        .trim()
}

fn start(text: &str, length: usize) -> String {
    text.chars().take(length).collect()
}

#[cfg(test)]
#[path = "logs_tests.rs"]
mod tests;
