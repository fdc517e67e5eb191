//! Releases of other steps of the same workflow run: other prefixes of the same bucket, told by the names of their records.

use std::collections::BTreeSet;

use crate::aws::error::AwsContextExt as _;
use crate::aws::releases::History;
use crate::aws::releases::folder::RecordFolder;
use crate::core::iam::calls::LIST_OBJECTS;
use crate::core::release::accept::MAX_HEAD_BYTES;
use crate::core::release::id::parse_object_name;
use crate::core::release::record::{Record, RecordStatus};
use crate::core::release::workflow_run::{Neighbor, run_of};

/// How many folders are looked into: it is only said what is there.
const MAX_FOLDERS: usize = 40;

/// How many records of a folder are read.
const MAX_READS: usize = 20;

impl History {
    /// The newest releases of `runs` under other prefixes of the bucket than `prefix`, which is this step's (`in_effect`: those
    /// that no rollback has taken back); none where the records cannot be listed.
    pub(crate) async fn neighbors(&self, prefix: &str, runs: &BTreeSet<String>, in_effect: bool) -> Vec<Neighbor> {
        if runs.is_empty() {
            return Vec::new();
        }
        match self.find_neighbors(prefix, runs, in_effect).await {
            Ok(neighbors) => neighbors,
            Err(error) => {
                self.console.debug(&format!("{error:#}"));
                Vec::new()
            }
        }
    }

    async fn find_neighbors(
        &self,
        prefix: &str,
        runs: &BTreeSet<String>,
        in_effect: bool,
    ) -> anyhow::Result<Vec<Neighbor>> {
        let Some(site) = &self.site else { return Ok(Vec::new()) };
        let root = site.folder.strip_suffix(prefix).unwrap_or(&site.folder);
        let mut folders = vec![root.to_owned()];
        let mut found: Vec<Neighbor> = Vec::new();
        let mut looked = 0;
        while let Some(folder) = folders.pop() {
            looked += 1;
            if looked > MAX_FOLDERS {
                break;
            }
            // One page is enough: the newest come first.
            let page = site
                .bucket
                .client
                .list_objects_v2()
                .bucket(&site.bucket.name)
                .prefix(&folder)
                .delimiter("/")
                .send()
                .await
                .aws_context(&LIST_OBJECTS, &site.bucket.arn(), || {
                    format!(
                        "cannot list the release records in `s3://{}/{folder}`",
                        site.bucket.name
                    )
                })?;
            let below = page.common_prefixes().iter().filter_map(|common| common.prefix());
            folders.extend(below.filter(|folder| !folder.ends_with("/keys/")).map(str::to_owned));
            let Some(place) = folder
                .strip_prefix(root)
                .and_then(|place| place.strip_suffix("releases/"))
            else {
                continue;
            };
            let mut releases: Vec<(&str, &str)> = Vec::new();
            for key in page.contents().iter().filter_map(|object| object.key()) {
                // Of a release's two objects, the end comes first.
                if let Some((id, _)) = key.strip_prefix(&folder).and_then(parse_object_name)
                    && releases.last().is_none_or(|(newer, _)| *newer != id)
                {
                    releases.push((id, key));
                }
            }
            let is_of_runs = |id: &str| run_of(id).is_some_and(|run| runs.contains(run));
            let newest = match in_effect && releases.iter().any(|(id, _)| is_of_runs(id)) {
                true => newest_in_effect(site, &releases, is_of_runs).await,
                false => releases.iter().map(|(id, _)| *id).find(|id| is_of_runs(id)),
            };
            if let Some(id) = newest.filter(|_| place != prefix) {
                found.push((place.to_owned(), id.to_owned()));
            }
        }
        found.sort();
        Ok(found)
    }
}

/// The newest of `releases` (ids and keys, newest first) that is wanted, and that no rollback since has taken back. One
/// that cannot be read has taken back nothing.
async fn newest_in_effect<'r>(
    site: &RecordFolder,
    releases: &[(&'r str, &'r str)],
    is_wanted: impl Fn(&str) -> bool,
) -> Option<&'r str> {
    let mut next = 0;
    for _ in 0..MAX_READS {
        let (id, key) = *releases.get(next)?;
        let bytes = site.get(key, MAX_HEAD_BYTES).await.ok();
        let record = bytes.and_then(|received| Record::from_json(&received.bytes).ok());
        let done = record.filter(|record| record.status == RecordStatus::Succeeded);
        let target = done.and_then(|record| record.rolls_back_to);
        let further = target.and_then(|target| releases[next + 1..].iter().position(|(older, _)| *older == target));
        if further.is_none() && is_wanted(id) {
            return Some(id);
        }
        next += 1 + further.unwrap_or(0);
    }
    releases[next..].iter().map(|(id, _)| *id).find(|id| is_wanted(id))
}
