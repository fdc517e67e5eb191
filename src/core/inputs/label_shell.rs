//! What a version label holds that a shell or an expression was meant to replace, and what to write instead.

use crate::core::inputs::expand::{expression, variables};
use crate::core::secret::shown_text;

/// Each piece of `label` that nobody expands, with its remedy; it follows the name of the input and "holds".
#[must_use]
pub(crate) fn unexpanded(label: &str) -> Vec<String> {
    let (commands, label) = without_commands(label);
    let (braces, label) = without_braces(&label);
    let commands = commands.iter().map(|(typed, command)| {
        format!(
            "`{}`, and no shell runs it: write {}",
            shown_text(typed),
            instead_of_command(command)
        )
    });
    let variables = variables(&label).into_iter().map(|name| {
        let instead = instead_of_variable(name, "");
        format!("`${name}`, and no shell expands it: {instead}")
    });
    commands.chain(braces).chain(variables).collect()
}

/// The commands that a shell would run, as typed and without what stands around them; and the text without them.
#[must_use]
pub(crate) fn without_commands(text: &str) -> (Vec<(String, String)>, String) {
    let (mut commands, mut rest) = (Vec::new(), text.to_owned());
    for (open, close) in [("$(", ')'), ("`", '`')] {
        while let Some(start) = rest.find(open) {
            let inner = start + open.len();
            let Some(length) = rest[inner..].find(close) else { break };
            let end = inner + length + close.len_utf8();
            commands.push((rest[start..end].to_owned(), rest[inner..inner + length].to_owned()));
            rest.replace_range(start..end, "");
        }
    }
    (commands, rest)
}

/// What is said of each `${…}`, and the label without them: expressions with one brace too few on each side, and variables.
fn without_braces(label: &str) -> (Vec<String>, String) {
    let (mut said, mut rest) = (Vec::new(), label.to_owned());
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let inner = rest[start + 2..start + length].trim().to_owned();
        let typed = shown_text(&rest[start..=start + length]).to_owned();
        rest.replace_range(start..=start + length, "");
        let is_context = ["github.", "env.", "runner.", "vars.", "steps.", "inputs."]
            .iter()
            .any(|context| inner.starts_with(context));
        if is_context {
            let variable = inner.to_ascii_uppercase().replace('.', "_");
            let instead = match placeholder(&variable) {
                Some(placeholder) => format!("`{placeholder}`"),
                None => format!("`${{{{ {inner} }}}}`"),
            };
            said.push(format!("`{typed}`, which is no expression: write {instead}"));
            continue;
        }
        let end = inner
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(inner.len());
        let (name, operator) = inner.split_at(end);
        if name.is_empty() {
            said.push(format!(
                "`{typed}`, and no shell expands it: remove the `$` and the braces"
            ));
            continue;
        }
        let typed = if operator.is_empty() { format!("${name}") } else { typed };
        let instead = instead_of_variable(name, operator);
        said.push(format!("`{typed}`, and no shell expands it: {instead}"));
    }
    (said, rest)
}

/// What to write instead of a variable; `operator` is what else a shell was to do with it, such as `::7`.
fn instead_of_variable(name: &str, operator: &str) -> String {
    match placeholder(name) {
        Some("{sha}") if operator.starts_with(':') => "write `{short-sha}`".to_owned(),
        Some(placeholder) => format!("write `{placeholder}`"),
        None => format!("use an expression such as `{}`", expression(name)),
    }
}

/// The placeholder for what people have a shell put into a label.
fn instead_of_command(command: &str) -> &'static str {
    let has = |word: &str| command.contains(word);
    if command.trim_start().starts_with("date") {
        "`{timestamp}`, the time at which the run started"
    } else if has("--abbrev-ref") || has("--show-current") || has("GITHUB_REF") {
        "`{ref}`"
    } else if (has("git ") && has("--short")) || (has("GITHUB_SHA") && has("cut")) {
        "`{short-sha}`"
    } else if has("rev-parse") || has("GITHUB_SHA") {
        "`{sha}`"
    } else {
        "a placeholder such as `{timestamp}` or `{short-sha}`, or the output of an earlier step, `${{ steps.ID.outputs.NAME }}`"
    }
}

/// The placeholder for a variable of GitHub's.
fn placeholder(variable: &str) -> Option<&'static str> {
    Some(match variable {
        "GITHUB_SHA" => "{sha}",
        "GITHUB_REF" | "GITHUB_REF_NAME" => "{ref}",
        "GITHUB_REPOSITORY" => "{repo}",
        "GITHUB_RUN_ID" => "{run-id}",
        "GITHUB_RUN_NUMBER" => "{run-number}",
        "GITHUB_RUN_ATTEMPT" => "{run-attempt}",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_shell_was_to_replace_is_named_with_its_placeholder() {
        for (label, expected) in [
            (
                "v-$(date)",
                &["`$(date)`, and no shell runs it: write `{timestamp}`"][..],
            ),
            ("v-$(date +%s)-$GITHUB_SHA", &["`$(date +%s)`", "write `{sha}`"]),
            ("v-`date +%Y`", &["write `{timestamp}`"]),
            ("$(git rev-parse --short HEAD)", &["write `{short-sha}`"]),
            ("$(git rev-parse --short $GITHUB_SHA)", &["write `{short-sha}`"]),
            ("$(echo $GITHUB_SHA | cut -c1-7)", &["write `{short-sha}`"]),
            ("$(git rev-parse HEAD)", &["write `{sha}`"]),
            ("$(git rev-parse --abbrev-ref HEAD)", &["write `{ref}`"]),
            ("$(cat VERSION)", &["`${{ steps.ID.outputs.NAME }}`"]),
            (
                "${GITHUB_SHA::7}",
                &["`${GITHUB_SHA::7}`, and no shell expands it: write `{short-sha}`"],
            ),
            ("${GITHUB_REF##*/}", &["write `{ref}`"]),
            ("${BUILD:-1}", &["`${{ env.BUILD }}`"]),
            (
                "${GITHUB_SHA}",
                &["`$GITHUB_SHA`, and no shell expands it: write `{sha}`"],
            ),
            ("x-$A-$B", &["`${{ env.A }}`", "`${{ env.B }}`"]),
            (
                "app-${github.sha}",
                &["`${github.sha}`, which is no expression: write `{sha}`"],
            ),
            ("app-${ github.actor }", &["write `${{ github.actor }}`"]),
            ("${}", &["remove the `$`"]),
        ] {
            let said = unexpanded(label);
            assert_eq!(said.len(), expected.len(), "{label}: {said:?}");
            for (said, part) in said.iter().zip(expected) {
                assert!(said.contains(part), "{label}: {said}");
            }
        }
        for plain in ["v-{sha}", "a$", "5$ off", "{repo}-{timestamp}", "a(b)"] {
            assert_eq!(unexpanded(plain), Vec::<String>::new(), "{plain}");
        }
    }
}
