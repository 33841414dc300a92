//! What happens to a column before it leaves.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, downcast_integer, new_null_array};
use arrow_schema::{DataType, Field, Schema};
use dataspace_policy::{ColumnMask, MaskMethod, duty::PSEUDONYM_DIGITS};

use crate::column::{
    Cells, Kind, Text, TextTooLong, copy, find, numbers, released_type, texts, type_name, value,
};
use crate::pieces::width;
use crate::plan_error::PlanError;
use crate::pseudonym::{PseudonymKey, Pseudonyms};
use crate::round::{round_decimal, round_float, round_integer};
use crate::spelling;

/// What a mask does that does not fit a column's type, in words.
fn misfit(method: MaskMethod, data_type: &DataType) -> Option<&'static str> {
    let kind = Kind::of(data_type);
    let (fits, action) = match method {
        MaskMethod::Drop | MaskMethod::Null => (true, "hidden"),
        MaskMethod::Hash => (kind.is_some(), "replaced by pseudonyms"),
        MaskMethod::Round { .. } => {
            (kind.is_some_and(|kind| !matches!(kind, Kind::Boolean | Kind::Text)), "rounded")
        }
        MaskMethod::Truncate { .. } => (kind == Some(Kind::Text), "cut"),
    };
    (!fits).then_some(action)
}

/// The masks of one table, by column, each with its duty.
pub(crate) struct Masks(Vec<Option<(usize, MaskMethod)>>);

impl Masks {
    /// None on any column.
    pub(crate) fn of(schema: &Schema) -> Self {
        Self(vec![None; schema.fields().len()])
    }

    pub(crate) fn compile(
        &mut self,
        mask: &ColumnMask,
        clause: usize,
        schema: &Schema,
    ) -> Result<(), PlanError> {
        let (place, field) = find(schema, clause, mask.column.as_str())?;
        let column = field.name().clone();
        if let Some(Some((first, _))) = self.0.get(place) {
            return Err(PlanError::SecondMask { clause, first: *first, column });
        }
        if let Some(action) = misfit(mask.method, field.data_type()) {
            let data_type = type_name(field.data_type());
            return Err(PlanError::ColumnType { clause, column, data_type, action });
        }
        if let Some(slot) = self.0.get_mut(place) {
            *slot = Some((clause, mask.method));
        }
        Ok(())
    }

    pub(crate) fn are_any(&self) -> bool {
        self.0.iter().any(Option::is_some)
    }

    /// The columns that leave.
    pub(crate) fn outputs(self, schema: &Schema) -> Result<Vec<Output>, PlanError> {
        let columns = schema.fields().iter().zip(self.0).enumerate();
        let outputs = columns.map(|(source, (field, mask))| {
            Output::new(source, field, mask.map(|(_, method)| method))
        });
        outputs.filter_map(Result::transpose).collect()
    }
}

#[derive(Debug)]
enum Action {
    Copy,
    Null,
    Hash,
    Round(i8),
    Truncate(usize),
}

/// A column that leaves.
#[derive(Debug)]
pub(crate) struct Output {
    /// The column of the table.
    pub(crate) source: usize,
    action: Action,
    /// As it leaves.
    pub(crate) released: Field,
}

impl Output {
    /// `None` if the column is left out.
    fn new(
        source: usize,
        field: &Field,
        mask: Option<MaskMethod>,
    ) -> Result<Option<Self>, PlanError> {
        let released = released_type(field.data_type());
        let (action, data_type) = match mask {
            Some(MaskMethod::Drop) => return Ok(None),
            // A type that could not leave leaves no trace of itself either.
            Some(MaskMethod::Null) => (Action::Null, Some(released.unwrap_or(DataType::Null))),
            Some(MaskMethod::Hash) => (Action::Hash, Some(DataType::Utf8)),
            Some(MaskMethod::Round { decimals }) => (Action::Round(decimals), released),
            Some(MaskMethod::Truncate { chars }) => {
                (Action::Truncate(usize::try_from(chars).unwrap_or(usize::MAX)), released)
            }
            None => (Action::Copy, released),
        };
        let data_type = data_type.ok_or_else(|| PlanError::UnreleasedType {
            column: field.name().clone(),
            data_type: type_name(field.data_type()),
        })?;
        // Built from its name: metadata of the source may tell about hidden values.
        let released = spelling::carried(Field::new(field.name(), data_type, true), field);
        Ok(Some(Self { source, action, released }))
    }

    /// Returns true if values of the table are needed for it.
    pub(crate) fn reads(&self) -> bool {
        !matches!(self.action, Action::Null)
    }

    /// Adds the bytes that the values of `rows` take at most to `lens`.
    pub(crate) fn add_lens(&self, array: Option<&ArrayRef>, rows: &[usize], lens: &mut [usize]) {
        let fixed = match self.action {
            Action::Hash => width(self.released.data_type()) + PSEUDONYM_DIGITS,
            _ => width(self.released.data_type()),
        };
        for len in lens.iter_mut() {
            *len = len.saturating_add(fixed);
        }
        if matches!(self.action, Action::Copy | Action::Truncate(_))
            && let Some(text) = array.and_then(|array| Text::of(array.as_ref()))
        {
            for (len, row) in lens.iter_mut().zip(rows) {
                *len = len.saturating_add(text.len(*row));
            }
        }
    }

    /// A fresh array of the values of `rows`; `None` if `array` is not of the column's type.
    pub(crate) fn column(
        &self,
        array: Option<&ArrayRef>,
        rows: &[usize],
        name: &str,
        key: Option<&PseudonymKey>,
    ) -> Option<Result<ArrayRef, TextTooLong>> {
        if matches!(self.action, Action::Null) {
            return Some(Ok(new_null_array(self.released.data_type(), rows.len())));
        }
        let array = array?.as_ref();
        match self.action {
            Action::Null => None,
            Action::Copy => copy(array, rows),
            Action::Round(decimals) => round(array, rows, decimals).map(Ok),
            Action::Hash => {
                let (cells, pseudonyms) = (Cells::of(array)?, Pseudonyms::new(key?, name));
                Some(texts(rows.iter().map(|row| pseudonyms.of(&cells, *row))))
            }
            Action::Truncate(chars) => {
                let text = Text::of(array)?;
                Some(texts(rows.iter().map(|row| text.get(*row).map(|text| cut(text, chars)))))
            }
        }
    }
}

fn round(array: &dyn Array, rows: &[usize], decimals: i8) -> Option<ArrayRef> {
    let data_type = array.data_type();
    let zeros = if decimals < 0 { u32::from(decimals.unsigned_abs()) } else { 0 };
    macro_rules! rounded {
        ($t:ty, $round:expr) => {{
            let source = array.as_primitive_opt::<$t>()?;
            let values = rows.iter().map(|row| value(source, *row));
            Some(numbers::<$t>(data_type, values.map(|v| v.and_then($round))))
        }};
    }
    macro_rules! integers {
        ($t:ty) => {
            rounded!($t, |v| round_integer(i128::from(v), zeros))
        };
    }
    downcast_integer! {
        data_type => (integers),
        DataType::Float32 => rounded!(Float32Type, |v| Some(round_float(v, decimals))),
        DataType::Float64 => rounded!(Float64Type, |v| Some(round_float(v, decimals))),
        DataType::Decimal128(precision, scale) => {
            rounded!(Decimal128Type, |v| round_decimal(v, *precision, *scale, decimals))
        }
        _ => None,
    }
}

/// The first `chars` Unicode scalar values.
fn cut(text: &str, chars: usize) -> &str {
    let end = text.char_indices().nth(chars).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or_default()
}
