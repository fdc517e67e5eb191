//! The plan of a rollback: reads only. What it decides is decided in [`crate::core::release`].

use std::collections::HashSet;

use anyhow::Context as _;

use crate::aws::backend;
use crate::aws::backend::plan::plan_existing;
use crate::aws::s3::bucket::Bucket;
use crate::aws::s3::versioning::versioning;
use crate::aws::s3::versions::versions;
use crate::aws::site::restore::keys_with_same_headers;
use crate::core::error::HintExt as _;
use crate::core::inputs::SiteInputs;
use crate::core::release::labels::label_at;
use crate::core::release::plan::Plan;
use crate::core::release::record::Record;
use crate::core::release::restoration::{Restoration, keys_to_restore};
use crate::core::release::target::{Parts, TargetChoice, choose};
use crate::core::release::versioning::check_versioning;
use crate::core::site::plan::SitePlan;
use crate::run::Deployment;
use crate::run::state::CurrentState;

/// How many records are asked at the same time who wrote a version.
const RECORDS_A_ROUND: usize = 16;

impl Deployment<'_> {
    /// Chooses the release to go back to, and plans the way.
    pub(crate) async fn plan_rollback(&self, state: &CurrentState) -> anyhow::Result<Plan> {
        let running = match &self.inputs.backend {
            Some(inputs) => backend::plan::running(&state.aws, inputs).await?,
            None => Vec::new(),
        };
        let parts = Parts {
            site: self.inputs.site.is_some(),
            environments: &running,
        };
        let choice = choose(&state.records, self.inputs.release.to.as_deref(), parts)?;
        let mut plan = Plan::default();
        let labels: Vec<(String, String)> = match &choice {
            TargetChoice::Release(record) => {
                self.console.line(&format!("rolling back to release {}", record.id));
                plan.target = Some((*record).clone());
                let labels = running.iter().filter_map(|(name, _)| {
                    let label = label_at(&state.records, record, name)?;
                    Some((name.clone(), label.to_owned()))
                });
                labels.collect()
            }
            TargetChoice::Label(label) => running.iter().map(|(name, _)| (name.clone(), label.clone())).collect(),
        };
        if let (Some(inputs), false) = (&self.inputs.backend, labels.is_empty()) {
            plan.backend = Some(plan_existing(&state.aws, inputs, &labels).await?);
        }
        if let (Some(inputs), Some(bucket), TargetChoice::Release(record)) = (&self.inputs.site, &state.bucket, &choice)
        {
            plan.site = Some(self.plan_restoration(state, bucket, &record.id, inputs).await?);
        }
        plan.cdn = self.plan_cdn(state, plan.site.as_ref()).await?;
        if !plan.changes_nothing() {
            plan.versioning = self.bucket_versioning(state).await;
        }
        Ok(plan)
    }

    /// Plans to bring the site back to the state of release `target`.
    async fn plan_restoration(
        &self,
        state: &CurrentState,
        bucket: &Bucket,
        target: &str,
        site: &SiteInputs,
    ) -> anyhow::Result<SitePlan> {
        let mut records = state.records.clone();
        let position = records
            .iter()
            .position(|record| record.id == target)
            .with_context(|| format!("cannot find the record of release `{target}`"))?;
        if let Some(unreadable) = state.history.unreadable_after(target) {
            return Err(anyhow::anyhow!(
                "cannot roll back to release `{target}`: what release `{unreadable}` changed since cannot be read"
            ))
            .hint("choose a release after that one, or deploy the commit that you want");
        }
        if !records[..position].iter().any(Record::may_have_changed_objects) {
            return Ok(SitePlan {
                bucket: bucket.name.clone(),
                prefix: site.prefix.clone(),
                ..SitePlan::default()
            });
        }
        check_versioning(&bucket.name, versioning(bucket).await?, &records[..position], target)?;
        state.history.load_keys(&mut records[..=position]).await.hint(
            "without these lists nobody knows which keys to bring back; deploy the commit that you want instead",
        )?;
        let found = versions(bucket, &keys_to_restore(&records[..position])).await?;
        let mut restoration = Restoration::new(found, Some(&records[position]));
        restoration.check(&records[..position], &format!("release `{target}`"))?;
        let mut wanted = restoration.wanted_writers(&records[..position]);
        self.find_writers(state, &mut records, &mut restoration, &mut wanted)
            .await;
        let after = &records[..position];
        let same = keys_with_same_headers(bucket, restoration.same_bytes(after), &site.object).await?;
        Ok(restoration.plan(after, &same, &bucket.name, &site.prefix))
    }

    /// Finds out which release wrote the versions that come back, as far as records go: their ACL is recorded there.
    async fn find_writers(
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
