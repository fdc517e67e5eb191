//! Takes secrets out of a text: as they are, and as programs write them into logs, answers and addresses.
//!
//! A secret is found with each of its characters as it is or escaped: by backslashes (JSON, once or again, a shell's,
//! `repr` of Python, `Debug` of Rust), by `%` (once or again) and `+` of addresses, as an entity of HTML. Base64 has
//! other characters for it, by where in a longer text it stands, so those are looked for as well. The cost is bounded: a
//! text is walked once, and at each place only what can begin there is compared.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// What stands for a secret.
const HIDDEN: &str = "***";

/// Shorter pieces of base64 stand in many a text.
const SHORTEST_BASE64: usize = 6;

/// Secrets, and what they look like.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Redactor {
    /// As they are, the longest first.
    secrets: Vec<String>,
    needles: Vec<Needle>,
    /// The places in `needles` of those that begin with a byte.
    starts: Vec<Vec<usize>>,
}

/// One look of a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Needle {
    text: String,
    /// The length of the secret, in bytes.
    secret: usize,
    /// It is one where it stands alone, not in a longer word.
    whole: bool,
}

impl Redactor {
    /// Takes `secret` out of texts from now on; whether it was not known. An empty one is none.
    pub(crate) fn insert(&mut self, secret: &str) -> bool {
        if secret.is_empty() || self.secrets.iter().any(|known| known == secret) {
            return false;
        }
        self.add(secret, looks(secret), false);
        true
    }

    /// The same of one that is so short that it stands in many a word: it is taken out where it stands alone.
    pub(crate) fn insert_word(&mut self, secret: &str) {
        if !secret.is_empty() && self.secrets.iter().all(|known| known != secret) {
            self.add(secret, vec![secret.to_owned()], true);
        }
    }

    fn add(&mut self, secret: &str, looks: Vec<String>, whole: bool) {
        let position = self.secrets.partition_point(|known| known.len() >= secret.len());
        self.secrets.insert(position, secret.to_owned());
        self.starts.resize(256, Vec::new());
        for text in looks {
            let first = usize::from(text.as_bytes()[0]);
            self.starts[first].push(self.needles.len());
            self.needles.push(Needle {
                text,
                secret: secret.len(),
                whole,
            });
        }
    }

    /// The secrets of at least `shortest` bytes, the longest first.
    pub(crate) fn secrets(&self, shortest: usize) -> impl Iterator<Item = &str> {
        let long = self.secrets.iter().filter(move |secret| secret.len() >= shortest);
        long.map(String::as_str)
    }

    /// `text` with `***` for each secret of at least `shortest` bytes; `None` where there is none in it.
    #[must_use]
    pub(crate) fn hide(&self, text: &str, shortest: usize) -> Option<String> {
        let found = self.find(text, shortest);
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for (start, end) in &found {
            out.push_str(&text[from..*start]);
            out.push_str(HIDDEN);
            from = *end;
        }
        out.push_str(&text[from..]);
        (!found.is_empty()).then_some(out)
    }

    /// Where secrets are; those that overlap are one.
    fn find(&self, text: &str, shortest: usize) -> Vec<(usize, usize)> {
        let mut found: Vec<(usize, usize)> = Vec::new();
        if self.needles.is_empty() {
            return found;
        }
        for (at, byte) in text.bytes().enumerate() {
            let escaped = matches!(byte, b'\\' | b'%' | b'&');
            if (self.starts[usize::from(byte)].is_empty() && !escaped) || !text.is_char_boundary(at) {
                continue;
            }
            let rest = &text[at..];
            let longest = |needles: &mut dyn Iterator<Item = &Needle>| {
                needles
                    .filter(|needle| needle.secret >= shortest)
                    .filter_map(|needle| {
                        let length = length(rest, &needle.text)?;
                        (!needle.whole || is_alone(text, at, at + length)).then_some(length)
                    })
                    .max()
            };
            let length = match escaped {
                true => longest(&mut self.needles.iter()),
                false => longest(
                    &mut self.starts[usize::from(byte)]
                        .iter()
                        .map(|&needle| &self.needles[needle]),
                ),
            };
            let Some(end) = length.map(|length| at + length) else {
                continue;
            };
            match found.last_mut() {
                Some(last) if at < last.1 => last.1 = last.1.max(end),
                _ => found.push((at, end)),
            }
        }
        found
    }
}

/// `secret` itself, and the pieces of base64 that it alone decides, by how many bytes stand before it.
fn looks(secret: &str) -> Vec<String> {
    let mut looks = vec![secret.to_owned()];
    for before in 0..3 {
        let bytes = [&[0; 2][..before], secret.as_bytes()].concat();
        let (first, last) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
        for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            let piece = encoded[first..last].to_owned();
            if piece.len() >= SHORTEST_BASE64 && !looks.contains(&piece) {
                looks.push(piece);
            }
        }
    }
    looks
}

/// How many bytes at the beginning of `text` are `secret`, escaped or not.
fn length(text: &str, secret: &str) -> Option<usize> {
    // What a secret ends with may escape what follows, and that is not ours.
    if text.starts_with(secret) && !secret.ends_with('\\') {
        return Some(secret.len());
    }
    let (mut at, mut rest) = (0, secret);
    while let Some(character) = rest.chars().next() {
        let left = &text[at..];
        let slashes = leading_slashes(left);
        let own = leading_slashes(rest);
        if own > 0 && slashes > 0 {
            if let Some(length) = backslashed(&left[slashes..], character) {
                at += slashes + length;
                rest = &rest[1..];
                continue;
            }
            rest = &rest[own..];
            let odd_end = rest.is_empty() && slashes % 2 == 1 && slashes > own;
            at += if odd_end { slashes - 1 } else { slashes };
            if slashes < own {
                return None;
            }
            continue;
        }
        rest = &rest[character.len_utf8()..];
        at += slashes + one(&left[slashes..], character, slashes > 0 || before_is_slash(text, at))?;
    }
    Some(at)
}

/// Whether what is between `start` and `end` is no part of a longer word: an escape before it is none.
fn is_alone(text: &str, start: usize, end: usize) -> bool {
    let (before, behind) = (&text[..start], &text[end..]);
    let escaped = |length: usize, mark: char| {
        let at = before.char_indices().nth_back(length).map(|(at, _)| at);
        at.is_some_and(|at| {
            before[at..].starts_with(mark) && before[at + 1..].bytes().all(|b| b.is_ascii_alphanumeric())
        })
    };
    (!before.ends_with(char::is_alphanumeric) || escaped(1, '\\') || escaped(2, '%'))
        && !behind.starts_with(char::is_alphanumeric)
}

fn leading_slashes(text: &str) -> usize {
    text.bytes().take_while(|&byte| byte == b'\\').count()
}

fn before_is_slash(text: &str, at: usize) -> bool {
    text[..at].ends_with('\\')
}

/// How many bytes at the beginning of `text` are `character`; `escaped` where a backslash stands before them.
fn one(text: &str, character: char, escaped: bool) -> Option<usize> {
    // What escapes is escaped by itself, so this comes before the character as it is.
    let other = match text.bytes().next()? {
        b'+' if character == ' ' => Some(1),
        b'%' => percent(text, character),
        b'&' => entity(text, character),
        _ if escaped => backslashed(text, character),
        _ => None,
    };
    let itself = text.starts_with(character).then_some(character.len_utf8());
    other.or(itself)
}

/// What stands behind a backslash: a letter for a control character, or its number.
fn backslashed(text: &str, character: char) -> Option<usize> {
    let letter = match character {
        '\n' => Some('n'),
        '\r' => Some('r'),
        '\t' => Some('t'),
        '\u{8}' => Some('b'),
        '\u{c}' => Some('f'),
        _ => None,
    };
    if letter.is_some_and(|letter| text.starts_with(letter)) {
        return Some(1);
    }
    let code = u32::from(character);
    if let Some(digits) = text.strip_prefix("u{") {
        let end = digits.find('}')?;
        return (number(&digits[..end], 16)? == code).then_some(end + 3);
    }
    if let Some(digits) = text.strip_prefix('U') {
        return (number(digits.get(..8)?, 16)? == code).then_some(9);
    }
    let mut utf16 = [0; 2];
    let units = character.encode_utf16(&mut utf16).iter().map(|&unit| u32::from(unit));
    let bytes = || {
        let mut utf8 = [0; 4];
        let bytes = character.encode_utf8(&mut utf8).bytes();
        bytes.map(u32::from).collect::<Vec<_>>()
    };
    numbers(text, "u", 4, 16, units)
        .or_else(|| numbers(text, "x", 2, 16, bytes().into_iter()))
        .or_else(|| numbers(text, "x", 2, 16, std::iter::once(code)))
        .or_else(|| numbers(text, "", 3, 8, bytes().into_iter()))
}

/// The length of `values` in `text`, each after `mark` and in so many `digits`, with backslashes between them.
fn numbers(text: &str, mark: &str, digits: usize, radix: u32, values: impl Iterator<Item = u32>) -> Option<usize> {
    let mut at = 0;
    for (position, value) in values.enumerate() {
        if position > 0 {
            at += Some(leading_slashes(&text[at..])).filter(|&slashes| slashes > 0)?;
        }
        let rest = text[at..].strip_prefix(mark)?;
        if number(rest.get(..digits)?, radix)? != value {
            return None;
        }
        at += mark.len() + digits;
    }
    Some(at)
}

/// Percent-encoding: each byte of UTF-8 as `%XX`, whose `%` may be encoded again.
fn percent(text: &str, character: char) -> Option<usize> {
    let mut utf8 = [0; 4];
    let mut at = 0;
    for byte in character.encode_utf8(&mut utf8).bytes() {
        let mut digits = text[at..].strip_prefix('%')?;
        while let Some(again) = digits
            .strip_prefix("25")
            .filter(|again| byte != b'%' || again.starts_with("25"))
        {
            digits = again;
        }
        if number(digits.get(..2)?, 16)? != u32::from(byte) {
            return None;
        }
        at = text.len() - digits.len() + 2;
    }
    Some(at)
}

/// `&amp;`, `&#38;` or `&#x26;`.
fn entity(text: &str, character: char) -> Option<usize> {
    let name = &text[1..text.bytes().take(12).position(|byte| byte == b';')?];
    let code = match (name, name.strip_prefix('#')) {
        ("amp", _) => u32::from('&'),
        ("lt", _) => u32::from('<'),
        ("gt", _) => u32::from('>'),
        ("quot", _) => u32::from('"'),
        ("apos", _) => u32::from('\''),
        (_, Some(digits)) => match digits.strip_prefix(['x', 'X']) {
            Some(digits) => number(digits, 16)?,
            None => number(digits, 10)?,
        },
        _ => return None,
    };
    (code == u32::from(character)).then_some(name.len() + 2)
}

fn number(digits: &str, radix: u32) -> Option<u32> {
    // `from_str_radix` takes a sign.
    let all = digits.chars().all(|digit| digit.is_digit(radix));
    u32::from_str_radix(digits, radix).ok().filter(|_| all)
}

#[cfg(test)]
mod tests;
