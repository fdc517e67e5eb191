//! Which old action a step stands for that relies on old environment variables alone.
//!
//! The variables may be the whole job's, so each step may see those of its neighbors; `docs/migrating.md` has the table,
//! which the tests read.

/// What is set of the old names, and of the inputs beside them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct OldNames {
    /// `AWS_S3_BUCKET`.
    pub(crate) bucket: bool,
    /// `SOURCE_DIR`, `DEST_DIR` or `AWS_S3_ENDPOINT`, which only a sync had.
    pub(crate) directories: bool,
    /// `args`, or another input of the site part.
    pub(crate) site_inputs: bool,
    /// `DISTRIBUTION`.
    pub(crate) distribution: bool,
    /// `PATHS` or `PATHS_FROM`.
    pub(crate) paths: bool,
    /// `PATHS` or `PATHS_FROM` is present, and neither holds anything.
    pub(crate) empty_paths: bool,
    /// An input of the cdn part, such as `paths`.
    pub(crate) cdn_inputs: bool,
}

/// The old action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OldStep {
    /// None of them.
    Neither,
    /// jakejarvis/s3-sync-action.
    Sync,
    /// chetan/invalidate-cloudfront-action.
    Invalidation,
    /// Both in one step, which only somebody who knows this action writes.
    Both,
    /// It cannot be told.
    Ambiguous,
    /// An invalidation whose paths are empty, which was an error.
    EmptyPaths,
}

impl OldNames {
    /// Whether nothing but `PATHS` or `PATHS_FROM`, which may be the whole job's, makes this step an invalidation and no sync.
    #[must_use]
    pub(crate) const fn may_be_a_sync(self) -> bool {
        matches!(OldStep::of(self), OldStep::Invalidation) && self.bucket && !self.cdn_inputs
    }
}

impl OldStep {
    /// The step that `names` make.
    #[must_use]
    pub(crate) const fn of(names: OldNames) -> Self {
        let OldNames {
            bucket,
            directories,
            site_inputs,
            distribution,
            paths,
            empty_paths,
            cdn_inputs,
        } = names;
        match (bucket, distribution) {
            (false, false) => Self::Neither,
            (true, false) => Self::Sync,
            (false, true) => Self::Invalidation,
            (true, true) if site_inputs && cdn_inputs => Self::Both,
            (true, true) if site_inputs => Self::Sync,
            // Nobody writes empty paths in the step that syncs.
            (true, true) if empty_paths && !directories && !cdn_inputs => Self::EmptyPaths,
            // An invalidation without paths was an error, so this is the sync of a job that also invalidates.
            (true, true) if !paths && !empty_paths && !cdn_inputs => Self::Sync,
            (true, true) if directories => Self::Ambiguous,
            // The bucket is the whole job's.
            (true, true) => Self::Invalidation,
        }
    }

    /// Whether the old variable for `input` counts in this step.
    #[must_use]
    pub(crate) fn takes(self, input: &str) -> bool {
        match input {
            "distribution" | "paths" | "paths-from" => matches!(self, Self::Invalidation | Self::Both),
            _ => matches!(self, Self::Sync | Self::Both),
        }
    }

    /// What the step does, for the log.
    #[must_use]
    pub(crate) const fn describe(self) -> &'static str {
        match self {
            Self::Neither | Self::Ambiguous | Self::EmptyPaths => "no old step",
            Self::Sync => "a sync",
            Self::Invalidation => "an invalidation",
            Self::Both => "a sync with its invalidation",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stray_variable_never_makes_another_step() {
        let sync = OldNames {
            bucket: true,
            site_inputs: true,
            ..OldNames::default()
        };
        let invalidation = OldNames {
            distribution: true,
            paths: true,
            ..OldNames::default()
        };
        for stray in [false, true] {
            let beside = OldNames {
                distribution: stray,
                paths: true,
                directories: stray,
                ..sync
            };
            assert_eq!(OldStep::of(beside), OldStep::Sync);
            let beside = OldNames {
                bucket: stray,
                directories: !stray,
                ..invalidation
            };
            assert_eq!(OldStep::of(beside), OldStep::Invalidation);
        }
    }
}
