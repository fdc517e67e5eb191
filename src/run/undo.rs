//! `on-failure: rollback`: what was live when the run began comes back. First the site, then what that changed is
//! invalidated, then the environments: the new backend under the old site existed during the deploy, the old backend
//! under the new site never did.

use std::collections::BTreeSet;

use crate::aws::backend;
use crate::aws::s3::versions::versions;
use crate::aws::site::execute::execute;
use crate::aws::site::restore::keys_with_same_headers;
use crate::core::backend::outcome::BackendOutcome;
use crate::core::backend::plan::UpdateStep;
use crate::core::error::Cancelled;
use crate::core::inputs::{Command, OnFailure};
use crate::core::release::live::live;
use crate::core::release::outcome::{Invalidated, PutBack, SiteChanges};
use crate::core::release::plan::Plan;
use crate::core::release::record::{Record, RecordStatus, Versioning};
use crate::core::release::restoration::{Restoration, RestoredSite, keys_to_restore};
use crate::core::text::plural;
use crate::run::Deployment;
use crate::run::phases::Phases;
use crate::run::state::CurrentState;

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
        if !self.puts_back() || plan.changes_nothing() {
            return None;
        }
        let objects = plan.site.as_ref().map_or(0, |site| site.keys().count());
        if objects > 0 && live(&state.records).is_none() {
            return Some(
                "on-failure: there is no earlier release to go back to: a failure keeps everything".to_owned(),
            );
        }
        let is_versioned = !matches!(plan.versioning, Versioning::Off | Versioning::Suspended);
        let site = (objects > 0 && is_versioned).then(|| format!("{} of the site", plural(objects, "object")));
        let environments = plan.backend.iter().flat_map(|backend| &backend.environments);
        let labels = environments.filter_map(|environment| match (&environment.step, &environment.previous_label) {
            (UpdateStep::Update { .. }, Some(label)) => Some(format!("`{label}` in `{}`", environment.name)),
            _ => None,
        });
        let parts: Vec<String> = site.into_iter().chain(labels).collect();
        (!parts.is_empty()).then(|| format!("on-failure: a failure would bring back {}", parts.join(" and ")))
    }

    /// Puts back what a run did before it failed; answers what was done, and the error with what became of it.
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
            mut error,
        } = failure;
        phases.begin("Roll back");
        if !changes.changed.is_empty() && live(&state.records).is_none() {
            self.console
                .line("there is no earlier release to go back to: everything is kept as it is");
            let error = error.context("there is no earlier release to go back to, so nothing was rolled back");
            return (None, backend, error);
        }
        let mut put_back = PutBack::default();
        if !changes.changed.is_empty() {
            match self.restore_site(state, plan, record, changes).await {
                Ok(restored) => {
                    if let Some(failure) = restored.site.failures.first() {
                        let count = restored.site.failures.len();
                        error = error.context(format!(
                            "{} could not be rolled back: {}",
                            plural(count, "object"),
                            failure.message
                        ));
                    }
                    put_back = restored;
                }
                Err(reason) => {
                    self.console
                        .line(&format!("the site cannot be rolled back: {reason:#}"));
                    error = error.context(format!("the site could not be rolled back: {reason:#}"));
                }
            }
            put_back.cdn = self.invalidate_restored(state, plan, &put_back).await;
        }
        let Some(outcome) = backend else {
            return (Some(put_back), None, error);
        };
        let (Some(inputs), Some(planned)) = (&self.inputs.backend, &plan.backend) else {
            return (Some(put_back), Some(outcome), error);
        };
        let (outcome, error) =
            backend::deploy::put_back(&state.aws, inputs, planned, outcome, error, self.stop, self.console).await;
        (Some(put_back), Some(outcome), error)
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
        anyhow::ensure!(
            !matches!(plan.versioning, Versioning::Off | Versioning::Suspended),
            "versioning of bucket `{}` is not enabled, so what was overwritten is gone",
            bucket.name
        );
        let mut this_run = record.clone();
        this_run.status = RecordStatus::Failed;
        if let Some(site) = &mut this_run.site {
            site.finish(&changes.changed);
        }
        let after = [this_run];
        let found = versions(bucket, &keys_to_restore(&after)).await?;
        let mut records = state.records.clone();
        // What the live release wrote is older than this run, whatever the clocks say.
        let newest = records
            .iter()
            .position(|record| record.status == RecordStatus::Succeeded);
        if let Some(position) = newest
            && let Err(error) = state.history.load_keys(&mut records[position..=position]).await
        {
            self.console.debug(&format!("{error:#}"));
        }
        let mut restoration = Restoration::new(found, newest.map(|position| &records[position]));
        restoration.check(&after, "what was live when this run began")?;
        let mut wanted = restoration.wanted_writers(&after);
        restoration.note_writers(&after, &mut wanted);
        self.find_writers(state, &mut records, &mut restoration, &mut wanted)
            .await;
        let same = keys_with_same_headers(bucket, restoration.same_bytes(&after), &inputs.object).await?;
        let site = RestoredSite {
            bucket: &bucket.name,
            prefix: &inputs.prefix,
            acl: inputs.object.acl.as_deref(),
        };
        let back = restoration.plan(&after, &same, site);
        let outcome = execute(bucket, &back, &inputs.object, self.stop, self.console, inputs.verbosity).await;
        if outcome.cancelled {
            return Err(Cancelled.into());
        }
        Ok(PutBack::of_site(changes, &back, SiteChanges::of(&outcome)))
    }

    async fn invalidate_restored(&self, state: &CurrentState, plan: &Plan, put_back: &PutBack) -> Invalidated {
        let (Some(cdn), Some(invalidation)) = (&state.cdn, &plan.cdn) else {
            return Invalidated::default();
        };
        let keys: BTreeSet<&str> = put_back.site.changed.iter().map(|change| change.key.as_str()).collect();
        if keys.is_empty() {
            return Invalidated::default();
        }
        let keys: Vec<&str> = keys.into_iter().collect();
        // Another reference than the first invalidation's: else CloudFront would take it for the same.
        let reference = format!("{}-rollback", self.release_id());
        let outcome = cdn
            .invalidate(&invalidation.after(&keys), &reference, self.stop, self.console)
            .await;
        if let Some(error) = &outcome.error {
            self.console.line(&format!("{error:#}"));
        }
        Invalidated {
            invalidations: outcome.invalidations,
            unconfirmed: outcome.unconfirmed,
        }
    }
}
