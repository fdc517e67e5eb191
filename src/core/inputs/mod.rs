//! Inputs: raw strings become types that cannot be wrong, and every error is collected.
//!
//! [`table`] has the names and what is said about them, [`raw`] what was typed; [`parse`] turns it into [`Inputs`], one
//! file a group. Nothing here sends a request, and the files that inputs name are asked for through [`files`].

pub(crate) mod args;
pub(crate) mod aws;
pub(crate) mod backend;
pub(crate) mod bucket;
pub(crate) mod cdn;
pub(crate) mod command;
pub(crate) mod distance;
pub(crate) mod expand;
pub(crate) mod exposed;
pub(crate) mod files;
pub(crate) mod flags;
pub(crate) mod headline;
pub(crate) mod help;
pub(crate) mod label_shell;
pub(crate) mod old_names;
pub(crate) mod option_settings;
pub(crate) mod package;
pub(crate) mod parse;
pub(crate) mod paths;
pub(crate) mod raw;
pub(crate) mod reader;
pub(crate) mod release;
pub(crate) mod shown;
pub(crate) mod site;
pub(crate) mod table;
pub(crate) mod urls;

pub(crate) use args::sync_flags::Verbosity;
pub(crate) use aws::{AwsInputs, RoleInputs, StaticKeys};
pub(crate) use backend::{BackendInputs, Health, OnFailure, VerifyInputs, WhenBusy};
pub(crate) use cdn::{CdnInputs, InvalidationFailure};
pub(crate) use command::Command;
pub(crate) use option_settings::OptionSetting;
pub(crate) use package::PackageInputs;
pub(crate) use parse::Inputs;
pub(crate) use release::GithubInputs;
pub(crate) use site::SiteInputs;

#[cfg(test)]
mod tests;
