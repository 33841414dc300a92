//! The marks that a contract asks for.

use dataspace_data_plane::errors::PlanError;
use dataspace_policy::{Duty, duty::MarkMethod};

/// Which marks a copy bears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Marks {
    pub(crate) visible: bool,
    pub(crate) trace: bool,
}

impl Marks {
    /// Of duties, if each is a mark that `can` be made here.
    pub(crate) fn of(
        duties: &[Duty],
        can: impl Fn(MarkMethod, usize) -> Result<(), PlanError>,
    ) -> Result<Self, PlanError> {
        let mut marks = Self::default();
        for (clause, duty) in duties.iter().enumerate() {
            let Duty::Mark(mark) = duty else { return Err(PlanError::MarkedAlone { clause }) };
            can(mark.method, clause)?;
            match mark.method {
                MarkMethod::Visible => marks.visible = true,
                MarkMethod::Trace => marks.trace = true,
            }
        }
        Ok(marks)
    }
}
