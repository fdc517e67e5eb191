//! What there is before anything changes: reads only.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::aws::auth::role::AskIdToken;
use crate::aws::cdn::Cdn;
use crate::aws::releases::{History, folders_in};
use crate::aws::s3::bucket::Bucket;
use crate::aws::site::plan::SyncScan;
use crate::aws::{self, Aws};
use crate::core::inputs::Command;
use crate::core::release::applied::{files_needed, lists_needed};
use crate::core::release::record::{Record, RecordStatus};
use crate::core::release::unread_end::believe_successors;
use crate::core::site::retirement::KnownAssets;
use crate::github::oidc;
use crate::run::debts::Debts;
use crate::run::deployment::Deployment;

/// How many records a deploy looks back for what earlier runs owe, and how many releases keep their versions.
const RECENT: usize = 20;
/// How many records a rollback reads: its target may be far back.
const ALL: usize = 1000;

/// What there is before anything changes.
pub(crate) struct CurrentState {
    pub(crate) aws: Aws,
    /// The site's.
    pub(crate) bucket: Option<Bucket>,
    /// The comparison of source directory and bucket, under way.
    pub(crate) scan: Option<SyncScan>,
    /// CloudFront, when the cdn part is on.
    pub(crate) cdn: Option<Cdn>,
    pub(crate) history: History,
    /// Newest first.
    pub(crate) records: Vec<Record>,
    /// There may be older ones.
    pub(crate) has_older_records: bool,
    /// Old assets.
    pub(crate) known_assets: KnownAssets,
    /// The digests of the paths of the files that this step had before.
    pub(crate) had: Option<BTreeSet<u64>>,
    /// What earlier runs did not invalidate.
    pub(crate) debts: Debts,
}

impl Deployment<'_> {
    pub(crate) async fn connect(&self) -> anyhow::Result<Aws> {
        let ask_id_token: AskIdToken =
            |http, endpoint, audience, pause| Box::pin(oidc::token(http, endpoint, audience, pause));
        let _activity = self.console.activity("getting credentials");
        aws::connect(&self.inputs.aws, self.context, self.env, ask_id_token, self.console).await
    }

    /// Credentials, the bucket, the records.
    pub(crate) async fn read_state(&self) -> anyhow::Result<CurrentState> {
        let aws = self.connect().await?;
        let activity = self.console.activity("opening the bucket");
        let bucket = match &self.inputs.site {
            Some(site) => Some(Bucket::open(&aws, &site.bucket, &site.prefix).await?),
            None => None,
        };
        drop(activity);
        let _activity = self.console.activity("reading release records");
        // The longest read by far needs nothing of what follows.
        let scan = match (&self.inputs.site, &bucket, self.inputs.command) {
            (Some(site), Some(bucket), Command::Deploy) => {
                let reserved = folders_in(&bucket.name, self.inputs);
                Some(SyncScan::start(bucket, site, reserved))
            }
            _ => None,
        };
        let history = History::open(
            &aws,
            bucket.as_ref(),
            self.inputs,
            &self.allowance,
            self.context.repository_url(),
            self.console,
        )
        .await;
        let depth = if self.inputs.command == Command::Rollback {
            ALL
        } else {
            RECENT
        };
        let (mut records, has_older_records) = history.recent_of(depth).await;
        let believed = believe_successors(&mut records);
        believed.iter().for_each(|line| self.console.line(line));
        self.warn_of_others(&records);
        if let (Some(site), Command::Deploy) = (&self.inputs.site, self.inputs.command) {
            for index in self.of_this_step(site, |step| lists_needed(&records, step)) {
                self.load_list(&history, &mut records[index]).await;
            }
        }
        let had = self.had_files(&history, &records).await;
        let debts = self.read_debts(bucket.as_ref(), &history, records.clone(), depth).await;
        let known_assets = self.known_assets(&history, &records).await;
        Ok(CurrentState {
            cdn: self
                .inputs
                .cdn
                .as_ref()
                .map(|inputs| Cdn::new(&aws, inputs, &self.allowance)),
            aws,
            bucket,
            scan,
            history,
            known_assets,
            records,
            has_older_records,
            debts,
            had,
        })
    }

    /// The files that this step had when it applied the same last, where that is known.
    async fn had_files(&self, history: &History, records: &[Record]) -> Option<BTreeSet<u64>> {
        let site = self
            .inputs
            .site
            .as_ref()
            .filter(|_| self.inputs.command == Command::Deploy)?;
        let position = self.of_this_step(site, |step| files_needed(records, step))?;
        history.files(&records[position]).await
    }

    /// The records that tell what was live when the run began: those that were read, or as many as a rollback reads where
    /// none of them is of a release of the site that succeeded.
    pub(crate) async fn earlier_releases<'s>(&self, state: &'s CurrentState) -> Cow<'s, [Record]> {
        let is_release = |record: &Record| record.status == RecordStatus::Succeeded && record.site.is_some();
        let is_known = self.inputs.site.is_none() || state.records.iter().any(is_release);
        if is_known || !state.has_older_records {
            return Cow::Borrowed(&state.records);
        }
        Cow::Owned(state.history.recent(ALL).await)
    }

    /// Reads the list of keys of `record`.
    async fn load_list(&self, history: &History, record: &mut Record) {
        if let Err(error) = history.load_keys(std::slice::from_mut(record)).await {
            self.allowance.note_error(&error);
            self.console.warning("Release record", &format!("{error:#}"));
        }
    }
}
