//! The releases that a rollback can choose from: a dry run lists the last ones, and says which cannot be reached any more.

use crate::aws::backend::plan::{existing_labels, running};
use crate::aws::s3::versions::versions;
use crate::aws::site::restore::look_for_archives;
use crate::core::release::liveness::live_releases;
use crate::core::release::parts::Parts;
use crate::core::release::record::Record;
use crate::core::release::remains::{Remains, needed_by};
use crate::core::release::restoration::{Restoration, keys_to_restore};
use crate::core::release::unread::Unread;
use crate::core::report::history::{self, UnreadRelease};
use crate::run::Deployment;
use crate::run::state::CurrentState;

/// How many releases are listed.
const LISTED: usize = 20;
/// How many versions of archives are asked whether they were brought back.
const MAX_ASKED: usize = 1000;

/// The records that are there among those of the `listed` releases and cannot be read.
fn unread(state: &CurrentState, listed: &[Record]) -> Vec<UnreadRelease> {
    let with_place = state.history.unread_after(None).into_iter().map(|unread| {
        let position = listed.iter().filter(|record| !unread.is_newer_than(record)).count();
        UnreadRelease {
            why: match unread.why {
                Unread::Refused => "refused",
                Unread::Unreached | Unread::Unusable => "unreadable",
            },
            id: unread.id,
            position,
        }
    });
    with_place
        .filter(|unread| unread.position < listed.len() || listed.len() < LISTED)
        .collect()
}

impl Deployment<'_> {
    /// Prints the last releases to choose from; answers them as Markdown for the summary. What cannot be read is left out.
    pub(crate) async fn list_releases(&self, state: &CurrentState) -> String {
        let _activity = self.console.activity("listing the releases to choose from");
        let mut records = state.records.clone();
        let listed = records.len().min(LISTED);
        let mut remains = self.remains(state, &mut records, listed).await;
        let unreachable: Vec<Option<String>> = (0..listed)
            .map(|position| {
                let unread = state.history.unread_after(Some(&records[position]));
                let unread = unread.first().map(|unread| {
                    let what = match unread.why {
                        Unread::Refused => "is not known",
                        Unread::Unreached | Unread::Unusable => "cannot be read",
                    };
                    format!("what release `{}` changed since {what}", unread.id)
                });
                remains.unreachable(&records, position).or(unread)
            })
            .collect();
        let unread = unread(state, &records[..listed]);
        let newest = state.history.unread_after(records.first());
        let newest: Vec<String> = newest.into_iter().map(|unread| unread.id).collect();
        let live = live_releases(
            &records,
            &newest,
            Parts {
                site: self.inputs.site.is_some(),
                environments: &self.running_labels(state).await,
            },
        );
        history::lines(&records, &live, &unreachable, &unread, self.now)
            .iter()
            .for_each(|line| self.console.line(line));
        if records.len() > listed {
            let known = if state.has_older_records { " at least" } else { "" };
            self.console.line(&format!(
                "older releases are not listed ({} are on record{known}): `to` takes their ids, labels, commits and times too",
                records.len()
            ));
        }
        history::history(
            &records,
            &live,
            &unreachable,
            &unread,
            self.context.repository_url().as_deref(),
            self.now,
        )
    }

    /// What the environments run; nothing where that cannot be read: the plan says so.
    async fn running_labels(&self, state: &CurrentState) -> Vec<(String, Option<String>)> {
        let Some(inputs) = &self.inputs.backend else {
            return Vec::new();
        };
        match running(&state.aws, inputs).await {
            Ok(running) => running
                .into_iter()
                .map(|environment| (environment.name, environment.label))
                .collect(),
            Err(error) => {
                self.console.debug(&format!("{error:#}"));
                Vec::new()
            }
        }
    }

    /// What is still there of the newest `listed` of `records`, whose lists of keys are read.
    async fn remains(&self, state: &CurrentState, records: &mut [Record], listed: usize) -> Remains {
        let mut remains = Remains::default();
        if let Some(bucket) = &state.bucket {
            remains.versioning = self.bucket_versioning(state).await;
            let found = async {
                state.history.load_keys(&mut records[..listed]).await?;
                versions(bucket, &keys_to_restore(&records[..listed])).await
            };
            match found.await {
                Ok(found) => {
                    let archived = found.iter().flat_map(|(key, versions)| {
                        let archived = versions.iter().filter(|version| version.is_archived());
                        archived.map(|version| (key.clone(), version.id.clone()))
                    });
                    let archived = archived.take(MAX_ASKED).collect();
                    let mut restoration = Restoration::new(found, None);
                    if let Some(inputs) = &self.inputs.site {
                        restoration.note_archives(&look_for_archives(bucket, archived, &inputs.object).await);
                    }
                    remains.versions = Some(restoration);
                }
                Err(error) => self.console.debug(&format!("{error:#}")),
            }
        }
        if let Some(inputs) = &self.inputs.backend {
            remains.environments.clone_from(&inputs.environments);
            let needed = needed_by(records, listed, &inputs.environments);
            match existing_labels(&state.aws, inputs, needed.into_iter().collect()).await {
                Ok(labels) => remains.labels = Some(labels),
                Err(error) => self.console.debug(&format!("{error:#}")),
            }
        }
        remains
    }
}
