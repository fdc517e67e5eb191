//! `$NAME` and `${NAME}`, expanded as the shell of [s3-sync-action] did with its variables and `args`.
//!
//! Nothing else that a shell does happens here: command substitution and the like are errors that say so.
//!
//! [s3-sync-action]: https://github.com/jakejarvis/s3-sync-action/blob/master/entrypoint.sh

use crate::core::context::Env;

/// A text with its variables replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Expansion {
    /// The text after it.
    pub(crate) text: String,
    /// What was replaced: names and values, in order.
    pub(crate) variables: Vec<(String, String)>,
}

/// What becomes of an expanded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is taken as it stands.
    Value,
    /// It is split into words as a shell does: a value is no syntax there.
    Words,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quote {
    None,
    Single,
    Double,
}

/// Expands the variables of `text` from `env`; nothing between single quotes.
///
/// # Errors
/// One text for each variable that is not set, and for each piece of shell that is not plain.
pub(crate) fn expand(text: &str, env: &Env, purpose: Purpose) -> Result<Expansion, Vec<String>> {
    let (mut expansion, mut errors) = (Expansion::default(), Vec::new());
    let mut quote = Quote::None;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        rest = after;
        match (character, quote) {
            ('\\', Quote::None | Quote::Double) => {
                let escaped = after.chars().next();
                if purpose == Purpose::Words || escaped != Some('$') {
                    expansion.text.push('\\');
                }
                if let Some(escaped) = escaped {
                    expansion.text.push(escaped);
                    rest = &after[escaped.len_utf8()..];
                }
                continue;
            }
            ('\'', Quote::None) => quote = Quote::Single,
            ('"', Quote::None) => quote = Quote::Double,
            ('\'', Quote::Single) | ('"', Quote::Double) => quote = Quote::None,
            ('`', Quote::None | Quote::Double) => {
                errors.push("runs a command between backquotes, and no shell runs it".to_owned());
            }
            ('$', Quote::None | Quote::Double) => match reference(after) {
                Reference::Nothing => {}
                Reference::Unsupported(what) => errors.push(format!(
                    "holds `{what}`, and no shell runs it: only `$NAME` and `${{NAME}}` are expanded"
                )),
                Reference::Variable { name, end } => {
                    rest = &after[end..];
                    match env.present(name) {
                        Some(value) => {
                            insert(&mut expansion.text, value, quote, purpose);
                            expansion.variables.push((name.to_owned(), value.to_owned()));
                        }
                        None => errors.push(format!(
                            "holds `${name}`, which is not set in the step's environment: set it in `env:`, or use an \
                             expression such as `${{{{ vars.{name} }}}}`"
                        )),
                    }
                    continue;
                }
            },
            _ => {}
        }
        expansion.text.push(character);
    }
    errors.dedup();
    if errors.is_empty() { Ok(expansion) } else { Err(errors) }
}

/// The first variable that `text` refers to as a shell would, quotes apart.
#[must_use]
pub(crate) fn first_variable(text: &str) -> Option<&str> {
    text.match_indices('$')
        .find_map(|(at, _)| match reference(&text[at + 1..]) {
            Reference::Variable { name, .. } => Some(name),
            Reference::Nothing | Reference::Unsupported(_) => None,
        })
}

/// What stands behind a `$`.
enum Reference<'t> {
    /// Nothing that a shell would replace.
    Nothing,
    /// More than a plain variable.
    Unsupported(String),
    /// A variable; what follows it begins at `end`.
    Variable { name: &'t str, end: usize },
}

fn reference(after: &str) -> Reference<'_> {
    let name_of = |text: &str| {
        text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(text.len())
    };
    let is_name = |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if let Some(inner) = after.strip_prefix('{') {
        let end = inner.find('}').unwrap_or(inner.len());
        let name = &inner[..end];
        return if end < inner.len() && is_name(name) && name_of(name) == name.len() {
            Reference::Variable { name, end: end + 2 }
        } else {
            Reference::Unsupported(format!("${{{name}}}"))
        };
    }
    match after.chars().next() {
        Some('(') => Reference::Unsupported("$(…)".to_owned()),
        Some(special) if special.is_ascii_digit() || "@*#?!$-".contains(special) => {
            Reference::Unsupported(format!("${special}"))
        }
        Some(_) if is_name(after) => {
            let end = name_of(after);
            Reference::Variable {
                name: &after[..end],
                end,
            }
        }
        _ => Reference::Nothing,
    }
}

/// Appends the value of a variable so that nothing of it is syntax: a shell splits it at white space, no more.
fn insert(text: &mut String, value: &str, quote: Quote, purpose: Purpose) {
    if purpose == Purpose::Value {
        text.push_str(value);
        return;
    }
    for character in value.chars() {
        let plain = match quote {
            Quote::Double => !"\\\"$`".contains(character),
            Quote::None | Quote::Single => {
                character.is_alphanumeric() || character.is_whitespace() || "-_./:=,+@%*?[]".contains(character)
            }
        };
        if !plain {
            text.push('\\');
        }
        text.push(character);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    fn words(text: &str, env: &[(&str, &str)]) -> Vec<String> {
        let expansion = expand(text, &Env::of(env), Purpose::Words).expect(text);
        shell_words::split(&expansion.text).expect("closed quotes")
    }

    #[test]
    fn variables_are_expanded_as_a_shell_does() {
        let env = [
            ("AGE", "60"),
            ("LIST", "--acl private"),
            ("ODD", "it's \"$5\""),
            ("EMPTY", ""),
        ];
        for (text, expected) in [
            (
                "--cache-control max-age=$AGE,public",
                &["--cache-control", "max-age=60,public"][..],
            ),
            ("a${AGE}b \"$AGE\" '$AGE' \\$AGE", &["a60b", "60", "$AGE", "$AGE"]),
            ("$LIST \"$LIST\"", &["--acl", "private", "--acl private"]),
            ("$ODD \"$ODD\"", &["it's", "\"$5\"", "it's \"$5\""]),
            ("x$EMPTY", &["x"]),
            ("100$ a$ $/", &["100$", "a$", "$/"]),
        ] {
            assert_eq!(words(text, &env), expected, "{text}");
        }
        let expansion = expand("docs/$AGE/${AGE}/\\$AGE", &Env::of(&env), Purpose::Value).expect("set variables");
        assert_eq!(expansion.text, "docs/60/60/$AGE");
        assert_eq!(expansion.variables[0], ("AGE".to_owned(), "60".to_owned()));
        assert_eq!(first_variable("100$ of $AGE"), Some("AGE"));
    }

    #[test]
    fn what_needs_a_shell_and_what_is_not_set_is_an_error() {
        for (text, part) in [
            ("$(date)", "`$(…)`"),
            ("`date`", "backquotes"),
            ("${AGE:-60}", "`${AGE:-60}`"),
            ("${AGE", "`${AGE}`"),
            ("$1", "`$1`"),
            ("$MISSING", "`$MISSING`, which is not set"),
        ] {
            let errors = expand(text, &Env::default(), Purpose::Words).expect_err(text);
            assert!(errors.len() == 1 && errors[0].contains(part), "{text}: {errors:?}");
        }
        assert_eq!(
            expand("$A $B $(c)", &Env::default(), Purpose::Value).map_err(|e| e.len()),
            Err(3)
        );
    }

    proptest! {
        #[test]
        fn a_quoted_value_is_one_word_whatever_is_in_it(value in any::<String>()) {
            let value = value.replace('\0', "");
            prop_assert_eq!(words("\"$V\"", &[("V", &value)]), [value]);
        }
    }
}
