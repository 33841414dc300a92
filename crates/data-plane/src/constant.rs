//! One value in place of all, and broader values in place of values.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::builder::BooleanBuilder;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal128Type, Float32Type, Float64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, downcast_integer};
use arrow_schema::{DataType, TimeUnit};
use dataspace_policy::Scalar;
use dataspace_policy::duty::{Broader, instant_nanos};

use crate::column::{Cells, Kind, Text, TextTooLong, boolean, mapped, texts};
use crate::filter::exactly;
use crate::json::Json;

/// A constant, as one of the column's type.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Constant {
    Boolean(bool),
    Integer(i128),
    Float32(f32),
    Float64(f64),
    /// Times ten to the power of the column's scale.
    Decimal(i128),
    /// In the unit of the column, since 1970.
    Instant(i64),
    Text(String),
}

impl Constant {
    /// `None` if it is no value of such a column.
    pub(crate) fn of(scalar: &Scalar, data_type: &DataType) -> Option<Self> {
        match (scalar, Kind::of(data_type)?) {
            (Scalar::Boolean(value), Kind::Boolean) => Some(Self::Boolean(*value)),
            (Scalar::Text(text), Kind::Text) => Some(Self::Text(text.as_str().to_owned())),
            (Scalar::Text(text), Kind::Instant) => {
                let (nanos, unit) = (instant_nanos(text.as_str())?, unit_nanos(data_type)?);
                let value = i64::try_from(nanos.checked_div(unit)?).ok()?;
                let fits = *data_type != DataType::Date32 || i32::try_from(value).is_ok();
                (nanos.checked_rem(unit)? == 0 && fits).then_some(Self::Instant(value))
            }
            (Scalar::Number(number), Kind::Integer) => {
                let value: i128 = number.as_str().parse().ok()?;
                macro_rules! fits {
                    ($t:ty) => {
                        <$t as ArrowPrimitiveType>::Native::try_from(value).is_ok()
                    };
                }
                let fits = downcast_integer! { data_type => (fits), _ => false };
                fits.then_some(Self::Integer(value))
            }
            (Scalar::Number(number), Kind::Float64) => Some(Self::Float64(number.as_f64())),
            (Scalar::Number(number), Kind::Float32) => {
                let value: f32 = number.as_str().parse().ok()?;
                value.is_finite().then_some(Self::Float32(value))
            }
            (Scalar::Number(number), Kind::Decimal { precision, scale }) => {
                let value = exactly(number, scale)?;
                let most = 10_u128.checked_pow(u32::from(precision)).unwrap_or(u128::MAX);
                (value.unsigned_abs() < most).then_some(Self::Decimal(value))
            }
            _ => None,
        }
    }

    /// Bytes that each value takes besides what all of its type take.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            _ => 0,
        }
    }

    /// In place of each value of `rows`; `None` if the array is not of the column's type.
    pub(crate) fn column(
        &self,
        array: &dyn Array,
        rows: &[usize],
    ) -> Option<Result<ArrayRef, TextTooLong>> {
        let data_type = array.data_type();
        match *self {
            Self::Boolean(value) => {
                let Cells::Boolean(source) = Cells::of(array)? else { return None };
                let mut builder = BooleanBuilder::with_capacity(rows.len());
                for row in rows {
                    builder.append_option(boolean(source, *row).map(|_| value));
                }
                Some(Ok(Arc::new(builder.finish())))
            }
            Self::Integer(value) => {
                macro_rules! integers {
                    ($t:ty) => {
                        mapped::<$t>(array, rows, |_| {
                            <$t as ArrowPrimitiveType>::Native::try_from(value).ok()
                        })
                    };
                }
                downcast_integer! { data_type => (integers), _ => None }.map(Ok)
            }
            Self::Float32(value) => mapped::<Float32Type>(array, rows, |_| Some(value)).map(Ok),
            Self::Float64(value) => mapped::<Float64Type>(array, rows, |_| Some(value)).map(Ok),
            Self::Decimal(value) => mapped::<Decimal128Type>(array, rows, |_| Some(value)).map(Ok),
            Self::Instant(value) => instants(array, rows, value).map(Ok),
            Self::Text(ref value) => {
                let text = Text::of(array)?;
                Some(texts(rows.iter().map(|row| text.get(*row).map(|_| value.as_str()))))
            }
        }
    }
}

fn instants(array: &dyn Array, rows: &[usize], value: i64) -> Option<ArrayRef> {
    macro_rules! all {
        ($t:ty) => {
            mapped::<$t>(array, rows, |_| Some(value))
        };
    }
    match array.data_type() {
        DataType::Date32 => mapped::<Date32Type>(array, rows, |_| i32::try_from(value).ok()),
        DataType::Date64 => all!(Date64Type),
        DataType::Timestamp(TimeUnit::Second, _) => all!(TimestampSecondType),
        DataType::Timestamp(TimeUnit::Millisecond, _) => all!(TimestampMillisecondType),
        DataType::Timestamp(TimeUnit::Microsecond, _) => all!(TimestampMicrosecondType),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => all!(TimestampNanosecondType),
        _ => None,
    }
}

/// Nanoseconds of the least step of a column of dates or instants.
fn unit_nanos(data_type: &DataType) -> Option<i128> {
    Some(match data_type {
        DataType::Date32 => 86_400_000_000_000,
        DataType::Date64 | DataType::Timestamp(TimeUnit::Millisecond, _) => 1_000_000,
        DataType::Timestamp(TimeUnit::Second, _) => 1_000_000_000,
        DataType::Timestamp(TimeUnit::Microsecond, _) => 1_000,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => 1,
        _ => return None,
    })
}

/// The constant in place of a single value of a document; `None` if that is of another kind.
pub(crate) fn in_json(scalar: &Scalar, value: &Json) -> Option<Json> {
    Some(match (scalar, value) {
        (Scalar::Boolean(constant), Json::Bool(_)) => Json::Bool(*constant),
        (Scalar::Text(constant), Json::Text(_)) => Json::Text(constant.as_str().to_owned()),
        // WHY of one form: how the hidden number is written must not show.
        (Scalar::Number(constant), Json::Float(_) | Json::Integer(_)) => match constant.as_i64() {
            Some(whole) => Json::Integer(whole.into()),
            None => Json::Float(constant.as_f64()),
        },
        _ => return None,
    })
}

/// Broader values, to look up for each row.
#[derive(Clone, Debug)]
pub(crate) struct Broadened {
    values: BTreeMap<String, String>,
    others: String,
}

impl Broadened {
    pub(crate) fn new(broader: &Broader) -> Self {
        let text = |name: &dataspace_primitives::Name| name.as_str().to_owned();
        Self {
            values: broader.values.iter().map(|(value, one)| (text(value), text(one))).collect(),
            others: text(&broader.others),
        }
    }

    fn of(&self, value: &str) -> &str {
        self.values.get(value).unwrap_or(&self.others)
    }

    /// The longest text that leaves, in bytes.
    pub(crate) fn len(&self) -> usize {
        let all = self.values.values().chain([&self.others]);
        all.map(String::len).max().unwrap_or_default()
    }

    /// In place of the values of `rows`; `None` if there are no texts or whole numbers.
    pub(crate) fn column(
        &self,
        array: &dyn Array,
        rows: &[usize],
    ) -> Option<Result<ArrayRef, TextTooLong>> {
        match Cells::of(array)? {
            Cells::Text(text) => {
                Some(texts(rows.iter().map(|row| text.get(*row).map(|value| self.of(value)))))
            }
            Cells::Integer(get) => {
                let broader = |row: &usize| get(*row).map(|value| self.of(&value.to_string()));
                Some(texts(rows.iter().map(broader)))
            }
            _ => None,
        }
    }
}
