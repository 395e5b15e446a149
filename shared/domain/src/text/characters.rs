//! The characters that no text may contain, whatever its type.

use icu_properties::{
    CodePointMapData, CodePointSetData,
    props::{DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup},
};

/// Whether a text may have several lines.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LineBreaks {
    Allowed,
    Refused,
}

/// The control characters that a text of several lines may contain.
pub(super) const BREAKS: [char; 3] = ['\n', '\r', '\t'];

/// Refuses control characters, among them NUL, which PostgreSQL cannot store, and characters that change the direction of what follows
/// (UAX #9: embeddings, overrides, isolates), with which a text looks like another one. Right-to-left scripts do not need them, and the
/// marks that they do use (LRM, RLM, ALM) are accepted.
pub(super) fn check(text: &str, breaks: LineBreaks) -> Result<(), String> {
    let is_break = |c: char| breaks == LineBreaks::Allowed && BREAKS.contains(&c);
    if text.chars().any(|c| c.is_control() && !is_break(c)) {
        Err("must not contain control characters".to_owned())
    } else if text.contains(is_direction_change) {
        Err("must not contain characters that change the direction of the text".to_owned())
    } else {
        Ok(())
    }
}

fn is_direction_change(c: char) -> bool {
    matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Whether a reader sees the character by itself: a letter, digit, punctuation mark or symbol that fonts do not draw as nothing.
pub(super) fn is_visible(c: char) -> bool {
    /// The empty Braille cell, a symbol without ink.
    const BRAILLE_BLANK: char = '\u{2800}';
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let has_ink = [
        GeneralCategoryGroup::Letter,
        GeneralCategoryGroup::Number,
        GeneralCategoryGroup::Punctuation,
        GeneralCategoryGroup::Symbol,
    ];
    c != BRAILLE_BLANK && has_ink.iter().any(|group| group.contains(category)) && !is_ignorable(c)
}

/// Whether fonts draw nothing for the character by default, such as a zero-width space or a filler.
pub(super) fn is_ignorable(c: char) -> bool {
    CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}
