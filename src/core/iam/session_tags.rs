//! The tags of a role's session: they tell in CloudTrail, and to policies, which workflow assumed it.

use crate::core::context::RunContext;

/// The longest value of a [tag], in characters.
///
/// [tag]: https://docs.aws.amazon.com/STS/latest/APIReference/API_Tag.html
const MAX_VALUE: usize = 256;

/// The tags that [aws-actions/configure-aws-credentials] gives a session, so that policies which ask for them keep
/// working; what the runner does not say is left out.
///
/// [aws-actions/configure-aws-credentials]: https://github.com/aws-actions/configure-aws-credentials#session-tagging
#[must_use]
pub(crate) fn session_tags(context: &RunContext) -> Vec<(&'static str, String)> {
    let known = [
        ("Repository", &context.repository),
        ("Workflow", &context.workflow),
        ("Action", &context.action),
        ("Actor", &context.actor),
        ("Commit", &context.sha),
        ("Branch", &context.git_ref),
    ];
    let mut tags = vec![("GitHub", "Actions".to_owned())];
    tags.extend(
        known
            .into_iter()
            .filter_map(|(key, value)| Some((key, tag_value(value.as_deref()?)))),
    );
    tags
}

/// `text` with `_` for what STS takes in no tag, cut to what it takes.
fn tag_value(text: &str) -> String {
    text.chars()
        .map(|character| {
            let space = character.is_whitespace() && !character.is_control();
            if character.is_alphanumeric() || space || "_.:/=+-@".contains(character) {
                character
            } else {
                '_'
            }
        })
        .take(MAX_VALUE)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_hold_what_sts_takes_and_what_the_runner_says() {
        let context = RunContext {
            repository: Some("octo/site".to_owned()),
            workflow: Some("Build & deploy (größe)\t".to_owned()),
            actor: Some("octo-bot[bot]".to_owned()),
            sha: Some("a".repeat(300)),
            ..RunContext::default()
        };
        assert_eq!(
            session_tags(&context),
            [
                ("GitHub", "Actions".to_owned()),
                ("Repository", "octo/site".to_owned()),
                ("Workflow", "Build _ deploy _größe__".to_owned()),
                ("Actor", "octo-bot_bot_".to_owned()),
                ("Commit", "a".repeat(256)),
            ]
        );
    }
}
