//! Releases that ended, and nobody can read how. Records are always newest first.

use crate::core::release::record::{EnvironmentOutcome, Record, RecordStatus, RecordedEnvironment, ReleaseKind};

/// Takes those for succeeded whose versions a later deploy found in place and replaced: it notes no version that never
/// worked. Only of a backend, for of a site nothing is seen so. Answers a line for each.
pub(crate) fn believe_successors(records: &mut [Record]) -> Vec<String> {
    let mut lines = Vec::new();
    for position in (0..records.len()).rev() {
        let (newer, record) = records.split_at_mut(position);
        let record = &mut record[0];
        let has_site = record.site.as_ref().is_some_and(|site| site.planned_keys > 0);
        if !record.has_unreadable_end || record.status != RecordStatus::Started || has_site {
            continue;
        }
        let environments = record.backend.iter_mut().flat_map(|backend| &mut backend.environments);
        let environments: Vec<&mut RecordedEnvironment> = environments.collect();
        let Some(by) = environments.first().and_then(|first| successor(newer, first)) else {
            continue;
        };
        if !environments
            .iter()
            .all(|environment| successor(newer, environment).is_some())
        {
            continue;
        }
        for environment in environments {
            environment.outcome = EnvironmentOutcome::Succeeded;
        }
        record.status = RecordStatus::Succeeded;
        lines.push(format!(
            "release {} counts as succeeded: release {by} found its version in place",
            record.id
        ));
    }
    lines
}

/// The next release to the same environment, when it replaced the version of this one.
fn successor(newer: &[Record], replaced: &RecordedEnvironment) -> Option<String> {
    let next = newer.iter().rev().find_map(|record| {
        let mut environments = record.backend.iter().flat_map(|backend| &backend.environments);
        Some((
            record,
            environments.find(|environment| environment.name == replaced.name)?,
        ))
    });
    let (record, environment) = next?;
    // A run that did not end notes what ran when it was planned, and a rollback whatever it found.
    let knows = record.command == ReleaseKind::Deploy && record.status != RecordStatus::Started;
    (knows && environment.previous_label.as_ref() == Some(&replaced.label)).then(|| record.id.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, with_label, with_site};

    fn unread(record: Record) -> Record {
        Record {
            has_unreadable_end: true,
            ..record
        }
    }

    fn replacing(id: &str, label: &str, previous: &str, status: RecordStatus) -> Record {
        let mut record = with_label(release(id, status), label, EnvironmentOutcome::Failed);
        if let Some(backend) = &mut record.backend {
            backend.environments[0].previous_label = Some(previous.to_owned());
        }
        record
    }

    #[test]
    fn what_the_next_release_replaced_had_succeeded() {
        let started = with_label(release("r2", RecordStatus::Started), "v2", EnvironmentOutcome::Planned);
        let with_pages = with_site(unread(started.clone()), &[("index.html", "1")]);
        for (next, record, expected) in [
            (
                replacing("r3", "v3", "v2", RecordStatus::Succeeded),
                unread(started.clone()),
                true,
            ),
            (
                replacing("r3", "v3", "v2", RecordStatus::Failed),
                unread(started.clone()),
                true,
            ),
            (
                replacing("r3", "v3", "v1", RecordStatus::Succeeded),
                unread(started.clone()),
                false,
            ),
            (
                replacing("r3", "v3", "v2", RecordStatus::Started),
                unread(started.clone()),
                false,
            ),
            (replacing("r3", "v3", "v2", RecordStatus::Succeeded), started, false),
            (replacing("r3", "v3", "v2", RecordStatus::Succeeded), with_pages, false),
        ] {
            let mut records = [next, record];
            let lines = believe_successors(&mut records);
            assert_eq!(lines.len(), usize::from(expected), "{records:?}");
            assert_eq!(records[1].status == RecordStatus::Succeeded, expected);
            assert_eq!(records[1].label_of("web-prod").is_some(), expected);
        }
    }
}
