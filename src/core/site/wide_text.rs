//! UTF-16, which has NULs as films have, and is text all the same; and which has no NUL where it is Chinese alone.

/// The commonest characters of Chinese and Japanese whose UTF-16 is nothing but ASCII.
const COMMON: &str = "两个中为主么义之也书传位住体何作你做儿先光克入全公共其具利别到制前区十南即却听告员命在地场大天太头女好子字学就展山带帰常平年并张强当形彼总所手才打据放政教数映是昼時木本术权村条来東格楽次此死水求活海港漢火然物特用田由电男画界白眼着确社神空等类";

/// Whether `head`, the first bytes of a file (`is_cut`: there are more), is text in UTF-16, with a byte order mark or without.
///
/// Without a mark most of its characters have to be those of Latin-1, as in any source, or all but some of them, such as
/// ends of lines, those of East Asia: other bytes may be UTF-16 by chance.
#[must_use]
pub(crate) fn is_utf16(head: &[u8], is_cut: bool) -> bool {
    match head {
        [0xff, 0xfe, text @ ..] => Characters::of(text, u16::from_le_bytes, is_cut).is_some(),
        [0xfe, 0xff, text @ ..] => Characters::of(text, u16::from_be_bytes, is_cut).is_some(),
        text => in_both_orders(text, is_cut).any(|found| {
            let others = found.han + found.hangul;
            let is_east_asian = found.foreign == 0 && found.is_of_one_script() && found.blank > 0 && others > 1;
            found.latin > others + found.foreign || is_east_asian
        }),
    }
}

/// Whether `head`, bytes of ASCII without NULs, is rather Chinese or Japanese in UTF-16 without a mark.
///
/// Two letters of ASCII are nearly always some Chinese character, so its characters have to be common ones, or its
/// bytes such as no text has.
#[must_use]
pub(crate) fn is_han_in_ascii(head: &[u8]) -> bool {
    let (pairs, []) = head.as_chunks::<2>() else {
        return false;
    };
    let is_text = |byte: &u8| !byte.is_ascii_control() || matches!(byte, b'\t' | b'\n' | b'\r' | b'\x0c' | b'\x1b');
    [u16::from_le_bytes as fn([u8; 2]) -> u16, u16::from_be_bytes]
        .into_iter()
        .any(|order| {
            let mut units = pairs.iter().copied().map(order);
            // Nearly every text ends here after some bytes.
            if pairs.len() < 2 || !units.all(|unit| matches!(unit, 0x3000..=0x30ff | 0x3400..=0x9fff)) {
                return false;
            }
            let characters = char::decode_utf16(pairs.iter().copied().map(order));
            let is_common = |character: &char| COMMON.contains(*character);
            let common = characters.filter_map(Result::ok).filter(is_common).count();
            let enough = if pairs.len() < 4 {
                pairs.len()
            } else {
                pairs.len().div_ceil(2)
            };
            common >= enough || !head.iter().all(is_text)
        })
}

/// The characters of bytes that are UTF-16 without a mark, in each order in which they are text.
fn in_both_orders(bytes: &[u8], is_cut: bool) -> impl Iterator<Item = Characters> {
    let is_whole = bytes.len().is_multiple_of(2);
    let orders = [u16::from_le_bytes as fn([u8; 2]) -> u16, u16::from_be_bytes].into_iter();
    orders.filter_map(move |order| Characters::of(bytes, order, is_cut).filter(|_| is_whole))
}

/// How many characters of which kind a text has.
#[derive(Debug, Default)]
struct Characters {
    /// Of Latin-1.
    latin: usize,
    /// Those of them that are white space.
    blank: usize,
    /// Of Chinese and Japanese, with their signs.
    han: usize,
    /// Of Korean.
    hangul: usize,
    /// All others.
    foreign: usize,
}

impl Characters {
    /// Counts those of `bytes` in this order; `None` where they are no text.
    fn of(bytes: &[u8], order: fn([u8; 2]) -> u16, is_cut: bool) -> Option<Self> {
        let (pairs, _) = bytes.as_chunks::<2>();
        let mut characters = char::decode_utf16(pairs.iter().copied().map(order)).peekable();
        let mut found = Self::default();
        while let Some(character) = characters.next() {
            match character {
                Ok('\t' | '\n' | '\r' | '\x0c' | ' ') => {
                    found.latin += 1;
                    found.blank += 1;
                }
                Ok(character) if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => return None,
                Ok(character) if u32::from(character) < 0x100 => found.latin += 1,
                Ok('\u{3000}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}') => found.han += 1,
                Ok('\u{ac00}'..='\u{d7a3}') => found.hangul += 1,
                Ok(_) => found.foreign += 1,
                // The second half of the last one may be cut off.
                Err(_) if is_cut && characters.peek().is_none() => {}
                Err(_) => return None,
            }
        }
        Some(found)
    }

    /// Korean has hardly any Chinese characters, though its signs.
    const fn is_of_one_script(&self) -> bool {
        self.han == 0 || self.hangul == 0 || self.hangul > 4 * self.han
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `text` in UTF-16, `mark` before it.
    fn bytes(text: &str, mark: &str, order: fn(u16) -> [u8; 2]) -> Vec<u8> {
        let text = format!("{mark}{text}");
        text.encode_utf16().flat_map(order).collect()
    }

    #[test]
    fn text_in_utf_16_is_known_with_a_mark_and_without() {
        let source = "// gr\u{fc}\u{df}e \u{1f600}\r\nexport const answer: number = 42;\n";
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            for mark in ["\u{feff}", ""] {
                let whole = bytes(source, mark, order);
                assert!(is_utf16(&whole, false), "{mark:?}");
                // Cut behind the first half of a pair.
                let half = source
                    .encode_utf16()
                    .position(|unit| unit >= 0xd800)
                    .unwrap_or_default();
                let cut = whole.get(..(mark.chars().count() + half + 1) * 2).unwrap_or_default();
                assert!(is_utf16(cut, true) && !is_utf16(cut, false), "{mark:?}");
            }
            for (text, expected) in [
                ("\u{c548}\u{b155}", false),
                ("\u{c548}\u{b155}\n\u{c138}\u{acc4}, 1 + 1\n", true),
                ("\u{65e5}\u{672c}\n", true),
                // Without a NUL nobody asks, one character is too little, and other scripts may be anything.
                ("\u{65e5}\n", false),
                ("\u{65e5}\u{c548}\u{65e5}\n", false),
                ("\u{a100}\u{1200}\n", false),
            ] {
                assert!(is_utf16(&bytes(text, "\u{feff}", order), false));
                assert_eq!(is_utf16(&bytes(text, "", order), false), expected, "{text:?}");
            }
        }
    }

    #[test]
    fn chinese_without_any_nul_is_told_from_ascii() {
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            for (text, expected) in [
                ("\u{6f22}\u{5b57}", true),
                ("\u{4f60}\u{597d}", true),
                ("\u{4f60}\u{597d}\u{4e16}\u{754c}", true),
                ("\u{4f60}", false),
            ] {
                let bytes = bytes(text, "", order);
                assert!(bytes.is_ascii());
                assert_eq!(is_han_in_ascii(&bytes), expected, "{text:?} {order:?}");
            }
        }
        for text in [
            "",
            "ab",
            "abcd",
            "a{}b",
            "{}",
            "b{c:d}",
            "0123456789",
            "a=1;b=2;",
            "<br>",
            "<p>x</p>",
            "console.log(1+1);",
            "let x=1,y=2;",
            "# Title\n\nText, and more.\n",
            "User-agent:*\nDisallow:\n",
            "\u{1b}[31mred\u{1b}[0m",
        ] {
            assert!(!is_han_in_ascii(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn films_and_other_bytes_are_no_text() {
        let mut packet = vec![0x47, 0x40, 0x00, 0x10, 0x00, 0x00, 0xb0, 0x0d];
        packet.resize(188, 0xff);
        for bytes in [
            packet.as_slice(),
            b"\0\0\0\x18ftypmp42",
            b"\0\0\x01\xba",
            b"G\0\0\0",
            b"hello\0",
            b"abc\0\0",
            b"\xff\xfea\0\0\0",
        ] {
            assert!(!is_utf16(bytes, false), "{bytes:?}");
        }
    }
}
