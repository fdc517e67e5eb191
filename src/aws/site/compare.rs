//! The comparison of the source directory with the bucket, on all cores and over many connections.
//!
//! Pages of a listing come one after another, but the local tree tells where the keys lie: the key space is cut into
//! ranges at every thousandth local key, and the ranges are listed side by side while files are hashed. Objects leave
//! memory with their page; what stays is what the plan needs.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};

use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::list::{Listing, Page};
use crate::aws::site::checksum_compare::Opaque;
use crate::aws::site::plan::SyncScope;
use crate::core::error::HintExt as _;
use crate::core::site::content_type::needs_charset;
use crate::core::site::diff::{DiffRules, DiffVerdict, Merge, Pair, is_ignored, is_kept};
use crate::core::site::etag::Etag;
use crate::core::site::headers::HeaderRules;
use crate::core::site::inspect::{DigestRequest, FileDigest, inspect};
use crate::core::site::object::ObjectOptions;
use crate::core::site::plan::{Reason, RemoteObject};
use crate::core::site::scan::LocalScan;

/// How many ranges are listed and read at the same time: this bounds the memory that pages take.
pub(crate) const RANGES_IN_FLIGHT: usize = 12;
/// How many files one job reads: few enough to spread over the cores.
const FILES_A_JOB: usize = 64;
/// How many bytes one job reads, about.
const BYTES_A_JOB: u64 = 8 * 1024 * 1024;

/// Everything that the ranges share.
pub(crate) struct Scan {
    pub(crate) bucket: Bucket,
    pub(crate) listing: Listing,
    pub(crate) root: PathBuf,
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

/// What became known of some files and objects.
#[derive(Debug, Default)]
pub(crate) struct ScanFindings {
    pub(crate) writes: Vec<FileToWrite>,
    pub(crate) unchanged: Vec<Unchanged>,
    pub(crate) deletes: Vec<String>,
    /// Objects seen, without those that are none of the site's business.
    pub(crate) objects: u64,
    unreadable: Vec<(String, std::io::Error)>,
}

/// A file to upload.
#[derive(Debug)]
pub(crate) struct FileToWrite {
    /// Its place in the scan.
    pub(crate) file: usize,
    pub(crate) reason: Reason,
    /// Whether its bytes are UTF-8, where that matters.
    pub(crate) utf8: Option<bool>,
}

/// A file whose object has its bytes.
#[derive(Debug)]
pub(crate) struct Unchanged {
    /// Its place in the scan.
    pub(crate) file: usize,
    /// Whether its bytes are UTF-8, where that is known.
    pub(crate) utf8: Option<bool>,
}

/// The keys of one range: after one, up to another, with the files that belong there.
struct Span {
    files: Range<usize>,
    after: Option<String>,
    until: Option<String>,
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
        let whole = Span {
            files: 0..files,
            after: None,
            until: None,
        };
        if first.is_finished() || files <= step {
            let page = (&mut first).await.context("the listing broke off")??;
            if !page.more || files <= step {
                let this = Arc::clone(self);
                tasks.spawn(async move { this.range(whole, Some(page)).await });
                return self.join(tasks).await;
            }
            self.spawn_spans(&mut tasks, step, tokio::spawn(async move { Ok(page) }));
        } else {
            self.spawn_spans(&mut tasks, step, first);
        }
        self.join(tasks).await
    }

    fn spawn_spans(
        self: &Arc<Self>,
        tasks: &mut JoinSet<anyhow::Result<ScanFindings>>,
        step: usize,
        first: JoinHandle<anyhow::Result<Page>>,
    ) {
        let mut first = Some(first);
        for span in self.spans(step) {
            let this = Arc::clone(self);
            let first = first.take();
            tasks.spawn(async move {
                let page = match first {
                    Some(first) => Some(first.await.context("the listing broke off")??),
                    None => None,
                };
                this.range(span, page).await
            });
        }
    }

    /// Cuts the key space at every `step`th local key: an unchanged tree is then listed in full pages.
    fn spans(&self, step: usize) -> Vec<Span> {
        let key = |file: usize| format!("{}{}", self.listing.prefix, self.scan.files[file].path);
        let files = self.scan.files.len();
        (0..files)
            .step_by(step)
            .map(|start| {
                let end = (start + step).min(files);
                Span {
                    files: start..end,
                    after: (start > 0).then(|| key(start - 1)),
                    until: (end < files).then(|| key(end - 1)),
                }
            })
            .collect()
    }

    async fn join(&self, mut tasks: JoinSet<anyhow::Result<ScanFindings>>) -> anyhow::Result<ScanFindings> {
        let mut all = ScanFindings::default();
        while let Some(found) = tasks.join_next().await {
            all.merge(found.context("a part of the comparison broke off")??);
        }
        all.unreadable.sort_by(|a, b| a.0.cmp(&b.0));
        match all.unreadable.as_slice() {
            [] => Ok(all),
            [(path, error), rest @ ..] => {
                let more = match rest.len() {
                    0 => String::new(),
                    more => format!(" (and {more} more files)"),
                };
                Err(anyhow::anyhow!("cannot read `{path}`: {error}{more}"))
                    .hint("make it readable for the runner, or leave it out with `exclude`")
            }
        }
    }

    /// Lists one range and compares it with its files.
    async fn range(self: Arc<Self>, span: Span, first: Option<Page>) -> anyhow::Result<ScanFindings> {
        let _permit = self.ranges.acquire().await;
        let mut found = ScanFindings::default();
        let mut jobs = JoinSet::new();
        let mut merge = Merge::new(&self.scan.files[span.files.clone()], &self.listing.prefix);
        let mut last = span.after;
        let mut page = match first {
            Some(page) => page,
            None => self.listing.page(&self.bucket, last.as_deref()).await?,
        };
        loop {
            let mut batch = Vec::new();
            let mut beyond = false;
            for object in page.objects {
                if last.as_deref().is_some_and(|last| object.key.as_str() <= last) {
                    bail!(
                        "cannot compare with `s3://{}/{}`: the server lists `{}` out of order",
                        self.bucket.name,
                        self.listing.prefix,
                        object.key
                    );
                }
                if span.until.as_deref().is_some_and(|until| object.key.as_str() > until) {
                    beyond = true;
                    break;
                }
                last = Some(object.key.clone());
                if is_ignored(&object, &self.scope.reserved) {
                    continue;
                }
                found.objects += 1;
                // As with aws-cli, an excluded key is invisible: neither compared nor deleted.
                if self.scope.filter.includes_key(&object.key) {
                    merge.object(object, |pair| self.step(pair, span.files.start, &mut found, &mut batch));
                }
            }
            self.read(batch, &mut jobs);
            // Without deletes nobody asks for objects that have no file: pass over them.
            let next_file = merge
                .next_file()
                .map(|file| format!("{}{}", self.listing.prefix, file.path));
            let at_end = last.as_deref() >= span.until.as_deref() && span.until.is_some();
            if beyond || !page.more || at_end || (!self.delete && next_file.is_none()) {
                break;
            }
            if let (false, Some(next)) = (self.delete, next_file) {
                last = last.max(Some(before(&next)));
            }
            page = self.listing.page(&self.bucket, last.as_deref()).await?;
        }
        let mut batch = Vec::new();
        merge.finish(|pair| self.step(pair, span.files.start, &mut found, &mut batch));
        self.read(batch, &mut jobs);
        while let Some(some) = jobs.join_next().await {
            found.merge(some.context("reading files broke off")??);
        }
        Ok(found)
    }

    /// Takes one step of the merge; what only the bytes can tell becomes a job.
    fn step(&self, pair: Pair, start: usize, found: &mut ScanFindings, jobs: &mut Vec<ScanJob>) {
        let (file, task) = match pair {
            Pair::LocalOnly(file) => (file + start, Err(Reason::New)),
            Pair::RemoteOnly(object) => {
                let path = object.key.strip_prefix(&self.listing.prefix).unwrap_or(&object.key);
                if self.delete && !is_kept(&self.scan.kept, path) && !self.scope.is_bundle(&object.key) {
                    found.deletes.push(object.key);
                }
                return;
            }
            Pair::Both(file, object) => {
                let file = file + start;
                match self.rules.verdict(&self.scan.files[file], &object) {
                    DiffVerdict::Same => return found.unchanged.push(Unchanged { file, utf8: None }),
                    DiffVerdict::Write(reason) => (file, Err(reason)),
                    DiffVerdict::Hash(_) => (file, Ok(object)),
                }
            }
        };
        let path = &self.scan.files[file].path;
        let question = DigestRequest {
            etag: task.as_ref().ok().map(|object| Etag::parse(&object.etag)),
            part_size: None,
            utf8: self
                .options
                .guessed_type(&self.headers, path)
                .is_some_and(needs_charset),
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
                    let file = this.root.join(&*this.scan.files[job.file].path);
                    let answer = inspect(&file, &job.question);
                    (job, answer)
                };
                piece.into_iter().map(answer).collect::<Vec<_>>()
            };
            spawn_blocking(read).await.context("reading files broke off")?
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
        let utf8 = answer.utf8;
        match task {
            Err(reason) => found.writes.push(FileToWrite { file, reason, utf8 }),
            Ok(object) => {
                let path = self.root.join(&*self.scan.files[file].path);
                if answer.same || self.opaque.is_same(&object, path).await? {
                    found.unchanged.push(Unchanged { file, utf8 });
                } else {
                    let reason = Reason::ContentChanged;
                    found.writes.push(FileToWrite { file, reason, utf8 });
                }
            }
        }
        Ok(())
    }
}

impl ScanFindings {
    fn merge(&mut self, other: Self) {
        self.writes.extend(other.writes);
        self.unchanged.extend(other.unchanged);
        self.deletes.extend(other.deletes);
        self.objects += other.objects;
        self.unreadable.extend(other.unreadable);
    }
}

/// A key before `key` and not far from it: without its last character.
fn before(key: &str) -> String {
    let mut shorter = key.to_owned();
    shorter.pop();
    shorter
}
