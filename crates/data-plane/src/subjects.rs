//! Whom or what released rows are about, counted.
//!
//! Rows carry a mark of their subject on their way: the first 16 bytes of an HMAC-SHA-256 of its value, in a column of its
//! own that has no name and never leaves. So it is known of the very rows that leave, however they are chosen.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, Decimal128Array, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use dataspace_policy::duty::Persons;
use dataspace_primitives::Digest;
use thiserror::Error;

use crate::chunk::Chunk;
use crate::column::{Cells, boolean, value};
use crate::pseudonym::Pseudonyms;
use crate::run_error::RunError;

/// Most different subjects of one release. They are remembered by 16 bytes each: a million take 36 MB, all 143 MB, and
/// half as much again for a moment while there come to be more.
pub const SUBJECTS_COUNTED_MAX: usize = 1 << 22;

/// Subjects that are longer are remembered by their SHA-256.
const SUBJECT_LEN: usize = Digest::LEN;

/// Stands for one subject: the first bytes of a keyed hash of its value. Equal ones have one, different ones two.
pub type SubjectId = [u8; 16];

/// Where the persons of a year are counted who leave under a duty: asked before the first byte of a release
/// leaves, and again where one leaves in another year.
pub trait Admission {
    /// The calendar year that it is now, in the zone of the duty.
    ///
    /// # Errors
    /// [`NotAdmitted::Unavailable`] if nobody can say.
    fn year(&self, duty: &Persons) -> Result<u16, NotAdmitted>;

    /// Counts these persons in a year, each once, if the number of the duty is not exceeded by it; durably, and all or
    /// none of them.
    ///
    /// # Errors
    /// [`NotAdmitted`]; then none of their data leaves.
    fn admit(
        &self,
        duty: &Persons,
        year: u16,
        persons: &HashSet<SubjectId>,
    ) -> Result<(), NotAdmitted>;
}

/// Why persons are not counted.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NotAdmitted {
    /// There would be more of them in the year than the duty says.
    #[error("more persons would leave in this calendar year than were agreed")]
    TooMany,
    /// They cannot be counted; the source is for the provider's operator.
    #[error("the persons cannot be counted")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Marks are carried as numbers of 16 bytes.
const MARKS: DataType = DataType::Decimal128(38, 0);

/// The mark of a value in memory, where no key is needed.
pub(crate) fn mark(value: &[u8]) -> SubjectId {
    Digest::of(value).as_bytes().first_chunk().copied().unwrap_or_default()
}

/// Equal values have equal bytes; `None` where it is missing.
pub(crate) fn subject(cells: &Cells<'_>, row: usize) -> Option<Vec<u8>> {
    let float = |value: f64| (value + 0.0).to_bits().to_be_bytes().to_vec();
    match cells {
        Cells::Boolean(array) => boolean(array, row).map(|v| vec![u8::from(v)]),
        Cells::Integer(get) | Cells::Instant(get) => get(row).map(|v| v.to_be_bytes().to_vec()),
        Cells::Float32(array) => value(array, row).filter(|v| !v.is_nan()).map(|v| float(v.into())),
        Cells::Float64(array) => value(array, row).filter(|v| !v.is_nan()).map(float),
        Cells::Decimal(array) => value(array, row).map(|v| v.to_be_bytes().to_vec()),
        // One byte apart, so that no text is the digest of another one.
        Cells::Text(text) => text.get(row).map(|v| match v.len() {
            0..=SUBJECT_LEN => [b"t", v.as_bytes()].concat(),
            _ => [b"d", &Digest::of(v.as_bytes()).as_bytes()[..]].concat(),
        }),
    }
}

/// The subjects' column of a table, and the key of their marks.
pub(crate) struct SubjectColumn {
    /// Its place in the table.
    place: usize,
    ids: Pseudonyms,
}

impl SubjectColumn {
    pub(crate) fn new(place: usize, ids: Pseudonyms) -> Self {
        Self { place, ids }
    }

    /// Of rows that all have a subject; others do not stay.
    pub(crate) fn ids(&self, chunk: &Chunk, rows: &[usize]) -> Result<Vec<SubjectId>, RunError> {
        let cells = chunk.column(self.place).and_then(|column| Cells::of(column.as_ref()));
        let cells = cells.ok_or(RunError::NoSubject)?;
        let ids: Option<Vec<_>> = rows.iter().map(|row| self.ids.id(&cells, *row)).collect();
        ids.ok_or(RunError::NoSubject)
    }

    /// The masked rows with their marks behind.
    pub(crate) fn add(
        &self,
        (chunk, rows): (&Chunk, &[usize]),
        masked: &RecordBatch,
    ) -> Result<RecordBatch, RunError> {
        with_marks(masked, &self.ids(chunk, rows)?)
    }
}

/// The masked columns and that of the marks.
pub(crate) fn carried(schema: &SchemaRef) -> SchemaRef {
    let marks = Field::new("", MARKS, false);
    let fields = schema.fields().iter().cloned().chain([Arc::new(marks)]);
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Rows with their marks behind.
pub(crate) fn with_marks(
    batch: &RecordBatch,
    marks: &[SubjectId],
) -> Result<RecordBatch, RunError> {
    let values = marks.iter().map(|mark| i128::from_be_bytes(*mark));
    let values = Decimal128Array::from_iter_values(values).with_data_type(MARKS);
    let values: ArrayRef = Arc::new(values);
    let columns = batch.columns().iter().cloned().chain([values]).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(carried(batch.schema_ref()), columns, &options)
        .map_err(RunError::Assemble)
}

/// Rows and their marks.
pub(crate) fn split(batch: &RecordBatch) -> Result<(RecordBatch, Vec<SubjectId>), RunError> {
    let last = batch.num_columns().saturating_sub(1);
    let column = batch.columns().get(last);
    let marks = column.and_then(|column| column.as_any().downcast_ref::<Decimal128Array>());
    let marks = marks.ok_or(RunError::NoSubject)?;
    let marks = marks.values().iter().map(|value| value.to_be_bytes()).collect();
    let places: Vec<usize> = (0..last).collect();
    Ok((batch.project(&places).map_err(RunError::Assemble)?, marks))
}

/// Different subjects of what left.
#[derive(Default)]
pub(crate) struct Subjects(pub(crate) HashSet<SubjectId>);

impl Subjects {
    /// Takes the marks of rows that are to leave next.
    pub(crate) fn add(
        &mut self,
        marks: impl IntoIterator<Item = SubjectId>,
    ) -> Result<(), RunError> {
        for mark in marks {
            if self.0.len() == SUBJECTS_COUNTED_MAX && !self.0.contains(&mark) {
                return Err(RunError::TooManySubjects);
            }
            self.0.insert(mark);
        }
        Ok(())
    }

    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap_or(u64::MAX)
    }
}

// The key is not shown.
impl fmt::Debug for SubjectColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubjectColumn").field("place", &self.place).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_subjects_than_can_be_remembered_end_a_release() {
        let mark = |number: usize| u128::try_from(number).unwrap().to_be_bytes();
        let mut subjects = Subjects::default();
        subjects.add((0..SUBJECTS_COUNTED_MAX).map(mark)).unwrap();
        subjects.add([mark(7)]).unwrap();
        let more = subjects.add([mark(7), mark(SUBJECTS_COUNTED_MAX)]);
        assert!(matches!(more, Err(RunError::TooManySubjects)), "{more:?}");
        assert_eq!(subjects.count(), u64::try_from(SUBJECTS_COUNTED_MAX).unwrap());
    }
}
