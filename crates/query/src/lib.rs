//! SQL over what the duties of contracts leave of tables.
//!
//! A [`GovernedView`] gives out the rows of one product that may leave under one contract, and nothing else.
//! A [`Query`] is a text that is taken as one; it runs over [`Views`], of one provider or of several, each
//! under a contract of its own, and gives [`QueryRows`]. The plan of a query lies above the views and never
//! below: a view is told which columns are needed, and gives them after filters, masks and the order of rows.
//!
//! # What it refuses to do
//! It takes one `SELECT`, with `WITH` if need be, and no other statement; no `EXPLAIN`, no settings, no
//! schemas or catalogues, no files, no functions that give tables. What a text may consist of is a list, and
//! all that is not on it is refused: no regular expressions, no texts joined or repeated, no
//! [`functions`] that read a clock or make random numbers, none that are not listed. It reads no
//! clock, starts no thread, writes no file and reaches no network. It knows no contract and asks for no
//! permit: before a query runs, its caller has one for each of [`Query::views`], all or none, and a query that
//! fails has used them.
//!
//! # Example
//! ```
//! use std::sync::Arc;
//!
//! use dataspace_data_plane::{Table, product::Recipient};
//! use dataspace_policy::{ColumnMask, Duty, MaskMethod};
//! use dataspace_query::{GovernedView, Limits, Query, Views};
//!
//! # use dataspace_primitives::{Secrets, Zeroizing, secrets::SecretsError};
//! # struct OfNode;
//! # impl Secrets for OfNode {
//! #     fn derive(&self, _: &str, _: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
//! #         Ok(Zeroizing::new([7; 32]))
//! #     }
//! # }
//! # let directory = tempfile::tempdir()?;
//! # let path = directory.path().join("trips.csv");
//! # std::fs::write(&path, "driver,city,km\nann,Ulm,12\nbob,Ulm,30\ncy,Bonn,7\n")?;
//! let trips = Arc::new(Table::open(&path)?); // driver, city, km
//! let method = MaskMethod::Drop;
//! let duties = vec![Duty::Mask(ColumnMask { column: "driver".parse()?, method })];
//! let recipient = Recipient { contract: b"contract", consumer: "did:web:lab.example" };
//! let view = GovernedView::of_table(trips, duties, Arc::new(OfNode), recipient)?;
//! let views = Views::new().with(&"trips".parse()?, view)?;
//!
//! let query = Query::parse("SELECT city, sum(km) AS km FROM trips GROUP BY city ORDER BY city")?;
//! assert!(query.views().contains("trips"));
//! let is_over = || false; // the caller's clock, or a permit that is withdrawn
//! let batches = query.run(&views, Limits::default(), is_over)?.collect::<Result<Vec<_>, _>>()?;
//! assert_eq!(dataspace_data_plane::preview(&batches, 9, 80), "city  km\nBonn   7\nUlm   42\n");
//!
//! let error = Query::parse("SELECT driver FROM trips")?.run(&views, Limits::default(), is_over);
//! assert_eq!(error.unwrap_err().to_string(), "there is no column `driver`");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What holds of a result
//! - It follows from the text, the limits and the rows that leave, and so do its errors and the order of
//!   both. Above the view, rows are put into batches of one size, as the last digit of a sum of floats
//!   depends on where batches end.
//! - The rows of a view come in the contract's order, and that of a projection follows from the columns that
//!   are read. A query keeps it through filters and projections. After a join, a group or a set the order is
//!   the engine's: the same each time, but promised only by `ORDER BY`. Rows that are equal in what is
//!   sorted by stand in no order that is promised.
//! - All views are opened before the first row is read; if one cannot be opened, none is read. A view that is
//!   named twice is opened twice.
//! - Names without quotes are in lower case, as in PostgreSQL. Sums of whole numbers wrap around at the ends
//!   of 64 bits; other overflows, divisions of whole numbers by zero and casts that fail are errors.
//!
//! # Limits
//! - [`limits`] bounds texts, before and after each `WITH` is written out, rows, and columns of a step.
//!   [`Limits`] bounds the rows and bytes of a result and what sorts, groups, joins and windows keep. Nothing
//!   is put aside on disk: what does not fit ends the query.
//! - The batches under way come on top: some of at most [`BATCH_LEN_MAX`](limits::BATCH_LEN_MAX) bytes, and what
//!   one step makes of such a one before it is cut. A join makes [`BATCH_ROWS`](limits::BATCH_ROWS) rows of its two
//!   inputs', each of at most [`ROW_LEN_MAX`](limits::ROW_LEN_MAX) bytes; a projection makes one column for each of
//!   its expressions.
//! - The caller's `is_over` is asked before each batch at each step and in each condition of a join. Between
//!   two questions lie the sort of what is kept, the window over a partition, one batch that a join of equal
//!   values compares with all that are equal, or the reading of a table whose rows are put in order.
//! - A panic of the engine is caught and is an error; under `panic = "abort"` it ends the process.
//! - The time a query takes tells how large the tables below are, as that of any release does.
//! - A query is not counted against groups of few: what the duties leave can be asked for in any combination.
//! - Errors are typed, and their texts are for the consumer. Their sources and `Debug` have the engine's own
//!   text, with values that leave, and are for the provider's operator.
//! - The engine is `DataFusion` 55.2, whose Arrow is one major version older than ours. Columns pass between
//!   the two without a copy, and are checked.

mod bridge;
pub mod distributed;
mod drive;
pub mod functions;
mod gate;
mod gate_expr;
mod join_check;
mod lens;
pub mod limits;
mod planner;
mod query_error;
mod query_rows;
mod released;
pub mod rules;
mod scan;
mod scan_permit;
mod sequence;
mod stack;
mod steps;
mod stop;
mod text;
mod text_error;
mod view;
mod watch;

pub use dataspace_data_plane::RecordBatch;

pub use crate::limits::Limits;
pub use crate::query_rows::QueryRows;
pub use crate::text::Query;
pub use crate::view::{GovernedView, Views};

/// What can go wrong with queries and views.
pub mod errors {
    pub use crate::query_error::QueryError;
    pub use crate::text_error::TextError;
    pub use crate::view::ViewError;
}
