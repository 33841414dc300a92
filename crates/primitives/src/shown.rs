//! Texts of others, shown so that they cannot act on a terminal.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use crate::character::{Character, MARKS_MAX};

/// First strong isolate, and its end (UAX #9): what stands between does not move what is around.
const ISOLATE: char = '\u{2068}';
const END: char = '\u{2069}';

/// The text in a form that is safe to show, no matter who wrote it: on one line, with nothing that steers
/// a terminal, moves what stands around it, or cannot be seen.
///
/// Names, reasons, answers of servers, names of files and columns: text from others goes
/// through this function before it enters a message.
///
/// ```
/// use dataspace_primitives::shown;
///
/// let reason = "fees\u{1b}[2K\rpermitted";
/// assert_eq!(shown(reason).to_string(), "fees\\u{1b}[2K\\rpermitted");
/// assert_eq!(shown("Härterei Müller").to_string(), "Härterei Müller");
/// assert_eq!(format!("{} 5", shown("שלום")), "\u{2068}שלום\u{2069} 5");
/// ```
#[must_use]
pub fn shown<T: AsRef<str> + ?Sized>(text: &T) -> Shown<'_> {
    Shown { text: text.as_ref(), chars_max: usize::MAX }
}

/// A number of things: `1 row`, `55 rows`. The noun is one whose plural ends with an `s`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// A text that is cleaned where it is displayed; see [`shown`].
///
/// A character that is not seen as itself stands there as `\n` or `\u{1b}`, and so do combining
/// marks after the sixth in a row and those with nothing to combine with. A text with letters that
/// are written from right to left stands between U+2068 and U+2069, which isolate it and are not
/// seen themselves. A text that was cleaned before stays as it is.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    text: &'a str,
    chars_max: usize,
}

impl Shown<'_> {
    /// Cuts the text after so many characters, and says so with `…`.
    #[must_use]
    pub fn at_most(self, chars: usize) -> Self {
        Self { chars_max: chars, ..self }
    }

    fn is_plain(&self) -> bool {
        self.text.len() <= self.chars_max
            && self.text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    }

    fn clean(&self) -> String {
        let kept = isolates(self.text);
        let mut out = String::with_capacity(self.text.len());
        // Marks on the last character; `None` if it bears none.
        let mut marks = None;
        let (mut depth, mut is_moving) = (0_usize, false);
        for (count, (at, c)) in self.text.char_indices().enumerate() {
            if count == self.chars_max {
                out.push('…');
                break;
            }
            match (Character::of(c), marks) {
                (Character::Unsafe, _) if kept.contains(&at) => {
                    depth = if c == ISOLATE { depth + 1 } else { depth.saturating_sub(1) };
                    marks = None;
                }
                (Character::Mark, Some(some)) if some < MARKS_MAX => marks = Some(some + 1),
                (Character::Unsafe | Character::Mark, _) => {
                    marks = None;
                    out.extend(c.escape_default());
                    continue;
                }
                (Character::Visible, _) => marks = Some(0),
                (Character::RightToLeft, _) => {
                    is_moving |= depth == 0;
                    marks = Some(0);
                }
            }
            out.push(c);
        }
        out.extend(std::iter::repeat_n(END, depth));
        if is_moving { format!("{ISOLATE}{out}{END}") } else { out }
    }
}

/// Where isolates begin and end that this module made: those that hold what moves its neighbours.
/// All others are somebody else's.
fn isolates(text: &str) -> BTreeSet<usize> {
    let (mut kept, mut open) = (BTreeSet::new(), Vec::new());
    if !text.contains(ISOLATE) {
        return kept;
    }
    for (at, c) in text.char_indices() {
        match c {
            ISOLATE => open.push((at, false)),
            END => {
                if let Some((start, true)) = open.pop() {
                    kept.extend([start, at]);
                }
            }
            c if Character::of(c) == Character::RightToLeft => {
                if let Some((_, is_moving)) = open.last_mut() {
                    *is_moving = true;
                }
            }
            _ => {}
        }
    }
    kept
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain() {
            return f.pad(self.text);
        }
        let clean = self.clean();
        f.write_str(&clean)?;
        let width = clean.chars().filter(|c| !matches!(*c, ISOLATE | END)).count();
        (width..f.width().unwrap_or_default()).try_for_each(|_| f.write_char(' '))
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}
