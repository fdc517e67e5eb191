//! Interrupted runs, and what later runs paid of what those owe.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::core::site::etag::hex;

/// An interrupted run whose debt a later one took with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PaidRun {
    /// The release's id.
    pub(crate) id: String,
    /// What of it.
    pub(crate) part: PaidPart,
    /// The [`fingerprint`] of the objects at its planned keys, right before they were invalidated: a run that seemed to be
    /// interrupted may have gone on. None where that could not be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) objects: Option<String>,
}

/// What was paid of what an interrupted run owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PaidPart {
    /// Its paths; what its keys show is not known to a step without the site.
    Paths,
    /// Its paths and all that shows its planned keys.
    Keys,
    /// All that it can ever have changed.
    Everything,
}

/// An interrupted run, and what this run knows of its planned keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InterruptedRun {
    /// The release's id.
    pub(crate) id: String,
    /// Its planned keys.
    pub(crate) planned: PlannedKeys,
}

/// What a run knows of the planned keys of an interrupted one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PlannedKeys {
    /// They are those of a site that this run has nothing to do with.
    Elsewhere,
    /// All of them, with the [`fingerprint`] of their objects.
    Known { keys: Vec<String>, objects: Option<String> },
    /// Their list cannot be read; a later run may be able to.
    Unread,
    /// Their list is gone, or is none: no later run will fare better.
    Lost,
}

/// One text for the state of objects: a line for each.
#[must_use]
pub(crate) fn fingerprint(objects: &BTreeSet<String>) -> String {
    let mut digest = Sha256::new();
    for object in objects {
        digest.update(object.as_bytes());
        digest.update(b"\n");
    }
    hex(&digest.finalize())
}

impl InterruptedRun {
    /// What a run pays of it that invalidates all that it knows to be owed, and `everything` besides when it does.
    #[must_use]
    pub(crate) fn paid(&self, everything: bool, objects: Option<String>) -> Option<PaidRun> {
        let part = match &self.planned {
            PlannedKeys::Known { .. } => PaidPart::Keys,
            PlannedKeys::Elsewhere => PaidPart::Paths,
            PlannedKeys::Lost => PaidPart::Everything,
            PlannedKeys::Unread if everything => PaidPart::Everything,
            PlannedKeys::Unread => return None,
        };
        Some(PaidRun {
            id: self.id.clone(),
            part,
            objects: objects.filter(|_| part == PaidPart::Keys),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_of_objects_is_told_by_each_of_them() {
        let of = |lines: &[&str]| fingerprint(&lines.iter().map(|&line| line.to_owned()).collect());
        assert_eq!(of(&["a 1", "b 2"]), of(&["b 2", "a 1"]));
        assert_ne!(of(&["a 1", "b 2"]), of(&["a 1", "b 3"]));
        assert_ne!(of(&["a 1"]), of(&[]));
    }

    #[test]
    fn a_list_that_may_be_read_later_is_paid_by_nothing_but_everything() {
        let run = |planned| InterruptedRun {
            id: "r1".to_owned(),
            planned,
        };
        let part = |planned, everything| {
            run(planned)
                .paid(everything, Some("f".to_owned()))
                .map(|paid| (paid.part, paid.objects))
        };
        let known = PlannedKeys::Known {
            keys: Vec::new(),
            objects: None,
        };
        assert_eq!(part(known, false), Some((PaidPart::Keys, Some("f".to_owned()))));
        assert_eq!(part(PlannedKeys::Elsewhere, false), Some((PaidPart::Paths, None)));
        assert_eq!(part(PlannedKeys::Lost, false), Some((PaidPart::Everything, None)));
        assert_eq!(part(PlannedKeys::Unread, false), None);
        assert_eq!(part(PlannedKeys::Unread, true), Some((PaidPart::Everything, None)));
    }
}
