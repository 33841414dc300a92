//! The duties of one contract, checked against one table and ready to run.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{
    Array, ArrayRef, RecordBatch, RecordBatchOptions, downcast_integer, new_null_array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use dataspace_policy::{Duty, InvalidDuty, MaskMethod};
use thiserror::Error;

use crate::column::{Cells, Kind, copy, numbers, released_type, texts, type_name, value};
use crate::filter::{Misfit, Test};
use crate::pseudonym::{PseudonymKey, Pseudonyms};
use crate::round::{round_float, round_integer};

/// Why the duties cannot be carried out on a table, so that nothing of it is released.
///
/// `clause` is the position of the duty among the duties given, from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The duty itself is not well formed.
    #[error("duty {clause}: {source}")]
    Duty {
        /// The duty.
        clause: usize,
        /// What is wrong with it.
        source: InvalidDuty,
    },
    /// The table has no such column.
    #[error("duty {clause}: the table has no column `{column}`")]
    UnknownColumn {
        /// The duty.
        clause: usize,
        /// The column that it names.
        column: String,
    },
    /// Two columns of the table have one name, so that a duty could mean either.
    #[error("the table has two columns `{column}`")]
    DuplicateColumn {
        /// The name.
        column: String,
    },
    /// A column has a mask already.
    #[error("duty {clause}: column `{column}` has a second mask; the first is duty {first}")]
    SecondMask {
        /// The second mask.
        clause: usize,
        /// The first mask.
        first: usize,
        /// The column.
        column: String,
    },
    /// The filter or mask is not defined on columns of this type.
    #[error("duty {clause}: columns of type {data_type} cannot be {action}, as `{column}` should")]
    ColumnType {
        /// The duty.
        clause: usize,
        /// The column.
        column: String,
        /// Its type.
        data_type: String,
        /// What the duty asks for.
        action: &'static str,
    },
    /// A constant of a filter has another type than the column.
    #[error("duty {clause}: column `{column}` has the type {data_type}, a constant has another")]
    ConstantType {
        /// The filter.
        clause: usize,
        /// The column.
        column: String,
        /// Its type.
        data_type: String,
    },
    /// A boolean column is compared by order.
    #[error("duty {clause}: column `{column}` has only two values, without an order")]
    Unordered {
        /// The filter.
        clause: usize,
        /// The column.
        column: String,
    },
    /// A column that would leave has a type that does not leave from here.
    #[error("column `{column}` of type {data_type} cannot be released; leave it out or empty it")]
    UnreleasedType {
        /// The column.
        column: String,
        /// Its type.
        data_type: String,
    },
    /// Every column is left out.
    #[error("no column is left to release")]
    NothingLeft,
}

/// Why a batch is not released.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The batch does not have the columns, names and types that the plan was compiled for.
    #[error("the batch is not of the table that the duties were checked against")]
    OtherSchema,
    /// More than 2 GiB of text in one column of one batch.
    #[error("column `{column}` holds too much text for one batch")]
    TextTooLong {
        /// The column.
        column: String,
    },
    /// The columns do not form a batch: a defect here.
    #[error("the masked columns do not form a batch")]
    Assemble(#[source] ArrowError),
}

#[derive(Debug)]
enum Action {
    Copy,
    Null,
    Hash,
    Round(i8),
    Truncate(usize),
}

#[derive(Debug)]
struct Output {
    source: usize,
    action: Action,
    data_type: DataType,
}

/// The duties of one contract, checked against the columns of one table.
pub struct Plan {
    source: Vec<(String, DataType)>,
    filters: Vec<(usize, Test)>,
    outputs: Vec<Output>,
    schema: SchemaRef,
    /// Kept only while some column is replaced by pseudonyms.
    key: Option<PseudonymKey>,
}

impl Plan {
    /// Checks every duty against the columns of the table. What this accepts, [`Plan::apply`]
    /// carries out in full: row filters on the values as they are in the table, then masks.
    ///
    /// # Errors
    /// [`PlanError`] with the first duty that cannot be carried out here. None is ever skipped.
    pub fn compile(duties: &[Duty], schema: &Schema, key: PseudonymKey) -> Result<Self, PlanError> {
        let mut names = BTreeSet::new();
        for field in schema.fields() {
            if !names.insert(field.name()) {
                let column = field.name().clone();
                return Err(PlanError::DuplicateColumn { column });
            }
        }
        let mut filters = Vec::new();
        let mut masks = vec![None; schema.fields().len()];
        for (clause, duty) in duties.iter().enumerate() {
            duty.check().map_err(|source| PlanError::Duty { clause, source })?;
            let column = duty.column().as_str();
            let unknown = || PlanError::UnknownColumn { clause, column: column.to_owned() };
            let (index, field) = schema.column_with_name(column).ok_or_else(unknown)?;
            match duty {
                Duty::Filter(filter) => {
                    let test = Test::compile(filter, Kind::of(field.data_type()))
                        .map_err(|misfit| explain(&misfit, clause, field))?;
                    filters.push((index, test));
                }
                Duty::Mask(mask) => {
                    let slot = masks.get_mut(index).ok_or_else(unknown)?;
                    if let Some((first, _)) = *slot {
                        let column = column.to_owned();
                        return Err(PlanError::SecondMask { clause, first, column });
                    }
                    check_mask(mask.method, clause, field)?;
                    *slot = Some((clause, mask.method));
                }
            }
        }
        let mut outputs = Vec::new();
        let mut fields = Vec::new();
        for (source, (field, mask)) in schema.fields().iter().zip(masks).enumerate() {
            let Some((action, data_type)) = output(field, mask.map(|(_, method)| method))? else {
                continue;
            };
            // Built anew: metadata of the source may tell about hidden values.
            fields.push(Field::new(field.name(), data_type.clone(), true));
            outputs.push(Output { source, action, data_type });
        }
        if outputs.is_empty() {
            return Err(PlanError::NothingLeft);
        }
        let hashes = outputs.iter().any(|output| matches!(output.action, Action::Hash));
        Ok(Self {
            source: schema
                .fields()
                .iter()
                .map(|field| (field.name().clone(), field.data_type().clone()))
                .collect(),
            filters,
            outputs,
            schema: Arc::new(Schema::new(fields)),
            key: hashes.then_some(key),
        })
    }

    /// The columns of what [`Plan::apply`] returns: without metadata, every one nullable, texts
    /// always as `Utf8`.
    #[must_use]
    pub fn output_schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// The rows and values of `batch` that may leave. Nothing in the result shares memory with
    /// `batch`.
    ///
    /// # Errors
    /// [`ApplyError`] if `batch` has other columns than the plan was compiled for.
    pub fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, ApplyError> {
        let fields = batch.schema_ref().fields();
        let same = fields.len() == self.source.len()
            && fields.iter().zip(&self.source).all(|(field, (name, data_type))| {
                field.name() == name && field.data_type() == data_type
            });
        if !same {
            return Err(ApplyError::OtherSchema);
        }
        let tests: Vec<_> = self
            .filters
            .iter()
            .map(|(index, test)| Some((Cells::of(batch.column(*index).as_ref())?, test)))
            .collect::<Option<_>>()
            .ok_or(ApplyError::OtherSchema)?;
        let rows: Vec<usize> = (0..batch.num_rows())
            .filter(|row| tests.iter().all(|(cells, test)| test.holds(cells, *row)))
            .collect();
        let columns = self
            .outputs
            .iter()
            .map(|output| self.column(output, batch.column(output.source).as_ref(), &rows))
            .collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(self.output_schema(), columns, &options)
            .map_err(ApplyError::Assemble)
    }

    fn column(
        &self,
        output: &Output,
        array: &dyn Array,
        rows: &[usize],
    ) -> Result<ArrayRef, ApplyError> {
        let name = || {
            let name = self.source.get(output.source);
            name.map(|(name, _)| name.clone()).unwrap_or_default()
        };
        let column = match output.action {
            Action::Null => Some(Ok(new_null_array(&output.data_type, rows.len()))),
            Action::Copy => copy(array, rows),
            Action::Round(decimals) => round(array, rows, decimals).map(Ok),
            Action::Hash => Cells::of(array).zip(self.key.as_ref()).map(|(cells, key)| {
                let pseudonyms = Pseudonyms::new(key, &name());
                texts(rows.iter().map(|row| pseudonyms.of(&cells, *row)))
            }),
            Action::Truncate(chars) => match Cells::of(array) {
                Some(Cells::Text(text)) => {
                    Some(texts(rows.iter().map(|row| text.get(*row).map(|text| cut(text, chars)))))
                }
                _ => None,
            },
        };
        column
            .ok_or(ApplyError::OtherSchema)?
            .map_err(|_| ApplyError::TextTooLong { column: name() })
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan")
            .field("filters", &self.filters)
            .field("outputs", &self.outputs)
            .finish_non_exhaustive()
    }
}

fn explain(misfit: &Misfit, clause: usize, field: &Field) -> PlanError {
    let column = field.name().clone();
    let data_type = type_name(field.data_type());
    match misfit {
        Misfit::Column => PlanError::ColumnType { clause, column, data_type, action: "compared" },
        Misfit::Constant => PlanError::ConstantType { clause, column, data_type },
        Misfit::Operator => PlanError::Unordered { clause, column },
    }
}

fn check_mask(method: MaskMethod, clause: usize, field: &Field) -> Result<(), PlanError> {
    let kind = Kind::of(field.data_type());
    let (fits, action) = match method {
        MaskMethod::Drop | MaskMethod::Null => (true, "hidden"),
        MaskMethod::Hash => (kind.is_some(), "replaced by pseudonyms"),
        MaskMethod::Round { .. } => {
            (matches!(kind, Some(Kind::Integer | Kind::Float32 | Kind::Float64)), "rounded")
        }
        MaskMethod::Truncate { .. } => (kind == Some(Kind::Text), "cut"),
    };
    if fits {
        return Ok(());
    }
    Err(PlanError::ColumnType {
        clause,
        column: field.name().clone(),
        data_type: type_name(field.data_type()),
        action,
    })
}

/// What happens to a column and the type that comes out; `None` if it is left out.
fn output(
    field: &Field,
    mask: Option<MaskMethod>,
) -> Result<Option<(Action, DataType)>, PlanError> {
    let released = released_type(field.data_type());
    let action = match mask {
        Some(MaskMethod::Drop) => return Ok(None),
        // A type that could not leave leaves no trace of itself either.
        Some(MaskMethod::Null) => {
            return Ok(Some((Action::Null, released.unwrap_or(DataType::Null))));
        }
        Some(MaskMethod::Hash) => return Ok(Some((Action::Hash, DataType::Utf8))),
        Some(MaskMethod::Round { decimals }) => Action::Round(decimals),
        Some(MaskMethod::Truncate { chars }) => {
            Action::Truncate(usize::try_from(chars).unwrap_or(usize::MAX))
        }
        None => Action::Copy,
    };
    let unreleased = || PlanError::UnreleasedType {
        column: field.name().clone(),
        data_type: type_name(field.data_type()),
    };
    Ok(Some((action, released.ok_or_else(unreleased)?)))
}

fn round(array: &dyn Array, rows: &[usize], decimals: i8) -> Option<ArrayRef> {
    let data_type = array.data_type();
    let zeros = if decimals < 0 { u32::from(decimals.unsigned_abs()) } else { 0 };
    macro_rules! integers {
        ($t:ty) => {{
            let source = array.as_primitive_opt::<$t>()?;
            let values = rows.iter().map(|row| value(source, *row));
            let rounded = values.map(|v| v.and_then(|v| round_integer(i128::from(v), zeros)));
            Some(numbers::<$t>(data_type, rounded))
        }};
    }
    macro_rules! floats {
        ($t:ty) => {{
            let source = array.as_primitive_opt::<$t>()?;
            let values = rows.iter().map(|row| value(source, *row));
            let rounded = values.map(|v| v.map(|v| round_float(v, decimals)));
            Some(numbers::<$t>(data_type, rounded))
        }};
    }
    downcast_integer! {
        data_type => (integers),
        DataType::Float32 => floats!(Float32Type),
        DataType::Float64 => floats!(Float64Type),
        _ => None,
    }
}

/// The first `chars` Unicode scalar values.
fn cut(text: &str, chars: usize) -> &str {
    let end = text.char_indices().nth(chars).map_or(text.len(), |(end, _)| end);
    text.get(..end).unwrap_or_default()
}
