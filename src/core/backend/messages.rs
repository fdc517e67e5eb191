//! Failed deployments in words: what happened, why, and what to do.

use anyhow::anyhow;

use crate::core::backend::events::tells_of_timeout;
use crate::core::backend::explanation::Explanation;
use crate::core::backend::outcome::{EnvironmentRun, KEEPS_RUNNING};
use crate::core::backend::plan::EnvironmentPlan;
use crate::core::backend::rollout::FailureReason;
use crate::core::error::HintExt as _;
use crate::core::inputs::WhenBusy;
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

/// What goes on of an update that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StillUnderWay {
    /// It is another update that came before.
    Another,
    /// It goes on, and nobody watches it.
    Ours,
    /// It is taken back now: what becomes of it is said with that.
    TakenBack,
}

/// The deadline came first.
pub(crate) fn timeout_error(
    plan: &EnvironmentPlan,
    label: &str,
    status: &str,
    under_way: StillUnderWay,
    seconds: u64,
    when_busy: WhenBusy,
    explanation: &Explanation,
) -> anyhow::Error {
    let name = &plan.name;
    if under_way == StillUnderWay::Another {
        return anyhow!(
            "cannot deploy `{label}` to `{name}`: it is still {status} after {seconds} s, by another update"
        )
        .hint(match when_busy {
            WhenBusy::Abort => "run this step again later, or raise `deployment-timeout`",
            WhenBusy::Wait | WhenBusy::Fail => {
                "run this step again later, raise `deployment-timeout`, or set `when-busy: abort`"
            }
        });
    }
    let mut text = if status.is_empty() {
        format!(
            "cannot deploy `{label}` to `{name}`: nothing was seen of the environment in {seconds} s; the update was sent, and \
             may go on"
        )
    } else if status == "Ready" {
        format!("cannot deploy `{label}` to `{name}`: no update has started in {seconds} s")
    } else {
        format!("cannot deploy `{label}` to `{name}`: still {status} after {seconds} s")
    };
    if !matches!(status, "" | "Ready") && under_way == StillUnderWay::Ours {
        text.push_str(&format!("; {KEEPS_RUNNING}"));
    }
    if let Some(line) = &explanation.log_line {
        text.push_str(&format!("; log: {}", clause(line)));
    }
    anyhow!(text).hint(
        "look at the environment's events and logs, and raise `deployment-timeout` when this is how long it takes",
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
    health: &str,
) -> anyhow::Error {
    let timed_out = event.as_deref().is_some_and(tells_of_timeout);
    let what = match why {
        FailureReason::Event | FailureReason::Gone => {
            event.unwrap_or_else(|| "Elastic Beanstalk reports an error".to_owned())
        }
        FailureReason::Reverted(Some(now)) => {
            format!("it is Ready on `{now}`: Elastic Beanstalk rolled the update back")
        }
        FailureReason::Reverted(None) => "it is Ready without any version".to_owned(),
        FailureReason::Aborted(now) => {
            let now = now.as_deref().unwrap_or("no version");
            format!("the update was aborted, and it is Ready on `{now}`")
        }
        FailureReason::Superseded { by, was_live } => superseded_text(by, *was_live, event.as_deref()),
        FailureReason::Health(seconds) => {
            format!("its health is still {health} {seconds} s after the update finished")
        }
        FailureReason::Stragglers(instances) => {
            format!(
                "{} still run another version",
                names(instances.iter().map(String::as_str))
            )
        }
    };
    let mut text = format!("cannot deploy `{label}` to `{}`: {}", plan.name, clause(&what));
    if let (FailureReason::Health(_), Some(cause)) = (why, &explanation.cause) {
        text.push_str(&format!(" ({})", clause(cause)));
    }
    if let Some(line) = &explanation.log_line {
        text.push_str(&format!("; log: {}", clause(line)));
    }
    let hint = match why {
        FailureReason::Superseded { .. } => {
            "let GitHub's `concurrency:` keep deployments of one environment apart; run this step again if its version is the one to run"
        }
        FailureReason::Health(_) => {
            "see the causes and log lines of this run; raise `recovery-seconds` when it only needs more time, or widen \
             `accepted-health`"
        }
        FailureReason::Stragglers(_) => "deploy again with `force: true`, or replace the instances named",
        FailureReason::Aborted(_) => {
            "ask whoever aborted it (`eb abort`, the console, or a run with `when-busy: abort`), then run this step again"
        }
        FailureReason::Event | FailureReason::Reverted(_) if timed_out => {
            "raise `Timeout` of `aws:elasticbeanstalk:command` in `option-settings`, in seconds, when the commands only need \
             more time, and deploy again"
        }
        FailureReason::Event | FailureReason::Reverted(_) | FailureReason::Gone => {
            "see the events and log lines of this run, then correct the application"
        }
    };
    anyhow!(text).hint(hint)
}

fn superseded_text(by: &str, was_live: bool, event: Option<&str>) -> String {
    let mut text = format!("it was superseded by `{by}`, which another update deployed");
    if was_live {
        text.push_str("; this version was live before");
    }
    if let Some(event) = event {
        text.push_str(&format!("; this update had failed: {}", clause(event)));
    }
    text
}

/// A request failed, so that nobody knows how the update ends.
pub(crate) fn untold_error(
    plan: &EnvironmentPlan,
    run: &EnvironmentRun,
    is_taken_back: bool,
    error: anyhow::Error,
) -> anyhow::Error {
    let name = &plan.name;
    if run.uncertain {
        error.context(format!("cannot tell whether the update of `{name}` has started"))
    } else if run.changed && is_taken_back {
        error.context(format!("cannot follow the update of `{name}`"))
    } else if run.changed {
        error.context(format!("cannot follow the update of `{name}`, which keeps running"))
    } else {
        error
    }
}

/// What is said of an update that nobody watches any longer; `None` where none goes on.
pub(crate) fn keeps_running_line(plan: &EnvironmentPlan, run: &EnvironmentRun) -> Option<String> {
    let name = &plan.name;
    if run.uncertain {
        Some(format!(
            "the update of `{name}` may have started in Elastic Beanstalk: this run was stopped before it got an answer"
        ))
    } else if run.keeps_running() {
        Some(format!(
            "the update of `{name}` keeps running in Elastic Beanstalk: this run no longer watches it"
        ))
    } else {
        None
    }
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
            is_healthy: true,
            idle_note: None,
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
    fn whoever_is_superseded_says_by_what() {
        let text = |was_live, event: Option<&str>| {
            let why = FailureReason::Superseded {
                by: "v9".to_owned(),
                was_live,
            };
            let event = event.map(ToOwned::to_owned);
            failure_error(&plan("web"), "v1", &why, event, &Explanation::default(), "Green").to_string()
        };
        assert_eq!(
            text(true, None),
            "cannot deploy `v1` to `web`: it was superseded by `v9`, which another update deployed; this version was live \
             before"
        );
        assert!(
            text(false, Some("Failed to deploy application."))
                .ends_with("this update had failed: Failed to deploy application")
        );
    }

    #[test]
    fn commands_that_took_too_long_get_more_time() {
        let hint = |event: &str| {
            let event = Some(event.to_owned());
            let error = failure_error(
                &plan("web"),
                "v1",
                &FailureReason::Event,
                event,
                &Explanation::default(),
                "Green",
            );
            crate::core::error::RenderedError::from(&error).hint.unwrap_or_default()
        };
        for event in [
            "Update environment operation is complete, but with command timeouts. Try increasing the timeout period.",
            "Command execution completed on all instances. Summary: [Successful: 1, TimedOut: 1].",
        ] {
            assert!(hint(event).contains("aws:elasticbeanstalk:command"), "{event}");
        }
        let failed = "Command execution completed on all instances. Summary: [Failed: 1, TimedOut: 0].";
        assert!(hint(failed).contains("correct the application"));
    }

    #[test]
    fn an_update_that_is_no_longer_watched_is_told_from_one_that_may_have_started() {
        let line = |changed, uncertain| {
            let run = EnvironmentRun {
                changed,
                uncertain,
                ..EnvironmentRun::default()
            };
            keeps_running_line(&plan("web"), &run).unwrap_or_default()
        };
        assert_eq!(line(false, false), "");
        assert!(line(true, false).contains("keeps running"));
        assert!(line(true, true).contains("may have started"));
    }

    #[test]
    fn a_deadline_says_whose_update_it_was() {
        let explanation = Explanation {
            log_line: Some("no such file.".to_owned()),
            ..Explanation::default()
        };
        let text = |under_way| {
            timeout_error(
                &plan("web"),
                "v1",
                "Updating",
                under_way,
                60,
                WhenBusy::Wait,
                &explanation,
            )
            .to_string()
        };
        assert_eq!(
            text(StillUnderWay::TakenBack),
            "cannot deploy `v1` to `web`: still Updating after 60 s; log: no such file"
        );
        assert_eq!(
            text(StillUnderWay::Ours),
            "cannot deploy `v1` to `web`: still Updating after 60 s; the update keeps running; log: no such file"
        );
        assert!(text(StillUnderWay::Another).ends_with("it is still Updating after 60 s, by another update"));
        let unseen = Explanation::default();
        let ours = StillUnderWay::Ours;
        let text = timeout_error(&plan("web"), "v1", "", ours, 60, WhenBusy::Wait, &unseen).to_string();
        assert!(text.ends_with("the update was sent, and may go on"), "{text}");
    }
}
