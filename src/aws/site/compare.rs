//! The comparison of the source directory with the bucket, on all cores and over many connections.
//!
//! The key space is cut into ranges ([`crate::core::site::ranges`]) that are listed side by side while files are hashed.
//! Objects leave memory with their page; what stays is what the plan needs.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};

use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::list::{Listing, Page};
use crate::aws::site::checksum_compare::Opaque;
use crate::aws::site::digest_file::digest_file;
use crate::aws::site::scan_progress::ScanProgress;
use crate::core::site::content_type::depends_on_bytes;
use crate::core::site::diff::{DiffRules, DiffVerdict, Merge, Pair, is_ignored, is_kept};
use crate::core::site::etag::Etag;
use crate::core::site::findings::{FileToWrite, ScanFindings, Unchanged};
use crate::core::site::header_rules::HeaderRules;
use crate::core::site::inspect::{DigestRequest, FileDigest};
use crate::core::site::local_scan::LocalScan;
use crate::core::site::object::ObjectOptions;
use crate::core::site::plan::{Reason, RemoteObject};
use crate::core::site::ranges::{KeyPlace, KeyRange, RangeCursor, key_ranges};
use crate::core::site::scope::SyncScope;

/// How many ranges are listed and read at the same time: this bounds the memory that pages take.
pub(crate) const RANGES_IN_FLIGHT: usize = 12;
/// How many files one job reads: few enough to spread over the cores.
const FILES_A_JOB: usize = 64;
/// How many bytes one job reads, about.
const BYTES_A_JOB: u64 = 8 * 1024 * 1024;

/// Everything that the ranges share.
pub(crate) struct Scan {
    pub(crate) progress: ScanProgress,
    pub(crate) bucket: Bucket,
    pub(crate) listing: Listing,
    pub(crate) scope: SyncScope,
    pub(crate) rules: DiffRules,
    pub(crate) delete: bool,
    pub(crate) options: ObjectOptions,
    pub(crate) headers: HeaderRules,
    pub(crate) scan: LocalScan,
    pub(crate) readers: Semaphore,
    pub(crate) ranges: Semaphore,
    pub(crate) opaque: Opaque,
}

/// A file to read.
struct ScanJob {
    file: usize,
    /// The ETag to compare with, else the reason to upload it for.
    task: Result<RemoteObject, Reason>,
    question: DigestRequest,
}

/// How many threads can compute at the same time.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

impl Scan {
    /// Compares everything; `first` is the first page of the listing, on its way.
    pub(crate) async fn run(self: &Arc<Self>, first: JoinHandle<anyhow::Result<Page>>) -> anyhow::Result<ScanFindings> {
        let mut tasks = JoinSet::new();
        let mut first = first;
        let files = self.scan.files.len();
        let step = usize::try_from(self.listing.page_size).unwrap_or(1000);
        let whole = KeyRange::whole(files);
        if first.is_finished() || files <= step {
            let page = (&mut first)
                .await
                .context("internal error: the listing task was aborted")??;
            if !page.more || files <= step {
                let this = Arc::clone(self);
                tasks.spawn(async move { this.range(whole, Some(page)).await });
                return self.join(tasks).await;
            }
            self.spawn_ranges(&mut tasks, step, tokio::spawn(async move { Ok(page) }));
        } else {
            self.spawn_ranges(&mut tasks, step, first);
        }
        self.join(tasks).await
    }

    fn spawn_ranges(
        self: &Arc<Self>,
        tasks: &mut JoinSet<anyhow::Result<ScanFindings>>,
        step: usize,
        first: JoinHandle<anyhow::Result<Page>>,
    ) {
        let mut first = Some(first);
        for range in key_ranges(&self.scan.files, &self.listing.prefix, step) {
            let this = Arc::clone(self);
            let first = first.take();
            tasks.spawn(async move {
                let page = match first {
                    Some(first) => Some(first.await.context("internal error: the listing task was aborted")??),
                    None => None,
                };
                this.range(range, page).await
            });
        }
    }

    async fn join(&self, mut tasks: JoinSet<anyhow::Result<ScanFindings>>) -> anyhow::Result<ScanFindings> {
        let mut findings = ScanFindings::default();
        while let Some(found) = tasks.join_next().await {
            findings.merge(found.context("internal error: the comparison task was aborted")??);
        }
        findings.finish()
    }

    /// Lists one range and compares it with its files.
    async fn range(self: Arc<Self>, range: KeyRange, first: Option<Page>) -> anyhow::Result<ScanFindings> {
        let _permit = self.ranges.acquire().await;
        let mut found = ScanFindings::default();
        let mut jobs = JoinSet::new();
        let start = range.files.start;
        let mut merge = Merge::new(&self.scan.files[range.files.clone()], &self.listing.prefix);
        let mut cursor = RangeCursor::new(&range, self.delete);
        let mut page = match first {
            Some(page) => page,
            None => self.listing.page(&self.bucket, cursor.after()).await?,
        };
        loop {
            let mut batch = Vec::new();
            self.progress.listed(page.objects.len());
            for object in page.objects {
                match cursor.take(&object.key) {
                    KeyPlace::Inside => {}
                    KeyPlace::Beyond => break,
                    KeyPlace::OutOfOrder => bail!(
                        "cannot compare with `s3://{}/{}`: the server lists `{}` out of order",
                        self.bucket.name,
                        self.listing.prefix,
                        object.key
                    ),
                }
                if is_ignored(&object, &self.scope.reserved) {
                    found.note_foreign(&object.key, &self.scope.reserved);
                    continue;
                }
                // As with aws-cli, an excluded key is invisible: neither compared nor deleted.
                if self.scope.filter.includes_key(&object.key) {
                    found.managed += 1;
                    merge.object(object, |pair| self.step(pair, start, &mut found, &mut batch));
                }
            }
            self.read(batch, &mut jobs);
            let next_file = merge
                .next_file()
                .map(|file| format!("{}{}", self.listing.prefix, file.path));
            if !cursor.goes_on(page.more, next_file.as_deref()) {
                break;
            }
            page = self.listing.page(&self.bucket, cursor.after()).await?;
        }
        let mut batch = Vec::new();
        merge.finish(|pair| self.step(pair, start, &mut found, &mut batch));
        self.read(batch, &mut jobs);
        while let Some(read) = jobs.join_next().await {
            found.merge(read.context("internal error: the reading task was aborted")??);
        }
        Ok(found)
    }

    /// Takes one step of the merge; what only the bytes can tell becomes a job.
    fn step(&self, pair: Pair, start: usize, found: &mut ScanFindings, jobs: &mut Vec<ScanJob>) {
        let (file, task) = match pair {
            Pair::LocalOnly(file) => (file + start, Err(Reason::New)),
            Pair::RemoteOnly(object) => {
                let path = object.key.strip_prefix(&self.listing.prefix).unwrap_or(&object.key);
                if self.delete && !is_kept(&self.scan.kept, path) {
                    found.missing.push(object);
                }
                return;
            }
            Pair::Both(file, object) => {
                let file = file + start;
                found.newest_live = found.newest_live.max(Some(object.last_modified));
                match self.rules.verdict(&self.scan.files[file], &object) {
                    DiffVerdict::Same => {
                        let modified = object.last_modified;
                        let text = None;
                        return found.unchanged.push(Unchanged { file, modified, text });
                    }
                    DiffVerdict::Write(reason) => (file, Err(reason)),
                    DiffVerdict::Hash(_) => (file, Ok(object)),
                }
            }
        };
        let path = &self.scan.files[file].path;
        let question = DigestRequest {
            etag: task.as_ref().ok().map(|object| Etag::parse(&object.etag)),
            part_size: None,
            text: self
                .options
                .guessed_type(&self.headers, path)
                .is_some_and(depends_on_bytes),
        };
        jobs.push(ScanJob { file, task, question });
    }

    /// Starts reading the files of `batch`, in pieces that spread over the cores.
    fn read(self: &Arc<Self>, batch: Vec<ScanJob>, jobs: &mut JoinSet<anyhow::Result<ScanFindings>>) {
        let mut piece = Vec::new();
        let mut bytes = 0;
        for job in batch {
            bytes += self.scan.files[job.file].size;
            piece.push(job);
            if piece.len() == FILES_A_JOB || bytes >= BYTES_A_JOB {
                jobs.spawn(Arc::clone(self).read_piece(std::mem::take(&mut piece)));
                bytes = 0;
            }
        }
        if !piece.is_empty() {
            jobs.spawn(Arc::clone(self).read_piece(piece));
        }
    }

    async fn read_piece(self: Arc<Self>, piece: Vec<ScanJob>) -> anyhow::Result<ScanFindings> {
        let answers = {
            let _permit = self.readers.acquire().await;
            let this = Arc::clone(&self);
            let read = move || {
                let answer = |job: ScanJob| {
                    let file = this.scan.files[job.file].location();
                    let answer = digest_file(&file, &job.question);
                    this.progress.read_one();
                    (job, answer)
                };
                piece.into_iter().map(answer).collect::<Vec<_>>()
            };
            spawn_blocking(read)
                .await
                .context("internal error: the reading task was aborted")?
        };
        let mut found = ScanFindings::default();
        for (job, answer) in answers {
            match answer {
                Ok(answer) => self.settle(job, answer, &mut found).await?,
                Err(error) => {
                    let path = self.scan.files[job.file].path.to_string();
                    found.unreadable.push((path, error));
                }
            }
        }
        Ok(found)
    }

    async fn settle(&self, job: ScanJob, answer: FileDigest, found: &mut ScanFindings) -> anyhow::Result<()> {
        let ScanJob { file, task, .. } = job;
        let text = answer.text;
        match task {
            Err(reason) => found.writes.push(FileToWrite { file, reason, text }),
            Ok(object) => {
                let path = self.scan.files[file].location();
                if answer.same || self.opaque.is_same(&object, path).await? {
                    let modified = object.last_modified;
                    found.unchanged.push(Unchanged { file, modified, text });
                } else {
                    let reason = Reason::ContentChanged;
                    found.writes.push(FileToWrite { file, reason, text });
                }
            }
        }
        Ok(())
    }
}
