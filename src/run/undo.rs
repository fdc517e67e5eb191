//! `on-failure: rollback`: what was live when the run began comes back. First the site, then what that changed is
//! invalidated, then the environments: the new backend under the old site existed during the deploy, the old backend
//! under the new site never did.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

use crate::aws::backend;
use crate::aws::s3::versions::versions;
use crate::aws::site::execute::execute;
use crate::aws::site::lost_writes::other_bytes;
use crate::aws::site::restore::{look_for_archives, read_acls};
use crate::core::backend::outcome::BackendOutcome;
use crate::core::error::{Cancelled, with_aftermath};
use crate::core::inputs::{Command, OnFailure};
use crate::core::release::old_assets::{WayBack, in_use};
use crate::core::release::others::changed_by_others;
use crate::core::release::outcome::{Invalidated, PutBack, SiteChanges};
use crate::core::release::plan::Plan;
use crate::core::release::record::{Record, RecordStatus};
use crate::core::release::restoration::{Restoration, RestoredSite, keys_to_restore};
use crate::core::release::site_undo::{SiteUndo, undo_line};
use crate::core::text::plural;
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
    pub(crate) async fn undo_line(&self, state: &CurrentState, plan: &Plan) -> Option<String> {
        if !self.puts_back() {
            return None;
        }
        let records = self.earlier_releases(state).await;
        undo_line(plan, &records, state.history.problem().is_none())
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
        let records = match changes.changed.as_slice() {
            [] => Cow::default(),
            _ => match self
                .or_cancelled(async { Ok(self.earlier_releases(state).await) })
                .await
            {
                Ok(records) => records,
                Err(cancelled) => return (Some(PutBack::default()), backend, cancelled),
            },
        };
        let problem = state.history.problem();
        let undo = SiteUndo::of(
            !changes.changed.is_empty(),
            &records,
            problem.is_none(),
            plan.versioning,
        );
        let (put_back, is_back, text) = match undo {
            SiteUndo::Unchanged => (PutBack::default(), true, None),
            SiteUndo::FirstRelease => {
                let text = "there is no earlier release of the site to go back to: everything is kept as it is";
                self.console.line(text);
                return (None, backend, with_aftermath(error, text));
            }
            SiteUndo::Unknown => {
                let text = format!(
                    "the release records cannot be read, so nobody knows what was live before, and everything is kept as it \
                     is: {}",
                    problem.unwrap_or_default()
                );
                self.console.line(&text);
                return (None, backend, with_aftermath(error, text));
            }
            SiteUndo::Unversioned => {
                let text = "the site could not be rolled back: versioning of its bucket is not enabled, so what was \
                            overwritten is gone";
                (PutBack::default(), true, Some(text.to_owned()))
            }
            SiteUndo::Restore => self.put_site_back(state, plan, &records, record, changes).await,
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
        records: &[Record],
        record: &Record,
        changes: &SiteChanges,
    ) -> (PutBack, bool, Option<String>) {
        let mut put_back = match self.restore_site(state, plan, records, record, changes).await {
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
        records: &[Record],
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
        let _activity = self.console.activity("finding what to bring back");
        let keys = keys_to_restore(std::slice::from_ref(&this_run));
        let found = self.or_cancelled(versions(bucket, &keys)).await?;
        let mut records = records.to_vec();
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
        let live = newest.map(|position| &records[position]);
        let foreign = match &plan.site {
            Some(site) => {
                self.or_cancelled(async {
                    Ok(other_bytes(bucket, &inputs.object, site, &changes.changed, &found).await)
                })
                .await?
            }
            None => HashSet::new(),
        };
        let others = changed_by_others(&this_run, plan.site.as_ref(), live, &found, &foreign);
        let mut restoration = Restoration::new(found, live);
        let restored_by_others = restoration.unchanged(std::slice::from_ref(&this_run), &others);
        let mut others: BTreeSet<String> = others.difference(&restored_by_others).cloned().collect();
        if let Some(site) = &mut this_run.site {
            site.changed.retain(|change| !others.contains(&change.key));
        }
        let after = [this_run];
        if let Some([_, older @ ..]) = newest.map(|position| &mut records[position..]) {
            self.find_order(state, &after, older, &mut restoration).await;
        }
        let perhaps_archived = restoration.perhaps_archived(&after);
        let looks = async { Ok(look_for_archives(bucket, perhaps_archived, &inputs.object).await) };
        restoration.note_archives(&self.or_cancelled(looks).await?);
        restoration.check(&after, "what was live when this run began")?;
        let mut wanted = restoration.wanted_writers(&after);
        restoration.note_writers(&after, &mut wanted);
        self.or_cancelled(async {
            self.find_writers(state, &mut records, &mut restoration, &mut wanted)
                .await;
            Ok(())
        })
        .await?;
        let site = RestoredSite {
            bucket: &bucket.name,
            prefix: &inputs.prefix,
            acl: inputs.object.acl.as_deref(),
        };
        // Also where the bytes are the same: headers or ACL were what this run changed.
        let mut back = restoration.plan(&after, &HashSet::new(), site);
        let reads = async { Ok(read_acls(bucket, &mut back, &inputs.object).await) };
        if let Some((number, error)) = self.or_cancelled(reads).await? {
            self.warn_of_acls(number, &error);
        }
        let way = WayBack {
            rules: &inputs.delete_after,
            now: bucket.clock.now(),
            known: &state.known_assets.assets,
            at_target: &state.known_assets.assets,
            in_use: &in_use(plan, &state.known_assets.assets),
        };
        way.retire(&mut back, |key| restoration.current(key));
        back.occupants = restoration.occupants(&back);
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
        others.extend(outcome.overtaken.iter().cloned());
        let put_back = PutBack::of_site(changes, &back, SiteChanges::of(&outcome)).leaving(others, restored_by_others);
        if let Some(text) = put_back.others_text() {
            self.console.warning("Left alone", &text);
        }
        Ok(put_back)
    }

    /// Says that an ACL which was set by hand may not come back.
    fn warn_of_acls(&self, number: usize, error: &anyhow::Error) {
        let text = format!(
            "the ACLs of {} cannot be read: ACLs set by hand are not known, and {} the ACL that the release record names: \
             {error:#}\nWhat to do: allow `s3:GetObjectVersionAcl` on the bucket's objects",
            plural(number, "object"),
            if number == 1 { "it gets" } else { "they get" },
        );
        self.console.warning("Roll back", &text);
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
        let keys = put_back.keys_brought_back();
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
