//! The data that a permit opened, and their release.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use dataspace_audit_log::append::AppendError;
use dataspace_data_plane::{Delivery, Piece, errors::RunError};
use thiserror::Error;

use crate::access::asked::{Decided, Receipt};
use crate::clock::ClockError;
use crate::contracts::Active;
use crate::node::Inner;

/// Data that were opened, with the contract's duties on them; nothing was read yet.
pub(crate) struct OpenData {
    pub(crate) data: Box<dyn Delivery>,
    pub(crate) _slot: Slot,
}

/// The grant behind a permit.
pub(crate) struct Grant {
    /// Not kept open by what is kept for later.
    pub(crate) node: Weak<Inner>,
    pub(crate) decided: Box<Decided>,
    /// The clauses that permit.
    pub(crate) clauses: Vec<String>,
    pub(crate) data: Box<OpenData>,
}

/// One of the releases that a contract may have open.
pub(crate) struct Slot(Arc<Active>);

impl Slot {
    /// `None` if `limit` are taken.
    pub(crate) fn take(active: &Arc<Active>, limit: u32) -> Option<Self> {
        let one_more = |open: u32| (open < limit).then(|| open.saturating_add(1));
        active.open.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
        Some(Self(Arc::clone(active)))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The data of one recorded permit, with the contract's duties carried out: an iterator over
/// batches. Before and after each batch it checks again that the access is still permitted; the first
/// error ends it.
///
/// It does not keep the node open: it ends when the last [`DataSpace`](crate::DataSpace) of the node
/// is dropped. [`Setup::open_releases_max`](crate::Setup::open_releases_max) limits how many of them a
/// contract may have open at a time.
pub struct Release {
    node: Weak<Inner>,
    decided: Box<Decided>,
    schema: Option<SchemaRef>,
    data: Option<Box<OpenData>>,
    receipt: Receipt,
    clauses: Vec<String>,
}

/// Why a release stops.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// The contract ended, or a membership was revoked, while data was being released.
    #[error("the release is stopped: {reason}")]
    Stopped {
        /// Why, in plain words.
        reason: String,
    },
    /// The node is closed: its last [`DataSpace`](crate::DataSpace) was dropped.
    #[error("the release is stopped because the node is closed")]
    Closed,
    /// The clock is wrong.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The log no longer takes records, so nothing could end the contract.
    #[error("the release is stopped because the audit log failed")]
    Log(#[from] AppendError),
    /// The product is not a table, so there are no batches: take its pieces.
    #[error("the product is not a table; read it by `Release::next_piece`")]
    NotRows,
    /// The data cannot be read, or the duties cannot be carried out on it.
    #[error("the release failed")]
    Run(#[from] RunError),
}

impl Release {
    pub(crate) fn new(grant: Grant, receipt: Receipt) -> Self {
        let Grant { node, decided, clauses, data } = grant;
        let schema = data.data.schema();
        Self { node, decided, schema, data: Some(data), receipt, clauses }
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

    /// The columns that are released; `None` if the product is not a table.
    #[must_use]
    pub fn schema(&self) -> Option<SchemaRef> {
        self.schema.clone()
    }

    /// The next piece, of whatever kind the product is; `None` at the end. An error ends the release.
    ///
    /// # Errors
    /// [`ReleaseError`], as for each batch.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, ReleaseError> {
        let step = self.step();
        if !matches!(step, Ok(Some(_))) {
            self.data = None;
        }
        step
    }

    fn step(&mut self) -> Result<Option<Piece>, ReleaseError> {
        if self.data.is_none() {
            return Ok(None);
        }
        self.check()?;
        let Some(data) = &mut self.data else { return Ok(None) };
        let Some(piece) = data.data.next()? else { return Ok(None) };
        // WHY again: a filter may have read much of the table for this batch, and what ended
        // meanwhile must not be handed out.
        self.check()?;
        Ok(Some(piece))
    }

    fn check(&self) -> Result<(), ReleaseError> {
        let node = self.node.upgrade().ok_or(ReleaseError::Closed)?;
        // WHY: a revocation or termination could no longer be recorded, so nobody could stop us.
        node.log.check()?;
        let reasons = node.enter().still_stands(&self.decided)?;
        match reasons.first() {
            Some(reason) => Err(ReleaseError::Stopped { reason: reason.to_string() }),
            None => Ok(()),
        }
    }
}

impl Iterator for Release {
    type Item = Result<RecordBatch, ReleaseError>;

    /// The next batch of rows; for other kinds of products, see [`Release::next_piece`].
    fn next(&mut self) -> Option<Self::Item> {
        match self.next_piece().transpose()? {
            Ok(Piece::Rows(batch)) => Some(Ok(batch)),
            Ok(_) => {
                self.data = None;
                Some(Err(ReleaseError::NotRows))
            }
            Err(error) => Some(Err(error)),
        }
    }
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Release").field("receipt", &self.receipt).finish_non_exhaustive()
    }
}
