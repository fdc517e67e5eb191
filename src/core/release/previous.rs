//! Which release `to: previous` means: by the records, and by what the environments run now.
//!
//! | what runs | previous |
//! | --- | --- |
//! | the newest run changed something and did not succeed | the newest succeeded release; of an unfinished rollback its target |
//! | a version that no release deployed, or that was taken back | the newest succeeded release: somebody else came after it |
//! | of a backend alone, the version of an older release | the one before that release, as after a rollback |
//! | else | the newest succeeded release older than the live one |
//!
//! A release of a backend alone that deployed what runs is none to go back to: that would change nothing, for ever.

use crate::core::release::labels::label_at;
use crate::core::release::live::origin;
use crate::core::release::no_target::NoTarget;
use crate::core::release::parts::Parts;
use crate::core::release::record::{EnvironmentOutcome, Record, RecordStatus, RecordedEnvironment};

/// The release that `previous` means.
///
/// # Errors
/// There is none, or the record of the one that it may be does not tell how it ended.
pub(crate) fn previous<'a>(records: &'a [Record], parts: Parts<'_>) -> Result<&'a Record, NoTarget> {
    if records.is_empty() {
        return Err(NoTarget::NoRecords);
    }
    let newest = records.iter().position(is_succeeded);
    let newer = &records[..newest.unwrap_or(records.len())];
    let disturbing: Vec<&Record> = newer.iter().filter(|record| record.disturbs()).collect();
    // Whatever became of the newest, the release before it is the one; another may be that release.
    if let Some(unreadable) = disturbing.iter().skip(1).find(|record| has_no_end(record)) {
        return Err(unknown_end(unreadable));
    }
    let newest = newest.ok_or(NoTarget::NoneSucceeded)?;
    if !disturbing.is_empty() {
        // A rollback that did not finish fled from the newest succeeded release: again would be forward.
        let unfinished = disturbing
            .iter()
            .filter_map(|record| record.rolls_back_to.as_ref())
            .find_map(|target| records.iter().find(|record| record.id == *target))
            .filter(|target| is_succeeded(target));
        return Ok(unfinished.unwrap_or(&records[newest]));
    }
    if !strangers(records, parts).is_empty() {
        return Ok(&records[newest]);
    }
    let live = origin(records, newest);
    older(records, live_by_labels(records, live, parts), parts)
}

/// The release to go back to where `release`, which `previous` has led to, turns out to be what is there already.
///
/// # Errors
/// There is none.
pub(crate) fn previous_to<'a>(
    records: &'a [Record],
    release: &Record,
    parts: Parts<'_>,
) -> Result<&'a Record, NoTarget> {
    let position = records.iter().position(|record| record.id == release.id);
    older(records, position.unwrap_or(records.len() - 1), parts)
}

/// What to say of environments that run what no release has deployed, a line each.
#[must_use]
pub(crate) fn stranger_lines(records: &[Record], target: &Record, parts: Parts<'_>) -> Vec<String> {
    let is_mentioned = |name: &str, label: &str| {
        let mut environments = recorded(records, name);
        environments.any(|(_, environment)| environment.previous_label.as_deref() == Some(label))
    };
    let was_taken_back = |name: &str, label: &str| {
        let mut environments = recorded(records, name);
        environments.any(|(record, environment)| environment.label == label && record.is_put_back())
    };
    let line = |(name, label): (&str, &str)| {
        let known = if was_taken_back(name, label) {
            "which a release has deployed and taken back"
        } else if is_mentioned(name, label) {
            "which no release on record has deployed"
        } else {
            "which is in no record"
        };
        format!(
            "`{name}` runs version `{label}`, {known}: it was deployed by somebody else, so the previous release is the newest \
             that succeeded, `{}`",
            target.id
        )
    };
    strangers(records, parts).into_iter().map(line).collect()
}

/// The environments that run a version that no release has brought there, of those that releases know.
fn strangers<'p>(records: &[Record], parts: Parts<'p>) -> Vec<(&'p str, &'p str)> {
    let is_ours = |name: &str, label: &str| {
        recorded(records, name).any(|(record, environment)| {
            // What was taken back runs only if somebody else has deployed it since.
            let was_left = environment.outcome != EnvironmentOutcome::Skipped && !record.is_put_back();
            environment.label == label && was_left || record.label_of(name) == Some(label)
        })
    };
    let is_known = |name: &str| recorded(records, name).any(|(record, _)| record.label_of(name).is_some());
    let running = parts.environments.iter();
    running
        .filter_map(|(name, label)| Some((name.as_str(), label.as_deref()?)))
        .filter(|(name, label)| is_known(name) && !is_ours(name, label))
        .collect()
}

fn recorded<'a>(records: &'a [Record], name: &str) -> impl Iterator<Item = (&'a Record, &'a RecordedEnvironment)> {
    records
        .iter()
        .filter_map(move |record| Some((record, record.environment(name)?)))
}

/// The place of the release whose versions a backend alone runs: somebody may have brought an older one back.
fn live_by_labels(records: &[Record], live: usize, parts: Parts<'_>) -> usize {
    if parts.site || !differs(records, &records[live], parts) {
        return live;
    }
    let runs = |record: &Record| is_succeeded(record) && !differs(records, record, parts);
    let older = records[live + 1..].iter().position(runs);
    older.map_or(live, |distance| origin(records, live + 1 + distance))
}

/// The newest succeeded release behind the one at `live`; of a backend alone, one that deployed something else than runs.
fn older<'a>(records: &'a [Record], live: usize, parts: Parts<'_>) -> Result<&'a Record, NoTarget> {
    let behind = &records[live + 1..];
    for record in behind {
        if has_no_end(record) && record.disturbs() {
            return Err(unknown_end(record));
        }
        if is_succeeded(record) && (parts.site || differs(records, record, parts)) {
            return Ok(record);
        }
    }
    let live = records[live].id.clone();
    Err(if behind.iter().any(is_succeeded) {
        NoTarget::NothingElse { live }
    } else {
        NoTarget::NothingOlder { live }
    })
}

/// Whether the environments run something else than as of `release`, as far as records know.
fn differs(records: &[Record], release: &Record, parts: Parts<'_>) -> bool {
    let mut known = parts
        .environments
        .iter()
        .filter_map(|(name, running)| Some(label_at(records, release, name)? == running.as_deref()?))
        .peekable();
    known.peek().is_none() || known.any(|is_same| !is_same)
}

fn is_succeeded(record: &Record) -> bool {
    record.status == RecordStatus::Succeeded
}

/// Whether it ended, and nobody can read how.
pub(crate) fn has_no_end(record: &Record) -> bool {
    record.has_unreadable_end && record.status == RecordStatus::Started
}

fn unknown_end(record: &Record) -> NoTarget {
    NoTarget::UnknownEnd {
        to: "previous".to_owned(),
        id: record.id.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, rolls_back_to, with_label, with_site};
    use crate::core::release::record::RecordedPutBack;

    fn deployed(id: &str, label: &str) -> Record {
        with_label(
            release(id, RecordStatus::Succeeded),
            label,
            EnvironmentOutcome::Succeeded,
        )
    }

    fn failed(id: &str, label: &str) -> Record {
        with_label(release(id, RecordStatus::Failed), label, EnvironmentOutcome::Failed)
    }

    fn without_end(id: &str, label: &str) -> Record {
        Record {
            has_unreadable_end: true,
            ..with_label(release(id, RecordStatus::Started), label, EnvironmentOutcome::Planned)
        }
    }

    /// The previous release where `web-prod` runs `label`; `records` are oldest first.
    fn found(records: &[Record], label: &str, site: bool) -> String {
        let records: Vec<Record> = records.iter().rev().cloned().collect();
        let environments = [("web-prod".to_owned(), Some(label.to_owned()))];
        let parts = Parts {
            site,
            environments: &environments,
        };
        match previous(&records, parts) {
            Ok(record) => record.id.clone(),
            Err(reason) => reason.to_string(),
        }
    }

    #[test]
    fn what_runs_tells_what_came_before_it() {
        let [one, two] = [deployed("r1", "v1"), deployed("r2", "v2")];
        let back = rolls_back_to(deployed("r3", "v1"), "r1");
        let nothing =
            |live: &str| format!("cannot roll back: there is no succeeded release before `{live}`, which is live");
        for (records, label, expected) in [
            (vec![one.clone(), two.clone()], "v2", "r1".to_owned()),
            (vec![one.clone(), two.clone()], "v3", "r2".to_owned()),
            (vec![one.clone()], "v3", "r1".to_owned()),
            // Somebody has brought an older version back, or the record of that rollback was lost.
            (vec![one.clone(), two.clone()], "v1", nothing("r1")),
            (
                vec![one.clone(), two.clone(), deployed("r3", "v3")],
                "v2",
                "r1".to_owned(),
            ),
            (vec![one.clone(), two.clone(), back], "v1", nothing("r1")),
            // Once more after a failure: what runs is no release to go back to.
            (
                vec![one.clone(), two.clone(), failed("r3", "v3"), deployed("r4", "v2")],
                "v2",
                "r1".to_owned(),
            ),
            (
                vec![two.clone(), failed("r3", "v3"), deployed("r4", "v2")],
                "v2",
                "cannot roll back: what runs is what every succeeded release on record before `r4` has deployed"
                    .to_owned(),
            ),
            (
                vec![one.clone(), two.clone(), failed("r3", "v3")],
                "v3",
                "r2".to_owned(),
            ),
            (
                vec![one.clone(), two.clone(), failed("r3", "v3")],
                "v9",
                "r2".to_owned(),
            ),
        ] {
            assert_eq!(found(&records, label, false), expected, "{label} after {records:?}");
        }
    }

    #[test]
    fn a_version_that_was_taken_back_and_runs_was_deployed_by_somebody_else() {
        let mut taken_back = failed("r3", "v3");
        taken_back.put_back = Some(RecordedPutBack {
            complete: true,
            keys: 0,
        });
        let records = [deployed("r1", "v1"), deployed("r2", "v2"), taken_back];
        assert_eq!(found(&records, "v3", false), "r2");
        assert_eq!(found(&records, "v2", false), "r1");
        let records: Vec<Record> = records.into_iter().rev().collect();
        let environments = [("web-prod".to_owned(), Some("v3".to_owned()))];
        let parts = Parts {
            site: false,
            environments: &environments,
        };
        let lines = stranger_lines(&records, &records[1], parts);
        assert!(
            lines.join("").contains("which a release has deployed and taken back"),
            "{lines:?}"
        );
    }

    #[test]
    fn beside_a_site_a_version_of_somebody_else_leads_to_the_newest_release_too() {
        let both = |id: &str, label: &str| with_site(deployed(id, label), &[("index.html", id)]);
        let records = [both("r1", "v1"), both("r2", "v2")];
        assert_eq!(found(&records, "v2", true), "r1");
        assert_eq!(found(&records, "v3", true), "r2");
        assert_eq!(found(&records, "v1", true), "r1");
    }

    #[test]
    fn a_release_whose_end_cannot_be_read_is_not_passed_over() {
        let refused = |id: &str| format!("cannot roll back to `previous`: how release `{id}` ended cannot be read");
        let old = [deployed("r1", "v1"), without_end("r2", "v2")];
        let with = |more: Record| [&old[..], &[more]].concat();
        assert_eq!(found(&with(deployed("r3", "v3")), "v3", false), refused("r2"));
        assert_eq!(found(&with(failed("r3", "v3")), "v3", false), refused("r2"));
        // Of the newest, the release before it is the one however it ended.
        assert_eq!(found(&old, "v2", false), "r1");
    }

    #[test]
    fn who_has_deployed_what_runs_is_said() {
        let mut records = vec![deployed("r2", "v2"), deployed("r1", "v1")];
        if let Some(backend) = &mut records[1].backend {
            backend.environments[0].previous_label = Some("v0".to_owned());
        }
        for (label, expected) in [
            ("v2", None),
            (
                "v3",
                Some("version `v3`, which is in no record: it was deployed by somebody else"),
            ),
            (
                "v0",
                Some("version `v0`, which no release on record has deployed: it was deployed by somebody else"),
            ),
        ] {
            let environments = [("web-prod".to_owned(), Some(label.to_owned()))];
            let parts = Parts {
                site: true,
                environments: &environments,
            };
            let lines = stranger_lines(&records, &records[0], parts);
            assert_eq!(lines.len(), usize::from(expected.is_some()));
            assert!(
                lines
                    .first()
                    .is_none_or(|line| line.contains(expected.unwrap_or_default())),
                "{lines:?}"
            );
        }
    }
}
