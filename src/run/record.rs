//! The record of this run: begun before the first change, ended after the last.

use std::collections::BTreeMap;

use chrono::Utc;

use crate::aws::s3::versioning::{turn_on, versioning};
use crate::core::backend::plan::UpdateStep;
use crate::core::error::Cancelled;
use crate::core::inputs::Command;
use crate::core::release::record::{
    Commit, EnvironmentOutcome, Record, RecordStatus, RecordedBackend, RecordedCdn, RecordedEnvironment, RecordedSite,
    ReleaseKind, VERSION, Versioning, WorkflowRun,
};
use crate::core::release::{concurrent_runs, id};
use crate::core::report::Report;
use crate::core::site::key_change::KeyChange;
use crate::core::site::repair::ObjectSettings;
use crate::run::Deployment;
use crate::run::plan::Plan;
use crate::run::state::CurrentState;

impl Deployment<'_> {
    /// Writes the record as started; `None` when this run changes nothing that a record is for.
    pub(crate) async fn begin_record(&self, world: &CurrentState, plan: &Plan) -> Option<Record> {
        if plan.changes_nothing() && (world.carried.is_empty() || plan.cdn.is_none()) {
            return None;
        }
        let record = Record {
            version: VERSION,
            id: self.release_id(),
            status: RecordStatus::Started,
            command: match self.inputs.command {
                Command::Rollback => ReleaseKind::Rollback,
                Command::Deploy | Command::Check => ReleaseKind::Deploy,
            },
            rolls_back_to: plan.target.as_ref().map(|target| target.id.clone()),
            started_at: self.now,
            finished_at: None,
            commit: self.commit(plan),
            run: self.this_run(),
            site: self.site_record(plan).await,
            cdn: plan.cdn.as_ref().map(|(_, planned)| RecordedCdn {
                distributions: planned.iter().map(|one| one.distribution.clone()).collect(),
                ..RecordedCdn::default()
            }),
            backend: self.backend_record(world, plan),
            stored_at: None,
        };
        world.history.start(&record).await;
        Some(record)
    }

    /// Writes the record as ended.
    pub(crate) async fn end_record(
        &self,
        world: &CurrentState,
        mut record: Record,
        changed: &[KeyChange],
        unconfirmed: BTreeMap<String, Vec<String>>,
        result: &anyhow::Result<()>,
        report: &Report,
    ) {
        record.status = match result {
            Ok(()) => RecordStatus::Succeeded,
            Err(error) if error.is::<Cancelled>() => RecordStatus::Cancelled,
            Err(_) => RecordStatus::Failed,
        };
        record.finished_at = Some(Utc::now());
        if let Some(site) = &mut record.site {
            site.finish(changed);
        }
        if let Some(cdn) = &mut record.cdn {
            // The paths that did change may be of other distributions than those that were planned.
            cdn.distributions
                .extend(report.invalidations.iter().map(|one| one.distribution.clone()));
            cdn.distributions.extend(unconfirmed.keys().cloned());
            cdn.distributions.sort();
            cdn.distributions.dedup();
            cdn.confirmed = report
                .invalidations
                .iter()
                .filter(|one| one.id.is_some())
                .map(|one| one.distribution.clone())
                .collect();
            cdn.unconfirmed = unconfirmed;
        }
        if let (Some(backend), Some(done)) = (&mut record.backend, &report.backend) {
            backend.bundle_sha256 = done.bundle.as_ref().map(|bundle| bundle.sha256.clone());
            for environment in &mut backend.environments {
                let Some(done) = done.environments.iter().find(|done| done.name == environment.name) else {
                    continue;
                };
                environment.outcome = match (done.changed, &done.error) {
                    (true, Some(_)) => EnvironmentOutcome::Failed,
                    (true, None) if result.is_err() && record.status == RecordStatus::Cancelled => {
                        EnvironmentOutcome::Failed
                    }
                    (true, None) => EnvironmentOutcome::Succeeded,
                    (false, None) if environment.outcome == EnvironmentOutcome::Unchanged => {
                        EnvironmentOutcome::Unchanged
                    }
                    (false, _) => EnvironmentOutcome::Skipped,
                };
            }
        }
        world.history.finish(&record).await;
    }

    /// Another run under way, or a newer one that was faster, is worth a warning before anything is planned.
    pub(crate) fn warn_of_others(&self, records: &[Record]) {
        let longest = self
            .inputs
            .backend
            .as_ref()
            .map_or(3600, |backend| backend.timeout.as_secs() + 600);
        let longest = chrono::Duration::seconds(i64::try_from(longest).unwrap_or(i64::MAX / 1000));
        for (title, text) in concurrent_runs::warnings(records, &self.this_run(), self.now, longest) {
            self.console.warning(title, &text);
        }
    }

    /// The id of this run's release; the same at each call.
    pub(crate) fn release_id(&self) -> String {
        id::new(
            self.now,
            self.context.run_id.as_deref(),
            self.context.run_attempt.as_deref(),
            self.random,
        )
    }

    fn this_run(&self) -> WorkflowRun {
        let number = |text: &Option<String>| text.as_deref().and_then(|text| text.parse().ok());
        WorkflowRun {
            repository: self.context.repository.clone(),
            workflow: self.context.workflow.clone(),
            id: self.context.run_id.clone(),
            number: number(&self.context.run_number),
            attempt: number(&self.context.run_attempt),
            url: self.context.run_url(),
            actor: self.context.actor.clone(),
        }
    }

    /// The commit that is live afterwards: the target's in a rollback.
    fn commit(&self, plan: &Plan) -> Option<Commit> {
        if self.inputs.command == Command::Rollback {
            return plan.target.as_ref().and_then(|target| target.commit.clone());
        }
        Some(Commit {
            sha: self.context.sha.clone()?,
            git_ref: self.context.git_ref.clone(),
            subject: self.context.commit_subject.clone(),
        })
    }

    async fn site_record(&self, plan: &Plan) -> Option<RecordedSite> {
        let (inputs, (bucket, site)) = (self.inputs.site.as_ref()?, plan.site.as_ref()?);
        let applied = match self.inputs.command {
            // The headers that are live afterwards are the target's.
            Command::Rollback => plan
                .target
                .as_ref()
                .and_then(|target| target.site.as_ref()?.applied.clone()),
            Command::Deploy | Command::Check => Some(ObjectSettings::of(&inputs.object, &inputs.headers)),
        };
        let versioning = match versioning(bucket).await {
            Ok(versioning) => versioning,
            Err(error) => {
                self.console.debug(&format!("{error:#}"));
                Versioning::Unknown
            }
        };
        if matches!(versioning, Versioning::Off | Versioning::Suspended) && self.inputs.command == Command::Deploy {
            self.console.notice(
                "No rollback",
                &format!(
                    "the site could not be rolled back: versioning of the bucket `{}` is off; turn it on with `{}`",
                    bucket.name,
                    turn_on(&bucket.name)
                ),
            );
        }
        let mut record = RecordedSite {
            bucket: site.bucket.clone(),
            prefix: site.prefix.clone(),
            applied,
            versioning,
            ..RecordedSite::default()
        };
        record.plan(site);
        Some(record)
    }

    fn backend_record(&self, world: &CurrentState, plan: &Plan) -> Option<RecordedBackend> {
        let backend = plan.backend.as_ref()?;
        Some(RecordedBackend {
            application: backend.application.clone(),
            region: world.aws.sdk.region().map(ToString::to_string).unwrap_or_default(),
            version_label: Some(backend.version_label.clone()),
            bundle_sha256: backend.bundle.as_ref().map(|bundle| bundle.sha256.clone()),
            environments: backend
                .environments
                .iter()
                .map(|environment| RecordedEnvironment {
                    name: environment.name.clone(),
                    previous_label: environment.previous_label.clone(),
                    label: environment.label.clone(),
                    outcome: if matches!(environment.step, UpdateStep::Update { .. }) {
                        EnvironmentOutcome::Planned
                    } else {
                        EnvironmentOutcome::Unchanged
                    },
                })
                .collect(),
        })
    }
}
