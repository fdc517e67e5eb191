//! What the tests share: a local cloud each, the action as GitHub's runner runs it, and small helpers.

pub(crate) mod action;
pub(crate) mod cloud;
pub(crate) mod http;
mod setup;
mod times;
pub(crate) mod visitors;

pub(crate) use action::{Action, Run};
pub(crate) use cloud::Cloud;

use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The project's directory.
pub(crate) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Python that has the local cloud's dependencies: the project's own, made by `make .venv`.
///
/// Without it no test that needs it can pass, so the first one ends them all, with one sentence instead of a panic each.
pub(crate) fn python() -> PathBuf {
    let path = match std::env::var_os("AWD_TEST_PYTHON") {
        Some(path) => path.into(),
        None => project().join(".venv/bin/python"),
    };
    if !path.is_file() {
        let _ = writeln!(
            std::io::stderr(),
            "error: the tests need `{}`: run `make .venv` first",
            path.display()
        );
        #[expect(clippy::exit, reason = "nothing is left that could be tested")]
        std::process::exit(2);
    }
    path
}
