//! What a deployment will do, as data.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::reason::UpdateReason;
use crate::core::backend::version_table::{VersionState, VersionStatus};
use crate::core::inputs::Health;
use crate::core::report;

/// Why an environment is left alone.
pub(crate) const NOTHING_TO_DO: &str = "already running and healthy";

/// What will happen to the backend.
#[derive(Debug, Clone)]
pub(crate) struct BackendPlan {
    /// The application.
    pub(crate) application: String,
    /// The label that will run (or be created); that of the running version when nothing is to be done.
    pub(crate) version_label: String,
    /// How that version comes to be.
    pub(crate) version: VersionStep,
    /// The versions that Elastic Beanstalk still processes: nothing is updated before they can be used.
    pub(crate) processing: Vec<String>,
    /// The environments, in input order.
    pub(crate) environments: Vec<EnvironmentPlan>,
    /// The bundle, when there is one.
    pub(crate) bundle: Option<report::BundleReport>,
}

/// How the version comes to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum VersionStep {
    /// It is there and stays as it is.
    Existing,
    /// Upload the bundle and create the version.
    Create {
        /// `package-bucket`, else the one that Beanstalk keeps for the region; `None` when its name is not known yet.
        bucket: Option<String>,
        /// The bundle's key.
        key: String,
        /// A version of this label is there that Beanstalk could not process; it is deleted first.
        replace: bool,
    },
}

/// What will happen to one environment.
#[derive(Debug, Clone)]
pub(crate) struct EnvironmentPlan {
    /// Its name.
    pub(crate) name: String,
    /// The version to run.
    pub(crate) label: String,
    /// The version that it runs now.
    pub(crate) previous_label: Option<String>,
    /// `Ready`, `Updating`, ….
    pub(crate) status: String,
    /// `Green`, `Yellow`, `Red`, `Grey`.
    pub(crate) health: String,
    /// Whether that counts as good.
    pub(crate) is_healthy: bool,
    /// What is to be noted of it: see [`EnvironmentState::idle_note`].
    pub(crate) idle_note: Option<String>,
    /// `http://` and the CNAME; none for a worker.
    pub(crate) url: Option<String>,
    /// Update or leave alone.
    pub(crate) step: UpdateStep,
}

/// Update or leave alone, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UpdateStep {
    /// Send UpdateEnvironment.
    Update {
        /// Why.
        reason: UpdateReason,
    },
    /// Leave it alone: it is already running and healthy.
    Nothing,
    /// Leave it alone in a rollback: no record says what it ran.
    Unrecorded,
}

impl BackendPlan {
    /// The plan for these environments. When all of them are left alone, what runs there is the version of this run:
    /// no other label is made for the same bundle.
    pub(crate) fn new(
        application: &str,
        label: &str,
        version: VersionStep,
        environments: Vec<EnvironmentPlan>,
        bundle: Option<report::BundleReport>,
    ) -> Self {
        let is_idle = environments
            .iter()
            .all(|environment| environment.step == UpdateStep::Nothing);
        let running = environments
            .first()
            .filter(|_| is_idle)
            .and_then(|environment| environment.previous_label.clone());
        let (version_label, version) = match running {
            Some(running) => (running, VersionStep::Existing),
            None => (label.to_owned(), version),
        };
        Self {
            application: application.to_owned(),
            version_label,
            version,
            processing: Vec::new(),
            environments,
            bundle,
        }
    }

    /// With those of its versions noted that are still processed, by label.
    #[must_use]
    pub(crate) fn waiting_for(mut self, versions: &BTreeMap<String, VersionState>) -> Self {
        let is_processing = |label: &str| {
            let version = versions.get(label);
            version.is_some_and(|version| version.status == VersionStatus::Processing)
        };
        if self.version == VersionStep::Existing {
            let deployed = self.environments.iter().map(|environment| environment.label.as_str());
            let labels: BTreeSet<&str> = deployed.chain([self.version_label.as_str()]).collect();
            self.processing = labels
                .into_iter()
                .filter(|label| is_processing(label))
                .map(ToOwned::to_owned)
                .collect();
        }
        self
    }

    /// Whether carrying it out changes anything.
    #[must_use]
    pub(crate) fn changes(&self) -> bool {
        self.version != VersionStep::Existing
            || self
                .environments
                .iter()
                .any(|environment| matches!(environment.step, UpdateStep::Update { .. }))
    }

    /// Every label that this plan deploys or replaces.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &str> {
        let of_environments = self
            .environments
            .iter()
            .flat_map(|environment| [Some(environment.label.as_str()), environment.previous_label.as_deref()]);
        of_environments.flatten().chain([self.version_label.as_str()])
    }

    /// The plan for a person, a line each.
    #[must_use]
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        match &self.version {
            VersionStep::Existing => lines.push(format!("version  {}  (exists)", self.version_label)),
            VersionStep::Create { bucket, key, replace } => {
                let bucket = bucket.as_deref().unwrap_or("(the bucket of CreateStorageLocation)");
                let why = if *replace {
                    "replaces one that could not be processed"
                } else {
                    "new"
                };
                lines.push(format!("version  {}  ({why})  s3://{bucket}/{key}", self.version_label));
            }
        }
        for label in &self.processing {
            lines.push(format!(
                "wait     until Elastic Beanstalk has processed version {label}"
            ));
        }
        for environment in &self.environments {
            let from = environment.previous_label.as_deref().unwrap_or("nothing");
            lines.push(match &environment.step {
                UpdateStep::Update { reason } => {
                    format!(
                        "update   {}  {from} -> {}  ({reason})",
                        environment.name, environment.label
                    )
                }
                UpdateStep::Nothing => format!("keep     {}  {from}  ({NOTHING_TO_DO})", environment.name),
                UpdateStep::Unrecorded => format!(
                    "keep     {}  {from}  (no record says what `{}` ran then: it stays as it is)",
                    environment.name, environment.name
                ),
            });
        }
        if self.environments.is_empty() {
            lines.push("no environment: nothing is deployed (`environment-name` is empty)".to_owned());
        }
        lines
    }

    /// What is to be noted of environments that are left alone.
    pub(crate) fn idle_notes(&self) -> impl Iterator<Item = String> {
        let kept = self
            .environments
            .iter()
            .filter(|environment| !matches!(environment.step, UpdateStep::Update { .. }));
        kept.filter_map(|environment| Some(format!("`{}` is {}", environment.name, environment.idle_note.as_ref()?)))
    }

    /// The report before anything was done: what a dry run shows.
    #[must_use]
    pub(crate) fn report(&self) -> report::BackendReport {
        report::BackendReport {
            application: self.application.clone(),
            version_label: self.version_label.clone(),
            version_reused: self.version == VersionStep::Existing,
            bundle: self.bundle.clone(),
            environments: self.environments.iter().map(EnvironmentPlan::report).collect(),
            ..report::BackendReport::default()
        }
    }
}

impl EnvironmentPlan {
    /// The plan that leaves an environment alone in a rollback, for no record says what it ran.
    #[must_use]
    pub(crate) fn unrecorded(environment: &EnvironmentState, accepted: &[Health]) -> Self {
        Self {
            name: environment.name.clone(),
            label: environment.label.clone().unwrap_or_default(),
            previous_label: environment.label.clone(),
            status: environment.status.clone(),
            health: environment.health.clone(),
            is_healthy: environment.is_healthy(accepted),
            idle_note: environment.idle_note(accepted),
            url: environment.url.clone(),
            step: UpdateStep::Unrecorded,
        }
    }

    /// The label that runs once this is carried out: of an environment that is left alone the one that runs now, whatever
    /// a new version would have been called.
    #[must_use]
    pub(crate) fn label_afterwards(&self) -> &str {
        match (&self.step, &self.previous_label) {
            (UpdateStep::Nothing | UpdateStep::Unrecorded, Some(running)) => running,
            _ => &self.label,
        }
    }

    /// The report before anything was done to it.
    #[must_use]
    pub(crate) fn report(&self) -> report::EnvironmentReport {
        report::EnvironmentReport {
            name: self.name.clone(),
            previous_version_label: self.previous_label.clone(),
            version_label: self.previous_label.clone(),
            status: Some(self.status.clone()),
            health: Some(self.health.clone()),
            url: self.url.clone(),
            planned_version_label: matches!(self.step, UpdateStep::Update { .. }).then(|| self.label.clone()),
            ..report::EnvironmentReport::default()
        }
    }
}
