//! Option settings to change with an update.

use crate::core::backend::reason::{differing, is_same_option};
use crate::core::inputs::OptionSetting;

/// Option settings to send with a version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct SettingsChange {
    pub(crate) set: Vec<OptionSetting>,
    pub(crate) remove: Vec<OptionSetting>,
}

impl SettingsChange {
    /// What takes `wanted` back to what is `current`.
    pub(crate) fn back(wanted: &[OptionSetting], current: &[OptionSetting]) -> Self {
        let mut back = Self::default();
        for option in differing(wanted, current) {
            match current.iter().find(|setting| is_same_option(option, setting)) {
                Some(setting) => back.set.push(OptionSetting {
                    value: setting.value.clone(),
                    ..option.clone()
                }),
                None => back.remove.push(option.clone()),
            }
        }
        back
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changes_goes_back() {
        let setting = |name: &str, value: &str| OptionSetting {
            namespace: "aws:elasticbeanstalk:application:environment".to_owned(),
            option_name: name.to_owned(),
            value: value.to_owned(),
            resource_name: None,
        };
        let wanted = [setting("SAME", "1"), setting("OTHER", "new"), setting("NEW", "x")];
        let current = [setting("SAME", "1"), setting("OTHER", "old")];
        let back = SettingsChange::back(&wanted, &current);
        assert_eq!(back.set, [setting("OTHER", "old")]);
        assert_eq!(back.remove, [setting("NEW", "x")]);
        assert!(SettingsChange::back(&current, &current).is_empty());
    }
}
