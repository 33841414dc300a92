//! How long rows and batches are, and batches cut where they are too long.
//!
//! A column that is shared many times takes no memory until a join, a filter or a function copies it, each
//! time for all rows of a batch. So columns count as often as they stand there.

use std::collections::VecDeque;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array};
use datafusion::arrow::compute::take_record_batch;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;

use crate::limits::{BATCH_LEN_MAX, ROW_LEN_MAX};

/// Bytes of a text in each row, and those of the longest.
struct Texts<'a> {
    column: &'a ArrayRef,
    longest: usize,
}

impl Texts<'_> {
    fn of(column: &ArrayRef) -> Option<Texts<'_>> {
        let longest = match column.data_type() {
            DataType::Utf8 => column.as_string_opt::<i32>()?.offsets().lengths().max(),
            DataType::LargeUtf8 => column.as_string_opt::<i64>()?.offsets().lengths().max(),
            DataType::Utf8View => {
                let lens = column.as_string_view_opt()?.lengths();
                lens.max().and_then(|len| usize::try_from(len).ok())
            }
            _ => return None,
        };
        Some(Texts { column, longest: longest.unwrap_or_default() })
    }

    fn len(&self, row: usize) -> usize {
        if let Some(texts) = self.column.as_string_opt::<i32>() {
            usize::try_from(texts.value_length(row)).unwrap_or_default()
        } else if let Some(texts) = self.column.as_string_opt::<i64>() {
            usize::try_from(texts.value_length(row)).unwrap_or_default()
        } else {
            self.longest
        }
    }
}

/// Returns true if a row is longer than [`ROW_LEN_MAX`].
pub(crate) fn has_long_row(batch: &RecordBatch) -> bool {
    let fixed =
        batch.columns().iter().map(|column| column.data_type().primitive_width().unwrap_or(8));
    let fixed = fixed.fold(0, usize::saturating_add);
    let texts: Vec<_> = batch.columns().iter().filter_map(Texts::of).collect();
    let longest = texts.iter().map(|texts| texts.longest).fold(fixed, usize::saturating_add);
    // Only where the longest texts of all columns would be too long together: each row.
    longest > ROW_LEN_MAX
        && (0..batch.num_rows()).any(|row| {
            let lens = texts.iter().map(|texts| texts.len(row));
            lens.fold(fixed, usize::saturating_add) > ROW_LEN_MAX
        })
}

fn len(batch: &RecordBatch) -> usize {
    let lens = batch
        .columns()
        .iter()
        .map(|column| column.to_data().get_slice_memory_size().unwrap_or(usize::MAX));
    lens.fold(0, usize::saturating_add)
}

/// The batch in parts of at most [`BATCH_LEN_MAX`] bytes or one row. Where they end follows from the rows.
/// Each part has memory of its own, as steps that keep rows count what a batch holds on to.
pub(crate) fn cut(batch: RecordBatch, into: &mut VecDeque<RecordBatch>) -> Result<()> {
    if batch.num_rows() < 2 || len(&batch) <= BATCH_LEN_MAX {
        into.push_back(batch);
        return Ok(());
    }
    cut_part(&batch, 0, batch.num_rows(), into)
}

/// At most as deep as a number of rows has binary digits.
fn cut_part(
    batch: &RecordBatch,
    from: usize,
    rows: usize,
    into: &mut VecDeque<RecordBatch>,
) -> Result<()> {
    let part = batch.slice(from, rows);
    if rows < 2 || len(&part) <= BATCH_LEN_MAX {
        let all: UInt32Array = (0..u32::try_from(rows).unwrap_or(u32::MAX)).collect();
        into.push_back(take_record_batch(&part, &all)?);
        return Ok(());
    }
    cut_part(batch, from, rows / 2, into)?;
    cut_part(batch, from + rows / 2, rows - rows / 2, into)
}
