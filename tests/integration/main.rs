//! The freshly built binary inside a copy of the action, run through `action.yml` against the local cloud.

mod contract;
mod house;
mod main_job;
mod support;
