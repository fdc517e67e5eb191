//! Decides: pure code over values. No runtime, no SDK, no environment and no clock; time and directories come in.

pub(crate) mod activities;
pub(crate) mod backend;
pub(crate) mod bundle;
pub(crate) mod cdn;
pub(crate) mod context;
pub(crate) mod error;
pub(crate) mod heartbeat;
pub(crate) mod iam;
pub(crate) mod inputs;
pub(crate) mod paging;
pub(crate) mod redactor;
pub(crate) mod release;
pub(crate) mod report;
pub(crate) mod retry;
pub(crate) mod secret;
pub(crate) mod site;
pub(crate) mod text;
pub(crate) mod version;
pub(crate) mod visitor;
pub(crate) mod wildcard;

#[cfg(test)]
mod fuzz_tests;
