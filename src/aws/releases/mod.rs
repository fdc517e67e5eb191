//! Release records in S3: where they are, reading the newest, writing this run's.
//!
//! A place is `.aws-web-deploy/site/<prefix>/` in the site's bucket and `.aws-web-deploy/<application>/<environment>/`
//! in the bundle bucket, or both below `history`. In it, `releases/` holds two small objects a release (`….started.json`
//! before the first change, `….json` after the last), named so that a listing gives the newest first, and `keys/` the
//! lists of keys. No failure in here fails a deploy: it is a warning that says what will not work.

mod bundles;
pub(crate) mod debts;
mod files;
pub(crate) mod folder;
pub(crate) mod needed;
pub(crate) mod neighbors;
mod places;
mod reading;
pub(crate) mod seen;
mod unread;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};

use crate::aws::Aws;
use crate::aws::releases::bundles::{BackendFolders, keep_bundles};
use crate::aws::releases::folder::{CHANGED, FoundRecord, PLANNED, RecordFolder, stored_at};
use crate::aws::releases::seen::SeenRecords;
use crate::aws::s3::bucket::Bucket;
use crate::console::Console;
use crate::core::error::code;
use crate::core::iam::allowance::Allowance;
use crate::core::inputs::Inputs;
use crate::core::release::accept::RunTarget;
use crate::core::release::id::Stage;
use crate::core::release::kept::KeptRecords;
use crate::core::release::order::order_within_seconds;
use crate::core::release::record::{Record, RecordStatus};
use crate::core::release::recorded::Recorded;
use crate::core::release::unread::UnreadRecord;
use crate::core::release::{FOLDER, history_folders};
use crate::core::site::findings::ScanFindings;
use crate::core::site::key_change::KeyChange;
use crate::core::site::plan::SiteWarning;

/// How many records or lists are read at the same time.
const READS_IN_FLIGHT: usize = 32;

/// What does not work without reading records.
const UNREAD: &str = "Release records cannot be read: this run cannot roll back or repair an interrupted release";

/// The records of the places that this run is about.
pub(crate) struct History {
    site: Option<RecordFolder>,
    environments: Vec<RecordFolder>,
    /// The folder of the application, with one folder below it for each of its environments.
    application: Option<RecordFolder>,
    /// Where records of backends may be whose bundles are in the site's bucket.
    backends: Vec<BackendFolders>,
    console: Console,
    /// Records that are there and are not used.
    unread: Mutex<Vec<UnreadRecord>>,
    /// What is to be said of those that are refused.
    refused: Mutex<Vec<String>>,
    /// A place could not be found or listed.
    unlisted: AtomicBool,
    /// The folders of distributions, below `history`: a step that has one alone keeps its records nowhere else.
    distributions: Vec<RecordFolder>,
    /// What this run is about: nothing else of a record is used.
    target: RunTarget,
    /// The folders of the site's bucket that hold records.
    reserved: Vec<String>,
    allowance: Allowance,
    /// `delete-after` is set.
    counts_old_assets: bool,
    /// The records of the site that this run has seen.
    pub(crate) seen: SeenRecords,
    /// The first problem with reading records, in words, with advice.
    problem: Mutex<Option<String>>,
    /// What is kept of all records.
    kept: KeptRecords,
    /// That was too much, and is said.
    has_too_much: AtomicBool,
    /// Advice that was given: the same is not given twice.
    advised: Mutex<HashSet<String>>,
}

/// The folders of `bucket` that hold release records, this run's and others': a site there never touches them.
#[must_use]
pub(crate) fn folders_in(bucket: &str, inputs: &Inputs) -> Vec<String> {
    let mut folders = vec![FOLDER.to_owned()];
    if let Some(place) = inputs.release.history.as_ref().filter(|place| place.bucket == bucket) {
        folders.extend(history_folders(&place.prefix));
    }
    folders
}

impl History {
    /// Finds the places of the site and of each environment; `bucket` is the site's. A place that cannot be reached
    /// is a warning.
    pub(crate) async fn open(
        aws: &Aws,
        bucket: Option<&Bucket>,
        inputs: &Inputs,
        allowance: &Allowance,
        repository_url: Option<String>,
        console: &Console,
    ) -> Self {
        let mut history = Self {
            site: None,
            environments: Vec::new(),
            application: None,
            backends: Vec::new(),
            console: console.clone(),
            unread: Mutex::default(),
            refused: Mutex::default(),
            unlisted: AtomicBool::default(),
            distributions: Vec::new(),
            target: target(aws, inputs, repository_url),
            reserved: bucket
                .map(|bucket| folders_in(&bucket.name, inputs))
                .unwrap_or_default(),
            allowance: allowance.clone(),
            counts_old_assets: inputs.site.as_ref().is_some_and(|site| !site.delete_after.is_empty()),
            seen: SeenRecords::default(),
            problem: Mutex::default(),
            kept: KeptRecords::default(),
            has_too_much: AtomicBool::default(),
            advised: Mutex::default(),
        };
        if let Err(error) = history.find_places(aws, bucket, inputs).await {
            history.unlisted.store(true, Ordering::Relaxed);
            history.note_problem(&error);
            history.warn(&error.context(UNREAD));
        }
        history
    }

    /// Whether records could not be listed: then there may be more than were found.
    pub(crate) fn is_unlisted(&self) -> bool {
        self.unlisted.load(Ordering::Relaxed)
    }

    /// The newest `n` records, newest first by S3's clock. One that cannot be read is a warning and left out.
    pub(crate) async fn recent(&self, n: usize) -> Vec<Record> {
        self.recent_of(n).await.0
    }

    /// The same, and whether there may be older ones.
    pub(crate) async fn recent_of(&self, n: usize) -> (Vec<Record>, bool) {
        self.window(self.releases().collect(), 0, n).await
    }

    /// The records in `places` from the place `from` until before `to`, newest first; and whether there may be more.
    async fn window(&self, places: Vec<&RecordFolder>, from: usize, to: usize) -> (Vec<Record>, bool) {
        let mut newest: BTreeMap<String, Vec<(&RecordFolder, FoundRecord)>> = BTreeMap::new();
        for (place, found) in places
            .iter()
            .zip(join_all(places.iter().map(|place| place.newest(to))).await)
        {
            match found {
                Ok(found) => {
                    for (id, found) in found {
                        if place.is_site {
                            self.seen.note(&id, &found);
                        }
                        newest.entry(id).or_default().push((place, found));
                    }
                }
                Err(error) => {
                    self.unlisted.store(true, Ordering::Relaxed);
                    self.note_problem(&error);
                    self.warn(&error.context(UNREAD));
                }
            }
        }
        let mut newest: Vec<_> = newest.into_iter().collect();
        // Names begin with the time by the runner's clock, and no two runners have the same.
        newest.sort_by_cached_key(|(id, found)| Reverse((stored_at(found), id.clone())));
        newest.truncate(to);
        let more = newest.len() == to;
        let records: Vec<Option<Record>> = stream::iter(newest.into_iter().skip(from))
            .map(|(id, found)| self.readable(id, found))
            .buffered(READS_IN_FLIGHT)
            .collect()
            .await;
        self.warn_of_refused();
        let mut records: Vec<Record> = records.into_iter().flatten().collect();
        order_within_seconds(&mut records);
        (records, more)
    }

    /// Reads the lists of keys of `records`: of a killed run what it was about to change, else what it changed.
    ///
    /// # Errors
    /// A list that cannot be read.
    pub(crate) async fn load_keys(&self, records: &mut [Record]) -> anyhow::Result<()> {
        let Some(place) = &self.site else { return Ok(()) };
        let keys =
            |id: String, which| async move { place.keys(&id, which, &self.target, &self.reserved, &self.kept).await };
        let loads = records.iter_mut().filter_map(|record| {
            let (id, status) = (record.id.clone(), record.status);
            let site = record.site.as_mut()?;
            Some(async move {
                if status == RecordStatus::Started {
                    if site.planned_keys > 0 && site.planned.is_empty() {
                        site.planned = keys(id, PLANNED).await?;
                    }
                } else if site.written + site.deleted + site.perhaps > 0 && site.changed.is_empty() {
                    site.changed = match keys(id.clone(), CHANGED).await {
                        // The end of the record is in another folder alone: what was planned was done, or perhaps was.
                        Err(error) if code(&error) == Some("NoSuchKey") => {
                            let planned = keys(id, PLANNED).await.map_err(|_| error)?;
                            let done = status == RecordStatus::Succeeded;
                            let change = |change: KeyChange| if done { change } else { change.perhaps() };
                            planned.into_iter().map(change).collect()
                        }
                        keys => keys?,
                    };
                }
                anyhow::Ok(())
            })
        });
        let loads: Vec<_> = stream::iter(loads).buffer_unordered(READS_IN_FLIGHT).collect().await;
        loads.into_iter().collect()
    }

    /// Takes the bundles of backends out of what a site is to delete; `written` are the keys that look like a bundle's and
    /// are to be written, with whether an object is there.
    ///
    /// # Errors
    /// One of those is a bundle's.
    pub(crate) async fn keep_bundles(
        &self,
        site: &Bucket,
        written: &[(String, bool)],
        findings: &mut ScanFindings,
    ) -> anyhow::Result<Vec<SiteWarning>> {
        keep_bundles(&self.backends, site, written, findings).await
    }

    /// Writes the record of a run that is about to change something.
    pub(crate) async fn start(&self, record: &Record) -> Recorded {
        self.write(record, Stage::Started).await
    }

    /// Writes the record of a run that has ended.
    pub(crate) async fn finish(&self, record: &Record) -> Recorded {
        self.write(record, Stage::Finished).await
    }

    /// The run was to stop, and the end of its record was not written by then.
    pub(crate) fn warn_of_no_time(&self) {
        self.warn(&anyhow::anyhow!("cannot write the release record in time"));
    }

    /// Writes the end of the record of another run, to those of its places that this run is about.
    pub(crate) async fn settle(&self, record: &Record) {
        let environments = record.backend.iter().flat_map(|backend| &backend.environments);
        let names: Vec<&str> = environments.map(|environment| environment.name.as_str()).collect();
        let is_its = |place: &&RecordFolder| match &place.environment {
            Some(environment) => names.contains(&environment.as_str()),
            None => place.is_site && record.site.is_some(),
        };
        self.write_to(self.places().filter(is_its), record, Stage::Finished)
            .await;
    }

    async fn write(&self, record: &Record, stage: Stage) -> Recorded {
        self.write_to(self.places(), record, stage).await
    }

    async fn write_to<'p>(
        &'p self,
        places: impl Iterator<Item = &'p RecordFolder>,
        record: &Record,
        stage: Stage,
    ) -> Recorded {
        self.seen.note_own(&record.id, stage);
        let places = places.map(|place| place.write(record, stage, self.is_site(place)));
        let written = join_all(places).await;
        let failed = written.iter().filter(|written| written.is_err()).count();
        let recorded = Recorded::of(written.len(), failed);
        for error in written.into_iter().filter_map(Result::err) {
            // Elastic Beanstalk makes its bucket with the first version; the end of the record will find it.
            if stage == Stage::Started && code(&error) == Some("NoSuchBucket") {
                continue;
            }
            let lost = match stage {
                Stage::Started => "if this run is interrupted, the next run cannot repair it",
                Stage::Finished => "no rollback can go back to this release",
            };
            let count = if self.counts_old_assets {
                ", and `delete-after` may delete what this release uses too early once it is gone"
            } else {
                ""
            };
            self.warn(&error.context(format!("{lost}{count}: cannot write the release record")));
        }
        recorded
    }

    /// Whether there is any place for records.
    pub(crate) fn has_places(&self) -> bool {
        self.places().next().is_some()
    }

    /// The places of releases of site and backend.
    fn releases(&self) -> impl Iterator<Item = &RecordFolder> {
        self.site.iter().chain(&self.environments)
    }

    /// Where a record is written.
    fn places(&self) -> impl Iterator<Item = &RecordFolder> {
        self.releases().chain(&self.distributions)
    }

    fn is_site(&self, place: &RecordFolder) -> bool {
        self.site.as_ref().is_some_and(|site| std::ptr::eq(site, place))
    }

    fn warn(&self, error: &anyhow::Error) {
        let failure = crate::core::error::RenderedError::from(error);
        let hint = failure.hint.map(|hint| self.allowance.note(&hint)).filter(|hint| {
            let mut advised = self.advised.lock().unwrap_or_else(PoisonError::into_inner);
            advised.insert(hint.clone())
        });
        let hint = hint.map(|hint| format!("\nWhat to do: {hint}")).unwrap_or_default();
        self.console
            .warning("Release record", &format!("{}{hint}", failure.message));
    }
}

fn target(aws: &Aws, inputs: &Inputs, repository_url: Option<String>) -> RunTarget {
    let (site, backend) = (inputs.site.as_ref(), inputs.backend.as_ref());
    RunTarget {
        site: site.map(|site| (site.bucket.clone(), site.prefix.clone())),
        backend: backend.map(|backend| (backend.application.clone(), region(aws))),
        environments: backend.map(|backend| backend.environments.clone()).unwrap_or_default(),
        repository_url,
    }
}

fn region(aws: &Aws) -> String {
    aws.sdk.region().map(ToString::to_string).unwrap_or_default()
}
