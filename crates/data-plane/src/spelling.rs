//! How numbers and booleans are spelled in a CSV file, so that they leave as they came.
//!
//! A column becomes numeric only if every cell is what one of these spellings makes of its value.
//! So two cells that differ never become one value (but for the two zeros, `0.0` and `-0.0`, which
//! are equal as numbers), and what is written is what was read.

use std::fmt::{Debug, LowerExp, Write as _};

use arrow_schema::Field;

/// Which program's way of writing floats. All write the fewest digits that tell the value apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Floats {
    /// `1.0`, `1e-7`, `1e16`: Rust.
    #[default]
    Pointed,
    /// `1.0`, `1e-07`, `1e+16`: Python.
    Python,
    /// `1`, `1e-7`, `1e+21`: JavaScript.
    Bare,
    /// `1`, `1e-07`, `1e+15`: PostgreSQL.
    Padded,
}

/// A float of 32 or 64 bits.
pub(crate) trait Float: zmij::Float + Debug + LowerExp + Into<f64> {
    /// So many digits always come back as they were given.
    const DIGITS: usize;
}

impl Float for f32 {
    const DIGITS: usize = 6;
}

impl Float for f64 {
    const DIGITS: usize = 15;
}

/// The two words for booleans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Booleans {
    #[default]
    Lower,
    Title,
    Upper,
}

/// Where a field's spelling is kept: the one metadata that a column of this crate may have.
const KEY: &str = "dataspace:spelling";

impl Floats {
    pub(crate) const ALL: [Self; 4] = [Self::Pointed, Self::Python, Self::Bare, Self::Padded];

    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::Pointed => None,
            Self::Python => Some("python"),
            Self::Bare => Some("bare"),
            Self::Padded => Some("padded"),
        }
    }

    /// What follows a whole number.
    fn whole(self) -> &'static str {
        match self {
            Self::Pointed | Self::Python => ".0",
            Self::Bare | Self::Padded => "",
        }
    }

    /// The decimal exponents that are written without one: from, to and not including.
    fn plain(self) -> std::ops::Range<i32> {
        match self {
            Self::Pointed | Self::Python => -4..16,
            Self::Bare => -6..21,
            Self::Padded => -4..15,
        }
    }

    fn exponent(self, exponent: i32) -> String {
        match self {
            Self::Pointed => exponent.to_string(),
            Self::Bare => format!("{exponent:+}"),
            Self::Python | Self::Padded => format!("{exponent:+03}"),
        }
    }

    /// Puts the text of a value behind what a string has.
    pub(crate) fn push<F: Float>(self, value: F, to: &mut String) {
        let size = value.into().abs();
        // WHY: so most values are written, in a fraction of the time. So few digits tell one value from all
        // others, so there is no choice between two texts of one length, where the writers differ.
        if size == 0.0 || (1e-3..1e14).contains(&size) {
            let mut buffer = zmij::Buffer::new();
            let text = buffer.format_finite(value);
            let digits = text.bytes().filter(u8::is_ascii_digit).count();
            if digits <= F::DIGITS && !text.contains('e') {
                let whole = text.strip_suffix(".0");
                to.push_str(whole.unwrap_or(text));
                to.push_str(if whole.is_some() { self.whole() } else { "" });
                return;
            }
        }
        match self {
            // Writing to a string does not fail.
            Self::Pointed => drop(write!(to, "{value:?}")),
            _ => to.push_str(&self.write(value)),
        }
    }

    /// The text of a value, slowly.
    fn write<F: LowerExp>(self, value: F) -> String {
        let shortest = format!("{value:e}");
        let split = shortest.split_once('e').and_then(|(m, e)| Some((m, e.parse::<i32>().ok()?)));
        let Some((mantissa, exponent)) = split else {
            // `NaN`, `inf`, `-inf`.
            return shortest;
        };
        let (sign, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", mantissa),
        };
        if !self.plain().contains(&exponent) {
            return format!("{sign}{mantissa}e{}", self.exponent(exponent));
        }
        let digits = mantissa.replace('.', "");
        let Ok(before) = usize::try_from(exponent).map(|exponent| exponent + 1) else {
            let zeros = usize::try_from(-1 - exponent).unwrap_or(0);
            return format!("{sign}0.{}{digits}", "0".repeat(zeros));
        };
        match digits.split_at_checked(before) {
            Some((whole, fraction)) if !fraction.is_empty() => format!("{sign}{whole}.{fraction}"),
            _ => format!("{sign}{digits:0<before$}{}", self.whole()),
        }
    }

    /// Returns true if this is how the cell's value is spelled.
    pub(crate) fn spells(self, cell: &str, value: f64) -> bool {
        match look(cell) {
            Look::Whole(suffix) => suffix == self.whole(),
            Look::Decimal => true,
            // `-0` would become one value with `0`.
            Look::Unclear => {
                let mut text = String::new();
                self.push(value, &mut text);
                cell != "-0" && text == cell
            }
        }
    }
}

/// What a short look at a cell tells.
enum Look {
    /// A whole number with what follows it.
    Whole(&'static str),
    /// A decimal that is its own spelling for everybody.
    Decimal,
    Unclear,
}

// WHY: writing a float costs several times as much as reading it, and most cells are short
// decimals. Fifteen digits always come back as they were given.
fn look(cell: &str) -> Look {
    let unsigned = cell.strip_prefix('-').unwrap_or(cell);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let point = unsigned.len() > whole.len();
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let code = whole.starts_with('0') && whole != "0";
    if whole.is_empty() || code || !digits(whole) || !digits(fraction) || unsigned.len() > 15 {
        return Look::Unclear;
    }
    match (point, fraction) {
        // Zero has a sign of its own.
        (false, _) if whole != "0" || unsigned.len() == cell.len() => Look::Whole(""),
        (true, "0") => Look::Whole(".0"),
        // Small numbers are written with an exponent.
        (true, _) if !(fraction.is_empty() || fraction.ends_with('0')) => {
            let small = whole == "0" && fraction.starts_with("000");
            if small { Look::Unclear } else { Look::Decimal }
        }
        _ => Look::Unclear,
    }
}

impl Booleans {
    pub(crate) const ALL: [Self; 3] = [Self::Lower, Self::Title, Self::Upper];

    pub(crate) fn word(self) -> Option<&'static str> {
        match self {
            Self::Lower => None,
            Self::Title => Some("title"),
            Self::Upper => Some("upper"),
        }
    }

    pub(crate) fn write(self, value: bool) -> &'static str {
        match (self, value) {
            (Self::Lower, true) => "true",
            (Self::Lower, false) => "false",
            (Self::Title, true) => "True",
            (Self::Title, false) => "False",
            (Self::Upper, true) => "TRUE",
            (Self::Upper, false) => "FALSE",
        }
    }
}

/// The spelling that a field tells of; the default for all others.
pub(crate) fn floats(field: &Field) -> Floats {
    let word = field.metadata().get(KEY).map(String::as_str);
    Floats::ALL.into_iter().find(|one| one.word() == word).unwrap_or_default()
}

/// As [`floats`].
pub(crate) fn booleans(field: &Field) -> Booleans {
    let word = field.metadata().get(KEY).map(String::as_str);
    Booleans::ALL.into_iter().find(|one| one.word() == word).unwrap_or_default()
}

/// Marks a column with the word for its spelling; the default has none.
pub(crate) fn mark(field: Field, word: Option<&'static str>) -> Field {
    match word {
        Some(word) => field.with_metadata([(KEY.to_owned(), word.to_owned())]),
        None => field,
    }
}

/// A field with the spelling of `source`, and nothing else that its metadata may hold.
pub(crate) fn carried(field: Field, source: &Field) -> Field {
    let word = floats(source).word().or_else(|| booleans(source).word());
    mark(field, word)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_spelling_is_the_one_of_its_program() {
        for (value, python, bare, padded) in [
            (1.0, "1.0", "1", "1"),
            (-0.5, "-0.5", "-0.5", "-0.5"),
            (1e-5, "1e-05", "0.00001", "1e-05"),
            (1.5e-7, "1.5e-07", "1.5e-7", "1.5e-07"),
            (0.0001, "0.0001", "0.0001", "0.0001"),
            (1e15, "1000000000000000.0", "1000000000000000", "1e+15"),
            (1e16, "1e+16", "10000000000000000", "1e+16"),
            (1e21, "1e+21", "1e+21", "1e+21"),
            (1.25e300, "1.25e+300", "1.25e+300", "1.25e+300"),
            (12345.678, "12345.678", "12345.678", "12345.678"),
        ] {
            assert_eq!(Floats::Python.write(value), python);
            assert_eq!(Floats::Bare.write(value), bare);
            assert_eq!(Floats::Padded.write(value), padded);
        }
        assert_eq!(Floats::Bare.write(-0.0), "-0");
    }

    #[test]
    fn the_two_ways_of_writing_agree_at_every_power_of_ten() {
        for exponent in -40..40_i32 {
            for text in
                [format!("1e{exponent}"), format!("-9.5e{exponent}"), format!("7.25e{exponent}")]
            {
                let (wide, narrow) = (text.parse::<f64>().unwrap(), text.parse::<f32>().unwrap());
                for floats in Floats::ALL {
                    let (mut of_wide, mut of_narrow) = (String::new(), String::new());
                    floats.push(wide, &mut of_wide);
                    floats.push(narrow, &mut of_narrow);
                    assert_eq!((of_wide, of_narrow), (floats.write(wide), floats.write(narrow)));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_default_spelling_is_rusts(bits in any::<u64>(), short in -1e6..1e6_f64) {
            for value in [f64::from_bits(bits), short, short.trunc(), short / 1e9, short * 1e9, 0.0, -0.0] {
                prop_assert_eq!(Floats::Pointed.write(value), format!("{value:?}"));
                for floats in Floats::ALL {
                    let mut pushed = "x".to_owned();
                    floats.push(value, &mut pushed);
                    prop_assert_eq!(pushed, format!("x{}", floats.write(value)));
                }
            }
            #[expect(clippy::cast_possible_truncation, reason = "as good as any other float")]
            for narrow in [f32::from_bits(u32::try_from(bits >> 32).unwrap()), short as f32] {
                prop_assert_eq!(Floats::Pointed.write(narrow), format!("{narrow:?}"));
                for floats in Floats::ALL {
                    let mut pushed = "x".to_owned();
                    floats.push(narrow, &mut pushed);
                    prop_assert_eq!(pushed, format!("x{}", floats.write(narrow)), "{:?}", narrow);
                }
            }
        }

        #[test]
        fn the_short_look_at_a_cell_agrees_with_the_long_one(cell in "-?[0-9]{1,4}(\\.[0-9]{0,7})?") {
            let value: f64 = cell.parse().unwrap();
            for floats in Floats::ALL {
                let spells = cell != "-0" && floats.write(value) == cell;
                prop_assert_eq!(floats.spells(&cell, value), spells, "{:?}", floats);
            }
        }
    }
}
