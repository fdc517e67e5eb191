//! What a rollback is about.

/// What a rollback is about, and what runs now.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Parts<'a> {
    /// Whether the site part is on.
    pub(crate) site: bool,
    /// The environments of the backend part with the labels that they run now; empty when it is off.
    pub(crate) environments: &'a [(String, Option<String>)],
}
