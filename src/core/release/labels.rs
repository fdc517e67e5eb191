//! Version labels as records tell them: what ran when, and what may not be deleted.

use std::collections::BTreeSet;

use crate::core::release::gaps::NEEDED_RELEASES;
use crate::core::release::live::after;
use crate::core::release::record::{Record, RecordStatus, RecordedEnvironment};

/// The label that `environment` ran as of `target`: what that release or one before it says, else what the first
/// one after it replaced.
#[must_use]
pub(crate) fn label_at<'a>(records: &'a [Record], target: &Record, environment: &str) -> Option<&'a str> {
    let until_then = records
        .iter()
        .skip_while(|record| record.id != target.id)
        .filter(|record| record.status == RecordStatus::Succeeded)
        .find_map(|record| record.label_of(environment));
    until_then.or_else(|| {
        let later = after(records, target)
            .iter()
            .rev()
            .filter_map(|record| record.backend.as_ref());
        let of_it = |one: &&RecordedEnvironment| one.name == environment;
        later
            .flat_map(|backend| &backend.environments)
            .find(of_it)
            .and_then(|one| one.previous_label.as_deref())
    })
}

/// The version labels that the newest ten releases of a backend need: what they deployed, and what they replaced.
#[must_use]
pub(crate) fn needed_labels(records: &[Record]) -> BTreeSet<&str> {
    let backends = records
        .iter()
        .filter_map(|record| record.backend.as_ref())
        .take(NEEDED_RELEASES);
    backends
        .flat_map(|backend| {
            let of_environments = backend
                .environments
                .iter()
                .flat_map(|environment| [Some(environment.label.as_str()), environment.previous_label.as_deref()]);
            of_environments.chain([backend.version_label.as_deref()])
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, with_label, with_site};
    use crate::core::release::record::EnvironmentOutcome;

    fn done(id: &str) -> Record {
        with_site(release(id, RecordStatus::Succeeded), &[("index.html", id)])
    }

    #[test]
    fn the_label_as_of_a_release_without_the_environment_is_the_one_before() {
        let mut records = vec![
            with_label(
                release("r1", RecordStatus::Succeeded),
                "v1",
                EnvironmentOutcome::Succeeded,
            ),
            with_label(release("r2", RecordStatus::Failed), "v2", EnvironmentOutcome::Failed),
            done("r3"),
            with_label(
                release("r4", RecordStatus::Succeeded),
                "v4",
                EnvironmentOutcome::Succeeded,
            ),
        ];
        records.reverse();
        assert_eq!(label_at(&records, &records[1], "web-prod"), Some("v1"));
        assert_eq!(label_at(&records, &records[0], "web-prod"), Some("v4"));
        assert_eq!(label_at(&records, &records[1], "other"), None);
        let mut later = with_label(release("r5", RecordStatus::Failed), "v5", EnvironmentOutcome::Failed);
        if let Some(backend) = &mut later.backend {
            backend.environments[0].name = "other".into();
            backend.environments[0].previous_label = Some("before".into());
        }
        records.insert(0, later);
        assert_eq!(label_at(&records, &records[1], "other"), Some("before"));
    }

    #[test]
    fn the_last_ten_releases_need_their_labels_and_those_before() {
        let mut records: Vec<Record> = (1..=12)
            .map(|n| {
                with_label(
                    release(&format!("r{n}"), RecordStatus::Succeeded),
                    &format!("v{n:02}"),
                    EnvironmentOutcome::Succeeded,
                )
            })
            .collect();
        records.reverse();
        if let Some(backend) = &mut records[9].backend {
            backend.environments[0].previous_label = Some("before".into());
        }
        let needed = needed_labels(&records);
        assert!(needed.contains("v03") && needed.contains("v12") && needed.contains("before"));
        assert!(!needed.contains("v02"), "{needed:?}");
    }
}
