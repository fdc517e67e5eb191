//! Failed deployments in words: what happened, why, and what to do.

use anyhow::anyhow;

use crate::core::backend::explanation::Explanation;
use crate::core::backend::plan::EnvironmentPlan;
use crate::core::backend::rollout::FailureReason;
use crate::core::error::HintExt as _;
use crate::core::inputs::BackendInputs;
use crate::core::text::names;

/// The failure of one environment.
#[derive(Debug)]
pub(crate) struct EnvironmentFailure<'p> {
    pub(crate) plan: &'p EnvironmentPlan,
    pub(crate) error: anyhow::Error,
}

/// One error of all.
pub(crate) fn join(mut failed: Vec<EnvironmentFailure<'_>>, total: usize) -> Option<anyhow::Error> {
    if failed.len() < 2 {
        let only = failed.pop()?;
        return Some(if total > 1 {
            only.error.context(format!("1 of {total} environments failed"))
        } else {
            only.error
        });
    }
    let others = names(failed.iter().skip(1).map(|failure| failure.plan.name.as_str()));
    let count = failed.len();
    let first = failed.swap_remove(0).error;
    Some(first.context(format!(
        "{count} of {total} environments failed ({others} too, see their groups in the log)"
    )))
}

/// What became of an environment that was to go back to what ran before.
#[derive(Debug)]
pub(crate) struct UndoneEnvironment<'p> {
    pub(crate) plan: &'p EnvironmentPlan,
    pub(crate) result: anyhow::Result<()>,
}

impl UndoneEnvironment<'_> {
    fn is_back(&self) -> bool {
        self.result.is_ok() && self.plan.previous_label.is_some()
    }

    fn text(&self) -> String {
        let name = &self.plan.name;
        match (&self.result, &self.plan.previous_label) {
            (Ok(()), Some(label)) => format!("`{name}` is back on `{label}`"),
            (Ok(()), None) => format!("`{name}` ran nothing before"),
            (Err(error), _) => format!("`{name}` could not be put back: {error:#}"),
        }
    }

    /// The environment's failure with this behind it.
    pub(crate) fn after(&self, failure: Option<String>) -> String {
        match failure {
            Some(failure) => format!("{failure}; {}", self.text()),
            None => self.text(),
        }
    }
}

/// `error`, with what was done about it: first what is back, then what is not.
pub(crate) fn rolled_back_error(error: anyhow::Error, undone: &[UndoneEnvironment<'_>]) -> anyhow::Error {
    if undone.is_empty() {
        return error;
    }
    let (back, lost): (Vec<_>, Vec<_>) = undone.iter().partition(|undone| undone.is_back());
    let texts: Vec<String> = back.into_iter().chain(lost).map(UndoneEnvironment::text).collect();
    error.context(texts.join("; "))
}

/// The deadline came first.
pub(crate) fn timeout_error(
    plan: &EnvironmentPlan,
    label: &str,
    status: &str,
    begun: bool,
    seconds: u64,
    explanation: &Explanation,
) -> anyhow::Error {
    let name = &plan.name;
    if !begun {
        return anyhow!(
            "cannot deploy `{label}` to `{name}`: it is still {status} after {seconds} s, by another update"
        )
        .hint("run this step again later, raise `deployment-timeout`, or set `when-busy: abort`");
    }
    let mut text =
        format!("cannot deploy `{label}` to `{name}`: still {status} after {seconds} s; the update keeps running");
    if let Some(line) = &explanation.log_line {
        text.push_str(&format!("; log: {}", clause(line)));
    }
    anyhow!(text).hint(
        "look at the environment's events and logs; raise `deployment-timeout` when this is how long it takes, or set \
         `on-failure: rollback`",
    )
}

/// The environment is not there any more.
pub(crate) fn gone_error(plan: &EnvironmentPlan, label: &str) -> anyhow::Error {
    anyhow!(
        "cannot deploy `{label}` to `{}`: the environment is being terminated, or gone",
        plan.name
    )
    .hint("create the environment again, or name another in `environment-name`")
}

/// The update failed.
pub(crate) fn failure_error(
    plan: &EnvironmentPlan,
    label: &str,
    why: &FailureReason,
    event: Option<String>,
    explanation: &Explanation,
    backend: &BackendInputs,
    health: &str,
) -> anyhow::Error {
    let what = match why {
        FailureReason::Event | FailureReason::Gone => {
            event.unwrap_or_else(|| "Elastic Beanstalk reports an error".to_owned())
        }
        FailureReason::Reverted(Some(now)) => {
            format!("it is Ready on `{now}`: Elastic Beanstalk rolled the update back")
        }
        FailureReason::Reverted(None) => "it is Ready without any version".to_owned(),
        FailureReason::Health => format!(
            "its health is still {health} {} s after the update finished",
            backend.recovery.as_secs()
        ),
        FailureReason::Stragglers(instances) => {
            format!(
                "{} still run another version",
                names(instances.iter().map(String::as_str))
            )
        }
    };
    let mut text = format!("cannot deploy `{label}` to `{}`: {}", plan.name, clause(&what));
    if let (FailureReason::Health, Some(cause)) = (why, &explanation.cause) {
        text.push_str(&format!(" ({})", clause(cause)));
    }
    if let Some(line) = &explanation.log_line {
        text.push_str(&format!("; log: {}", clause(line)));
    }
    let hint = match why {
        FailureReason::Health => {
            "see the causes and log lines above; raise `recovery-seconds` when it only needs more time, or widen \
             `accepted-health`"
        }
        FailureReason::Stragglers(_) => "deploy again with `force: true`, or replace the instances named",
        FailureReason::Event | FailureReason::Reverted(_) | FailureReason::Gone => {
            "see the events and log lines above, then correct the application"
        }
    };
    anyhow!(text).hint(hint)
}

/// A sentence of Beanstalk's as a part of one of ours.
fn clause(sentence: &str) -> &str {
    sentence.trim_end_matches(['.', ' '])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::backend::plan::UpdateStep;

    fn plan(name: &str) -> EnvironmentPlan {
        EnvironmentPlan {
            name: name.to_owned(),
            label: "v1".to_owned(),
            previous_label: Some("v0".to_owned()),
            status: "Ready".to_owned(),
            health: "Green".to_owned(),
            url: None,
            step: UpdateStep::Nothing,
        }
    }

    #[test]
    fn several_failures_are_one_error() {
        let plans = [plan("eu"), plan("us")];
        let failure = |plan| EnvironmentFailure {
            plan,
            error: anyhow!("no"),
        };
        let join = |failed| join(failed, 2).map(|error| format!("{error:#}"));
        assert_eq!(join(Vec::new()), None);
        assert_eq!(
            join(vec![failure(&plans[1])]).as_deref(),
            Some("1 of 2 environments failed: no")
        );
        assert_eq!(
            join(vec![failure(&plans[0]), failure(&plans[1])]).as_deref(),
            Some("2 of 2 environments failed (`us` too, see their groups in the log): no")
        );
    }

    #[test]
    fn a_deadline_says_whose_update_it_was() {
        let explanation = Explanation {
            log_line: Some("no such file.".to_owned()),
            ..Explanation::default()
        };
        let text = |begun| timeout_error(&plan("web"), "v1", "Updating", begun, 60, &explanation).to_string();
        assert_eq!(
            text(true),
            "cannot deploy `v1` to `web`: still Updating after 60 s; the update keeps running; log: no such file"
        );
        assert!(text(false).ends_with("it is still Updating after 60 s, by another update"));
    }
}
