//! The conditions that terms can put on an access.

use std::collections::BTreeSet;

use dataspace_primitives::{Name, Region, UnixMillis, Validity};
use serde::{Deserialize, Serialize};

use crate::facts::Payment;

/// Most values in one constraint.
pub const VALUES_MAX: usize = 64;

/// Deepest nesting of [`Constraint::Not`], [`All`](Constraint::All), [`Any`](Constraint::Any) and
/// [`One`](Constraint::One).
pub const DEPTH_MAX: usize = 4;

/// Most constraints in one rule, those within others counted.
pub const NODES_MAX: usize = 64;

/// Longest time after the agreement that terms can speak of, in seconds: 100 years.
pub const SECS_MAX: u64 = 36_525 * 86_400;

/// A condition on one access.
///
/// Where a fact is not known that a rule asks for anywhere, a permission does not apply and a
/// prohibition does: under [`Not`](Self::Not) and [`Any`](Self::Any), too. [`Constraint::source`]
/// says who supplies it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Constraint {
    /// The purpose that the consumer states is one of these.
    Purpose(BTreeSet<Name>),
    /// It is one of these or narrower, in the space's hierarchy.
    PurposeWithin(BTreeSet<Name>),
    /// The access happens within this time.
    Time(Validity),
    /// At this instant or later.
    From(UnixMillis),
    /// Before this instant.
    Before(UnixMillis),
    /// At these hours of the week.
    Hours(Hours),
    /// Fewer than this many seconds after the agreement. 1 to [`SECS_MAX`].
    Elapsed(u64),
    /// The contract was used fewer than this many times before. At least 1.
    Count(u32),
    /// The consumer used the product fewer than this many times before, under all its contracts.
    ConsumerCount(u32),
    /// The contract was used fewer than this many times before on this day (UTC).
    DayCount(u32),
    /// The contract was used fewer than this many times before in this calendar month (UTC).
    MonthCount(u32),
    /// The consumer is established in one of these jurisdictions.
    Jurisdiction(BTreeSet<Region>),
    /// The consumer states that the data go to one of these.
    RecipientRegion(BTreeSet<Region>),
    /// The consumer is one of these, by DID.
    Participant(BTreeSet<Name>),
    /// The consumer has a credential of one of these types. That it has none of them is never known.
    Credential(BTreeSet<Name>),
    /// The consumer's credentials say one of these. Not known where they say nothing of the name.
    Attribute {
        /// Of what.
        name: Name,
        /// What they say.
        values: BTreeSet<Name>,
    },
    /// The consumer has one of these roles in the space.
    Role(BTreeSet<Name>),
    /// The person who acts for the consumer has one of these roles.
    PersonRole(BTreeSet<Name>),
    /// The environment was attested.
    Attested,
    /// Data cannot leave the environment.
    Sandbox,
    /// The environment has at least this security level.
    SecurityLevel(u32),
    /// The data go through one of these connectors.
    Connector(BTreeSet<Name>),
    /// The data are used in one of these applications.
    Application(BTreeSet<Name>),
    /// The product is of one of these classes.
    Class(BTreeSet<Name>),
    /// The product is classified at most at this level.
    Level(u32),
    /// The payment is in one of these states.
    Payment(BTreeSet<Payment>),
    /// One of these goes on in the space.
    Event(BTreeSet<Name>),
    /// The contract's process is in one of these states.
    State(BTreeSet<Name>),
    /// It does not hold.
    Not(Box<Self>),
    /// All hold (ODRL: `and`). At least two.
    All(Vec<Self>),
    /// At least one holds (ODRL: `or`). At least two.
    Any(Vec<Self>),
    /// Just one holds (ODRL: `xone`). At least two. One rule has room for 16 in all, or for 15 in a
    /// prohibition that asks for what can be unknown ([`bounds`](crate::bounds)).
    One(Vec<Self>),
}

impl Constraint {
    /// The names with which it compares a fact.
    pub(crate) fn names(&self) -> Option<&BTreeSet<Name>> {
        match self {
            Self::Purpose(all)
            | Self::PurposeWithin(all)
            | Self::Participant(all)
            | Self::Credential(all)
            | Self::Attribute { values: all, .. }
            | Self::Role(all)
            | Self::PersonRole(all)
            | Self::Connector(all)
            | Self::Application(all)
            | Self::Class(all)
            | Self::Event(all)
            | Self::State(all) => Some(all),
            _ => None,
        }
    }

    /// Number of values, where there can be several.
    pub(crate) fn values(&self) -> Option<usize> {
        Some(match self {
            Self::Jurisdiction(all) | Self::RecipientRegion(all) => all.len(),
            Self::Payment(all) => all.len(),
            Self::Hours(hours) => hours.weekdays.len(),
            one => return one.names().map(BTreeSet::len),
        })
    }

    /// The number that must not be 0.
    pub(crate) fn limit(&self) -> Option<u64> {
        match self {
            Self::Count(max)
            | Self::ConsumerCount(max)
            | Self::DayCount(max)
            | Self::MonthCount(max) => Some(u64::from(*max)),
            Self::Elapsed(secs) => Some(*secs),
            _ => None,
        }
    }

    pub(crate) fn is_count(&self) -> bool {
        matches!(
            self,
            Self::Count(_) | Self::ConsumerCount(_) | Self::DayCount(_) | Self::MonthCount(_)
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

/// Hours of a week, by the clock on the wall.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Hours {
    /// On these days; at least one.
    pub weekdays: BTreeSet<Weekday>,
    /// From this minute of the day on, 0 to 1439.
    pub from: u16,
    /// Until before this minute of the day, 1 to 1440, after `from`.
    pub until: u16,
    /// In this time zone of the IANA data base, such as `Europe/Berlin`.
    pub zone: Name,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "known to everybody")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// All days, Monday first.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// 1 is Monday, 7 is Sunday (ISO 8601).
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Monday => 1,
            Self::Tuesday => 2,
            Self::Wednesday => 3,
            Self::Thursday => 4,
            Self::Friday => 5,
            Self::Saturday => 6,
            Self::Sunday => 7,
        }
    }

    /// The English name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Monday => "Monday",
            Self::Tuesday => "Tuesday",
            Self::Wednesday => "Wednesday",
            Self::Thursday => "Thursday",
            Self::Friday => "Friday",
            Self::Saturday => "Saturday",
            Self::Sunday => "Sunday",
        }
    }
}
