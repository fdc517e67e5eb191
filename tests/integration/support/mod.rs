//! What the tests share: a local cloud each, the action as GitHub's runner runs it, and small helpers.

pub(crate) mod action;
pub(crate) mod cloud;
pub(crate) mod http;

pub(crate) use action::{Action, Run};
pub(crate) use cloud::Cloud;

use std::path::{Path, PathBuf};

/// The project's directory.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Python that has the local cloud's dependencies: the project's own, made by `make .venv`.
pub(crate) fn python() -> PathBuf {
    match std::env::var_os("AWD_TEST_PYTHON") {
        Some(path) => path.into(),
        None => project().join(".venv/bin/python"),
    }
}
