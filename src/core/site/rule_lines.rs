//! Inputs of rules, one per line, each beginning with a pattern: `headers`, `delete-after`.

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
            Err(error) => errors.push(format!("`{input}`, line {}, `{line}`: {error}", n + 1)),
        }
    }
    if errors.is_empty() { Ok(rules) } else { Err(errors) }
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
