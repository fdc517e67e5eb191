//! Tests of [`super`]: what of a log is shown, and what is taken for the error.

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
Sep 14 16:43:00 ip-172-31-44-139 web: /bin/sh: application: command not found
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
    // The engine's log says nothing of this one, the application's does, by whatever clock.
    assert!(error("2021-09-14T17:00:00Z").is_some_and(|error| error.ends_with("command not found")));
}

#[test]
fn what_is_older_than_the_deployment_is_neither_shown_nor_blamed() {
    let tail = cut(TAIL, at("2021-09-16T00:00:00Z"));
    assert_eq!(tail.error, None);
    let shown: Vec<&[String]> = tail.sections.iter().map(|(_, lines)| lines.as_slice()).collect();
    assert_eq!(shown, [[NOTHING_SINCE], [NOTHING_SINCE]]);
    // A clock that goes a little behind is no reason to miss the error.
    assert!(cut(TAIL, at("2021-09-14T16:43:05Z")).error.is_some());
    // Of a log that goes on over several deployments the end is shown, with what has no time of its own.
    let log = [
        "Sep  1 00:00:00 old: failed",
        "its trace",
        "Sep 14 16:42:59 new: failed",
        "its trace",
    ];
    assert_eq!(lines_since(&log, at("2021-09-14T16:42:57Z")), &log[2..]);
    assert_eq!(lines_since(&log[1..], at("2021-09-14T16:42:57Z")), &log[1..]);
    assert_eq!(lines_since(&log[..2], at("2021-09-14T16:42:57Z")), &[] as &[&str]);
    assert_eq!(lines_since(&log, None), &log);
}

/// Which logs a tail has: <https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.cloudwatchlogs.html>. The lines:
/// <https://github.com/einaregilsson/beanstalk-deploy/issues/3>, <https://github.com/aws/aws-sdk-net/issues/1103>.
#[test]
fn the_logs_of_windows_server_are_read() {
    let rule = "-".repeat(40);
    let section = |path: &str, lines: &str| format!("{rule}\r\n{path}\r\n{rule}\r\n{lines}\r\n");
    let logs = r"C:\Program Files\Amazon\ElasticBeanstalk\logs";
    let info = "2019-11-17 21:27:20,885 INFO 1 CfnCommandWrapperApp.CommandWrapper - Command: Id = 1";
    let hooks = r"2019-11-17 21:27:22,941 [ERROR] Command hooks (HooksExecutor.exe appdeploy\enact) failed";
    let text = section(
        r"C:\inetpub\logs\LogFiles\W3SVC1\u_ex191117.log",
        "2019-11-17 21:20:00 GET /error 200",
    ) + &section(&format!(r"{logs}\AWSDeployment.log"), info)
        + &section(&format!(r"{logs}\Hooks.log"), "")
        + &section(r"C:\cfn\log\cfn-init.log", hooks);
    let tail = cut(&text, at("2019-11-17T21:27:00Z"));
    let error = r"Command hooks (HooksExecutor.exe appdeploy\enact) failed";
    assert_eq!(tail.error.as_deref(), Some(error));
    let paths: Vec<&str> = tail.sections.iter().map(|(path, _)| path.as_str()).collect();
    assert!(paths[0].ends_with("AWSDeployment.log"), "{paths:?}");
    assert_eq!(
        paths[1..],
        [
            r"C:\cfn\log\cfn-init.log",
            r"C:\inetpub\logs\LogFiles\W3SVC1\u_ex191117.log"
        ]
    );
    // The level of these programs has no brackets.
    let failed = text.replace(" INFO 1 ", " ERROR 1 ");
    let error = cut(&failed, at("2019-11-17T21:27:00Z")).error;
    assert_eq!(
        error.as_deref(),
        Some("1 CfnCommandWrapperApp.CommandWrapper - Command: Id = 1")
    );
    assert_eq!(cut(&failed, at("2019-11-19T21:27:00Z")).error, None);
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
    let text = "[INFO] Starting Application deployment\n[ERROR] An error occurred\nERROR: No matching distribution\n";
    let tail = cut_deployment_log(text, "eb-deployment-1.log");
    assert_eq!(tail.error.as_deref(), Some("An error occurred"));
    assert_eq!(tail.sections[0].1.len(), 3);
}
