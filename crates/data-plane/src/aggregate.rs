//! Figures of groups instead of rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::types::{Float32Type, Float64Type};
use arrow_array::{
    Array as _, ArrayRef, Float64Array, RecordBatch, RecordBatchOptions, UInt64Array,
};
use arrow_row::{RowConverter, SortField};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef};
use dataspace_policy::duty::Aggregate;
use dataspace_primitives::Name;

use crate::chunk::{BATCH_ROWS, Chunk};
use crate::column::{Cells, Kind, find, mapped_each, type_name, value};
use crate::plan_error::{ApplyError, PlanError};
use crate::run_error::RunError;
use crate::subjects::{Subjects, mark, subject};

/// Most groups of one release.
pub const GROUPS_MAX: usize = 1 << 16;

/// Most subjects that are remembered at once, of all groups and figures together.
pub const SUBJECTS_HELD_MAX: usize = 1 << 19;

/// Most bytes of the columns that groups are made by, of all groups together.
pub const GROUPS_LEN_MAX: usize = 16 << 20;

/// The duty, compiled for a table whose masked columns are those of `inner`.
#[derive(Debug)]
pub(crate) struct Aggregation {
    schema: SchemaRef,
    /// Places among the masked columns.
    by: Vec<usize>,
    figures: Vec<(usize, Figure)>,
    /// The place of the subject in the table.
    pub(crate) subject: usize,
    least: usize,
}

#[derive(Clone, Copy, Debug)]
enum Figure {
    Mean,
    Sum,
}

/// The columns of the table that are needed once masked.
pub(crate) fn columns(duty: &Aggregate) -> BTreeSet<Name> {
    duty.by.iter().chain(&duty.mean).chain(&duty.sum).cloned().collect()
}

impl Aggregation {
    /// `inner` are the masked columns, `source` those of the table.
    pub(crate) fn compile(
        duty: &Aggregate,
        clause: usize,
        (inner, source): (&Schema, &Schema),
    ) -> Result<Self, PlanError> {
        let (subject, field) = find(source, clause, duty.subject.as_str())?;
        let misfit = |field: &Field, action| PlanError::ColumnType {
            clause,
            column: field.name().clone(),
            data_type: type_name(field.data_type()),
            action,
        };
        if Kind::of(field.data_type()).is_none() {
            return Err(misfit(field, "told apart as subjects"));
        }
        let mut fields = Vec::new();
        let mut by = Vec::new();
        for (place, field) in inner.fields().iter().enumerate() {
            if duty.by.iter().any(|name| name.as_str() == field.name()) {
                by.push(place);
                fields.push(field.as_ref().clone());
            }
        }
        // One that a mask leaves out would leave coarser groups than were agreed.
        let is_there = |name: &&Name| inner.column_with_name(name.as_str()).is_some();
        if let Some(missing) = duty.by.iter().find(|name| !is_there(name)) {
            return Err(PlanError::UnknownColumn { clause, column: missing.to_string() });
        }
        fields.push(Field::new("rows", DataType::UInt64, false));
        let mut figures = Vec::new();
        let wanted = [(&duty.mean, Figure::Mean, "mean"), (&duty.sum, Figure::Sum, "sum")];
        for (names, figure, prefix) in wanted {
            for name in names {
                let (place, field) = find(inner, clause, name.as_str())?;
                if !Kind::of(field.data_type()).is_some_and(Kind::is_number) {
                    return Err(misfit(field, "added up"));
                }
                figures.push((place, figure));
                fields.push(Field::new(format!("{prefix}_{name}"), DataType::Float64, true));
            }
        }
        let least = usize::try_from(duty.least).unwrap_or(usize::MAX);
        if least.saturating_mul(figures.len().saturating_add(1)) > SUBJECTS_HELD_MAX {
            return Err(PlanError::TooManySubjects { clause, least: duty.least });
        }
        Ok(Self { schema: Arc::new(Schema::new(fields)), by, figures, subject, least })
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// A sum that does not depend on the order of what is added, as far as it is shown.
#[derive(Clone, Copy, Default)]
struct Sum {
    whole: f64,
    /// What `whole` lost (Neumaier).
    lost: f64,
    /// The sum of the sizes of what was added.
    size: f64,
}

impl Sum {
    fn add(&mut self, value: f64) {
        let whole = self.whole + value;
        let (large, small) =
            if self.whole.abs() >= value.abs() { (self.whole, value) } else { (value, self.whole) };
        self.lost += (large - whole) + small;
        self.whole = whole;
        self.size += value.abs();
    }

    /// To twelve digits of what was added: those behind would tell in which order the rows were.
    fn shown(self, divisor: f64) -> Option<f64> {
        let (value, size) = ((self.whole + self.lost) / divisor, self.size / divisor);
        if !size.is_finite() || !value.is_finite() {
            return None;
        }
        let exponent = |number: f64| -> Option<i32> {
            format!("{number:e}").split_once('e').and_then(|(_, exponent)| exponent.parse().ok())
        };
        let digits = DIGITS.saturating_add(exponent(value)?).saturating_sub(exponent(size)?);
        // So small, it is among the digits that are not shown.
        let Ok(digits) = usize::try_from(digits) else { return Some(0.0) };
        format!("{value:.digits$e}").parse().ok().map(|shown: f64| shown + 0.0)
    }
}

/// Digits behind the first one.
const DIGITS: i32 = 11;

/// Subjects, until there are enough of them: then which ones they are is forgotten.
enum Counted {
    Few(BTreeSet<Box<[u8]>>),
    Enough,
}

impl Default for Counted {
    fn default() -> Self {
        Self::Few(BTreeSet::new())
    }
}

impl Counted {
    /// `held` is how many are remembered in all. Gives those whom it forgets.
    fn add(&mut self, subject: &[u8], least: usize, held: &mut usize) -> BTreeSet<Box<[u8]>> {
        let Self::Few(few) = self else { return BTreeSet::new() };
        if few.insert(subject.into()) {
            *held = held.saturating_add(1);
        }
        if few.len() < least {
            return BTreeSet::new();
        }
        *held = held.saturating_sub(few.len());
        let enough = std::mem::take(few);
        *self = Self::Enough;
        enough
    }

    fn is_enough(&self) -> bool {
        matches!(self, Self::Enough)
    }
}

#[derive(Default)]
struct Group {
    rows: u64,
    subjects: Counted,
    figures: Vec<Running>,
}

/// A figure of one group so far.
#[derive(Default)]
struct Running {
    sum: Sum,
    values: u64,
    subjects: Counted,
}

/// Collects the rows of a release.
pub(crate) struct Groups {
    converter: RowConverter,
    all: BTreeMap<Box<[u8]>, Group>,
    held: usize,
    keys_len: usize,
    /// Those of all groups that have enough.
    subjects: Subjects,
}

impl Groups {
    pub(crate) fn new(aggregation: &Aggregation) -> Result<Self, ArrowError> {
        let types = aggregation.schema.fields().iter().take(aggregation.by.len());
        let fields = types.map(|field| SortField::new(field.data_type().clone())).collect();
        Ok(Self {
            converter: RowConverter::new(fields)?,
            all: BTreeMap::new(),
            held: 0,
            keys_len: 0,
            subjects: Subjects::default(),
        })
    }

    /// Takes masked rows, and the places that they had in the chunk.
    pub(crate) fn push(
        &mut self,
        aggregation: &Aggregation,
        (chunk, rows): (&Chunk, &[usize]),
        masked: &RecordBatch,
    ) -> Result<(), RunError> {
        let other = || RunError::Apply(ApplyError::OtherSchema);
        let subjects = chunk.column(aggregation.subject).ok_or_else(other)?;
        let subjects = Cells::of(subjects.as_ref()).ok_or_else(other)?;
        let of = |place: &usize| masked.columns().get(*place).cloned();
        let by: Vec<ArrayRef> = aggregation.by.iter().filter_map(of).map(one_zero).collect();
        // A converter of no column gives no rows.
        let keys = match by.as_slice() {
            [] => None,
            by => Some(self.converter.convert_columns(by).map_err(RunError::Assemble)?),
        };
        let figures: Vec<ArrayRef> =
            aggregation.figures.iter().filter_map(|(place, _)| of(place)).collect();
        let cells: Vec<_> = figures.iter().filter_map(|array| Cells::of(array.as_ref())).collect();
        if cells.len() != aggregation.figures.len() || by.len() != aggregation.by.len() {
            return Err(other());
        }
        let least = aggregation.least;
        for (at, row) in rows.iter().enumerate() {
            let Some(subject) = subject(&subjects, *row) else { continue };
            let key: &[u8] = match &keys {
                Some(keys) => keys.row(at).data(),
                None => &[],
            };
            if !self.all.contains_key(key) {
                self.keys_len = self.keys_len.saturating_add(key.len());
                if self.all.len() == GROUPS_MAX || self.keys_len > GROUPS_LEN_MAX {
                    return Err(RunError::TooManyGroups);
                }
                self.all.insert(key.into(), Group::default());
            }
            let Some(group) = self.all.get_mut(key) else { continue };
            group.rows = group.rows.saturating_add(1);
            if group.subjects.is_enough() {
                self.subjects.add([mark(&subject)])?;
            } else {
                let enough = group.subjects.add(&subject, least, &mut self.held);
                self.subjects.add(enough.iter().map(|subject| mark(subject)))?;
            }
            group.figures.resize_with(cells.len(), Running::default);
            for (running, cells) in group.figures.iter_mut().zip(&cells) {
                let Some(number) = number(cells, at) else { continue };
                running.sum.add(number);
                running.values = running.values.saturating_add(1);
                let _forgotten = running.subjects.add(&subject, least, &mut self.held);
            }
            if self.held > SUBJECTS_HELD_MAX {
                return Err(RunError::TooManyGroups);
            }
        }
        Ok(())
    }

    /// Different subjects of all groups that have enough of them.
    pub(crate) fn subjects(&self) -> u64 {
        self.subjects.count()
    }

    /// The groups with enough subjects, in the order of their columns, in batches.
    pub(crate) fn finish(
        mut self,
        aggregation: &Aggregation,
    ) -> Result<Vec<RecordBatch>, RunError> {
        self.all.retain(|_, group| group.subjects.is_enough());
        let groups: Vec<(&[u8], &Group)> =
            self.all.iter().map(|(key, group)| (key.as_ref(), group)).collect();
        let mut batches = Vec::new();
        for some in groups.chunks(BATCH_ROWS) {
            // A converter of no column takes no rows.
            let mut columns = if aggregation.by.is_empty() {
                Vec::new()
            } else {
                let parser = self.converter.parser();
                let rows = some.iter().map(|(key, _)| parser.parse(key));
                self.converter.convert_rows(rows).map_err(RunError::Assemble)?
            };
            let rows = some.iter().map(|(_, group)| group.rows);
            columns.push(Arc::new(UInt64Array::from_iter_values(rows)));
            for (at, (_, figure)) in aggregation.figures.iter().enumerate() {
                let shown = |(_, group): &(&[u8], &Group)| {
                    let running = group.figures.get(at)?;
                    // A count of rows is exact in a float up to 2^53 of them.
                    #[expect(
                        clippy::cast_precision_loss,
                        reason = "more rows than that are not read"
                    )]
                    let divisor = match figure {
                        Figure::Mean => running.values as f64,
                        Figure::Sum => 1.0,
                    };
                    running.subjects.is_enough().then(|| running.sum.shown(divisor)).flatten()
                };
                columns.push(Arc::new(some.iter().map(shown).collect::<Float64Array>()));
            }
            let options = RecordBatchOptions::new().with_row_count(Some(some.len()));
            let batch = RecordBatch::try_new_with_options(aggregation.schema(), columns, &options);
            batches.push(batch.map_err(RunError::Assemble)?);
        }
        Ok(batches)
    }
}

/// Floats that are equal become the same: one zero, one NaN.
fn one_zero(array: ArrayRef) -> ArrayRef {
    let all: Vec<usize> = (0..array.len()).collect();
    let same = match array.data_type() {
        DataType::Float32 => mapped_each::<Float32Type>(array.as_ref(), &all, |value| {
            if value.is_nan() { f32::NAN } else { value + 0.0 }
        }),
        DataType::Float64 => mapped_each::<Float64Type>(array.as_ref(), &all, |value| {
            if value.is_nan() { f64::NAN } else { value + 0.0 }
        }),
        _ => None,
    };
    same.unwrap_or(array)
}

/// As a float; `None` where it is missing or no number.
pub(crate) fn number(cells: &Cells<'_>, row: usize) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "twelve digits are shown")]
    let number = match cells {
        Cells::Integer(get) => get(row)? as f64,
        Cells::Float32(array) => f64::from(value(array, row)?),
        Cells::Float64(array) => value(array, row)?,
        Cells::Decimal(array) => {
            array.is_valid(row).then(|| array.value_as_string(row).parse().ok()).flatten()?
        }
        Cells::Boolean(_) | Cells::Instant(_) | Cells::Text(_) => return None,
    };
    number.is_finite().then_some(number)
}
