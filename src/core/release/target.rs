//! Which release a rollback goes back to.
//!
//! Records are always newest first. A rollback is a release itself; what is live after it is its target.
//!
//! | `to` | target |
//! | --- | --- |
//! | `previous` | see [`crate::core::release::previous`] |
//! | id of a release | that one |
//! | version label | the release that deployed it; for a backend alone also a label without a record |
//! | commit, 7 characters or more | its newest succeeded release |
//! | time, UTC unless an offset stands there | the newest succeeded release that is not younger |
//! | `run:` and the id of a workflow run | the newest succeeded release before the first one of that run |

use std::fmt::Write as _;

use crate::core::error::HintExt as _;
use crate::core::release::labels::label_at;
use crate::core::release::live::{live, origin};
use crate::core::release::no_target::NoTarget;
use crate::core::release::parts::Parts;
use crate::core::release::point_in_time::{HOW_TIMES_ARE_WRITTEN, is_meant_as_time, time};
use crate::core::release::previous::{has_no_end, previous, previous_to};
use crate::core::release::record::{EnvironmentOutcome, Record, RecordStatus, ReleaseKind};
use crate::core::release::workflow_run::{RUN, first_release, live_instead, succeeded_before};
use crate::core::text::plural;

/// What a rollback goes back to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TargetChoice<'a> {
    /// A release.
    Release(&'a Record),
    /// A version label without a record, for a backend alone.
    Label(String),
}

/// Chooses the target of a rollback; `to` is `None` for `previous`.
///
/// # Errors
/// There is no such release, or more than one; with a hint at what is possible instead.
pub(crate) fn choose<'a>(
    records: &'a [Record],
    to: Option<&str>,
    parts: Parts<'_>,
) -> anyhow::Result<TargetChoice<'a>> {
    find(records, to, parts).map_err(|reason| {
        let hint = hint(records, &reason, parts);
        anyhow::Error::new(reason).hint(hint)
    })
}

/// Chooses the target of a rollback to `previous` that has led to `release`, which is what is there already.
///
/// # Errors
/// There is none; with a hint at what is possible instead.
pub(crate) fn choose_before<'a>(
    records: &'a [Record],
    release: &Record,
    parts: Parts<'_>,
) -> anyhow::Result<&'a Record> {
    previous_to(records, release, parts).map_err(|reason| {
        let hint = hint(records, &reason, parts);
        anyhow::Error::new(reason).hint(hint)
    })
}

/// Why a rollback of a workflow run finds nothing to take back in this place, which is no failure where the run is known: a
/// job may have several steps, and each gets the same `to`.
#[must_use]
pub(crate) fn nothing_of_run(records: &[Record], to: Option<&str>, parts: Parts<'_>) -> Option<NoTarget> {
    to.filter(|to| to.starts_with(RUN))?;
    find(records, to, parts)
        .err()
        .filter(|reason| matches!(reason, NoTarget::UnknownRun { .. } | NoTarget::AlreadyLive { .. }))
}

/// Whether there is no target because of what is live by the records.
#[must_use]
pub(crate) fn depends_on_what_is_live(records: &[Record], to: Option<&str>, parts: Parts<'_>) -> bool {
    matches!(
        find(records, to, parts),
        Err(NoTarget::AlreadyLive { .. } | NoTarget::NothingOlder { .. } | NoTarget::NothingElse { .. })
    )
}

fn find<'a>(records: &'a [Record], to: Option<&str>, parts: Parts<'_>) -> Result<TargetChoice<'a>, NoTarget> {
    let to = to.unwrap_or("previous");
    if to == "previous" {
        return previous(records, parts).map(TargetChoice::Release);
    }
    let named = match named(records, to, parts) {
        Err(NoTarget::Unknown { .. } | NoTarget::ShortCommit { .. } | NoTarget::WrongTime { .. })
            if !parts.site && !parts.environments.is_empty() =>
        {
            return Ok(TargetChoice::Label(to.to_owned()));
        }
        other => other?,
    };
    if is_live(records, named, parts) {
        return Err(NoTarget::AlreadyLive {
            to: to.to_owned(),
            id: named.id.clone(),
        });
    }
    Ok(TargetChoice::Release(named))
}

fn named<'a>(records: &'a [Record], to: &str, parts: Parts<'_>) -> Result<&'a Record, NoTarget> {
    if let Some(record) = records.iter().find(|record| record.id == to) {
        return succeeded(record, to);
    }
    if let Some(run) = to.strip_prefix(RUN) {
        return match (first_release(records, run), live_instead(records, run)) {
            (Some(first), _) => {
                let run = run.to_owned();
                let found = succeeded_before(records, first).ok_or(NoTarget::NothingBeforeRun { run })?;
                past_known_ends(&records[first + 1..], found, to)
            }
            (None, Some(id)) => Err(NoTarget::AlreadyLive { to: to.to_owned(), id }),
            (None, None) => Err(NoTarget::UnknownRun { run: run.to_owned() }),
        };
    }
    if let Some(time) = time(to) {
        let was_live = |record: &&Record| {
            record.status == RecordStatus::Succeeded && record.finished_at.unwrap_or(record.started_at) <= time
        };
        let found = records.iter().find(was_live);
        let found = found.ok_or_else(|| NoTarget::NothingThen { to: to.to_owned() })?;
        let started = records.iter().position(|record| record.started_at <= time);
        return past_known_ends(&records[started.unwrap_or_default()..], found, to);
    }
    let by_label = by_label(records, to, parts)?;
    let by_commit = by_commit(records, to)?;
    match (by_label, by_commit) {
        (Some(label), Some(commit)) if label.id != commit.id && label.commit != commit.commit => {
            Err(NoTarget::Ambiguous {
                to: to.to_owned(),
                ids: vec![label.id.clone(), commit.id.clone()],
            })
        }
        (Some(record), _) | (None, Some(record)) => Ok(record),
        (None, None) => {
            let failed = |record: &&Record| has_label(record, to) || has_commit(record, to);
            if let Some(record) = records.iter().find(failed) {
                // To a backend alone the version is all that counts, whatever became of its release.
                let is_version = !parts.site && has_label(record, to);
                return succeeded(record, to).map_err(|reason| match is_version {
                    true => NoTarget::Unknown { to: to.to_owned() },
                    false => reason,
                });
            }
            if is_meant_as_time(to) {
                return Err(NoTarget::WrongTime { to: to.to_owned() });
            }
            let short = to.len() >= 4 && to.len() < 7 && is_hexadecimal(to);
            Err(if short && records.iter().any(|record| starts_commit(record, to)) {
                NoTarget::ShortCommit { to: to.to_owned() }
            } else {
                NoTarget::Unknown { to: to.to_owned() }
            })
        }
    }
}

/// `found`, unless a release of `records` stands before it that perhaps succeeded too.
fn past_known_ends<'a>(records: &[Record], found: &'a Record, to: &str) -> Result<&'a Record, NoTarget> {
    let mut newer = records.iter().take_while(|record| record.id != found.id);
    match newer.find(|record| has_no_end(record) && record.disturbs()) {
        Some(record) => Err(NoTarget::UnknownEnd {
            to: to.to_owned(),
            id: record.id.clone(),
        }),
        None => Ok(found),
    }
}

fn succeeded<'a>(record: &'a Record, to: &str) -> Result<&'a Record, NoTarget> {
    match record.status {
        RecordStatus::Succeeded => Ok(record),
        RecordStatus::Started if has_no_end(record) => Err(NoTarget::UnknownEnd {
            to: to.to_owned(),
            id: record.id.clone(),
        }),
        status => Err(NoTarget::NotSucceeded {
            to: to.to_owned(),
            id: record.id.clone(),
            status,
        }),
    }
}

/// The release that deployed a label. Later releases may have kept it while they changed the site, and a rollback may
/// have brought it back: those are only taken when the one that deployed it is not on record any more.
fn by_label<'a>(records: &'a [Record], label: &str, parts: Parts<'_>) -> Result<Option<&'a Record>, NoTarget> {
    let all: Vec<&Record> = records
        .iter()
        .filter(|record| record.status == RecordStatus::Succeeded && has_label(record, label))
        .collect();
    let deployed: Vec<&Record> = all
        .iter()
        .copied()
        .filter(|record| deployed_label(record, label))
        .collect();
    let candidates = if deployed.is_empty() { all } else { deployed };
    match candidates.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        // To a backend the label is all that counts.
        [newest, ..] if !parts.site => Ok(Some(newest)),
        several => Err(NoTarget::Ambiguous {
            to: label.to_owned(),
            ids: several.iter().map(|record| record.id.clone()).collect(),
        }),
    }
}

fn by_commit<'a>(records: &'a [Record], to: &str) -> Result<Option<&'a Record>, NoTarget> {
    let mut matching = records
        .iter()
        .filter(|record| record.status == RecordStatus::Succeeded && has_commit(record, to));
    let Some(newest) = matching.next() else {
        return Ok(None);
    };
    let mut ids = vec![newest.id.clone()];
    let mut commits = vec![&newest.commit];
    for other in matching {
        let known = commits.iter().any(|commit| sha(commit) == sha(&other.commit));
        if !known {
            commits.push(&other.commit);
            ids.push(other.id.clone());
        }
    }
    if ids.len() > 1 {
        return Err(NoTarget::Ambiguous { to: to.to_owned(), ids });
    }
    Ok(Some(newest))
}

fn sha(commit: &Option<crate::core::release::record::Commit>) -> Option<&str> {
    commit.as_ref().map(|commit| commit.sha.as_str())
}

fn has_label(record: &Record, label: &str) -> bool {
    record.backend.as_ref().is_some_and(|backend| {
        backend.version_label.as_deref() == Some(label)
            || backend
                .environments
                .iter()
                .any(|environment| environment.label == label)
    })
}

fn deployed_label(record: &Record, label: &str) -> bool {
    let by_this = |one: &crate::core::release::record::RecordedEnvironment| {
        one.label == label && one.outcome == EnvironmentOutcome::Succeeded
    };
    record.command == ReleaseKind::Deploy
        && record
            .backend
            .as_ref()
            .is_some_and(|backend| backend.environments.is_empty() || backend.environments.iter().any(by_this))
}

fn has_commit(record: &Record, to: &str) -> bool {
    to.len() >= 7 && is_hexadecimal(to) && starts_commit(record, to)
}

fn starts_commit(record: &Record, to: &str) -> bool {
    sha(&record.commit).is_some_and(|sha| sha.starts_with(&to.to_ascii_lowercase()))
}

fn is_hexadecimal(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether `target`'s state is what is there now: by the records, and by what the environments run.
fn is_live(records: &[Record], target: &Record, parts: Parts<'_>) -> bool {
    let Some(live) = live(records) else { return false };
    let position = records.iter().position(|record| record.id == target.id);
    let same = position.is_some_and(|position| records[origin(records, position)].id == live.release.id);
    let mut known = parts
        .environments
        .iter()
        .filter_map(|(name, running)| Some(label_at(records, target, name)? == running.as_deref()?))
        .peekable();
    if parts.site {
        return same && live.disturbed_by.is_none() && known.all(|runs| runs);
    }
    // Of a backend alone, what its environments run tells more than records.
    match known.peek() {
        Some(_) => known.all(|runs| runs),
        None => same && live.disturbed_by.is_none(),
    }
}

/// What is possible instead.
fn hint(records: &[Record], reason: &NoTarget, parts: Parts<'_>) -> String {
    let live = live(records).map(|live| live.release.id.as_str());
    let mut possible = String::new();
    let succeeded = records.iter().filter(|record| record.status == RecordStatus::Succeeded);
    for record in succeeded
        .filter(|record| Some(record.id.as_str()) != live && record.command == ReleaseKind::Deploy)
        .take(5)
    {
        let separator = if possible.is_empty() { "" } else { ", " };
        let _ = write!(possible, "{separator}`{}`", record.id);
        if let Some(sha) = sha(&record.commit) {
            let _ = write!(possible, " (commit {})", sha.get(..7).unwrap_or(sha));
        }
    }
    match reason {
        NoTarget::WrongTime { .. } => HOW_TIMES_ARE_WRITTEN.to_owned(),
        NoTarget::ShortCommit { .. } => "give at least 7 characters of the commit, or the release's id".to_owned(),
        NoTarget::Ambiguous { .. } => "give the id of one of them in `to`".to_owned(),
        _ if !parts.site && !parts.environments.is_empty() => {
            "give in `to` a version label that the application has".to_owned()
        }
        _ => {
            let possible = if possible.is_empty() {
                "there is no other release to go back to; deploy the commit that you want instead".to_owned()
            } else {
                format!("valid values for `to`: {possible}")
            };
            let is_search = matches!(
                reason,
                NoTarget::Unknown { .. } | NoTarget::NothingThen { .. } | NoTarget::UnknownRun { .. }
            );
            let how_far = if is_search {
                looked_through(records)
            } else {
                String::new()
            };
            format!("{possible}{how_far}")
        }
    }
}

/// How far back the records were read.
fn looked_through(records: &[Record]) -> String {
    records.last().map_or_else(String::new, |oldest| {
        let since = oldest.started_at.format("%Y-%m-%d %H:%M");
        let releases = plural(records.len(), "release");
        format!("; the newest {releases} were looked through, back to {since} UTC")
    })
}

#[cfg(test)]
#[path = "target_tests.rs"]
mod tests;
