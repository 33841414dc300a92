//! What a policy's conditions are compiled to.

use cedar_policy::pst::UnaryOp;

use super::entity::TIME_ZONE;
use super::value::Constant;
use crate::facts::Fact;

/// One expression.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Constant(Constant),
    Principal,
    Action,
    Resource,
    Context,
    /// `context.a`, without a look at the rest of it.
    ContextAttribute(Box<str>),
    /// `context has a.b.c`; at least one name.
    ContextHas(Box<[Box<str>]>),
    /// A fact of the paved path, without a look-up by name.
    Fact(Fact),
    /// True if the fact is known, and has what the names lead to.
    IsKnown(Fact, Box<[Box<str>]>),
    /// Evaluated from the left until one is false.
    And(Box<[Self]>),
    /// Evaluated from the left until one is true.
    Or(Box<[Self]>),
    If(Box<[Self; 3]>),
    Unary(UnaryOp, Box<Self>),
    Binary(Binary, Box<[Self; 2]>),
    Attribute(Box<Self>, Box<str>),
    /// `has a.b.c`.
    Has(Box<Self>, Box<[Box<str>]>),
    /// What stands between the wildcards; at least one part.
    Like(Box<Self>, Box<[Box<str>]>),
    Is(Box<Self>, Box<str>),
    Set(Box<[Self]>),
    /// Sorted by name.
    Record(Box<[(Box<str>, Self)]>),
    /// Always errs: an extension type's constructor, and a text that it does not take.
    Error(UnaryOp, Box<str>),
    // What follows stands for frequent nodes of the paved path, without their detours.
    /// `principal == …` a participant.
    ParticipantIs(Text),
    /// `resource == …` a product.
    ProductIs(Text),
    /// `["…", …].contains(fact)` and `fact == "…"`; sorted.
    OneOf(Fact, Box<[Box<str>]>),
    /// A comparison of the time with an instant.
    Now(Comparison, Instant),
    /// An entity that is a constant of the contract, of this type.
    Place(&'static str, u16),
    /// An instant that is a constant of the contract.
    TimePlace(u16),
}

/// A text: one of the shape, or a constant of the contract.
#[derive(Clone, Debug)]
pub(crate) enum Text {
    Own(Box<str>),
    Place(u16),
}

/// Milliseconds since 1970: of the shape, or a constant of the contract.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Instant {
    Own(i64),
    Place(u16),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub(crate) fn holds(self, left: i64, right: i64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

impl Node {
    /// Returns true if it can be evaluated whatever the facts are.
    pub(crate) fn is_infallible(&self) -> bool {
        match self {
            Self::ParticipantIs(_) | Self::ProductIs(_) | Self::Now(..) => true,
            Self::OneOf(fact, _) => !fact.is_optional(),
            _ => false,
        }
    }

    /// Adds the facts that it looks at by their names.
    pub(crate) fn facts(&self, all: &mut FactSet) {
        match self {
            Self::Fact(fact) | Self::IsKnown(fact, _) | Self::OneOf(fact, _) => all.insert(*fact),
            Self::Now(..) => all.insert(Fact::Now),
            Self::Constant(Constant::Entity { ty, .. }) if **ty == *TIME_ZONE => all.insert_zones(),
            Self::Constant(Constant::Set(set)) if !set.is_plain() => all.insert_zones(),
            node => node.each(&mut |part| part.facts(all)),
        }
    }

    /// Levels of nodes within nodes; 1 for a leaf.
    pub(crate) fn depth(&self) -> usize {
        let mut depth = 0;
        self.each(&mut |part| depth = depth.max(part.depth()));
        depth + 1
    }

    /// Steps that an evaluation takes at most: nodes, and elements of constant sets.
    pub(crate) fn cost(&self) -> usize {
        let mut cost = match self {
            Self::Constant(constant) => constant.cost(),
            Self::OneOf(_, texts) => texts.len(),
            Self::Like(_, parts) => parts.len(),
            Self::Has(_, names) | Self::IsKnown(_, names) | Self::ContextHas(names) => names.len(),
            _ => 0,
        };
        self.each(&mut |part| cost = cost.saturating_add(part.cost()));
        cost.saturating_add(1)
    }

    /// Visits the nodes right within it.
    pub(crate) fn each(&self, visit: &mut dyn FnMut(&Self)) {
        match self {
            Self::And(parts) | Self::Or(parts) | Self::Set(parts) => parts.iter().for_each(visit),
            Self::If(parts) => parts.iter().for_each(visit),
            Self::Binary(_, sides) => sides.iter().for_each(visit),
            Self::Unary(_, inner)
            | Self::Attribute(inner, _)
            | Self::Has(inner, _)
            | Self::Like(inner, _)
            | Self::Is(inner, _) => visit(inner),
            Self::Record(fields) => fields.iter().for_each(|(_, field)| visit(field)),
            Self::Constant(_)
            | Self::Principal
            | Self::Action
            | Self::Resource
            | Self::Context
            | Self::Fact(_)
            | Self::IsKnown(..)
            | Self::ContextAttribute(_)
            | Self::ContextHas(_)
            | Self::Error(..)
            | Self::ParticipantIs(_)
            | Self::ProductIs(_)
            | Self::OneOf(..)
            | Self::Now(..)
            | Self::Place(..)
            | Self::TimePlace(_) => {}
        }
    }
}

/// A set of facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FactSet(u64);

const _: () = assert!(Fact::ALL.len() <= FactSet::ZONES as usize, "a set has a bit for each fact");

impl FactSet {
    pub(crate) const ALL: Self = Self(u64::MAX);

    /// The bit that says that it may look at a clock on the wall.
    const ZONES: u32 = u64::BITS - 1;

    pub(crate) fn insert(&mut self, fact: Fact) {
        self.0 |= 1 << fact as u32;
    }

    fn insert_zones(&mut self) {
        self.0 |= 1 << Self::ZONES;
    }

    pub(crate) fn has_zones(self) -> bool {
        self.0 >> Self::ZONES == 1
    }

    pub(crate) fn contains(self, fact: Fact) -> bool {
        self.0 >> fact as u32 & 1 == 1
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Binary {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    In,
    Contains,
    ContainsAll,
    ContainsAny,
    GetTag,
    HasTag,
    IsInRange,
    Offset,
    DurationSince,
    DecimalLess,
    DecimalLessOrEqual,
    DecimalGreater,
    DecimalGreaterOrEqual,
}

/// A policy, compiled. It applies while all its conditions hold.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub(crate) is_permit: bool,
    /// On the paved path: whether it is about an action, by its place in
    /// [`Action::ALL`](crate::Action::ALL).
    pub(crate) actions: u16,
    pub(crate) conditions: Box<[Node]>,
}
