//! The freshly built binary inside a copy of the action, run through `action.yml` against the local cloud.

mod access;
mod check;
mod contract;
mod house;
mod network;
mod main_job;
mod support;
mod untrusted;
