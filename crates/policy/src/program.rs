//! The decision on one access: the contract's own policies and the space's forbids, compiled.

use dataspace_primitives::Digest;

use crate::clause::ClauseKind;
use crate::decision::{Decision, Denial, Grounds, Reason};
use crate::engine::paved::Access;
use crate::engine::program::Outcome;
use crate::facts::Facts;
use crate::oracle;
use crate::policies::{InvalidPolicies, Layer, Policies};
use crate::shadow;
use crate::terms::Terms;
use crate::words;

/// Stack with which any compiled policy can be evaluated.
const STACK_LEFT: usize = 256 << 10;
/// Stack that a thread with less gets for a decision.
const STACK_LEN: usize = 1 << 20;

/// A contract's policies, ready to decide. Built once, when the contract becomes active.
#[derive(Debug)]
pub struct Program {
    policies: Policies,
    terms: Terms,
}

impl Program {
    /// Takes in the Cedar text that both parties signed. The text decides; the terms serve to
    /// explain denials.
    ///
    /// # Errors
    /// [`InvalidPolicies`] if the text is not acceptable Cedar.
    pub fn new(text: &str, terms: Terms) -> Result<Self, InvalidPolicies> {
        Ok(Self { policies: Policies::parse(text, Layer::Contract)?, terms })
    }

    /// The SHA-256 of the Cedar text that decides.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.policies.digest()
    }

    /// The terms that explain.
    #[must_use]
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// Decides by this contract and the space's forbids alone: permitted if the contract permits,
    /// nobody forbids and **no policy errs**. (Cedar by itself skips policies that err, forbids
    /// too.) One in [`SHADOW_SHARE`](crate::SHADOW_SHARE) decisions is held against Cedar's own
    /// evaluator; a difference denies.
    pub fn decide(&self, facts: &Facts, space: &Policies) -> Decision {
        match self.outcomes(facts, space) {
            Ok((by_contract, by_space)) => {
                if shadow::is_due() {
                    let contract_agrees = shadow::agrees(&self.policies.set, facts, &by_contract);
                    if !(shadow::agrees(&space.set, facts, &by_space) && contract_agrees) {
                        return deny(vec![Reason::Mismatch]);
                    }
                }
                self.decision(facts, by_contract, by_space)
            }
            Err(message) => deny(vec![Reason::Facts { message }]),
        }
    }

    /// As [`decide`](Self::decide), by Cedar's own evaluator, which defines what is right. Slow;
    /// for checks.
    pub fn decide_by_cedar(&self, facts: &Facts, space: &Policies) -> Decision {
        let by_contract = oracle::evaluate(&self.policies.set, facts);
        match (by_contract, oracle::evaluate(&space.set, facts)) {
            (Ok(by_contract), Ok(by_space)) => self.decision(facts, by_contract, by_space),
            (Err(message), _) | (_, Err(message)) => deny(vec![Reason::Facts { message }]),
        }
    }

    /// Number of policies that are not compiled and run in Cedar's evaluator.
    #[must_use]
    pub fn fallbacks(&self) -> usize {
        self.policies.compilation.fallbacks()
    }

    fn outcomes(&self, facts: &Facts, space: &Policies) -> Result<(Outcome, Outcome), String> {
        let access = Access::new(facts).ok_or("a number is larger than Cedar's")?;
        // WHY: the deepest expression that is compiled must not depend on the caller's stack.
        stacker::maybe_grow(STACK_LEFT, STACK_LEN, || {
            let by_contract = self.policies.compilation.evaluate(&access)?;
            Ok((by_contract, space.compilation.evaluate(&access)?))
        })
    }

    fn decision(&self, facts: &Facts, by_contract: Outcome, by_space: Outcome) -> Decision {
        let is_permitted = by_contract.forbids.is_empty() && !by_contract.permits.is_empty();
        let errors = by_contract.erred.into_iter().chain(by_space.erred);
        let mut reasons: Vec<_> = errors.map(|policy| Reason::PolicyError { policy }).collect();
        let forbids = by_space.forbids.into_iter();
        reasons.extend(forbids.map(|policy| Reason::ForbiddenBySpace { policy }));
        if !is_permitted {
            if by_contract.forbids.is_empty() {
                reasons.extend(self.near_misses(facts));
            }
            let forbids = by_contract.forbids.into_iter();
            reasons.extend(forbids.map(|clause| Reason::Prohibited { clause }));
            if reasons.is_empty() {
                reasons.push(Reason::NotCovered { action: facts.action });
            }
        }
        if reasons.is_empty() {
            Decision::Permit(Grounds { policies: by_contract.permits })
        } else {
            deny(reasons)
        }
    }

    /// For each permission of this action, the conditions that do not hold.
    fn near_misses(&self, facts: &Facts) -> Vec<Reason> {
        let permissions = self.terms.rules().filter(|(id, rule)| {
            id.kind == ClauseKind::Permission && rule.actions.contains(&facts.action)
        });
        permissions
            .flat_map(|(id, rule)| rule.constraints.iter().map(move |one| (id, one)))
            .filter_map(|(id, constraint)| {
                let (demand, fact) = words::unmet(constraint, facts)?;
                Some(Reason::Unmet { clause: id.to_string(), demand, fact })
            })
            .collect()
    }
}

fn deny(reasons: Vec<Reason>) -> Decision {
    Decision::Deny(Denial { reasons })
}
