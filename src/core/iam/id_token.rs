//! The OIDC token of a job: proof to AWS of which repository, branch and environment run.

use crate::core::iam::trust::Claims;
use crate::core::secret::Secret;

/// What the workflow must say so that a job may ask for a token.
pub(crate) const PERMISSIONS: &str = "permissions:\n  id-token: write\n  contents: read";

/// A token, and what it says.
#[derive(Debug)]
pub(crate) struct IdToken {
    /// The token itself.
    pub(crate) value: Secret,
    /// What it says; AWS compares the role's trust policy with it.
    pub(crate) claims: Claims,
}
