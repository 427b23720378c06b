//! Text of a person, a file or another process, as it may be printed: on one line, without control
//! of a terminal, and no longer than a reader wants.

use core::fmt::{self, Display, Write};

/// Most characters of a text that are shown; the rest is counted.
pub const SHOWN_MAX: usize = 1_000;

/// A text made harmless: it has no line break and nothing that moves, hides or turns what stands
/// around it. A backslash is doubled, so that two texts never look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Printable<'a> {
    text: &'a str,
    most: usize,
    is_again: bool,
}

/// A text to be printed, of at most [`SHOWN_MAX`] characters.
#[must_use]
pub const fn printable(text: &str) -> Printable<'_> {
    Printable { text, most: SHOWN_MAX, is_again: false }
}

/// A sentence whose own texts were made [`printable`] where it was written, once more, whole: a
/// backslash in it stays single.
#[must_use]
pub const fn printable_again(text: &str) -> Printable<'_> {
    Printable { text, most: usize::MAX, is_again: true }
}

impl Display for Printable<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.text.chars();
        for _ in 0..self.most {
            let Some(char) = rest.next() else { return Ok(()) };
            if matches!(char, '\'' | '"') || self.is_again && char == '\\' {
                out.write_char(char)?;
            } else {
                write!(out, "{}", char.escape_debug())?;
            }
        }
        let more = rest.as_str().len();
        if more > 0 { write!(out, "... ({more} bytes more)") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What an escaped text was.
    fn read(shown: &str) -> String {
        let mut text = String::new();
        let mut rest = shown.chars();
        while let Some(char) = rest.next() {
            if char != '\\' {
                text.push(char);
                continue;
            }
            text.push(match rest.next().unwrap() {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                '\\' => '\\',
                'u' => {
                    let digits: String = rest.by_ref().skip(1).take_while(|c| *c != '}').collect();
                    char::from_u32(u32::from_str_radix(&digits, 16).unwrap()).unwrap()
                }
                other => panic!("{other:?} in {shown:?}"),
            });
        }
        text
    }

    /// Goal: whatever a text holds, what is shown is one line of characters that are seen, bounded,
    /// and tells the text. Method: every character alone, then a million in random texts around
    /// the bound; what is shown is read back.
    #[test]
    fn what_is_shown_is_one_bounded_line_and_tells_the_text() {
        let hides = |c: char| {
            c.is_control()
                || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
                || matches!(c, '\u{200b}'..='\u{200f}' | '\u{ad}' | '\u{61c}' | '\u{e0001}'..='\u{e007f}')
        };
        for char in '\0'..=char::MAX {
            let shown = printable(char.encode_utf8(&mut [0; 4])).to_string();
            assert!(!shown.contains(hides), "{char:?} is shown as {shown:?}");
            assert_eq!(read(&shown), char.to_string());
        }
        let seed = 0x5EED_u64;
        let mut state = seed;
        for round in 0..1_000 {
            let mut next = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                state >> 33
            };
            let length = usize::try_from(next()).unwrap() % (2 * SHOWN_MAX);
            let from = |number: u64| match number % 3 {
                0 => char::from(number as u8 & 0x7F),
                1 => char::from_u32(0x2000 + number as u32 % 0x70).unwrap_or('\n'),
                _ => char::from_u32(number as u32 % 0x11_0000).unwrap_or('\\'),
            };
            let text: String = (0..length).map(|_| from(next())).collect();
            let shown = printable(&text).to_string();
            assert!(!shown.contains(hides), "seed {seed:#x}, round {round}: {shown:?}");
            assert!(shown.chars().count() <= 10 * SHOWN_MAX + 40, "seed {seed:#x}, {round}");
            if length <= SHOWN_MAX {
                assert_eq!(read(&shown), text, "seed {seed:#x}, round {round}");
            } else {
                assert!(shown.ends_with(" bytes more)"), "seed {seed:#x}, round {round}");
            }
            assert_eq!(printable_again(&shown).to_string(), shown, "{seed:#x}, {round}");
            assert!(!printable_again(&text).to_string().contains(hides), "{seed:#x}, {round}");
        }
    }
}
