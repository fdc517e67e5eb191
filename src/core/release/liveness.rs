//! Which releases are live: by the records, and by what the environments really run, which tells more. Records are always
//! newest first.

use crate::core::release::labels::label_at;
use crate::core::release::live::{live, origin};
use crate::core::release::parts::Parts;
use crate::core::release::record::{EnvironmentOutcome, Record, RecordStatus};
use crate::core::text::names;

/// How much of a release is live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Liveness {
    /// All of it.
    Whole,
    /// A part: a newer run that did not succeed has changed something, or something else runs in an environment.
    InPart,
}

impl Liveness {
    /// As the list of releases marks it.
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Self::Whole => "live",
            Self::InPart => "live in part",
        }
    }
}

/// What of the records is live.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LiveReleases {
    /// For each record; `None`: nothing of it.
    pub(crate) marks: Vec<Option<Liveness>>,
    /// A line for each environment that runs something else than the records say.
    pub(crate) lines: Vec<String>,
}

/// What of `records` is live where the environments run what `parts` says. Newer releases that cannot be read are `unread`:
/// then the records tell nothing of what is live.
pub(crate) fn live_releases(records: &[Record], unread: &[String], parts: Parts<'_>) -> LiveReleases {
    let live = live(records).filter(|_| unread.is_empty());
    let by_records = live.and_then(|live| records.iter().position(|record| record.id == live.release.id));
    let mut found = LiveReleases {
        marks: vec![None; records.len()],
        lines: Vec::new(),
    };
    if !unread.is_empty() {
        let which = names(unread.iter().map(String::as_str));
        let text = format!("{which} cannot be used: what is live is told only by what the environments run");
        found.lines.push(text);
    }
    // Of each part: the release that it is of.
    let mut owners: Vec<Option<usize>> = Vec::new();
    if parts.site && by_records.is_some() {
        owners.push(by_records);
    }
    for (name, running) in parts.environments {
        let Some(running) = running.as_deref().filter(|_| is_known(records, name)) else {
            continue;
        };
        let expected = by_records.and_then(|position| label_at(records, &records[position], name));
        if expected == Some(running) {
            owners.push(by_records);
            continue;
        }
        let owner = brought_by(records, name, running);
        owners.push(owner);
        let owner = owner.map(|position| &records[position]);
        found
            .lines
            .push(line((name, running), owner, expected, unread.is_empty()));
    }
    if owners.is_empty() {
        owners.push(by_records);
    }
    let are_one = (unread.is_empty() || !parts.site) && owners.iter().all(|owner| *owner == owners[0]);
    for position in owners.into_iter().flatten() {
        let is_disturbed = by_records == Some(position) && live.is_some_and(|live| live.disturbed_by.is_some());
        let is_whole = are_one && !is_disturbed && records[position].status == RecordStatus::Succeeded;
        found.marks[position] = Some(if is_whole { Liveness::Whole } else { Liveness::InPart });
    }
    found
}

/// Whether any release has deployed to the environment.
fn is_known(records: &[Record], name: &str) -> bool {
    records.iter().any(|record| record.label_of(name).is_some())
}

/// The newest release that brought `label` to the environment.
fn brought_by(records: &[Record], name: &str, label: &str) -> Option<usize> {
    let position = records.iter().position(|record| {
        let mut environments = record.backend.iter().flat_map(|backend| &backend.environments);
        environments.any(|environment| {
            environment.name == name
                && environment.label == label
                && !matches!(
                    environment.outcome,
                    EnvironmentOutcome::Skipped | EnvironmentOutcome::Unchanged
                )
        })
    })?;
    Some(match records[position].status {
        RecordStatus::Succeeded => origin(records, position),
        RecordStatus::Started | RecordStatus::Failed | RecordStatus::Cancelled => position,
    })
}

fn line((name, running): (&str, &str), owner: Option<&Record>, expected: Option<&str>, are_all_read: bool) -> String {
    let instead = expected
        .map(|expected| format!(" instead of `{expected}`, which the records tell"))
        .unwrap_or_default();
    match owner {
        None if !are_all_read => {
            format!("`{name}` runs version `{running}`: no release that can be read has deployed it")
        }
        None => format!(
            "`{name}` runs version `{running}`{instead}: no release on record has deployed it, so none is live there"
        ),
        Some(release) if release.status == RecordStatus::Succeeded => {
            format!(
                "`{name}` runs version `{running}`{instead}: it is that of release `{}`",
                release.id
            )
        }
        Some(release) => format!(
            "`{name}` runs version `{running}`{instead}: it is that of release `{}`, which did not succeed",
            release.id
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, rolls_back_to, with_label, with_site};

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

    /// Ids and marks of what is live, and the lines; `records` are oldest first.
    fn found(records: &[Record], site: bool, running: &[(&str, &str)]) -> (String, String) {
        let records: Vec<Record> = records.iter().rev().cloned().collect();
        let environments: Vec<(String, Option<String>)> = running
            .iter()
            .map(|&(name, label)| (name.to_owned(), Some(label.to_owned())))
            .collect();
        let live = live_releases(
            &records,
            &[],
            Parts {
                site,
                environments: &environments,
            },
        );
        let marked = records.iter().zip(&live.marks);
        let marked = marked.filter_map(|(record, mark)| Some(format!("{} {}", record.id, (*mark)?.text())));
        (marked.collect::<Vec<_>>().join(", "), live.lines.join("\n"))
    }

    #[test]
    fn what_runs_tells_which_release_is_live() {
        let two = [deployed("r1", "v1"), deployed("r2", "v2")];
        let back = [&two[..], &[rolls_back_to(deployed("r3", "v1"), "r1")]].concat();
        let broken = [&two[..], &[failed("r3", "v3")]].concat();
        for (records, label, expected, line) in [
            (&two[..], "v2", "r2 live", ""),
            (
                &two,
                "v1",
                "r1 live",
                "runs version `v1` instead of `v2`, which the records tell: it is that of release `r1`",
            ),
            (
                &two,
                "hot",
                "",
                "no release on record has deployed it, so none is live there",
            ),
            (&back, "v1", "r1 live", ""),
            (&back, "v2", "r2 live", "it is that of release `r2`"),
            (&broken, "v2", "r2 live in part", ""),
            (
                &broken,
                "v3",
                "r3 live in part",
                "it is that of release `r3`, which did not succeed",
            ),
        ] {
            let (marks, lines) = found(records, false, &[("web-prod", label)]);
            assert_eq!(marks, expected, "{label}");
            assert!(
                lines.contains(line) && lines.is_empty() == line.is_empty(),
                "{label}: {lines}"
            );
        }
    }

    #[test]
    fn beside_a_site_and_in_several_environments_a_release_is_live_in_part() {
        let both = |id: &str, label: &str| with_site(deployed(id, label), &[("index.html", id)]);
        let records = [both("r1", "v1"), both("r2", "v2")];
        assert_eq!(found(&records, true, &[("web-prod", "v2")]).0, "r2 live");
        assert_eq!(
            found(&records, true, &[("web-prod", "v1")]).0,
            "r2 live in part, r1 live in part"
        );
        assert_eq!(found(&records, true, &[("web-prod", "hot")]).0, "r2 live in part");
        let several = |mut record: Record| {
            if let Some(backend) = &mut record.backend {
                let mut other = backend.environments[0].clone();
                other.name = "web-eu".to_owned();
                backend.environments.push(other);
            }
            record
        };
        let records = [several(deployed("r1", "v1")), several(deployed("r2", "v2"))];
        let now = |eu| found(&records, false, &[("web-prod", "v2"), ("web-eu", eu)]).0;
        assert_eq!(now("v2"), "r2 live");
        assert_eq!(now("v1"), "r2 live in part, r1 live in part");
        assert_eq!(now("hot"), "r2 live in part");
    }

    #[test]
    fn behind_records_that_cannot_be_read_only_the_environments_tell() {
        let records = [deployed("r2", "v2"), deployed("r1", "v1")];
        let unread = ["r3".to_owned()];
        let at = |label: &str| {
            let environments = [("web-prod".to_owned(), Some(label.to_owned()))];
            let parts = Parts {
                site: true,
                environments: &environments,
            };
            live_releases(&records, &unread, parts)
        };
        let unknown = at("v3");
        assert_eq!(unknown.marks, [None, None]);
        assert_eq!(
            unknown.lines,
            [
                "`r3` cannot be used: what is live is told only by what the environments run",
                "`web-prod` runs version `v3`: no release that can be read has deployed it"
            ]
        );
        assert_eq!(at("v1").marks, [None, Some(Liveness::InPart)]);
        assert_eq!(live_releases(&records, &unread, Parts::default()).marks, [None, None]);
    }

    #[test]
    fn without_environments_and_for_those_of_no_record_the_records_tell() {
        let records = [deployed("r1", "v1"), deployed("r2", "v2")];
        for running in [&[][..], &[("other", "v9")]] {
            assert_eq!(found(&records, false, running), ("r2 live".to_owned(), String::new()));
        }
        let nothing = [failed("r1", "v1")];
        assert_eq!(
            found(&nothing, false, &[("web-prod", "v0")]),
            (String::new(), String::new())
        );
    }
}
