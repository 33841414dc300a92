//! A sample of the rows, chosen under a key of the contract.

use std::fmt;

use arrow_schema::{DataType, Schema};
use dataspace_policy::duty::{MILLION, Sample};
use dataspace_primitives::{Secrets, secrets::SecretsError};

use crate::aggregate::subject;
use crate::chunk::Chunk;
use crate::column::{Cells, Kind, find, released_type, type_name};
use crate::keyed_hash::KeyedHash;
use crate::plan_error::PlanError;
use crate::recipient::Recipient;
use crate::rows::RowDuty;

/// The duty, for a table, without its key.
#[derive(Debug)]
pub(crate) struct Sampling {
    /// The subjects' column, or all.
    columns: Vec<usize>,
    is_of_subjects: bool,
    per_million: u32,
}

impl Sampling {
    /// The use of the secret.
    const PURPOSE: &str = "sample";

    pub(crate) fn compile(
        duty: &Sample,
        clause: usize,
        schema: &Schema,
    ) -> Result<Self, PlanError> {
        let per_million = duty.per_million;
        let Some(subject) = &duty.subject else {
            // What a row is told from others by: all that can leave. What cannot leave tells nothing apart.
            let mut columns = Vec::new();
            for (place, field) in schema.fields().iter().enumerate() {
                let data_type = field.data_type();
                if Kind::of(data_type).is_some() {
                    columns.push(place);
                } else if released_type(data_type).is_some() && *data_type != DataType::Null {
                    let (column, data_type) = (field.name().clone(), type_name(data_type));
                    let action = "told apart in a sample";
                    return Err(PlanError::ColumnType { clause, column, data_type, action });
                }
            }
            return Ok(Self { columns, is_of_subjects: false, per_million });
        };
        let (place, field) = find(schema, clause, subject.as_str())?;
        if Kind::of(field.data_type()).is_none() {
            let (column, data_type) = (field.name().clone(), type_name(field.data_type()));
            let action = "told apart as subjects";
            return Err(PlanError::ColumnType { clause, column, data_type, action });
        }
        Ok(Self { columns: vec![place], is_of_subjects: true, per_million })
    }

    pub(crate) fn keyed(
        self,
        secrets: &dyn Secrets,
        recipient: Recipient<'_>,
    ) -> Result<Keyed, SecretsError> {
        let key = secrets.derive(Self::PURPOSE, recipient.contract)?;
        let mut start = KeyedHash::new(&key);
        start.update(b"dataspace/sample/v1\0");
        Ok(Keyed { sampling: self, start })
    }
}

/// The duty, ready to choose.
pub(crate) struct Keyed {
    sampling: Sampling,
    start: KeyedHash,
}

impl Keyed {
    /// Returns true if the row stays.
    fn holds(&self, cells: &[Cells<'_>], row: usize) -> bool {
        let mut context = self.start.clone();
        for cells in cells {
            match subject(cells, row) {
                // The length keeps the values of two columns apart.
                Some(value) => {
                    let len = u64::try_from(value.len()).unwrap_or(u64::MAX);
                    context.update(&len.to_be_bytes());
                    context.update(&value);
                }
                None if self.sampling.is_of_subjects => return false,
                None => context.update(&u64::MAX.to_be_bytes()),
            }
        }
        let number = context.finish().first_chunk().copied().map_or(u64::MAX, u64::from_be_bytes);
        let share = (u128::from(number) * u128::from(MILLION)) >> 64;
        share < u128::from(self.sampling.per_million)
    }
}

impl RowDuty for Keyed {
    fn columns(&self) -> Vec<usize> {
        self.sampling.columns.clone()
    }

    fn apply(&self, chunk: &Chunk, rows: &mut Vec<usize>) -> Option<()> {
        let columns = self.sampling.columns.iter();
        let cells: Option<Vec<_>> =
            columns.map(|column| Cells::of(chunk.column(*column)?.as_ref())).collect();
        let cells = cells?;
        rows.retain(|row| self.holds(&cells, *row));
        Some(())
    }
}

// The key is not shown.
impl fmt::Debug for Keyed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sampling.fmt(f)
    }
}
