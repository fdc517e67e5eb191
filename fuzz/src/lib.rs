//! What the fuzz targets call: a function for each parser of text from outside.
//!
//! `core` depends on nothing else of the main crate, so it is mounted here as it is: its parsers need no public door.
//! Each function takes any bytes and must return; what it asserts must hold for all of them. `src/core/fuzz_tests.rs`
//! asks some of the same with random text, in `cargo test`.

#[allow(dead_code, unused_imports, missing_docs, unreachable_pub)]
#[path = "../../src/core/mod.rs"]
mod core;

mod targets;

pub use targets::{archive, args, headers, ignore, inputs, invalidations, label, patterns, records, texts};
