//! The freshly built binary inside a copy of the action, run through `action.yml` against the local cloud.

mod access;
mod backend;
mod backend_failure;
mod backend_wait;
mod calls;
mod cdn;
mod check;
mod contract;
mod copies;
mod deployments;
mod fuzz;
mod house;
mod main_job;
mod network;
mod permissions;
mod release;
mod rollback;
mod site_args;
mod site_compare;
mod site_files;
mod site_headers;
mod site_sync;
mod site_transfer;
mod support;
mod untrusted;
mod workflows;
