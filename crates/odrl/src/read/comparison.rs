//! What a comparison asks of the facts.

use std::collections::BTreeSet;

use dataspace_policy::{
    Constraint, Legal, Plays,
    facts::{Among, Fact, Payment},
};
use dataspace_primitives::{Name, Region};

use crate::at::At;
use crate::error::{Refused, shown};
use crate::names::Comparison;
use crate::operands::ValueType;
use crate::read::place::Place;
use crate::read::region;
use crate::read::shape::{Atomic, joined};
use crate::read::time;
use crate::read::value;

/// What answers a left operand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// A fact that is compared with values.
    Among(Fact),
    Time,
    /// The time of the access, or its distance from the agreement.
    InForce,
    Elapsed,
    Count,
    ConsumerCount,
    DayCount,
    MonthCount,
    /// Plays that count after so many seconds.
    PlayCount(u32),
    MeteredTime,
    FirstSeconds,
    Level,
    SecurityLevel,
    Hours,
    Attested,
    Sandbox,
    Attribute(Name, ValueType),
    /// What a signed statement of this kind says.
    Vouched(Name),
    /// Having a credential: its type, and the value that says so.
    Having(Name, Name),
    /// True in any case.
    Always,
}

pub(crate) fn attribute(name: &str) -> Option<Answer> {
    name.parse().ok().map(|name| Answer::Attribute(name, ValueType::Text))
}

/// A comparison that binds by law alone, as it stands.
pub(crate) fn law<'a>(operand: Name, atomic: &Atomic<'a>) -> Result<Legal, Refused<'a>> {
    let (operator, values) = spelt(atomic)?;
    Ok(Legal::Operand { operand, operator, values })
}

/// Operator and values of a comparison that is kept as it stands.
pub(crate) fn spelt<'a>(atomic: &Atomic<'a>) -> Result<(Name, Vec<Name>), Refused<'a>> {
    let right = atomic.right;
    let operator = atomic.comparison()?;
    let values: Vec<Name> = match operator {
        Comparison::Eq => vec![value::any_text(value::single(right)?)?],
        Comparison::IsAnyOf | Comparison::IsAllOf => {
            right.items().into_iter().map(value::any_text).collect::<Result<_, _>>()?
        }
        _ => return Err(atomic.refused()),
    };
    if values.is_empty() {
        return Err(right.expected("at least one value"));
    }
    let operator = operator.as_str().parse().map_err(|_| atomic.refused())?;
    Ok((operator, values))
}

pub(crate) fn answered<'a>(
    answer: &Answer,
    atomic: &Atomic<'a>,
    place: &Place<'_>,
) -> Result<Option<Constraint>, Refused<'a>> {
    use Comparison::{Eq, Gt, Gteq, IsA, IsPartOf, Lt, Lteq, Neq};
    let right = atomic.right;
    let operator = atomic.comparison()?;
    let one_right = || value::single(right);
    let at_most = |make: &dyn Fn(u32) -> Constraint| match operator {
        Lteq => Ok(make(value::integer(one_right()?)?)),
        Lt => {
            let end: u32 = value::integer(one_right()?)?;
            let most = end.checked_sub(1).ok_or_else(|| right.expected("1 or more"));
            Ok(make(most?))
        }
        _ => Err(atomic.refused()),
    };
    let flag = |constraint| match operator {
        Eq | Neq if value::boolean(one_right()?)? == (operator == Eq) => Ok(constraint),
        Eq | Neq => Ok(Constraint::Not(Box::new(constraint))),
        _ => Err(atomic.refused()),
    };
    let found = match answer {
        Answer::Among(Fact::Purpose) if matches!(operator, IsPartOf | IsA) => {
            Ok(Constraint::PurposeWithin(value::set(right, value::name)?))
        }
        Answer::Among(fact) => {
            let is_set = fact.kind().is_set();
            match fact.among().ok_or_else(|| atomic.refused())? {
                Among::Name(make) => among(atomic, is_set, value::name, make),
                Among::Region(make) => regions(atomic, make),
                Among::Payment(make) => among(atomic, is_set, payment, make),
            }
        }
        Answer::Time => date_time(atomic, operator),
        Answer::InForce => return in_force(atomic, operator, place),
        Answer::Elapsed if operator == Lt => Ok(Constraint::Elapsed(time::seconds(one_right()?)?)),
        Answer::Count => at_most(&Constraint::Count),
        Answer::ConsumerCount => at_most(&Constraint::ConsumerCount),
        Answer::DayCount => at_most(&Constraint::DayCount),
        Answer::MonthCount => at_most(&Constraint::MonthCount),
        Answer::PlayCount(after) => {
            at_most(&|max| Constraint::PlayCount(Plays { max, after: *after }))
        }
        Answer::MeteredTime if operator == Lteq => {
            let max = u32::try_from(time::seconds(one_right()?)?);
            Ok(Constraint::SecondsCount(max.map_err(|_| right.expected("fewer seconds"))?))
        }
        Answer::Elapsed | Answer::MeteredTime => Err(atomic.refused()),
        Answer::FirstSeconds => at_most(&Constraint::FirstSeconds),
        Answer::Level => at_most(&Constraint::Level),
        Answer::SecurityLevel => match operator {
            Gteq => Ok(Constraint::SecurityLevel(value::integer(one_right()?)?)),
            Gt => {
                let below: u32 = value::integer(one_right()?)?;
                let least = below.checked_add(1).ok_or_else(|| right.expected("less"));
                Ok(Constraint::SecurityLevel(least?))
            }
            _ => Err(atomic.refused()),
        },
        Answer::Hours => match operator {
            Eq => Ok(Constraint::Hours(value::hours(one_right()?)?)),
            Neq => Ok(Constraint::Not(Box::new(Constraint::Hours(value::hours(one_right()?)?)))),
            _ => Err(atomic.refused()),
        },
        Answer::Attested => flag(Constraint::Attested),
        Answer::Sandbox => flag(Constraint::Sandbox),
        Answer::Attribute(name, values) => of_attribute(atomic, name, *values),
        Answer::Vouched(kind) => among(atomic, false, value::name, |values| Constraint::Vouched {
            kind: kind.clone(),
            values,
        }),
        Answer::Having(credential, value) => having(atomic, credential, value),
        Answer::Always => {
            let is_demanded = operator == Eq && place.is_demanded();
            return if is_demanded && value::boolean(one_right()?)? {
                Ok(None)
            } else {
                Err(atomic.refused())
            };
        }
    };
    found.map(Some)
}

fn of_attribute<'a>(
    atomic: &Atomic<'a>,
    name: &Name,
    values: ValueType,
) -> Result<Constraint, Refused<'a>> {
    let make = |values| Constraint::Attribute { name: name.clone(), values };
    let spelt = |text: String, at: At<'a>| text.parse().map_err(|_| at.expected("a name"));
    match values {
        ValueType::Text => among(atomic, false, value::name, make),
        ValueType::Whole => {
            among(atomic, false, |at| spelt(value::integer::<i128>(at)?.to_string(), at), make)
        }
        ValueType::Truth => {
            among(atomic, false, |at| spelt(value::boolean(at)?.to_string(), at), make)
        }
        ValueType::Region => regions(atomic, |regions| {
            let names = regions.iter().filter_map(|region| region.as_str().parse().ok());
            make(names.collect())
        }),
    }
}

/// `eq` with the value that says that there is such a credential.
fn having<'a>(
    atomic: &Atomic<'a>,
    credential: &Name,
    value: &Name,
) -> Result<Constraint, Refused<'a>> {
    let has = Constraint::Credential([credential.clone()].into());
    let found = value::name(value::single(atomic.right)?)?;
    if found != *value {
        let only = format!("only {} can be asked for", shown(value.as_str()));
        return Err(atomic.right.expected("the value for having the credential").because(only));
    }
    match atomic.comparison()? {
        Comparison::Eq | Comparison::IsAnyOf => Ok(has),
        Comparison::Neq | Comparison::IsNoneOf => Ok(Constraint::Not(Box::new(has))),
        _ => Err(atomic.refused()),
    }
}

fn date_time<'a>(atomic: &Atomic<'a>, operator: Comparison) -> Result<Constraint, Refused<'a>> {
    let found = time::compared(value::single(atomic.right)?, operator)?;
    found.ok_or_else(|| atomic.refused().because(time::uncompared(operator)))
}

/// `inForceDate` of the Eclipse Dataspace Components: an instant, or a time after the agreement.
fn in_force<'a>(
    atomic: &Atomic<'a>,
    operator: Comparison,
    place: &Place<'_>,
) -> Result<Option<Constraint>, Refused<'a>> {
    let Some(secs) = time::after_agreement(value::single(atomic.right)?)? else {
        return date_time(atomic, operator).map(Some);
    };
    match operator {
        Comparison::Lt => Ok(Some(Constraint::Elapsed(secs))),
        // WHY only there: the instant itself is left out, which narrows a permission but would
        // widen one under a negation, and a prohibition.
        Comparison::Lteq if place.is_demanded() => Ok(Some(Constraint::Elapsed(secs))),
        // No access is decided before the agreement.
        Comparison::Gteq if secs == 0 && place.is_demanded() => Ok(None),
        Comparison::Gteq if secs > 0 => {
            Ok(Some(Constraint::Not(Box::new(Constraint::Elapsed(secs)))))
        }
        // WHY only there: it begins at the next whole second.
        Comparison::Gt if place.is_demanded() => {
            let next = secs.saturating_add(1);
            Ok(Some(Constraint::Not(Box::new(Constraint::Elapsed(next)))))
        }
        _ => Err(atomic.refused().because(
            "a time after the agreement is compared with lt or gteq; write the boundary so",
        )),
    }
}

/// The fact is one of the values; if there can be several facts, one of them is.
fn among<'a, T: Ord>(
    atomic: &Atomic<'a>,
    can_be_several: bool,
    one: impl Fn(At<'a>) -> Result<T, Refused<'a>>,
    make: impl Fn(BTreeSet<T>) -> Constraint,
) -> Result<Constraint, Refused<'a>> {
    let right = atomic.right;
    let single = || Ok(make(BTreeSet::from([one(value::single(right)?)?])));
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
        _ => Err(atomic.refused()),
    }
}

/// The country is one of those, or in one of the groups.
fn regions<'a>(
    atomic: &Atomic<'a>,
    make: impl Fn(BTreeSet<Region>) -> Constraint,
) -> Result<Constraint, Refused<'a>> {
    let right = atomic.right;
    let single = || region::read(value::single(right)?);
    let union = || {
        // What stands there again says nothing more.
        let (mut seen, mut all) = (BTreeSet::new(), BTreeSet::new());
        for item in right.items() {
            if seen.insert(value::name(item)?) {
                all.extend(region::read(item)?);
            }
        }
        if all.is_empty() { Err(right.expected("at least one value")) } else { Ok(all) }
    };
    match atomic.comparison()? {
        Comparison::Eq => Ok(make(single()?)),
        Comparison::IsAnyOf => Ok(make(union()?)),
        // The parts of a group are its countries; those of a country are not known.
        Comparison::IsPartOf | Comparison::IsA => match single()? {
            group if group.len() > 1 => Ok(make(group)),
            _ => Err(atomic.refused()),
        },
        Comparison::Neq => Ok(Constraint::Not(Box::new(make(single()?)))),
        Comparison::IsNoneOf => Ok(Constraint::Not(Box::new(make(union()?)))),
        _ => Err(atomic.refused()),
    }
}

fn payment(at: At<'_>) -> Result<Payment, Refused<'_>> {
    let name = value::name(at)?;
    let all = [Payment::Due, Payment::Overdue, Payment::Paid];
    let found = all.into_iter().find(|one| one.as_str() == name.as_str());
    found.ok_or_else(|| at.expected("due, overdue or paid"))
}
