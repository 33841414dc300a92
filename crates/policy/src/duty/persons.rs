//! Persons, counted over a calendar year.

use std::fmt;

use dataspace_primitives::{Name, UnixMillis};
use serde::{Deserialize, Serialize};

use super::invalid::InvalidDuty;
use super::kind::Kind;
use crate::clause::Assurance;
use crate::phrase::quoted;
use crate::zone;

/// Most persons that a register can be asked to hold.
pub const PERSONS_MAX: u32 = 4_000_000;

/// The persons that leave are counted once each in a calendar year, over all contracts of the provider that
/// name one register; nothing leaves by which there would be more than a number of them. Once at most in the terms. They are
/// counted before the first byte leaves, by the values before masks: so an access that breaks off, or a
/// node that is killed, may have counted persons though nothing of theirs left, never the other way round.
///
/// A person is a value of the column: who has two values there is two persons, and one value is one person in all tables under
/// the register, whatever the column's name. A row in which it is missing does not leave, since nobody can say
/// whom it is about.
///
/// The register is the node's own. What leaves through other nodes, or without this duty, is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Persons {
    /// The column that says whom a row is about, exactly as in the table.
    pub column: Name,
    /// The most persons of a year. 1 to [`PERSONS_MAX`].
    pub at_most: u32,
    /// The time zone of the IANA database whose calendar years they are, such as `Asia/Shanghai`. Who leaves
    /// counts in the year in which it leaves: persons of a release that goes on over New Year, in both.
    pub zone: Name,
    /// The register in which they are counted, by a name that the provider gives it. Contracts under one
    /// register should name one zone, since their years would not begin together.
    pub register: Name,
}

impl Persons {
    /// The calendar year of an access that begins now; `None` in the last days of the year 9999, and for
    /// a zone that is none.
    #[must_use]
    pub fn year_at(&self, now: UnixMillis) -> Option<u16> {
        zone::year(self.zone.as_str(), now)
    }
}

impl Kind for Persons {
    // WHY none: the column need not leave.
    fn column(&self) -> Option<&Name> {
        None
    }

    fn assurance(&self) -> Assurance {
        Assurance::Enforced
    }

    fn check(&self) -> Result<(), InvalidDuty> {
        if !(1..=PERSONS_MAX).contains(&self.at_most) {
            return Err(InvalidDuty::Persons { at_most: self.at_most });
        }
        if !zone::is_known(self.zone.as_str()) {
            return Err(InvalidDuty::Zone { zone: self.zone.clone() });
        }
        Ok(())
    }

    fn allows(&self, _: &str) -> bool {
        true
    }
}

/// In plain words: `only while the different persons (by phone) of a calendar year (Asia/Shanghai) are at most 100000,
/// counted once each under all contracts of the register export; no row without a person`.
impl fmt::Display for Persons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, at_most, zone, register } = self;
        let (column, register) = (quoted(column), quoted(register));
        write!(
            f,
            "only while the different persons (by {column}) of a calendar year ({zone}) are at most {at_most}, \
             counted once each under all contracts of the register {register}; no row without a person"
        )
    }
}
