//! Release records in S3: where they are, reading the newest, writing this run's.
//!
//! A place is `.aws-web-deploy/site/<prefix>/` in the site's bucket and `.aws-web-deploy/<application>/<environment>/`
//! in the bundle bucket, or both below `history`. In it, `releases/` holds two small objects a release (`….started.json`
//! before the first change, `….json` after the last), named so that a listing gives the newest first, and `keys/` the
//! lists of keys. No failure in here fails a deploy: it is a warning that says what will not work.

pub(crate) mod folder;
pub(crate) mod needed;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};

use crate::aws::Aws;
use crate::aws::releases::folder::{CHANGED, FoundRecord, PLANNED, RecordFolder, read};
use crate::aws::s3::bucket::Bucket;
use crate::console::Console;
use crate::core::error::code;
use crate::core::inputs::Inputs;
use crate::core::release::FOLDER;
use crate::core::release::id::Stage;
use crate::core::release::record::{Record, RecordStatus};

/// How many records or lists are read at the same time.
const READS_IN_FLIGHT: usize = 32;

/// What does not work without reading records.
const UNREAD: &str = "this run knows of no earlier release: it cannot go back to one, nor make up for what an \
                      interrupted one left: cannot read the release records";

/// How long the last record of a cancelled run may take: the runner kills us ten seconds after its first signal.
const CANCELLED_RECORD_TIMEOUT: Duration = Duration::from_secs(3);

/// The records of the places that this run is about.
pub(crate) struct History {
    site: Option<RecordFolder>,
    environments: Vec<RecordFolder>,
    /// The folder of the application, with one folder below it for each of its environments.
    application: Option<RecordFolder>,
    console: Console,
    /// Records that are there and cannot be read.
    unreadable: Mutex<Vec<String>>,
}

/// The folders of `bucket` that hold release records: a site there never touches them.
#[must_use]
pub(crate) fn folders_in(bucket: &str, inputs: &Inputs) -> Vec<String> {
    let mut folders = vec![FOLDER.to_owned()];
    if let Some(place) = inputs.release.history.as_ref().filter(|place| place.bucket == bucket) {
        folders.extend(
            inputs
                .site
                .as_ref()
                .map(|site| format!("{}site/{}/", place.prefix, site.bucket)),
        );
        folders.extend(inputs.backend.as_ref().map(|_| format!("{}backend/", place.prefix)));
    }
    folders
}

impl History {
    /// Finds the places of the site and of each environment; `bucket` is the site's. A place that cannot be reached
    /// is a warning.
    pub(crate) async fn open(aws: &Aws, bucket: Option<&Bucket>, inputs: &Inputs, console: &Console) -> Self {
        let mut history = Self {
            site: None,
            environments: Vec::new(),
            application: None,
            console: console.clone(),
            unreadable: Mutex::default(),
        };
        if let Err(error) = history.find_places(aws, bucket, inputs).await {
            history.warn(&error.context(UNREAD));
        }
        history
    }

    /// The newest `n` records, newest first. One that cannot be read is a warning and left out.
    pub(crate) async fn recent(&self, n: usize) -> Vec<Record> {
        let places: Vec<&RecordFolder> = self.places().collect();
        let mut newest: BTreeMap<String, Vec<(&RecordFolder, FoundRecord)>> = BTreeMap::new();
        for (place, found) in places
            .iter()
            .zip(join_all(places.iter().map(|place| place.newest(n))).await)
        {
            match found {
                Ok(found) => {
                    for (id, found) in found {
                        newest.entry(id).or_default().push((place, found));
                    }
                }
                Err(error) => self.warn(&error.context(UNREAD)),
            }
        }
        let records: Vec<_> = stream::iter(newest.into_iter().rev().take(n))
            .map(|(id, found)| async move { (read(&found).await, id) })
            .buffered(READS_IN_FLIGHT)
            .collect()
            .await;
        let mut readable = Vec::with_capacity(records.len());
        for (record, id) in records {
            match record {
                Ok(record) => readable.push(record),
                Err(error) => {
                    self.console.warning(
                        "Release record",
                        &format!("cannot read release `{id}`, so no rollback can go to it or behind it: {error:#}"),
                    );
                    self.unreadable.lock().unwrap_or_else(PoisonError::into_inner).push(id);
                }
            }
        }
        readable
    }

    /// Reads the lists of keys of `records`: of a killed run what it was about to change, else what it changed.
    ///
    /// # Errors
    /// A list that cannot be read.
    pub(crate) async fn load_keys(&self, records: &mut [Record]) -> anyhow::Result<()> {
        let Some(place) = &self.site else { return Ok(()) };
        let loads = records.iter_mut().filter_map(|record| {
            let (id, status) = (record.id.clone(), record.status);
            let site = record.site.as_mut()?;
            Some(async move {
                if status == RecordStatus::Started {
                    if site.planned_keys > 0 && site.planned.is_empty() {
                        site.planned = place.keys(&id, PLANNED).await?;
                    }
                } else if site.written + site.deleted > 0 && site.changed.is_empty() {
                    site.changed = place.keys(&id, CHANGED).await?;
                }
                anyhow::Ok(())
            })
        });
        let loads: Vec<_> = stream::iter(loads).buffer_unordered(READS_IN_FLIGHT).collect().await;
        loads.into_iter().collect()
    }

    /// Whether a record newer than `id` is there and could not be read.
    #[must_use]
    pub(crate) fn unreadable_after(&self, id: &str) -> Option<String> {
        let unreadable = self.unreadable.lock().unwrap_or_else(PoisonError::into_inner);
        unreadable.iter().find(|unreadable| unreadable.as_str() > id).cloned()
    }

    /// Writes the record of a run that is about to change something.
    pub(crate) async fn start(&self, record: &Record) {
        self.write(record, Stage::Started).await;
    }

    /// Writes the record of a run that has ended.
    pub(crate) async fn finish(&self, record: &Record) {
        if record.status == RecordStatus::Cancelled {
            if tokio::time::timeout(CANCELLED_RECORD_TIMEOUT, self.write(record, Stage::Finished))
                .await
                .is_err()
            {
                self.warn(&anyhow::anyhow!("cannot write the release record in time"));
            }
        } else {
            self.write(record, Stage::Finished).await;
        }
    }

    async fn write(&self, record: &Record, stage: Stage) {
        let places = self
            .places()
            .map(|place| place.write(record, stage, self.is_site(place)));
        for error in join_all(places).await.into_iter().filter_map(Result::err) {
            // Elastic Beanstalk makes its bucket with the first version; the end of the record will find it.
            if stage == Stage::Started && code(&error) == Some("NoSuchBucket") {
                continue;
            }
            let lost = match stage {
                Stage::Started => "if this run is killed, the next one does not know what it left half done",
                Stage::Finished => "no rollback can go back to this release",
            };
            self.warn(&error.context(format!("{lost}: cannot write the release record")));
        }
    }

    async fn find_places(&mut self, aws: &Aws, bucket: Option<&Bucket>, inputs: &Inputs) -> anyhow::Result<()> {
        let elsewhere = match &inputs.release.history {
            Some(place) => Some((Bucket::open(aws, &place.bucket).await?, place.prefix.as_str())),
            None => None,
        };
        if let (Some(site), Some(bucket)) = (&inputs.site, bucket) {
            self.site = Some(match &elsewhere {
                Some((history, prefix)) => RecordFolder {
                    bucket: history.clone(),
                    folder: format!("{prefix}site/{}/{}", bucket.name, site.prefix),
                },
                None => RecordFolder {
                    bucket: bucket.clone(),
                    folder: format!("{FOLDER}site/{}", site.prefix),
                },
            });
        }
        let Some(backend) = &inputs.backend else { return Ok(()) };
        let region = aws.sdk.region().map(ToString::to_string).unwrap_or_default();
        let (bucket, folder) = match elsewhere {
            Some((history, prefix)) => (history, format!("{prefix}backend/{region}/{}/", backend.application)),
            None => (
                bundle_bucket(aws, &region, backend.package_bucket.as_deref()).await?,
                format!("{FOLDER}{}/", backend.application),
            ),
        };
        let place = |folder| RecordFolder {
            bucket: bucket.clone(),
            folder,
        };
        self.application = Some(place(folder.clone()));
        self.environments = match backend.environments.as_slice() {
            [] => vec![place(folder)],
            names => names.iter().map(|name| place(format!("{folder}{name}/"))).collect(),
        };
        Ok(())
    }

    fn places(&self) -> impl Iterator<Item = &RecordFolder> {
        self.site.iter().chain(&self.environments)
    }

    fn is_site(&self, place: &RecordFolder) -> bool {
        self.site.as_ref().is_some_and(|site| std::ptr::eq(site, place))
    }

    fn warn(&self, error: &anyhow::Error) {
        let failure = crate::core::error::RenderedError::from(error);
        let hint = failure
            .hint
            .map(|hint| format!("\nWhat to do: {hint}"))
            .unwrap_or_default();
        self.console
            .warning("Release record", &format!("{}{hint}", failure.message));
    }
}

/// The bucket of application versions: `package-bucket`, else the one that CreateStorageLocation makes.
///
/// <https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/AWSHowTo.S3.html>
async fn bundle_bucket(aws: &Aws, region: &str, named: Option<&str>) -> anyhow::Result<Bucket> {
    match named {
        Some(name) => Bucket::open(aws, name).await,
        None => {
            let account = &aws.caller().await?.account;
            Ok(Bucket::in_region(
                aws,
                &format!("elasticbeanstalk-{region}-{account}"),
                region,
            ))
        }
    }
}
