//! The record of this run: begun before the first change, ended after the last.

use std::time::Duration;

use chrono::Utc;

use crate::core::error::Cancelled;
use crate::core::inputs::Command;
use crate::core::release::applied::is_to_be_noted;
use crate::core::release::concurrent_runs;
use crate::core::release::interrupted::{is_unsettled, settled};
use crate::core::release::outcome::Outcomes;
use crate::core::release::overlap::known_releases;
use crate::core::release::plan::Plan;
use crate::core::release::record::{Commit, Record, RecordStatus, WorkflowRun};
use crate::core::release::recorded::Recorded;
use crate::core::release::recording::{RunFacts, finished, note_settled, started};
use crate::core::site::repair::ObjectSettings;
use crate::run::deployment::Deployment;
use crate::run::state::CurrentState;

/// So long after the wish to stop, nobody waits any longer for the start of a record.
const STARTED_WITHIN: Duration = Duration::from_secs(2);
/// The same for its end, before which uploads may have been waited for.
const ENDED_WITHIN: Duration = Duration::from_millis(4_400);

impl Deployment<'_> {
    /// Writes the record as started, and says where that worked; `None` when this run changes nothing that a record is
    /// for.
    pub(crate) async fn begin_record(&self, state: &CurrentState, plan: &Plan) -> Option<(Record, Recorded)> {
        // A run that finds all as it should be after one that did not end well is where later runs go back to.
        let has_state = self.inputs.command == Command::Deploy || plan.target.is_some();
        let settles = has_state && is_unsettled(&state.records);
        let planned = plan.cdn.as_ref().is_some_and(|cdn| !cdn.planned().is_empty());
        let keeps = !state.debts.pending.is_empty() || state.history.keeps_distributions();
        let site = self
            .inputs
            .site
            .as_ref()
            .filter(|_| self.inputs.command == Command::Deploy);
        let stays_known = site.is_some_and(|site| self.of_this_step(site, |step| is_to_be_noted(&state.records, step)));
        let is_recorded =
            !plan.changes_nothing() || plan.only_retires() || (planned && keeps) || settles || stays_known;
        if !is_recorded {
            return None;
        }
        let record = self.new_record(state, plan);
        let _activity = self.console.activity("writing the release record");
        let started = self.clock.within(STARTED_WITHIN, state.history.start(&record)).await;
        let writes = plan.site.as_ref().is_some_and(|site| !site.writes.is_empty());
        if started == Some(Recorded::Nowhere) && writes && self.inputs.command == Command::Deploy {
            self.console.warning(
                "Release record",
                "no record says which headers this run sets, so a later run that no longer names one of them may leave it \
                 where it is: give that run `force-headers: true` once",
            );
        }
        Some((record, started.unwrap_or(Recorded::Nowhere)))
    }

    /// The record of this run.
    pub(crate) fn new_record(&self, state: &CurrentState, plan: &Plan) -> Record {
        let site = self.inputs.site.as_ref();
        let facts = RunFacts {
            id: self.release_id(),
            command: self.inputs.command,
            started_at: self.now,
            commit: self.context.sha.clone().map(|sha| Commit {
                sha,
                git_ref: self.context.git_ref.clone(),
                subject: self.context.commit_subject.clone(),
            }),
            run: self.this_run(),
            settings: site.map(|inputs| ObjectSettings::of(&inputs.object, &inputs.headers)),
            scope: site.map(|inputs| inputs.scope.clone()).unwrap_or_default(),
            knows: known_releases(&state.records),
            region: state.aws.sdk.region().map(ToString::to_string).unwrap_or_default(),
        };
        started(facts, plan)
    }

    /// Ends the record of a release whose end nobody saw and whose version runs well now, by `runs_well`: what runs
    /// before this run's own update is a release to go back to.
    pub(crate) async fn settle<'l>(
        &self,
        state: &CurrentState,
        runs_well: impl Fn(&str) -> Option<&'l str>,
    ) -> Option<Record> {
        let record = settled(&state.records, runs_well, Utc::now())?;
        let label = record.backend.as_ref()?.version_label.as_deref().unwrap_or_default();
        self.console.line(&format!(
            "nobody saw the end of release {}; its version `{label}` is live and healthy, so it counts as succeeded",
            record.id
        ));
        self.clock.within(STARTED_WITHIN, state.history.settle(&record)).await;
        Some(record)
    }

    /// Writes the record as ended, and says where that worked.
    pub(crate) async fn end_record(
        &self,
        state: &CurrentState,
        record: Record,
        outcomes: &Outcomes,
        result: &anyhow::Result<()>,
    ) -> Recorded {
        let status = match result {
            Ok(()) => RecordStatus::Succeeded,
            Err(error) if error.is::<Cancelled>() => RecordStatus::Cancelled,
            Err(_) => RecordStatus::Failed,
        };
        let mut record = finished(record, outcomes, status, Utc::now());
        if let Some(cdn) = self.inputs.cdn.as_ref().filter(|_| state.debts.are_known) {
            note_settled(&mut record, &cdn.distributions);
        }
        if let Some(cdn) = &mut record.cdn {
            state.debts.note_paid(outcomes, cdn);
        }
        let _activity = self.console.activity("writing the release record");
        let written = self.clock.within(ENDED_WITHIN, state.history.finish(&record)).await;
        if written == Some(Recorded::Everywhere) {
            self.console
                .line(&format!("release {}: recorded as {}", record.id, status.text()));
        }
        written.unwrap_or_else(|| {
            state.history.warn_of_no_time();
            Recorded::Nowhere
        })
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

    pub(crate) fn this_run(&self) -> WorkflowRun {
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
}
