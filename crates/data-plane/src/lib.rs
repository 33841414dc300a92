//! The duties of a contract, carried out on tables: which rows stay, and what happens to each
//! column before anything leaves.
//!
//! A [`Table`] is the provider's data: a CSV or Parquet file, JSON lines, or batches in memory. A [`Plan`] is
//! the duties of one contract, checked in full against the columns of that table. What
//! [`Plan::run`] gives out may leave; nothing else here is meant for the consumer.
//!
//! # What it refuses to do
//! It never skips a duty: one that cannot be carried out in full, for a missing column, a type
//! that does not fit or a second mask, makes [`Plan::compile`] fail, and so nothing is released.
//! It releases no type whose buffers could carry more than the visible values: every released
//! array is built from the rows that stay, texts always as `Utf8`, without the source's
//! metadata. It takes no column that a duty could not name. It knows no contract and decides
//! nothing; it reads no clock and makes no randomness.
//!
//! # Example
//! ```
//! use dataspace_data_plane::{Plan, Table, preview, product::Recipient};
//! use dataspace_policy::{ColumnMask, Duty, MaskMethod, Operator, RowFilter, Scalar};
//!
//! # use dataspace_primitives::{Secrets, Zeroizing, secrets::SecretsError};
//! # struct OfNode;
//! # impl Secrets for OfNode {
//! #     fn derive(&self, _: &str, _: &[u8]) -> Result<Zeroizing<[u8; 32]>, SecretsError> {
//! #         Ok(Zeroizing::new([7; 32]))
//! #     }
//! # }
//! # let secrets = OfNode;
//! let directory = tempfile::tempdir()?;
//! let path = directory.path().join("oxides.csv");
//! std::fs::write(&path, "id,formula,seebeck\nmp-1,Fe2O3,646.823\nmp-2,FeO,\nmp-3,Cs,-1.74\n")?;
//!
//! let mask = |column: &str, method| -> Result<Duty, dataspace_primitives::name::InvalidName> {
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
//! let recipient = Recipient { contract: b"sha256 of the contract", consumer: "did:web:lab.example" };
//! let plan = Plan::compile(&duties, &table.schema(), &secrets, recipient)?;
//! let batches = plan.run(&table)?.collect::<Result<Vec<_>, _>>()?;
//! assert_eq!(
//!     preview(&batches, 10, 80),
//!     "formula  seebeck\n\
//!      FeO            ·\n\
//!      Fe2O3      647.0\n",
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What the duties mean exactly
//! - `keep` names the columns that leave; all others, those too that a table gets later, do not.
//! - Filters see the values as they are in the table, of masked and left out columns too, and
//!   must all hold. A missing value and NaN make every comparison false, `neq` too.
//! - Integers and decimals are compared exactly with the decimal constant; floats with the binary
//!   float of their own width that is nearest to it; texts by Unicode scalar values; dates and instants
//!   with a constant that is one (`2026-11-23`, `2026-11-23T21:00:00Z`). Booleans have no order.
//! - `hash` takes booleans, integers, floats, decimals, dates, instants and texts and gives 32 hexadecimal digits
//!   (128 bits). The same value in another column has another pseudonym. `0.0` and `-0.0` have one. With a
//!   scope or a domain ([`MaskMethod::Pseudonym`](dataspace_policy::MaskMethod::Pseudonym)) it has the same one in every column of the domain, or of this name, under this contract
//!   or all contracts of the consumer; then numbers that are equal have one pseudonym whether they are integers,
//!   decimals or floats (whole floats from 2^53 on excepted). A text of digits is no number.
//! - `round` takes integers, floats and decimals. Floats are rounded in their shortest decimal
//!   spelling and lose the sign of zero; infinities stay. An integer or decimal whose rounded value
//!   its type cannot hold becomes the next multiple towards zero, so no digit below is shown.
//! - `bin` takes the same types: the lower end of the interval of the width, also below zero. Where a
//!   type does not hold it, the next multiple towards zero.
//! - `calendar` takes dates and instants and cuts them in UTC, whatever zone their column names. `grid`
//!   takes floats; what is no latitude or longitude is missing.
//! - `constant` takes what its constant is: booleans, numbers that the type holds exactly (floats: the nearest),
//!   dates and instants, texts. `generalise` takes texts and whole numbers, and gives texts. Missing
//!   values stay missing.
//! - `sample` keeps a subject, or a row, if an HMAC of it under a secret of the contract is below the share: a row by all
//!   of its values, whatever its place. It looks at values before masks; filters come beside it.
//! - `limit` keeps the first rows in the order in which all released columns leave, also where a request
//!   asks for some of these.
//! - `persons` takes what `hash` takes. It looks at values before masks, as pseudonyms of a domain do: equal numbers are one
//!   person whatever their types. A row in which the value is missing does not leave. The persons are those of the rows that filters, samples and limits leave, also
//!   behind figures; they are found by a first pass over the table, and none of their rows leaves before they
//!   were [counted](Delivery::admit).
//! - `watermark` takes integers, decimals and floats without masks: [`watermark`] finds it again.
//! - `truncate` and `redact` take texts. `null` and `drop` take every type.
//! - `aggregate` makes figures of groups of the masked rows. Means and sums have twelve digits, so that they
//!   do not tell the order of the rows; groups come in the order of their columns.
//! - If any column is masked or left out, the rows leave in an order of the contract: sorted by an
//!   HMAC, under the contract's key, of what is released of them. It is of the contract alone where pseudonyms
//!   are the same in others: rows are joined by their pseudonyms, and by nothing else. The order follows from the key
//!   and the released rows alone, so the table's order cannot be told from it, two contracts are
//!   not joined by row number, and repeated releases of the same rows have the same order. Without
//!   masks the rows keep the table's order, as nothing of them is hidden.
//!
//! # Nested columns
//! - Structures, lists and maps have parts with names: `address.city` is a field of a structure, `parts.serial` a
//!   field of the items of a list, `codes.key` and `codes.value` are those of a map. Items that are not structures
//!   have the list's own name. Duties and requests name them as columns.
//! - `drop`, `null` and `keep` take any part. All other masks take a part with values of one type, and act on each
//!   value. Filters, `sample`, `watermark` and `aggregate` need one value a row: they take fields of structures, and
//!   no part of a list or map.
//! - Where a structure, list or item is missing, so are its parts, and what lies there in memory does not leave. Of a
//!   column that is emptied as a whole, neither its type nor the names of its parts leave.
//! - A map whose masked keys may be equal leaves as a list of entries with a key and a value.
//!
//! # How files are read
//! - Only regular files are opened, and read up to the length that they have when opened. Rows may
//!   be added to a file of texts later: they must fit the types of the columns. A file that changed is
//!   looked over in full when it is opened for a release, before anything leaves.
//! - CSV has a header row and fields separated by what all rows agree on: commas, semicolons or tabs.
//!   If they agree on several, the provider states which ([`TableOptions`]). An empty field is a
//!   missing value; an empty line is one in a table of one column, and nothing in others. Lines end in
//!   CR, LF or both. A NUL, text after a closing quote, a quote that is never closed, and a line inside
//!   a quoted cell that looks like a row are errors that name the line.
//! - A CSV column is of booleans or numbers only if every cell comes back as it is spelled, in one
//!   of the ways in which Rust, Python, JavaScript and PostgreSQL write floats, as whole numbers
//!   without leading zeros, or as decimals with one number of digits behind the point. All others
//!   are texts, unless the provider states a type. Types tell that much about hidden rows.
//! - JSON lines (`.jsonl`, `.ndjson`) have an object of plain values on each line, and in it objects and lists as
//!   far as they are [stated](TableOptions::object). The columns come in
//!   the order in which their keys occur first; a key that a line lacks is a missing value, as `null`
//!   is, and an empty text is not. Numbers become types as in CSV, and floats where they are spelled
//!   in several ways; one that a float would not tell from others is an error. So are a column with
//!   values of two kinds, a list or an object that is not stated, a key that stands twice in a line, half of a surrogate
//!   pair, and what JSON does not allow. A key that only hidden rows have is a column, too, without
//!   values: its name tells of them.
//! - A provider may state types ([`ColumnType`]), days and instants in a format, the decimal comma, words
//!   for missing values and the character set. A value that does not fit is an error that names line and
//!   column. What is not UTF-8 is refused unless its character set is stated.
//! - Parquet numbers and instants that their column's type cannot hold are errors that name the
//!   column and row, instants of type INT96 among them; page checksums are checked. The rows are
//!   those of the row groups, whatever number of rows the footer states for the file.
//!
//! # How rows are written
//! [`formats::write`] writes released rows as CSV, JSON lines, Parquet or Arrow IPC while they come.
//! A program that does not call it is not linked with their encoders.
//!
//! # Limits
//! - Booleans, integers, floats of 32 and 64 bits, texts, dates, timestamps and decimals of 128
//!   and 256 bits leave, and what has such parts, at most eight deep. Columns and parts of other types (bytes,
//!   times of day, intervals, half floats) must be left out or emptied and are not decoded ([`Table::unreleased`]).
//!   Decimals of 256 bits take no filter, and no mask but `drop` and `null`.
//! - A table has at most [`COLUMNS_MAX`](chunk::COLUMNS_MAX) columns, those that are nested counted by their parts,
//!   a row [`ROW_LEN_MAX`](errors::ROW_LEN_MAX) bytes of UTF-8, a batch
//!   [`BATCH_ROWS`](chunk::BATCH_ROWS) rows and [`BATCH_LEN_MAX`](chunk::BATCH_LEN_MAX) bytes (one row more than that is a batch of its
//!   own). A Parquet footer has at most 16 MiB, a page 64 MiB, and the pages of all columns that a
//!   plan needs 512 MiB at once.
//! - The contract's order costs time and space: about a microsecond and an HMAC for each row, the
//!   first batch comes when the last row of the table is read, and what exceeds 32 MiB goes to an
//!   unnamed temporary file (`TMPDIR`), two or three times as long as the release. It shows the
//!   released rows, as they will leave, to everybody who can read the provider's disk.
//! - What the order does not hide: how many rows stay, which of them are equal, and, from release
//!   to release, which were added or removed. The time until the first batch tells how large the
//!   table is; in the table's order, the time between batches tells how many rows are hidden there.
//! - Parquet files are the provider's own. The decoder (parquet 60.1) panics on some damaged
//!   files; the panic is caught around the decoder alone, which is then dropped, and becomes an
//!   error. Under `panic = "abort"` it ends the process: do not open files that others have written.
//! - Pseudonyms hide values only from those without the key, and show which rows are equal.
//!   Rounded and truncated values, and how many rows stay, may tell much about small groups:
//!   nothing here counts queries or subjects.
//! - Error texts name columns of the table, never values or paths. The sources of [`OpenError`](errors::OpenError),
//!   [`ReadError`](errors::ReadError) and [`RunError`](errors::RunError) are for the provider's operator.
//! - The wiping of keys covers the contract's secret, not the values in memory.

pub mod aggregate;
mod calendar;
mod charset;
pub mod chunk;
mod coarse;
mod column;
mod constant;
mod counting;
mod csv_cells;
mod csv_records;
mod csv_source;
pub mod document;
mod document_mask;
mod file;
mod filter;
pub mod formats;
mod items;
mod json;
mod json_cell;
mod json_lines;
mod json_nest;
mod json_source;
mod json_text;
mod keyed_hash;
mod leaving;
mod marking;
mod mask;
pub mod media;
mod moments;
mod nest;
pub mod options;
mod order;
mod outline;
mod parquet_pages;
mod parquet_source;
mod parquet_types;
mod persons;
mod pieces;
mod plan;
mod plan_error;
pub mod product;
mod pseudonym;
mod recipient;
pub mod render;
mod round;
mod row_error;
mod rows;
pub mod run;
mod run_error;
mod sample;
mod seen;
mod spelling;
pub mod subjects;
pub mod table;
mod table_error;
mod thrift;
pub mod timeline;
mod tree;
mod value_text;
pub mod watermark;

pub use arrow_array::RecordBatch;
pub use arrow_schema::{Schema, SchemaRef};

pub use crate::document::Document;
pub use crate::media::MediaFile;
pub use crate::options::{ColumnType, TableOptions};
pub use crate::plan::Plan;

pub use crate::product::{Delivery, Piece, Product};
pub use crate::render::{csv_rows, preview, write_csv};

pub use crate::table::Table;

/// What can go wrong with data and duties.
pub mod errors {
    pub use crate::plan_error::{ApplyError, PartError, PlanError};
    pub use crate::row_error::{ROW_LEN_MAX, RowError};
    pub use crate::run_error::RunError;
    pub use crate::table_error::{OpenError, ReadError};
}
