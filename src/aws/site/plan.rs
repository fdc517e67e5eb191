//! The plan of a site: walks the source directory and lists the bucket at the same time, and compares the two.
//!
//! The decisions themselves are made in [`crate::core::site`]; what is sent here are reads.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};

use crate::aws::releases::History;
use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::list::{Listing, MAX_KEYS};
use crate::aws::site::checksum_compare::Opaque;
use crate::aws::site::compare::{RANGES_IN_FLIGHT, Scan, cores};
use crate::aws::site::headers;
use crate::aws::site::scan_progress::ScanProgress;
use crate::console::Console;
use crate::core::bundle::key::parts_of_bundle;
use crate::core::inputs::{SiteInputs, Verbosity};
use crate::core::site::assemble::{assemble, check_keys};
use crate::core::site::content_type::TextEncoding;
use crate::core::site::diff::{DiffRules, is_kept};
use crate::core::site::findings::ScanFindings;
use crate::core::site::header_rules::HeaderRules;
use crate::core::site::local_file::LocalFile;
use crate::core::site::local_scan::LocalScan;
use crate::core::site::object::ObjectOptions;
use crate::core::site::plan::{Reason, SitePlan};
use crate::core::site::repair::{HeaderCheck, path_digest};
use crate::core::site::retire::{Retiring, Whereabouts, path};
use crate::core::site::retirement::KnownAssets;
use crate::core::site::scan::scan;
use crate::core::site::scope::SyncScope;

/// A comparison of source directory and bucket that is under way; it ends when dropped.
pub(crate) struct SyncScan {
    task: JoinSet<anyhow::Result<(Arc<Scan>, ScanFindings)>>,
    progress: ScanProgress,
}

impl SyncScan {
    /// Begins to walk, to list and to compare; what lies in a `reserved` folder of the bucket takes no part. Sends
    /// only reads.
    #[must_use]
    pub(crate) fn start(bucket: &Bucket, site: &SiteInputs, reserved: Vec<String>) -> Self {
        let progress = ScanProgress::default();
        let prepared = ScanInput {
            progress: progress.clone(),
            bucket: bucket.clone(),
            listing: Listing {
                prefix: site.prefix.clone(),
                page_size: site.page_size.unwrap_or(MAX_KEYS).clamp(1, MAX_KEYS),
                request_payer: site.object.request_payer,
            },
            scope: SyncScope {
                filter: site.filter.clone(),
                prefix: site.prefix.clone(),
                reserved,
            },
            root: site.source.clone(),
            follow_symlinks: site.follow_symlinks,
            rules: DiffRules {
                compare: site.compare,
                force: site.force,
                no_overwrite: site.no_overwrite,
            },
            delete: site.delete,
            options: site.object.clone(),
            headers: site.headers.clone(),
        };
        let mut task = JoinSet::new();
        task.spawn(prepared.compare());
        Self { task, progress }
    }

    async fn end(mut self) -> anyhow::Result<(Arc<Scan>, ScanFindings)> {
        let ended = self.task.join_next().await.context("the comparison never started")?;
        ended.context("internal error: the comparison task was aborted")?
    }
}

/// Makes the plan out of a comparison. Sends only reads.
///
/// `check` says which unchanged objects may have other headers or another ACL than this run would send; `known` are the
/// old assets that records list.
///
/// # Errors
/// A file or directory that cannot be read, a listing that is refused, a plan that deletes more than `max-delete`.
pub(crate) async fn plan_site(
    bucket: &Bucket,
    site: &SiteInputs,
    comparing: SyncScan,
    history: &History,
    check: &HeaderCheck,
    known: &KnownAssets,
    console: &Console,
) -> anyhow::Result<SitePlan> {
    let (progress, place) = (
        comparing.progress.clone(),
        format!("s3://{}/{}", site.bucket, site.prefix),
    );
    let activity = console.changing_activity(move || progress.text(&place));
    let (comparison, mut findings) = comparing.end().await?;
    drop(activity);
    let written: Vec<(String, bool)> = findings
        .writes
        .iter()
        .map(|write| {
            (
                format!("{}{}", site.prefix, comparison.scan.files[write.file].path),
                write.reason,
            )
        })
        .filter(|(key, _)| parts_of_bundle(key).is_some())
        .map(|(key, reason)| (key, reason != Reason::New))
        .collect();
    let kept_bundles = history.keep_bundles(bucket, &written, &mut findings).await?;
    console.debug(&format!(
        "{} files, {} objects seen, {} unchanged",
        comparison.scan.files.len(),
        findings.managed,
        findings.unchanged.len()
    ));
    if site.verbosity < Verbosity::ErrorsOnly {
        for pattern in site.filter.unmatched() {
            console.line(&format!("`{pattern}` matches no file and no object: check the pattern"));
        }
    }
    if let Some((first, count)) = &findings.foreign_records {
        let more = match count {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        console.line(&format!(
            "left alone: `{first}`{more}, release records of another `history`"
        ));
    }
    let missing = std::mem::take(&mut findings.missing);
    if site.verbosity < Verbosity::ErrorsOnly {
        let files = comparison.scan.files.iter().map(|file| &*file.path);
        let gone = missing.iter().map(|object| path(&object.key, &site.prefix));
        for pattern in site.delete_after.unmatched(files.chain(gone)) {
            console.line(&format!(
                "`{pattern}` of `delete-after` matches no file and no object: check the pattern"
            ));
        }
    }
    let (retirement, warnings) = if site.delete_after.is_empty() && known.assets.is_empty() {
        findings.deletes = missing.into_iter().map(|object| object.key).collect();
        (None, Vec::new())
    } else {
        let foreign = known.foreign();
        let is_known = known.assets.is_empty() || known.explains(findings.newest_live);
        if !is_known {
            console.line(
                "objects were written that no release record here knows of (was `history` elsewhere meanwhile?), so \
                 `delete-after` counts from now",
            );
        }
        let retiring = Retiring {
            rules: &site.delete_after,
            prefix: &site.prefix,
            now: bucket.clock.now(),
            known: if is_known { &known.assets } else { &foreign },
            rewritten: &known.rewritten,
        };
        let gone = missing.len();
        let judged = retiring.judge(missing, |key| whereabouts(site, &comparison.scan, key));
        // Old assets that stay are not what is left of a site, nor part of what `max-delete` is a share of.
        let retired = gone.saturating_sub(judged.deletes.len()) as u64;
        findings.managed = findings.managed.saturating_sub(retired);
        findings.deletes = judged.deletes;
        (Some(judged.retirement), judged.warnings)
    };
    let _activity = console.activity("reading the headers of objects that did not change");
    let repairs = headers::repairs(bucket, site, check, &comparison.scan.files, &findings.unchanged).await;
    let place = (site.bucket.as_str(), site.prefix.as_str());
    let headers = |file: &LocalFile, text: Option<TextEncoding>| {
        let bytes = || text.unwrap_or(TextEncoding::Binary);
        site.object.headers_for(&site.headers, &file.path, bytes)
    };
    let mut plan = assemble(
        place,
        &comparison.scan,
        findings,
        repairs.writes,
        site.max_delete,
        headers,
    )?;
    plan.retirement = retirement;
    if !site.delete {
        plan.file_digests = comparison
            .scan
            .files
            .iter()
            .map(|file| path_digest(&file.path))
            .collect();
    }
    plan.warnings.extend(warnings);
    plan.unchecked = repairs.unchecked;
    plan.warnings.extend(repairs.warnings);
    plan.warnings.extend(kept_bundles);
    plan.warnings.extend(comparison.opaque.warning());
    Ok(plan)
}

/// Where an old asset is that the comparison has not found missing.
fn whereabouts(site: &SiteInputs, scan: &LocalScan, key: &str) -> Whereabouts {
    let path = key.strip_prefix(&site.prefix).unwrap_or(key);
    let in_source = scan.files.binary_search_by(|file| (*file.path).cmp(path)).is_ok() || is_kept(&scan.kept, path);
    if in_source || site.delete && site.filter.includes_key(key) {
        Whereabouts::NotMissing
    } else {
        Whereabouts::NotManaged
    }
}

/// What a comparison needs, without anything borrowed.
struct ScanInput {
    progress: ScanProgress,
    bucket: Bucket,
    listing: Listing,
    scope: SyncScope,
    root: PathBuf,
    follow_symlinks: bool,
    rules: DiffRules,
    delete: bool,
    options: ObjectOptions,
    headers: HeaderRules,
}

impl ScanInput {
    async fn compare(self) -> anyhow::Result<(Arc<Scan>, ScanFindings)> {
        // The first page needs nothing from the walk, and opens the first connection while it goes on.
        let first = {
            let (bucket, listing) = (self.bucket.clone(), self.listing.clone());
            tokio::spawn(async move { listing.page(&bucket, None).await })
        };
        let (root, follow, scope) = (self.root.clone(), self.follow_symlinks, self.scope);
        let walked = spawn_blocking(move || (scan(&root, follow, &scope), scope));
        let (scanned, scope) = walked.await.context("internal error: the scan task was aborted")?;
        let scan = scanned
            .and_then(|scan| check_keys(&scan.files, &self.listing.prefix).map(|()| scan))
            .inspect_err(|_| first.abort())?;
        self.progress.found(scan.files.len());
        let opaque = Opaque::new(&self.bucket, &self.options);
        let comparison = Arc::new(Scan {
            progress: self.progress,
            bucket: self.bucket,
            listing: self.listing,
            scope,
            rules: self.rules,
            delete: self.delete,
            options: self.options,
            headers: self.headers,
            scan,
            readers: Semaphore::new(cores()),
            ranges: Semaphore::new(RANGES_IN_FLIGHT),
            opaque,
        });
        let findings = comparison.run(first).await?;
        Ok((comparison, findings))
    }
}
