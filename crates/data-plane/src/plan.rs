//! The duties of one contract, checked against one table and ready to run.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Schema, SchemaRef};
use dataspace_policy::Duty;
use dataspace_primitives::{Name, Secrets};

use crate::aggregate::{self, Aggregation};
use crate::chunk::Chunk;
use crate::filter::Filter;
use crate::mask::{Masks, Output};
use crate::plan_error::{ApplyError, PartError, PlanError};
use crate::pseudonym::PseudonymKey;
use crate::render::escape;
use crate::rows::RowDuty;

/// The duties of one contract, checked against the columns of one table.
pub struct Plan {
    source: Vec<(String, DataType)>,
    rows: Vec<Box<dyn RowDuty>>,
    outputs: Vec<Output>,
    /// Of the masked columns.
    schema: SchemaRef,
    /// If figures leave instead of them.
    aggregation: Option<Aggregation>,
    /// Kept only while some column is masked: for pseudonyms and for the order of the rows.
    key: Option<PseudonymKey>,
}

impl Plan {
    /// Checks every duty against the columns of the table. What this accepts, [`Plan::apply`]
    /// carries out in full: row filters on the values as they are in the table, then masks.
    ///
    /// A secret is derived, in the context of the `contract`, only where a duty needs one: for
    /// pseudonyms, and for the order of the rows where a column is masked.
    ///
    /// # Errors
    /// [`PlanError`] with the first duty that cannot be carried out here. None is ever skipped.
    pub fn compile(
        duties: &[Duty],
        schema: &Schema,
        secrets: &dyn Secrets,
        contract: &[u8],
    ) -> Result<Self, PlanError> {
        let (mut plan, is_masked) = Self::fit(duties, schema)?;
        if is_masked {
            let key = PseudonymKey::derive(secrets, contract);
            plan.key = Some(key.map_err(|source| PlanError::Secret { source })?);
        }
        Ok(plan)
    }

    /// Checks every duty as [`compile`](Self::compile) does, without secrets.
    ///
    /// # Errors
    /// [`PlanError`] with the first duty that cannot be carried out.
    pub fn check(duties: &[Duty], schema: &Schema) -> Result<(), PlanError> {
        Self::fit(duties, schema).map(drop)
    }

    /// The plan without its key, and whether it needs one.
    fn fit(duties: &[Duty], schema: &Schema) -> Result<(Self, bool), PlanError> {
        check_names(schema)?;
        let mut rows: Vec<Box<dyn RowDuty>> = Vec::new();
        let mut masks = Masks::of(schema);
        for (clause, duty) in duties.iter().enumerate() {
            duty.check().map_err(|source| PlanError::Duty { clause, source })?;
            match duty {
                Duty::Mark(_) => return Err(PlanError::Unmarked { clause }),
                Duty::Filter(filter) => {
                    rows.push(Box::new(Filter::compile(filter, clause, schema)?));
                }
                Duty::Mask(mask) => masks.compile(mask, clause, schema)?,
                // Once the masks are known.
                Duty::Keep(_) | Duty::Aggregate(_) => {}
            }
        }
        let (mut kept, mut figures) = (None, None);
        for (clause, duty) in duties.iter().enumerate() {
            let columns = match duty {
                Duty::Keep(keep) => keep.columns.clone(),
                Duty::Aggregate(aggregate) => {
                    figures = Some((clause, aggregate));
                    aggregate::columns(aggregate)
                }
                _ => continue,
            };
            if let Some(first) = kept.replace(clause) {
                return Err(PlanError::SecondKeep { clause, first });
            }
            masks.keep(&columns, clause, schema, figures.is_some())?;
        }
        let is_masked = masks.are_any();
        let outputs = masks.outputs(schema)?;
        if outputs.is_empty() && figures.is_none() {
            return Err(PlanError::NothingLeft);
        }
        let columns = schema.fields().iter();
        let released = outputs.iter().map(|output| output.released.clone());
        let masked = Arc::new(Schema::new(released.collect::<Vec<_>>()));
        let aggregation = figures
            .map(|(clause, duty)| Aggregation::compile(duty, clause, (masked.as_ref(), schema)));
        let plan = Self {
            aggregation: aggregation.transpose()?,
            source: columns.map(|one| (one.name().clone(), one.data_type().clone())).collect(),
            rows,
            schema: masked,
            outputs,
            key: None,
        };
        Ok((plan, is_masked))
    }

    /// The columns of what [`Plan::run`] gives: without the source's metadata, texts always as `Utf8`, and
    /// those of the table nullable.
    #[must_use]
    pub fn output_schema(&self) -> SchemaRef {
        self.aggregation.as_ref().map_or_else(|| Arc::clone(&self.schema), Aggregation::schema)
    }

    /// What makes figures of the masked rows, if those leave alone.
    pub(crate) fn aggregation(&self) -> Option<&Aggregation> {
        self.aggregation.as_ref()
    }

    /// Returns true if the rows of [`Plan::run`] come in the order of the contract and not in the
    /// table's: exactly if a column is masked or left out.
    // WHY every mask: a column that is coarsened, emptied or left out may be the one that the
    // table is sorted by, or that it has in common with another table of the same order.
    #[must_use]
    pub fn reorders(&self) -> bool {
        self.order_key().is_some()
    }

    /// Releases these columns alone, and so reads no others but those of filters. The rows that stay, and
    /// whether they come in an order of the contract, follow from the duties as before.
    pub(crate) fn restrict(&mut self, columns: &BTreeSet<Name>) -> Result<(), PartError> {
        if self.aggregation.is_some() {
            return Err(PartError::Kind { asked: "columns by themselves; ask for all figures" });
        }
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

    /// What the order is made with, if there is one. Groups have that of their columns.
    pub(crate) fn order_key(&self) -> Option<&PseudonymKey> {
        self.key.as_ref().filter(|_| self.aggregation.is_none())
    }

    /// The rows and values of `batch` that may leave, in their order. Nothing in the result shares
    /// memory with `batch`.
    ///
    /// # Errors
    /// [`ApplyError`] if `batch` has other columns than the plan was compiled for, or if figures of whole
    /// tables leave and no rows.
    pub fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, ApplyError> {
        let fields = batch.schema_ref().fields();
        let same = fields.len() == self.source.len()
            && fields.iter().zip(&self.source).all(|(field, (name, data_type))| {
                field.name() == name && field.data_type() == data_type
            });
        if !same {
            return Err(ApplyError::OtherSchema);
        }
        if self.aggregation.is_some() {
            return Err(ApplyError::Aggregated);
        }
        let chunk = Chunk::of(batch);
        self.mask(&chunk, &self.keep(&chunk)?)
    }

    /// The columns of the table that [`Plan::keep`] and [`Plan::mask`] look at.
    pub(crate) fn wanted(&self) -> Vec<bool> {
        let mut wanted = vec![false; self.source.len()];
        let outputs = self.outputs.iter().filter(|output| output.reads());
        let rows = self.rows.iter().flat_map(|duty| duty.columns());
        let subject = self.aggregation.iter().map(|aggregation| aggregation.subject);
        for index in outputs.map(|output| output.source).chain(rows).chain(subject) {
            if let Some(wanted) = wanted.get_mut(index) {
                *wanted = true;
            }
        }
        wanted
    }

    /// The rows that stay.
    pub(crate) fn keep(&self, chunk: &Chunk) -> Result<Vec<usize>, ApplyError> {
        let mut rows = (0..chunk.rows).collect();
        for duty in &self.rows {
            duty.apply(chunk, &mut rows).ok_or(ApplyError::OtherSchema)?;
        }
        Ok(rows)
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
        RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)
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
            .field("rows", &self.rows)
            .field("outputs", &self.outputs)
            .finish_non_exhaustive()
    }
}

/// Every column has a name that a duty can name, and no other one has it.
fn check_names(schema: &Schema) -> Result<(), PlanError> {
    let mut names = BTreeSet::new();
    for (index, field) in schema.fields().iter().enumerate() {
        if field.name().parse::<Name>().is_err() {
            return Err(PlanError::ColumnName { index, shown: escape(field.name()) });
        }
        if !names.insert(field.name()) {
            return Err(PlanError::DuplicateColumn { column: field.name().clone() });
        }
    }
    Ok(())
}
