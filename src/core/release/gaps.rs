//! Whether the records of an environment tell of all that was deployed to it: others may lie elsewhere (`package-bucket`,
//! `history`), and other tools write none. Records are always newest first.

use chrono::{DateTime, TimeDelta, Utc};

use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::events::{EnvironmentEvent, deployments, last_update};
use crate::core::release::record::{EnvironmentOutcome, Record, RecordStatus, RecordedEnvironment};

/// How many of the newest releases of a backend a rollback may need.
pub(crate) const NEEDED_RELEASES: usize = 10;

/// What separates the clocks of S3, of Elastic Beanstalk and of events that are written late.
const SLACK: TimeDelta = TimeDelta::seconds(60);

/// From when on deployments of `environment` are to be known: since the tenth newest release; `None`: all of them.
pub(crate) fn deployments_since(records: &[Record], environment: &str) -> Option<DateTime<Utc>> {
    let (oldest, _) = of_environment(records, environment).nth(NEEDED_RELEASES - 1)?;
    Some(begin(oldest) - SLACK)
}

/// What the newest ten of `records` do not tell of the environment that shows `now`, in words; `events` are those since
/// [`deployments_since`]. `None`: they tell all.
pub(crate) fn gap(records: &[Record], now: &EnvironmentState, events: &[EnvironmentEvent]) -> Option<String> {
    let name = &now.name;
    let releases: Vec<(&Record, &RecordedEnvironment)> = of_environment(records, name).collect();
    let (newest, recorded) = releases.first()?;
    let windows = windows(&releases);
    let is_of = |window: &(DateTime<Utc>, DateTime<Utc>), at: DateTime<Utc>| window.0 <= at && at <= window.1;
    if !now.is_ready() && recorded.outcome != EnvironmentOutcome::Planned {
        // It may be that of the newest release, which did not wait for it.
        if !last_update(events).is_some_and(|at| is_of(&windows[0], at)) {
            return Some(format!(
                "environment `{name}` is {}, and no release on record is under way",
                now.status
            ));
        }
    }
    let is_left =
        |label: &str| may_run(recorded, label) || !now.is_ready() && recorded.previous_label.as_deref() == Some(label);
    if now.label.as_deref().is_some_and(|label| !is_left(label)) {
        return Some(format!(
            "environment `{name}` runs {}, which its newest release on record, `{}`, did not leave there",
            shown(now.label.as_deref()),
            newest.id
        ));
    }
    for pair in releases.windows(2).take(NEEDED_RELEASES) {
        let ((release, newer), (_, older)) = (pair[0], pair[1]);
        let found = newer.previous_label.as_deref();
        // A run that did not end notes what ran when it was planned.
        let is_from_before = release.status == RecordStatus::Started && newer.previous_label == older.previous_label;
        if !is_from_before && found.is_some_and(|found| !may_run(older, found)) {
            return Some(format!(
                "release `{}` found {} in environment `{name}`, which the release on record before it did not leave there",
                release.id,
                shown(found)
            ));
        }
    }
    let unknown = deployments(events)
        .into_iter()
        .filter(|at| !windows.iter().any(|window| is_of(window, *at)))
        .max()?;
    Some(format!(
        "a version was deployed to environment `{name}` at {} UTC, and no release on record was under way then",
        unknown.format("%Y-%m-%d %H:%M:%S")
    ))
}

/// The releases that name the environment.
fn of_environment<'r>(
    records: &'r [Record],
    name: &str,
) -> impl Iterator<Item = (&'r Record, &'r RecordedEnvironment)> {
    records
        .iter()
        .filter_map(move |record| Some((record, record.environment(name)?)))
}

/// Whether the environment may run `label` after that release.
fn may_run(release: &RecordedEnvironment, label: &str) -> bool {
    let (new, before) = (release.label == label, release.previous_label.as_deref() == Some(label));
    match release.outcome {
        EnvironmentOutcome::Succeeded => new,
        EnvironmentOutcome::Planned | EnvironmentOutcome::Failed => new || before,
        EnvironmentOutcome::Unchanged | EnvironmentOutcome::Skipped => before || release.previous_label.is_none(),
    }
}

/// When the updates of each release can have begun. One without an end may have sent its own until the next began.
fn windows(releases: &[(&Record, &RecordedEnvironment)]) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
    let mut next = DateTime::<Utc>::MAX_UTC - SLACK;
    let window = |(release, _): &(&Record, &RecordedEnvironment)| {
        let from = begin(release);
        // Both by the same clock, whichever that was.
        let took = release.finished_at.map(|end| end - release.started_at);
        let to = took.map_or(next, |took| from + took);
        next = from;
        (from - SLACK, to + SLACK)
    };
    releases.iter().map(window).collect()
}

fn begin(release: &Record) -> DateTime<Utc> {
    release.stored_at.unwrap_or(release.started_at)
}

fn shown(label: Option<&str>) -> String {
    label.map_or_else(|| "no version".to_owned(), |label| format!("`{label}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, with_label};

    /// A minute's release that took a second: what it found, what it was to bring, and how that ended.
    fn deployed(minute: i64, previous: &str, label: &str, outcome: EnvironmentOutcome) -> Record {
        let status = match outcome {
            EnvironmentOutcome::Planned => RecordStatus::Started,
            EnvironmentOutcome::Failed | EnvironmentOutcome::Skipped => RecordStatus::Failed,
            EnvironmentOutcome::Succeeded | EnvironmentOutcome::Unchanged => RecordStatus::Succeeded,
        };
        let mut record = with_label(release(&format!("r{minute}"), status), label, outcome);
        if status != RecordStatus::Started {
            record.finished_at = Some(record.started_at + TimeDelta::seconds(1));
        }
        if let Some(backend) = &mut record.backend {
            backend.environments[0].previous_label = Some(previous.to_owned());
        }
        record
    }

    fn running(label: &str, status: &str) -> EnvironmentState {
        EnvironmentState {
            name: "web-prod".to_owned(),
            status: status.to_owned(),
            label: Some(label.to_owned()),
            ..EnvironmentState::default()
        }
    }

    /// The gap where `records`, oldest first, are all and these minutes saw deployments.
    fn found(records: &[Record], now: &EnvironmentState, minutes: &[i64]) -> String {
        let records: Vec<Record> = records.iter().rev().cloned().collect();
        let event = |minute: &i64, message: &str| EnvironmentEvent {
            date: release(&format!("r{minute}"), RecordStatus::Started).started_at,
            severity: "INFO".to_owned(),
            message: message.to_owned(),
            request_id: Some(minute.to_string()),
        };
        let events: Vec<EnvironmentEvent> = minutes
            .iter()
            .flat_map(|minute| {
                [
                    "Environment update is starting.",
                    "Deploying new version to instance(s).",
                ]
                .map(|message| event(minute, message))
            })
            .collect();
        gap(&records, now, &events).unwrap_or_default()
    }

    #[test]
    fn what_runs_is_what_the_newest_record_left() {
        use EnvironmentOutcome::{Failed, Planned, Skipped, Succeeded, Unchanged};
        for (outcome, label, is_known) in [
            (Succeeded, "v2", true),
            (Succeeded, "v1", false),
            (Succeeded, "hot", false),
            (Failed, "v2", true),
            (Failed, "v1", true),
            (Failed, "hot", false),
            (Planned, "v1", true),
            (Planned, "hot", false),
            (Unchanged, "v1", true),
            (Unchanged, "hot", false),
            (Skipped, "v1", true),
            (Skipped, "v2", false),
        ] {
            let found = found(&[deployed(10, "v1", "v2", outcome)], &running(label, "Ready"), &[]);
            assert_eq!(found.is_empty(), is_known, "{outcome:?} {label}: {found}");
            assert!(is_known || found.contains(&format!("runs `{label}`, which its newest release on record, `r10`")));
        }
    }

    #[test]
    fn an_update_without_a_record_is_not_known() {
        use EnvironmentOutcome::{Planned, Succeeded};
        let updating = running("v2", "Updating");
        let said = found(&[deployed(10, "v1", "v2", Succeeded)], &updating, &[]);
        assert_eq!(
            said,
            "environment `web-prod` is Updating, and no release on record is under way"
        );
        assert_eq!(found(&[deployed(10, "v1", "v2", Planned)], &updating, &[]), "");
        // One that its release did not wait for.
        for (label, minute, is_known) in [
            ("v1", 10, true),
            ("v2", 10, true),
            ("hot", 10, false),
            ("v1", 30, false),
        ] {
            let said = found(
                &[deployed(10, "v1", "v2", Succeeded)],
                &running(label, "Updating"),
                &[minute],
            );
            assert_eq!(said.is_empty(), is_known, "{label} {minute}: {said}");
        }
    }

    #[test]
    fn each_of_the_last_ten_releases_found_what_the_one_before_it_left() {
        use EnvironmentOutcome::{Failed, Planned, Succeeded};
        let now = running("v9", "Ready");
        let last = deployed(90, "v8", "v9", Succeeded);
        for (older, is_known) in [
            (deployed(80, "v7", "v8", Succeeded), true),
            (deployed(80, "v8", "v7", Failed), true),
            (deployed(80, "v8", "v7", Planned), true),
            (deployed(80, "v8", "v7", Succeeded), false),
            (deployed(80, "v6", "v7", Failed), false),
        ] {
            let said = found(&[older.clone(), last.clone()], &now, &[]);
            assert_eq!(said.is_empty(), is_known, "{older:?}: {said}");
            assert!(
                is_known || said.contains("release `r90` found `v8` in environment `web-prod`"),
                "{said}"
            );
        }
        // What a run that was killed had planned behind another one.
        let overlapping = [deployed(80, "v6", "v7", Succeeded), deployed(90, "v6", "v9", Planned)];
        assert_eq!(found(&overlapping, &now, &[]), "");
    }

    #[test]
    fn a_gap_is_forgotten_behind_ten_releases() {
        let label = |number: i64| format!("v{number:02}");
        let release = |number: i64| {
            let previous = if number == 3 {
                "elsewhere".to_owned()
            } else {
                label(number - 1)
            };
            deployed(number * 10, &previous, &label(number), EnvironmentOutcome::Succeeded)
        };
        for (newest, is_known) in [(12, false), (13, true)] {
            let records: Vec<Record> = (1..=newest).map(release).collect();
            let said = found(&records, &running(&label(newest), "Ready"), &[]);
            assert_eq!(said.is_empty(), is_known, "{newest}: {said}");
        }
    }

    #[test]
    fn every_deployment_is_that_of_a_release() {
        use EnvironmentOutcome::{Planned, Succeeded};
        let now = running("v2", "Ready");
        let two = [deployed(10, "v0", "v1", Succeeded), deployed(20, "v1", "v2", Succeeded)];
        assert_eq!(found(&two, &now, &[10, 20]), "");
        for minute in [5, 15, 25] {
            let said = found(&two, &now, &[10, minute, 20]);
            assert!(
                said.contains("a version was deployed to environment `web-prod` at "),
                "{minute}: {said}"
            );
        }
        // Of a run that was killed nobody knows when it sent its update.
        let killed = [deployed(10, "v0", "v1", Planned), deployed(20, "v1", "v2", Succeeded)];
        assert_eq!(found(&killed, &now, &[15, 20]), "");
        assert_ne!(found(&killed, &now, &[5, 20]), "");
    }

    #[test]
    fn events_are_asked_for_as_far_back_as_releases_are_needed() {
        let records: Vec<Record> = (1..=12)
            .rev()
            .map(|number| deployed(number, "v", "v", EnvironmentOutcome::Succeeded))
            .collect();
        let tenth = records[9].started_at;
        assert_eq!(deployments_since(&records, "web-prod"), Some(tenth - SLACK));
        assert_eq!(deployments_since(&records[..9], "web-prod"), None);
        assert_eq!(deployments_since(&records, "other"), None);
    }
}
