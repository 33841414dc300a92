//! What there is to know of a duty of any kind.

use std::fmt;

use dataspace_primitives::Name;

use super::invalid::InvalidDuty;
use crate::clause::Assurance;

/// A kind of duty. Its words are its `Display`.
pub(super) trait Kind: fmt::Display {
    /// The column that it concerns, if it concerns one.
    fn column(&self) -> Option<&Name>;

    /// Returns true if it leaves this column out.
    fn leaves_out(&self, _column: &str) -> bool {
        false
    }

    /// The label of its clause: what makes it hold.
    fn assurance(&self) -> Assurance;

    /// Checks what can be checked without the table.
    fn check(&self) -> Result<(), InvalidDuty>;

    /// Returns false if a released cell with this text shows that the duty was not carried out. A missing
    /// value is the empty text. What cannot be seen in one cell is true.
    fn allows(&self, cell: &str) -> bool;
}

/// Returns true if a column's name is that of a part of another column: `address.city` of `address`.
#[must_use]
pub fn is_part_of(part: &str, whole: &str) -> bool {
    part.strip_prefix(whole).is_some_and(|rest| rest.starts_with('.'))
}
