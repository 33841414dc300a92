//! Nodes as Cedar text, for people.

use std::fmt::{self, Display};

use cedar_policy::pst::UnaryOp;
use dataspace_primitives::UnixMillis;

use super::node::{Binary, Comparison, Fact, Instant, Node, Text};
use super::shape::Constants;
use super::value::{Constant, Value};

/// A node with the contract's constants in its places. Reads as Cedar; it is not meant to be read
/// back.
pub(crate) struct Printed<'a> {
    pub(crate) node: &'a Node,
    pub(crate) constants: Constants<'a>,
}

impl Fact {
    /// How Cedar text names it.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Region => "principal.region",
            Self::Roles => "principal.roles",
            Self::Credentials => "principal.credentials",
            Self::Class => "resource.class",
            Self::Level => "resource.level",
            Self::Now => "context.now",
            Self::Purpose => "context.purpose",
            Self::Purposes => "context.purposes",
            Self::Space => "context.space",
            Self::Contract => "context.contract",
            Self::Uses => "context.uses",
            Self::UsesByConsumer => "context.usesByConsumer",
            Self::UsesToday => "context.usesToday",
            Self::UsesThisMonth => "context.usesThisMonth",
            Self::Person => "context.person",
            Self::Environment => "context.environment",
            Self::RecipientRegion => "context.recipientRegion",
            Self::Payment => "context.payment",
            Self::Events => "context.events",
            Self::State => "context.state",
        }
    }
}

impl Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = |node| Printed { node, constants: self.constants };
        match self.node {
            Node::Constant(constant) => write!(f, "{}", constant.as_value()),
            Node::Principal => f.write_str("principal"),
            Node::Action => f.write_str("action"),
            Node::Resource => f.write_str("resource"),
            Node::Context => f.write_str("context"),
            Node::Fact(fact) => f.write_str(fact.path()),
            Node::IsKnown(fact, names) => {
                write!(f, "context has {}", fact.path().trim_start_matches("context."))?;
                names.iter().try_for_each(|name| write!(f, ".{name}"))
            }
            Node::And(parts) => self.joined(f, parts, " && "),
            Node::Or(parts) => self.joined(f, parts, " || "),
            Node::If(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                write!(f, "if {} then {} else {}", on(condition), on(then), on(otherwise))
            }
            Node::Unary(op, node) => match op {
                UnaryOp::Not => write!(f, "!({})", on(node)),
                UnaryOp::Neg => write!(f, "-({})", on(node)),
                op => write!(f, "{op:?}({})", on(node)),
            },
            Node::Binary(op, sides) => {
                let [left, right] = sides.as_ref();
                match sign(*op) {
                    Some(sign) => write!(f, "{} {sign} {}", on(left), on(right)),
                    None => write!(f, "{}.{}({})", on(left), method(*op), on(right)),
                }
            }
            Node::Attribute(node, name) => write!(f, "{}.{name}", on(node)),
            Node::Has(node, names) => write!(f, "{} has {}", on(node), names.join(".")),
            Node::Like(node, parts) => write!(f, "{} like {:?}", on(node), parts.join("*")),
            Node::Is(node, ty) => write!(f, "{} is {ty}", on(node)),
            Node::Set(items) => {
                f.write_str("[")?;
                self.joined(f, items, ", ")?;
                f.write_str("]")
            }
            Node::Record(fields) => {
                f.write_str("{")?;
                for (i, (name, node)) in fields.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    write!(f, "{comma}{name:?}: {}", on(node))?;
                }
                f.write_str("}")
            }
            Node::Error => f.write_str("(error)"),
            Node::ParticipantIs(text) => write!(f, "principal == {:?}", self.text(text)),
            Node::ProductIs(text) => write!(f, "resource == {:?}", self.text(text)),
            Node::OneOf(fact, texts) => write!(f, "{texts:?}.contains({})", fact.path()),
            Node::Now(comparison, at) => {
                let sign = match comparison {
                    Comparison::Less => "<",
                    Comparison::LessOrEqual => "<=",
                    Comparison::Greater => ">",
                    Comparison::GreaterOrEqual => ">=",
                };
                write!(f, "context.now {sign} {}", self.instant(*at))
            }
            Node::Place(ty, place) => write!(f, "{ty}::{:?}", self.text(&Text::Place(*place))),
            Node::TimePlace(place) => f.write_str(&self.instant(Instant::Place(*place))),
        }
    }
}

impl Printed<'_> {
    fn joined(&self, f: &mut fmt::Formatter<'_>, all: &[Node], between: &str) -> fmt::Result {
        for (i, node) in all.iter().enumerate() {
            let between = if i > 0 { between } else { "" };
            write!(f, "{between}{}", Printed { node, constants: self.constants })?;
        }
        Ok(())
    }

    /// A text of the shape or the contract.
    pub(crate) fn text(&self, text: &Text) -> String {
        match text {
            Text::Own(text) => text.to_string(),
            Text::Place(place) => {
                String::from_utf8_lossy(self.constants.id(*place).unwrap_or_default()).into_owned()
            }
        }
    }

    /// An instant of the shape or the contract.
    pub(crate) fn instant(&self, instant: Instant) -> String {
        let at = match instant {
            Instant::Own(at) => Some(at),
            Instant::Place(place) => self.constants.time(place),
        };
        at.map_or_else(String::new, time)
    }
}

/// An instant as people write it, if it lies between 1970 and 9999.
pub(crate) fn time(at: i64) -> String {
    let usual = u64::try_from(at).ok().and_then(UnixMillis::new);
    usual.map_or_else(|| format!("{at} ms after 1970"), |at| at.to_string())
}

impl Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Long(value) => write!(f, "{value}"),
            Self::String(text) => write!(f, "{text:?}"),
            Self::Entity(uid) => write!(f, "{}::{:?}", uid.ty, uid.id),
            Self::Set(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    write!(f, "{comma}{item}")?;
                }
                f.write_str("]")
            }
            Self::Record(_) => f.write_str("{…}"),
            Self::Decimal(value) => {
                let sign = if value < 0 { "-" } else { "" };
                let value = value.unsigned_abs();
                write!(f, "{sign}{}.{:04}", value / 10_000, value % 10_000)
            }
            Self::Datetime(at) => f.write_str(&time(at)),
            Self::Duration(millis) => write!(f, "{millis} ms"),
            Self::Ip(ip) => write!(f, "{ip:?}"),
        }
    }
}

fn sign(op: Binary) -> Option<&'static str> {
    Some(match op {
        Binary::Equal => "==",
        Binary::NotEqual => "!=",
        Binary::Less => "<",
        Binary::LessOrEqual => "<=",
        Binary::Greater => ">",
        Binary::GreaterOrEqual => ">=",
        Binary::Add => "+",
        Binary::Subtract => "-",
        Binary::Multiply => "*",
        Binary::In => "in",
        _ => return None,
    })
}

fn method(op: Binary) -> &'static str {
    match op {
        Binary::Contains => "contains",
        Binary::ContainsAll => "containsAll",
        Binary::ContainsAny => "containsAny",
        Binary::GetTag => "getTag",
        Binary::HasTag => "hasTag",
        Binary::IsInRange => "isInRange",
        Binary::Offset => "offset",
        Binary::DurationSince => "durationSince",
        Binary::DecimalLess => "lessThan",
        Binary::DecimalLessOrEqual => "lessThanOrEqual",
        Binary::DecimalGreater => "greaterThan",
        Binary::DecimalGreaterOrEqual => "greaterThanOrEqual",
        _ => "",
    }
}

impl Constant {
    pub(crate) fn as_long(&self) -> Option<i64> {
        if let Self::Long(value) = self { Some(*value) } else { None }
    }
}
