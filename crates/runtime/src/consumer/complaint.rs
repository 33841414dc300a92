//! What a consumer can complain of.

use dataspace_policy::ClauseId;
use dataspace_primitives::shown;
use dataspace_tlog::TreeSize;
use dataspace_tlog::record::{TEXTS_MAX, cut};
use thiserror::Error;

/// In what an answer is not what was agreed, as far as the consumer can see. It is recorded in its log.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Complaint {
    /// A cell shows that a duty was not carried out.
    #[error("{clause} was not carried out: see column `{}` of row {row}", shown(column))]
    Duty {
        /// Which duty.
        clause: ClauseId,
        /// Its column.
        column: String,
        /// The first row that shows it, from 1.
        row: u64,
    },
    /// A column that the contract leaves out.
    #[error("{clause} leaves out column `{}`, which came", shown(column))]
    HiddenColumn {
        /// Which duty.
        clause: ClauseId,
        /// The column.
        column: String,
    },
    /// A column that was not asked for.
    #[error("column `{}` was not asked for", shown(column))]
    OtherColumn {
        /// The column.
        column: String,
    },
    /// A row with more or fewer cells than there are columns, or that is no row.
    #[error("row {row} is not a row of these columns")]
    Row {
        /// Which, from 1.
        row: u64,
    },
    /// More rows than were agreed, or asked for.
    #[error("more than the {max} rows came that were agreed or asked for")]
    Rows {
        /// Rows at most.
        max: u64,
    },
    /// A column that was asked for, or that a duty is about, and that did not come.
    #[error("column `{}` did not come", shown(column))]
    MissingColumn {
        /// The column.
        column: String,
    },
    /// Data of another kind than the product: bytes of a table, or rows of a file.
    #[error("{kind} came, which the product is not made of")]
    Kind {
        /// `rows` or `bytes`.
        kind: &'static str,
    },
    /// Fewer bytes than were asked for, although the answer says that this is all.
    #[error("the bytes end at {end}; they were asked for until {until}")]
    Short {
        /// The first byte that did not come.
        end: u64,
        /// Where they should have ended.
        until: u64,
    },
    /// Bytes that were not asked for, or out of their order.
    #[error("byte {at} is not the next one that was asked for")]
    Bytes {
        /// Where they begin.
        at: u64,
    },
    /// What came is not a sealed file that can be opened under this contract.
    #[error("what came is not a sealed file that can be opened here: {}", shown(why))]
    Sealed {
        /// Why.
        why: String,
    },
    /// The answer ended without an end.
    #[error("the answer was cut off")]
    CutOff,
    /// Something in the answer is malformed.
    #[error("the answer is malformed: {}", shown(what))]
    Malformed {
        /// The problem.
        what: &'static str,
    },
    /// No evidence of the decision came.
    #[error("no evidence of the decision came")]
    NoEvidence,
    /// The evidence does not hold.
    #[error("the evidence of the decision does not hold: {}", shown(why))]
    Evidence {
        /// Why.
        why: String,
    },
    /// The evidence is good, and of something else than what was answered.
    #[error("the evidence is of another decision: {what} differs")]
    OtherDecision {
        /// What differs.
        what: &'static str,
    },
    /// What the provider reported in its log is not what came.
    #[error("the provider's log reports that something else left than came: {what} differs")]
    OtherDelivery {
        /// What differs.
        what: &'static str,
    },
    /// The provider's log is shorter than it was.
    #[error(
        "the provider's log had {held} records, and shows {shown} now: it was rolled back, or copied"
    )]
    RolledBack {
        /// Records under the checkpoint that is held.
        held: TreeSize,
        /// And now.
        shown: TreeSize,
    },
    /// The provider signed two histories. The proof is kept.
    #[error(
        "the provider signed two histories of its log that contradict each other; the proof is kept"
    )]
    Forked,
    /// It is not shown that the provider's log extends what was seen of it.
    #[error("it is not shown that the provider's log extends what was seen of it")]
    Unproved,
}

impl Complaint {
    /// Returns true if rows can no longer be counted.
    pub(crate) fn loses_rows(&self) -> bool {
        matches!(self, Self::Row { .. })
    }

    /// Returns true if nobody knows whether what came is all of it.
    pub(crate) fn breaks(&self) -> bool {
        matches!(
            self,
            Self::CutOff | Self::Malformed { .. } | Self::Row { .. } | Self::Short { .. }
        )
    }
}

/// Bytes of all texts of one list in a record, so that two of them fit.
const TEXTS_LEN_MAX: usize = 24 << 10;

/// Texts that a record can have, and how many there are more.
pub(crate) fn fit(texts: impl IntoIterator<Item = String>) -> Vec<String> {
    let (mut fitting, mut len, mut more) = (Vec::new(), 0_usize, 0_u64);
    for text in texts {
        let text = cut(text);
        len = len.saturating_add(text.len());
        if fitting.len() < TEXTS_MAX - 1 && len <= TEXTS_LEN_MAX {
            fitting.push(text);
        } else {
            more = more.saturating_add(1);
        }
    }
    if more > 0 {
        fitting.push(format!("and {more} more"));
    }
    fitting
}

/// A name of a stranger's, in a complaint.
pub(crate) fn short(name: &str) -> String {
    let mut short: String = name.chars().take(64).collect();
    if short.len() < name.len() {
        short.push('…');
    }
    short
}
