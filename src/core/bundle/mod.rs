//! The bundle: what goes in, deterministic bytes, its label.
//!
//! Touches the file system and nothing else: no clock, no environment, no network.

pub(crate) mod archive;
pub(crate) mod deflate;
pub(crate) mod ebignore;
pub(crate) mod gitwildmatch;
pub(crate) mod ignore;
pub(crate) mod key;
pub(crate) mod label;
pub(crate) mod left_out;
pub(crate) mod pack;
pub(crate) mod ready;
pub(crate) mod scan;
pub(crate) mod size;
pub(crate) mod warnings;

#[cfg(test)]
mod ignore_tests;
#[cfg(test)]
mod tests;
