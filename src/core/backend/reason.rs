//! Why an environment needs an update.

use std::fmt;

use crate::core::backend::environment::{EnvironmentState, InstanceState};
use crate::core::backend::events::{EnvironmentEvent, last_update_failed};
use crate::core::inputs::{Health, OptionSetting};

/// Why an environment is updated; its `Display` is what log and summary show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum UpdateReason {
    /// It runs no version.
    Empty,
    /// It runs a version with other bytes.
    NewBundle,
    /// It runs another version.
    OtherVersion,
    /// `force`.
    Forced,
    /// It is in this status, not Ready.
    Busy(String),
    /// It has this health, which is not accepted.
    Unhealthy(String),
    /// This option has another value.
    Option(String),
    /// This instance runs another version.
    Straggler(String),
    /// Its last update failed, by its events.
    LastUpdateFailed,
}

impl fmt::Display for UpdateReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no version runs there yet"),
            Self::NewBundle => f.write_str("new bundle"),
            Self::OtherVersion => f.write_str("another version"),
            Self::Forced => f.write_str("`force` is set"),
            Self::Busy(status) => write!(f, "the environment is {status}"),
            Self::Unhealthy(health) => write!(f, "its health is {health}"),
            Self::Option(name) => write!(f, "the option `{name}` differs"),
            Self::Straggler(instance) => write!(f, "`{instance}` runs another version"),
            Self::LastUpdateFailed => f.write_str("its last update failed"),
        }
    }
}

/// What is known of an environment before anybody asks further.
#[derive(Debug, Clone, Copy)]
pub(crate) struct UpdateFacts<'f> {
    pub(crate) environment: &'f EnvironmentState,
    /// What runs is what is to be deployed.
    pub(crate) is_same: bool,
    /// A bundle is to be deployed; else an existing version is.
    pub(crate) has_bundle: bool,
    pub(crate) force: bool,
    pub(crate) accepted_health: &'f [Health],
}

impl UpdateFacts<'_> {
    /// The reason that needs no further question.
    pub(crate) fn reason(&self) -> Option<UpdateReason> {
        let Self { environment, .. } = self;
        if environment.label.is_none() {
            Some(UpdateReason::Empty)
        } else if !self.is_same && self.has_bundle {
            Some(UpdateReason::NewBundle)
        } else if !self.is_same {
            Some(UpdateReason::OtherVersion)
        } else if self.force {
            Some(UpdateReason::Forced)
        } else if !environment.is_ready() {
            Some(UpdateReason::Busy(environment.status.clone()))
        } else if !environment.is_healthy(self.accepted_health) {
            Some(UpdateReason::Unhealthy(environment.health.clone()))
        } else {
            None
        }
    }
}

/// The reason that the option settings give.
pub(crate) fn option_reason(wanted: &[OptionSetting], current: &[OptionSetting]) -> Option<UpdateReason> {
    let setting = differing(wanted, current).into_iter().next()?;
    Some(UpdateReason::Option(setting.option_name.clone()))
}

/// The reason that enhanced health gives of an environment that should run `label` everywhere.
pub(crate) fn instance_reason(instances: &[InstanceState], label: &str) -> Option<UpdateReason> {
    let straggler = instances.iter().find(|instance| instance.runs_another(label))?;
    Some(UpdateReason::Straggler(straggler.id.clone()))
}

/// The reason that events give, newest first.
pub(crate) fn event_reason(newest_first: &[EnvironmentEvent]) -> Option<UpdateReason> {
    last_update_failed(newest_first).then_some(UpdateReason::LastUpdateFailed)
}

/// The settings that the environment does not have yet, or has with another value.
pub(crate) fn differing<'s>(wanted: &'s [OptionSetting], current: &[OptionSetting]) -> Vec<&'s OptionSetting> {
    let is_there = |wanted: &OptionSetting| {
        current
            .iter()
            .any(|setting| is_same_option(wanted, setting) && setting.value == wanted.value)
    };
    wanted.iter().filter(|setting| !is_there(setting)).collect()
}

/// Whether `setting` is the value of the option that `wanted` names.
pub(crate) fn is_same_option(wanted: &OptionSetting, setting: &OptionSetting) -> bool {
    setting.namespace == wanted.namespace
        && setting.option_name == wanted.option_name
        && (wanted.resource_name.is_none() || setting.resource_name == wanted.resource_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(status: &str, health: &str) -> EnvironmentState {
        EnvironmentState {
            label: Some("v1".to_owned()),
            status: status.to_owned(),
            health: health.to_owned(),
            ..EnvironmentState::default()
        }
    }

    #[test]
    fn the_first_reason_that_holds_is_given() {
        let empty = EnvironmentState {
            label: None,
            ..environment("Ready", "Green")
        };
        let (ready, busy) = (environment("Ready", "Green"), environment("Updating", "Red"));
        let red = environment("Ready", "Red");
        for (environment, is_same, has_bundle, force, expected) in [
            (&empty, true, true, true, Some("no version runs there yet")),
            (&ready, false, true, true, Some("new bundle")),
            (&ready, false, false, false, Some("another version")),
            (&busy, true, true, true, Some("`force` is set")),
            (&busy, true, true, false, Some("the environment is Updating")),
            (&red, true, true, false, Some("its health is Red")),
            (&ready, true, true, false, None),
        ] {
            let facts = UpdateFacts {
                environment,
                is_same,
                has_bundle,
                force,
                accepted_health: &[Health::Green],
            };
            let reason = facts.reason().map(|reason| reason.to_string());
            assert_eq!(reason.as_deref(), expected, "{facts:?}");
        }
    }

    #[test]
    fn instances_of_another_version_are_a_reason_and_new_ones_are_none() {
        let instance = |label: Option<&str>| InstanceState {
            id: "i-1".to_owned(),
            label: label.map(ToOwned::to_owned),
            ..InstanceState::default()
        };
        assert_eq!(instance_reason(&[instance(Some("v1")), instance(None)], "v1"), None);
        let reason = instance_reason(&[instance(Some("v0"))], "v1").map(|reason| reason.to_string());
        assert_eq!(reason.as_deref(), Some("`i-1` runs another version"));
    }

    #[test]
    fn only_settings_with_another_value_differ() {
        let setting = |value: &str, resource: Option<&str>| OptionSetting {
            namespace: "aws:elasticbeanstalk:application:environment".to_owned(),
            option_name: "MODE".to_owned(),
            value: value.to_owned(),
            resource_name: resource.map(ToOwned::to_owned),
        };
        let current = [setting("prod", Some("group"))];
        for (wanted, expected) in [
            (setting("prod", None), None),
            (setting("test", None), Some("the option `MODE` differs")),
            (setting("prod", Some("other")), Some("the option `MODE` differs")),
        ] {
            let reason = option_reason(&[wanted], &current).map(|reason| reason.to_string());
            assert_eq!(reason.as_deref(), expected);
        }
        assert_eq!(differing(&[setting("prod", None)], &[]).len(), 1);
    }
}
