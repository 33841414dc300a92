//! A decision, made again.

use dataspace_policy::{Decision, Facts, Layers, Program};

use crate::access::denial::DenialReason;
use crate::access::outcome::Outcome;

/// A decision that was made again.
pub(super) struct Made {
    /// Why not; empty for a permit.
    pub(super) reasons: Vec<DenialReason>,
    /// The clauses that permit.
    pub(super) clauses: Vec<String>,
}

impl Made {
    pub(super) fn of(
        program: &Program,
        facts: &Facts<'_>,
        layers: Layers<'_>,
        standing: &[DenialReason],
        limit: Option<u64>,
    ) -> Self {
        let mut reasons = standing.to_vec();
        let clauses = match program.decide(facts, layers) {
            Decision::Permit(grounds) => {
                if let Some(limit) = limit
                    && facts.uses.contract >= limit
                {
                    reasons.push(DenialReason::QuotaExhausted { limit });
                }
                grounds.policies().map(str::to_owned).collect()
            }
            Decision::Deny(denial) => {
                reasons.extend(denial.reasons().into_iter().map(DenialReason::Policy));
                Vec::new()
            }
        };
        Self { reasons, clauses }
    }
}

impl From<Made> for Outcome {
    fn from(made: Made) -> Self {
        if made.reasons.is_empty() {
            Self::Permit(made.clauses)
        } else {
            Self::Deny(made.reasons.iter().map(DenialReason::recorded).collect())
        }
    }
}
