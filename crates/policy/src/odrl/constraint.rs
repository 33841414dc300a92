//! Constraints as they stand: comparisons, and what joins them.

use dataspace_primitives::Validity;

use crate::constraint::Constraint;
use crate::terms::Legal;

use super::at::At;
use super::comparison;
use super::error::{OdrlErrorKind, Refused, shown};
use super::metadata;
use super::names::{Comparison, Term};
use super::value;

pub(super) use super::comparison::is_known;

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

    /// Whether it stands among what a permission demands in any case.
    pub(super) fn is_demanded(&self) -> bool {
        !matches!(self, Self::Inside)
    }

    pub(super) fn keep<'a>(&mut self, at: At<'a>, legal: Legal) -> Result<(), Refused<'a>> {
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
#[derive(Clone, Copy)]
pub(super) struct Atomic<'a> {
    pub(super) at: At<'a>,
    pub(super) left: At<'a>,
    pub(super) operator: At<'a>,
    pub(super) right: At<'a>,
}

impl<'a> Atomic<'a> {
    pub(super) fn comparison(&self) -> Result<Comparison, Refused<'a>> {
        let found = Comparison::parse(self.operator.term()?);
        found.ok_or_else(|| self.operator.error(OdrlErrorKind::UnknownOperator))
    }

    pub(super) fn refused(&self) -> Refused<'a> {
        self.operator.error(OdrlErrorKind::Operator)
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
    pub(super) fn of(at: At<'a>) -> Result<Self, Refused<'a>> {
        let (mut left, mut operator, mut right, mut logical) = (None, None, None, None);
        let mut is_named = false;
        for (term, member) in at.members()? {
            let is_repeated = match (term, term.odrl()) {
                (Term::Keyword("@id"), _) => {
                    member.id()?;
                    std::mem::replace(&mut is_named, true)
                }
                (Term::Keyword("@type"), _) => {
                    let kinds = ["Constraint", "AtomicConstraint", "LogicalConstraint"];
                    let kind = member.kind().and_then(Term::odrl);
                    if !kind.is_some_and(|kind| kinds.contains(&kind)) {
                        return Err(member.error(OdrlErrorKind::UnknownType));
                    }
                    false
                }
                (_, Some("leftOperand")) => left.replace(member).is_some(),
                (_, Some("operator")) => operator.replace(member).is_some(),
                (_, Some("rightOperand")) => right.replace(member).is_some(),
                (_, Some("andSequence")) => return Err(member.error(OdrlErrorKind::Sequence)),
                (_, Some("and")) => logical.replace(Self::And(listed(member)?)).is_some(),
                (_, Some("or")) => logical.replace(Self::Or(listed(member)?)).is_some(),
                (_, Some("xone")) => logical.replace(Self::Xone(listed(member)?)).is_some(),
                (Term::Own("not"), _) => {
                    logical.replace(Self::Not(value::single(member)?)).is_some()
                }
                _ if metadata::is_label(term) => false,
                _ => return Err(unknown_member(at, member, term)),
            };
            if is_repeated {
                return Err(member.error(OdrlErrorKind::DuplicateMember));
            }
        }
        let missing = |member| {
            move || {
                let missing = at.missing(member);
                if !is_named {
                    return missing;
                }
                missing.because(
                    "the constraint stands elsewhere under this identifier; write it out here",
                )
            }
        };
        match (logical, left, operator, right) {
            (Some(logical), None, None, None) => Ok(logical),
            (Some(_), ..) => Err(at.expected("either a comparison or a logical constraint")),
            (None, left, operator, right) => Ok(Self::Atomic(Atomic {
                at,
                left: left.ok_or_else(missing("leftOperand"))?,
                operator: operator.ok_or_else(missing("operator"))?,
                right: right.ok_or_else(missing("rightOperand"))?,
            })),
        }
    }
}

fn unknown_member<'a>(at: At<'a>, member: At<'a>, term: Term<'a>) -> Refused<'a> {
    let refused = member.error(OdrlErrorKind::UnknownMember);
    match term.odrl() {
        Some("unit") => refused.because(
            "a number in a unit is compared with nothing here; write the value without a unit if \
             it means the same",
        ),
        Some("rightOperandReference") => refused.because(
            "the value stands at another address and could change; write it out as rightOperand",
        ),
        Some("dataType") => {
            refused.because("write the type at the value: {\"@value\": …, \"@type\": …}")
        }
        _ => refused.because(format!(
            "{} is not a member of an ODRL constraint that is known here",
            shown(at.name_of(member))
        )),
    }
}

/// The parts of a logical constraint; at least one.
fn listed(at: At<'_>) -> Result<Vec<At<'_>>, Refused<'_>> {
    let items = at.items();
    if items.is_empty() { Err(at.expected("at least one constraint")) } else { Ok(items) }
}

/// `None` if all of it became legal clauses, or holds in any case.
pub(super) fn read<'a>(
    at: At<'a>,
    place: &mut Place<'_>,
) -> Result<Option<Constraint>, Refused<'a>> {
    let inside = |items: Vec<At<'a>>| {
        let mut all = Vec::new();
        for item in items {
            all.extend(read(item, &mut Place::Inside)?);
        }
        Ok(all)
    };
    Ok(match Shape::of(at)? {
        Shape::Atomic(atomic) => comparison::read(&atomic, place)?,
        Shape::Not(item) => {
            read(item, &mut Place::Inside)?.map(|one| Constraint::Not(Box::new(one)))
        }
        Shape::Or(items) => joined(inside(items)?, Constraint::Any),
        Shape::Xone(items) => joined(inside(items)?, Constraint::One),
        Shape::And(items) => {
            let (mut all, mut are_atomic) = (Vec::new(), true);
            for item in items {
                are_atomic &= matches!(Shape::of(item)?, Shape::Atomic(_));
                all.extend(read(item, &mut place.again())?);
            }
            match all.as_slice() {
                // A time is written so; `All` of the two has an `and` of one around the first.
                [Constraint::From(from), Constraint::Before(until)] if are_atomic => {
                    let time = Validity::new(*from, *until);
                    Some(time.map_or(Constraint::All(all), Constraint::Time))
                }
                _ => joined(all, Constraint::All),
            }
        }
    })
}

/// One constraint needs no `and`, `or` or `xone` around it.
pub(super) fn joined(
    mut all: Vec<Constraint>,
    join: fn(Vec<Constraint>) -> Constraint,
) -> Option<Constraint> {
    if all.len() > 1 { Some(join(all)) } else { all.pop() }
}
