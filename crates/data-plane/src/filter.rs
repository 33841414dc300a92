//! Row filters, compiled for the type of their column.

use std::cmp::Ordering;

use arrow_array::{Array as _, Float64Array};
use arrow_schema::Schema;
use dataspace_policy::duty::instant_nanos;
use dataspace_policy::{Number, Operator, RowFilter, Scalar};

use crate::chunk::Chunk;
use crate::column::{Cells, Kind, boolean, find, type_name, value};
use crate::plan_error::PlanError;
use crate::rows::RowDuty;

/// A decimal constant times ten to the power of a column's scale, as a whole number and whether
/// something follows it: all that a comparison with integers and decimals needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bound {
    /// The greatest whole number that is not greater.
    floor: i128,
    exact: bool,
}

impl Bound {
    /// `None` never happens: a [`Number`] is digits, with a sign and a point.
    fn of(number: &Number, scale: i8) -> Option<Self> {
        let unsigned = number.as_str().strip_prefix('-').unwrap_or(number.as_str());
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        // Enough zeros on both sides to move the point.
        let zeros = "0".repeat(usize::from(scale.unsigned_abs()));
        let digits = format!("{zeros}{whole}{fraction}{zeros}");
        let point = i64::try_from(zeros.len() + whole.len()).ok()? + i64::from(scale);
        let (whole, fraction) = digits.split_at_checked(usize::try_from(point).ok()?)?;
        let exact = fraction.bytes().all(|digit| digit == b'0');
        let negative = unsigned.len() < number.as_str().len();
        // Past all that a column can hold.
        let beyond = Self { floor: if negative { i128::MIN } else { i128::MAX }, exact: negative };
        let whole = match whole.trim_start_matches('0') {
            "" => Some(0),
            whole => whole.parse::<i128>().ok(),
        };
        let Some(whole) = whole else { return Some(beyond) };
        let floor = if negative { -whole - i128::from(!exact) } else { whole };
        Some(Self { floor, exact })
    }

    /// How `value` compares with the constant.
    fn compare(self, value: i128) -> Ordering {
        match value.cmp(&self.floor) {
            Ordering::Equal if !self.exact => Ordering::Less,
            ordering => ordering,
        }
    }
}

/// The number times ten to the power of the scale, if that is whole.
pub(crate) fn exactly(number: &Number, scale: i8) -> Option<i128> {
    Bound::of(number, scale).filter(|bound| bound.exact).map(|bound| bound.floor)
}

/// The greatest whole number that is not greater than the number times ten to the power of the scale.
pub(crate) fn at_most(number: &Number, scale: i8) -> Option<i128> {
    Bound::of(number, scale).map(|bound| bound.floor)
}

#[derive(Debug)]
enum Constants {
    Boolean(Vec<bool>),
    Integer(Vec<Bound>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    /// Nanoseconds since 1970.
    Instant(Vec<i128>),
    Text(Vec<String>),
}

/// Why a filter does not fit its column.
#[derive(Debug, PartialEq, Eq)]
enum Misfit {
    /// No comparison is defined for such columns.
    Column,
    /// A constant of another type.
    Constant,
    /// Booleans have no order.
    Operator,
}

/// A filter, and the column of the table that it looks at.
#[derive(Debug)]
pub(crate) struct Filter {
    column: usize,
    test: Test,
}

impl Filter {
    pub(crate) fn compile(
        filter: &RowFilter,
        clause: usize,
        schema: &Schema,
    ) -> Result<Self, PlanError> {
        let (column, field) = find(schema, clause, filter.column.as_str())?;
        let test = Test::compile(filter, Kind::of(field.data_type())).map_err(|misfit| {
            let column = field.name().clone();
            let data_type = type_name(field.data_type());
            match misfit {
                Misfit::Column => {
                    PlanError::ColumnType { clause, column, data_type, action: "compared" }
                }
                Misfit::Constant => PlanError::ConstantType { clause, column, data_type },
                Misfit::Operator => PlanError::Unordered { clause, column },
            }
        })?;
        Ok(Self { column, test })
    }
}

impl RowDuty for Filter {
    fn columns(&self) -> Vec<usize> {
        vec![self.column]
    }

    fn apply(&self, chunk: &Chunk, rows: &mut Vec<usize>) -> Option<()> {
        let cells = Cells::of(chunk.column(self.column)?.as_ref())?;
        // The common case, with as little as can be for each row.
        if let (Constants::Float64(constants), Cells::Float64(array)) =
            (&self.test.constants, &cells)
            && let [constant] = constants.as_slice()
        {
            match self.test.operator {
                Operator::Lt => retain(array, rows, |value| value < *constant),
                Operator::Lteq => retain(array, rows, |value| value <= *constant),
                Operator::Gt => retain(array, rows, |value| value > *constant),
                Operator::Gteq => retain(array, rows, |value| value >= *constant),
                Operator::Eq | Operator::Neq | Operator::IsAnyOf => {
                    rows.retain(|row| self.test.holds(&cells, *row));
                }
            }
            return Some(());
        }
        rows.retain(|row| self.test.holds(&cells, *row));
        Some(())
    }
}

/// Leaves the rows whose value is there and passes.
fn retain(array: &Float64Array, rows: &mut Vec<usize>, passes: impl Fn(f64) -> bool) {
    let values = array.values();
    let passes = |row: &usize| values.get(*row).is_some_and(|value| passes(*value));
    match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => rows.retain(passes),
        Some(nulls) => rows.retain(|row| nulls.is_valid(*row) && passes(row)),
    }
}

/// One comparison with the constants that its column type calls for.
#[derive(Debug)]
struct Test {
    operator: Operator,
    constants: Constants,
}

fn each<T>(filter: &RowFilter, take: impl Fn(&Scalar) -> Option<T>) -> Result<Vec<T>, Misfit> {
    filter.values.iter().map(|scalar| take(scalar).ok_or(Misfit::Constant)).collect()
}

fn number<T>(scalar: &Scalar, take: impl Fn(&Number) -> Option<T>) -> Option<T> {
    match scalar {
        Scalar::Number(number) => take(number),
        _ => None,
    }
}

impl Test {
    fn compile(filter: &RowFilter, kind: Option<Kind>) -> Result<Self, Misfit> {
        let ordered = !matches!(filter.operator, Operator::Eq | Operator::Neq | Operator::IsAnyOf);
        let constants = match kind.ok_or(Misfit::Column)? {
            Kind::Boolean if ordered => return Err(Misfit::Operator),
            Kind::Boolean => Constants::Boolean(each(filter, |scalar| match scalar {
                Scalar::Boolean(boolean) => Some(*boolean),
                _ => None,
            })?),
            Kind::Integer => Constants::Integer(each(filter, |s| number(s, |n| Bound::of(n, 0)))?),
            Kind::Decimal { scale, .. } => {
                Constants::Integer(each(filter, |s| number(s, |n| Bound::of(n, scale)))?)
            }
            Kind::Float32 => {
                Constants::Float32(each(filter, |s| number(s, |n| n.as_str().parse().ok()))?)
            }
            Kind::Float64 => Constants::Float64(each(filter, |s| number(s, |n| Some(n.as_f64())))?),
            Kind::Instant => Constants::Instant(each(filter, |scalar| match scalar {
                Scalar::Text(text) => instant_nanos(text.as_str()),
                _ => None,
            })?),
            Kind::Text => Constants::Text(each(filter, |scalar| match scalar {
                Scalar::Text(text) => Some(text.as_str().to_owned()),
                _ => None,
            })?),
        };
        Ok(Self { operator: filter.operator, constants })
    }

    /// Returns true if the row stays. A missing value, NaN, and cells of another type than compiled for
    /// never do.
    fn holds(&self, cells: &Cells<'_>, row: usize) -> bool {
        match (&self.constants, cells) {
            (Constants::Boolean(constants), Cells::Boolean(array)) => {
                let value = boolean(array, row);
                self.any(constants, value, |value, constant| Some(value.cmp(constant)))
            }
            (Constants::Integer(constants), Cells::Integer(get)) => {
                self.any(constants, get(row), |value, bound| Some(bound.compare(*value)))
            }
            (Constants::Integer(constants), Cells::Decimal(array)) => {
                let value = value(array, row);
                self.any(constants, value, |value, bound| Some(bound.compare(*value)))
            }
            (Constants::Float32(constants), Cells::Float32(array)) => {
                let value = value(array, row);
                self.any(constants, value, f32::partial_cmp)
            }
            (Constants::Float64(constants), Cells::Float64(array)) => {
                let value = value(array, row);
                self.any(constants, value, f64::partial_cmp)
            }
            (Constants::Instant(constants), Cells::Instant(get)) => {
                self.any(constants, get(row), |value, constant| Some(value.cmp(constant)))
            }
            // UTF-8 keeps the order of Unicode scalar values.
            (Constants::Text(constants), Cells::Text(text)) => {
                self.any(constants, text.get(row), |value, constant| {
                    Some((*value).cmp(constant.as_str()))
                })
            }
            _ => false,
        }
    }

    fn any<V, C>(
        &self,
        constants: &[C],
        value: Option<V>,
        compare: impl Fn(&V, &C) -> Option<Ordering>,
    ) -> bool {
        let Some(value) = value else { return false };
        constants.iter().any(|constant| {
            compare(&value, constant).is_some_and(|ordering| self.operator.holds(ordering))
        })
    }
}
