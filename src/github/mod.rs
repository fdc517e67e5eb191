//! The edge to GitHub: the log with its workflow commands, output and summary files, deployments, OIDC tokens.

pub(crate) mod api;
pub mod console;
pub mod deployments;
pub mod files;
pub mod oidc;
