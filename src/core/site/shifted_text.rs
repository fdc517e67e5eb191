//! Encodings that hide in ASCII: HZ (`~{…~}`) and UTF-7 (`+…-`), told by their shifts.
//!
//! The `-` of UTF-7 may be left out before what is no Base64, and any character may be shifted, ASCII too. Much that is
//! no UTF-7 looks like a shift now and then (`a+b-c`), so a text is UTF-7 only when each `+` in it makes sense, and one
//! of them more than what the sum of two names (`1+foo`) may be by chance. Where it is taken for UTF-7 by mistake, nothing
//! is lost: it is ASCII, which browsers read alike with a charset and without.
//!
//! <https://www.rfc-editor.org/rfc/rfc1843>, <https://www.rfc-editor.org/rfc/rfc2152>

/// How long a shifted piece may be until it counts as none: both are of a line.
const LONGEST: usize = 512;

/// Looks for shifts in bytes that come in pieces.
#[derive(Debug, Clone, Default)]
pub(crate) struct ShiftCheck {
    state: ShiftState,
    /// There was text in HZ.
    hz: bool,
    /// There was a shift of UTF-7 that nothing else is likely to be.
    utf7: bool,
    /// There was one that code may have as well.
    perhaps_utf7: bool,
    /// There was a `+` that UTF-7 does not have.
    not_utf7: bool,
}

#[derive(Debug, Clone, Default)]
enum ShiftState {
    #[default]
    Plain,
    /// Behind a `~`.
    Tilde,
    /// Behind a `~{`: how many bytes of text, and whether a `~` came last.
    Hz(usize, bool),
    /// Behind a `+`: the sextets.
    Utf7(Vec<u8>),
    /// In a shifted piece that is too long to be judged.
    Utf7Long,
}

impl ShiftCheck {
    /// Takes the next piece.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !self.hz {
            if matches!(self.state, ShiftState::Plain) {
                let Some(start) = rest.iter().position(|byte| matches!(byte, b'~' | b'+')) else {
                    return;
                };
                rest = &rest[start..];
            }
            let Some((&byte, after)) = rest.split_first() else {
                return;
            };
            rest = after;
            self.take(byte);
        }
    }

    /// Whether the bytes so far, if they are all, are of such an encoding.
    #[must_use]
    pub(crate) fn found(&self) -> bool {
        self.hz || self.finished().utf7_alone(|check| check.utf7)
    }

    /// The same, or at least seem so where they are no code.
    #[must_use]
    pub(crate) fn seems(&self) -> bool {
        self.found() || self.finished().utf7_alone(|check| check.perhaps_utf7)
    }

    fn utf7_alone(&self, has: impl FnOnce(&Self) -> bool) -> bool {
        has(self) && !self.not_utf7
    }

    /// With the piece that is not at its end yet.
    fn finished(&self) -> Self {
        let mut finished = self.clone();
        if let ShiftState::Utf7(sextets) = &self.state {
            finished.note(shifted(sextets, false));
        }
        finished
    }

    fn note(&mut self, shifted: Shifted) {
        match shifted {
            Shifted::Surely => self.utf7 = true,
            Shifted::Ended => self.perhaps_utf7 = true,
            Shifted::Perhaps => {}
            Shifted::Not => self.not_utf7 = true,
        }
    }

    fn take(&mut self, byte: u8) {
        self.state = match (std::mem::take(&mut self.state), byte) {
            (ShiftState::Tilde, b'{') => ShiftState::Hz(0, false),
            (ShiftState::Hz(length, true), b'}') => {
                self.hz |= length > 0 && length % 2 == 0;
                ShiftState::Plain
            }
            (ShiftState::Hz(length, false), b'~') => ShiftState::Hz(length, true),
            // The first byte of a pair is of a row of GB 2312, the second of a column.
            (ShiftState::Hz(length, false), 0x21..=0x7e)
                if length < LONGEST && (length % 2 == 1 || (0x21..=0x77).contains(&byte)) =>
            {
                ShiftState::Hz(length + 1, false)
            }
            (ShiftState::Utf7(mut sextets), byte) => match sextet(byte) {
                Some(_) if sextets.len() == LONGEST => ShiftState::Utf7Long,
                Some(sextet) => {
                    sextets.push(sextet);
                    ShiftState::Utf7(sextets)
                }
                // A plus sign itself.
                None if byte == b'-' && sextets.is_empty() => ShiftState::Plain,
                None => {
                    self.note(shifted(&sextets, byte == b'-'));
                    if byte == b'~' {
                        ShiftState::Tilde
                    } else {
                        ShiftState::Plain
                    }
                }
            },
            (ShiftState::Utf7Long, byte) if sextet(byte).is_some() => ShiftState::Utf7Long,
            (_, b'~') => ShiftState::Tilde,
            (_, b'+') => ShiftState::Utf7(Vec::new()),
            _ => ShiftState::Plain,
        };
    }
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

/// What sextets between shifts are.
enum Shifted {
    /// Characters of one script, more than one of East Asia.
    Surely,
    /// Any, with an end of their own: code has `a+foo-b`, too.
    Ended,
    /// One character without an end, which a name may be as well.
    Perhaps,
    /// No text in UTF-16.
    Not,
}

/// What the sextets are that end in a `-` of their own (`is_ended`) or before what is no Base64.
fn shifted(sextets: &[u8], is_ended: bool) -> Shifted {
    let (mut units, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for sextet in sextets {
        bits = (bits << 6) | u32::from(*sextet);
        count += 6;
        if count >= 16 {
            count -= 16;
            units.push(u16::try_from(bits >> count).unwrap_or_default());
            bits &= (1 << count) - 1;
        }
    }
    let is_text = |character: &char| {
        let is_sign =
            matches!(character, ' '..='~' | '\u{a0}'..='\u{bf}' | '\u{2000}'..='\u{303f}' | '\u{fe30}'..='\u{ffef}');
        character.is_alphanumeric() || is_sign || character.is_whitespace() || u32::from(*character) > 0xffff
    };
    let text: Result<Vec<char>, _> = char::decode_utf16(units).collect();
    let Some(text) = text.ok().filter(|text| !text.is_empty() && text.iter().all(is_text)) else {
        return Shifted::Not;
    };
    // Behind the last character there are zeros alone.
    if count >= 6 || bits != 0 {
        return Shifted::Not;
    }
    let has = |script: std::ops::RangeInclusive<char>| text.iter().any(|character| script.contains(character));
    let is_mixed = has('\u{3400}'..='\u{abff}') && has('\u{ac00}'..='\u{d7a3}');
    let is_near = |character: &char| u32::from(*character) < 0x2000;
    if !is_mixed && (text.len() > 1 || text.iter().all(is_near)) {
        Shifted::Surely
    } else if is_ended {
        Shifted::Ended
    } else {
        Shifted::Perhaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop, prop_assert_eq, proptest};

    fn found(bytes: &[u8]) -> bool {
        let mut check = ShiftCheck::default();
        check.feed(bytes);
        check.seems()
    }

    #[test]
    fn shifts_are_found_and_plain_text_has_none() {
        for (text, expected) in [
            // The examples of both documents.
            ("~{<:Ky2;S{#,NpJ)l6HK!#~}", true),
            ("The next sentence is in GB.~{<:Ky2;S{#,~}Bye.", true),
            ("Hi Mom +Jjo-!", true),
            ("+ZeVnLIqe-", true),
            ("A+ImIDkQ.", true),
            // As Python writes it, and what a filter for `<` does not see.
            ("<p>+ZeVnLIqe</p>", true),
            ("+ADw-script+AD4-1 +- 1", true),
            ("+ZeVnLIqe", true),
            ("+ZeVnLIqe- 1 + 1", false),
            ("call +41 44 668 18 00, +12345678", false),
            ("1 + 1 = 2, a+b-c, c++ - and ~ home ~/x", false),
            ("`${a}~{` ~{ } ~{}", false),
            ("x += y - z; +1-800-555", false),
            ("~{a~}", false),
            // In scripts and style sheets.
            ("a{content:'+ZeVnLA'}", true),
            ("h1+svg{color:red}", false),
            ("label+textarea{color:red}", false),
            ("x=a+foo;", false),
            ("document.title='Gr+APwA3w-e'", true),
            ("", false),
        ] {
            assert_eq!(found(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn code_needs_more_than_two_signs() {
        for (text, expected) in [
            ("x=a+foo-1;", false),
            ("x+ZeVnLIqe-y", true),
            ("title('Caf+AOk-')", true),
            ("Hi Mom +Jjo-!", false),
        ] {
            let mut check = ShiftCheck::default();
            check.feed(text.as_bytes());
            assert_eq!((check.found(), check.seems()), (expected, true), "{text}");
        }
    }

    proptest! {
        #[test]
        fn pieces_are_judged_as_the_whole(
            pieces in prop::collection::vec("[~{}+A-Ja -]{0,6}", 0..6),
            more in any::<Vec<u8>>(),
        ) {
            let mut check = ShiftCheck::default();
            pieces.iter().for_each(|piece| check.feed(piece.as_bytes()));
            check.feed(&more);
            prop_assert_eq!(check.seems(), found(&[pieces.concat().as_bytes(), &more].concat()));
        }
    }
}
