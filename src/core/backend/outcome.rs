//! What became of a backend's plan, and the part of the report that shows it.

use chrono::{DateTime, Utc};

use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::events::EnvironmentEvent;
use crate::core::backend::plan::BackendPlan;
use crate::core::backend::rollout::FailureReason;
use crate::core::backend::settings::SettingsChange;
use crate::core::backend::undo::{UndoEnd, undo_text};
use crate::core::error::{Cancelled, with_aftermath};
use crate::core::report::{BackendReport, EnvironmentReport, Excerpt};
use crate::core::text::names;

/// Said of an update that goes on though nobody watches it any longer.
pub(crate) const KEEPS_RUNNING: &str = "the update keeps running";

/// How an update ended.
#[derive(Debug)]
pub(crate) enum UpdateOutcome {
    /// As it should.
    Succeeded,
    /// It was sent, and is not to be waited for.
    Sent,
    /// The run is to stop.
    Cancelled,
    /// It did not work: why, and the event that said so first.
    Failed { why: FailureReason, event: Option<String> },
    /// The deadline came first: the environment is in this status, by another update where one began after ours.
    Deadline { status: String, another: bool },
    /// A request failed.
    Error(anyhow::Error),
}

impl UpdateOutcome {
    /// Whether the update did not become what it should.
    pub(crate) fn is_failure(&self) -> bool {
        match self {
            Self::Failed { .. } | Self::Deadline { .. } | Self::Error(_) => true,
            Self::Succeeded | Self::Sent | Self::Cancelled => false,
        }
    }
}

/// What was done to one environment, and what was seen of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct EnvironmentRun {
    /// An update was started, or perhaps was.
    pub(crate) changed: bool,
    /// Nobody knows whether the update was started: its answer was not waited for.
    pub(crate) uncertain: bool,
    /// The request ids of our updates, as far as they are known.
    pub(crate) requests: Vec<String>,
    /// When the newest event before our update was written.
    pub(crate) since: Option<DateTime<Utc>>,
    /// The version that was sent last, or perhaps was.
    pub(crate) sent: Option<String>,
    /// The version that ran right before that update; `None`: nobody has looked.
    pub(crate) previous: Option<Option<String>>,
    /// The version that the environment showed then: not gone back to when it never worked.
    pub(crate) replaced: Option<String>,
    /// What the option settings that changed said before.
    pub(crate) settings_before: SettingsChange,
    /// What became of the option settings that an update of ours sent.
    pub(crate) sent_settings: SentSettings,
    /// Somebody else deployed this version over it.
    pub(crate) superseded_by: Option<String>,
    /// What was seen last; `None`: nothing yet.
    pub(crate) seen: Option<LastSeen>,
    /// The events of the update, oldest first.
    pub(crate) events: Vec<EnvironmentEvent>,
    /// Why it failed, in one line.
    pub(crate) failure: Option<String>,
    /// It runs again what it ran before our update.
    pub(crate) rolled_back: bool,
    /// What was found out about that.
    pub(crate) excerpts: Vec<Excerpt>,
}

/// The option settings that updates of a run sent to an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SentSettings {
    /// The names of those that are not what they were, as far as that is known.
    pub(crate) names: Vec<String>,
    /// They were sent in an update of their own, which succeeded; else nobody knows what became of them.
    pub(crate) took_effect: bool,
}

/// What was seen last of an environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LastSeen {
    /// It is not there any more.
    Gone,
    /// It is there.
    There(EnvironmentState),
    /// It was there, and since then an update to this version was sent or went on unseen: what it runs is not known.
    Before { sent: String },
}

/// What became of an environment that was to go back to what ran before.
#[derive(Debug)]
pub(crate) struct UndoneEnvironment {
    pub(crate) name: String,
    /// What was done for it.
    pub(crate) run: EnvironmentRun,
    pub(crate) result: anyhow::Result<UndoEnd>,
}

/// What became of a plan.
#[derive(Debug, Default)]
pub(crate) struct BackendOutcome {
    /// The version was created.
    pub(crate) version_created: bool,
    /// As in the plan; empty when none was reached.
    pub(crate) environments: Vec<EnvironmentRun>,
    /// Why it failed.
    pub(crate) error: Option<anyhow::Error>,
    /// The run was asked to stop; updates that were started keep running.
    pub(crate) cancelled: bool,
}

impl EnvironmentRun {
    /// Notes what an answer showed.
    pub(crate) fn see(&mut self, found: Option<&EnvironmentState>) {
        self.seen = Some(found.cloned().map_or(LastSeen::Gone, LastSeen::There));
    }

    /// A version was sent, and the next answer is not there yet, or never comes: what was seen before says nothing of what
    /// runs now, but of an update that is over.
    pub(crate) fn lose_sight(&mut self) {
        let Some(sent) = &self.sent else { return };
        let is_over = match &self.seen {
            Some(LastSeen::There(state)) => state.is_ready() && state.label.as_ref() == Some(sent),
            Some(LastSeen::Gone) => true,
            Some(LastSeen::Before { .. }) | None => false,
        };
        if !is_over {
            self.seen = Some(LastSeen::Before { sent: sent.clone() });
        }
    }

    /// This run with what was done afterwards.
    pub(crate) fn then(mut self, later: Self) -> Self {
        self.changed |= later.changed;
        self.uncertain |= later.uncertain;
        self.requests.extend(later.requests);
        self.seen = later.seen.or(self.seen);
        self.events.extend(later.events);
        self.excerpts.extend(later.excerpts);
        self
    }

    /// The environment as it was seen last.
    pub(crate) fn state(&self) -> Option<&EnvironmentState> {
        match &self.seen {
            Some(LastSeen::There(state)) => Some(state),
            Some(LastSeen::Gone | LastSeen::Before { .. }) | None => None,
        }
    }

    /// Its update goes on in Elastic Beanstalk.
    pub(crate) fn keeps_running(&self) -> bool {
        self.changed && !self.state().is_some_and(EnvironmentState::is_ready)
    }

    /// The report of an environment, from what `planned` says of it.
    fn report(&self, planned: EnvironmentReport) -> EnvironmentReport {
        let mut report = EnvironmentReport {
            changed: self.changed,
            end_unseen: self.uncertain || self.keeps_running(),
            events: self.events.iter().map(EnvironmentEvent::report).collect(),
            error: self.failure.clone(),
            rolled_back: self.rolled_back,
            excerpts: self.excerpts.clone(),
            ..planned
        };
        if !self.rolled_back {
            report.sent_settings.clone_from(&self.sent_settings.names);
            report.settings_took_effect = self.sent_settings.took_effect;
        }
        if let Some(previous) = &self.previous {
            report.previous_version_label.clone_from(previous);
        }
        match &self.seen {
            Some(LastSeen::There(state)) => {
                report.version_label.clone_from(&state.label);
                report.status = Some(state.status.clone());
                report.health = Some(state.health.clone());
                report.url.clone_from(&state.url);
            }
            Some(LastSeen::Gone) => report.status = Some("Terminated".to_owned()),
            Some(LastSeen::Before { sent }) => {
                report.version_label = None;
                report.status = None;
                report.health = None;
                report.unknown_since_update_to = Some(sent.clone());
            }
            None => {}
        }
        report
    }
}

impl BackendOutcome {
    /// Whether an update was started, or perhaps was.
    pub(crate) fn changed(&self) -> bool {
        self.environments.iter().any(|run| run.changed)
    }

    /// Adds what was done to undo the run, and says so behind `error`, which it failed with: first what is back, then what
    /// is not.
    pub(crate) fn undone(&mut self, undone: Vec<Option<UndoneEnvironment>>, error: anyhow::Error) -> anyhow::Error {
        let (mut back, mut lost, mut is_cancelled) = (Vec::new(), Vec::new(), false);
        for (run, undone) in self.environments.iter_mut().zip(undone) {
            let Some(UndoneEnvironment {
                name,
                run: undo,
                result,
            }) = undone
            else {
                continue;
            };
            if result.as_ref().is_err_and(|error| error.is::<Cancelled>()) {
                *run = std::mem::take(run).then(undo);
                is_cancelled = true;
                continue;
            }
            let mut text = undo_text(&name, &result);
            *run = std::mem::take(run).then(undo);
            if result.is_err() && run.keeps_running() && !run.uncertain && !text.contains(KEEPS_RUNNING) {
                text = format!("{text}; {KEEPS_RUNNING}");
            }
            run.rolled_back = matches!(result, Ok(UndoEnd::Back(_) | UndoEnd::BackByAnother(_)));
            if run.rolled_back {
                back.push(text);
                continue;
            }
            run.failure = Some(match run.failure.take() {
                Some(failure) => format!("{failure}; {text}"),
                None => text.clone(),
            });
            lost.push(text);
        }
        if is_cancelled {
            return Cancelled.into();
        }
        back.extend(lost);
        if back.is_empty() {
            return error;
        }
        with_aftermath(error, back.join("; "))
    }

    /// Which environments keep the version of `plan`, because the site could not wholly go back before them.
    pub(crate) fn kept_text(&self, plan: &BackendPlan) -> Option<String> {
        let kept = plan.environments.iter().zip(&self.environments);
        let kept: Vec<&str> = kept
            .filter(|(_, run)| run.changed)
            .map(|(plan, _)| plan.name.as_str())
            .collect();
        let verb = if kept.len() == 1 { "keeps" } else { "keep" };
        (!kept.is_empty()).then(|| {
            format!(
                "{} {verb} `{}`: the version before has never run under this site",
                names(kept),
                plan.version_label
            )
        })
    }

    /// The part of the report: what `plan` said, and what became of it.
    pub(crate) fn report(&self, plan: &BackendPlan) -> BackendReport {
        let mut report = plan.report();
        report.version_created = self.version_created;
        let planned = std::mem::take(&mut report.environments);
        let mut runs = self.environments.iter();
        report.environments = planned
            .into_iter()
            .map(|planned| match runs.next() {
                Some(run) => run.report(planned),
                None => planned,
            })
            .collect();
        report
    }
}

#[cfg(test)]
#[path = "outcome_tests.rs"]
mod tests;
