//! The events of an environment's update: each once, oldest first, none lost.
//!
//! DescribeEvents gives the newest first, and many events may bear one time. So every poll asks again from a little
//! before the newest event seen (one that was written late may bear an older time), and counts how often each
//! has been handed out. What was there before the update is counted as handed out.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use crate::core::report::EventReport;

/// How far back every poll looks, in seconds.
const OVERLAP: TimeDelta = TimeDelta::seconds(60);

/// The first event of every update, and the last of a good one
/// (<https://github.com/einaregilsson/beanstalk-deploy/issues/86>).
const STARTING: &str = "Environment update is starting.";
const COMPLETED: &str = "Environment update completed successfully.";
/// Of an update that deploys a version: at its beginning (all at once, rolling), or at its end
/// (<https://github.com/einaregilsson/beanstalk-deploy/issues/86>).
const DEPLOYING: [&str; 2] = [
    "Deploying new version to instance(s).",
    "New application version was deployed to running EC2 instances.",
];
/// The last event of an update that went wrong: "is complete, but with errors", "…, but with command timeouts"
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/troubleshooting.html>).
const COMPLETE_BUT: &str = "operation is complete, but with ";
/// Of that last event, and of the ERROR before it: "have not responded in the allowed command timeout time".
const COMMAND_TIMEOUT: &str = "command timeout";
/// An update that was taken back, or aborted: `event.updatefailed` of the EB CLI
/// (<https://github.com/aws/aws-elastic-beanstalk-cli/blob/master/ebcli/resources/strings.py>).
const REVERTED: &str = "The environment was reverted to the previous configuration setting.";
/// An immutable update removes the instances of before: a published event of 2026-02-10.
const REMOVING: &str = "Terminating old instances";

/// An event of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct EnvironmentEvent {
    /// When it happened.
    pub(crate) date: DateTime<Utc>,
    /// `INFO`, `WARN`, `ERROR`, ….
    pub(crate) severity: String,
    /// Beanstalk's text.
    pub(crate) message: String,
    /// The request that it belongs to; none for health transitions.
    pub(crate) request_id: Option<String>,
}

/// Which events of one environment have been handed out.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    /// The newest event before the update.
    floor: Option<DateTime<Utc>>,
    newest: Option<DateTime<Utc>>,
    handed_out: HashMap<EnvironmentEvent, usize>,
}

impl EventLog {
    /// Hands out what comes after `before`, the newest events so far, newest first.
    pub(crate) fn after(before: &[EnvironmentEvent]) -> Self {
        let mut log = Self::default();
        log.take(before);
        log.floor = log.newest;
        log
    }

    /// From when on the next poll has to ask; `None`: from the first event on.
    pub(crate) fn start(&self) -> Option<DateTime<Utc>> {
        self.newest.map(|date| date - OVERLAP).max(self.floor)
    }

    /// The time of the newest event before the update.
    pub(crate) fn floor(&self) -> Option<DateTime<Utc>> {
        self.floor
    }

    /// `found`, newest first, less what was handed out before; oldest first.
    pub(crate) fn take(&mut self, found: &[EnvironmentEvent]) -> Vec<EnvironmentEvent> {
        let mut counts: HashMap<&EnvironmentEvent, usize> = HashMap::new();
        let mut fresh = Vec::new();
        for event in found.iter().rev() {
            let count = counts.entry(event).or_default();
            *count += 1;
            let before = self.handed_out.entry(event.clone()).or_default();
            if *count > *before {
                *before = *count;
                fresh.push(event.clone());
            }
            self.newest = self.newest.max(Some(event.date));
        }
        // Stable: events of one time stay in the order in which Beanstalk gives them.
        fresh.sort_by_key(|event| event.date);
        fresh
    }
}

impl EnvironmentEvent {
    /// Whether it belongs to the update `request_id`, or to no request (health transitions); all do when our id is not
    /// known.
    pub(crate) fn concerns(&self, request_id: Option<&str>) -> bool {
        match (request_id, self.request_id.as_deref()) {
            (Some(ours), Some(its)) => ours == its,
            _ => true,
        }
    }

    /// Whether it says that the update `request_id` failed.
    pub(crate) fn fails(&self, request_id: Option<&str>) -> bool {
        let ours = match (request_id, self.request_id.as_deref()) {
            (Some(ours), its) => its == Some(ours),
            (None, its) => its.is_some(),
        };
        ours && (self.is_error() || self.message.contains(COMPLETE_BUT) || counts_timeouts(&self.message))
    }

    /// Whether it is an ERROR or FATAL one.
    pub(crate) fn is_error(&self) -> bool {
        matches!(self.severity.as_str(), "ERROR" | "FATAL")
    }

    /// Whether an update begins with it.
    pub(crate) fn starts_update(&self) -> bool {
        self.message == STARTING
    }

    /// Whether it says that an update is done.
    pub(crate) fn completes_update(&self) -> bool {
        self.message == COMPLETED
    }

    /// Whether it says that an update was taken back, or aborted; an abort has a request id of its own.
    pub(crate) fn reverts_update(&self) -> bool {
        self.message == REVERTED
    }

    /// Whether the instances of before are being removed from now on.
    pub(crate) fn removes_old_instances(&self) -> bool {
        self.message.contains(REMOVING)
    }

    /// `12:34:56 INFO  message`.
    pub(crate) fn line(&self) -> String {
        format!("{} {:<5} {}", self.date.format("%H:%M:%S"), self.severity, self.message)
    }

    /// For the report.
    pub(crate) fn report(&self) -> EventReport {
        EventReport {
            time: self.date.to_rfc3339_opts(SecondsFormat::AutoSi, true),
            severity: self.severity.clone(),
            message: self.message.clone(),
        }
    }
}

/// When the newest update began, as far as `events` tell.
pub(crate) fn last_update(events: &[EnvironmentEvent]) -> Option<DateTime<Utc>> {
    let starts = events.iter().filter(|event| event.starts_update());
    starts.map(|event| event.date).max()
}

/// When each update began that deployed a version, as far as `events` tell.
pub(crate) fn deployments(events: &[EnvironmentEvent]) -> Vec<DateTime<Utc>> {
    let mut begun: HashMap<&str, DateTime<Utc>> = HashMap::new();
    for event in events {
        if let Some(id) = event.request_id.as_deref() {
            let first = begun.entry(id).or_insert(event.date);
            *first = event.date.min(*first);
        }
    }
    let deploying = events
        .iter()
        .filter(|event| DEPLOYING.contains(&event.message.as_str()));
    let mut times: Vec<DateTime<Utc>> = deploying
        .map(|event| {
            let id = event.request_id.as_deref();
            id.and_then(|id| begun.get(id)).copied().unwrap_or(event.date)
        })
        .collect();
    times.sort_unstable();
    times.dedup();
    times
}

/// Whether the last update of an environment failed, by its events, newest first.
///
/// Instances may run something else then than the label says: "some instances may have deployed the new application
/// version".
pub(crate) fn last_update_failed(newest_first: &[EnvironmentEvent]) -> bool {
    let start = newest_first.iter().position(EnvironmentEvent::starts_update);
    let request_id = start.and_then(|start| newest_first[start].request_id.as_deref());
    newest_first[..start.unwrap_or(newest_first.len())]
        .iter()
        .any(|event| event.fails(request_id) || event.reverts_update())
}

/// Whether the last update of an environment is still removing the instances of before, which run the version of before;
/// by its events, newest first.
pub(crate) fn is_removing_old_instances(newest_first: &[EnvironmentEvent]) -> bool {
    newest_first
        .iter()
        .take_while(|event| !event.starts_update())
        .any(EnvironmentEvent::removes_old_instances)
}

/// Whether the message of an event says that a command took longer than Elastic Beanstalk lets it.
pub(crate) fn tells_of_timeout(message: &str) -> bool {
    message.contains(COMMAND_TIMEOUT) || counts_timeouts(message)
}

/// Whether a summary counts instances that did not answer in time: `Summary: [Successful: 1, TimedOut: 1].`
fn counts_timeouts(message: &str) -> bool {
    let count = message.split_once("TimedOut: ").map_or("", |(_, count)| count);
    count.starts_with(|digit: char| digit.is_ascii_digit() && digit != '0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(millis: i64, message: &str, id: &str) -> EnvironmentEvent {
        EnvironmentEvent {
            date: DateTime::from_timestamp_millis(millis).expect("a time"),
            severity: "INFO".to_owned(),
            message: message.to_owned(),
            request_id: Some(id.to_owned()),
        }
    }

    fn messages(events: &[EnvironmentEvent]) -> Vec<&str> {
        events.iter().map(|event| event.message.as_str()).collect()
    }

    #[test]
    fn hands_out_each_event_once_and_oldest_first() {
        let mut log = EventLog::default();
        let first = [event(2000, "b", "1"), event(1000, "a", "1")];
        assert_eq!(messages(&log.take(&first)), ["a", "b"]);
        let second = [event(2000, "d", "1"), event(2000, "c", "1"), event(2000, "b", "1")];
        assert_eq!(messages(&log.take(&second)), ["c", "d"]);
        assert!(log.take(&second).is_empty());
    }

    #[test]
    fn equal_events_of_one_moment_are_all_handed_out() {
        let mut log = EventLog::default();
        let two = [event(1000, "done", "1"), event(1000, "done", "1")];
        assert_eq!(messages(&log.take(&two[..1])), ["done"]);
        assert_eq!(messages(&log.take(&two)), ["done"]);
        assert!(log.take(&two).is_empty());
    }

    #[test]
    fn an_event_written_late_is_not_lost() {
        let mut log = EventLog::default();
        log.take(&[event(100_000, "new", "1")]);
        assert_eq!(log.start(), DateTime::from_timestamp_millis(40_000));
        let late = [event(100_000, "new", "1"), event(70_000, "late", "1")];
        assert_eq!(messages(&log.take(&late)), ["late"]);
        assert!(EventLog::default().start().is_none());
    }

    #[test]
    fn what_was_there_before_is_not_handed_out_and_not_asked_for_again() {
        let before = [event(100_000, "old", "1"), event(90_000, "older", "1")];
        let mut log = EventLog::after(&before);
        assert_eq!(log.start(), DateTime::from_timestamp_millis(100_000));
        assert_eq!(
            messages(&log.take(&[event(100_000, "ours", "2"), before[0].clone()])),
            ["ours"]
        );
    }

    #[test]
    fn tells_our_events_from_those_of_others() {
        let mut error = event(1000, "bad", "ours");
        error.severity = "ERROR".to_owned();
        assert!(error.concerns(Some("ours")) && error.fails(Some("ours")));
        assert!(!error.concerns(Some("theirs")) && !error.fails(Some("theirs")));
        assert!(error.concerns(None) && error.fails(None));
        error.request_id = None;
        assert!(error.concerns(Some("ours")) && !error.fails(Some("ours")) && !error.fails(None));
    }

    #[test]
    fn the_last_update_alone_tells_whether_it_failed() {
        let error = EnvironmentEvent {
            severity: "ERROR".to_owned(),
            ..event(3000, "Failed to deploy application.", "2")
        };
        let start = event(2000, STARTING, "2");
        assert!(last_update_failed(&[error.clone(), start.clone()]));
        assert!(!last_update_failed(&[start.clone(), error.clone()]));
        // No error, and yet no success: <https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/troubleshooting.html>
        let timeouts =
            "Update environment operation is complete, but with command timeouts. Try increasing the timeout period.";
        assert!(last_update_failed(&[event(3000, timeouts, "2"), start.clone()]));
        assert!(last_update_failed(&[
            event(3000, REVERTED, "an abort's"),
            start.clone()
        ]));
        // What another request did wrong says nothing of the update.
        let other = EnvironmentEvent {
            request_id: Some("3".to_owned()),
            ..error
        };
        assert!(!last_update_failed(&[other, start]));
        assert!(!last_update_failed(&[]));
    }

    #[test]
    fn only_what_the_last_update_removes_is_being_removed() {
        let removal = event(
            3000,
            "Deployment succeeded. Terminating old instances and temporary Auto Scaling group.",
            "2",
        );
        let start = event(2000, STARTING, "2");
        assert!(is_removing_old_instances(&[removal.clone(), start.clone()]));
        assert!(!is_removing_old_instances(&[start, removal]));
        assert!(!is_removing_old_instances(&[]));
    }

    #[test]
    fn a_deployment_begins_with_its_update_and_is_one_however_many_events_tell_of_it() {
        let [at_first, then] = DEPLOYING;
        let mut without_id = event(9000, at_first, "");
        without_id.request_id = None;
        let events = [
            without_id,
            event(7000, "Successfully deployed new configuration to environment.", "3"),
            event(6000, STARTING, "3"),
            event(5000, then, "2"),
            event(3000, at_first, "2"),
            event(2000, STARTING, "2"),
            event(1500, then, "1"),
        ];
        let millis: Vec<i64> = deployments(&events).iter().map(DateTime::timestamp_millis).collect();
        assert_eq!(millis, [1500, 2000, 9000]);
        assert_eq!(last_update(&events), DateTime::from_timestamp_millis(6000));
    }

    #[test]
    fn a_line_shows_the_time_of_day_and_the_report_all_of_it() {
        let event = event(1_609_677_296_789, STARTING, "1");
        assert_eq!(event.line(), "12:34:56 INFO  Environment update is starting.");
        assert_eq!(event.report().time, "2021-01-03T12:34:56.789Z");
    }
}
