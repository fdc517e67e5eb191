//! Inputs of rules, one per line, each beginning with a pattern: `headers`, `delete-after`.

use std::borrow::Cow;

use crate::core::secret::{HIDDEN, names_a_secret};

/// Reads each line of `text` that is not empty with `parse`, in their order.
///
/// # Errors
/// One text for each line that `parse` refuses, with the name of the `input` and the line's number.
pub(crate) fn parse_lines<T>(
    input: &str,
    text: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, Vec<String>> {
    let (mut rules, mut errors) = (Vec::new(), Vec::new());
    for (n, line) in text.split('\n').enumerate() {
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        match parse(line) {
            Ok(rule) => rules.push(rule),
            Err(error) => errors.push(format!("`{input}`, line {}, `{}`: {error}", n + 1, shown(line))),
        }
    }
    if errors.is_empty() { Ok(rules) } else { Err(errors) }
}

/// What is shown of a line: not the value of what is called a secret, such as `Authorization`.
fn shown(line: &str) -> Cow<'_, str> {
    match line.split_once(':') {
        Some((name, _)) if names_a_secret(name) => Cow::Owned(format!("{name}: {HIDDEN}")),
        _ => Cow::Borrowed(line),
    }
}

/// A line's pattern, which stands in single or double quotes where it has white space in it, and what follows.
///
/// # Errors
/// It ends within the pattern; `form` says how a line is written.
pub(crate) fn split_pattern<'l>(line: &'l str, form: &str) -> Result<(&'l str, &'l str), String> {
    match line.chars().next().filter(|c| matches!(c, '"' | '\'')) {
        Some(quote) => line[1..]
            .split_once(quote)
            .ok_or_else(|| format!("the quote {quote} is not closed; {form}")),
        None => line.split_once(char::is_whitespace).ok_or_else(|| form.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_secret_header_is_not_repeated() {
        let refuse = |_: &str| Err::<(), String>("no".to_owned());
        let errors =
            parse_lines("headers", "* Authorization: Bearer hunter2\n*.html a: b", refuse).expect_err("refused");
        assert_eq!(
            errors,
            [
                "`headers`, line 1, `* Authorization: ***`: no",
                "`headers`, line 2, `*.html a: b`: no"
            ]
        );
    }
}
