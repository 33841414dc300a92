//! Nodes as Cedar text: what is printed, parsed by Cedar, has the same value or errs as well.

use std::fmt::{self, Display};

use cedar_policy::pst::UnaryOp;
use dataspace_primitives::UnixMillis;

use super::entity::{PARTICIPANT, PRODUCT};
use super::node::{Binary, Comparison, Instant, Node, Text};
use super::quote::{is_identifier, literal, write_literal, write_pattern};
use super::shape::Constants;
use super::value::{Constant, Value};

/// A node with the contract's constants in its places.
pub(crate) struct Printed<'a> {
    pub(crate) node: &'a Node,
    pub(crate) constants: Constants<'a>,
}

/// What binds how tightly in Cedar's grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// `if … then … else …`.
    Any,
    Or,
    And,
    /// One comparison, `in`, `has`, `like` or `is`.
    Relation,
    Sum,
    Product,
    Unary,
    /// What takes `.name` and `(…)` behind it.
    Member,
}

impl Display for Printed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, Level::Any)
    }
}

/// A node where something of a level can stand.
struct Within<'a>(Printed<'a>, Level);

impl Display for Within<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, self.1)
    }
}

impl<'a> Printed<'a> {
    fn on(&self, node: &'a Node) -> Self {
        Self { node, constants: self.constants }
    }

    /// Writes the node where something of this level can stand.
    fn write(&self, f: &mut fmt::Formatter<'_>, least: Level) -> fmt::Result {
        if level(self.node) < least {
            f.write_str("(")?;
            self.write_bare(f)?;
            f.write_str(")")
        } else {
            self.write_bare(f)
        }
    }

    fn write_bare(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |f: &mut fmt::Formatter<'_>, node, least| self.on(node).write(f, least);
        match self.node {
            Node::Constant(constant) => write!(f, "{}", constant.as_value()),
            Node::Principal => f.write_str("principal"),
            Node::Action => f.write_str("action"),
            Node::Resource => f.write_str("resource"),
            Node::Context => f.write_str("context"),
            Node::ContextAttribute(name) => {
                f.write_str("context")?;
                access(f, name)
            }
            Node::ContextHas(names) => has(f, "context", names),
            Node::Fact(fact) => f.write_str(fact.path()),
            Node::IsKnown(fact, names) => {
                let names = [fact.name().into()].into_iter().chain(names.clone());
                has(f, fact.owner().path(), &names.collect::<Vec<_>>())
            }
            Node::And(parts) => self.joined(f, parts, " && ", Level::Relation),
            Node::Or(parts) => self.joined(f, parts, " || ", Level::And),
            Node::If(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                f.write_str("if ")?;
                part(f, condition, Level::Or)?;
                f.write_str(" then ")?;
                part(f, then, Level::Or)?;
                f.write_str(" else ")?;
                part(f, otherwise, Level::Or)
            }
            Node::Unary(op, node) => self.unary(f, *op, node),
            Node::Binary(op, sides) => {
                let [left, right] = sides.as_ref();
                self.binary(f, *op, left, right)
            }
            Node::Attribute(node, name) => {
                part(f, node, Level::Member)?;
                access(f, name)
            }
            Node::Has(node, names) => {
                let of = if names.iter().all(|name| is_identifier(name)) || names.len() == 1 {
                    Level::Sum
                } else {
                    Level::Member
                };
                has(f, &Within(self.on(node), of).to_string(), names)
            }
            Node::Like(node, parts) => {
                part(f, node, Level::Sum)?;
                f.write_str(" like ")?;
                write_pattern(f, parts)
            }
            Node::Is(node, ty) => {
                part(f, node, Level::Sum)?;
                write!(f, " is {ty}")
            }
            Node::Set(items) => {
                f.write_str("[")?;
                self.joined(f, items, ", ", Level::Any)?;
                f.write_str("]")
            }
            Node::Record(fields) => {
                f.write_str("{")?;
                for (i, (name, node)) in fields.iter().enumerate() {
                    f.write_str(if i > 0 { ", " } else { "" })?;
                    write_literal(f, name)?;
                    f.write_str(": ")?;
                    part(f, node, Level::Any)?;
                }
                f.write_str("}")
            }
            Node::Error(op, text) => {
                f.write_str(constructor(*op).unwrap_or_default())?;
                f.write_str("(")?;
                write_literal(f, text)?;
                f.write_str(")")
            }
            node => self.write_of_contract(f, node),
        }
    }

    /// The nodes that stand for frequent ones of the paved path.
    fn write_of_contract(&self, f: &mut fmt::Formatter<'_>, node: &Node) -> fmt::Result {
        match node {
            Node::ParticipantIs(text) => {
                write!(f, "principal == {PARTICIPANT}::{}", literal(&self.text(text)))
            }
            Node::ProductIs(text) => {
                write!(f, "resource == {PRODUCT}::{}", literal(&self.text(text)))
            }
            Node::OneOf(fact, texts) => {
                f.write_str("[")?;
                for (i, text) in texts.iter().enumerate() {
                    f.write_str(if i > 0 { ", " } else { "" })?;
                    write_literal(f, text)?;
                }
                write!(f, "].contains({})", fact.path())
            }
            Node::Now(comparison, at) => {
                let sign = match comparison {
                    Comparison::Less => "<",
                    Comparison::LessOrEqual => "<=",
                    Comparison::Greater => ">",
                    Comparison::GreaterOrEqual => ">=",
                };
                write!(f, "context.now {sign} ")?;
                self.datetime(f, *at)
            }
            Node::Place(ty, place) => {
                write!(f, "{ty}::{}", literal(&self.text(&Text::Place(*place))))
            }
            Node::TimePlace(place) => self.datetime(f, Instant::Place(*place)),
            // All others are written where this is called.
            _ => Ok(()),
        }
    }

    fn unary(&self, f: &mut fmt::Formatter<'_>, op: UnaryOp, node: &'a Node) -> fmt::Result {
        let node = self.on(node);
        match (op, constructor(op)) {
            (UnaryOp::Not, _) => write!(f, "!({node})"),
            (UnaryOp::Neg, _) => write!(f, "-({node})"),
            (_, Some(constructor)) => write!(f, "{constructor}({node})"),
            (op, None) => {
                node.write(f, Level::Member)?;
                write!(f, ".{}()", question(op))
            }
        }
    }

    fn binary(
        &self,
        f: &mut fmt::Formatter<'_>,
        op: Binary,
        left: &'a Node,
        right: &'a Node,
    ) -> fmt::Result {
        let (left, right) = (self.on(left), self.on(right));
        let Some(sign) = sign(op) else {
            left.write(f, Level::Member)?;
            return write!(f, ".{}({right})", method(op));
        };
        // Sums and products are read from the left; of comparisons, there is one.
        let (of_left, of_right) = match op {
            Binary::Add | Binary::Subtract => (Level::Sum, Level::Product),
            Binary::Multiply => (Level::Product, Level::Unary),
            _ => (Level::Sum, Level::Sum),
        };
        left.write(f, of_left)?;
        write!(f, " {sign} ")?;
        right.write(f, of_right)
    }

    fn joined(
        &self,
        f: &mut fmt::Formatter<'_>,
        all: &'a [Node],
        between: &str,
        least: Level,
    ) -> fmt::Result {
        for (i, node) in all.iter().enumerate() {
            f.write_str(if i > 0 { between } else { "" })?;
            self.on(node).write(f, least)?;
        }
        Ok(())
    }

    fn datetime(&self, f: &mut fmt::Formatter<'_>, instant: Instant) -> fmt::Result {
        // INVARIANT: a place has its constant.
        let at = self.at(instant).unwrap_or_default();
        write!(f, "{}", Value::Datetime(at))
    }

    fn at(&self, instant: Instant) -> Option<i64> {
        match instant {
            Instant::Own(at) => Some(at),
            Instant::Place(place) => self.constants.time(place),
        }
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
        self.at(instant).map_or_else(String::new, time)
    }
}

/// An instant as people write it, if it lies between 1970 and 9999.
pub(crate) fn time(at: i64) -> String {
    usual(at).map_or_else(|| Value::Datetime(at).to_string(), |at| at.to_string())
}

fn usual(at: i64) -> Option<UnixMillis> {
    u64::try_from(at).ok().and_then(UnixMillis::new)
}

/// `.name`, or `["odd name"]`.
fn access(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    if is_identifier(name) {
        return write!(f, ".{name}");
    }
    f.write_str("[")?;
    write_literal(f, name)?;
    f.write_str("]")
}

/// `of has a.b`. For odd names, one step after the other.
fn has(f: &mut fmt::Formatter<'_>, of: &str, names: &[Box<str>]) -> fmt::Result {
    if names.iter().all(|name| is_identifier(name)) {
        return write!(f, "{of} has {}", names.join("."));
    }
    let mut of = of.to_owned();
    for (i, name) in names.iter().enumerate() {
        f.write_str(if i > 0 { " && " } else { "" })?;
        write!(f, "{of} has {}", literal(name))?;
        of.extend(["[", &literal(name), "]"]);
    }
    Ok(())
}

fn level(node: &Node) -> Level {
    match node {
        Node::Constant(Constant::Long(value)) if *value < 0 => Level::Unary,
        Node::If(_) => Level::Any,
        Node::Or(_) => Level::Or,
        Node::And(_) => Level::And,
        Node::Unary(UnaryOp::Not | UnaryOp::Neg, _) => Level::Unary,
        Node::Binary(op, _) => match op {
            Binary::Add | Binary::Subtract => Level::Sum,
            Binary::Multiply => Level::Product,
            op if sign(*op).is_some() => Level::Relation,
            _ => Level::Member,
        },
        Node::Has(_, names) | Node::ContextHas(names) if names.len() > 1 => Level::And,
        Node::IsKnown(_, names) if !names.is_empty() => Level::And,
        Node::Has(..)
        | Node::ContextHas(_)
        | Node::IsKnown(..)
        | Node::Like(..)
        | Node::Is(..)
        | Node::ParticipantIs(_)
        | Node::ProductIs(_)
        | Node::Now(..) => Level::Relation,
        _ => Level::Member,
    }
}

impl Display for Value<'_> {
    /// As Cedar text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Long(value) => write!(f, "{value}"),
            Self::String(text) => write_literal(f, text),
            Self::Entity(uid) => {
                write!(f, "{}::", uid.ty)?;
                write_literal(f, uid.id)
            }
            Self::Set(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Record(fields) => {
                f.write_str("{")?;
                for (i, (name, field)) in fields.iter().enumerate() {
                    f.write_str(if i > 0 { ", " } else { "" })?;
                    write_literal(f, name)?;
                    write!(f, ": {field}")?;
                }
                f.write_str("}")
            }
            Self::Decimal(value) => {
                let sign = if value < 0 { "-" } else { "" };
                let value = value.unsigned_abs();
                write!(f, "decimal(\"{sign}{}.{:04}\")", value / 10_000, value % 10_000)
            }
            Self::Datetime(at) => match usual(at) {
                Some(at) => write!(f, "datetime(\"{at}\")"),
                None => write!(f, "datetime(\"1970-01-01\").offset(duration(\"{at}ms\"))"),
            },
            Self::Duration(millis) => write!(f, "duration(\"{millis}ms\")"),
            Self::Ip(ip) => write!(f, "ip(\"{ip}\")"),
        }
    }
}

fn constructor(op: UnaryOp) -> Option<&'static str> {
    Some(match op {
        UnaryOp::Decimal => "decimal",
        UnaryOp::Datetime => "datetime",
        UnaryOp::Duration => "duration",
        UnaryOp::Ip => "ip",
        _ => return None,
    })
}

fn question(op: UnaryOp) -> &'static str {
    match op {
        UnaryOp::IsEmpty => "isEmpty",
        UnaryOp::IsIPv4 => "isIpv4",
        UnaryOp::IsIPV6 => "isIpv6",
        UnaryOp::IsLoopback => "isLoopback",
        UnaryOp::IsMulticast => "isMulticast",
        UnaryOp::ToDate => "toDate",
        UnaryOp::ToTime => "toTime",
        UnaryOp::ToMilliseconds => "toMilliseconds",
        UnaryOp::ToSeconds => "toSeconds",
        UnaryOp::ToMinutes => "toMinutes",
        UnaryOp::ToHours => "toHours",
        UnaryOp::ToDays => "toDays",
        _ => "",
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

#[cfg(test)]
mod tests;
