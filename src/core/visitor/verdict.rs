//! What is said of one thing that a visitor gets.

use crate::core::report::check::Finding;

/// A finding, and what the bucket answers where that is what it is about.
pub(super) struct SiteVerdict {
    pub(super) finding: Finding,
    /// The statuses that another origin of a group may be asked for instead; none: whatever the bucket answers.
    pub(super) answers: Vec<i32>,
}

impl SiteVerdict {
    pub(super) fn answered(finding: Finding, answers: &[i32]) -> Self {
        Self {
            finding,
            answers: answers.to_vec(),
        }
    }

    pub(super) fn always(finding: Finding) -> Self {
        Self::answered(finding, &[])
    }
}
