//! What errors and notices show of a value: of one that may hold a secret, nothing.

use crate::core::inputs::table::is_secret;
use crate::core::secret::{HIDDEN, names_a_secret, shown_text};

/// Inputs whose values are addresses, which may hold passwords and tokens, or settings, which may be secrets.
const UNSHOWN: [&str; 8] = [
    "endpoint-url",
    "inline-session-policy",
    "option-settings",
    "role-external-id",
    "site-url",
    "verify-contains",
    "verify-site",
    "verify-url",
];

/// What is shown of `value`, given for the input `name`.
#[must_use]
pub(crate) fn shown<'v>(name: &str, value: &'v str) -> &'v str {
    if is_secret(name) || UNSHOWN.contains(&name) {
        HIDDEN
    } else {
        shown_text(value)
    }
}

/// What is shown of `value`, of the environment's variable `name`.
#[must_use]
pub(crate) fn shown_variable<'v>(name: &str, value: &'v str) -> &'v str {
    if names_a_secret(name) {
        HIDDEN
    } else {
        shown_text(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_hold_a_secret_is_not_shown() {
        for hidden in [
            "https://me:hunter2@h",
            "//hunter2@h",
            "u:p@h",
            "https%3A%2F%2Fu%3Ap%40h",
            "https:\\\\u@h",
            "s3://bucket/a?token=x",
            "/a#access_token=x",
            "s3://h/a?X-Amz-Signature=x",
        ] {
            assert_eq!(shown("bucket", hidden), HIDDEN, "{hidden}");
        }
        for clear in [
            "my-bucket",
            "s3://b/c",
            "@scope/page",
            "a?b[cd].html",
            "k=v",
            "#tag",
            "arn:aws:s3:::b",
        ] {
            assert_eq!(shown("bucket", clear), clear);
        }
        assert_eq!(shown("site-url", "x"), HIDDEN);
        assert_eq!(
            (shown_variable("DB_PASSWORD", "x"), shown_variable("STAGE", "x")),
            (HIDDEN, "x")
        );
    }
}
