//! What must be done to the data before it is released. Each kind of duty has a file of its own here, and
//! its twin in the data plane, which carries it out.

use std::fmt;

use dataspace_primitives::Name;
use serde::{Deserialize, Serialize};

pub use self::aggregate::{Aggregate, FIGURES_MAX, GROUP_COLUMNS_MAX, SUBJECTS_MAX};
pub use self::broader::{BROADER_MAX, Broader};
pub use self::calendar::{CalendarPart, instant_nanos};
pub use self::filter::{FILTER_VALUES_MAX, Operator, RowFilter};
pub use self::invalid::InvalidDuty;
pub use self::keep::{KEPT_COLUMNS_MAX, KeptColumns};
use self::kind::Kind;
pub use self::kind::is_part_of;
pub use self::limit::Limit;
pub use self::mark::{Mark, MarkMethod};
pub use self::mask::{
    Characters, ColumnMask, DECIMALS_MAX, GRID_CELLS_MAX, MaskMethod, PSEUDONYM_DIGITS,
};
pub use self::persons::{PERSONS_MAX, Persons};
pub use self::pseudonym::PseudonymScope;
pub use self::sample::{MILLION, Sample};
pub use self::scalar::{InvalidNumber, Number, Scalar};
pub use self::watermark::{RELATIVE_MAX, Tolerance, Watermark};
use crate::clause::Assurance;

mod aggregate;
mod broader;
mod calendar;
mod filter;
mod invalid;
mod keep;
mod kind;
mod limit;
mod mark;
mod mask;
mod persons;
mod pseudonym;
mod sample;
mod scalar;
mod watermark;

/// A duty that the provider's monitor carries out on every release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Duty {
    /// Keep only the rows for which the comparison is true. Several filters must all hold.
    Filter(RowFilter),
    /// Hide or coarsen one column. At most one mask for a column.
    Mask(ColumnMask),
    /// Mark every copy for its contract.
    Mark(Mark),
    /// Leave out every column but these. At most once.
    Keep(KeptColumns),
    /// Release figures of groups, and no row. At most once.
    Aggregate(Aggregate),
    /// Keep only a sample of the rows. At most once.
    Sample(Sample),
    /// Release at most a number of rows. At most once.
    Limit(Limit),
    /// Move the numbers of a column a little, so that a copy can be traced. At most once for a column.
    Watermark(Watermark),
    /// Count the persons of a year, and release no more of them than a number. At most once.
    Persons(Persons),
}

impl Duty {
    fn kind(&self) -> &dyn Kind {
        match self {
            Self::Filter(filter) => filter,
            Self::Mark(mark) => mark,
            Self::Mask(mask) => mask,
            Self::Keep(keep) => keep,
            Self::Aggregate(aggregate) => aggregate,
            Self::Sample(sample) => sample,
            Self::Limit(limit) => limit,
            Self::Watermark(watermark) => watermark,
            Self::Persons(persons) => persons,
        }
    }

    /// The column that the duty concerns, if it concerns one.
    #[must_use]
    pub fn column(&self) -> Option<&Name> {
        self.kind().column()
    }

    /// The label of its clause: what makes it hold.
    #[must_use]
    pub fn assurance(&self) -> Assurance {
        self.kind().assurance()
    }

    /// Checks what can be checked without the table.
    ///
    /// # Errors
    /// [`InvalidDuty`], with the column concerned.
    pub fn check(&self) -> Result<(), InvalidDuty> {
        self.kind().check()
    }

    /// Returns true if the duty leaves this column out, or what it is a part of. A column with a part that the
    /// duty keeps, or leaves out, is not left out itself.
    #[must_use]
    pub fn leaves_out(&self, column: &str) -> bool {
        self.kind().leaves_out(column)
    }

    /// Returns true if it can be carried out on a document: all that it names are JSON pointers.
    #[must_use]
    pub fn is_for_documents(&self) -> bool {
        let is_pointer = |name: &Name| name.as_str().starts_with('/');
        match self {
            Self::Keep(keep) => keep.columns.iter().all(is_pointer),
            duty => duty.column().is_some_and(is_pointer) && matches!(duty, Self::Mask(_)),
        }
    }

    /// Returns true if it can be carried out on pictures or sound.
    #[must_use]
    pub const fn is_for_media(&self) -> bool {
        matches!(self, Self::Mark(_))
    }

    /// For a consumer: returns false if a released cell of the duty's column shows, by its text in CSV,
    /// that the duty was not carried out. A missing value is the empty text. Much cannot be seen in a cell,
    /// and is true.
    #[must_use]
    pub fn allows(&self, cell: &str) -> bool {
        self.kind().allows(cell)
    }
}

/// In plain words: `only rows where pretty_formula is one of "Fe2O3", "FeO"`.
impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind().fmt(f)
    }
}
