//! Releases of other steps of the same workflow run: other prefixes of the same bucket, told by the names of their records.

use std::collections::BTreeSet;

use crate::aws::error::AwsContextExt as _;
use crate::aws::releases::History;
use crate::core::iam::calls::LIST_OBJECTS;
use crate::core::release::id::parse_object_name;
use crate::core::release::workflow_run::{Neighbor, run_of};

/// How many folders are looked into: it is only said what is there.
const MAX_FOLDERS: usize = 40;

impl History {
    /// The newest releases of `runs` under other prefixes of the bucket than `prefix`, which is this step's; none where the
    /// records cannot be listed.
    pub(crate) async fn neighbors(&self, prefix: &str, runs: &BTreeSet<String>) -> Vec<Neighbor> {
        if runs.is_empty() {
            return Vec::new();
        }
        match self.find_neighbors(prefix, runs).await {
            Ok(neighbors) => neighbors,
            Err(error) => {
                self.console.debug(&format!("{error:#}"));
                Vec::new()
            }
        }
    }

    async fn find_neighbors(&self, prefix: &str, runs: &BTreeSet<String>) -> anyhow::Result<Vec<Neighbor>> {
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
            let names = page
                .contents()
                .iter()
                .filter_map(|object| object.key()?.strip_prefix(&folder));
            let newest = names
                .filter_map(parse_object_name)
                .find(|(id, _)| run_of(id).is_some_and(|run| runs.contains(run)));
            if let Some((id, _)) = newest.filter(|_| place != prefix) {
                found.push((place.to_owned(), id.to_owned()));
            }
        }
        found.sort();
        Ok(found)
    }
}
