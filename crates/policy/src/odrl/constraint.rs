//! Constraints both ways.

use std::collections::BTreeSet;

use dataspace_primitives::{Name, Region};
use serde_json::{Value, json};

use crate::constraint::Constraint;
use crate::facts::Payment;
use crate::terms::Legal;

use super::catena_x;
use super::error::{OdrlError, OdrlErrorKind};
use super::json::At;
use super::names::{Comparison, Term, percent_decoded, percent_encoded};
use super::value;

/// Where a constraint stands, which decides what becomes of a term that binds by law alone.
pub(super) enum Place<'l> {
    /// Among what the only permission demands in any case: it is kept here.
    Permission(&'l mut Vec<Legal>),
    /// Likewise, in one of several permissions.
    OneOfSeveral,
    /// Where its truth would decide.
    Inside,
}

impl Place<'_> {
    fn again(&mut self) -> Place<'_> {
        match self {
            Self::Permission(legal) => Place::Permission(legal),
            Self::OneOfSeveral => Place::OneOfSeveral,
            Self::Inside => Place::Inside,
        }
    }

    pub(super) fn keep(&mut self, at: &At<'_>, legal: Legal) -> Result<(), OdrlError> {
        match self {
            Self::Permission(all) => {
                all.push(legal);
                Ok(())
            }
            Self::OneOfSeveral => Err(at.error(OdrlErrorKind::Scope)),
            Self::Inside => Err(at.error(OdrlErrorKind::LegalInside)),
        }
    }
}

/// A comparison as it stands in the document.
pub(super) struct Atomic<'a> {
    pub(super) at: At<'a>,
    pub(super) left: At<'a>,
    pub(super) operator: At<'a>,
    pub(super) right: At<'a>,
}

impl Atomic<'_> {
    pub(super) fn comparison(&self) -> Result<Comparison, OdrlError> {
        let found = Comparison::parse(self.operator.id()?);
        found.ok_or_else(|| self.operator.error(OdrlErrorKind::UnknownOperator))
    }

    pub(super) fn refused<T>(&self) -> Result<T, OdrlError> {
        Err(self.operator.error(OdrlErrorKind::Operator))
    }
}

/// A constraint, split but not yet understood.
pub(super) enum Shape<'a> {
    Atomic(Atomic<'a>),
    Not(At<'a>),
    And(Vec<At<'a>>),
    Or(Vec<At<'a>>),
    Xone(Vec<At<'a>>),
}

impl<'a> Shape<'a> {
    pub(super) fn of(at: &At<'a>) -> Result<Self, OdrlError> {
        let (mut left, mut operator, mut right, mut logical) = (None, None, None, None);
        for (name, member) in at.members()? {
            let term = Term::of(name);
            let is_repeated = match (term, term.odrl()) {
                (Term::Plain("@type"), _) => {
                    let kinds = ["Constraint", "AtomicConstraint", "LogicalConstraint"];
                    let kind = Term::of(member.text()?).odrl();
                    if !kind.is_some_and(|kind| kinds.contains(&kind)) {
                        return Err(member.error(OdrlErrorKind::UnknownType));
                    }
                    false
                }
                (_, Some("leftOperand")) => left.replace(member.clone()).is_some(),
                (_, Some("operator")) => operator.replace(member.clone()).is_some(),
                (_, Some("rightOperand")) => right.replace(member.clone()).is_some(),
                (_, Some("andSequence")) => return Err(member.error(OdrlErrorKind::Sequence)),
                (_, Some("and")) => logical.replace(Self::And(listed(&member)?)).is_some(),
                (_, Some("or")) => logical.replace(Self::Or(listed(&member)?)).is_some(),
                (_, Some("xone")) => logical.replace(Self::Xone(listed(&member)?)).is_some(),
                (Term::Own("not"), _) => {
                    logical.replace(Self::Not(value::single(&member)?)).is_some()
                }
                _ => return Err(member.error(OdrlErrorKind::UnknownMember)),
            };
            if is_repeated {
                return Err(member.error(OdrlErrorKind::DuplicateMember));
            }
        }
        let missing = |member| move || at.error(OdrlErrorKind::Missing { member });
        match (logical, left, operator, right) {
            (Some(logical), None, None, None) => Ok(logical),
            (Some(_), ..) => Err(at.expected("either a comparison or a logical constraint")),
            (None, left, operator, right) => Ok(Self::Atomic(Atomic {
                at: at.clone(),
                left: left.ok_or_else(missing("leftOperand"))?,
                operator: operator.ok_or_else(missing("operator"))?,
                right: right.ok_or_else(missing("rightOperand"))?,
            })),
        }
    }
}

/// The parts of a logical constraint; at least one.
fn listed<'a>(at: &At<'a>) -> Result<Vec<At<'a>>, OdrlError> {
    let items = at.items();
    if items.is_empty() { Err(at.expected("at least one constraint")) } else { Ok(items) }
}

/// `None` if all of it became legal clauses.
pub(super) fn read(at: &At<'_>, place: &mut Place<'_>) -> Result<Option<Constraint>, OdrlError> {
    let inside = |items: &[At<'_>]| {
        let mut all = Vec::new();
        for item in items {
            all.extend(read(item, &mut Place::Inside)?);
        }
        Ok(all)
    };
    Ok(match Shape::of(at)? {
        Shape::Atomic(atomic) => comparison(&atomic, place)?,
        Shape::Not(item) => {
            read(&item, &mut Place::Inside)?.map(|one| Constraint::Not(Box::new(one)))
        }
        Shape::Or(items) => joined(inside(&items)?, Constraint::Any),
        Shape::Xone(items) => joined(inside(&items)?, Constraint::One),
        Shape::And(items) => {
            let (mut all, mut are_atomic) = (Vec::new(), true);
            for item in items {
                are_atomic &= matches!(Shape::of(&item)?, Shape::Atomic(_));
                all.extend(read(&item, &mut place.again())?);
            }
            match all.as_slice() {
                // A time is written so; `All` of the two has an `and` of one around the first.
                [Constraint::From(from), Constraint::Before(until)] if are_atomic => {
                    let time = dataspace_primitives::Validity::new(*from, *until);
                    Some(time.map_or(Constraint::All(all), Constraint::Time))
                }
                _ => joined(all, Constraint::All),
            }
        }
    })
}

/// One constraint needs no `and`, `or` or `xone` around it.
fn joined(mut all: Vec<Constraint>, join: fn(Vec<Constraint>) -> Constraint) -> Option<Constraint> {
    if all.len() > 1 { Some(join(all)) } else { all.pop() }
}

fn comparison(atomic: &Atomic<'_>, place: &mut Place<'_>) -> Result<Option<Constraint>, OdrlError> {
    use Comparison::{Eq, Gt, Gteq, IsA, IsPartOf, Lt, Lteq, Neq};
    let right = &atomic.right;
    let term = Term::of(atomic.left.id()?);
    if let Some(name) = catena_x::operand(term) {
        return catena_x::read(name, atomic, place);
    }
    let operator = atomic.comparison()?;
    let one_right = || value::single(right);
    let at_most = |make: fn(u32) -> Constraint| match operator {
        Lteq => Ok(make(value::integer(&one_right()?)?)),
        Lt => {
            let end: u32 = value::integer(&one_right()?)?;
            let most = end.checked_sub(1).ok_or_else(|| right.expected("1 or more"));
            Ok(make(most?))
        }
        _ => atomic.refused(),
    };
    let flag = |constraint| match operator {
        Eq | Neq if value::boolean(&one_right()?)? == (operator == Eq) => Ok(constraint),
        Eq | Neq => Ok(Constraint::Not(Box::new(constraint))),
        _ => atomic.refused(),
    };
    let one = |make: fn(BTreeSet<Name>) -> Constraint| among(atomic, false, value::name, make);
    let many = |make: fn(BTreeSet<Name>) -> Constraint| among(atomic, true, value::name, make);
    let found = match (term.odrl(), term.own()) {
        (Some("purpose"), _) if matches!(operator, IsPartOf | IsA) => {
            Ok(Constraint::PurposeWithin(value::set(right, value::name)?))
        }
        (Some("purpose"), _) => one(Constraint::Purpose),
        (Some("dateTime"), _) => date_time(atomic, operator),
        (Some("elapsedTime"), _) if operator == Lt => {
            Ok(Constraint::Elapsed(value::seconds(&one_right()?)?))
        }
        (Some("elapsedTime"), _) => atomic.refused(),
        (Some("count"), _) => at_most(Constraint::Count),
        (Some("spatial"), _) => among(atomic, false, region, Constraint::RecipientRegion),
        (Some("event"), _) => many(Constraint::Event),
        (_, Some("consumerCount")) => at_most(Constraint::ConsumerCount),
        (_, Some("dayCount")) => at_most(Constraint::DayCount),
        (_, Some("monthCount")) => at_most(Constraint::MonthCount),
        (_, Some("productLevel")) => at_most(Constraint::Level),
        (_, Some("securityLevel")) => match operator {
            Gteq => Ok(Constraint::SecurityLevel(value::integer(&one_right()?)?)),
            Gt => {
                let below: u32 = value::integer(&one_right()?)?;
                let least = below.checked_add(1).ok_or_else(|| right.expected("less"));
                Ok(Constraint::SecurityLevel(least?))
            }
            _ => atomic.refused(),
        },
        (_, Some("hours")) => match operator {
            Eq => Ok(Constraint::Hours(value::hours(&one_right()?)?)),
            Neq => Ok(Constraint::Not(Box::new(Constraint::Hours(value::hours(&one_right()?)?)))),
            _ => atomic.refused(),
        },
        (_, Some("jurisdiction")) => among(atomic, false, region, Constraint::Jurisdiction),
        (_, Some("payment")) => among(atomic, false, payment, Constraint::Payment),
        (_, Some("participant")) => one(Constraint::Participant),
        (_, Some("credential")) => many(Constraint::Credential),
        (_, Some("role")) => many(Constraint::Role),
        (_, Some("personRole")) => many(Constraint::PersonRole),
        (_, Some("connector")) => one(Constraint::Connector),
        (_, Some("application")) => one(Constraint::Application),
        (_, Some("productClass")) => one(Constraint::Class),
        (_, Some("state")) => one(Constraint::State),
        (_, Some("attested")) => flag(Constraint::Attested),
        (_, Some("sandbox")) => flag(Constraint::Sandbox),
        (_, Some(own)) => {
            let encoded = own.strip_prefix("attribute/").and_then(percent_decoded);
            let name = encoded.and_then(|name| name.parse::<Name>().ok());
            let name = name.ok_or_else(|| atomic.left.error(OdrlErrorKind::UnknownOperand))?;
            among(atomic, false, value::name, |values| Constraint::Attribute {
                name: name.clone(),
                values,
            })
        }
        _ => Err(atomic.left.error(OdrlErrorKind::UnknownOperand)),
    };
    found.map(Some)
}

fn date_time(atomic: &Atomic<'_>, operator: Comparison) -> Result<Constraint, OdrlError> {
    let right = &atomic.right;
    let at = value::instant(&value::single(right)?)?;
    match operator {
        Comparison::Gteq => Ok(Constraint::From(at)),
        Comparison::Gt => Ok(Constraint::From(value::after(right, at)?)),
        Comparison::Lt => Ok(Constraint::Before(at)),
        Comparison::Lteq => Ok(Constraint::Before(value::after(right, at)?)),
        _ => atomic.refused(),
    }
}

/// The fact is one of the values; if there can be several facts, one of them is.
fn among<T: Ord>(
    atomic: &Atomic<'_>,
    can_be_several: bool,
    one: impl Fn(&At<'_>) -> Result<T, OdrlError>,
    make: impl Fn(BTreeSet<T>) -> Constraint,
) -> Result<Constraint, OdrlError> {
    let right = &atomic.right;
    let single = || Ok(make(BTreeSet::from([one(&value::single(right)?)?])));
    let set = || value::set(right, &one);
    match atomic.comparison()? {
        Comparison::Eq => single(),
        Comparison::HasPart if can_be_several => single(),
        Comparison::IsAnyOf => Ok(make(set()?)),
        Comparison::Neq => Ok(Constraint::Not(Box::new(single()?))),
        Comparison::IsNoneOf => Ok(Constraint::Not(Box::new(make(set()?)))),
        Comparison::IsAllOf if can_be_several => {
            let all = set()?.into_iter().map(|one| make(BTreeSet::from([one]))).collect();
            joined(all, Constraint::All).ok_or_else(|| right.expected("at least one value"))
        }
        _ => atomic.refused(),
    }
}

fn region(at: &At<'_>) -> Result<Region, OdrlError> {
    let region = Region::parse(value::name(at)?.as_str());
    region.map_err(|_| at.expected("a country of ISO 3166-1, two upper-case letters"))
}

fn payment(at: &At<'_>) -> Result<Payment, OdrlError> {
    let name = value::name(at)?;
    let all = [Payment::Due, Payment::Overdue, Payment::Paid];
    let found = all.into_iter().find(|one| one.as_str() == name.as_str());
    found.ok_or_else(|| at.expected("due, overdue or paid"))
}

/// What [`read`] reads as just this constraint.
pub(super) fn write(constraint: &Constraint) -> Value {
    let all = |parts: &[Constraint]| parts.iter().map(write).collect::<Vec<_>>();
    match constraint {
        Constraint::Time(time) => {
            let (from, until) = (Constraint::From(time.from()), Constraint::Before(time.until()));
            json!({ "and": [write(&from), write(&until)] })
        }
        Constraint::All(parts) => match parts.as_slice() {
            // Else it would be read as a time.
            [from @ Constraint::From(_), until @ Constraint::Before(_)] => {
                json!({ "and": [{ "and": [write(from)] }, write(until)] })
            }
            parts => json!({ "and": all(parts) }),
        },
        Constraint::Any(parts) => json!({ "or": all(parts) }),
        Constraint::One(parts) => json!({ "xone": all(parts) }),
        Constraint::Not(one) => match leaf(one) {
            Some((left, "eq", right)) => atomic(&left, "neq", &right),
            Some((left, "isAnyOf", right)) => atomic(&left, "isNoneOf", &right),
            _ => json!({ "dataspace:not": write(one) }),
        },
        constraint => {
            let (left, operator, right) = leaf(constraint).unwrap_or_default();
            atomic(&left, operator, &right)
        }
    }
}

pub(super) fn atomic(left: &str, operator: &str, right: &Value) -> Value {
    json!({ "leftOperand": left, "operator": operator, "rightOperand": right })
}

/// Left operand, operator and right operand.
type Leaf = (String, &'static str, Value);

/// `None` for what is not one comparison.
fn leaf(constraint: &Constraint) -> Option<Leaf> {
    let number = |left: &str, operator, value: u32| {
        Some((left.to_owned(), operator, value::typed(&value, "integer")))
    };
    let time =
        |operator, at| Some(("odrl:dateTime".to_owned(), operator, value::typed(at, "dateTime")));
    let flag = |left: &str| Some((left.to_owned(), "eq", value::typed(&true, "boolean")));
    match constraint {
        Constraint::Purpose(all) => Some(among_texts("odrl:purpose", all)),
        Constraint::PurposeWithin(all) => {
            let (left, _, right) = among_texts("odrl:purpose", all);
            Some((left, "isPartOf", right))
        }
        Constraint::From(at) => time("gteq", at),
        Constraint::Before(at) => time("lt", at),
        Constraint::Hours(hours) => {
            Some(("dataspace:hours".to_owned(), "eq", value::of_hours(hours)))
        }
        Constraint::Elapsed(secs) => {
            let right = value::typed(&format!("PT{secs}S"), "duration");
            Some(("odrl:elapsedTime".to_owned(), "lt", right))
        }
        Constraint::Count(max) => number("odrl:count", "lteq", *max),
        Constraint::ConsumerCount(max) => number("dataspace:consumerCount", "lteq", *max),
        Constraint::DayCount(max) => number("dataspace:dayCount", "lteq", *max),
        Constraint::MonthCount(max) => number("dataspace:monthCount", "lteq", *max),
        Constraint::Jurisdiction(all) => Some(among_texts("dataspace:jurisdiction", all)),
        Constraint::RecipientRegion(all) => Some(among_texts("odrl:spatial", all)),
        Constraint::Participant(all) => Some(among_texts("dataspace:participant", all)),
        Constraint::Credential(all) => Some(among_texts("dataspace:credential", all)),
        Constraint::Attribute { name, values } => {
            let name = percent_encoded(name.as_str());
            Some(among_texts(&format!("dataspace:attribute/{name}"), values))
        }
        Constraint::Role(all) => Some(among_texts("dataspace:role", all)),
        Constraint::PersonRole(all) => Some(among_texts("dataspace:personRole", all)),
        Constraint::Attested => flag("dataspace:attested"),
        Constraint::Sandbox => flag("dataspace:sandbox"),
        Constraint::SecurityLevel(least) => number("dataspace:securityLevel", "gteq", *least),
        Constraint::Connector(all) => Some(among_texts("dataspace:connector", all)),
        Constraint::Application(all) => Some(among_texts("dataspace:application", all)),
        Constraint::Class(all) => Some(among_texts("dataspace:productClass", all)),
        Constraint::Level(most) => number("dataspace:productLevel", "lteq", *most),
        Constraint::Payment(all) => {
            Some(among_texts("dataspace:payment", all.iter().map(|one| one.as_str())))
        }
        Constraint::Event(all) => Some(among_texts("odrl:event", all)),
        Constraint::State(all) => Some(among_texts("dataspace:state", all)),
        Constraint::Time(_)
        | Constraint::Not(_)
        | Constraint::All(_)
        | Constraint::Any(_)
        | Constraint::One(_) => None,
    }
}

fn among_texts<T: ToString>(left: &str, all: impl IntoIterator<Item = T>) -> Leaf {
    let all: Vec<_> = all.into_iter().map(|one| Value::String(one.to_string())).collect();
    let operator = if all.len() == 1 { "eq" } else { "isAnyOf" };
    (left.to_owned(), operator, value::of_values(all))
}
