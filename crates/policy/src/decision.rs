//! What was decided, and by which policies.

use std::fmt;

use crate::engine::program::Bits;
use crate::explain::{self, Explanation};
use crate::facts::Facts;
use crate::judged::{Active, Judged, Layers};
use crate::policies::Layer;
use crate::reason::Reason;

/// Stack with which any denial can be put into words.
const STACK_LEFT: usize = 1 << 20;
/// Stack that a thread with less gets.
const STACK_LEN: usize = 4 << 20;

/// The outcome of one evaluation. It explains itself on demand, by the facts that it was made on.
#[derive(Clone, Debug)]
#[must_use]
pub enum Decision<'a> {
    /// A contract permits, nobody forbids, and no policy erred.
    Permit(Grounds<'a>),
    /// Anything else.
    Deny(Denial<'a>),
}

/// Which clauses permit.
#[derive(Clone, Copy, Debug)]
pub struct Grounds<'a> {
    program: Active<'a>,
    facts: &'a Facts<'a>,
    layers: Layers<'a>,
    permits: Bits,
}

/// Why an access is denied. Never without a reason.
#[derive(Clone, Debug)]
pub struct Denial<'a> {
    cause: Cause<'a>,
}

#[derive(Clone, Debug)]
enum Cause<'a> {
    // WHY boxed: a permit must not pay for what a denial has to keep.
    Judged(Box<Judged<'a>>),
    NotActive,
    Mismatch,
    Facts(String),
}

impl<'a> Judged<'a> {
    pub(crate) fn decision(self) -> Decision<'a> {
        let outcomes = [self.contract, self.space, self.provider];
        let is_forbidden = outcomes.iter().any(|outcome| outcome.forbids | outcome.erred != 0);
        if self.contract.permits != 0 && !is_forbidden {
            let Self { program, facts, layers, contract, .. } = self;
            Decision::Permit(Grounds { program, facts, layers, permits: contract.permits })
        } else {
            Decision::Deny(Denial { cause: Cause::Judged(Box::new(self)) })
        }
    }

    fn names(&self, of: Bits) -> impl Iterator<Item = &'a str> {
        self.program.shape.code.names(of)
    }

    fn reasons(&self) -> Vec<Reason> {
        // WHY: words are made by recursion; they must not depend on the caller's stack.
        stacker::maybe_grow(STACK_LEFT, STACK_LEN, || self.all_reasons())
    }

    fn all_reasons(&self) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let of_contract = self.names(self.contract.erred).map(|id| (Layer::Contract, id));
        let of_layers = self.forbidding().flat_map(|(policies, outcome)| {
            policies.code.names(outcome.erred).map(|id| (policies.layer, id))
        });
        reasons.extend(of_contract.chain(of_layers).map(|(layer, policy)| {
            let facts = explain::facts_of_error(self, layer, policy);
            Reason::PolicyError { layer, policy: policy.to_owned(), facts }
        }));
        for (policies, outcome) in self.forbidding() {
            for policy in policies.code.names(outcome.forbids) {
                let (layer, facts) = (policies.layer, explain::facts_of(self, policies, policy));
                reasons.push(Reason::Forbidden { layer, policy: policy.to_owned(), facts });
            }
        }
        if self.contract.forbids == 0 && self.contract.permits == 0 {
            reasons.extend(explain::near_misses(self));
        }
        for clause in self.names(self.contract.forbids) {
            let facts = explain::facts_of_clause(self, clause);
            reasons.push(Reason::Prohibited { clause: clause.to_owned(), facts });
        }
        if reasons.is_empty() {
            reasons.push(Reason::NotCovered { action: self.facts.action });
        }
        reasons
    }
}

impl Decision<'_> {
    /// Returns true if the access is permitted.
    #[must_use]
    pub fn is_permit(&self) -> bool {
        matches!(self, Self::Permit(_))
    }

    /// What each clause that speaks of the action says to the facts, in plain words: those of the
    /// contract first. Empty if no policy was asked.
    #[must_use]
    pub fn explain(&self) -> Vec<Explanation> {
        match self {
            Self::Permit(Grounds { program, facts, layers, .. }) => {
                let of_layers = layers.evaluate(facts);
                let judged = of_layers.and_then(|said| program.judge(facts, *layers, said));
                judged.map_or_else(Vec::new, |judged| explained(&judged))
            }
            Self::Deny(Denial { cause: Cause::Judged(judged) }) => explained(judged),
            Self::Deny(_) => Vec::new(),
        }
    }
}

fn explained(judged: &Judged<'_>) -> Vec<Explanation> {
    stacker::maybe_grow(STACK_LEFT, STACK_LEN, || explain::all(judged))
}

/// Decisions are equal if they say the same.
impl PartialEq for Decision<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Permit(one), Self::Permit(other)) => one.policies().eq(other.policies()),
            (Self::Deny(one), Self::Deny(other)) => one.reasons() == other.reasons(),
            _ => false,
        }
    }
}

impl Eq for Decision<'_> {}

impl<'a> Grounds<'a> {
    /// Ids of the Cedar policies (`permission-1`) that permit, sorted; at least one.
    pub fn policies(&self) -> impl Iterator<Item = &'a str> {
        self.program.shape.code.names(self.permits)
    }
}

impl Denial<'_> {
    pub(crate) fn facts(message: String) -> Self {
        Self { cause: Cause::Facts(message) }
    }

    pub(crate) fn mismatch() -> Self {
        Self { cause: Cause::Mismatch }
    }

    pub(crate) fn not_active() -> Self {
        Self { cause: Cause::NotActive }
    }

    /// Why; never empty. The first reason is the one to show when there is room for one only.
    #[must_use]
    pub fn reasons(&self) -> Vec<Reason> {
        match &self.cause {
            Cause::Judged(judged) => judged.reasons(),
            Cause::NotActive => vec![Reason::NotActive],
            Cause::Mismatch => vec![Reason::Mismatch],
            Cause::Facts(message) => vec![Reason::Facts { message: message.clone() }],
        }
    }
}

impl fmt::Display for Denial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, reason) in self.reasons().iter().enumerate() {
            let separator = if i > 0 { "; " } else { "" };
            write!(f, "{separator}{reason}")?;
        }
        Ok(())
    }
}
