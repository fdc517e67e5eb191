//! One environment of a plan: updated, and the end of that put into words.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_credential_types::provider::ProvideCredentials as _;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::aws::Aws;
use crate::aws::backend::api::Api;
use crate::aws::backend::explain::Investigation;
use crate::aws::backend::update::Update;
use crate::console::Console;
use crate::core::backend::explanation::Explanation;
use crate::core::backend::messages::{StillUnderWay, failure_error, gone_error, timeout_error, untold_error};
use crate::core::backend::outcome::{EnvironmentRun, UpdateOutcome};
use crate::core::backend::plan::{BackendPlan, EnvironmentPlan};
use crate::core::backend::previous::EarlierUpdate;
use crate::core::backend::rollout::FailureReason;
use crate::core::backend::secrets::{Redaction, masked_values};
use crate::core::backend::settings::SettingsChange;
use crate::core::error::{Cancelled, HintExt as _};
use crate::core::inputs::{BackendInputs, OptionSetting, WhenBusy};

/// How long logs are waited for after the deadline.
const LOGS_AFTER_DEADLINE: Duration = Duration::from_secs(60);
/// How long it may take to ask why an update failed; logs come later.
const INVESTIGATION_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the environment's values may take to be read, which only the redaction needs.
const VALUES_TIMEOUT: Duration = Duration::from_secs(15);
/// The same before a way back, which is urgent.
const UNDO_VALUES_TIMEOUT: Duration = Duration::from_secs(3);

/// What carrying a plan out needs.
pub(crate) struct BackendRun<'r> {
    pub(crate) aws: &'r Aws,
    pub(crate) backend: &'r BackendInputs,
    pub(crate) plan: &'r BackendPlan,
    /// What earlier runs did to each environment of the plan, newest first.
    pub(crate) earlier: &'r [Vec<EarlierUpdate>],
    pub(crate) stop: &'r CancellationToken,
    pub(crate) console: &'r Console,
    pub(crate) api: Api,
    /// The environments' values as far as they were read, for the redaction: a way back does not ask for them again.
    pub(crate) values: Mutex<BTreeMap<String, Vec<OptionSetting>>>,
}

/// The way of an update.
#[derive(Debug)]
pub(crate) struct UpdateWay<'w> {
    pub(crate) label: &'w str,
    pub(crate) settings: SettingsChange,
    pub(crate) when_busy: WhenBusy,
    /// It takes back an update of ours.
    pub(crate) is_undo: bool,
    pub(crate) deadline: Instant,
}

/// An update and its end, before anybody asked why.
pub(crate) struct EndedUpdate {
    pub(crate) run: EnvironmentRun,
    pub(crate) outcome: UpdateOutcome,
    pub(crate) label: String,
    pub(crate) redaction: Redaction,
    pub(crate) deadline: Instant,
}

impl BackendRun<'_> {
    /// Updates the environment at `position` of the plan.
    pub(crate) async fn update(&self, position: usize, way: UpdateWay<'_>) -> EndedUpdate {
        let plan = &self.plan.environments[position];
        let values_timeout = if way.is_undo {
            UNDO_VALUES_TIMEOUT
        } else {
            VALUES_TIMEOUT
        };
        let redaction = self.redaction(&plan.name, values_timeout, way.deadline).await;
        let update = Update {
            api: self.api.polling(way.deadline),
            backend: self.backend,
            console: self.console,
            name: &plan.name,
            prefix: self.prefix(&plan.name),
            label: way.label,
            settings: way.settings,
            when_busy: way.when_busy,
            is_undo: way.is_undo,
            planned: plan.previous_label.as_deref(),
            was_busy: plan.status != "Ready",
            earlier: self.earlier.get(position).map_or(&[], Vec::as_slice),
            redaction: &redaction,
            deadline: way.deadline,
        };
        let (run, outcome) = update.run().await;
        EndedUpdate {
            run,
            outcome,
            label: way.label.to_owned(),
            redaction,
            deadline: way.deadline,
        }
    }

    /// Begins to find out why an update failed; `None` where there is nothing to find out.
    pub(crate) async fn investigate(&self, plan: &EnvironmentPlan, ended: &EndedUpdate) -> Option<Investigation> {
        let is_failure = match &ended.outcome {
            UpdateOutcome::Failed { why, .. } => !matches!(why, FailureReason::Gone | FailureReason::Superseded { .. }),
            UpdateOutcome::Deadline { another, .. } => ended.run.changed && !another,
            UpdateOutcome::Succeeded | UpdateOutcome::Sent | UpdateOutcome::Cancelled | UpdateOutcome::Error(_) => {
                false
            }
        };
        if !is_failure {
            return None;
        }
        let api = self.api.polling(ended.deadline + LOGS_AFTER_DEADLINE);
        let begun = Investigation::begin(
            self.aws,
            api,
            &plan.name,
            &ended.run,
            self.backend.log_tail,
            ended.deadline,
        );
        tokio::select! {
            investigation = tokio::time::timeout(INVESTIGATION_TIMEOUT, begun) => investigation.ok(),
            () = self.stop.cancelled() => None,
        }
    }

    /// Turns the end of an update, which is taken back now or not, into words.
    pub(crate) async fn conclude(
        &self,
        plan: &EnvironmentPlan,
        ended: &mut EndedUpdate,
        investigation: Option<Investigation>,
        is_taken_back: bool,
    ) -> anyhow::Result<()> {
        let mut explanation = match investigation {
            Some(investigation) => tokio::select! {
                explanation = investigation.finish(&ended.redaction, self.console) => explanation,
                () = self.stop.cancelled() => return Err(Cancelled.into()),
            },
            None => Explanation::default(),
        };
        ended.run.excerpts = std::mem::take(&mut explanation.excerpts);
        let outcome = std::mem::replace(&mut ended.outcome, UpdateOutcome::Cancelled);
        let (run, label) = (&ended.run, ended.label.as_str());
        let say = |text: &str| self.console.line(&format!("{}{text}", self.prefix(&plan.name)));
        let health = run.state().map_or("Grey", |state| &state.health);
        match outcome {
            UpdateOutcome::Succeeded => {
                say(&format!("runs `{label}`, Ready and {health}"));
                let idle = run
                    .state()
                    .and_then(|state| state.idle_note(&self.backend.accepted_health));
                if let Some(idle) = idle {
                    let note = format!("`{}` is {}", plan.name, ended.redaction.clean(&idle));
                    self.console.notice("Idle environment", &note);
                }
                Ok(())
            }
            UpdateOutcome::Sent => {
                say("the update has started; not waiting for it (`wait-for-deployment: false`)");
                Ok(())
            }
            UpdateOutcome::Cancelled => Err(Cancelled.into()),
            UpdateOutcome::Error(error) => Err(untold_error(plan, run, is_taken_back, error)),
            UpdateOutcome::Deadline { status, another } => {
                let under_way = match run.changed && !another {
                    true if is_taken_back => StillUnderWay::TakenBack,
                    true => StillUnderWay::Ours,
                    false => StillUnderWay::Another,
                };
                let seconds = self.backend.timeout.as_secs();
                let when_busy = self.backend.when_busy;
                let error = timeout_error(plan, label, &status, under_way, seconds, when_busy, &explanation);
                Err(match self.api.throttling_hint() {
                    Some(hint) => error.hint(hint),
                    None => error,
                })
            }
            UpdateOutcome::Failed {
                why: FailureReason::Gone,
                ..
            } => Err(gone_error(plan, label)),
            UpdateOutcome::Failed { why, event } => Err(failure_error(plan, label, &why, event, &explanation, health)),
        }
    }

    /// What must not be seen: our credentials, and the environment's values. Those whose names say that they are secret
    /// are masked everywhere.
    async fn redaction(&self, environment: &str, most: Duration, deadline: Instant) -> Redaction {
        let mut secrets = Vec::new();
        if let Some(provider) = self.aws.sdk.credentials_provider()
            && let Some(Ok(credentials)) = self.stop.run_until_cancelled(provider.provide_credentials()).await
        {
            secrets.push(credentials.secret_access_key().to_owned());
            secrets.extend(credentials.session_token().map(ToOwned::to_owned));
        }
        let mut settings = self.backend.option_settings.clone();
        if self.backend.wait {
            settings.extend(self.values(environment, most, deadline).await);
        }
        masked_values(&settings)
            .iter()
            .for_each(|value| self.console.mask(value));
        Redaction::new(secrets, &settings)
    }

    /// What the options of `environment` say; nothing where that cannot be read in `most`, and in a part of the time
    /// until `deadline`: the update itself is to be sent before then.
    async fn values(&self, environment: &str, most: Duration, deadline: Instant) -> Vec<OptionSetting> {
        let known = |values: &Mutex<BTreeMap<String, Vec<OptionSetting>>>| {
            let values = values.lock().unwrap_or_else(PoisonError::into_inner);
            values.get(environment).cloned()
        };
        if let Some(values) = known(&self.values) {
            return values;
        }
        let now = Instant::now();
        let end = now + most.min(deadline.saturating_duration_since(now) / 3);
        let api = self.api.polling(end);
        // Who may not read them has not put them into the log through us either.
        let read = tokio::time::timeout_at(end, api.settings(environment)).await;
        let values = read.ok().and_then(Result::ok).unwrap_or_default();
        let mut known = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(environment.to_owned(), values.clone());
        values
    }

    /// Stands before every line about an environment, when there are several.
    pub(crate) fn prefix(&self, name: &str) -> String {
        if self.plan.environments.len() > 1 {
            format!("[{name}] ")
        } else {
            String::new()
        }
    }
}
