//! Failed deployments in words: what happened, why, and what to do.

use anyhow::anyhow;

use crate::aws::backend::deploy::Failed;
use crate::aws::backend::explain::Explanation;
use crate::core::backend::plan::{EnvironmentPlan, names};
use crate::core::backend::rollout::FailureReason;
use crate::core::error::HintExt as _;
use crate::core::inputs::BackendInputs;
use crate::core::report;

/// One error of all.
pub(crate) fn join(mut failed: Vec<Failed>, total: usize, plans: &[EnvironmentPlan]) -> Option<anyhow::Error> {
    if failed.len() < 2 {
        let only = failed.pop()?;
        return Some(if total > 1 {
            only.error.context(format!("1 of {total} environments failed"))
        } else {
            only.error
        });
    }
    let others = names(failed.iter().skip(1).map(|one| plans[one.position].name.as_str()));
    let count = failed.len();
    let first = failed.swap_remove(0).error;
    Some(first.context(format!(
        "{count} of {total} environments failed ({others} too, see their groups in the log)"
    )))
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

/// The update failed.
pub(crate) fn failure_error(
    plan: &EnvironmentPlan,
    label: &str,
    why: &FailureReason,
    event: Option<String>,
    explanation: &Explanation,
    backend: &BackendInputs,
    report: &report::EnvironmentReport,
) -> anyhow::Error {
    let health = report.health.as_deref().unwrap_or("Grey");
    let what = match why {
        FailureReason::Event | FailureReason::Gone => {
            event.unwrap_or_else(|| "Elastic Beanstalk reports an error".to_owned())
        }
        FailureReason::Reverted(Some(now)) => {
            format!("it is Ready on `{now}`: Elastic Beanstalk has taken the update back")
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
