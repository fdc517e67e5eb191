//! `max-delete`: the guard in front of a plan that would delete too much.

/// `max-delete`: how much a plan may delete.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum MaxDelete {
    /// This many objects.
    Count(u64),
    /// This share, in percent, of the objects that the step manages and the new keys together.
    Percent(f64),
}

/// How many deletions `max-delete` never stops.
pub(crate) const ALWAYS_ALLOWED_DELETES: u64 = 20;

/// What `max-delete` says of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DeleteGuard {
    /// Go on.
    Allowed,
    /// More deletions than the limit, which is this.
    TooMany(u64),
    /// Nothing that the step manages would be left.
    LeavesNothing,
}

impl MaxDelete {
    /// Judges a plan that deletes `deletes` of the `objects` that the step manages (those under the prefix, without excluded
    /// ones, records, bundles and old assets that stay) and adds `new` keys.
    ///
    /// | deletes | leaves something | within the limit | |
    /// | --- | --- | --- | --- |
    /// | none | | | allowed |
    /// | some | no | | leaves nothing |
    /// | up to 20 | yes | | allowed |
    /// | more | yes | yes | allowed |
    /// | more | yes | no | too many |
    #[must_use]
    pub(crate) fn judge(self, objects: u64, new: u64, deletes: u64) -> DeleteGuard {
        if deletes == 0 {
            return DeleteGuard::Allowed;
        }
        if objects + new <= deletes {
            return DeleteGuard::LeavesNothing;
        }
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts of objects are far below 2^52, and a share of them is rounded down on purpose"
        )]
        let limit = match self {
            Self::Count(count) => count,
            Self::Percent(percent) => ((objects + new) as f64 * percent / 100.0) as u64,
        };
        if deletes <= limit.max(ALWAYS_ALLOWED_DELETES) {
            DeleteGuard::Allowed
        } else {
            DeleteGuard::TooMany(limit)
        }
    }
}

impl MaxDelete {
    /// How many objects, new keys included, are enough for `deletes` to be allowed: nobody needs to count further.
    #[must_use]
    pub(crate) fn objects_to_count(self, deletes: u64) -> u64 {
        let left = deletes + 1;
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "counts of objects are far below 2^52; a share of nothing is more than there can be"
        )]
        match self {
            Self::Percent(percent) if deletes > ALWAYS_ALLOWED_DELETES => {
                left.max((deletes as f64 * 100.0 / percent).ceil() as u64)
            }
            Self::Count(_) | Self::Percent(_) => left,
        }
    }
}

impl std::fmt::Display for MaxDelete {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_objects_allow_the_deletes() {
        for limit in [
            MaxDelete::Percent(50.0),
            MaxDelete::Percent(33.3),
            MaxDelete::Count(500),
        ] {
            for deletes in [1, 20, 21, 300] {
                let enough = limit.objects_to_count(deletes);
                assert_eq!(
                    limit.judge(enough, 0, deletes),
                    DeleteGuard::Allowed,
                    "{limit} {deletes}"
                );
            }
        }
        assert_eq!(MaxDelete::Percent(0.0).objects_to_count(21), u64::MAX);
    }

    #[test]
    fn the_delete_guard_is_that_of_the_table() {
        use DeleteGuard::{Allowed, LeavesNothing, TooMany};
        let half = MaxDelete::Percent(50.0);
        for (limit, objects, new, deletes, expected) in [
            (half, 0, 0, 0, Allowed),
            (half, 10, 0, 0, Allowed),
            (half, 1, 0, 1, LeavesNothing),
            (MaxDelete::Percent(100.0), 5, 0, 5, LeavesNothing),
            (MaxDelete::Count(1_000), 500, 0, 500, LeavesNothing),
            // A whole new set of hashed names next to the old one: half of what is then there goes.
            (half, 500, 500, 500, Allowed),
            (half, 500, 499, 500, TooMany(499)),
            (half, 1, 1, 1, Allowed),
            (half, 21, 0, 20, Allowed),
            (half, 22, 0, 21, TooMany(11)),
            (half, 42, 0, 21, Allowed),
            (MaxDelete::Percent(100.0), 1_000, 0, 999, Allowed),
            (MaxDelete::Percent(0.0), 1_000, 0, 20, Allowed),
            (MaxDelete::Percent(0.0), 1_000, 0, 21, TooMany(0)),
            (MaxDelete::Count(0), 1_000, 0, 20, Allowed),
            (MaxDelete::Count(30), 1_000, 0, 30, Allowed),
            (MaxDelete::Count(30), 1_000, 0, 31, TooMany(30)),
        ] {
            assert_eq!(
                limit.judge(objects, new, deletes),
                expected,
                "{limit} {objects} {new} {deletes}"
            );
        }
    }
}
