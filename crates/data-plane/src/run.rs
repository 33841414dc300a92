//! A plan over a whole table.

use std::fmt;
use std::ops::Deref;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;
use arrow_select::coalesce::BatchCoalescer;
use thiserror::Error;

use crate::plan::{ApplyError, Plan};
use crate::table::{BATCH_ROWS, Batches, ReadError, Table};

/// Why a release ends early. Its text tells nothing about values; its sources are for the
/// provider's operator, not for the consumer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RunError {
    /// The table cannot be read to its end.
    #[error("the table cannot be read")]
    Read(#[from] ReadError),
    /// The duties cannot be carried out on a batch.
    #[error("the duties cannot be carried out")]
    Apply(#[from] ApplyError),
    /// The rows that stay cannot be put together.
    #[error("the rows that stay cannot be put together")]
    Assemble(#[source] ArrowError),
}

/// What may leave of a table, in batches of [`BATCH_ROWS`] rows, the last one with fewer. The
/// borders of the batches are counted in rows that stay, so they tell nothing about hidden rows.
/// Ends after the first error.
pub struct Masked<P> {
    plan: P,
    batches: Option<Batches>,
    ready: BatchCoalescer,
}

impl Plan {
    /// Reads `table` and carries the duties out on it.
    ///
    /// # Errors
    /// [`RunError::Read`] if the table cannot be opened again.
    pub fn run(&self, table: &Table) -> Result<Masked<&Self>, RunError> {
        Masked::open(self, table)
    }
}

impl<P: Deref<Target = Plan>> Masked<P> {
    /// Reads `table` and carries the duties of `plan`, borrowed or shared, out on it.
    ///
    /// # Errors
    /// [`RunError::Read`] if the table cannot be opened again.
    pub fn open(plan: P, table: &Table) -> Result<Self, RunError> {
        let batches = Some(table.read()?);
        let ready = BatchCoalescer::new(plan.output_schema(), BATCH_ROWS);
        Ok(Self { plan, batches, ready })
    }

    fn step(&mut self) -> Result<Option<RecordBatch>, RunError> {
        loop {
            if let Some(batch) = self.ready.next_completed_batch() {
                return Ok(Some(batch));
            }
            let Some(batches) = &mut self.batches else {
                return Ok(None);
            };
            if let Some(batch) = batches.next().transpose()? {
                let masked = self.plan.apply(&batch)?;
                self.ready.push_batch(masked).map_err(RunError::Assemble)?;
            } else {
                self.batches = None;
                self.ready.finish_buffered_batch().map_err(RunError::Assemble)?;
            }
        }
    }
}

impl<P: Deref<Target = Plan>> Iterator for Masked<P> {
    type Item = Result<RecordBatch, RunError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step();
        if step.is_err() {
            // Neither what is buffered nor what would follow: an error is the end.
            self.batches = None;
            self.ready = BatchCoalescer::new(self.plan.output_schema(), BATCH_ROWS);
        }
        step.transpose()
    }
}

impl<P: Deref<Target = Plan>> fmt::Debug for Masked<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masked").field("plan", &*self.plan).finish_non_exhaustive()
    }
}
