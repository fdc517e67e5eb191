//! The releases of one workflow run: a job may have several steps, each with a release of its own. Records are always
//! newest first.

use std::collections::BTreeSet;

use crate::core::release::live::{after, live};
use crate::core::release::record::{Record, RecordStatus, ReleaseKind};
use crate::core::text::{count, some_names};

/// How `to` begins when it names a workflow run by its id.
pub(crate) const RUN: &str = "run:";

/// How many lines say what is left alone of the same kind; the others are counted.
const MAX_LINES: usize = 5;

/// What a release was left alone in: a prefix, and the release's id.
pub(crate) type Neighbor = (String, String);

/// Where the releases stand that are still in effect, newest first: no rollback since has taken them back.
#[must_use]
fn in_effect(records: &[Record]) -> Vec<usize> {
    let steps = way_down(records).into_iter();
    steps.filter(|(_, skipped)| *skipped == 0).map(|(at, _)| at).collect()
}

/// The records that what is live stands upon, newest first: where each stands, and how many places a rollback leads down;
/// those between are taken back, and are no part of it.
fn way_down(records: &[Record]) -> Vec<(usize, usize)> {
    let (mut positions, mut next) = (Vec::new(), 0);
    while let Some(record) = records.get(next) {
        let has_succeeded = record.status == RecordStatus::Succeeded;
        let target = record.rolls_back_to.as_ref().filter(|_| has_succeeded);
        let further = target.and_then(|target| records[next + 1..].iter().position(|older| older.id == *target));
        positions.push((next, further.map_or(0, |further| further + 1)));
        next += 1 + further.unwrap_or(0);
    }
    positions
}

/// Where the oldest release of workflow run `run` stands that is still in effect, a rollback too. Of a rollback that took
/// back releases of its own run, it is the oldest of those: what stood before that one is what stood before the run.
#[must_use]
pub(crate) fn first_release(records: &[Record], run: &str) -> Option<usize> {
    let mut oldest_first = way_down(records).into_iter().rev();
    let (at, skipped) = oldest_first.find(|(at, _)| is_of(&records[*at], run))?;
    let mut taken_back = (at..=at + skipped.saturating_sub(1)).rev();
    taken_back.find(|position| is_of(&records[*position], run))
}

/// The release that is live where workflow run `run` has released, and nothing of it is in effect any more.
#[must_use]
pub(crate) fn live_instead(records: &[Record], run: &str) -> Option<String> {
    let is_known = records.iter().any(|record| is_of(record, run));
    let live = live(records).filter(|_| is_known && first_release(records, run).is_none())?;
    Some(live.release.id.clone())
}

/// The succeeded release that stands before the one at `position`.
#[must_use]
pub(crate) fn succeeded_before(records: &[Record], position: usize) -> Option<&Record> {
    let older = &records[position + 1..];
    older.iter().find(|record| record.status == RecordStatus::Succeeded)
}

/// The releases that a rollback to `target` takes back, newest first; those that are taken back already are none.
fn taken_back<'r>(records: &'r [Record], target: &Record) -> Vec<&'r Record> {
    let newer = after(records, target).len();
    let positions = in_effect(records).into_iter().filter(|position| *position < newer);
    positions.map(|position| &records[position]).collect()
}

/// The workflow runs whose releases a rollback to `target` takes back.
#[must_use]
pub(crate) fn runs_taken_back(records: &[Record], target: &Record) -> BTreeSet<String> {
    let taken_back = taken_back(records, target).into_iter();
    let releases = taken_back.filter(|record| record.command == ReleaseKind::Deploy);
    releases.filter_map(|record| record.run.id.clone()).collect()
}

/// What the plan of a rollback to `target` says of workflow runs: what is taken back for `to: run:…` besides, and which
/// releases of a run stay of which others are taken back.
#[must_use]
pub(crate) fn rollback_lines(records: &[Record], target: &Record, to: Option<&str>) -> Vec<String> {
    let gone = taken_back(records, target);
    let mut lines = Vec::new();
    if let Some(run) = to.and_then(|to| to.strip_prefix(RUN)) {
        let newer = after(records, target).len();
        let way = way_down(records).into_iter().filter(|(at, _)| *at < newer);
        let way = way.map(|(at, _)| &records[at]);
        let of_run = ids(way.filter(|record| is_of(record, run)));
        lines.push(format!(
            "takes back {} of workflow run {run}: {}",
            count(of_run.len(), "release"),
            some_names(of_run.iter().copied())
        ));
        let others = ids(gone
            .iter()
            .copied()
            .filter(|record| record.run.id.as_deref() != Some(run)));
        if !others.is_empty() {
            lines.push(format!(
                "takes back what came since as well: {}",
                some_names(others.into_iter())
            ));
        }
    }
    let newer = after(records, target).len();
    let older: Vec<usize> = in_effect(records)
        .into_iter()
        .filter(|position| *position >= newer)
        .collect();
    let runs = runs_taken_back(records, target);
    let mut stays = Vec::new();
    for run in &runs {
        let stay = older.iter().map(|position| &records[*position]);
        let stay = stay.filter(|record| is_release_of(record, run) && record.status == RecordStatus::Succeeded);
        let stay = ids(stay);
        if !stay.is_empty() {
            stays.push(format!(
                "left alone: {}, of the same workflow run; `to: {RUN}{run}` takes back all of its releases here",
                some_names(stay.into_iter())
            ));
        }
    }
    lines.extend(first_lines(
        stays,
        "workflow runs have releases here that are left alone",
    ));
    lines.extend(elsewhere_line(&runs));
    lines
}

/// What is said of what the `runs` that are taken back deployed elsewhere: one line for all of them.
fn elsewhere_line(runs: &BTreeSet<String>) -> Option<String> {
    let first = runs.first()?;
    let (which, to) = match runs.len() {
        1 => (format!("run {first}"), format!("{RUN}{first}")),
        _ => {
            let all: Vec<&str> = runs.iter().map(String::as_str).collect();
            (format!("runs {}", some_names(all.into_iter())), format!("{RUN}ID"))
        }
    };
    Some(format!(
        "left alone: whatever workflow {which} deployed to other buckets, prefixes and environments: roll each back by a \
         step with its inputs, `command: rollback` and `to: {to}`"
    ))
}

/// The first of `lines`, and a line that counts the others: `more` follows their number.
fn first_lines(mut lines: Vec<String>, more: &str) -> Vec<String> {
    let others = lines.len().saturating_sub(MAX_LINES);
    lines.truncate(MAX_LINES);
    if others > 0 {
        lines.push(format!("{others} more {more}"));
    }
    lines
}

/// What the plan of a rollback says of releases of the same workflow runs under other prefixes of the bucket.
#[must_use]
pub(crate) fn neighbor_lines(bucket: &str, neighbors: &[Neighbor]) -> Vec<String> {
    let line = |(prefix, id): &Neighbor| {
        let run = run_of(id).unwrap_or_default();
        format!(
            "left alone: `s3://{bucket}/{prefix}`, to which workflow run {run} released `{id}`: roll it back by a step with its \
             `prefix` and `to: {RUN}{run}`"
        )
    };
    let lines = neighbors.iter().map(line).collect();
    first_lines(lines, "prefixes with releases of these workflow runs are left alone")
}

/// What the plan of a deploy says when the same workflow run has released here before.
#[must_use]
pub(crate) fn deploy_line(records: &[Record], run: Option<&str>) -> Option<String> {
    let run = run?;
    let before = ids(records.iter().filter(|record| is_release_of(record, run)));
    (!before.is_empty()).then(|| {
        format!(
            "this workflow run has released here before: {}; a rollback to `previous` takes back this step alone and leaves \
             those, `to: {RUN}{run}` takes back all",
            some_names(before.into_iter())
        )
    })
}

/// The workflow run in the id of a release, as [`crate::core::release::id`] makes them: time of day, run, attempt, random.
#[must_use]
pub(crate) fn run_of(id: &str) -> Option<&str> {
    let parts: Vec<&str> = id.split('-').collect();
    match parts.as_slice() {
        [_, _, run, _attempt, _random] => Some(run),
        _ => None,
    }
}

/// Whether `record` is of workflow run `run`: a deploy or a rollback.
fn is_of(record: &Record, run: &str) -> bool {
    record.run.id.as_deref() == Some(run)
}

fn is_release_of(record: &Record, run: &str) -> bool {
    record.command == ReleaseKind::Deploy && record.run.id.as_deref() == Some(run)
}

/// Their ids, oldest first.
fn ids<'r>(records: impl DoubleEndedIterator<Item = &'r Record>) -> Vec<&'r str> {
    records.rev().map(|record| record.id.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, rolls_back_to};

    fn of_run(id: &str, run: &str) -> Record {
        let mut record = release(id, RecordStatus::Succeeded);
        record.run.id = Some(run.to_owned());
        record
    }

    /// One release of run 1, two of run 2, one of run 3; newest first.
    fn records() -> Vec<Record> {
        vec![
            of_run("r4", "3"),
            of_run("r3", "2"),
            of_run("r2", "2"),
            of_run("r1", "1"),
        ]
    }

    #[test]
    fn a_run_goes_back_to_what_stood_before_its_first_release() {
        let mut records = records();
        let before = |records: &[Record], run| {
            let position = first_release(records, run)?;
            succeeded_before(records, position).map(|record| record.id.clone())
        };
        assert_eq!(before(&records, "2").as_deref(), Some("r1"));
        assert_eq!(before(&records, "1"), None);
        assert_eq!(before(&records, "9"), None);
        // A rollback is a release of its run, and is taken back like any other.
        records.insert(0, rolls_back_to(of_run("r5", "4"), "r1"));
        assert_eq!(before(&records, "4").as_deref(), Some("r4"));
        assert_eq!(
            lines(&records, &records[1], Some("run:4")),
            ["takes back 1 release of workflow run 4: `r5`"]
        );
        records.insert(0, rolls_back_to(of_run("r6", "5"), "r4"));
        assert_eq!(first_release(&records, "4"), None);
        assert_eq!(live_instead(&records, "4").as_deref(), Some("r4"));
        // One that took back releases of its own run leads to what stood before those.
        let own = [
            rolls_back_to(of_run("r3", "2"), "r1"),
            of_run("r2", "2"),
            of_run("r1", "1"),
        ];
        assert_eq!(before(&own, "2").as_deref(), Some("r1"));
    }

    /// The lines of a rollback without the one that each run gets.
    fn lines(records: &[Record], target: &Record, to: Option<&str>) -> Vec<String> {
        let mut lines = rollback_lines(records, target, to);
        lines.retain(|line| !line.contains("to other buckets, prefixes and environments"));
        lines
    }

    #[test]
    fn the_plan_says_what_a_rollback_leaves_alone() {
        let records = records();
        assert_eq!(
            lines(&records[1..], &records[2], None),
            ["left alone: `r2`, of the same workflow run; `to: run:2` takes back all of its releases here"]
        );
        assert_eq!(
            lines(&records, &records[3], Some("run:2")),
            [
                "takes back 2 releases of workflow run 2: `r2`, `r3`",
                "takes back what came since as well: `r4`"
            ]
        );
        let whole = rollback_lines(&records[1..], &records[3], None);
        assert!(
            whole.len() == 1 && whole[0].contains("by a step with its inputs"),
            "{whole:?}"
        );
        let line = deploy_line(&records[2..], Some("2")).expect("a release before");
        assert!(line.contains("`r2`") && line.contains("`to: run:2`"), "{line}");
        assert_eq!(deploy_line(&records, Some("9")), None);
    }

    #[test]
    fn of_many_workflow_runs_there_are_few_lines() {
        let mut records: Vec<Record> = Vec::new();
        for number in (1..=25).rev() {
            let run = number.to_string();
            records.push(of_run(&format!("r{number:02}b"), &run));
        }
        for number in (1..=25).rev() {
            let run = number.to_string();
            records.push(of_run(&format!("r{number:02}a"), &run));
        }
        let target = records[25].clone();
        let lines = rollback_lines(&records, &target, None);
        assert_eq!(lines.len(), MAX_LINES + 2, "{lines:#?}");
        assert_eq!(lines[5], "20 more workflow runs have releases here that are left alone");
        assert!(
            lines[6].starts_with("left alone: whatever workflow runs `1`, `10`,")
                && lines[6].contains("and 15 more deployed to other buckets")
                && lines[6].ends_with("`to: run:ID`"),
            "{}",
            lines[6]
        );
        let neighbors: Vec<Neighbor> = (0..40)
            .map(|number| (format!("p{number}/"), "20261120-071837123-7-1-35f095".to_owned()))
            .collect();
        let lines = neighbor_lines("b", &neighbors);
        assert_eq!(lines.len(), MAX_LINES + 1);
        assert_eq!(
            lines[5],
            "35 more prefixes with releases of these workflow runs are left alone"
        );
    }

    #[test]
    fn what_is_taken_back_already_is_neither_taken_back_nor_left_alone() {
        // `r3` went back by itself, then came `r6`.
        let mut records = records();
        records[0] = rolls_back_to(of_run("r4", "3"), "r2");
        assert_eq!(
            lines(&records, &records[3], Some("run:2")),
            ["takes back 1 release of workflow run 2: `r2`"]
        );
        records.insert(0, of_run("r6", "5"));
        assert_eq!(runs_taken_back(&records, &records[3]), BTreeSet::from(["5".to_owned()]));
        assert_eq!(lines(&records, &records[3], None), Vec::<String>::new());
        // All of run 2 went back, then came run 5: nothing of run 2 is left, and run 5 is none of its.
        records[1] = rolls_back_to(of_run("r4", "3"), "r1");
        assert_eq!(first_release(&records, "2"), None);
        assert_eq!(live_instead(&records, "2").as_deref(), Some("r6"));
        assert_eq!((live_instead(&records, "5"), live_instead(&records, "9")), (None, None));
        assert_eq!(runs_taken_back(&records, &records[4]), BTreeSet::from(["5".to_owned()]));
        // A rollback that failed took back nothing for sure.
        records[1].status = RecordStatus::Failed;
        assert_eq!(first_release(&records, "2"), Some(3));
    }

    #[test]
    fn the_run_stands_in_the_id() {
        assert_eq!(run_of("20261120-071837123-1001-1-35f095"), Some("1001"));
        assert_eq!(run_of("20261120-071837123-35f095"), None);
    }
}
