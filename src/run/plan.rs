//! What is going to happen to site, cdn and backend together: made whole before anything changes.

use crate::aws::cdn::{Cdn, PlannedInvalidation};
use crate::aws::s3::bucket::Bucket;
use crate::console::Console;
use crate::core::backend::plan::BackendPlan;
use crate::core::bundle::Bundle;
use crate::core::inputs::Verbosity;
use crate::core::release::pending::PendingInvalidations;
use crate::core::release::record::Record;
use crate::core::report::{self, Invalidation, Report};
use crate::core::site::plan::SitePlan;

/// The plan of a deploy or a rollback; a part that is off is `None`.
#[derive(Default)]
pub(crate) struct Plan {
    /// The site and its bucket.
    pub(crate) site: Option<(Bucket, SitePlan)>,
    /// The distributions, and what would be invalidated if all of the plan succeeds.
    pub(crate) cdn: Option<(Cdn, Vec<PlannedInvalidation>)>,
    /// The backend.
    pub(crate) backend: Option<BackendPlan>,
    /// What the backend's plan deploys.
    pub(crate) bundle: Option<Bundle>,
    /// The release that a rollback goes back to.
    pub(crate) target: Option<Record>,
}

impl Plan {
    /// Adds the distributions, and what would be invalidated if all of the plan succeeds.
    pub(crate) fn with_cdn(&mut self, cdn: Option<Cdn>, carried: &PendingInvalidations) {
        self.cdn = cdn.map(|cdn| {
            let keys: Vec<&str> = self.site().into_iter().flat_map(SitePlan::keys).collect();
            let planned = cdn.plan(&keys, carried);
            (cdn, planned)
        });
    }

    /// The site's plan.
    pub(crate) fn site(&self) -> Option<&SitePlan> {
        self.site.as_ref().map(|(_, plan)| plan)
    }

    /// Whether site and backend stay as they are.
    pub(crate) fn changes_nothing(&self) -> bool {
        self.site().is_none_or(SitePlan::is_empty) && !self.backend.as_ref().is_some_and(BackendPlan::changes)
    }

    /// Puts the plan into the report: what is going to happen, until what did happen replaces it.
    pub(crate) fn describe(&self, report: &mut Report) {
        report.site = self.site().map(describe_site);
        report.rolled_back_to = self.target.as_ref().map(|target| report::TargetReport {
            release: target.id.clone(),
            commit: target.commit.as_ref().map(|commit| commit.sha.clone()),
        });
        report.backend = self.backend.as_ref().map(BackendPlan::report);
        report.invalidations = self
            .cdn
            .iter()
            .flat_map(|(_, planned)| planned)
            .map(|planned| Invalidation {
                distribution: planned.distribution.clone(),
                id: None,
                paths: planned.paths.clone(),
                status: "Planned".to_owned(),
            })
            .collect();
    }

    /// Prints the plan: numbers always, every line in a dry run.
    pub(crate) fn print(&self, console: &Console, dry_run: bool, verbosity: Verbosity) {
        if let Some(site) = self.site() {
            print_site(site, console, dry_run, verbosity);
        }
        for planned in self.cdn.iter().flat_map(|(_, planned)| planned) {
            console.line(&format!("cdn: {}: {} paths", planned.distribution, planned.paths.len()));
            if dry_run {
                planned
                    .paths
                    .iter()
                    .for_each(|path| console.line(&format!("(dry run) invalidate  {path}")));
            }
        }
        for line in self.backend.iter().flat_map(BackendPlan::lines) {
            console.line(&format!("backend: {line}"));
        }
    }
}

fn print_site(site: &SitePlan, console: &Console, dry_run: bool, verbosity: Verbosity) {
    if verbosity != Verbosity::Quiet {
        for warning in &site.warnings {
            console.line(&format!("warning: {}: {}", warning.path, warning.message));
        }
        if !site.warnings.is_empty() {
            let first = &site.warnings[0];
            let more = match site.warnings.len() - 1 {
                0 => String::new(),
                more => format!(" (and {more} more, see the log)"),
            };
            console.warning("Site", &format!("{}: {}{more}", first.path, first.message));
        }
    }
    console.line(&format!(
        "site: s3://{}/{}: {} to write, {} to delete, {} unchanged",
        site.bucket,
        site.prefix,
        site.writes.len(),
        site.deletes.len(),
        site.unchanged
    ));
    if dry_run && verbosity != Verbosity::Quiet {
        for write in &site.writes {
            let size = report::human_bytes(write.size);
            console.line(&format!(
                "(dry run) {}  {}  {size}  ({})",
                write.source.verb(),
                write.key,
                write.reason.text()
            ));
        }
        site.deletes
            .iter()
            .for_each(|key| console.line(&format!("(dry run) delete  {key}")));
    }
}

/// The site's plan as the report shows it.
pub(crate) fn describe_site(plan: &SitePlan) -> report::SiteReport {
    report::SiteReport {
        bucket: plan.bucket.clone(),
        prefix: plan.prefix.clone(),
        unchanged: plan.unchanged,
        uploads: plan
            .writes
            .iter()
            .map(|write| report::UploadReport {
                key: write.key.clone(),
                size: write.size,
                reason: write.reason,
                content_type: write.headers.content_type.clone(),
            })
            .collect(),
        deletes: plan.deletes.clone(),
        failures: Vec::new(),
        warnings: plan.warnings.clone(),
    }
}
