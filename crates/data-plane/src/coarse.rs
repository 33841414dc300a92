//! Masks that make values coarser: intervals, parts of the calendar, cells of a grid.

use arrow_array::types::{
    Date32Type, Date64Type, Decimal128Type, Float32Type, Float64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{Array, ArrayRef, downcast_integer};
use arrow_schema::{DataType, TimeUnit};
use dataspace_policy::duty::CalendarPart;
use dataspace_primitives::time::{civil_from_days, days_from_civil};

use crate::calendar::DAY_SECONDS;
use crate::column::mapped;

/// The lower end of the interval of the width that each value lies in; the next one towards zero where
/// the type cannot hold that.
pub(crate) fn bin(array: &dyn Array, rows: &[usize], width: u32) -> Option<ArrayRef> {
    let data_type = array.data_type();
    macro_rules! integers {
        ($t:ty) => {
            mapped::<$t>(array, rows, |v| lower_end(i128::from(v), i128::from(width)))
        };
    }
    downcast_integer! {
        data_type => (integers),
        // A number of 32 bits has a lower end that it can come near to.
        DataType::Float32 => mapped::<Float32Type>(array, rows, |v| {
            Some(narrow(lower_end_of_float(f64::from(v), f64::from(width))))
        }),
        DataType::Float64 => {
            mapped::<Float64Type>(array, rows, |v| Some(lower_end_of_float(v, f64::from(width))))
        }
        DataType::Decimal128(precision, scale) => {
            let most = 10_u128.checked_pow(u32::from(*precision)).unwrap_or(u128::MAX);
            // One in such a column.
            let one = u32::try_from(*scale).ok().and_then(|scale| 10_i128.checked_pow(scale))?;
            let width = one.checked_mul(i128::from(width));
            mapped::<Decimal128Type>(array, rows, move |v| {
                // Of an interval longer than all values, zero is the end that comes near.
                let Some(width) = width else { return Some(0) };
                let end = lower_end::<i128>(v, width)?;
                if end.unsigned_abs() < most { Some(end) } else { Some(v / width * width) }
            })
        }
        _ => None,
    }
}

pub(crate) fn lower_end<T: TryFrom<i128>>(value: i128, width: i128) -> Option<T> {
    let end = value.checked_sub(value.checked_rem_euclid(width)?);
    end.and_then(|end| T::try_from(end).ok()).or_else(|| T::try_from(value / width * width).ok())
}

/// Infinities stay; every NaN becomes the one NaN; zero has no sign.
pub(crate) fn lower_end_of_float(value: f64, width: f64) -> f64 {
    if value.is_nan() {
        return f64::NAN;
    }
    if value.is_infinite() {
        return value;
    }
    let mut end = (value / width).floor() * width;
    // The quotient was rounded up to a whole number.
    if end > value {
        end -= width;
    }
    // Below the least float there is no multiple.
    if end.is_finite() { end + 0.0 } else { f64::MIN }
}

/// The middle of the cell of a grid with `cells` in a degree that each value lies in. What is no
/// latitude or longitude is missing.
pub(crate) fn grid(array: &dyn Array, rows: &[usize], cells: u32) -> Option<ArrayRef> {
    let cells = f64::from(cells);
    match array.data_type() {
        DataType::Float32 => {
            mapped::<Float32Type>(array, rows, |v| middle(f64::from(v), cells).map(narrow))
        }
        DataType::Float64 => mapped::<Float64Type>(array, rows, |v| middle(v, cells)),
        _ => None,
    }
}

pub(crate) fn middle(degrees: f64, cells: f64) -> Option<f64> {
    // NaN is in no range.
    (-360.0..=360.0).contains(&degrees).then(|| ((degrees * cells).floor() + 0.5) / cells)
}

#[expect(clippy::cast_possible_truncation, reason = "the nearest number of 32 bits is meant")]
pub(crate) fn narrow(value: f64) -> f32 {
    value as f32
}

/// Dates and instants at the beginning of the part that they lie in, in UTC. What lies further off than
/// a million years, or begins before the type does, is missing.
pub(crate) fn calendar(array: &dyn Array, rows: &[usize], part: CalendarPart) -> Option<ArrayRef> {
    macro_rules! instants {
        ($t:ty, $digits:expr) => {{
            let per_day = DAY_SECONDS * 10_i64.pow($digits);
            mapped::<$t>(array, rows, move |v| beginning(v, per_day, part))
        }};
    }
    match array.data_type() {
        DataType::Date32 => mapped::<Date32Type>(array, rows, move |v| {
            beginning(i64::from(v), 1, part).and_then(|v| i32::try_from(v).ok())
        }),
        DataType::Date64 => instants!(Date64Type, 3),
        DataType::Timestamp(TimeUnit::Second, _) => instants!(TimestampSecondType, 0),
        DataType::Timestamp(TimeUnit::Millisecond, _) => instants!(TimestampMillisecondType, 3),
        DataType::Timestamp(TimeUnit::Microsecond, _) => instants!(TimestampMicrosecondType, 6),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => instants!(TimestampNanosecondType, 9),
        _ => None,
    }
}

fn beginning(value: i64, per_day: i64, part: CalendarPart) -> Option<i64> {
    let multiple_of = |unit: i64| value.checked_sub(value.rem_euclid(unit.max(1)));
    match part {
        CalendarPart::Minute => multiple_of(per_day / (24 * 60)),
        CalendarPart::Hour => multiple_of(per_day / 24),
        CalendarPart::Day => multiple_of(per_day),
        CalendarPart::Month | CalendarPart::Year => {
            let (year, month, _) = civil_from_days(value.div_euclid(per_day));
            let month = if part == CalendarPart::Year { 1 } else { month };
            days_from_civil(year, month, 1)?.checked_mul(per_day)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_end_is_never_above_the_value() {
        for value in [2.999_999_999_999_999_6, -1e-300, 0.3, 1e22, -7.0, 89.999_999_999_999_99] {
            for width in [1.0, 3.0, 7.0, 10.0, 4_294_967_295.0] {
                let end = lower_end_of_float(value, width);
                assert!(end <= value, "{value} by {width}: {end}");
                assert!(value - end <= width, "{value} by {width}: {end}");
            }
        }
        assert_eq!(lower_end::<i8>(-128, 100), Some(-100));
        assert_eq!(lower_end::<i64>(-1, 10), Some(-10));
        assert_eq!(lower_end::<u8>(255, 100), Some(200));
        assert_eq!(lower_end::<i128>(i128::MIN, 3), Some(i128::MIN / 3 * 3));
    }

    #[test]
    fn instants_before_1970_and_at_the_ends_are_cut_or_missing() {
        let day = DAY_SECONDS;
        assert_eq!(beginning(-1, day, CalendarPart::Month), Some(-31 * day));
        assert_eq!(beginning(-1, day, CalendarPart::Year), Some(-365 * day));
        assert_eq!(beginning(i64::MIN, day, CalendarPart::Minute), None);
        assert_eq!(beginning(i64::MAX, day, CalendarPart::Year), None);
        assert_eq!(beginning(59, 1, CalendarPart::Hour), Some(59));
    }
}
