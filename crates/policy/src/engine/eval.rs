//! Evaluates nodes as Cedar does: same results, and errors in the same places.

use bumpalo::Bump;
use cedar_policy::pst::UnaryOp;

use super::extension::{self, Ip};
use super::node::{Binary, Instant, Node};
use super::source::{Erred, Result, Source};
use super::value::{Record, Set, Uid, Value};

/// One evaluation. Memory is only taken for sets and records that an expression builds.
pub(crate) struct Evaluation<'a, S> {
    pub(crate) source: &'a S,
    pub(crate) memory: &'a Bump,
}

impl<'a, S: Source<'a>> Evaluation<'a, S> {
    /// Returns true if all conditions hold.
    pub(crate) fn all(&self, conditions: &'a [Node]) -> Result<bool> {
        for condition in conditions {
            if !self.bool(condition)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(crate) fn bool(&self, node: &'a Node) -> Result<bool> {
        match node {
            Node::ParticipantIs(text) => Ok(self.source.is_participant(text)),
            Node::ProductIs(text) => Ok(self.source.is_product(text)),
            Node::OneOf(fact, texts) => {
                let Value::String(found) = self.source.fact(*fact)? else { return Ok(false) };
                Ok(is_one_of(found, texts))
            }
            Node::Now(comparison, instant) => {
                let instant = match instant {
                    Instant::Own(at) => *at,
                    Instant::Place(place) => self.source.time_place(*place)?,
                };
                Ok(comparison.holds(self.source.now(), instant))
            }
            node => match self.value(node)? {
                Value::Bool(value) => Ok(value),
                _ => Err(Erred),
            },
        }
    }

    pub(crate) fn value(&self, node: &'a Node) -> Result<Value<'a>> {
        Ok(match node {
            Node::Constant(constant) => constant.as_value(),
            Node::Principal => Value::Entity(self.source.principal()),
            Node::Action => Value::Entity(self.source.action()),
            Node::Resource => Value::Entity(self.source.resource()),
            Node::Context => self.source.context()?,
            Node::ContextAttribute(name) => self.source.context_attribute(name)?.ok_or(Erred)?,
            Node::ContextHas(names) => match names.as_ref() {
                [only] => Value::Bool(self.source.has_context_attribute(only)),
                [first, rest @ ..] => match self.source.context_attribute(first)? {
                    Some(value) => return self.has(value, rest),
                    None => Value::Bool(false),
                },
                [] => Value::Bool(true),
            },
            Node::Fact(fact) => self.source.fact(*fact)?,
            Node::IsKnown(fact, names) => match self.source.fact(*fact) {
                Ok(value) => return self.has(value, names),
                Err(Erred) => Value::Bool(false),
            },
            Node::And(parts) => Value::Bool(self.all(parts)?),
            Node::Or(parts) => {
                for part in parts {
                    if self.bool(part)? {
                        return Ok(Value::Bool(true));
                    }
                }
                Value::Bool(false)
            }
            Node::If(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                return self.value(if self.bool(condition)? { then } else { otherwise });
            }
            Node::Unary(op, node) => return unary(*op, self.value(node)?),
            Node::Binary(op, sides) => {
                let [left, right] = sides.as_ref();
                return self.binary(*op, self.value(left)?, self.value(right)?);
            }
            Node::Attribute(node, name) => match self.value(node)? {
                Value::Record(record) => record.get(name).ok_or(Erred)?,
                Value::Entity(uid) => self.source.attribute(uid, name).ok_or(Erred)?,
                _ => return Err(Erred),
            },
            Node::Has(node, names) => return self.has(self.value(node)?, names),
            Node::Like(node, parts) => Value::Bool(like(string(self.value(node)?)?, parts)),
            Node::Is(node, ty) => Value::Bool(entity(self.value(node)?)?.ty == ty.as_ref()),
            Node::Set(items) => {
                let mut values = Vec::with_capacity(items.len());
                for item in items {
                    values.push(self.value(item)?);
                }
                values.sort_unstable();
                values.dedup();
                Value::Set(Set::Built(self.memory.alloc_slice_copy(&values)))
            }
            Node::Record(fields) => {
                let mut values = Vec::with_capacity(fields.len());
                for (name, node) in fields {
                    values.push((name.as_ref(), self.value(node)?));
                }
                Value::Record(Record::Built(self.memory.alloc_slice_copy(&values)))
            }
            Node::Error(..) => return Err(Erred),
            Node::ParticipantIs(_) | Node::ProductIs(_) | Node::OneOf(..) | Node::Now(..) => {
                Value::Bool(self.bool(node)?)
            }
            Node::Place(ty, place) => Value::Entity(Uid { ty, id: self.source.place(*place)? }),
            Node::TimePlace(place) => Value::Datetime(self.source.time_place(*place)?),
        })
    }

    fn has(&self, value: Value<'a>, names: &[Box<str>]) -> Result<Value<'a>> {
        let mut value = value;
        for name in names {
            let next = match value {
                Value::Record(record) => record.get(name),
                Value::Entity(uid) => self.source.attribute(uid, name),
                _ => return Err(Erred),
            };
            match next {
                Some(next) => value = next,
                None => return Ok(Value::Bool(false)),
            }
        }
        Ok(Value::Bool(true))
    }

    fn binary(&self, op: Binary, left: Value<'a>, right: Value<'a>) -> Result<Value<'a>> {
        Ok(match op {
            Binary::Equal => Value::Bool(left == right),
            Binary::NotEqual => Value::Bool(left != right),
            Binary::Less => Value::Bool(less(left, right)?),
            // Cedar has `<` and `<=` alone: `a > b` is `!(a <= b)`.
            Binary::Greater => Value::Bool(less(right, left)?),
            Binary::LessOrEqual => Value::Bool(!less(right, left)?),
            Binary::GreaterOrEqual => Value::Bool(!less(left, right)?),
            Binary::Add => arithmetic(left, right, i64::checked_add)?,
            Binary::Subtract => arithmetic(left, right, i64::checked_sub)?,
            Binary::Multiply => arithmetic(left, right, i64::checked_mul)?,
            Binary::In => Value::Bool(self.is_in(entity(left)?, right)?),
            Binary::Contains => Value::Bool(set(left)?.contains(right)),
            Binary::ContainsAll => {
                let (left, right) = (set(left)?, set(right)?);
                Value::Bool(right.iter().all(|item| left.contains(item)))
            }
            Binary::ContainsAny => {
                let (left, right) = (set(left)?, set(right)?);
                Value::Bool(right.iter().any(|item| left.contains(item)))
            }
            Binary::GetTag => self.source.tag(entity(left)?, string(right)?).ok_or(Erred)?,
            Binary::HasTag => Value::Bool(self.source.tag(entity(left)?, string(right)?).is_some()),
            Binary::IsInRange => Value::Bool(ip(left)?.is_in_range(ip(right)?)),
            Binary::Offset => match (left, right) {
                (Value::Datetime(from), Value::Duration(by)) => {
                    Value::Datetime(from.checked_add(by).ok_or(Erred)?)
                }
                _ => return Err(Erred),
            },
            Binary::DurationSince => match (left, right) {
                (Value::Datetime(to), Value::Datetime(from)) => {
                    Value::Duration(to.checked_sub(from).ok_or(Erred)?)
                }
                _ => return Err(Erred),
            },
            Binary::DecimalLess => Value::Bool(decimal(left)? < decimal(right)?),
            Binary::DecimalLessOrEqual => Value::Bool(decimal(left)? <= decimal(right)?),
            Binary::DecimalGreater => Value::Bool(decimal(left)? > decimal(right)?),
            Binary::DecimalGreaterOrEqual => Value::Bool(decimal(left)? >= decimal(right)?),
        })
    }

    fn is_in(&self, uid: Uid<'a>, right: Value<'a>) -> Result<bool> {
        let is_within = |other: Uid<'_>| uid == other || self.source.has_ancestor(uid, other);
        match right {
            Value::Entity(other) => Ok(is_within(other)),
            Value::Set(items) => {
                // All must be entities, also those after one that fits.
                let mut found = false;
                for item in items.iter() {
                    found |= is_within(entity(item)?);
                }
                Ok(found)
            }
            _ => Err(Erred),
        }
    }
}

fn unary(op: UnaryOp, value: Value<'_>) -> Result<Value<'_>> {
    Ok(match (op, value) {
        (UnaryOp::Not, Value::Bool(value)) => Value::Bool(!value),
        (UnaryOp::Neg, Value::Long(value)) => Value::Long(value.checked_neg().ok_or(Erred)?),
        (UnaryOp::IsEmpty, Value::Set(items)) => Value::Bool(items.len() == 0),
        (UnaryOp::Datetime, Value::String(text)) => {
            Value::Datetime(extension::datetime(text).ok_or(Erred)?)
        }
        (UnaryOp::Decimal, Value::String(text)) => {
            Value::Decimal(extension::decimal(text).ok_or(Erred)?)
        }
        (UnaryOp::Duration, Value::String(text)) => {
            Value::Duration(extension::duration(text).ok_or(Erred)?)
        }
        (UnaryOp::Ip, Value::String(text)) => Value::Ip(Ip::parse(text).ok_or(Erred)?),
        (UnaryOp::IsIPv4, Value::Ip(ip)) => Value::Bool(ip.is_ipv4()),
        (UnaryOp::IsIPV6, Value::Ip(ip)) => Value::Bool(ip.is_ipv6()),
        (UnaryOp::IsLoopback, Value::Ip(ip)) => Value::Bool(ip.is_loopback()),
        (UnaryOp::IsMulticast, Value::Ip(ip)) => Value::Bool(ip.is_multicast()),
        (UnaryOp::ToDate, Value::Datetime(time)) => {
            Value::Datetime(extension::to_date(time).ok_or(Erred)?)
        }
        (UnaryOp::ToTime, Value::Datetime(time)) => Value::Duration(extension::to_time(time)),
        (UnaryOp::ToMilliseconds, Value::Duration(time)) => Value::Long(time),
        (UnaryOp::ToSeconds, Value::Duration(time)) => Value::Long(time / 1000),
        (UnaryOp::ToMinutes, Value::Duration(time)) => Value::Long(time / 60_000),
        (UnaryOp::ToHours, Value::Duration(time)) => Value::Long(time / 3_600_000),
        (UnaryOp::ToDays, Value::Duration(time)) => Value::Long(time / 86_400_000),
        _ => return Err(Erred),
    })
}

/// Texts are sorted. In few, a comparison of the lengths tells most apart.
fn is_one_of(found: &str, texts: &[Box<str>]) -> bool {
    if texts.len() <= 8 {
        return texts.iter().any(|text| **text == *found);
    }
    texts.binary_search_by(|text| text.as_ref().cmp(found)).is_ok()
}

/// Numbers, instants and durations have an order; nothing else has.
fn less(left: Value<'_>, right: Value<'_>) -> Result<bool> {
    match (left, right) {
        (Value::Long(left), Value::Long(right))
        | (Value::Datetime(left), Value::Datetime(right))
        | (Value::Duration(left), Value::Duration(right)) => Ok(left < right),
        _ => Err(Erred),
    }
}

fn arithmetic<'a>(
    left: Value<'a>,
    right: Value<'a>,
    op: fn(i64, i64) -> Option<i64>,
) -> Result<Value<'a>> {
    match (left, right) {
        (Value::Long(left), Value::Long(right)) => Ok(Value::Long(op(left, right).ok_or(Erred)?)),
        _ => Err(Erred),
    }
}

fn string(value: Value<'_>) -> Result<&str> {
    if let Value::String(text) = value { Ok(text) } else { Err(Erred) }
}

fn entity(value: Value<'_>) -> Result<Uid<'_>> {
    if let Value::Entity(uid) = value { Ok(uid) } else { Err(Erred) }
}

fn set(value: Value<'_>) -> Result<Set<'_>> {
    if let Value::Set(items) = value { Ok(items) } else { Err(Erred) }
}

fn ip(value: Value<'_>) -> Result<Ip> {
    if let Value::Ip(ip) = value { Ok(ip) } else { Err(Erred) }
}

fn decimal(value: Value<'_>) -> Result<i64> {
    if let Value::Decimal(value) = value { Ok(value) } else { Err(Erred) }
}

/// Returns true if the text is the parts in this order, with anything between them. In time proportional to
/// the text: the first place where a part fits leaves most for the rest.
fn like(text: &str, parts: &[Box<str>]) -> bool {
    let [first, between @ .., last] = parts else {
        return parts.iter().all(|only| **only == *text);
    };
    let rest = text.strip_prefix(first.as_ref()).and_then(|rest| rest.strip_suffix(last.as_ref()));
    let found = between.iter().try_fold(rest, |rest, part| {
        let (_, rest) = rest?.split_once(part.as_ref())?;
        Some(Some(rest))
    });
    found.flatten().is_some()
}
