//! What a policy's conditions are compiled to.

use cedar_policy::pst::UnaryOp;

use super::value::Constant;

/// One expression.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Constant(Constant),
    Principal,
    Action,
    Resource,
    Context,
    /// A fact of the paved path, without a look-up by name.
    Fact(Fact),
    /// Whether the fact is known, and has what the names lead to.
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
    /// Always errs.
    Error,
}

/// Facts of a data space that stand behind attributes of its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    Region,
    Roles,
    Credentials,
    Class,
    Level,
    Now,
    Purpose,
    Purposes,
    Space,
    Contract,
    Uses,
    UsesByConsumer,
    UsesToday,
    UsesThisMonth,
    Person,
    Environment,
    RecipientRegion,
    Payment,
    Events,
    State,
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
    pub(crate) conditions: Box<[Node]>,
}
