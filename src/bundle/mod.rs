//! The bundle: what goes in, deterministic bytes, its label.
