//! Why duties are not carried out.

use arrow_schema::ArrowError;
use dataspace_policy::duty::InvalidDuty;
use dataspace_primitives::secrets::SecretsError;
use thiserror::Error;

use crate::chunk::COLUMNS_MAX;

/// Why the duties cannot be carried out on a table, so that no row is released.
///
/// `clause` is the position of the duty among the duties given, from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The duty itself is not well formed.
    #[error("duty {clause}: {source}")]
    Duty {
        /// The duty.
        clause: usize,
        /// What is wrong with it.
        source: InvalidDuty,
    },
    /// The table has no such column.
    #[error("duty {clause}: the table has no column `{column}`")]
    UnknownColumn {
        /// The duty.
        clause: usize,
        /// The column that it names.
        column: String,
    },
    /// Two columns of the table have one name, so that a duty could mean either.
    #[error("the table has two columns `{column}`")]
    DuplicateColumn {
        /// The name.
        column: String,
    },
    /// No duty could name this column, so it could not be masked.
    #[error("no duty can name column {index} of the table, `{shown}`; rename it")]
    ColumnName {
        /// Its position, from 0.
        index: usize,
        /// The name, cut and with escapes for what would not be seen.
        shown: String,
    },
    /// The columns have more parts than a table may have columns.
    #[error("the columns of the table have {found} parts; at most {} are possible", COLUMNS_MAX)]
    ColumnCount {
        /// Parts found.
        found: usize,
    },
    /// A nested column is named where one of its parts is needed.
    #[error("duty {clause}: column `{column}` is nested; name a part of it, such as `{part}`")]
    Nested {
        /// The duty.
        clause: usize,
        /// The column, or a part of one.
        column: String,
        /// The first of its parts.
        part: String,
    },
    /// A part of a list or map is named where one value for each row is needed.
    #[error(
        "duty {clause}: a row has many values of `{column}`, or none; only masks, and the list of columns \
         that leave, take parts of lists and maps"
    )]
    Repeated {
        /// The duty.
        clause: usize,
        /// The part.
        column: String,
    },
    /// A column has a mask or a watermark already.
    #[error("duty {clause}: column `{column}` has a second mask; the first is duty {first}")]
    SecondMask {
        /// The second mask.
        clause: usize,
        /// The first mask.
        first: usize,
        /// The column.
        column: String,
    },
    /// The columns that leave are listed twice.
    #[error("duty {clause}: the columns that leave are listed already, by duty {first}")]
    SecondKeep {
        /// The second list.
        clause: usize,
        /// The first one.
        first: usize,
    },
    /// A second sample, or a second number of rows.
    #[error("duty {clause}: duty {first} is of this kind already")]
    SecondDuty {
        /// The second duty.
        clause: usize,
        /// The first one.
        first: usize,
    },
    /// Rows are limited or marked, and figures of groups leave instead.
    #[error("duty {clause}: figures of groups leave, and no rows")]
    OfRows {
        /// The duty.
        clause: usize,
    },
    /// A mask or watermark on a column that does not leave.
    #[error("duty {clause}: column `{column}` has a mask and is not among the columns that leave")]
    MaskNotKept {
        /// The mask.
        clause: usize,
        /// The column.
        column: String,
    },
    /// The filter or mask is not defined on columns of this type.
    #[error("duty {clause}: columns of type {data_type} cannot be {action}, as `{column}` should")]
    ColumnType {
        /// The duty.
        clause: usize,
        /// The column.
        column: String,
        /// Its type.
        data_type: String,
        /// What the duty asks for.
        action: &'static str,
    },
    /// A constant of a filter has another type than the column.
    #[error("duty {clause}: column `{column}` has the type {data_type}, a constant has another")]
    ConstantType {
        /// The filter.
        clause: usize,
        /// The column.
        column: String,
        /// Its type.
        data_type: String,
    },
    /// A boolean column is compared by order.
    #[error("duty {clause}: column `{column}` has only two values, without an order")]
    Unordered {
        /// The filter.
        clause: usize,
        /// The column.
        column: String,
    },
    /// A column that would leave has a type that does not leave from here.
    #[error("column `{column}` of type {data_type} cannot be released; leave it out or empty it")]
    UnreleasedType {
        /// The column.
        column: String,
        /// Its type.
        data_type: String,
    },
    /// The product is a file of bytes, on which no duty can be carried out yet.
    #[error("duty {clause}: the product is not a table, and no duty can be carried out on it yet")]
    NotATable {
        /// The duty.
        clause: usize,
    },
    /// The product is of a kind whose copies cannot be marked in this way.
    #[error(
        "duty {clause}: copies of this product cannot be marked so; only those of pictures and sound"
    )]
    Unmarked {
        /// The mark.
        clause: usize,
    },
    /// The product is too small, too short or too quiet for a trace that could be found again.
    #[error(
        "duty {clause}: there is too little of this product for a trace that can be found again"
    )]
    TooLittle {
        /// The mark.
        clause: usize,
    },
    /// The product is a picture or a recording, whose copies can be marked and no more.
    #[error(
        "duty {clause}: copies of this product can be marked; nothing else can be done to them"
    )]
    MarkedAlone {
        /// The duty.
        clause: usize,
    },
    /// The product is a document, which has no rows to filter.
    #[error("duty {clause}: a document has no rows, so none can be left out")]
    NoRows {
        /// The filter.
        clause: usize,
    },
    /// Two masks of a document may be about the same part.
    #[error("duty {clause}: an earlier mask may be about `{column}` too, or about what is in it")]
    Overlap {
        /// The second mask.
        clause: usize,
        /// Its pointer.
        column: String,
    },
    /// On the ways of its pointers lie more values of a document than
    /// [`PLACES_MAX`](crate::document::PLACES_MAX).
    #[error("duty {clause}: its pointers lead past more than a million values of the document")]
    TooManyParts {
        /// The duty at which there are too many.
        clause: usize,
    },
    /// A group would have to have more subjects than can be remembered, for all of its figures together
    /// ([`SUBJECTS_HELD_MAX`](crate::aggregate::SUBJECTS_HELD_MAX)).
    #[error(
        "duty {clause}: groups of at least {least} subjects with so many figures cannot be made"
    )]
    TooManySubjects {
        /// The duty.
        clause: usize,
        /// Subjects of a group.
        least: u32,
    },
    /// Every column is left out.
    #[error("no column is left to release")]
    NothingLeft,
    /// A duty needs a secret of the contract, and there is none.
    #[error("the duties need a secret of the contract")]
    Secret {
        /// Why there is none.
        source: SecretsError,
    },
}

/// Why there is no such part of a product. It tells nothing that the contract does not release.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PartError {
    /// Rows of a file, or bytes of a table.
    #[error("the product has no {asked}")]
    Kind {
        /// `rows`, `bytes` or `seconds`.
        asked: &'static str,
    },
    /// The product has no such column, or the contract leaves it out.
    #[error("the contract releases no column `{column}`")]
    Column {
        /// The column.
        column: String,
    },
    /// The file ends before.
    #[error("the file has {len} bytes; bytes {from} to {until} are not all there")]
    Range {
        /// The first byte asked for.
        from: u64,
        /// The first that is not.
        until: u64,
        /// Bytes of the file.
        len: u64,
    },
    /// The recording ends before.
    #[error("the recording has {seconds} seconds; seconds {from} to {until} are not all there")]
    Seconds {
        /// The second from which on was asked for.
        from: u32,
        /// The first that was not.
        until: u32,
        /// Seconds of the recording.
        seconds: u32,
    },
    /// A second at which the file cannot be cut.
    #[error("no stretch of the recording begins or ends at second {second}")]
    Point {
        /// The second.
        second: u32,
    },
}

/// Why a batch is not released.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The batch does not have the columns, names and types that the plan was compiled for.
    #[error("the batch is not of the table that the duties were checked against")]
    OtherSchema,
    /// More than 2 GiB of text in one column of one batch.
    #[error("column `{column}` holds too much text for one batch")]
    TextTooLong {
        /// The column.
        column: String,
    },
    /// Figures of the whole table leave, and no rows.
    #[error("figures of the whole table leave, and no rows of a batch")]
    Aggregated,
    /// At most a number of rows of the whole table leave, which a batch does not know.
    #[error("a number of rows of the whole table leaves, and not of a batch")]
    Limited,
    /// Persons are counted before rows leave, which takes a [`Delivery`](crate::Delivery).
    #[error("persons are counted before anything leaves; open the table as a product")]
    Counted,
    /// The columns do not form a batch: a defect here.
    #[error("the masked columns do not form a batch")]
    Assemble(#[source] ArrowError),
}
