//! The persons of a release, found before anything of it leaves.

use std::collections::HashSet;
use std::sync::Arc;

use crate::plan::Plan;
use crate::run::Masked;
use crate::run_error::RunError;
use crate::subjects::SubjectId;
use crate::table::{Chunks, Table};

/// A first pass over a table that was opened, and not read yet.
pub(crate) enum Counting {
    /// Of all rows that stay; no more columns are read than it takes.
    All(Chunks),
    /// Of as many as leave, as they leave.
    Some(Box<Masked<Arc<Plan>>>),
}

impl Counting {
    /// Of a table that was [looked over](Table::look_over); `None` if no duty counts persons.
    pub(crate) fn open(
        plan: &Arc<Plan>,
        table: &Table,
        rows_max: Option<u64>,
    ) -> Result<Option<Self>, RunError> {
        if plan.persons().is_none() {
            return Ok(None);
        }
        // Figures are of all rows, however many of the figures leave.
        let is_limited = plan.limit().or(rows_max).is_some() && plan.aggregation().is_none();
        if is_limited {
            let rows = Masked::open_seen(Arc::clone(plan), table)?.at_most(rows_max).counting();
            return Ok(Some(Self::Some(Box::new(rows))));
        }
        let (chunks, _) = table.chunks(&plan.wanted_to_count())?;
        Ok(Some(Self::All(chunks)))
    }

    /// The different persons.
    pub(crate) fn count(self, plan: &Plan) -> Result<HashSet<SubjectId>, RunError> {
        let (Some(persons), Some(column)) = (plan.persons(), plan.subjects()) else {
            return Err(RunError::Uncounted);
        };
        let most = usize::try_from(persons.duty.at_most).unwrap_or(usize::MAX);
        let mut all = HashSet::new();
        match self {
            Self::Some(mut rows) => {
                for batch in &mut *rows {
                    let _not_released = batch?;
                }
                all = rows.into_subjects();
            }
            Self::All(mut chunks) => {
                while let Some(chunk) = chunks.read()? {
                    let leaves = plan.leaves(&chunk);
                    all.extend(column.ids(&leaves, &plan.keep(&leaves)?)?);
                    if all.len() > most {
                        break;
                    }
                }
            }
        }
        if all.len() > most { Err(RunError::TooManyPersons) } else { Ok(all) }
    }
}
