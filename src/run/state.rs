//! Looking at everything, and making the plan; nothing is changed here.

use crate::aws::site::plan::{SyncScan, plan_site};
use futures_util::future::OptionFuture;

use crate::aws::cdn::{self, SiteOrigin};
use crate::aws::releases::{History, folders_in};
use crate::aws::s3::bucket::Bucket;
use crate::aws::site::restore;
use crate::aws::{self, Aws, backend};
use crate::core::backend::plan::BackendPlan;
use crate::core::bundle::{self, Bundle};
use crate::core::error::Cancelled;
use crate::core::inputs::{BackendInputs, Command};
use crate::core::release::labels::label_at;
use crate::core::release::pending::{PendingInvalidations, carried, previous_settings};
use crate::core::release::record::Record;
use crate::core::release::target::{Parts, TargetChoice, choose};
use crate::core::report::history;
use crate::core::site::plan::SitePlan;
use crate::core::site::repair::ObjectSettings;
use crate::run::Deployment;
use crate::run::plan::Plan;

/// How many records a deploy looks back for what earlier runs owe, and how many releases keep their versions.
const RECENT: usize = 20;
/// How many records a rollback reads: its target may be far back.
const ALL: usize = 1000;

/// Releases that a dry run of a rollback lists to choose from.
const LISTED: usize = 20;

/// What there is before anything changes.
pub(crate) struct CurrentState {
    pub(crate) aws: Aws,
    pub(crate) bucket: Option<Bucket>,
    /// The site's comparison, under way.
    comparing: Option<SyncScan>,
    pub(crate) history: History,
    /// Newest first.
    pub(crate) records: Vec<Record>,
    pub(crate) carried: PendingInvalidations,
}

impl Deployment<'_> {
    pub(crate) async fn connect(&self) -> anyhow::Result<Aws> {
        aws::connect(&self.inputs.aws, self.context, self.env, self.console).await
    }

    /// Credentials, the bucket, the records.
    pub(crate) async fn read_state(&self) -> anyhow::Result<CurrentState> {
        let aws = self.connect().await?;
        let bucket = match &self.inputs.site {
            Some(site) => Some(Bucket::open(&aws, &site.bucket).await?),
            None => None,
        };
        // The longest look by far needs nothing of what follows.
        let comparing = match (&self.inputs.site, &bucket, self.inputs.command) {
            (Some(site), Some(bucket), Command::Deploy) => {
                let reserved = folders_in(&bucket.name, self.inputs);
                let backend = self.inputs.backend.as_ref();
                let bundles_of = backend
                    .filter(|backend| backend.package_bucket.as_ref() == Some(&bucket.name))
                    .map(|backend| backend.application.clone());
                Some(SyncScan::start(bucket, site, reserved, bundles_of))
            }
            _ => None,
        };
        let history = History::open(&aws, bucket.as_ref(), self.inputs, self.console).await;
        let depth = if self.inputs.command == Command::Rollback {
            ALL
        } else {
            RECENT
        };
        let mut records = history.recent(depth).await;
        let distributions = self.inputs.cdn.as_ref().map_or(&[][..], |cdn| &cdn.distributions);
        self.warn_of_others(&records);
        for index in crate::core::release::pending::interrupted(&records, distributions) {
            if let Err(error) = history.load_keys(&mut records[index..=index]).await {
                self.console.warning("Release record", &format!("{error:#}"));
            }
        }
        let carried = carried(&records, distributions);
        Ok(CurrentState {
            aws,
            bucket,
            comparing,
            history,
            records,
            carried,
        })
    }

    /// Site and backend are looked at side by side.
    pub(crate) async fn plan_deploy(&self, world: &mut CurrentState) -> anyhow::Result<Plan> {
        let comparing = world.comparing.take();
        let world = &*world;
        let site = async {
            let (Some(inputs), Some(bucket), Some(comparing)) = (&self.inputs.site, &world.bucket, comparing) else {
                return Ok(None);
            };
            let applied = ObjectSettings::of(&inputs.object, &inputs.headers);
            let previous = previous_settings(&world.records, &applied);
            let plan = plan_site(bucket, inputs, comparing, previous, self.console).await?;
            anyhow::Ok(Some((bucket.clone(), plan)))
        };
        let backend = async {
            let Some(inputs) = &self.inputs.backend else {
                return Ok((None, None));
            };
            let bundle = self.bundle(inputs).await?;
            let plan = backend::plan::plan_backend(&world.aws, inputs, bundle.as_ref(), self.console).await?;
            anyhow::Ok((Some(plan), bundle))
        };
        let site_and_cdn = async {
            let site = site.await?;
            let cdn = self.plan_cdn(world, site.as_ref().map(|(_, plan)| plan)).await?;
            anyhow::Ok((site, cdn))
        };
        let (site_and_cdn, backend) = tokio::join!(site_and_cdn, backend);
        let ((backend, bundle), (site, cdn)) = (backend?, site_and_cdn?);
        let mut plan = Plan {
            site,
            backend,
            bundle,
            ..Plan::default()
        };
        plan.with_cdn(cdn, &world.carried);
        Ok(plan)
    }

    /// Chooses the release to go back to, and plans the way; in a dry run lists the last releases to choose from.
    pub(crate) async fn plan_rollback(&self, world: &CurrentState, extra: &mut String) -> anyhow::Result<Plan> {
        let now = match &self.inputs.backend {
            Some(inputs) => backend::plan::running(&world.aws, inputs).await?,
            None => Vec::new(),
        };
        if self.inputs.dry_run {
            history::lines(&world.records, LISTED)
                .iter()
                .for_each(|line| self.console.line(line));
            *extra = history::history(&world.records, LISTED, &self.context.server_url);
        }
        let parts = Parts {
            site: self.inputs.site.is_some(),
            environments: &now,
        };
        let choice = choose(&world.records, self.inputs.release.to.as_deref(), parts)?;
        let mut plan = Plan::default();
        let labels = match &choice {
            TargetChoice::Release(record) => {
                self.console.line(&format!("rolling back to release {}", record.id));
                plan.target = Some((*record).clone());
                now.iter()
                    .filter_map(|(name, _)| {
                        let label = label_at(&world.records, record, name)?;
                        Some((name.clone(), label.to_owned()))
                    })
                    .collect::<Vec<_>>()
            }
            TargetChoice::Label(label) => now.iter().map(|(name, _)| (name.clone(), label.clone())).collect(),
        };
        if let (Some(inputs), false) = (&self.inputs.backend, labels.is_empty()) {
            plan.backend = Some(BackendPlan::existing(&world.aws, inputs, &labels).await?);
        }
        if let (Some(inputs), Some(bucket), TargetChoice::Release(record)) = (&self.inputs.site, &world.bucket, &choice)
        {
            let mut records = world.records.clone();
            let site = restore::plan(bucket, &world.history, &mut records, &record.id, inputs).await?;
            plan.site = Some((bucket.clone(), site));
        }
        plan.with_cdn(self.plan_cdn(world, plan.site()).await?, &world.carried);
        Ok(plan)
    }

    /// Looks at the distributions when there is something to invalidate; else CloudFront gets no request at all.
    async fn plan_cdn(&self, world: &CurrentState, site: Option<&SitePlan>) -> anyhow::Result<Option<cdn::Cdn>> {
        let explicit = self.inputs.cdn.as_ref().and_then(|cdn| cdn.paths.as_ref());
        if explicit.is_none_or(Vec::is_empty) && site.is_none_or(SitePlan::is_empty) && world.carried.is_empty() {
            return Ok(None);
        }
        let origin = self.inputs.site.as_ref().map(|site| SiteOrigin {
            bucket: site.bucket.clone(),
            prefix: site.prefix.clone(),
        });
        let look = self
            .inputs
            .cdn
            .as_ref()
            .map(|cdn| cdn::load_distributions(&world.aws, cdn, origin, self.console));
        OptionFuture::from(look).await.transpose()
    }

    /// Bundles on a thread of its own: it reads and compresses.
    async fn bundle(&self, inputs: &BackendInputs) -> anyhow::Result<Option<Bundle>> {
        let Some(package) = inputs.package.clone() else {
            return Ok(None);
        };
        let temp = self.context.temp.clone();
        let made = tokio::task::spawn_blocking(move || bundle::make(&package, &temp)).await;
        let bundle = made.map_err(|_| anyhow::Error::from(Cancelled))??;
        for warning in &bundle.warnings {
            self.console.warning("Bundle", warning);
        }
        Ok(Some(bundle))
    }
}
