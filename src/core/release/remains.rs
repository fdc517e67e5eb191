//! What is still there of earlier releases: which of them can be gone back to, and why the others cannot.

use std::collections::BTreeSet;

use crate::core::release::labels::label_at;
use crate::core::release::record::{Record, RecordStatus, Versioning};
use crate::core::release::restoration::Restoration;
use crate::core::release::restore::unversioned;

/// What was found of earlier releases; what was not looked for, or could not be read, speaks against none.
#[derive(Default)]
pub(crate) struct Remains {
    /// The versioning of the site's bucket now.
    pub(crate) versioning: Versioning,
    /// The versions of all keys that the listed releases changed.
    pub(crate) versions: Option<Restoration>,
    /// The environments of the inputs.
    pub(crate) environments: Vec<String>,
    /// Those of the version labels of [`needed_by`] that the application still has.
    pub(crate) labels: Option<BTreeSet<String>>,
}

/// The version labels that environments ran as of each of the newest `most` of `records`.
#[must_use]
pub(crate) fn needed_by(records: &[Record], most: usize, environments: &[String]) -> BTreeSet<String> {
    let listed = records.iter().take(most);
    listed
        .flat_map(|record| environments.iter().filter_map(|name| label_at(records, record, name)))
        .map(ToOwned::to_owned)
        .collect()
}

impl Remains {
    /// Why nobody can go back to the release at `position` of `records` (newest first, the listed ones with their lists of
    /// keys); `None` when nothing speaks against it.
    pub(crate) fn unreachable(&mut self, records: &[Record], position: usize) -> Option<String> {
        let (record, after) = (&records[position], &records[..position]);
        if record.status != RecordStatus::Succeeded {
            return Some("it did not succeed".to_owned());
        }
        self.lost_site(record, after)
            .or_else(|| self.lost_label(records, record))
    }

    fn lost_site(&mut self, record: &Record, after: &[Record]) -> Option<String> {
        if !after.iter().any(Record::may_have_changed_objects) {
            return None;
        }
        if matches!(self.versioning, Versioning::Off | Versioning::Suspended) {
            return Some("versioning of the bucket is not enabled".to_owned());
        }
        if let Some(lost) = unversioned(after) {
            return Some(format!("versioning was off during {}", lost.id));
        }
        let versions = self.versions.as_mut()?;
        versions.aim_at(record);
        versions.lost(after).map(|lost| lost.reason)
    }

    fn lost_label(&self, records: &[Record], record: &Record) -> Option<String> {
        let labels = self.labels.as_ref()?;
        let mut needed = self
            .environments
            .iter()
            .filter_map(|name| label_at(records, record, name));
        let lost = needed.find(|label| !labels.contains(*label))?;
        Some(format!("the application has no version `{lost}` any more"))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::core::release::fixtures::{release, with_label, with_site};
    use crate::core::release::object_version::Version;
    use crate::core::release::record::EnvironmentOutcome;

    fn records() -> Vec<Record> {
        let both = |id: &str, label: &str, version: &str| {
            let record = with_site(release(id, RecordStatus::Succeeded), &[("k", version)]);
            with_label(record, label, EnvironmentOutcome::Succeeded)
        };
        vec![
            both("r4", "v4", "c"),
            release("r3", RecordStatus::Failed),
            both("r2", "v2", "b"),
            both("r1", "v1", "a"),
        ]
    }

    fn version(id: &str, minutes: i64) -> Version {
        Version {
            id: id.to_owned(),
            latest: id == "c",
            etag: id.to_owned(),
            last_modified: 1_795_000_000 + minutes * 60,
            ..Version::default()
        }
    }

    #[test]
    fn each_release_says_why_it_cannot_be_reached() {
        let mut records = records();
        let environments = vec!["web-prod".to_owned()];
        let needed = needed_by(&records, 20, &environments);
        assert_eq!(
            needed.iter().map(String::as_str).collect::<Vec<_>>(),
            ["v1", "v2", "v4"]
        );
        assert_eq!(needed_by(&records, 1, &environments).len(), 1);
        if let Some(site) = records[2].site.as_mut() {
            site.changed[0].existed = Some(true);
        }
        let mut remains = Remains {
            versions: Some(Restoration::new(
                HashMap::from([("k".to_owned(), vec![version("c", 4), version("b", 2)])]),
                None,
            )),
            labels: Some(BTreeSet::from(["v1".to_owned(), "v4".to_owned()])),
            environments,
            ..Remains::default()
        };
        let reasons: Vec<Option<String>> = (0..4).map(|position| remains.unreachable(&records, position)).collect();
        let reasons: Vec<Option<&str>> = reasons.iter().map(Option::as_deref).collect();
        assert_eq!(
            reasons,
            [
                None,
                Some("it did not succeed"),
                Some("the application has no version `v2` any more"),
                Some("the versions that it needs of `k` are gone, probably removed by a lifecycle rule"),
            ]
        );
        remains.versioning = Versioning::Suspended;
        let reason = remains.unreachable(&records, 2);
        assert_eq!(reason.as_deref(), Some("versioning of the bucket is not enabled"));
        assert_eq!(remains.unreachable(&records, 0), None);
        if let Some(site) = records[0].site.as_mut() {
            site.versioning = Versioning::Off;
        }
        let reason = Remains::default().unreachable(&records, 3);
        assert_eq!(reason.as_deref(), Some("versioning was off during r4"));
    }
}
