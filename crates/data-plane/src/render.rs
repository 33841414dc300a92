//! Released batches as text: CSV, and a preview for terminals.

use std::borrow::Borrow;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::io;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::NullBuffer;
use arrow_schema::{DataType, Field, Schema};
use thiserror::Error;

use crate::json_text::{JsonColumn, push_object};
use crate::table_error::Cause;
use crate::value_text::Column;

/// Why a result is not written to its end.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The writer fails.
    #[error("the result cannot be written")]
    Io(#[from] io::Error),
    /// A batch with other columns than the header.
    #[error("a batch does not have the columns of the result")]
    OtherSchema,
    /// A type that no plan releases.
    #[error("column `{column}` has a type that has no text")]
    ColumnType {
        /// The column.
        column: String,
    },
    /// An instant that the format cannot hold.
    #[error("column `{column}` has an instant that the format cannot hold")]
    Range {
        /// The column.
        column: String,
    },
    /// The product is not a table.
    #[error("the product is not a table; it has no rows to write")]
    NotRows,
    /// The rows end with an error.
    #[error("the rows end early")]
    Rows(#[source] Cause),
    /// The rows cannot be put into the format.
    #[error("the rows cannot be put into the format")]
    Encoding(#[source] Cause),
}

/// Writes a header and the rows of `batches` as CSV (RFC 4180, with `\n`); returns the number of
/// rows. A missing value is an empty field, and so is an empty text. Nested columns are written as
/// [`csv_columns`] says.
///
/// Texts are written as they are. A text that begins with `=`, `+`, `-` or `@` is a formula to
/// some spreadsheet programs: who opens the file in one should import the columns as text.
///
/// # Errors
/// [`WriteError`] if `out` fails or a batch does not have the columns of `schema`.
pub fn write_csv<B: Borrow<RecordBatch>>(
    out: &mut impl io::Write,
    schema: &Schema,
    batches: impl IntoIterator<Item = B>,
) -> Result<u64, WriteError> {
    csv(out, schema, batches.into_iter().map(Ok::<B, Infallible>))
}

/// As [`write_csv`], of rows that may end with an error.
pub(crate) fn csv<B: Borrow<RecordBatch>, E: Into<Cause>>(
    mut out: impl io::Write,
    schema: &Schema,
    batches: impl IntoIterator<Item = Result<B, E>>,
) -> Result<u64, WriteError> {
    let mut lines = String::new();
    for (place, name) in csv_columns(schema).iter().enumerate() {
        if place > 0 {
            lines.push(',');
        }
        let start = lines.len();
        lines.push_str(name);
        quote_if_needed(&mut lines, start);
    }
    end_line(&mut lines, 0);
    let rows = each(schema, batches, |batch| {
        let columns = texts(batch)?;
        for row in 0..batch.num_rows() {
            push_row(&columns, row, &mut lines);
            if lines.len() >= LINES_LEN {
                out.write_all(lines.as_bytes())?;
                lines.clear();
            }
        }
        Ok(())
    })?;
    out.write_all(lines.as_bytes())?;
    out.flush()?;
    Ok(rows)
}

/// The columns that rows of this schema have in CSV: each field of a structure is one, such as `address.city`,
/// empty where the structure is missing. A list or a map is one column of JSON: `[1,null]`,
/// `[{"key":"a","value":1}]`.
#[must_use]
pub fn csv_columns(schema: &Schema) -> Vec<String> {
    fn add(name: &str, data_type: &DataType, to: &mut Vec<String>) {
        match data_type {
            DataType::Struct(fields) => fields.iter().for_each(|field| {
                add(&format!("{name}.{}", field.name()), field.data_type(), to);
            }),
            _ => to.push(name.to_owned()),
        }
    }
    let mut names = Vec::new();
    schema.fields().iter().for_each(|field| add(field.name(), field.data_type(), &mut names));
    names
}

/// Goes over batches that have the columns of `schema`; returns the number of their rows.
pub(crate) fn each<B: Borrow<RecordBatch>, E: Into<Cause>>(
    schema: &Schema,
    batches: impl IntoIterator<Item = Result<B, E>>,
    mut take: impl FnMut(&RecordBatch) -> Result<(), WriteError>,
) -> Result<u64, WriteError> {
    let mut rows = 0_u64;
    for batch in batches {
        let batch = batch.map_err(|error| WriteError::Rows(error.into()))?;
        let batch = batch.borrow();
        if batch.schema_ref().fields() != schema.fields() {
            return Err(WriteError::OtherSchema);
        }
        take(batch)?;
        rows = rows.saturating_add(u64::try_from(batch.num_rows()).unwrap_or(u64::MAX));
    }
    Ok(rows)
}

/// Puts a row behind what `to` has, as a line of CSV.
fn push_row(columns: &[Column<'_>], row: usize, to: &mut String) {
    let begin = to.len();
    for (place, column) in columns.iter().enumerate() {
        if place > 0 {
            to.push(',');
        }
        let start = to.len();
        let _is_missing = column.push(row, to);
        if column.is_text {
            quote_if_needed(to, start);
        }
    }
    end_line(to, begin);
}

/// Puts quotes around what stands from `start` on, if it would be read otherwise.
fn quote_if_needed(line: &mut String, start: usize) {
    let Some(field) = line.get(start..) else { return };
    let bytes = field.as_bytes();
    if memchr::memchr3(b',', b'"', b'\n', bytes).or_else(|| memchr::memchr(b'\r', bytes)).is_none()
    {
        return;
    }
    let quoted = field.replace('"', "\"\"");
    line.truncate(start);
    line.push('"');
    line.push_str(&quoted);
    line.push('"');
}

/// Ends the line that begins at `begin`. An empty one would be read as no row at all.
fn end_line(to: &mut String, begin: usize) {
    if to.len() == begin {
        to.push_str("\"\"");
    }
    to.push('\n');
}

/// The rows of a batch as CSV without a header, spelled as by [`write_csv`]: whole rows, in texts of about
/// `len` bytes, more only where one row is longer.
///
/// # Errors
/// [`WriteError::ColumnType`] if a value has no text.
pub fn csv_rows(batch: &RecordBatch, len: usize) -> Result<Vec<Vec<u8>>, WriteError> {
    let (columns, mut texts, mut text) = (texts(batch)?, Vec::new(), String::new());
    for row in 0..batch.num_rows() {
        push_row(&columns, row, &mut text);
        if text.len() >= len || row + 1 == batch.num_rows() {
            let next = String::with_capacity(text.len());
            texts.push(std::mem::replace(&mut text, next).into_bytes());
        }
    }
    Ok(texts)
}

/// Bytes of lines that are written at once, about.
pub(crate) const LINES_LEN: usize = 1 << 16;

/// Longest cell of a preview, in characters.
const CELL_CHARS: usize = 32;

/// An aligned table of the first `max_rows` rows, with lines of at most `max_width` characters,
/// for a terminal. Long cells are cut and columns that do not fit are left out, both visibly.
///
/// Control characters and those that are invisible or reorder text are shown as escapes, in
/// column names too, so that a cell cannot speak to the terminal. Characters count as one column
/// each, so wide scripts come out ragged.
#[must_use]
pub fn preview(batches: &[RecordBatch], max_rows: usize, max_width: usize) -> String {
    let Some(first) = batches.first() else {
        return String::new();
    };
    let total: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let names = csv_columns(first.schema_ref());
    let mut columns: Vec<(Vec<String>, bool)> =
        names.iter().map(|name| (vec![escape(name)], true)).collect();
    let mut left = max_rows;
    for batch in batches {
        let cells = expanded(batch);
        for ((lines, is_number), cells) in columns.iter_mut().zip(&cells) {
            *is_number = cells.as_ref().is_some_and(|(_, is_number)| *is_number);
            for row in 0..batch.num_rows().min(left) {
                let text = cells.as_ref().map_or(Some("?".to_owned()), |(c, _)| c.text(row));
                lines.push(text.map_or_else(|| "·".to_owned(), |text| escape(&text)));
            }
        }
        left = left.saturating_sub(batch.num_rows());
    }
    layout(&columns, max_width, total.saturating_sub(max_rows))
}

fn layout(columns: &[(Vec<String>, bool)], max_width: usize, more_rows: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    let (mut width, mut shown) = (0, 0);
    for (cells, right) in columns {
        let widest = cells.iter().map(|cell| cell.chars().count()).max();
        let gap = if shown == 0 { 0 } else { 2 };
        let column = widest.unwrap_or(0);
        if width + gap + column > max_width {
            break;
        }
        lines.resize(cells.len().max(lines.len()), String::new());
        for (line, cell) in lines.iter_mut().zip(cells) {
            // Writing to a string does not fail.
            let _ = if *right {
                write!(line, "{:gap$}{cell:>column$}", "")
            } else {
                write!(line, "{:gap$}{cell:<column$}", "")
            };
        }
        width += gap + column;
        shown += 1;
    }
    let mut out = String::new();
    for line in &lines {
        out.push_str(line.trim_end());
        out.push('\n');
    }
    let more_columns = columns.len() - shown;
    for (more, what) in [(more_rows, "rows"), (more_columns, "columns")] {
        if more > 0 {
            let note: String = format!("… {more} more {what}").chars().take(max_width).collect();
            out.push_str(&note);
            out.push('\n');
        }
    }
    out
}

/// Shows what would act on a terminal or hide, and cuts.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::new();
    let mut len = 0;
    for c in text.chars() {
        let piece: String = match c {
            _ if c.is_control() => c.escape_default().collect(),
            '\u{ad}'
            | '\u{61c}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{180e}'
            | '\u{3164}'
            | '\u{ffa0}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}' => c.escape_unicode().collect(),
            _ => c.to_string(),
        };
        len += piece.chars().count();
        if len >= CELL_CHARS {
            out.push('…');
            return out;
        }
        out.push_str(&piece);
    }
    out
}

/// The columns in CSV, and true for those of numbers; `None` for one without a text.
fn expanded(batch: &RecordBatch) -> Vec<Option<(Column<'_>, bool)>> {
    fn add<'a>(
        (array, field): (&'a ArrayRef, &Field),
        around: &[&'a NullBuffer],
        to: &mut Vec<Option<(Column<'a>, bool)>>,
    ) {
        if let Some(parts) = array.as_struct_opt() {
            let around: Vec<_> = around.iter().copied().chain(parts.nulls()).collect();
            for part in parts.columns().iter().zip(parts.fields()) {
                add((part.0, part.1), &around, to);
            }
            return;
        }
        let column = cells(array, field).map(|column| column.within(around.to_vec()));
        to.push(column.map(|column| (column, field.data_type().is_numeric())));
    }
    let mut columns = Vec::new();
    let fields = batch.schema_ref().fields().iter();
    for (array, field) in batch.columns().iter().zip(fields) {
        add((array, field), &[], &mut columns);
    }
    columns
}

fn texts(batch: &RecordBatch) -> Result<Vec<Column<'_>>, WriteError> {
    let names = csv_columns(batch.schema_ref());
    let columns = expanded(batch).into_iter().zip(names).map(|(column, name)| {
        let column = column.map(|(column, _)| column);
        column.ok_or_else(|| WriteError::ColumnType { column: name })
    });
    columns.collect()
}

/// The columns of a batch as JSON.
pub(crate) fn json_texts(batch: &RecordBatch) -> Result<Vec<JsonColumn<'_>>, WriteError> {
    let fields = batch.schema_ref().fields();
    let columns = fields.iter().zip(batch.columns()).map(|(field, array)| {
        JsonColumn::of(array).ok_or_else(|| WriteError::ColumnType { column: field.name().clone() })
    });
    columns.collect()
}

/// Puts a row behind what `to` has, as a JSON object on a line; `keys` are the columns' names as JSON.
pub(crate) fn json_row(to: &mut String, keys: &[String], columns: &[JsonColumn<'_>], row: usize) {
    push_object(keys.iter().map(String::as_str).zip(columns), row, to);
    to.push('\n');
}

/// `None` if its type has no text.
fn cells<'a>(array: &'a ArrayRef, field: &Field) -> Option<Column<'a>> {
    if !array.data_type().is_nested() {
        return Column::plain(array.as_ref(), field);
    }
    let json = JsonColumn::of(array)?;
    let push = move |row, to: &mut String| array.is_valid(row).then(|| json.push(row, to));
    Some(Column::of_json(push))
}
