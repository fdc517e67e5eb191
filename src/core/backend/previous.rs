//! What to go back to: what ran right before our update, unless that never worked.

use crate::core::backend::environment::EnvironmentState;
use crate::core::backend::plan::BackendPlan;
use crate::core::release::record::{EnvironmentOutcome, Record};

/// An update of an environment that an earlier run of ours left a record of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EarlierUpdate {
    /// The version that it was to run.
    pub(crate) label: String,
    /// The version that ran before.
    pub(crate) previous: Option<String>,
    /// How it ended.
    pub(crate) end: EarlierEnd,
}

/// How an update of an earlier run ended, by its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EarlierEnd {
    /// Well, or it changed nothing.
    Well,
    /// Badly.
    Badly,
    /// Nobody saw it; or badly, and it was taken back since: if its version runs now, somebody else has deployed it.
    Unseen,
}

impl EarlierUpdate {
    fn of(record: &Record, name: &str) -> Option<Self> {
        let environment = record.environment(name)?;
        Some(Self {
            label: environment.label.clone(),
            previous: environment.previous_label.clone(),
            end: match environment.outcome {
                EnvironmentOutcome::Planned => EarlierEnd::Unseen,
                EnvironmentOutcome::Failed if record.is_put_back() => EarlierEnd::Unseen,
                EnvironmentOutcome::Failed => EarlierEnd::Badly,
                EnvironmentOutcome::Succeeded | EnvironmentOutcome::Unchanged | EnvironmentOutcome::Skipped => {
                    EarlierEnd::Well
                }
            },
        })
    }
}

/// What earlier runs did to each environment of `plan`, by their records, newest first.
pub(crate) fn earlier_updates(plan: &BackendPlan, records: &[Record]) -> Vec<Vec<EarlierUpdate>> {
    let of_environment = |name: &str| {
        records
            .iter()
            .filter_map(|record| EarlierUpdate::of(record, name))
            .collect()
    };
    plan.environments
        .iter()
        .map(|plan| of_environment(&plan.name))
        .collect()
}

/// The version to go back to from an update that found `ready` when it began, of an environment that ran `planned` when
/// the run was planned; `earlier` are the updates of the environment by records, newest first.
///
/// The label of an update that never ended well is not gone back to: neither somebody's that came between the plan and
/// ours and left the environment in bad health, nor one of ours that a run before left behind. An update whose end nobody
/// saw has ended well when `is_well`: the environment is in good health, and no event says that its last update failed.
pub(crate) fn previous_label(
    ready: &EnvironmentState,
    planned: Option<&str>,
    is_well: bool,
    earlier: &[EarlierUpdate],
) -> Option<String> {
    let came_between = ready.label.as_deref() != planned;
    let found = if came_between && !is_well {
        planned
    } else {
        ready.label.as_deref()
    };
    let mut label = found.map(ToOwned::to_owned);
    for update in earlier {
        let ended_well = match update.end {
            EarlierEnd::Well => true,
            EarlierEnd::Badly => false,
            EarlierEnd::Unseen => ready.label.as_ref() == Some(&update.label) && is_well,
        };
        if label.as_ref() != Some(&update.label) || ended_well {
            break;
        }
        label.clone_from(&update.previous);
    }
    label
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::{release, with_label};
    use crate::core::release::record::{RecordStatus, RecordedPutBack};

    fn earlier(label: &str, previous: &str, end: EarlierEnd) -> EarlierUpdate {
        EarlierUpdate {
            label: label.to_owned(),
            previous: Some(previous.to_owned()),
            end,
        }
    }

    #[test]
    fn what_was_taken_back_counts_by_the_health_of_the_environment() {
        let mut record = with_label(release("r1", RecordStatus::Failed), "v2", EnvironmentOutcome::Failed);
        let end = |record: &Record| EarlierUpdate::of(record, "web-prod").map(|update| update.end);
        assert_eq!(end(&record), Some(EarlierEnd::Badly));
        record.put_back = Some(RecordedPutBack {
            complete: true,
            keys: 0,
        });
        assert_eq!(end(&record), Some(EarlierEnd::Unseen));
    }

    #[test]
    fn what_never_worked_is_not_gone_back_to() {
        use EarlierEnd::{Badly, Unseen, Well};
        let failed = [earlier("v2", "v1", Badly), earlier("v1", "v0", Well)];
        let twice = [earlier("v2", "v2", Badly), earlier("v2", "v1", Badly)];
        let unrelated = [earlier("v7", "v6", Badly)];
        let unseen = [earlier("v2", "v1", Unseen)];
        for (ready, health, planned, earlier, expected) in [
            ("v1", "Green", "v1", &[][..], "v1"),
            ("v5", "Green", "v1", &[], "v5"),
            ("v5", "Red", "v1", &[], "v1"),
            ("v1", "Red", "v1", &[], "v1"),
            ("v2", "Red", "v2", &failed, "v1"),
            ("v2", "Red", "v2", &twice, "v1"),
            ("v2", "Green", "v2", &failed, "v1"),
            ("v1", "Green", "v1", &unrelated, "v1"),
            ("v2", "Red", "v2", &unseen, "v1"),
            ("v2", "Green", "v2", &unseen, "v2"),
            ("v2", "Green", "v1", &unseen, "v2"),
        ] {
            let state = EnvironmentState {
                label: Some(ready.to_owned()),
                health: health.to_owned(),
                ..EnvironmentState::default()
            };
            let label = previous_label(&state, Some(planned), health == "Green", earlier);
            assert_eq!(label.as_deref(), Some(expected), "{ready} {health} after {planned}");
        }
    }
}
