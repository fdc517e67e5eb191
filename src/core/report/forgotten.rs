//! Paths that nobody will invalidate unless a person does, in the summary.

use std::fmt::Write as _;

use crate::core::report::Report;
use crate::core::report::markdown::code;
use crate::core::text::count;

/// Paths named for each distribution.
const MAX_PATHS: usize = 200;

/// A warning for each distribution, as Markdown.
#[must_use]
pub(crate) fn forgotten(report: &Report) -> String {
    let mut out = String::new();
    for (distribution, paths) in &report.forgotten {
        let named: Vec<String> = paths.iter().take(MAX_PATHS).map(|path| code(path)).collect();
        let more = match paths.len() - named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let _ = writeln!(
            out,
            "> [!WARNING]\n> {} of {} not invalidated, and the next run will not know. **What to do:** invalidate {}{more} once.\n",
            count(paths.len(), "path"),
            code(distribution),
            named.join(" "),
        );
    }
    out
}
