//! Terms to Cedar text: one policy for each permission and prohibition, readable, with the
//! clause's id.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use dataspace_primitives::Name;

use crate::asked::Unknown;
use crate::clause::ClauseKind;
use crate::engine::entity::ROLE;
use crate::engine::quote::literal;
use crate::facts::{Constraint, Fact, Form, Kind, Values};
use crate::hours::Hours;
use crate::terms::{InvalidTerms, Rule, Terms};

/// Version of the compiler from terms to Cedar text. Both signers of a contract sign it beside the
/// text: the same version gives the same text for the same terms, always, so that anyone who has it can
/// check that the text says what the terms say. Counts up whenever a text changes.
pub const COMPILER_VERSION: u32 = 1;

/// Whom and what a contract is about: its policies apply to nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The consumer's DID.
    pub consumer: String,
    /// The product's identifier.
    pub product: Name,
}

impl Terms {
    /// The Cedar text that both parties sign beside the terms, and that decides.
    ///
    /// The same terms and scope always give the same text.
    ///
    /// # Errors
    /// [`InvalidTerms`] if the terms must not be signed.
    pub fn to_cedar(&self, scope: &Scope) -> Result<String, InvalidTerms> {
        self.check()?;
        let mut text = String::new();
        for (id, rule) in self.rules() {
            // Writing to a `String` does not fail.
            let _infallible = policy(&mut text, id.kind, &id.to_string(), rule, scope);
        }
        Ok(text)
    }
}

fn policy(
    text: &mut String,
    kind: ClauseKind,
    id: &str,
    rule: &Rule,
    scope: &Scope,
) -> fmt::Result {
    if !text.is_empty() {
        text.push('\n');
    }
    let effect = if kind == ClauseKind::Prohibition { "forbid" } else { "permit" };
    writeln!(text, "@id({})\n{effect} (", literal(id))?;
    writeln!(text, "  principal == Dataspace::Participant::{},", literal(&scope.consumer))?;
    let actions: Vec<_> =
        rule.actions.iter().map(|a| format!("Dataspace::Action::\"{a}\"")).collect();
    writeln!(text, "  action in [{}],", actions.join(", "))?;
    write!(text, "  resource == Dataspace::Product::{}\n)", literal(scope.product.as_str()))?;
    let mut unknowns = BTreeSet::new();
    rule.constraints.iter().for_each(|constraint| constraint.unknowns(&mut unknowns));
    let known: Vec<_> = unknowns.into_iter().map(is_known).collect();
    if known.is_empty() || kind == ClauseKind::Permission {
        let conditions = rule.constraints.iter().map(condition);
        // That a credential is held is known where it is held: the condition itself.
        let conditions = conditions.filter(|one| !known.contains(one));
        let all = (!known.is_empty()).then(|| known.join(" && "));
        for condition in all.into_iter().chain(conditions) {
            write!(text, "\nwhen {{ {condition} }}")?;
        }
    } else {
        // WHY: what is not known must not open what is forbidden.
        let (known, all) = (known.join(" && "), joined(&rule.constraints, " && "));
        write!(text, "\nwhen {{ if {known} then {all} else true }}")?;
    }
    writeln!(text, ";")
}

fn is_known(fact: Unknown<'_>) -> String {
    match fact {
        Unknown::Fact(fact) => format!("{} has {}", fact.owner().path(), fact.name()),
        Unknown::Attribute(name) => format!("principal.hasTag({})", literal(name.as_str())),
        Unknown::Vouched(kind) => {
            format!("{}.hasTag({})", Fact::Contract.path(), literal(kind.as_str()))
        }
        Unknown::Credential(all) => {
            format!("{}.containsAny({})", Fact::Credentials.path(), set(all))
        }
    }
}

/// The fact is among the values: it is one of them, or, of a set, has one of them.
fn among(fact: Fact, values: Values<'_>) -> String {
    let (path, texts) = (fact.path(), values.texts());
    match fact.kind() {
        Kind::Texts => format!("{path}.containsAny({})", set(texts)),
        Kind::Roles => format!("{} in {}", fact.owner().path(), entities(ROLE, &texts)),
        Kind::Entity(ty) => format!("{}.contains({path})", entities(ty, &texts)),
        _ => contains(texts, path),
    }
}

fn condition(constraint: &Constraint) -> String {
    let zone = |hours: &Hours| format!("Dataspace::TimeZone::{}", literal(hours.zone.as_str()));
    match constraint.form() {
        Form::Among(fact, values) => among(fact, values),
        Form::Time(validity) => format!(
            "context.now >= datetime(\"{}\") && context.now < datetime(\"{}\")",
            validity.from(),
            validity.until()
        ),
        Form::From(at) => format!("context.now >= datetime(\"{at}\")"),
        Form::Before(at) => format!("context.now < datetime(\"{at}\")"),
        Form::Hours(hours) => {
            let days: Vec<_> = hours.weekdays.iter().map(|day| day.number().to_string()).collect();
            format!(
                "[{}].contains({zone}.weekday) && {zone}.minute >= {} && {zone}.minute < {}",
                days.join(", "),
                hours.from,
                hours.until,
                zone = zone(hours),
            )
        }
        Form::Elapsed(secs) => {
            format!("context.now < context.contract.agreedAt.offset(duration(\"{secs}s\"))")
        }
        Form::Count(max) => format!("context.uses < {max}"),
        Form::ConsumerCount(max) => format!("context.usesByConsumer < {max}"),
        Form::DayCount(max) => format!("context.usesToday < {max}"),
        Form::MonthCount(max) => format!("context.usesThisMonth < {max}"),
        Form::PlayCount(plays) => format!("context.plays <= {}", plays.max),
        Form::SecondsCount(max) => format!("context.seconds <= {max}"),
        Form::FirstSeconds(until) => format!("context.askedUntil <= {until}"),
        Form::Attribute { name, values } => {
            contains(values, &format!("principal.getTag({})", literal(name.as_str())))
        }
        Form::Vouched { kind, values } => {
            let kind = literal(kind.as_str());
            contains(values, &format!("{}.getTag({kind})", Fact::Contract.path()))
        }
        Form::Attested => "context.environment.attested".to_owned(),
        Form::Sandbox => "context.environment.sandbox".to_owned(),
        Form::SecurityLevel(least) => {
            format!("context.environment.securityLevel >= {least}")
        }
        Form::Level(most) => format!("resource.level <= {most}"),
        Form::Not(one) => format!("!({})", condition(one)),
        Form::All(all) => joined(all, " && "),
        Form::Any(all) => joined(all, " || "),
        Form::One(all) => {
            let each = all.iter().map(|one| format!("(if {} then 1 else 0)", condition(one)));
            format!("{} == 1", each.collect::<Vec<_>>().join(" + "))
        }
    }
}

/// Each in parentheses.
fn joined(all: &[Constraint], operator: &str) -> String {
    let all: Vec<_> = all.iter().map(|one| format!("({})", condition(one))).collect();
    all.join(operator)
}

fn contains<T: ToString>(values: impl IntoIterator<Item = T>, what: &str) -> String {
    format!("{}.contains({what})", set(values))
}

fn set<T: ToString>(values: impl IntoIterator<Item = T>) -> String {
    let values: Vec<_> = values.into_iter().map(|value| literal(&value.to_string())).collect();
    format!("[{}]", values.join(", "))
}

fn entities(entity_type: &str, ids: &[&str]) -> String {
    let ids: Vec<_> = ids.iter().map(|id| format!("{entity_type}::{}", literal(id))).collect();
    format!("[{}]", ids.join(", "))
}
