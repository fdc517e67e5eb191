//! The version labels that rollbacks need, as the records of every environment tell them.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use anyhow::{Context as _, bail};
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::aws::backend::api::Api;
use crate::aws::backend::reads::EventsOf;
use crate::aws::releases::History;
use crate::aws::releases::folder::{RecordFolder, read};
use crate::core::backend::environment::EnvironmentState;
use crate::core::release::accept::RunTarget;
use crate::core::release::gaps::{deployments_since, gap};
use crate::core::release::kept::KeptRecords;
use crate::core::release::labels::needed_labels;
use crate::core::release::order::order_within_seconds;
use crate::core::release::record::Record;

/// How many of the newest records of an environment are read: the last ten releases of its backend are among them.
const RECORDS: usize = 20;

/// How many folders are read at the same time.
const FOLDERS_IN_FLIGHT: usize = 4;

impl History {
    /// What the last ten releases of each of `environments`, and of the application without one, deployed or replaced.
    ///
    /// # Errors
    /// A record that cannot be read, and an environment to which something was deployed that no record here tells of: its
    /// records may be elsewhere (`package-bucket`, `history`), or another tool deploys it. Then nobody knows what is needed.
    pub(crate) async fn needed_labels(
        &self,
        api: &Api,
        environments: &[EnvironmentState],
    ) -> anyhow::Result<BTreeSet<String>> {
        let application = self
            .application
            .as_ref()
            .context("the folder of the release records is not known")?;
        let folder = |environment: Option<&EnvironmentState>| RecordFolder {
            bucket: application.bucket.clone(),
            folder: match environment {
                Some(environment) => format!("{}{}/", application.folder, environment.name),
                None => application.folder.clone(),
            },
            environment: environment.map(|environment| environment.name.clone()),
            is_site: false,
            distribution: None,
        };
        // Other environments are deployed beside other sites.
        let target = &RunTarget {
            site: None,
            ..self.target.clone()
        };
        stream::iter(std::iter::once(None).chain(environments.iter().map(Some)))
            .map(|environment| needed_in(folder(environment), api, environment, target))
            .buffer_unordered(FOLDERS_IN_FLIGHT)
            .try_fold(BTreeSet::new(), |mut needed, more| async move {
                needed.extend(more);
                Ok(needed)
            })
            .await
    }
}

async fn needed_in(
    folder: RecordFolder,
    api: &Api,
    environment: Option<&EnvironmentState>,
    target: &RunTarget,
) -> anyhow::Result<BTreeSet<String>> {
    let records = newest_records(&folder, target).await?;
    let needed = needed_labels(&records).into_iter().map(str::to_owned).collect();
    let Some(environment) = environment else {
        return Ok(needed);
    };
    let (name, place) = (
        &environment.name,
        format!("s3://{}/{}", folder.bucket.name, folder.folder),
    );
    if records.is_empty() {
        bail!(
            "environment `{name}` has no release records in `{place}`: they may be elsewhere, by another `package-bucket` or \
             `history`"
        );
    }
    let since = deployments_since(&records, name);
    let events = api.events(EventsOf::Environment(name), since, None).await?;
    if let Some(gap) = gap(&records, environment, &events) {
        bail!(
            "{gap}: further release records may be elsewhere than in `{place}`, by another `package-bucket` or `history`, or \
             another tool has deployed to it"
        );
    }
    Ok(needed)
}

/// The newest records in `folder`, newest first.
async fn newest_records(folder: &RecordFolder, target: &RunTarget) -> anyhow::Result<Vec<Record>> {
    let (mut records, kept) = (Vec::new(), KeptRecords::default());
    for (id, found) in folder.newest(RECORDS).await?.into_iter().rev().take(RECORDS) {
        let record = read(&id, &[(folder, found)], target, &kept).await;
        let record = record.with_context(|| format!("cannot read the record of release `{id}`"))?;
        // Paths need no place here.
        records.push(Record { cdn: None, ..record });
    }
    records.sort_by_cached_key(|record| Reverse((record.stored_at, record.id.clone())));
    order_within_seconds(&mut records);
    Ok(records)
}
