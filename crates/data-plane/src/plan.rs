//! The duties of one contract, checked against one table and ready to run.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use dataspace_policy::Duty;
use dataspace_primitives::Name;

use crate::chunk::Chunk;
use crate::column::{Cells, Kind, type_name};
use crate::filter::{Misfit, Test};
use crate::mask::{self, Output};
use crate::plan_error::{ApplyError, PartError, PlanError};
use crate::pseudonym::PseudonymKey;
use crate::render::escape;
use crate::spelling;

/// The duties of one contract, checked against the columns of one table.
pub struct Plan {
    source: Vec<(String, DataType)>,
    filters: Vec<(usize, Test)>,
    outputs: Vec<Output>,
    schema: SchemaRef,
    /// Kept only while some column is masked: for pseudonyms and for the order of the rows.
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
        for (index, field) in schema.fields().iter().enumerate() {
            if field.name().parse::<Name>().is_err() {
                return Err(PlanError::ColumnName { index, shown: escape(field.name()) });
            }
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
                    if let Some(action) = mask::misfit(mask.method, field.data_type()) {
                        let column = column.to_owned();
                        let data_type = type_name(field.data_type());
                        return Err(PlanError::ColumnType { clause, column, data_type, action });
                    }
                    *slot = Some((clause, mask.method));
                }
            }
        }
        let masked = masks.iter().any(Option::is_some);
        let mut outputs = Vec::new();
        let mut fields = Vec::new();
        for (source, (field, mask)) in schema.fields().iter().zip(masks).enumerate() {
            let output = Output::new(source, field, mask.map(|(_, method)| method));
            let output = output.map_err(|mask::Unreleased| PlanError::UnreleasedType {
                column: field.name().clone(),
                data_type: type_name(field.data_type()),
            })?;
            let Some(output) = output else { continue };
            // Built anew: metadata of the source may tell about hidden values.
            let released = Field::new(field.name(), output.data_type.clone(), true);
            fields.push(spelling::carried(released, field));
            outputs.push(output);
        }
        if outputs.is_empty() {
            return Err(PlanError::NothingLeft);
        }
        Ok(Self {
            source: schema
                .fields()
                .iter()
                .map(|field| (field.name().clone(), field.data_type().clone()))
                .collect(),
            filters,
            outputs,
            schema: Arc::new(Schema::new(fields)),
            key: masked.then_some(key),
        })
    }

    /// The columns of what [`Plan::apply`] returns: without the source's metadata, every one
    /// nullable, texts always as `Utf8`.
    #[must_use]
    pub fn output_schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Whether the rows of [`Plan::run`] come in the order of the contract and not in the
    /// table's: exactly if a column is masked or left out.
    // WHY every mask: a column that is coarsened, emptied or left out may be the one that the
    // table is sorted by, or that it has in common with another table of the same order.
    #[must_use]
    pub fn reorders(&self) -> bool {
        self.key.is_some()
    }

    /// Releases these columns alone, and so reads no others but those of filters. The rows that stay, and
    /// whether they come in an order of the contract, follow from the duties as before.
    pub(crate) fn restrict(&mut self, columns: &BTreeSet<Name>) -> Result<(), PartError> {
        for column in columns {
            if self.schema.column_with_name(column.as_str()).is_none() {
                return Err(PartError::Column { column: column.to_string() });
            }
        }
        let is_wanted = |name: &str| columns.iter().any(|column| column.as_str() == name);
        let fields = self.schema.fields().iter();
        let wanted: Vec<bool> = fields.map(|field| is_wanted(field.name())).collect();
        let fields = self.schema.fields().iter().zip(&wanted);
        let fields = fields.filter(|(_, wanted)| **wanted).map(|(field, _)| Arc::clone(field));
        self.schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let mut wanted = wanted.into_iter();
        self.outputs.retain(|_| wanted.next().unwrap_or_default());
        Ok(())
    }

    /// What the order is made with, if there is one.
    pub(crate) fn order_key(&self) -> Option<&PseudonymKey> {
        self.key.as_ref()
    }

    /// The rows and values of `batch` that may leave, in their order. Nothing in the result shares
    /// memory with `batch`.
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
        let chunk = Chunk::of(batch);
        self.mask(&chunk, &self.keep(&chunk)?)
    }

    /// The columns of the table that [`Plan::keep`] and [`Plan::mask`] look at.
    pub(crate) fn wanted(&self) -> Vec<bool> {
        let mut wanted = vec![false; self.source.len()];
        let outputs = self.outputs.iter().filter(|output| output.reads());
        let filters = self.filters.iter().map(|(index, _)| *index);
        for index in outputs.map(|output| output.source).chain(filters) {
            if let Some(wanted) = wanted.get_mut(index) {
                *wanted = true;
            }
        }
        wanted
    }

    /// The rows that stay.
    pub(crate) fn keep(&self, chunk: &Chunk) -> Result<Vec<usize>, ApplyError> {
        let tests: Vec<_> = self
            .filters
            .iter()
            .map(|(index, test)| Some((Cells::of(chunk.column(*index)?.as_ref())?, test)))
            .collect::<Option<_>>()
            .ok_or(ApplyError::OtherSchema)?;
        Ok((0..chunk.rows)
            .filter(|row| tests.iter().all(|(cells, test)| test.holds(cells, *row)))
            .collect())
    }

    /// Bytes that each of `rows` takes at most once it is masked.
    pub(crate) fn lens(&self, chunk: &Chunk, rows: &[usize]) -> Vec<usize> {
        let mut lens = vec![0; rows.len()];
        for output in &self.outputs {
            output.add_lens(chunk.column(output.source), rows, &mut lens);
        }
        lens
    }

    /// What leaves of `rows`.
    pub(crate) fn mask(&self, chunk: &Chunk, rows: &[usize]) -> Result<RecordBatch, ApplyError> {
        let columns = self
            .outputs
            .iter()
            .map(|output| self.column(output, chunk, rows))
            .collect::<Result<Vec<_>, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
        RecordBatch::try_new_with_options(self.output_schema(), columns, &options)
            .map_err(ApplyError::Assemble)
    }

    fn column(
        &self,
        output: &Output,
        chunk: &Chunk,
        rows: &[usize],
    ) -> Result<ArrayRef, ApplyError> {
        let name = self.source.get(output.source).map_or("", |(name, _)| name.as_str());
        output
            .column(chunk.column(output.source), rows, name, self.key.as_ref())
            .ok_or(ApplyError::OtherSchema)?
            .map_err(|_| ApplyError::TextTooLong { column: name.to_owned() })
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
