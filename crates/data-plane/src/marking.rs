//! Where numbers lie that bear a mark, and how they are moved there.
//!
//! The line of numbers is cut into cells. Of each cell, the key chooses one half, and every number of the
//! cell is moved into it, all in the same proportion: so they keep their order. In a copy, numbers lie in the
//! chosen halves; without the key, they lie there by chance.

use dataspace_policy::Number;
use dataspace_policy::duty::{MILLION, Tolerance, Watermark};

use crate::column::Kind;
use crate::filter::at_most;
use crate::round::round_float;

/// How the numbers of a column are marked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Scheme {
    /// Floats, by at most this much.
    Absolute { most: f64, width: f64, decimals: Option<i8> },
    /// Floats, by at most this part of their amount; so many cells from one power of two to the next.
    Relative { most: f64, cells: u32 },
    /// Whole numbers, and decimals of this scale, by at most so many of the last digit.
    Units { most: i128, scale: i8 },
    /// The same, by at most so many millionths of their amount.
    RelativeUnits { per_million: u32, scale: i8 },
}

/// A stretch of numbers that one bit of the key decides on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Cell {
    /// Of relative schemes: the sign, and the power of two.
    octave: Option<(bool, i32)>,
    number: i128,
}

impl Cell {
    /// What the key is asked about.
    pub(crate) fn message(&self) -> [u8; 22] {
        let mut message = [0; 22];
        let (kind, octave) = match self.octave {
            None => (0, 0),
            Some((is_negative, octave)) => (1 + u8::from(is_negative), octave),
        };
        let parts = [kind].into_iter().chain(octave.to_be_bytes()).chain(self.number.to_be_bytes());
        for (byte, part) in message.iter_mut().zip(parts) {
            *byte = part;
        }
        message
    }
}

/// Part of a cell that numbers are moved into: so far from its ends, and so long.
const MARGIN: f64 = 0.05;
const SPAN: f64 = 0.4;

/// Greatest number of a cell that is counted from zero: beyond, a float does not tell halves apart.
const CELLS_FAR: f64 = 1_099_511_627_776.0;

impl Scheme {
    /// `None` if the column is not one of numbers, or if its last digit is too coarse.
    pub(crate) fn of(mark: &Watermark, kind: Kind) -> Option<Self> {
        let units = |scale| match &mark.tolerance {
            Tolerance::Absolute(most) => {
                let most = at_most(most, scale)?;
                (width_of(most)? >= 2).then_some(Self::Units { most, scale })
            }
            Tolerance::Relative(per_million) => {
                Some(Self::RelativeUnits { per_million: *per_million, scale })
            }
        };
        match (kind, &mark.tolerance) {
            (Kind::Integer, _) => units(0),
            (Kind::Decimal { scale, .. }, _) => units(scale),
            (Kind::Float32 | Kind::Float64, Tolerance::Absolute(most)) => Self::absolute(most),
            (Kind::Float32 | Kind::Float64, Tolerance::Relative(per_million)) => {
                // One more, so that rounding does not exceed the tolerance.
                let cells = MILLION.checked_mul(4)?.checked_div(per_million.checked_mul(7)?)? + 1;
                let most = f64::from(*per_million) / f64::from(MILLION);
                Some(Self::Relative { most, cells })
            }
            _ => None,
        }
    }

    fn absolute(most: &Number) -> Option<Self> {
        let most = most.as_f64();
        let width = most * 1.75;
        (most.is_normal() && width.is_finite()).then(|| Self::Absolute {
            most,
            width,
            decimals: decimals_of(width),
        })
    }

    /// The cell of a float, and how far along it is there, from 0 to 1.
    fn locate(&self, value: f64) -> Option<(Cell, f64)> {
        match *self {
            Self::Absolute { width, .. } => {
                let place = value / width;
                let number = whole(place)?;
                Some((Cell { octave: None, number }, place - place.floor()))
            }
            Self::Relative { cells, .. } => {
                let (octave, base) = octave(value)?;
                let place = (value.abs() / base - 1.0) * f64::from(cells);
                let number = whole(place)?;
                let octave = Some((value < 0.0, octave));
                Some((Cell { octave, number }, place - place.floor()))
            }
            Self::Units { .. } | Self::RelativeUnits { .. } => None,
        }
    }

    /// The same of whole numbers: the cell, how far along, and how long it is.
    fn locate_units(&self, value: i128) -> Option<(Cell, i128, i128)> {
        match *self {
            Self::Units { most, .. } => {
                let width = width_of(most)?;
                let (number, place) =
                    (value.checked_div_euclid(width)?, value.checked_rem_euclid(width)?);
                Some((Cell { octave: None, number }, place, width))
            }
            Self::RelativeUnits { .. } => {
                let amount = i128::try_from(value.unsigned_abs()).ok()?;
                let octave = amount.checked_ilog2()?;
                let base = 1_i128.checked_shl(octave)?;
                let width = width_of(self.most_units(value)?)?;
                let (number, place) =
                    ((amount - base).checked_div(width)?, (amount - base).checked_rem(width)?);
                // The last cell may be cut short by the next power of two.
                let end = number.checked_add(1)?.checked_mul(width)?;
                let octave = Some((value < 0, i32::try_from(octave).ok()?));
                (end <= base).then_some((Cell { octave, number }, place, width))
            }
            Self::Absolute { .. } | Self::Relative { .. } => None,
        }
    }

    /// How far whole numbers of this size are moved at most.
    fn most_units(&self, value: i128) -> Option<i128> {
        match *self {
            Self::Units { most, .. } => Some(most),
            Self::RelativeUnits { per_million, .. } => {
                let base = 1_i128.checked_shl(value.unsigned_abs().checked_ilog2()?)?;
                let (million, part) = (i128::from(MILLION), i128::from(per_million));
                Some(base / million * part + base % million * part / million)
            }
            Self::Absolute { .. } | Self::Relative { .. } => None,
        }
    }

    /// The cell of a float, and true if it lies in the upper half.
    pub(crate) fn side(&self, value: f64) -> Option<(Cell, bool)> {
        if !value.is_finite() {
            return None;
        }
        match *self {
            Self::Absolute { .. } | Self::Relative { .. } => {
                self.locate(value).map(|(cell, place)| (cell, place >= 0.5))
            }
            Self::Units { scale, .. } | Self::RelativeUnits { scale, .. } => {
                self.side_of_units(whole_nearest(value * 10_f64.powi(scale.into()))?)
            }
        }
    }

    /// The same of a whole number of last digits of the column.
    pub(crate) fn side_of_units(&self, value: i128) -> Option<(Cell, bool)> {
        let (cell, place, width) = self.locate_units(value)?;
        Some((cell, place >= width / 2))
    }

    /// A float where its mark is; where there is no room for one, as it was. `narrow` gives it the form in
    /// which it leaves.
    pub(crate) fn moved(
        &self,
        value: f64,
        upper: impl Fn(&Cell) -> bool,
        narrow: impl Fn(f64) -> f64,
    ) -> f64 {
        let marked = || {
            let (cell, place) = self.locate(value).filter(|_| value.is_finite())?;
            let upper = upper(&cell);
            let place = if upper { 0.5 } else { 0.0 } + MARGIN + place * SPAN;
            #[expect(clippy::cast_precision_loss, reason = "cells are fewer than 2^40")]
            let place = cell.number as f64 + place;
            let (moved, decimals, most) = match *self {
                Self::Absolute { width, decimals, most } => (place * width, decimals, most),
                Self::Relative { cells, most } => {
                    let (_, base) = octave(value)?;
                    let cells = f64::from(cells);
                    let amount = (1.0 + place / cells) * base;
                    (amount.copysign(value), decimals_of(base / cells), most * value.abs())
                }
                Self::Units { .. } | Self::RelativeUnits { .. } => return None,
            };
            let moved = decimals.map_or(moved, |decimals| round_float(decimals)(moved));
            let moved = narrow(moved);
            // Rounding could have taken it too far.
            let is_good = (moved - value).abs() <= most && self.side(moved) == Some((cell, upper));
            is_good.then_some(moved)
        };
        marked().unwrap_or(value)
    }

    /// The same of a whole number of last digits.
    pub(crate) fn moved_units(&self, value: i128, upper: impl Fn(&Cell) -> bool) -> i128 {
        let marked = || {
            let (cell, place, width) = self.locate_units(value)?;
            let (half, most, upper) = (width / 2, self.most_units(value)?, upper(&cell));
            let margin = half / 10;
            let from = if upper { half } else { 0 };
            let along = place.checked_mul(half - 2 * margin)? / width;
            let step = from + margin + along - place;
            // Of short cells, the ends may be too far.
            let step = step.clamp(-most, most);
            let step = if value < 0 && cell.octave.is_some() { -step } else { step };
            let moved = value.checked_add(step)?;
            (self.side_of_units(moved) == Some((cell, upper))).then_some(moved)
        };
        marked().unwrap_or(value)
    }
}

/// The length of cells in which numbers are moved by at most `most`: even.
fn width_of(most: i128) -> Option<i128> {
    let width = most.checked_mul(7)? / 4;
    Some(width - width % 2).filter(|width| *width >= 2)
}

/// The power of two at or below an amount, and its exponent; `None` of zero and of what is next to it.
fn octave(value: f64) -> Option<(i32, f64)> {
    const DIGITS: u32 = 52;
    if !value.is_normal() {
        return None;
    }
    let bits = value.abs().to_bits() >> DIGITS;
    Some((i32::try_from(bits).ok()?, f64::from_bits(bits << DIGITS)))
}

#[expect(clippy::cast_possible_truncation, reason = "it is small enough")]
fn whole(place: f64) -> Option<i128> {
    let number = place.floor();
    (number.abs() < CELLS_FAR).then_some(number as i128)
}

#[expect(clippy::cast_possible_truncation, reason = "it is small enough")]
fn whole_nearest(value: f64) -> Option<i128> {
    let number = value.round();
    (number.abs() < 1e37).then_some(number as i128)
}

/// Decimals that move a number by no more than a few thousandths of a cell; `None` for all that it has.
// WHY: every number has as many digits as its neighbours, and none tells that it was moved.
#[expect(clippy::cast_possible_truncation, reason = "a power of ten of a float is small")]
fn decimals_of(width: f64) -> Option<i8> {
    let power = (width / 400.0).log10().floor();
    let decimals = if power.is_finite() { -power as i32 } else { i32::MAX };
    i8::try_from(decimals).ok().filter(|decimals| (-18..=18).contains(decimals))
}
