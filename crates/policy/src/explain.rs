//! Why a decision is as it is, in plain words, from the compiled conditions and the facts.

use std::fmt;

use cedar_policy::PolicyId;
use dataspace_primitives::UnixMillis;

use self::describe::describe;
use self::mentioned::mentioned;
pub use self::verdict::Verdict;
use self::verdict::verdict;
use crate::engine::node::{Binary, Comparison, Compiled, Node};
use crate::engine::paved::Access;
use crate::engine::print::Printed;
use crate::engine::program::{Bits, Code, Outcome};
use crate::engine::quote::shown;
use crate::engine::shape::Constants;
use crate::facts::{Fact, Facts};
use crate::judged::Judged;
use crate::policies::{self, Layer, Policies};
use crate::reason::Reason;

mod describe;
mod known;
mod mentioned;
mod verdict;

const DAY_MILLIS: u64 = 86_400_000;

/// What one clause says to the facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// Whose clause.
    pub layer: Layer,
    /// The policy's id.
    pub clause: String,
    /// True if it permits or forbids.
    pub is_permit: bool,
    /// Says whether the clause applies.
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
    /// Says whether it holds.
    pub verdict: Verdict,
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
    let constants = judged.program.constants;
    let mut all = of_layer(judged.facts, constants, (Layer::Contract, code, judged.contract));
    for (policies, outcome) in judged.forbidding() {
        all.extend(of_layer(judged.facts, constants, (policies.layer, &policies.code, outcome)));
    }
    all
}

fn of_layer(
    facts: &Facts<'_>,
    constants: Constants<'_>,
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
    let of_action = code.compiled().filter(|(bit, _, compiled)| match compiled {
        Some(compiled) => compiled.speaks_of(facts.action),
        None => code.other(*bit).is_some_and(|other| other.speaks_of(facts.action)),
    });
    of_action
        .map(|(bit, clause, compiled)| Explanation {
            layer,
            clause: clause.to_owned(),
            is_permit: match compiled {
                Some(compiled) => compiled.is_permit,
                None => code.other(bit).is_some_and(|other| other.is_permit),
            },
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

/// The facts to which a clause of the contract applies.
pub(crate) fn facts_of_clause(judged: &Judged<'_>, clause: &str) -> Vec<String> {
    deciding(judged, &judged.program.shape.code, clause)
}

/// The facts to which a policy of space or provider applies.
pub(crate) fn facts_of(judged: &Judged<'_>, policies: &Policies, policy: &str) -> Vec<String> {
    deciding(judged, &policies.code, policy)
}

fn deciding(judged: &Judged<'_>, code: &Code, clause: &str) -> Vec<String> {
    let access = Access::new(judged.facts, judged.program.constants);
    let compiled = code.compiled().find(|(_, id, _)| *id == clause);
    let (Some(access), Some((_, _, Some(compiled)))) = (access, compiled) else {
        return Vec::new();
    };
    // Who asks for what, the asker knows.
    let telling = compiled.conditions.iter().filter(|node| {
        !matches!(node, Node::ParticipantIs(_) | Node::ProductIs(_) | Node::IsKnown(..))
    });
    let mut facts = Vec::new();
    telling.for_each(|node| mentioned(node, &access, &mut facts));
    facts
}

/// The condition that has no value, and the facts that it asks for.
pub(crate) fn facts_of_error(judged: &Judged<'_>, layer: Layer, policy: &str) -> Vec<String> {
    let code = match layer {
        Layer::Contract => Some(&judged.program.shape.code),
        layer => {
            let mut layers = judged.forbidding();
            layers.find(|(policies, _)| policies.layer == layer).map(|(policies, _)| &policies.code)
        }
    };
    let compiled = code.and_then(|code| code.compiled().find(|(_, id, _)| *id == policy));
    let Some(access) = Access::new(judged.facts, judged.program.constants) else {
        return Vec::new();
    };
    let Some((_, _, Some(compiled))) = compiled else {
        let condition = in_cedar(judged, layer, policy);
        return condition
            .map(|condition| format!("`{condition}` has no value"))
            .into_iter()
            .collect();
    };
    let mut facts = Vec::new();
    let erring = compiled.conditions.iter().find(|node| verdict(node, &access) == Verdict::Erred);
    if let Some(node) = erring {
        let printed = Printed { node, constants: access.constants() };
        facts.push(format!("`{printed}` has no value"));
        mentioned(node, &access, &mut facts);
    }
    facts
}

/// The conditions of a policy that is not compiled, as Cedar writes them.
fn in_cedar(judged: &Judged<'_>, layer: Layer, policy: &str) -> Option<String> {
    let id = PolicyId::new(policy);
    let condition = |policy: &cedar_policy::Policy| {
        let condition = policy.as_ref().non_scope_constraints();
        condition.map_or_else(|| "true".to_owned(), |condition| shown(&condition.to_string()))
    };
    if layer == Layer::Contract {
        return policies::named(&judged.program.text())?.policy(&id).map(condition);
    }
    let mut layers = judged.forbidding();
    let (policies, _) = layers.find(|(policies, _)| policies.layer == layer)?;
    policies.set.policy(&id).map(condition)
}

/// For each clause that would permit the action, the conditions that do not hold.
pub(crate) fn near_misses(judged: &Judged<'_>) -> Vec<Reason> {
    let code = &judged.program.shape.code;
    let Some(access) = Access::new(judged.facts, judged.program.constants) else {
        return Vec::new();
    };
    let is_else_free = judged.contract.erred == 0
        && judged.forbidding().all(|(_, outcome)| outcome.forbids | outcome.erred == 0);
    let mut reasons: Vec<Reason> = Vec::new();
    for (bit, clause, compiled) in code.compiled() {
        let Some(compiled) = compiled else {
            let other = code.other(bit).filter(|one| one.speaks_of(judged.facts.action));
            let is_asked = other.is_some_and(|other| other.is_permit);
            if is_asked && judged.contract.erred & bit == 0 {
                reasons.extend(in_cedar(judged, Layer::Contract, clause).map(|condition| {
                    let (demand, fact) =
                        (format!("`{condition}` must hold"), "it does not".to_owned());
                    Reason::Unmet { clause: clause.to_owned(), demand, fact, near: None }
                }));
            }
            continue;
        };
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

impl Compiled {
    fn speaks_of(&self, action: crate::Action) -> bool {
        self.actions >> (action as usize) & 1 == 1
    }
}
