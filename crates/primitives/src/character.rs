//! What a character does on a screen, by Unicode's own tables.

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// Most marks that may follow one character. No language needs more, and longer piles of them
/// cover the lines above and below.
pub(crate) const MARKS_MAX: usize = 6;

/// What a character does on a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Character {
    /// Seen, in its own place.
    Visible,
    /// Seen, and moves its neighbours: letters and digits written from right to left.
    RightToLeft,
    /// Joins the character before it, and may pile up.
    Mark,
    /// Not seen, not seen as itself, or steers what is around it.
    Unsafe,
}

impl Character {
    pub(crate) fn of(c: char) -> Self {
        if (' '..='~').contains(&c) {
            return Self::Visible;
        }
        if is_default_ignorable(c) || is_blank(c) {
            return Self::Unsafe;
        }
        match c.general_category() {
            GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
            | GeneralCategory::SpaceSeparator
            | GeneralCategory::PrivateUse
            | GeneralCategory::Surrogate
            | GeneralCategory::Unassigned => Self::Unsafe,
            GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark => Self::Mark,
            // Marks of these scripts, too, take the direction of the character before them.
            _ if is_right_to_left(c) => Self::RightToLeft,
            _ => Self::Visible,
        }
    }
}

/// `Default_Ignorable_Code_Point` (UAX #44), assigned or reserved: nothing is drawn for it.
fn is_default_ignorable(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}')
        || matches!(c, '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}')
        || matches!(c, '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
        || matches!(c, '\u{e0000}'..='\u{e0fff}')
}

/// Symbols, letters and marks that are drawn as nothing, or stand for what is not there.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{2800}' // braille pattern blank
        | '\u{303f}' // ideographic half fill space
        | '\u{fffc}'..='\u{fffd}' // object replacement, replacement character
        | '\u{13441}'..='\u{13442}' // Egyptian hieroglyph full and half blank
        | '\u{16fe4}' // Khitan small script filler
        | '\u{1d159}' // musical symbol null notehead
        | '\u{2d7f}' // Tifinagh consonant joiner
        | '\u{1107f}' // Brahmi number joiner
    )
}

/// The blocks that Unicode keeps for scripts written from right to left (UAX #9, defaults of
/// `Bidi_Class`), so that letters of later versions are among them.
fn is_right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}')
        || matches!(c, '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}
