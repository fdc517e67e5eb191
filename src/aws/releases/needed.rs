//! The version labels that rollbacks need, as the records of every environment tell them.

use std::collections::BTreeSet;

use anyhow::Context as _;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::aws::releases::History;
use crate::aws::releases::folder::{RecordFolder, read};
use crate::core::release::accept::RunTarget;
use crate::core::release::kept::KeptRecords;
use crate::core::release::labels::needed_labels;
use crate::core::release::record::Record;

/// How many of the newest records of an environment are read: the last ten releases of its backend are among them.
const RECORDS: usize = 20;

/// How many folders are read at the same time.
const FOLDERS_IN_FLIGHT: usize = 4;

impl History {
    /// What the last ten releases of each of `environments`, and of the application without one, deployed or replaced.
    ///
    /// # Errors
    /// A record that cannot be read: then nobody knows what is needed.
    pub(crate) async fn needed_labels(&self, environments: &[String]) -> anyhow::Result<BTreeSet<String>> {
        let application = self
            .application
            .as_ref()
            .context("the folder of the release records is not known")?;
        let below = environments.iter().map(|environment| RecordFolder {
            bucket: application.bucket.clone(),
            folder: format!("{}{environment}/", application.folder),
            environment: Some(environment.clone()),
            is_site: false,
            distribution: None,
        });
        let own = RecordFolder {
            bucket: application.bucket.clone(),
            folder: application.folder.clone(),
            environment: None,
            is_site: false,
            distribution: None,
        };
        stream::iter(
            std::iter::once(own)
                .chain(below)
                .map(|folder| needed_in(folder, &self.target)),
        )
        .buffer_unordered(FOLDERS_IN_FLIGHT)
        .try_fold(BTreeSet::new(), |mut needed, more| async move {
            needed.extend(more);
            Ok(needed)
        })
        .await
    }
}

async fn needed_in(folder: RecordFolder, target: &RunTarget) -> anyhow::Result<BTreeSet<String>> {
    let (mut records, kept) = (Vec::new(), KeptRecords::default());
    for (id, found) in folder.newest(RECORDS).await?.into_iter().rev().take(RECORDS) {
        let record = read(&id, &[(&folder, found)], target, &kept).await;
        let record = record.with_context(|| format!("cannot read the record of release `{id}`"))?;
        // Paths need no place here.
        records.push(Record { cdn: None, ..record });
    }
    Ok(needed_labels(&records).into_iter().map(str::to_owned).collect())
}
