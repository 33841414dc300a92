//! Text drawn into pictures.

use font8x8::{BASIC_FONTS, LATIN_FONTS, UnicodeFonts as _};

/// Dots along a side of a letter.
const DOTS: usize = 8;

/// Part of a pixel's way to black or white.
const OPACITY: f32 = 0.45;

/// A line of text as dots.
pub(crate) struct Label {
    letters: Vec<[u8; DOTS]>,
}

impl Label {
    /// `None` if a character has no dots: only Latin letters, digits and signs have.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let letter = |one: char| {
            if one == ' ' {
                return Some([0; DOTS]);
            }
            let dots = BASIC_FONTS.get(one).or_else(|| LATIN_FONTS.get(one))?;
            // Some are there and empty.
            (dots != [0; DOTS]).then_some(dots)
        };
        Some(Self { letters: text.chars().map(letter).collect::<Option<_>>()? })
    }

    /// Returns true if a line of so many letters is in a picture of this size whole.
    pub(crate) fn fits(letters: usize, (width, height): (usize, usize)) -> bool {
        width >= letters.saturating_mul(DOTS) && height >= 3 * DOTS
    }

    /// How far each pixel of a picture goes to black or white, 0 to 1, with lines of the text all over it, so
    /// that no large piece is without it.
    pub(crate) fn over(&self, width: usize, height: usize) -> impl Fn(usize, usize) -> f32 {
        let columns = self.letters.len().saturating_mul(DOTS).max(1);
        // Twice across the picture, and not smaller than the dots.
        let dot = (width / columns.saturating_mul(2)).clamp(1, (height / 40).max(1));
        let (along, down) = ((columns + 3 * DOTS) * dot, 5 * DOTS * dot);
        move |x, y| {
            let line = y / down;
            // Every other line begins in the middle of the one above.
            let x = x + line % 2 * (along / 2);
            let (column, row) = (x % along / dot, y % down / dot);
            let row = row.wrapping_sub(2 * DOTS);
            let letter = self.letters.get(column / DOTS).and_then(|letter| letter.get(row));
            let is_set = letter.is_some_and(|bits| bits >> (column % DOTS) & 1 == 1);
            if is_set { OPACITY } else { 0.0 }
        }
    }
}
