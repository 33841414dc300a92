//! The duties of a contract, carried out on tables: which rows stay, and what happens to each
//! column before anything leaves.
//!
//! A [`Table`] is the provider's data: a CSV or Parquet file, or batches in memory. A [`Plan`] is
//! the duties of one contract, checked in full against the columns of that table. What
//! [`Plan::run`] gives out may leave; nothing else here is meant for the consumer.
//!
//! # What it refuses to do
//! It never skips a duty: one that cannot be carried out in full, for a missing column, a type
//! that does not fit or a second mask, makes [`Plan::compile`] fail, and so nothing is released.
//! It releases no type whose buffers could carry more than the visible values: every released
//! array is built anew from the rows that stay, texts always as `Utf8`, without metadata. It
//! knows no contract and decides nothing; it reads no clock and makes no randomness.
//!
//! # Example
//! ```
//! use dataspace_data_plane::{Plan, PseudonymKey, Table, preview};
//! use dataspace_policy::{ColumnMask, Duty, MaskMethod, Operator, RowFilter, Scalar};
//!
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("oxides.csv");
//! std::fs::write(&path, "id,formula,seebeck\nmp-1,Fe2O3,646.823\nmp-2,FeO,\nmp-3,Cs,-1.74\n")?;
//!
//! let mask = |column: &str, method| -> Result<Duty, dataspace_primitives::InvalidName> {
//!     Ok(Duty::Mask(ColumnMask { column: column.parse()?, method }))
//! };
//! let duties = [
//!     Duty::Filter(RowFilter {
//!         column: "formula".parse()?,
//!         operator: Operator::IsAnyOf,
//!         values: vec![Scalar::Text("Fe2O3".parse()?), Scalar::Text("FeO".parse()?)],
//!     }),
//!     mask("id", MaskMethod::Drop)?,
//!     mask("seebeck", MaskMethod::Round { decimals: 0 })?,
//! ];
//!
//! let table = Table::open(&path)?;
//! let plan = Plan::compile(&duties, &table.schema(), PseudonymKey::new([7; 32]))?;
//! let batches = plan.run(&table)?.collect::<Result<Vec<_>, _>>()?;
//! assert_eq!(
//!     preview(&batches, 10, 80),
//!     "formula  seebeck\n\
//!      Fe2O3      647.0\n\
//!      FeO            ·\n",
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the duties mean exactly
//! - Filters see the values as they are in the table, of masked and left out columns too, and
//!   must all hold. A missing value and NaN make every comparison false, `neq` too.
//! - Integers are compared exactly with the decimal constant; floats with the binary float of
//!   their own width that is nearest to it; texts by Unicode scalar values. Booleans have no
//!   order.
//! - `hash` takes booleans, integers, floats and texts and gives 32 hexadecimal digits (128 bits).
//!   The same value in another column has another pseudonym.
//! - `round` takes integers and floats. Floats are rounded in their shortest decimal spelling and
//!   lose the sign of zero; infinities stay. An integer whose rounded value its type cannot hold
//!   becomes the next multiple towards zero, so no digit below is shown.
//! - `truncate` takes texts. `null` and `drop` take every type.
//!
//! # Limits
//! - Booleans, integers, floats of 32 and 64 bits, texts, dates, timestamps and decimals of 128
//!   bits leave; columns of other types must be left out or emptied.
//! - CSV is UTF-8 with a header row, separated by commas, or by semicolons or tabs if the header
//!   has no comma. A row has at most [`ROW_LEN_MAX`] bytes, a table [`COLUMNS_MAX`] columns. An
//!   empty field is a missing value. Types are those that all values of a column have, so they
//!   tell that much about hidden rows; numbers with leading zeros and whole numbers too long for
//!   their type are texts. Decimals are read as the nearest binary float.
//! - Parquet files are the provider's own. The decoder (parquet 60.1) panics on some damaged
//!   files; the panic is caught around the decoder alone, which is then dropped, and becomes an
//!   error. Under `panic = "abort"` it ends the process, and a page may declare how much memory
//!   it takes: do not open files that others have written.
//! - Pseudonyms hide values only from those without the key, and show which rows are equal.
//!   Rounded and truncated values, and how many rows stay, may tell much about small groups:
//!   nothing here counts queries or subjects.
//! - Error texts name columns of the table, never values or paths. The sources of [`OpenError`],
//!   [`ReadError`] and [`RunError`] are for the provider's operator.
//! - The wiping of keys covers [`PseudonymKey`], not the values in memory.

mod calendar;
mod column;
mod csv_cells;
mod csv_records;
mod csv_source;
mod file;
mod filter;
mod mask;
mod options;
mod order;
mod parquet_pages;
mod parquet_source;
mod parquet_types;
mod pieces;
mod plan;
mod plan_error;
mod pseudonym;
mod render;
mod round;
mod run;
mod spelling;
mod table;
mod table_error;
mod thrift;

pub use arrow_array::RecordBatch;
pub use arrow_schema::{Schema, SchemaRef};

pub use crate::csv_records::{ROW_LEN_MAX, RowError};
pub use crate::options::{ColumnType, TableOptions};
pub use crate::plan::Plan;
pub use crate::plan_error::{ApplyError, PlanError};
pub use crate::pseudonym::PseudonymKey;
pub use crate::render::{WriteError, preview, write_csv};
pub use crate::run::{Masked, RunError};
pub use crate::table::{BATCH_LEN_MAX, BATCH_ROWS, Batches, COLUMNS_MAX, Table};
pub use crate::table_error::{OpenError, ReadError};
