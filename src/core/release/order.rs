//! The order of releases: that in which S3 stored them, for no two runners have the same clock.

use crate::core::release::record::Record;

/// Brings `records`, newest first by S3's clock, which tells whole seconds, into the order of their run numbers within one
/// second, as far as they are of one workflow.
pub(crate) fn order_within_seconds(records: &mut [Record]) {
    let are_together = |a: &Record, b: &Record| {
        let (this, other) = (&a.run, &b.run);
        a.stored_at.is_some()
            && a.stored_at == b.stored_at
            && this.number.is_some()
            && other.number.is_some()
            && (&this.repository, &this.workflow) == (&other.repository, &other.workflow)
    };
    for same_second in records.chunk_by_mut(are_together) {
        same_second.sort_by_key(|record| std::cmp::Reverse((record.run.number, record.run.attempt)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::release::fixtures::release;
    use crate::core::release::record::{RecordStatus, WorkflowRun};

    fn record(second: &str, workflow: &str, number: Option<u64>) -> Record {
        Record {
            run: WorkflowRun {
                workflow: Some(workflow.to_owned()),
                number,
                ..WorkflowRun::default()
            },
            ..release(second, RecordStatus::Succeeded)
        }
    }

    #[test]
    fn run_numbers_order_what_one_workflow_stored_in_one_second() {
        for (records, expected) in [
            (
                vec![("r1", "Deploy", Some(7)), ("r1", "Deploy", Some(8))],
                vec![Some(8), Some(7)],
            ),
            (
                vec![("r2", "Deploy", Some(7)), ("r1", "Deploy", Some(8))],
                vec![Some(7), Some(8)],
            ),
            (
                vec![("r1", "Deploy", Some(7)), ("r1", "Other", Some(8))],
                vec![Some(7), Some(8)],
            ),
            (
                vec![("r1", "Deploy", None), ("r1", "Deploy", Some(8))],
                vec![None, Some(8)],
            ),
        ] {
            let mut records: Vec<Record> = records
                .into_iter()
                .map(|(second, workflow, number)| record(second, workflow, number))
                .collect();
            order_within_seconds(&mut records);
            let numbers: Vec<Option<u64>> = records.iter().map(|record| record.run.number).collect();
            assert_eq!(numbers, expected);
        }
    }
}
