//! Content types by file name, the same on every machine, and the charset by content.
//!
//! Python 3.11's own table comes first, since `aws s3 sync` uses it (its machine's `/etc/mime.types` is left out on
//! purpose); what it does not know comes from a short list of the web's newer types and then from `mime_guess`. As
//! with `aws s3 sync`, `page.html.gz` is `text/html`, and `Content-Encoding` is never guessed. Must not open files:
//! bytes are fed in.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::core::site::escaped_text::EscapeCheck;
use crate::core::site::shifted_text::ShiftCheck;
use crate::core::site::wide_text::{is_han_in_ascii, is_utf16};

/// Grows when [`guess`] or [`needs_charset`] answer so differently for the same name that objects of earlier releases
/// have to be looked at again: releases record it. A type that browsers take as well as the one before is no such reason.
pub(crate) const VERSION: u32 = 1;

/// Types that Python 3.11 does not know and `mime_guess` names by an outdated or wrong type.
const NEWER: [(&str, &str); 11] = [
    (".map", "application/json"),
    (".cjs", "text/javascript"),
    (".jsx", "text/javascript"),
    (".ts", "video/mp2t"),
    (".yaml", "application/yaml"),
    (".yml", "application/yaml"),
    (".toml", "application/toml"),
    (".woff", "font/woff"),
    (".otf", "font/otf"),
    (".opus", "audio/ogg"),
    (".java", "text/plain"),
];

#[derive(Deserialize)]
struct Table {
    strict: HashMap<String, String>,
    encodings: HashMap<String, String>,
    suffix_map: HashMap<String, String>,
}

/// The tables of CPython 3.11's [`mimetypes`] module.
///
/// [`mimetypes`]: https://github.com/python/cpython/blob/v3.11.7/Lib/mimetypes.py
static PYTHON: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../data/mime-types.json")).expect("the embedded table is well formed")
});

/// The content type for the file at `path`; `None` for names that say nothing.
#[must_use]
pub(crate) fn guess(path: &str) -> Option<&'static str> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (base, extension) = split_extension(name);
    let mut base = base.to_owned();
    let mut extension = extension.to_owned();
    while let Some(longer) = PYTHON.suffix_map.get(&extension.to_ascii_lowercase()) {
        let name = base + longer;
        let (shorter, last) = split_extension(&name);
        (base, extension) = (shorter.to_owned(), last.to_owned());
    }
    if PYTHON.encodings.contains_key(&extension) {
        let inner = split_extension(&base).1;
        // `data.bin.gz` has a type inside, `dump.gz` is what it is.
        if let Some(found) = by_extension(inner) {
            return Some(found);
        }
    }
    by_extension(&extension)
}

fn by_extension(extension: &str) -> Option<&'static str> {
    let lower = extension.to_ascii_lowercase();
    // Python 3.12 and the RFC agree; objects that are there get it with their next change, for a whole site is not
    // rewritten for it: <https://www.rfc-editor.org/rfc/rfc9239#section-6>
    if matches!(lower.as_str(), ".js" | ".mjs") {
        return Some("text/javascript");
    }
    if let Some(found) = PYTHON.strict.get(&lower) {
        return Some(found);
    }
    if let Some((_, found)) = NEWER.iter().find(|(known, _)| *known == lower) {
        return Some(found);
    }
    mime_guess::from_ext(lower.strip_prefix('.')?).first_raw()
}

/// `name` cut before its extension, which keeps its dot; leading dots begin no extension (`os.path.splitext`).
fn split_extension(name: &str) -> (&str, &str) {
    let stem = name.trim_start_matches('.');
    match stem.rfind('.') {
        Some(dot) => name.split_at(name.len() - stem.len() + dot),
        None => (name, ""),
    }
}

/// What the bytes of a file are, as far as its type depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextEncoding {
    /// Text in UTF-8.
    Utf8,
    /// The same, or perhaps ASCII in which UTF-7 hides.
    Ascii,
    /// Perhaps text in another encoding.
    Other,
    /// No text: there are NULs in it, which every video format has, and it is no UTF-16.
    Binary,
}

/// Whether the type that was guessed depends on the bytes.
#[must_use]
pub(crate) fn depends_on_bytes(guess: &str) -> bool {
    needs_charset(guess) || is_video(guess)
}

/// The type of a file whose name makes it `guess`.
///
/// Text is never a video, whatever its name: TypeScript's `.ts` is also MPEG's, and `go.mod` would be music. A text type
/// gets `charset=utf-8` when the bytes are UTF-8.
#[must_use]
pub(crate) fn judge(guess: &str, bytes: TextEncoding) -> String {
    let guess = if is_video(guess) && bytes != TextEncoding::Binary {
        "text/plain"
    } else {
        guess
    };
    // Nobody writes scripts and style sheets in an encoding of mail, and they have signs that look like it.
    let is_utf8 = match bytes {
        TextEncoding::Utf8 => true,
        TextEncoding::Ascii => matches!(guess, "text/javascript" | "text/css"),
        TextEncoding::Other | TextEncoding::Binary => false,
    };
    if needs_charset(guess) && is_utf8 {
        format!("{guess}; charset=utf-8")
    } else {
        guess.to_owned()
    }
}

fn is_video(content_type: &str) -> bool {
    content_type.starts_with("video/")
}

/// Whether `; charset=utf-8` belongs behind `content_type` when the bytes are UTF-8: `text/*` without a charset.
///
/// Not so JSON and JavaScript modules, which are always UTF-8, nor SVG and XML applications, which say it themselves.
#[must_use]
fn needs_charset(content_type: &str) -> bool {
    let lower = content_type.to_ascii_lowercase();
    lower.starts_with("text/") && !lower.contains("charset=")
}

/// Tells what bytes that come in pieces are as a whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct TextCheck {
    /// The beginning of a character whose end has not come yet.
    open: Vec<u8>,
    broken: bool,
    binary: bool,
    beyond_ascii: bool,
    shifts: ShiftCheck,
    escapes: EscapeCheck,
    /// The first bytes, in which UTF-16 shows.
    head: Vec<u8>,
}

/// Bytes in which UTF-16 shows.
const HEAD: usize = 4096;

impl TextCheck {
    /// Whether no further piece can change the answer.
    #[must_use]
    pub(crate) fn is_settled(&self) -> bool {
        self.binary && self.head.len() == HEAD
    }

    /// Takes the next piece.
    pub(crate) fn feed(&mut self, mut bytes: &[u8]) {
        let missing = HEAD - self.head.len();
        self.head.extend(bytes.iter().take(missing));
        if self.binary {
            return;
        }
        self.binary = bytes.contains(&0);
        self.beyond_ascii = self.beyond_ascii || !bytes.is_ascii();
        if !self.beyond_ascii {
            self.shifts.feed(bytes);
            self.escapes.feed(bytes);
        }
        // UTF-16 without a mark is bytes of ASCII, too: NULs tell it.
        self.broken |= self.binary;
        while !self.broken && !self.open.is_empty() {
            let Some((&next, rest)) = bytes.split_first() else {
                return;
            };
            bytes = rest;
            self.open.push(next);
            match std::str::from_utf8(&self.open) {
                Ok(_) => self.open.clear(),
                Err(error) => self.broken = error.error_len().is_some(),
            }
        }
        if self.broken {
            return;
        }
        if let Err(error) = std::str::from_utf8(bytes) {
            self.broken = error.error_len().is_some();
            self.open = bytes[error.valid_up_to()..].to_vec();
        }
    }

    /// What everything was.
    #[must_use]
    pub(crate) fn finish(&self) -> TextEncoding {
        match (self.binary, !self.broken && self.open.is_empty()) {
            (true, _) if is_utf16(&self.head, self.head.len() == HEAD) => TextEncoding::Other,
            (true, _) => TextEncoding::Binary,
            (false, true) if !self.beyond_ascii && self.hides_other_characters() => TextEncoding::Other,
            (false, true) if !self.beyond_ascii && self.shifts.seems() => TextEncoding::Ascii,
            (false, true) => TextEncoding::Utf8,
            (false, false) => TextEncoding::Other,
        }
    }

    /// Whether what is ASCII seems to be an encoding that has other characters.
    fn hides_other_characters(&self) -> bool {
        self.escapes.found() || self.shifts.found() || is_han_in_ascii(&self.head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, proptest};

    #[test]
    fn guesses_as_aws_cli_and_beyond() {
        for (path, expected) in [
            ("index.html", Some("text/html")),
            ("INDEX.HTML", Some("text/html")),
            ("a/b.css", Some("text/css")),
            ("app.js", Some("text/javascript")),
            ("app.mjs", Some("text/javascript")),
            ("app.js.map", Some("application/json")),
            ("favicon.ico", Some("image/vnd.microsoft.icon")),
            ("logo.svg", Some("image/svg+xml")),
            ("logo.svgz", Some("image/svg+xml")),
            ("site.webmanifest", Some("application/manifest+json")),
            ("x.tar.gz", Some("application/x-tar")),
            ("x.tgz", Some("application/x-tar")),
            ("x.TGZ", Some("application/x-tar")),
            ("page.html.gz", Some("text/html")),
            ("page.html.br", Some("text/html")),
            ("dump.gz", Some("application/gzip")),
            ("a.wasm", Some("application/wasm")),
            ("a.webp", Some("image/webp")),
            ("a.avif", Some("image/avif")),
            ("a.woff", Some("font/woff")),
            ("a.woff2", Some("font/woff2")),
            ("a.ttf", Some("font/ttf")),
            ("a.otf", Some("font/otf")),
            ("README.md", Some("text/markdown")),
            ("a.yml", Some("application/yaml")),
            ("live.ts", Some("video/mp2t")),
            ("feed.rss", Some("application/rss+xml")),
            ("a.xml", Some("text/xml")),
            ("LICENSE", None),
            (".htaccess", None),
            ("..html", None),
            ("dir.html/file", None),
            ("a.", None),
            ("", None),
        ] {
            assert_eq!(guess(path), expected, "{path}");
        }
    }

    #[test]
    fn holds_the_whole_recorded_table() {
        let vectors: Table =
            serde_json::from_str(include_str!("../../../tests/vectors/mime-types.json")).expect("legal vectors");
        for (extension, expected) in &vectors.strict {
            if matches!(extension.as_str(), ".js" | ".mjs") {
                continue;
            }
            assert_eq!(
                guess(&format!("file{extension}")),
                Some(expected.as_str()),
                "{extension}"
            );
        }
    }

    #[test]
    fn a_charset_belongs_behind_text_without_one() {
        for (content_type, expected) in [
            ("text/html", true),
            ("TEXT/CSS", true),
            ("text/html; charset=euc-kr", false),
            ("text/html; Charset=UTF-8", false),
            ("application/javascript", false),
            ("application/json", false),
            ("image/svg+xml", false),
        ] {
            assert_eq!(needs_charset(content_type), expected, "{content_type}");
        }
    }

    #[test]
    fn text_is_never_a_video() {
        for (guess, bytes, expected) in [
            ("video/mp2t", TextEncoding::Utf8, "text/plain; charset=utf-8"),
            ("video/mp2t", TextEncoding::Other, "text/plain"),
            ("video/mp2t", TextEncoding::Binary, "video/mp2t"),
            ("text/html", TextEncoding::Other, "text/html"),
            ("text/html", TextEncoding::Ascii, "text/html"),
            ("text/css", TextEncoding::Ascii, "text/css; charset=utf-8"),
            ("image/png", TextEncoding::Utf8, "image/png"),
        ] {
            assert_eq!(judge(guess, bytes), expected, "{guess}, {bytes:?}");
        }
    }

    #[test]
    fn encodings_that_hide_in_ascii_are_told_by_nuls_and_escapes() {
        for (bytes, expected) in [
            (&b"plain"[..], TextEncoding::Utf8),
            // ISO-2022-JP, UTF-16 without a mark and with one, and no text.
            (b"\x1b$B$\"\x1b(B", TextEncoding::Other),
            (b"\x1b$)C\x0e0!", TextEncoding::Other),
            // What terminals show in color.
            ("\u{1b}[32mGr\u{fc}\u{df}e\u{1b}[0m".as_bytes(), TextEncoding::Utf8),
            ("\u{1b}$Bgr\u{fc}n".as_bytes(), TextEncoding::Utf8),
            (b"\x1b[31mred\x1b[0m\x1b(B", TextEncoding::Utf8),
            (b"a\0b\0", TextEncoding::Other),
            (b"\xff\xfea\0\n\0", TextEncoding::Other),
            (b"G\0\0\0", TextEncoding::Binary),
        ] {
            let mut check = TextCheck::default();
            check.feed(bytes);
            assert_eq!(check.finish(), expected, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_name_has_a_type_or_none(path in any::<String>()) {
            prop_assert!(guess(&path).is_none_or(|found| found.contains('/')));
        }

        #[test]
        fn pieces_are_judged_as_the_whole(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 0..4),
            text in "[a\u{e9}\u{20ac}\u{1f600}]{0,6}",
            cuts in prop::collection::vec(0_usize..24, 0..4),
        ) {
            let mut check = TextCheck::default();
            for piece in &pieces {
                check.feed(piece);
            }
            let whole = pieces.concat();
            let plain = std::str::from_utf8(&whole).is_ok();
            let expected = match (whole.contains(&0), plain) {
                (true, _) if is_utf16(&whole, false) => TextEncoding::Other,
                (true, _) => TextEncoding::Binary,
                (false, true) if whole.is_ascii() && is_han_in_ascii(&whole) => TextEncoding::Other,
                (false, true) => TextEncoding::Utf8,
                (false, false) => TextEncoding::Other,
            };
            prop_assert_eq!(check.finish(), expected);

            let mut check = TextCheck::default();
            let mut bytes = text.as_bytes();
            for cut in cuts {
                let (piece, rest) = bytes.split_at(cut.min(bytes.len()));
                check.feed(piece);
                bytes = rest;
            }
            check.feed(bytes);
            prop_assert_eq!(check.finish(), TextEncoding::Utf8);
        }
    }
}
