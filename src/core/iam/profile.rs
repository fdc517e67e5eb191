//! What a profile of the AWS configuration makes the SDK do that nobody would expect of a file: run a command, or send
//! requests elsewhere.
//!
//! <https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html>

use std::collections::{BTreeMap, BTreeSet};

/// The properties of sections, by section (`profile x` is `x`); those of a nested property as `NAME.PROPERTY`.
type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// What a profile makes the SDK do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ProfileEffects {
    /// The profile whose `credential_process` is run: the selected one, or one that it takes credentials from.
    pub(crate) command_of: Option<String>,
    /// The addresses that requests go to instead of AWS's, sorted.
    pub(crate) endpoints: Vec<String>,
}

/// What the profile `selected` does, by the texts of the files `config` and `credentials`.
#[must_use]
pub(crate) fn effects(config: &str, credentials: &str, selected: &str) -> ProfileEffects {
    let mut sections = Sections::new();
    read(config, true, &mut sections);
    read(credentials, false, &mut sections);
    let mut effects = ProfileEffects::default();
    let (mut name, mut seen) = (selected, BTreeSet::new());
    while let Some(profile) = sections.get(name).filter(|_| seen.insert(name)) {
        if effects.command_of.is_none() && profile.contains_key("credential_process") {
            effects.command_of = Some(name.to_owned());
        }
        match profile.get("source_profile") {
            Some(source) => name = source,
            None => break,
        }
    }
    if let Some(profile) = sections.get(selected) {
        let services = profile
            .get("services")
            .and_then(|name| sections.get(&format!("services {name}")));
        let all = profile.iter().chain(services.into_iter().flatten());
        let found: BTreeSet<&String> = all
            .filter(|(name, _)| name.rsplit('.').next() == Some("endpoint_url"))
            .map(|(_, url)| url)
            .collect();
        effects.endpoints = found.into_iter().cloned().collect();
    }
    effects
}

fn read(text: &str, is_config: bool, sections: &mut Sections) {
    let (mut section, mut parent) = (None, String::new());
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            let words: Vec<&str> = name.split_whitespace().collect();
            section = match words.as_slice() {
                ["profile", name] if is_config => Some((*name).to_owned()),
                ["services", name] if is_config => Some(format!("services {name}")),
                [name] => Some((*name).to_owned()),
                _ => None,
            };
            parent.clear();
            continue;
        }
        let (Some(section), Some((name, value))) = (&section, trimmed.split_once('=')) else {
            continue;
        };
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        let is_nested = line.starts_with(char::is_whitespace) && !parent.is_empty();
        let key = if is_nested {
            format!("{parent}.{name}")
        } else {
            parent = if value.is_empty() { name.clone() } else { String::new() };
            name
        };
        sections
            .entry(section.clone())
            .or_default()
            .insert(key, value.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_addresses_of_the_selected_profile_are_found() {
        let config = "# mine\n[default]\nregion = eu-west-1\n[profile ci]\nsource_profile=base\nrole_arn = x\n\
                      services = local\nendpoint_url = https://a.example.test\n[profile base]\n\
                      credential_process = /bin/x --y=z\n[services local]\ns3 =\n  endpoint_url = http://b.example.test\n\
                      [profile other]\nendpoint_url = https://c.example.test\n";
        let found = effects(config, "", "ci");
        assert_eq!(found.command_of.as_deref(), Some("base"));
        assert_eq!(found.endpoints, ["http://b.example.test", "https://a.example.test"]);
        assert_eq!(effects(config, "", "default"), ProfileEffects::default());
        assert_eq!(effects(config, "", "missing"), ProfileEffects::default());
        let found = effects("", "[default]\nCredential_Process: x\ncredential_process=y", "default");
        assert_eq!(found.command_of.as_deref(), Some("default"));
    }

    #[test]
    fn profiles_that_name_each_other_come_to_an_end() {
        let config = "[profile a]\nsource_profile = b\n[profile b]\nsource_profile = a\n";
        assert_eq!(effects(config, "", "a"), ProfileEffects::default());
    }
}
