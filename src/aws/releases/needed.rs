//! The version labels that rollbacks need, as the records of every environment tell them.

use std::collections::BTreeSet;

use anyhow::{Context as _, bail};
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
    /// What the last ten releases of each of `environments`, and of the application without one, deployed or replaced; those
    /// of `own` are this run's.
    ///
    /// # Errors
    /// A record that cannot be read, and an environment of others without any here, whose records may be elsewhere
    /// (`package-bucket`, `history`): then nobody knows what is needed.
    pub(crate) async fn needed_labels(
        &self,
        environments: &[String],
        own: &[String],
    ) -> anyhow::Result<BTreeSet<String>> {
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
        let of_application = RecordFolder {
            bucket: application.bucket.clone(),
            folder: application.folder.clone(),
            environment: None,
            is_site: false,
            distribution: None,
        };
        stream::iter(
            std::iter::once(of_application)
                .chain(below)
                .map(|folder| needed_in(folder, own, &self.target)),
        )
        .buffer_unordered(FOLDERS_IN_FLIGHT)
        .try_fold(BTreeSet::new(), |mut needed, more| async move {
            needed.extend(more);
            Ok(needed)
        })
        .await
    }
}

async fn needed_in(folder: RecordFolder, own: &[String], target: &RunTarget) -> anyhow::Result<BTreeSet<String>> {
    let (mut records, kept) = (Vec::new(), KeptRecords::default());
    let newest = folder.newest(RECORDS).await?;
    if let Some(name) = folder.environment.as_ref().filter(|name| !own.contains(name))
        && newest.is_empty()
    {
        bail!(
            "environment `{name}` has no release records in `s3://{}/{}`: they may be elsewhere, by another \
             `package-bucket` or `history`",
            folder.bucket.name,
            folder.folder
        );
    }
    for (id, found) in newest.into_iter().rev().take(RECORDS) {
        let record = read(&id, &[(&folder, found)], target, &kept).await;
        let record = record.with_context(|| format!("cannot read the record of release `{id}`"))?;
        // Paths need no place here.
        records.push(Record { cdn: None, ..record });
    }
    Ok(needed_labels(&records).into_iter().map(str::to_owned).collect())
}
