//! The plan of a deploy: reads only. That of a rollback is made in [`crate::run::rollback`].

use crate::aws::backend;
use crate::aws::backend::plan::is_usable;
use crate::aws::s3::versioning::versioning;
use crate::aws::site::plan::plan_site;
use crate::core::bundle::Bundle;
use crate::core::cdn::invalidation::{InvalidationPlan, SiteOrigin};
use crate::core::error::Cancelled;
use crate::core::inputs::{BackendInputs, SiteInputs};
use crate::core::release::applied::header_check;
use crate::core::release::bundles::check_own_bundle;
use crate::core::release::interrupted::under_way;
use crate::core::release::plan::Plan;
use crate::core::release::record::Versioning;
use crate::core::release::steps::ThisStep;
use crate::core::release::versioning::turn_on;
use crate::core::site::plan::SitePlan;
use crate::core::site::repair::ObjectSettings;
use crate::run::deployment::Deployment;
use crate::run::package;
use crate::run::state::CurrentState;

impl Deployment<'_> {
    /// Site and backend are planned side by side.
    pub(crate) async fn plan_deploy(&self, state: &mut CurrentState) -> anyhow::Result<Plan> {
        let scan = state.scan.take();
        let state = &*state;
        let site_and_cdn = async {
            let site = match (&self.inputs.site, &state.bucket, scan) {
                (Some(inputs), Some(bucket), Some(scan)) => {
                    let mut check = self.of_this_step(inputs, |step| header_check(&state.records, step));
                    check.had.clone_from(&state.had);
                    if check.drops_acl(&ObjectSettings::of(&inputs.object, &inputs.headers)) {
                        self.console.line(
                            "no `acl` is set any more: objects keep the ACL that they have until they change; `acl: private` \
                             takes it away from all",
                        );
                    }
                    let (history, known) = (&state.history, &state.known_assets);
                    Some(plan_site(bucket, inputs, scan, history, &check, known, self.console).await?)
                }
                _ => None,
            };
            let cdn = self.plan_cdn(state, site.as_ref()).await?;
            anyhow::Ok((site, cdn))
        };
        let backend = async {
            let Some(inputs) = &self.inputs.backend else {
                return Ok((None, None));
            };
            let bundle = self.bundle(state, inputs).await?;
            let interrupted = bundle
                .as_ref()
                .and_then(|bundle| under_way(&state.records, &inputs.environments, &bundle.sha256));
            let _activity = self
                .console
                .activity("reading the application, its environments and versions");
            let plan =
                backend::plan::plan_backend(&state.aws, inputs, bundle.as_ref(), interrupted, self.console).await?;
            anyhow::Ok((Some(plan), bundle))
        };
        let (site_and_cdn, backend) = tokio::join!(site_and_cdn, backend);
        let ((backend, bundle), (site, cdn)) = (backend?, site_and_cdn?);
        if let (Some(backend), Some(site)) = (&backend, &site) {
            check_own_bundle(backend, site)?;
        }
        let mut plan = Plan {
            site,
            cdn,
            backend,
            bundle,
            ..Plan::default()
        };
        if !plan.changes_nothing() {
            plan.versioning = self.bucket_versioning(state).await;
            self.warn_without_versioning(plan.versioning);
        }
        Ok(plan)
    }

    /// Reads what the distributions serve when there is something to invalidate; else CloudFront gets no request at all.
    pub(crate) async fn plan_cdn(
        &self,
        state: &CurrentState,
        site: Option<&SitePlan>,
    ) -> anyhow::Result<Option<InvalidationPlan>> {
        let (Some(inputs), Some(cdn)) = (&self.inputs.cdn, &state.cdn) else {
            return Ok(None);
        };
        let has_explicit = inputs.paths.as_ref().is_some_and(|paths| !paths.is_empty());
        if !has_explicit && site.is_none_or(SitePlan::is_empty) && state.debts.pending.is_empty() {
            return Ok(None);
        }
        let origin = self.inputs.site.as_ref().map(|site| SiteOrigin {
            bucket: site.bucket.clone(),
            prefix: site.prefix.clone(),
        });
        let _activity = self.console.activity("reading what the distributions serve");
        let distributions = cdn.load_distributions(origin, self.console).await?;
        let keys: Vec<&str> = site.into_iter().flat_map(SitePlan::keys).collect();
        Ok(Some(InvalidationPlan::new(
            distributions,
            inputs.paths.clone(),
            state.debts.pending.clone(),
            &keys,
        )))
    }

    /// What `ask` answers for this run's step.
    pub(crate) fn of_this_step<T>(&self, inputs: &SiteInputs, ask: impl FnOnce(ThisStep<'_>) -> T) -> T {
        let (settings, run) = (ObjectSettings::of(&inputs.object, &inputs.headers), self.this_run());
        ask(ThisStep {
            scope: &inputs.scope,
            settings: &settings,
            run: &run,
        })
    }

    /// The versioning of the site's bucket; a record without it is better than none.
    pub(crate) async fn bucket_versioning(&self, state: &CurrentState) -> Versioning {
        let Some(bucket) = &state.bucket else {
            return Versioning::Unknown;
        };
        versioning(bucket).await.unwrap_or_else(|error| {
            self.console.debug(&format!("{error:#}"));
            Versioning::Unknown
        })
    }

    fn warn_without_versioning(&self, versioning: Versioning) {
        let Some(site) = &self.inputs.site else { return };
        if matches!(versioning, Versioning::Off | Versioning::Suspended) {
            self.console.notice(
                "No rollback",
                &format!(
                    "the site could not be rolled back: versioning of the bucket `{}` is off; turn it on with `{}`",
                    site.bucket,
                    turn_on(&site.bucket)
                ),
            );
        }
    }

    /// Bundles on a thread of its own: it reads and compresses. Nothing is bundled that would not be used.
    async fn bundle(&self, state: &CurrentState, inputs: &BackendInputs) -> anyhow::Result<Option<Bundle>> {
        let Some(package) = inputs.package.clone() else {
            return Ok(None);
        };
        if inputs.use_existing_version && is_usable(&state.aws, inputs).await? {
            self.console.line(&format!(
                "version `{}` exists and is deployed as it is; `package` is not used",
                inputs.version_label
            ));
            return Ok(None);
        }
        let _activity = self.console.activity("bundling the package");
        let temp = self.context.temp.clone();
        let made = tokio::task::spawn_blocking(move || package::make(&package, &temp)).await;
        let bundle = made.map_err(|_| anyhow::Error::from(Cancelled))??;
        for warning in &bundle.warnings {
            self.console.warning("Bundle", warning);
        }
        Ok(Some(bundle))
    }
}
