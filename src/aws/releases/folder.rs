//! One folder of records: its listing, its objects.

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::bucket::Bucket;
use crate::core::error::code;
use crate::core::iam::calls::{GET_OBJECT, LIST_OBJECTS, PUT_OBJECT};
use crate::core::paging::Pages;
use crate::core::release::accept::{FolderOwner, MAX_HEAD_BYTES, MAX_LIST_BYTES, RunTarget, check_values};
use crate::core::release::id::{LISTS, Stage, object_name, parse_object_name};
use crate::core::release::kept::{KeptRecords, TooMuchKept};
use crate::core::release::keys;
use crate::core::release::record::Record;
use crate::core::site::key_change::KeyChange;
use crate::core::site::retirement::RetiredKey;

/// How many pages of a folder's listing are read: strange objects in it must not keep a run busy.
const MAX_PAGES: usize = 100;

/// A folder of a bucket.
pub(crate) struct RecordFolder {
    pub(crate) bucket: Bucket,
    /// Ends in `/`.
    pub(crate) folder: String,
    /// The environment that it is of; none for the site's, and the application's own.
    pub(crate) environment: Option<String>,
    /// Whether it is the site's.
    pub(crate) is_site: bool,
    /// The distribution that it is of.
    pub(crate) distribution: Option<String>,
}

/// The lists of keys that a run is about to change and did change, that of the old assets that it leaves, and that of the
/// digests of the files that it had.
pub(crate) const PLANNED: &str = LISTS[0];
pub(crate) const CHANGED: &str = LISTS[1];
const RETIRED: &str = LISTS[2];
const FILES: &str = LISTS[3];

/// A record that was read and is none that this version can use: no later run will fare better.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UnusableRecord(String);

/// The objects of one release.
#[derive(Default)]
pub(crate) struct FoundRecord {
    started: Option<FoundObject>,
    finished: Option<FoundObject>,
}

impl FoundRecord {
    /// Whether its run has ended.
    pub(crate) const fn is_finished(&self) -> bool {
        self.finished.is_some()
    }

    /// When S3 stored the last of its objects.
    pub(crate) fn stored_until(&self) -> Option<DateTime<Utc>> {
        let objects = self.started.iter().chain(&self.finished);
        objects.map(|object| object.stored_at).max()
    }
}

/// An object of a release.
struct FoundObject {
    key: String,
    stored_at: DateTime<Utc>,
    /// In bytes.
    size: usize,
}

/// What was read of the bucket; while it is held, others wait for their turn.
pub(crate) struct ReceivedObject {
    pub(crate) bytes: Vec<u8>,
    _turn: SemaphorePermit<'static>,
}

/// How many bytes of objects are held at the same time, as they are received.
static IN_MEMORY: Semaphore = Semaphore::const_new(MAX_LIST_BYTES);

impl RecordFolder {
    fn owner(&self) -> FolderOwner<'_> {
        if let Some(id) = &self.distribution {
            FolderOwner::Distribution(id)
        } else if self.is_site {
            FolderOwner::Site
        } else {
            FolderOwner::Backend(self.environment.as_deref())
        }
    }

    /// The newest releases, by the names of their objects.
    pub(crate) async fn newest(&self, n: usize) -> anyhow::Result<BTreeMap<String, FoundRecord>> {
        let folder = format!("{}releases/", self.folder);
        let mut newest: BTreeMap<String, FoundRecord> = BTreeMap::new();
        let (mut after, mut token) = (None, None);
        let mut pages = Pages::default();
        for _ in 0..MAX_PAGES {
            let answer = self
                .bucket
                .client
                .list_objects_v2()
                .bucket(&self.bucket.name)
                .prefix(&folder)
                .delimiter("/")
                .set_start_after(after.take().filter(|_| token.is_none()))
                .set_continuation_token(token.take())
                .max_keys(i32::try_from(n.saturating_mul(2)).unwrap_or(1000).clamp(2, 1000))
                .send()
                .await
                .aws_context(&LIST_OBJECTS, &self.bucket.arn(), || {
                    format!(
                        "cannot list the release records in `s3://{}/{folder}`",
                        self.bucket.name
                    )
                });
            let answer = match answer {
                // A bundle bucket that Elastic Beanstalk has not made yet.
                Err(error) if code(&error) == Some("NoSuchBucket") => return Ok(newest),
                Err(error) => return Err(self.bucket.explain_refusal(error).await),
                Ok(answer) => answer,
            };
            after = None;
            for object in answer.contents() {
                let Some(key) = object.key() else { continue };
                after = Some(key.to_owned());
                let Some((id, stage)) = key.strip_prefix(&folder).and_then(parse_object_name) else {
                    continue;
                };
                let time = object.last_modified();
                let time = time.and_then(|time| DateTime::from_timestamp(time.secs(), time.subsec_nanos()));
                let object = FoundObject {
                    key: key.to_owned(),
                    stored_at: time.unwrap_or_default(),
                    size: object
                        .size()
                        .and_then(|size| usize::try_from(size).ok())
                        .unwrap_or_default(),
                };
                let found = newest.entry(id.to_owned()).or_default();
                match stage {
                    Stage::Started => found.started = Some(object),
                    Stage::Finished => found.finished = Some(object),
                }
            }
            // One more than asked for is complete: the last may have its other object on the next page.
            if newest.len() > n || answer.is_truncated() != Some(true) {
                return Ok(newest);
            }
            // A truncated page may hold no key (<https://github.com/TileDB-Inc/TileDB/issues/1218>): its token goes on.
            token = answer.next_continuation_token;
            anyhow::ensure!(
                token.is_some() || after.is_some(),
                "cannot list the release records in `s3://{}/{folder}`: a page says that more follow, and not where",
                self.bucket.name
            );
            let next = token.clone().or_else(|| after.clone());
            pages.next(next, &format!("`s3://{}/{folder}`", self.bucket.name))?;
        }
        anyhow::bail!(
            "`s3://{}/{folder}` has too many objects that are no release records",
            self.bucket.name
        )
    }

    /// Writes a record and, when `with_keys`, its list of keys.
    pub(crate) async fn write(&self, record: &Record, stage: Stage, with_keys: bool) -> anyhow::Result<()> {
        if let Some(site) = record.site.as_ref().filter(|_| with_keys) {
            // The list first: a head without its list could not be used.
            match stage {
                Stage::Started if !site.planned.is_empty() => {
                    self.put(&self.keys_object(&record.id, PLANNED), keys::pack(&site.planned)?, GZIP)
                        .await?;
                }
                Stage::Finished if !site.changed.is_empty() => {
                    self.put(&self.keys_object(&record.id, CHANGED), keys::pack(&site.changed)?, GZIP)
                        .await?;
                }
                _ => {}
            }
            if stage == Stage::Finished && site.files.is_some() {
                let list = self.keys_object(&record.id, FILES);
                self.put(&list, keys::pack(&site.file_digests)?, GZIP).await?;
            }
            if !site.old_assets.is_empty() {
                self.put(
                    &self.keys_object(&record.id, RETIRED),
                    keys::pack(&site.old_assets)?,
                    GZIP,
                )
                .await?;
            }
        }
        let name = object_name(&record.id, record.started_at, stage);
        self.put(&format!("{}releases/{name}", self.folder), record.to_json()?, JSON)
            .await
    }

    async fn put(&self, key: &str, bytes: Vec<u8>, content_type: &str) -> anyhow::Result<()> {
        self.bucket
            .client
            .put_object()
            .bucket(&self.bucket.name)
            .key(key)
            .content_type(content_type)
            .body(bytes.into())
            .send()
            .await
            .aws_context(&PUT_OBJECT, &self.bucket.object_arn(key), || {
                format!("cannot write `s3://{}/{key}`", self.bucket.name)
            })?;
        Ok(())
    }

    /// The bytes of `key`, at most `most`, which is at most [`MAX_LIST_BYTES`].
    pub(crate) async fn get(&self, key: &str, most: usize) -> anyhow::Result<ReceivedObject> {
        let doing = || format!("cannot read `s3://{}/{key}`", self.bucket.name);
        let answer = self
            .bucket
            .client
            .get_object()
            .bucket(&self.bucket.name)
            .key(key)
            .send()
            .await
            .aws_context(&GET_OBJECT, &self.bucket.object_arn(key), doing)?;
        let length = answer.content_length().and_then(|length| usize::try_from(length).ok());
        let most = length.unwrap_or(most).min(most);
        let turn = IN_MEMORY.acquire_many(u32::try_from(most).unwrap_or(u32::MAX)).await;
        let (mut body, mut bytes) = (answer.body, Vec::new());
        while let Some(part) = body.try_next().await.with_context(doing)? {
            if bytes.len() + part.len() > most {
                return Err(UnusableRecord(format!("{}: it has more than {most} bytes", doing())).into());
            }
            bytes.extend_from_slice(&part);
        }
        Ok(ReceivedObject {
            bytes,
            _turn: turn.with_context(doing)?,
        })
    }

    /// Reads a list of keys.
    pub(crate) async fn keys(
        &self,
        id: &str,
        which: &str,
        target: &RunTarget,
        reserved: &[String],
        kept: &KeptRecords,
    ) -> anyhow::Result<Vec<KeyChange>> {
        let check = |keys: &[KeyChange]| target.check_keys(keys.iter().map(|change| change.key.as_str()), reserved);
        self.list(id, which, kept, check).await
    }

    /// Reads a list of old assets.
    pub(crate) async fn old_assets(
        &self,
        id: &str,
        target: &RunTarget,
        reserved: &[String],
        kept: &KeptRecords,
    ) -> anyhow::Result<Vec<RetiredKey>> {
        let check = |assets: &[RetiredKey]| target.check_keys(assets.iter().map(|asset| asset.key.as_str()), reserved);
        self.list(id, RETIRED, kept, check).await
    }

    /// Reads a list of the digests of files.
    pub(crate) async fn files(&self, id: &str, kept: &KeptRecords) -> anyhow::Result<Vec<u64>> {
        self.list(id, FILES, kept, |_| Ok(())).await
    }

    async fn list<T: DeserializeOwned>(
        &self,
        id: &str,
        which: &str,
        kept: &KeptRecords,
        check: impl Fn(&[T]) -> anyhow::Result<()>,
    ) -> anyhow::Result<Vec<T>> {
        let key = self.keys_object(id, which);
        let read = |received: ReceivedObject| {
            let lines = keys::unpack(&received.bytes, kept)?;
            check(&lines)?;
            anyhow::Ok(lines)
        };
        let lines = match read(self.get(&key, MAX_LIST_BYTES).await?) {
            Ok(lines) => return Ok(lines),
            Err(error) if error.is::<TooMuchKept>() => Err(error),
            // An answer that was spoiled on its way is whole the next time.
            Err(_) => read(self.get(&key, MAX_LIST_BYTES).await?),
        };
        lines.with_context(|| UnusableRecord(format!("cannot use `s3://{}/{key}`", self.bucket.name)))
    }

    fn keys_object(&self, id: &str, which: &str) -> String {
        format!("{}keys/{id}.{which}.jsonl.gz", self.folder)
    }
}

const JSON: &str = "application/json";
const GZIP: &str = "application/gzip";

/// A release as it was found in the folders of this run.
pub(crate) type FoundIn<'a> = [(&'a RecordFolder, FoundRecord)];

/// When S3 stored a release's first object: the one clock that all runners share.
pub(crate) fn stored_at(found: &FoundIn<'_>) -> Option<DateTime<Utc>> {
    let objects = found.iter().flat_map(|(_, found)| [&found.started, &found.finished]);
    objects.flatten().map(|object| object.stored_at).min()
}

/// Reads release `id` from the first folder that has its end, else from one that has its start.
pub(crate) async fn read(
    id: &str,
    found: &FoundIn<'_>,
    target: &RunTarget,
    kept: &KeptRecords,
) -> anyhow::Result<Record> {
    let finished = found
        .iter()
        .find_map(|(folder, found)| Some((folder, found.finished.as_ref()?)));
    let Some((folder, object)) = finished else {
        return read_start(id, found, target, kept).await;
    };
    let record = read_object(id, folder, object, stored_at(found), target, kept).await?;
    let ended_at = found.iter().filter_map(|(_, found)| found.stored_until()).max();
    Ok(Record { ended_at, ..record })
}

/// Reads the start of release `id` from the first folder that has it.
pub(crate) async fn read_start(
    id: &str,
    found: &FoundIn<'_>,
    target: &RunTarget,
    kept: &KeptRecords,
) -> anyhow::Result<Record> {
    let (folder, object) = found
        .iter()
        .find_map(|(folder, found)| Some((folder, found.started.as_ref()?)))
        .context("it has no object")?;
    read_object(id, folder, object, stored_at(found), target, kept).await
}

async fn read_object(
    id: &str,
    folder: &RecordFolder,
    object: &FoundObject,
    stored_at: Option<DateTime<Utc>>,
    target: &RunTarget,
    kept: &KeptRecords,
) -> anyhow::Result<Record> {
    anyhow::ensure!(
        object.size <= MAX_HEAD_BYTES,
        "`s3://{}/{}` has more than {MAX_HEAD_BYTES} bytes",
        folder.bucket.name,
        object.key
    );
    kept.take_head(object.size)?;
    let parse =
        |received: ReceivedObject| anyhow::Ok((check_values(&received.bytes)?, Record::from_json(&received.bytes)?));
    let parsed = match folder.get(&object.key, MAX_HEAD_BYTES).await {
        Err(error) if code(&error).is_some() => return Err(error),
        received => received.and_then(parse),
    };
    let parsed = match parsed {
        // An answer that was spoiled on its way is whole the next time.
        Err(_) => parse(folder.get(&object.key, MAX_HEAD_BYTES).await?),
        parsed => parsed,
    };
    let record = parsed.and_then(|(values, record)| Ok((values, target.accept(record, id, folder.owner())?)));
    let unusable = || UnusableRecord(format!("cannot use `s3://{}/{}`", folder.bucket.name, object.key));
    let (values, mut record) = record.with_context(unusable)?;
    kept.take_values(values)?;
    record.stored_at = stored_at;
    Ok(record)
}
