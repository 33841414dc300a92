//! The values that a constraint compares a fact with.

use std::collections::BTreeSet;

use dataspace_primitives::{Name, Region};

use super::access::Payment;

/// The values of a constraint that says that a fact is among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values<'a> {
    /// Names.
    Name(&'a BTreeSet<Name>),
    /// Countries.
    Region(&'a BTreeSet<Region>),
    /// States of a payment.
    Payment(&'a BTreeSet<Payment>),
}

impl<'a> Values<'a> {
    /// Their texts, in their order.
    #[must_use]
    pub fn texts(self) -> Vec<&'a str> {
        match self {
            Self::Name(all) => all.iter().map(Name::as_str).collect(),
            Self::Region(all) => all.iter().map(Region::as_str).collect(),
            Self::Payment(all) => all.iter().map(|one| one.as_str()).collect(),
        }
    }

    pub(crate) fn len(self) -> usize {
        match self {
            Self::Name(all) => all.len(),
            Self::Region(all) => all.len(),
            Self::Payment(all) => all.len(),
        }
    }

    pub(crate) fn is_subset(self, of: Values<'_>) -> bool {
        match (self, of) {
            (Self::Name(all), Values::Name(of)) => all.is_subset(of),
            (Self::Region(all), Values::Region(of)) => all.is_subset(of),
            (Self::Payment(all), Values::Payment(of)) => all.is_subset(of),
            _ => false,
        }
    }

    pub(crate) fn is_disjoint(self, of: Values<'_>) -> bool {
        match (self, of) {
            (Self::Name(all), Values::Name(of)) => all.is_disjoint(of),
            (Self::Region(all), Values::Region(of)) => all.is_disjoint(of),
            (Self::Payment(all), Values::Payment(of)) => all.is_disjoint(of),
            _ => false,
        }
    }
}
