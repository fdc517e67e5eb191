//! The freshly built binary inside a copy of the action, run through `action.yml` against the local cloud.

mod access;
mod check;
mod contract;
mod house;
mod network;
mod support;
mod untrusted;
