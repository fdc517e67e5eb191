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
    /// The causes of its health, as far as they were asked for: see [`Self::may_be_idle`].
    pub(crate) causes: Vec<String>,
}

impl EnvironmentState {
    /// Whether it can take an update.
    pub(crate) fn is_ready(&self) -> bool {
        self.status == "Ready"
    }

    /// Whether it may be Grey because nobody asks anything of it: its causes tell.
    pub(crate) fn may_be_idle(&self) -> bool {
        self.is_ready() && self.is_cluster && self.health == "Grey"
    }

    /// Whether it is Grey for no other cause than that there are too few requests: another one beside it may be what is
    /// really wrong.
    pub(crate) fn is_idle(&self) -> bool {
        self.may_be_idle() && !self.causes.is_empty() && self.causes.iter().all(|cause| is_idle(cause))
    }

    /// Whether its health counts as good: one of the `accepted` colors, or that of a cluster without requests.
    pub(crate) fn is_healthy(&self, accepted: &[Health]) -> bool {
        is_accepted(accepted, &self.health) || self.is_idle()
    }

    /// What is to be noted of a health that is not among the `accepted` colors, and counts as good all the same.
    pub(crate) fn idle_note(&self, accepted: &[Health]) -> Option<String> {
        let is_odd = !is_accepted(accepted, &self.health) && self.is_idle();
        is_odd.then(|| {
            format!(
                "Grey for want of requests, which counts as healthy: {}",
                self.causes.join(" ")
            )
        })
    }

    /// Whether its update is being aborted
    /// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/api/API_EnvironmentDescription.html>).
    pub(crate) fn is_aborting(&self) -> bool {
        self.status == "Aborting"
    }

    /// Whether it is being terminated, or was.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self.status.as_str(), "Terminating" | "Terminated")
    }
}

/// Whether a cause of Grey says that there are too few requests to tell: "reports that the request rate is insufficient
/// to determine health, which is expected for an idle environment"
/// (<https://docs.aws.amazon.com/elasticbeanstalk/latest/dg/monitoring-cluster-environments.html>).
pub(crate) fn is_idle(cause: &str) -> bool {
    let cause = cause.to_ascii_lowercase();
    cause.contains("request rate") && cause.contains("insufficient")
}

/// Whether `health` (the API's name of a color) is among `accepted`.
fn is_accepted(accepted: &[Health], health: &str) -> bool {
    accepted.iter().any(|color| color.name().eq_ignore_ascii_case(health))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_healthy_though_grey_only_when_idleness_is_its_one_cause() {
        let idle = "Insufficient request rate (0.0 requests/min) to determine application health.";
        let other = "Pods are crash looping: 3 of 3 unavailable.";
        for (is_cluster, status, health, causes, expected) in [
            (true, "Ready", "Green", &[][..], true),
            (true, "Ready", "Grey", &[idle], true),
            (true, "Ready", "Grey", &[], false),
            (true, "Ready", "Grey", &[idle, other], false),
            (true, "Ready", "Grey", &[other], false),
            (true, "Ready", "Red", &[idle], false),
            (true, "Updating", "Grey", &[idle], false),
            (false, "Ready", "Grey", &[idle], false),
        ] {
            let state = EnvironmentState {
                is_cluster,
                status: status.to_owned(),
                health: health.to_owned(),
                causes: causes.iter().map(|&cause| cause.to_owned()).collect(),
                ..EnvironmentState::default()
            };
            let seen = format!("{state:?}");
            assert_eq!(state.is_healthy(&[Health::Green]), expected, "{seen}");
            let is_noted = expected && health == "Grey";
            assert_eq!(state.idle_note(&[Health::Green]).is_some(), is_noted, "{seen}");
            assert_eq!(state.idle_note(&[Health::Grey]), None, "{seen}");
        }
    }
}
