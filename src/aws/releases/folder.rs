//! One folder of records: its listing, its objects.

use std::collections::BTreeMap;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use crate::aws::error::AwsContextExt as _;
use crate::aws::s3::bucket::Bucket;
use crate::core::error::code;
use crate::core::iam::calls::{GET_OBJECT, LIST_OBJECTS, PUT_OBJECT};
use crate::core::release::id::{Stage, object_name, parse_object_name};
use crate::core::release::keys;
use crate::core::release::record::Record;

/// A folder of a bucket.
pub(crate) struct RecordFolder {
    pub(crate) bucket: Bucket,
    /// Ends in `/`.
    pub(crate) folder: String,
}

/// The list of keys that a run is about to change.
pub(crate) const PLANNED: &str = "planned";
/// The list of keys that a run did change.
pub(crate) const CHANGED: &str = "changed";

/// The objects of one release.
#[derive(Default)]
pub(crate) struct FoundRecord {
    started: Option<(String, DateTime<Utc>)>,
    finished: Option<String>,
}

impl RecordFolder {
    /// The newest releases, by the names of their objects.
    pub(crate) async fn newest(&self, n: usize) -> anyhow::Result<BTreeMap<String, FoundRecord>> {
        let folder = format!("{}releases/", self.folder);
        let mut newest: BTreeMap<String, FoundRecord> = BTreeMap::new();
        let mut after = None;
        loop {
            let answer = self
                .bucket
                .client
                .list_objects_v2()
                .bucket(&self.bucket.name)
                .prefix(&folder)
                .delimiter("/")
                .set_start_after(after.take())
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
                other => other?,
            };
            for object in answer.contents() {
                let Some(key) = object.key() else { continue };
                after = Some(key.to_owned());
                let Some((id, stage)) = key.strip_prefix(&folder).and_then(parse_object_name) else {
                    continue;
                };
                let found = newest.entry(id.to_owned()).or_default();
                match stage {
                    Stage::Started => {
                        let time = object
                            .last_modified()
                            .and_then(|time| DateTime::from_timestamp(time.secs(), 0));
                        found.started = Some((key.to_owned(), time.unwrap_or_default()));
                    }
                    Stage::Finished => found.finished = Some(key.to_owned()),
                }
            }
            // One more than asked for is complete: the last may have its other object on the next page.
            if newest.len() > n || answer.is_truncated() != Some(true) || after.is_none() {
                return Ok(newest);
            }
        }
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

    async fn get(&self, key: &str) -> anyhow::Result<Vec<u8>> {
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
        Ok(answer.body.collect().await.with_context(doing)?.to_vec())
    }

    /// Reads a list of keys.
    pub(crate) async fn keys<T: serde::de::DeserializeOwned>(&self, id: &str, which: &str) -> anyhow::Result<Vec<T>> {
        let key = self.keys_object(id, which);
        let bytes = self.get(&key).await?;
        keys::unpack(&bytes).with_context(|| format!("cannot use `s3://{}/{key}`", self.bucket.name))
    }

    fn keys_object(&self, id: &str, which: &str) -> String {
        format!("{}keys/{id}.{which}.jsonl.gz", self.folder)
    }
}

const JSON: &str = "application/json";
const GZIP: &str = "application/gzip";

/// Reads a release from the first place that has its end, else from one that has its start.
pub(crate) async fn read(found: &[(&RecordFolder, FoundRecord)]) -> anyhow::Result<Record> {
    let finished = found
        .iter()
        .find_map(|(place, found)| Some((place, found.finished.as_ref()?)));
    let started = || {
        found
            .iter()
            .find_map(|(place, found)| Some((place, &found.started.as_ref()?.0)))
    };
    let (place, key) = finished.or_else(started).context("it has no object")?;
    let bytes = place.get(key).await?;
    let mut record =
        Record::from_json(&bytes).with_context(|| format!("cannot use `s3://{}/{key}`", place.bucket.name))?;
    record.stored_at = found.iter().find_map(|(_, found)| Some(found.started.as_ref()?.1));
    Ok(record)
}
