//! The plan of a rollback: reads only. What it decides is decided in [`crate::core::release`].

use std::collections::HashSet;

use anyhow::Context as _;

use crate::aws::backend;
use crate::aws::backend::plan::plan_existing;
use crate::aws::releases::folders_in;
use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::list::{Listing, MAX_KEYS};
use crate::aws::s3::versioning::versioning;
use crate::aws::s3::versions::versions;
use crate::aws::site::restore::{keys_with_same_headers, look_for_archives};
use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::plan::{BackendPlan, EnvironmentPlan};
use crate::core::error::{HintExt as _, RenderedError};
use crate::core::inputs::{BackendInputs, SiteInputs};
use crate::core::release::interrupted::is_unsettled;
use crate::core::release::labels::label_at;
use crate::core::release::no_target::NoTarget;
use crate::core::release::parts::Parts;
use crate::core::release::plan::Plan;
use crate::core::release::point_in_time::{HOW_TIMES_ARE_WRITTEN, is_meant_as_time};
use crate::core::release::previous::stranger_lines;
use crate::core::release::record::{Record, RecordStatus};
use crate::core::release::restoration::{Restoration, RestoredSite, keys_to_restore};
use crate::core::release::target::{TargetChoice, choose, choose_before, depends_on_what_is_live, nothing_of_run};
use crate::core::release::versioning::check_versioning;
use crate::core::release::workflow_run::{neighbor_lines, rollback_lines, runs_taken_back};
use crate::core::site::assemble::check_deletes;
use crate::core::site::plan::{Reason, RemoteObject, SitePlan};
use crate::core::site::scope::SyncScope;
use crate::core::text::some_names;
use crate::run::deployment::Deployment;
use crate::run::state::CurrentState;

/// How many records are asked at the same time who wrote a version.
const RECORDS_A_ROUND: usize = 16;

impl Deployment<'_> {
    /// Chooses the release to go back to, and plans the way.
    pub(crate) async fn plan_rollback(&self, state: &CurrentState) -> anyhow::Result<Plan> {
        let _activity = self.console.activity("planning the rollback");
        let running = match &self.inputs.backend {
            Some(inputs) => backend::plan::running(&state.aws, inputs).await?,
            None => Vec::new(),
        };
        let labels_now: Vec<(String, Option<String>)> = running
            .iter()
            .map(|environment| (environment.name.clone(), environment.label.clone()))
            .collect();
        let parts = Parts {
            site: self.inputs.site.is_some(),
            environments: &labels_now,
        };
        let to = self.inputs.release.to.as_deref();
        let problem = || state.history.problem();
        if self.has_nothing_of_run(state, to, parts).await {
            return Ok(Plan::default());
        }
        let has_release = state
            .records
            .iter()
            .any(|record| record.status == RecordStatus::Succeeded);
        if let Some(to) = to
            && state.history.unread().iter().any(|unread| unread.id == to)
        {
            return Err(self.not_found(state, to, ""));
        }
        let mut choice = choose(&state.records, to, parts).map_err(|error| match (has_release, problem()) {
            (false, Some(problem)) => {
                anyhow::anyhow!("cannot roll back: the release records cannot be read: {problem}")
            }
            // What cannot be read may be what is live.
            _ if (parts.site || to.is_none()) && depends_on_what_is_live(&state.records, to, parts) => {
                match self.check_known(state) {
                    Err(unknown) => unknown,
                    Ok(()) => error,
                }
            }
            _ if parts.site && has_release && !state.history.unread().is_empty() => {
                let message = RenderedError::from(&error).message;
                to.map_or(error, |to| self.not_found(state, to, &message))
            }
            _ => error,
        })?;
        if let (TargetChoice::Release(target), None) = (&choice, to) {
            // What is live is told by the newest record: without it nobody knows what came before, nor who deployed it.
            self.check_readable(state, target)?;
            let lines = stranger_lines(&state.records, target, parts);
            lines.iter().for_each(|line| self.console.line(line));
        }
        let mut skipped: Vec<&str> = Vec::new();
        loop {
            if let (TargetChoice::Release(target), None) = (&choice, to) {
                self.check_readable(state, target)?;
            }
            let plan = self.plan_way(state, &choice, &running).await;
            let TargetChoice::Release(target) = choice else {
                return plan;
            };
            let leads_nowhere = to.is_none() && plan.as_ref().is_ok_and(Plan::changes_nothing);
            let is_unsettled = is_unsettled(&state.records);
            if leads_nowhere && !is_unsettled && parts.site {
                skipped.push(&target.id);
                let before = choose_before(&state.records, target, parts);
                choice = TargetChoice::Release(before.inspect_err(|_| self.say_skipped(&skipped))?);
                continue;
            }
            self.say_skipped(&skipped);
            self.console.line(&format!("rolling back to release {}", target.id));
            if plan.is_ok() {
                self.say_of_workflow_runs(state, target).await;
            }
            if leads_nowhere && is_unsettled {
                self.console.line(&format!(
                    "release {} is what is live already, although a later run did not succeed: that is put on record, and \
                     `previous` leads behind it from now on",
                    target.id
                ));
            }
            return plan;
        }
    }

    /// Says which releases are what is live already, so that the way leads on.
    fn say_skipped(&self, skipped: &[&str]) {
        match skipped {
            [] => {}
            [one] => self.console.line(&format!(
                "release {one} is what is live already: going on to the one before it"
            )),
            several => self.console.line(&format!(
                "{} releases are what is live already: {}; going on to the one before them",
                several.len(),
                some_names(several.iter().copied())
            )),
        }
    }

    /// Plans the way to `choice` for environments that run what `running` says.
    async fn plan_way(
        &self,
        state: &CurrentState,
        choice: &TargetChoice<'_>,
        running: &[EnvironmentState],
    ) -> anyhow::Result<Plan> {
        let mut plan = Plan::default();
        let labels: Vec<(String, String)> = match choice {
            TargetChoice::Release(record) => {
                plan.target = Some((*record).clone());
                let labels = running.iter().filter_map(|environment| {
                    let label = label_at(&state.records, record, &environment.name)?;
                    Some((environment.name.clone(), label.to_owned()))
                });
                labels.collect()
            }
            TargetChoice::Label(label) => running
                .iter()
                .map(|environment| (environment.name.clone(), label.clone()))
                .collect(),
        };
        if let (Some(inputs), false) = (&self.inputs.backend, running.is_empty()) {
            let versions = self.plan_versions(state, inputs, running, &labels).await;
            plan.backend = Some(match choice {
                TargetChoice::Label(label) if is_meant_as_time(label) => versions.hint(HOW_TIMES_ARE_WRITTEN)?,
                _ => versions?,
            });
        }
        if let (Some(inputs), Some(bucket), TargetChoice::Release(record)) = (&self.inputs.site, &state.bucket, choice)
        {
            plan.site = Some(self.plan_restoration(state, bucket, record, inputs).await?);
        }
        plan.cdn = self.plan_cdn(state, plan.site.as_ref()).await?;
        if !plan.changes_nothing() {
            plan.versioning = self.bucket_versioning(state).await;
        }
        Ok(plan)
    }

    /// Whether the workflow run to take back has left nothing to do here, and says so. A run that is known nowhere may be
    /// mistyped, and a record that cannot be read may be of that run.
    async fn has_nothing_of_run(&self, state: &CurrentState, to: Option<&str>, parts: Parts<'_>) -> bool {
        let text = match nothing_of_run(&state.records, to, parts) {
            Some(_) if !state.history.unread().is_empty() => return false,
            Some(NoTarget::AlreadyLive { id, .. }) => {
                format!("nothing of that workflow run is live here, and release `{id}` is: nothing to take back")
            }
            Some(NoTarget::UnknownRun { run }) => {
                let Some(site) = &self.inputs.site else { return false };
                let neighbors = state
                    .history
                    .neighbors(&site.prefix, &[run.clone()].into(), false)
                    .await;
                let Some((prefix, id)) = neighbors.first() else {
                    return false;
                };
                format!(
                    "workflow run {run} has released nothing here, only elsewhere in the bucket, such as `{id}` to \
                     `s3://{}/{prefix}`: nothing to take back",
                    site.bucket
                )
            }
            _ => return false,
        };
        self.console.notice("Nothing to roll back", &text);
        true
    }

    /// Says what of the workflow runs that are taken back stays: a job may have several steps.
    async fn say_of_workflow_runs(&self, state: &CurrentState, target: &Record) {
        let mut lines = rollback_lines(&state.records, target, self.inputs.release.to.as_deref());
        if let Some(site) = &self.inputs.site {
            let runs = runs_taken_back(&state.records, target);
            let neighbors = state.history.neighbors(&site.prefix, &runs, true).await;
            lines.extend(neighbor_lines(&site.bucket, &neighbors));
        }
        lines.iter().for_each(|line| self.console.line(line));
    }

    /// Plans to bring the environments back to `labels`; those that no record knows stay as they are, in their places.
    async fn plan_versions(
        &self,
        state: &CurrentState,
        inputs: &BackendInputs,
        running: &[EnvironmentState],
        labels: &[(String, String)],
    ) -> anyhow::Result<BackendPlan> {
        let mut plan = plan_existing(&state.aws, inputs, labels).await?;
        if labels.is_empty() {
            plan.version_label = running
                .iter()
                .find_map(|environment| environment.label.clone())
                .unwrap_or_default();
        }
        let mut planned = std::mem::take(&mut plan.environments);
        plan.environments = running
            .iter()
            .map(
                |environment| match planned.iter().position(|planned| planned.name == environment.name) {
                    Some(position) => planned.swap_remove(position),
                    None => EnvironmentPlan::unrecorded(environment, &inputs.accepted_health),
                },
            )
            .collect();
        Ok(plan)
    }

    /// Plans to bring the site back to the state of `target`.
    async fn plan_restoration(
        &self,
        state: &CurrentState,
        bucket: &Bucket,
        target: &Record,
        site: &SiteInputs,
    ) -> anyhow::Result<SitePlan> {
        self.check_readable(state, target)?;
        let mut records = state.records.clone();
        let target = target.id.as_str();
        let position = records
            .iter()
            .position(|record| record.id == target)
            .with_context(|| format!("cannot find the record of release `{target}`"))?;
        if !records[..position].iter().any(Record::may_have_changed_objects) {
            let mut plan = SitePlan {
                bucket: bucket.name.clone(),
                prefix: site.prefix.clone(),
                ..SitePlan::default()
            };
            self.retire_hidden(state, &records[position..], &mut plan, |_| None)
                .await;
            return Ok(plan);
        }
        check_versioning(&bucket.name, versioning(bucket).await?, &records[..position], target)?;
        state.history.load_keys(&mut records[..=position]).await.hint(
            "without these lists nobody knows which keys to bring back; deploy the commit that you want instead",
        )?;
        let found = versions(bucket, &keys_to_restore(&records[..position])).await?;
        let mut restoration = Restoration::new(found, Some(&records[position]));
        if let (after, [_, older @ ..]) = records.split_at_mut(position) {
            self.find_order(state, after, older, &mut restoration).await;
        }
        let perhaps_archived = restoration.perhaps_archived(&records[..position]);
        restoration.note_archives(&look_for_archives(bucket, perhaps_archived, &site.object).await);
        restoration.check(&records[..position], &format!("release `{target}`"))?;
        let mut wanted = restoration.wanted_writers(&records[..position]);
        self.find_writers(state, &mut records, &mut restoration, &mut wanted)
            .await;
        let after = &records[..position];
        let same = keys_with_same_headers(bucket, restoration.same_bytes(after), &site.object).await?;
        let restored = RestoredSite {
            bucket: &bucket.name,
            prefix: &site.prefix,
            acl: site.object.acl.as_deref(),
        };
        let mut plan = restoration.plan(after, &same, restored);
        self.retire_hidden(state, &records[position..], &mut plan, |key| restoration.current(key))
            .await;
        self.check_deletes(bucket, site, &plan).await?;
        Ok(plan)
    }

    /// `max-delete` holds for rollbacks too. Only as many objects are listed as it takes to know.
    async fn check_deletes(&self, bucket: &Bucket, site: &SiteInputs, plan: &SitePlan) -> anyhow::Result<()> {
        if plan.deletes.is_empty() {
            return Ok(());
        }
        let new = plan.writes.iter().filter(|write| write.reason == Reason::New).count() as u64;
        let enough = site.max_delete.objects_to_count(plan.deletes.len() as u64);
        let listing = Listing {
            prefix: site.prefix.clone(),
            page_size: site.page_size.unwrap_or(MAX_KEYS).clamp(1, MAX_KEYS),
            request_payer: site.object.request_payer,
        };
        let scope = SyncScope {
            filter: site.filter.clone(),
            prefix: site.prefix.clone(),
            reserved: folders_in(&bucket.name, self.inputs),
        };
        let kept = plan.retirement.iter().flat_map(|retirement| &retirement.kept);
        let kept: HashSet<&str> = kept.map(|kept| kept.asset.key.as_str()).collect();
        let counts = |object: &&RemoteObject| scope.manages(object) && !kept.contains(object.key.as_str());
        let (mut objects, mut after) = (0, None);
        loop {
            let page = listing.page(bucket, after.as_deref()).await?;
            objects += page.objects.iter().filter(counts).count() as u64;
            after = page.objects.last().map(|object| object.key.clone());
            if !page.more || after.is_none() || objects + new >= enough {
                return check_deletes(site.max_delete, objects, new, plan);
            }
        }
    }

    /// Looks into the releases `older` than the target for the order of versions, where what comes back depends on it and
    /// the listing does not tell.
    pub(crate) async fn find_order(
        &self,
        state: &CurrentState,
        after: &[Record],
        older: &mut [Record],
        restoration: &mut Restoration,
    ) {
        let mut known = 0;
        while known < older.len() && restoration.is_unclear(after) {
            let end = older.len().min(known + RECORDS_A_ROUND);
            if let Err(error) = state.history.load_keys(&mut older[known..end]).await {
                self.console.debug(&format!("{error:#}"));
            }
            known = end;
            restoration.note_older(&older[..known]);
        }
    }

    /// Finds out which release wrote the versions that come back, as far as records go: their ACL is recorded there.
    pub(crate) async fn find_writers(
        &self,
        state: &CurrentState,
        records: &mut [Record],
        restoration: &mut Restoration,
        wanted: &mut HashSet<String>,
    ) {
        for round in records.chunks_mut(RECORDS_A_ROUND) {
            if wanted.is_empty() {
                return;
            }
            // A list that is missing only costs a closer look at the versions.
            if let Err(error) = state.history.load_keys(round).await {
                self.console.debug(&format!("{error:#}"));
            }
            restoration.note_writers(round, wanted);
        }
    }
}
