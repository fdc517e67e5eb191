//! Which archives in a site's bucket are bundles of a backend: a site never deletes those that records know.
//!
//! A step that deploys the site alone knows nothing of the backend whose bundles lie in its bucket; records tell.

use std::collections::BTreeSet;

use futures_util::stream::{self, StreamExt as _};

use crate::aws::error::AwsContextExt as _;
use crate::aws::releases::folder::RecordFolder;
use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::list::{Listing, MAX_KEYS};
use crate::core::bundle::key::{DIGEST, parts_of_bundle};
use crate::core::iam::calls::{HEAD_OBJECT, LIST_OBJECTS};
use crate::core::release::accept::MAX_HEAD_BYTES;
use crate::core::release::application_of;
use crate::core::release::bundles::{KnownBundles, looks_like_bundle, overwrites};
use crate::core::release::id::parse_object_name;
use crate::core::release::record::Record;
use crate::core::site::findings::ScanFindings;
use crate::core::site::plan::SiteWarning;

/// How many records are read at the same time.
const READS_IN_FLIGHT: usize = 32;

/// A folder of folders of applications.
pub(crate) struct BackendFolders {
    /// Ends in `/`.
    pub(crate) root: RecordFolder,
    /// Folders of regions are between it and those of the applications, as `history` has them.
    pub(crate) by_region: bool,
}

/// Takes bundles out of what is to be deleted; they are none of the site's objects. Bundles are those that records know,
/// and what was stored as a bundle by a run whose records are elsewhere. Where records cannot be read, all that may be
/// bundles stay. Warnings name what stays though no record knows it.
///
/// # Errors
/// A file is to be written to the key of a bundle.
pub(crate) async fn keep_bundles(
    backends: &[BackendFolders],
    site: &Bucket,
    written: &[(String, bool)],
    findings: &mut ScanFindings,
) -> anyhow::Result<Vec<SiteWarning>> {
    let missing: Vec<String> = findings
        .missing
        .iter()
        .map(|object| object.key.clone())
        .filter(|key| parts_of_bundle(key).is_some())
        .collect();
    let looks: Vec<&String> = missing.iter().chain(written.iter().map(|(key, _)| key)).collect();
    if looks.is_empty() {
        return Ok(Vec::new());
    }
    let (mut kept, mut warnings) = (BTreeSet::new(), Vec::new());
    for root in backends {
        let error = match root.bundles(&looks, &mut kept).await {
            Ok(()) => continue,
            Err(error) => error,
        };
        let Some(first) = missing.first() else { continue };
        warnings.push(SiteWarning {
            path: first.clone(),
            message: format!(
                "cannot tell whether archives here are bundles of Elastic Beanstalk, so none is deleted: {error:#}"
            ),
        });
        kept.extend(missing.iter().cloned());
    }
    let unknown = |key: &&String| !kept.contains(*key);
    let there = written.iter().filter(|(_, is_there)| *is_there).map(|(key, _)| key);
    let asked: Vec<&String> = missing.iter().chain(there).filter(unknown).collect();
    let asked = stream::iter(asked).map(|key| async move { (key, is_bundle(site, key).await) });
    let asked: Vec<_> = asked.buffer_unordered(READS_IN_FLIGHT).collect().await;
    let is_missing = |key: &String| missing.contains(key);
    for (key, found) in asked {
        let message = match found {
            Ok(false) => continue,
            // Whether it may be written will show when it is.
            Err(_) if !is_missing(key) => continue,
            Ok(true) => {
                "is a bundle of Elastic Beanstalk whose release records are elsewhere (`history`), so it is not \
                         deleted"
                    .to_owned()
            }
            Err(error) => {
                format!("cannot tell whether this is a bundle of Elastic Beanstalk, so it is not deleted: {error:#}")
            }
        };
        if is_missing(key) {
            warnings.push(SiteWarning {
                path: key.clone(),
                message,
            });
        }
        kept.insert(key.clone());
    }
    if let Some((key, _)) = written.iter().find(|(key, _)| kept.contains(key)) {
        return Err(overwrites(key));
    }
    warnings.sort_by(|one, other| one.path.cmp(&other.path));
    findings.managed = findings.managed.saturating_sub(kept.len() as u64);
    findings.missing.retain(|object| !kept.contains(&object.key));
    Ok(warnings)
}

/// Whether the object at `key` was stored as a bundle.
async fn is_bundle(site: &Bucket, key: &str) -> anyhow::Result<bool> {
    let head = site.client.head_object().bucket(&site.name).key(key).send().await;
    let head = head.aws_context(&HEAD_OBJECT, &site.object_arn(key), || {
        format!("cannot read the headers of `{key}`")
    })?;
    let digest = head.metadata().and_then(|metadata| metadata.get(DIGEST));
    Ok(digest.is_some_and(|digest| digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())))
}

impl BackendFolders {
    /// Adds the bundles among `looks` that records in here know to `kept`.
    async fn bundles(&self, looks: &[&String], kept: &mut BTreeSet<String>) -> anyhow::Result<()> {
        for folder in self.applications().await? {
            let name = folder.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
            let application = if self.by_region {
                Some(name)
            } else {
                application_of(name)
            };
            let Some(application) = application else { continue };
            let candidates: Vec<&String> = looks
                .iter()
                .copied()
                .filter(|key| looks_like_bundle(application, key))
                .collect();
            if !candidates.is_empty() {
                let known = self.known(&folder, &candidates).await?;
                kept.extend(candidates.into_iter().filter(|key| known.contains(key)).cloned());
            }
        }
        Ok(())
    }

    async fn applications(&self) -> anyhow::Result<Vec<String>> {
        let top = self.folders(&self.root.folder).await?;
        if !self.by_region {
            return Ok(top);
        }
        let mut folders = Vec::new();
        for region in top {
            folders.extend(self.folders(&region).await?);
        }
        Ok(folders)
    }

    /// The folders right in `folder`, each with its slash.
    async fn folders(&self, folder: &str) -> anyhow::Result<Vec<String>> {
        let bucket = &self.root.bucket;
        let mut pages = bucket
            .client
            .list_objects_v2()
            .bucket(&bucket.name)
            .prefix(folder)
            .delimiter("/")
            .into_paginator()
            .send();
        let mut folders = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.aws_context(&LIST_OBJECTS, &bucket.arn(), || {
                format!("cannot list the release records in `s3://{}/{folder}`", bucket.name)
            })?;
            let names = page.common_prefixes().iter().filter_map(|common| common.prefix());
            folders.extend(names.map(str::to_owned));
        }
        Ok(folders)
    }

    /// What the records below `folder` know, read until all `candidates` are known.
    async fn known(&self, folder: &str, candidates: &[&String]) -> anyhow::Result<KnownBundles> {
        let listing = Listing {
            prefix: folder.to_owned(),
            page_size: MAX_KEYS,
            request_payer: false,
        };
        let (mut known, mut seen, mut after) = (KnownBundles::default(), BTreeSet::new(), None);
        loop {
            let page = listing.page(&self.root.bucket, after.as_deref()).await?;
            // Both objects of a release name its labels, and every environment of a run has the same.
            let records: Vec<String> = page
                .objects
                .iter()
                .filter_map(|object| {
                    let (above, name) = object.key.rsplit_once('/')?;
                    let (id, _) = parse_object_name(name)?;
                    (above.ends_with("/releases") && seen.insert(id.to_owned())).then(|| object.key.clone())
                })
                .collect();
            for some in records.chunks(READS_IN_FLIGHT) {
                let reads = some.iter().map(|key| self.root.get(key, MAX_HEAD_BYTES));
                // Each is let go before the next one is taken: some may wait for the memory of others.
                let mut read = stream::iter(reads).buffer_unordered(READS_IN_FLIGHT);
                while let Some(received) = read.next().await {
                    known.note(&Record::from_json(&received?.bytes)?);
                }
                if candidates.iter().all(|key| known.contains(key)) {
                    return Ok(known);
                }
            }
            after = page.objects.last().map(|object| object.key.clone());
            if !page.more || after.is_none() {
                return Ok(known);
            }
        }
    }
}
