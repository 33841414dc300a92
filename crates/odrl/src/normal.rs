//! The normal form of terms: what documents that mean the same have in common.

use dataspace_policy::{Constraint, Duty, Legal, RowFilter, Rule, Terms};
use dataspace_primitives::{Digest, Name, cbor};
use serde::Serialize;

use crate::document::OdrlPolicy;
use crate::error::{OdrlError, OdrlErrorKind};
use crate::names::{Comparison, Term};
use crate::operands::OdrlOperands;
use crate::read::operand_of_catena_x;

/// The SHA-256 of what the rules of an ODRL document mean.
///
/// The same for documents that differ only in how terms, values, arrays and members are written, in
/// the order of rules, obligations, constraints and values, in repetitions of them, in `and` within
/// `and` or `or` within `or`, or in whether actions share a rule. `@id`, `@type`, parties, target
/// and time have no part in it.
///
/// # Errors
/// As [`OdrlPolicy::parse`].
pub fn odrl_digest(text: &str) -> Result<Digest, OdrlError> {
    odrl_digest_in(text, &OdrlOperands::default())
}

/// [`odrl_digest`] of a document of a space that gives names of its own a meaning.
///
/// # Errors
/// As [`OdrlPolicy::parse`].
pub fn odrl_digest_in(text: &str, operands: &OdrlOperands) -> Result<Digest, OdrlError> {
    digest(&OdrlPolicy::parse_in(text, operands)?.terms)
}

fn digest(terms: &Terms) -> Result<Digest, OdrlError> {
    let Terms { permissions, prohibitions, duties, legal, exclusive } = terms;
    let normal = Terms {
        permissions: rules(permissions)?,
        prohibitions: rules(prohibitions)?,
        duties: set(duties.iter().map(duty).collect::<Result<_, _>>()?)?,
        legal: set(legal.iter().map(clause).collect::<Result<_, _>>()?)?,
        exclusive: exclusive.clone(),
    };
    Ok(Digest::of(&bytes(&normal)?))
}

fn bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, OdrlError> {
    cbor::to_canonical(value).map_err(|_| OdrlError::whole(OdrlErrorKind::Encoding))
}

/// In the order of their encodings.
fn sorted<T: Serialize>(all: Vec<T>) -> Result<Vec<T>, OdrlError> {
    let mut keyed =
        all.into_iter().map(|one| Ok((bytes(&one)?, one))).collect::<Result<Vec<_>, _>>()?;
    keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(keyed.into_iter().map(|(_, one)| one).collect())
}

/// Sorted, each once.
fn set<T: Serialize + PartialEq>(all: Vec<T>) -> Result<Vec<T>, OdrlError> {
    let mut all = sorted(all)?;
    all.dedup();
    Ok(all)
}

/// One rule for each action (ODRL Information Model §2.7: a compact rule stands for its atomic
/// ones).
fn rules(rules: &[Rule]) -> Result<Vec<Rule>, OdrlError> {
    let mut all = Vec::new();
    for rule in rules {
        let constraints = conjuncts(&rule.constraints)?;
        let one = |action| Rule { actions: [action].into(), constraints: constraints.clone() };
        all.extend(rule.actions.iter().copied().map(one));
    }
    set(all)
}

/// What must hold, without `and` in `and`.
fn conjuncts(all: &[Constraint]) -> Result<Vec<Constraint>, OdrlError> {
    let mut flat = Vec::new();
    for one in all {
        match constraint(one)? {
            Constraint::All(parts) => flat.extend(parts),
            one => flat.push(one),
        }
    }
    set(flat)
}

fn constraint(one: &Constraint) -> Result<Constraint, OdrlError> {
    Ok(match one {
        Constraint::Time(time) => {
            let both = vec![Constraint::From(time.from()), Constraint::Before(time.until())];
            Constraint::All(set(both)?)
        }
        Constraint::All(parts) => joined(conjuncts(parts)?, Constraint::All),
        Constraint::Any(parts) => {
            let mut flat = Vec::new();
            for part in parts {
                match constraint(part)? {
                    Constraint::Any(parts) => flat.extend(parts),
                    part => flat.push(part),
                }
            }
            joined(set(flat)?, Constraint::Any)
        }
        // Just one of one and the same never holds, so nothing is merged here.
        Constraint::One(parts) => {
            let parts = parts.iter().map(constraint).collect::<Result<_, _>>()?;
            joined(sorted(parts)?, Constraint::One)
        }
        Constraint::Not(one) => Constraint::Not(Box::new(constraint(one)?)),
        other => other.clone(),
    })
}

fn joined(mut all: Vec<Constraint>, join: fn(Vec<Constraint>) -> Constraint) -> Constraint {
    match (all.len(), all.pop()) {
        (1, Some(one)) => one,
        (_, last) => {
            all.extend(last);
            join(all)
        }
    }
}

/// The values of a filter are a set.
fn duty(duty: &Duty) -> Result<Duty, OdrlError> {
    Ok(match duty {
        Duty::Mark(mark) => Duty::Mark(*mark),
        Duty::Filter(RowFilter { column, operator, values }) => {
            let (column, values) = (column.clone(), set(values.clone())?);
            Duty::Filter(RowFilter { column, operator: *operator, values })
        }
        other @ (Duty::Mask(_)
        | Duty::Keep(_)
        | Duty::Aggregate(_)
        | Duty::Sample(_)
        | Duty::Limit(_)
        | Duty::Persons(_)
        | Duty::Watermark(_)) => other.clone(),
    })
}

/// One spelling of operand and operator; the values are a set.
fn clause(legal: &Legal) -> Result<Legal, OdrlError> {
    Ok(match legal {
        Legal::Operand { operand, operator, values } => {
            let (operand, operator) = spelt(operand, operator);
            Legal::Operand { operand, operator, values: set(values.clone())? }
        }
        Legal::Forbidden { operand, operator, values } => {
            let (operand, operator) = spelt(operand, operator);
            Legal::Forbidden { operand, operator, values: set(values.clone())? }
        }
        other => other.clone(),
    })
}

fn spelt(operand: &Name, operator: &Name) -> (Name, Name) {
    let known = match operand_of_catena_x(Term::of(operand.as_str())) {
        Some(name) => format!("cx-policy:{name}").parse().ok(),
        None => None,
    };
    let compared = Comparison::parse(Term::of(operator.as_str()));
    let compared = compared.and_then(|one| one.as_str().parse().ok());
    (known.unwrap_or_else(|| operand.clone()), compared.unwrap_or_else(|| operator.clone()))
}
