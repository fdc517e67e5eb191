//! `action.yml` and the documentation's tables say what the code's tables say. `UPDATE_DOCS=1` writes them anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use aws_web_deploy::door::{
    ALIASES, INPUTS, InputSpec, MISTAKEN, OLD_ENVIRONMENT, Section, outputs, variable, written_outputs,
};
use serde_json::Value;

use crate::support::project;

fn read(file: &str) -> String {
    std::fs::read_to_string(project().join(file)).expect(file)
}

fn action() -> Value {
    yaml_serde::from_str(&read("action.yml")).expect("action.yml is YAML")
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value
        .as_object()
        .expect("a mapping")
        .keys()
        .map(String::as_str)
        .collect()
}

/// Writes `renewed` to `file`, or holds the file to it.
fn hold(file: &str, renewed: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(project().join(file), renewed).expect("the file is written");
        return;
    }
    assert_eq!(read(file), renewed, "run the tests with UPDATE_DOCS=1");
}

/// The description with the default behind it.
fn described(input: &InputSpec) -> String {
    if input.default.is_empty() || input.name == "github-token" {
        return input.description.to_owned();
    }
    format!("{} Default: {}.", input.description, input.default)
}

/// `text` as a quoted scalar of YAML.
fn scalar(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn action_inputs() -> String {
    let mut out = String::new();
    for input in INPUTS {
        let _ = writeln!(out, "  {}:\n    description: {}", input.name, scalar(&described(input)));
        out.push_str("    required: false\n");
        // The binary owns every default; only the token cannot be had in another way.
        if input.name == "github-token" {
            out.push_str("    default: ${{ github.token }}\n");
        }
    }
    out.push_str(
        "\n  # The names of einaregilsson/beanstalk-deploy, so that its step can be swapped without renaming.\n",
    );
    for alias in ALIASES {
        let (description, instead) = match alias.replaced_by {
            Some(name) => (format!("The same as `{name}`."), format!("Use `{name}` instead.")),
            None => (alias.description.to_owned(), alias.instead.to_owned()),
        };
        let _ = writeln!(out, "  {}:\n    description: {}", alias.name, scalar(&description));
        let _ = writeln!(out, "    required: false\n    deprecationMessage: {}", scalar(&instead));
    }
    out.push_str(
        "\n  # No inputs of this action; declared so that a step which has them is told, not deployed without them.\n",
    );
    for mistaken in MISTAKEN {
        let name = mistaken.replaced_by.expect("a name");
        let _ = writeln!(
            out,
            "  {}:\n    description: \"Not an input of this action: use `{name}`.\"",
            mistaken.name
        );
        let _ = writeln!(
            out,
            "    required: false\n    deprecationMessage: \"Use `{name}` instead.\""
        );
    }
    out
}

fn action_outputs() -> String {
    let mut out = String::new();
    for (name, description) in outputs() {
        let _ = writeln!(out, "  {name}:\n    description: {}", scalar(description));
        let _ = writeln!(out, "    value: ${{{{ steps.deploy.outputs.{name} }}}}");
    }
    out
}

fn action_environment() -> String {
    let old = ALIASES.iter().chain(MISTAKEN).map(|alias| alias.name);
    let names = INPUTS.iter().map(|input| input.name).chain(old);
    names.fold(String::new(), |mut out, name| {
        let _ = writeln!(out, "        {}: ${{{{ inputs.{name} }}}}", variable(name));
        out
    })
}

/// `action.yml` with its inputs, outputs and variables made anew; the rest stays.
fn renewed_action(text: &str) -> String {
    let (head, rest) = text.split_once("\ninputs:\n").expect("the inputs");
    let (_, rest) = rest.split_once("\nruns:\n").expect("the step");
    let (step, _) = rest.split_once("\n      env:\n").expect("the step's environment");
    format!(
        "{head}\ninputs:\n{}\noutputs:\n{}\nruns:\n{step}\n      env:\n{}",
        action_inputs(),
        action_outputs(),
        action_environment()
    )
}

/// `text` in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The table behind the mark `name`.
fn table(name: &str) -> String {
    let section = match name {
        "parts" => Section::Parts,
        "run" => Section::Run,
        "aws" => Section::Aws,
        "site" => Section::Site,
        "cdn" => Section::Cdn,
        "backend" => Section::Backend,
        "release" => Section::Release,
        "outputs" => {
            let mut out = String::from("| Output | Meaning |\n| --- | --- |\n");
            for (name, description) in outputs() {
                let _ = writeln!(out, "| `{name}` | {} |", cell(description));
            }
            return out;
        }
        "old-inputs" | "old-variables" => {
            let (head, aliases) = match name {
                "old-inputs" => ("Old input", ALIASES),
                _ => ("Old variable", OLD_ENVIRONMENT),
            };
            let mut out = format!("| {head} | Input |\n| --- | --- |\n");
            for alias in aliases {
                let meaning = match alias.replaced_by {
                    Some(name) => format!("`{name}`"),
                    None => cell(alias.description),
                };
                let _ = writeln!(out, "| `{}` | {meaning} |", alias.name);
            }
            return out;
        }
        other => panic!("nobody generates `{other}`"),
    };
    let mut out = String::from("| Input | Value | Default | Meaning |\n| --- | --- | --- | --- |\n");
    for input in INPUTS.iter().filter(|input| input.section == section) {
        let (value, default) = (cell(input.placeholder), cell(input.default));
        let _ = writeln!(
            out,
            "| `{}` | {value} | {default} | {} |",
            input.name,
            cell(input.description)
        );
    }
    out
}

/// The page with the table behind each mark `<!-- table: NAME -->` made anew.
fn renewed_page(page: &str) -> String {
    let mut out = String::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let mark = line
            .strip_prefix("<!-- table: ")
            .and_then(|rest| rest.strip_suffix(" -->"));
        if let Some(name) = mark {
            out.push_str(&table(name));
            while lines.next_if(|line| line.starts_with('|')).is_some() {}
        }
    }
    out
}

#[test]
fn action_yml_is_what_the_tables_say() {
    hold("action.yml", &renewed_action(&read("action.yml")));
    let action = action();
    let names: BTreeSet<&str> = INPUTS.iter().map(|input| input.name).collect();
    let aliases: BTreeSet<&str> = ALIASES.iter().chain(MISTAKEN).map(|alias| alias.name).collect();
    assert_eq!(keys(&action["inputs"]), &names | &aliases);
    assert_eq!(
        keys(&action["runs"]["steps"][0]["env"]).len(),
        INPUTS.len() + aliases.len()
    );
    for name in names.union(&aliases) {
        let expected = format!("${{{{ inputs.{name} }}}}");
        assert_eq!(action["runs"]["steps"][0]["env"][&variable(name)], expected, "{name}");
        assert_eq!(action["inputs"][name].get("default").is_some(), *name == "github-token");
    }
}

#[test]
fn the_tables_of_the_documentation_are_generated() {
    let sections = ["parts", "run", "aws", "site", "cdn", "backend", "release"];
    for page in ["README.md", "docs/inputs.md"] {
        hold(page, &renewed_page(&read(page)));
    }
    let page = read("docs/inputs.md");
    for name in sections.iter().chain(&["outputs", "old-inputs", "old-variables"]) {
        assert!(page.contains(&format!("<!-- table: {name} -->")), "{name}");
    }
}

#[test]
fn the_first_six_inputs_are_those_that_most_people_need() {
    let leading: Vec<&str> = INPUTS.iter().take(6).map(|input| input.name).collect();
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
    assert!(INPUTS.iter().take(6).all(|input| input.section == Section::Parts));
}

#[test]
fn every_input_is_described_in_whole_sentences() {
    let mut names = BTreeSet::new();
    for input in INPUTS {
        assert!(names.insert(input.name), "{} is listed twice", input.name);
        assert!(input.description.ends_with('.'), "{}", input.name);
        assert!(!input.placeholder.is_empty(), "{}", input.name);
        assert!(!input.description.contains("Default:"), "{}", input.name);
    }
}

#[test]
fn every_output_is_written_and_declared() {
    let declared: Vec<&str> = outputs().iter().map(|(name, _)| *name).collect();
    assert_eq!(written_outputs(), declared);
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
