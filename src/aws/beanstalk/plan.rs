//! What a deployment will do, as data.

use crate::inputs::Health;
use crate::report;

/// What will happen to the backend.
#[derive(Debug, Clone)]
pub struct BackendPlan {
    /// The application.
    pub application: String,
    /// The label that will run (or be created); that of the running version when nothing is to be done.
    pub version_label: String,
    /// How that version comes to be.
    pub version: VersionStep,
    /// The environments, in input order.
    pub environments: Vec<EnvironmentPlan>,
    /// The bundle, when there is one.
    pub bundle: Option<report::Bundle>,
}

/// How the version comes to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionStep {
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
pub struct EnvironmentPlan {
    /// Its name.
    pub name: String,
    /// The version to run.
    pub label: String,
    /// The version that it runs now.
    pub previous_label: Option<String>,
    /// `Ready`, `Updating`, ….
    pub status: String,
    /// `Green`, `Yellow`, `Red`, `Grey`.
    pub health: String,
    /// `http://` and the CNAME; none for a worker.
    pub url: Option<String>,
    /// Update or leave alone.
    pub step: Step,
}

/// Update or leave alone, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Send UpdateEnvironment.
    Update {
        /// Why, for a person.
        reason: String,
    },
    /// Leave it alone.
    Nothing {
        /// Why, for a person.
        reason: String,
    },
}

impl BackendPlan {
    /// Whether carrying it out changes anything.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.version != VersionStep::Existing
            || self
                .environments
                .iter()
                .any(|environment| matches!(environment.step, Step::Update { .. }))
    }

    /// The plan for a person, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
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
        for environment in &self.environments {
            let from = environment.previous_label.as_deref().unwrap_or("nothing");
            lines.push(match &environment.step {
                Step::Update { reason } => {
                    format!(
                        "update   {}  {from} -> {}  ({reason})",
                        environment.name, environment.label
                    )
                }
                Step::Nothing { reason } => format!("keep     {}  {from}  ({reason})", environment.name),
            });
        }
        lines
    }

    /// The report before anything was done: what a dry run shows.
    #[must_use]
    pub fn report(&self) -> report::Backend {
        report::Backend {
            application: self.application.clone(),
            version_label: self.version_label.clone(),
            version_reused: self.version == VersionStep::Existing,
            bundle: self.bundle.clone(),
            environments: self.environments.iter().map(EnvironmentPlan::report).collect(),
            ..report::Backend::default()
        }
    }
}

impl EnvironmentPlan {
    /// The report before anything was done to it.
    #[must_use]
    pub fn report(&self) -> report::Environment {
        report::Environment {
            name: self.name.clone(),
            previous_version_label: self.previous_label.clone(),
            status: Some(self.status.clone()),
            health: Some(self.health.clone()),
            url: self.url.clone(),
            ..report::Environment::default()
        }
    }
}

/// Whether `health` (the API's name of a colour) is among `accepted`.
pub(super) fn is_accepted(accepted: &[Health], health: &str) -> bool {
    accepted.iter().any(|colour| colour.name().eq_ignore_ascii_case(health))
}

/// `a`, `b` and `c`, in backticks.
pub(super) fn names<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
