//! The freshly built binary inside a copy of the action, run through `action.yml` against the local cloud.

mod access;
mod backend;
mod backend_failure;
mod backend_wait;
mod calls;
mod check;
mod cdn;
mod contract;
mod fuzz;
mod house;
mod main_job;
mod network;
mod permissions;
mod site_compare;
mod site_transfer;
mod support;
mod untrusted;
