//! Why a decision is as it is, in plain words, from the compiled conditions and the facts.

use std::collections::BTreeSet;
use std::fmt;

use bumpalo::Bump;
use dataspace_primitives::{Name, UnixMillis};

use crate::decision::{Judged, Reason};
use crate::engine::eval::{Erred, Evaluation, Source};
use crate::engine::node::{Binary, Comparison, Compiled, Fact, FactSet, Node};
use crate::engine::paved::{self, Access};
use crate::engine::print::Printed;
use crate::engine::program::{Bits, Code, Outcome};
use crate::engine::shape::Constants;
use crate::engine::value::{Constant, Value};
use crate::facts::Facts;
use crate::policies::{Layer, Policies};
use crate::words::{list, quoted};

const DAY_MILLIS: u64 = 86_400_000;

/// What one clause says to the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whose clause.
    pub layer: Layer,
    /// The policy's id.
    pub clause: String,
    /// Whether it permits or forbids.
    pub is_permit: bool,
    /// Whether the clause applies.
    pub verdict: Verdict,
    /// Its conditions in their order, until the first that could not be evaluated. Empty for a
    /// clause that runs in Cedar's evaluator.
    pub conditions: Vec<Condition>,
}

/// One condition of a clause and the facts that it looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// What it demands: `the purpose must be research`.
    pub demand: String,
    /// What is: `the request says marketing`.
    pub fact: String,
    /// Whether it holds.
    pub verdict: Verdict,
}

/// Whether a clause applies or a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It does.
    Holds,
    /// It does not.
    Fails,
    /// It could not be evaluated; that denies.
    Erred,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effect = if self.is_permit { "permits" } else { "forbids" };
        let verdict = match self.verdict {
            Verdict::Holds => "applies",
            Verdict::Fails => "does not apply",
            Verdict::Erred => "could not be evaluated, which denies",
        };
        write!(f, "{} of the {} {effect}: {verdict}", self.clause, self.layer)?;
        for one in &self.conditions {
            let mark = match one.verdict {
                Verdict::Holds => "yes",
                Verdict::Fails => "no",
                Verdict::Erred => "error",
            };
            write!(f, "\n  {mark}: {}; {}", one.demand, one.fact)?;
        }
        Ok(())
    }
}

/// All clauses that speak of the action.
pub(crate) fn all(judged: &Judged<'_>) -> Vec<Explanation> {
    let code = &judged.program.shape.code;
    let constants = &judged.program.constants;
    let mut all = of_layer(judged.facts, constants, (Layer::Contract, code, judged.contract));
    for (policies, outcome) in judged.forbidding() {
        all.extend(of_layer(judged.facts, constants, (policies.layer, &policies.code, outcome)));
    }
    all
}

fn of_layer(
    facts: &Facts<'_>,
    constants: &Constants,
    (layer, code, outcome): (Layer, &Code, Outcome),
) -> Vec<Explanation> {
    let Some(access) = Access::new(facts, constants) else { return Vec::new() };
    let said = |bit: Bits| {
        if outcome.erred & bit != 0 {
            Verdict::Erred
        } else if (outcome.permits | outcome.forbids) & bit != 0 {
            Verdict::Holds
        } else {
            Verdict::Fails
        }
    };
    let of_action = code.compiled().filter(|(_, _, compiled)| {
        compiled.is_none_or(|compiled| compiled.speaks_of(facts.action))
    });
    of_action
        .map(|(bit, clause, compiled)| Explanation {
            layer,
            clause: clause.to_owned(),
            is_permit: compiled.map_or(outcome.permits & bit != 0, |compiled| compiled.is_permit),
            verdict: said(bit),
            conditions: compiled.map_or_else(Vec::new, |one| conditions(one, &access)),
        })
        .collect()
}

fn conditions(compiled: &Compiled, access: &Access<'_>) -> Vec<Condition> {
    let mut all = Vec::new();
    for node in &compiled.conditions {
        let verdict = verdict(node, access);
        let (demand, fact) = describe(node, access);
        all.push(Condition { demand, fact, verdict });
        if verdict == Verdict::Erred {
            break;
        }
    }
    all
}

fn verdict(node: &Node, access: &Access<'_>) -> Verdict {
    let memory = Bump::new();
    // The caller's stack may be small; conditions nest no deeper than what is compiled.
    let found = stacker::maybe_grow(256 << 10, 1 << 20, || {
        Evaluation { source: access, memory: &memory }.bool(node)
    });
    match found {
        Ok(true) => Verdict::Holds,
        Ok(false) => Verdict::Fails,
        Err(Erred) => Verdict::Erred,
    }
}

/// The facts to which a clause of the contract applies.
pub(crate) fn facts_of_clause(judged: &Judged<'_>, clause: &str) -> Vec<String> {
    deciding(judged, &judged.program.shape.code, clause)
}

/// The facts to which a policy of space or provider applies.
pub(crate) fn facts_of(judged: &Judged<'_>, policies: &Policies, policy: &str) -> Vec<String> {
    deciding(judged, &policies.code, policy)
}

fn deciding(judged: &Judged<'_>, code: &Code, clause: &str) -> Vec<String> {
    let access = Access::new(judged.facts, &judged.program.constants);
    let compiled = code.compiled().find(|(_, id, _)| *id == clause);
    let (Some(access), Some((_, _, Some(compiled)))) = (access, compiled) else {
        return Vec::new();
    };
    // Who asks for what, the asker knows.
    let telling = compiled.conditions.iter().filter(|node| {
        !matches!(node, Node::ParticipantIs(_) | Node::ProductIs(_) | Node::IsKnown(..))
    });
    telling.map(|node| statement(node, &access)).collect()
}

/// What is, in a sentence of its own.
fn statement(node: &Node, access: &Access<'_>) -> String {
    let mut facts = FactSet::default();
    node.facts(&mut facts);
    let mut facts = facts.iter();
    match (facts.next(), facts.next()) {
        (Some(only), None) => known(access, only),
        _ => in_general(node, access).1,
    }
}

/// For each clause that would permit the action, the conditions that do not hold.
pub(crate) fn near_misses(judged: &Judged<'_>) -> Vec<Reason> {
    let code = &judged.program.shape.code;
    let Some(access) = Access::new(judged.facts, &judged.program.constants) else {
        return Vec::new();
    };
    let is_else_free = judged.contract.erred == 0
        && judged.forbidding().all(|(_, outcome)| outcome.forbids | outcome.erred == 0);
    let mut reasons: Vec<Reason> = Vec::new();
    for (bit, clause, compiled) in code.compiled() {
        let Some(compiled) = compiled else { continue };
        let is_asked = compiled.is_permit && compiled.speaks_of(judged.facts.action);
        if !is_asked || judged.contract.erred & bit != 0 {
            continue;
        }
        let mut unmet = Vec::new();
        for node in &compiled.conditions {
            match verdict(node, &access) {
                Verdict::Holds => {}
                Verdict::Fails => unmet.push(node),
                // What stands behind a condition that fails may rest on it.
                Verdict::Erred => break,
            }
        }
        let is_only = is_else_free && unmet.len() == 1;
        reasons.extend(unmet.into_iter().map(|node| {
            let (demand, fact) = describe(node, &access);
            let near = if is_only { near(node, &access) } else { None };
            Reason::Unmet { clause: clause.to_owned(), demand, fact, near }
        }));
    }
    reasons
}

/// When or how a condition would hold, where that can be said.
fn near(node: &Node, access: &Access<'_>) -> Option<String> {
    let printed = Printed { node, constants: access.constants() };
    match node {
        Node::Now(Comparison::GreaterOrEqual, at) => {
            Some(format!("from {} on", printed.instant(*at)))
        }
        Node::Binary(Binary::Less, sides)
            if matches!(sides.as_ref(), [Node::Fact(Fact::UsesToday), _]) =>
        {
            let tomorrow = access.facts().now.as_millis() / DAY_MILLIS + 1;
            let tomorrow = UnixMillis::new(tomorrow.checked_mul(DAY_MILLIS)?)?;
            Some(format!("from {tomorrow} on"))
        }
        _ => None,
    }
}

/// What a condition demands and what is.
fn describe(node: &Node, access: &Access<'_>) -> (String, String) {
    let facts = access.facts();
    let printed = Printed { node, constants: access.constants() };
    match node {
        Node::ParticipantIs(text) => (
            format!("the consumer must be {}", quoted(printed.text(text))),
            format!("it is {}", quoted(facts.participant)),
        ),
        Node::ProductIs(text) => (
            format!("the product must be {}", quoted(printed.text(text))),
            format!("it is {}", quoted(facts.product)),
        ),
        Node::OneOf(fact, all) => one_of(*fact, &list(all.iter().map(quoted), "or"), access),
        Node::Now(comparison, at) => at_time(*comparison, &printed.instant(*at), access),
        Node::IsKnown(fact, _) => {
            let (what, _) = subject(*fact);
            (format!("{what} must be known"), known(access, *fact))
        }
        Node::Binary(op, sides) => {
            let [left, right] = sides.as_ref();
            binary(*op, left, right, access).unwrap_or_else(|| in_general(node, access))
        }
        Node::Attribute(of, name) if matches!(**of, Node::Fact(Fact::Environment)) => {
            let is = facts.environment.map(|one| match name.as_ref() {
                "attested" => one.attested,
                _ => one.sandbox,
            });
            let what = if name.as_ref() == "attested" { "attested" } else { "a sandbox" };
            let found = match is {
                Some(true) => "it is",
                Some(false) => "it is not",
                None => "it is not known",
            };
            (format!("the environment must be {what}"), found.to_owned())
        }
        node => in_general(node, access),
    }
}

fn one_of(fact: Fact, all: &str, access: &Access<'_>) -> (String, String) {
    let facts = access.facts();
    let demand = match fact {
        Fact::Purpose => format!("the purpose must be {all}"),
        Fact::Region => format!("the consumer must be established in {all}"),
        Fact::Class => format!("the product must be of the class {all}"),
        Fact::RecipientRegion => format!("the data must go to {all}"),
        fact => format!("{} must be {all}", subject(fact).0),
    };
    let found = match fact {
        Fact::Purpose => format!("the request says {}", quoted(facts.purpose)),
        Fact::Region => format!("it is established in {}", facts.region),
        Fact::Class => format!("it is of the class {}", quoted(facts.product_class)),
        Fact::RecipientRegion => match facts.recipient_region {
            Some(region) => format!("the request says {region}"),
            None => "the request does not say where they go".to_owned(),
        },
        fact => known(access, fact),
    };
    (demand, found)
}

fn at_time(comparison: Comparison, at: &str, access: &Access<'_>) -> (String, String) {
    let now = access.facts().now;
    match comparison {
        Comparison::GreaterOrEqual => {
            (format!("the time must be {at} or later"), format!("it is only {now}"))
        }
        Comparison::Greater => {
            (format!("the time must be after {at}"), format!("it is only {now}"))
        }
        Comparison::Less => {
            (format!("the time must be before {at}"), format!("it is already {now}"))
        }
        Comparison::LessOrEqual => {
            (format!("the time must be {at} at the latest"), format!("it is already {now}"))
        }
    }
}

/// Comparisons that terms write.
fn binary(op: Binary, left: &Node, right: &Node, access: &Access<'_>) -> Option<(String, String)> {
    let facts = access.facts();
    let limit = |node: &Node| match node {
        Node::Constant(constant) => constant.as_long(),
        _ => None,
    };
    match (op, left) {
        (Binary::Less, Node::Fact(fact)) => {
            let (uses, per) = match fact {
                Fact::Uses => (facts.uses.contract, ""),
                Fact::UsesByConsumer => (facts.uses.consumer, " of the consumer"),
                Fact::UsesToday => (facts.uses.today, " a day"),
                Fact::UsesThisMonth => (facts.uses.this_month, " a month"),
                _ => return None,
            };
            let limit = limit(right)?;
            Some((format!("at most {limit} uses{per} are permitted"), format!("{uses} were made")))
        }
        (Binary::LessOrEqual, Node::Fact(Fact::Level)) => Some((
            format!("the product must be classified {} or less", limit(right)?),
            format!("it is classified {}", facts.product_level),
        )),
        (Binary::In, Node::Principal) => {
            let roles = list(roles(right)?.iter(), "or");
            Some((format!("the consumer must have the role {roles}"), has(facts.roles, "role")))
        }
        (Binary::In, Node::Fact(Fact::Person)) => {
            let roles = list(roles(right)?.iter(), "or");
            let found = facts.person.map_or_else(
                || "nobody is named".to_owned(),
                |person| format!("{} {}", quoted(person.id), has(person.roles, "role")),
            );
            Some((format!("the person must have the role {roles}"), found))
        }
        (Binary::ContainsAny, Node::Fact(fact)) => {
            let all = list(strings(right)?.iter(), "or");
            Some(match fact {
                Fact::Purposes => (
                    format!("the purpose must be {all} or narrower"),
                    format!("the request says {}", quoted(facts.purpose)),
                ),
                Fact::Credentials => (
                    format!("the consumer must have the credential {all}"),
                    has(facts.credentials, "credential"),
                ),
                Fact::Events => (
                    format!("it must be during {all}"),
                    facts.events.map_or_else(
                        || "what goes on is not known".to_owned(),
                        |events| has(events, "event"),
                    ),
                ),
                _ => return None,
            })
        }
        _ => None,
    }
}

/// The roles of `Role::"a"` or a set of them.
fn roles(node: &Node) -> Option<Vec<String>> {
    let Node::Constant(constant) = node else { return None };
    let role = |value: Value<'_>| match value {
        Value::Entity(uid) if uid.ty == paved::ROLE => Some(quoted(uid.id)),
        _ => None,
    };
    match constant.as_value() {
        Value::Set(items) => items.iter().map(role).collect(),
        value => Some(vec![role(value)?]),
    }
}

fn strings(node: &Node) -> Option<Vec<String>> {
    let Node::Constant(Constant::Set(set)) = node else { return None };
    Some(set.as_strings()?.iter().map(quoted).collect())
}

fn has(names: &BTreeSet<Name>, what: &str) -> String {
    match names.len() {
        0 => format!("there is no {what}"),
        1 => format!("there is the {what} {}", list(names.iter().map(quoted), "and")),
        _ => format!("there are the {what}s {}", list(names.iter().map(quoted), "and")),
    }
}

/// The condition as Cedar text, and the facts in it.
fn in_general(node: &Node, access: &Access<'_>) -> (String, String) {
    let printed = Printed { node, constants: access.constants() };
    let mut named = FactSet::default();
    node.facts(&mut named);
    let found: Vec<_> = named.iter().map(|fact| known(access, fact)).collect();
    let found = match (verdict(node, access), found.is_empty()) {
        (Verdict::Erred, _) => "it cannot be evaluated".to_owned(),
        (Verdict::Holds, true) => "it does".to_owned(),
        (Verdict::Fails, true) => "it does not".to_owned(),
        (_, false) => found.join(", "),
    };
    (format!("`{printed}` must hold"), found)
}

/// What a fact is called, and whether it takes a plural verb.
fn subject(fact: Fact) -> (&'static str, bool) {
    match fact {
        Fact::Region => ("the consumer's region", false),
        Fact::Roles => ("the consumer's roles", true),
        Fact::Credentials => ("the consumer's credentials", true),
        Fact::Class => ("the product's class", false),
        Fact::Level => ("the product's classification", false),
        Fact::Now => ("the time", false),
        Fact::Purpose => ("the purpose", false),
        Fact::Purposes => ("the purpose with the broader ones", false),
        Fact::Space => ("the space", false),
        Fact::Contract => ("the contract", false),
        Fact::Uses => ("the number of uses", false),
        Fact::UsesByConsumer => ("the consumer's number of uses", false),
        Fact::UsesToday => ("the number of uses today", false),
        Fact::UsesThisMonth => ("the number of uses this month", false),
        Fact::Person => ("the person", false),
        Fact::Environment => ("the environment", false),
        Fact::RecipientRegion => ("the region of the recipient", false),
        Fact::Payment => ("the payment", false),
        Fact::Events => ("the events", true),
        Fact::State => ("the state of the process", false),
    }
}

/// `the purpose is marketing`.
fn known(access: &Access<'_>, fact: Fact) -> String {
    let (what, is_plural) = subject(fact);
    let is = if is_plural { "are" } else { "is" };
    match access.fact(fact) {
        Ok(Value::String(text)) => format!("{what} {is} {}", quoted(text)),
        Ok(Value::Entity(uid)) => format!("{what} {is} {}", quoted(uid.id)),
        Ok(value) => format!("{what} {is} {value}"),
        Err(Erred) => format!("{what} {is} not known"),
    }
}

impl Compiled {
    fn speaks_of(&self, action: crate::Action) -> bool {
        self.actions >> (action as usize) & 1 == 1
    }
}
