//! Other runs: one that seems to be at work now, and one that was started after this one but came first.
//!
//! GitHub's `concurrency:` is the lock; these are warnings for workflows that do not set it.

use chrono::{DateTime, Duration, Utc};

use crate::core::release::record::{Record, RecordStatus, WorkflowRun};

/// What to warn about before planning: title and text.
#[must_use]
pub(crate) fn warnings(
    records: &[Record],
    run: &WorkflowRun,
    now: DateTime<Utc>,
    longest: Duration,
) -> Vec<(&'static str, String)> {
    let running = running(records, run, now, longest).map(|record| {
        let since = (now - record.started_at).num_minutes();
        (
            "Another run",
            format!(
                "release `{}` was started {since} min ago and has not ended{}: set `concurrency:` in the workflow, so that \
                 two runs never change the same place at once",
                record.id,
                by(&record.run)
            ),
        )
    });
    let late = newer_run(records, run).map(|record| {
        (
            "Late run",
            format!(
                "run {} of this workflow comes after run {}, which has written release `{}` already{}: this run may take \
                 newer files back; set `concurrency:` in the workflow",
                run.number.unwrap_or_default(),
                record.run.number.unwrap_or_default(),
                record.id,
                by(&record.run)
            ),
        )
    });
    running.into_iter().chain(late).collect()
}

fn by(run: &WorkflowRun) -> String {
    run.url.as_ref().map(|url| format!(" ({url})")).unwrap_or_default()
}

/// A record that was started less than `longest` ago by another run and has no end.
fn running<'a>(records: &'a [Record], run: &WorkflowRun, now: DateTime<Utc>, longest: Duration) -> Option<&'a Record> {
    records.iter().find(|record| {
        // An earlier attempt of the same run has ended, for the runner starts the next only then.
        let earlier_attempt = run.id.is_some() && record.run.id == run.id && record.run.attempt < run.attempt;
        record.status == RecordStatus::Started && now - record.started_at < longest && !earlier_attempt
    })
}

/// The newest record, when it is of a later run of the same workflow.
fn newer_run<'a>(records: &'a [Record], run: &WorkflowRun) -> Option<&'a Record> {
    let newest = records.first()?;
    let same = run.workflow.is_some() && newest.run.workflow == run.workflow && newest.run.repository == run.repository;
    (same && newest.run.number > run.number && run.number.is_some()).then_some(newest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::release;

    fn run(number: u64, attempt: u64) -> WorkflowRun {
        WorkflowRun {
            repository: Some("o/r".into()),
            workflow: Some("Deploy".into()),
            id: Some(format!("90{number}")),
            number: Some(number),
            attempt: Some(attempt),
            url: Some(format!("https://github.com/o/r/actions/runs/90{number}")),
            actor: None,
        }
    }

    fn record(status: RecordStatus, number: u64) -> Record {
        let mut record = release("r10", status);
        record.run = run(number, 1);
        record
    }

    #[test]
    fn warns_of_a_run_at_work_and_of_a_newer_one() {
        let now = release("r40", RecordStatus::Started).started_at;
        let hour = Duration::minutes(60);
        let cases: Vec<(Record, WorkflowRun, Duration, &[&str])> = vec![
            (record(RecordStatus::Succeeded, 7), run(8, 1), hour, &[]),
            (record(RecordStatus::Started, 7), run(8, 1), hour, &["Another run"]),
            (record(RecordStatus::Started, 7), run(8, 1), Duration::minutes(30), &[]),
            (record(RecordStatus::Started, 7), run(7, 2), hour, &[]),
            (record(RecordStatus::Started, 7), run(7, 1), hour, &["Another run"]),
            (record(RecordStatus::Succeeded, 9), run(8, 1), hour, &["Late run"]),
            (
                record(RecordStatus::Started, 9),
                run(8, 1),
                hour,
                &["Another run", "Late run"],
            ),
            (record(RecordStatus::Succeeded, 9), WorkflowRun::default(), hour, &[]),
        ];
        for (record, run, longest, expected) in cases {
            let warnings = warnings(std::slice::from_ref(&record), &run, now, longest);
            let titles: Vec<_> = warnings.iter().map(|(title, _)| *title).collect();
            assert_eq!(titles, expected, "{record:?} {run:?}");
            assert!(warnings.iter().all(|(_, text)| text.contains("/actions/runs/90")));
        }
    }
}
