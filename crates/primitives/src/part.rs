//! A part of a product.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::bounded;
use crate::name::Name;

/// Most columns that a [`Part`] names.
pub const PART_COLUMNS_MAX: usize = 256;

/// Most bytes of the names of these columns together: what is asked for is recorded.
pub const PART_COLUMNS_LEN_MAX: usize = 8_192;

/// Which part of a product is asked for. The consumer gets no more than that, and the provider reads no
/// more than it needs for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub enum Part {
    /// Rows of a table.
    Rows {
        /// These columns alone, 1 to [`PART_COLUMNS_MAX`], in the order of the table; `None` for all
        /// that the contract releases.
        columns: Option<BTreeSet<Name>>,
        /// At most so many rows, from the first one on that the contract releases; `None` for all.
        rows_max: Option<u64>,
    },
    /// Bytes of a file: half-open, not empty.
    Bytes {
        /// The first byte, from 0.
        from: u64,
        /// The first byte that is not asked for.
        until: u64,
    },
    /// A stretch of a recording: half-open, not empty.
    Seconds {
        /// The second from which on, from 0.
        from: u32,
        /// The second before which it ends; where a recording ends within a second, that one counts.
        until: u32,
    },
}

/// Nothing is asked for: no column, no byte, no second, or more columns than anybody can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a part has 1 to {PART_COLUMNS_MAX} columns, a limit of rows, bytes, or seconds")]
pub struct InvalidPart;

impl Part {
    /// These columns, and at most so many rows; not `None` of both, which is the whole.
    ///
    /// # Errors
    /// [`InvalidPart`] if it is no part.
    pub fn rows(
        columns: Option<BTreeSet<Name>>,
        rows_max: Option<u64>,
    ) -> Result<Self, InvalidPart> {
        let is_good = |columns: &BTreeSet<Name>| {
            let len: usize = columns.iter().map(|name| name.as_str().len()).sum();
            (1..=PART_COLUMNS_MAX).contains(&columns.len()) && len <= PART_COLUMNS_LEN_MAX
        };
        if columns.as_ref().is_some_and(|columns| !is_good(columns))
            || (columns.is_none() && rows_max.is_none())
            || rows_max == Some(0)
        {
            return Err(InvalidPart);
        }
        Ok(Self::Rows { columns, rows_max })
    }

    /// The bytes from `from` until, but not including `until`.
    ///
    /// # Errors
    /// [`InvalidPart`] if there is none.
    pub fn bytes(from: u64, until: u64) -> Result<Self, InvalidPart> {
        if from < until { Ok(Self::Bytes { from, until }) } else { Err(InvalidPart) }
    }

    /// The stretch of a recording from the second `from` until, but not including `until`.
    ///
    /// # Errors
    /// [`InvalidPart`] if there is none.
    pub fn seconds(from: u32, until: u32) -> Result<Self, InvalidPart> {
        if from < until { Ok(Self::Seconds { from, until }) } else { Err(InvalidPart) }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Wire {
    Rows {
        #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "columns")]
        columns: Option<BTreeSet<Name>>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rows_max: Option<u64>,
    },
    Bytes {
        from: u64,
        until: u64,
    },
    Seconds {
        from: u32,
        until: u32,
    },
}

fn columns<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeSet<Name>>, D::Error> {
    bounded::set::<_, _, PART_COLUMNS_MAX>(deserializer).map(Some)
}

impl TryFrom<Wire> for Part {
    type Error = InvalidPart;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        match wire {
            Wire::Rows { columns, rows_max } => Self::rows(columns, rows_max),
            Wire::Bytes { from, until } => Self::bytes(from, until),
            Wire::Seconds { from, until } => Self::seconds(from, until),
        }
    }
}

impl From<Part> for Wire {
    fn from(part: Part) -> Self {
        match part {
            Part::Rows { columns, rows_max } => Self::Rows { columns, rows_max },
            Part::Bytes { from, until } => Self::Bytes { from, until },
            Part::Seconds { from, until } => Self::Seconds { from, until },
        }
    }
}
