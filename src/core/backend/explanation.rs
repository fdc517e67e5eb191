//! Why an update failed, in lines: the causes that health knows, the worst instances.

use crate::core::backend::environment::{InstanceState, is_idle};
use crate::core::report::Excerpt;

/// What the error says besides the event.
#[derive(Debug, Default)]
pub(crate) struct Explanation {
    /// The first cause of the environment's health.
    pub(crate) cause: Option<String>,
    /// The first real error line of the log.
    pub(crate) log_line: Option<String>,
    /// What was printed, for the summary.
    pub(crate) excerpts: Vec<Excerpt>,
}

/// What an environment's health says.
#[derive(Debug)]
pub(crate) enum HealthCauses {
    /// Enhanced health.
    Known(Vec<String>),
    /// Basic health reporting: "DescribeEnvironmentHealth is not supported."
    Basic,
    /// It could not be asked.
    Unknown(anyhow::Error),
}

/// The rank of an instance with nothing to complain about.
const HEALTHY: u8 = 4;

/// The lines that say why an update failed, besides its events, which the log has said as they came.
pub(crate) fn why_lines(causes: &HealthCauses, instances: &[InstanceState]) -> Vec<String> {
    let mut lines = Vec::new();
    let known = match causes {
        HealthCauses::Known(causes) => causes.as_slice(),
        HealthCauses::Basic | HealthCauses::Unknown(_) => &[],
    };
    match causes {
        HealthCauses::Known(causes) => lines.extend(causes.iter().map(|cause| format!("environment: {cause}"))),
        HealthCauses::Basic => {
            lines.push("basic health reporting gives no causes; enable enhanced health to see them".to_owned());
        }
        HealthCauses::Unknown(error) => lines.push(format!("{error:#}")),
    }
    let mut worst_first: Vec<_> = instances.iter().filter(|instance| rank(instance) < HEALTHY).collect();
    worst_first.sort_by_key(|instance| (rank(instance), &instance.id));
    lines.extend(worst_first.into_iter().map(|instance| instance_line(instance, known)));
    lines
}

/// The first cause that says more than that there are too few requests, else the first.
pub(crate) fn first_cause(causes: Vec<String>) -> Option<String> {
    let position = causes.iter().position(|cause| !is_idle(cause)).unwrap_or_default();
    causes.into_iter().nth(position)
}

/// The instance whose log is most worth reading.
pub(crate) fn worst(instances: &[InstanceState]) -> Option<&str> {
    let worst = instances.iter().min_by_key(|instance| (rank(instance), &instance.id))?;
    Some(&worst.id)
}

/// The lower, the worse.
fn rank(instance: &InstanceState) -> u8 {
    match instance.color.as_deref() {
        _ if instance.deployment_status.as_deref() == Some("Failed") => 0,
        Some("Red") => 1,
        Some("Yellow") => 2,
        Some("Grey") => 3,
        _ if !instance.causes.is_empty() => 3,
        _ => HEALTHY,
    }
}

/// The line of an instance; what the environment says too is not said again.
fn instance_line(instance: &InstanceState, said: &[String]) -> String {
    let mut line = format!(
        "{}: {}",
        instance.id,
        instance.health_status.as_deref().unwrap_or("Unknown")
    );
    if instance.label.is_some() || instance.deployment_status.is_some() {
        line.push_str(&format!(
            ", deployment of {} {}",
            instance.label.as_deref().unwrap_or("?"),
            instance.deployment_status.as_deref().unwrap_or("?").to_lowercase()
        ));
    }
    for cause in instance.causes.iter().filter(|cause| !said.contains(cause)) {
        line.push_str("; ");
        line.push_str(cause);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(id: &str, color: &str, status: &str) -> InstanceState {
        InstanceState {
            id: id.to_owned(),
            color: Some(color.to_owned()),
            health_status: Some("Degraded".to_owned()),
            causes: vec!["Because.".to_owned()],
            label: Some("v1".to_owned()),
            deployment_status: Some(status.to_owned()),
        }
    }

    #[test]
    fn the_instance_whose_deployment_failed_is_the_worst() {
        let instances = [
            instance("i-green", "Green", "Deployed"),
            instance("i-red", "Red", "Deployed"),
            instance("i-failed", "Green", "Failed"),
        ];
        assert_eq!(worst(&instances), Some("i-failed"));
        let lines = why_lines(&HealthCauses::Known(vec!["All bad.".to_owned()]), &instances);
        assert_eq!(
            lines,
            [
                "environment: All bad.",
                "i-failed: Degraded, deployment of v1 failed; Because.",
                "i-red: Degraded, deployment of v1 deployed; Because.",
                "i-green: Degraded, deployment of v1 deployed; Because.",
            ]
        );
    }

    #[test]
    fn what_the_environment_says_is_not_said_again_of_an_instance() {
        let causes = HealthCauses::Known(vec!["Because.".to_owned()]);
        let lines = why_lines(&causes, &[instance("i-red", "Red", "Deployed")]);
        assert_eq!(
            lines,
            ["environment: Because.", "i-red: Degraded, deployment of v1 deployed"]
        );
    }

    #[test]
    fn a_cause_says_more_than_idleness() {
        let idle = "Insufficient request rate (0.0 requests/min) to determine application health.";
        let first = |causes: &[&str]| first_cause(causes.iter().map(|&cause| cause.to_owned()).collect());
        assert_eq!(first(&[idle, "All bad."]).as_deref(), Some("All bad."));
        assert_eq!(first(&[idle]).as_deref(), Some(idle));
        assert_eq!(first(&[]), None);
    }

    #[test]
    fn instances_in_good_health_are_not_worth_a_line() {
        let well = InstanceState {
            causes: Vec::new(),
            ..instance("i-green", "Green", "Deployed")
        };
        assert!(why_lines(&HealthCauses::Known(Vec::new()), &[well]).is_empty());
        assert_eq!(worst(&[]), None);
    }
}
