use std::fmt;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use dataspace_data_plane::{Masked, Plan};

use crate::error::ReleaseError;
use crate::permit::{Decided, Grant, Receipt};
use crate::space::Inner;

/// The data of one recorded permit, with the contract's duties carried out: an iterator over
/// batches. Before and after each batch is made it asks again whether the access would be permitted
/// now; the first error ends it.
pub struct Release {
    node: Arc<Inner>,
    decided: Box<Decided>,
    plan: Arc<Plan>,
    batches: Option<Masked<Arc<Plan>>>,
    receipt: Receipt,
    clauses: Vec<String>,
}

impl Release {
    pub(crate) fn open(grant: Grant, receipt: Receipt) -> Result<Self, ReleaseError> {
        let Grant { node, decided, clauses, plan, table } = grant;
        Ok(Self {
            node,
            batches: Some(Masked::open(Arc::clone(&plan), &table)?),
            decided: Box::new(decided),
            plan,
            receipt,
            clauses,
        })
    }

    /// Where the permit stands in the log.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// The clauses that permit.
    #[must_use]
    pub fn clauses(&self) -> &[String] {
        &self.clauses
    }

    /// Uses of the contract, this one included.
    #[must_use]
    pub fn uses(&self) -> u64 {
        self.decided.uses.contract.saturating_add(1)
    }

    /// The columns that are released.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.plan.output_schema()
    }

    fn step(&mut self) -> Result<Option<RecordBatch>, ReleaseError> {
        self.check()?;
        let Some(batches) = &mut self.batches else { return Ok(None) };
        let Some(batch) = batches.next().transpose()? else { return Ok(None) };
        // WHY again: a filter may have read much of the table for this batch, and what ended
        // meanwhile must not be handed out.
        self.check()?;
        Ok(Some(batch))
    }

    fn check(&self) -> Result<(), ReleaseError> {
        if self.batches.is_none() {
            return Ok(());
        }
        // WHY: a revocation or termination could not be recorded any more, so nobody could stop us.
        self.node.log.check()?;
        let reasons = self.node.enter().still_stands(&self.decided)?;
        match reasons.first() {
            Some(reason) => Err(ReleaseError::Stopped { reason: reason.to_string() }),
            None => Ok(()),
        }
    }
}

impl Iterator for Release {
    type Item = Result<RecordBatch, ReleaseError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step().transpose();
        if !matches!(step, Some(Ok(_))) {
            self.batches = None;
        }
        step
    }
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Release").field("receipt", &self.receipt).finish_non_exhaustive()
    }
}
