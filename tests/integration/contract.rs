//! `action.yml`, the code's input table and the README's tables say the same.

use std::collections::BTreeSet;

use aws_web_deploy::door::{aliases, inputs, old_environment, outputs, variable};
use serde_json::Value;

use crate::support::project;

fn action() -> Value {
    let text = std::fs::read_to_string(project().join("action.yml")).expect("action.yml");
    yaml_serde::from_str(&text).expect("action.yml is YAML")
}

fn readme() -> String {
    std::fs::read_to_string(project().join("README.md")).expect("README.md")
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().expect("a mapping").keys().cloned().collect()
}

/// The names in the first column of the README's tables between two headings.
fn table_names(readme: &str, from: &str, to: &str) -> BTreeSet<String> {
    let section = readme
        .split(from)
        .nth(1)
        .and_then(|rest| rest.split(to).next())
        .expect("the section");
    section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(ToOwned::to_owned)
        .collect()
}

#[test]
fn every_input_is_declared_described_handed_over_and_documented() {
    let action = action();
    let names: BTreeSet<String> = inputs().into_iter().map(ToOwned::to_owned).collect();
    let aliases: BTreeSet<String> = aliases().into_iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(keys(&action["inputs"]), names.union(&aliases).cloned().collect());
    assert_eq!(table_names(&readme(), "\n## Inputs\n", "\n## Outputs\n"), names);

    let env = action["runs"]["steps"][0]["env"]
        .as_object()
        .expect("the step's environment");
    assert_eq!(env.len(), names.len() + aliases.len());
    for name in names.union(&aliases) {
        assert_eq!(env[&variable(name)], format!("${{{{ inputs.{name} }}}}"), "{name}");
        let input = &action["inputs"][name];
        assert!(
            input["description"].as_str().is_some_and(|text| text.len() > 10),
            "{name}"
        );
        // The binary owns every default; only the token cannot be had in another way.
        assert_eq!(input.get("default").is_some(), name == "github-token", "{name}");
    }
    for (alias, replaced_by) in aws_web_deploy::door::aliases() {
        let message = action["inputs"][alias]["deprecationMessage"]
            .as_str()
            .unwrap_or_default();
        assert!(
            message.contains(replaced_by.unwrap_or("")) && !message.is_empty(),
            "{}",
            alias
        );
        assert!(readme().contains(&format!("`{alias}`")), "{alias}");
    }
    for old in old_environment() {
        assert!(readme().contains(&format!("`{old}`")), "{old}");
    }
}

#[test]
fn the_first_six_inputs_are_those_that_most_people_need() {
    let leading: Vec<&str> = inputs().into_iter().take(6).collect();
    assert_eq!(
        leading,
        [
            "bucket",
            "source",
            "distribution",
            "application-name",
            "environment-name",
            "package"
        ]
    );
}

#[test]
fn every_output_is_declared_and_documented() {
    let written: BTreeSet<String> = outputs().into_iter().map(ToOwned::to_owned).collect();
    let action = action();
    assert_eq!(keys(&action["outputs"]), written);
    assert_eq!(table_names(&readme(), "\n## Outputs\n", "\n## Permissions\n"), written);
    for name in written {
        assert_eq!(
            action["outputs"][&name]["value"],
            format!("${{{{ steps.deploy.outputs.{name} }}}}")
        );
    }
}

/// No text of an input may become part of a script.
#[test]
fn the_script_holds_no_expression() {
    let action = action();
    for step in action["runs"]["steps"].as_array().expect("steps") {
        assert!(!step["run"].as_str().expect("a script").contains("${{"));
        assert_eq!(step["shell"], "sh");
    }
}
