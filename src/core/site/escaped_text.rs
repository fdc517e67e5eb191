//! ISO-2022, which hides other characters in ASCII behind escapes; terminals have escapes, too, and their text is any.
//!
//! <https://www.rfc-editor.org/rfc/rfc1468>, <https://www.rfc-editor.org/rfc/rfc1554>,
//! <https://www.rfc-editor.org/rfc/rfc1557>, <https://www.rfc-editor.org/rfc/rfc1922>

const ESCAPE: u8 = 0x1b;

/// Looks for escapes of ISO-2022 in bytes that come in pieces.
#[derive(Debug, Clone, Default)]
pub(crate) struct EscapeCheck {
    state: EscapeState,
    found: bool,
}

#[derive(Debug, Clone, Copy, Default)]
enum EscapeState {
    #[default]
    Plain,
    /// Behind an escape.
    Escape,
    /// Behind an escape and this byte.
    Set(u8),
}

impl EscapeCheck {
    /// Takes the next piece.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !self.found {
            if matches!(self.state, EscapeState::Plain) {
                let Some(start) = rest.iter().position(|byte| *byte == ESCAPE) else {
                    return;
                };
                rest = &rest[start..];
            }
            let Some((&byte, after)) = rest.split_first() else {
                return;
            };
            rest = after;
            self.state = match (self.state, byte) {
                (_, ESCAPE) => EscapeState::Escape,
                (EscapeState::Escape, b'$' | b'(' | b'.') => EscapeState::Set(byte),
                (EscapeState::Set(set), byte) => {
                    self.found = chooses_characters(set, byte);
                    EscapeState::Plain
                }
                _ => EscapeState::Plain,
            };
        }
    }

    /// Whether the bytes so far have such an escape.
    #[must_use]
    pub(crate) const fn found(&self) -> bool {
        self.found
    }
}

/// Whether an escape with these two bytes chooses other characters than ASCII. `ESC ( B` chooses ASCII, and terminals have
/// it as well, as they have `ESC ( 0` for lines.
const fn chooses_characters(set: u8, byte: u8) -> bool {
    match set {
        b'$' => matches!(byte, b'@' | b'A' | b'B' | b'(' | b')' | b'*' | b'+'),
        b'(' => matches!(byte, b'J' | b'I'),
        _ => matches!(byte, b'A' | b'F'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_of_iso_2022_are_told_from_those_of_terminals() {
        for (text, expected) in [
            ("\x1b$B$\"\x1b(B", true),
            ("\x1b(JY\x1b(B", true),
            ("\x1b$)C\x0e", true),
            ("\x1b\x1b$@", true),
            ("\x1b.A\x1bNd", true),
            ("\x1b[31mred\x1b[0m $B (J", false),
            ("\x1b]0;title\x07\x1b(B\x1b[m\x1b(0lqk", false),
            ("$B (J \x1b", false),
            ("", false),
        ] {
            let mut whole = EscapeCheck::default();
            whole.feed(text.as_bytes());
            let mut pieces = EscapeCheck::default();
            text.as_bytes().chunks(1).for_each(|piece| pieces.feed(piece));
            assert_eq!((whole.found(), pieces.found()), (expected, expected), "{text:?}");
        }
    }
}
