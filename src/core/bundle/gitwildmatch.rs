//! One pattern of `.ebignore`, as the EB CLI reads it: `gitwildmatch` of
//! [pathspec](https://github.com/cpburnz/python-pathspec/blob/v0.12.1/pathspec/patterns/gitwildmatch.py), which is near
//! to git's rules and not the same: a pattern that names a directory matches everything below it, white space on both
//! sides goes, `[!x]` matches `/` too, a `\` in brackets is a letter, and a `[` without its `]` is itself.

use regex_lite::Regex;

/// A pattern.
#[derive(Debug)]
pub(crate) struct GitWildMatch {
    /// It begins with `!`: what it matches comes back.
    pub(crate) is_negative: bool,
    /// What the pattern says of a path, without what may follow below a directory.
    head: Regex,
    /// The head alone is a match; else only what is below it is.
    matches_head: bool,
}

impl GitWildMatch {
    /// Reads a line; `None` for an empty one and a comment.
    ///
    /// # Errors
    /// What is wrong with it. The EB CLI ends with an error then.
    pub(crate) fn parse(line: &str) -> Result<Option<Self>, String> {
        // Python strips what it calls white space: a few control characters besides.
        let is_space = |character: char| character.is_whitespace() || ('\x1c'..='\x1f').contains(&character);
        let line = if line.ends_with("\\ ") {
            line.trim_start_matches(is_space)
        } else {
            line.trim_matches(is_space)
        };
        if line.is_empty() || line == "/" || line.starts_with('#') {
            return Ok(None);
        }
        let (pattern, is_negative) = match line.strip_prefix('!') {
            Some(pattern) => (pattern, true),
            None => (line, false),
        };
        let (head, matches_head) = translate(pattern)?;
        let head = Regex::new(&format!("(?s)^{head}$")).map_err(|error| error.to_string())?;
        Ok(Some(Self {
            is_negative,
            head,
            matches_head,
        }))
    }

    /// Whether it matches `path`, whatever kind of file that is.
    pub(crate) fn matches(&self, path: &str) -> bool {
        (self.matches_head && self.head.is_match(path))
            || path
                .match_indices('/')
                .any(|(position, _)| self.head.is_match(&path[..position]))
    }

    /// Whether it matches everything below `directory` because of the directory's own name.
    pub(crate) fn matches_all_below(&self, directory: &str) -> bool {
        self.head.is_match(directory)
    }
}

/// The regular expression of a pattern's head, and whether the head alone is a match.
fn translate(pattern: &str) -> Result<(String, bool), String> {
    let mut segments: Vec<&str> = pattern.split('/').collect();
    segments.dedup_by(|next, previous| *next == "**" && *previous == "**");
    if segments == ["**", ""] {
        // Everything that is in some directory.
        return Ok((".+".to_owned(), false));
    }
    if segments.first() == Some(&"") {
        segments.remove(0);
    } else if (segments.len() == 1 || (segments.len() == 2 && segments[1].is_empty())) && segments[0] != "**" {
        segments.insert(0, "**");
    }
    let has_more = segments.len() > 1;
    match segments.last_mut() {
        None => return Err("it is empty".to_owned()),
        // A directory: what is below it.
        Some(last) if last.is_empty() && has_more => *last = "**",
        Some(_) => {}
    }
    let end = segments.len() - 1;
    let mut head = String::new();
    let mut needs_slash = false;
    for (position, segment) in segments.iter().enumerate() {
        match *segment {
            "**" if position == 0 && end == 0 => head.push_str("[^/]+"),
            "**" if position == 0 => head.push_str("(?:.+/)?"),
            "**" if position == end => return Ok((head, false)),
            "**" => {
                head.push_str("(?:/.+)?");
                needs_slash = true;
            }
            segment => {
                if needs_slash {
                    head.push('/');
                }
                match segment {
                    "*" => head.push_str("[^/]+"),
                    segment => push_segment(&mut head, segment)?,
                }
                needs_slash = true;
            }
        }
    }
    Ok((head, true))
}

/// The regular expression of what stands between two `/`.
fn push_segment(head: &mut String, segment: &str) -> Result<(), String> {
    let mut rest = segment.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => match rest.next() {
                Some(escaped) => push_literal(head, escaped),
                None => return Err("it ends with a `\\`, which escapes nothing".to_owned()),
            },
            '*' => head.push_str("[^/]*"),
            '?' => head.push_str("[^/]"),
            '[' => match class_end(rest.as_str()) {
                Some(end) => {
                    let (class, after) = rest.as_str().split_at(end);
                    push_class(head, class)?;
                    rest = after[1..].chars();
                }
                None => push_literal(head, '['),
            },
            character => push_literal(head, character),
        }
    }
    Ok(())
}

fn push_literal(head: &mut String, character: char) {
    head.push_str(&regex_lite::escape(character.encode_utf8(&mut [0; 4])));
}

/// Where the `]` of the brackets stands whose `[` comes before `text`; the first `]` in them is a member.
fn class_end(text: &str) -> Option<usize> {
    let members = text.strip_prefix(['!', '^']).unwrap_or(text);
    let members = members.strip_prefix(']').unwrap_or(members);
    let skipped = text.len() - members.len();
    members.find(']').map(|position| skipped + position)
}

/// The members of brackets, in which only `-` means something.
fn push_class(head: &mut String, class: &str) -> Result<(), String> {
    let (members, negation) = match class.strip_prefix(['!', '^']) {
        Some(members) => (members, "^"),
        None => (class, ""),
    };
    head.push('[');
    head.push_str(negation);
    let members: Vec<char> = members.chars().collect();
    let mut position = 0;
    while let Some(first) = members.get(position) {
        let last = match (members.get(position + 1), members.get(position + 2)) {
            (Some('-'), Some(last)) => {
                position += 2;
                last
            }
            _ => first,
        };
        if last < first {
            return Err(format!("`{first}-{last}` is no range"));
        }
        head.push_str(&format!(r"\x{{{:X}}}-\x{{{:X}}}", *first as u32, *last as u32));
        position += 1;
    }
    head.push(']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(line: &str) -> GitWildMatch {
        GitWildMatch::parse(line).expect("a pattern").expect("not empty")
    }

    #[test]
    fn a_directory_stands_for_all_below_it() {
        for (line, path, expected) in [
            ("build/", "build/a", true),
            ("build/", "build", false),
            ("build", "src/build", true),
            ("/build", "src/build", false),
            ("a/b", "x/a/b", false),
            ("**/", "a", false),
            ("**/", "a/b", true),
            ("a/**", "a/b/c", true),
            ("a/**", "a", false),
            ("x[!a]y", "x/y", true),
            ("a]", "a]", true),
            ("[]-a]", "^", true),
            ("a-[x-]", "a--", true),
        ] {
            assert_eq!(pattern(line).matches(path), expected, "{line} {path}");
        }
        assert!(pattern("build/").matches_all_below("src/build"));
        assert!(!pattern("build/*").matches_all_below("build"));
    }

    #[test]
    fn what_the_eb_cli_refuses_is_refused() {
        for line in ["!", "a\\", "[z-a]"] {
            assert!(GitWildMatch::parse(line).is_err(), "{line}");
        }
        for line in ["", "  ", "# x", "/"] {
            assert!(GitWildMatch::parse(line).expect("no error").is_none(), "{line}");
        }
    }

    #[test]
    fn long_patterns_and_paths_need_no_stack() {
        let deep = "a/".repeat(200_000);
        if let Ok(Some(pattern)) = GitWildMatch::parse(&deep) {
            assert!(!pattern.matches("a/b"));
        }
        assert!(pattern("**/b").matches(&format!("{}b", "a/".repeat(1_000))));
    }
}
