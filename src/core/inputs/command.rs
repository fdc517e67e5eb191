//! What the run is to do.

/// What the run is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Command {
    /// Bring site and backend to the state of the workspace.
    Deploy,
    /// Take both back to an earlier release.
    Rollback,
    /// Look, and say what would be missing.
    Check,
}

impl Command {
    /// The value of `command`.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Rollback => "rollback",
            Self::Check => "check",
        }
    }
}
