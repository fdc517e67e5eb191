//! `$NAME`, `${NAME}` and quotes, read as the shell of [s3-sync-action] did in its variables and `args`.
//!
//! Nothing else that a shell does happens here: command substitution, globbing and the like are errors that say so.
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
    /// Quotes or backslashes were taken away.
    pub(crate) is_unquoted: bool,
}

/// What becomes of an expanded text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It is one name, without the quotes around it.
    Value,
    /// It is split into words as a shell does: quotes stay, and a value is no syntax there.
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
    let mut expander = Expander {
        env,
        purpose,
        quote: Quote::None,
        expansion: Expansion::default(),
        errors: Vec::new(),
    };
    let (mut rest, mut begins_word) = (text, true);
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        let is_quoted = expander.quote != Quote::None;
        rest = expander.step(character, after, begins_word);
        begins_word = !is_quoted && character.is_whitespace();
    }
    if purpose == Purpose::Value && expander.quote != Quote::None {
        let advice =
            "has a quote that is not closed: write it between quotes of the other kind if it belongs to the name";
        expander.errors.push(advice.to_owned());
    }
    expander.errors.dedup();
    match expander.errors.is_empty() {
        true => Ok(expander.expansion),
        false => Err(expander.errors),
    }
}

/// Reads a text character by character.
struct Expander<'e> {
    env: &'e Env,
    purpose: Purpose,
    quote: Quote,
    expansion: Expansion,
    errors: Vec<String>,
}

impl Expander<'_> {
    /// Takes `character`, and what belongs to it of the text `after` it; the rest.
    fn step<'t>(&mut self, character: char, after: &'t str, begins_word: bool) -> &'t str {
        match (character, self.quote) {
            ('\\', Quote::None | Quote::Double) => return self.escape(after),
            ('$', Quote::None | Quote::Double) => match reference(after) {
                Reference::Nothing => self.expansion.text.push(character),
                Reference::Unsupported(what) => {
                    self.errors.push(format!(
                        "holds `{what}`, and no shell runs it: only `$NAME` and `${{NAME}}` are expanded"
                    ));
                    return &after[end_of_shell(after)..];
                }
                Reference::Variable { name, end } => {
                    self.insert(name);
                    return &after[end..];
                }
            },
            ('`', Quote::None | Quote::Double) => {
                self.errors
                    .push("runs a command between backquotes, and no shell runs it".to_owned());
                return after.split_once('`').map_or("", |(_, rest)| rest);
            }
            ('\'', Quote::None) => self.turn(character, Quote::Single),
            ('"', Quote::None) => self.turn(character, Quote::Double),
            ('\'', Quote::Single) | ('"', Quote::Double) => self.turn(character, Quote::None),
            ('#', Quote::None) if begins_word && self.purpose == Purpose::Words => {
                let end = after.find('\n').unwrap_or(after.len());
                return &after[end..];
            }
            (_, Quote::None) if self.is_syntax(character, begins_word) => self.refuse(character),
            (_, Quote::None) => {
                self.check_flag(character, after);
                self.expansion.text.push(character);
            }
            _ => self.expansion.text.push(character),
        }
        after
    }

    /// Whether a shell makes more of `character` than itself.
    fn is_syntax(&self, character: char, begins_word: bool) -> bool {
        match self.purpose {
            // Patterns reach the sync as they stand, and newlines are white space.
            Purpose::Words => ";&|<>()".contains(character),
            Purpose::Value => ";&|<>()*?[\n".contains(character) || (begins_word && "#~".contains(character)),
        }
    }

    fn refuse(&mut self, character: char) {
        let what = match character {
            '\n' => "several lines".to_owned(),
            _ => format!("`{character}`"),
        };
        let quoted = match self.purpose {
            Purpose::Value => "if it belongs to the name",
            Purpose::Words => "if it belongs to a value",
        };
        self.errors.push(format!(
            "holds {what}, and no shell reads it: remove it, or write it between single quotes {quoted}"
        ));
    }

    /// A blank ended the word of the old action: what looks like a flag behind it was one.
    fn check_flag(&mut self, character: char, after: &str) {
        if self.purpose == Purpose::Value && character.is_whitespace() && after.starts_with('-') {
            let flag = after.split_whitespace().next().unwrap_or_default();
            self.errors
                .push(format!("holds `{flag}` behind a blank: flags belong in `args`"));
        }
    }

    fn turn(&mut self, character: char, quote: Quote) {
        self.quote = quote;
        match self.purpose {
            Purpose::Words => self.expansion.text.push(character),
            Purpose::Value => self.expansion.is_unquoted = true,
        }
    }

    /// A backslash, and the character that it keeps from being syntax.
    fn escape<'t>(&mut self, after: &'t str) -> &'t str {
        let escaped = after.chars().next();
        let is_literal = self.quote == Quote::Double && !escaped.is_some_and(|escaped| "$`\"\\".contains(escaped));
        if self.purpose == Purpose::Words || is_literal {
            self.expansion.text.push('\\');
        } else if escaped.is_none() {
            self.errors
                .push("ends with a backslash: remove it, or write it between single quotes".to_owned());
        } else {
            self.expansion.is_unquoted = true;
        }
        // What ends the quotes is no part of them.
        match escaped.filter(|_| self.purpose == Purpose::Words || !is_literal) {
            Some(escaped) => {
                self.expansion.text.push(escaped);
                &after[escaped.len_utf8()..]
            }
            None => after,
        }
    }

    /// The value of the variable `name`.
    fn insert(&mut self, name: &str) {
        let Some(value) = self.env.present(name) else {
            self.errors.push(format!(
                "holds `${name}`, which is not set in the step's environment: set it in `env:`, or use an expression such \
                 as `${{{{ vars.{name} }}}}`"
            ));
            return;
        };
        self.expansion.variables.push((name.to_owned(), value.to_owned()));
        match self.purpose {
            Purpose::Words => push_literally(&mut self.expansion.text, value, self.quote),
            Purpose::Value => {
                if self.quote == Quote::None {
                    self.check_value(name, value);
                }
                self.expansion.text.push_str(value);
            }
        }
    }

    /// Of a value without quotes a shell made several words, and names of files.
    fn check_value(&mut self, name: &str, value: &str) {
        if value.contains(['*', '?', '[']) || value.split_whitespace().skip(1).any(|word| word.starts_with('-')) {
            self.errors.push(format!(
                "holds `${name}`, which is `{value}`: no shell splits it or matches it against files; write `\"${name}\"` if \
                 it belongs to the name as it is"
            ));
        }
    }
}

/// The variables that `text` refers to as a shell would, quotes apart, each once.
#[must_use]
pub(crate) fn variables(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices('$') {
        if let Reference::Variable { name, .. } = reference(&text[at + 1..])
            && !names.contains(&name)
        {
            names.push(name);
        }
    }
    names
}

/// The expression that gives what `variable` holds. The `env` context has none of GitHub's default variables; their
/// values stand in the contexts `github` and `runner`
/// (<https://docs.github.com/en/actions/reference/workflows-and-actions/variables#default-environment-variables>).
#[must_use]
pub(crate) fn expression(variable: &str) -> String {
    let in_context = |prefix: &str, context: &str| {
        let property = variable.strip_prefix(prefix).filter(|property| !property.is_empty())?;
        Some(format!("${{{{ {context}.{} }}}}", property.to_ascii_lowercase()))
    };
    in_context("GITHUB_", "github")
        .or_else(|| in_context("RUNNER_", "runner"))
        .unwrap_or_else(|| format!("${{{{ env.{variable} }}}}"))
}

/// Where the piece of shell behind a `$` ends, so that it makes one error.
fn end_of_shell(after: &str) -> usize {
    let end = match after.chars().next() {
        Some('(') => after.find(')'),
        Some('{') => after.find('}'),
        _ => Some(0),
    };
    end.map_or(after.len(), |end| (end + 1).min(after.len()))
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
fn push_literally(text: &mut String, value: &str, quote: Quote) {
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
mod tests;
