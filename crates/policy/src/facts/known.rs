//! What facts are made of: whose they are, their kind, and what one of them says.

use std::collections::BTreeSet;

use dataspace_primitives::{Name, Region, UnixMillis};

use super::access::Payment;
use crate::action::Action;

/// Whose attribute a fact is, in the schema of policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// The request's own: who asks for what, to do what.
    Request,
    /// Of the consumer.
    Principal,
    /// Of the product.
    Resource,
    /// Of the access.
    Context,
    /// Of the contract.
    Contract,
    /// Of the person who acts for the consumer. Known where the person is.
    Person,
    /// Of what the data are used in. Known where that is.
    Environment,
}

impl Owner {
    /// How Cedar text names the owner; empty for the request.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Request => "",
            Self::Principal => "principal",
            Self::Resource => "resource",
            Self::Context => "context",
            Self::Contract => "context.contract",
            Self::Person => "context.person",
            Self::Environment => "context.environment",
        }
    }
}

/// What the values of a fact are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A set of texts.
    Texts,
    /// A set of roles, which the owner is `in`.
    Roles,
    /// A whole number.
    Number,
    /// An instant.
    Instant,
    /// True or false.
    Flag,
    /// An entity of this type.
    Entity(&'static str),
}

impl Kind {
    /// Returns true if there can be several values at once.
    #[must_use]
    pub const fn is_set(self) -> bool {
        matches!(self, Self::Texts | Self::Roles)
    }
}

/// What a fact says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known<'a> {
    /// A text.
    Text(&'a str),
    /// A set of texts.
    Texts(&'a BTreeSet<Name>),
    /// A whole number.
    Number(u64),
    /// An instant.
    Instant(UnixMillis),
    /// True or false.
    Flag(bool),
    /// An entity.
    Entity {
        /// Its type.
        ty: &'static str,
        /// Its identifier.
        id: &'a str,
    },
}

impl Known<'_> {
    /// As a fact of this kind: a text can name an entity.
    #[inline]
    pub(super) fn of(self, kind: Kind) -> Self {
        match (self, kind) {
            (Self::Text(id), Kind::Entity(ty)) => Self::Entity { ty, id },
            (known, _) => known,
        }
    }
}

/// A part of [`Facts`](super::Facts) that is a fact.
pub(super) trait Field<'a>: Sized {
    /// What it says; `None` if it is not known.
    fn known(&'a self) -> Option<Known<'a>>;

    /// The part that says so; `None` if it cannot say that.
    fn told(_: Known<'a>) -> Option<Self> {
        None
    }
}

impl<'a, T: Field<'a>> Field<'a> for Option<T> {
    #[inline]
    fn known(&'a self) -> Option<Known<'a>> {
        self.as_ref()?.known()
    }

    fn told(known: Known<'a>) -> Option<Self> {
        T::told(known).map(Some)
    }
}

impl<'a> Field<'a> for &'a str {
    #[inline]
    fn known(&'a self) -> Option<Known<'a>> {
        Some(Known::Text(self))
    }

    fn told(known: Known<'a>) -> Option<Self> {
        if let Known::Text(text) = known { Some(text) } else { None }
    }
}

impl<'a> Field<'a> for Region {
    #[inline]
    fn known(&'a self) -> Option<Known<'a>> {
        Some(Known::Text(self.as_str()))
    }

    fn told(known: Known<'a>) -> Option<Self> {
        if let Known::Text(text) = known { Self::parse(text).ok() } else { None }
    }
}

impl<'a> Field<'a> for &'a BTreeSet<Name> {
    #[inline]
    fn known(&'a self) -> Option<Known<'a>> {
        Some(Known::Texts(self))
    }
}

impl<'a> Field<'a> for u64 {
    #[inline]
    fn known(&'a self) -> Option<Known<'a>> {
        Some(Known::Number(*self))
    }
}

impl<'a> Field<'a> for u32 {
    #[inline]
    fn known(&'a self) -> Option<Known<'a>> {
        Some(Known::Number(u64::from(*self)))
    }

    fn told(known: Known<'a>) -> Option<Self> {
        if let Known::Number(number) = known { number.try_into().ok() } else { None }
    }
}

impl<'a> Field<'a> for bool {
    #[inline]
    fn known(&'a self) -> Option<Known<'a>> {
        Some(Known::Flag(*self))
    }

    fn told(known: Known<'a>) -> Option<Self> {
        if let Known::Flag(flag) = known { Some(flag) } else { None }
    }
}

impl<'a> Field<'a> for UnixMillis {
    #[inline]
    fn known(&'a self) -> Option<Known<'a>> {
        Some(Known::Instant(*self))
    }
}

impl<'a> Field<'a> for Action {
    #[inline]
    fn known(&'a self) -> Option<Known<'a>> {
        Some(Known::Text(self.as_str()))
    }
}

impl<'a> Field<'a> for Payment {
    #[inline]
    fn known(&'a self) -> Option<Known<'a>> {
        Some(Known::Text(self.as_str()))
    }
}
