//! Ships a web project to AWS and takes it back: the binary behind a GitHub Action.
//!
//! ```text
//! main.rs            env -> run -> exit code
//!   lib.rs           run: the whole story of one deploy, in the one safe order
//!     inputs/        raw strings -> types that cannot be wrong; every error collected
//!     site/          pure: filter, object, plan, paths; edge: scan
//!     bundle/        ignore rules, deterministic zip, version label
//!     release/       release record, rollback target, what to restore (pure)
//!     report/        pure: report -> JSON, Markdown, outputs
//!     aws/           edges: credentials, s3, cloudfront, beanstalk, history
//!     github/        edges: console, output and summary files, deployments, OIDC
//!   context, failure, secret, stop: small types that all of them use
//! ```
//!
//! `site`, `bundle`, `inputs`, `release` and `report` import neither `aws` nor `github`, no runtime and no
//! environment; a test scans the imports and keeps it so.

pub mod aws;
pub mod bundle;
pub mod context;
pub mod failure;
pub mod github;
pub mod inputs;
pub mod release;
pub mod report;
pub mod secret;
pub mod site;
pub mod stop;
pub mod version;
