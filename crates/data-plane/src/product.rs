//! What stands behind a product, whatever kind of data it is.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use bytes::Bytes;
use dataspace_policy::{Action, Duty};
use dataspace_primitives::{Digest, Part, Secrets};
use thiserror::Error;

use crate::counting::Counting;
use crate::plan::Plan;
use crate::plan_error::{PartError, PlanError};
pub use crate::recipient::Recipient;
use crate::run::Masked;
use crate::run_error::RunError;
use crate::subjects::{Admission, NotAdmitted};
use crate::table::Table;

/// What a provider has behind a product: a [`Table`], a [`MediaFile`](crate::MediaFile), or a kind of its
/// own. Whatever it gives out has every duty of the contract carried out on it, or it gives nothing.
pub trait Product: Send + Sync {
    /// A digest over what contracts rely on; a product that is registered again must have the same.
    fn descriptor_digest(&self) -> Digest;

    /// SHA-256 of the one file that stands behind it for ever, if it is made of one.
    fn file_digest(&self) -> Option<Digest> {
        None
    }

    /// The actions that the product itself forbids, whatever contracts permit. They are recorded with its
    /// registration, so that an auditor decides by them, too; they may become more, and never fewer.
    fn forbids(&self) -> BTreeSet<Action> {
        BTreeSet::new()
    }

    /// Checks that every duty can be carried out here in full.
    ///
    /// # Errors
    /// [`PlanError`] with the first one that cannot.
    fn check(&self, duties: &[Duty]) -> Result<(), PlanError>;

    /// Seconds of the recording; a last one that is not whole counts. `None` if it gives out no stretches of seconds, so
    /// that no contract can count them.
    fn seconds(&self) -> Option<u32> {
        None
    }

    /// Gets ready to be opened, however long it takes: a table reads a file that changed to its end, once. A node
    /// calls it before each access, outside of every lock. What it finds wrong, [`open`](Self::open) says.
    fn look_over(&self) {}

    /// Opens the data, or a part of them, with the duties carried out. Nothing beyond the part is given
    /// out. Whatever is secret in how they are follows from the secrets and from the recipient.
    ///
    /// # Errors
    /// [`ProductError`] if a duty cannot be carried out, there is no such part, or the data cannot be
    /// read.
    fn open(
        &self,
        duties: &[Duty],
        part: Option<&Part>,
        secrets: &dyn Secrets,
        recipient: Recipient<'_>,
    ) -> Result<Box<dyn Delivery>, ProductError>;
}

/// Data on their way to a consumer, piece by piece. Between two pieces it is asked again whether more
/// may leave.
pub trait Delivery: Send {
    /// Counts the persons who are to leave, if a duty says so. It is called before each piece is asked for: the first time
    /// it reads them all, which takes its time; later it does nothing, unless another year has begun, in which they are
    /// counted, too. Without it, such a delivery gives no piece. One that is made of another one passes this on.
    ///
    /// # Errors
    /// [`RunError`] if they are too many, or cannot be counted; then no piece comes.
    fn admit(&mut self, _admission: &dyn Admission) -> Result<(), RunError> {
        Ok(())
    }

    /// The next piece; `None` at the end, and after an error.
    ///
    /// # Errors
    /// [`RunError`] if the data cannot be read to their end.
    fn next(&mut self) -> Result<Option<Piece>, RunError>;

    /// The columns of the rows, if these are rows.
    fn schema(&self) -> Option<SchemaRef> {
        None
    }

    /// Which version of the product's content is read; `None` if the product does not tell. It stands in
    /// the report of the release.
    fn version(&self) -> Option<Version> {
        None
    }

    /// How many different subjects (persons, vehicles, samples) are behind the pieces that were given out so far; `None` where no
    /// duty names a column that says so. It stands in the report of the release.
    fn subjects(&self) -> Option<u64> {
        None
    }
}

/// Which version of a product's content is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// SHA-256 of all of it, which everybody may see: of content that hides nothing.
    Content(Digest),
    /// A digest that is another one if the content is: of what a file system says of a file (its length and
    /// number, and when it changed), for instance. It may tell of hidden data, and a node shows no more of it
    /// than a stamp under its own key.
    State(Digest),
}

/// A piece of what leaves.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Piece {
    /// Rows of a table, at most [`BATCH_ROWS`](crate::chunk::BATCH_ROWS).
    Rows(RecordBatch),
    /// Bytes of a file.
    Bytes {
        /// Where they begin in the file; of a stretch of seconds, which is a file of its own, in that.
        at: u64,
        /// At most [`MEDIA_PIECE_LEN`](crate::media::MEDIA_PIECE_LEN).
        bytes: Bytes,
    },
}

/// Why a product gives nothing out.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ProductError {
    /// A duty cannot be carried out.
    #[error(transparent)]
    Duty(#[from] PlanError),
    /// There is no such part.
    #[error(transparent)]
    Part(#[from] PartError),
    /// The data cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl Product for Table {
    fn descriptor_digest(&self) -> Digest {
        Table::descriptor_digest(self)
    }

    fn check(&self, duties: &[Duty]) -> Result<(), PlanError> {
        Plan::check(duties, &self.schema())
    }

    fn look_over(&self) {
        let _found_again_by_open = Table::look_over(self);
    }

    fn open(
        &self,
        duties: &[Duty],
        part: Option<&Part>,
        secrets: &dyn Secrets,
        recipient: Recipient<'_>,
    ) -> Result<Box<dyn Delivery>, ProductError> {
        let mut plan = Plan::compile(duties, &self.schema(), secrets, recipient)?;
        let mut rows_max = None;
        match part {
            None => {}
            Some(Part::Rows { columns, rows_max: limit }) => {
                if let Some(columns) = columns {
                    plan.restrict(columns)?;
                }
                rows_max = *limit;
            }
            Some(Part::Bytes { .. }) => return Err(PartError::Kind { asked: "bytes" }.into()),
            Some(Part::Seconds { .. }) => return Err(PartError::Kind { asked: "seconds" }.into()),
        }
        let plan = Arc::new(plan);
        let schema = plan.output_schema();
        let counting = Counting::open(&plan, self, rows_max)?;
        let rows = Masked::open_seen(Arc::clone(&plan), self)?.at_most(rows_max);
        let version = rows.version().map(Version::State);
        Ok(Box::new(TableDelivery { plan, schema, counting, year: None, rows, version }))
    }
}

struct TableDelivery {
    plan: Arc<Plan>,
    schema: SchemaRef,
    /// Until the persons are counted, if they are to be.
    counting: Option<Counting>,
    /// The last year in which they were.
    year: Option<u16>,
    rows: Masked<Arc<Plan>>,
    version: Option<Version>,
}

impl Delivery for TableDelivery {
    fn admit(&mut self, admission: &dyn Admission) -> Result<(), RunError> {
        let Some(persons) = self.plan.persons() else { return Ok(()) };
        let refused = |not| match not {
            NotAdmitted::TooMany => RunError::TooManyPersons,
            NotAdmitted::Unavailable(source) => RunError::Register(source),
        };
        if let Some(counting) = self.counting.take() {
            self.rows.admit(counting.count(&self.plan)?);
        }
        // WHY after they were read: that takes its time, in which a year may begin.
        let year = admission.year(&persons.duty).map_err(|not| {
            self.rows.withdraw();
            refused(not)
        })?;
        if self.year != Some(year)
            && let Some(all) = self.rows.admitted().filter(|all| !all.is_empty())
        {
            // WHY all of them, also in the midst of the rows: those who left before are counted once
            // too often rather than somebody not at all.
            if let Err(not) = admission.admit(&persons.duty, year, all) {
                self.rows.withdraw();
                return Err(refused(not));
            }
        }
        self.year = Some(year);
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Piece>, RunError> {
        Ok(self.rows.next().transpose()?.map(Piece::Rows))
    }

    fn schema(&self) -> Option<SchemaRef> {
        Some(Arc::clone(&self.schema))
    }

    fn version(&self) -> Option<Version> {
        self.version
    }

    fn subjects(&self) -> Option<u64> {
        self.rows.subjects()
    }
}
