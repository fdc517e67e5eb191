//! The summary for a terminal: the rows of the Markdown summary as text.

/// `rows` of Markdown cells as aligned columns, one line each, indented by two spaces.
#[must_use]
pub(crate) fn columns(rows: &[Vec<String>]) -> Vec<String> {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| plain(cell)).collect())
        .collect();
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let widths: Vec<usize> = (0..count)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        })
        .collect();
    rows.iter()
        .map(|row| {
            let cells = row.iter().zip(&widths);
            let line: String = cells.map(|(cell, width)| format!("  {cell:<width$}")).collect();
            line.trim_end().to_owned()
        })
        .collect()
}

/// The text of one line of Markdown, of the kinds that this room writes: escapes, entities, code, bold and links.
pub(crate) fn plain(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    let mut rest = markdown;
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        rest = match character {
            '\\' => {
                let escaped = after.chars().next();
                out.extend(escaped);
                &after[escaped.map_or(0, char::len_utf8)..]
            }
            '&' => match after.split_once(';') {
                Some((name, behind)) => {
                    out.extend(entity(name));
                    behind
                }
                None => after,
            },
            '<' => {
                let (tag, behind) = after.split_once('>').unwrap_or((after, ""));
                out.push_str(if tag == "br" { " " } else { "" });
                behind
            }
            '*' if after.starts_with('*') => &after[1..],
            '[' => match link(after) {
                Some((label, url, behind)) => {
                    out.push_str(&format!("{} ({url})", plain(label)));
                    behind
                }
                None => after,
            },
            other => {
                out.push(other);
                after
            }
        };
    }
    out
}

/// The character that an entity stands for; none for the one without a width.
fn entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "nbsp" => Some(' '),
        "#8203" => None,
        number => char::from_u32(number.strip_prefix('#')?.parse().ok()?),
    }
}

/// Label, address and what follows, of the text behind a link's first bracket.
fn link(text: &str) -> Option<(&str, &str, &str)> {
    let mut escaped = false;
    let end = text.char_indices().find_map(|(position, character)| {
        let found = character == ']' && !escaped;
        escaped = character == '\\' && !escaped;
        found.then_some(position)
    })?;
    let (url, behind) = text[end..].strip_prefix("](")?.split_once(')')?;
    Some((&text[..end], url, behind))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::report::markdown::{code, link as link_to, text};
    use proptest::prelude::*;

    #[test]
    fn columns_are_aligned() {
        let rows = [
            vec!["Site".to_owned(), code("s3://b/p_q"), "1 uploaded".to_owned()],
            vec![
                "CloudFront".to_owned(),
                code("E1"),
                format!("**2 failed**: {}", link_to("a]b", "https://example.org/x")),
            ],
        ];
        assert_eq!(
            columns(&rows),
            [
                "  Site        s3://b/p_q  1 uploaded",
                "  CloudFront  E1          2 failed: a]b (https://example.org/x)",
            ]
        );
    }

    proptest! {
        #[test]
        fn text_comes_back_as_it_was(original in "[ -~äß€]{0,40}") {
            prop_assert_eq!(plain(&text(&original)), original.clone());
            prop_assert_eq!(plain(&code(&original)), original);
        }
    }
}
