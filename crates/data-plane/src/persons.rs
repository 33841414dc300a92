//! Persons that leave, in a year no more than a number of them.

use std::fmt;

use arrow_schema::Schema;
use dataspace_policy::duty::Persons;
use dataspace_primitives::{Secrets, secrets::SecretsError};

use crate::chunk::Chunk;
use crate::column::{Cells, Kind, find, type_name};
use crate::keyed_hash::KeyedHash;
use crate::plan_error::PlanError;
use crate::pseudonym::Pseudonyms;
use crate::rows::RowDuty;
use crate::subjects::{SubjectColumn, subject};

/// The duty, for a table.
#[derive(Clone, Debug)]
pub(crate) struct PersonsOf {
    pub(crate) duty: Persons,
    pub(crate) place: usize,
}

impl PersonsOf {
    /// The use of the secret: of one register, whichever contract it is for, so that a person is one in all of
    /// them.
    const PURPOSE: &str = "persons";

    pub(crate) fn compile(
        duty: &Persons,
        clause: usize,
        schema: &Schema,
    ) -> Result<Self, PlanError> {
        let (place, field) = find(schema, clause, duty.column.as_str())?;
        if Kind::of(field.data_type()).is_none() {
            let (column, data_type) = (field.name().clone(), type_name(field.data_type()));
            let action = "told apart as persons";
            return Err(PlanError::ColumnType { clause, column, data_type, action });
        }
        Ok(Self { duty: duty.clone(), place })
    }

    /// Their column, with marks that are the same in all tables under the register.
    pub(crate) fn keyed(&self, secrets: &dyn Secrets) -> Result<SubjectColumn, SecretsError> {
        let key = secrets.derive(Self::PURPOSE, self.duty.register.as_str().as_bytes())?;
        let mut start = KeyedHash::new(&key);
        start.update(b"dataspace/persons/v1\0");
        Ok(SubjectColumn::new(self.place, Pseudonyms::of_subjects(start)))
    }
}

/// Leaves rows out that are about nobody who could be counted.
#[derive(Debug)]
pub(crate) struct OfSomebody(pub(crate) usize);

impl RowDuty for OfSomebody {
    fn columns(&self) -> Vec<usize> {
        vec![self.0]
    }

    fn apply(&self, chunk: &Chunk, rows: &mut Vec<usize>) -> Option<()> {
        let cells = Cells::of(chunk.column(self.0)?.as_ref())?;
        rows.retain(|row| subject(&cells, *row).is_some());
        Some(())
    }
}

impl fmt::Display for PersonsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.duty.fmt(f)
    }
}
