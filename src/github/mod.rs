//! The edge to GitHub: the log with its workflow commands, output and summary files, deployments, OIDC tokens.

pub mod console;
pub mod files;
pub mod oidc;
