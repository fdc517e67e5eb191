//! The events of an environment's update: each once, oldest first, none lost.
//!
//! DescribeEvents gives the newest first, and many events may bear one time. So every poll asks again from a little
//! before the newest event seen (one that was written late may bear an older time), and counts how often each
//! has been handed out. What was there before the update is counted as handed out.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_elasticbeanstalk::types::EventDescription;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use crate::aws::backend::api::{Api, EventsOf};
use crate::core::report;

/// How far back every poll looks.
const OVERLAP: Duration = Duration::from_secs(60);

/// The events of one environment from now on.
#[derive(Debug)]
pub(crate) struct Stream {
    environment: String,
    /// The newest event before the update.
    floor: Option<DateTime>,
    newest: Option<DateTime>,
    handed_out: HashMap<EventKey, usize>,
}

/// An event, as far as it can be told from others.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct EventKey {
    seconds: i64,
    nanos: u32,
    severity: String,
    message: String,
    request_id: Option<String>,
}

/// An event that has not been seen before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EnvironmentEvent {
    pub(crate) date: DateTime,
    pub(crate) severity: String,
    pub(crate) message: String,
    pub(crate) request_id: Option<String>,
}

impl Stream {
    /// Everything that comes after this moment.
    pub(crate) async fn from_now(api: &Api, environment: &str) -> anyhow::Result<Self> {
        let before = api.events(EventsOf::Environment(environment), None, Some(100)).await?;
        let mut stream = Self {
            environment: environment.to_owned(),
            floor: None,
            newest: None,
            handed_out: HashMap::new(),
        };
        stream.take(&before);
        stream.floor = stream.newest;
        Ok(stream)
    }

    /// What has happened since the last call.
    pub(crate) async fn new_events(&mut self, api: &Api) -> anyhow::Result<Vec<EnvironmentEvent>> {
        let found = api
            .events(EventsOf::Environment(&self.environment), self.start(), None)
            .await?;
        Ok(self.take(&found))
    }

    fn start(&self) -> Option<DateTime> {
        let overlap = i64::try_from(OVERLAP.as_secs()).unwrap_or_default();
        let back = self.newest.map(|date| DateTime::from_secs(date.secs() - overlap));
        back.max(self.floor)
    }

    /// `found`, newest first, less what was handed out before; oldest first.
    fn take(&mut self, found: &[EventDescription]) -> Vec<EnvironmentEvent> {
        let mut counts: HashMap<EventKey, usize> = HashMap::new();
        let mut fresh = Vec::new();
        for event in found.iter().rev() {
            let Some(date) = event.event_date else { continue };
            let key = EventKey {
                seconds: date.secs(),
                nanos: date.subsec_nanos(),
                severity: event.severity.as_ref().map_or("INFO", |one| one.as_str()).to_owned(),
                message: event.message.clone().unwrap_or_default(),
                request_id: event.request_id.clone(),
            };
            let count = counts.entry(key.clone()).or_default();
            *count += 1;
            let before = self.handed_out.entry(key.clone()).or_default();
            if *count > *before {
                *before = *count;
                fresh.push(EnvironmentEvent {
                    date,
                    severity: key.severity,
                    message: key.message,
                    request_id: key.request_id,
                });
            }
            self.newest = self.newest.max(Some(date));
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
        ours && matches!(self.severity.as_str(), "ERROR" | "FATAL")
    }

    /// `12:34:56 INFO  message`.
    pub(crate) fn line(&self) -> String {
        let time = self.rfc3339();
        let clock = time.get(11..19).unwrap_or(&time);
        format!("{clock} {:<5} {}", self.severity, self.message)
    }

    /// For the report.
    pub(crate) fn report(&self) -> report::EventReport {
        report::EventReport {
            time: self.rfc3339(),
            severity: self.severity.clone(),
            message: self.message.clone(),
        }
    }

    fn rfc3339(&self) -> String {
        self.date.fmt(Format::DateTime).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(millis: i64, message: &str, id: &str) -> EventDescription {
        EventDescription::builder()
            .event_date(DateTime::from_millis(millis))
            .message(message)
            .severity("INFO".into())
            .request_id(id)
            .build()
    }

    fn stream() -> Stream {
        Stream {
            environment: "web".to_owned(),
            floor: None,
            newest: None,
            handed_out: HashMap::new(),
        }
    }

    fn messages(events: &[EnvironmentEvent]) -> Vec<&str> {
        events.iter().map(|event| event.message.as_str()).collect()
    }

    #[test]
    fn hands_out_each_event_once_and_oldest_first() {
        let mut stream = stream();
        let first = [event(2000, "b", "1"), event(1000, "a", "1")];
        assert_eq!(messages(&stream.take(&first)), ["a", "b"]);
        let second = [event(2000, "d", "1"), event(2000, "c", "1"), event(2000, "b", "1")];
        assert_eq!(messages(&stream.take(&second)), ["c", "d"]);
        assert!(stream.take(&second).is_empty());
    }

    #[test]
    fn equal_events_of_one_moment_are_all_handed_out() {
        let mut stream = stream();
        let two = [event(1000, "done", "1"), event(1000, "done", "1")];
        assert_eq!(messages(&stream.take(&two[..1])), ["done"]);
        assert_eq!(messages(&stream.take(&two)), ["done"]);
        assert!(stream.take(&two).is_empty());
    }

    #[test]
    fn an_event_written_late_is_not_lost() {
        let mut stream = stream();
        stream.take(&[event(100_000, "new", "1")]);
        assert_eq!(stream.start(), Some(DateTime::from_secs(40)));
        let late = [event(100_000, "new", "1"), event(70_000, "late", "1")];
        assert_eq!(messages(&stream.take(&late)), ["late"]);
        stream.floor = Some(DateTime::from_millis(99_000));
        assert_eq!(stream.start(), stream.floor);
    }

    #[test]
    fn tells_our_events_from_those_of_others() {
        let mut error = stream().take(&[event(1000, "bad", "ours")]).remove(0);
        error.severity = "ERROR".to_owned();
        assert!(error.concerns(Some("ours")) && error.fails(Some("ours")));
        assert!(!error.concerns(Some("theirs")) && !error.fails(Some("theirs")));
        assert!(error.concerns(None) && error.fails(None));
        error.request_id = None;
        assert!(error.concerns(Some("ours")) && !error.fails(Some("ours")) && !error.fails(None));
    }

    #[test]
    fn a_line_shows_the_time_of_day() {
        let event = stream()
            .take(&[event(1_609_677_296_789, "Environment update is starting.", "1")])
            .remove(0);
        assert_eq!(event.line(), "12:34:56 INFO  Environment update is starting.");
    }
}
