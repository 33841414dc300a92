//! The data that a permit opened, and their release.

use std::fmt;
use std::sync::{Arc, Weak};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use dataspace_audit_log::append::AppendError;
use dataspace_data_plane::{Delivery, Piece, csv_rows, errors::RunError, render::WriteError};
use dataspace_policy::Meters;
#[cfg(feature = "sealed")]
use dataspace_primitives::Name;
use dataspace_primitives::UnixMillis;
use dataspace_tlog::{LeafIndex, record::ReleaseEnd};
#[cfg(feature = "sealed")]
use dataspace_usage_contract::ContractId;
use thiserror::Error;

use crate::access::asked::{Decided, Receipt};
use crate::access::report::Account;
use crate::access::resumes::Kept;
use crate::access::skip::{Changed, Skip};
use crate::access::slot::Slot;
use crate::access::turns::Left;
use crate::clock::ClockError;
use crate::exchange::METERED_LOST_MAX;
use crate::node::Inner;

/// Data that were opened, with the contract's duties on them; nothing was read yet.
pub(crate) struct OpenData {
    pub(crate) data: Box<dyn Delivery>,
    pub(crate) slot: Arc<Slot>,
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

/// The data of one recorded permit, with the contract's duties carried out: an iterator over
/// batches. Before and after each batch it checks again that the access is still permitted; the first
/// error ends it.
///
/// When it ends, or is dropped, a report of what left goes to the log: how it ended, pieces, rows, bytes,
/// a digest, and the version of the content ([`ReleaseReport`](dataspace_tlog::record::ReleaseReport)). Nothing waits for that, and
/// it is no error of the release if it fails: an [`Observer`](crate::Observer) is told.
///
/// It does not keep the node open: it ends when the last [`DataSpace`](crate::DataSpace) of the node
/// is dropped. [`Setup::open_releases_max`](crate::Setup::open_releases_max) limits how many of them a
/// contract may have open at a time.
pub struct Release {
    node: Weak<Inner>,
    decided: Arc<Decided>,
    schema: Option<SchemaRef>,
    data: Option<Box<OpenData>>,
    receipt: Receipt,
    clauses: Vec<String>,
    account: Box<Account>,
    /// What the consumer has already, of a release that is resumed.
    skip: Option<Box<Skip>>,
    /// The result of the last check that found nothing: the state's age, and the time.
    checked: Option<(u64, UnixMillis)>,
    /// True once the last piece of the data was read.
    is_read: bool,
    /// True once the persons were counted before the first piece.
    is_admitted: bool,
}

/// Text of rows in one part, about; a row is never cut.
const ROWS_LEN: usize = 1 << 18;

/// A piece on its way out.
pub(crate) struct Leaving {
    pub(crate) piece: Piece,
    /// The text of rows, in parts of about [`ROWS_LEN`] bytes.
    pub(crate) texts: Vec<Vec<u8>>,
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
    /// The consumer asked for what it gets to be sealed.
    #[error("the consumer asked for a sealed file; write it by `Release::seal_to`")]
    SealedOnly,
    /// The consumer resumed the release: it goes on there, and no more leaves here.
    #[error("the release was resumed, and goes on there")]
    TakenOver,
    /// The consumer has a part of other data.
    #[error("the data changed since the release broke off")]
    Changed,
    /// A kind of piece that this version does not know, or rows of a type that has no text.
    #[error("the data are of a kind that cannot be released")]
    Kind,
    /// More persons would leave in this calendar year than a duty says; nothing left.
    #[error("more persons would leave in this calendar year than were agreed")]
    TooManyPersons,
    /// The data cannot be read, or the duties cannot be carried out on it.
    #[error("the release failed")]
    Run(#[from] RunError),
}

impl Release {
    pub(crate) fn new(grant: Grant, receipt: Receipt) -> Self {
        let Grant { node, decided, clauses, data } = grant;
        let schema = data.data.schema();
        let told = (data.data.version(), data.data.subjects());
        let access = (receipt.index, receipt.contract);
        let request = decided.asked.digest;
        let account = Box::new(Account::open(Weak::clone(&node), request, access, told));
        Self::turn((node, Arc::from(decided)), schema, data, (receipt, clauses), account)
    }

    /// The next turn at a release.
    pub(crate) fn resumed(
        node: Weak<Inner>,
        Kept { decided, clauses, receipt, .. }: Kept,
        (data, account): (Box<OpenData>, Account),
        skip: Skip,
    ) -> Self {
        let (schema, account) = (data.data.schema(), Box::new(account));
        let turn = Self::turn((node, decided), schema, data, (receipt, clauses), account);
        Self { skip: Some(Box::new(skip)), ..turn }
    }

    fn turn(
        (node, decided): (Weak<Inner>, Arc<Decided>),
        schema: Option<SchemaRef>,
        data: Box<OpenData>,
        (receipt, clauses): (Receipt, Vec<String>),
        account: Box<Account>,
    ) -> Self {
        Self {
            node,
            decided,
            schema,
            data: Some(data),
            receipt,
            clauses,
            account,
            skip: None,
            checked: None,
            is_read: false,
            is_admitted: false,
        }
    }

    pub(crate) fn node(&self) -> Option<Arc<Inner>> {
        self.node.upgrade()
    }

    /// What it is resumed with, while it is open. `None` of data without a version: they might be others the next time.
    pub(crate) fn kept(&self) -> Option<Kept> {
        self.account.shared().version?;
        let slot = Arc::downgrade(&self.data.as_ref()?.slot);
        let (decided, shared) = (Arc::clone(&self.decided), Arc::clone(self.account.shared()));
        let (clauses, receipt) = (self.clauses.clone(), self.receipt.clone());
        let is_metered = decided.asked.active.contract.meters() != Meters::default();
        let lost_max = if is_metered { METERED_LOST_MAX } else { u64::MAX };
        Some(Kept { decided, clauses, receipt, shared, lost_max, slot })
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

    /// Plays of the contract with this access; `None` if it counts none.
    #[must_use]
    pub fn plays(&self) -> Option<u64> {
        self.decided.uses.metered.plays
    }

    /// Seconds that were asked for under the contract, with those of this access; `None` if it counts none.
    #[must_use]
    pub fn seconds(&self) -> Option<u64> {
        self.decided.uses.metered.seconds
    }

    /// The columns that are released; `None` if the product is not a table.
    #[must_use]
    pub fn schema(&self) -> Option<SchemaRef> {
        self.schema.clone()
    }

    /// The record of the report of what left, once the release has ended; `None` before, or if it could not be
    /// written. With [`DataSpace::evidence_at`](crate::DataSpace::evidence_at) it shows what left, once it is durable: after the next
    /// access or change, or when the node is tended.
    #[must_use]
    pub fn report(&self) -> Option<LeafIndex> {
        self.account.index()
    }

    /// Waits until the report is durable.
    pub(crate) fn wait_report(&mut self) -> Result<Option<LeafIndex>, AppendError> {
        self.account.wait()
    }

    /// The next piece, of whatever kind the product is; `None` at the end. An error ends the release.
    ///
    /// # Errors
    /// [`ReleaseError`], as for each batch.
    pub fn next_piece(&mut self) -> Result<Option<Piece>, ReleaseError> {
        self.next_as(|leaving| Ok(leaving.piece))
    }

    /// Returns true if the consumer asked for a sealed file: then nothing leaves in plain.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.seal_for().is_some()
    }

    /// The key for which the consumer's signed request asks to seal.
    pub(crate) fn seal_for(&self) -> Option<&[u8; 32]> {
        self.decided.asked.request.value().seal_for.as_deref()
    }

    /// For which contract and product a file of it is sealed.
    #[cfg(feature = "sealed")]
    pub(crate) fn sealed_as(&self) -> (ContractId, &Name) {
        (self.receipt.contract, self.decided.asked.active.contract.product())
    }

    /// The next piece in another form. A piece that cannot be given that form does not leave.
    pub(crate) fn next_as<T, E: From<ReleaseError>>(
        &mut self,
        form: impl FnOnce(Leaving) -> Result<T, E>,
    ) -> Result<Option<T>, E> {
        let is_sealed = self.is_sealed();
        let mut skip = self.skip.take();
        let next = self.next_left(|leaving, left| {
            let Some(mut leaving) = leaving else {
                return match &skip {
                    Some(skip) => Ok(skip.check().map(|()| None).map_err(ReleaseError::from)?),
                    None => Ok(None),
                };
            };
            if is_sealed {
                return Err(ReleaseError::SealedOnly.into());
            }
            let left = match &leaving.piece {
                Piece::Rows(batch) => {
                    left.and(batch.num_rows(), leaving.texts.iter().map(Vec::as_slice))
                }
                Piece::Bytes { bytes, .. } => left.and(0, [&**bytes]),
                _ => return Err(ReleaseError::Kind.into()),
            };
            if let Some(skip) = &mut skip {
                let cut = skip.cut(&mut leaving.piece, &mut leaving.texts);
                cut.map_err(ReleaseError::from)?;
            }
            Ok(Some((form(leaving)?, left)))
        });
        self.skip = skip;
        next
    }

    /// What leaves next, made of the next piece, or of nothing after the last one; with the account of all that
    /// has left then. Ends where nothing is made of nothing.
    pub(crate) fn next_left<T, E: From<ReleaseError>>(
        &mut self,
        form: impl FnOnce(Option<Leaving>, &Left) -> Result<Option<(T, Left)>, E>,
    ) -> Result<Option<T>, E> {
        let (next, end) = match self.step(form) {
            Ok(Some(formed)) => return Ok(Some(formed)),
            Ok(None) => (Ok(None), ReleaseEnd::Whole),
            Err(Failed(end, error)) => (Err(error), end),
        };
        self.data = None;
        self.account.end(end);
        next
    }

    fn step<T, E: From<ReleaseError>>(
        &mut self,
        form: impl FnOnce(Option<Leaving>, &Left) -> Result<Option<(T, Left)>, E>,
    ) -> Result<Option<T>, Failed<E>> {
        if self.data.is_none() {
            return Ok(None);
        }
        self.check()?;
        // WHY not each time: there may be no more, and nobody who would leave in a year that began.
        if !self.is_admitted {
            self.admit()?;
            self.is_admitted = true;
        }
        let Some(data) = &mut self.data else { return Ok(None) };
        let piece =
            if self.is_read { None } else { data.data.next().map_err(ReleaseError::from)? };
        self.is_read = piece.is_none();
        let leaving = match piece {
            Some(Piece::Rows(batch)) => {
                let texts = csv_rows(&batch, ROWS_LEN).map_err(ReleaseError::from)?;
                Some(Leaving { piece: Piece::Rows(batch), texts })
            }
            Some(piece) => Some(Leaving { piece, texts: Vec::new() }),
            None => None,
        };
        let formed = form(leaving, self.account.left());
        let formed = formed.map_err(|error| Failed(ReleaseEnd::Failed, error))?;
        let Some((formed, left)) = formed else { return Ok(None) };
        // WHY again: a filter may have read much of the table for this batch, and what ended
        // meanwhile must not be handed out; nor persons in a year that began.
        self.check()?;
        self.admit()?;
        let subjects = self.data.as_ref().and_then(|data| data.data.subjects());
        if !self.account.set(left.about(subjects)) {
            return Err(ReleaseError::TakenOver.into());
        }
        Ok(Some(formed))
    }

    /// Counts the persons who are to leave, before the first piece, and in each year in which one leaves.
    fn admit(&mut self) -> Result<(), ReleaseError> {
        let Some(data) = &mut self.data else { return Ok(()) };
        let node = self.node.upgrade().ok_or(ReleaseError::Closed)?;
        data.data.admit(&*node).map_err(|error| match error {
            RunError::TooManyPersons => ReleaseError::TooManyPersons,
            error => ReleaseError::Run(error),
        })
    }

    fn check(&mut self) -> Result<(), ReleaseError> {
        let node = self.node.upgrade().ok_or(ReleaseError::Closed)?;
        if !self.account.is_current() {
            return Err(ReleaseError::TakenOver);
        }
        // WHY: a revocation or termination could no longer be recorded, so nobody could stop us.
        node.log.check()?;
        let monitor = node.enter();
        let seen = (monitor.state.age(), node.clock.now()?);
        // WHY: what is decided follows from the state and the time alone, and both are the same.
        if self.checked == Some(seen) {
            return Ok(());
        }
        if let Some(reason) = monitor.still_stands(&self.decided, seen.1).first() {
            return Err(ReleaseError::Stopped { reason: reason.to_string() });
        }
        self.checked = Some(seen);
        Ok(())
    }
}

/// Why there is no next piece, and how the release ended by it.
struct Failed<E>(ReleaseEnd, E);

impl<E: From<ReleaseError>> From<ReleaseError> for Failed<E> {
    fn from(error: ReleaseError) -> Self {
        let end = match error {
            ReleaseError::Stopped { .. } => ReleaseEnd::Stopped,
            _ => ReleaseEnd::Failed,
        };
        Self(end, error.into())
    }
}

impl From<Changed> for ReleaseError {
    fn from(_: Changed) -> Self {
        Self::Changed
    }
}

impl From<WriteError> for ReleaseError {
    fn from(_: WriteError) -> Self {
        Self::Kind
    }
}

impl Iterator for Release {
    type Item = Result<RecordBatch, ReleaseError>;

    /// The next batch of rows; for other kinds of products, see [`Release::next_piece`].
    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_as(|leaving| match leaving.piece {
            Piece::Rows(batch) => Ok(batch),
            _ => Err(ReleaseError::NotRows),
        });
        next.transpose()
    }
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Release").field("receipt", &self.receipt).finish_non_exhaustive()
    }
}
