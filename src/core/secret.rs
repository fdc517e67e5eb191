//! Values that must never be printed.

use std::fmt;

/// Words that name a secret.
const SECRET_WORDS: [&str; 11] = [
    "SECRET",
    "PASS",
    "PWD",
    "TOKEN",
    "KEY",
    "CRED",
    "PRIVATE",
    "AUTH",
    "DSN",
    "URI",
    "DATABASE_URL",
];

/// Whether the value of a variable called `name` is most probably a secret.
#[must_use]
pub(crate) fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    SECRET_WORDS.iter().any(|word| name.contains(word))
}

/// Stands for a value that is not shown.
pub(crate) const HIDDEN: &str = "***";

/// What is shown of a text that may be anything: nothing of what looks like an address with a user name, a password or
/// a query.
#[must_use]
pub(crate) fn shown_text(value: &str) -> &str {
    if has_user(value) || has_query(value) {
        HIDDEN
    } else {
        value
    }
}

/// A secret: it has no `Display`, and its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    /// Wraps `value`.
    #[must_use]
    pub(crate) fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that sends it.
    #[must_use]
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Whether a user name or a password may stand in `value`: something before an `@` that a `:` or `//` begins.
fn has_user(value: &str) -> bool {
    let plain = value.to_ascii_lowercase().replace("%40", "@").replace("%3a", ":");
    let before = plain.rfind('@').map_or("", |at| &plain[..at]);
    before.contains([':', '\\']) || before.contains("//")
}

/// Whether `value` has a query or a fragment with a parameter; patterns have `?` and no `=`.
fn has_query(value: &str) -> bool {
    let query = value.find(['?', '#']).map_or("", |at| &value[at..]);
    query.contains('=')
}
