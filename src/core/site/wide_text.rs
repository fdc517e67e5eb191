//! UTF-16, which has NULs as films have, and is text all the same.

/// Whether `head`, the first bytes of a file (`is_cut`: there are more), is text in UTF-16, with a byte order mark or without.
///
/// Without a mark most of its characters have to be those of Latin-1, as in any source: other bytes may be UTF-16 by chance.
#[must_use]
pub(crate) fn is_utf16(head: &[u8], is_cut: bool) -> bool {
    match head {
        [0xff, 0xfe, text @ ..] => is_text(text, u16::from_le_bytes, is_cut).is_some(),
        [0xfe, 0xff, text @ ..] => is_text(text, u16::from_be_bytes, is_cut).is_some(),
        text if text.len() % 2 != 0 => false,
        text => [u16::from_le_bytes as fn([u8; 2]) -> u16, u16::from_be_bytes]
            .into_iter()
            .filter_map(|order| is_text(text, order, is_cut))
            .any(|(latin, others)| latin > others),
    }
}

/// How many characters of Latin-1 and how many others the bytes are in this order; `None` where they are no text.
fn is_text(bytes: &[u8], order: fn([u8; 2]) -> u16, is_cut: bool) -> Option<(usize, usize)> {
    let (pairs, _) = bytes.as_chunks::<2>();
    let mut characters = char::decode_utf16(pairs.iter().copied().map(order)).peekable();
    let (mut latin, mut others) = (0, 0);
    while let Some(character) = characters.next() {
        match character {
            Ok('\t' | '\n' | '\r' | '\x0c') => latin += 1,
            Ok(character) if character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}') => return None,
            Ok(character) if u32::from(character) < 0x100 => latin += 1,
            Ok(_) => others += 1,
            // The second half of the last one may be cut off.
            Err(_) if is_cut && characters.peek().is_none() => {}
            Err(_) => return None,
        }
    }
    Some((latin, others))
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
            // Only a mark tells what has no letter of Latin-1.
            let korean = "\u{c548}\u{b155}";
            assert!(is_utf16(&bytes(korean, "\u{feff}", order), false));
            assert!(!is_utf16(&bytes(korean, "", order), false));
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
