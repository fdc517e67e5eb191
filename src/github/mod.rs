//! The edge to GitHub: the log with its workflow commands, output and summary files, deployments, OIDC tokens.

pub(crate) mod api;
pub(crate) mod deployments;
pub(crate) mod files;
pub(crate) mod oidc;
