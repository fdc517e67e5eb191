//! Markdown for the step summary: every text from outside is escaped here.

/// Characters that Markdown or HTML could take for more than themselves.
const SPECIAL: &str = "\\`*_{}[]<>()#+!|~&@";

/// `text` as plain Markdown text on one line, safe in a table's cell too.
#[must_use]
pub(crate) fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            entity @ ('<' | '>' | '&' | '@' | '$') => push_entity(&mut out, entity),
            special if SPECIAL.contains(special) => {
                out.push('\\');
                out.push(special);
            }
            other => push_visible(&mut out, other),
        }
    }
    // GitHub links bare addresses; one from outside must not become a link of ours.
    out.replace("://", ":&#8203;//").replace("www.", "www&#46;")
}

/// `text` as code on one line, safe in a table's cell too.
#[must_use]
pub(crate) fn code(text: &str) -> String {
    let mut out = String::from("<code>");
    for character in text.chars() {
        match character {
            ':' => push_entity(&mut out, ':'),
            special if special == '$' || SPECIAL.contains(special) => push_entity(&mut out, special),
            other => push_visible(&mut out, other),
        }
    }
    out.push_str("</code>");
    out
}

/// A sentence of ours on one line: what stands between backticks is code.
#[must_use]
pub(crate) fn prose(sentence: &str) -> String {
    let pieces: Vec<&str> = sentence.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        // One backtick is not closed: it is part of a value.
        return text(sentence);
    }
    let marked = pieces.into_iter().enumerate();
    marked
        .map(|(position, piece)| match (position % 2, piece) {
            (0, piece) => text(piece),
            (_, "") => "\\`\\`".to_owned(),
            (_, piece) => code(piece),
        })
        .collect()
}

/// A hint: a sentence, and below it what to paste (permissions, a policy) with its indentation.
#[must_use]
pub(crate) fn advice(hint: &str) -> String {
    let mut lines = hint.lines();
    let mut out = prose(lines.next().unwrap_or_default());
    for line in lines {
        let code_of = line.trim_start();
        out.push_str("<br>");
        out.push_str(&"&nbsp;".repeat(line.len() - code_of.len()));
        out.push_str(&code(code_of));
    }
    out
}

/// A link, when `url` is one that a summary may carry (`http` or `https`, nothing that ends the link); else its text.
#[must_use]
pub(crate) fn link(label: &str, url: &str) -> String {
    let web = url.starts_with("https://") || url.starts_with("http://");
    let safe = url
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"()<>[]|`\\\"'".contains(&byte));
    if web && safe {
        format!("[{}]({url})", text(label))
    } else {
        text(label)
    }
}

/// A table; `head` and `rows` are Markdown already.
#[must_use]
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len()));
    for row in rows {
        out.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    out
}

/// `character` as an entity: markup starts nowhere, a name notifies nobody, and no mathematics, which GitHub renders
/// between dollars.
fn push_entity(out: &mut String, character: char) {
    match character {
        '<' => out.push_str("&lt;"),
        '>' => out.push_str("&gt;"),
        '&' => out.push_str("&amp;"),
        other => out.push_str(&format!("&#{};", u32::from(other))),
    }
}

fn push_visible(out: &mut String, character: char) {
    match character {
        '\n' | '\r' => out.push('⏎'),
        '\t' => out.push(' '),
        control if control.is_control() => out.push('\u{fffd}'),
        // Marks and overrides that reorder what a person reads, and separators that start a line on the screen alone.
        '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            out.push('\u{fffd}')
        }
        other => out.push(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_acts() {
        assert_eq!(text("a|b\n<img>"), "a\\|b⏎&lt;img&gt;");
        assert_eq!(text("[x](javascript:1)"), "\\[x\\]\\(javascript:1\\)");
        assert_eq!(text("@team `rm`"), "&#64;team \\`rm\\`");
        assert_eq!(code("`a|b`"), "<code>&#96;a&#124;b&#96;</code>");
        assert_eq!(code("\u{1b}[31m"), "<code>\u{fffd}&#91;31m</code>");
        assert_eq!(prose("`a|b` is <b>"), "<code>a&#124;b</code> is &lt;b&gt;");
        assert_eq!(prose("`a` is `"), "\\`a\\` is \\`");
        assert_eq!(prose("`` @x `<img>`"), "\\`\\` &#64;x <code>&lt;img&gt;</code>");
        assert_eq!(link("site", "javascript:alert(1)"), "site");
        assert_eq!(link("a]b", "https://example.org/x"), "[a\\]b](https://example.org/x)");
        assert_eq!(link("x", "https://example.org/) [y](https://evil"), "x");
    }
}
