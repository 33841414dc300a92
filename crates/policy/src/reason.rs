use std::fmt;

use crate::action::Action;
use crate::policies::Layer;

/// One reason for a denial, in plain words by `Display`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// A clause would permit the action, but a condition does not hold.
    Unmet {
        /// The policy's id.
        clause: String,
        /// What the clause demands.
        demand: String,
        /// What the fact is.
        fact: String,
        /// What would permit, where nothing else is missing: `from 2027-01-01T00:00:00Z on`.
        near: Option<String>,
    },
    /// No clause of the contract permits the action at all.
    NotCovered {
        /// What was asked.
        action: Action,
    },
    /// The contract is not active here.
    NotActive,
    /// A clause of the contract forbids it.
    Prohibited {
        /// The policy's id.
        clause: String,
        /// The facts to which the clause applies.
        facts: Vec<String>,
    },
    /// The space or the provider forbids it.
    Forbidden {
        /// Who.
        layer: Layer,
        /// The policy's id in the layer.
        policy: String,
        /// The facts to which the policy applies.
        facts: Vec<String>,
    },
    /// A policy could not be evaluated; what cannot be evaluated is never true.
    PolicyError {
        /// Whose policy.
        layer: Layer,
        /// The policy's id.
        policy: String,
        /// The condition that has no value, and the facts that it asks for.
        facts: Vec<String>,
    },
    /// The compiled program and Cedar's own evaluator differ: a defect of this library, and nobody
    /// knows which is right.
    Mismatch,
    /// The facts could not be put before the policies.
    Facts {
        /// What is wrong with them.
        message: String,
    },
}

impl Reason {
    /// A stable word for scripts and logs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unmet { .. } => "unmet",
            Self::NotCovered { .. } => "not-covered",
            Self::NotActive => "not-active",
            Self::Prohibited { .. } => "prohibited",
            Self::Forbidden { layer: Layer::Provider, .. } => "forbidden-by-provider",
            Self::Forbidden { .. } => "forbidden-by-space",
            Self::PolicyError { .. } => "policy-error",
            Self::Mismatch => "mismatch",
            Self::Facts { .. } => "facts",
        }
    }
}

/// `: the request says marketing`, or nothing.
fn because(facts: &[String]) -> String {
    if facts.is_empty() { String::new() } else { format!(": {}", facts.join(", ")) }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unmet { clause, demand, fact, near } => {
                write!(f, "{clause}: {demand}; {fact}")?;
                match near {
                    Some(near) => write!(f, "; it would be permitted {near}"),
                    None => Ok(()),
                }
            }
            Self::NotCovered { action } => {
                write!(f, "no clause of the contract permits to {action}")
            }
            Self::NotActive => f.write_str("the contract is not active here"),
            Self::Prohibited { clause, facts } => {
                write!(f, "{clause} of the contract forbids it{}", because(facts))
            }
            Self::Forbidden { layer, policy, facts } => {
                write!(f, "the {layer} forbids it by its policy {policy}{}", because(facts))
            }
            Self::PolicyError { layer, policy, facts } => write!(
                f,
                "policy {policy} of the {layer} could not be evaluated, so it counts as a denial{}",
                because(facts)
            ),
            Self::Mismatch => f.write_str(
                "a check of the decision by a second evaluator failed; please report this defect",
            ),
            Self::Facts { message } => write!(f, "the facts cannot be evaluated: {message}"),
        }
    }
}
