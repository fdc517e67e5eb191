//! What this run has seen of the site's records, and whether another run has come since.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use crate::aws::releases::folder::{FoundRecord, RecordFolder};
use crate::core::release::id::Stage;

/// How many releases are listed to see whether there is a new one.
const NEWEST: usize = 20;

/// The records of a site that a run has seen.
#[derive(Default)]
pub(crate) struct SeenRecords(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    /// Id, and whether it had an end.
    records: HashMap<String, bool>,
    /// When S3 stored the last of their objects.
    until: Option<DateTime<Utc>>,
}

impl SeenRecords {
    /// Notes what a listing has found.
    pub(super) fn note(&self, id: &str, found: &FoundRecord) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.records.insert(id.to_owned(), found.is_finished());
        seen.until = seen.until.max(found.stored_until());
    }

    /// Notes a record that this run writes.
    pub(super) fn note_own(&self, id: &str, stage: Stage) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.records.insert(id.to_owned(), stage == Stage::Finished);
    }

    /// When S3 stored the last of what was found, in seconds since 1970.
    pub(crate) fn until(&self) -> Option<i64> {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.until.map(|time| time.timestamp())
    }

    /// The id of a release in `site` that another run has begun or ended since this one has read the records.
    ///
    /// # Errors
    /// The listing is refused.
    pub(super) async fn came_between(&self, site: &RecordFolder) -> anyhow::Result<Option<String>> {
        let found = site.newest(NEWEST).await?;
        let mut new = found.into_iter().filter(|(id, found)| self.is_new(id, found));
        Ok(new.next().map(|(id, _)| id))
    }

    fn is_new(&self, id: &str, found: &FoundRecord) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.records.get(id).is_none_or(|ended| found.is_finished() && !ended)
    }
}
