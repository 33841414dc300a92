//! Spans of time.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::time::UnixMillis;

/// A half-open interval of time: valid from the first instant, until but not including the last.
/// Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Validity {
    from: UnixMillis,
    until: UnixMillis,
}

/// The interval ends at or before its beginning.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a validity must end after it begins: from {from}, until {until}")]
pub struct EmptyValidity {
    /// First instant asked for.
    pub from: UnixMillis,
    /// First instant no longer included.
    pub until: UnixMillis,
}

impl Validity {
    /// From 1970 until the last millisecond of 9999.
    pub const ALWAYS: Self = Self { from: UnixMillis::MIN, until: UnixMillis::MAX };

    /// Valid from `from`, until but not including `until`.
    ///
    /// # Errors
    /// [`EmptyValidity`] if `until` is not after `from`.
    pub const fn new(from: UnixMillis, until: UnixMillis) -> Result<Self, EmptyValidity> {
        if from.as_millis() < until.as_millis() {
            Ok(Self { from, until })
        } else {
            Err(EmptyValidity { from, until })
        }
    }

    /// First instant included.
    #[must_use]
    pub const fn from(&self) -> UnixMillis {
        self.from
    }

    /// First instant no longer included.
    #[must_use]
    pub const fn until(&self) -> UnixMillis {
        self.until
    }

    /// Returns true if `at` lies inside.
    #[must_use]
    pub fn contains(&self, at: UnixMillis) -> bool {
        self.from <= at && at < self.until
    }

    /// Returns true if all of `inner` lies inside.
    #[must_use]
    pub fn encloses(&self, inner: &Self) -> bool {
        self.from <= inner.from && inner.until <= self.until
    }
}

impl fmt::Display for Validity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "from {} until {}", self.from, self.until)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    from: UnixMillis,
    until: UnixMillis,
}

impl TryFrom<Wire> for Validity {
    type Error = EmptyValidity;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        Self::new(wire.from, wire.until)
    }
}

impl From<Validity> for Wire {
    fn from(validity: Validity) -> Self {
        Self { from: validity.from, until: validity.until }
    }
}
