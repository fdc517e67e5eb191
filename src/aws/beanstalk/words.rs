//! Failed deployments in words: what happened, why, and what to do.

use anyhow::anyhow;

use super::deploy::Failed;
use super::explain::Explanation;
use super::plan::{EnvironmentPlan, names};
use super::wait::Why;
use crate::failure::HintExt as _;
use crate::inputs::BackendInputs;
use crate::report;

/// One error of all.
pub(super) fn join(mut failed: Vec<Failed>, total: usize, plans: &[EnvironmentPlan]) -> Option<anyhow::Error> {
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
pub(super) fn deadline_error(
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
pub(super) fn failure_error(
    plan: &EnvironmentPlan,
    label: &str,
    why: &Why,
    event: Option<String>,
    explanation: &Explanation,
    backend: &BackendInputs,
    report: &report::Environment,
) -> anyhow::Error {
    let health = report.health.as_deref().unwrap_or("Grey");
    let what = match why {
        Why::Event | Why::Gone => event.unwrap_or_else(|| "Elastic Beanstalk reports an error".to_owned()),
        Why::Reverted(Some(now)) => format!("it is Ready on `{now}`: Elastic Beanstalk has taken the update back"),
        Why::Reverted(None) => "it is Ready without any version".to_owned(),
        Why::Health => format!(
            "its health is still {health} {} s after the update finished",
            backend.recovery.as_secs()
        ),
        Why::Stragglers(instances) => {
            format!(
                "{} still run another version",
                names(instances.iter().map(String::as_str))
            )
        }
    };
    let mut text = format!("cannot deploy `{label}` to `{}`: {}", plan.name, clause(&what));
    if let (Why::Health, Some(cause)) = (why, &explanation.cause) {
        text.push_str(&format!(" ({})", clause(cause)));
    }
    if let Some(line) = &explanation.log_line {
        text.push_str(&format!("; log: {}", clause(line)));
    }
    let hint = match why {
        Why::Health => {
            "see the causes and log lines above; raise `recovery-seconds` when it only needs more time, or widen \
             `accepted-health`"
        }
        Why::Stragglers(_) => "deploy again with `force: true`, or replace the instances named",
        Why::Event | Why::Reverted(_) | Why::Gone => "see the events and log lines above, then correct the application",
    };
    anyhow!(text).hint(hint)
}

/// A sentence of Beanstalk's as a part of one of ours.
fn clause(sentence: &str) -> &str {
    sentence.trim_end_matches(['.', ' '])
}
