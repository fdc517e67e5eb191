//! The plan of a site: walks the source directory and lists the bucket at the same time, and compares the two.
//!
//! The decisions themselves are made in [`crate::core::site`]; what is sent here are reads.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, spawn_blocking};

use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::list::{Listing, MAX_KEYS};
use crate::aws::site::checksum_compare::Opaque;
use crate::aws::site::compare::{RANGES_IN_FLIGHT, Scan, ScanFindings, cores};
use crate::aws::site::headers;
use crate::console::Console;
use crate::core::bundle::key::is_bundle_of;
use crate::core::error::HintExt as _;
use crate::core::inputs::SiteInputs;
use crate::core::site::diff::{DiffRules, is_reserved};
use crate::core::site::filter::Filter;
use crate::core::site::headers::HeaderRules;
use crate::core::site::object::ObjectOptions;
use crate::core::site::plan::{DeleteGuard, MaxDelete, Reason, SitePlan, Write, WriteSource};
use crate::core::site::repair::ObjectSettings;
use crate::core::site::scan::{LocalScan, ScanScope, ScannedFile, scan};

/// A comparison of source directory and bucket that is under way; it ends when dropped.
pub(crate) struct SyncScan(JoinSet<anyhow::Result<(Arc<Scan>, ScanFindings)>>);

impl SyncScan {
    /// Begins to walk, to list and to compare; what lies in a `reserved` folder of the bucket takes no part, and bundles of
    /// the application `bundles_of` are never deleted. Sends only reads.
    #[must_use]
    pub(crate) fn start(bucket: &Bucket, site: &SiteInputs, reserved: Vec<String>, bundles_of: Option<String>) -> Self {
        let prepared = ScanInput {
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
                bundles_of,
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
        Self(task)
    }

    async fn end(mut self) -> anyhow::Result<(Arc<Scan>, ScanFindings)> {
        let ended = self.0.join_next().await.context("the comparison never began")?;
        ended.context("the comparison broke off")?
    }
}

/// Makes the plan out of a comparison. Sends only reads.
///
/// `previous` is what the newest release was sent with, to notice that headers or ACL have changed since.
///
/// # Errors
/// A file or directory that cannot be read, a listing that is refused, a plan that deletes more than `max-delete`.
pub(crate) async fn plan_site(
    bucket: &Bucket,
    site: &SiteInputs,
    comparing: SyncScan,
    previous: Option<&ObjectSettings>,
    console: &Console,
) -> anyhow::Result<SitePlan> {
    let (comparison, findings) = comparing.end().await?;
    console.debug(&format!(
        "{} files, {} objects seen, {} unchanged",
        comparison.scan.files.len(),
        findings.objects,
        findings.unchanged.len()
    ));
    let (repairs, warning) =
        headers::repairs(bucket, site, previous, &comparison.scan.files, &findings.unchanged).await?;
    let listed = findings.objects;
    let new = findings
        .writes
        .iter()
        .filter(|write| write.reason == Reason::New)
        .count() as u64;
    let mut plan = plan(site, &comparison.scan, findings, repairs);
    plan.warnings.extend(warning);
    guard(site.max_delete, listed, new, &plan)?;
    Ok(plan)
}

/// What a comparison needs, without anything borrowed.
struct ScanInput {
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
        let (scanned, scope) = walked.await.context("the walk of the source directory broke off")?;
        let scan = scanned
            .and_then(|scan| check_keys(&scan.files, &self.listing.prefix).map(|()| scan))
            .inspect_err(|_| first.abort())?;
        let opaque = Opaque::new(&self.bucket, &self.options);
        let comparison = Arc::new(Scan {
            bucket: self.bucket,
            listing: self.listing,
            root: self.root,
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

/// Puts the plan together: assets, then pages, each in the order of their keys.
fn plan(site: &SiteInputs, scan: &LocalScan, findings: ScanFindings, repairs: Vec<Write>) -> SitePlan {
    let unchanged = findings.unchanged.len() - repairs.len();
    let mut writes: Vec<Write> = findings
        .writes
        .into_iter()
        .map(|found| {
            let file = &scan.files[found.file];
            Write {
                key: format!("{}{}", site.prefix, file.path),
                size: file.size,
                reason: found.reason,
                headers: site
                    .object
                    .headers_for(&site.headers, &file.path, || found.utf8 == Some(true)),
                source: WriteSource::File(file.local(&site.source)),
            }
        })
        .chain(repairs)
        .collect();
    writes.sort_by_cached_key(|write| (write.is_html(), write.key.clone()));
    let mut deletes = findings.deletes;
    deletes.sort_unstable();
    SitePlan {
        bucket: site.bucket.clone(),
        prefix: site.prefix.clone(),
        writes,
        deletes,
        unchanged: unchanged as u64,
        warnings: scan.warnings.clone(),
    }
}

/// S3 takes keys up to this many bytes of UTF-8.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html>
const MAX_KEY: usize = 1024;

fn check_keys(files: &[ScannedFile], prefix: &str) -> anyhow::Result<()> {
    if prefix.split('/').any(|part| part == ".." || part == ".") {
        return Err(anyhow::anyhow!("`prefix` `{prefix}` has a part `.` or `..`"))
            .hint("write the prefix out: S3 keys know no directories to go up to");
    }
    match files.iter().find(|file| prefix.len() + file.path.len() > MAX_KEY) {
        Some(file) => bail!(
            "the key `{prefix}{}` is {} bytes long, and S3 takes {MAX_KEY}",
            file.path,
            prefix.len() + file.path.len()
        ),
        None => Ok(()),
    }
}

/// Stops a plan that deletes too much.
fn guard(limit: MaxDelete, objects: u64, new: u64, plan: &SitePlan) -> anyhow::Result<()> {
    let deletes = plan.deletes.len() as u64;
    let place = format!("s3://{}/{}", plan.bucket, plan.prefix);
    match limit.judge(objects, new, deletes) {
        DeleteGuard::Allowed => Ok(()),
        DeleteGuard::LeavesNothing => Err(anyhow::anyhow!(
            "the plan deletes all {deletes} objects under `{place}` and leaves nothing"
        ))
        .hint("check `source` (is the build's output there?) and `prefix`; to empty a site, do it by hand"),
        DeleteGuard::TooMany(allowed) => Err(anyhow::anyhow!(
            "the plan deletes {deletes} of {objects} objects under `{place}`, and `max-delete: {limit}` allows {allowed}"
        ))
        .hint(format!(
            "check `source` and `prefix`; when this is right, set `max-delete: {deletes}` for this run"
        )),
    }
}

/// What takes part: the filters, and never our own records.
#[derive(Debug)]
pub(crate) struct SyncScope {
    pub(crate) filter: Filter,
    pub(crate) prefix: String,
    /// Folders of the bucket that hold release records.
    pub(crate) reserved: Vec<String>,
    /// The application whose bundles are in this bucket too.
    pub(crate) bundles_of: Option<String>,
}

impl SyncScope {
    /// Whether the object without a file is ours, but none of the site.
    pub(crate) fn is_bundle(&self, key: &str) -> bool {
        self.bundles_of
            .as_deref()
            .is_some_and(|application| is_bundle_of(application, key))
    }
}

impl ScanScope for SyncScope {
    fn takes(&self, path: &str) -> bool {
        let key = format!("{}{path}", self.prefix);
        !is_reserved(&key, &self.reserved) && self.filter.includes_local(path)
    }

    fn enters(&self, path: &str) -> bool {
        self.filter.may_include_below(path)
    }
}
