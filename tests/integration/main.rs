//! The freshly built binary inside a copy of the action, run through `action.yml` against the local cloud.

mod access;
mod check;
mod cdn;
mod contract;
mod house;
mod main_job;
mod network;
mod site_compare;
mod site_transfer;
mod support;
mod untrusted;
