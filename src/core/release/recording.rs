//! The record of a run, built from its plan before the first change, and from its outcomes after the last.

use chrono::{DateTime, Utc};

use crate::core::backend::plan::{BackendPlan, EnvironmentPlan, UpdateStep};
use crate::core::inputs::Command;
use crate::core::release::known_releases::KnownReleases;
use crate::core::release::live_now::is_as_before;
use crate::core::release::outcome::{Invalidated, Outcomes};
use crate::core::release::plan::Plan;
use crate::core::release::record::{
    Commit, EnvironmentOutcome, Record, RecordStatus, RecordedBackend, RecordedEnvironment, RecordedPutBack,
    RecordedSite, ReleaseKind, VERSION, WorkflowRun,
};
use crate::core::release::recorded_cdn::RecordedCdn;
use crate::core::report::{BackendReport, EnvironmentReport};
use crate::core::site::key_change::{KeyChange, KeyOperation};
use crate::core::site::plan::SitePlan;
use crate::core::site::repair::ObjectSettings;

/// What a record says of its run, besides plan and outcomes.
#[derive(Debug, Clone)]
pub(crate) struct RunFacts {
    /// The release's id.
    pub(crate) id: String,
    /// Deploy or rollback.
    pub(crate) command: Command,
    /// When the run started, by the runner's clock.
    pub(crate) started_at: DateTime<Utc>,
    /// The commit of the workflow.
    pub(crate) commit: Option<Commit>,
    /// The workflow run.
    pub(crate) run: WorkflowRun,
    /// What a deploy sends objects with.
    pub(crate) settings: Option<ObjectSettings>,
    /// What a deploying step of a site is known by.
    pub(crate) scope: Vec<String>,
    /// The releases that the run knows.
    pub(crate) knows: KnownReleases,
    /// The region of the backend.
    pub(crate) region: String,
}

/// The record of a run that is about to carry `plan` out.
#[must_use]
pub(crate) fn started(facts: RunFacts, plan: &Plan) -> Record {
    let target = plan.target.as_ref();
    // What is live after a rollback is the target's.
    let (kind, commit, settings) = match facts.command {
        Command::Rollback => (
            ReleaseKind::Rollback,
            target.and_then(|target| target.commit.clone()),
            target.and_then(|target| target.site.as_ref()?.applied.clone()),
        ),
        Command::Deploy | Command::Check => (ReleaseKind::Deploy, facts.commit, facts.settings),
    };
    Record {
        version: VERSION,
        id: facts.id,
        status: RecordStatus::Started,
        command: kind,
        rolls_back_to: target.map(|target| target.id.clone()),
        started_at: facts.started_at,
        finished_at: None,
        commit,
        run: facts.run,
        site: plan.site.as_ref().map(|site| {
            let mut record = RecordedSite {
                bucket: site.bucket.clone(),
                prefix: site.prefix.clone(),
                // Without settings the next run compares with those of an older release, and asks again.
                scope: match kind {
                    ReleaseKind::Deploy => facts.scope,
                    ReleaseKind::Rollback => Vec::new(),
                },
                applied: settings.filter(|_| site.unchecked == 0),
                versioning: plan.versioning,
                ..RecordedSite::default()
            };
            record.plan(site);
            record.file_digests.clone_from(&site.file_digests);
            if let Some(retirement) = &site.retirement {
                record.knew = Some(facts.knows);
                // The list as it is whatever becomes of this run, should it be killed.
                if retirement.is_news {
                    record.leave(&retirement.left_by(false, &[]));
                }
                let backend_changes = plan.backend.as_ref().is_some_and(BackendPlan::changes);
                record.upkeep =
                    site.writes.is_empty() && site.deletes.len() == retirement.due.len() && !backend_changes;
            }
            record
        }),
        cdn: plan.cdn.as_ref().map(|cdn| RecordedCdn {
            distributions: cdn
                .planned()
                .iter()
                .map(|planned| planned.distribution.clone())
                .collect(),
            unconfirmed: cdn.without_keys(),
            ..RecordedCdn::default()
        }),
        backend: plan
            .backend
            .as_ref()
            .map(|backend| recorded_backend(backend, facts.region)),
        put_back: None,
        stored_at: None,
        ended_at: None,
        has_unreadable_end: false,
    }
}

/// The same record once the run has ended.
#[must_use]
pub(crate) fn finished(mut record: Record, outcomes: &Outcomes, status: RecordStatus, now: DateTime<Utc>) -> Record {
    record.status = status;
    record.finished_at = Some(now);
    if let Some(site) = &mut record.site {
        let is_whole = status == RecordStatus::Succeeded && !site.file_digests.is_empty();
        site.files = is_whole.then_some(site.file_digests.len() as u64);
        // What was put back comes behind what it takes back: the newest version of a key is the last that is named.
        let put_back = outcomes.put_back.iter().flat_map(|put_back| &put_back.site.changed);
        let changed: Vec<KeyChange> = outcomes.site.changed.iter().chain(put_back).cloned().collect();
        site.finish(&changed);
        if let Some(left) = &outcomes.old_assets {
            site.leave(left);
        }
    }
    record.put_back = outcomes.put_back.as_ref().map(|put_back| RecordedPutBack {
        complete: is_as_before(outcomes),
        keys: put_back.restored.len() as u64,
    });
    if let Some(cdn) = &mut record.cdn {
        let Invalidated {
            invalidations,
            unconfirmed,
        } = &outcomes.invalidated();
        // The paths that did change may be of other distributions than those that were planned.
        cdn.distributions.extend(
            invalidations
                .iter()
                .map(|invalidation| invalidation.distribution.clone()),
        );
        cdn.distributions.extend(unconfirmed.keys().cloned());
        cdn.distributions.sort();
        cdn.distributions.dedup();
        cdn.confirmed = invalidations
            .iter()
            .filter(|invalidation| invalidation.id.is_some())
            .map(|invalidation| invalidation.distribution.clone())
            .collect();
        cdn.unconfirmed.clone_from(unconfirmed);
    }
    if let (Some(backend), Some(done)) = (&mut record.backend, &outcomes.backend) {
        finish_backend(backend, done, status);
    }
    record
}

/// Notes in the record of a run that knew all debts which distributions owe nothing any more.
pub(crate) fn note_settled(record: &mut Record, distributions: &[String]) {
    if distributions.is_empty() {
        return;
    }
    let cdn = record.cdn.get_or_insert_default();
    for distribution in distributions {
        if !cdn.unconfirmed.contains_key(distribution) && !cdn.confirmed.contains(distribution) {
            cdn.confirmed.push(distribution.clone());
        }
        if !cdn.distributions.contains(distribution) {
            cdn.distributions.push(distribution.clone());
        }
    }
}

impl RecordedSite {
    /// Takes the keys that `plan` is about to change.
    pub(crate) fn plan(&mut self, plan: &SitePlan) {
        self.planned = plan.changes().collect();
        self.planned_keys = self.planned.len() as u64;
    }

    /// Takes the keys that an execution did change.
    pub(crate) fn finish(&mut self, changed: &[KeyChange]) {
        let count = |wanted: fn(&KeyChange) -> bool| changed.iter().filter(|change| wanted(change)).count() as u64;
        self.changed = changed.to_vec();
        self.perhaps = count(|change| change.perhaps);
        self.written = count(|change| !change.perhaps && change.operation == KeyOperation::Written);
        self.deleted = count(|change| !change.perhaps && change.operation == KeyOperation::Deleted);
    }
}

fn recorded_backend(backend: &BackendPlan, region: String) -> RecordedBackend {
    let environment = |environment: &EnvironmentPlan| RecordedEnvironment {
        name: environment.name.clone(),
        previous_label: environment.previous_label.clone(),
        label: environment.label_afterwards().to_owned(),
        outcome: match environment.step {
            UpdateStep::Update { .. } => EnvironmentOutcome::Planned,
            UpdateStep::Nothing | UpdateStep::Unrecorded => EnvironmentOutcome::Unchanged,
        },
    };
    RecordedBackend {
        application: backend.application.clone(),
        region,
        version_label: Some(backend.version_label.clone()),
        bundle_sha256: backend.bundle.as_ref().map(|bundle| bundle.sha256.clone()),
        environments: backend.environments.iter().map(environment).collect(),
    }
}

fn finish_backend(backend: &mut RecordedBackend, done: &BackendReport, status: RecordStatus) {
    backend.bundle_sha256 = done.bundle.as_ref().map(|bundle| bundle.sha256.clone());
    for environment in &mut backend.environments {
        if let Some(done) = done.environments.iter().find(|done| done.name == environment.name) {
            environment.outcome = environment_outcome(environment.outcome, done, status);
            // What ran right before the update is what it replaced, whatever ran when it was planned.
            environment.previous_label.clone_from(&done.previous_version_label);
        }
    }
}

fn environment_outcome(planned: EnvironmentOutcome, done: &EnvironmentReport, run: RecordStatus) -> EnvironmentOutcome {
    match (done.changed, &done.error) {
        // It does not run what this run brought.
        (true, None) if done.rolled_back => EnvironmentOutcome::Failed,
        (true, Some(_)) if done.end_unseen && !done.rolled_back => EnvironmentOutcome::Planned,
        (true, Some(_)) => EnvironmentOutcome::Failed,
        (true, None) if run == RecordStatus::Cancelled => EnvironmentOutcome::Planned,
        (true, None) => EnvironmentOutcome::Succeeded,
        (false, None) if planned == EnvironmentOutcome::Unchanged => EnvironmentOutcome::Unchanged,
        // An update that was under way has brought it.
        (false, None) if run == RecordStatus::Succeeded => EnvironmentOutcome::Succeeded,
        (false, _) => EnvironmentOutcome::Skipped,
    }
}
