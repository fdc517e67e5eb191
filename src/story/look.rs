//! Looking at everything, and making the plan; nothing is changed here.

use futures_util::future::OptionFuture;

use super::Story;
use crate::aws::beanstalk::BackendPlan;
use crate::aws::cloudfront::{self, SiteOrigin};
use crate::aws::history::{History, folders_in};
use crate::aws::s3::{self, Bucket, restore};
use crate::aws::{self, Aws, beanstalk};
use crate::bundle::{self, Bundle};
use crate::failure::Cancelled;
use crate::inputs::{BackendInputs, Command};
use crate::plan::Plan;
use crate::release::record::Record;
use crate::release::{Carried, Choice, Parts, carried, choose, label_at, previous_settings};
use crate::report::history;
use crate::site::plan::SitePlan;
use crate::site::repair::Applied;

/// How many records a deploy looks back for what earlier runs owe, and how many releases keep their versions.
const RECENT: usize = 20;
/// How many records a rollback reads: its target may be far back.
const ALL: usize = 1000;

/// Releases that a dry run of a rollback lists to choose from.
const LISTED: usize = 20;

/// What there is before anything changes.
pub(super) struct World {
    pub(super) aws: Aws,
    pub(super) bucket: Option<Bucket>,
    /// The site's comparison, under way.
    comparing: Option<s3::Comparing>,
    pub(super) history: History,
    /// Newest first.
    pub(super) records: Vec<Record>,
    pub(super) carried: Carried,
}

impl Story<'_> {
    pub(super) async fn connect(&self) -> anyhow::Result<Aws> {
        aws::connect(&self.inputs.aws, self.context, self.env, self.console).await
    }

    /// Credentials, the bucket, the records.
    pub(super) async fn look_around(&self) -> anyhow::Result<World> {
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
                Some(s3::Comparing::start(bucket, site, reserved, bundles_of))
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
        for index in crate::release::carry::killed(&records, distributions) {
            if let Err(error) = history.load_keys(&mut records[index..=index]).await {
                self.console.warning("Release record", &format!("{error:#}"));
            }
        }
        let carried = carried(&records, distributions);
        Ok(World {
            aws,
            bucket,
            comparing,
            history,
            records,
            carried,
        })
    }

    /// Site and backend are looked at side by side.
    pub(super) async fn plan_deploy(&self, world: &mut World) -> anyhow::Result<Plan> {
        let comparing = world.comparing.take();
        let world = &*world;
        let site = async {
            let (Some(inputs), Some(bucket), Some(comparing)) = (&self.inputs.site, &world.bucket, comparing) else {
                return Ok(None);
            };
            let applied = Applied::of(&inputs.object, &inputs.headers);
            let previous = previous_settings(&world.records, &applied);
            let look = s3::look(bucket, inputs, comparing, previous, self.console).await?;
            anyhow::Ok(Some((bucket.clone(), look.plan)))
        };
        let backend = async {
            let Some(inputs) = &self.inputs.backend else {
                return Ok((None, None));
            };
            let bundle = self.bundle(inputs).await?;
            let plan = beanstalk::look(&world.aws, inputs, bundle.as_ref(), self.console).await?;
            anyhow::Ok((Some(plan), bundle))
        };
        let site_and_cdn = async {
            let site = site.await?;
            let cdn = self.look_at_cdn(world, site.as_ref().map(|(_, plan)| plan)).await?;
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
    pub(super) async fn plan_rollback(&self, world: &World, extra: &mut String) -> anyhow::Result<Plan> {
        let now = match &self.inputs.backend {
            Some(inputs) => beanstalk::running(&world.aws, inputs).await?,
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
            Choice::Release(record) => {
                self.console.line(&format!("rolling back to release {}", record.id));
                plan.target = Some((*record).clone());
                now.iter()
                    .filter_map(|(name, _)| {
                        let label = label_at(&world.records, record, name)?;
                        Some((name.clone(), label.to_owned()))
                    })
                    .collect::<Vec<_>>()
            }
            Choice::Label(label) => now.iter().map(|(name, _)| (name.clone(), label.clone())).collect(),
        };
        if let (Some(inputs), false) = (&self.inputs.backend, labels.is_empty()) {
            plan.backend = Some(BackendPlan::existing(&world.aws, inputs, &labels).await?);
        }
        if let (Some(inputs), Some(bucket), Choice::Release(record)) = (&self.inputs.site, &world.bucket, &choice) {
            let mut records = world.records.clone();
            let site = restore::plan(bucket, &world.history, &mut records, &record.id, inputs).await?;
            plan.site = Some((bucket.clone(), site));
        }
        plan.with_cdn(self.look_at_cdn(world, plan.site()).await?, &world.carried);
        Ok(plan)
    }

    /// Looks at the distributions when there is something to invalidate; else CloudFront gets no request at all.
    async fn look_at_cdn(&self, world: &World, site: Option<&SitePlan>) -> anyhow::Result<Option<cloudfront::Cdn>> {
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
            .map(|cdn| cloudfront::look(&world.aws, cdn, origin, self.console));
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
