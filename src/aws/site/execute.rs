//! The execution of a plan: assets, then pages, then deletes.
//!
//! Nothing is decided here but when to stop: after a failed asset no page goes up, after any failed write nothing is
//! deleted, and once asked to stop nothing new is started.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, sleep_until};

use crate::aws::releases::History;
use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::delete::Deleted;
use crate::aws::s3::effect::Effect;
use crate::aws::s3::uploader::Uploader;
use crate::aws::s3::{copy, delete, upload};
use crate::aws::site::due::spared;
use crate::aws::site::headers::archived;
use crate::aws::site::progress::{Progress, interval, size};
use crate::aws::site::version_ids::look_up;
use crate::console::Console;
use crate::core::error::{Cancelled, code, service_error};
use crate::core::inputs::Verbosity;
use crate::core::release::record::Versioning;
use crate::core::site::key_change::KeyChange;
use crate::core::site::object::ObjectOptions;
use crate::core::site::outcome::{Overtaken, SiteOutcome};
use crate::core::site::plan::{Occupant, SitePlan, Write, WriteSource};
use crate::core::text::{IN_REPORT, LINES_AT_EACH_END, left_out_lines, shows_line};
use tokio_util::sync::CancellationToken;

/// After so many failures nothing new is started.
const FAILURES: usize = 25;
/// How long uploads may go on once we are asked to stop: the runner kills us ten seconds after its first signal, and
/// records and outputs are still to be written.
const GRACE: Duration = Duration::from_secs(3);

/// Of the changes without a line, each so many have one that counts, besides one every few seconds.
const LINES_A_COUNT: usize = 1000;

/// Carries out `plan` in a bucket with this versioning; what is sent with objects comes from `options`. What is due by
/// `delete-after` is looked at once more before it is deleted.
pub(crate) async fn execute(
    (bucket, versioning): (&Bucket, Versioning),
    history: &History,
    plan: &SitePlan,
    options: &ObjectOptions,
    stop: &CancellationToken,
    console: &Console,
    verbosity: Verbosity,
) -> SiteOutcome {
    let uploader = Arc::new(Uploader::new(bucket, options, stop));
    let mut execution = Execution {
        progress: Progress::new(
            (plan.writes.len() + plan.deletes.len()) as u64,
            plan.writes.iter().map(uploaded_bytes).sum(),
        ),
        uploader,
        log: UploadLog {
            console,
            verbosity,
            changes: plan.writes.len() + plan.deletes.len(),
            logged: 0,
        },
        outcome: SiteOutcome::default(),
        occupants: &plan.occupants,
    };
    let (pages, assets): (Vec<&Write>, Vec<&Write>) = plan.writes.iter().partition(|write| write.is_html());
    for writes in [assets, pages] {
        execution.write(&writes).await;
        if execution.is_over() {
            return execution.outcome;
        }
    }
    let spared = spared(bucket, history, plan, options.request_payer, console).await;
    if spared.is_empty() {
        execution.delete(&plan.deletes).await;
    } else {
        let is_spared: HashSet<&String> = spared.iter().collect();
        let deletes = plan.deletes.iter().filter(|key| !is_spared.contains(key));
        execution.delete(&deletes.cloned().collect::<Vec<_>>()).await;
        execution.outcome.spared = spared;
    }
    if versioning == Versioning::Enabled && !execution.outcome.cancelled {
        let _activity = console.activity("reading which versions were written");
        tokio::select! {
            () = look_up(bucket, plan, &mut execution.outcome.changed, console) => {}
            () = stop.cancelled() => execution.outcome.cancelled = true,
        }
    }
    execution.outcome
}

/// The bytes that travel for a write.
fn uploaded_bytes(write: &Write) -> u64 {
    match write.source {
        WriteSource::File(_) => write.size,
        WriteSource::InPlace | WriteSource::Version { .. } => 0,
    }
}

struct Execution<'a> {
    uploader: Arc<Uploader>,
    progress: Progress,
    log: UploadLog<'a>,
    outcome: SiteOutcome,
    occupants: &'a HashMap<String, Occupant>,
}

/// What one write ended with: its place in the list, and the version id.
type Written = (usize, anyhow::Result<Option<String>>);

impl Execution<'_> {
    fn is_over(&self) -> bool {
        self.outcome.cancelled || !self.outcome.failed.is_empty()
    }

    async fn write(&mut self, writes: &[&Write]) {
        let mut waiting: VecDeque<usize> = (0..writes.len()).collect();
        let mut running: JoinSet<Written> = JoinSet::new();
        let mut effects: BTreeMap<usize, Effect> = BTreeMap::new();
        let every = interval(self.log.console.rewrites());
        let mut tick = interval_at(Instant::now() + every, every);
        tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let stop = self.uploader.stop.clone();
        let mut killed_at = None;
        loop {
            if stop.is_cancelled() || self.outcome.failed.len() >= FAILURES || self.is_hopeless() {
                waiting.clear();
            }
            while running.len() < self.uploader.limit.get()
                && let Some(next) = waiting.pop_front()
            {
                let (uploader, write) = (Arc::clone(&self.uploader), writes[next].clone());
                let effect = effects.entry(next).or_default().clone();
                let over = self.occupants.get(&write.key).cloned();
                running.spawn(async move { (next, write_object(&uploader, &write, over.as_ref(), &effect).await) });
            }
            if running.is_empty() {
                break;
            }
            tokio::select! {
                Some(done) = running.join_next() => match done {
                    Ok((place, written)) => {
                        let effect = effects.remove(&place).unwrap_or_default();
                        self.note(writes[place], written, &effect);
                    }
                    Err(error) if error.is_cancelled() => {}
                    Err(error) => self.outcome.failed.push((String::new(), error.into())),
                },
                _ = tick.tick() => self.log.progress(&self.progress),
                () = stop.cancelled(), if killed_at.is_none() => killed_at = Some(Instant::now() + GRACE),
                () = sleep_until(killed_at.unwrap_or_else(Instant::now)), if killed_at.is_some() => running.abort_all(),
            }
        }
        // Those that were aborted on their way.
        for (place, effect) in effects {
            self.note_perhaps(writes[place], &effect);
        }
        self.outcome.cancelled |= stop.is_cancelled();
    }

    /// Whether the last failure is one that every further object would meet too.
    fn is_hopeless(&self) -> bool {
        const HOPELESS: [&str; 6] = [
            "ExpiredToken",
            "InvalidToken",
            "InvalidAccessKeyId",
            "NoSuchBucket",
            "AccessControlListNotSupported",
            "AccountProblem",
        ];
        let last = self.outcome.failed.last().and_then(|(_, error)| service_error(error));
        last.and_then(|service| service.code.as_deref())
            .is_some_and(|code| HOPELESS.contains(&code))
    }

    fn note(&mut self, write: &Write, written: anyhow::Result<Option<String>>, effect: &Effect) {
        match written {
            Ok(version_id) => {
                self.progress.object();
                self.progress.bytes(uploaded_bytes(write));
                self.log.written(write, &self.progress);
                self.outcome
                    .changed
                    .push(KeyChange::written(&write.key, write.reason, version_id));
            }
            // It went into an archive, or this store did not say before that it is in one.
            Err(error) if write.source == WriteSource::InPlace && code(&error).is_some_and(is_of_archive) => {
                let warning = archived(write.key.clone());
                let text = format!("{}: {}", warning.path, warning.message);
                self.log.console.warning("Archived", &text);
                self.outcome.warnings.push(warning);
            }
            Err(error) if error.is::<Overtaken>() => self.overtaken(write.key.clone()),
            Err(error) => {
                self.note_perhaps(write, effect);
                if error.is::<Cancelled>() {
                    self.outcome.cancelled = true;
                } else {
                    self.fail(write.key.clone(), error);
                }
            }
        }
    }

    /// A write that failed, or was given up, and may have taken effect all the same.
    fn note_perhaps(&mut self, write: &Write, effect: &Effect) {
        if effect.is_possible() {
            let change = KeyChange::written(&write.key, write.reason, None);
            self.outcome.changed.push(change.perhaps());
        }
    }

    /// What somebody else changed meanwhile is left alone.
    fn overtaken(&mut self, key: String) {
        self.log.console.line(&format!("left    {}", Overtaken(key.clone())));
        self.outcome.overtaken.push(key);
    }

    fn fail(&mut self, key: String, error: anyhow::Error) {
        self.log.failed(&error);
        self.outcome.failed.push((key, error));
    }

    async fn delete(&mut self, keys: &[String]) {
        let payer = self.uploader.options.request_payer;
        let stop = self.uploader.stop.clone();
        let _activity = self.log.console.activity("deleting objects");
        for batch in keys.chunks(delete::KEYS_A_REQUEST) {
            if stop.is_cancelled() {
                break;
            }
            let (effect, mut deleted) = (Effect::default(), Deleted::default());
            let killed = async {
                stop.cancelled().await;
                sleep(GRACE).await;
            };
            let in_time = tokio::select! {
                () = delete::delete(&self.uploader.bucket, batch, self.occupants, payer, &effect, &mut deleted) => true,
                () = killed => false,
            };
            if !in_time && effect.is_possible() {
                let known: HashSet<String> = deleted.changed.iter().map(|change| change.key.clone()).collect();
                let perhaps = batch.iter().filter(|key| !known.contains(*key));
                deleted
                    .changed
                    .extend(perhaps.map(|key| KeyChange::deleted(key, None).perhaps()));
            }
            for changed in deleted.changed {
                if !changed.perhaps {
                    self.progress.object();
                    self.log.deleted(&changed.key, &self.progress);
                }
                self.outcome.changed.push(changed);
            }
            for (key, error) in deleted.failed {
                self.fail(key, error);
            }
            for key in deleted.overtaken {
                self.overtaken(key);
            }
        }
        self.outcome.cancelled |= stop.is_cancelled();
    }
}

/// Writes one object.
async fn write_object(
    uploader: &Uploader,
    write: &Write,
    over: Option<&Occupant>,
    effect: &Effect,
) -> anyhow::Result<Option<String>> {
    match &write.source {
        WriteSource::File(file) => upload::upload(uploader, write, file, effect).await,
        WriteSource::InPlace | WriteSource::Version { .. } => {
            copy::copy(&uploader.bucket, write, &uploader.options, over, effect).await
        }
    }
}

/// The object log, as loud as the user wants it. Of many changes it shows the first and the last, and counts the others.
struct UploadLog<'a> {
    console: &'a Console,
    verbosity: Verbosity,
    /// How many there are to be.
    changes: usize,
    /// How many there were.
    logged: usize,
}

impl UploadLog<'_> {
    fn shows_changes(&self) -> bool {
        matches!(self.verbosity, Verbosity::Changes | Verbosity::WithoutProgress)
    }

    fn written(&mut self, write: &Write, progress: &Progress) {
        self.change(progress, || {
            format!(
                "{:<7} {}  {}  ({})",
                write.source.verb(),
                write.key,
                size(write.size),
                write.reason.text()
            )
        });
    }

    fn deleted(&mut self, key: &str, progress: &Progress) {
        self.change(progress, || format!("delete  {key}"));
    }

    fn change(&mut self, progress: &Progress, line: impl FnOnce() -> String) {
        if !self.shows_changes() {
            return;
        }
        let before = self.logged;
        self.logged += 1;
        if shows_line(before, self.changes) || self.console.is_debug() {
            self.console.line(&line());
        } else if before == LINES_AT_EACH_END {
            self.console.line(&format!(
                "{} more are counted here, and not listed: {IN_REPORT}",
                left_out_lines(self.changes)
            ));
        } else if (before - LINES_AT_EACH_END).is_multiple_of(LINES_A_COUNT) {
            self.progress(progress);
        }
    }

    fn failed(&self, error: &anyhow::Error) {
        if self.verbosity != Verbosity::Quiet {
            self.console.line(&format!("failed  {error:#}"));
        }
    }

    fn progress(&self, progress: &Progress) {
        if self.verbosity == Verbosity::Changes {
            self.console.progress(&progress.line());
        }
    }
}

/// Whether an error with this code is about an object in an archive.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html>
fn is_of_archive(code: &str) -> bool {
    matches!(code, "InvalidObjectState" | "ObjectNotInActiveTierError")
}
