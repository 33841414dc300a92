//! A governed scan as a description that another machine reads: for engines that run one plan in several places.
//!
//! A distributed engine (Ballista, for example) writes a physical plan on one machine and reads it on
//! others. All its steps are `DataFusion`'s, but for the scan: [`encode`] writes it and [`decode`] reads it back. What is
//! written names a product, the columns that are read, and the recorded permit: no row, no key, no duty, no path.
//! So a description opens nothing. It is read back where the data are, on a node that
//! [holds](Held) what it recorded a permit for, and gives that out to exactly this description, once.
//!
//! ```text
//! provider's node: request ─▶ permit, recorded ─▶ Release ─▶ GovernedView::permitted_by ─▶ HeldViews::hold
//! coordinator:     plan(query, views) ─▶ steps of DataFusion over scans ─▶ encode ─▶ bytes
//! provider's node: bytes ─▶ decode ─▶ HeldViews gives the view, once ─▶ rows that the duties leave
//! ```
//!
//! # A codec
//! The engine's `PhysicalExtensionCodec` (crate `datafusion-proto`, which this one does not build) is asked for the steps
//! that are not its own. These are the lines of one:
//! ```ignore
//! fn try_encode(&self, node: Arc<dyn ExecutionPlan>, buf: &mut Vec<u8>) -> Result<()> {
//!     buf.extend(encode(&node).map_err(|error| DataFusionError::External(error.into()))?);
//!     Ok(())
//! }
//! fn try_decode(&self, buf: &[u8], _: &[Arc<dyn ExecutionPlan>], _: &TaskContext) -> Result<Arc<dyn ExecutionPlan>> {
//!     decode(buf, &*self.held, || false).map_err(|error| DataFusionError::External(error.into()))
//! }
//! ```
//!
//! # What it leaves to others
//! [`plan`] has no limits and no watches: the engine that runs it has its own. A query with a correlated subquery can have
//! a step of this crate's own, which is not written. A description is not signed: it goes between machines of one
//! operator, or between such that know each other, and a changed one finds nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arrow_schema::Schema;
use datafusion::physical_plan::ExecutionPlan;
use dataspace_policy::Duty;
use dataspace_primitives::cbor::{self, DecodeError, EncodeError};
use dataspace_primitives::{Digest, Name, bounded};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::bridge::their_schema;
use crate::limits::Limits;
use crate::query_error::QueryError;
use crate::query_rows::bare_plan;
use crate::scan::GovernedScan;
pub use crate::scan_permit::ScanPermit;
use crate::text::Query;
use crate::view::{GovernedView, Views};

/// Longest description, in bytes.
pub const DESCRIPTION_LEN_MAX: usize = 1 << 20;

/// Most columns of one scan.
pub const SCAN_COLUMNS_MAX: usize = 4_096;

/// Most views that [`HeldViews`] holds at a time.
pub const HELD_MAX: usize = 1_024;

const VERSION: u8 = 1;

/// What one scan reads. It opens nothing by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ScanDescription {
    v: u8,
    permit: ScanPermit,
    /// Digest of all columns of the view: names, types, and whether values can be missing.
    schema: Digest,
    /// Those that are read, in the view's order. Of none, rows are counted.
    #[serde(deserialize_with = "bounded::list::<_, _, SCAN_COLUMNS_MAX>")]
    columns: Vec<Name>,
}

/// Why a scan is not described.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum DescribeError {
    /// The step is another one.
    #[error("the step is no governed scan")]
    NotAScan,
    /// Nobody said by which permit the view is read.
    #[error("the view has no permit; name it by `GovernedView::permitted_by`")]
    NoPermit,
    /// The view has no such column, or it is named twice or out of order.
    #[error("the columns are not some of the view's, in its order")]
    Columns,
    /// More than [`SCAN_COLUMNS_MAX`].
    #[error("a scan of {found} columns is not described; {SCAN_COLUMNS_MAX} are possible")]
    TooManyColumns {
        /// Columns of the scan.
        found: usize,
    },
    /// It cannot be written.
    #[error("the description cannot be written")]
    Encode(#[from] EncodeError),
    /// Longer than [`DESCRIPTION_LEN_MAX`].
    #[error("the description has {len} bytes; {DESCRIPTION_LEN_MAX} are possible")]
    Len {
        /// Its bytes.
        len: usize,
    },
}

/// Why a description is not read back.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ScanError {
    /// It is malformed, too long, or not in its one encoding.
    #[error("the bytes are no description of a scan")]
    Malformed(#[from] DecodeError),
    /// Of another version.
    #[error("the description is of version {found}, which is not read here")]
    Version {
        /// The version.
        found: u8,
    },
    /// Nothing is held here for it: never, no longer, or for another one that differs from it.
    #[error("nothing is held here for this scan; ask for a permit")]
    NotHeld,
    /// What is held is not what is described: a defect of the one who holds it.
    #[error("what is held for this scan is something else")]
    OtherView,
    /// It cannot be opened.
    #[error("the view cannot be opened")]
    Open(#[source] Box<QueryError>),
}

/// Why a view is not held.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HoldError {
    /// It cannot be described.
    #[error(transparent)]
    Describe(#[from] DescribeError),
    /// One is held for the same scan.
    #[error("a view is held for this scan already")]
    Twice,
    /// As many as [`HELD_MAX`] are held.
    #[error("{HELD_MAX} views are held; let one of them go first")]
    Full,
}

/// What a node holds: views for which it recorded permits.
pub trait Held: Send + Sync {
    /// The view for exactly this scan, and no second time: who has it reads it. `None` for every other scan.
    fn give(&self, scan: &ScanDescription) -> Option<GovernedView>;
}

/// Views by the scans for which they are held, in memory. What is not asked for stays until it is
/// [let go](Self::let_go), or this is dropped.
#[derive(Default)]
pub struct HeldViews(Mutex<BTreeMap<ScanDescription, GovernedView>>);

impl HeldViews {
    /// None.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds a view for a scan of some of its columns; the description by which it is given out.
    ///
    /// # Errors
    /// [`HoldError`] if such a scan cannot be described, or one more cannot be held.
    pub fn hold(
        &self,
        view: GovernedView,
        columns: &BTreeSet<Name>,
    ) -> Result<ScanDescription, HoldError> {
        let scan = ScanDescription::of(&view, columns)?;
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.contains_key(&scan) {
            return Err(HoldError::Twice);
        }
        if held.len() >= HELD_MAX {
            return Err(HoldError::Full);
        }
        held.insert(scan.clone(), view);
        Ok(scan)
    }

    /// Lets a view go that nobody asked for. Returns true if it was held.
    pub fn let_go(&self, scan: &ScanDescription) -> bool {
        self.give(scan).is_some()
    }
}

impl Held for HeldViews {
    fn give(&self, scan: &ScanDescription) -> Option<GovernedView> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(scan)
    }
}

impl fmt::Debug for HeldViews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner).len();
        f.debug_struct("HeldViews").field("held", &held).finish()
    }
}

impl ScanDescription {
    /// A scan of some columns of a view.
    ///
    /// # Errors
    /// [`DescribeError`] if the view has no permit, or no such columns.
    pub fn of(view: &GovernedView, columns: &BTreeSet<Name>) -> Result<Self, DescribeError> {
        let columns: Vec<_> =
            view.names().iter().filter(|name| columns.contains(*name)).cloned().collect();
        Self::new(view, columns)
    }

    fn new(view: &GovernedView, columns: Vec<Name>) -> Result<Self, DescribeError> {
        if columns.len() > SCAN_COLUMNS_MAX {
            return Err(DescribeError::TooManyColumns { found: columns.len() });
        }
        let permit = view.permit().ok_or(DescribeError::NoPermit)?.clone();
        Ok(Self { v: VERSION, permit, schema: schema_digest(&view.schema())?, columns })
    }

    /// The permit by which it is read.
    #[must_use]
    pub fn permit(&self) -> &ScanPermit {
        &self.permit
    }

    /// The columns that are read, in the view's order.
    #[must_use]
    pub fn columns(&self) -> &[Name] {
        &self.columns
    }

    /// In canonical CBOR.
    ///
    /// # Errors
    /// [`DescribeError`] if it is too long.
    pub fn to_bytes(&self) -> Result<Vec<u8>, DescribeError> {
        let bytes = cbor::to_canonical(self)?;
        if bytes.len() > DESCRIPTION_LEN_MAX {
            return Err(DescribeError::Len { len: bytes.len() });
        }
        Ok(bytes)
    }

    /// Reads a description, without believing anything in it.
    ///
    /// # Errors
    /// [`ScanError`] if it is none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ScanError> {
        let scan: Self = cbor::from_canonical(bytes, DESCRIPTION_LEN_MAX)?;
        if scan.v == VERSION { Ok(scan) } else { Err(ScanError::Version { found: scan.v }) }
    }
}

/// Digest of the duties of a contract, in their order.
///
/// # Errors
/// [`EncodeError`] never for duties that can be signed.
pub fn duties_digest(duties: &[Duty]) -> Result<Digest, EncodeError> {
    let mut bytes = b"dataspace/scan-duties/v1\0".to_vec();
    bytes.extend(cbor::to_canonical(&duties)?);
    Ok(Digest::of(&bytes))
}

fn schema_digest(schema: &Schema) -> Result<Digest, EncodeError> {
    let fields = schema.fields().iter();
    let columns: Vec<(&str, String, bool)> = fields
        .map(|field| (field.name().as_str(), field.data_type().to_string(), field.is_nullable()))
        .collect();
    let mut bytes = b"dataspace/scan-schema/v1\0".to_vec();
    bytes.extend(cbor::to_canonical(&columns)?);
    Ok(Digest::of(&bytes))
}

/// The plan of a query over views, in steps of the engine's: each of its scans can be described, if its view has
/// a permit. Nothing is opened.
///
/// # Errors
/// [`QueryError`] if the query does not fit the views.
pub fn plan(query: &Query, views: &Views) -> Result<Arc<dyn ExecutionPlan>, QueryError> {
    bare_plan(query, views, &Limits::default())
}

/// The description of a step, in bytes.
///
/// # Errors
/// [`DescribeError`] if it is no governed scan, or its view has no permit.
pub fn encode(step: &Arc<dyn ExecutionPlan>) -> Result<Vec<u8>, DescribeError> {
    let scan = step.downcast_ref::<GovernedScan>().ok_or(DescribeError::NotAScan)?;
    let (view, places) = (scan.view(), scan.columns());
    if !places.is_sorted_by(|one, next| one < next) {
        return Err(DescribeError::Columns);
    }
    let columns = places.iter().map(|place| view.names().get(*place).cloned());
    let columns: Option<Vec<_>> = columns.collect();
    ScanDescription::new(view, columns.ok_or(DescribeError::Columns)?)?.to_bytes()
}

/// The scan that is described, open: the rows of what is held for it. `is_over` is asked before each batch.
///
/// # Errors
/// [`ScanError`] if the bytes are no description, or nothing is held for exactly this one.
pub fn decode(
    bytes: &[u8],
    held: &dyn Held,
    is_over: impl Fn() -> bool + Send + Sync + 'static,
) -> Result<Arc<dyn ExecutionPlan>, ScanError> {
    let scan = ScanDescription::from_bytes(bytes)?;
    let view = held.give(&scan).ok_or(ScanError::NotHeld)?;
    // WHY again: who holds it is another's code.
    let columns: BTreeSet<_> = scan.columns.iter().cloned().collect();
    if ScanDescription::of(&view, &columns).ok().as_ref() != Some(&scan) {
        return Err(ScanError::OtherView);
    }
    let names = view.names().iter().enumerate();
    let places: Vec<usize> =
        names.filter(|(_, name)| columns.contains(*name)).map(|(place, _)| place).collect();
    let schema = their_schema(&view.schema()).ok_or(ScanError::OtherView)?;
    let schema = schema.project(&places).map_err(|_| ScanError::OtherView)?;
    let name = scan.permit.product.as_str().to_owned();
    let scan = GovernedScan::new((name, view), places, Arc::new(schema), &(Arc::new(is_over) as _));
    scan.open().map_err(|error| ScanError::Open(Box::new(error)))?;
    Ok(Arc::new(scan))
}
