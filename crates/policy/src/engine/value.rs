//! Values of Cedar: owned constants and data, and what an evaluation passes around.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use dataspace_primitives::Name;

use super::extension::Ip;

/// An entity's identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Uid<'a> {
    // The identifier first: it differs more often than the type.
    pub(crate) id: &'a str,
    pub(crate) ty: &'a str,
}

/// A value that stands in a policy or in an entity.
#[derive(Clone, Debug)]
pub(crate) enum Constant {
    Bool(bool),
    Long(i64),
    String(Box<str>),
    Entity { ty: Box<str>, id: Box<str> },
    Set(Constants),
    Record(Box<[(Box<str>, Self)]>),
    Decimal(i64),
    Datetime(i64),
    Duration(i64),
    Ip(Ip),
}

/// Sorted, without repetition.
#[derive(Clone, Debug)]
pub(crate) struct Constants(Box<[Constant]>);

/// A value during an evaluation; cheap to copy.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value<'a> {
    Bool(bool),
    Long(i64),
    String(&'a str),
    Entity(Uid<'a>),
    Set(Set<'a>),
    Record(Record<'a>),
    Decimal(i64),
    Datetime(i64),
    Duration(i64),
    Ip(Ip),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Set<'a> {
    Constant(&'a [Constant]),
    /// Sorted, without repetition.
    Built(&'a [Value<'a>]),
    Names(&'a BTreeSet<Name>),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Record<'a> {
    Constant(&'a [(Box<str>, Constant)]),
    /// Sorted by name.
    Built(&'a [(&'a str, Value<'a>)]),
}

impl Constants {
    pub(crate) fn new(items: impl IntoIterator<Item = Constant>) -> Self {
        let mut items: Vec<_> = items.into_iter().collect();
        items.sort_by(|a, b| a.as_value().cmp(&b.as_value()));
        items.dedup_by(|a, b| a.as_value() == b.as_value());
        Self(items.into())
    }
}

impl Constants {
    /// Returns true if all are texts or numbers.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.iter().all(|item| matches!(item, Constant::String(_) | Constant::Long(_)))
    }

    /// The texts, if all are texts; sorted.
    pub(crate) fn as_strings(&self) -> Option<Box<[Box<str>]>> {
        let text = |item: &Constant| match item {
            Constant::String(text) => Some(text.clone()),
            _ => None,
        };
        self.0.iter().map(text).collect()
    }
}

impl Constant {
    /// Elements that a look at all of it takes.
    pub(crate) fn cost(&self) -> usize {
        match self {
            Self::Set(items) => items.0.iter().map(Self::cost).fold(0, usize::saturating_add),
            Self::Record(fields) => {
                fields.iter().map(|(_, field)| field.cost()).fold(0, usize::saturating_add)
            }
            _ => 1,
        }
    }

    pub(crate) fn as_value(&self) -> Value<'_> {
        match self {
            Self::Bool(value) => Value::Bool(*value),
            Self::Long(value) => Value::Long(*value),
            Self::String(value) => Value::String(value),
            Self::Entity { ty, id } => Value::Entity(Uid { id, ty }),
            Self::Set(items) => Value::Set(Set::Constant(&items.0)),
            Self::Record(fields) => Value::Record(Record::Constant(fields)),
            Self::Decimal(value) => Value::Decimal(*value),
            Self::Datetime(value) => Value::Datetime(*value),
            Self::Duration(value) => Value::Duration(*value),
            Self::Ip(value) => Value::Ip(*value),
        }
    }
}

impl<'a> Set<'a> {
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Constant(items) => items.len(),
            Self::Built(items) => items.len(),
            Self::Names(items) => items.len(),
        }
    }

    pub(crate) fn contains(self, value: Value<'_>) -> bool {
        match self {
            Self::Constant(items) => {
                items.binary_search_by(|item| item.as_value().cmp(&value)).is_ok()
            }
            Self::Built(items) => items.binary_search_by(|item| item.cmp(&value)).is_ok(),
            Self::Names(items) => match value {
                Value::String(text) => items.iter().any(|item| item.as_str() == text),
                _ => false,
            },
        }
    }

    /// The items in ascending order.
    pub(crate) fn iter(self) -> impl Iterator<Item = Value<'a>> {
        let (constant, built, names) = match self {
            Self::Constant(items) => (Some(items), None, None),
            Self::Built(items) => (None, Some(items), None),
            Self::Names(items) => (None, None, Some(items)),
        };
        let constant = constant.into_iter().flatten().map(Constant::as_value);
        let built = built.into_iter().flatten().copied();
        let names = names.into_iter().flatten().map(|name| Value::String(name.as_str()));
        constant.chain(built).chain(names)
    }
}

impl<'a> Record<'a> {
    pub(crate) fn get(self, name: &str) -> Option<Value<'a>> {
        match self {
            Self::Constant(fields) => {
                let place = fields.binary_search_by(|(key, _)| key.as_ref().cmp(name)).ok()?;
                fields.get(place).map(|(_, value)| value.as_value())
            }
            Self::Built(fields) => {
                let place = fields.binary_search_by(|(key, _)| (*key).cmp(name)).ok()?;
                fields.get(place).map(|(_, value)| *value)
            }
        }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = (&'a str, Value<'a>)> {
        let (constant, built) = match self {
            Self::Constant(fields) => (Some(fields), None),
            Self::Built(fields) => (None, Some(fields)),
        };
        let constant =
            constant.into_iter().flatten().map(|(name, value)| (name.as_ref(), value.as_value()));
        constant.chain(built.into_iter().flatten().copied())
    }
}

impl Value<'_> {
    /// The same value, owned.
    pub(crate) fn to_constant(self) -> Constant {
        match self {
            Self::Bool(value) => Constant::Bool(value),
            Self::Long(value) => Constant::Long(value),
            Self::String(text) => Constant::String(text.into()),
            Self::Entity(uid) => Constant::Entity { ty: uid.ty.into(), id: uid.id.into() },
            Self::Set(items) => {
                Constant::Set(Constants(items.iter().map(Value::to_constant).collect()))
            }
            Self::Record(fields) => {
                let field = |(name, value): (&str, Value<'_>)| (name.into(), value.to_constant());
                Constant::Record(fields.iter().map(field).collect())
            }
            Self::Decimal(value) => Constant::Decimal(value),
            Self::Datetime(value) => Constant::Datetime(value),
            Self::Duration(value) => Constant::Duration(value),
            Self::Ip(value) => Constant::Ip(value),
        }
    }

    fn rank(self) -> u8 {
        match self {
            Self::Bool(_) => 0,
            Self::Long(_) => 1,
            Self::String(_) => 2,
            Self::Entity(_) => 3,
            Self::Set(_) => 4,
            Self::Record(_) => 5,
            Self::Decimal(_) => 6,
            Self::Datetime(_) => 7,
            Self::Duration(_) => 8,
            Self::Ip(_) => 9,
        }
    }
}

/// A total order for sets; values of different types differ. Cedar's `==` is its equality.
impl Ord for Value<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        match (*self, *other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(&b),
            (Self::Long(a), Self::Long(b))
            | (Self::Decimal(a), Self::Decimal(b))
            | (Self::Datetime(a), Self::Datetime(b))
            | (Self::Duration(a), Self::Duration(b)) => a.cmp(&b),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (Self::Entity(a), Self::Entity(b)) => a.cmp(&b),
            (Self::Set(a), Self::Set(b)) => a.iter().cmp(b.iter()),
            (Self::Record(a), Self::Record(b)) => a.iter().cmp(b.iter()),
            (Self::Ip(a), Self::Ip(b)) => a.cmp(&b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (*self, *other) {
            // Strings of unlike lengths are told apart without a look at them.
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Entity(a), Self::Entity(b)) => a == b,
            (Self::Set(a), Self::Set(b)) => a.len() == b.len() && self.cmp(other).is_eq(),
            _ => self.cmp(other).is_eq(),
        }
    }
}

impl Eq for Value<'_> {}
