//! What earlier runs owe to distributions, and what this run says to have paid of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::aws::releases::History;
use crate::aws::s3::bucket::Bucket;
use crate::aws::site::fingerprint::fingerprint;
use crate::core::cdn::EVERYTHING;
use crate::core::release::outcome::Outcomes;
use crate::core::release::payment::{self, InterruptedRun, PaidRun, PlannedKeys};
use crate::core::release::pending::{PendingInvalidations, carried, unsettled};
use crate::core::release::record::Record;
use crate::core::release::recorded::Recorded;
use crate::core::release::recorded_cdn::RecordedCdn;
use crate::run::deployment::Deployment;

/// What earlier runs owe.
pub(crate) struct Debts {
    pub(crate) pending: PendingInvalidations,
    /// Runs that were interrupted, or are under way.
    pub(crate) interrupted: Vec<InterruptedRun>,
    /// Whether that is all of it: every record that may know could be read.
    pub(crate) are_known: bool,
}

impl Debts {
    /// Notes in what is to be recorded for `cdn` what was paid: all where all debts are known, else what was sent for
    /// everything.
    pub(crate) fn note_paid(&self, outcomes: &Outcomes, cdn: &mut RecordedCdn) {
        if !self.are_known {
            let invalidated = outcomes.invalidated();
            cdn.confirmed.retain(|distribution| {
                let mut sent = invalidated.invalidations.iter();
                sent.any(|sent| {
                    sent.distribution == *distribution
                        && sent.id.is_some()
                        && sent.paths.iter().any(|path| path == EVERYTHING)
                })
            });
        }
        cdn.paid.clone_from(&outcomes.paid);
    }
}

impl Deployment<'_> {
    /// What the newest `n` `records`, and those behind them, say to be owed.
    pub(crate) async fn read_debts(
        &self,
        bucket: Option<&Bucket>,
        history: &History,
        records: Vec<Record>,
        n: usize,
    ) -> Debts {
        let distributions = self.inputs.cdn.as_ref().map_or(&[][..], |cdn| &cdn.distributions);
        let mut records = history.read_debts(records, n, distributions).await;
        let mut are_known = !history.may_hide_debts(&records, distributions);
        let mut interrupted = Vec::new();
        for position in unsettled(&records, distributions) {
            let planned = self.planned_keys(bucket, history, &mut records[position]).await;
            are_known &= planned != PlannedKeys::Unread;
            let id = records[position].id.clone();
            interrupted.push(InterruptedRun { id, planned });
        }
        if !are_known && !self.invalidates_everything() {
            self.console.warning(
                "CloudFront",
                "not all release records can be read, so earlier runs may have left paths that are still to be \
                 invalidated; the next run looks again",
            );
        }
        let pending = carried(&records, distributions, &interrupted);
        if let Some(prefix) = &pending.below {
            self.console.warning(
                "CloudFront",
                &format!(
                    "nobody knows any more which keys an interrupted run was about to change (see above), so all that \
                     shows a key of `{prefix}*` is invalidated once"
                ),
            );
        }
        Debts {
            pending,
            interrupted,
            are_known,
        }
    }

    async fn planned_keys(&self, bucket: Option<&Bucket>, history: &History, record: &mut Record) -> PlannedKeys {
        let Some(planned) = record.site.as_ref().map(|site| site.planned_keys) else {
            return self.known_keys(bucket, Vec::new()).await;
        };
        if bucket.is_none() {
            return PlannedKeys::Elsewhere;
        }
        if !history.keeps_site() {
            return PlannedKeys::Unread;
        }
        if let Err(error) = history.load_keys(std::slice::from_mut(record)).await {
            self.allowance.note_error(&error);
            self.console.warning("Release record", &format!("{error:#}"));
            return if History::is_lost(&error) {
                PlannedKeys::Lost
            } else {
                PlannedKeys::Unread
            };
        }
        let changes = record.site.iter().flat_map(|site| &site.planned);
        let keys: Vec<String> = changes.map(|change| change.key.clone()).collect();
        if (keys.len() as u64) < planned {
            let text = format!(
                "the list of the keys that release `{}` was about to change names {} of {planned}",
                record.id,
                keys.len()
            );
            self.console.warning("Release record", &text);
            return PlannedKeys::Lost;
        }
        self.known_keys(bucket, keys).await
    }

    async fn known_keys(&self, bucket: Option<&Bucket>, keys: Vec<String>) -> PlannedKeys {
        let objects = self.fingerprint(bucket, &keys).await;
        PlannedKeys::Known { keys, objects }
    }

    async fn fingerprint(&self, bucket: Option<&Bucket>, keys: &[String]) -> Option<String> {
        match (&self.inputs.site, bucket) {
            (Some(site), Some(bucket)) => fingerprint(bucket, keys, &site.object).await,
            _ => Some(payment::fingerprint(&BTreeSet::new())),
        }
    }

    /// What this run pays of what interrupted ones owe, as their objects are right before anything is invalidated.
    pub(crate) async fn payments(&self, bucket: Option<&Bucket>, debts: &Debts) -> Vec<PaidRun> {
        let everything = self.invalidates_everything();
        let mut payments = Vec::new();
        for run in &debts.interrupted {
            let objects = match &run.planned {
                PlannedKeys::Known { keys, .. } => self.fingerprint(bucket, keys).await,
                PlannedKeys::Elsewhere | PlannedKeys::Unread | PlannedKeys::Lost => None,
            };
            payments.extend(run.paid(everything, objects));
        }
        payments
    }

    /// The paths that the next run cannot know to be owed, by distribution, for neither start nor end of this run is on
    /// record; says so.
    pub(crate) fn forgotten(&self, outcomes: &Outcomes, started: Recorded) -> BTreeMap<String, Vec<String>> {
        let is_remembered =
            outcomes.release.is_some() && (outcomes.recorded != Recorded::Nowhere || started != Recorded::Nowhere);
        if is_remembered {
            return BTreeMap::new();
        }
        let unconfirmed = outcomes.invalidated().unconfirmed;
        for (distribution, paths) in &unconfirmed {
            self.console.warning(
                "Invalidation is not remembered",
                &format!(
                    "these paths of distribution `{distribution}` are not invalidated, and no release record says so: \
                     the next run will not know. Invalidate them once: {}",
                    paths.join(" ")
                ),
            );
        }
        unconfirmed
    }

    /// Whether `paths` has the wildcard for everything.
    fn invalidates_everything(&self) -> bool {
        let paths = self.inputs.cdn.iter().flat_map(|cdn| cdn.paths.iter().flatten());
        paths.into_iter().any(|path| path == EVERYTHING)
    }
}
