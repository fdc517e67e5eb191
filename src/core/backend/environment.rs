//! What Elastic Beanstalk says of an environment and its instances, in types of our own.

use crate::core::inputs::Health;

/// An environment, as one answer showed it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EnvironmentState {
    /// Its name.
    pub(crate) name: String,
    /// Its id, `e-` and ten characters.
    pub(crate) id: String,
    /// The application that it belongs to.
    pub(crate) application: String,
    /// The version that Elastic Beanstalk says it runs.
    pub(crate) label: Option<String>,
    /// `Ready`, `Updating`, `Terminated`, ….
    pub(crate) status: String,
    /// `Green`, `Yellow`, `Red`, `Grey`.
    pub(crate) health: String,
    /// `http://` and the CNAME; none for a worker.
    pub(crate) url: Option<String>,
    /// Containers on EKS, which have no health of single instances.
    pub(crate) is_cluster: bool,
    /// The running update can be aborted.
    pub(crate) is_abortable: bool,
}

impl EnvironmentState {
    /// Whether it can take an update.
    pub(crate) fn is_ready(&self) -> bool {
        self.status == "Ready"
    }

    /// Whether it is being terminated, or was.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.status.as_str(), "Terminating" | "Terminated")
    }
}

/// Whether `health` (the API's name of a colour) is among `accepted`.
pub(crate) fn is_accepted(accepted: &[Health], health: &str) -> bool {
    accepted.iter().any(|colour| colour.name().eq_ignore_ascii_case(health))
}

/// An instance, as enhanced health shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct InstanceState {
    /// Its EC2 id.
    pub(crate) id: String,
    /// `Green`, `Yellow`, `Red`, `Grey`.
    pub(crate) color: Option<String>,
    /// `Ok`, `Degraded`, ….
    pub(crate) health_status: Option<String>,
    /// What is wrong with it.
    pub(crate) causes: Vec<String>,
    /// The version that it runs; none when it has just been launched.
    pub(crate) label: Option<String>,
    /// `Deployed`, `In Progress`, `Failed`.
    pub(crate) deployment_status: Option<String>,
}

impl InstanceState {
    /// Whether it runs another version than `label`; one without any has just been launched, and will run it.
    pub(crate) fn runs_another(&self, label: &str) -> bool {
        self.label.as_deref().is_some_and(|running| running != label)
    }
}
