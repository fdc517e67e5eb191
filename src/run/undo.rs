//! `on-failure: rollback`: what was live when the run began comes back. First the site, then what that changed is
//! invalidated, then the environments: the new backend under the old site existed during the deploy, the old backend
//! under the new site never did.

use std::collections::BTreeSet;

use crate::aws::backend;
use crate::aws::s3::versions::versions;
use crate::aws::site::execute::execute;
use crate::aws::site::restore::keys_with_same_headers;
use crate::core::backend::outcome::BackendOutcome;
use crate::core::error::{Cancelled, with_aftermath};
use crate::core::inputs::{Command, OnFailure};
use crate::core::release::old_assets::{WayBack, in_use};
use crate::core::release::outcome::{Invalidated, PutBack, SiteChanges};
use crate::core::release::plan::Plan;
use crate::core::release::record::{Record, RecordStatus};
use crate::core::release::restoration::{Restoration, RestoredSite, keys_to_restore};
use crate::core::release::site_undo::{SiteUndo, undo_line};
use crate::run::deployment::Deployment;
use crate::run::phases::Phases;
use crate::run::state::CurrentState;

/// What mends a way back that did not come to its end.
const REPAIR: &str = "the next deploy or `command: rollback` repairs it";

/// A run that failed after it changed something.
pub(crate) struct Failure<'a> {
    /// Its record, as begun.
    pub(crate) record: &'a Record,
    /// What it changed in the bucket.
    pub(crate) changes: &'a SiteChanges,
    /// What it did to the environments.
    pub(crate) backend: Option<BackendOutcome>,
    /// Why it failed.
    pub(crate) error: anyhow::Error,
}

impl Deployment<'_> {
    /// Whether a failure after changes is to be undone.
    pub(crate) fn puts_back(&self) -> bool {
        self.inputs.command == Command::Deploy && self.inputs.release.on_failure == OnFailure::Rollback
    }

    /// What a failure of this plan would undo, for the plan; `None` without `on-failure: rollback`.
    pub(crate) fn undo_line(&self, state: &CurrentState, plan: &Plan) -> Option<String> {
        self.puts_back().then(|| undo_line(plan, &state.records))?
    }

    /// Puts back what a run did before it failed; answers what was done, and the error with what became of it. Asked to
    /// stop, it stops there.
    pub(crate) async fn put_back(
        &self,
        state: &CurrentState,
        plan: &Plan,
        failure: Failure<'_>,
        phases: &mut Phases,
    ) -> (Option<PutBack>, Option<BackendOutcome>, anyhow::Error) {
        let Failure {
            record,
            changes,
            backend,
            error,
        } = failure;
        phases.begin("Roll back");
        self.console.line(&format!("the deployment failed: {error:#}"));
        let undo = SiteUndo::of(!changes.changed.is_empty(), &state.records, plan.versioning);
        let (put_back, is_back, text) = match undo {
            SiteUndo::Unchanged => (PutBack::default(), true, None),
            SiteUndo::FirstRelease => {
                let text = "there is no earlier release of the site to go back to: everything is kept as it is";
                self.console.line(text);
                return (None, backend, with_aftermath(error, text));
            }
            SiteUndo::Unversioned => {
                let text = "the site could not be rolled back: versioning of its bucket is not enabled, so what was \
                            overwritten is gone";
                (PutBack::default(), true, Some(text.to_owned()))
            }
            SiteUndo::Restore => self.put_site_back(state, plan, record, changes).await,
        };
        let error = match text {
            Some(text) => {
                self.console.line(&text);
                with_aftermath(error, text)
            }
            None => error,
        };
        if self.stop.is_cancelled() {
            return (Some(put_back), backend, Cancelled.into());
        }
        let (Some(outcome), Some(inputs), Some(planned)) = (backend, &self.inputs.backend, &plan.backend) else {
            return (Some(put_back), None, error);
        };
        if !is_back {
            let text = outcome.kept_text(planned);
            return (
                Some(put_back),
                Some(outcome),
                text.into_iter().fold(error, with_aftermath),
            );
        }
        let (outcome, error) =
            backend::deploy::put_back(&state.aws, inputs, planned, outcome, error, self.stop, self.console).await;
        (Some(put_back), Some(outcome), error)
    }

    /// The site's way back, and its invalidation: what was done, whether all of it is as before, and both in words.
    async fn put_site_back(
        &self,
        state: &CurrentState,
        plan: &Plan,
        record: &Record,
        changes: &SiteChanges,
    ) -> (PutBack, bool, Option<String>) {
        let mut put_back = match self.restore_site(state, plan, record, changes).await {
            Ok(put_back) => put_back,
            Err(reason) => {
                let text = format!("the site could not be rolled back: {reason:#}; {REPAIR}");
                return (PutBack::default(), false, Some(text));
            }
        };
        let (cdn, error) = self.invalidate_restored(state, plan, &put_back).await;
        put_back.cdn = cdn;
        let lost = error.map(|error| {
            format!("what was rolled back could not be invalidated, which the next run will do: {error:#}")
        });
        let is_back = put_back.is_complete(changes);
        let repair = (!is_back).then(|| REPAIR.to_owned());
        let parts: Vec<String> = [put_back.text(changes)].into_iter().chain(repair).chain(lost).collect();
        (put_back, is_back, Some(parts.join("; ")))
    }

    /// Brings every key that this run changed back to the version that it had.
    async fn restore_site(
        &self,
        state: &CurrentState,
        plan: &Plan,
        record: &Record,
        changes: &SiteChanges,
    ) -> anyhow::Result<PutBack> {
        let (Some(inputs), Some(bucket)) = (&self.inputs.site, &state.bucket) else {
            return Ok(PutBack::default());
        };
        let versioning = record.site.as_ref().map(|site| site.versioning).unwrap_or_default();
        let mut this_run = record.clone();
        this_run.status = RecordStatus::Failed;
        if let Some(site) = &mut this_run.site {
            site.finish(&changes.changed);
        }
        let after = [this_run];
        let found = self.or_cancelled(versions(bucket, &keys_to_restore(&after))).await?;
        let mut records = state.records.clone();
        // What the live release wrote is older than this run, whatever the clocks say.
        let newest = records
            .iter()
            .position(|record| record.status == RecordStatus::Succeeded);
        if let Some(position) = newest
            && let Err(error) = self
                .or_cancelled(state.history.load_keys(&mut records[position..=position]))
                .await
        {
            self.console.debug(&format!("{error:#}"));
        }
        let mut restoration = Restoration::new(found, newest.map(|position| &records[position]));
        if let Some([_, older @ ..]) = newest.map(|position| &mut records[position..]) {
            self.find_order(state, &after, older, &mut restoration).await;
        }
        restoration.check(&after, "what was live when this run began")?;
        let mut wanted = restoration.wanted_writers(&after);
        restoration.note_writers(&after, &mut wanted);
        self.or_cancelled(async {
            self.find_writers(state, &mut records, &mut restoration, &mut wanted)
                .await;
            Ok(())
        })
        .await?;
        let same = keys_with_same_headers(bucket, restoration.same_bytes(&after), &inputs.object);
        let same = self.or_cancelled(same).await?;
        let site = RestoredSite {
            bucket: &bucket.name,
            prefix: &inputs.prefix,
            acl: inputs.object.acl.as_deref(),
        };
        let mut back = restoration.plan(&after, &same, site);
        let way = WayBack {
            rules: &inputs.delete_after,
            now: bucket.clock.now(),
            known: &state.known_assets.assets,
            at_target: &state.known_assets.assets,
            in_use: &in_use(plan, &state.known_assets.assets),
        };
        way.retire(&mut back, |key| restoration.current(key));
        let outcome = execute(
            (bucket, versioning),
            &state.history,
            &back,
            &inputs.object,
            self.stop,
            self.console,
            inputs.verbosity,
        )
        .await;
        Ok(PutBack::of_site(changes, &back, SiteChanges::of(&outcome)))
    }

    /// Invalidates what came back; asked to stop, it leaves that to the next run.
    async fn invalidate_restored(
        &self,
        state: &CurrentState,
        plan: &Plan,
        put_back: &PutBack,
    ) -> (Invalidated, Option<anyhow::Error>) {
        let (Some(cdn), Some(invalidation)) = (&state.cdn, &plan.cdn) else {
            return (Invalidated::default(), None);
        };
        let keys: BTreeSet<&str> = put_back.site.changed.iter().map(|change| change.key.as_str()).collect();
        if keys.is_empty() {
            return (Invalidated::default(), None);
        }
        let keys: Vec<&str> = keys.into_iter().collect();
        let planned = invalidation.after(&keys);
        let mut invalidated = Invalidated::default();
        if self.stop.is_cancelled() {
            invalidated.leave(planned);
            return (invalidated, None);
        }
        // Another reference than the first invalidation's: else CloudFront would take it for the same.
        let reference = format!("{}-rollback", self.release_id());
        let outcome = cdn.invalidate(&planned, &reference, self.stop, self.console).await;
        invalidated.invalidations = outcome.invalidations;
        invalidated.unconfirmed = outcome.unconfirmed;
        (invalidated, outcome.error)
    }
}
