//! Constraints as they stand: comparisons, and what joins them.

use dataspace_policy::Constraint;

use crate::at::At;
use crate::error::{OdrlErrorKind, Refused, shown};
use crate::names::{Comparison, Term};
use crate::read::metadata;
use crate::read::value;

/// A comparison as it stands in the document.
#[derive(Clone, Copy)]
pub(crate) struct Atomic<'a> {
    pub(crate) at: At<'a>,
    pub(crate) left: At<'a>,
    pub(crate) operator: At<'a>,
    pub(crate) right: At<'a>,
}

impl<'a> Atomic<'a> {
    pub(crate) fn comparison(&self) -> Result<Comparison, Refused<'a>> {
        let found = Comparison::parse(self.operator.term()?);
        found.ok_or_else(|| self.operator.error(OdrlErrorKind::UnknownOperator))
    }

    pub(crate) fn refused(&self) -> Refused<'a> {
        self.operator.error(OdrlErrorKind::Operator)
    }
}

/// A constraint, split but not yet understood.
pub(crate) enum Shape<'a> {
    Atomic(Atomic<'a>),
    Not(At<'a>),
    And(Vec<At<'a>>),
    Or(Vec<At<'a>>),
    Xone(Vec<At<'a>>),
}

impl<'a> Shape<'a> {
    pub(crate) fn of(at: At<'a>) -> Result<Self, Refused<'a>> {
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
            (None, left, operator, right) => Self::compared(Atomic {
                at,
                left: left.ok_or_else(missing("leftOperand"))?,
                operator: operator.ok_or_else(missing("operator"))?,
                right: right.ok_or_else(missing("rightOperand"))?,
            }),
        }
    }

    /// A negation is a comparison, too: the constraint that must not hold equals this one.
    fn compared(atomic: Atomic<'a>) -> Result<Self, Refused<'a>> {
        match atomic.left.term() {
            Ok(Term::Own("not")) if atomic.comparison()? == Comparison::Eq => {
                Ok(Self::Not(value::single(atomic.right)?))
            }
            Ok(Term::Own("not")) => Err(atomic.refused()),
            _ => Ok(Self::Atomic(atomic)),
        }
    }
}

fn unknown_member<'a>(at: At<'a>, member: At<'a>, term: Term<'a>) -> Refused<'a> {
    let refused = member.error(OdrlErrorKind::UnknownMember);
    if term == Term::Own("not") {
        return refused.because(
            "the Dataspace Protocol has no such member; write {\"leftOperand\": \"dataspace:not\", \
             \"operator\": \"eq\", \"rightOperand\": the constraint}",
        );
    }
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

/// One constraint needs no `and`, `or` or `xone` around it.
pub(crate) fn joined(
    mut all: Vec<Constraint>,
    join: fn(Vec<Constraint>) -> Constraint,
) -> Option<Constraint> {
    if all.len() > 1 { Some(join(all)) } else { all.pop() }
}
