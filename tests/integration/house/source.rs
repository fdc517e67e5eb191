//! A source file as the rules of the house read it: what the code says, without comments, texts and tests.

use std::collections::BTreeSet;
use std::path::Path;

/// A file below `src/`.
pub(crate) struct Source {
    /// Relative to `src/`, such as `core/site/plan.rs`.
    pub(crate) path: String,
    /// The words and signs of its code: no comment, no test, texts and characters empty.
    pub(crate) tokens: Vec<String>,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            tokens: without_tests(tokens(&without_texts(text))),
        }
    }

    /// The modules that lead to this file: `["core", "site", "plan"]`; none for the crate's roots.
    pub(crate) fn module(&self) -> Vec<String> {
        let name = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let name = name.strip_suffix("/mod").unwrap_or(name);
        match name {
            "lib" | "main" => Vec::new(),
            other => other.split('/').map(ToOwned::to_owned).collect(),
        }
    }

    /// The tokens with how many braces are open before each.
    pub(crate) fn with_depth(&self) -> impl Iterator<Item = (usize, usize, &str)> {
        let mut depth = 0_usize;
        self.tokens.iter().enumerate().map(move |(index, token)| {
            if token == "}" {
                depth = depth.saturating_sub(1);
            }
            let before = depth;
            if token == "{" {
                depth += 1;
            }
            (index, before, token.as_str())
        })
    }
}

/// All sources below `directory` but those of which only tests know.
pub(crate) fn read(directory: &Path) -> Vec<Source> {
    let mut files = Vec::new();
    collect(directory, directory, &mut files);
    assert!(files.len() > 100, "only {} sources", files.len());
    production(&files)
}

/// `files` (paths and texts) but those of which only tests know.
pub(crate) fn production(files: &[(String, String)]) -> Vec<Source> {
    let mut of_tests: BTreeSet<String> = BTreeSet::new();
    loop {
        // What a file of tests declares is of tests too.
        let found = files.iter().flat_map(|(path, text)| {
            let tokens = tokens(&without_texts(text));
            test_files(path, &tokens, of_tests.contains(path))
        });
        let found: BTreeSet<String> = found.collect();
        if found == of_tests {
            break;
        }
        of_tests = found;
    }
    files
        .iter()
        .filter(|(path, _)| !of_tests.contains(path))
        .map(|(path, text)| Source::new(path, text))
        .collect()
}

fn collect(root: &Path, directory: &Path, files: &mut Vec<(String, String)>) {
    let mut entries: Vec<_> = std::fs::read_dir(directory)
        .expect("a directory")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(root, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root).expect("below the root");
            let text = std::fs::read_to_string(&path).expect("a source file");
            files.push((name.to_string_lossy().into_owned(), text));
        }
    }
}

/// The files of modules that `path` declares for tests only; all that it declares, where it is for tests itself.
fn test_files(path: &str, tokens: &[String], for_tests: bool) -> Vec<String> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.trim_end_matches(".rs");
    let below = match stem {
        "mod" | "lib" | "main" => directory.to_owned(),
        other => join(directory, other),
    };
    let is_start = |index: &usize| is_cfg_test(&tokens[*index..]) || for_tests && tokens[*index] == "mod";
    let mut found = Vec::new();
    for start in (0..tokens.len()).filter(is_start) {
        let item = &tokens[start..item_end(tokens, start)];
        let Some(module) = item.iter().position(|token| token == "mod") else {
            continue;
        };
        if item.last().is_none_or(|token| token != ";") {
            continue;
        }
        let attribute = item[..module]
            .windows(2)
            .find(|pair| pair[0] == "path" && pair[1] == "=");
        if attribute.is_some() {
            let file = item[..module]
                .iter()
                .find(|token| token.starts_with('"'))
                .expect("a path");
            found.push(join(directory, file.trim_matches('"')));
        } else {
            found.push(join(&below, &format!("{}.rs", item[module + 1])));
            found.push(join(&below, &format!("{}/mod.rs", item[module + 1])));
        }
    }
    found
}

fn join(directory: &str, name: &str) -> String {
    if directory.is_empty() {
        name.to_owned()
    } else {
        format!("{directory}/{name}")
    }
}

fn is_cfg_test(tokens: &[String]) -> bool {
    tokens
        .iter()
        .take(7)
        .eq(["#", "[", "cfg", "(", "test", ")", "]"].iter())
}

/// Where the item that begins at `start` (with its attributes) ends.
fn item_end(tokens: &[String], start: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(start) {
        match token.as_str() {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => {
                depth = depth.saturating_sub(1);
                if depth == 0 && token == "}" {
                    return index + 1;
                }
            }
            ";" if depth == 0 => return index + 1,
            _ => {}
        }
    }
    tokens.len()
}

fn without_tests(tokens: Vec<String>) -> Vec<String> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut index = 0;
    while index < tokens.len() {
        if is_cfg_test(&tokens[index..]) {
            index = item_end(&tokens, index);
        } else {
            kept.push(tokens[index].clone());
            index += 1;
        }
    }
    kept
}

/// Identifiers, `::`, texts (in their quotes), and every other sign by itself.
fn tokens(code: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = code.char_indices().peekable();
    while let Some((start, sign)) = rest.next() {
        if sign.is_alphanumeric() || sign == '_' {
            let mut end = start + sign.len_utf8();
            while let Some((at, next)) = rest.next_if(|(_, next)| next.is_alphanumeric() || *next == '_') {
                end = at + next.len_utf8();
            }
            tokens.push(code[start..end].to_owned());
        } else if sign == '"' {
            let text: String = rest
                .by_ref()
                .map(|(_, next)| next)
                .take_while(|next| *next != '"')
                .collect();
            tokens.push(format!("\"{text}\""));
        } else if sign == ':' && rest.next_if(|(_, next)| *next == ':').is_some() {
            tokens.push("::".to_owned());
        } else if !sign.is_whitespace() {
            tokens.push(sign.to_string());
        }
    }
    tokens
}

/// The code with neither comments nor what stands in texts and characters, but for the path of a module's file.
fn without_texts(text: &str) -> String {
    let signs: Vec<char> = text.chars().collect();
    let at = |index: usize| signs.get(index).copied().unwrap_or('\0');
    let mut out = String::with_capacity(text.len());
    let mut index = 0;
    while index < signs.len() {
        match (at(index), at(index + 1)) {
            ('/', '/') => index = (index..signs.len()).find(|&end| at(end) == '\n').unwrap_or(signs.len()),
            ('/', '*') => {
                let end = (index + 2..signs.len()).find(|&end| at(end) == '*' && at(end + 1) == '/');
                index = end.map_or(signs.len(), |end| end + 2);
            }
            ('r', '"' | '#') if !out.ends_with(|sign: char| sign.is_alphanumeric() && sign != 'b') => {
                let hashes = signs[index + 1..].iter().take_while(|&&sign| sign == '#').count();
                if at(index + 1 + hashes) == '"' {
                    let closes = |end: usize| at(end) == '"' && (1..=hashes).all(|more| at(end + more) == '#');
                    let end = (index + 2 + hashes..signs.len()).find(|&end| closes(end));
                    out.push_str("\"\"");
                    index = end.map_or(signs.len(), |end| end + 1 + hashes);
                } else {
                    out.push('r');
                    index += 1;
                }
            }
            ('"', _) => {
                let mut end = index + 1;
                while end < signs.len() && at(end) != '"' {
                    end += if at(end) == '\\' { 2 } else { 1 };
                }
                out.push('"');
                let text = &signs[index + 1..end.min(signs.len())];
                if out.trim_end_matches('"').trim_end().ends_with("path =") && !text.contains(&'\\') {
                    out.extend(text);
                }
                out.push('"');
                index = end + 1;
            }
            ('\'', '\\') => {
                let end = (index + 3..signs.len()).find(|&end| at(end) == '\'');
                out.push_str("\"\"");
                index = end.map_or(signs.len(), |end| end + 1);
            }
            ('\'', _) if at(index + 2) == '\'' => {
                out.push_str("\"\"");
                index += 3;
            }
            (sign, _) => {
                out.push(sign);
                index += 1;
            }
        }
    }
    out
}

#[test]
fn comments_texts_and_tests_are_no_code() {
    let text = r####"
//! crate::a
/* crate::b */ use x::y; // crate::c
const S: &str = "crate::d \" crate::e"; const R: &str = r#"crate::f " "#; const B: &[u8] = b"crate::g";
fn f<'a>(c: char) -> &'a str { if c == '"' || c == '\'' { "h" } else { for_real::i() } }
#[cfg(test)]
use crate::j;
#[cfg(test)]
mod tests { fn f() { crate::k() } }
fn last() {}
"####;
    let tokens = Source::new("a.rs", text).tokens.join(" ");
    for word in ["crate", "h", "tests"] {
        assert!(!tokens.split(' ').any(|token| token == word), "{word} in {tokens}");
    }
    for word in ["x :: y ;", "for_real :: i (", "fn last ("] {
        assert!(tokens.contains(word), "{word} in {tokens}");
    }
}

#[test]
fn files_of_tests_are_told_by_who_declares_them() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let files = [
        file("a/mod.rs", "#[cfg(test)]\nmod fake;\nmod real;\nmod named;"),
        file("a/fake.rs", ""),
        file("a/real.rs", "#[cfg(test)]\nmod tests;"),
        file("a/real/tests.rs", "mod traps;\nmod inline { mod deep; }"),
        file("a/real/tests/traps.rs", ""),
        file("a/named.rs", "#[cfg(test)]\n#[path = \"named_tests.rs\"]\nmod tests;"),
        file("a/named_tests.rs", ""),
    ];
    let left: Vec<String> = production(&files).into_iter().map(|source| source.path).collect();
    assert_eq!(left, ["a/mod.rs", "a/real.rs", "a/named.rs"]);
}
