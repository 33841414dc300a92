//! Columns whose values are hidden or coarsened.

use std::fmt;

use dataspace_primitives::Name;
use serde::{Deserialize, Serialize};

use super::broader::{BROADER_MAX, Broader};
use super::calendar::CalendarPart;
use super::filter::{Operator, may_hold};
use super::invalid::InvalidDuty;
use super::kind::{Kind, is_part_of};
use super::pseudonym::{self, PseudonymScope};
use super::scalar::Scalar;
use crate::clause::Assurance;
use crate::phrase::quoted;

/// One column and what is done to it. The rows of a release with a mask come in an order of the
/// contract's own, because the table's order could tell what the mask hides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ColumnMask {
    /// The column's name, exactly as in the table; of a document, the JSON pointer (RFC 6901) of a part, in
    /// which `*` stands for every item of an array.
    pub column: Name,
    /// What is done to its values.
    pub method: MaskMethod,
}

/// How the values of a column are hidden or coarsened. A missing value stays missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MaskMethod {
    /// The column is not delivered at all.
    Drop,
    /// Every value is replaced by a missing one.
    Null,
    /// Every value is replaced by a pseudonym: HMAC-SHA-256 under a key of this contract alone, so
    /// that equal values stay equal within a contract and cannot be joined across contracts.
    Hash,
    /// As [`Hash`](Self::Hash), with pseudonyms that can be joined further. Whole numbers below 2^53
    /// that are equal have one pseudonym, as integers, decimals or floats.
    Pseudonym {
        /// In which contracts equal values have one pseudonym.
        scope: PseudonymScope,
        /// Equal values of all columns of the domain have one pseudonym, in every table and document of
        /// the scope; without one, those of columns of the same name. Needed in the scope of a contract,
        /// where [`Hash`](Self::Hash) says the same without one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        domain: Option<Name>,
    },
    /// Every value is replaced by this one, which must be one of the column's type.
    Constant(Scalar),
    /// Texts and whole numbers are replaced by broader values, as texts.
    Generalise(Broader),
    /// Numbers are rounded, half away from zero.
    Round {
        /// Digits after the decimal point; negative to the left of it. −[`DECIMALS_MAX`] to
        /// [`DECIMALS_MAX`].
        decimals: i8,
    },
    /// Texts are cut.
    Truncate {
        /// Characters (Unicode scalar values) that stay.
        chars: u32,
    },
    /// Numbers become the lower end of the interval that they lie in: 47 by tens is 40.
    Bin {
        /// The length of each interval; one begins at 0. At least 1.
        width: u32,
    },
    /// Dates and instants become the beginning of their year, month, day, hour or minute, in UTC.
    Calendar {
        /// The part.
        part: CalendarPart,
    },
    /// Degrees of latitude or longitude become the middle of the cell of a grid that they lie in; what
    /// is no such number, a missing value.
    Grid {
        /// Cells in one degree: 10 are about eleven kilometres each from north to south. 1 to
        /// [`GRID_CELLS_MAX`].
        cells: u32,
    },
    /// Characters of texts are replaced; their number and the others stay.
    Redact {
        /// Which.
        characters: Characters,
    },
}

/// Characters that [`MaskMethod::Redact`] replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Characters {
    /// Every digit and other number (Unicode: N) becomes `#`.
    Digits,
    /// Every letter (Unicode: Alphabetic) becomes `x`.
    Letters,
}

impl Characters {
    /// What stands for such a character in the end; `None` if it is no such character.
    #[must_use]
    pub fn redacted(self, character: char) -> Option<char> {
        match self {
            Self::Digits => character.is_numeric().then_some('#'),
            Self::Letters => character.is_alphabetic().then_some('x'),
        }
    }
}

/// Hexadecimal digits, lower case, of a pseudonym.
pub const PSEUDONYM_DIGITS: usize = 32;

/// Bound of [`MaskMethod::Round`].
pub const DECIMALS_MAX: i8 = 18;

/// Bound of [`MaskMethod::Grid`]: cells of an arc second.
pub const GRID_CELLS_MAX: u32 = 3600;

impl MaskMethod {
    /// Those that a name says, or a name and a number: one of each, with the number 0.
    pub const ALL: [Self; 14] = [
        Self::Drop,
        Self::Null,
        Self::Hash,
        Self::Round { decimals: 0 },
        Self::Truncate { chars: 0 },
        Self::Bin { width: 0 },
        Self::Calendar { part: CalendarPart::Minute },
        Self::Calendar { part: CalendarPart::Hour },
        Self::Calendar { part: CalendarPart::Day },
        Self::Calendar { part: CalendarPart::Month },
        Self::Calendar { part: CalendarPart::Year },
        Self::Grid { cells: 0 },
        Self::Redact { characters: Characters::Digits },
        Self::Redact { characters: Characters::Letters },
    ];

    /// Its name in ODRL, and the number that goes with it: the operand, and the number.
    #[must_use]
    pub fn in_odrl(&self) -> (&'static str, Option<(&'static str, i64)>) {
        match *self {
            Self::Drop => ("dataspace:drop", None),
            Self::Null => ("dataspace:null", None),
            Self::Hash | Self::Pseudonym { .. } => ("dataspace:hash", None),
            Self::Constant(_) => ("dataspace:constant", None),
            Self::Generalise(_) => ("dataspace:generalise", None),
            Self::Round { decimals } => {
                ("dataspace:round", Some(("dataspace:decimals", decimals.into())))
            }
            Self::Truncate { chars } => {
                ("dataspace:truncate", Some(("dataspace:characters", chars.into())))
            }
            Self::Bin { width } => ("dataspace:bin", Some(("dataspace:width", width.into()))),
            Self::Calendar { part } => match part {
                CalendarPart::Minute => ("dataspace:toMinute", None),
                CalendarPart::Hour => ("dataspace:toHour", None),
                CalendarPart::Day => ("dataspace:toDay", None),
                CalendarPart::Month => ("dataspace:toMonth", None),
                CalendarPart::Year => ("dataspace:toYear", None),
            },
            Self::Grid { cells } => {
                ("dataspace:grid", Some(("dataspace:cellsPerDegree", cells.into())))
            }
            Self::Redact { characters: Characters::Digits } => ("dataspace:redactDigits", None),
            Self::Redact { characters: Characters::Letters } => ("dataspace:redactLetters", None),
        }
    }

    /// The same with another number; `None` if none goes with it, or if that one is out of range.
    #[must_use]
    pub fn with_number(&self, number: i64) -> Option<Self> {
        match self {
            Self::Drop
            | Self::Null
            | Self::Hash
            | Self::Pseudonym { .. }
            | Self::Constant(_)
            | Self::Generalise(_)
            | Self::Calendar { .. }
            | Self::Redact { .. } => None,
            Self::Round { .. } => Some(Self::Round { decimals: number.try_into().ok()? }),
            Self::Truncate { .. } => Some(Self::Truncate { chars: number.try_into().ok()? }),
            Self::Bin { .. } => Some(Self::Bin { width: number.try_into().ok()? }),
            Self::Grid { .. } => Some(Self::Grid { cells: number.try_into().ok()? }),
        }
    }
}

impl Kind for ColumnMask {
    fn column(&self) -> Option<&Name> {
        Some(&self.column)
    }

    fn leaves_out(&self, column: &str) -> bool {
        let name = self.column.as_str();
        self.method == MaskMethod::Drop && (name == column || is_part_of(column, name))
    }

    fn assurance(&self) -> Assurance {
        Assurance::Enforced
    }

    fn check(&self) -> Result<(), InvalidDuty> {
        match &self.method {
            MaskMethod::Pseudonym { scope: PseudonymScope::Contract, domain: None } => {
                Err(InvalidDuty::Domain { column: self.column.clone() })
            }
            MaskMethod::Generalise(broader) => match broader.values.len() {
                1..=BROADER_MAX => Ok(()),
                found => Err(InvalidDuty::Broader { column: self.column.clone(), found }),
            },
            MaskMethod::Round { decimals }
                if decimals.unsigned_abs() > DECIMALS_MAX.unsigned_abs() =>
            {
                Err(InvalidDuty::Decimals { column: self.column.clone(), decimals: *decimals })
            }
            MaskMethod::Bin { width: 0 } => Err(InvalidDuty::Width { column: self.column.clone() }),
            MaskMethod::Grid { cells } if *cells == 0 || *cells > GRID_CELLS_MAX => {
                Err(InvalidDuty::Cells { column: self.column.clone(), cells: *cells })
            }
            _ => Ok(()),
        }
    }

    fn allows(&self, cell: &str) -> bool {
        match self.method {
            MaskMethod::Constant(ref value) => {
                cell.is_empty() || may_hold(Operator::Eq, value, cell)
            }
            MaskMethod::Generalise(ref broader) => cell.is_empty() || broader.may_leave(cell),
            MaskMethod::Drop => false,
            _ if cell.is_empty() => true,
            MaskMethod::Null => false,
            MaskMethod::Hash | MaskMethod::Pseudonym { .. } => {
                let is_digit = |c| matches!(c, b'0'..=b'9' | b'a'..=b'f');
                cell.len() == PSEUDONYM_DIGITS && cell.bytes().all(is_digit)
            }
            MaskMethod::Round { decimals } => is_rounded(cell, decimals),
            MaskMethod::Truncate { chars } => {
                u32::try_from(cell.chars().count()).is_ok_and(|count| count <= chars)
            }
            MaskMethod::Bin { width } => is_whole(cell, 1.0 / f64::from(width), 0.0, NARROW),
            MaskMethod::Calendar { part } => part.allows(cell),
            MaskMethod::Grid { cells } => is_whole(cell, f64::from(cells), 0.5, NARROW),
            MaskMethod::Redact { characters } => cell
                .chars()
                .all(|one| characters.redacted(one).is_none_or(|redacted| redacted == one)),
        }
    }
}

/// Returns false if the text is a number that is not rounded. Beyond the digits that a float has, it
/// cannot be seen.
fn is_rounded(cell: &str, decimals: i8) -> bool {
    is_whole(cell, 10_f64.powi(decimals.into()), 0.0, 0.0)
}

/// How far a number of 32 bits can be from the one that was meant, in parts of it.
const NARROW: f64 = 1.2e-7;

/// Returns false if the text is a number that is not whole, once it was multiplied by the factor and
/// lessened by the shift, or no number. One of few digits may be off by the `narrow` part of itself.
fn is_whole(cell: &str, factor: f64, shift: f64, narrow: f64) -> bool {
    let Ok(value) = cell.parse::<f64>() else { return false };
    let scaled = value * factor - shift;
    let digits = cell.split(['e', 'E']).next().unwrap_or(cell).replace(['-', '.'], "");
    let is_short = digits.trim_matches('0').len() <= 9;
    let slack = if is_short { (value * factor).abs() * narrow } else { 0.0 };
    let (error, is_seen) = ((scaled - scaled.round()).abs(), scaled.abs() < 9e15);
    !is_seen || error <= 1e-9_f64.max(scaled.abs() * 1e-14).max(slack)
}

/// In plain words: `column id is left out, rows reordered`.
impl fmt::Display for ColumnMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let column = quoted(&self.column);
        match self.method {
            MaskMethod::Drop => write!(f, "column {column} is left out"),
            MaskMethod::Null => write!(f, "column {column} is emptied"),
            MaskMethod::Hash => {
                write!(f, "column {column} is replaced by pseudonyms of this contract")
            }
            MaskMethod::Pseudonym { scope, ref domain } => {
                write!(f, "column {column} is replaced ")?;
                pseudonym::words(f, &self.column, scope, domain.as_ref())
            }
            MaskMethod::Constant(ref value) => {
                write!(
                    f,
                    "every value of column {column} is replaced by {value}, missing ones stay missing"
                )
            }
            MaskMethod::Generalise(ref broader) => {
                write!(f, "values of column {column} are replaced by broader ones: ")?;
                broader.words(f)
            }
            MaskMethod::Round { decimals: decimals @ 0.. } => {
                write!(f, "column {column} is rounded to {decimals} decimals")
            }
            MaskMethod::Round { decimals } => {
                let exponent = decimals.unsigned_abs();
                write!(f, "column {column} is rounded to multiples of 10^{exponent}")
            }
            MaskMethod::Truncate { chars } => {
                write!(f, "column {column} is cut to {chars} characters")
            }
            MaskMethod::Bin { width } => {
                write!(f, "column {column} is replaced by the lower end of its interval of {width}")
            }
            MaskMethod::Calendar { part } => {
                write!(f, "column {column} is cut to the {part} (UTC)")
            }
            MaskMethod::Grid { cells } => {
                write!(
                    f,
                    "column {column} is replaced by the middle of its cell, {cells} to a degree"
                )
            }
            MaskMethod::Redact { characters: Characters::Digits } => {
                write!(f, "digits of column {column} are replaced by #")
            }
            MaskMethod::Redact { characters: Characters::Letters } => {
                write!(f, "letters of column {column} are replaced by x")
            }
        }?;
        f.write_str(", rows reordered")
    }
}
