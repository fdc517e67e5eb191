//! The logs of an instance, cut to what matters.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};

/// How many lines of each log are shown.
const ENGINE_LINES: usize = 40;
const OTHER_LINES: usize = 25;
/// The longest error line that goes into the error message, in characters.
const MAX_LENGTH: usize = 300;
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

/// The lines of one deployment, for the log goes on over all of them: of those that began at `since` or later the first
/// that failed, else the last one; without a start above it, what the tail has left of it.
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
    let of_this_update = deployments.iter().filter(|block| !ended_before(block));
    let failed = of_this_update
        .filter(|_| since.is_some())
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
    lines.iter().find(|line| is_error(line)).map(|line| message(line))
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

/// A line without its time and level.
pub(crate) fn message(line: &str) -> String {
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

    #[test]
    fn a_deployment_log_has_its_error_first() {
        let text =
            "[INFO] Starting Application deployment\n[ERROR] An error occurred\nERROR: No matching distribution\n";
        let tail = cut_deployment_log(text, "eb-deployment-1.log");
        assert_eq!(tail.error.as_deref(), Some("An error occurred"));
        assert_eq!(tail.sections[0].1.len(), 3);
    }
}
