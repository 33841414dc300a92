//! The conditions that terms can put on an access.

use std::collections::BTreeSet;

use dataspace_primitives::Name;

use crate::facts::{Constraint, Values};

/// Most values in one constraint.
pub const VALUES_MAX: usize = 64;

/// Deepest nesting of [`Constraint::Not`], [`All`](Constraint::All), [`Any`](Constraint::Any) and
/// [`One`](Constraint::One).
pub const DEPTH_MAX: usize = 4;

/// Most constraints in one rule, those within others counted.
pub const NODES_MAX: usize = 64;

/// Longest time after the agreement that terms can speak of, in seconds: 100 years.
pub const SECS_MAX: u64 = 36_525 * 86_400;

impl Constraint {
    /// The names with which it compares a fact.
    pub(crate) fn names(&self) -> Option<&BTreeSet<Name>> {
        match (self, self.among()) {
            (_, Some((_, Values::Name(all))))
            | (Self::Attribute { values: all, .. } | Self::Vouched { values: all, .. }, _) => {
                Some(all)
            }
            _ => None,
        }
    }

    /// Number of values, where there can be several.
    pub(crate) fn values(&self) -> Option<usize> {
        match self {
            Self::Attribute { values, .. } | Self::Vouched { values, .. } => Some(values.len()),
            Self::Hours(hours) => Some(hours.weekdays.len()),
            one => one.among().map(|(_, values)| values.len()),
        }
    }

    /// The number that must not be 0.
    pub(crate) fn limit(&self) -> Option<u64> {
        match self {
            Self::Count(max)
            | Self::ConsumerCount(max)
            | Self::DayCount(max)
            | Self::MonthCount(max)
            | Self::SecondsCount(max)
            | Self::FirstSeconds(max) => Some(u64::from(*max)),
            Self::PlayCount(plays) => Some(u64::from(plays.max)),
            Self::Elapsed(secs) => Some(*secs),
            _ => None,
        }
    }

    pub(crate) fn is_count(&self) -> bool {
        matches!(
            self,
            Self::Count(_)
                | Self::ConsumerCount(_)
                | Self::DayCount(_)
                | Self::MonthCount(_)
                | Self::PlayCount(_)
                | Self::SecondsCount(_)
        )
    }

    pub(crate) fn is_compound(&self) -> bool {
        matches!(self, Self::Not(_) | Self::All(_) | Self::Any(_) | Self::One(_))
    }

    /// The constraints within it.
    pub(crate) fn parts(&self) -> &[Self] {
        match self {
            Self::Not(one) => std::slice::from_ref(one),
            Self::All(all) | Self::Any(all) | Self::One(all) => all,
            _ => &[],
        }
    }

    /// Visits it and every constraint within it.
    pub(crate) fn each<'a>(&'a self, visit: &mut dyn FnMut(&'a Self)) {
        visit(self);
        self.parts().iter().for_each(|part| part.each(visit));
    }
}
