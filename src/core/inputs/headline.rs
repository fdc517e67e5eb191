//! The first line of a run: what it does, to what, because of which input, and from which commit.

use crate::core::context::RunContext;
use crate::core::inputs::command::Command;

/// What a run deploys to, and the name under which that was given, such as `bucket` or `AWS_S3_BUCKET`.
pub(crate) type Target = (String, &'static str);

/// The part of a [`Destination`] that is a distribution.
pub(crate) const CLOUDFRONT: &str = "CloudFront";

/// What a run deploys to, for the summary: its part, as in the table's first column, and what a person knows it by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    /// `Site`, `CloudFront` or `Backend`.
    pub(crate) part: &'static str,
    /// `s3://my-site/`, `my-app-prod`, `E1EXAMPLE`.
    pub(crate) name: String,
}

/// The line; `to` is a rollback's target.
#[must_use]
pub(crate) fn headline(
    command: Command,
    dry_run: bool,
    to: Option<&str>,
    targets: &[Target],
    context: &RunContext,
) -> String {
    let targets: Vec<String> = targets
        .iter()
        .map(|(target, name)| format!("{target} (`{name}`)"))
        .collect();
    let targets = match targets.as_slice() {
        [rest @ .., last] if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        targets => targets.concat(),
    };
    let line = match command {
        Command::Deploy => match source(context) {
            Some(source) => format!("Deploying {source} to {targets}"),
            None => format!("Deploying to {targets}"),
        },
        Command::Rollback => format!("Rolling back {targets} to `{}`", to.unwrap_or("previous")),
        Command::Check => format!("Checking {targets}"),
    };
    if dry_run && command != Command::Check {
        format!("{line}: a dry run, nothing will be changed")
    } else {
        line
    }
}

/// The commit with its repository, such as `octo/site@8f3c2a1`.
fn source(context: &RunContext) -> Option<String> {
    let sha = context.sha.as_deref()?;
    let short = sha.get(..7).unwrap_or(sha);
    Some(match &context.repository {
        Some(repository) => format!("{repository}@{short}"),
        None => format!("commit {short}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_where_why_and_from_which_commit() {
        let job = RunContext {
            sha: Some("8f3c2a1b5d7e".to_owned()),
            repository: Some("octo/site".to_owned()),
            ..RunContext::default()
        };
        let terminal = RunContext::default();
        let site = ("s3://b/".to_owned(), "AWS_S3_BUCKET");
        let cdn = ("CloudFront E1".to_owned(), "distribution");
        let backend = ("Elastic Beanstalk app/prod".to_owned(), "application-name");
        let all = [site.clone(), cdn, backend];
        assert_eq!(
            headline(Command::Deploy, false, None, &all, &job),
            "Deploying octo/site@8f3c2a1 to s3://b/ (`AWS_S3_BUCKET`), CloudFront E1 (`distribution`) and Elastic \
             Beanstalk app/prod (`application-name`)"
        );
        assert_eq!(
            headline(Command::Deploy, true, None, std::slice::from_ref(&site), &terminal),
            "Deploying to s3://b/ (`AWS_S3_BUCKET`): a dry run, nothing will be changed"
        );
        assert_eq!(
            headline(Command::Rollback, false, None, std::slice::from_ref(&site), &job),
            "Rolling back s3://b/ (`AWS_S3_BUCKET`) to `previous`"
        );
        assert_eq!(
            headline(Command::Check, true, None, &[site], &job),
            "Checking s3://b/ (`AWS_S3_BUCKET`)"
        );
    }
}
