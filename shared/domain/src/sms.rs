//! The size of text messages, as carriers count it: in segments of 140 octets (3GPP TS 23.038 and 23.040).
//!
//! A message is sent in the GSM 7-bit alphabet if that has all its characters, and otherwise, as a whole, in UCS-2, where characters
//! beyond the basic plane (emoji) take two units. A message of several segments loses six octets of each to the header that joins them.

use gsm7::Gsm7Writer;

/// Most segments of a message that staff write. Carriers bill each one; eight hold 536 units of UCS-2.
pub const MAX_SEGMENTS: usize = 8;

/// The alphabet in which a message is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alphabet {
    /// The GSM 7-bit default alphabet; the characters of its extension (`€`, brackets, braces) take two septets.
    Gsm7,
    /// UTF-16 units, whatever the name says: phones read surrogate pairs.
    Ucs2,
}

impl Alphabet {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gsm7 => "GSM-7",
            Self::Ucs2 => "UCS-2",
        }
    }

    /// Units of a message of one segment, and of each segment of a longer one.
    pub const fn units_per_segment(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }
}

/// The size of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub alphabet: Alphabet,
    /// Septets or UTF-16 units.
    pub units: usize,
    pub segments: usize,
}

pub fn size(text: &str) -> Size {
    match text.chars().map(septets).collect::<Option<Vec<_>>>() {
        Some(widths) => packed(Alphabet::Gsm7, &widths),
        None => packed(Alphabet::Ucs2, &text.chars().map(char::len_utf16).collect::<Vec<_>>()),
    }
}

/// The septets of a character; `None` if the GSM alphabet does not have it.
fn septets(c: char) -> Option<usize> {
    let mut writer = Gsm7Writer::new(Vec::with_capacity(2));
    writer.write_char(c).ok()?;
    // One septet fills one octet, two fill two.
    Some(writer.into_writer().ok()?.len())
}

/// Fills segment after segment; a character of two units is not divided.
fn packed(alphabet: Alphabet, widths: &[usize]) -> Size {
    let units = widths.iter().sum();
    let (single, part) = alphabet.units_per_segment();
    if units <= single {
        return Size { alphabet, units, segments: 1 };
    }
    let (mut segments, mut used) = (1, 0);
    for width in widths {
        if used + width > part {
            segments += 1;
            used = 0;
        }
        used += width;
    }
    Size { alphabet, units, segments }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(text: &str) -> (&'static str, usize, usize) {
        let size = size(text);
        (size.alphabet.name(), size.units, size.segments)
    }

    #[test]
    fn text_in_the_gsm_alphabet_is_counted_in_septets() {
        assert_eq!(measured("Hello, Größe!"), ("GSM-7", 13, 1));
        assert_eq!(measured(&"a".repeat(160)), ("GSM-7", 160, 1));
        assert_eq!(measured(&"a".repeat(161)), ("GSM-7", 161, 2));
        assert_eq!(measured(&"a".repeat(306)), ("GSM-7", 306, 2));
        assert_eq!(measured(&"a".repeat(307)), ("GSM-7", 307, 3));
        assert_eq!(measured("[€]"), ("GSM-7", 6, 1));
    }

    #[test]
    fn one_character_outside_of_it_makes_the_whole_message_ucs_2() {
        assert_eq!(measured(&"ж".repeat(70)), ("UCS-2", 70, 1));
        assert_eq!(measured(&"ж".repeat(71)), ("UCS-2", 71, 2));
        assert_eq!(measured(&format!("{}’", "a".repeat(134))), ("UCS-2", 135, 3));
    }

    #[test]
    fn emoji_take_two_units_and_are_not_divided_between_segments() {
        assert_eq!(measured(&"😀".repeat(35)), ("UCS-2", 70, 1));
        // 33 emoji and an odd unit fill a segment of 67.
        assert_eq!(measured(&"😀".repeat(479)), ("UCS-2", 958, 15));
        let escapes = "€".repeat(81);
        assert_eq!(
            measured(&escapes),
            ("GSM-7", 162, 2),
            "76 escape sequences and an odd septet fill a segment of 153"
        );
    }
}
